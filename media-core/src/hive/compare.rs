//! What differs between two hives: by key, and in what.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use super::{Hive, HiveError, KeyId, KeyInfo, name, record, values};

/// No more differences than this are listed.
const LIMIT: usize = 50_000;
/// Nor more than this many bytes of paths.
const PATH_BYTES_LIMIT: usize = 8 << 20;
/// Values are stored once: more than this many times the hive is read only where keys share them, which none does.
const READ_LIMIT: u64 = 4;

/// What differs between two hives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The differences, by path.
    pub differences: Vec<KeyDifference>,
    /// How many more there are than are listed.
    pub left_out: usize,
}

/// A key that is not the same in both hives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDifference {
    /// Its path below the root, `\` between names.
    pub path: String,
    /// In what it differs.
    pub kind: KeyDifferenceKind,
}

/// In what a key differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyDifferenceKind {
    /// Only the second hive has it; the names of its values.
    Added(Vec<String>),
    /// Only the first hive has it; the names of its values.
    Removed(Vec<String>),
    /// Both have it.
    Changed(Vec<Aspect>),
}

/// One property of a key that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aspect {
    /// Upper and lower case of its name.
    Name,
    /// When it was last written to.
    Time,
    /// Its class name.
    Class,
    /// Its flags, but for how its name is stored.
    Flags,
    /// Its security descriptor.
    SecurityDescriptor,
    /// A value that only the second hive has.
    ValueAdded(String),
    /// A value that only the first hive has.
    ValueRemoved(String),
    /// A value with other data or of another type.
    ValueChanged(String),
}

impl fmt::Display for Aspect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |value: &str| if value.is_empty() { "(default)".to_owned() } else { value.to_owned() };
        match self {
            Self::Name => out.write_str("case of the name"),
            Self::Time => out.write_str("time"),
            Self::Class => out.write_str("class name"),
            Self::Flags => out.write_str("flags"),
            Self::SecurityDescriptor => out.write_str("security descriptor"),
            Self::ValueAdded(name) => write!(out, "value `{}` added", named(name)),
            Self::ValueRemoved(name) => write!(out, "value `{}` removed", named(name)),
            Self::ValueChanged(name) => write!(out, "value `{}` changed", named(name)),
        }
    }
}

/// Compares two hives, key by key. A name in another case is the same name.
///
/// # Errors
/// When a key, list or value of one of them is damaged, or keys contain themselves.
pub fn compare(before: &Hive, after: &Hive) -> Result<Comparison, HiveError> {
    let mut run = Run {
        before: Side::new(before),
        after: Side::new(after),
        nodes: Vec::new(),
        comparison: Comparison::default(),
        path_bytes: 0,
    };
    let mut waiting = vec![(0, Some(before.root()), Some(after.root()))];
    while let Some((node, first, second)) = waiting.pop() {
        run.compare(node, first, second)?;
        // The last of the list is looked at first.
        for (name, first, second) in run.pairs(first, second)?.into_iter().rev() {
            run.nodes.push((node, name));
            waiting.push((run.nodes.len(), first, second));
        }
    }
    Ok(run.comparison)
}

/// One of the two hives, and what was read of it.
struct Side<'a> {
    hive: &'a Hive,
    seen: HashSet<KeyId>,
    read_left: u64,
}

impl<'a> Side<'a> {
    fn new(hive: &'a Hive) -> Self {
        Self { hive, seen: HashSet::new(), read_left: u64::from(hive.cells.size()) * READ_LIMIT }
    }

    /// A key and its values by name in upper case. Each key once: a hive whose keys contain themselves has no end.
    fn visit(&mut self, id: KeyId) -> Result<(KeyInfo, Values), HiveError> {
        if !self.seen.insert(id) {
            return Err(HiveError::Shared { cell: id.0 });
        }
        let cells = &self.hive.cells;
        let mut found = Values::new();
        for cell in values::all(cells, &record::key(cells, id.0)?.0)? {
            let (value, name) = record::value(cells, cell)?;
            let name = name.text();
            self.read_left = self.left_after(name.len() as u64 + 24)?;
            found.insert(name::upper(&name), Found { name, cell, kind: value.kind, len: value.length() });
        }
        Ok((self.hive.key(id)?, found))
    }

    fn data(&mut self, value: &Found) -> Result<Vec<u8>, HiveError> {
        self.read_left = self.left_after(u64::from(value.len))?;
        Ok(values::data(&self.hive.cells, self.hive.minor, value.cell)?.1)
    }

    fn left_after(&self, bytes: u64) -> Result<u64, HiveError> {
        let limit = u64::from(self.hive.cells.size()) * READ_LIMIT;
        self.read_left.checked_sub(bytes).ok_or(HiveError::TooLarge {
            what: "bytes of values, some of them shared by several keys",
            size: limit - self.read_left + bytes,
            limit,
        })
    }
}

/// A key's values by name in upper case.
type Values = BTreeMap<Vec<u16>, Found>;

struct Found {
    name: String,
    cell: u32,
    kind: u32,
    len: u32,
}

/// A name of the keys below one key or another, and what has it there.
type Pair = (String, Option<KeyId>, Option<KeyId>);

struct Run<'a> {
    before: Side<'a>,
    after: Side<'a>,
    /// The tree of names that paths are made of: the name above, counted from 1, and the name.
    nodes: Vec<(usize, String)>,
    comparison: Comparison,
    path_bytes: usize,
}

impl Run<'_> {
    fn compare(&mut self, node: usize, first: Option<KeyId>, second: Option<KeyId>) -> Result<(), HiveError> {
        let first = first.map(|id| self.before.visit(id)).transpose()?;
        let second = second.map(|id| self.after.visit(id)).transpose()?;
        let names = |values: Values| values.into_values().map(|value| value.name).collect();
        let kind = match (first, second) {
            (None, None) => return Ok(()),
            (None, Some((_, values))) => KeyDifferenceKind::Added(names(values)),
            (Some((_, values)), None) => KeyDifferenceKind::Removed(names(values)),
            (Some((key_before, before)), Some((key_after, after))) => {
                let mut aspects = key_aspects(&key_before, &key_after);
                for (upper, value) in &before {
                    match after.get(upper) {
                        None => aspects.push(Aspect::ValueRemoved(value.name.clone())),
                        Some(other) => {
                            if (value.kind, value.len) != (other.kind, other.len)
                                || self.before.data(value)? != self.after.data(other)?
                            {
                                aspects.push(Aspect::ValueChanged(other.name.clone()));
                            }
                        }
                    }
                }
                let added = after.iter().filter(|(upper, _)| !before.contains_key(*upper));
                aspects.extend(added.map(|(_, value)| Aspect::ValueAdded(value.name.clone())));
                if aspects.is_empty() {
                    return Ok(());
                }
                KeyDifferenceKind::Changed(aspects)
            }
        };
        self.add(node, kind);
        Ok(())
    }

    fn pairs(&self, first: Option<KeyId>, second: Option<KeyId>) -> Result<Vec<Pair>, HiveError> {
        let mut found: BTreeMap<Vec<u16>, Pair> = BTreeMap::new();
        for (name, id) in first.map_or_else(|| Ok(Vec::new()), |id| self.before.hive.subkeys(id))? {
            found.insert(name::upper(&name), (name, Some(id), None));
        }
        for (name, id) in second.map_or_else(|| Ok(Vec::new()), |id| self.after.hive.subkeys(id))? {
            let pair = found.entry(name::upper(&name)).or_insert((name, None, None));
            pair.2 = Some(id);
        }
        Ok(found.into_values().collect())
    }

    fn add(&mut self, node: usize, kind: KeyDifferenceKind) {
        if self.comparison.differences.len() >= LIMIT || self.path_bytes >= PATH_BYTES_LIMIT {
            self.comparison.left_out += 1;
            return;
        }
        let (mut names, mut at) = (Vec::new(), node);
        while let Some((parent, name)) = at.checked_sub(1).and_then(|place| self.nodes.get(place)) {
            names.push(name.as_str());
            at = *parent;
        }
        names.reverse();
        let path = if names.is_empty() { "\\".to_owned() } else { names.join("\\") };
        self.path_bytes += path.len();
        self.comparison.differences.push(KeyDifference { path, kind });
    }
}

fn key_aspects(before: &KeyInfo, after: &KeyInfo) -> Vec<Aspect> {
    let flags = |key: &KeyInfo| key.flags & !super::KEY_COMPRESSED;
    let differs = [
        (before.name != after.name, Aspect::Name),
        (before.filetime != after.filetime, Aspect::Time),
        (before.class != after.class, Aspect::Class),
        (flags(before) != flags(after), Aspect::Flags),
        (before.security_descriptor != after.security_descriptor, Aspect::SecurityDescriptor),
    ];
    differs.into_iter().filter(|(differs, _)| *differs).map(|(_, aspect)| aspect).collect()
}
