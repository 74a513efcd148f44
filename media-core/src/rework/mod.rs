//! Rework: makes files of a medium others where it is. Computes what changes, byte by byte; `write` carries it out.
//!
//! A medium with a manifest is planned again, as it was and as it is to be. Of one without, the structures that name the
//! files are changed.

pub(crate) mod journal;
mod merge;
mod planned;
mod unplanned;

use std::sync::Arc;

use thiserror::Error;

use crate::content::Piece;
use crate::disk::{SECTOR_SIZE, Scheme};
use crate::io::Source;
use crate::iso;
use crate::media::manifest::ManifestError;
use crate::media::receipt::Receipt;
use crate::media::signing::{KeyError, SigningKey};
use crate::media::variables::Variables;
use crate::medium::{self, Medium, MediumError, MediumFile, find};
use crate::origin::{Origin, OriginError};
use crate::plan::{Extent, Plan, PlanError};

pub use journal::Journal;
pub(crate) use planned::{Remade, check_listed, remake};

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
    /// What the medium will be, when it has a manifest.
    pub receipt: Option<Receipt>,
    /// What firmware and systems find the medium by: offset and length.
    boot: Vec<(u64, u64)>,
    /// Where a journal may be: offset, and the bytes there that nothing is known to use.
    places: Vec<(u64, u64)>,
}

/// What is to be changed.
#[derive(Default)]
pub struct Changes<'a> {
    /// Files, and what they are then.
    pub files: Vec<Replacement>,
    /// The media variables as they are then, for the manifest to say how long the medium is valid.
    pub variables: Option<&'a Variables>,
    /// What the manifest is signed with, when it was signed before.
    pub signing_key: Option<&'a SigningKey>,
}

/// A file's path and its new bytes.
pub type Replacement = (&'static str, Vec<u8>);

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
    /// What would have to change is not what was planned: it was damaged, or somebody else uses it.
    #[error(
        "the {structure} at byte {offset} is not as it was written: it was damaged, or changed by something else"
    )]
    Changed {
        /// The structure.
        structure: String,
        /// Bytes from the start of the medium.
        offset: u64,
    },
    /// It ends before its end.
    #[error("it has {found} bytes, and its manifest is that of a medium of {len}")]
    NotWhole {
        /// How many there are.
        found: u64,
        /// How many there were.
        len: u64,
    },
    /// The manifest is signed, and would not be any more.
    #[error("its manifest is signed, and without the signing key the changed one would not be")]
    Signed,
    /// The manifest is not signed, and there is no place for a signature.
    #[error("its manifest is not signed, and the medium has no place for a signature")]
    NotSigned,
    /// The signature that is there has another length.
    #[error("its manifest's signature has {found} bytes, and that of the key given would have {given}")]
    OtherKey {
        /// The length of the one that is there.
        found: u64,
        /// The length the new one would have.
        given: u64,
    },
    /// The signature that is there was not made with the key of the new one.
    #[error("its manifest was not signed with the key given, or was changed since")]
    NotSignedBy,
    /// The manifest could not be signed.
    #[error("signing the manifest: {0}")]
    Signature(#[from] KeyError),
    /// The manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// It cannot be said how it was planned.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// It cannot be planned as it is to be.
    #[error(transparent)]
    Plan(#[from] PlanError),
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

/// The largest file that is read whole.
pub(crate) const LARGEST: u64 = 64 << 20;
/// Where a journal is on a disk: behind the 128 entries of a GPT.
const ON_DISK: u64 = 34 * SECTOR_SIZE;
/// Where a journal is on an ISO: behind the descriptors, in front of the first UDF anchor; or in the system area.
const ON_ISO: [(u64, u64); 2] = [(64 << 10, (512 - 64) << 10), (0, 32 << 10)];

/// Computes what changes when files have other bytes. The manifest and its signature, where there are any, are changed
/// along.
///
/// # Errors
/// [`ReworkError`] when it is no medium, damaged, or has no room.
pub fn rework(source: &Arc<dyn Source>, changes: &Changes<'_>) -> Result<Rework, ReworkError> {
    let medium = Opened::new(source)?;
    let mut files = Vec::new();
    for (path, bytes) in &changes.files {
        let file = find(&medium.files, path);
        let file = file.ok_or_else(|| ReworkError::NoSuchFile { path: (*path).to_owned() })?;
        if file.content.len() != bytes.len() as u64 || file.content.to_vec(LARGEST)? != *bytes {
            files.push((file.path.clone(), bytes.clone()));
        }
    }
    let Some(origin) = medium.origin()? else {
        let patches = unplanned::patches(&medium, &files)?;
        return medium.rework(patches, None);
    };
    // What is damaged is not given a manifest that says it is intact, even where it is not to be changed.
    check_listed(&medium, &origin, changes.files.iter().map(|(path, _)| *path))?;
    if files.is_empty() {
        return medium.rework(Vec::new(), None);
    }
    let identity = origin.manifest.identity.clone();
    let validity = changes.variables.map(|variables| origin.validity(variables));
    let remade = Remade { files, identity, validity: validity.as_ref(), ids: origin.shape.ids };
    remake(&medium, &origin, remade, changes.signing_key)
}

/// A medium that can be changed, with its files.
pub(crate) struct Opened {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) medium: Medium,
    pub(crate) files: Vec<MediumFile>,
}

impl Opened {
    /// Opens a medium.
    ///
    /// # Errors
    /// [`ReworkError::NoFiles`] for what has none, [`ReworkError::Medium`] for what is damaged.
    pub(crate) fn new(source: &Arc<dyn Source>) -> Result<Self, ReworkError> {
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
        Ok(Self { source: source.clone(), medium, files: listing.files })
    }

    /// How it was planned; `None` without a manifest.
    pub(crate) fn origin(&self) -> Result<Option<Origin>, ReworkError> {
        let origin = Origin::of(&self.files)?;
        let (found, len) =
            (self.source.len(), origin.as_ref().map_or(0, |origin| origin.manifest.volume.len()));
        // A stick has more bytes than the image that was written to it.
        if found < len { Err(ReworkError::NotWhole { found, len }) } else { Ok(origin) }
    }

    pub(crate) fn rework(
        &self,
        patches: Vec<Patch>,
        receipt: Option<Receipt>,
    ) -> Result<Rework, ReworkError> {
        let (boot, places) = places(&self.medium, &*self.source)?;
        Ok(Rework { len: self.source.len(), patches, receipt, boot, places })
    }
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
        let mut plan = Plan { len: self.len, kind: "changed medium".to_owned(), ..Plan::default() };
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
            let piece = Piece::Bytes(patch.bytes.to_vec().into());
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
