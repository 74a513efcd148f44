//! Lists of subkeys, kept in the order Windows searches them in.
//!
//! - `lf`: cell and a 4-character hint, hive versions below 1.5; with more than 507 entries Windows changes to
//! - `li`: cells only;
//! - `lh`: cell and a hash of the name, from version 1.5;
//! - `ri`: cells of such lists, once one would have more than 1012 entries. Windows splits it into halves.
//!
//! The limits are those of Windows-written hives: lists of 951 and 967 entries, halves of 506.

use super::HiveError;
use super::cells::{Cells, NONE};
use super::name::{self, Name};
use super::record::{self, key_field};
use crate::bytes::Reader;
use std::cmp::Ordering;

const LONGEST_FAST: usize = 507;
const LONGEST: usize = 1012;
/// No more are read: lists can name one key again and again. The most Windows has below one key is some ten thousand.
const MOST: usize = 1 << 19;
const WHAT: &str = "subkey list";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Index,
    Fast,
    Hash,
}

impl Kind {
    fn signature(self) -> [u8; 2] {
        match self {
            Self::Index => *b"li",
            Self::Fast => *b"lf",
            Self::Hash => *b"lh",
        }
    }

    fn entry(self) -> usize {
        if self == Self::Index { 4 } else { 8 }
    }
}

/// One list of keys.
#[derive(Debug, Clone, Copy)]
struct Leaf<'a> {
    cell: u32,
    kind: Kind,
    entries: &'a [u8],
}

impl<'a> Leaf<'a> {
    fn len(&self) -> usize {
        self.entries.len() / self.kind.entry()
    }

    fn keys(self) -> impl ExactSizeIterator<Item = u32> + 'a {
        self.entries.chunks_exact(self.kind.entry()).map(|entry| match entry {
            [a, b, c, d, ..] => u32::from_le_bytes([*a, *b, *c, *d]),
            _ => NONE,
        })
    }

    fn key(&self, at: usize) -> u32 {
        let start = at * self.kind.entry();
        self.entries
            .get(start..start + 4)
            .and_then(|cell| cell.try_into().ok())
            .map_or(NONE, u32::from_le_bytes)
    }
}

/// Where a name is, or where it belongs.
struct Place {
    leaf: usize,
    at: usize,
    found: Option<u32>,
}

/// The cells of all subkeys, in the order they are listed.
pub(super) fn all(cells: &Cells, list: u32) -> Result<Vec<u32>, HiveError> {
    let leaves = leaves(cells, list)?;
    let count: usize = leaves.iter().map(Leaf::len).sum();
    if count > MOST {
        return Err(HiveError::TooLarge {
            what: "the subkeys of one key",
            size: count as u64,
            limit: MOST as u64,
        });
    }
    Ok(leaves.into_iter().flat_map(Leaf::keys).collect())
}

/// The cells that the lists themselves take.
pub(super) fn list_cells(cells: &Cells, list: u32) -> Result<Vec<u32>, HiveError> {
    let leaves: Vec<u32> = leaves(cells, list)?.iter().map(|leaf| leaf.cell).collect();
    let root = (list != NONE && leaves != [list]).then_some(list);
    Ok(leaves.into_iter().chain(root).collect())
}

/// Finds a subkey by its upper-case name in lists that are in order.
pub(super) fn find(cells: &Cells, list: u32, upper: &[u16]) -> Result<Option<u32>, HiveError> {
    Ok(place(cells, &leaves(cells, list)?, upper)?.found)
}

/// Finds a subkey by its upper-case name in lists that may be out of order.
pub(super) fn find_anywhere(cells: &Cells, list: u32, upper: &[u16]) -> Result<Option<u32>, HiveError> {
    if let Some(cell) = find(cells, list, upper)? {
        return Ok(Some(cell));
    }
    for cell in all(cells, list)? {
        if record::key(cells, cell)?.1.compare(upper) == Ordering::Equal {
            return Ok(Some(cell));
        }
    }
    Ok(None)
}

/// Whether the subkeys are in strict order.
pub(super) fn is_sorted(cells: &Cells, list: u32) -> Result<bool, HiveError> {
    let mut before: Option<Vec<u16>> = None;
    for cell in all(cells, list)? {
        let upper: Vec<u16> = record::key(cells, cell)?.1.units().map(name::upcase).collect();
        if before.is_some_and(|before| before >= upper) {
            return Ok(false);
        }
        before = Some(upper);
    }
    Ok(true)
}

/// Lists a new subkey of `parent`; its name must not be listed yet.
pub(super) fn insert(cells: &mut Cells, parent: u32, minor: u32, subkey: u32) -> Result<(), HiveError> {
    let list = record::key(cells, parent)?.0.subkey_list;
    let upper: Vec<u16> = record::key(cells, subkey)?.1.units().map(name::upcase).collect();
    if list == NONE {
        let kind = if minor >= 5 { Kind::Hash } else { Kind::Fast };
        let content = leaf_content(kind, &entry(cells, kind, subkey)?)?;
        let new = cells.allocate(&content)?;
        return cells.put(WHAT, parent, key_field::SUBKEY_LIST, &new.to_le_bytes());
    }
    let all = leaves(cells, list)?;
    let place = place(cells, &all, &upper)?;
    let Some(leaf) = all.get(place.leaf).copied() else {
        return Err(HiveError::Record { what: WHAT, cell: list, expected: "a list in the root", found: 0 });
    };
    let (leaf_cell, length) = (leaf.cell, leaf.len() + 1);
    let (kind, mut entries) = match leaf.kind {
        Kind::Fast if length > LONGEST_FAST => {
            (Kind::Index, leaf.keys().flat_map(u32::to_le_bytes).collect())
        }
        kind => (kind, leaf.entries.to_vec()),
    };
    let at = place.at * kind.entry();
    entries.splice(at..at, entry(cells, kind, subkey)?);
    let half = if length > LONGEST { length / 2 * kind.entry() } else { entries.len() };
    let (first, second) = entries.split_at(half);

    let mut lists = vec![rewrite(cells, leaf_cell, &leaf_content(kind, first)?)?];
    if !second.is_empty() {
        lists.push(cells.allocate(&leaf_content(kind, second)?)?);
    }
    replace(cells, parent, list, leaf_cell, &lists)
}

/// Takes a subkey of `parent` off its list.
pub(super) fn remove(cells: &mut Cells, parent: u32, subkey: u32) -> Result<(), HiveError> {
    let list = record::key(cells, parent)?.0.subkey_list;
    let Some((leaf_cell, kind, rest)) = leaves(cells, list)?.into_iter().find_map(|leaf| {
        let at = leaf.keys().position(|key| key == subkey)? * leaf.kind.entry();
        let mut entries = leaf.entries.to_vec();
        entries.drain(at..at + leaf.kind.entry());
        Some((leaf.cell, leaf.kind, entries))
    }) else {
        return Err(HiveError::Record {
            what: WHAT,
            cell: list,
            expected: "the subkey",
            found: u64::from(subkey),
        });
    };
    if rest.is_empty() {
        cells.release(WHAT, leaf_cell)?;
        return replace(cells, parent, list, leaf_cell, &[]);
    }
    let new = rewrite(cells, leaf_cell, &leaf_content(kind, &rest)?)?;
    replace(cells, parent, list, leaf_cell, &[new])
}

/// The lists of keys under `list`, in order.
fn leaves(cells: &Cells, list: u32) -> Result<Vec<Leaf<'_>>, HiveError> {
    if list == NONE {
        return Ok(Vec::new());
    }
    match roots(cells, list)? {
        None => Ok(vec![leaf(cells, list)?]),
        Some(lists) => {
            let mut seen = std::collections::HashSet::new();
            lists
                .into_iter()
                .map(|cell| {
                    if !seen.insert(cell) {
                        return Err(HiveError::Shared { cell });
                    }
                    leaf(cells, cell)
                })
                .collect()
        }
    }
}

/// The lists an `ri` names; none when `list` is not one. (Windows never puts one `ri` under another.)
fn roots(cells: &Cells, list: u32) -> Result<Option<Vec<u32>>, HiveError> {
    let mut reader = Reader::at(WHAT, cells.get(WHAT, list)?, u64::from(list));
    if reader.take(2)? != b"ri" {
        return Ok(None);
    }
    let count = usize::from(reader.u16()?);
    let entries = reader.take(count * 4)?;
    Ok(Some(entries.as_chunks::<4>().0.iter().map(|cell| u32::from_le_bytes(*cell)).collect()))
}

fn leaf(cells: &Cells, cell: u32) -> Result<Leaf<'_>, HiveError> {
    let mut reader = Reader::at(WHAT, cells.get(WHAT, cell)?, u64::from(cell));
    let signature = reader.array::<2>()?;
    let kind = match &signature {
        b"li" => Kind::Index,
        b"lf" => Kind::Fast,
        b"lh" => Kind::Hash,
        _ => {
            return Err(HiveError::Record {
                what: WHAT,
                cell,
                expected: "li, lf or lh",
                found: u64::from(u16::from_le_bytes(signature)),
            });
        }
    };
    let count = usize::from(reader.u16()?);
    Ok(Leaf { cell, kind, entries: reader.take(count * kind.entry())? })
}

fn place(cells: &Cells, leaves: &[Leaf<'_>], upper: &[u16]) -> Result<Place, HiveError> {
    let order = |cell: u32| -> Result<Ordering, HiveError> {
        let (_, name): (_, Name<'_>) = record::key(cells, cell)?;
        Ok(name.compare(upper))
    };
    let mut chosen = leaves.len().saturating_sub(1);
    for (at, leaf) in leaves.iter().enumerate() {
        if leaf.len() > 0 && order(leaf.key(leaf.len() - 1))? != Ordering::Less {
            chosen = at;
            break;
        }
    }
    let Some(leaf) = leaves.get(chosen) else { return Ok(Place { leaf: 0, at: 0, found: None }) };
    let (mut low, mut high) = (0, leaf.len());
    while low < high {
        let middle = low.midpoint(high);
        let cell = leaf.key(middle);
        match order(cell)? {
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
            Ordering::Equal => return Ok(Place { leaf: chosen, at: middle, found: Some(cell) }),
        }
    }
    Ok(Place { leaf: chosen, at: low, found: None })
}

/// What a list keeps for a key.
fn entry(cells: &Cells, kind: Kind, key: u32) -> Result<Vec<u8>, HiveError> {
    let name = record::key(cells, key)?.1;
    let mut entry = key.to_le_bytes().to_vec();
    match kind {
        Kind::Index => {}
        Kind::Fast => entry.extend_from_slice(&name::hint(name.units())),
        Kind::Hash => entry.extend_from_slice(&name::hash(name.units()).to_le_bytes()),
    }
    Ok(entry)
}

fn leaf_content(kind: Kind, entries: &[u8]) -> Result<Vec<u8>, HiveError> {
    let mut content = header(kind.signature(), entries.len() / kind.entry())?;
    content.extend_from_slice(entries);
    Ok(content)
}

fn header(signature: [u8; 2], count: usize) -> Result<Vec<u8>, HiveError> {
    let count = u16::try_from(count).map_err(|_| HiveError::TooLarge {
        what: WHAT,
        size: count as u64,
        limit: u64::from(u16::MAX),
    })?;
    Ok([signature, count.to_le_bytes()].concat())
}

/// Writes a list over the old one, or into a new cell when that has no room; gives its cell.
fn rewrite(cells: &mut Cells, cell: u32, content: &[u8]) -> Result<u32, HiveError> {
    let room = cells.get(WHAT, cell)?.len();
    // A list that has shrunk to half its cell moves too, so that no cell stays far too large.
    if room >= content.len() && room / 2 <= content.len().max(16) {
        cells.put(WHAT, cell, 0, content)?;
        return Ok(cell);
    }
    let new = cells.allocate_list(content)?;
    cells.release(WHAT, cell)?;
    Ok(new)
}

/// Puts `new` (none, one or two lists) in the place of the list `old`, in the root list or in the key itself.
fn replace(cells: &mut Cells, parent: u32, list: u32, old: u32, new: &[u32]) -> Result<(), HiveError> {
    let point =
        |cells: &mut Cells, to: u32| cells.put("key", parent, key_field::SUBKEY_LIST, &to.to_le_bytes());
    if list == old {
        return match new {
            [] => point(cells, NONE),
            [only] => point(cells, *only),
            several => {
                let root = cells.allocate(&root_content(several)?)?;
                point(cells, root)
            }
        };
    }
    let lists = roots(cells, list)?.unwrap_or_default();
    let lists: Vec<u32> =
        lists.into_iter().flat_map(|cell| if cell == old { new.to_vec() } else { vec![cell] }).collect();
    if lists.is_empty() {
        cells.release(WHAT, list)?;
        return point(cells, NONE);
    }
    let root = rewrite(cells, list, &root_content(&lists)?)?;
    point(cells, root)
}

fn root_content(lists: &[u32]) -> Result<Vec<u8>, HiveError> {
    let mut content = header(*b"ri", lists.len())?;
    content.extend(lists.iter().flat_map(|cell| cell.to_le_bytes()));
    Ok(content)
}
