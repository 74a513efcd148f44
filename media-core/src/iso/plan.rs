//! Lays a tree out as a disc: names and lengths in, addresses and structures out.

use std::collections::BTreeMap;

use super::adjust::{self, Adjusted};
use super::bridge::{self, Request};
use super::names::{Name, names};
use super::{Block, DATA_ALIGNMENT, IsoError, SECTOR, Sectors, le16};
use crate::layout::{FileSize, Layout, PlacedExtent, Placement, Structure};
use crate::time::Timestamp;

/// The longest label: the volume identifier of ISO 9660 (ECMA-119, 8.4.7).
const LABEL_LIMIT: usize = 32;
/// What fits the volume identifier of Joliet, in UTF-16 code units.
const JOLIET_LABEL_UNITS: usize = 16;
/// Levels of a hierarchy, the root included (ECMA-119, 6.8.2.1).
const LEVEL_LIMIT: usize = 8;
/// The longest UDF file identifier, in bytes of OSTA Compressed Unicode without the compression number.
const NAME_LIMIT: usize = 254;
/// 32-bit sector numbers, less room for structures.
const IMAGE_LIMIT: u64 = (u32::MAX as u64 - 1_000_000) * SECTOR;
/// Sectors the BIOS loads of `etfsboot.com`, in units of 512 bytes; what every Windows disc says.
const BIOS_LOAD: u16 = 8;

/// What a disc is besides its files.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Volume label, 1 to 32 characters. UDF has it as given; Joliet has its first 16 UTF-16 code units; ISO 9660
    /// has it in upper case with `_` for whatever is not A-Z, 0-9 or `_`.
    pub label: &'a str,
    /// The time stamped on everything, in UTC. Directory records of ISO 9660 only count from 1900 to 2155.
    pub time: Timestamp,
    /// Tells this volume from others; becomes the start of the UDF volume set identifier.
    pub volume_id: u64,
    /// Path of the BIOS boot image (`etfsboot.com`) among the files.
    pub bios_boot: Option<&'a str>,
    /// Path of the UEFI boot image (`efisys.bin`, a FAT image) among the files.
    pub uefi_boot: Option<&'a str>,
}

/// Lays out `files` as one image with three trees over the same file data. No file is opened or read.
///
/// Files lie in one piece each, at multiples of [`DATA_ALIGNMENT`], in the order of the tree. Folders are those the paths name.
/// Names are kept in UDF; Joliet cuts them to 64 UTF-16 code units and replaces what it forbids; ISO 9660 has them in
/// upper case, at most 30 characters, without version number and trailing dot (`BOOTMGR`), as Windows discs have.
///
/// # Errors
/// [`IsoError::BadPath`], [`IsoError::NameClash`], [`IsoError::BadLabel`], [`IsoError::NoBootImage`],
/// [`IsoError::TooLarge`], and [`IsoError::Refused`] for what the format library refuses (a path over 255 characters,
/// a file over 234 GiB).
pub fn plan(files: &[FileSize], options: &Options<'_>) -> Result<Layout, IsoError> {
    plan_again(files, options, &mut None)
}

/// What is in front of the directories. It follows from the names, from which files boot, which are empty and which have more
/// than one extent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Front {
    /// Where the directories start.
    first_sector: u64,
    /// How many sectors before them are for what moves there.
    room: u64,
}

/// The same with the [`Front`] of an earlier layout with these options of these files: another length is allowed to those that
/// have more than 0 bytes and room for less than 1 GiB, now as then. What is not known of it yet is told.
///
/// # Errors
/// As [`plan`].
pub(crate) fn plan_again(
    files: &[FileSize],
    options: &Options<'_>,
    known: &mut Option<Front>,
) -> Result<Layout, IsoError> {
    check_paths(files)?;
    check_size(files)?;
    let label = options.label;
    let length = label.chars().count();
    if !(1..=LABEL_LIMIT).contains(&length) || label.contains('\0') {
        return Err(IsoError::BadLabel { label: label.to_owned(), length, limit: LABEL_LIMIT });
    }
    let primary_label: String = label.chars().map(d_character).collect();
    let udf_short_label = udf_short_label(label);
    let volume_set = format!("{:016X}{udf_short_label}", options.volume_id);
    let mut request = Request {
        primary_label: &primary_label,
        udf_label: label,
        udf_short_label,
        volume_set: &volume_set,
        time: options.time,
        bios: boot_image("BIOS", files, options.bios_boot)?.map(|file| (file.path.as_str(), BIOS_LOAD)),
        uefi: boot_image("UEFI", files, options.uefi_boot)?
            .map(|file| (file.path.as_str(), uefi_load(file.len))),
        first_sector: 0,
    };

    let Front { first_sector, room } = match *known {
        Some(front) => front,
        None => *known.insert(front(files, &request)?),
    };
    request.first_sector = first_sector;
    let mut bridge = bridge::write(files, &request)?;
    debug_assert_eq!(
        (first_sector, room),
        (adjust::tree_start(&bridge.sectors), adjust::moved_sectors(&bridge.sectors))
    );
    let joliet_label = take(label, JOLIET_LABEL_UNITS);
    let adjusted = adjust::adjust(&mut bridge, files, first_sector - room, joliet_label)?;
    Ok(Layout {
        len: bridge.len * SECTOR,
        zeros: Vec::new(),
        structures: structures(bridge.sectors, &adjusted),
        files: files
            .iter()
            .zip(&bridge.starts)
            .map(|(file, start)| Placement {
                path: file.path.clone(),
                extents: start
                    .iter()
                    .map(|start| PlacedExtent { offset: start * SECTOR, len: file.len })
                    .collect(),
            })
            .collect(),
    })
}

/// A first run shows how much room the structures need, for another one to leave that much in front of the directories. How
/// long a file is matters to the structures only where it has more than one extent.
fn front(files: &[FileSize], request: &Request<'_>) -> Result<Front, IsoError> {
    let short: Vec<FileSize> = files.iter().map(shortened).collect();
    let trial = bridge::write(&short, request)?;
    let trees = adjust::tree_start(&trial.sectors);
    let room = adjust::moved_sectors(&trial.sectors);
    let data = trial.starts.iter().flatten().min().copied().unwrap_or(trees);
    let first_sector = trees + (data + room).next_multiple_of(DATA_ALIGNMENT / SECTOR) - data;
    Ok(Front { first_sector, room })
}

/// A file of one extent in every tree (UDF 1.02, 2.3.10: up to 2^30 - 1 bytes), so short that laying it out costs nothing.
fn shortened(file: &FileSize) -> FileSize {
    let shorten = |len: u64| if file.reserved() < (1 << 30) - DATA_ALIGNMENT { len.min(1) } else { len };
    FileSize { path: file.path.clone(), len: shorten(file.len), room: shorten(file.room) }
}

/// Refuses what a tree cannot have, and names that differ only in case: Windows would see one of them.
fn check_paths(files: &[FileSize]) -> Result<(), IsoError> {
    let mut seen: BTreeMap<String, (&str, bool)> = BTreeMap::new();
    for file in files {
        let path = file.path.as_str();
        let bad = |reason| Err(IsoError::BadPath { path: path.to_owned(), reason });
        if path.split('/').count() > LEVEL_LIMIT {
            return bad("ISO 9660 has at most eight levels of folders, the root included");
        }
        for name in path.split('/') {
            if matches!(name, "" | "." | "..") {
                return bad("a name is empty, `.` or `..`");
            }
            if name.chars().any(|c| c.is_control() || c == '\\') {
                return bad("a name has a control character or a backslash");
            }
            let wide = name.chars().any(|c| c as u32 > 0xFF);
            let length = if wide { name.encode_utf16().count() * 2 } else { name.chars().count() };
            if length > NAME_LIMIT {
                return bad(
                    "a name is longer than UDF allows: 254 characters, or 127 when one is not Latin-1",
                );
            }
        }
        for Name { path: part, is_file, .. } in names(path) {
            match seen.insert(part.to_lowercase(), (part, is_file)) {
                Some((other, other_is_file)) if other != part || is_file || other_is_file => {
                    return Err(IsoError::NameClash { path: part.to_owned(), other: other.to_owned() });
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn check_size(files: &[FileSize]) -> Result<(), IsoError> {
    let len = files.iter().fold(0_u64, |sum, file| {
        sum.saturating_add(file.reserved().checked_next_multiple_of(DATA_ALIGNMENT).unwrap_or(u64::MAX))
    });
    if len > IMAGE_LIMIT {
        return Err(IsoError::TooLarge { len, limit: IMAGE_LIMIT });
    }
    Ok(())
}

fn boot_image<'a>(
    firmware: &'static str,
    files: &'a [FileSize],
    path: Option<&str>,
) -> Result<Option<&'a FileSize>, IsoError> {
    let Some(path) = path else { return Ok(None) };
    match files.iter().find(|file| file.path == path) {
        Some(file) if file.len > 0 => Ok(Some(file)),
        other => Err(IsoError::NoBootImage { firmware, path: path.to_owned(), present: other.is_some() }),
    }
}

/// The true size in units of 512 bytes. Firmware cuts the image to it when it is 2, 4 or 8, which it takes for a size
/// someone forgot to set; 1 means "find out yourself".
fn uefi_load(len: u64) -> u16 {
    match u16::try_from(len.div_ceil(512)) {
        Ok(2 | 4 | 8) | Err(_) => 1,
        Ok(sectors) => sectors,
    }
}

fn d_character(c: char) -> char {
    match c.to_ascii_uppercase() {
        c @ ('A'..='Z' | '0'..='9' | '_') => c,
        _ => '_',
    }
}

/// The longest start of `label` for a 32-byte d-string: 30 characters of one byte, or 15 of two (UDF 1.02, 2.1.3).
fn udf_short_label(label: &str) -> &str {
    let fits_one_byte = label.chars().all(|c| c as u32 <= 0xFF);
    take(label, if fits_one_byte { 30 } else { 15 })
}

/// The longest start of `text` that takes at most `units` UTF-16 code units.
fn take(text: &str, units: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.len_utf16();
        used > units
    });
    &text[..end.map_or(text.len(), |(end, _)| end)]
}

/// Adjacent sectors of one kind become one structure.
fn structures(sectors: Sectors, adjusted: &Adjusted) -> Vec<Structure> {
    let mut runs: Vec<(u64, &'static str, Vec<Box<Block>>)> = Vec::new();
    for (sector, block) in sectors {
        let label = label_of(sector, &block, adjusted);
        match runs.last_mut() {
            Some((start, last, blocks)) if *last == label && *start + blocks.len() as u64 == sector => {
                blocks.push(block);
            }
            _ => runs.push((sector, label, vec![block])),
        }
    }
    let structure = |(start, label, blocks): (u64, _, Vec<Box<Block>>)| {
        let mut bytes = Vec::with_capacity(blocks.len() * SECTOR as usize);
        blocks.into_iter().for_each(|block| bytes.extend_from_slice(&*block));
        Structure { offset: start * SECTOR, label, bytes: bytes.into() }
    };
    runs.into_iter().map(structure).collect()
}

fn label_of(sector: u64, block: &Block, adjusted: &Adjusted) -> &'static str {
    if let Some(label) = adjusted.labels.get(&sector) {
        return label;
    }
    match (block[0], &block[1..6]) {
        (0, b"CD001") => "El Torito boot record",
        (1, b"CD001") => "primary volume descriptor",
        (2, b"CD001") => "Joliet volume descriptor",
        (255, b"CD001") => "volume descriptor set terminator",
        (0, b"BEA01" | b"NSR02" | b"TEA01") => "UDF volume recognition sequence",
        // ECMA-167, 3/7.2.1 and 4/7.2.1: tag identifiers.
        _ => match le16(block, 0) {
            1 | 4..=8 => "UDF volume descriptor sequence",
            2 => "UDF anchor",
            9 => "UDF logical volume integrity",
            256 => "UDF file set descriptor",
            261 => "UDF file entries",
            _ => "UDF directories",
        },
    }
}
