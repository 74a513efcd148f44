//! Opens anything this program makes or reads, and says what it is.

use std::sync::Arc;

use thiserror::Error;

use crate::content::Content;
use crate::disk::{self, DiskError, DiskTable};
use crate::fat32::{FatError, Volume, VolumeFile};
use crate::hive::{Hive, HiveError};
use crate::io::Source;
use crate::iso::{Disc, DiscFile, IsoError};
use crate::media::boot_image::SOURCES_BOOT_WIM;
use crate::rework;
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
        /// Which of its partitions the volume is in; none without a table.
        partition: Option<usize>,
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

/// The file at a path, ignoring case as Windows does.
pub(crate) fn find<'a>(files: &'a [MediumFile], path: &str) -> Option<&'a MediumFile> {
    files.iter().find(|file| file.path.eq_ignore_ascii_case(path))
}

/// The files of a medium.
pub struct Listing {
    /// Every file that could be found.
    pub files: Vec<MediumFile>,
    /// The first thing that is wrong with the volume's folders; files may be missing for it.
    pub damage: Option<MediumError>,
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
    /// A change in place was cut short; its journal says how to finish it.
    #[error("a change of this medium was cut short, and until it is finished the medium does not start")]
    Unfinished,
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
/// Partitions that are looked into for the medium.
const MOST_PARTITIONS: usize = 16;

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
    if rework::journal::pending(&*source)?.is_some() {
        return Err(MediumError::Unfinished);
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
    if table.partitions.is_empty() {
        return match table.scheme {
            None => {
                let volume = Volume::open(source.clone(), 0, source.len())?;
                Ok(Medium::Disk { table, partition: None, volume })
            }
            Some(_) => Err(MediumError::NoPartition),
        };
    }
    let (index, volume) = find_volume(&source, &table)?;
    Ok(Medium::Disk { table, partition: Some(index), volume })
}

/// The partition that holds the medium. Windows and other tools may put an EFI system partition in front of it, so
/// of several volumes it is the one with a boot image.
fn find_volume(source: &Arc<dyn Source>, table: &DiskTable) -> Result<(usize, Volume), MediumError> {
    let (mut found, mut refused) = (None, None);
    for (index, partition) in table.partitions.iter().enumerate().take(MOST_PARTITIONS) {
        let bytes = |sectors: u64| sectors.saturating_mul(disk::SECTOR_SIZE);
        match Volume::open(source.clone(), bytes(partition.start_sector), bytes(partition.sectors)) {
            Ok(volume) if table.partitions.len() == 1 || has_boot_image(&volume)? => {
                return Ok((index, volume));
            }
            Ok(volume) => found = found.or(Some((index, volume))),
            Err(error @ FatError::Io { .. }) => return Err(error.into()),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    found.ok_or_else(|| refused.map_or(MediumError::NoPartition, MediumError::from))
}

fn has_boot_image(volume: &Volume) -> Result<bool, FatError> {
    Ok(volume.listing()?.0.iter().any(|file| file.path.eq_ignore_ascii_case(SOURCES_BOOT_WIM)))
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
    /// The files on the volume, as far as they can be found; none for what has no volume.
    ///
    /// # Errors
    /// [`MediumError`] when the volume cannot be read; that it is damaged is told in the listing.
    pub fn listing(&self) -> Result<Listing, MediumError> {
        Ok(match self {
            Self::Iso(disc) => {
                let (files, damage) = disc.listing()?;
                let file = |file: DiscFile| MediumFile { path: file.path, content: file.content };
                Listing {
                    files: files.into_iter().map(file).collect(),
                    damage: damage.map(MediumError::from),
                }
            }
            Self::Disk { volume, .. } => {
                let (files, damage) = volume.listing()?;
                let file = |file: VolumeFile| MediumFile { path: file.path, content: file.content };
                Listing {
                    files: files.into_iter().map(file).collect(),
                    damage: damage.map(MediumError::from),
                }
            }
            _ => Listing { files: Vec::new(), damage: None },
        })
    }
}
