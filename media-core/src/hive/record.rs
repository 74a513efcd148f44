//! The records in cells: keys (`nk`), values (`vk`) and security descriptors (`sk`). Field offsets from
//! M. Suhanov's "Windows registry file format specification"; they count from the start of a cell's content.

use super::HiveError;
use super::cells::{Cells, NONE};
use super::name::Name;
use crate::bytes::Reader;

/// The key's name is stored with one byte for each character.
pub(super) const KEY_COMPRESSED: u16 = 0x20;
/// The key stands for a predefined handle: its value count is that handle, and there is no value list.
pub(super) const KEY_PREDEFINED: u16 = 0x40;
/// The root of a hive (0x04), which cannot be deleted (0x08).
pub(super) const KEY_ROOT: u16 = 0x0C;
/// The value's name is stored with one byte for each character.
pub(super) const VALUE_COMPRESSED: u16 = 1;
/// The value's data lies in the record itself.
pub(super) const INLINE: u32 = 1 << 31;

/// Offsets of a key record's fields.
pub(super) mod key_field {
    pub const TIME: usize = 4;
    pub const SUBKEY_COUNT: usize = 20;
    pub const SUBKEY_LIST: usize = 28;
    pub const VALUE_COUNT: usize = 36;
    pub const VALUE_LIST: usize = 40;
    /// Only 16 bits: Windows Vista and later keep flags behind them.
    pub const LONGEST_SUBKEY_NAME: usize = 52;
    pub const LONGEST_SUBKEY_CLASS: usize = 56;
    pub const LONGEST_VALUE_NAME: usize = 60;
    pub const NAME: usize = 76;
}

/// A key record.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyRecord {
    pub flags: u16,
    pub filetime: u64,
    pub parent: u32,
    pub subkey_count: u32,
    pub subkey_list: u32,
    pub value_count: u32,
    pub value_list: u32,
    pub security: u32,
    pub class: u32,
    /// In bytes of UTF-16, like the next three: at least as much as the longest there is.
    pub longest_subkey_name: u16,
    pub longest_value_name: u32,
    pub longest_value_data: u32,
    pub class_length: u16,
}

/// Reads the key record in a cell, and its name.
pub(super) fn key(cells: &Cells, cell: u32) -> Result<(KeyRecord, Name<'_>), HiveError> {
    let content = cells.get("key", cell)?;
    let mut reader = Reader::at("key", content, u64::from(cell));
    expect_signature("key", cell, reader.u16()?, *b"nk")?;
    let flags = reader.u16()?;
    let filetime = reader.u64()?;
    reader.take(4)?; // access bits, layer semantics
    let parent = reader.u32()?;
    let subkey_count = reader.u32()?;
    reader.take(4)?; // volatile subkeys, which are never stored
    // Without subkeys the list means nothing, and some writers leave the place of one that was freed.
    let subkey_list = Some(reader.u32()?).filter(|_| subkey_count != 0).unwrap_or(NONE);
    reader.take(4)?;
    let (value_count, value_list) = (reader.u32()?, reader.u32()?);
    let (security, class) = (reader.u32()?, reader.u32()?);
    let longest_subkey_name = reader.u16()?;
    reader.take(6)?;
    let (longest_value_name, longest_value_data) = (reader.u32()?, reader.u32()?);
    reader.take(4)?;
    let (name_length, class_length) = (reader.u16()?, reader.u16()?);
    let name = Name::new(reader.take(usize::from(name_length))?, flags & KEY_COMPRESSED != 0);
    let record = KeyRecord {
        flags,
        filetime,
        parent,
        subkey_count,
        subkey_list,
        value_count,
        value_list,
        security,
        class,
        longest_subkey_name,
        longest_value_name,
        longest_value_data,
        class_length,
    };
    Ok((record, name))
}

/// A value record.
#[derive(Debug, Clone, Copy)]
pub(super) struct ValueRecord {
    pub kind: u32,
    /// With [`INLINE`].
    pub size: u32,
    pub data: u32,
}

impl ValueRecord {
    pub(super) fn length(self) -> u32 {
        self.size & !INLINE
    }

    pub(super) fn is_inline(self) -> bool {
        self.size & INLINE != 0
    }
}

/// Reads the value record in a cell, and its name.
pub(super) fn value(cells: &Cells, cell: u32) -> Result<(ValueRecord, Name<'_>), HiveError> {
    let mut reader = Reader::at("value", cells.get("value", cell)?, u64::from(cell));
    expect_signature("value", cell, reader.u16()?, *b"vk")?;
    let name_length = reader.u16()?;
    let (size, data, kind, flags) = (reader.u32()?, reader.u32()?, reader.u32()?, reader.u16()?);
    reader.take(2)?;
    let name = Name::new(reader.take(usize::from(name_length))?, flags & VALUE_COMPRESSED != 0);
    Ok((ValueRecord { kind, size, data }, name))
}

/// Fails unless a record starts with its signature.
pub(super) fn expect_signature(
    what: &'static str,
    cell: u32,
    found: u16,
    expected: [u8; 2],
) -> Result<(), HiveError> {
    if found == u16::from_le_bytes(expected) {
        return Ok(());
    }
    Err(HiveError::Record { what, cell, expected: "its signature", found: u64::from(found) })
}

/// The first `count` numbers of 4 bytes in a cell.
pub(super) fn numbers<'a>(
    cells: &'a Cells,
    what: &'static str,
    cell: u32,
    count: u32,
) -> Result<impl ExactSizeIterator<Item = u32> + 'a, HiveError> {
    let mut reader = Reader::at(what, cells.get(what, cell)?, u64::from(cell));
    let bytes = reader.take((count as usize).saturating_mul(4))?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|number| u32::from_le_bytes(*number)))
}
