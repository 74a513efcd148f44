//! Compares every structure with every other.

use super::volume::fs_info;
use super::walk::{ClusterSet, Complain, FatReader, damaged, root_label, walk};
use super::{FatError, SECTOR_SIZE, Volume};
use crate::finding::{Finding, Findings};

const DIRTY: &str = "fat32.dirty";
const STALE_COUNT: &str = "fat32.stale-free-count";
/// The bits of FAT entry 1 that are set after a clean shutdown, and while no read or write failed (fatgen103, "FAT
/// Data Structure").
const CLEAN_SHUTDOWN: u32 = 0x0800_0000;
const NO_HARD_ERROR: u32 = 0x0400_0000;
/// The bits that belong to no FAT entry.
const RESERVED: u32 = 0xF000_0000;
/// The byte of the boot sector where Windows and Linux note that the volume is mounted (bit 0), or is to be looked at for
/// bad sectors (bit 1).
const STATE: usize = 65;

pub(super) fn check(volume: &Volume) -> Result<Vec<Finding>, FatError> {
    let mut findings = Findings::default();
    let mut complain = |error: FatError| {
        // What is wrong with the volume is a finding; that it cannot be read is an error.
        let finding = finding(&error).ok_or(error)?;
        findings.push(finding);
        Ok(())
    };
    hidden_sectors(volume, &mut complain)?;
    backup_boot_sector(volume, &mut complain)?;
    fats_agree(volume, &mut complain)?;
    let walked = walk(volume, &mut complain)?;
    if walked.complete {
        let free = free_clusters(volume, &walked.used, &mut complain)?;
        fs_info_is_right(volume, free, &mut complain)?;
    }
    let boot_label = &volume.facts.boot_label;
    match root_label(volume) {
        Ok(label) if boot_label != "NO NAME" && label.as_ref() != Some(boot_label) => {
            let message = format!("{label:?} in the root folder, \"{boot_label}\" in the boot sector");
            findings.push(Finding::note("fat32.label-differs", "volume label", message));
        }
        // The walk has already said what is wrong with the root folder.
        Ok(_) | Err(FatError::Damaged { .. }) => {}
        Err(error) => return Err(error),
    }
    Ok(findings.finish("fat32.more-findings", "FAT32 volume"))
}

fn finding(error: &FatError) -> Option<Finding> {
    if let FatError::TooMany { path, .. } = error {
        return Some(Finding::error("fat32.too-many", path, error.to_string()));
    }
    let FatError::Damaged { id, place, found, expected } = error else { return None };
    let message = format!("found {found}, expected {expected}");
    // A stick that is in use, or was pulled out, has nothing wrong with it for that alone.
    Some(match *id {
        DIRTY | STALE_COUNT => Finding::note(id, place.clone(), message),
        _ => Finding::error(id, place.clone(), message),
    })
}

fn hidden_sectors(volume: &Volume, complain: &mut Complain) -> Result<(), FatError> {
    let found = volume.facts.hidden_sectors;
    if u64::from(found) * SECTOR_SIZE == volume.start {
        return Ok(());
    }
    let expected = "as many as lie in front of the volume";
    complain(damaged("fat32.hidden-sectors", "boot sector, hidden sectors", found, expected))
}

fn backup_boot_sector(volume: &Volume, complain: &mut Complain) -> Result<(), FatError> {
    if volume.backup_sector == 0 {
        return Ok(());
    }
    let (mut first, mut second) = ([0; 512], [0; 512]);
    volume.read("boot sector", 0, &mut first)?;
    volume.read("backup boot sector", volume.backup_sector * SECTOR_SIZE, &mut second)?;
    if first[STATE] & 3 != 0 {
        let found = format!("{:#04X}", first[STATE]);
        complain(damaged(DIRTY, "boot sector, byte 65", found, "a volume that is not in use"))?;
    }
    (first[STATE], second[STATE]) = (0, 0);
    if let Some(offset) = first.iter().zip(&second).position(|(one, other)| one != other) {
        let found = format!("{:#04X} and {:#04X} at byte {offset}", first[offset], second[offset]);
        complain(damaged("fat32.backup", "backup boot sector", found, "a copy of the boot sector"))?;
    }
    if !matches!(first[0], 0xEB | 0xE9) {
        complain(damaged("fat32.jump", "boot sector", format!("{:#04X}", first[0]), "a jump instruction"))?;
    }
    backup_fs_info(volume, complain)
}

/// Not every formatter writes the copy of FSInfo; what is there has to be one.
fn backup_fs_info(volume: &Volume, complain: &mut Complain) -> Result<(), FatError> {
    let sector = volume.backup_sector + volume.fs_info_sector;
    if sector >= volume.facts.reserved_sectors {
        return Ok(());
    }
    let mut bytes = [0; 512];
    volume.read("backup FSInfo", sector * SECTOR_SIZE, &mut bytes)?;
    if bytes != [0; 512] && fs_info(&bytes).is_none() {
        let expected = "RRaA, rrAa and 0xAA550000";
        complain(damaged("fat32.backup-fs-info", "backup FSInfo", "other signatures", expected))?;
    }
    Ok(())
}

fn fats_agree(volume: &Volume, complain: &mut Complain) -> Result<(), FatError> {
    const BLOCK: u64 = 1 << 20;
    let len = volume.facts.fat_sectors * SECTOR_SIZE;
    let mut media = [0; 22];
    volume.read("boot sector", 0, &mut media)?;
    let mut fat = FatReader::new(volume);
    let (first, second) = (fat.entry(0)?, fat.entry(1)?);
    if first != 0x0FFF_FF00 | u32::from(media[21]) {
        complain(damaged(
            "fat32.media",
            "FAT entry 0",
            format!("{first:#010X}"),
            "the boot sector's media descriptor",
        ))?;
    }
    for (bit, id, expected) in [
        (CLEAN_SHUTDOWN, DIRTY, "a volume that is not in use"),
        (NO_HARD_ERROR, "fat32.hard-error", "a volume that could always be read and written"),
    ] {
        if second & bit == 0 {
            complain(damaged(id, "FAT entry 1", format!("{second:#010X}"), expected))?;
        }
    }
    if volume.facts.fats < 2 {
        return Ok(());
    }
    let (mut one, mut two) = (vec![0; len.min(BLOCK) as usize], vec![0; len.min(BLOCK) as usize]);
    for start in (0..len).step_by(BLOCK as usize) {
        let count = (len - start).min(BLOCK) as usize;
        volume.read("FAT 1", volume.fat_offset(0) + start, &mut one[..count])?;
        volume.read("FAT 2", volume.fat_offset(1) + start, &mut two[..count])?;
        if start == 0 {
            // The state of a volume in use may be kept in the first FAT alone, and Windows keeps it in the reserved bits.
            let state = ((CLEAN_SHUTDOWN | RESERVED) >> 24) as u8;
            (one[7], two[7]) = (one[7] | state, two[7] | state);
        }
        if let Some(at) = one[..count].iter().zip(&two[..count]).position(|(left, right)| left != right) {
            let found = format!("a difference in entry {}", (start + at as u64) / 4);
            return complain(damaged("fat32.fats-differ", "FAT 2", found, "a copy of FAT 1"));
        }
    }
    Ok(())
}

/// Counts free clusters, and clusters that are neither free nor anybody's.
fn free_clusters(volume: &Volume, used: &ClusterSet, complain: &mut Complain) -> Result<u32, FatError> {
    let mut fat = FatReader::new(volume);
    let (mut free, mut lost, mut first_lost) = (0, 0_u32, 0);
    for cluster in 2..volume.facts.clusters + 2 {
        match fat.entry(cluster)? {
            0 => free += 1,
            // Marked as bad.
            0x0FFF_FFF7 => {}
            _ if used.contains(cluster) => {}
            _ => {
                lost += 1;
                first_lost = if lost == 1 { cluster } else { first_lost };
            }
        }
    }
    if lost > 0 {
        let found = format!("{lost} clusters from {first_lost} on that belong to nothing");
        complain(damaged("fat32.lost-cluster", "FAT 1", found, "a file or folder for each"))?;
    }
    Ok(free)
}

fn fs_info_is_right(volume: &Volume, free: u32, complain: &mut Complain) -> Result<(), FatError> {
    let mut bytes = [0; 512];
    volume.read("FSInfo", volume.fs_info_sector * SECTOR_SIZE, &mut bytes)?;
    let Some((count, next)) = fs_info(&bytes) else {
        return complain(damaged("fat32.fs-info", "FSInfo", "other signatures", "RRaA, rrAa and 0xAA550000"));
    };
    if let Some(count) = count.filter(|&count| count != free) {
        let found = format!("{count} free clusters where {free} are free");
        // Windows writes FSInfo only when it marks the volume as no longer in use.
        let id = if is_in_use(volume)? { STALE_COUNT } else { "fat32.free-count" };
        complain(damaged(id, "FSInfo", found, "the number of free clusters"))?;
    }
    if let Some(next) = next.filter(|&next| !volume.is_cluster(next)) {
        complain(damaged("fat32.next-free", "FSInfo", next, "the number of a cluster"))?;
    }
    Ok(())
}

fn is_in_use(volume: &Volume) -> Result<bool, FatError> {
    let mut state = [0];
    volume.read("boot sector", STATE as u64, &mut state)?;
    Ok(state[0] & 1 != 0 || FatReader::new(volume).entry(1)? & CLEAN_SHUTDOWN == 0)
}
