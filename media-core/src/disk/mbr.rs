//! Writes a classic MBR: an active partition of type 0x0C, FAT32 addressed by sector number, and perhaps one of type 0x07.

use super::{DiskOptions, Partition, PartitionContent, SECTOR_SIZE};
use crate::layout::Structure;

/// FAT32, addressed by sector number (LBA).
const TYPE_FAT32_LBA: u8 = 0x0C;
/// NTFS or exFAT.
const TYPE_NTFS: u8 = 0x07;
const ACTIVE: u8 = 0x80;

/// The sector; [`super::plan`] has checked that starts and lengths fit 32 bits.
pub(super) fn structure(partitions: &[Partition], options: &DiskOptions) -> Structure {
    let mut bytes = vec![0; SECTOR_SIZE as usize];
    bytes[440..444].copy_from_slice(&options.mbr_signature.to_le_bytes());
    for (entry, partition) in bytes[446..510].chunks_exact_mut(16).zip(partitions) {
        (entry[0], entry[4]) = match partition.content {
            PartitionContent::Medium => (ACTIVE, TYPE_FAT32_LBA),
            PartitionContent::Data => (0, TYPE_NTFS),
        };
        entry[1..4].copy_from_slice(&cylinder_head_sector(partition.start_sector));
        entry[5..8].copy_from_slice(&cylinder_head_sector(partition.start_sector + partition.sectors - 1));
        entry[8..12].copy_from_slice(&(partition.start_sector as u32).to_le_bytes());
        entry[12..16].copy_from_slice(&(partition.sectors as u32).to_le_bytes());
    }
    bytes[510..].copy_from_slice(&[0x55, 0xAA]);
    Structure { offset: 0, label: "MBR", bytes: bytes.into() }
}

/// An address for BIOSes without LBA, on 255 heads and 63 sectors; what lies beyond is FE FF FF, as Windows writes it.
fn cylinder_head_sector(sector: u64) -> [u8; 3] {
    let (cylinder, rest) = (sector / (255 * 63), sector % (255 * 63));
    if cylinder > 1023 {
        return [0xFE, 0xFF, 0xFF];
    }
    [(rest / 63) as u8, (rest % 63 + 1) as u8 | (cylinder >> 8 << 6) as u8, cylinder as u8]
}

#[cfg(test)]
mod tests {
    use super::cylinder_head_sector;

    #[test]
    fn addresses_count_sectors_from_one_and_end_at_cylinder_1023() {
        assert_eq!(cylinder_head_sector(0), [0, 1, 0]);
        assert_eq!(cylinder_head_sector(2048), [32, 33, 0], "what Windows writes for 1 MiB");
        assert_eq!(cylinder_head_sector(1024 * 255 * 63 - 1), [254, 0xFF, 0xFF]);
        assert_eq!(cylinder_head_sector(1024 * 255 * 63), [0xFE, 0xFF, 0xFF]);
    }
}
