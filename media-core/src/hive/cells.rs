//! Hive bins and cells: the allocator of a hive.
//!
//! Bins are multiples of 4096 bytes, each with a 32-byte header and cells behind it without gaps. A cell is a
//! 4-byte size, negative when it is in use, and its content; sizes are multiples of 8. Every access goes
//! through the map of allocated cells, so no reference can lead into the middle of one, and none is freed twice.

use super::tracked::Tracked;
use super::{HiveError, base_block};
use crate::bytes::Reader;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// "No cell".
pub(super) const NONE: u32 = u32::MAX;
const BIN: u32 = 4096;
const BIN_HEADER: u32 = 32;
/// No more free cells than this are taken notice of, so that a hive of nothing else takes no multiple of its size; the
/// others stay free. A SOFTWARE hive of full Windows has some thousands.
const MOST_FREE: usize = 1 << 19;
/// References with the highest bit set mean memory that is never stored.
const LIMIT: u64 = 1 << 31;

#[derive(Debug, Clone)]
pub(super) struct Cells {
    /// The whole file: base block, bins, and what follows them.
    bytes: Tracked,
    /// Bytes of all bins.
    size: u32,
    /// One bit for each 8 bytes of the bins: an allocated cell starts here.
    allocated: Vec<u64>,
    /// Free cells by place, with their sizes.
    free: BTreeMap<u32, u32>,
    /// The same as (size, place), to find the smallest that fits.
    by_size: BTreeSet<(u32, u32)>,
}

impl Cells {
    /// Walks the bins of a hive whose base block was checked.
    pub(super) fn open(bytes: Vec<u8>, size: u32) -> Result<Self, HiveError> {
        let words = (size as usize / 8).div_ceil(64);
        let mut cells = Self {
            bytes: Tracked::new(bytes),
            size,
            allocated: vec![0; words],
            free: BTreeMap::new(),
            by_size: BTreeSet::new(),
        };
        let mut bin = 0;
        while bin < size {
            let bin_size = cells.bin_size(bin)?;
            cells.walk(bin + BIN_HEADER, bin + bin_size)?;
            bin += bin_size;
        }
        Ok(cells)
    }

    /// A file with a base block and no bins yet.
    pub(super) fn create(base_block: Vec<u8>) -> Self {
        let mut bytes = Tracked::new(Vec::new());
        bytes.grow(base_block.len());
        bytes.change(0..base_block.len()).copy_from_slice(&base_block);
        Self { bytes, size: 0, allocated: Vec::new(), free: BTreeMap::new(), by_size: BTreeSet::new() }
    }

    fn bin_size(&self, bin: u32) -> Result<u32, HiveError> {
        let offset = file_offset(bin);
        let mut reader = Reader::at("hive bin", &self.bytes[offset..], offset as u64);
        base_block::take_signature(&mut reader, "hive bin", "hbin")?;
        let (place, size) = (reader.u32()?, reader.u32()?);
        if place != bin {
            return Err(HiveError::Field {
                what: "hive bin's own place",
                offset: offset as u64 + 4,
                expected: "its distance from the first bin",
                found: i64::from(place),
            });
        }
        if size == 0 || !size.is_multiple_of(BIN) || size > self.size - bin {
            return Err(HiveError::Field {
                what: "hive bin's size",
                offset: offset as u64 + 8,
                expected: "a multiple of 4096 inside the hive",
                found: i64::from(size),
            });
        }
        Ok(size)
    }

    fn walk(&mut self, start: u32, end: u32) -> Result<(), HiveError> {
        let mut cell = start;
        while cell < end {
            let stored = self.stored_size(cell);
            let size = stored.unsigned_abs();
            if size < 8 || !size.is_multiple_of(8) || size > end - cell {
                return Err(HiveError::Field {
                    what: "cell size",
                    offset: file_offset(cell) as u64,
                    expected: "a multiple of 8 inside the hive bin",
                    found: i64::from(stored),
                });
            }
            if stored < 0 {
                self.mark(cell, true);
            } else if self.free.len() < MOST_FREE {
                self.free.insert(cell, size);
                self.by_size.insert((size, cell));
            }
            cell += size;
        }
        Ok(())
    }

    fn stored_size(&self, cell: u32) -> i32 {
        let offset = file_offset(cell);
        self.bytes
            .get(offset..offset + 4)
            .and_then(|field| field.try_into().ok())
            .map_or(0, i32::from_le_bytes)
    }

    fn set_stored_size(&mut self, cell: u32, size: i32) {
        let offset = file_offset(cell);
        if offset + 4 <= self.bytes.len() {
            self.bytes.change(offset..offset + 4).copy_from_slice(&size.to_le_bytes());
        }
    }

    fn mark(&mut self, cell: u32, allocated: bool) {
        let bit = cell as usize / 8;
        if let Some(word) = self.allocated.get_mut(bit / 64) {
            if allocated {
                *word |= 1 << (bit % 64);
            } else {
                *word &= !(1 << (bit % 64));
            }
        }
    }

    fn is_allocated(&self, cell: u32) -> bool {
        let bit = cell as usize / 8;
        cell < self.size
            && cell.is_multiple_of(8)
            && self.allocated.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    fn range(&self, what: &'static str, cell: u32) -> Result<Range<usize>, HiveError> {
        if !self.is_allocated(cell) {
            return Err(HiveError::NotACell { what, cell });
        }
        let start = file_offset(cell);
        Ok(start + 4..start + self.stored_size(cell).unsigned_abs() as usize)
    }

    /// The content of an allocated cell, which should hold `what`.
    pub(super) fn get(&self, what: &'static str, cell: u32) -> Result<&[u8], HiveError> {
        let range = self.range(what, cell)?;
        Ok(&self.bytes[range])
    }

    /// The same, to change it.
    pub(super) fn get_mut(&mut self, what: &'static str, cell: u32) -> Result<&mut [u8], HiveError> {
        let range = self.range(what, cell)?;
        Ok(self.bytes.change(range))
    }

    /// Overwrites part of a cell.
    pub(super) fn put(
        &mut self,
        what: &'static str,
        cell: u32,
        at: usize,
        bytes: &[u8],
    ) -> Result<(), HiveError> {
        let content = self.get_mut(what, cell)?;
        let length = content.len() as u64;
        let Some(target) = content.get_mut(at..at + bytes.len()) else {
            return Err(HiveError::Record { what, cell, expected: "a longer record", found: length });
        };
        target.copy_from_slice(bytes);
        Ok(())
    }

    /// A new cell with this content; what is left of it is zero.
    pub(super) fn allocate(&mut self, content: &[u8]) -> Result<u32, HiveError> {
        let needed = (content.len() as u64 + 4).next_multiple_of(8);
        if needed >= LIMIT {
            return Err(HiveError::TooLarge { what: "a cell", size: needed, limit: LIMIT });
        }
        let needed = needed as u32;
        let found = self.by_size.range((needed, 0)..).next().copied();
        let (size, cell) = match found {
            Some(place) => place,
            None => self.grow(needed)?,
        };
        self.free.remove(&cell);
        self.by_size.remove(&(size, cell));
        if size > needed {
            self.add_free(cell + needed, size - needed);
        }
        self.set_stored_size(cell, -(needed as i32));
        self.mark(cell, true);
        let range = self.range("new cell", cell)?;
        let (used, rest) = self.bytes.change(range).split_at_mut(content.len());
        used.copy_from_slice(content);
        rest.fill(0);
        Ok(cell)
    }

    /// The same for a list that grows: a long one gets half as much room again, as Windows does, so that not each
    /// addition moves it and leaves a hole too small for the next.
    pub(super) fn allocate_list(&mut self, content: &[u8]) -> Result<u32, HiveError> {
        if content.len() < 256 {
            return self.allocate(content);
        }
        let mut roomy = content.to_vec();
        roomy.resize(content.len() + content.len() / 2, 0);
        self.allocate(&roomy)
    }

    /// Frees a cell and joins it with free neighbours. (A bin's header keeps it apart from the bin before.)
    pub(super) fn release(&mut self, what: &'static str, cell: u32) -> Result<(), HiveError> {
        let range = self.range(what, cell)?;
        self.mark(cell, false);
        let (mut start, mut size) = (cell, range.len() as u32 + 4);
        if let Some((&next, &next_size)) = self.free.range(start + size..).next()
            && next == start + size
        {
            self.remove_free(next, next_size);
            size += next_size;
        }
        if let Some((&before, &before_size)) = self.free.range(..start).next_back()
            && before + before_size == start
        {
            self.remove_free(before, before_size);
            start = before;
            size += before_size;
        }
        self.add_free(start, size);
        Ok(())
    }

    fn add_free(&mut self, cell: u32, size: u32) {
        self.set_stored_size(cell, size as i32);
        self.free.insert(cell, size);
        self.by_size.insert((size, cell));
    }

    fn remove_free(&mut self, cell: u32, size: u32) {
        self.free.remove(&cell);
        self.by_size.remove(&(size, cell));
    }

    /// Adds a bin with room for a cell of `needed` bytes; gives its one free cell as (size, place).
    fn grow(&mut self, needed: u32) -> Result<(u32, u32), HiveError> {
        let bin = self.size;
        let bin_size = (u64::from(needed) + u64::from(BIN_HEADER)).next_multiple_of(u64::from(BIN));
        let total = u64::from(bin) + bin_size;
        if total >= LIMIT {
            return Err(HiveError::TooLarge { what: "the hive", size: total, limit: LIMIT });
        }
        let offset = file_offset(bin);
        let end = file_offset(total as u32);
        if self.bytes.len() < end {
            self.bytes.grow(end);
        }
        let bytes = self.bytes.change(offset..end);
        bytes.fill(0);
        bytes[..4].copy_from_slice(b"hbin");
        bytes[4..8].copy_from_slice(&bin.to_le_bytes());
        bytes[8..12].copy_from_slice(&(bin_size as u32).to_le_bytes());
        self.size = total as u32;
        self.allocated.resize((self.size as usize / 8).div_ceil(64), 0);
        let free = (bin_size as u32 - BIN_HEADER, bin + BIN_HEADER);
        self.add_free(free.1, free.0);
        Ok(free)
    }

    /// Bytes of all bins.
    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// Bytes of the file outside of cells, to finish the base block and the first bin's time.
    pub(super) fn file_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        self.bytes.change(range)
    }

    /// The whole file, and which ranges of it were written to, in order. What followed the bins still follows them, as far as
    /// the bins have not grown over it: Windows keeps room there.
    pub(super) fn into_file(self) -> (Vec<u8>, Vec<Range<u64>>) {
        self.bytes.into_written()
    }
}

/// Where a cell lies in the file.
fn file_offset(cell: u32) -> usize {
    base_block::LEN + cell as usize
}
