//! ISO 9660 (ECMA-119) and Joliet: volume descriptors, directories, path tables.

use std::collections::BTreeSet;

use super::disc::{Complain, DiscFile, Extents, Image, Means, check_name, told};
use super::{Block, IsoError, SECTOR, be16, be32, le16, le32};

/// Where the recognition sequence starts.
const FIRST_DESCRIPTOR: u64 = 16;
/// The most descriptors that are read.
const DESCRIPTOR_LIMIT: u64 = 64;
/// The largest path table read: 65535 folders of 255 bytes each.
const PATH_TABLE_LIMIT: u64 = 65_535 * 264;

/// The descriptors of one volume that this module reads.
#[derive(Debug, Clone)]
pub(super) struct Volumes {
    pub primary: Volume,
    pub joliet: Option<Volume>,
    /// Sector of the El Torito boot catalog.
    pub boot_catalog: Option<u32>,
}

/// A primary or Joliet volume descriptor.
#[derive(Debug, Clone)]
pub(super) struct Volume {
    pub what: &'static str,
    pub joliet: bool,
    pub label: String,
    /// Length in sectors.
    pub blocks: u32,
    pub root: Record,
    pub path_table_size: u32,
    pub path_table_l: u32,
    pub path_table_m: u32,
}

/// What a directory record says about where data is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    pub sector: u32,
    pub len: u32,
    flags: u8,
}

/// A directory of a tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Folder {
    pub sector: u32,
    /// The sector of the folder this one is in; the root is in itself.
    pub parent: u32,
    /// As recorded; a zero byte for the root.
    pub name: Vec<u8>,
}

/// A tree, with what the path tables repeat of it.
pub(super) struct Tree {
    pub files: Vec<DiscFile>,
    pub folders: Vec<Folder>,
}

/// Reads the recognition sequence: the ISO 9660 descriptors, and whether UDF is announced behind them. Descriptors with
/// something wrong are told, and left out.
pub(super) fn recognise(
    image: &Image,
    tell: &mut dyn FnMut(&'static str, IsoError),
) -> Result<(Option<Volumes>, bool), IsoError> {
    let (mut primary, mut joliet, mut boot_catalog) = (None, None, None);
    let (mut terminated, mut udf, mut ended) = (false, false, false);
    for sector in FIRST_DESCRIPTOR..FIRST_DESCRIPTOR + DESCRIPTOR_LIMIT {
        let block = match image.sector("volume descriptor", sector) {
            Ok(block) => block,
            // A disc may be as short as its sequence, but must have one.
            Err(IsoError::OutsideImage { .. }) if sector > FIRST_DESCRIPTOR => break,
            Err(error) => return Err(error),
        };
        let offset = sector * SECTOR;
        match (&block[1..6], block[0]) {
            (b"CD001", 0) if block[7..].starts_with(b"EL TORITO SPECIFICATION") => {
                boot_catalog.get_or_insert(le32(&block, 71));
            }
            (b"CD001", 1) if primary.is_none() => match volume(&block, offset, false) {
                Ok(volume) => primary = Some(volume),
                Err(error) => tell("iso.primary", error),
            },
            (b"CD001", 2) if joliet.is_none() && is_joliet(&block) => match volume(&block, offset, true) {
                Ok(volume) => joliet = Some(volume),
                Err(error) => tell("iso.joliet", error),
            },
            (b"CD001", 255) => terminated = true,
            (b"CD001", _) if !terminated => {}
            (b"NSR02" | b"NSR03", 0) => udf = true,
            (b"TEA01", 0) => ended = true,
            (b"BEA01" | b"BOOT2", 0) => {}
            _ if sector == FIRST_DESCRIPTOR => {
                return Err(IsoError::NotADisc { found: block[1..6].escape_ascii().to_string() });
            }
            _ => break,
        }
    }
    let volumes = primary.map(|primary| Volumes { primary, joliet, boot_catalog });
    let unterminated = |what| IsoError::Bad {
        what,
        offset: FIRST_DESCRIPTOR * SECTOR,
        expected: "a terminator".into(),
        found: "none".into(),
    };
    if volumes.is_some() && !terminated {
        tell("iso.descriptors", unterminated("volume descriptor set"));
    }
    if udf && !ended {
        tell("udf.recognition", unterminated("UDF volume recognition sequence"));
    }
    if volumes.is_none() && !udf {
        tell("iso.primary", IsoError::Missing { what: "primary volume descriptor and no UDF volume" });
    }
    Ok((volumes, udf))
}

/// The escape sequences of UCS-2 levels 1 to 3 (Joliet specification, "Escape Sequences").
fn is_joliet(block: &Block) -> bool {
    matches!(&block[88..91], b"%/@" | b"%/C" | b"%/E")
}

fn volume(block: &Block, offset: u64, joliet: bool) -> Result<Volume, IsoError> {
    let what = if joliet { "Joliet volume descriptor" } else { "primary volume descriptor" };
    let bad =
        |expected: &str, found: String| Err(IsoError::Bad { what, offset, expected: expected.into(), found });
    if block[6] != 1 || block[881] != 1 {
        return bad("version 1 and file structure version 1", format!("{} and {}", block[6], block[881]));
    }
    let block_size = both16(what, block, 128, offset)?;
    if u64::from(block_size) != SECTOR {
        return Err(IsoError::Unsupported {
            what: "block size",
            offset: offset + 128,
            found: block_size.to_string(),
        });
    }
    let root = record(what, &block[156..190], offset + 156)?;
    if root.flags & DIRECTORY == 0 {
        return bad("a root directory record", format!("flags {:#04x}", root.flags));
    }
    let label = if joliet { utf16be(&block[40..72]) } else { latin(&block[40..72]) };
    Ok(Volume {
        what,
        joliet,
        label: label.trim_end_matches([' ', '\0']).to_owned(),
        blocks: both32(what, block, 80, offset)?,
        root,
        path_table_size: both32(what, block, 132, offset)?,
        path_table_l: le32(block, 140),
        path_table_m: be32(block, 148),
    })
}

/// A 16-bit number recorded in both byte orders (ECMA-119, 7.2.3).
fn both16(what: &'static str, bytes: &[u8], at: usize, base: u64) -> Result<u16, IsoError> {
    agree(what, base + at as u64, le16(bytes, at), be16(bytes, at + 2))
}

/// A 32-bit number recorded in both byte orders (ECMA-119, 7.3.3).
fn both32(what: &'static str, bytes: &[u8], at: usize, base: u64) -> Result<u32, IsoError> {
    agree(what, base + at as u64, le32(bytes, at), be32(bytes, at + 4))
}

fn agree<T: PartialEq + ToString>(what: &'static str, offset: u64, le: T, be: T) -> Result<T, IsoError> {
    if le != be {
        let expected = format!("the little-endian {} repeated in big-endian", le.to_string());
        return Err(IsoError::Bad { what, offset, expected, found: be.to_string() });
    }
    Ok(le)
}

const DIRECTORY: u8 = 0x02;
const ASSOCIATED: u8 = 0x04;
const MORE_SECTIONS: u8 = 0x80;

/// The fixed part of a directory record (ECMA-119, 9.1).
fn record(what: &'static str, bytes: &[u8], offset: u64) -> Result<Record, IsoError> {
    if bytes[26] != 0 || bytes[27] != 0 {
        return Err(IsoError::Unsupported {
            what: "interleaved file",
            offset,
            found: format!("unit size {}, gap {}", bytes[26], bytes[27]),
        });
    }
    let sector = both32(what, bytes, 2, offset)?;
    let len = both32(what, bytes, 10, offset)?;
    let sector = sector.checked_add(u32::from(bytes[1])).ok_or_else(|| IsoError::Bad {
        what,
        offset,
        expected: "an extent within 32 bits".into(),
        found: format!("sector {sector} behind {} sectors of attributes", bytes[1]),
    })?;
    Ok(Record { sector, len, flags: bytes[25] })
}

/// Reads every directory of a volume, past everything that is wrong.
pub(super) fn walk(image: &Image, volume: &Volume, complain: &mut Complain) -> Result<Tree, IsoError> {
    let sector = volume.root.sector;
    let mut walk = Walk {
        image,
        joliet: volume.joliet,
        means: Means::new(if volume.joliet { "Joliet tree" } else { "primary tree" }, image),
        seen: BTreeSet::from([sector]),
        tree: Tree { files: Vec::new(), folders: vec![Folder { sector, parent: sector, name: vec![0] }] },
    };
    let mut pending = vec![Open { record: volume.root, parent: sector, path: String::new(), depth: 1 }];
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
    Ok(walk.tree)
}

/// A directory still to be read.
struct Open {
    record: Record,
    /// Sector of the directory it is in.
    parent: u32,
    path: String,
    depth: usize,
}

/// What is known in the midst of a directory.
#[derive(Default)]
struct Directory {
    /// Records so far.
    count: u64,
    /// A file more sections of which follow: its name and the sections so far.
    sections: Option<(Vec<u8>, Extents)>,
    subfolders: Vec<Open>,
}

struct Walk<'a> {
    image: &'a Image,
    joliet: bool,
    means: Means,
    seen: BTreeSet<u32>,
    tree: Tree,
}

impl Walk<'_> {
    /// Reads one directory; returns those in it.
    fn folder(&mut self, folder: &Open, complain: &mut Complain) -> Result<Vec<Open>, IsoError> {
        let what = self.means.what;
        let (start, len) = (u64::from(folder.record.sector), u64::from(folder.record.len));
        let mut directory = Directory::default();
        if told(self.image.check(what, start * SECTOR, len), complain)?.is_none() {
            return Ok(directory.subfolders);
        }
        self.means.folder(len, &folder.path)?;
        for sector in start..start + len.div_ceil(SECTOR) {
            let block = self.image.sector(what, sector);
            let Some(block) = told(block, complain)? else { break };
            let (records, rest) = records(what, &block, sector * SECTOR);
            for (offset, bytes) in records {
                let read = self.record(folder, bytes, offset, &mut directory);
                told(read, complain)?;
            }
            told(rest, complain)?;
            if directory.count < 2 {
                complain(IsoError::Bad {
                    what,
                    offset: sector * SECTOR,
                    expected: "a directory's records of itself and the one it is in".into(),
                    found: format!("{} records", directory.count),
                })?;
                break;
            }
        }
        if let Some((name, _)) = directory.sections {
            complain(IsoError::Bad {
                what,
                offset: start * SECTOR,
                expected: format!("a last section of {:?}", name_text(self.joliet, &name, false)),
                found: "the end of the directory".into(),
            })?;
        }
        Ok(directory.subfolders)
    }

    fn record(
        &mut self,
        folder: &Open,
        bytes: &[u8],
        offset: u64,
        directory: &mut Directory,
    ) -> Result<(), IsoError> {
        let what = self.means.what;
        directory.count += 1;
        self.means.name(&folder.path)?;
        let record = record(what, bytes, offset)?;
        let name = &bytes[33..33 + usize::from(bytes[32])];
        if directory.count <= 2 {
            let own = (folder.record.sector, folder.parent);
            return own_record(what, offset, directory.count as u8, name, record, own);
        }
        if record.flags & ASSOCIATED != 0 {
            return Ok(());
        }
        let text = name_text(self.joliet, name, record.flags & DIRECTORY != 0);
        check_name(what, offset, &text)?;
        let start = u64::from(record.sector) * SECTOR;
        let (earlier, mut extents) = directory.sections.take().unwrap_or_else(|| (name.to_vec(), Vec::new()));
        if earlier != name {
            return Err(IsoError::Bad {
                what,
                offset,
                expected: format!("another section of {:?}", name_text(self.joliet, &earlier, false)),
                found: format!("{text:?}"),
            });
        }
        if record.flags & DIRECTORY != 0 {
            self.means.depth(folder.depth + 1, &folder.path)?;
            let path = self.means.path(&folder.path, &text)?;
            if !self.seen.insert(record.sector) {
                return Err(IsoError::Loop { what, path, offset: start });
            }
            let parent = folder.record.sector;
            self.tree.folders.push(Folder { sector: record.sector, parent, name: name.to_vec() });
            directory.subfolders.push(Open { record, parent, path, depth: folder.depth + 1 });
            return Ok(());
        }
        extents.push((start, u64::from(record.len)));
        if record.flags & MORE_SECTIONS != 0 {
            directory.sections = Some((name.to_vec(), extents));
        } else {
            let path = self.means.path(&folder.path, &text)?;
            self.tree.files.push(self.image.file(what, path, extents, offset)?);
        }
        Ok(())
    }
}

/// The first two records of a directory are itself and its parent (ECMA-119, 6.8.2.2).
fn own_record(
    what: &'static str,
    offset: u64,
    position: u8,
    name: &[u8],
    record: Record,
    (own, parent): (u32, u32),
) -> Result<(), IsoError> {
    let sector = if position == 1 { own } else { parent };
    if name != [position - 1] || record.sector != sector || record.flags & DIRECTORY == 0 {
        return Err(IsoError::Bad {
            what,
            offset,
            expected: format!("record {position} of a directory, pointing at sector {sector}"),
            found: format!("{:?} pointing at sector {}", name.escape_ascii().to_string(), record.sector),
        });
    }
    Ok(())
}

/// A record and its offset.
type At<'a> = (u64, &'a [u8]);

/// The records in a sector of a directory, each with its offset, and whether all of the sector is sound.
fn records<'a>(what: &'static str, block: &'a Block, base: u64) -> (Vec<At<'a>>, Result<(), IsoError>) {
    let mut records = Vec::new();
    let mut at = 0;
    let bad = |at: usize, expected: &str, found| IsoError::Bad {
        what,
        offset: base + at as u64,
        expected: expected.into(),
        found,
    };
    while at < block.len() && block[at] != 0 {
        let len = usize::from(block[at]);
        let record = block.get(at..at + len).filter(|record| record.len() >= 34);
        let Some(record) =
            record.filter(|record| record.len() >= 33 + usize::from(record[32]) && record[32] > 0)
        else {
            let expected = "a directory record that holds its name and ends within the sector";
            return (records, Err(bad(at, expected, format!("length {len}"))));
        };
        records.push((base + at as u64, record));
        at += len;
    }
    if block[at..].iter().any(|byte| *byte != 0) {
        let expected = "zeros behind the last directory record of a sector";
        return (records, Err(bad(at, expected, "other bytes".into())));
    }
    (records, Ok(()))
}

/// A name for people: file names without version number, and in the primary tree without a trailing dot.
fn name_text(joliet: bool, name: &[u8], directory: bool) -> String {
    let text = if joliet { utf16be(name) } else { latin(name) };
    if directory {
        return text;
    }
    let plain = match text.rsplit_once(';') {
        Some((plain, version)) if version.bytes().all(|byte| byte.is_ascii_digit()) => plain,
        _ => &text,
    };
    let shorter = plain.strip_suffix('.').filter(|name| !joliet && !name.is_empty());
    shorter.unwrap_or(plain).to_owned()
}

fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn utf16be(bytes: &[u8]) -> String {
    char::decode_utf16(bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)))
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// Reads one of the two path tables (ECMA-119, 9.4) as folders in recorded order.
pub(super) fn path_table(image: &Image, volume: &Volume, big_endian: bool) -> Result<Vec<Folder>, IsoError> {
    let what = if big_endian { "big-endian path table" } else { "little-endian path table" };
    let start = u64::from(if big_endian { volume.path_table_m } else { volume.path_table_l }) * SECTOR;
    let size = u64::from(volume.path_table_size);
    let bad = |offset, expected: &str, found: String| IsoError::Bad {
        what,
        offset,
        expected: expected.into(),
        found,
    };
    if size > PATH_TABLE_LIMIT {
        return Err(bad(start, "at most 65535 folders", format!("{size} bytes")));
    }
    let bytes = image.read(what, start, size)?;
    let mut rows: Vec<(u32, u16, Vec<u8>)> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let offset = start + at as u64;
        let name_len = usize::from(bytes[at]);
        let name = bytes.get(at + 8..at + 8 + name_len).filter(|name| !name.is_empty());
        let Some(name) = name else {
            return Err(bad(
                offset,
                "a name of at least one byte within the table",
                format!("length {name_len}"),
            ));
        };
        let (sector, parent) = if big_endian {
            (be32(&bytes, at + 2), be16(&bytes, at + 6))
        } else {
            (le32(&bytes, at + 2), le16(&bytes, at + 6))
        };
        if usize::from(parent) > rows.len().max(1) || parent == 0 {
            return Err(bad(offset, "a parent listed before", format!("number {parent}")));
        }
        rows.push((sector.wrapping_add(u32::from(bytes[at + 1])), parent, name.to_vec()));
        at += (8 + name_len).next_multiple_of(2);
    }
    let sector_of = |parent: u16| rows.get(usize::from(parent) - 1).map_or(0, |row| row.0);
    let parents: Vec<u32> = rows.iter().map(|row| sector_of(row.1)).collect();
    let folders = rows.into_iter().zip(parents);
    Ok(folders.map(|((sector, _, name), parent)| Folder { sector, parent, name }).collect())
}
