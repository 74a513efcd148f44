//! Writes a GPT through the `gpt` crate, onto a device in memory.

use std::collections::BTreeMap;

use ::gpt::GptConfig;
use ::gpt::mbr::ProtectiveMBR;
use ::gpt::partition::Partition as GptPartition;
use ::gpt::partition_types::BASIC;

use super::device::SparseDevice;
use super::{DiskError, DiskOptions, GPT_SECTORS, Partition, SECTOR_SIZE};
use crate::layout::Structure;

const LONGEST_NAME: usize = 36;

pub(super) fn structures(
    partitions: &[Partition],
    options: &DiskOptions,
    len: u64,
) -> Result<Vec<Structure>, DiskError> {
    for partition in partitions {
        let units = partition.name.encode_utf16().count();
        if units > LONGEST_NAME {
            return Err(DiskError::NameTooLong { name: partition.name.to_owned(), units });
        }
    }
    let refused = |error: &dyn std::fmt::Display| DiskError::Gpt(error.to_string());
    let sectors = len / SECTOR_SIZE;
    let mut device = SparseDevice::new(len);
    // The protective partition covers the disk, or as much of it as 32 bits can say.
    ProtectiveMBR::with_lb_size(u32::try_from(sectors - 1).unwrap_or(u32::MAX))
        .overwrite_lba0(&mut device)
        .map_err(|error| refused(&error))?;

    // The crate's types for GUIDs are not its own; text is the way to them without another dependency.
    let disk_guid = options.disk_guid.to_string().parse().map_err(|_| refused(&"disk GUID"))?;
    let mut disk = GptConfig::new()
        .writable(true)
        .create_from_device(device, Some(disk_guid))
        .map_err(|error| refused(&error))?;
    let mut entries = BTreeMap::new();
    for (number, partition) in (1..).zip(partitions) {
        // Not `add_partition`, which draws a random GUID.
        let entry = GptPartition {
            part_type_guid: BASIC,
            part_guid: partition.guid.to_string().parse().map_err(|_| refused(&"partition GUID"))?,
            first_lba: partition.start_sector,
            last_lba: partition.start_sector + partition.sectors - 1,
            flags: 0,
            name: partition.name.to_owned(),
        };
        entries.insert(number, entry);
    }
    disk.update_partitions(entries).map_err(|error| refused(&error))?;
    let device = disk.write().map_err(|error| refused(&error))?;

    let entries = GPT_SECTORS - 1;
    let regions = [
        (0, 1, "protective MBR"),
        (1, 1, "GPT header"),
        (2, entries, "GPT entries"),
        (sectors - GPT_SECTORS, entries, "backup GPT entries"),
        (sectors - 1, 1, "backup GPT header"),
    ];
    let structure = |(first, count, label)| {
        let bytes = device.copy(first, count).into();
        Structure { offset: first * SECTOR_SIZE, label, bytes }
    };
    Ok(regions.into_iter().map(structure).collect())
}
