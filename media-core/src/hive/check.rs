//! A strict check of a whole hive. It shares nothing with the editor but the name rules and the checksum: it
//! walks the bytes on its own, counts who uses each cell, and says everything that is not as Windows leaves it.

use super::base_block::{self, checksum};
use super::name::{self, Name};
use crate::finding::Finding;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

const NONE: u32 = u32::MAX;
const SEGMENT: usize = 16344;
/// Bytes of the record of a key without a name, and of its cell's size.
const SMALLEST_KEY: usize = 80;
/// More findings than this help nobody.
const MOST: usize = 1000;
/// Windows goes no deeper.
const DEEPEST: usize = 512;
/// The longest name of a key Windows makes, in UTF-16 units.
const LONGEST_NAME: usize = 255;
/// A place in a finding names no more keys than this, and no more of a name.
const LONGEST_PLACE: usize = 32;
const LONGEST_EXCERPT: usize = 255;

/// Checks a hive: base block, bins, cells, that each allocated cell is used exactly once, lists in order with
/// right hints and hashes, counts and longest-name fields, parents, value data, and security descriptors with
/// their ring and counts. No finding of severity error means Windows would find nothing to repair.
pub fn check(bytes: &[u8]) -> Vec<Finding> {
    let mut checker = Checker { bytes, ..Checker::default() };
    if checker.base_block() && checker.bins() {
        checker.tree();
        checker.securities();
        checker.unused();
    }
    checker.findings
}

#[derive(Default)]
struct Checker<'a> {
    bytes: &'a [u8],
    minor: u32,
    root: u32,
    end: usize,
    /// One bit for each 8 bytes of the bins: an allocated cell starts here.
    allocated: Vec<u64>,
    /// The same: it was claimed.
    claimed: Vec<u64>,
    /// Keys by the security cell they name.
    holders: HashMap<u32, u32>,
    /// The cells of the key that is being looked at and of all keys above it, the root first.
    trail: Vec<u32>,
    findings: Vec<Finding>,
}

/// A key still to be looked at. Its path is not held: of a million keys it would be the same long names again and again.
struct Waiting {
    cell: u32,
    parent: u32,
    /// How many keys are above it.
    depth: usize,
}

/// Where a finding is; made into text only when there is one.
#[derive(Clone, Copy)]
enum Place<'a> {
    Named(&'static str),
    /// An offset in the file.
    Offset(usize),
    /// A cell that belongs to no key.
    Cell(&'static str, u32),
    /// The key that is being looked at.
    Key,
    /// A subkey or value of it.
    Below(Name<'a>),
}

impl<'a> Checker<'a> {
    fn error(&mut self, id: &'static str, place: Place<'_>, message: impl Into<String>) {
        if self.findings.len() < MOST {
            self.findings.push(Finding::error(id, self.text(place), message));
        }
    }

    fn text(&self, place: Place<'_>) -> String {
        match place {
            Place::Named(name) => name.to_owned(),
            Place::Offset(offset) => format!("offset {offset}"),
            Place::Cell(what, cell) => format!("{what} {cell:#x}"),
            Place::Key => self.path(None),
            Place::Below(name) => self.path(Some(name)),
        }
    }

    /// The path of the current key, or of something below it, from the root. The middle of a long one is left out.
    fn path(&self, below: Option<Name<'_>>) -> String {
        let names = self.trail.iter().skip(1).map(|cell| {
            let name = self.content(*cell).and_then(key_name).map(|(_, name)| name);
            name.map_or_else(|| "?".to_owned(), excerpt)
        });
        let names: Vec<String> = names.chain(below.map(excerpt)).collect();
        let path = |names: &[String]| names.iter().map(|name| format!("\\{name}")).collect::<String>();
        match names.len().checked_sub(LONGEST_PLACE) {
            None | Some(0) => path(&names),
            Some(_) => {
                let (start, end) = (LONGEST_PLACE / 2, names.len() - LONGEST_PLACE / 2);
                format!("{}\\...{}", path(&names[..start]), path(&names[end..]))
            }
        }
    }

    fn base_block(&mut self) -> bool {
        let Some(block) = self.bytes.get(..base_block::LEN) else {
            self.error(
                "hive.short",
                Place::Named("base block"),
                format!("the file has only {} bytes", self.bytes.len()),
            );
            return false;
        };
        if !block.starts_with(b"regf") {
            self.error("hive.signature", Place::Named("base block"), "does not start with regf");
            return false;
        }
        let (primary, secondary) = (number(block, 4), number(block, 8));
        if primary != secondary {
            self.error(
                "hive.sequence",
                Place::Named("base block"),
                format!("sequence numbers {primary} and {secondary}"),
            );
        }
        let (stored, computed) = (number(block, 508), checksum(block));
        if stored != computed {
            self.error(
                "hive.checksum",
                Place::Named("base block"),
                format!("{stored:#010x}, computed {computed:#010x}"),
            );
        }
        let (major, minor) = (number(block, 20), number(block, 24));
        if major != 1 || !(3..=6).contains(&minor) {
            self.error("hive.version", Place::Named("base block"), format!("{major}.{minor}"));
        }
        if number(block, 28) != 0 || number(block, 32) != 1 {
            self.error(
                "hive.kind",
                Place::Named("base block"),
                "is not a primary file for direct memory load",
            );
        }
        let size = number(block, 40) as usize;
        self.minor = minor;
        self.root = number(block, 36);
        self.end = base_block::LEN.saturating_add(size);
        if size == 0 || !size.is_multiple_of(4096) || self.end > self.bytes.len() {
            self.error(
                "hive.size",
                Place::Named("base block"),
                format!("{size} bytes of bins, the file has {}", self.bytes.len()),
            );
            return false;
        }
        true
    }

    fn bins(&mut self) -> bool {
        let words = (self.end - base_block::LEN).div_ceil(8 * 64);
        (self.allocated, self.claimed) = (vec![0; words], vec![0; words]);
        let mut bin = base_block::LEN;
        while bin < self.end {
            let header = &self.bytes[bin..];
            let size = number(header, 8) as usize;
            if !header.starts_with(b"hbin")
                || number(header, 4) as usize != bin - base_block::LEN
                || size == 0
                || !size.is_multiple_of(4096)
                || size > self.end - bin
            {
                self.error("hive.bin", Place::Offset(bin), "is not the header of a hive bin");
                return false;
            }
            let mut cell = bin + 32;
            while cell < bin + size {
                let stored = number(&self.bytes[cell..], 0) as i32;
                let length = stored.unsigned_abs() as usize;
                if length < 8 || !length.is_multiple_of(8) || length > bin + size - cell {
                    self.error("hive.cell-size", Place::Offset(cell), format!("{stored}"));
                    return false;
                }
                if stored < 0 {
                    set(&mut self.allocated, (cell - base_block::LEN) as u32);
                }
                cell += length;
            }
            bin += size;
        }
        true
    }

    /// Counts one more use of a cell; gives its content, unless there is no such cell or it is used already.
    fn claim(&mut self, what: &'static str, cell: u32, place: Place<'_>) -> Option<&'a [u8]> {
        if !is_set(&self.allocated, cell) {
            self.error("hive.reference", place, format!("{what}: there is no allocated cell {cell:#x}"));
            return None;
        }
        if !set(&mut self.claimed, cell) {
            self.error("hive.shared", place, format!("{what}: cell {cell:#x} is used already"));
            return None;
        }
        self.content(cell)
    }

    fn content(&self, cell: u32) -> Option<&'a [u8]> {
        let start = base_block::LEN + cell as usize;
        let size = number(self.bytes, start);
        is_set(&self.allocated, cell)
            .then(|| self.bytes.get(start + 4..start + size.wrapping_neg() as usize))?
    }

    fn tree(&mut self) {
        let mut waiting = vec![Waiting { cell: self.root, parent: NONE, depth: 0 }];
        while let Some(next) = waiting.pop() {
            // Keys wait depth first, so that those above this one are the start of the trail.
            self.trail.truncate(next.depth);
            self.trail.push(next.cell);
            if next.depth >= DEEPEST {
                self.error("hive.depth", Place::Key, format!("is below {DEEPEST} levels"));
                continue;
            }
            let Some(key) = self.claim("key", next.cell, Place::Key) else { continue };
            self.key(key, &next, &mut waiting);
        }
    }

    fn key(&mut self, key: &'a [u8], at: &Waiting, waiting: &mut Vec<Waiting>) {
        let path = Place::Key;
        let Some((flags, name)) = key_name(key) else {
            self.error("hive.key", path, format!("cell {:#x} does not hold a key", at.cell));
            return;
        };
        let is_root = at.parent == NONE;
        match (is_root, flags & 4 != 0) {
            // Hives saved with the offline registry library have none, and Windows loads them.
            (true, false) => {
                self.findings.push(Finding::note("hive.root-flag", "root key", format!("flags {flags:#x}")))
            }
            (false, true) => self.error("hive.root-flag", path, format!("flags {flags:#x}")),
            _ => {}
        }
        if !is_root && number(key, 16) != at.parent {
            self.error(
                "hive.parent",
                path,
                format!("parent is {:#x}, not {:#x}", number(key, 16), at.parent),
            );
        }
        if name.units().next().is_none() && !is_root {
            self.error("hive.name", path, "a key without a name");
        }
        *self.holders.entry(number(key, 44)).or_default() += 1;
        let (class, class_length) = (number(key, 48), usize::from(short(key, 74)));
        if class != NONE
            && class_length > 0
            && let Some(content) = self.claim("class name", class, path)
            && content.len() < class_length
        {
            self.error("hive.class", path, format!("class name of {class_length} bytes"));
        }
        if flags & 0x40 == 0 {
            self.values(key);
        }
        self.subkeys(key, at, waiting);
    }

    fn subkeys(&mut self, key: &'a [u8], at: &Waiting, waiting: &mut Vec<Waiting>) {
        let (count, list) = (number(key, 20), number(key, 28));
        let mut subkeys = Vec::new();
        if list != NONE && count > 0 {
            self.list(list, true, &mut subkeys);
        } else if list != NONE || count > 0 {
            self.error("hive.subkey-count", Place::Key, format!("{count} subkeys, list {list:#x}"));
        }
        if subkeys.len() != count as usize {
            self.error("hive.subkey-count", Place::Key, format!("{count} subkeys, {} listed", subkeys.len()));
        }
        let (mut before, mut longest_name, mut longest_class): (Option<Vec<u16>>, _, _) = (None, 0, 0);
        for (subkey, hint) in subkeys {
            if waiting.len() > self.most_keys() {
                self.error("hive.shared", Place::Key, "there are more subkeys than keys fit into the hive");
                return;
            }
            let Some((content, (_, name))) = self.content(subkey).and_then(|key| Some((key, key_name(key)?)))
            else {
                self.error(
                    "hive.reference",
                    Place::Key,
                    format!("subkey: cell {subkey:#x} does not hold a key"),
                );
                continue;
            };
            let length = name.units().count();
            if length > LONGEST_NAME {
                let message = format!("a key name of {length} UTF-16 units, the limit is {LONGEST_NAME}");
                self.error("hive.name", Place::Below(name), message);
                continue;
            }
            let path = Place::Below(name);
            let upper: Vec<u16> = name.units().map(name::upcase).collect();
            longest_name = longest_name.max(upper.len() * 2);
            longest_class = longest_class.max(u32::from(short(content, 74)));
            match hint {
                Hint::None => {}
                // A zero first byte means "look at the key", and is always allowed.
                Hint::Text(hint) => {
                    if hint[0] != 0 && hint != name::hint(name.units()) {
                        self.error("hive.hint", path, format!("{hint:02x?}"));
                    }
                }
                Hint::Hash(hash) => {
                    if hash != name::hash(name.units()) {
                        self.error("hive.hash", path, format!("{hash:#010x}"));
                    }
                }
            }
            if before.as_ref().is_some_and(|before| *before >= upper) {
                self.error("hive.order", path, "is not behind the key listed before it");
            }
            before = Some(upper);
            waiting.push(Waiting { cell: subkey, parent: at.cell, depth: at.depth + 1 });
        }
        if longest_name > usize::from(short(key, 52)) {
            self.error(
                "hive.longest",
                Place::Key,
                format!("subkey name of {longest_name} bytes, field {}", short(key, 52)),
            );
        }
        if longest_class > number(key, 56) {
            self.error(
                "hive.longest",
                Place::Key,
                format!("class of {longest_class} bytes, field {}", number(key, 56)),
            );
        }
    }

    fn list(&mut self, list: u32, may_be_root: bool, into: &mut Vec<(u32, Hint)>) {
        let path = Place::Key;
        let Some(content) = self.claim("subkey list", list, path) else { return };
        let count = usize::from(short(content, 2));
        let width = if matches!(content.get(..2), Some(b"lf" | b"lh")) { 8 } else { 4 };
        let Some(entries) = content.get(4..4 + count * width) else {
            self.error("hive.list", path, format!("cell {list:#x}: {count} entries do not fit"));
            return;
        };
        if count == 0 {
            self.error("hive.list", path, format!("cell {list:#x}: an empty list"));
        }
        if into.len() > self.most_keys() {
            self.error("hive.shared", path, "it lists more subkeys than keys fit into the hive");
            return;
        }
        match content.get(..2) {
            Some(b"ri") if may_be_root => {
                for entry in entries.chunks_exact(4) {
                    self.list(number(entry, 0), false, into);
                }
            }
            Some(b"li") => into.extend(entries.chunks_exact(4).map(|entry| (number(entry, 0), Hint::None))),
            Some(b"lf") => into.extend(
                entries
                    .chunks_exact(8)
                    .map(|entry| (number(entry, 0), Hint::Text([entry[4], entry[5], entry[6], entry[7]]))),
            ),
            Some(b"lh") => {
                if self.minor < 5 {
                    self.error("hive.list-kind", path, format!("a hashed list in a 1.{} hive", self.minor));
                }
                into.extend(
                    entries.chunks_exact(8).map(|entry| (number(entry, 0), Hint::Hash(number(entry, 4)))),
                );
            }
            _ => self.error("hive.list", path, format!("cell {list:#x} does not hold a list")),
        }
    }

    /// As many keys as there can be. More are listed where one is listed again.
    fn most_keys(&self) -> usize {
        self.bytes.len() / SMALLEST_KEY
    }

    fn values(&mut self, key: &'a [u8]) {
        let path = Place::Key;
        let (count, list) = (number(key, 36) as usize, number(key, 40));
        if count == 0 {
            if list != NONE {
                self.error("hive.value-count", path, format!("no values, but a list {list:#x}"));
            }
            return;
        }
        let Some(content) = self.claim("value list", list, path) else { return };
        let Some(entries) = content.get(..count.saturating_mul(4)) else {
            self.error("hive.value-count", path, format!("{count} values do not fit into their list"));
            return;
        };
        let (mut longest_name, mut longest_data) = (0, 0);
        let mut names = std::collections::HashSet::new();
        for entry in entries.chunks_exact(4) {
            let Some(value) = self.claim("value", number(entry, 0), path) else { continue };
            let length = usize::from(short(value, 2));
            let (true, Some(name)) = (value.starts_with(b"vk"), value.get(20..20 + length)) else {
                self.error("hive.value", path, format!("cell {:#x} does not hold a value", number(entry, 0)));
                continue;
            };
            let name = Name::new(name, short(value, 16) & 1 != 0);
            let upper: Vec<u16> = name.units().map(name::upcase).collect();
            longest_name = longest_name.max(upper.len() as u32 * 2);
            longest_data = longest_data.max(number(value, 4) & !(1 << 31));
            let place = Place::Below(name);
            let mut hasher = DefaultHasher::new();
            upper.hash(&mut hasher);
            if !names.insert(hasher.finish()) {
                self.error("hive.value-twice", place, "a second value of this name");
            }
            self.data(number(value, 4), number(value, 8), place);
        }
        for (longest, field) in [(longest_name, 60), (longest_data, 64)] {
            if longest > number(key, field) {
                self.error(
                    "hive.longest",
                    path,
                    format!("value of {longest} bytes, field {}", number(key, field)),
                );
            }
        }
    }

    fn data(&mut self, size: u32, cell: u32, place: Place<'_>) {
        let length = (size & !(1 << 31)) as usize;
        if size >> 31 == 1 {
            if length > 4 {
                self.error("hive.data", place, format!("{length} bytes inside the record"));
            }
            return;
        }
        if length == 0 {
            return;
        }
        let Some(content) = self.claim("value data", cell, place) else { return };
        if self.minor < 4 || length <= SEGMENT {
            if content.len() < length {
                self.error("hive.data", place, format!("{length} bytes in a cell of {}", content.len()));
            }
            return;
        }
        let count = usize::from(short(content, 2));
        if !content.starts_with(b"db") || count != length.div_ceil(SEGMENT) {
            self.error("hive.data", place, format!("{length} bytes without a db record for them"));
            return;
        }
        let Some(list) = self.claim("big data list", number(content, 4), place) else { return };
        let Some(parts) = list.get(..count * 4) else {
            self.error("hive.data", place, format!("{count} parts do not fit into their list"));
            return;
        };
        // The last part has a whole cell too.
        for (at, part) in parts.chunks_exact(4).enumerate() {
            if let Some(part) = self.claim("big data part", number(part, 0), place)
                && part.len() < SEGMENT
            {
                self.error("hive.data", place, format!("part {at} has {} bytes of {SEGMENT}", part.len()));
            }
        }
    }

    /// Follows the ring of security cells from the root's, and compares it with the keys that name each.
    fn securities(&mut self) {
        let Some(start) = self.content(self.root).map(|root| number(root, 44)) else { return };
        let mut holders = std::mem::take(&mut self.holders);
        let mut cell = start;
        loop {
            let place = Place::Cell("security cell", cell);
            let Some(content) = self.claim("security descriptor", cell, place) else { break };
            let Some(length) = content.starts_with(b"sk").then(|| number(content, 16) as usize) else {
                self.error("hive.security", place, "does not hold a security descriptor");
                break;
            };
            if length > content.len().saturating_sub(20) {
                self.error("hive.security", place, format!("descriptor of {length} bytes does not fit"));
            }
            let used = holders.remove(&cell).unwrap_or_default();
            if used != number(content, 12) {
                self.error(
                    "hive.security-count",
                    place,
                    format!("count {}, used by {used} keys", number(content, 12)),
                );
            }
            let next = number(content, 4);
            match self.content(next) {
                Some(after) if number(after, 8) == cell => {}
                _ => {
                    self.error("hive.security-ring", place, format!("{next:#x} does not lead back"));
                    break;
                }
            }
            if next == start {
                break;
            }
            cell = next;
        }
        let mut outside: Vec<_> = holders.into_iter().collect();
        outside.sort_unstable();
        for (cell, used) in outside {
            self.error(
                "hive.security-ring",
                Place::Cell("security cell", cell),
                format!("used by {used} keys, not in the ring"),
            );
        }
    }

    fn unused(&mut self) {
        let unused =
            || self.allocated.iter().zip(&self.claimed).map(|(allocated, claimed)| allocated & !claimed);
        if let Some((word, bits)) = unused().enumerate().find(|(_, bits)| *bits != 0) {
            let first = (word * 64 + bits.trailing_zeros() as usize) as u32 * 8;
            let count: u32 = unused().map(u64::count_ones).sum();
            self.error(
                "hive.unused",
                Place::Cell("cell", first),
                format!("{count} allocated cells belong to nothing"),
            );
        }
    }
}

/// Whether the bit of the cell at a place is set.
fn is_set(bits: &[u64], cell: u32) -> bool {
    let bit = cell as usize / 8;
    cell.is_multiple_of(8) && bits.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
}

/// Sets the bit of the cell at a place; whether it was not set.
fn set(bits: &mut [u64], cell: u32) -> bool {
    let bit = cell as usize / 8;
    let Some(word) = bits.get_mut(bit / 64) else { return false };
    let mask = 1 << (bit % 64);
    let was_set = *word & mask != 0;
    *word |= mask;
    !was_set
}

/// What a list keeps beside a key's cell.
enum Hint {
    None,
    Text([u8; 4]),
    Hash(u32),
}

/// A name in a finding's place, cut short.
fn excerpt(name: Name<'_>) -> String {
    let mut text: String = char::decode_utf16(name.units().take(LONGEST_EXCERPT))
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    if name.units().nth(LONGEST_EXCERPT).is_some() {
        text.push_str("...");
    }
    text
}

fn key_name(key: &[u8]) -> Option<(u16, Name<'_>)> {
    let flags = short(key, 2);
    let name = key.get(76..76 + usize::from(short(key, 72)))?;
    key.starts_with(b"nk").then_some((flags, Name::new(name, flags & 0x20 != 0)))
}

/// A number of 4 bytes; what lies beyond the end counts as zero, and fails the checks that follow.
fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|field| field.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn short(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|field| field.try_into().ok()).map_or(0, u16::from_le_bytes)
}
