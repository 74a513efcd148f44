//! An image's metadata: security descriptors, then the tree of directory entries.
//!
//! Source: "Windows Imaging File Format (WIM)", section "Metadata resource"; which stream is which as DISM writes them
//! and wimlib reads them (`dentry.c`). Nothing recurses: folders are read from a list of those still to be read.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::{Hash, MetadataDefect, WimError};
use crate::bytes::{Reader, Truncated, utf16le};

const ENTRY_FIXED_LEN: u64 = 102;
const STREAM_FIXED_LEN: u64 = 38;
const MAIN_HASH_OFFSET: u64 = 64;
const EXTRA_STREAMS_OFFSET: usize = 96;
const STREAM_HASH_OFFSET: u64 = 16;
/// Windows' longest path in UTF-16 units; also what keeps paths of a hostile tree from adding up.
const PATH_LIMIT: u32 = 32767;
const NO_SECURITY: u32 = u32::MAX;

/// `FILE_ATTRIBUTE_DIRECTORY`.
pub const ATTRIBUTE_DIRECTORY: u32 = 0x10;
/// `FILE_ATTRIBUTE_REPARSE_POINT`.
pub const ATTRIBUTE_REPARSE_POINT: u32 = 0x400;
/// `FILE_ATTRIBUTE_ENCRYPTED`: the only stream is what `ReadEncryptedFileRaw` gave.
pub const ATTRIBUTE_ENCRYPTED: u32 = 0x4000;

/// The files of one image: its metadata as it was decoded, and where in it everything is. A file becomes an [`Entry`] when
/// it is asked for, so that a tree takes little more room than its metadata, whatever its files are like.
#[derive(Debug, Clone)]
pub struct Image {
    index: u32,
    bytes: Arc<Vec<u8>>,
    places: Vec<Place>,
    /// Where each security descriptor ends; the first starts behind their lengths.
    security_ends: Vec<u32>,
}

/// Where the directory entry of a file is.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u32,
    parent: u32,
    first_child: u32,
    children: u32,
}

/// One file or folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its name; empty for the root. Unpaired UTF-16 surrogates are U+FFFD.
    pub name: String,
    /// Its 8.3 name, when it has another one.
    pub short_name: Option<String>,
    /// `FILE_ATTRIBUTE_*` bits.
    pub attributes: u32,
    /// Which of the image's security descriptors it has, counted from 0.
    pub security_id: Option<u32>,
    /// FILETIME of its creation.
    pub creation_time: u64,
    /// FILETIME of the last read.
    pub last_access_time: u64,
    /// FILETIME of the last write.
    pub last_write_time: u64,
    /// Names of one file share this number; 0 when the file has one name only.
    pub hard_link_group: u64,
    /// What kind of reparse point it is, when it is one.
    pub reparse: Option<Reparse>,
    /// What it consists of.
    pub streams: Vec<Stream>,
    /// Where it stands among the image's entries.
    place: usize,
}

/// A reparse point's header; its data is the stream of kind [`StreamKind::Reparse`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reparse {
    /// `IO_REPARSE_TAG_*`.
    pub tag: u32,
    /// `ReparseReserved`.
    pub reserved: u16,
    /// Bit 0: the target was not made relative when it was captured.
    pub flags: u16,
}

/// One stream of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// What it holds.
    pub kind: StreamKind,
    /// Its name; empty for unnamed streams.
    pub name: String,
    /// The blob it refers to; `None` when it is empty.
    pub hash: Option<Hash>,
    /// Where in the decoded metadata its 20-byte hash is.
    pub(super) hash_offset: u64,
}

/// What a stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamKind {
    /// The file's content.
    Data,
    /// A named stream's content.
    NamedData,
    /// A reparse point's data.
    Reparse,
    /// An encrypted file as `ReadEncryptedFileRaw` gave it.
    Encrypted,
    /// An unnamed stream that no rule explains.
    Unknown,
}

impl Image {
    /// Which image, counted from 1.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The root folder.
    pub fn root(&self) -> Entry {
        self.entry(0)
    }

    /// The file or folder at a path with `\` or `/` between names; case is ignored, but an exact name goes first.
    pub fn find(&self, path: &str) -> Option<Entry> {
        self.find_index(path).map(|index| self.entry(index))
    }

    /// Every file and folder but the root, with its path from the root (`Windows\System32\config`).
    pub fn entries(&self) -> impl Iterator<Item = (String, Entry)> {
        (1..self.places.len()).map(|index| (self.path(index), self.entry(index)))
    }

    /// How many files and folders there are, without the root.
    pub fn len(&self) -> u64 {
        self.places.len() as u64 - 1
    }

    /// Whether there is nothing but the root.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many folders there are, without the root.
    pub fn folders(&self) -> u64 {
        let parser = self.parser();
        let is_folder = |place: &&Place| parser.attributes(place.offset) & ATTRIBUTE_DIRECTORY != 0;
        self.places.iter().skip(1).filter(is_folder).count() as u64
    }

    /// What is in a folder of this image; nothing for files.
    pub fn children<'a>(&'a self, folder: &Entry) -> impl Iterator<Item = Entry> + use<'a> {
        self.child_indexes(folder.place).map(|index| self.entry(index))
    }

    /// How many security descriptors the image has. Entries refer to them by their place.
    pub fn security_descriptors(&self) -> usize {
        self.security_ends.len()
    }

    /// The security descriptor of an entry, self-relative (MS-DTYP 2.4.6), when it has one that is there.
    pub fn security_descriptor(&self, entry: &Entry) -> Option<&[u8]> {
        let id = entry.security_id? as usize;
        let end = *self.security_ends.get(id)?;
        let start = match id.checked_sub(1) {
            Some(before) => *self.security_ends.get(before)?,
            None => 8 + 8 * self.security_ends.len() as u32,
        };
        self.bytes.get(start as usize..end as usize)
    }

    /// Every file and folder in the order of their indexes, the root first and each folder before what is in it.
    pub(super) fn all(&self) -> impl Iterator<Item = Entry> {
        (0..self.places.len()).map(|index| self.entry(index))
    }

    /// The entry with an index.
    pub(super) fn entry(&self, index: usize) -> Entry {
        let place = self.places.get(index);
        // It was read before: there are no errors left to see.
        let parser = self.parser();
        let look = place.and_then(|place| parser.look(place.offset.into()).ok().flatten());
        let entry = look.and_then(|look| parser.entry(&look).ok()).unwrap_or_default();
        let entry = Entry { place: index, ..entry };
        if index == 0 { Entry { name: String::new(), ..entry } } else { entry }
    }

    /// The blobs that all streams of all files refer to, each as often as it is referred to.
    pub(super) fn each_hash(&self, mut found: impl FnMut(Hash)) {
        let parser = self.parser();
        for place in &self.places {
            let rest = self.bytes.get(place.offset as usize..).unwrap_or_default();
            let Some(fixed) = rest.first_chunk::<{ ENTRY_FIXED_LEN as usize }>() else { continue };
            let hash = fixed[MAIN_HASH_OFFSET as usize..].first_chunk().map(|hash| Hash(*hash));
            hash.and_then(Hash::nonzero).into_iter().for_each(&mut found);
            if fixed[EXTRA_STREAMS_OFFSET..EXTRA_STREAMS_OFFSET + 2] != [0; 2]
                && let Ok(Some(look)) = parser.look(place.offset.into())
            {
                let extra = |hash: Hash, _, _: &[u8]| hash.nonzero().into_iter().for_each(&mut found);
                // It was read before: there are no errors left to see.
                let _ = parser.extra_streams(look.offset + look.len, look.extra_streams, extra);
            }
        }
    }

    /// The characters of an entry's name; those of the root are none.
    pub(super) fn name(&self, index: usize) -> impl Iterator<Item = char> + Clone {
        let place = self.places.get(index).filter(|_| index != 0);
        let raw = place.map_or(&[][..], |place| self.parser().raw_name(place.offset.into()));
        let units = raw.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
        char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The index of the folder an entry is in; the root's is its own.
    pub(super) fn parent(&self, index: usize) -> usize {
        self.places.get(index).map_or(0, |place| place.parent as usize)
    }

    /// The indexes of what is in a folder.
    pub(super) fn child_indexes(&self, index: usize) -> Range<usize> {
        let place = self.places.get(index);
        place.map_or(0..0, |place| {
            place.first_child as usize..place.first_child as usize + place.children as usize
        })
    }

    /// Has a stream refer to another blob.
    pub(super) fn set_hash(&mut self, stream: &Stream, hash: Option<Hash>) {
        let place = stream.hash_offset as usize;
        if let Some(field) = Arc::make_mut(&mut self.bytes).get_mut(place..place + 20) {
            field.copy_from_slice(&hash.unwrap_or_default().0);
        }
    }

    /// The same, which stays.
    pub(super) fn bytes(&self) -> &Arc<Vec<u8>> {
        &self.bytes
    }

    /// The metadata as it is now.
    pub(super) fn into_bytes(self) -> Arc<Vec<u8>> {
        self.bytes
    }

    pub(super) fn find_index(&self, path: &str) -> Option<usize> {
        let names = path.split(['\\', '/']).filter(|name| !name.is_empty());
        names.into_iter().try_fold(0, |folder, name| {
            let mut children = self.child_indexes(folder);
            let exact = children.clone().find(|child| self.name(*child).eq(name.chars()));
            // As Windows compares: character by character in simple upper case.
            let upper = || name.chars().map(upper_case);
            exact.or_else(|| children.find(|child| self.name(*child).map(upper_case).eq(upper())))
        })
    }

    pub(super) fn path(&self, index: usize) -> String {
        let (mut names, mut at) = (Vec::new(), index);
        while at != 0 {
            names.push(at);
            at = self.parent(at);
        }
        let mut path = String::new();
        for (number, index) in names.into_iter().rev().enumerate() {
            path.extend((number != 0).then_some('\\'));
            path.extend(self.name(index));
        }
        path
    }

    fn parser(&self) -> Parser<'_> {
        Parser { image: self.index, bytes: &self.bytes }
    }

    /// Reads decoded metadata.
    pub(super) fn parse(index: u32, bytes: impl Into<Arc<Vec<u8>>>) -> Result<Self, WimError> {
        let bytes = bytes.into();
        if bytes.len() > u32::MAX as usize {
            let (len, limit) = (bytes.len() as u64, u64::from(u32::MAX));
            return Err(WimError::TooLarge { what: "metadata", len, limit });
        }
        let parser = Parser { image: index, bytes: &bytes };
        let (root_offset, security_ends) = parser.security()?;
        let Some(Look { attributes, len_with_streams: len, .. }) = parser.look(root_offset)? else {
            return Err(parser.defect(root_offset, MetadataDefect::Root));
        };
        if attributes & ATTRIBUTE_DIRECTORY == 0 {
            return Err(parser.defect(root_offset, MetadataDefect::Root));
        }
        let root = Place { offset: root_offset as u32, parent: 0, first_child: 0, children: 0 };
        let mut tree = Tree { places: vec![root], path_units: vec![0], used: len };
        // Width first, so that the children of a folder lie side by side.
        let mut folder = 0;
        while let Some(place) = tree.places.get(folder) {
            let subdirectory = parser.subdirectory(place.offset);
            if subdirectory != 0 {
                let first = tree.places.len();
                parser.folder(&mut tree, folder, subdirectory)?;
                tree.places[folder].first_child = first as u32;
                tree.places[folder].children = (tree.places.len() - first) as u32;
            }
            folder += 1;
        }
        let places = tree.places;
        Ok(Self { index, bytes, places, security_ends })
    }
}

/// A tree while it is read.
struct Tree {
    places: Vec<Place>,
    /// How long the path of each entry is.
    path_units: Vec<u16>,
    /// How many bytes the entries take.
    used: u64,
}

impl Entry {
    /// Whether it is a folder.
    pub fn is_directory(&self) -> bool {
        self.attributes & ATTRIBUTE_DIRECTORY != 0
    }

    /// Whether it is a plain file: no folder, no reparse point and not encrypted.
    pub fn is_plain_file(&self) -> bool {
        self.not_plain().is_none()
    }

    /// What it is instead of a plain file: `a folder`, `encrypted (EFS)` or `a reparse point`; `None` for a plain file.
    pub fn not_plain(&self) -> Option<&'static str> {
        let kinds = [
            (ATTRIBUTE_DIRECTORY, "a folder"),
            (ATTRIBUTE_ENCRYPTED, "encrypted (EFS)"),
            (ATTRIBUTE_REPARSE_POINT, "a reparse point"),
        ];
        kinds.into_iter().find(|(attribute, _)| self.attributes & attribute != 0).map(|(_, kind)| kind)
    }

    /// The blob of its content; `None` when it is empty or has none.
    pub fn hash(&self) -> Option<Hash> {
        self.data_stream().and_then(|index| self.streams[index].hash)
    }

    pub(super) fn data_stream(&self) -> Option<usize> {
        self.streams.iter().position(|stream| stream.kind == StreamKind::Data)
    }
}

/// Only mappings of one character to one, like NTFS's table: `ß` stays.
pub(super) fn upper_case(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(only), None) => only,
        _ => letter,
    }
}

struct Parser<'a> {
    image: u32,
    bytes: &'a [u8],
}

/// An entry as it lies there, with nothing copied: a tree has ten thousand, and few are asked for.
struct Look<'a> {
    offset: u64,
    /// How many bytes it takes itself, and with its streams.
    len: u64,
    len_with_streams: u64,
    attributes: u32,
    security_id: u32,
    creation_time: u64,
    last_access_time: u64,
    last_write_time: u64,
    hash: Hash,
    link_or_reparse: u64,
    extra_streams: u16,
    /// UTF-16LE.
    name: &'a [u8],
    short_name: &'a [u8],
}

impl<'a> Parser<'a> {
    fn defect(&self, offset: u64, defect: MetadataDefect) -> WimError {
        WimError::Metadata { image: self.image, offset, defect }
    }

    fn short(&self, error: Truncated) -> WimError {
        let Truncated { what, offset, wanted, left } = error;
        self.defect(offset, MetadataDefect::Short { what, wanted, left })
    }

    /// The bytes `offset..offset + len` as a cursor that knows its place.
    fn reader(&self, what: &'static str, offset: u64, len: u64) -> Result<Reader<'a>, WimError> {
        let left = (self.bytes.len() as u64).saturating_sub(offset);
        if len > left {
            return Err(self.defect(offset, MetadataDefect::Short { what, wanted: len, left }));
        }
        let start = offset as usize;
        Ok(Reader::at(what, &self.bytes[start..start + len as usize], offset))
    }

    /// Where the root is, and where each of the security descriptors before it ends.
    fn security(&self) -> Result<(u64, Vec<u32>), WimError> {
        let short = |error| self.short(error);
        let mut fixed = self.reader("security data", 0, 8)?;
        let (total, count) = (fixed.u32().map_err(short)?, fixed.u32().map_err(short)?);
        let total = u64::from(total).max(8).next_multiple_of(8);
        let mut sizes = self.reader("security data", 0, total)?;
        sizes.take(8).map_err(short)?;
        let mut end = 8 + 8 * u64::from(count);
        if end > total {
            let what = "table of security descriptor sizes";
            return Err(self.defect(8, MetadataDefect::Short { what, wanted: end - 8, left: total - 8 }));
        }
        let mut ends = Vec::with_capacity(count as usize);
        for _ in 0..count {
            end = end.saturating_add(sizes.u64().map_err(short)?);
            ends.push(end.min(total) as u32);
        }
        if end > total {
            let what = "security descriptors";
            return Err(self.defect(8, MetadataDefect::Short { what, wanted: end, left: total }));
        }
        Ok((total, ends))
    }

    fn attributes(&self, offset: u32) -> u32 {
        let field = self.bytes.get(offset as usize + 8..).and_then(|rest| rest.first_chunk());
        field.map_or(0, |field| u32::from_le_bytes(*field))
    }

    /// Where the children of an entry that was read before are; 0 when there are none.
    fn subdirectory(&self, offset: u32) -> u64 {
        let field = self.bytes.get(offset as usize + 16..).and_then(|rest| rest.first_chunk());
        let is_folder = self.attributes(offset) & ATTRIBUTE_DIRECTORY != 0;
        field.filter(|_| is_folder).map_or(0, |field| u64::from_le_bytes(*field))
    }

    fn folder(&self, tree: &mut Tree, parent: usize, first: u64) -> Result<(), WimError> {
        let (mut offset, mut names) = (first, HashSet::new());
        let above = u32::from(tree.path_units[parent]);
        while let Some(Look { len_with_streams: len, name: raw, .. }) = self.look(offset)? {
            // Entries that do not overlap cannot take more bytes than there are; a cycle soon does.
            tree.used = tree.used.saturating_add(len);
            if tree.used > self.bytes.len() as u64 {
                return Err(self.defect(offset, MetadataDefect::Cycle));
            }
            if !is_possible_name(raw) {
                return Err(self.defect(offset, MetadataDefect::Name { name: utf16le(raw) }));
            }
            if !names.insert(raw) {
                return Err(self.defect(offset, MetadataDefect::Duplicate { name: utf16le(raw) }));
            }
            let path_units = above + 1 + (raw.len() / 2) as u32;
            if path_units > PATH_LIMIT {
                return Err(self.defect(offset, MetadataDefect::LongPath));
            }
            let place = Place { offset: offset as u32, parent: parent as u32, first_child: 0, children: 0 };
            tree.places.push(place);
            tree.path_units.push(path_units as u16);
            offset += len;
        }
        Ok(())
    }

    /// The UTF-16LE name of an entry that was read before.
    fn raw_name(&self, offset: u64) -> &'a [u8] {
        let rest = self.bytes.get(offset as usize..).unwrap_or_default();
        let len = rest.get(100..102).map_or(0, |len| usize::from(u16::from_le_bytes([len[0], len[1]])));
        rest.get(102..102 + len).unwrap_or_default()
    }

    /// The entry at `offset`, and that everything in it is there; `None` at the end of a folder.
    fn look(&self, offset: u64) -> Result<Option<Look<'a>>, WimError> {
        let short = |error| self.short(error);
        let len = self.reader("length of a directory entry", offset, 8)?.u64().map_err(short)?;
        if len <= 8 {
            return Ok(None);
        }
        let len = len.checked_next_multiple_of(8).unwrap_or(u64::MAX);
        if len < ENTRY_FIXED_LEN {
            let what = "directory entry";
            return Err(
                self.defect(offset, MetadataDefect::Short { what, wanted: ENTRY_FIXED_LEN, left: len })
            );
        }
        let mut reader = self.reader("directory entry", offset, len)?;
        reader.take(8).map_err(short)?;
        let attributes = reader.u32().map_err(short)?;
        let security_id = reader.u32().map_err(short)?;
        reader.take(24).map_err(short)?; // where its children are, reserved
        let creation_time = reader.u64().map_err(short)?;
        let last_access_time = reader.u64().map_err(short)?;
        let last_write_time = reader.u64().map_err(short)?;
        let hash = Hash(reader.array().map_err(short)?);
        reader.take(4).map_err(short)?; // reserved
        let link_or_reparse = reader.u64().map_err(short)?;
        let extra_streams = reader.u16().map_err(short)?;
        let short_name_len = reader.u16().map_err(short)?;
        let name_len = reader.u16().map_err(short)?;
        let name = self.name(&mut reader, name_len)?;
        let short_name = self.name(&mut reader, short_name_len)?;
        let streams = self.extra_streams(offset + len, extra_streams, |_, _, _| {})?;
        Ok(Some(Look {
            offset,
            len,
            len_with_streams: len + streams,
            attributes,
            security_id,
            creation_time,
            last_access_time,
            last_write_time,
            hash,
            link_or_reparse,
            extra_streams,
            name,
            short_name,
        }))
    }

    fn entry(&self, look: &Look<'_>) -> Result<Entry, WimError> {
        let (attributes, link_or_reparse) = (look.attributes, look.link_or_reparse);
        let is_reparse = attributes & ATTRIBUTE_REPARSE_POINT != 0;
        let stream = |hash: Hash, hash_offset, name| Stream {
            kind: StreamKind::Unknown,
            name: utf16le(name),
            hash: hash.nonzero(),
            hash_offset,
        };
        // The one in the entry itself comes first.
        let mut streams = vec![stream(look.hash, look.offset + MAIN_HASH_OFFSET, &[])];
        self.extra_streams(look.offset + look.len, look.extra_streams, |hash, hash_offset, name| {
            streams.push(stream(hash, hash_offset, name));
        })?;
        assign_kinds(&mut streams, attributes);
        Ok(Entry {
            name: utf16le(look.name),
            short_name: Some(utf16le(look.short_name)).filter(|name| !name.is_empty()),
            attributes,
            security_id: Some(look.security_id).filter(|id| *id != NO_SECURITY),
            creation_time: look.creation_time,
            last_access_time: look.last_access_time,
            last_write_time: look.last_write_time,
            hard_link_group: if is_reparse { 0 } else { link_or_reparse },
            reparse: is_reparse.then_some(Reparse {
                tag: link_or_reparse as u32,
                reserved: (link_or_reparse >> 32) as u16,
                flags: (link_or_reparse >> 48) as u16,
            }),
            streams,
            place: 0,
        })
    }

    /// A name of `len` bytes and its terminator, which is there only when the name is.
    fn name(&self, reader: &mut Reader<'a>, len: u16) -> Result<&'a [u8], WimError> {
        if len == 0 {
            return Ok(&[]);
        }
        if !len.is_multiple_of(2) {
            return Err(self.defect(reader.offset(), MetadataDefect::OddName { len }));
        }
        let name = reader.take(usize::from(len)).map_err(|error| self.short(error))?;
        // The last name of an entry may lack its terminator.
        let _ = reader.take(2);
        Ok(name)
    }

    /// The streams behind an entry: the hash of each, where it is, and the name. Answers how many bytes they take.
    fn extra_streams(
        &self,
        first: u64,
        count: u16,
        mut found: impl FnMut(Hash, u64, &'a [u8]),
    ) -> Result<u64, WimError> {
        let short = |error| self.short(error);
        let mut offset = first;
        for _ in 0..count {
            let what = "stream entry";
            let len = self.reader(what, offset, STREAM_FIXED_LEN)?.u64().map_err(short)?;
            let len = len.checked_next_multiple_of(8).unwrap_or(u64::MAX);
            if len < STREAM_FIXED_LEN {
                let defect = MetadataDefect::Short { what, wanted: STREAM_FIXED_LEN, left: len };
                return Err(self.defect(offset, defect));
            }
            let mut reader = self.reader(what, offset, len)?;
            reader.take(16).map_err(short)?;
            let hash = Hash(reader.array().map_err(short)?);
            let name_len = reader.u16().map_err(short)?;
            found(hash, offset + STREAM_HASH_OFFSET, self.name(&mut reader, name_len)?);
            offset += len;
        }
        Ok(offset - first)
    }
}

/// The format does not say what a stream is; this follows from attributes, names and order.
///
/// With extra entries all streams are among them and the hash in the directory entry is zero, but old writers put
/// the content's there. The reparse data of a reparse point precedes its content.
fn assign_kinds(streams: &mut Vec<Stream>, attributes: u32) {
    if attributes & ATTRIBUTE_ENCRYPTED != 0 {
        for stream in streams.iter_mut().filter(|stream| !stream.name.is_empty()) {
            stream.kind = StreamKind::NamedData;
        }
        let raw = streams.iter_mut().find(|stream| stream.name.is_empty() && stream.hash.is_some());
        if let Some(raw) = raw {
            raw.kind = StreamKind::Encrypted;
        }
    } else {
        let mut kinds = [StreamKind::Reparse, StreamKind::Data].into_iter();
        if attributes & ATTRIBUTE_REPARSE_POINT == 0 {
            kinds.next();
        }
        let unused = kinds.clone().next();
        let mut found = false;
        for (index, stream) in streams.iter_mut().enumerate() {
            if !stream.name.is_empty() {
                stream.kind = StreamKind::NamedData;
            } else if index != 0 || stream.hash.is_some() {
                stream.kind = kinds.next().unwrap_or(StreamKind::Unknown);
                found = true;
            }
        }
        if !found {
            streams[0].kind = unused.unwrap_or(StreamKind::Data);
        }
    }
    streams.retain(|stream| stream.kind != StreamKind::Unknown || stream.hash.is_some());
}

/// A name in UTF-16LE.
fn is_possible_name(name: &[u8]) -> bool {
    let is_forbidden = |unit: &[u8; 2]| matches!(unit, b"/\0" | b"\\\0" | b"\0\0");
    !matches!(name, b"" | b".\0" | b".\0.\0") && !name.as_chunks().0.iter().any(is_forbidden)
}
