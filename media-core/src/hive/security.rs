//! Security cells (`sk`): one for each distinct security descriptor, in a ring, with the number of keys that
//! use it.

use super::HiveError;
use super::cells::Cells;
use super::record::expect_signature;
use crate::bytes::Reader;

const FORWARD: usize = 4;
const BACK: usize = 8;
const COUNT: usize = 12;
const HEADER: usize = 20;

/// A self-relative security descriptor (MS-DTYP 2.4.6): owner and group Administrators and SYSTEM, both with
/// full access to the key and the keys below it.
pub const ADMINISTRATORS_AND_SYSTEM: [u8; 100] = [
    1, 0, 4, 0x80, 72, 0, 0, 0, 88, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, // header
    2, 0, 52, 0, 2, 0, 0, 0, // list of two entries
    0, 2, 24, 0, 0x3F, 0, 0x0F, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0, // Administrators
    0, 2, 20, 0, 0x3F, 0, 0x0F, 0, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0, // SYSTEM
    1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0, // owner: Administrators
    1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0, // group: SYSTEM
];

struct Security<'a> {
    forward: u32,
    back: u32,
    count: u32,
    descriptor: &'a [u8],
}

fn read(cells: &Cells, cell: u32) -> Result<Security<'_>, HiveError> {
    let what = "security descriptor";
    let mut reader = Reader::at(what, cells.get(what, cell)?, u64::from(cell));
    expect_signature(what, cell, reader.u16()?, *b"sk")?;
    reader.take(2)?;
    let (forward, back, count, length) = (reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?);
    Ok(Security { forward, back, count, descriptor: reader.take(length as usize)? })
}

/// The security descriptor in a cell, self-relative (MS-DTYP 2.4.6).
pub(super) fn descriptor(cells: &Cells, cell: u32) -> Result<&[u8], HiveError> {
    Ok(read(cells, cell)?.descriptor)
}

/// Makes the first security cell of a hive, used once.
pub(super) fn create(cells: &mut Cells, descriptor: &[u8]) -> Result<u32, HiveError> {
    let length = u32::try_from(descriptor.len()).map_err(|_| HiveError::TooLarge {
        what: "a security descriptor",
        size: descriptor.len() as u64,
        limit: u64::from(u32::MAX),
    })?;
    let mut content = vec![0; HEADER];
    content[..2].copy_from_slice(b"sk");
    content[COUNT..COUNT + 4].copy_from_slice(&1u32.to_le_bytes());
    content[COUNT + 4..].copy_from_slice(&length.to_le_bytes());
    content.extend_from_slice(descriptor);
    let cell = cells.allocate(&content)?;
    for field in [FORWARD, BACK] {
        cells.put("security descriptor", cell, field, &cell.to_le_bytes())?;
    }
    Ok(cell)
}

/// Counts one more key that uses it.
pub(super) fn hold(cells: &mut Cells, cell: u32) -> Result<(), HiveError> {
    let count = read(cells, cell)?.count.saturating_add(1);
    cells.put("security descriptor", cell, COUNT, &count.to_le_bytes())
}

/// Counts `keys` fewer keys that use it; the last one takes it out of the ring and frees it.
pub(super) fn let_go(cells: &mut Cells, cell: u32, keys: u32) -> Result<(), HiveError> {
    let security = read(cells, cell)?;
    let (forward, back) = (security.forward, security.back);
    let left = security.count.saturating_sub(keys);
    if left > 0 {
        return cells.put("security descriptor", cell, COUNT, &left.to_le_bytes());
    }
    if forward != cell {
        read(cells, forward)?;
        read(cells, back)?;
        cells.put("security descriptor", forward, BACK, &back.to_le_bytes())?;
        cells.put("security descriptor", back, FORWARD, &forward.to_le_bytes())?;
    }
    cells.release("security descriptor", cell)
}
