//! What the format library cannot be told, done to its sectors afterwards.
//!
//! - The path tables and the boot catalog move from behind the file data to in front of it: 7-Zip takes anything
//!   between the data and the last UDF anchor for a damaged image.
//! - The library was told lengths rounded up to 4096; every record gets the true one.
//! - ISO 9660 names lose `;1` and a trailing dot, because boot code from Windows looks for `BOOTMGR`.
//! - The Joliet label is the given one, not the upper-case one.

use std::collections::{BTreeMap, BTreeSet};

use super::bridge::Bridge;
use super::{Block, IsoError, SECTOR, Sectors, be32, le16, le32};
use crate::layout::FileSize;

/// The largest file section, as the library cuts them: whole sectors below 4 GiB.
const SECTION: u64 = (u32::MAX as u64 / SECTOR) * SECTOR;
/// The largest extent of a UDF allocation descriptor in whole sectors: 30 bits (ECMA-167, 4/14.14.1.1).
const UDF_EXTENT: u64 = (1 << 30) - SECTOR;
/// Fields of volume descriptors (ECMA-119, 8.4), of the boot record (El Torito, figure 7).
const VOLUME_IDENTIFIER: usize = 40;
const PATH_TABLE_SIZE: usize = 132;
const PATH_TABLE_L: usize = 140;
const PATH_TABLE_M: usize = 148;
const ROOT_RECORD: usize = 156;
const BOOT_CATALOG: usize = 71;
/// The flags of a directory record that say it is a directory, and that another section of the file follows.
const DIRECTORY: u8 = 2;
const MORE_SECTIONS: u8 = 0x80;
/// UDF: tag identifier and size of a file entry before its extended attributes (ECMA-167, 4/14.9).
const FILE_ENTRY: u16 = 261;
const FILE_ENTRY_SIZE: usize = 176;

/// What is where now, for names in the plan.
pub(super) struct Adjusted {
    /// Sectors whose kind cannot be told from their bytes.
    pub labels: BTreeMap<u64, &'static str>,
}

/// The first sector of the ISO 9660 directories.
pub(super) fn tree_start(sectors: &Sectors) -> u64 {
    descriptors(sectors).map(|(_, block)| u64::from(le32(block, ROOT_RECORD + 2))).min().unwrap_or_default()
}

/// How many sectors the path tables and the boot catalog take.
pub(super) fn moved_sectors(sectors: &Sectors) -> u64 {
    descriptors(sectors).map(|(_, block)| 2 * table_sectors(block)).sum::<u64>() + 1
}

/// Changes the library's sectors into the final ones; what moves goes to `free` and behind.
pub(super) fn adjust(
    bridge: &mut Bridge,
    files: &[FileSize],
    free: u64,
    joliet_label: &str,
) -> Result<Adjusted, IsoError> {
    let lengths: BTreeMap<u64, u64> = bridge
        .starts
        .iter()
        .zip(files)
        .filter_map(|(start, file)| start.map(|start| (start, file.len)))
        .collect();
    let mut labels = move_tables(&mut bridge.sectors, free);
    let volumes: Vec<(u64, Block)> =
        descriptors(&bridge.sectors).map(|(sector, block)| (sector, *block)).collect();
    for (sector, block) in volumes {
        let primary = block[0] == 1;
        if !primary && let Some(block) = bridge.sectors.get_mut(&sector) {
            set_joliet_label(block, joliet_label);
        }
        adjust_directories(&mut bridge.sectors, &block, primary, &lengths, &mut labels)?;
    }
    adjust_file_entries(&mut bridge.sectors, &lengths);
    Ok(Adjusted { labels })
}

/// The primary and the supplementary volume descriptor.
fn descriptors(sectors: &Sectors) -> impl Iterator<Item = (u64, &Block)> {
    let set = sectors.range(16..).take_while(|(_, block)| &block[1..6] == b"CD001" && block[0] != 255);
    set.filter(|(_, block)| block[0] != 0).map(|(sector, block)| (*sector, &**block))
}

fn table_sectors(descriptor: &Block) -> u64 {
    u64::from(le32(descriptor, PATH_TABLE_SIZE)).div_ceil(SECTOR)
}

fn move_tables(sectors: &mut Sectors, mut free: u64) -> BTreeMap<u64, &'static str> {
    let mut labels = BTreeMap::new();
    let mut take = |sectors: &mut Sectors, from: u32, count: u64, label| {
        let to = free;
        free += count;
        for index in 0..count {
            if let Some(block) = sectors.remove(&(u64::from(from) + index)) {
                sectors.insert(to + index, block);
                labels.insert(to + index, label);
            }
        }
        to as u32
    };
    let set: Vec<(u64, Block)> =
        sectors.range(16..).take(4).map(|(sector, block)| (*sector, **block)).collect();
    for (sector, mut block) in set.into_iter().filter(|(_, block)| &block[1..6] == b"CD001") {
        match block[0] {
            1 | 2 => {
                let count = table_sectors(&block);
                let l = take(sectors, le32(&block, PATH_TABLE_L), count, "path table, little-endian");
                let m = take(sectors, be32(&block, PATH_TABLE_M), count, "path table, big-endian");
                block[PATH_TABLE_L..][..4].copy_from_slice(&l.to_le_bytes());
                block[PATH_TABLE_M..][..4].copy_from_slice(&m.to_be_bytes());
            }
            0 => {
                let catalog = take(sectors, le32(&block, BOOT_CATALOG), 1, "El Torito boot catalog");
                block[BOOT_CATALOG..][..4].copy_from_slice(&catalog.to_le_bytes());
            }
            _ => {}
        }
        sectors.insert(sector, Box::new(block));
    }
    labels
}

fn set_joliet_label(block: &mut Block, label: &str) {
    let units = label.encode_utf16().chain(std::iter::repeat(u16::from(b' ')));
    for (field, unit) in block[VOLUME_IDENTIFIER..][..32].as_chunks_mut::<2>().0.iter_mut().zip(units) {
        *field = unit.to_be_bytes();
    }
}

/// Writes every directory of one tree anew: true lengths, and shorter names in the primary tree.
fn adjust_directories(
    sectors: &mut Sectors,
    descriptor: &Block,
    primary: bool,
    lengths: &BTreeMap<u64, u64>,
    labels: &mut BTreeMap<u64, &'static str>,
) -> Result<(), IsoError> {
    let root = &descriptor[ROOT_RECORD..][..34];
    let mut pending = vec![(u64::from(le32(root, 2)), u64::from(le32(root, 10)))];
    while let Some((start, len)) = pending.pop() {
        let count = len / SECTOR;
        let mut records: Vec<Vec<u8>> = Vec::new();
        for sector in start..start + count {
            labels.insert(sector, if primary { "ISO 9660 directory" } else { "Joliet directory" });
            let block = sectors.get(&sector).map_or(&[][..], |block| &block[..]);
            records.extend(split_records(block).map(<[u8]>::to_vec));
        }
        let own = |record: &&Vec<u8>| record[32] == 1 && record[33] <= 1;
        for record in records.iter().filter(|record| record[25] & DIRECTORY != 0 && !own(record)) {
            pending.push((u64::from(le32(record, 2)), u64::from(le32(record, 10))));
        }
        let mut records: Vec<Vec<u8>> =
            records.into_iter().filter_map(|record| with_true_length(record, lengths)).collect();
        if primary {
            shorten_names(&mut records);
        }
        pack(sectors, start, count, &records)?;
    }
    Ok(())
}

/// The records in one sector: each starts with its length, and a zero ends the sector (ECMA-119, 6.8.1.1).
fn split_records(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = block;
    std::iter::from_fn(move || {
        let len = usize::from(*rest.first()?);
        let record = rest.get(..len).filter(|record| record.len() > 33)?;
        rest = &rest[len..];
        Some(record)
    })
}

/// A file's record with the part of its true length that lies in this section, if any does.
fn with_true_length(mut record: Vec<u8>, lengths: &BTreeMap<u64, u64>) -> Option<Vec<u8>> {
    let sector = u64::from(le32(&record, 2));
    if record[25] & DIRECTORY != 0 || le32(&record, 10) == 0 {
        return Some(record);
    }
    let (start, len) = lengths.range(..=sector).next_back()?;
    let left = len.checked_sub((sector - start) * SECTOR).filter(|left| *left > 0)?;
    if left <= SECTION {
        record[25] &= !MORE_SECTIONS;
    }
    let section = left.min(SECTION) as u32;
    record[10..14].copy_from_slice(&section.to_le_bytes());
    record[14..18].copy_from_slice(&section.to_be_bytes());
    Some(record)
}

/// Takes `;1` and a trailing dot off file names, except where two names of the folder would become one.
fn shorten_names(records: &mut [Vec<u8>]) {
    let mut taken: BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for record in records.iter() {
        taken.entry(short_name(record).to_vec()).or_default().insert(name(record).to_vec());
    }
    for record in records.iter_mut() {
        let short = short_name(record).to_vec();
        if short.len() < name(record).len() && taken.get(&short).is_some_and(|names| names.len() == 1) {
            record.truncate(33);
            record.extend_from_slice(&short);
            record[32] = short.len() as u8;
            record.resize(record.len().next_multiple_of(2), 0);
            record[0] = record.len() as u8;
        }
    }
    // Sections of one file keep their order because the sort is stable; `.` and `..` are 0 and 1.
    records.sort_by(|a, b| name(a).cmp(name(b)));
}

fn name(record: &[u8]) -> &[u8] {
    record.get(33..33 + usize::from(record[32])).unwrap_or_default()
}

fn short_name(record: &[u8]) -> &[u8] {
    let name = name(record);
    let Some(plain) = name.strip_suffix(b";1") else { return name };
    plain.strip_suffix(b".").filter(|name| !name.is_empty()).unwrap_or(plain)
}

/// Lays records into `count` sectors from `start`; no record crosses a sector boundary.
fn pack(sectors: &mut Sectors, start: u64, count: u64, records: &[Vec<u8>]) -> Result<(), IsoError> {
    let mut blocks = vec![[0; SECTOR as usize]];
    let mut used = 0;
    for record in records {
        if used + record.len() > SECTOR as usize {
            blocks.push([0; SECTOR as usize]);
            used = 0;
        }
        if let Some(block) = blocks.last_mut() {
            block[used..used + record.len()].copy_from_slice(record);
            used += record.len();
        }
    }
    if blocks.len() as u64 > count {
        let reason = format!("the directory at sector {start} does not fit its {count} sectors");
        return Err(IsoError::Refused { path: None, reason });
    }
    blocks.resize(count as usize, [0; SECTOR as usize]);
    sectors.extend((start..).zip(blocks.into_iter().map(Box::new)));
    Ok(())
}

/// Gives the UDF file entries that point at file data the true lengths, and seals them again.
fn adjust_file_entries(sectors: &mut Sectors, lengths: &BTreeMap<u64, u64>) {
    let Some(partition) = partition_start(sectors) else { return };
    for (&sector, block) in sectors.range_mut(partition..) {
        let block = &mut **block;
        let is_file = le16(block, 0) == FILE_ENTRY
            && u64::from(le32(block, 12)) == sector - partition
            && block[4] == tag_checksum(block)
            && block[27] == 5;
        if !is_file || le32(block, 172) == 0 {
            continue;
        }
        let start = u64::from(le32(block, FILE_ENTRY_SIZE + 4)) + partition;
        if let Some(&len) = lengths.get(&start) {
            set_file_length(block, start - partition, len);
        }
    }
}

fn partition_start(sectors: &Sectors) -> Option<u64> {
    let descriptor = sectors.range(257..273).find(|(_, block)| le16(&block[..], 0) == 5)?;
    Some(u64::from(le32(&descriptor.1[..], 188)))
}

fn set_file_length(block: &mut Block, position: u64, len: u64) {
    let extents = len.div_ceil(UDF_EXTENT) as usize;
    block[56..64].copy_from_slice(&len.to_le_bytes());
    block[64..72].copy_from_slice(&len.div_ceil(SECTOR).to_le_bytes());
    block[172..176].copy_from_slice(&(extents as u32 * 8).to_le_bytes());
    let (descriptors, _) = block[FILE_ENTRY_SIZE..].as_chunks_mut::<8>();
    descriptors.fill([0; 8]);
    for (index, field) in (0_u64..).zip(descriptors.iter_mut().take(extents)) {
        let from = index * UDF_EXTENT;
        field[..4].copy_from_slice(&((len - from).min(UDF_EXTENT) as u32).to_le_bytes());
        field[4..].copy_from_slice(&((position + from / SECTOR) as u32).to_le_bytes());
    }
    let covered = FILE_ENTRY_SIZE - 16 + extents * 8;
    let crc = super::udf::crc(&block[16..16 + covered]);
    block[8..10].copy_from_slice(&crc.to_le_bytes());
    block[10..12].copy_from_slice(&(covered as u16).to_le_bytes());
    block[4] = tag_checksum(block);
}

/// The sum of the tag's other 15 bytes (ECMA-167, 3/7.2.3).
fn tag_checksum(block: &Block) -> u8 {
    (0..16).filter(|at| *at != 4).fold(0_u8, |sum, at| sum.wrapping_add(block[at]))
}
