//! The integrity table: SHA-1 sums of equal pieces of the file, from the end of the header to the end of the blob table.
//!
//! Source: "Windows Imaging File Format (WIM)", section "Integrity table": its length, the number of entries and the length
//! of a piece (10 MiB) as 32-bit numbers, then 20 bytes per piece.

use sha1::{Digest, Sha1};

use super::header::{HEADER_LEN, Header};
use super::resource::read_resource;
use super::source::read_into;
use super::{Hash, WimError};
use crate::bytes::Reader;
use crate::event::{Event, Observer};
use crate::io::Source;

const FIXED_LEN: u64 = 12;
/// Longest table read, in bytes: enough for 2 TiB in pieces of 10 MiB, and for 800 MiB in the smallest pieces.
const TABLE_LIMIT: u64 = 4 << 20;
const USUAL_PIECE: u32 = 10 << 20;
/// Other lengths of a piece are kept when they are between these; the same bounds as wimlib's.
const KEPT_PIECES: std::ops::RangeInclusive<u32> = 4096..=128 << 20;
const BUFFER: usize = 1 << 20;

/// An integrity table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integrity {
    /// Length of a piece in bytes; the last may be shorter.
    piece: u32,
    hashes: Vec<Hash>,
    /// Where the last piece ends in the file.
    end: u64,
}

impl Integrity {
    /// The file's table, when it has one.
    pub fn read(source: &dyn Source, header: &Header) -> Result<Option<Self>, WimError> {
        if header.integrity.offset == 0 || header.integrity.len == 0 {
            return Ok(None);
        }
        let bytes = read_resource(source, header, "integrity table", header.integrity, TABLE_LIMIT)?;
        let offset = header.integrity.offset;
        let mut reader = Reader::at("integrity table", &bytes, offset);
        let (len, entries, piece) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let end = header.blob_table.offset.saturating_add(header.blob_table.stored_len);
        let checked = end.saturating_sub(HEADER_LEN);
        let is_consistent = u64::from(len) == bytes.len() as u64
            && u64::from(len) == FIXED_LEN + 20 * u64::from(entries)
            && piece != 0
            && u64::from(entries) == checked.div_ceil(u64::from(piece));
        if !is_consistent {
            return Err(WimError::IntegrityTable { offset, len, entries, chunk_size: piece, checked });
        }
        let mut hashes = Vec::with_capacity(bytes.len() / 20);
        while reader.left() > 0 {
            hashes.push(Hash(reader.array()?));
        }
        Ok(Some(Self { piece, hashes, end }))
    }

    /// The table of a file that starts with the same bytes as this one's up to the end of this one, and goes on to `end`.
    pub fn extended(&self, file: &dyn Source, end: u64) -> Result<Self, WimError> {
        let piece = if KEPT_PIECES.contains(&self.piece) { self.piece } else { USUAL_PIECE };
        // Only whole pieces: the last one of the old table ends where more bytes follow now.
        let kept = if piece == self.piece { self.covered() / u64::from(piece) } else { 0 };
        let mut hashes = self.hashes.clone();
        hashes.truncate(kept as usize);
        let mut start = HEADER_LEN + kept * u64::from(piece);
        while start < end {
            let next = end.min(start + u64::from(piece));
            hashes.push(hash_range(file, start, next)?);
            start = next;
        }
        Ok(Self { piece, hashes, end })
    }

    /// As it is stored.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WimError> {
        let len = FIXED_LEN + 20 * self.hashes.len() as u64;
        let fits = |value: u64| {
            u32::try_from(value).map_err(|_| WimError::Unrepresentable { what: "integrity table", value })
        };
        let mut out = Vec::with_capacity(len as usize);
        for number in [fits(len)?, fits(self.hashes.len() as u64)?, self.piece] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        self.hashes.iter().for_each(|hash| out.extend_from_slice(&hash.0));
        Ok(out)
    }

    /// How many bytes of the file it covers.
    pub fn covered(&self) -> u64 {
        self.end.saturating_sub(HEADER_LEN)
    }

    /// The first `limit` pieces whose bytes have another SHA-1: start, end, expected and found.
    pub fn mismatches(
        &self,
        file: &dyn Source,
        limit: usize,
        observer: &mut dyn Observer,
    ) -> Result<Vec<(u64, u64, Hash, Hash)>, WimError> {
        let (mut start, mut found) = (HEADER_LEN, Vec::new());
        for expected in &self.hashes {
            if observer.cancelled() {
                return Err(WimError::Stopped);
            }
            if found.len() == limit {
                break;
            }
            let end = self.end.min(start + u64::from(self.piece));
            let hash = hash_range(file, start, end)?;
            if hash != *expected {
                found.push((start, end, *expected, hash));
            }
            observer.event(Event::Advance(end - start));
            start = end;
        }
        Ok(found)
    }
}

fn hash_range(file: &dyn Source, start: u64, end: u64) -> Result<Hash, WimError> {
    let mut hasher = Sha1::new();
    let mut buffer = vec![0; BUFFER.min((end - start) as usize)];
    let mut position = start;
    while position < end {
        let count = buffer.len().min((end - position) as usize);
        read_into(file, "integrity check", position, &mut buffer[..count])?;
        hasher.update(&buffer[..count]);
        position += count as u64;
    }
    Ok(Hash(hasher.finalize().into()))
}
