//! Windows Imaging Format: reads WIM files, checks them, and swaps the content of single files in them.
//!
//! Scope: versions 0x10D00 and 0xE00; XPRESS, LZX and LZMS of every chunk size but LZMS above 4 MiB; integrity tables.
//! Header and XML are read of every WIM. Refused with a typed error: content of pipable WIMs and of solid resources,
//! changes to those, to split WIMs and to ones still being written, trees with cycles or names no path can have.
//!
//! Sources: "Windows Imaging File Format (WIM)", Microsoft 2007; what came later as wimlib 1.14 documents it.

mod add;
mod compare;
mod edit;
mod error;
mod header;
mod integrity;
mod metadata;
mod resource;
mod source;
mod table;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_compare;
#[cfg(test)]
mod tests_corpora;
#[cfg(test)]
mod tests_edit;
#[cfg(test)]
mod tests_random;
mod verify;
mod wimlib;
mod xml;

use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use sha1::{Digest, Sha1};

pub use add::{Addition, add};
pub use compare::{Aspect, Comparison, FileDifference, FileDifferenceKind, compare};
pub use edit::{Edit, Edited};
pub use error::{MetadataDefect, WimError};
pub use header::{Compression, HEADER_LEN, Header, Resource, VERSION_DEFAULT, VERSION_SOLID, has_signature};
pub use metadata::{
    ATTRIBUTE_DIRECTORY, ATTRIBUTE_ENCRYPTED, ATTRIBUTE_REPARSE_POINT, Entry, Image, Reparse, Stream,
    StreamKind,
};
pub use table::Blob;
pub use xml::{ImageInfo, Version};

use crate::bytes::to_hex_lower;
use crate::event::Observer;
use crate::finding::Finding;
use crate::io::Source;
use resource::{Chunks, read_passing, read_resource};
use table::Table;

/// Longest metadata decoded, in bytes, when the caller does not choose. A boot image has 4 to 8 MB, installed systems have
/// up to 200 MB; a few kilobytes of compressed zeros decode to anything.
const METADATA_LIMIT: u64 = 16 << 20;
/// All images together may have this many times as much: each is read when all are looked at.
const METADATA_LIMITS: u64 = 4;

/// A SHA-1, by which blobs are known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 20]);

impl Hash {
    /// The SHA-1 of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha1::digest(bytes).into())
    }

    /// The SHA-1 of all of a source.
    ///
    /// # Errors
    /// Whatever the source says.
    pub fn of_source(source: &dyn Source) -> std::io::Result<Self> {
        let (mut hasher, mut buffer, mut offset) = (Sha1::new(), vec![0; 1 << 20], 0);
        while offset < source.len() {
            let count = buffer.len().min(usize::try_from(source.len() - offset).unwrap_or(usize::MAX));
            source.read_exact_at(offset, &mut buffer[..count])?;
            hasher.update(&buffer[..count]);
            offset += count as u64;
        }
        Ok(Self(hasher.finalize().into()))
    }

    /// Whether it is all zero, which stands for empty content.
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 20]
    }

    fn nonzero(self) -> Option<Self> {
        (!self.is_zero()).then_some(self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&to_hex_lower(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// An open WIM file: header, blob table and XML in memory; everything else stays where it is.
#[derive(Clone)]
pub struct Wim {
    source: Arc<dyn Source>,
    header: Header,
    table: Table,
    images: Vec<ImageInfo>,
    metadata_limit: u64,
}

impl Wim {
    /// Reads header, blob table and XML.
    ///
    /// # Errors
    /// [`WimError`] when it is not a WIM, or when one of the three is damaged or lies outside the file. A split,
    /// solid, pipable or LZMS one is no error here.
    pub fn open(source: Arc<dyn Source>) -> Result<Self, WimError> {
        let header = Header::read(source.as_ref())?;
        let table = Table::read(source.as_ref(), &header)?;
        let images = xml::images(&xml::read(source.as_ref(), &header)?, &header)?;
        Ok(Self { source, header, table, images, metadata_limit: METADATA_LIMIT })
    }

    /// The same WIM, of which images with up to `bytes` of decoded metadata are read, and four times as much of all images
    /// together; 16 MiB otherwise. The largest known images, of installed systems, have about 200 MB.
    #[must_use]
    pub fn with_metadata_limit(self, bytes: u64) -> Self {
        Self { metadata_limit: bytes, ..self }
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What the XML says about the images, in order of their index.
    pub fn images(&self) -> &[ImageInfo] {
        &self.images
    }

    /// The file itself.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// Decodes an image's metadata, which must have the SHA-1 the blob table gives, and reads its tree.
    ///
    /// # Errors
    /// [`WimError::NoImage`], [`WimError::Pipable`], [`WimError::Metadata`], [`WimError::HashMismatch`],
    /// [`WimError::TooLarge`], and whatever can be wrong with a resource.
    pub fn image(&self, index: u32) -> Result<Image, WimError> {
        let (blob, bytes) = self.metadata(index)?;
        // Both take their time, and neither says anything without the other.
        let (found, image) = thread::scope(|scope| {
            let found = scope.spawn(|| Hash::of(&bytes));
            let image = Image::parse(index, bytes.clone());
            (found.join().unwrap_or_else(|panic| resume_unwind(panic)), image)
        });
        check_hash("metadata", blob, found)?;
        image
    }

    /// How many images have metadata in this file: as many as the header counts, unless it is damaged or part of a split one.
    pub fn described(&self) -> u32 {
        self.table.metadata.len() as u32
    }

    /// Whether the header's copy of the boot image's place is not that of its metadata. The boot manager looks only at the
    /// copy.
    pub fn has_stale_boot_metadata(&self) -> bool {
        self.boot_metadata_of(self.header.boot_index) != self.header.boot_metadata
    }

    /// What the header's copy has to be when this image boots.
    fn boot_metadata_of(&self, index: u32) -> Resource {
        let entry = self.metadata_entry(index);
        entry.map_or_else(|_| Resource::default(), |entry| self.table.entries[entry].resource)
    }

    /// Whether the blob table has this blob.
    pub fn contains(&self, hash: &Hash) -> bool {
        self.blob(hash).is_some()
    }

    /// What the blob table says about a blob.
    pub fn blob(&self, hash: &Hash) -> Option<&Blob> {
        self.table.find(hash).map(|entry| &self.table.entries[entry])
    }

    /// Every entry of the blob table in its order: file contents, metadata, and entries that mean nothing.
    pub fn blobs(&self) -> &[Blob] {
        &self.table.entries
    }

    /// Whether the blob table has solid resources.
    pub fn is_solid(&self) -> bool {
        self.table.solid.is_some()
    }

    /// A whole blob, whose SHA-1 is checked.
    ///
    /// # Errors
    /// [`WimError::NoBlob`], [`WimError::TooLarge`] above `limit` bytes, [`WimError::HashMismatch`], and whatever can be
    /// wrong with a resource.
    pub fn read(&self, hash: &Hash, limit: u64) -> Result<Vec<u8>, WimError> {
        let (blob, what) = (self.present(hash)?, "blob");
        let mut hasher = Sha1::new();
        let resource = (what, blob.resource, limit);
        let bytes = read_passing(self.source.as_ref(), &self.header, resource, &mut |bytes| {
            hasher.update(bytes);
        })?;
        check_hash(what, blob, Hash(hasher.finalize().into()))?;
        Ok(bytes)
    }

    /// Passes a blob on chunk by chunk, then checks its SHA-1: what was passed on holds only when this returns `Ok`.
    ///
    /// # Errors
    /// As [`Wim::read`], and whatever `consumer` returns.
    pub fn stream(
        &self,
        hash: &Hash,
        consumer: &mut dyn FnMut(&[u8]) -> Result<(), WimError>,
    ) -> Result<(), WimError> {
        self.stream_blob("blob", self.present(hash)?, consumer)
    }

    /// Whether a blob's first bytes are these; no more than its first chunk is decoded, and its SHA-1 is not checked.
    ///
    /// # Errors
    /// [`WimError::NoBlob`], and whatever can be wrong with a resource.
    pub fn starts_with(&self, hash: &Hash, bytes: &[u8]) -> Result<bool, WimError> {
        let blob = self.present(hash)?;
        let mut chunks = Chunks::new(self.source.as_ref(), &self.header, "blob", blob.resource)?;
        Ok(chunks.next()?.is_some_and(|chunk| chunk.bytes.starts_with(bytes)))
    }

    /// Checks everything the file says about itself: header, integrity table, the SHA-1 of every blob, the
    /// images' trees, that what they refer to is there, and how often.
    ///
    /// The findings' ids all start with `wim.`; see each check. Nothing is held in memory but one image's tree.
    ///
    /// # Errors
    /// [`WimError::Pipable`] and [`WimError::Solid`], which cannot be looked into; [`WimError::Stopped`]; [`WimError::Read`].
    pub fn verify(&self, observer: &mut dyn Observer) -> Result<Vec<Finding>, WimError> {
        verify::verify(self, observer)
    }

    fn present(&self, hash: &Hash) -> Result<&Blob, WimError> {
        match (self.blob(hash), self.table.solid) {
            (Some(blob), _) => Ok(blob),
            (None, Some(entry)) => Err(WimError::Solid { entry }),
            (None, None) => Err(WimError::NoBlob { hash: *hash }),
        }
    }

    fn stream_blob(
        &self,
        what: &'static str,
        blob: &Blob,
        consumer: &mut dyn FnMut(&[u8]) -> Result<(), WimError>,
    ) -> Result<(), WimError> {
        let mut chunks = Chunks::new(self.source.as_ref(), &self.header, what, blob.resource)?;
        let mut hasher = Sha1::new();
        while let Some(chunk) = chunks.next()? {
            hasher.update(chunk.bytes);
            consumer(chunk.bytes)?;
        }
        check_hash(what, blob, Hash(hasher.finalize().into()))
    }

    /// The blob table's entry of an image's metadata.
    fn metadata_entry(&self, index: u32) -> Result<usize, WimError> {
        if self.header.is_pipable {
            return Err(WimError::Pipable);
        }
        let found = index.checked_sub(1).and_then(|place| self.table.metadata.get(place as usize));
        found.copied().ok_or(WimError::NoImage { index, images: self.table.metadata.len() as u32 })
    }

    /// An image's decoded metadata, whose SHA-1 is still to be checked.
    fn metadata(&self, index: u32) -> Result<(&Blob, Arc<Vec<u8>>), WimError> {
        let blob = &self.table.entries[self.metadata_entry(index)?];
        let what = "metadata";
        let of_all = self.table.metadata.iter().map(|entry| self.table.entries[*entry].resource.len);
        let (len, limit) =
            (of_all.fold(0, u64::saturating_add), self.metadata_limit.saturating_mul(METADATA_LIMITS));
        if blob.resource.len <= self.metadata_limit && len > limit {
            return Err(WimError::TooLarge { what: "metadata of all images", len, limit });
        }
        let bytes =
            read_resource(self.source.as_ref(), &self.header, what, blob.resource, self.metadata_limit)?;
        Ok((blob, Arc::new(bytes)))
    }
}

fn check_hash(what: &'static str, blob: &Blob, found: Hash) -> Result<(), WimError> {
    if found == blob.hash {
        return Ok(());
    }
    Err(WimError::HashMismatch { what, offset: blob.resource.offset, expected: blob.hash, found })
}
