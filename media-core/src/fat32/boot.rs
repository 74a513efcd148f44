//! The sectors in front of the FATs: boot sector and FSInfo.

use super::geometry::{FATS, Geometry, RESERVED_SECTORS};
use super::names::ShortName;

/// Sector of the copy of the boot sector; the copy of FSInfo follows it.
pub(super) const BACKUP_SECTOR: u64 = 6;
/// Media descriptor of everything that is not a floppy disk, in the boot sector and in the first FAT entry.
pub(super) const MEDIA: u8 = 0xF8;

/// Where code starts in a FAT32 boot sector: after the 90 bytes of jump, name and parameters.
const CODE: usize = 90;

/// Prints the text behind it through the BIOS, waits for a key, and lets the BIOS try the next device.
#[rustfmt::skip]
const CODE_BYTES: [u8; 29] = [
    0x31, 0xC0,             //       xor  ax, ax
    0x8E, 0xD8,             //       mov  ds, ax
    0xBE, 0x77, 0x7C,       //       mov  si, 0x7C00 + 90 + 29
    0xFC,                   //       cld
    0xAC,                   // next: lodsb
    0x84, 0xC0,             //       test al, al
    0x74, 0x09,             //       jz   done
    0xB4, 0x0E,             //       mov  ah, 0x0E
    0xBB, 0x07, 0x00,       //       mov  bx, 7
    0xCD, 0x10,             //       int  0x10
    0xEB, 0xF2,             //       jmp  next
    0x30, 0xE4,             // done: xor  ah, ah
    0xCD, 0x16,             //       int  0x16
    0xCD, 0x19,             //       int  0x19
    0xF4,                   //       hlt
];
const TEXT: &[u8] =
    b"\r\nThis volume does not start in BIOS mode.\r\nPress a key to try the next device.\r\n\0";

/// The boot sector (fatgen103, "Boot Sector and BPB" and its FAT32 part).
pub(super) fn boot_sector(geometry: &Geometry, hidden: u32, volume_id: u32, label: &ShortName) -> [u8; 512] {
    let mut out = [0; 512];
    let mut put = |offset: usize, bytes: &[u8]| out[offset..offset + bytes.len()].copy_from_slice(bytes);
    let (sectors_per_track, heads) = disk_geometry(geometry.sectors);
    put(0, &[0xEB, CODE as u8 - 2, 0x90]);
    put(3, b"MSWIN4.1"); // what fatgen103 recommends: some readers look at it
    put(11, &512_u16.to_le_bytes());
    put(13, &[(geometry.cluster_size / 512) as u8]);
    put(14, &(RESERVED_SECTORS as u16).to_le_bytes());
    put(16, &[FATS as u8]);
    put(21, &[MEDIA]);
    put(24, &sectors_per_track.to_le_bytes());
    put(26, &heads.to_le_bytes());
    put(28, &hidden.to_le_bytes());
    put(32, &(geometry.sectors as u32).to_le_bytes());
    put(36, &(geometry.fat_sectors as u32).to_le_bytes());
    put(44, &2_u32.to_le_bytes()); // first cluster of the root
    put(48, &1_u16.to_le_bytes()); // sector of FSInfo
    put(50, &(BACKUP_SECTOR as u16).to_le_bytes());
    put(64, &[0x80]); // BIOS drive number
    put(66, &[0x29]); // the three fields below are there
    put(67, &volume_id.to_le_bytes());
    put(71, label);
    put(82, b"FAT32   ");
    put(CODE, &CODE_BYTES);
    put(CODE + CODE_BYTES.len(), TEXT);
    put(510, &[0x55, 0xAA]);
    out
}

/// The FSInfo sector (fatgen103, "FAT32 FSInfo Sector Structure").
pub(super) fn fs_info(free_clusters: u32, next_free: u32) -> [u8; 512] {
    let mut out = [0; 512];
    out[0..4].copy_from_slice(b"RRaA");
    out[484..488].copy_from_slice(b"rrAa");
    out[488..492].copy_from_slice(&free_clusters.to_le_bytes());
    out[492..496].copy_from_slice(&next_free.to_le_bytes());
    out[510..512].copy_from_slice(&[0x55, 0xAA]);
    out
}

/// Sectors per track and heads as `mkfs.fat` chooses them, after the table in the SD File System Specification.
fn disk_geometry(sectors: u64) -> (u16, u16) {
    match sectors {
        0..=262_144 => (32, 8),
        262_145..=524_288 => (32, 16),
        524_289..=1_032_192 => (63, 16),
        1_032_193..=2_064_384 => (63, 32),
        2_064_385..=4_128_768 => (63, 64),
        4_128_769..=8_257_536 => (63, 128),
        _ => (63, 255),
    }
}

/// Whether a structure with this label is an FSInfo sector.
pub(crate) fn is_fs_info(label: &str) -> bool {
    matches!(label, "FSInfo" | "backup FSInfo")
}

/// What FSInfo says after a change from `before` to `after`, on a volume where somebody else took or freed clusters: the
/// free ones are as many fewer or more, and where to look for them is not changed.
pub(crate) fn recount(found: &[u8], before: &[u8], after: &mut [u8]) {
    /// The count is not known.
    const UNKNOWN: u32 = u32::MAX;
    let count = |bytes: &[u8]| {
        bytes.get(488..492).and_then(|count| count.try_into().ok()).map_or(UNKNOWN, u32::from_le_bytes)
    };
    let counts = [count(found), count(before), count(after)];
    let free = match counts {
        [UNKNOWN, ..] | [_, UNKNOWN, _] | [.., UNKNOWN] => UNKNOWN,
        [found, before, after] => found.wrapping_add(after.wrapping_sub(before)),
    };
    if let (Some(target), Some(hint)) = (after.get_mut(488..496), found.get(492..496)) {
        target[..4].copy_from_slice(&free.to_le_bytes());
        target[4..].copy_from_slice(hint);
    }
}
