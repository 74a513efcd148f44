//! Resources: runs of bytes in the file, stored whole or as a table of chunk offsets followed by chunks.
//!
//! Source: "Windows Imaging File Format (WIM)", section "Resources". A compressed resource starts with the offsets of its
//! second to last chunk, relative to the end of that table, as 32-bit numbers (64-bit when it decodes to 4 GiB or
//! more). A chunk stored in as many bytes as it decodes to is not compressed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use super::header::{Compression, Header, Resource};
use super::source::{check_range, read_into};
use super::wimlib::Decoder;
use super::{WimError, source};
use crate::io::Source;

/// How much of an uncompressed resource is read at once.
const PLAIN_CHUNK: u32 = 1 << 20;
/// How many bytes of a chunk table are read at once.
const TABLE_WINDOW: usize = 1 << 16;

/// The longest length that is believed once the chunk table may be that of so many bytes: the hive of a full Windows.
const BELIEVED: u64 = 128 << 20;

/// How much there is for each thread to decode, at least: less is not worth starting it.
const PARALLEL: u64 = 1 << 20;
/// How much a thread decodes before it looks what is left: chunks that compress well take less time.
const SHARE: u32 = 256 << 10;

/// One chunk of a resource, until the next is read.
pub struct Decoded<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Where it is stored in the file.
    pub offset: u64,
    /// How many bytes are stored: as many as `bytes` when it is stored as it is, otherwise fewer.
    pub stored: u32,
}

/// Where a chunk is.
pub struct Chunk {
    /// Which one, from 0.
    pub index: u64,
    /// Where its stored bytes are in the file.
    pub offset: u64,
    /// How many bytes are stored.
    pub stored: u32,
    /// How many bytes they decode to; the same when the chunk is stored as it is.
    pub len: u32,
}

/// What chunks are read from.
struct Run<'a> {
    source: &'a dyn Source,
    resource: Resource,
    compression: Compression,
}

impl Run<'_> {
    /// Decodes chunks one behind the other.
    fn decode(&self, places: &[Chunk], mut out: &mut [u8], chunk_size: u32) -> Result<(), WimError> {
        let (mut decoder, mut stored) = (Decoder::new(self.compression, chunk_size)?, Vec::new());
        for chunk in places {
            let (decoded, rest) = out.split_at_mut(chunk.len as usize);
            self.read(chunk, Some(&mut decoder), &mut stored, decoded)?;
            out = rest;
        }
        Ok(())
    }

    /// The bytes of a chunk, into a buffer of their length.
    fn read(
        &self,
        chunk: &Chunk,
        decoder: Option<&mut Decoder>,
        stored: &mut Vec<u8>,
        decoded: &mut [u8],
    ) -> Result<(), WimError> {
        if chunk.stored == chunk.len {
            return read_into(self.source, "resource", chunk.offset, decoded);
        }
        stored.resize(chunk.stored as usize, 0);
        read_into(self.source, "resource", chunk.offset, stored)?;
        if decoder.is_some_and(|decoder| decoder.decode(stored, decoded)) {
            return Ok(());
        }
        let (offset, compression) = (self.resource.offset, self.compression);
        Err(WimError::Decompression { offset, chunk: chunk.index, compression })
    }
}

/// Walks the chunks of a resource front to back; holds one chunk and a window of the chunk table.
pub struct Chunks<'a> {
    source: &'a dyn Source,
    resource: Resource,
    compression: Compression,
    chunk_size: u32,
    decoder: Option<Decoder>,
    table: Vec<u8>,
    table_start: u64,
    next: u64,
    next_offset: u64,
    stored: Vec<u8>,
    decoded: Vec<u8>,
}

impl<'a> Chunks<'a> {
    /// Checks the resource's place in the file and the length of its chunk table.
    pub fn new(
        source: &'a dyn Source,
        header: &Header,
        what: &'static str,
        resource: Resource,
    ) -> Result<Self, WimError> {
        check_range(source, what, resource.offset, resource.stored_len)?;
        let mut chunks = Self {
            source,
            resource,
            compression: header.compression,
            chunk_size: PLAIN_CHUNK,
            decoder: None,
            table: Vec::new(),
            table_start: 0,
            next: 0,
            next_offset: 0,
            stored: Vec::new(),
            decoded: Vec::new(),
        };
        if resource.is_compressed() {
            if header.is_pipable {
                return Err(WimError::Pipable);
            }
            chunks.chunk_size = header.chunk_size;
            chunks.decoder = Some(Decoder::new(header.compression, header.chunk_size)?);
            chunks.check_table_len()?;
        } else if resource.stored_len != resource.len {
            return Err(chunks.bad_chunk(0, resource.stored_len, resource.len));
        }
        Ok(chunks)
    }

    /// The next chunk, decoded.
    pub fn next(&mut self) -> Result<Option<Decoded<'_>>, WimError> {
        let Some(chunk) = self.locate()? else { return Ok(None) };
        self.decoded.resize(chunk.len as usize, 0);
        let run = Run { source: self.source, resource: self.resource, compression: self.compression };
        run.read(&chunk, self.decoder.as_mut(), &mut self.stored, &mut self.decoded)?;
        Ok(Some(Decoded { bytes: &self.decoded, offset: chunk.offset, stored: chunk.stored }))
    }

    /// All that are left, decoded by so many threads, and passed on in their order as they come.
    fn rest(mut self, threads: usize, pass: &mut dyn FnMut(&[u8])) -> Result<Vec<u8>, WimError> {
        let mut places = Vec::new();
        while let Some(chunk) = self.locate()? {
            places.push(chunk);
        }
        let mut out = vec![0; places.iter().map(|chunk| chunk.len as usize).sum()];
        let each = (SHARE / self.chunk_size).max(1);
        let run = Run { source: self.source, resource: self.resource, compression: self.compression };
        let (run, chunk_size) = (&run, self.chunk_size);
        let shares = places.chunks(each as usize).zip(out.chunks_mut((each * chunk_size) as usize));
        let left = Mutex::new(shares.enumerate());
        let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
        thread::scope(|scope| {
            let (send, decoded) = mpsc::channel();
            for _ in 0..threads {
                let send = send.clone();
                scope.spawn(move || {
                    while let Some((number, (places, out))) = next() {
                        let decoded = run.decode(places, out, chunk_size).map(|()| &*out);
                        if send.send((number, decoded)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(send);
            let (mut early, mut number) = (BTreeMap::new(), 0);
            for (place, share) in decoded {
                early.insert(place, share);
                while let Some(share) = early.remove(&number) {
                    // The first that cannot be decoded is the one to tell of.
                    pass(share?);
                    number += 1;
                }
            }
            Ok::<_, WimError>(())
        })?;
        Ok(out)
    }

    /// Bytes of decoded data per chunk; only the last may be shorter.
    pub fn chunk_size(&self) -> u32 {
        self.chunk_size
    }

    fn count(&self) -> u64 {
        self.resource.len.div_ceil(u64::from(self.chunk_size))
    }

    fn entry_len(&self) -> u64 {
        chunk_entry_len(self.resource.len)
    }

    fn table_len(&self) -> u64 {
        if self.resource.is_compressed() { (self.count().saturating_sub(1)) * self.entry_len() } else { 0 }
    }

    /// Every chunk takes an entry (but for the first) and a byte: a length that cannot be there is refused at once.
    fn check_table_len(&self) -> Result<(), WimError> {
        if self.table_len().saturating_add(self.count()) > self.resource.stored_len {
            return Err(self.bad_chunk(0, self.resource.stored_len, self.resource.len));
        }
        Ok(())
    }

    /// Where the next chunk is; it is not read.
    pub fn locate(&mut self) -> Result<Option<Chunk>, WimError> {
        let (index, count) = (self.next, self.count());
        if index == count {
            return Ok(None);
        }
        let chunk_size = u64::from(self.chunk_size);
        let len = chunk_size.min(self.resource.len - index * chunk_size);
        let start = self.next_offset;
        let end = if !self.resource.is_compressed() {
            start + len
        } else if index + 1 == count {
            self.resource.stored_len - self.table_len()
        } else {
            self.table_entry(index)?
        };
        let stored = end.wrapping_sub(start);
        if end <= start || stored > len || end > self.resource.stored_len - self.table_len() {
            return Err(self.bad_chunk(index, stored, len));
        }
        self.next += 1;
        self.next_offset = end;
        Ok(Some(Chunk {
            index,
            offset: self.resource.offset + self.table_len() + start,
            stored: stored as u32,
            len: len as u32,
        }))
    }

    /// The offset of chunk `index + 1`, from a window of the table.
    fn table_entry(&mut self, index: u64) -> Result<u64, WimError> {
        let entry_len = self.entry_len();
        let position = index * entry_len;
        if position >= self.table_start + self.table.len() as u64 {
            let len = (self.table_len() - position).min(TABLE_WINDOW as u64);
            let offset = self.resource.offset + position;
            self.table = source::read_vec(self.source, "chunk table", offset, len)?;
            self.table_start = position;
        }
        let within = (position - self.table_start) as usize;
        let mut entry = [0; 8];
        entry[..entry_len as usize].copy_from_slice(&self.table[within..within + entry_len as usize]);
        Ok(u64::from_le_bytes(entry))
    }

    fn bad_chunk(&self, chunk: u64, stored: u64, len: u64) -> WimError {
        WimError::Chunk { offset: self.resource.offset, chunk, stored, len }
    }
}

/// Bytes per entry of the chunk table of a resource that decodes to `len` bytes.
pub fn chunk_entry_len(len: u64) -> u64 {
    if len > u64::from(u32::MAX) { 8 } else { 4 }
}

/// All of a resource, grown as its chunks decode; refused above `limit` bytes.
pub fn read_resource(
    source: &dyn Source,
    header: &Header,
    what: &'static str,
    resource: Resource,
    limit: u64,
) -> Result<Vec<u8>, WimError> {
    read_passing(source, header, (what, resource, limit), &mut |_| ())
}

/// The same, passed on piece by piece in its order while more is decoded.
pub fn read_passing(
    source: &dyn Source,
    header: &Header,
    (what, resource, limit): (&'static str, Resource, u64),
    pass: &mut dyn FnMut(&[u8]),
) -> Result<Vec<u8>, WimError> {
    if resource.len > limit {
        return Err(WimError::TooLarge { what, len: resource.len, limit });
    }
    let mut chunks = Chunks::new(source, header, what, resource)?;
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(usize::try_from(resource.len / PARALLEL).unwrap_or(usize::MAX));
    if threads > 1 && resource.is_compressed() && resource.len <= BELIEVED {
        return chunks.rest(threads, pass);
    }
    // To grow is to have the bytes twice for a moment.
    let len = resource.len as usize;
    let mut out = Vec::with_capacity(resource.len.min(BELIEVED) as usize);
    while let Some(chunk) = chunks.next()? {
        if out.capacity() - out.len() < chunk.bytes.len() {
            out.reserve_exact((len - out.len()).min(out.len().max(chunk.bytes.len())));
        }
        pass(chunk.bytes);
        out.extend_from_slice(chunk.bytes);
    }
    Ok(out)
}
