//! Self-relative security descriptors as files of Windows have them (MS-DTYP 2.4.6, 2.4.5, 2.4.4, 2.4.2).

/// The descriptors of one image; files name them by index.
pub(super) fn descriptors() -> Vec<Vec<u8>> {
    vec![system_folder(), trusted_installer(), registry_hive()]
}

/// Index of what folders and ordinary files have.
pub(super) const ORDINARY: u32 = 0;
/// Index of what protected system files have.
pub(super) const TRUSTED_INSTALLER: u32 = 1;
/// Index of what the files of the registry have.
pub(super) const REGISTRY: u32 = 2;

const FULL: u32 = 0x001F_01FF;
const READ_EXECUTE: u32 = 0x0012_00A9;

fn system_folder() -> Vec<u8> {
    let entries = [(0x03, FULL, system()), (0x03, FULL, administrators()), (0x03, READ_EXECUTE, users())];
    descriptor(0x8404, &system(), &system(), &entries)
}

fn trusted_installer() -> Vec<u8> {
    let entries = [
        (0x00, FULL, installer()),
        (0x00, READ_EXECUTE, system()),
        (0x00, READ_EXECUTE, administrators()),
        (0x00, READ_EXECUTE, users()),
        (0x00, READ_EXECUTE, sid(15, &[2, 1])),
    ];
    descriptor(0x9004, &installer(), &installer(), &entries)
}

fn registry_hive() -> Vec<u8> {
    let entries = [(0x00, FULL, system()), (0x00, FULL, administrators())];
    descriptor(0x9004, &administrators(), &system(), &entries)
}

fn system() -> Vec<u8> {
    sid(5, &[18])
}

fn administrators() -> Vec<u8> {
    sid(5, &[32, 544])
}

fn users() -> Vec<u8> {
    sid(5, &[32, 545])
}

fn installer() -> Vec<u8> {
    sid(5, &[80, 956_008_885, 3_418_522_649, 1_831_038_044, 1_853_292_631, 2_271_478_464])
}

fn sid(authority: u8, parts: &[u32]) -> Vec<u8> {
    let mut out = vec![1, parts.len() as u8, 0, 0, 0, 0, 0, authority];
    out.extend(parts.iter().flat_map(|part| part.to_le_bytes()));
    out
}

/// A descriptor with a DACL of allow entries `(flags, mask, who)` and no SACL.
fn descriptor(control: u16, owner: &[u8], group: &[u8], allowed: &[(u8, u32, Vec<u8>)]) -> Vec<u8> {
    let mut entries = Vec::new();
    for (flags, mask, who) in allowed {
        entries.extend([0, *flags]);
        entries.extend(((8 + who.len()) as u16).to_le_bytes());
        entries.extend(mask.to_le_bytes());
        entries.extend(who);
    }
    let mut dacl = vec![2, 0];
    dacl.extend(((8 + entries.len()) as u16).to_le_bytes());
    dacl.extend((allowed.len() as u16).to_le_bytes());
    dacl.extend([0, 0]);
    dacl.extend(entries);

    let owner_offset = 20 + dacl.len() as u32;
    let mut out = vec![1, 0];
    out.extend(control.to_le_bytes());
    out.extend(owner_offset.to_le_bytes());
    out.extend((owner_offset + owner.len() as u32).to_le_bytes());
    out.extend(0u32.to_le_bytes());
    out.extend(20u32.to_le_bytes());
    out.extend(dacl);
    out.extend(owner);
    out.extend(group);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_system_is_the_published_bytes() {
        // MS-DTYP 2.4.2.4: S-1-5-18.
        assert_eq!(system(), [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]);
        assert_eq!(installer().len(), 8 + 6 * 4);
    }
}
