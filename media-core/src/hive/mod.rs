//! Registry hives (`regf` 1.3 to 1.6): reads and edits them in memory, makes new ones, and checks them.
//!
//! Scope: keys, values of any size, security descriptors, class names; a hive that was not closed is completed from
//! its log files when they are given. Refused: such a hive without them, other versions, and anything whose bins
//! or cells do not join.
//! An edit leaves every other key, value, security descriptor, class name and time as it is, keeps the
//! version, and frees what it replaces. Source of the format: M. Suhanov's "Windows registry file format
//! specification", compared with hives that Windows wrote.

mod base_block;
pub mod boot_configuration;
mod cells;
mod check;
pub mod compare;
mod error;
mod log;
mod name;
mod record;
mod security;
mod subkeys;
#[cfg(test)]
mod tests;
mod tracked;
mod values;

pub use check::check;
pub use error::HiveError;
pub use security::ADMINISTRATORS_AND_SYSTEM;

use crate::time::Timestamp;
use cells::{Cells, NONE};
use record::{KEY_COMPRESSED, KEY_PREDEFINED, KEY_ROOT, key_field};
use std::collections::HashSet;
use std::ops::Range;

/// The version a new hive has. An edited hive keeps its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.3: boot configuration stores.
    V1_3,
    /// 1.5: the system's own hives.
    V1_5,
}

/// A key of one hive. It is good until that key is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(u32);

/// What a key says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its name, in the case it was given.
    pub name: String,
    /// When it was last written, as a FILETIME (see [`Timestamp::from_filetime`]).
    pub filetime: u64,
    /// Its class name, which almost no key has.
    pub class: Option<String>,
    /// How many keys are directly below it.
    pub subkeys: u32,
    /// How many values it has.
    pub values: u32,
    /// The flags as stored: 0x04 root, 0x08 cannot be deleted, 0x10 symbolic link, 0x20 compressed name,
    /// 0x40 predefined handle.
    pub flags: u16,
    /// The security descriptor, self-relative (MS-DTYP 2.4.6). Empty when the key has none.
    pub security_descriptor: Vec<u8>,
}

/// A value without its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueInfo {
    /// Its name; empty for the key's default value.
    pub name: String,
    /// Its type: 1 `REG_SZ`, 3 `REG_BINARY`, 4 `REG_DWORD`, 7 `REG_MULTI_SZ` and so on.
    pub kind: u32,
    /// Bytes of data.
    pub len: u32,
}

/// A value's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Its type, as in [`ValueInfo`].
    pub kind: u32,
    /// Its data as stored.
    pub data: Vec<u8>,
}

/// Whether an edit changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Something is different now.
    Yes,
    /// All was as asked already; no byte was changed.
    No,
}

/// The longest name of a key, in UTF-16 units.
const LONGEST_KEY_NAME: usize = 255;
/// The longest name of a value, in UTF-16 units.
const LONGEST_VALUE_NAME: usize = 16383;
/// The deepest Windows goes, the root counted.
const DEEPEST: usize = 512;

/// A hive in memory.
#[derive(Debug, Clone)]
pub struct Hive {
    cells: Cells,
    minor: u32,
    root: u32,
    changed: bool,
    recovered: bool,
    filetime: u64,
    /// Keys whose subkeys were seen to be in order. This editor keeps them so.
    in_order: HashSet<u32>,
}

impl Hive {
    /// Opens a hive: checks the base block and walks all bins and cells. Keys and values are checked when they
    /// are asked for.
    ///
    /// # Errors
    /// [`HiveError::Dirty`] for a hive that was not closed (see [`Hive::open_with_logs`]), and others for what is not a
    /// sound hive.
    pub fn open(bytes: Vec<u8>) -> Result<Self, HiveError> {
        let base = base_block::read(&bytes)?;
        let cells = Cells::open(bytes, base.size)?;
        record::key(&cells, base.root)?;
        Ok(Self {
            cells,
            minor: base.minor,
            root: base.root,
            changed: false,
            recovered: false,
            filetime: 0,
            in_order: HashSet::new(),
        })
    }

    /// Whether these bytes are a hive that was not closed: the sequence numbers differ, or the base block's checksum is
    /// wrong. Its log files are worth reading then, and mean nothing otherwise.
    pub fn is_dirty(bytes: &[u8]) -> bool {
        log::is_dirty(bytes)
    }

    /// Opens a hive with its log files (`.LOG1` and `.LOG2`, or `.LOG`), in either format. One that was not closed is
    /// completed from them, closed, and counts as changed; every key and value of it must be readable then. The logs of
    /// any other hive are ignored, as Windows ignores them.
    ///
    /// Windows appends to a log before it writes the hive. An entry that does not check was not finished: it ends the
    /// replay, and the hive is as it was before it.
    ///
    /// # Errors
    /// As [`Hive::open`], and [`HiveError::Log`] when the logs do not complete the hive.
    pub fn open_with_logs(mut bytes: Vec<u8>, logs: &[&[u8]]) -> Result<Self, HiveError> {
        if !log::is_dirty(&bytes) {
            return Self::open(bytes);
        }
        log::recover(&mut bytes, logs)?;
        let filetime = log::long(&bytes, 12);
        let mut hive = Self::open(bytes)?;
        hive.owned(hive.root)?;
        (hive.recovered, hive.changed, hive.filetime) = (true, true, filetime);
        Ok(hive)
    }

    /// Whether the hive was completed from its log files when it was opened.
    pub fn was_recovered(&self) -> bool {
        self.recovered
    }

    /// A new hive with one key, the root.
    ///
    /// # Errors
    /// [`HiveError::Name`] and [`HiveError::TooLarge`].
    pub fn create(
        version: Version,
        root_name: &str,
        security_descriptor: &[u8],
        time: Timestamp,
    ) -> Result<Self, HiveError> {
        let minor = match version {
            Version::V1_3 => 3,
            Version::V1_5 => 5,
        };
        let filetime = time.filetime();
        let name: Vec<u16> = root_name.encode_utf16().collect();
        check_length("a key name", name.len(), LONGEST_KEY_NAME)?;
        let mut cells = Cells::create(base_block::create(minor));
        // The key first, so that the root is the first cell, as in hives Windows makes.
        let mut root = key_content(&name, KEY_ROOT, 0, NONE, filetime);
        let cell = cells.allocate(&root)?;
        let security = security::create(&mut cells, security_descriptor)?;
        root[44..48].copy_from_slice(&security.to_le_bytes());
        cells.put("key", cell, 0, &root)?;
        let first_bin = base_block::LEN;
        cells.file_mut(first_bin + 20..first_bin + 28).copy_from_slice(&filetime.to_le_bytes());
        let (changed, recovered) = (true, false);
        Ok(Self { cells, minor, root: cell, changed, recovered, filetime, in_order: HashSet::new() })
    }

    /// The key everything is below.
    pub fn root(&self) -> KeyId {
        KeyId(self.root)
    }

    /// Finds a key by its path from the root: names separated by `\`, in any case; `""` is the root.
    ///
    /// # Errors
    /// When a key or list on the way is damaged.
    pub fn find(&self, path: &str) -> Result<Option<KeyId>, HiveError> {
        let mut key = self.root;
        for part in parts(path) {
            let list = record::key(&self.cells, key)?.0.subkey_list;
            match subkeys::find_anywhere(&self.cells, list, &name::upper(part))? {
                Some(found) => key = found,
                None => return Ok(None),
            }
        }
        Ok(Some(KeyId(key)))
    }

    /// What a key says of itself.
    ///
    /// # Errors
    /// When the key, its class name or its security descriptor is damaged.
    pub fn key(&self, id: KeyId) -> Result<KeyInfo, HiveError> {
        let (key, name) = record::key(&self.cells, id.0)?;
        let class = match (key.class, key.class_length) {
            (NONE, _) | (_, 0) => None,
            (cell, length) => {
                let content = self.cells.get("class name", cell)?;
                let mut reader = crate::bytes::Reader::at("class name", content, u64::from(cell));
                Some(crate::bytes::utf16le(reader.take(usize::from(length))?))
            }
        };
        let security_descriptor = match key.security {
            NONE => Vec::new(),
            cell => security::descriptor(&self.cells, cell)?.to_vec(),
        };
        Ok(KeyInfo {
            name: name.text(),
            filetime: key.filetime,
            class,
            subkeys: key.subkey_count,
            values: if key.flags & KEY_PREDEFINED == 0 { key.value_count } else { 0 },
            flags: key.flags,
            security_descriptor,
        })
    }

    /// The keys directly below one, in the order they are stored.
    ///
    /// # Errors
    /// When a list or a key in it is damaged, and [`HiveError::Name`] for a name over 255 UTF-16 units.
    pub fn subkeys(&self, id: KeyId) -> Result<Vec<(String, KeyId)>, HiveError> {
        let list = record::key(&self.cells, id.0)?.0.subkey_list;
        let mut seen = HashSet::new();
        subkeys::all(&self.cells, list)?
            .into_iter()
            .map(|cell| {
                // One key listed a million times would otherwise make much out of little.
                if !seen.insert(cell) {
                    return Err(HiveError::Shared { cell });
                }
                let name = record::key(&self.cells, cell)?.1;
                check_length("a key name", name.units().count(), LONGEST_KEY_NAME)?;
                Ok((name.text(), KeyId(cell)))
            })
            .collect()
    }

    /// The values of a key, in the order they are stored.
    ///
    /// # Errors
    /// When the list or a value in it is damaged.
    pub fn values(&self, id: KeyId) -> Result<Vec<ValueInfo>, HiveError> {
        let key = record::key(&self.cells, id.0)?.0;
        let mut seen = HashSet::new();
        values::all(&self.cells, &key)?
            .into_iter()
            .map(|cell| {
                if !seen.insert(cell) {
                    return Err(HiveError::Shared { cell });
                }
                let (value, name) = record::value(&self.cells, cell)?;
                Ok(ValueInfo { name: name.text(), kind: value.kind, len: value.length() })
            })
            .collect()
    }

    /// A value with its data, by its name in any case; `""` is the key's default value.
    ///
    /// # Errors
    /// When the list or the value is damaged.
    pub fn value(&self, id: KeyId, name: &str) -> Result<Option<Value>, HiveError> {
        let key = record::key(&self.cells, id.0)?.0;
        let Some((_, cell)) = values::find(&self.cells, &key, &name::upper(name))? else { return Ok(None) };
        let (kind, data) = values::data(&self.cells, self.minor, cell)?;
        Ok(Some(Value { kind, data }))
    }

    /// Finds a key or makes it, with the keys above it that are missing. A new key takes the security
    /// descriptor of the key above; the time of both becomes `time`.
    ///
    /// # Errors
    /// [`HiveError::Name`] for a name over 255 UTF-16 units, [`HiveError::TooLarge`] for a path over 512 levels,
    /// [`HiveError::Unsorted`] where the keys beside a new one are not in order, and others for damage.
    pub fn create_key(&mut self, path: &str, time: Timestamp) -> Result<KeyId, HiveError> {
        let depth = parts(path).count() + 1;
        if depth > DEEPEST {
            return Err(HiveError::TooLarge {
                what: "levels of keys",
                size: depth as u64,
                limit: DEEPEST as u64,
            });
        }
        for part in parts(path) {
            check_length("a key name", part.encode_utf16().count(), LONGEST_KEY_NAME)?;
        }
        let mut key = self.root;
        for part in parts(path) {
            key = self.subkey(key, part, time.filetime())?;
        }
        Ok(KeyId(key))
    }

    fn subkey(&mut self, parent: u32, name: &str, filetime: u64) -> Result<u32, HiveError> {
        let record = record::key(&self.cells, parent)?.0;
        let upper = name::upper(name);
        if let Some(found) = subkeys::find(&self.cells, record.subkey_list, &upper)? {
            return Ok(found);
        }
        if !self.in_order.contains(&parent) {
            if !subkeys::is_sorted(&self.cells, record.subkey_list)? {
                return subkeys::find_anywhere(&self.cells, record.subkey_list, &upper)?
                    .ok_or(HiveError::Unsorted { cell: parent });
            }
            self.in_order.insert(parent);
        }
        security::descriptor(&self.cells, record.security)?;
        let units: Vec<u16> = name.encode_utf16().collect();
        let content = key_content(&units, 0, parent, record.security, filetime);
        self.touch(parent, filetime)?;
        let cell = self.cells.allocate(&content)?;
        subkeys::insert(&mut self.cells, parent, self.minor, cell)?;
        security::hold(&mut self.cells, record.security)?;
        let longest = record.longest_subkey_name.max(units.len() as u16 * 2);
        self.cells.put("key", parent, key_field::LONGEST_SUBKEY_NAME, &longest.to_le_bytes())?;
        let count = record.subkey_count.saturating_add(1);
        self.cells.put("key", parent, key_field::SUBKEY_COUNT, &count.to_le_bytes())?;
        Ok(cell)
    }

    /// Sets a value, in place of one of that name if there is one. An equal one is left alone, and so is the
    /// key's time then.
    ///
    /// # Errors
    /// [`HiveError::Name`] for a name over 16383 UTF-16 units, [`HiveError::TooLarge`] for data over 1 MiB
    /// before version 1.4 or about 1 GB from then on, and others for damage.
    pub fn set_value(
        &mut self,
        id: KeyId,
        name: &str,
        kind: u32,
        data: &[u8],
        time: Timestamp,
    ) -> Result<Changed, HiveError> {
        check_length("a value name", name.encode_utf16().count(), LONGEST_VALUE_NAME)?;
        let record = record::key(&self.cells, id.0)?.0;
        if record.flags & KEY_PREDEFINED != 0 {
            return Err(HiveError::Record {
                what: "key",
                cell: id.0,
                expected: "a key with values",
                found: u64::from(record.flags),
            });
        }
        if self.value(id, name)?.is_some_and(|old| old.kind == kind && old.data == data) {
            return Ok(Changed::No);
        }
        values::store(&mut self.cells, self.minor, id.0, name, kind, data)?;
        self.touch(id.0, time.filetime())?;
        Ok(Changed::Yes)
    }

    /// Deletes a value by its name in any case.
    ///
    /// # Errors
    /// When the list or the value is damaged.
    pub fn delete_value(&mut self, id: KeyId, name: &str, time: Timestamp) -> Result<Changed, HiveError> {
        let record = record::key(&self.cells, id.0)?.0;
        let Some(place) = values::find(&self.cells, &record, &name::upper(name))? else {
            return Ok(Changed::No);
        };
        values::remove(&mut self.cells, self.minor, id.0, place)?;
        self.touch(id.0, time.filetime())?;
        Ok(Changed::Yes)
    }

    /// Deletes a key with everything below it. Nothing is changed when something below is damaged.
    ///
    /// # Errors
    /// [`HiveError::Root`] for the root, and others for damage.
    pub fn delete_key(&mut self, id: KeyId, time: Timestamp) -> Result<(), HiveError> {
        if id.0 == self.root {
            return Err(HiveError::Root);
        }
        let (owned, securities) = self.owned(id.0)?;
        let parent = record::key(&self.cells, id.0)?.0.parent;
        let record = record::key(&self.cells, parent)?.0;
        subkeys::remove(&mut self.cells, parent, id.0)?;
        let left = record.subkey_count.saturating_sub(1);
        self.cells.put("key", parent, key_field::SUBKEY_COUNT, &left.to_le_bytes())?;
        if left == 0 {
            self.cells.put("key", parent, key_field::LONGEST_SUBKEY_NAME, &[0; 2])?;
            self.cells.put("key", parent, key_field::LONGEST_SUBKEY_CLASS, &[0; 4])?;
        }
        self.touch(parent, time.filetime())?;
        for cell in owned {
            self.in_order.remove(&cell);
            self.cells.release("a part of a deleted key", cell)?;
        }
        for security in securities {
            security::let_go(&mut self.cells, security, 1)?;
        }
        Ok(())
    }

    /// The cells of a key and everything below it, and the security cell of each of these keys.
    fn owned(&self, start: u32) -> Result<(Vec<u32>, Vec<u32>), HiveError> {
        let (mut owned, mut securities) = (Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        let mut waiting = vec![start];
        while let Some(key) = waiting.pop() {
            let record = record::key(&self.cells, key)?.0;
            let mut cells = vec![key];
            if record.class != NONE && record.class_length != 0 {
                cells.push(record.class);
            }
            if record.security != NONE {
                security::descriptor(&self.cells, record.security)?;
                securities.push(record.security);
            }
            let values = values::all(&self.cells, &record)?;
            if !values.is_empty() {
                cells.push(record.value_list);
            }
            for value in values {
                cells.extend(values::owned_cells(&self.cells, self.minor, value)?);
            }
            cells.extend(subkeys::list_cells(&self.cells, record.subkey_list)?);
            waiting.extend(subkeys::all(&self.cells, record.subkey_list)?);
            for cell in cells {
                self.cells.get("a part of a key", cell)?;
                if (cell == self.root && start != self.root) || !seen.insert(cell) {
                    return Err(HiveError::Shared { cell });
                }
                owned.push(cell);
            }
        }
        match securities.iter().find(|cell| seen.contains(cell)) {
            Some(cell) => Err(HiveError::Shared { cell: *cell }),
            None => Ok((owned, securities)),
        }
    }

    fn touch(&mut self, key: u32, filetime: u64) -> Result<(), HiveError> {
        self.changed = true;
        self.filetime = self.filetime.max(filetime);
        self.cells.put("key", key, key_field::TIME, &filetime.to_le_bytes())
    }

    /// Whether anything was changed since the hive was opened. A new hive counts as changed, and so does one that was
    /// completed from its log files.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// The hive's file: the very bytes it was opened from when nothing was changed, otherwise with both sequence
    /// numbers raised by one, the latest time of an edit (a completed hive keeps its own if that is later), and a
    /// fresh checksum. Its length is a multiple of 4096, unless the file had something behind its bins: that stays,
    /// as Windows keeps room there.
    pub fn into_bytes(self) -> Vec<u8> {
        self.into_written().0
    }

    /// The same, and which ranges of bytes, in order, were written to: all others are those of the file it was opened from. Of
    /// a hive that was completed from its log files that is not known.
    pub(crate) fn into_written(self) -> (Vec<u8>, Option<Vec<Range<u64>>>) {
        let Self { mut cells, root, changed, recovered, filetime, .. } = self;
        if changed {
            let size = cells.size();
            base_block::finish(cells.file_mut(0..base_block::LEN), root, size, filetime);
        }
        let (bytes, written) = cells.into_file();
        (bytes, (!recovered).then_some(written))
    }
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('\\').filter(|part| !part.is_empty())
}

fn check_length(what: &'static str, length: usize, limit: usize) -> Result<(), HiveError> {
    if length > limit {
        return Err(HiveError::Name { what, length, limit });
    }
    Ok(())
}

fn key_content(name: &[u16], flags: u16, parent: u32, security: u32, filetime: u64) -> Vec<u8> {
    let (stored, compressed) = name::encode(name);
    let mut content = vec![0; key_field::NAME];
    let flags = if compressed { flags | KEY_COMPRESSED } else { flags };
    content[..2].copy_from_slice(b"nk");
    content[2..4].copy_from_slice(&flags.to_le_bytes());
    content[key_field::TIME..12].copy_from_slice(&filetime.to_le_bytes());
    content[16..20].copy_from_slice(&parent.to_le_bytes());
    for (offset, cell) in [
        (key_field::SUBKEY_LIST, NONE),
        (32, NONE),
        (key_field::VALUE_LIST, NONE),
        (44, security),
        (48, NONE),
    ] {
        content[offset..offset + 4].copy_from_slice(&cell.to_le_bytes());
    }
    content[72..74].copy_from_slice(&(stored.len() as u16).to_le_bytes());
    content.extend_from_slice(&stored);
    content
}
