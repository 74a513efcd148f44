//! The receipt: what was made, kept by whoever made it. The manifest once more, with the place of every byte on the medium.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::manifest::{self, FileEntry, Manifest, ManifestError, StructureEntry};
use crate::bytes::{from_hex, to_hex_lower};
use crate::digest::Digest;
use crate::layout::PlacedExtent;

/// The only version of the layout that is read.
const VERSION: u64 = 1;
/// A receipt is refused above this size.
pub const LARGEST: u64 = 128 << 20;

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The version of the layout.
    receipt: u64,
    /// The manifest, as it is on the medium.
    pub manifest: Manifest,
    /// SHA-256 of its file.
    pub manifest_sha256: String,
    /// Its signature, in hexadecimal.
    pub signature: Option<String>,
    /// Every run of bytes of the medium: structures and files, by their place.
    pub extents: Vec<StructureEntry>,
}

impl Receipt {
    /// Of a manifest, with the place of every file of the tree; a planner puts each file in one piece.
    pub(crate) fn new<'a>(
        manifest: Manifest,
        signature: Option<Vec<u8>>,
        files: impl Iterator<Item = (&'a str, Option<PlacedExtent>)>,
    ) -> Self {
        let bytes = manifest.to_bytes();
        let listed: BTreeMap<&str, &Digest> =
            manifest.files.iter().map(|FileEntry { path, digest, .. }| (&**path, digest)).collect();
        let digest = |path: &str| match path {
            manifest::PATH => Some(Digest::of(&bytes)),
            manifest::SIGNATURE_PATH => signature.as_deref().map(Digest::of),
            path => listed.get(path).map(|digest| (*digest).clone()),
        };
        let mut extents = manifest.structures.clone();
        for (path, place) in files {
            if let (Some(place), Some(digest)) = (place, digest(path)) {
                let (label, offset, size) = (path.to_owned(), place.offset, place.len);
                extents.push(StructureEntry { label, offset, size, digest });
            }
        }
        extents.sort_by_key(|extent| extent.offset);
        Self {
            receipt: VERSION,
            manifest_sha256: to_hex_lower(&Digest::of(&bytes).0[0]),
            signature: signature.map(|signature| to_hex_lower(&signature)),
            extents,
            manifest,
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`ManifestError::NotAReceipt`] with what is wrong.
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        let wrong = |what: String| Err(ManifestError::NotAReceipt(what));
        let read: Self = match serde_json::from_slice(bytes) {
            Ok(read) => read,
            Err(error) => return wrong(error.to_string()),
        };
        if read.receipt != VERSION {
            return wrong(format!("it has version {}, and this program knows {VERSION}", read.receipt));
        }
        let manifest = read.manifest.to_bytes();
        Manifest::read(&manifest)?;
        if to_hex_lower(&Digest::of(&manifest).0[0]) != read.manifest_sha256 {
            return wrong("its manifest is not the one that its SHA-256 is of".to_owned());
        }
        let len = read.manifest.volume.len();
        let all = read.extents.iter().fold(0, |sum: u64, extent| sum.saturating_add(extent.size));
        if all > len {
            return wrong(format!("its extents have {all} bytes, and the medium {len}"));
        }
        for extent in &read.extents {
            let end = extent.offset.checked_add(extent.size).filter(|end| *end <= len);
            if end.is_none() || !extent.digest.is_for(extent.size, manifest::may_lack(&extent.label)) {
                return wrong(format!("{} is not where a medium of {len} bytes can have it", extent.label));
            }
        }
        match read.first_unplaced() {
            Some(what) => wrong(format!("it has not the place of {what}, which its manifest lists")),
            None => Ok(read),
        }
    }

    /// What the manifest lists and the extents do not have as it is listed: with it a comparison would prove too little.
    fn first_unplaced(&self) -> Option<&str> {
        let mut placed: BTreeMap<&str, Vec<&StructureEntry>> = BTreeMap::new();
        self.extents.iter().for_each(|extent| placed.entry(&extent.label).or_default().push(extent));
        let has = |label: &str, is_it: &dyn Fn(&StructureEntry) -> bool| {
            placed.get(label).is_some_and(|extents| extents.iter().any(|extent| is_it(extent)))
        };
        let Manifest { structures, files, .. } = &self.manifest;
        let mut structures =
            structures.iter().filter(|listed| !has(&listed.label, &|extent| extent == *listed));
        let mut files = files.iter().filter(|file| {
            let is_it = |extent: &StructureEntry| (extent.size, &extent.digest) == (file.size, &file.digest);
            file.size > 0 && !has(&file.path, &is_it)
        });
        structures.next().map(|listed| &*listed.label).or_else(|| files.next().map(|file| &*file.path))
    }

    /// As it is kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Writing to memory what has text for its only keys cannot fail.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// The signature's bytes.
    pub fn signature_bytes(&self) -> Option<Vec<u8>> {
        from_hex(self.signature.as_deref()?.as_bytes()).map(|bytes| bytes.to_vec())
    }
}
