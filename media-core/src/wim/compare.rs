//! What differs between two images: by file, and in what.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher};

use super::metadata::upper_case;
use super::{Entry, Image, StreamKind};

/// No more differences than this are listed; two images that have nothing in common would give one for every file.
const LIMIT: usize = 50_000;
/// Nor more than this many bytes of paths.
const PATH_BYTES_LIMIT: usize = 8 << 20;

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
    let mut found = Found { comparison: Comparison::default(), path_bytes: 0 };
    // Which folder of the second image each folder of the first one is.
    let mut partners = vec![NONE; before.len() as usize + 1];
    let mut waiting = vec![(0, 0)];
    while let Some((first, second)) = waiting.pop() {
        let path = || match second {
            NONE => path_of_removed(before, after, &partners, first),
            second => after.path(second as usize),
        };
        match (first, second) {
            (NONE, _) => found.add(path, || FileDifferenceKind::Added),
            (_, NONE) => found.add(path, || FileDifferenceKind::Removed),
            (first, second) => {
                let entries = (before.entry(first as usize), after.entry(second as usize));
                let mut aspects = aspects((before, &entries.0), (after, &entries.1));
                if links.0.of_group(entries.0.hard_link_group) != links.1.of_group(entries.1.hard_link_group)
                {
                    aspects.push(Aspect::HardLinks);
                }
                if !aspects.is_empty() {
                    found.add(path, || FileDifferenceKind::Changed(aspects));
                }
            }
        }
        if first != NONE {
            partners[first as usize] = second;
        }
        // Of what is only in one image, what is below it is only there too. The last of the list is looked at first.
        let below = waiting.len();
        pair(&mut waiting, (before, first), (after, second));
        waiting[below..].reverse();
    }
    found.comparison
}

/// The index of an entry that is not there.
const NONE: u32 = u32::MAX;

/// The differences so far.
struct Found {
    comparison: Comparison,
    path_bytes: usize,
}

impl Found {
    fn add(&mut self, path: impl Fn() -> String, kind: impl FnOnce() -> FileDifferenceKind) {
        if self.comparison.differences.len() >= LIMIT || self.path_bytes >= PATH_BYTES_LIMIT {
            self.comparison.left_out += 1;
            return;
        }
        let (mut path, kind) = (path(), kind());
        if path.is_empty() {
            path.push('\\');
        }
        self.path_bytes += path.len() + kind.len();
        self.comparison.differences.push(FileDifference { path, kind });
    }
}

impl FileDifferenceKind {
    /// How many bytes it takes beside those every difference takes.
    fn len(&self) -> usize {
        let Self::Changed(aspects) = self else { return 0 };
        let of_one = |aspect: &Aspect| match aspect {
            Aspect::Stream(name) => size_of::<Aspect>() + name.len(),
            _ => 0,
        };
        aspects.iter().map(of_one).sum()
    }
}

/// The path of what only the first image has, its folders named as the second image names them.
fn path_of_removed(before: &Image, after: &Image, partners: &[u32], index: u32) -> String {
    let (mut names, mut at) = (Vec::new(), index as usize);
    while partners[at] == NONE && at != 0 {
        names.push(at);
        at = before.parent(at);
    }
    let mut path = if partners[at] == NONE { String::new() } else { after.path(partners[at] as usize) };
    for name in names.into_iter().rev() {
        path.extend((!path.is_empty()).then_some('\\'));
        path.extend(before.name(name));
    }
    path
}

/// Adds what is in two folders side by side, in order of the names in upper case. Names of one folder that differ in case
/// alone are told apart by their order.
fn pair(pairs: &mut Vec<(u32, u32)>, (before, first): (&Image, u32), (after, second): (&Image, u32)) {
    let (first, second) = (sorted(before, first), sorted(after, second));
    let (mut first, mut second) = (first.into_iter().peekable(), second.into_iter().peekable());
    loop {
        let order = match (first.peek(), second.peek()) {
            (Some(left), Some(right)) => upper(before, *left).cmp(upper(after, *right)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return,
        };
        let left = if order.is_le() { first.next() } else { None };
        let right = if order.is_ge() { second.next() } else { None };
        pairs.push((left.unwrap_or(NONE), right.unwrap_or(NONE)));
    }
}

/// What is in a folder, by name in upper case, then by name.
fn sorted(image: &Image, folder: u32) -> Vec<u32> {
    if folder == NONE {
        return Vec::new();
    }
    let mut children: Vec<u32> = image.child_indexes(folder as usize).map(|child| child as u32).collect();
    children.sort_by(|left, right| {
        let names = || image.name(*left as usize).cmp(image.name(*right as usize));
        upper(image, *left).cmp(upper(image, *right)).then_with(names)
    });
    children
}

fn upper(image: &Image, index: u32) -> impl Iterator<Item = char> {
    image.name(index as usize).map(upper_case)
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
/// group is known by its paths, and those by a hash of them all.
struct Links(Vec<(u64, u64)>);

impl Links {
    fn of(image: &Image) -> Self {
        let mut paths: Vec<u64> = Vec::with_capacity(image.len() as usize + 1);
        let mut members: Vec<(u64, u64)> = Vec::new();
        for (index, entry) in image.all().enumerate() {
            // A folder stands before what is in it; the root is its own.
            let above =
                if index == 0 { 0 } else { paths.get(image.parent(index)).copied().unwrap_or_default() };
            let mut hasher = DefaultHasher::new();
            above.hash(&mut hasher);
            image.name(index).map(upper_case).for_each(|letter| letter.hash(&mut hasher));
            paths.push(hasher.finish());
            if entry.hard_link_group != 0 {
                members.push((entry.hard_link_group, hasher.finish()));
            }
        }
        members.sort_unstable();
        let groups = members.chunk_by(|one, next| one.0 == next.0).filter(|group| group.len() > 1);
        let hashed = groups.map(|group| {
            let mut hasher = DefaultHasher::new();
            group.iter().for_each(|(_, path)| path.hash(&mut hasher));
            (group[0].0, hasher.finish())
        });
        Self(hashed.collect())
    }

    fn of_group(&self, group: u64) -> Option<u64> {
        let found = self.0.binary_search_by_key(&group, |(group, _)| *group).ok()?;
        self.0.get(found).map(|(_, names)| *names)
    }
}
