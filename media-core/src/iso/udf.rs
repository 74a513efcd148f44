//! UDF 1.02 to 2.01 as read-only discs use it (ECMA-167; OSTA UDF): one type 1 partition with 2048-byte blocks.

use std::collections::BTreeSet;

use super::disc::{Complain, DiscFile, Extents, Image, Means, check_name, told};
use super::{Block, IsoError, SECTOR, le16, le32, le64};

/// Where the first anchor must be, and how far from the last sector another one may be (ECMA-167, 3/8.4.2.1).
pub(super) const ANCHOR: u64 = 256;
/// The most descriptors read of a sequence.
const SEQUENCE_LIMIT: u64 = 64;
/// The largest directory read, in bytes.
const DIRECTORY_LIMIT: u64 = 64 << 20;
/// The fixed part of a file identifier descriptor (ECMA-167, 4/14.4).
const IDENTIFIER_SIZE: usize = 38;

/// Tag identifiers (ECMA-167, 3/7.2.1 and 4/7.2.1).
mod tag {
    pub const ANCHOR: u16 = 2;
    pub const PARTITION: u16 = 5;
    pub const LOGICAL_VOLUME: u16 = 6;
    pub const TERMINATING: u16 = 8;
    pub const INTEGRITY: u16 = 9;
    pub const FILE_SET: u16 = 256;
    pub const FILE_IDENTIFIER: u16 = 257;
    pub const FILE_ENTRY: u16 = 261;
    pub const EXTENDED_FILE_ENTRY: u16 = 266;
}

/// What the descriptors say about a volume.
#[derive(Debug, Clone)]
pub(super) struct UdfVolume {
    pub revision: u16,
    pub label: String,
    /// First sector and length in sectors.
    partition: (u64, u64),
    root: u32,
    integrity: (u64, u64),
}

/// The tree, and how many file entries and directories it has.
pub(super) struct UdfTree {
    pub files: Vec<DiscFile>,
    pub file_entries: u32,
    pub directories: u32,
}

/// An anchor: where the two volume descriptor sequences are, each as first sector and length in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Anchor {
    pub main: (u64, u64),
    pub reserve: (u64, u64),
}

/// Opens the volume by whatever anchor and whichever sequence can be read. `blocks` is the length of the volume in
/// sectors, when a primary volume descriptor states it.
pub(super) fn open(image: &Image, blocks: Option<u32>) -> Result<UdfVolume, IsoError> {
    let mut found = anchor(image, ANCHOR);
    for sector in last_anchors(image, blocks) {
        found = found.or_else(|first| anchor(image, sector).map_err(|_| first));
    }
    let anchor = found?;
    let descriptors =
        sequence(image, anchor.main).or_else(|first| sequence(image, anchor.reserve).map_err(|_| first))?;
    volume(image, &descriptors)
}

/// The sectors where the other anchor may be, counted from the end of the volume, or of whatever it was written to.
pub(super) fn last_anchors(image: &Image, blocks: Option<u32>) -> Vec<u64> {
    let sectors = image.len / SECTOR;
    let ends = blocks.map(u64::from).filter(|blocks| *blocks < sectors).into_iter().chain([sectors]);
    let last = ends.map(|end| end.saturating_sub(1));
    last.flat_map(|last| [last, last.saturating_sub(ANCHOR)]).collect()
}

/// Reads the anchor volume descriptor pointer at a sector (ECMA-167, 3/10.2).
pub(super) fn anchor(image: &Image, sector: u64) -> Result<Anchor, IsoError> {
    let what = "UDF anchor";
    let block = image.sector(what, sector)?;
    check_tag(what, &block, sector * SECTOR, &[tag::ANCHOR], sector)?;
    let extent = |at| (u64::from(le32(&block, at + 4)), u64::from(le32(&block, at)));
    Ok(Anchor { main: extent(16), reserve: extent(24) })
}

/// Reads a volume descriptor sequence: every descriptor up to the terminating one, with its sector.
pub(super) fn sequence(image: &Image, (start, len): (u64, u64)) -> Result<Vec<(u64, Block)>, IsoError> {
    let what = "UDF volume descriptor";
    let mut out = Vec::new();
    for sector in start..start + (len / SECTOR).min(SEQUENCE_LIMIT) {
        let block = image.sector(what, sector)?;
        // Primary, implementation use, partition, logical volume, unallocated space, terminating. Pointers to another
        // sequence (3) only occur on media written in several sessions.
        check_tag(what, &block, sector * SECTOR, &[1, 4, 5, 6, 7, 8], sector)?;
        let id = le16(&block, 0);
        out.push((sector, block));
        if id == tag::TERMINATING {
            return Ok(out);
        }
    }
    Err(IsoError::Bad {
        what: "UDF volume descriptor sequence",
        offset: start.saturating_mul(SECTOR),
        expected: format!("a terminating descriptor within {len} bytes"),
        found: "none".into(),
    })
}

fn volume(image: &Image, descriptors: &[(u64, Block)]) -> Result<UdfVolume, IsoError> {
    // Of several descriptors of a kind the one with the highest sequence number holds (ECMA-167, 3/8.4.3).
    let prevailing = |id, what| {
        let of_kind = descriptors.iter().filter(|(_, block)| le16(&block[..], 0) == id);
        of_kind.max_by_key(|(_, block)| le32(&block[..], 16)).ok_or(IsoError::Missing { what })
    };
    let (at, logical) = prevailing(tag::LOGICAL_VOLUME, "UDF logical volume descriptor")?;
    let at = at * SECTOR;
    let (_, partition) = prevailing(tag::PARTITION, "UDF partition descriptor")?;
    let unsupported = |what, offset, found| Err(IsoError::Unsupported { what, offset, found });
    if u64::from(le32(logical, 212)) != SECTOR {
        return unsupported("block size", at + 212, le32(logical, 212).to_string());
    }
    if &logical[217..236] != b"*OSTA UDF Compliant" {
        return unsupported("domain", at + 216, logical[217..240].escape_ascii().to_string());
    }
    let maps = (le32(logical, 264), le32(logical, 268), logical[440], logical[441]);
    if maps != (6, 1, 1, 6) {
        return unsupported(
            "partition map",
            at + 440,
            format!("{} maps in {} bytes, first of type {}", maps.1, maps.0, maps.2),
        );
    }
    if le16(logical, 444) != le16(partition, 22) {
        return Err(IsoError::Bad {
            what: "UDF partition map",
            offset: at + 440,
            expected: format!("partition {}", le16(partition, 22)),
            found: le16(logical, 444).to_string(),
        });
    }
    let mut volume = UdfVolume {
        revision: le16(logical, 240),
        label: d_string("UDF logical volume identifier", at + 84, &logical[84..212])?,
        partition: (u64::from(le32(partition, 188)), u64::from(le32(partition, 192))),
        root: 0,
        integrity: (u64::from(le32(logical, 436)), u64::from(le32(logical, 432))),
    };
    let what = "UDF partition";
    image.check(what, volume.partition.0 * SECTOR, volume.partition.1 * SECTOR)?;
    let file_set = le32(logical, 252);
    let what = "UDF file set descriptor";
    let block = volume.block(image, what, file_set)?;
    check_tag(what, &block, volume.offset(file_set), &[tag::FILE_SET], u64::from(file_set))?;
    volume.root = le32(&block, 404);
    Ok(volume)
}

impl UdfVolume {
    /// Offset of a logical block in the image.
    fn offset(&self, block: u32) -> u64 {
        (self.partition.0 + u64::from(block)) * SECTOR
    }

    fn block(&self, image: &Image, what: &'static str, block: u32) -> Result<Block, IsoError> {
        self.within(what, block, SECTOR)?;
        image.sector(what, self.partition.0 + u64::from(block))
    }

    /// Refuses what lies beyond the partition.
    fn within(&self, what: &'static str, block: u32, len: u64) -> Result<(), IsoError> {
        if u64::from(block) + len.div_ceil(SECTOR) > self.partition.1 {
            return Err(IsoError::Bad {
                what,
                offset: self.offset(block),
                expected: format!("{len} bytes within a partition of {} blocks", self.partition.1),
                found: format!("block {block}"),
            });
        }
        Ok(())
    }
}

/// A file entry.
struct Entry {
    directory: bool,
    /// Offset in the image and length of every piece.
    extents: Extents,
    len: u64,
}

/// Reads every directory, past everything that is wrong.
pub(super) fn walk(image: &Image, volume: &UdfVolume, complain: &mut Complain) -> Result<UdfTree, IsoError> {
    let mut walk = Walk {
        image,
        volume,
        means: Means::new("UDF tree", image),
        seen: BTreeSet::from([volume.root]),
        counted: BTreeSet::new(),
        tree: UdfTree { files: Vec::new(), file_entries: 0, directories: 0 },
    };
    let mut pending = vec![Open { icb: volume.root, parent: volume.root, path: String::new(), depth: 1 }];
    while let Some(folder) = pending.pop() {
        match walk.folder(&folder, complain) {
            Ok(subfolders) => pending.extend(subfolders.into_iter().rev()),
            Err(error @ IsoError::TooMany { .. }) => {
                complain(error)?;
                break;
            }
            Err(error) => return Err(error),
        }
    }
    walk.tree.file_entries = u32::try_from(walk.counted.len()).unwrap_or(u32::MAX);
    Ok(walk.tree)
}

/// A directory still to be read.
struct Open {
    /// Block of its file entry.
    icb: u32,
    /// That of the directory it is in.
    parent: u32,
    path: String,
    depth: usize,
}

struct Walk<'a> {
    image: &'a Image,
    volume: &'a UdfVolume,
    means: Means,
    seen: BTreeSet<u32>,
    counted: BTreeSet<u32>,
    tree: UdfTree,
}

impl Walk<'_> {
    /// Reads one directory; returns those in it.
    fn folder(&mut self, folder: &Open, complain: &mut Complain) -> Result<Vec<Open>, IsoError> {
        self.tree.directories += 1;
        let own = entry(self.image, self.volume, folder.icb).and_then(|own| {
            let offset = self.volume.offset(folder.icb);
            let (expected, found) = ("a file entry of type 4".into(), "another type".into());
            let error = IsoError::Bad { what: "UDF directory", offset, expected, found };
            if own.directory { Ok(own) } else { Err(error) }
        });
        let mut subfolders = Vec::new();
        let Some(own) = told(own, complain)? else { return Ok(subfolders) };
        for identifier in self.identifiers(&own, &folder.path, complain)? {
            let child = self.child(folder, identifier);
            subfolders.extend(told(child, complain)?.flatten());
        }
        Ok(subfolders)
    }

    /// Takes in a name; returns the directory it stands for, if it does for one.
    fn child(&mut self, folder: &Open, identifier: Identifier) -> Result<Option<Open>, IsoError> {
        let Identifier { name, icb, directory, parent, offset } = identifier;
        let bad = |what, expected, found| Err(IsoError::Bad { what, offset, expected, found });
        if parent {
            if icb != folder.parent {
                let (expected, found) = (format!("block {}", folder.parent), format!("block {icb}"));
                return bad("UDF parent directory", expected, found);
            }
            return Ok(None);
        }
        let what = "UDF file identifier";
        check_name(what, offset, &name)?;
        if directory {
            self.means.depth(folder.depth + 1, &folder.path)?;
            let path = self.means.path(&folder.path, &name)?;
            if !self.seen.insert(icb) {
                return Err(IsoError::Loop { what: self.means.what, path, offset: self.volume.offset(icb) });
            }
            return Ok(Some(Open { icb, parent: folder.icb, path, depth: folder.depth + 1 }));
        }
        let file = entry(self.image, self.volume, icb)?;
        if file.directory {
            return bad(what, "a file".into(), "the file entry of a directory".into());
        }
        self.counted.insert(icb);
        let path = self.means.path(&folder.path, &name)?;
        self.means.extents(&file.extents, &path)?;
        self.tree.files.push(self.image.file(
            self.means.what,
            path,
            file.extents,
            self.volume.offset(icb),
        )?);
        Ok(None)
    }

    /// Reads the file identifier descriptors of a directory (ECMA-167, 4/14.4), deleted ones left out.
    fn identifiers(
        &mut self,
        folder: &Entry,
        path: &str,
        complain: &mut Complain,
    ) -> Result<Vec<Identifier>, IsoError> {
        let what = "UDF file identifier";
        let mut out = Vec::new();
        if folder.len > DIRECTORY_LIMIT {
            complain(IsoError::Bad {
                what: "UDF directory",
                offset: folder.extents.first().map_or(0, |extent| extent.0),
                expected: format!("a directory of at most {DIRECTORY_LIMIT} bytes"),
                found: folder.len.to_string(),
            })?;
            return Ok(out);
        }
        self.means.folder(folder.len, path)?;
        let mut bytes = Vec::new();
        for &(offset, len) in &folder.extents {
            let read = self.image.read(what, offset, len);
            let Some(read) = told(read, complain)? else { break };
            bytes.extend_from_slice(&read);
        }
        let mut at = 0;
        while at < bytes.len() {
            self.means.name(path)?;
            let offset = offset_in(&folder.extents, at as u64);
            // Where the next one starts is told by this one: without its length there is no way on.
            let Some(descriptor) = told(whole_identifier(&bytes[at..], offset), complain)? else { break };
            at += descriptor.len();
            out.extend(told(identifier(self.volume, descriptor, offset), complain)?.flatten());
        }
        Ok(out)
    }
}

/// A file entry, with its tag identifier, with another length of its only extent.
pub(super) fn resized_entry(block: &Block, len: u64) -> Block {
    let mut block = *block;
    let is_extended = le16(&block, 0) == tag::EXTENDED_FILE_ENTRY;
    let (blocks_at, fixed) = if is_extended { (72, 216) } else { (64, 176) };
    block[56..64].copy_from_slice(&len.to_le_bytes());
    if is_extended {
        block[64..72].copy_from_slice(&len.to_le_bytes());
    }
    block[blocks_at..blocks_at + 8].copy_from_slice(&len.div_ceil(SECTOR).to_le_bytes());
    let descriptor = fixed + le32(&block, fixed - 8) as usize;
    if let Some(field) = block.get_mut(descriptor..descriptor + 4) {
        field.copy_from_slice(&(len as u32).to_le_bytes());
    }
    let covered = usize::from(le16(&block, 10));
    let sum = block.get(16..16 + covered).map_or(0, crc);
    block[8..10].copy_from_slice(&sum.to_le_bytes());
    block[4] = (0..16).filter(|at| *at != 4).fold(0_u8, |sum, at| sum.wrapping_add(block[at]));
    block
}

/// Whether a file entry's data is described by allocation descriptors, short or long, and not held in it.
pub(super) fn has_extents(block: &Block) -> bool {
    matches!(le16(block, 34) & 7, 0 | 1)
}

/// Reads a file entry (ECMA-167, 4/14.9) or extended file entry (4/14.17).
fn entry(image: &Image, volume: &UdfVolume, icb: u32) -> Result<Entry, IsoError> {
    let what = "UDF file entry";
    let offset = volume.offset(icb);
    let block = volume.block(image, what, icb)?;
    check_tag(what, &block, offset, &[tag::FILE_ENTRY, tag::EXTENDED_FILE_ENTRY], u64::from(icb))?;
    let unsupported =
        |what, at: usize, found| Err(IsoError::Unsupported { what, offset: offset + at as u64, found });
    if le16(&block, 20) != 4 {
        return unsupported("ICB strategy", 20, le16(&block, 20).to_string());
    }
    let directory = match block[27] {
        4 => true,
        0 | 5 => false,
        other => return unsupported("file type", 27, other.to_string()),
    };
    let fixed = if le16(&block, 0) == tag::FILE_ENTRY { 176 } else { 216 };
    let start = fixed + le32(&block, fixed - 8) as usize;
    let size = le32(&block, fixed - 4) as usize;
    let len = le64(&block, 56);
    let Some(descriptors) = start.checked_add(size).and_then(|end| block.get(start..end)) else {
        return Err(IsoError::Bad {
            what,
            offset,
            expected: "attributes and allocation descriptors within the block".into(),
            found: format!("{size} bytes at {start}"),
        });
    };
    let size = match le16(&block, 34) & 7 {
        0 => 8,
        1 => 16,
        3 if len <= descriptors.len() as u64 => {
            return Ok(Entry { directory, extents: vec![(offset + start as u64, len)], len });
        }
        other => return unsupported("allocation descriptor type", 34, other.to_string()),
    };
    let extents = extents(volume, offset + start as u64, descriptors, size, len)?;
    Ok(Entry { directory, extents, len })
}

/// The pieces of a file of `len` bytes, from short (8 bytes) or long (16 bytes) allocation descriptors.
fn extents(
    volume: &UdfVolume,
    offset: u64,
    descriptors: &[u8],
    size: usize,
    len: u64,
) -> Result<Extents, IsoError> {
    let mut out = Vec::new();
    let mut left = len;
    for (index, descriptor) in descriptors.chunks_exact(size).enumerate() {
        let at = offset + (index * size) as u64;
        let (kind, count) = (le32(descriptor, 0) >> 30, u64::from(le32(descriptor, 0) & 0x3FFF_FFFF));
        if count == 0 {
            break;
        }
        if kind != 0 {
            return Err(IsoError::Unsupported { what: "extent type", offset: at, found: kind.to_string() });
        }
        if size == 16 && le16(descriptor, 8) != 0 {
            let found = le16(descriptor, 8).to_string();
            return Err(IsoError::Unsupported { what: "partition reference", offset: at, found });
        }
        let block = le32(descriptor, 4);
        volume.within("UDF extent", block, count)?;
        out.push((volume.offset(block), count.min(left)));
        left -= count.min(left);
        if left > 0 && count % SECTOR != 0 {
            return Err(IsoError::Bad {
                what: "UDF extent",
                offset: at,
                expected: "whole blocks, with another extent following".into(),
                found: format!("{count} bytes"),
            });
        }
    }
    if left > 0 {
        return Err(IsoError::Bad {
            what: "UDF allocation descriptors",
            offset,
            expected: format!("extents of {len} bytes"),
            found: format!("{} bytes", len - left),
        });
    }
    Ok(out)
}

/// One name of a directory.
struct Identifier {
    name: String,
    icb: u32,
    directory: bool,
    parent: bool,
    offset: u64,
}

/// The bytes of the descriptor that `rest` starts with.
fn whole_identifier(rest: &[u8], offset: u64) -> Result<&[u8], IsoError> {
    let what = "UDF file identifier";
    let bad =
        |expected: &str, found: String| IsoError::Bad { what, offset, expected: expected.into(), found };
    if rest.len() < IDENTIFIER_SIZE {
        return Err(bad("38 bytes or more", format!("{} bytes", rest.len())));
    }
    let end = IDENTIFIER_SIZE + usize::from(le16(rest, 36)) + usize::from(rest[19]);
    rest.get(..end.next_multiple_of(4))
        .ok_or_else(|| bad("a descriptor within the directory", format!("{end} bytes")))
}

/// Reads a file identifier descriptor; none for a deleted one.
fn identifier(volume: &UdfVolume, bytes: &[u8], offset: u64) -> Result<Option<Identifier>, IsoError> {
    let what = "UDF file identifier";
    let bad = |expected: &str, found| IsoError::Bad { what, offset, expected: expected.into(), found };
    let location = (offset / SECTOR).wrapping_sub(volume.partition.0);
    check_tag(what, bytes, offset, &[tag::FILE_IDENTIFIER], location)?;
    let characteristics = bytes[18];
    if characteristics & 0x04 != 0 {
        return Ok(None);
    }
    if le16(bytes, 28) != 0 {
        return Err(bad("partition reference 0", le16(bytes, 28).to_string()));
    }
    let name_at = IDENTIFIER_SIZE + usize::from(le16(bytes, 36));
    let name = &bytes[name_at..name_at + usize::from(bytes[19])];
    let text = compressed_unicode(name)
        .ok_or_else(|| bad("OSTA Compressed Unicode of 8 or 16 bits", name.escape_ascii().to_string()))?;
    Ok(Some(Identifier {
        name: text,
        icb: le32(bytes, 24),
        directory: characteristics & 0x02 != 0,
        parent: characteristics & 0x08 != 0,
        offset,
    }))
}

fn offset_in(extents: &[(u64, u64)], mut position: u64) -> u64 {
    for &(offset, len) in extents {
        if position < len {
            return offset + position;
        }
        position -= len;
    }
    0
}

/// The logical volume integrity descriptor: whether it is closed, and its file and directory counts (UDF 1.02, 2.2.6.4).
/// Of several the last prevails (ECMA-167, 3/8.8.2): each may be followed by another, or lead to another extent.
pub(super) fn integrity(image: &Image, volume: &UdfVolume) -> Result<(bool, u32, u32), IsoError> {
    let what = "UDF logical volume integrity descriptor";
    let (mut sector, mut len) = volume.integrity;
    let read = |sector| -> Result<Block, IsoError> {
        let block = image.sector(what, sector)?;
        check_tag(what, &block, sector * SECTOR, &[tag::INTEGRITY], sector)?;
        Ok(block)
    };
    let (mut at, mut block) = (sector, read(sector)?);
    for _ in 1..SEQUENCE_LIMIT {
        (sector, len) = match (le32(&block, 32), le32(&block, 36)) {
            (0, _) => (sector + 1, len.saturating_sub(SECTOR)),
            (len, start) => (u64::from(start), u64::from(len)),
        };
        // What is no descriptor ends the sequence, as does the terminating one.
        let next = if len < SECTOR { break } else { read(sector) };
        match next {
            Ok(next) => (at, block) = (sector, next),
            Err(error @ IsoError::Read { .. }) => return Err(error),
            Err(_) => break,
        }
    }
    let counts = 80_usize.saturating_add((le32(&block, 72) as usize).saturating_mul(8)).saturating_add(32);
    if counts + 8 > block.len() {
        let found = format!("{} partitions", le32(&block, 72));
        return Err(IsoError::Bad { what, offset: at * SECTOR, expected: "one partition".into(), found });
    }
    Ok((le32(&block, 28) == 1, le32(&block, counts), le32(&block, counts + 4)))
}

/// Checks a descriptor tag (ECMA-167, 3/7.2): checksum, identifier, location, and the CRC of what it covers.
fn check_tag(
    what: &'static str,
    bytes: &[u8],
    offset: u64,
    ids: &[u16],
    location: u64,
) -> Result<(), IsoError> {
    let bad = |expected: String, found: String| Err(IsoError::Bad { what, offset, expected, found });
    let sum = bytes.iter().take(16).enumerate().filter(|(at, _)| *at != 4);
    let sum = sum.fold(0_u8, |sum, (_, byte)| sum.wrapping_add(*byte));
    if bytes.len() < 16 || bytes[4] != sum {
        return bad(format!("tag checksum {sum:#04x}"), format!("{:#04x}", bytes.get(4).unwrap_or(&0)));
    }
    let id = le16(bytes, 0);
    if !ids.contains(&id) {
        return bad(format!("tag identifier {ids:?}"), id.to_string());
    }
    if u64::from(le32(bytes, 12)) != location {
        return bad(format!("tag location {location}"), le32(bytes, 12).to_string());
    }
    let covered = usize::from(le16(bytes, 10));
    match bytes.get(16..16 + covered) {
        Some(body) if crc(body) == le16(bytes, 8) => Ok(()),
        Some(body) => bad(format!("CRC {:#06x}", crc(body)), format!("{:#06x}", le16(bytes, 8))),
        None => bad(format!("a CRC over at most {} bytes", bytes.len() - 16), format!("{covered} bytes")),
    }
}

/// CRC of ITU-T V.41: polynomial 0x1021, start value 0, most significant bit first (ECMA-167, 3/7.2.6).
pub(super) fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| crc << 8 ^ CRC_OF[usize::from((crc >> 8) as u8 ^ byte)])
}

/// The CRC of each byte: a disc may have a million descriptors.
const CRC_OF: [u16; 256] = {
    let (mut table, mut byte) = ([0; 256], 0);
    while byte < 256 {
        let (mut crc, mut bit) = ((byte as u16) << 8, 0);
        while bit < 8 {
            crc = if crc & 0x8000 != 0 { crc << 1 ^ 0x1021 } else { crc << 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// A d-string: Compressed Unicode with its length in the last byte (UDF 1.02, 2.1.3).
fn d_string(what: &'static str, offset: u64, field: &[u8]) -> Result<String, IsoError> {
    let len = usize::from(*field.last().unwrap_or(&0));
    if len == 0 {
        return Ok(String::new());
    }
    field[..field.len() - 1].get(..len).and_then(compressed_unicode).ok_or_else(|| IsoError::Bad {
        what,
        offset,
        expected: "a d-string".into(),
        found: field.escape_ascii().to_string(),
    })
}

/// OSTA Compressed Unicode (UDF 1.02, 2.1.1); none for a compression number other than 8 and 16.
fn compressed_unicode(bytes: &[u8]) -> Option<String> {
    match bytes.split_first() {
        None => Some(String::new()),
        Some((8, rest)) => Some(rest.iter().map(|byte| char::from(*byte)).collect()),
        Some((16, rest)) => {
            let units = rest.as_chunks::<2>().0.iter().map(|unit| u16::from_be_bytes(*unit));
            Some(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
        }
        Some(_) => None,
    }
}
