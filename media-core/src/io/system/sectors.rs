//! Reading a disk that gives whole sectors only, at the alignment it wants.

use std::io;

use crate::io::{ALIGNMENT, Buffer};

const UNIT: u64 = ALIGNMENT as u64;
/// The smallest sectors that disks have.
const SECTOR: usize = 512;
/// So much is read at once, whatever is asked for.
const MOST: u64 = 1 << 20;
/// No disk is longer, in [`UNIT`]s: 2^63 bytes is as far as a system counts.
const LONGEST: u64 = 1 << 51;

/// Reads at most `buffer.len()` bytes at `offset` by reading the sectors they are in, of a disk with `len` bytes.
pub(super) fn read_at(
    len: u64,
    offset: u64,
    buffer: &mut [u8],
    read: impl Fn(u64, &mut [u8]) -> io::Result<usize>,
) -> io::Result<usize> {
    if offset >= len {
        return Ok(0);
    }
    let is_aligned = offset.is_multiple_of(UNIT)
        && buffer.len().is_multiple_of(ALIGNMENT)
        && buffer.as_ptr().addr().is_multiple_of(ALIGNMENT)
        && buffer.len() as u64 <= len - offset;
    if is_aligned {
        return read(offset, buffer);
    }
    let start = offset / UNIT * UNIT;
    let end = offset.saturating_add(buffer.len() as u64).min(start + MOST).next_multiple_of(UNIT).min(len);
    let mut memory = Buffer::default();
    let sectors = memory.of((end - start) as usize);
    let count = read(start, sectors)?;
    let found = sectors[..count].get((offset - start) as usize..).unwrap_or_default();
    let count = found.len().min(buffer.len());
    buffer[..count].copy_from_slice(&found[..count]);
    Ok(count)
}

/// Where a disk ends that does not say it, in whole sectors: what is behind its end cannot be read.
pub(super) fn end(read: impl Fn(u64, &mut [u8]) -> io::Result<usize>) -> u64 {
    let mut memory = Buffer::default();
    let unit = memory.of(ALIGNMENT);
    let mut is_there = |number: u64| read(number * UNIT, unit).is_ok_and(|count| count == ALIGNMENT);
    // Everything before `start` is there, and nothing from `end` on.
    let (mut start, mut end) = (0, 1);
    while end < LONGEST && is_there(end - 1) {
        (start, end) = (end, end * 2);
    }
    while start < end {
        let middle = start + (end - start) / 2;
        if is_there(middle) { start = middle + 1 } else { end = middle }
    }
    let mut end = start * UNIT;
    // The last of them may be cut off. A disk with larger sectors has none of these.
    while end < (start + 1) * UNIT && read(end, &mut memory.of(SECTOR)[..]).is_ok_and(|count| count == SECTOR)
    {
        end += SECTOR as u64;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that gives whole sectors at whole sectors, into memory at whole sectors, and nothing of what is not all there.
    fn disk(len: u64) -> impl Fn(u64, &mut [u8]) -> io::Result<usize> {
        move |offset, buffer| {
            let wrong = offset % 512 + buffer.len() as u64 % 512 + buffer.as_ptr().addr() as u64 % 512;
            if wrong > 0 || offset + buffer.len() as u64 > len {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            for (at, byte) in buffer.iter_mut().enumerate() {
                *byte = ((offset + at as u64) % 251) as u8;
            }
            Ok(buffer.len())
        }
    }

    #[test]
    fn any_bytes_are_read_by_whole_sectors() {
        let len = (3 << 20) + 3 * 512;
        for offset in [0, 1, 511, 4096, 4097, (1 << 20) - 1, len - 700] {
            for count in [1, 512, 700, 5000, 1 << 20, 2 << 20] {
                let mut bytes = vec![0; count];
                let found = read_at(len, offset, &mut bytes, disk(len)).expect("it can be read");
                let right = |(at, byte): (usize, &u8)| u64::from(*byte) == (offset + at as u64) % 251;
                assert!(bytes[..found].iter().enumerate().all(right), "{count} bytes at {offset}");
                let all = count.min((len - offset) as usize);
                assert!(found == all || (found > 1 << 19 && found < all), "{found} of {count} at {offset}");
            }
        }
    }

    #[test]
    fn a_disk_ends_where_nothing_can_be_read() {
        for units in [0, 1, 2, 3, 7, 8, 1000, 8_388_607, 1_953_506_646] {
            for sectors in [0, 1, 7] {
                let len = units * UNIT + sectors * SECTOR as u64;
                assert_eq!(end(disk(len)), len);
            }
        }
    }
}
