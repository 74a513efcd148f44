//! A medium with a manifest: planned again, as it was and as it is to be.

use std::ops::Range;

use super::merge::{Placed, merge};
use super::{Opened, Rework, ReworkError};
use crate::content::{Content, Piece};
use crate::digest::{self, Digest, DigestError};
use crate::event::Unobserved;
use crate::io::Source as _;
use crate::media::manifest::{self, ManifestError, ManifestValidity, MediumIdentity};
use crate::media::names::MediaLabel;
use crate::media::receipt::Receipt;
use crate::media::signing::SigningKey;
use crate::media::validity::Validity;
use crate::medium::find;
use crate::origin::{Origin, OriginError};
use crate::plan::{Laid, Shape};
use crate::seal::settle;
use crate::tree::{VolumeIds, room};

/// What a medium is to be.
pub(crate) struct Remade<'a> {
    /// Files that become others, by their path.
    pub(crate) files: Vec<(String, Vec<u8>)>,
    /// Who it is then.
    pub(crate) identity: MediumIdentity,
    /// When it is valid; as before when not given.
    pub(crate) validity: Option<&'a Validity>,
    /// What tells its volume from others.
    pub(crate) ids: VolumeIds,
}

/// Proves that files are what the manifest lists.
///
/// # Errors
/// [`ReworkError::NotAsListed`].
pub(crate) fn check_listed<'a>(
    medium: &Opened,
    origin: &Origin,
    paths: impl Iterator<Item = &'a str>,
) -> Result<(), ReworkError> {
    for path in paths {
        let (Some(file), Some(listed)) = (find(&medium.files, path), origin.manifest.file(path)) else {
            return Err(ReworkError::NoSuchFile { path: path.to_owned() });
        };
        let made =
            digest::digests(&[&file.content], "reading", &mut Unobserved).map_err(|error| match error {
                DigestError::Read(_, error) => ReworkError::Read(error),
                DigestError::Cancelled => ManifestError::Cancelled.into(),
            })?;
        if file.content.len() != listed.size || made.first() != Some(&listed.digest) {
            return Err(ReworkError::NotAsListed { path: file.path.clone() });
        }
    }
    Ok(())
}

/// Computes what changes. What the medium is then is what it would be had it been made so, byte for byte; but for what
/// somebody else has changed on it since.
///
/// # Errors
/// [`ReworkError`] when something has no room, or is not as it was planned.
pub(crate) fn remake(
    medium: &Opened,
    origin: &Origin,
    remade: Remade<'_>,
    key: Option<&SigningKey>,
) -> Result<Rework, ReworkError> {
    let (mut manifest, mut shape) = (origin.manifest.clone(), origin.shape.clone());
    shape.ids = remade.ids;
    shape.label =
        MediaLabel::new(&remade.identity.label).map_err(|_| OriginError::Impossible { what: "label" })?;
    manifest.identity = remade.identity;
    if let Some(validity) = remade.validity {
        manifest.validity = ManifestValidity::new(validity);
    }
    let mut files = remade.files;
    for (path, bytes) in &files {
        let entry = manifest.files.iter_mut().find(|entry| entry.path.eq_ignore_ascii_case(path));
        let entry = entry.ok_or_else(|| ReworkError::NoSuchFile { path: path.clone() })?;
        (entry.size, entry.digest) = (bytes.len() as u64, Digest::of(bytes));
        resize(&mut shape, path, bytes.len() as u64);
    }
    check_signature(medium, key)?;
    let laid = settle(&mut shape, &mut manifest)?;
    stay(origin, &shape, &laid)?;
    let bytes = manifest.to_bytes();
    let signature = key.map(|key| key.sign(&bytes)).transpose()?;
    files.push((manifest::PATH.to_owned(), bytes));
    files.extend(signature.clone().map(|signature| (manifest::SIGNATURE_PATH.to_owned(), signature)));

    let (mut before, mut after): (Vec<Range<u64>>, Vec<Placed<'_>>) = (Vec::new(), Vec::new());
    for (path, bytes) in &files {
        let number =
            shape.files.iter().position(|file| file.path.eq_ignore_ascii_case(path)).unwrap_or(usize::MAX);
        let mut done = 0;
        for extent in laid.extents(number) {
            after.push((extent.offset, &bytes[done..done + extent.len as usize]));
            done += extent.len as usize;
        }
        let found = find(&medium.files, path).map(|file| &file.content);
        before.extend(found.into_iter().flat_map(ranges));
    }
    let patches = merge(&*medium.source, (&origin.laid, &laid), (&before, &after))?;
    let paths = shape.files.iter().map(|file| &*file.path);
    let receipt = Receipt::new(manifest, signature, laid.places(paths));
    medium.rework(patches, Some(receipt))
}

fn resize(shape: &mut Shape, path: &str, len: u64) {
    if let Some(file) = shape.files.iter_mut().find(|file| file.path.eq_ignore_ascii_case(path)) {
        (file.len, file.room) = (len, room(&file.path, len));
    }
}

fn check_signature(medium: &Opened, key: Option<&SigningKey>) -> Result<(), ReworkError> {
    let found = find(&medium.files, manifest::SIGNATURE_PATH).map(|file| file.content.len());
    match (found, key.map(|key| key.signature_len() as u64)) {
        (Some(_), None) => Err(ReworkError::Signed),
        (None, Some(_)) => Err(ReworkError::NotSigned),
        (Some(found), Some(given)) if found != given => Err(ReworkError::OtherKey { found, given }),
        _ => Ok(()),
    }?;
    // What somebody else made is not given a signature that says it was made here.
    let read =
        |path| find(&medium.files, path).map(|file| file.content.to_vec(manifest::LARGEST)).transpose();
    match (key, read(manifest::PATH)?, read(manifest::SIGNATURE_PATH)?) {
        (Some(key), Some(listed), Some(signature)) if !key.verifying_key().verify(&listed, &signature) => {
            Err(ReworkError::NotSignedBy)
        }
        _ => Ok(()),
    }
}

/// Proves that every file is where it was: a file that takes more room than there is would move all behind it.
fn stay(origin: &Origin, shape: &Shape, laid: &Laid) -> Result<(), ReworkError> {
    let moved = |number: &usize| {
        laid.extents(*number).next().map(|extent| extent.offset)
            != origin.laid.extents(*number).next().map(|extent| extent.offset)
    };
    if laid.len == origin.laid.len && !(0..shape.files.len()).any(|number| moved(&number)) {
        return Ok(());
    }
    let grown =
        shape.files.iter().zip(&origin.shape.files).find(|(new, old)| new.reserved() != old.reserved());
    match grown {
        Some((new, old)) => Err(ReworkError::NoRoom {
            path: new.path.clone(),
            needed: new.len,
            // The next byte would take a next unit of room.
            room: old.reserved().saturating_sub(1),
        }),
        None => Err(OriginError::Impossible { what: "layout" }.into()),
    }
}

/// Where on the medium a file's bytes are.
fn ranges(content: &Content) -> Vec<Range<u64>> {
    let range = |piece: &Piece| match piece {
        Piece::Slice { offset, len, .. } => Some(*offset..offset + len),
        Piece::Bytes(_) => None,
    };
    content.pieces().iter().filter_map(range).collect()
}
