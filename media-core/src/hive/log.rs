//! Transaction logs: bring a hive that was not closed to the state its log files hold.
//!
//! Windows writes a change to a log file first and to the hive afterwards. A hive is *dirty* when that was cut off:
//! its sequence numbers differ, or the checksum of its base block is wrong. There are two formats of logs, told
//! apart by the file type in the log's own base block: [`incremental`] (Windows 8.1 and later) and
//! [`dirty_vector`] (before). Logs of a hive that is not dirty mean nothing, whatever they hold.
//!
//! Source: M. Suhanov's "Windows registry file format specification", sections "Format of transaction log files",
//! "Dirty state of a hive" and "Multiple transaction log files". Where Windows repairs or guesses (bins that do not
//! hold together, a missing log), this refuses.

mod dirty_vector;
mod incremental;
mod marvin32;

use super::HiveError;
use super::base_block::{self, checksum};
use crate::bytes::Reader;

/// A log starts with a copy of the first 512 bytes of the base block.
const SECTOR: usize = 512;
/// The largest hive that is made by replaying logs.
const LARGEST: u64 = 512 << 20;

/// Whether a hive was not closed: then its log files are needed.
pub(super) fn is_dirty(primary: &[u8]) -> bool {
    primary.len() >= base_block::LEN
        && primary.starts_with(b"regf")
        && (number(primary, 508) != checksum(primary) || number(primary, 4) != number(primary, 8))
}

/// Completes a dirty hive from its log files. Empty ones say nothing. Of logs in the older format the first that
/// belongs to the hive is taken; those in the newer are put in order.
///
/// # Errors
/// [`HiveError::Dirty`] or [`HiveError::Checksum`] when there is no log, [`HiveError::Log`] with the first log that
/// cannot be used when none can. The hive's bytes may be changed all the same.
pub(super) fn recover(primary: &mut Vec<u8>, logs: &[&[u8]]) -> Result<(), HiveError> {
    let hive = Unclosed::read(primary);
    let (mut readable, mut refusal) = (Vec::new(), None);
    for (index, bytes) in logs.iter().enumerate().filter(|(_, bytes)| !bytes.is_empty()) {
        match Log::read(index + 1, bytes) {
            Ok(log) => readable.push(log),
            Err(problem) => keep_first(&mut refusal, index + 1, problem),
        }
    }
    let (incremental, vectors): (Vec<_>, Vec<_>) =
        readable.into_iter().partition(|log| log.format == Format::Incremental);
    match incremental::choose(incremental, &hive) {
        Ok(chains) if !chains.is_empty() => return incremental::apply(&chains, &hive, primary),
        Ok(_) => (),
        Err((log, problem)) => keep_first(&mut refusal, log, problem),
    }
    for log in vectors {
        match dirty_vector::choose(&log, &hive) {
            Ok(pages) => return dirty_vector::apply(&log, &pages, primary),
            Err(problem) => keep_first(&mut refusal, log.number, problem),
        }
    }
    Err(refusal.unwrap_or_else(|| hive.error()))
}

fn keep_first(refusal: &mut Option<HiveError>, log: usize, problem: HiveError) {
    refusal.get_or_insert_with(|| HiveError::Log { log, problem: Box::new(problem) });
}

/// What the base block of a dirty hive says.
struct Unclosed {
    /// Whether its checksum is right, so that the rest can be believed.
    sound: bool,
    primary: u32,
    secondary: u32,
    /// When it was last written.
    time: u64,
    /// The copy of that time in the first hive bin.
    bin_time: u64,
    checksum: (u32, u32),
}

impl Unclosed {
    fn read(primary: &[u8]) -> Self {
        let (stored, computed) = (number(primary, 508), checksum(primary));
        Self {
            sound: stored == computed,
            primary: number(primary, 4),
            secondary: number(primary, 8),
            time: long(primary, 12),
            bin_time: long(primary, base_block::LEN + 20),
            checksum: (stored, computed),
        }
    }

    fn error(&self) -> HiveError {
        let (stored, computed) = self.checksum;
        if self.sound {
            HiveError::Dirty { primary: self.primary, secondary: self.secondary }
        } else {
            HiveError::Checksum { stored, computed }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    DirtyVector,
    Incremental,
}

/// A log file whose own base block is in order.
struct Log<'a> {
    /// Which of the logs given, counted from 1.
    number: usize,
    bytes: &'a [u8],
    format: Format,
    /// Both sequence numbers.
    sequence: u32,
    time: u64,
    /// Bytes of all hive bins.
    size: u32,
}

impl<'a> Log<'a> {
    fn read(number: usize, bytes: &'a [u8]) -> Result<Self, HiveError> {
        let what = "log base block";
        let block = Reader::new(what, bytes).take(SECTOR)?;
        let mut reader = Reader::new(what, block);
        base_block::take_signature(&mut reader, what, "regf")?;
        let (stored, computed) = (self::number(block, 508), checksum(block));
        if stored != computed {
            return Err(HiveError::Checksum { stored, computed });
        }
        let (sequence, secondary, time) = (reader.u32()?, reader.u32()?, reader.u64()?);
        let (major, minor, kind, format) = (reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?);
        reader.take(4)?; // root: never moves
        let (size, sectors) = (reader.u32()?, reader.u32()?);
        if major != 1 || !(3..=6).contains(&minor) {
            return Err(HiveError::Version { major, minor });
        }
        let same = sequence == secondary;
        for (offset, good, expected, found) in [
            (8, same, "the same as the first sequence number", secondary),
            (28, matches!(kind, 1 | 2 | 6), "1, 2 or 6 (a transaction log)", kind),
            (32, format == 1, "1 (direct memory load)", format),
            (40, is_size(size), "a multiple of 4096", size),
            (44, sectors == 1, "1 (sectors of 512 bytes)", sectors),
        ] {
            if !good {
                return Err(HiveError::Field { what, offset, expected, found: i64::from(found) });
            }
        }
        // 1, and 2 in Windows 2000, stand for the older format; 6 for the newer.
        let format = if kind == 6 { Format::Incremental } else { Format::DirtyVector };
        Ok(Self { number, bytes, format, sequence, time, size })
    }

    /// Puts the log's copy in place of the hive's base block.
    fn give_base_block(&self, primary: &mut [u8]) {
        primary[..SECTOR].copy_from_slice(&self.bytes[..SECTOR]);
        primary[28..32].fill(0); // file type: a primary file
    }
}

/// Whether this can be the size of all hive bins.
fn is_size(size: u32) -> bool {
    size != 0 && size.is_multiple_of(4096)
}

/// Makes room for `size` bytes of hive bins, of which `held` lie in the log: it can only grow by what it holds.
fn make_room(primary: &mut Vec<u8>, size: u32, held: usize, offset: u64) -> Result<(), HiveError> {
    let needed = base_block::LEN + size as usize;
    if needed as u64 > LARGEST {
        return Err(HiveError::TooLarge { what: "the hive", size: needed as u64, limit: LARGEST });
    }
    let grown = needed.saturating_sub(primary.len());
    if grown > held {
        return Err(HiveError::Field {
            what: "size of the hive bins",
            offset,
            expected: "no more than the hive and its log hold",
            found: i64::from(size),
        });
    }
    if grown > 0 {
        primary.reserve_exact(grown);
        primary.resize(needed, 0);
    }
    Ok(())
}

/// Closes the hive's base block: equal sequence numbers and a right checksum.
fn close(primary: &mut [u8], sequence: u32, size: u32) {
    for (offset, value) in [(4, sequence), (8, sequence), (40, size)] {
        primary[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
    }
    let sum = checksum(&primary[..base_block::LEN]);
    primary[508..512].copy_from_slice(&sum.to_le_bytes());
}

/// The number at a place; zero behind the end.
fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|field| field.try_into().ok()).map_or(0, u32::from_le_bytes)
}

pub(super) fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(number(bytes, at)) | u64::from(number(bytes, at + 4)) << 32
}
