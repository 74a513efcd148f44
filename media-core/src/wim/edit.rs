//! Swaps the content of single files and sets the boot index, without compressing and without copying the WIM.
//!
//! The result is a new header, the source from byte 208 on as it is, and a tail: new resources, the changed images' metadata,
//! blob table, XML and integrity table. A directory entry changes in its 20-byte SHA-1 only, so that security descriptor,
//! attributes and times stay. Chunks that did not change are copied as they are stored; the others are stored as they are,
//! which the format allows for every chunk. What the tail replaces stays in the file as bytes nothing refers to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
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
use crate::content::{Amendment, Content, Piece};
use crate::io::Source;

const STORED_LEN_LIMIT: u64 = 1 << 56;

/// Changes to a WIM file, made all at once by [`Edit::finish`].
pub struct Edit<'a> {
    wim: &'a Wim,
    replacements: Vec<(u32, String, Vec<u8>)>,
    boot_index: Option<u32>,
}

impl<'a> Edit<'a> {
    /// No changes yet.
    pub fn new(wim: &'a Wim) -> Self {
        Self { wim, replacements: Vec::new(), boot_index: None }
    }

    /// Gives a file of an image (counted from 1) new content, under all its names when it has hard links.
    #[must_use]
    pub fn replace(
        mut self,
        image_index: u32,
        path: impl Into<String>,
        new_bytes: impl Into<Vec<u8>>,
    ) -> Self {
        self.replacements.push((image_index, path.into(), new_bytes.into()));
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
            draft.load(self.replacements.iter().map(|(image, ..)| *image).collect())?;
        }
        for (image, path, bytes) in self.replacements {
            draft.replace(image, &path, &bytes)?;
        }
        draft.finish(self.boot_index)
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
    /// How many streams in all images really refer to each blob.
    references: HashMap<Hash, u32>,
    /// What follows the source, in order, and how long it is.
    tail: Vec<Piece>,
    tail_len: u64,
}

/// An image that may change.
struct Draughted {
    tree: Image,
    metadata: Vec<u8>,
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
    fn load(&mut self, wanted: BTreeSet<u32>) -> Result<(), WimError> {
        for index in &wanted {
            self.wim.metadata_entry(*index)?;
        }
        for index in 1..=self.wim.table.metadata.len() as u32 {
            let metadata = self.wim.metadata(index)?;
            let tree = Image::parse(index, &metadata)?;
            for hash in tree.all().iter().flat_map(|entry| &entry.streams).filter_map(|stream| stream.hash) {
                *self.references.entry(hash).or_default() += 1;
            }
            if wanted.contains(&index) {
                self.images.insert(
                    index,
                    Draughted { tree, metadata, is_changed: false, growth: Growth::default() },
                );
            }
        }
        Ok(())
    }

    fn replace(&mut self, image: u32, path: &str, bytes: &[u8]) -> Result<(), WimError> {
        let images = self.wim.table.metadata.len() as u32;
        let draughted = self.images.get_mut(&image).ok_or(WimError::NoImage { index: image, images })?;
        let (old, links) = links(&draughted.tree, path)?;
        let new = (!bytes.is_empty()).then(|| Hash::of(bytes));
        if old == new {
            return Ok(());
        }
        for (entry, stream) in &links {
            let stream = &mut draughted.tree.all_mut()[*entry].streams[*stream];
            stream.hash = new;
            let place = stream.hash_offset as usize;
            draughted.metadata[place..place + 20].copy_from_slice(&new.unwrap_or_default().0);
        }
        let moved = links.len() as u32;
        let names = links.iter().map(|(entry, _)| entry).collect::<BTreeSet<_>>().len() as i128;
        draughted.is_changed = true;
        let old_entry = old.map(|hash| self.entry_of(&hash)).transpose()?;
        let old_len = old_entry.map_or(0, |entry| self.entries[entry].resource.len);
        if let Some(draughted) = self.images.get_mut(&image) {
            let delta = bytes.len() as i128 - i128::from(old_len);
            draughted.growth.total += delta * names;
            draughted.growth.hard_links += delta * (names - 1);
        }
        if let Some(hash) = new {
            self.add_references(hash, bytes, old_entry, moved)?;
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
        hash: Hash,
        bytes: &[u8],
        old_entry: Option<usize>,
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
                let old = old.map(|entry| self.entries[entry].resource);
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
    fn append(&mut self, old: Option<Resource>, bytes: &[u8], flags: u8) -> Result<Resource, WimError> {
        let offset = self.position();
        let chunked = match old {
            Some(old) if old.is_compressed() && self.wim.header.compression != Compression::None => {
                rechunk(self.wim, old, bytes)?
            }
            _ => None,
        };
        let flags = flags & !Resource::FLAG_COMPRESSED;
        let flags = if chunked.is_some() { flags | Resource::FLAG_COMPRESSED } else { flags };
        let stored: Arc<[u8]> = chunked.map_or_else(|| bytes.into(), Into::into);
        let stored_len = stored.len() as u64;
        self.tail.push(Piece::Bytes(stored));
        self.tail_len += stored_len;
        if stored_len >= STORED_LEN_LIMIT {
            return Err(WimError::Unrepresentable { what: "stored length", value: stored_len });
        }
        Ok(Resource { offset, stored_len, len: bytes.len() as u64, flags })
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
            let old = self.entries[entry].resource;
            self.entries[entry].resource = self.append(Some(old), &image.metadata, old.flags)?;
            self.entries[entry].hash = Hash::of(&image.metadata);
            growths.push((*index, image.growth));
        }
        let table = self.table();
        let resource = self.append(None, &table, wim.header.blob_table.flags)?;
        patch(header, BLOB_TABLE_FIELD, &resource.to_bytes());
        let table_end = self.position();

        let old_xml = xml::read(wim.source.as_ref(), &wim.header)?;
        // The WIM's own TOTALBYTES is the length of the file up to the XML.
        let growth = i128::from(self.position()) - i128::from(wim.header.xml.offset);
        let new_xml = xml::adjust_lengths(&old_xml, &wim.header, &growths, growth)?;
        let resource = self.append(None, &new_xml, wim.header.xml.flags)?;
        patch(header, XML_FIELD, &resource.to_bytes());

        if let Some(old) = Integrity::read(wim.source.as_ref(), &wim.header)? {
            let file = assemble(&wim.source, header.to_vec(), self.tail.clone());
            let bytes = old.extended(&file, table_end)?.to_bytes()?;
            let resource = self.append(None, &bytes, wim.header.integrity.flags)?;
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

/// An entry of an image, and which of its streams is its content.
type Link = (usize, usize);

/// The content's hash of the file at `path`, and every stream that names it: each of its names has one, or more.
fn links(tree: &Image, path: &str) -> Result<(Option<Hash>, Vec<Link>), WimError> {
    let image = tree.index();
    let found = tree.find_index(path).ok_or_else(|| WimError::NoFile { image, path: path.to_owned() })?;
    let file = &tree.all()[found];
    if file.data_stream().is_none() || !file.is_plain_file() {
        let kind = file.not_plain().unwrap_or("without content");
        return Err(WimError::NotPlain { image, path: path.to_owned(), kind, attributes: file.attributes });
    }
    if file.hard_link_group == 0 {
        return Ok((file.hash(), content_streams(found, file)));
    }
    // Old writers gave one number to files that are not links of each other; those differ in content.
    let links = tree.all().iter().enumerate().filter(|(_, entry)| {
        entry.hard_link_group == file.hard_link_group && entry.is_plain_file() && entry.hash() == file.hash()
    });
    Ok((file.hash(), links.flat_map(|(index, entry)| content_streams(index, entry)).collect()))
}

/// Old writers name the content twice: in the directory entry and in an unnamed stream behind it.
fn content_streams(index: usize, entry: &Entry) -> Vec<Link> {
    let data = entry.data_stream();
    let is_content = |(at, stream): &(usize, &Stream)| {
        Some(*at) == data || (stream.name.is_empty() && stream.hash.is_some() && stream.hash == entry.hash())
    };
    entry.streams.iter().enumerate().filter(is_content).map(|(at, _)| (index, at)).collect()
}

/// `bytes` in chunks: those the old resource has in the same place as it stores them, all others as they are. `None` when
/// that is no shorter than `bytes`.
fn rechunk(wim: &Wim, old: Resource, bytes: &[u8]) -> Result<Option<Vec<u8>>, WimError> {
    let mut old = Chunks::new(wim.source.as_ref(), &wim.header, "resource", old)?;
    let len = bytes.len() as u64;
    let entry_len = chunk_entry_len(len) as usize;
    let (mut table, mut data) = (Vec::new(), Vec::new());
    for (index, new) in bytes.chunks(old.chunk_size() as usize).enumerate() {
        if index > 0 {
            table.extend_from_slice(&(data.len() as u64).to_le_bytes()[..entry_len]);
        }
        match old.next()? {
            Some(old) if old.bytes == new => data.extend_from_slice(old.stored),
            _ => data.extend_from_slice(new),
        }
    }
    if table.len() + data.len() >= bytes.len() {
        return Ok(None);
    }
    table.append(&mut data);
    Ok(Some(table))
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
