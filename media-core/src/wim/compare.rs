//! What differs between two images: by file, and in what.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher};

use super::metadata::upper_case;
use super::{Entry, Image, StreamKind};

/// No more differences than this are listed; two images that have nothing in common would give one for every file.
const LIMIT: usize = 100_000;
/// Nor more than this many bytes of paths.
const PATH_BYTES_LIMIT: usize = 32 << 20;

/// What differs between two images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The differences, by path.
    pub differences: Vec<FileDifference>,
    /// How many more there are than are listed.
    pub left_out: usize,
}

/// A file or folder that is not the same in both images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDifference {
    /// Its path from the root, `\` between names, as the second image has it, or the first where the second has not.
    pub path: String,
    /// In what it differs.
    pub kind: FileDifferenceKind,
}

/// In what a file differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileDifferenceKind {
    /// Only the second image has it.
    Added,
    /// Only the first image has it.
    Removed,
    /// Both have it.
    Changed(Vec<Aspect>),
}

/// One property of a file that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aspect {
    /// Upper and lower case of its name.
    Name,
    /// A folder in one image and a file in the other.
    Kind,
    /// Its content.
    Content,
    /// A named stream: its content, or that there is one.
    Stream(String),
    /// Its attributes.
    Attributes {
        /// In the first image.
        before: u32,
        /// In the second.
        after: u32,
    },
    /// Its security descriptor.
    SecurityDescriptor,
    /// Its 8.3 name.
    ShortName,
    /// When it was made.
    CreationTime,
    /// When it was last written to.
    LastWriteTime,
    /// When it was last read.
    LastAccessTime,
    /// Where a link leads.
    ReparsePoint,
    /// Which names it has.
    HardLinks,
}

impl fmt::Display for Aspect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Name => "case of the name",
            Self::Kind => "file or folder",
            Self::Content => "content",
            Self::Stream(name) => return write!(out, "stream `{name}`"),
            Self::Attributes { before, after } => {
                return write!(out, "attributes (0x{before:x}, now 0x{after:x})");
            }
            Self::SecurityDescriptor => "security descriptor",
            Self::ShortName => "short name",
            Self::CreationTime => "creation time",
            Self::LastWriteTime => "last write time",
            Self::LastAccessTime => "last access time",
            Self::ReparsePoint => "reparse point",
            Self::HardLinks => "hard links",
        })
    }
}

/// Compares two images, file by file. A name in another case is the same name.
pub fn compare(before: &Image, after: &Image) -> Comparison {
    let links = (Links::of(before), Links::of(after));
    let mut found = Found::default();
    let mut waiting = vec![(0, Some(before.root()), Some(after.root()))];
    while let Some((node, first, second)) = waiting.pop() {
        match (first, second) {
            (Some(first), Some(second)) => {
                let mut aspects = aspects((before, first), (after, second));
                if links.0.names(first) != links.1.names(second) {
                    aspects.push(Aspect::HardLinks);
                }
                if !aspects.is_empty() {
                    found.add(node, FileDifferenceKind::Changed(aspects));
                }
            }
            (None, _) => found.add(node, FileDifferenceKind::Added),
            (_, None) => found.add(node, FileDifferenceKind::Removed),
        }
        // Of what is only in one image, what is below it is only there too. The last of the list is looked at first.
        let mut pairs = pairs((before, first), (after, second));
        pairs.reverse();
        for (name, first, second) in pairs {
            waiting.push((found.node(node, name), first, second));
        }
    }
    found.comparison
}

/// The differences so far, and the tree of names their paths are made of: paths of their own for every file would take
/// far more room than the images when a hostile one nests folders deeply.
#[derive(Default)]
struct Found<'a> {
    nodes: Vec<(usize, &'a str)>,
    comparison: Comparison,
    path_bytes: usize,
}

impl<'a> Found<'a> {
    /// A name below another; node 0 is the root.
    fn node(&mut self, parent: usize, name: &'a str) -> usize {
        self.nodes.push((parent, name));
        self.nodes.len()
    }

    fn add(&mut self, node: usize, kind: FileDifferenceKind) {
        if self.comparison.differences.len() >= LIMIT || self.path_bytes >= PATH_BYTES_LIMIT {
            self.comparison.left_out += 1;
            return;
        }
        let path = self.path(node);
        self.path_bytes += path.len();
        self.comparison.differences.push(FileDifference { path, kind });
    }

    fn path(&self, node: usize) -> String {
        let (mut names, mut at) = (Vec::new(), node);
        while let Some((parent, name)) = at.checked_sub(1).and_then(|place| self.nodes.get(place)) {
            names.push(*name);
            at = *parent;
        }
        names.reverse();
        if names.is_empty() { "\\".to_owned() } else { names.join("\\") }
    }
}

/// A name of both folders or of one of them, and what has it there.
type Pair<'a> = (&'a str, Option<&'a Entry>, Option<&'a Entry>);

/// What is in two folders, side by side, in order of the names in upper case.
fn pairs<'a>(
    (before, first): (&'a Image, Option<&'a Entry>),
    (after, second): (&'a Image, Option<&'a Entry>),
) -> Vec<Pair<'a>> {
    let mut found: BTreeMap<(String, u32), Pair> = BTreeMap::new();
    for (key, entry) in children(before, first) {
        found.insert(key, (&entry.name, Some(entry), None));
    }
    for (key, entry) in children(after, second) {
        let pair = found.entry(key).or_insert((&entry.name, None, None));
        (pair.0, pair.2) = (&entry.name, Some(entry));
    }
    found.into_values().collect()
}

/// What is in a folder, by name in upper case; names that differ in case alone are told apart by their order.
fn children<'a>(image: &'a Image, folder: Option<&'a Entry>) -> Vec<((String, u32), &'a Entry)> {
    let children = folder.map(|folder| image.children(folder)).unwrap_or_default();
    let mut sorted: Vec<(String, &Entry)> =
        children.iter().map(|entry| (entry.name.chars().map(upper_case).collect(), entry)).collect();
    sorted.sort_by(|(left, left_entry), (right, right_entry)| {
        left.cmp(right).then_with(|| left_entry.name.cmp(&right_entry.name))
    });
    let mut keyed: Vec<((String, u32), &Entry)> = Vec::with_capacity(sorted.len());
    for (upper, entry) in sorted {
        let number = match keyed.last() {
            Some(((last, number), _)) if *last == upper => number + 1,
            _ => 0,
        };
        keyed.push(((upper, number), entry));
    }
    keyed
}

fn aspects((before, first): (&Image, &Entry), (after, second): (&Image, &Entry)) -> Vec<Aspect> {
    let mut found = Vec::new();
    let mut note = |differs: bool, aspect: Aspect| {
        if differs {
            found.push(aspect);
        }
    };
    note(first.name != second.name, Aspect::Name);
    note(first.is_directory() != second.is_directory(), Aspect::Kind);
    note(content(first) != content(second), Aspect::Content);
    let (named_before, named_after) = (named(first), named(second));
    let mut names: Vec<&str> = named_before.keys().chain(named_after.keys()).copied().collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        note(named_before.get(name) != named_after.get(name), Aspect::Stream(name.to_owned()));
    }
    note(
        first.attributes != second.attributes,
        Aspect::Attributes { before: first.attributes, after: second.attributes },
    );
    let security = (before.security_descriptor(first), after.security_descriptor(second));
    note(security.0 != security.1, Aspect::SecurityDescriptor);
    note(first.short_name != second.short_name, Aspect::ShortName);
    note(first.creation_time != second.creation_time, Aspect::CreationTime);
    note(first.last_write_time != second.last_write_time, Aspect::LastWriteTime);
    note(first.last_access_time != second.last_access_time, Aspect::LastAccessTime);
    let target = |entry: &Entry| (entry.reparse, stream(entry, StreamKind::Reparse));
    note(target(first) != target(second), Aspect::ReparsePoint);
    found
}

fn content(entry: &Entry) -> [Option<super::Hash>; 3] {
    [StreamKind::Data, StreamKind::Encrypted, StreamKind::Unknown].map(|kind| stream(entry, kind))
}

fn stream(entry: &Entry, kind: StreamKind) -> Option<super::Hash> {
    entry.streams.iter().find(|stream| stream.kind == kind).and_then(|stream| stream.hash)
}

fn named(entry: &Entry) -> BTreeMap<&str, Option<super::Hash>> {
    let named = entry.streams.iter().filter(|stream| stream.kind == StreamKind::NamedData);
    named.map(|stream| (stream.name.as_str(), stream.hash)).collect()
}

/// The names of each file that has several. The numbers of hard link groups mean nothing outside their image, so each
/// group is known by its paths, and each path by a hash.
struct Links(HashMap<u64, Vec<u64>>);

impl Links {
    fn of(image: &Image) -> Self {
        let mut paths: Vec<u64> = Vec::with_capacity(image.all().len());
        let mut groups: HashMap<u64, Vec<u64>> = HashMap::new();
        for (index, entry) in image.all().iter().enumerate() {
            // A folder stands before what is in it; the root is its own.
            let above = if index == 0 { 0 } else { paths.get(entry.parent()).copied().unwrap_or_default() };
            let mut hasher = DefaultHasher::new();
            above.hash(&mut hasher);
            entry.name.chars().map(upper_case).for_each(|letter| letter.hash(&mut hasher));
            paths.push(hasher.finish());
            if entry.hard_link_group != 0 {
                groups.entry(entry.hard_link_group).or_default().push(hasher.finish());
            }
        }
        groups.retain(|_, paths| paths.len() > 1);
        groups.values_mut().for_each(|paths| paths.sort_unstable());
        Self(groups)
    }

    fn names(&self, entry: &Entry) -> Option<&[u64]> {
        self.0.get(&entry.hard_link_group).map(Vec::as_slice)
    }
}
