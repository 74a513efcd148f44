//! Transfer: from a medium that is there to a stick. Says which bytes of the medium a stick needs, and which of them it has.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use thiserror::Error;

use crate::content::Piece;
use crate::digest::CHUNK;
use crate::disk::SECTOR_SIZE;
use crate::io::Source;
use crate::medium::{self, Medium, MediumError};
use crate::origin::{Origin, OriginError};
use crate::plan::{Extent, Plan};
use crate::write::StickImage;

/// A medium as it goes on a stick.
pub struct Transfer {
    /// What is written.
    plan: Plan,
    origin: Option<Origin>,
    /// Why all bytes of the medium are written and not only those that belong to something.
    pub whole: Option<Whole>,
}

/// Why it is not known which bytes of a medium belong to something.
#[derive(Debug)]
pub enum Whole {
    /// It has no manifest.
    NoManifest,
    /// The manifest does not say it.
    Unknown(OriginError),
}

/// Why a medium cannot be put on a stick.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TransferError {
    /// It is no medium, or damaged.
    #[error(transparent)]
    Medium(#[from] MediumError),
    /// No firmware starts it from a stick.
    #[error("it is an ISO, which starts from a CD drive and not from a stick")]
    Disc,
    /// It is no medium at all.
    #[error("it is a {kind}, and no medium")]
    NoMedium {
        /// What it is.
        kind: &'static str,
    },
    /// It ends before its end.
    #[error("it has {found} bytes, and its manifest is that of a medium of {len}: it was cut short")]
    CutShort {
        /// How many there are.
        found: u64,
        /// How many there were.
        len: u64,
    },
}

/// Why a stick cannot be brought up to date.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// What is on the stick is no medium, or damaged.
    #[error("what is on the stick cannot be brought up to date: {0}")]
    Medium(#[from] MediumError),
    /// What is on the stick is a medium that somebody else made.
    #[error("what is on the stick has no manifest")]
    NoManifest,
    /// What is on the stick is not what its manifest says.
    #[error("what is on the stick cannot be brought up to date: {0}")]
    Origin(#[from] OriginError),
    /// The new medium does not say what it consists of.
    #[error("the new medium has no manifest that says what it consists of")]
    NewIsUnknown,
    /// The stick has a partition for data, and the new medium has none there.
    #[error(
        "the stick has a partition for data from byte {start} to {end}, which the new medium would destroy"
    )]
    DataPartition {
        /// Where it starts, in bytes.
        start: u64,
        /// Where it ends.
        end: u64,
    },
    /// The stick could not be read.
    #[error("reading the stick: {0}")]
    Read(#[from] std::io::Error),
}

impl Transfer {
    /// Looks at a medium.
    ///
    /// # Errors
    /// [`TransferError`] when it cannot be put on a stick.
    pub fn of(source: &Arc<dyn Source>) -> Result<Self, TransferError> {
        let medium = medium::open(source.clone())?;
        match &medium {
            Medium::Disk { .. } => {}
            Medium::Iso(_) => return Err(TransferError::Disc),
            Medium::Wim(_) => return Err(TransferError::NoMedium { kind: "boot image" }),
            Medium::Variables(_) => return Err(TransferError::NoMedium { kind: "media variables file" }),
            Medium::Hive(_) => return Err(TransferError::NoMedium { kind: "registry hive" }),
        }
        let origin = Origin::of(&medium.listing()?.files);
        let (origin, whole) = match origin {
            Ok(Some(origin)) => (Some(origin), None),
            Ok(None) => (None, Some(Whole::NoManifest)),
            Err(error) => (None, Some(Whole::Unknown(error))),
        };
        let plan = match &origin {
            Some(origin) if origin.laid.len > source.len() => {
                return Err(TransferError::CutShort { found: source.len(), len: origin.laid.len });
            }
            Some(origin) => of_origin(source, origin),
            None => all_of(source),
        };
        Ok(Self { plan, origin, whole })
    }

    /// What of it a stick does not have yet. Of files the checksums in the two manifests are compared, a stretch at a time;
    /// what they do not say is read from the stick.
    ///
    /// # Errors
    /// [`UpdateError`] when it is not known what is on the stick.
    pub fn update(&self, stick: &Arc<dyn Source>) -> Result<StickImage, UpdateError> {
        let new = self.origin.as_ref().ok_or(UpdateError::NewIsUnknown)?;
        let old =
            Origin::of(&medium::open(stick.clone())?.listing()?.files)?.ok_or(UpdateError::NoManifest)?;
        let mut plan = self.plan.clone();
        match (&old.laid.data, &new.laid.data) {
            // What its owner put there stays.
            (Some(there), Some(planned)) if there == planned => plan.emptied = None,
            (Some(there), _) => {
                return Err(UpdateError::DataPartition { start: there.start, end: there.end });
            }
            (None, _) => {}
        }
        Ok(StickImage::update(plan, &same(&old, new), &**stick)?)
    }

    /// All of it.
    pub fn image(self) -> StickImage {
        StickImage::new(self.plan)
    }
}

/// What the manifest says that the medium consists of.
fn of_origin(source: &Arc<dyn Source>, origin: &Origin) -> Plan {
    let slice = |offset, len, label: &str| Extent {
        offset,
        label: label.to_owned(),
        piece: Piece::Slice { source: source.clone(), offset, len },
    };
    let structures = origin.laid.structures();
    let mut extents: Vec<Extent> = structures
        .map(|(offset, structure)| slice(offset, structure.bytes.len() as u64, structure.label))
        .collect();
    for (number, file) in origin.shape.files.iter().enumerate() {
        extents.extend(origin.laid.extents(number).map(|run| slice(run.offset, run.len, &file.path)));
    }
    extents.sort_by_key(|extent| extent.offset);
    let (kind, zeros) = (origin.laid.kind.clone(), origin.laid.zeros().collect());
    Plan { len: origin.laid.len, kind, extents, zeros, emptied: origin.laid.emptied(), ..Plan::default() }
}

/// Everything there is, with what is missing of the last sector.
fn all_of(source: &Arc<dyn Source>) -> Plan {
    let len = source.len();
    let piece = Piece::Slice { source: source.clone(), offset: 0, len };
    let extents = vec![Extent { offset: 0, label: "the medium".to_owned(), piece }];
    let len = len.next_multiple_of(SECTOR_SIZE);
    Plan { len, kind: "a disk image".to_owned(), extents, ..Plan::default() }
}

/// What both media have at the same place, by the checksums of their manifests.
fn same(old: &Origin, new: &Origin) -> Vec<Range<u64>> {
    let old: HashMap<Range<u64>, [u8; 32]> = chunks(old).collect();
    let mut same: Vec<Range<u64>> = Vec::new();
    for (place, _) in chunks(new).filter(|(place, digest)| old.get(place) == Some(digest)) {
        match same.last_mut() {
            Some(last) if last.end == place.start => last.end = place.end,
            _ => same.push(place),
        }
    }
    same
}

/// Where each stretch of a file is that has a checksum of its own, and the checksum. Files in several runs are left out, of
/// which this program writes none.
fn chunks(origin: &Origin) -> impl Iterator<Item = (Range<u64>, [u8; 32])> {
    let listed: HashMap<&str, &[[u8; 32]]> =
        origin.manifest.files.iter().map(|file| (&*file.path, &*file.digest.0)).collect();
    let files = origin.shape.files.iter().enumerate();
    files.flat_map(move |(number, file)| {
        let mut runs = origin.laid.extents(number);
        let run = runs.next().filter(|_| runs.next().is_none());
        let digests = listed.get(&*file.path).copied().filter(|_| run.is_some()).unwrap_or_default();
        let start = run.map_or(0, |run| run.offset);
        let end = start + file.len;
        digests.iter().enumerate().map(move |(at, digest)| {
            let start = start + at as u64 * CHUNK;
            (start..(start + CHUNK).min(end), *digest)
        })
    })
}
