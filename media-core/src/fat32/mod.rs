//! FAT32 volumes: a planner that places files it never sees, and a reader that trusts nothing it reads.
//!
//! Scope: new volumes of 512-byte sectors with two FATs and clusters of 512 bytes to 64 KiB; names up to 255 UTF-16
//! units. Refused: FAT12, FAT16, exFAT, other sector sizes, files of 4 GiB and more, names Windows cannot open.
//! Sources: Microsoft "FAT: General Overview of On-Disk Format" 1.03 (called fatgen103 here), ECMA-107.
//!
//! The planner lays a volume out as it is mastered: folders first, then every file in one run, then free space. It is
//! written here rather than driven through the `fatfs` crate because 0.3.6 limits names to 255 bytes of UTF-8 below
//! U+10000, gives `.config` a short name that starts with a space, scans a folder anew for every name in it, offers no
//! say in where data starts, and leaves dot entries, FSInfo and reserved sectors to be rewritten. Tests read every
//! volume back through it, as one referee of several.

mod boot;
mod check;
mod compare;
mod error;
mod geometry;
mod names;
mod plan;
mod resize;
mod tree;
mod volume;
mod walk;

#[cfg(test)]
mod tests;

pub(crate) use boot::{is_fs_info, recount};
pub use compare::compare;
pub use error::{FatError, NameProblem};
pub use plan::{Options, minimum_sectors, plan};
pub use resize::resize;
pub use volume::{Volume, VolumeFacts, VolumeFile};

/// Bytes in a sector, the only size there is here.
pub const SECTOR_SIZE: u64 = 512;

/// The longest file FAT can describe: its length field has 32 bits (fatgen103, "FAT Directory Structure").
pub const LARGEST_FILE: u64 = u32::MAX as u64;

/// The most 32-byte entries a folder may have, long-name slots and dot entries included (fatgen103: 2 MiB).
pub const LARGEST_FOLDER: u64 = 65_536;

/// The most UTF-16 units in a path, far above what Windows opens; it bounds what a crafted volume can make of us.
pub const LONGEST_PATH: usize = crate::budget::LONGEST_PATH;

/// The fewest clusters: a volume with fewer is FAT16, whatever its boot sector says (fatgen103, "FAT Type Determination").
pub const FEWEST_CLUSTERS: u64 = 65_525;

/// The most clusters: their numbers, from 2 on, must stay below the bad-cluster mark 0x0FFFFFF7.
pub const MOST_CLUSTERS: u64 = 0x0FFF_FFF4;
