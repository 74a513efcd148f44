//! Rework: replaces files of a medium where it is. Computes what changes, byte by byte; `write` carries it out.

pub(crate) mod journal;

use std::sync::Arc;

use thiserror::Error;

use crate::bytes::to_hex_lower;
use crate::content::Piece;
use crate::disk::{SECTOR_SIZE, Scheme};
use crate::event::Unobserved;
use crate::fat32::{self, FatError};
use crate::io::Source;
use crate::iso::{self, IsoError};
use crate::layout::{FileSize, Layout};
use crate::media::manifest::{self, ManifestError};
use crate::medium::{self, Medium, MediumError, MediumFile};
use crate::plan::{Extent, Plan};

pub use journal::Journal;

/// Bytes of a medium that change.
#[derive(Clone)]
pub struct Patch {
    /// Bytes from the start of the medium.
    pub offset: u64,
    /// What it is: a path, or a structure's name.
    pub label: String,
    /// What is there afterwards.
    pub bytes: Vec<u8>,
}

/// What has to change on a medium for some of its files to be others.
pub struct Rework {
    /// Length of the medium in bytes.
    pub len: u64,
    /// What changes, ascending and not overlapping; empty when everything is so already.
    pub patches: Vec<Patch>,
    /// What firmware and systems find the medium by: offset and length.
    boot: Vec<(u64, u64)>,
    /// Where a journal may be: offset, and the bytes there that nothing is known to use.
    places: Vec<(u64, u64)>,
}

/// Why files of a medium cannot be replaced where it is.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReworkError {
    /// The medium.
    #[error(transparent)]
    Medium(#[from] MediumError),
    /// It has no files.
    #[error("a {kind} is not changed in place")]
    NoFiles {
        /// What it is.
        kind: &'static str,
    },
    /// The file is not there.
    #[error("{path} is not on the medium")]
    NoSuchFile {
        /// The path looked for.
        path: String,
    },
    /// The file has no room to grow.
    #[error("{path} needs {needed} bytes, and the medium has room for {room} there")]
    NoRoom {
        /// The file.
        path: String,
        /// How long it is to be.
        needed: u64,
        /// How long it can be.
        room: u64,
    },
    /// The file was changed after the manifest was made, or is damaged.
    #[error("{path} is not what the manifest lists: it was damaged, or changed by something else")]
    NotAsListed {
        /// The file.
        path: String,
    },
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Nowhere on the medium can what is to be done be noted down.
    #[error("the medium has no unused {needed} bytes in front of its file system to keep a journal in")]
    NoJournal {
        /// How many it takes.
        needed: u64,
    },
    /// It could not be read.
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
}

/// A file's path and its new bytes.
pub type Replacement = (&'static str, Vec<u8>);

/// The largest file that is read whole.
const LARGEST: u64 = 64 << 20;
/// Where a journal is on a disk: behind the 128 entries of a GPT.
const ON_DISK: u64 = 34 * SECTOR_SIZE;
/// Where a journal is on an ISO: behind the descriptors, in front of the first UDF anchor; or in the system area.
const ON_ISO: [(u64, u64); 2] = [(64 << 10, (512 - 64) << 10), (0, 32 << 10)];

/// Computes what changes when files have other bytes. The manifest, where there is one, is changed along.
///
/// # Errors
/// [`ReworkError`] when it is no medium, damaged, or has no room.
pub fn rework(source: &Arc<dyn Source>, replacements: &[Replacement]) -> Result<Rework, ReworkError> {
    let medium = medium::open(source.clone())?;
    let kind = match &medium {
        Medium::Iso(_) | Medium::Disk { .. } => None,
        Medium::Wim(_) => Some("WIM file"),
        Medium::Variables(_) => Some("media variables file"),
        Medium::Hive(_) => Some("registry hive"),
    };
    if let Some(kind) = kind {
        return Err(ReworkError::NoFiles { kind });
    }
    let listing = medium.listing()?;
    if let Some(damage) = listing.damage {
        return Err(damage.into());
    }
    let files = changed(&listing.files, replacements)?;
    let patches = match files.is_empty() {
        true => Vec::new(),
        false => patches(&**source, layout(&medium, &files)?, &files)?,
    };
    let (boot, places) = places(&medium, &**source)?;
    Ok(Rework { len: source.len(), patches, boot, places })
}

/// The files that become others, the manifest among them.
fn changed(
    listed: &[MediumFile],
    replacements: &[Replacement],
) -> Result<Vec<(String, Vec<u8>)>, ReworkError> {
    let manifest =
        find(listed, manifest::PATH).map(|file| file.content.to_vec(manifest::LARGEST)).transpose()?;
    let known = manifest.as_deref().map(manifest::read).transpose()?.unwrap_or_default();
    let (mut changed, mut entries) = (Vec::new(), Vec::new());
    for (path, bytes) in replacements {
        let file = find(listed, path).ok_or_else(|| ReworkError::NoSuchFile { path: (*path).to_owned() })?;
        let sha256 = |source: &dyn Source| {
            manifest::sha256(source, path, &mut Unobserved).map(|digest| to_hex_lower(&digest))
        };
        // What is damaged is not given a manifest that says it is intact.
        if let Some(known) = known.iter().find(|known| known.path.eq_ignore_ascii_case(path)) {
            if known.size != file.content.len() || known.sha256 != sha256(&file.content)? {
                return Err(ReworkError::NotAsListed { path: file.path.clone() });
            }
            entries.push((known.path.clone(), bytes.len() as u64, sha256(bytes)?));
        }
        if file.content.len() != bytes.len() as u64 || file.content.to_vec(LARGEST)? != *bytes {
            changed.push((file.path.clone(), bytes.clone()));
        }
    }
    if let (Some(manifest), false) = (manifest, changed.is_empty() || entries.is_empty()) {
        changed.push((manifest::PATH.to_owned(), manifest::with_files(&manifest, &entries)?));
    }
    Ok(changed)
}

fn find<'a>(files: &'a [MediumFile], path: &str) -> Option<&'a MediumFile> {
    files.iter().find(|file| file.path.eq_ignore_ascii_case(path))
}

fn layout(medium: &Medium, files: &[(String, Vec<u8>)]) -> Result<Layout, ReworkError> {
    let sizes = files.iter().map(|(path, bytes)| FileSize::new(path, bytes.len() as u64));
    let sizes: Vec<FileSize> = sizes.collect();
    match medium {
        Medium::Iso(disc) => iso::resize(disc, &sizes).map_err(|error| match error {
            IsoError::NoRoom { path, needed, room } => ReworkError::NoRoom { path, needed, room },
            error => MediumError::from(error).into(),
        }),
        Medium::Disk { volume, .. } => fat32::resize(volume, &sizes).map_err(|error| match error {
            FatError::NoRoom { path, needed, room } => ReworkError::NoRoom { path, needed, room },
            error => MediumError::from(error).into(),
        }),
        _ => Ok(Layout::default()),
    }
}

/// What the layout says, as far as it is not so already. Room of a file behind its end becomes zeros: what was there may
/// have been its old content.
fn patches(
    source: &dyn Source,
    layout: Layout,
    files: &[(String, Vec<u8>)],
) -> Result<Vec<Patch>, ReworkError> {
    let structures = layout.structures.into_iter();
    let mut all: Vec<Patch> = structures
        .map(|made| Patch { offset: made.offset, label: made.label.to_owned(), bytes: made.bytes })
        .collect();
    for (placement, (path, bytes)) in layout.files.iter().zip(files) {
        let mut done = 0;
        for extent in &placement.extents {
            let mut part =
                bytes[done.min(bytes.len())..(done + extent.len as usize).min(bytes.len())].to_vec();
            part.resize(extent.len as usize, 0);
            done += extent.len as usize;
            all.push(Patch { offset: extent.offset, label: path.clone(), bytes: part });
        }
    }
    all.sort_by_key(|patch| patch.offset);
    let mut changed = Vec::new();
    for patch in all {
        let mut before = vec![0; patch.bytes.len()];
        source.read_exact_at(patch.offset, &mut before)?;
        let differs = |at: &usize| before[*at] != patch.bytes[*at];
        let first = (0..before.len()).find(differs);
        let last = (0..before.len()).rev().find(differs);
        if let (Some(first), Some(last)) = (first, last) {
            let (offset, bytes) = (patch.offset + first as u64, patch.bytes[first..=last].to_vec());
            changed.push(Patch { offset, label: patch.label, bytes });
        }
    }
    Ok(changed)
}

type Ranges = Vec<(u64, u64)>;

/// What a medium is found by, and where a journal may be.
fn places(medium: &Medium, source: &dyn Source) -> Result<(Ranges, Ranges), ReworkError> {
    let used = |offset, len: u64| -> Result<bool, ReworkError> {
        let mut bytes = vec![0; len as usize];
        source.read_exact_at(offset, &mut bytes)?;
        Ok(bytes.iter().any(|byte| *byte != 0) && !bytes.starts_with(journal::MAGIC))
    };
    match medium {
        Medium::Disk { table, partition: Some(index), .. } => {
            let start = |partition: &crate::disk::PartitionFacts| partition.start_sector * SECTOR_SIZE;
            let mut boot = vec![(0, SECTOR_SIZE)];
            boot.extend((table.scheme == Some(Scheme::Gpt)).then_some((SECTOR_SIZE, SECTOR_SIZE)));
            boot.extend(table.partitions.get(*index).map(|partition| (start(partition), SECTOR_SIZE)));
            let first = table.partitions.iter().map(start).min().unwrap_or(0);
            Ok((boot, vec![(ON_DISK, first.saturating_sub(ON_DISK))]))
        }
        Medium::Iso(_) => {
            let mut boot = Vec::new();
            // A disc that is a disk image too.
            boot.extend(used(0, 1024)?.then_some((0, 1024)));
            boot.extend([(16 * iso::SECTOR, iso::SECTOR), (17 * iso::SECTOR, iso::SECTOR)]);
            Ok((boot, ON_ISO.to_vec()))
        }
        _ => Ok((Vec::new(), Vec::new())),
    }
}

impl Rework {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.patches.is_empty()
    }

    /// The changed medium as a whole, for writing it somewhere else.
    pub fn plan(&self, source: &Arc<dyn Source>) -> Plan {
        let mut plan =
            Plan { len: self.len, kind: "changed medium".to_owned(), extents: Vec::new(), files: Vec::new() };
        let kept = |offset, end: u64| Extent {
            offset,
            label: "the medium".to_owned(),
            piece: Piece::Slice { source: source.clone(), offset, len: end - offset },
        };
        let mut at = 0;
        for patch in &self.patches {
            if patch.offset > at {
                plan.extents.push(kept(at, patch.offset));
            }
            let piece = Piece::Bytes(patch.bytes.as_slice().into());
            plan.extents.push(Extent { offset: patch.offset, label: patch.label.clone(), piece });
            at = patch.offset + patch.bytes.len() as u64;
        }
        if at < self.len {
            plan.extents.push(kept(at, self.len));
        }
        plan
    }

    /// What is to be done, as it is noted on the medium before anything of it changes.
    ///
    /// # Errors
    /// [`ReworkError::NoJournal`], [`ReworkError::Read`].
    pub fn journal(&self, source: &dyn Source) -> Result<Journal, ReworkError> {
        Journal::new(source, &self.patches, &self.boot, &self.places)
    }
}
