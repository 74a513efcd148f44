//! Opens anything this program makes or reads, and says what it is.

use std::sync::Arc;

use thiserror::Error;

use crate::content::Content;
use crate::disk::{self, DiskError, DiskTable};
use crate::fat32::{FatError, Volume};
use crate::hive::{Hive, HiveError};
use crate::io::Source;
use crate::iso::{Disc, IsoError};
use crate::sealed;
use crate::wim::{self, Wim, WimError};

/// What a file or device turned out to be.
pub enum Medium {
    /// An ISO.
    Iso(Disc),
    /// A disk image or stick with a FAT32 volume.
    Disk {
        /// The partition table.
        table: DiskTable,
        /// The volume.
        volume: Volume,
    },
    /// A WIM file.
    Wim(Box<Wim>),
    /// An encrypted media variables file.
    Variables(Vec<u8>),
    /// A registry hive.
    Hive(Box<Hive>),
}

/// A file on a medium.
#[derive(Clone)]
pub struct MediumFile {
    /// Path from the root, `/` between names.
    pub path: String,
    /// Its bytes.
    pub content: Content,
}

/// Why something could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MediumError {
    /// It is nothing this program knows. Its bytes are not shown: files given by mistake may hold secrets.
    #[error(
        "not a task sequence medium: expected an ISO, a disk image or stick with a FAT32 volume, a WIM file, a media \
         variables file or a registry hive; its {len} bytes bear the mark of none of them"
    )]
    Unknown {
        /// Its length in bytes.
        len: u64,
    },
    /// It could not be read.
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// The ISO.
    #[error(transparent)]
    Iso(#[from] IsoError),
    /// The partition table.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The FAT32 volume.
    #[error(transparent)]
    Fat(#[from] FatError),
    /// The WIM file.
    #[error(transparent)]
    Wim(#[from] WimError),
    /// The hive.
    #[error(transparent)]
    Hive(#[from] HiveError),
    /// The disk has a partition table and no partition that could be the medium.
    #[error("the partition table lists no partition")]
    NoPartition,
    /// It is far larger than anything of its kind.
    #[error("it is {len} bytes long, and a {kind} is at most {limit}")]
    TooLarge {
        /// What it looks like.
        kind: &'static str,
        /// How long it is.
        len: u64,
        /// How long it may be.
        limit: u64,
    },
}

const LARGEST_VARIABLES: u64 = 64 << 20;
const LARGEST_HIVE: u64 = 512 << 20;

/// Recognises a medium by its own marks, never by its name.
///
/// # Errors
/// [`MediumError`] when it is unknown or damaged.
pub fn open(source: Arc<dyn Source>) -> Result<Medium, MediumError> {
    let mut start = [0; 8];
    let known = source.read_at(0, &mut start)?;
    let start = &start[..known];
    if wim::has_signature(start) {
        return Ok(Medium::Wim(Box::new(Wim::open(source)?)));
    }
    if start.starts_with(b"regf") {
        return Ok(Medium::Hive(Box::new(Hive::open(whole(&*source, "registry hive", LARGEST_HIVE)?)?)));
    }
    if sealed::is_sealed(start) {
        return Ok(Medium::Variables(whole(&*source, "media variables file", LARGEST_VARIABLES)?));
    }
    if has_iso_mark(&*source) {
        return Ok(Medium::Iso(Disc::open(source)?));
    }
    let mut signature = [0; 2];
    if source.read_at(510, &mut signature)? == 2 && signature == [0x55, 0xAA] {
        return open_disk(source);
    }
    Err(MediumError::Unknown { len: source.len() })
}

/// A volume recognition sequence starts at sector 16 with the identifier one byte in (ECMA-167 2/9.1).
fn has_iso_mark(source: &dyn Source) -> bool {
    let mut mark = [0; 5];
    source.read_exact_at(16 * 2048 + 1, &mut mark).is_ok() && (&mark == b"CD001" || &mark == b"BEA01")
}

fn open_disk(source: Arc<dyn Source>) -> Result<Medium, MediumError> {
    let table = disk::read(&*source)?;
    let (start, len) = match table.partitions.first() {
        Some(partition) => (partition.start_sector * 512, partition.sectors * 512),
        None if table.scheme.is_none() => (0, source.len()),
        None => return Err(MediumError::NoPartition),
    };
    Ok(Medium::Disk { table, volume: Volume::open(source, start, len)? })
}

fn whole(source: &dyn Source, kind: &'static str, limit: u64) -> Result<Vec<u8>, MediumError> {
    let len = source.len();
    if len > limit {
        return Err(MediumError::TooLarge { kind, len, limit });
    }
    let mut bytes = vec![0; len as usize];
    source.read_exact_at(0, &mut bytes)?;
    Ok(bytes)
}

impl Medium {
    /// Every file on the volume; none for what has no volume.
    ///
    /// # Errors
    /// [`MediumError`] when the volume is damaged.
    pub fn files(&self) -> Result<Vec<MediumFile>, MediumError> {
        Ok(match self {
            Self::Iso(disc) => disc
                .files()?
                .into_iter()
                .map(|file| MediumFile { path: file.path, content: file.content })
                .collect(),
            Self::Disk { volume, .. } => volume
                .files()?
                .into_iter()
                .map(|file| MediumFile { path: file.path, content: file.content })
                .collect(),
            _ => Vec::new(),
        })
    }
}
