//! The journal of a change in place: everything that is to be written, noted where nothing else is, so that a change that
//! was cut short can be finished. `docs/formats.md`, "Journal".

use std::io;

use sha2::{Digest, Sha256};

use super::{ON_DISK, ON_ISO, Patch, ReworkError};
use crate::bytes::Reader;
use crate::io::Source;

pub(super) const MAGIC: &[u8; 16] = b"tsmedia journal\0";
const VERSION: u32 = 1;
/// Bytes before the entries.
const HEADER: usize = 88;
/// Bytes before the bytes of an entry.
const ENTRY: usize = 24;
const HASH: std::ops::Range<usize> = 56..88;
/// The unit a device writes whole: the header is in the first.
pub(crate) const SECTOR: usize = 512;
/// The largest journal there is room for anywhere.
const LARGEST: u64 = 1 << 20;
const CONTENT: u32 = 0;
const BOOT: u32 = 1;

/// What is noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// Where it is on the medium.
    pub(crate) place: u64,
    /// As it is noted: whole sectors.
    pub(crate) bytes: Vec<u8>,
    /// Bytes of an earlier one at the same place.
    pub(crate) stale: u64,
    /// What changes.
    pub(crate) patches: Vec<(u64, Vec<u8>)>,
    /// What makes the medium one again, at the end.
    pub(crate) boot: Vec<(u64, Vec<u8>)>,
}

impl Journal {
    pub(crate) fn new(
        source: &dyn Source,
        patches: &[Patch],
        boot: &[(u64, u64)],
        places: &[(u64, u64)],
    ) -> Result<Self, ReworkError> {
        let read = |&(offset, len): &(u64, u64)| {
            let mut bytes = vec![0; len as usize];
            source.read_exact_at(offset, &mut bytes).map(|()| (offset, bytes))
        };
        let mut boot = boot.iter().map(read).collect::<io::Result<Vec<_>>>()?;
        let patches: Vec<_> = patches.iter().flat_map(|patch| outside(patch, &mut boot)).collect();
        let entries = patches.iter().chain(&boot);
        let needed = entries.map(|(_, bytes)| ENTRY + bytes.len()).sum::<usize>() + HEADER;
        let needed = needed.next_multiple_of(SECTOR) as u64;
        for &(place, room) in places {
            let room = room.min(LARGEST).min(source.len().saturating_sub(place));
            if needed <= room
                && let Some(stale) = unused(source, place, room)?
            {
                let bytes = encode(source.len(), place, &patches, &boot);
                return Ok(Self { place, bytes, stale, patches, boot });
            }
        }
        Err(ReworkError::NoJournal { needed })
    }
}

impl Journal {
    /// Whether an earlier journal that means nothing any more is in its place.
    pub fn is_leftover(&self) -> bool {
        self.stale > 0
    }
}

/// The parts of a patch that are outside of what the medium is found by; those inside are put there.
fn outside(patch: &Patch, boot: &mut [(u64, Vec<u8>)]) -> Vec<(u64, Vec<u8>)> {
    let mut left = vec![(patch.offset, patch.bytes.clone())];
    for (start, bytes) in boot {
        let end = *start + bytes.len() as u64;
        let mut rest = Vec::new();
        for (offset, part) in left {
            let (from, to) = (offset.max(*start), (offset + part.len() as u64).min(end));
            if from >= to {
                rest.push((offset, part));
                continue;
            }
            let inside = (from - offset) as usize..(to - offset) as usize;
            bytes[(from - *start) as usize..(to - *start) as usize].copy_from_slice(&part[inside.clone()]);
            rest.push((offset, part[..inside.start].to_vec()));
            rest.push((to, part[inside.end..].to_vec()));
        }
        left = rest;
    }
    left.retain(|(_, part)| !part.is_empty());
    left
}

/// How many bytes of an earlier journal are there; `None` when something else is.
fn unused(source: &dyn Source, place: u64, room: u64) -> io::Result<Option<u64>> {
    let mut bytes = vec![0; room as usize];
    source.read_exact_at(place, &mut bytes)?;
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let free = end == 0 || bytes.starts_with(MAGIC);
    Ok(free.then_some(end.next_multiple_of(SECTOR) as u64))
}

fn encode(medium: u64, place: u64, patches: &[(u64, Vec<u8>)], boot: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend(VERSION.to_le_bytes());
    out.extend(((patches.len() + boot.len()) as u32).to_le_bytes());
    // Its length, which is known at the end.
    out.extend([0; 8]);
    out.extend(place.to_le_bytes());
    out.extend(medium.to_le_bytes());
    out.extend([0; 8]);
    out.extend([0; HASH.end - HASH.start]);
    let kinds = [(CONTENT, patches), (BOOT, boot)];
    for (kind, entries) in kinds {
        for (offset, bytes) in entries {
            out.extend(kind.to_le_bytes());
            out.extend([0; 4]);
            out.extend(offset.to_le_bytes());
            out.extend((bytes.len() as u64).to_le_bytes());
            out.extend(bytes);
        }
    }
    out.resize(out.len().next_multiple_of(SECTOR), 0);
    let len = (out.len() as u64).to_le_bytes();
    out[24..32].copy_from_slice(&len);
    let digest = Sha256::digest(&out);
    out[HASH].copy_from_slice(&digest);
    out
}

/// The journal of a change that was begun on a medium and not finished: what the medium is found by is not there. A
/// journal beside a medium that is whole is left from before the change, or from after it, and means nothing.
///
/// # Errors
/// Whatever the device says.
pub fn pending(source: &dyn Source) -> io::Result<Option<Journal>> {
    for place in [ON_DISK, ON_ISO[0].0, ON_ISO[1].0] {
        if let Some(journal) = read(source, place)?
            && !is_whole(source, &journal)?
        {
            return Ok(Some(journal));
        }
    }
    Ok(None)
}

fn is_whole(source: &dyn Source, journal: &Journal) -> io::Result<bool> {
    for (offset, bytes) in &journal.boot {
        let mut found = vec![0; bytes.len()];
        source.read_exact_at(*offset, &mut found)?;
        if found != *bytes {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The journal at a place; `None` when there is none, or not all of one.
fn read(source: &dyn Source, place: u64) -> io::Result<Option<Journal>> {
    let medium = source.len();
    let mut header = [0; HEADER];
    if medium < place + HEADER as u64 {
        return Ok(None);
    }
    source.read_exact_at(place, &mut header)?;
    let mut len = [0; 8];
    len.copy_from_slice(&header[24..32]);
    let len = u64::from_le_bytes(len);
    if !header.starts_with(MAGIC) || !(HEADER as u64..=LARGEST).contains(&len) || len > medium - place {
        return Ok(None);
    }
    let mut bytes = vec![0; len as usize];
    source.read_exact_at(place, &mut bytes)?;
    Ok(decode(bytes, medium, place))
}

fn decode(bytes: Vec<u8>, medium: u64, place: u64) -> Option<Journal> {
    let mut hashed = bytes.clone();
    hashed.get_mut(HASH)?.fill(0);
    if Sha256::digest(&hashed)[..] != bytes[HASH] {
        return None;
    }
    let mut reader = Reader::new("journal", &bytes);
    reader.take(MAGIC.len()).ok()?;
    let (version, count) = (reader.u32().ok()?, reader.u32().ok()?);
    reader.take(8).ok()?;
    if version != VERSION || reader.u64().ok()? != place || reader.u64().ok()? != medium {
        return None;
    }
    reader.take(HEADER - 48).ok()?;
    let (mut patches, mut boot) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let kind = reader.u32().ok()?;
        reader.take(4).ok()?;
        let (offset, len) = (reader.u64().ok()?, reader.u64().ok()?);
        let entry = (offset, reader.take(usize::try_from(len).ok()?).ok()?.to_vec());
        let own = place..place + bytes.len() as u64;
        let end = offset.checked_add(len).filter(|end| *end <= medium)?;
        if offset < own.end && own.start < end {
            return None;
        }
        match kind {
            CONTENT => patches.push(entry),
            BOOT => boot.push(entry),
            _ => return None,
        }
    }
    Some(Journal { place, bytes, stale: 0, patches, boot })
}
