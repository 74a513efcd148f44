//! Values: their list, their records, and their data.
//!
//! Up to 4 bytes lie in the record itself. Up to 16344 bytes lie in one cell; more do too before version 1.4,
//! and from then on in a `db` record: a count, and a list of cells of 16344 bytes each.
//! Source: M. Suhanov's "Windows registry file format specification", "Key value" and "Big data".

use super::HiveError;
use super::cells::{Cells, NONE};
use super::name;
use super::record::{self, INLINE, KEY_PREDEFINED, KeyRecord, VALUE_COMPRESSED, ValueRecord, key_field};
use crate::bytes::Reader;
use std::cmp::Ordering;

/// The most a cell may hold before version 1.4 (and one part of a `db` record holds since).
const SEGMENT: usize = 16344;
/// Before version 1.4 Windows allocates no cell above 1 MiB.
const LARGEST_CELL: usize = 1 << 20;
/// No more values of one key are read: a list can name one value again and again.
const MOST: u32 = 1 << 19;
const LARGEST_BIG: usize = SEGMENT * u16::MAX as usize;

/// The cells of a key's values, in the order they are listed.
pub(super) fn all(cells: &Cells, key: &KeyRecord) -> Result<Vec<u32>, HiveError> {
    if key.value_count == 0 || key.flags & KEY_PREDEFINED != 0 {
        return Ok(Vec::new());
    }
    if key.value_count > MOST {
        let (size, limit) = (key.value_count.into(), MOST.into());
        return Err(HiveError::TooLarge { what: "the values of one key", size, limit });
    }
    Ok(record::numbers(cells, "value list", key.value_list, key.value_count)?.collect())
}

/// Finds a value by its upper-case name: its place in the list and its cell.
pub(super) fn find(cells: &Cells, key: &KeyRecord, upper: &[u16]) -> Result<Option<(usize, u32)>, HiveError> {
    for (at, cell) in all(cells, key)?.into_iter().enumerate() {
        if record::value(cells, cell)?.1.compare(upper) == Ordering::Equal {
            return Ok(Some((at, cell)));
        }
    }
    Ok(None)
}

/// The data of the value in a cell.
pub(super) fn data(cells: &Cells, minor: u32, cell: u32) -> Result<(u32, Vec<u8>), HiveError> {
    let value = record::value(cells, cell)?.0;
    let length = value.length() as usize;
    if value.is_inline() {
        let bytes = value.data.to_le_bytes();
        return bytes.get(..length).map(|bytes| (value.kind, bytes.to_vec())).ok_or(HiveError::Record {
            what: "value",
            cell,
            expected: "at most 4 bytes inside the record",
            found: length as u64,
        });
    }
    if length == 0 {
        return Ok((value.kind, Vec::new()));
    }
    if let Some(parts) = big_parts(cells, minor, value)? {
        let mut data = Vec::new();
        for part in parts {
            let wanted = SEGMENT.min(length - data.len());
            data.extend_from_slice(
                Reader::at("value data", cells.get("value data", part)?, u64::from(part)).take(wanted)?,
            );
        }
        return Ok((value.kind, data));
    }
    let content = cells.get("value data", value.data)?;
    Ok((value.kind, Reader::at("value data", content, u64::from(value.data)).take(length)?.to_vec()))
}

/// The cells of a `db` record's parts; none when the data lies in one cell. (Some writers keep large data in one
/// cell in newer versions too. Such a cell is longer than any `db` record, so both can be told apart.)
fn big_parts(cells: &Cells, minor: u32, value: ValueRecord) -> Result<Option<Vec<u32>>, HiveError> {
    let length = value.length() as usize;
    if minor < 4 || length <= SEGMENT || value.is_inline() {
        return Ok(None);
    }
    let content = cells.get("value data", value.data)?;
    if content.len() >= length {
        return Ok(None);
    }
    let mut reader = Reader::at("big data", content, u64::from(value.data));
    record::expect_signature("big data", value.data, reader.u16()?, *b"db")?;
    // The same cell listed again and again would otherwise make much out of little.
    if length > cells.size() as usize {
        return Err(HiveError::Record {
            what: "value",
            cell: value.data,
            expected: "less data than the hive has bytes",
            found: length as u64,
        });
    }
    let (count, list) = (u32::from(reader.u16()?), reader.u32()?);
    if count as usize != length.div_ceil(SEGMENT) {
        return Err(HiveError::Record {
            what: "big data",
            cell: value.data,
            expected: "as many parts as its length needs",
            found: u64::from(count),
        });
    }
    Ok(Some(record::numbers(cells, "big data list", list, count)?.collect()))
}

/// Every cell that the value in `cell` owns, itself among them.
pub(super) fn owned_cells(cells: &Cells, minor: u32, cell: u32) -> Result<Vec<u32>, HiveError> {
    let value = record::value(cells, cell)?.0;
    let mut owned = vec![cell];
    if value.is_inline() || value.length() == 0 {
        return Ok(owned);
    }
    owned.push(value.data);
    if let Some(parts) = big_parts(cells, minor, value)? {
        owned.extend(parts);
        let mut reader = Reader::at("big data", cells.get("big data", value.data)?, u64::from(value.data));
        reader.take(4)?;
        owned.push(reader.u32()?);
    }
    Ok(owned)
}

/// Stores a value under a name the key may have already (`existing`, from [`find`]).
pub(super) fn store(
    cells: &mut Cells,
    minor: u32,
    key: u32,
    name: &str,
    kind: u32,
    data: &[u8],
) -> Result<(), HiveError> {
    let record = record::key(cells, key)?.0;
    let existing = find(cells, &record, &name::upper(name))?;
    let replaced = match existing {
        Some((_, cell)) => owned_cells(cells, minor, cell)?.split_off(1),
        None => Vec::new(),
    };
    let (size, place) = store_data(cells, minor, data)?;
    if let Some((_, cell)) = existing {
        let fields = [size, place, kind].map(u32::to_le_bytes).concat();
        cells.put("value", cell, 4, &fields)?;
        for old in replaced {
            cells.release("value data", old)?;
        }
    } else {
        append(cells, key, &record, &value_content(name, size, place, kind))?;
    }
    let units = name.encode_utf16().count() as u32 * 2;
    let longest = [record.longest_value_name.max(units), record.longest_value_data.max(data.len() as u32)];
    cells.put("key", key, key_field::LONGEST_VALUE_NAME, &longest.map(u32::to_le_bytes).concat())
}

/// Takes the value at a place of the list away.
pub(super) fn remove(
    cells: &mut Cells,
    minor: u32,
    key: u32,
    (at, cell): (usize, u32),
) -> Result<(), HiveError> {
    let record = record::key(cells, key)?.0;
    let owned = owned_cells(cells, minor, cell)?;
    let mut list = all(cells, &record)?;
    list.remove(at);
    for cell in owned {
        cells.release("value", cell)?;
    }
    let mut place = record.value_list;
    if list.is_empty() {
        cells.release("value list", place)?;
        place = NONE;
        cells.put("key", key, key_field::LONGEST_VALUE_NAME, &[0; 8])?;
    } else {
        let content: Vec<u8> = list.iter().flat_map(|cell| cell.to_le_bytes()).collect();
        cells.put("value list", place, 0, &content)?;
    }
    cells.put("key", key, key_field::VALUE_COUNT, &[list.len() as u32, place].map(u32::to_le_bytes).concat())
}

fn append(cells: &mut Cells, key: u32, record: &KeyRecord, content: &[u8]) -> Result<(), HiveError> {
    let mut list = all(cells, record)?;
    let new = cells.allocate(content)?;
    list.push(new);
    let bytes: Vec<u8> = list.iter().flat_map(|cell| cell.to_le_bytes()).collect();
    let place = if record.value_count == 0 {
        cells.allocate(&bytes)?
    } else if cells.get("value list", record.value_list)?.len() >= bytes.len() {
        cells.put("value list", record.value_list, 0, &bytes)?;
        record.value_list
    } else {
        let place = cells.allocate_list(&bytes)?;
        cells.release("value list", record.value_list)?;
        place
    };
    cells.put("key", key, key_field::VALUE_COUNT, &[list.len() as u32, place].map(u32::to_le_bytes).concat())
}

fn value_content(name: &str, size: u32, place: u32, kind: u32) -> Vec<u8> {
    let units: Vec<u16> = name.encode_utf16().collect();
    let (stored, compressed) = name::encode(&units);
    let mut content = b"vk".to_vec();
    content.extend_from_slice(&(stored.len() as u16).to_le_bytes());
    content.extend_from_slice(&[size, place, kind].map(u32::to_le_bytes).concat());
    content.extend_from_slice(&if compressed { VALUE_COMPRESSED } else { 0 }.to_le_bytes());
    content.extend_from_slice(&[0; 2]);
    content.extend_from_slice(&stored);
    content
}

/// Stores data; gives the size field and the data field of the value record.
fn store_data(cells: &mut Cells, minor: u32, data: &[u8]) -> Result<(u32, u32), HiveError> {
    let length = data.len();
    if length <= 4 {
        let mut inline = [0; 4];
        inline[..length].copy_from_slice(data);
        return Ok((length as u32 | INLINE, u32::from_le_bytes(inline)));
    }
    let limit = if minor >= 4 { LARGEST_BIG } else { LARGEST_CELL };
    if length > limit {
        return Err(HiveError::TooLarge { what: "a value", size: length as u64, limit: limit as u64 });
    }
    if minor < 4 || length <= SEGMENT {
        return Ok((length as u32, cells.allocate(data)?));
    }
    let mut parts = Vec::new();
    for part in data.chunks(SEGMENT) {
        // Windows gives the last part a whole cell too, and other readers count on it.
        let mut whole = part.to_vec();
        whole.resize(SEGMENT, 0);
        parts.push(cells.allocate(&whole)?);
    }
    let list: Vec<u8> = parts.iter().flat_map(|part| part.to_le_bytes()).collect();
    let list = cells.allocate(&list)?;
    let mut content = b"db".to_vec();
    content.extend_from_slice(&(parts.len() as u16).to_le_bytes());
    content.extend_from_slice(&list.to_le_bytes());
    content.extend_from_slice(&[0; 4]);
    Ok((length as u32, cells.allocate(&content)?))
}
