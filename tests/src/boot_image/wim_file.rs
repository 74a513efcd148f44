//! A writer of WIM files for fixtures alone: it shares no code with the reader it is set against.
//!
//! Order in the file: header, blobs, metadata resources, blob table, XML, integrity table; the header is written
//! last. Layouts as wimlib 1.14.4 documents them (`include/wimlib/header.h`, `src/blob_table.c`, `src/integrity.c`).
//! No solid resources, no split or pipable files.

use std::collections::HashMap;
use std::fs::File as Output;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use sha1::{Digest, Sha1};

use super::compressor::Compressor;
use super::content::FileContent;
use super::metadata::{self, Counts, File, Hash, Hashed};
use super::{Compression, security, xml};

/// One image of a WIM file.
pub(super) struct Image<'a> {
    pub(super) files: &'a [File],
    pub(super) facts: xml::Facts,
    pub(super) times: [u64; 3],
}

/// How the file is written.
pub(super) struct Options {
    pub(super) compression: Compression,
    pub(super) chunk_size: u32,
    pub(super) boot_index: u32,
    pub(super) integrity: bool,
    pub(super) guid: [u8; 16],
    pub(super) threads: usize,
}

const HEADER_LEN: u64 = 208;
const INTEGRITY_CHUNK: u64 = 10 * 1024 * 1024;
/// Compressed resources wait in memory until their turn; so many raw bytes are worked on at once.
const BATCH: u64 = 16 * 1024 * 1024;

/// Writes the images to a new file at `output`.
pub(super) fn write(output: &Path, images: &[Image<'_>], options: &Options) -> io::Result<()> {
    let file = Output::options().read(true).write(true).create(true).truncate(true).open(output)?;
    let mut out = Writer { file, position: HEADER_LEN, options };
    let hashed: Vec<Vec<Hashed<'_>>> = images.iter().map(|image| hash_all(image.files)).collect();
    let (mut table, totals) = out.blobs(&hashed)?;

    let (mut boot_metadata, mut described) = (Resource::default(), Vec::new());
    for (index, (image, hashed)) in images.iter().zip(&hashed).enumerate() {
        let (bytes, counts) = metadata::resource(hashed, &security::descriptors(), image.times);
        let hash = Sha1::digest(&bytes).into();
        let mut resource = out.packed(&pack(&FileContent::bytes(bytes), options)?)?;
        resource.flags |= METADATA;
        if options.boot_index == index as u32 + 1 {
            boot_metadata = resource;
        }
        table.extend(table_entry(resource, 1, hash));
        described.push((&image.facts, counts, totals[index], image.times));
    }
    let blob_table = out.raw(&table, METADATA)?;
    let checked_end = out.position;
    let xml = out.raw(&described_xml(&described, checked_end), METADATA)?;
    let integrity = if options.integrity { out.integrity_table(checked_end)? } else { Resource::default() };
    let header = header(options, images.len() as u32, [blob_table, xml, boot_metadata, integrity]);
    out.file.write_all_at(&header, 0)?;
    out.file.sync_all()
}

const METADATA: u8 = 0x02;
const COMPRESSED: u8 = 0x04;

/// A resource's place, as headers and tables name it.
#[derive(Debug, Clone, Copy, Default)]
struct Resource {
    stored: u64,
    flags: u8,
    offset: u64,
    raw: u64,
}

impl Resource {
    fn to_bytes(self) -> [u8; 24] {
        let mut out = [0; 24];
        out[..7].copy_from_slice(&self.stored.to_le_bytes()[..7]);
        out[7] = self.flags;
        out[8..16].copy_from_slice(&self.offset.to_le_bytes());
        out[16..].copy_from_slice(&self.raw.to_le_bytes());
        out
    }
}

/// What the XML counts of one image: bytes of all its files, and those of further names of one file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) bytes: u64,
    pub(super) hard_link_bytes: u64,
}

struct Writer<'a> {
    file: Output,
    position: u64,
    options: &'a Options,
}

/// A resource as it will be stored.
enum Packed<'a> {
    Compressed { bytes: Vec<u8>, raw: u64 },
    Raw(&'a FileContent),
}

impl Writer<'_> {
    /// Writes every different content once; answers the blob table so far and each image's totals.
    fn blobs(&mut self, images: &[Vec<Hashed<'_>>]) -> io::Result<(Vec<u8>, Vec<Totals>)> {
        let (mut order, mut references): (Vec<(Hash, &FileContent)>, HashMap<Hash, u32>) = Default::default();
        let mut totals = Vec::new();
        for image in images {
            let (mut total, mut groups) = (Totals::default(), HashMap::new());
            for hashed in image {
                let contents = std::iter::once((hashed.hash, &hashed.file.content)).chain(
                    hashed
                        .streams
                        .iter()
                        .zip(&hashed.file.streams)
                        .map(|((_, hash), (_, content))| (*hash, content)),
                );
                let group = hashed.file.link_group;
                let further_name = group != 0 && groups.insert(group, ()).is_some();
                for (hash, content) in contents.filter(|(_, content)| !content.is_empty()) {
                    total.bytes += content.len();
                    if further_name {
                        total.hard_link_bytes += content.len();
                    }
                    // Every name counts as a reference, further names of one file too.
                    let count = references.entry(hash).or_insert(0);
                    if *count == 0 {
                        order.push((hash, content));
                    }
                    *count += 1;
                }
            }
            totals.push(total);
        }
        let mut table = Vec::new();
        let mut rest = order.as_slice();
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(batch_len(rest));
            for (packed, (hash, _)) in pack_all(batch, self.options)?.iter().zip(batch) {
                table.extend(table_entry(self.packed(packed)?, references[hash], *hash));
            }
            rest = later;
        }
        Ok((table, totals))
    }

    fn packed(&mut self, packed: &Packed<'_>) -> io::Result<Resource> {
        let offset = self.position;
        let (flags, raw) = match packed {
            Packed::Compressed { bytes, raw } => {
                self.append(bytes)?;
                (COMPRESSED, *raw)
            }
            Packed::Raw(content) => {
                content.blocks(&mut |block| self.append(block))?;
                (0, content.len())
            }
        };
        Ok(Resource { stored: self.position - offset, flags, offset, raw })
    }

    fn raw(&mut self, bytes: &[u8], flags: u8) -> io::Result<Resource> {
        let offset = self.position;
        self.append(bytes)?;
        Ok(Resource { stored: bytes.len() as u64, flags, offset, raw: bytes.len() as u64 })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.position)?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// The SHA-1 of every 10 MiB from the end of the header to the end of the blob table.
    fn integrity_table(&mut self, checked_end: u64) -> io::Result<Resource> {
        let (mut hashes, mut offset) = (Vec::new(), HEADER_LEN);
        let mut chunk = vec![0; INTEGRITY_CHUNK as usize];
        while offset < checked_end {
            let count = INTEGRITY_CHUNK.min(checked_end - offset) as usize;
            self.file.read_exact_at(&mut chunk[..count], offset)?;
            hashes.extend(Sha1::digest(&chunk[..count]));
            offset += count as u64;
        }
        let mut table = (12 + hashes.len() as u32).to_le_bytes().to_vec();
        table.extend((hashes.len() as u32 / 20).to_le_bytes());
        table.extend((INTEGRITY_CHUNK as u32).to_le_bytes());
        table.extend(hashes);
        self.raw(&table, 0)
    }
}

/// The SHA-1 of every stream; zeros for an empty one.
pub(super) fn hash(content: &FileContent) -> Hash {
    if content.is_empty() {
        return [0; 20];
    }
    let mut sha1 = Sha1::new();
    let hashed = content.blocks(&mut |block| {
        sha1.update(block);
        Ok(())
    });
    assert!(hashed.is_ok(), "hashing cannot fail");
    sha1.finalize().into()
}

fn hash_all(files: &[File]) -> Vec<Hashed<'_>> {
    files
        .iter()
        .map(|file| Hashed {
            file,
            hash: hash(&file.content),
            streams: file.streams.iter().map(|(name, content)| (name.as_str(), hash(content))).collect(),
        })
        .collect()
}

fn batch_len(blobs: &[(Hash, &FileContent)]) -> usize {
    let mut bytes = 0;
    let fits = |blob: &&(Hash, &FileContent)| {
        bytes += blob.1.len();
        bytes <= BATCH
    };
    blobs.iter().take_while(fits).count().max(1)
}

/// Packs a batch on several threads. Each resource has a compressor of its own, so their number changes nothing.
fn pack_all<'a>(batch: &[(Hash, &'a FileContent)], options: &Options) -> io::Result<Vec<Packed<'a>>> {
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..options.threads.max(1) {
            scope.spawn(|| {
                while let Some((index, (_, content))) = Some(next.fetch_add(1, Ordering::Relaxed))
                    .and_then(|index| Some((index, batch.get(index)?)))
                {
                    let packed = pack(content, options);
                    if let Ok(mut done) = done.lock() {
                        done.push((index, packed));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().map_err(|_| io::Error::other("a compressing thread panicked"))?;
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, packed)| packed).collect()
}

/// A table of the chunks' offsets (none for the first) and the chunks, each raw when compressing gains nothing.
fn pack<'a>(content: &'a FileContent, options: &Options) -> io::Result<Packed<'a>> {
    if content.is_incompressible() {
        return Ok(Packed::Raw(content));
    }
    let Some(mut compressor) = Compressor::new(options.compression, options.chunk_size)? else {
        return Ok(Packed::Raw(content));
    };
    let bytes = content.to_vec();
    let (mut offsets, mut chunks) = (Vec::new(), Vec::new());
    for (index, chunk) in bytes.chunks(options.chunk_size as usize).enumerate() {
        if index > 0 {
            offsets.extend((chunks.len() as u32).to_le_bytes());
        }
        match compressor.compress(chunk) {
            Some(compressed) => chunks.extend(compressed),
            None => chunks.extend(chunk),
        }
    }
    if offsets.len() + chunks.len() >= bytes.len() {
        return Ok(Packed::Raw(content));
    }
    offsets.extend(chunks);
    Ok(Packed::Compressed { bytes: offsets, raw: content.len() })
}

fn table_entry(resource: Resource, references: u32, hash: Hash) -> Vec<u8> {
    let mut out = resource.to_bytes().to_vec();
    out.extend(1u16.to_le_bytes());
    out.extend(references.to_le_bytes());
    out.extend(hash);
    out
}

fn described_xml(images: &[(&xml::Facts, Counts, Totals, [u64; 3])], total: u64) -> Vec<u8> {
    let images = images
        .iter()
        .map(|(facts, counts, totals, times)| facts.element(*counts, *totals, times[0], times[2]));
    xml::encoded(&xml::document(images.collect(), total))
}

fn header(options: &Options, images: u32, resources: [Resource; 4]) -> Vec<u8> {
    let [blob_table, xml, boot_metadata, integrity] = resources;
    // 0x80: reparse points were fixed up, as every capture with wimlib or DISM has it.
    let flags: u32 = 0x80
        | match options.compression {
            Compression::None => 0,
            Compression::Xpress => 0x2_0002,
            Compression::Lzx => 0x4_0002,
            Compression::Lzms => 0x8_0002,
        };
    let chunk_size = if options.compression == Compression::None { 0 } else { options.chunk_size };
    let mut out = b"MSWIM\0\0\0".to_vec();
    out.extend([HEADER_LEN as u32, 0x1_0d00, flags, chunk_size].iter().flat_map(|value| value.to_le_bytes()));
    out.extend(options.guid);
    out.extend([1u16, 1].iter().flat_map(|part| part.to_le_bytes()));
    out.extend(images.to_le_bytes());
    out.extend([blob_table, xml, boot_metadata].iter().flat_map(|resource| resource.to_bytes()));
    out.extend(options.boot_index.to_le_bytes());
    out.extend(integrity.to_bytes());
    out.resize(HEADER_LEN as usize, 0);
    out
}
