//! Walks folders and cluster chains. Every cluster is visited once at most, so that no volume makes it run for long,
//! whatever it contains.

use std::collections::HashSet;

use super::{FatError, SECTOR_SIZE, Volume, VolumeFile};
use crate::budget::{Budget, Exceeded, is_too_long};
use crate::bytes::utf16le;
use crate::content::{Content, Piece};

/// What is told of everything that is wrong; an error it returns ends the walk.
pub(super) type Complain<'a> = dyn FnMut(FatError) -> Result<(), FatError> + 'a;

/// What a walk found.
pub(super) struct Walked {
    pub(super) files: Vec<VolumeFile>,
    /// The clusters that belong to something.
    pub(super) used: ClusterSet,
    /// Whether it came to its end; else there is more on the volume than is read.
    pub(super) complete: bool,
}

/// Walks the whole volume, past everything that is wrong.
pub(super) fn walk(volume: &Volume, complain: &mut Complain) -> Result<Walked, FatError> {
    let used = ClusterSet { words: vec![0; volume.facts.clusters as usize / 64 + 1] };
    let mut walk = Walk {
        volume,
        fat: FatReader::new(volume),
        budget: Budget::new(volume.facts.sectors * SECTOR_SIZE),
        walked: Walked { files: Vec::new(), used, complete: true },
    };
    let mut folders = vec![Open { path: String::new(), first: volume.root, parent: None }];
    while let Some(folder) = folders.pop() {
        match walk.folder(&folder, complain) {
            Ok(subfolders) => folders.extend(subfolders.into_iter().rev()),
            Err(error @ FatError::TooMany { .. }) => {
                complain(error)?;
                walk.walked.complete = false;
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(walk.walked)
}

/// A walk on its way.
struct Walk<'a> {
    volume: &'a Volume,
    fat: FatReader<'a>,
    budget: Budget,
    walked: Walked,
}

impl Walk<'_> {
    /// Reads one folder; returns the folders in it.
    fn folder(&mut self, folder: &Open, complain: &mut Complain) -> Result<Vec<Open>, FatError> {
        let volume = self.volume;
        let place = if folder.path.is_empty() { "root folder" } else { &folder.path };
        let limit = Length::AtMost(volume.folder_clusters());
        let runs = chain(volume, &mut self.fat, place, folder.first, limit, &mut self.walked.used, complain)?;
        // At most 2 MiB, and all of it is really there: the volume's length was checked.
        let whole = content(volume, &runs, u64::MAX);
        let bytes = read_folder(volume, &whole)?;
        let mut inner = Vec::new();
        entries(folder, &bytes, complain, |entry| inner.push(entry))?;
        let mut names = HashSet::new();
        let mut subfolders = Vec::new();
        for NamedEntry { name, raw, at } in inner {
            spent(self.budget.name(), &folder.path)?;
            let path = if folder.path.is_empty() { name.clone() } else { format!("{}/{name}", folder.path) };
            if is_too_long(&path) {
                let expected = "paths of 1024 UTF-16 units at most";
                complain(damaged("fat32.long-path", &folder.path, "a longer path", expected))?;
                continue;
            }
            spent(self.budget.path(&path), &folder.path)?;
            if !names.insert(name.to_uppercase()) {
                complain(damaged("fat32.same-name", &path, "the name twice", "different names"))?;
            }
            if raw.is_folder() {
                if raw.len != 0 {
                    complain(damaged("fat32.folder-length", &path, raw.len, "length 0 for a folder"))?;
                }
                // Entries that lead back to the root call it cluster 0.
                let parent = folder.parent.map_or(0, |_| folder.first);
                subfolders.push(Open { path, first: raw.cluster, parent: Some(parent) });
            } else {
                self.file(path, raw, address(&whole, at), complain)?;
            }
        }
        Ok(subfolders)
    }

    fn file(
        &mut self,
        path: String,
        raw: RawEntry,
        entry: u64,
        complain: &mut Complain,
    ) -> Result<(), FatError> {
        let volume = self.volume;
        let clusters = u64::from(raw.len).div_ceil(u64::from(volume.facts.cluster_size));
        if clusters == 0 && raw.cluster != 0 {
            let expected = "first cluster 0 for an empty file";
            complain(damaged("fat32.empty-file", &path, raw.cluster, expected))?;
        }
        let runs = if clusters == 0 {
            Vec::new()
        } else {
            let length = Length::Exactly(clusters);
            chain(volume, &mut self.fat, &path, raw.cluster, length, &mut self.walked.used, complain)?
        };
        spent(self.budget.extents(runs.len()), &path)?;
        let len = u64::from(raw.len);
        self.walked.files.push(VolumeFile { path, len, content: content(volume, &runs, len), entry, runs });
        Ok(())
    }
}

fn spent(result: Result<(), Exceeded>, path: &str) -> Result<(), FatError> {
    result.map_err(|Exceeded { unit, limit }| FatError::TooMany { unit, limit, path: path.to_owned() })
}

/// The label in the root folder.
pub(super) fn root_label(volume: &Volume) -> Result<Option<String>, FatError> {
    let mut used = ClusterSet { words: vec![0; volume.facts.clusters as usize / 64 + 1] };
    let limit = Length::AtMost(volume.folder_clusters());
    let runs =
        chain(volume, &mut FatReader::new(volume), "root folder", volume.root, limit, &mut used, &mut Err)?;
    let bytes = read_folder(volume, &content(volume, &runs, u64::MAX))?;
    let label = bytes.as_chunks::<32>().0.iter().map(RawEntry::new).take_while(|entry| entry.name[0] != 0);
    let mut label = label.filter(|entry| entry.name[0] != 0xE5 && entry.is_label());
    Ok(label.next().map(|entry| oem_text(&entry.name).trim_end().to_owned()))
}

/// Text in an unknown code page: what is not ASCII becomes U+FFFD.
pub(super) fn oem_text(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|&byte| if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER })
        .collect()
}

/// A folder still to be read.
struct Open {
    path: String,
    first: u32,
    /// What `..` in it leads to: the first cluster of the folder it is in. The root has none.
    parent: Option<u32>,
}

/// A set of clusters, one bit each.
pub(super) struct ClusterSet {
    words: Vec<u64>,
}

impl ClusterSet {
    pub(super) fn contains(&self, cluster: u32) -> bool {
        let index = cluster - 2;
        self.words[index as usize / 64] & 1 << (index % 64) != 0
    }

    /// Whether it was new.
    fn insert(&mut self, cluster: u32) -> bool {
        let new = !self.contains(cluster);
        let index = cluster - 2;
        self.words[index as usize / 64] |= 1 << (index % 64);
        new
    }
}

/// How long a chain should be, in clusters.
#[derive(Clone, Copy)]
enum Length {
    Exactly(u64),
    AtMost(u64),
}

/// Clusters that follow each other: the first, and how many.
type Run = (u32, u64);

fn chain(
    volume: &Volume,
    fat: &mut FatReader,
    place: &str,
    first: u32,
    length: Length,
    used: &mut ClusterSet,
    complain: &mut Complain,
) -> Result<Vec<Run>, FatError> {
    let mut runs: Vec<Run> = Vec::new();
    let (mut cluster, mut count) = (first, 0);
    loop {
        if !volume.is_cluster(cluster) {
            complain(damaged("fat32.broken-chain", place, cluster, "the number of a cluster"))?;
            return Ok(runs);
        }
        if !used.insert(cluster) {
            complain(damaged("fat32.cross-link", place, cluster, "a cluster that nothing else uses"))?;
            return Ok(runs);
        }
        count += 1;
        match runs.last_mut() {
            Some((start, run)) if u64::from(*start) + *run == u64::from(cluster) => *run += 1,
            _ => runs.push((cluster, 1)),
        }
        let next = fat.entry(cluster)?;
        let ends = next >= 0x0FFF_FFF8;
        match length {
            Length::Exactly(wanted) if ends && count < wanted => {
                let expected = "as many clusters as the length needs";
                complain(damaged("fat32.short-chain", place, format!("{count} of {wanted}"), expected))?;
            }
            Length::Exactly(wanted) if !ends && count == wanted => {
                let expected = "no more clusters than the length needs";
                complain(damaged("fat32.long-chain", place, format!("more than {wanted}"), expected))?;
                return Ok(runs);
            }
            Length::AtMost(limit) if !ends && count == limit => {
                complain(damaged("fat32.large-folder", place, "more", "2 MiB at most"))?;
                return Ok(runs);
            }
            _ => {}
        }
        if ends {
            return Ok(runs);
        }
        cluster = next;
    }
}

/// The bytes of a chain, as slices of the source.
fn content(volume: &Volume, runs: &[Run], len: u64) -> Content {
    let size = u64::from(volume.facts.cluster_size);
    let pieces = runs.iter().map(|&(first, count)| Piece::Slice {
        source: volume.source.clone(),
        offset: volume.start + volume.cluster_offset(first),
        len: count * size,
    });
    Content::from_pieces(pieces.collect()).slice(0, len)
}

/// Where a byte of some content is in the source.
fn address(content: &Content, mut position: u64) -> u64 {
    for piece in content.pieces() {
        match piece {
            Piece::Slice { offset, len, .. } if position < *len => return offset + position,
            piece => position -= piece.len().min(position),
        }
    }
    0
}

fn read_folder(volume: &Volume, content: &Content) -> Result<Vec<u8>, FatError> {
    let limit = volume.folder_clusters() * u64::from(volume.facts.cluster_size);
    content.to_vec(limit).map_err(|error| FatError::Io { what: "folder", offset: volume.start, error })
}

/// Reads entries of the first FAT, some sectors at a time.
pub(super) struct FatReader<'a> {
    volume: &'a Volume,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> FatReader<'a> {
    pub(super) fn new(volume: &'a Volume) -> Self {
        Self { volume, start: 0, bytes: Vec::new() }
    }

    /// The 28 bits of an entry.
    pub(super) fn entry(&mut self, cluster: u32) -> Result<u32, FatError> {
        const BLOCK: u64 = 32 * SECTOR_SIZE;
        let offset = u64::from(cluster) * 4;
        if !(self.start..self.start + self.bytes.len() as u64).contains(&offset) {
            let start = offset / BLOCK * BLOCK;
            let left = self.volume.facts.fat_sectors * SECTOR_SIZE - start;
            let mut bytes = vec![0; left.min(BLOCK) as usize];
            self.volume.read("FAT 1", self.volume.fat_offset(0) + start, &mut bytes)?;
            (self.start, self.bytes) = (start, bytes);
        }
        let within = (offset - self.start) as usize;
        Ok(number(&self.bytes[within..within + 4]) & 0x0FFF_FFFF)
    }
}

/// The fields of a short-name entry that are looked at.
#[derive(Clone, Copy)]
pub(super) struct RawEntry {
    pub(super) name: [u8; 11],
    pub(super) attributes: u8,
    /// Whether Windows NT shows stem and extension in lower case, bits 3 and 4.
    lower_case: u8,
    pub(super) cluster: u32,
    len: u32,
}

impl RawEntry {
    pub(super) fn new(bytes: &[u8; 32]) -> Self {
        let mut name = [0; 11];
        name.copy_from_slice(&bytes[..11]);
        let cluster = number(&bytes[20..22]) << 16 | number(&bytes[26..28]);
        Self { name, attributes: bytes[11], lower_case: bytes[12], cluster, len: number(&bytes[28..32]) }
    }

    pub(super) fn is_long_slot(&self) -> bool {
        self.attributes & 0x3F == 0x0F
    }

    pub(super) fn is_label(&self) -> bool {
        self.attributes & 0x18 == 0x08 && !self.is_long_slot()
    }

    pub(super) fn is_folder(&self) -> bool {
        self.attributes & 0x10 != 0
    }

    pub(super) fn short_name(&self) -> String {
        let part = |bytes: &[u8], lower: bool| {
            let text = oem_text(bytes);
            let text = text.trim_end_matches(' ');
            if lower { text.to_ascii_lowercase() } else { text.to_owned() }
        };
        let mut raw = self.name;
        if raw[0] == 0x05 {
            raw[0] = 0xE5;
        }
        let stem = part(&raw[..8], self.lower_case & 0x08 != 0);
        let extension = part(&raw[8..], self.lower_case & 0x10 != 0);
        if extension.is_empty() { stem } else { format!("{stem}.{extension}") }
    }

    fn checksum(&self) -> u8 {
        self.name.iter().fold(0, |sum: u8, &byte| sum.rotate_right(1).wrapping_add(byte))
    }
}

/// A file or folder in a folder.
struct NamedEntry {
    name: String,
    raw: RawEntry,
    /// Where the entry is in the folder.
    at: u64,
}

/// Long-name slots seen, waiting for their short name.
struct Pending {
    /// Slots from the first on, the name's last part first.
    parts: Vec<[u8; 26]>,
    checksum: u8,
    /// The order number the next slot must have; 0 when complete.
    next: u8,
}

fn entries(
    folder: &Open,
    bytes: &[u8],
    complain: &mut Complain,
    mut found: impl FnMut(NamedEntry),
) -> Result<(), FatError> {
    let place = if folder.path.is_empty() { "root folder" } else { &folder.path };
    let mut pending: Option<Pending> = None;
    let mut shorts = HashSet::new();
    let mut labels = 0;
    if folder.parent.is_some() {
        check_dots(folder, bytes, complain)?;
    }
    for (index, slot) in bytes.as_chunks::<32>().0.iter().enumerate() {
        let raw = RawEntry::new(slot);
        if folder.parent.is_some() && index < 2 && raw.name[0] == b'.' {
            continue;
        }
        if slot[0] == 0 {
            break;
        }
        let orphan = |place: &str| {
            damaged("fat32.long-name", place, "slots of no or another name", "a whole long name")
        };
        if slot[0] == 0xE5 {
            if pending.take().is_some() {
                complain(orphan(place))?;
            }
            continue;
        }
        if raw.is_long_slot() {
            if slot[12] != 0 || slot[26..28] != [0, 0] {
                complain(damaged(
                    "fat32.long-name",
                    place,
                    "a slot of another type",
                    "type 0 and cluster 0",
                ))?;
            }
            let started = slot[0] & 0x40 != 0;
            let order = slot[0] & !0x40;
            let fits = pending.as_ref().is_some_and(|name| name.next == order && name.checksum == slot[13]);
            if started && (1..=20).contains(&order) {
                if pending.take().is_some() {
                    complain(orphan(place))?;
                }
                pending = Some(Pending { parts: vec![long_part(slot)], checksum: slot[13], next: order - 1 });
            } else if !started && order > 0 && fits {
                if let Some(name) = &mut pending {
                    name.parts.push(long_part(slot));
                    name.next -= 1;
                }
            } else {
                pending = None;
                complain(orphan(place))?;
            }
            continue;
        }
        let long = match pending.take() {
            Some(name) if name.next == 0 && name.checksum == raw.checksum() => Some(long_name(&name.parts)),
            Some(_) => {
                complain(orphan(place))?;
                None
            }
            None => None,
        };
        if raw.attributes & 0xC0 != 0 || raw.attributes & 0x18 == 0x18 {
            complain(damaged("fat32.attributes", place, raw.attributes, "possible attributes"))?;
        }
        if raw.is_label() {
            labels += 1;
            if folder.parent.is_some() || labels > 1 {
                complain(damaged("fat32.label", place, "a volume label", "one label, in the root folder"))?;
            }
            continue;
        }
        if !is_short_name(&raw.name) {
            let expected = "a short name of allowed characters";
            complain(damaged("fat32.short-name", place, format!("{:?}", oem_text(&raw.name)), expected))?;
        }
        if !shorts.insert(raw.name) {
            complain(damaged("fat32.same-name", place, raw.short_name(), "different short names"))?;
        }
        let name = long.unwrap_or_else(|| raw.short_name());
        let unusable = name.is_empty() || name == "." || name == "..";
        if unusable || name.chars().any(|letter| letter < ' ' || r#""*/:<>?\|"#.contains(letter)) {
            complain(damaged("fat32.name", place, format!("{name:?}"), "a name of allowed characters"))?;
            continue;
        }
        found(NamedEntry { name, raw, at: index as u64 * 32 });
    }
    if pending.is_some() {
        complain(damaged("fat32.long-name", place, "slots of no name", "a whole long name"))?;
    }
    Ok(())
}

/// A folder starts with an entry for itself and one for the folder it is in.
fn check_dots(folder: &Open, bytes: &[u8], complain: &mut Complain) -> Result<(), FatError> {
    let slots = bytes.as_chunks::<32>().0;
    let wanted = [(b".          ", Some(folder.first)), (b"..         ", folder.parent)];
    for (index, (name, cluster)) in wanted.into_iter().enumerate() {
        let raw = slots.get(index).map(RawEntry::new);
        let right = raw.is_some_and(|raw| {
            raw.name == *name && raw.attributes & 0xD8 == 0x10 && raw.len == 0 && Some(raw.cluster) == cluster
        });
        if !right {
            let found = raw.map_or_else(String::new, |raw| {
                format!("{:?}, cluster {}", oem_text(&raw.name), raw.cluster)
            });
            complain(damaged("fat32.dot-entry", &folder.path, found, "`.` and `..` with their clusters"))?;
        }
    }
    Ok(())
}

fn is_short_name(name: &[u8; 11]) -> bool {
    let wrong = |byte: u8| {
        byte < 0x20 || byte == 0x7F || byte.is_ascii_lowercase() || b"\"*+,./:;<=>?[\\]|".contains(&byte)
    };
    name[0] != b' '
        && !name.iter().enumerate().any(|(index, &byte)| wrong(byte) && !(index == 0 && byte == 0x05))
}

pub(super) fn long_part(slot: &[u8; 32]) -> [u8; 26] {
    let mut out = [0; 26];
    out[..10].copy_from_slice(&slot[1..11]);
    out[10..22].copy_from_slice(&slot[14..26]);
    out[22..].copy_from_slice(&slot[28..]);
    out
}

pub(super) fn long_name(parts: &[[u8; 26]]) -> String {
    let bytes: Vec<u8> = parts.iter().rev().flatten().copied().collect();
    let pairs = bytes.as_chunks::<2>().0;
    let end = pairs.iter().position(|pair| *pair == [0, 0]).unwrap_or(pairs.len());
    utf16le(&bytes[..end * 2])
}

pub(super) fn number(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte))
}

pub(super) fn damaged(
    id: &'static str,
    place: &str,
    found: impl ToString,
    expected: &'static str,
) -> FatError {
    FatError::Damaged { id, place: place.to_owned(), found: found.to_string(), expected }
}
