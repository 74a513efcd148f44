//! The format before Windows 8.1: one set of changes, named by a bit for each 512 bytes of the hive bins.
//!
//! The log counts as a whole or not at all. Only its base block has a checksum: the pages are believed, as Windows
//! believes them, if the hive's bins and cells join afterwards.

use super::{HiveError, Log, SECTOR, Unclosed, close, make_room};
use crate::bytes::Reader;
use crate::hive::base_block;

const PAGE: usize = 512;
/// Windows marks changes in blocks of 4096 bytes, so a byte of the bitmap is all ones or all zeros.
const BLOCK: usize = 4096;

/// The blocks to replace: their numbers, and their content one after the other.
pub(super) struct Blocks<'a> {
    numbers: Vec<usize>,
    content: &'a [u8],
}

/// Checks that a log belongs to the last write of a hive and has all of it.
pub(super) fn choose<'a>(log: &Log<'a>, hive: &Unclosed) -> Result<Blocks<'a>, HiveError> {
    // The write began by setting the time in the hive's base block. If that cannot be read, the first bin has the
    // time of a write that got as far: an earlier one, or this.
    let belongs = if hive.sound { log.time == hive.time } else { log.time >= hive.bin_time };
    if !belongs {
        return Err(HiveError::Field {
            what: "time of the log",
            offset: 12,
            expected: "that of the hive",
            found: log.time.cast_signed(),
        });
    }
    let mut reader = Reader::at("dirty vector", &log.bytes[SECTOR..], SECTOR as u64);
    base_block::take_signature(&mut reader, "dirty vector", "DIRT")?;
    let bitmap = reader.take(log.size as usize / BLOCK)?;
    let mut numbers = Vec::new();
    for (number, bits) in bitmap.iter().enumerate() {
        match bits {
            0 => (),
            0xFF => numbers.push(number),
            _ => {
                return Err(HiveError::Field {
                    what: "dirty vector",
                    offset: (SECTOR + 4 + number) as u64,
                    expected: "0 or 255",
                    found: i64::from(*bits),
                });
            }
        }
    }
    let start = SECTOR + (4 + bitmap.len()).next_multiple_of(PAGE);
    let behind = log.bytes.get(start..).unwrap_or_default();
    let content = Reader::at("dirty pages", behind, start as u64).take(numbers.len() * BLOCK)?;
    Ok(Blocks { numbers, content })
}

/// Replaces the blocks, and the base block by the log's copy, which was made from the same memory.
pub(super) fn apply(log: &Log<'_>, blocks: &Blocks<'_>, primary: &mut Vec<u8>) -> Result<(), HiveError> {
    make_room(primary, log.size, blocks.content.len(), 40)?;
    for (number, content) in blocks.numbers.iter().zip(blocks.content.chunks_exact(BLOCK)) {
        let start = base_block::LEN + number * BLOCK;
        primary[start..start + BLOCK].copy_from_slice(content);
    }
    log.give_base_block(primary);
    close(primary, log.sequence, log.size);
    Ok(())
}
