//! Partition tables of a disk with one partition, or a second one for other data: GPT with its protective MBR and backup, or a
//! classic MBR.
//!
//! Scope: 512-byte sectors; one or two partitions to write, any number to read. Refused: extended MBR partitions (shown, not
//! followed), GPT on disks of 4096-byte sectors. GPT is written through the `gpt` crate and read back by our own code.
//! Sources: UEFI Specification 2.10, section 5 ("GUID Partition Table (GPT) Disk Layout"), which also has the MBR.

mod device;
mod gpt;
mod guid;
mod mbr;
mod read;

#[cfg(test)]
mod tests;

use std::io;

use thiserror::Error;

use crate::bytes::Truncated;
use crate::layout::{Layout, PlacedExtent};

pub use guid::Guid;
pub use read::{DiskId, DiskTable, PartitionFacts, PartitionType, read};

/// Bytes in a sector, the only size there is here.
pub const SECTOR_SIZE: u64 = 512;

/// Where a partition starts by custom, in sectors: 1 MiB.
pub const FIRST_SECTOR: u64 = 2048;

/// Sectors of the entries and the header of a GPT, which its backup needs at the end.
const GPT_SECTORS: u64 = 33;

/// The kind of partition table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// GUID partition table.
    Gpt,
    /// Classic partition table in the master boot record.
    Mbr,
}

impl std::fmt::Display for Scheme {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Gpt => "GPT",
            Self::Mbr => "MBR",
        })
    }
}

/// A partition to be.
#[derive(Debug, Clone, Copy)]
pub struct Partition<'a> {
    /// What it is for.
    pub content: PartitionContent,
    /// Its identifier in a GPT.
    pub guid: Guid,
    /// Its name in a GPT, at most 36 UTF-16 units; an MBR has no names.
    pub name: &'a str,
    /// Its first sector: [`FIRST_SECTOR`], as a rule.
    pub start_sector: u64,
    /// Its length in sectors.
    pub sectors: u64,
}

/// What a partition is for. Both have the type that Windows gives a drive letter in a GPT (Microsoft basic data).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionContent {
    /// The medium's FAT32 volume; in an MBR active and of type 0x0C.
    Medium,
    /// Whatever its owner formats it for, NTFS or exFAT; in an MBR of type 0x07.
    Data,
}

/// How the table is to be written.
#[derive(Debug, Clone, Copy)]
pub struct DiskOptions {
    /// The kind of table.
    pub scheme: Scheme,
    /// The disk's identifier in a GPT.
    pub disk_guid: Guid,
    /// The disk's identifier in an MBR.
    pub mbr_signature: u32,
}

/// Why a partition table cannot be planned or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DiskError {
    /// The partition lies over the table, has no length, or ends behind what the table can count.
    #[error(
        "a partition from sector {start_sector} with {sectors} sectors: possible are sectors {first} to {last}"
    )]
    Range {
        /// First sector asked for.
        start_sector: u64,
        /// Length asked for.
        sectors: u64,
        /// First sector possible.
        first: u64,
        /// Last sector possible.
        last: u64,
    },
    /// The partition's name is too long for a GPT.
    #[error("the partition name \"{name}\" has {units} UTF-16 units, more than 36")]
    NameTooLong {
        /// The name.
        name: String,
        /// Its length.
        units: usize,
    },
    /// The `gpt` crate refused what was checked before.
    #[error("the partition table cannot be made: {0}")]
    Gpt(String),
    /// The source is too short for any partition table.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// The source could not be read.
    #[error("{what} at byte {offset}: {error}")]
    Io {
        /// What was being read.
        what: &'static str,
        /// Where, in bytes from the start.
        offset: u64,
        /// What the system says.
        #[source]
        error: io::Error,
    },
}

/// Length in bytes of an image with one partition: whole MiB, with room for the backup GPT behind the partition.
pub fn image_len(scheme: Scheme, start_sector: u64, sectors: u64) -> u64 {
    let behind = if scheme == Scheme::Gpt { GPT_SECTORS } else { 0 };
    let end = start_sector.saturating_add(sectors).saturating_add(behind);
    end.div_ceil(FIRST_SECTOR).saturating_mul(FIRST_SECTOR * SECTOR_SIZE)
}

/// The most sectors a partition can have in an image of `len` bytes, of which only whole MiB are used.
pub fn partition_sectors(scheme: Scheme, start_sector: u64, len: u64) -> u64 {
    let behind = if scheme == Scheme::Gpt { GPT_SECTORS } else { 0 };
    let sectors = len / SECTOR_SIZE / FIRST_SECTOR * FIRST_SECTOR;
    sectors.saturating_sub(start_sector + behind)
}

/// Plans a disk of [`image_len`] bytes behind its last partition; the layout has structures only, what is in the partitions is
/// the caller's. They are given in the order of their addresses.
///
/// # Errors
/// [`DiskError::Range`] and [`DiskError::NameTooLong`].
pub fn plan(partitions: &[Partition], options: &DiskOptions) -> Result<Layout, DiskError> {
    let end = |partition: &Partition| partition.start_sector.saturating_add(partition.sectors);
    let len = partitions.last().map_or(0, |last| image_len(options.scheme, last.start_sector, last.sectors));
    let (first, last) = match options.scheme {
        // Signed 63-bit byte offsets are what file systems and devices can address.
        Scheme::Gpt => (1 + GPT_SECTORS, i64::MAX as u64 / SECTOR_SIZE - (FIRST_SECTOR + GPT_SECTORS)),
        Scheme::Mbr => (1, u64::from(u32::MAX)),
    };
    let mut free = 0;
    let mut zeros = Vec::new();
    for partition in partitions {
        let Partition { start_sector, sectors, .. } = *partition;
        if start_sector < first.max(free) || sectors == 0 || end(partition) - 1 > last {
            return Err(DiskError::Range { start_sector, sectors, first: first.max(free), last });
        }
        // What other tools have put in front of a partition: a boot program, another table.
        zeros.push(PlacedExtent { offset: free * SECTOR_SIZE, len: (start_sector - free) * SECTOR_SIZE });
        free = end(partition);
    }
    let structures = match options.scheme {
        Scheme::Gpt => gpt::structures(partitions, options, len)?,
        Scheme::Mbr => vec![mbr::structure(partitions, options)],
    };
    zeros.retain(|run| run.len > 0);
    Ok(Layout { len, structures, files: Vec::new(), zeros })
}
