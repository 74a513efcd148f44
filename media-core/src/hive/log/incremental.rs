//! The format since Windows 8.1: entries, each with the pages of one write, a sequence number and two hashes.
//!
//! Windows fills one log and then the other; the hive is written now and then. So the entries of both logs make
//! one chain of sequence numbers, in which any beginning may be in the hive already. A chain ends at the first
//! entry that does not check: what lies behind is older, or was not finished.

use super::{HiveError, Log, SECTOR, Unclosed, close, is_size, make_room, marvin32};
use crate::bytes::Reader;
use crate::hive::base_block;

const HEADER: usize = 40;
const REFERENCE: usize = 8;
/// A flag of the base block that entries carry: transactions are pending.
const PENDING: u32 = 1;

/// The entries of one log, and why there are no more.
pub(super) struct Chain<'a> {
    log: Log<'a>,
    entries: Vec<Entry<'a>>,
    end: HiveError,
}

impl Chain<'_> {
    fn read(log: Log<'_>) -> Chain<'_> {
        let (mut entries, mut offset, mut sequence) = (Vec::new(), SECTOR, log.sequence);
        loop {
            match Entry::read(log.bytes, offset, sequence) {
                Ok((entry, size)) => {
                    entries.push(entry);
                    offset += size;
                    sequence = sequence.wrapping_add(1);
                }
                Err(end) => return Chain { log, entries, end },
            }
        }
    }

    /// The sequence number behind the last entry.
    fn next(&self) -> u32 {
        self.log.sequence.wrapping_add(self.entries.len() as u32)
    }
}

struct Entry<'a> {
    offset: usize,
    flags: u32,
    /// Bytes of all hive bins after it.
    size: u32,
    /// Place and length of each page.
    references: &'a [[u8; REFERENCE]],
    /// The pages one after the other.
    pages: &'a [u8],
}

impl<'a> Entry<'a> {
    /// The entry at an offset of a log, and its length.
    fn read(log: &'a [u8], offset: usize, expected: u32) -> Result<(Self, usize), HiveError> {
        let what = "log entry";
        let bytes = log.get(offset..).unwrap_or_default();
        let mut reader = Reader::at(what, bytes, offset as u64);
        base_block::take_signature(&mut reader, what, "HvLE")?;
        let (len, flags, sequence) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let (size, count) = (reader.u32()?, reader.u32()?);
        let (body_hash, header_hash) = (reader.u64()?, reader.u64()?);
        check_hash("header of a log entry", offset, header_hash, &bytes[..32])?;
        let whole = len as usize >= HEADER && len.is_multiple_of(SECTOR as u32);
        for (at, good, expected, found) in [
            (4, whole, "a multiple of 512", len),
            (12, sequence == expected, "one more than that of the entry before", sequence),
            (16, is_size(size), "a multiple of 4096", size),
        ] {
            if !good {
                let (offset, found) = (offset as u64 + at, i64::from(found));
                return Err(HiveError::Field { what, offset, expected, found });
            }
        }
        let body = reader.take(len as usize - HEADER)?;
        check_hash("log entry", offset, body_hash, body)?;
        let mut body = Reader::at(what, body, (offset + HEADER) as u64);
        let table = (count as usize).saturating_mul(REFERENCE);
        let references = body.take(table)?.as_chunks::<REFERENCE>().0;
        let mut total = 0u64;
        for (index, reference) in references.iter().enumerate() {
            let (place, length) = place_of(reference);
            if place.saturating_add(length) > size as usize {
                return Err(HiveError::Field {
                    what: "page of a log entry",
                    offset: (offset + HEADER + index * REFERENCE) as u64,
                    expected: "a place inside the hive bins",
                    found: place as i64,
                });
            }
            total += length as u64;
        }
        let pages = body.take(usize::try_from(total).unwrap_or(usize::MAX))?;
        Ok((Self { offset, flags, size, references, pages }, len as usize))
    }

    fn apply(&self, primary: &mut Vec<u8>) -> Result<(), HiveError> {
        make_room(primary, self.size, self.pages.len(), self.offset as u64 + 16)?;
        let mut pages = self.pages;
        for (place, length) in self.references.iter().map(place_of) {
            let (page, rest) = pages.split_at(length);
            let start = base_block::LEN + place;
            primary[start..start + length].copy_from_slice(page);
            pages = rest;
        }
        Ok(())
    }
}

fn place_of(reference: &[u8; REFERENCE]) -> (usize, usize) {
    (super::number(reference, 0) as usize, super::number(reference, 4) as usize)
}

fn check_hash(what: &'static str, offset: usize, stored: u64, bytes: &[u8]) -> Result<(), HiveError> {
    let computed = marvin32::hash(bytes);
    if stored != computed {
        return Err(HiveError::Hash { what, offset: offset as u64, stored, computed });
    }
    Ok(())
}

/// The logs to replay, earliest first; none when none are given.
///
/// # Errors
/// The number of the log that cannot be used, and why.
pub(super) fn choose<'a>(logs: Vec<Log<'a>>, hive: &Unclosed) -> Result<Vec<Chain<'a>>, (usize, HiveError)> {
    let mut chains: Vec<_> = logs.into_iter().map(Chain::read).collect();
    // Sequence numbers go round; the distance from a fixed one puts them in order.
    let from = if hive.sound { hive.secondary } else { chains.first().map_or(0, |chain| chain.log.sequence) };
    let distance = |sequence: u32| sequence.wrapping_sub(from).cast_signed();
    chains.sort_by_key(|chain| distance(chain.log.sequence));
    if hive.sound {
        // A log that starts before the hive's own number is an old one.
        if let Some(latest) = chains.last()
            && distance(latest.log.sequence) < 0
        {
            return Err((latest.log.number, first_number(latest)));
        }
        chains.retain(|chain| distance(chain.log.sequence) >= 0);
    }
    let joined = |pair: &[Chain<'_>]| pair[0].next() == pair[1].log.sequence;
    if hive.sound {
        // Earlier entries than there are: Windows has written them to the hive without its base block, which it
        // does when it starts the second log anew. Then all of the first belongs to the hive, and it must be here.
        // Otherwise a log is missing.
        if let Some(first) = chains.first()
            && first.log.sequence != hive.secondary
            && !chains.get(..2).is_some_and(joined)
        {
            return Err((first.log.number, first_number(first)));
        }
        let count = 1 + chains.windows(2).take_while(|pair| joined(pair)).count();
        chains.truncate(count);
    } else {
        // Windows takes the latest log alone. What lies before it without a gap is replayed too, which changes
        // nothing where the hive has it already.
        let count = chains.windows(2).rev().take_while(|pair| joined(pair)).count();
        chains.drain(..chains.len().saturating_sub(count + 1));
    }
    if chains.iter().all(|chain| chain.entries.is_empty())
        && let Some(first) = chains.drain(..).next()
    {
        return Err((first.log.number, first.end));
    }
    Ok(chains)
}

fn first_number(chain: &Chain<'_>) -> HiveError {
    HiveError::Field {
        what: "sequence number of the log",
        offset: 4,
        expected: "that of the hive",
        found: i64::from(chain.log.sequence),
    }
}

/// Replays the chosen logs and closes the hive.
pub(super) fn apply(chains: &[Chain<'_>], hive: &Unclosed, primary: &mut Vec<u8>) -> Result<(), HiveError> {
    let Some(last) = chains.last() else { return Ok(()) };
    if !hive.sound {
        last.log.give_base_block(primary);
    }
    let mut size = 0;
    for (chain, entry) in
        chains.iter().flat_map(|chain| chain.entries.iter().map(move |entry| (chain, entry)))
    {
        entry
            .apply(primary)
            .map_err(|problem| HiveError::Log { log: chain.log.number, problem: Box::new(problem) })?;
        size = entry.size;
        let flags = super::number(primary, 144) & !PENDING | entry.flags & PENDING;
        primary[144..148].copy_from_slice(&flags.to_le_bytes());
    }
    // The number of the last entry. The hive's own first number is that or a lower one.
    close(primary, last.next().wrapping_sub(1), size);
    Ok(())
}
