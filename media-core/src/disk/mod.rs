//! Partition tables of a disk with one partition: GPT with its protective MBR and backup, or a classic MBR.
//!
//! Scope: 512-byte sectors; one partition to write, any number to read. Refused: extended MBR partitions (shown, not
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

/// The partition to be.
#[derive(Debug, Clone, Copy)]
pub struct Partition<'a> {
    /// Its name in a GPT, at most 36 UTF-16 units; an MBR has no names.
    pub name: &'a str,
    /// Its first sector: [`FIRST_SECTOR`], as a rule.
    pub start_sector: u64,
    /// Its length in sectors.
    pub sectors: u64,
}

/// How the table is to be written.
#[derive(Debug, Clone, Copy)]
pub struct DiskOptions {
    /// The kind of table.
    pub scheme: Scheme,
    /// The disk's identifier in a GPT.
    pub disk_guid: Guid,
    /// The partition's identifier in a GPT.
    pub partition_guid: Guid,
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

/// Plans a disk of [`image_len`] bytes; the layout has structures only, the partition's content is the caller's.
///
/// # Errors
/// [`DiskError::Range`] and [`DiskError::NameTooLong`].
pub fn plan(partition: &Partition, options: &DiskOptions) -> Result<Layout, DiskError> {
    let len = image_len(options.scheme, partition.start_sector, partition.sectors);
    let (first, last) = match options.scheme {
        // Signed 63-bit byte offsets are what file systems and devices can address.
        Scheme::Gpt => (1 + GPT_SECTORS, i64::MAX as u64 / SECTOR_SIZE - (FIRST_SECTOR + GPT_SECTORS)),
        Scheme::Mbr => (1, u64::from(u32::MAX)),
    };
    let end = partition.start_sector.saturating_add(partition.sectors);
    if partition.start_sector < first || partition.sectors == 0 || end - 1 > last {
        let Partition { start_sector, sectors, .. } = *partition;
        return Err(DiskError::Range { start_sector, sectors, first, last });
    }
    let structures = match options.scheme {
        Scheme::Gpt => gpt::structures(partition, options, len)?,
        Scheme::Mbr => vec![mbr::structure(partition, options)],
    };
    // What other tools have put in front of the first partition: a boot program, another table.
    let in_front = PlacedExtent { offset: 0, len: partition.start_sector * SECTOR_SIZE };
    Ok(Layout { len, structures, files: Vec::new(), zeros: vec![in_front] })
}
