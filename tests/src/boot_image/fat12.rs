//! A FAT12 image that holds one EFI program: what `efisys.bin` and its sisters are (1.44 MB, `EFI/BOOT/BOOTX64.EFI`).
//!
//! Larger programs get a larger image with 4 KiB clusters. Layout: Microsoft FAT specification 1.03.

const SECTOR: usize = 512;
const ROOT_ENTRIES: usize = 224;
const FATS: usize = 2;
/// FAT12 has at most this many clusters.
const MOST_CLUSTERS: usize = 4084;
const LAST: u16 = 0xFFF;
/// 2024-09-06 in FAT's form: years since 1980, month, day.
const DATE: u16 = 44 << 9 | 9 << 5 | 6;

/// An image with `program` as `EFI/BOOT/` and `name`, which is an 8.3 name such as `BOOTX64.EFI`.
pub fn image_with_program(name: &str, program: &[u8]) -> Vec<u8> {
    let (sectors, cluster_sectors, fat_sectors) = geometry(program.len());
    let cluster = cluster_sectors * SECTOR;
    let mut out = vec![0; sectors * SECTOR];
    put_boot_sector(&mut out, sectors, cluster_sectors, fat_sectors);

    // Cluster 2 is EFI, 3 is EFI/BOOT, the program follows in one run.
    let count = program.len().div_ceil(cluster);
    let mut fat = vec![0xFF0, LAST, LAST, LAST];
    fat.extend((4..4 + count).map(|index| if index == 3 + count { LAST } else { index as u16 + 1 }));
    for copy in 0..FATS {
        put_fat(&mut out[(1 + copy * fat_sectors) * SECTOR..], &fat);
    }
    let root = (1 + FATS * fat_sectors) * SECTOR;
    let data = root + ROOT_ENTRIES * 32;
    let place = |index: usize| data + (index - 2) * cluster;
    out[root..root + 32].copy_from_slice(&entry("EFI", 0x10, 2, 0));
    put_folder(&mut out[place(2)..], 2, 0, &entry("BOOT", 0x10, 3, 0));
    put_folder(&mut out[place(3)..], 3, 2, &entry(name, 0x20, 4, program.len() as u32));
    out[place(4)..place(4) + program.len()].copy_from_slice(program);
    out
}

/// Sectors in all, per cluster and per FAT.
fn geometry(len: usize) -> (usize, usize, usize) {
    let clusters = 2 + len.div_ceil(SECTOR);
    if clusters <= 2847 {
        return (2880, 1, 9);
    }
    let clusters = 2 + len.div_ceil(8 * SECTOR);
    assert!(clusters <= MOST_CLUSTERS, "a program of {len} bytes is too long for FAT12");
    let fat = ((clusters + 2) * 3).div_ceil(2).div_ceil(SECTOR);
    (1 + FATS * fat + ROOT_ENTRIES * 32 / SECTOR + clusters * 8, 8, fat)
}

fn put_boot_sector(out: &mut [u8], sectors: usize, cluster_sectors: usize, fat_sectors: usize) {
    out[..11].copy_from_slice(b"\xEB\x3C\x90MSDOS5.0");
    put_u16(out, 11, SECTOR);
    out[13] = cluster_sectors as u8;
    put_u16(out, 14, 1);
    out[16] = FATS as u8;
    put_u16(out, 17, ROOT_ENTRIES);
    put_u16(out, 19, sectors);
    out[21] = 0xF0;
    put_u16(out, 22, fat_sectors);
    put_u16(out, 24, 18);
    put_u16(out, 26, 2);
    out[38] = 0x29;
    out[39..43].copy_from_slice(&[0x45, 0x46, 0x49, 0x53]);
    out[43..62].copy_from_slice(b"NO NAME    FAT12   ");
    out[62..64].copy_from_slice(&[0xEB, 0xFE]);
    put_u16(out, 510, 0xAA55);
}

fn put_u16(out: &mut [u8], offset: usize, value: usize) {
    out[offset..offset + 2].copy_from_slice(&(value as u16).to_le_bytes());
}

/// Two entries share three bytes.
fn put_fat(out: &mut [u8], entries: &[u16]) {
    for (index, value) in entries.iter().enumerate() {
        let offset = index * 3 / 2;
        if index % 2 == 0 {
            out[offset] = *value as u8;
            out[offset + 1] |= (value >> 8) as u8;
        } else {
            out[offset] |= (value << 4) as u8;
            out[offset + 1] = (value >> 4) as u8;
        }
    }
}

fn put_folder(out: &mut [u8], own: u16, parent: u16, child: &[u8; 32]) {
    out[..32].copy_from_slice(&entry(".", 0x10, own, 0));
    out[32..64].copy_from_slice(&entry("..", 0x10, parent, 0));
    out[64..96].copy_from_slice(child);
}

fn entry(name: &str, attributes: u8, cluster: u16, len: u32) -> [u8; 32] {
    let mut out = [0; 32];
    out[..11].fill(b' ');
    let (stem, extension) = match name {
        "." | ".." => (name, ""),
        _ => name.split_once('.').unwrap_or((name, "")),
    };
    out[..stem.len()].copy_from_slice(stem.as_bytes());
    out[8..8 + extension.len()].copy_from_slice(extension.as_bytes());
    out[11] = attributes;
    put_u16(&mut out, 16, usize::from(DATE));
    put_u16(&mut out, 18, usize::from(DATE));
    put_u16(&mut out, 24, usize::from(DATE));
    put_u16(&mut out, 26, usize::from(cluster));
    out[28..].copy_from_slice(&len.to_le_bytes());
    out
}
