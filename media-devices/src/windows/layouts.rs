//! The bytes that drivers answer with, each laid out as the structure of the Windows SDK that is named with it (`winioctl.h`,
//! `ntddstor.h`). Numbers are little-endian, and lie where a C compiler for 64 bits puts them, which is the same for 32 bits.
//!
//! Nothing here trusts a length or an offset. What is too short to say something says nothing.

/// `STORAGE_DEVICE_DESCRIPTOR`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Descriptor {
    /// `DeviceType`: a SCSI peripheral device type.
    pub(super) device_type: u8,
    /// `RemovableMedia`
    pub(super) removable: bool,
    /// `BusType`: a `STORAGE_BUS_TYPE`.
    pub(super) bus: u32,
    pub(super) vendor: Option<String>,
    pub(super) product: Option<String>,
    pub(super) serial: Option<String>,
}

pub(super) fn descriptor(bytes: &[u8]) -> Option<Descriptor> {
    // Offsets are from the start of the structure; there is no text where one is 0, or -1 as some drivers have it.
    let text = |at| text(bytes, usize::try_from(u32_at(bytes, at)?).ok()?);
    Some(Descriptor {
        device_type: *bytes.get(8)?,
        removable: *bytes.get(10)? != 0,
        vendor: text(12),
        product: text(16),
        serial: text(24),
        bus: u32_at(bytes, 28)?,
    })
}

/// `DISK_GEOMETRY_EX`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    /// `MediaType`: a `MEDIA_TYPE`.
    pub(super) media_type: u32,
    /// `BytesPerSector`, of a logical sector.
    pub(super) sector_size: u32,
    /// `DiskSize`
    pub(super) size: u64,
}

pub(super) fn geometry(bytes: &[u8]) -> Option<Geometry> {
    Some(Geometry {
        media_type: u32_at(bytes, 8)?,
        sector_size: u32_at(bytes, 20)?,
        size: u64_at(bytes, 24)?,
    })
}

/// The number of a disk from a `STORAGE_DEVICE_NUMBER`: `2` of `\\.\PhysicalDrive2`.
pub(super) fn device_number(bytes: &[u8]) -> Option<u32> {
    /// `FILE_DEVICE_DISK`
    const DISK: u32 = 7;
    (u32_at(bytes, 0)? == DISK).then(|| u32_at(bytes, 4)).flatten()
}

/// The numbers of the disks that a volume is on, from its `VOLUME_DISK_EXTENTS`.
pub(super) fn disks_of_volume(bytes: &[u8]) -> Vec<u32> {
    let count = u32_at(bytes, 0).and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
    let extents = bytes.get(8..).unwrap_or_default().chunks_exact(24).take(count);
    let mut disks: Vec<u32> = extents.filter_map(|extent| u32_at(extent, 0)).collect();
    disks.sort_unstable();
    disks.dedup();
    disks
}

/// A partition of a `DRIVE_LAYOUT_INFORMATION_EX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Partition {
    /// `PartitionNumber`: `1` of `\\.\Harddisk2Partition1`.
    pub(super) number: u32,
    pub(super) kind: PartitionKind,
}

/// What a partition is for, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartitionKind {
    /// Part of a pool of Storage Spaces.
    StorageSpaces,
    /// Part of a group of dynamic disks.
    Dynamic,
    Other,
}

pub(super) fn partitions(bytes: &[u8]) -> Vec<Partition> {
    const FIRST: usize = 48;
    const EACH: usize = 144;
    let count = u32_at(bytes, 4).and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
    let entries = bytes.get(FIRST..).unwrap_or_default().chunks_exact(EACH).take(count);
    // Of an MBR four are listed always, and those that are none have no number.
    entries.filter_map(partition).filter(|partition| partition.number > 0).collect()
}

/// `PARTITION_INFORMATION_EX`
fn partition(entry: &[u8]) -> Option<Partition> {
    /// `PARTITION_STYLE_MBR` and `PARTITION_STYLE_GPT`
    const MBR: u32 = 0;
    const GPT: u32 = 1;
    /// `PARTITION_LDM`
    const MBR_DYNAMIC: u8 = 0x42;
    /// `PARTITION_SPACES_GUID`
    const SPACES: [u8; 16] =
        guid(0xe75c_af8f, 0xf680, 0x4cee, [0xaf, 0xa3, 0xb0, 0x01, 0xe5, 0x6e, 0xfc, 0x2d]);
    /// `PARTITION_LDM_METADATA_GUID` and `PARTITION_LDM_DATA_GUID`
    const DYNAMIC: [[u8; 16]; 2] = [
        guid(0x5808_c8aa, 0x7e8f, 0x42e0, [0x85, 0xd2, 0xe1, 0xe9, 0x04, 0x34, 0xcf, 0xb3]),
        guid(0xaf9b_60a0, 0x1431, 0x4f62, [0xbc, 0x68, 0x33, 0x11, 0x71, 0x4a, 0x69, 0xad]),
    ];
    let kind = match u32_at(entry, 0)? {
        MBR if *entry.get(32)? == MBR_DYNAMIC => PartitionKind::Dynamic,
        GPT if entry.get(32..48)? == SPACES => PartitionKind::StorageSpaces,
        GPT if DYNAMIC.iter().any(|kind| entry.get(32..48) == Some(kind)) => PartitionKind::Dynamic,
        _ => PartitionKind::Other,
    };
    Some(Partition { number: u32_at(entry, 24)?, kind })
}

/// A `GUID` as it lies in memory.
pub(super) const fn guid(first: u32, second: u16, third: u16, rest: [u8; 8]) -> [u8; 16] {
    let (a, b, c, d) = (first.to_le_bytes(), second.to_le_bytes(), third.to_le_bytes(), rest);
    [a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]]
}

/// The text at an offset, up to its end or that of the bytes. What surrounds it is padding.
fn text(bytes: &[u8], at: usize) -> Option<String> {
    let from = bytes.get(at..).filter(|_| at > 0)?;
    let text = from.split(|byte| *byte == 0).next()?;
    let text = String::from_utf8_lossy(text);
    let text = text.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control());
    (!text.is_empty()).then(|| text.to_owned())
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

#[cfg(test)]
#[path = "layouts_tests.rs"]
mod tests;
