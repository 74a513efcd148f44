//! The blob table: 50 bytes for every file content and every image's metadata.
//!
//! Source: "Windows Imaging File Format (WIM)", section "Lookup table". The metadata entries are in image order.

use super::header::{Header, Resource, VERSION_SOLID};
use super::resource::read_resource;
use super::{Hash, WimError};
use crate::bytes::Reader;
use crate::io::Source;

/// Length of an entry in bytes.
pub const ENTRY_LEN: usize = 50;
/// Longest table read: over 160,000 blobs, more than a Windows installation image has, and ten times a boot image's.
const TABLE_LIMIT: u64 = 8 << 20;

/// One entry of the blob table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blob {
    /// SHA-1 of the decoded bytes.
    pub hash: Hash,
    /// Where and how it is stored.
    pub resource: Resource,
    /// The part of a split WIM that has it, counted from 1.
    pub part_number: u16,
    /// How many directory entries refer to it, as the table says.
    pub reference_count: u32,
}

impl Blob {
    pub(super) fn to_bytes(self) -> [u8; ENTRY_LEN] {
        let mut out = [0; ENTRY_LEN];
        out[..24].copy_from_slice(&self.resource.to_bytes());
        out[24..26].copy_from_slice(&self.part_number.to_le_bytes());
        out[26..30].copy_from_slice(&self.reference_count.to_le_bytes());
        out[30..].copy_from_slice(&self.hash.0);
        out
    }
}

/// The table as it is in the file, and what leads to an entry.
#[derive(Debug, Clone)]
pub struct Table {
    /// Every entry in file order, the meaningless ones too.
    pub entries: Vec<Blob>,
    /// The entry of each blob of this part that is file content, by hash; of several with one hash the first.
    by_hash: Vec<u32>,
    /// The entry of each image's metadata.
    pub metadata: Vec<usize>,
    /// The first entry of a solid resource.
    pub solid: Option<usize>,
}

impl Table {
    pub fn read(source: &dyn Source, header: &Header) -> Result<Self, WimError> {
        let len = header.blob_table.len;
        if !len.is_multiple_of(ENTRY_LEN as u64) {
            return Err(WimError::BlobTableLength { len });
        }
        let bytes = read_resource(source, header, "blob table", header.blob_table, TABLE_LIMIT)?;
        let mut table = Self {
            entries: Vec::with_capacity(bytes.len() / ENTRY_LEN),
            by_hash: Vec::new(),
            metadata: Vec::new(),
            solid: None,
        };
        let mut reader = Reader::at("blob table", &bytes, header.blob_table.offset);
        while reader.left() > 0 {
            let blob = Blob {
                resource: Resource::parse(&mut reader)?,
                part_number: reader.u16()?,
                reference_count: reader.u32()?,
                hash: Hash(reader.array()?),
            };
            table.add(header, blob);
        }
        let entries = &table.entries;
        // The first eight bytes tell nearly all of them apart.
        let first = |hash: &Hash| hash.0.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
        let mut sorted: Vec<(u64, u32)> =
            table.by_hash.iter().map(|entry| (first(&entries[*entry as usize].hash), *entry)).collect();
        sorted.sort_unstable_by(|one, other| {
            let hash = |(_, entry): &(u64, u32)| entries[*entry as usize].hash;
            one.0.cmp(&other.0).then_with(|| hash(one).cmp(&hash(other))).then(one.1.cmp(&other.1))
        });
        table.by_hash = sorted.into_iter().map(|(_, entry)| entry).collect();
        table.by_hash.dedup_by_key(|entry| entries[*entry as usize].hash);
        table.check_metadata()?;
        Ok(table)
    }

    /// The entry of a file's content.
    pub fn find(&self, hash: &Hash) -> Option<usize> {
        let hash_of = |entry: &u32| self.entries[*entry as usize].hash;
        let found = self.by_hash.binary_search_by_key(hash, hash_of).ok()?;
        Some(self.by_hash[found] as usize)
    }

    /// Every entry that means something, in order of its place in the file.
    pub fn meaningful(&self) -> Vec<&Blob> {
        let contents = self.by_hash.iter().map(|entry| *entry as usize);
        let mut blobs: Vec<&Blob> =
            contents.chain(self.metadata.iter().copied()).map(|entry| &self.entries[entry]).collect();
        blobs.sort_by_key(|blob| (blob.resource.offset, blob.resource.stored_len, blob.hash));
        blobs
    }

    /// Images share no metadata; a damaged table could otherwise have the same bytes decoded any number of times.
    fn check_metadata(&self) -> Result<(), WimError> {
        let mut sorted = self.metadata.clone();
        sorted.sort_by_key(|entry| self.entries[*entry].resource.offset);
        let mut end = 0;
        for entry in sorted {
            let Resource { offset, stored_len, .. } = self.entries[entry].resource;
            if offset < end {
                return Err(WimError::MetadataOverlap { entry, offset });
            }
            end = offset.saturating_add(stored_len);
        }
        Ok(())
    }

    fn add(&mut self, header: &Header, blob: Blob) {
        let entry = self.entries.len();
        self.entries.push(blob);
        if header.version == VERSION_SOLID && blob.resource.flags & Resource::FLAG_SOLID != 0 {
            self.solid.get_or_insert(entry);
            return;
        }
        if blob.hash.is_zero() || blob.resource.len == 0 || blob.part_number != header.part_number {
            return;
        }
        if !blob.resource.is_metadata() {
            self.by_hash.push(entry as u32);
        // Windows PE images of 2009 have metadata entries without references; they belong to no image.
        } else if blob.reference_count > 0 && self.metadata.len() < header.image_count as usize {
            self.metadata.push(entry);
        }
    }
}
