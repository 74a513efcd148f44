//! A WIM metadata resource: security data and the tree of directory entries.
//!
//! Layout as wimlib 1.14.4 documents it (`src/dentry.c`, `src/security.c`): everything little-endian, every
//! entry and every list of entries aligned to 8 bytes, a directory's children ended by 8 zero bytes.

use std::collections::{BTreeMap, HashMap};

use super::content::FileContent;

/// The hash of no bytes is written as zeros.
pub(super) type Hash = [u8; 20];

/// One file of an image.
#[derive(Debug, Clone)]
pub struct File {
    /// Path from the root with `/` between names and none at the start.
    pub path: String,
    /// The name in 8.3 form, where there is one.
    pub short_name: Option<String>,
    /// Windows file attributes, 0x20 for example.
    pub attributes: u32,
    /// Index into the image's security descriptors.
    pub security: u32,
    /// Creation, last access and last write as FILETIMEs.
    pub times: [u64; 3],
    /// Files of one image with the same number are names of one file; 0 means the only name.
    pub link_group: u64,
    /// The unnamed stream.
    pub content: FileContent,
    /// Named streams.
    pub streams: Vec<(String, FileContent)>,
}

/// What the XML says about an image's tree.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) directories: u64,
    pub(super) files: u64,
}

/// An entry with its content already known by hash.
pub(super) struct Hashed<'a> {
    pub(super) file: &'a File,
    pub(super) hash: Hash,
    pub(super) streams: Vec<(&'a str, Hash)>,
}

/// The metadata resource of an image whose folders all bear `folder_times`.
pub(super) fn resource(
    files: &[Hashed<'_>],
    descriptors: &[Vec<u8>],
    folder_times: [u64; 3],
) -> (Vec<u8>, Counts) {
    let tree = Tree::of(files);
    let mut out = security_data(descriptors);

    // First every list gets its place, then the entries can name them.
    let root_len = entry_len("", None, &[]) + 8;
    let (mut places, mut place) = (HashMap::new(), out.len() + root_len);
    for folder in tree.folders.keys() {
        places.insert(folder.as_str(), place);
        place += tree.children(folder).map(|child| child.len()).sum::<usize>() + 8;
    }
    let folder = |name: &str, path: &str| {
        let mut entry = Vec::new();
        put_entry(
            &mut entry,
            &Entry {
                name,
                short_name: None,
                attributes: 0x10,
                security: super::security::ORDINARY,
                subdirectory: places[path] as u64,
                times: folder_times,
                hash: [0; 20],
                link_group: 0,
                streams: Vec::new(),
            },
        );
        entry
    };
    out.extend(folder("", ""));
    out.extend([0; 8]);
    for parent in tree.folders.keys() {
        for child in tree.children(parent) {
            match child {
                Child::Folder { name, path } => out.extend(folder(name, path)),
                Child::File { name, hashed } => put_file(&mut out, name, hashed),
            }
        }
        out.extend([0; 8]);
    }
    assert_eq!(out.len(), place, "the lists lie where the entries say");
    // The root is not counted by Windows or by wimlib.
    (out, Counts { directories: tree.folders.len() as u64 - 1, files: files.len() as u64 })
}

/// Folders by path, each with its children by upper-case name, so that the order is Windows' and fixed.
struct Tree<'a> {
    folders: BTreeMap<String, BTreeMap<String, Child<'a>>>,
}

enum Child<'a> {
    Folder { name: String, path: String },
    File { name: &'a str, hashed: &'a Hashed<'a> },
}

impl<'a> Tree<'a> {
    fn of(files: &'a [Hashed<'a>]) -> Self {
        let mut folders: BTreeMap<String, BTreeMap<String, Child<'a>>> = BTreeMap::new();
        folders.insert(String::new(), BTreeMap::new());
        for hashed in files {
            let path = hashed.file.path.as_str();
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            add_folders(&mut folders, parent);
            let child = Child::File { name, hashed };
            let old = folders.entry(parent.into()).or_default().insert(name.to_uppercase(), child);
            assert!(old.is_none(), "{path} is there twice");
        }
        Self { folders }
    }

    fn children(&self, folder: &str) -> impl Iterator<Item = &Child<'a>> {
        self.folders[folder].values()
    }
}

fn add_folders<'a>(folders: &mut BTreeMap<String, BTreeMap<String, Child<'a>>>, path: &str) {
    if folders.contains_key(path) {
        return;
    }
    folders.insert(path.into(), BTreeMap::new());
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    add_folders(folders, parent);
    let child = Child::Folder { name: name.into(), path: path.into() };
    let old = folders.entry(parent.into()).or_default().insert(name.to_uppercase(), child);
    assert!(old.is_none(), "{path} is there twice, spelled differently");
}

impl Child<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Folder { name, .. } => entry_len(name, None, &[]),
            Self::File { name, hashed } => {
                entry_len(name, hashed.file.short_name.as_deref(), &all_streams(hashed))
            }
        }
    }
}

fn put_file(out: &mut Vec<u8>, name: &str, hashed: &Hashed<'_>) {
    let streams = all_streams(hashed);
    let entry = Entry {
        name,
        short_name: hashed.file.short_name.as_deref(),
        attributes: hashed.file.attributes,
        security: hashed.file.security,
        subdirectory: 0,
        times: hashed.file.times,
        // With named streams the unnamed one is listed among them, and the entry's own hash is zero.
        hash: if streams.is_empty() { hashed.hash } else { [0; 20] },
        link_group: hashed.file.link_group,
        streams,
    };
    put_entry(out, &entry);
}

fn all_streams<'a>(hashed: &Hashed<'a>) -> Vec<(&'a str, Hash)> {
    if hashed.streams.is_empty() {
        return Vec::new();
    }
    std::iter::once(("", hashed.hash)).chain(hashed.streams.iter().copied()).collect()
}

struct Entry<'a> {
    name: &'a str,
    short_name: Option<&'a str>,
    attributes: u32,
    security: u32,
    subdirectory: u64,
    times: [u64; 3],
    hash: Hash,
    link_group: u64,
    streams: Vec<(&'a str, Hash)>,
}

fn put_entry(out: &mut Vec<u8>, entry: &Entry<'_>) {
    let own_len = own_len(entry.name, entry.short_name);
    let end = out.len() + entry_len(entry.name, entry.short_name, &entry.streams);
    let own_end = out.len() + own_len;
    out.extend((own_len as u64).to_le_bytes());
    out.extend(entry.attributes.to_le_bytes());
    out.extend(entry.security.to_le_bytes());
    out.extend(entry.subdirectory.to_le_bytes());
    out.extend([0; 16]);
    out.extend(entry.times.iter().flat_map(|time| time.to_le_bytes()));
    out.extend(entry.hash);
    out.extend([0; 4]);
    out.extend(entry.link_group.to_le_bytes());
    out.extend((entry.streams.len() as u16).to_le_bytes());
    out.extend((utf16_len(entry.short_name.unwrap_or("")) as u16).to_le_bytes());
    out.extend((utf16_len(entry.name) as u16).to_le_bytes());
    put_name(out, entry.name);
    put_name(out, entry.short_name.unwrap_or(""));
    out.resize(own_end, 0);
    for (name, hash) in &entry.streams {
        let len = stream_len(name);
        let stream_end = out.len() + len;
        out.extend((len as u64).to_le_bytes());
        out.extend([0; 8]);
        out.extend(hash);
        out.extend((utf16_len(name) as u16).to_le_bytes());
        put_name(out, name);
        out.resize(stream_end, 0);
    }
    assert_eq!(out.len(), end, "an entry is as long as it was said to be");
}

fn entry_len(name: &str, short_name: Option<&str>, streams: &[(&str, Hash)]) -> usize {
    own_len(name, short_name) + streams.iter().map(|(name, _)| stream_len(name)).sum::<usize>()
}

fn own_len(name: &str, short_name: Option<&str>) -> usize {
    aligned(102 + terminated_len(name) + terminated_len(short_name.unwrap_or("")))
}

fn stream_len(name: &str) -> usize {
    aligned(38 + terminated_len(name))
}

fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count() * 2
}

/// A name's bytes and its NUL; no name has no NUL either.
fn terminated_len(text: &str) -> usize {
    if text.is_empty() { 0 } else { utf16_len(text) + 2 }
}

fn put_name(out: &mut Vec<u8>, name: &str) {
    if !name.is_empty() {
        out.extend(name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
    }
}

fn security_data(descriptors: &[Vec<u8>]) -> Vec<u8> {
    let len = 8 + descriptors.len() * 8 + descriptors.iter().map(Vec::len).sum::<usize>();
    let mut out = (aligned(len) as u32).to_le_bytes().to_vec();
    out.extend((descriptors.len() as u32).to_le_bytes());
    out.extend(descriptors.iter().flat_map(|descriptor| (descriptor.len() as u64).to_le_bytes()));
    out.extend(descriptors.concat());
    out.resize(aligned(len), 0);
    out
}

fn aligned(len: usize) -> usize {
    len.next_multiple_of(8)
}
