//! Swaps the content of single files and sets the boot index, without compressing and without copying the WIM.
//!
//! The result is a new header, the source from byte 208 on as it is, and a tail: new resources, the changed images' metadata,
//! blob table, XML and integrity table. A directory entry changes in its 20-byte SHA-1 only, so that security descriptor,
//! attributes and times stay. Chunks that did not change are copied as they are stored; the others are stored as they are,
//! which the format allows for every chunk. What the tail replaces stays in the file as bytes nothing refers to, and a few
//! such bytes can be in front of a resource: its old chunks then lie in blocks as they did, and a file system shares them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use super::header::{
    BLOB_TABLE_FIELD, BOOT_INDEX_FIELD, BOOT_METADATA_FIELD, HEADER_LEN, INTEGRITY_FIELD, Resource, XML_FIELD,
};
use super::integrity::Integrity;
use super::metadata::{Entry, Image, Stream};
use super::resource::{Chunks, chunk_entry_len};
use super::source::read_vec;
use super::table::{Blob, ENTRY_LEN};
use super::xml::Growth;
use super::{Compression, Hash, Wim, WimError, xml};
use crate::content::{Amendment, Content, Piece, SHARED_BLOCK};
use crate::io::Source;

/// Metadata up to this long is kept beside what becomes of it, and not decoded again; that of boot images has 1 to 3 MB.
const KNOWN_METADATA: usize = 4 << 20;
/// How long a run of stored chunks is at least for a gap in front of it.
const WORTH_SHARING: u64 = 16 * SHARED_BLOCK;
const STORED_LEN_LIMIT: u64 = 1 << 56;

/// Changes to a WIM file, made all at once by [`Edit::finish`].
pub struct Edit<'a> {
    wim: &'a Wim,
    replacements: Vec<Replacement>,
    known_images: Vec<Image>,
    boot_index: Option<u32>,
}

/// New content of a file.
struct Replacement {
    image: u32,
    path: String,
    bytes: Arc<Vec<u8>>,
    hash: Hash,
    /// Outside of these bytes it is what it was.
    written: Option<Vec<Range<u64>>>,
}

/// What is known of what a resource decoded to, beside what takes its place.
enum Before {
    Unknown,
    /// All of it.
    Bytes(Arc<Vec<u8>>),
    /// It is the same outside of these ranges.
    Outside(Vec<Range<u64>>),
}

impl<'a> Edit<'a> {
    /// No changes yet.
    pub fn new(wim: &'a Wim) -> Self {
        Self { wim, replacements: Vec::new(), known_images: Vec::new(), boot_index: None }
    }

    /// Gives a file of an image (counted from 1) new content, under all its names when it has hard links.
    #[must_use]
    pub fn replace(
        mut self,
        image_index: u32,
        path: impl Into<String>,
        new_bytes: impl Into<Vec<u8>>,
    ) -> Self {
        self.add(image_index, path.into(), new_bytes.into(), None);
        self
    }

    /// The same for content that is what this file has there, but for these ranges of bytes, in order: no more of the old one
    /// is decoded.
    #[must_use]
    pub(crate) fn replace_written(
        mut self,
        image_index: u32,
        path: impl Into<String>,
        new_bytes: impl Into<Vec<u8>>,
        written: Vec<Range<u64>>,
    ) -> Self {
        self.add(image_index, path.into(), new_bytes.into(), Some(written));
        self
    }

    fn add(&mut self, image: u32, path: String, bytes: Vec<u8>, written: Option<Vec<Range<u64>>>) {
        let hash = Hash::of(&bytes);
        self.replacements.push(Replacement { image, path, bytes: Arc::new(bytes), hash, written });
    }

    /// Has an image at hand as [`Wim::image`] read it from this file.
    #[must_use]
    pub fn knowing_image(mut self, image: Image) -> Self {
        self.known_images.push(image);
        self
    }

    /// Sets the image the boot manager starts (counted from 1), or none with 0.
    #[must_use]
    pub fn boot_index(mut self, index: u32) -> Self {
        self.boot_index = Some(index);
        self
    }

    /// The changed WIM file. When nothing changes, a content that is all of the source.
    ///
    /// # Errors
    /// As [`Edit::edited`].
    pub fn finish(self) -> Result<Content, WimError> {
        Ok(self.edited()?.content())
    }

    /// The changed WIM file in parts, for a change of the file itself.
    ///
    /// # Errors
    /// [`WimError::Pipable`], [`WimError::Solid`], [`WimError::Split`] and [`WimError::WriteInProgress`] for WIM files that
    /// cannot be changed; [`WimError::NoImage`], [`WimError::NoFile`] and [`WimError::NotPlain`] for what cannot be
    /// replaced; and whatever can be wrong with what has to be read.
    pub fn edited(self) -> Result<Edited, WimError> {
        check_supported(self.wim)?;
        let mut draft = Draft::new(self.wim);
        if !self.replacements.is_empty() {
            draft.load(&self.replacements, self.known_images)?;
        }
        for replacement in self.replacements {
            draft.replace(replacement)?;
        }
        draft.finish(self.boot_index)
    }
}

impl Before {
    /// Whether it has these bytes at this offset; `None` when that cannot be told.
    fn has(&self, offset: u64, new: &[u8]) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::Bytes(bytes) => {
                Some(bytes.get(offset as usize..).is_some_and(|bytes| bytes.starts_with(new)))
            }
            // What was written to may be as it was.
            Self::Outside(written) => {
                let behind = written.partition_point(|range| range.end <= offset);
                let is_apart = |range: &Range<u64>| range.start >= offset + new.len() as u64;
                written.get(behind).is_none_or(is_apart).then_some(true)
            }
        }
    }
}

/// What became of a WIM file: a new header, and what follows the old file.
#[derive(Clone)]
pub struct Edited {
    source: Arc<dyn Source>,
    /// The new header; `None` when nothing changes.
    header: Option<Vec<u8>>,
    tail: Vec<Piece>,
}

impl Edited {
    /// Whether a single byte changes.
    pub fn is_changed(&self) -> bool {
        self.header.is_some()
    }

    /// The whole file: new header, the old file from behind its header on, and the tail.
    pub fn content(&self) -> Content {
        self.header.as_ref().map_or_else(
            || Content::source(self.source.clone()),
            |header| assemble(&self.source, header.clone(), self.tail.clone()),
        )
    }

    /// The same as a change of the file itself, in which a reader finds the old file until the header is written.
    pub fn amendment(&self) -> Option<Amendment> {
        let header = self.header.as_ref()?;
        let tail = Content::from_pieces(self.tail.clone());
        Some(Amendment { len: self.source.len(), tail, head: header.clone() })
    }
}

fn check_supported(wim: &Wim) -> Result<(), WimError> {
    let header = &wim.header;
    if header.is_pipable {
        return Err(WimError::Pipable);
    }
    if header.is_write_in_progress() {
        return Err(WimError::WriteInProgress);
    }
    if header.total_parts > 1 {
        return Err(WimError::Split { part_number: header.part_number, total_parts: header.total_parts });
    }
    wim.table.solid.map_or(Ok(()), |entry| Err(WimError::Solid { entry }))
}

/// The tables as they will be, and the tail so far.
struct Draft<'a> {
    wim: &'a Wim,
    entries: Vec<Blob>,
    added: HashMap<Hash, usize>,
    touched: BTreeSet<usize>,
    images: BTreeMap<u32, Draughted>,
    /// How many streams in all images really refer to each blob that is replaced, and to each that may come into the table.
    references: HashMap<Hash, u32>,
    /// What follows the source, in order, and how long it is.
    tail: Vec<Piece>,
    tail_len: u64,
}

/// An image that may change.
struct Draughted {
    tree: Image,
    /// What its metadata was, unless that is too long to be kept.
    before: Before,
    is_changed: bool,
    growth: Growth,
}

impl<'a> Draft<'a> {
    fn new(wim: &'a Wim) -> Self {
        Self {
            wim,
            entries: wim.table.entries.clone(),
            added: HashMap::new(),
            touched: BTreeSet::new(),
            images: BTreeMap::new(),
            references: HashMap::new(),
            tail: Vec::new(),
            tail_len: 0,
        }
    }

    /// Reads every image, to count references, and keeps the ones that change.
    fn load(&mut self, replacements: &[Replacement], mut known: Vec<Image>) -> Result<(), WimError> {
        let wanted: BTreeSet<u32> = replacements.iter().map(|replacement| replacement.image).collect();
        let mut len = 0_u64;
        for index in &wanted {
            let entry = self.wim.metadata_entry(*index)?;
            len = len.saturating_add(self.entries[entry].resource.len);
        }
        if len > self.wim.metadata_limit {
            let (what, limit) = ("metadata of the images to change", self.wim.metadata_limit);
            return Err(WimError::TooLarge { what, len, limit });
        }
        let mut tree = |index| match known.iter().position(|image| image.index() == index) {
            Some(place) => Ok(known.swap_remove(place)),
            None => self.wim.image(index),
        };
        let mut counted: BTreeSet<Hash> = replacements.iter().map(|replacement| replacement.hash).collect();
        for index in &wanted {
            let tree = tree(*index)?;
            let replaced = replacements.iter().filter(|replacement| replacement.image == *index);
            counted.extend(replaced.filter_map(|replacement| tree.find(&replacement.path)?.hash()));
            let before = match tree.bytes() {
                bytes if bytes.len() <= KNOWN_METADATA => Before::Bytes(bytes.clone()),
                _ => Before::Unknown,
            };
            let growth = Growth::default();
            self.images.insert(*index, Draughted { tree, before, is_changed: false, growth });
        }
        let references = &mut self.references;
        let mut count = |tree: &Image| {
            tree.each_hash(|hash| {
                if counted.contains(&hash) {
                    *references.entry(hash).or_default() += 1;
                }
            });
        };
        for index in 1..=self.wim.table.metadata.len() as u32 {
            match self.images.get(&index) {
                Some(draughted) => count(&draughted.tree),
                // One after the other: of those that stay as they are none is kept.
                None => count(&tree(index)?),
            }
        }
        Ok(())
    }

    fn replace(&mut self, replacement: Replacement) -> Result<(), WimError> {
        let Replacement { image, path, bytes, hash, written } = replacement;
        let images = self.wim.table.metadata.len() as u32;
        let draughted = self.images.get_mut(&image).ok_or(WimError::NoImage { index: image, images })?;
        let Links { hash: old, streams, names } = links(&draughted.tree, &path)?;
        let new = (!bytes.is_empty()).then_some(hash);
        if old == new {
            return Ok(());
        }
        for stream in &streams {
            draughted.tree.set_hash(stream, new);
        }
        let moved = streams.len() as u32;
        // Of what took its place in this edit nothing is known.
        let written = written.filter(|_| !draughted.is_changed);
        draughted.is_changed = true;
        let old_entry = old.map(|hash| self.entry_of(&hash)).transpose()?;
        let old_len = old_entry.map_or(0, |entry| self.entries[entry].resource.len);
        if let Some(draughted) = self.images.get_mut(&image) {
            let delta = bytes.len() as i128 - i128::from(old_len);
            draughted.growth.total += delta * names;
            draughted.growth.hard_links += delta * (names - 1);
        }
        if let Some(hash) = new {
            let before = written.map_or(Before::Unknown, Before::Outside);
            self.add_references((hash, bytes), (old_entry, before), moved)?;
        }
        if let (Some(hash), Some(entry)) = (old, old_entry) {
            self.touched.insert(entry);
            self.entries[entry].reference_count = self.entries[entry].reference_count.saturating_sub(moved);
            let references = self.references.entry(hash).or_default();
            *references = references.saturating_sub(moved);
        }
        Ok(())
    }

    /// Points `moved` more references at a blob, which is stored first when the WIM does not have it.
    fn add_references(
        &mut self,
        (hash, bytes): (Hash, Arc<Vec<u8>>),
        (old_entry, before): (Option<usize>, Before),
        moved: u32,
    ) -> Result<(), WimError> {
        let entry = match self.entry_of(&hash) {
            Ok(entry) => {
                // What is there already is trusted only once its SHA-1 is seen to be right.
                if entry < self.wim.table.entries.len() {
                    self.wim.stream(&hash, &mut |_| Ok(()))?;
                }
                entry
            }
            Err(_) => {
                let old = old_entry.filter(|entry| *entry < self.wim.table.entries.len());
                let old = old.map(|entry| (self.wim.table.entries[entry], before));
                let resource = self.append(old, bytes, 0)?;
                let part_number = self.wim.header.part_number;
                self.entries.push(Blob { hash, resource, part_number, reference_count: 0 });
                self.added.insert(hash, self.entries.len() - 1);
                self.entries.len() - 1
            }
        };
        self.touched.insert(entry);
        let count = &mut self.entries[entry].reference_count;
        *count = count.checked_add(moved).ok_or(WimError::Unrepresentable {
            what: "reference count",
            value: u64::from(*count) + u64::from(moved),
        })?;
        *self.references.entry(hash).or_default() += moved;
        Ok(())
    }

    fn entry_of(&self, hash: &Hash) -> Result<usize, WimError> {
        let found = self.wim.table.find(hash).or_else(|| self.added.get(hash).copied());
        found.ok_or(WimError::NoBlob { hash: *hash })
    }

    /// Adds a resource to the tail, in chunks like the one it takes the place of where that is shorter.
    fn append(
        &mut self,
        old: Option<(Blob, Before)>,
        bytes: Arc<Vec<u8>>,
        flags: u8,
    ) -> Result<Resource, WimError> {
        let len = bytes.len() as u64;
        let chunked = match old {
            Some((old, before))
                if old.resource.is_compressed() && self.wim.header.compression != Compression::None =>
            {
                rechunk(self.wim, (old.resource, &before), &bytes)?
            }
            _ => None,
        };
        let flags = flags & !Resource::FLAG_COMPRESSED;
        let flags = if chunked.is_some() { flags | Resource::FLAG_COMPRESSED } else { flags };
        let pieces = chunked.unwrap_or_else(|| vec![slice(bytes, 0, len)]);
        let gap = gap_before(&pieces, self.position(), &self.wim.source);
        if gap > 0 {
            self.tail.push(Piece::Bytes(vec![0; gap as usize].into()));
            self.tail_len += gap;
        }
        let offset = self.position();
        let stored_len = pieces.iter().map(Piece::len).sum();
        self.tail.extend(pieces);
        self.tail_len += stored_len;
        if stored_len >= STORED_LEN_LIMIT {
            return Err(WimError::Unrepresentable { what: "stored length", value: stored_len });
        }
        Ok(Resource { offset, stored_len, len, flags })
    }

    /// Where the next byte of the tail goes in the file.
    fn position(&self) -> u64 {
        self.wim.source.len() + self.tail_len
    }

    fn finish(mut self, boot_index: Option<u32>) -> Result<Edited, WimError> {
        let wim = self.wim;
        let mut header = read_vec(wim.source.as_ref(), "WIM header", 0, HEADER_LEN)?;
        let original = header.clone();
        let changed: Vec<u32> =
            self.images.iter().filter(|(_, image)| image.is_changed).map(|(index, _)| *index).collect();
        if !changed.is_empty() {
            self.finish_tail(&changed, &mut header)?;
        }
        let boot = boot_index.unwrap_or(wim.header.boot_index);
        if boot_index.is_some() || changed.contains(&boot) {
            let metadata = match boot {
                0 => Resource::default(),
                index => self.entries[wim.metadata_entry(index)?].resource,
            };
            patch(&mut header, BOOT_INDEX_FIELD, &boot.to_le_bytes());
            patch(&mut header, BOOT_METADATA_FIELD, &metadata.to_bytes());
        }
        let changed = header != original || !self.tail.is_empty();
        Ok(Edited { source: wim.source.clone(), header: changed.then_some(header), tail: self.tail })
    }

    /// Metadata, blob table, XML and integrity table, and where they are.
    fn finish_tail(&mut self, changed: &[u32], header: &mut [u8]) -> Result<(), WimError> {
        let wim = self.wim;
        let mut growths = Vec::new();
        for index in changed {
            let entry = wim.metadata_entry(*index)?;
            let Some(image) = self.images.remove(index) else { continue };
            let old = self.entries[entry];
            let metadata = image.tree.into_bytes();
            self.entries[entry].hash = Hash::of(&metadata);
            self.entries[entry].resource =
                self.append(Some((old, image.before)), metadata, old.resource.flags)?;
            growths.push((*index, image.growth));
        }
        let table = self.table();
        let resource = self.append(None, Arc::new(table), wim.header.blob_table.flags)?;
        patch(header, BLOB_TABLE_FIELD, &resource.to_bytes());
        let table_end = self.position();

        let old_xml = xml::read(wim.source.as_ref(), &wim.header)?;
        // The WIM's own TOTALBYTES is the length of the file up to the XML.
        let growth = i128::from(self.position()) - i128::from(wim.header.xml.offset);
        let new_xml = xml::adjust_lengths(&old_xml, &wim.header, &growths, growth)?;
        let resource = self.append(None, Arc::new(new_xml), wim.header.xml.flags)?;
        patch(header, XML_FIELD, &resource.to_bytes());

        if let Some(old) = Integrity::read(wim.source.as_ref(), &wim.header)? {
            let file = assemble(&wim.source, header.to_vec(), self.tail.clone());
            let bytes = old.extended(&file, table_end)?.to_bytes()?;
            let resource = self.append(None, Arc::new(bytes), wim.header.integrity.flags)?;
            patch(header, INTEGRITY_FIELD, &resource.to_bytes());
        }
        Ok(())
    }

    /// The new blob table. A count is never less than the references there are, whatever the old table said, and an
    /// entry goes only when nothing refers to it.
    fn table(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.entries.len() * ENTRY_LEN);
        for (index, blob) in self.entries.iter().enumerate() {
            let mut blob = *blob;
            if self.touched.contains(&index) {
                let references = self.references.get(&blob.hash).copied().unwrap_or_default();
                blob.reference_count = blob.reference_count.max(references);
                if blob.reference_count == 0 {
                    continue;
                }
            }
            out.extend_from_slice(&blob.to_bytes());
        }
        out
    }
}

/// The content of a file under all its names.
struct Links {
    hash: Option<Hash>,
    /// Every stream that names it: each of its names has one, or more.
    streams: Vec<Stream>,
    names: i128,
}

/// The content of the file at `path`.
fn links(tree: &Image, path: &str) -> Result<Links, WimError> {
    let image = tree.index();
    let file = tree.find(path).ok_or_else(|| WimError::NoFile { image, path: path.to_owned() })?;
    if file.data_stream().is_none() || !file.is_plain_file() {
        let kind = file.not_plain().unwrap_or("without content");
        return Err(WimError::NotPlain { image, path: path.to_owned(), kind, attributes: file.attributes });
    }
    if file.hard_link_group == 0 {
        return Ok(Links { hash: file.hash(), streams: content_streams(file).collect(), names: 1 });
    }
    // Old writers gave one number to files that are not links of each other; those differ in content.
    let is_link = |entry: &Entry| {
        entry.hard_link_group == file.hard_link_group && entry.is_plain_file() && entry.hash() == file.hash()
    };
    let mut links = Links { hash: file.hash(), streams: Vec::new(), names: 0 };
    for entry in tree.all().filter(is_link) {
        let before = links.streams.len();
        links.streams.extend(content_streams(entry));
        links.names += i128::from(links.streams.len() > before);
    }
    Ok(links)
}

/// Old writers name the content twice: in the directory entry and in an unnamed stream behind it.
fn content_streams(entry: Entry) -> impl Iterator<Item = Stream> {
    let (data, hash) = (entry.data_stream(), entry.hash());
    let is_content = move |(at, stream): &(usize, Stream)| {
        Some(*at) == data || (stream.name.is_empty() && stream.hash.is_some() && stream.hash == hash)
    };
    entry.streams.into_iter().enumerate().filter(is_content).map(|(_, stream)| stream)
}

/// `bytes` in chunks: those the old resource has in the same place from where it stores them, all others as they are.
/// `None` when that is no shorter than `bytes`. What is known of the old one is not decoded.
fn rechunk(
    wim: &Wim,
    (old, before): (Resource, &Before),
    bytes: &Arc<Vec<u8>>,
) -> Result<Option<Vec<Piece>>, WimError> {
    let mut old = Chunks::new(wim.source.as_ref(), &wim.header, "resource", old)?;
    let len = bytes.len() as u64;
    let entry_len = chunk_entry_len(len) as usize;
    let (mut table, mut pieces, mut stored, mut offset) = (Vec::new(), Vec::new(), 0, 0);
    for (index, new) in bytes.chunks(old.chunk_size() as usize).enumerate() {
        if index > 0 {
            table.extend_from_slice(&u64::to_le_bytes(stored)[..entry_len]);
        }
        let same = match before.has(offset, new) {
            Some(is_same) => old
                .locate()?
                .filter(|chunk| is_same && chunk.len as usize == new.len())
                .map(|chunk| (chunk.offset, chunk.stored)),
            None => old.next()?.filter(|chunk| chunk.bytes == new).map(|chunk| (chunk.offset, chunk.stored)),
        };
        let chunk = match same {
            Some((offset, stored)) => slice(wim.source.clone(), offset, stored.into()),
            _ => slice(bytes.clone(), offset, new.len() as u64),
        };
        stored += chunk.len();
        offset += new.len() as u64;
        pieces.push(chunk);
        if table.len() as u64 + stored >= len {
            return Ok(None);
        }
    }
    let mut all = vec![Piece::Bytes(table.into())];
    for piece in pieces {
        let joined = all.last_mut().is_some_and(|last| join(last, &piece));
        if !joined {
            all.push(piece);
        }
    }
    Ok(Some(all))
}

fn slice(source: Arc<dyn Source>, offset: u64, len: u64) -> Piece {
    Piece::Slice { source, offset, len }
}

/// How many bytes to leave free at a place of the file, so that the longest run which pieces there have of the source lies as
/// far from the start of a block as it does there: a file system can then share its blocks. A short one is sooner copied.
fn gap_before(pieces: &[Piece], place: u64, source: &Arc<dyn Source>) -> u64 {
    let mut end = place;
    let runs = pieces.iter().filter_map(|piece| {
        let start = end;
        end += piece.len();
        match piece {
            Piece::Slice { source: of, offset, len } if Arc::ptr_eq(of, source) => {
                Some((*len, start, *offset))
            }
            _ => None,
        }
    });
    match runs.max_by_key(|(len, ..)| *len) {
        Some((len, start, offset)) if len >= WORTH_SHARING => offset.wrapping_sub(start) % SHARED_BLOCK,
        _ => 0,
    }
}

/// Makes a piece longer by one that follows it where both come from.
fn join(piece: &mut Piece, next: &Piece) -> bool {
    match (piece, next) {
        (Piece::Slice { source, offset, len }, Piece::Slice { source: other, offset: start, len: more })
            if Arc::ptr_eq(source, other) && *offset + *len == *start =>
        {
            *len += more;
            true
        }
        _ => false,
    }
}

fn assemble(source: &Arc<dyn Source>, header: Vec<u8>, tail: Vec<Piece>) -> Content {
    let source = Arc::clone(source);
    let len = source.len() - HEADER_LEN;
    let mut pieces = vec![Piece::Bytes(header.into()), Piece::Slice { source, offset: HEADER_LEN, len }];
    pieces.extend(tail);
    Content::from_pieces(pieces)
}

fn patch(header: &mut [u8], offset: usize, bytes: &[u8]) {
    header[offset..offset + bytes.len()].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_run_of_the_source_lies_in_its_blocks_again() {
        let (source, other): (Arc<dyn Source>, Arc<dyn Source>) = (Arc::new(vec![0]), Arc::new(vec![0]));
        let run = |offset, len| slice(source.clone(), offset, len);
        let bytes = |len| Piece::Bytes(vec![1; len].into());
        let gap = |pieces: &[Piece], place| gap_before(pieces, place, &source);
        assert_eq!(gap(&[run(100, 70_000)], 100), 0);
        assert_eq!(gap(&[run(100, 70_000)], 4196), 0);
        assert_eq!(gap(&[run(100, 70_000)], 99), 1);
        assert_eq!(gap(&[run(100, 70_000)], 101), 4095);
        assert_eq!(
            gap(&[bytes(50), run(0, 66_000), bytes(7), run(4000, 70_000)], 0),
            4000 - (50 + 66_000 + 7) % 4096
        );
        let not_worth_it = [bytes(50), run(3, 65_535), slice(other, 3, 1 << 20)];
        assert_eq!(gap(&not_worth_it, 0), 0);
        assert_eq!(gap(&[bytes(50)], 0), 0);
    }
}
