//! Compares a volume with the plan it was written by, knowing what an operating system changes on volumes it sees: dates,
//! attributes, the state of a volume in use, free clusters, and entries behind those that were planned.

use std::collections::{HashMap, HashSet};

use super::boot::is_fs_info;
use super::volume::Boot;
use super::walk::{RawEntry, long_name, long_part, number, oem_text};
use super::{FatError, SECTOR_SIZE, Volume};
use crate::finding::{Finding, Findings};
use crate::layout::{Layout, Structure};

const CHANGED: &str = "fat32.changed";
/// Free clusters, and where to look for them.
const COUNTS: std::ops::Range<usize> = 488..496;
/// The byte of the boot sector, and its bits, where the state of a volume in use is kept: [`Volume::check`] looks at them.
const STATE: (usize, u8) = (65, 0x03);
/// The state in FAT entry 1, and the reserved bits above, where Windows keeps it: 0xFFFFFFFF, or 0x7FFFFFFF in use.
const STATE_OF_FAT: u32 = 0xFC00_0000;
/// Read-only, hidden, system, archive.
const ORDINARY_ATTRIBUTES: u8 = 0x27;
/// How many names a note lists.
const NAMES: usize = 5;

/// Compares every structure with the one that was planned. What was planned to be zero is not looked at, for it may be
/// anybody's by now: [`Volume::files`] lists it.
///
/// # Errors
/// [`FatError::NotFat32`] when the plan is none, [`FatError::Io`] when the source cannot be read.
pub fn compare(volume: &Volume, planned: &Layout) -> Result<Vec<Finding>, FatError> {
    let Some(origin) = Origin::new(planned)? else { return Ok(Vec::new()) };
    let mut comparison =
        Comparison { origin, findings: Findings::default(), dates: Vec::new(), attributes: Vec::new() };
    for structure in &planned.structures {
        let Structure { offset, label, bytes } = structure;
        let end = volume.start.saturating_add(*offset).saturating_add(bytes.len() as u64);
        if end > volume.source.len() {
            let message = format!("it was written up to byte {end} of the medium, which is shorter");
            comparison.findings.push(Finding::error(CHANGED, *label, message));
            continue;
        }
        let mut found = vec![0; bytes.len()];
        volume.read(label, *offset, &mut found)?;
        if found == **bytes {
            continue;
        }
        match *label {
            "FAT 1" | "FAT 2" => comparison.fat(structure, &found),
            "root folder" | "folder" => comparison.folder(structure, &found),
            label => comparison.sector(structure, &found, label),
        }
    }
    Ok(comparison.finish())
}

/// What the plan says about itself.
struct Origin<'a> {
    /// Bytes from the volume's start to cluster 2.
    data: u64,
    cluster_size: u64,
    clusters: u32,
    /// Folders by their first cluster.
    folders: HashMap<u32, String>,
    /// The last cluster of each folder: a folder may grow.
    ends: HashSet<u32>,
    planned: &'a Layout,
}

impl<'a> Origin<'a> {
    fn new(planned: &'a Layout) -> Result<Option<Self>, FatError> {
        let boot = planned.structures.iter().find(|structure| structure.label == "boot sector");
        let Some(boot) = boot.and_then(|boot| boot.bytes.first_chunk::<512>()) else { return Ok(None) };
        let Boot { facts, root, .. } = Boot::parse(boot)?;
        let data = (facts.reserved_sectors + facts.fats * facts.fat_sectors) * SECTOR_SIZE;
        let mut origin = Self {
            data,
            cluster_size: u64::from(facts.cluster_size),
            clusters: facts.clusters,
            folders: HashMap::from([(root, String::new())]),
            ends: HashSet::new(),
            planned,
        };
        let fat = planned.structures.iter().find(|structure| structure.label == "FAT 1");
        let fat = fat.map_or(&[][..], |fat| &fat.bytes);
        origin.name_folders();
        for &first in origin.folders.keys() {
            origin.ends.insert(end_of_chain(fat, first));
        }
        Ok(Some(origin))
    }

    /// Gives every folder its path. A folder comes behind the one it is in.
    fn name_folders(&mut self) {
        for structure in &self.planned.structures {
            if !matches!(structure.label, "root folder" | "folder") {
                continue;
            }
            let path = self.folder(structure).to_owned();
            let mut names = Names::default();
            for slot in structure.bytes.as_chunks::<32>().0 {
                let raw = RawEntry::new(slot);
                let name = names.next(slot, &raw);
                if raw.is_folder() && !raw.is_long_slot() && raw.name[0] != b'.' {
                    self.folders.insert(raw.cluster, join(&path, &name));
                }
            }
        }
    }

    fn cluster(&self, offset: u64) -> u32 {
        (offset.saturating_sub(self.data) / self.cluster_size) as u32 + 2
    }

    fn folder(&self, structure: &Structure) -> &str {
        self.folders.get(&self.cluster(structure.offset)).map_or("", String::as_str)
    }

    /// What a cluster was planned for.
    fn owner(&self, cluster: u32) -> String {
        if cluster < 2 {
            return "the volume".to_owned();
        }
        let offset = self.data + u64::from(cluster - 2) * self.cluster_size;
        let holds =
            |start: u64, len: u64| (start..start + len.next_multiple_of(self.cluster_size)).contains(&offset);
        let file =
            self.planned.files.iter().find(|file| file.extents.iter().any(|run| holds(run.offset, run.len)));
        let folder = || {
            let mut structures = self.planned.structures.iter();
            structures
                .find(|found| holds(found.offset, found.bytes.len() as u64))
                .map(|found| place_of(self.folder(found)))
        };
        file.map(|file| file.path.clone()).or_else(folder).unwrap_or_else(|| "the volume".to_owned())
    }
}

/// The last cluster of a chain; a chain is no longer than the FAT.
fn end_of_chain(fat: &[u8], first: u32) -> u32 {
    let entries = fat.as_chunks::<4>().0;
    let mut cluster = first;
    for _ in 0..entries.len() {
        match entries.get(cluster as usize).map(|entry| u32::from_le_bytes(*entry)) {
            Some(next) if (2..0x0FFF_FFF7).contains(&next) => cluster = next,
            _ => break,
        }
    }
    cluster
}

/// The name of each entry of a folder, slot by slot.
#[derive(Default)]
struct Names {
    /// The slots of a long name so far, its last part first.
    parts: Vec<[u8; 26]>,
}

impl Names {
    /// The name that a slot is of, or a part of.
    fn next(&mut self, slot: &[u8; 32], raw: &RawEntry) -> String {
        if raw.is_long_slot() {
            self.parts.push(long_part(slot));
            return format!("part of \"{}\"", long_name(&self.parts));
        }
        let long = long_name(&std::mem::take(&mut self.parts));
        match long.is_empty() {
            _ if raw.is_label() => "the volume label".to_owned(),
            true => raw.short_name(),
            false => long,
        }
    }
}

/// A comparison on its way.
struct Comparison<'a> {
    origin: Origin<'a>,
    findings: Findings,
    /// What has other dates.
    dates: Vec<String>,
    /// What has other attributes.
    attributes: Vec<String>,
}

impl Comparison<'_> {
    /// Boot sector and FSInfo, and their copies.
    fn sector(&mut self, structure: &Structure, found: &[u8], label: &str) {
        let (mut found, mut written) = (found.to_vec(), structure.bytes.to_vec());
        for bytes in [&mut found, &mut written] {
            if is_fs_info(label)
                && let Some(counts) = bytes.get_mut(COUNTS)
            {
                counts.fill(0);
            }
            // Nobody keeps the state in the copy.
            if label == "boot sector"
                && let Some(state) = bytes.get_mut(STATE.0)
            {
                *state &= !STATE.1;
            }
        }
        if let Some(at) = first_difference(&found, &written) {
            let message = format!("{:#04X} was written, and {:#04X} is there", written[at], found[at]);
            self.findings.push(Finding::error(CHANGED, format!("{label}, byte {at}"), message));
        }
    }

    /// The entries of clusters that were planned to be used; runs of others are one finding.
    fn fat(&mut self, structure: &Structure, found: &[u8]) {
        let pairs = structure.bytes.as_chunks::<4>().0.iter().zip(found.as_chunks::<4>().0);
        let mut before = None;
        for (cluster, (written, found)) in (0_u32..).zip(pairs) {
            let (written, found) = (u32::from_le_bytes(*written), u32::from_le_bytes(*found));
            if written == 0 || self.may_be(cluster, written, found) {
                continue;
            }
            let owner = self.origin.owner(cluster);
            let goes_on = before
                .replace((cluster, owner.clone()))
                .is_some_and(|(last, of)| last + 1 == cluster && of == owner);
            if !goes_on {
                let place = format!("{}, entry {cluster} ({owner})", structure.label);
                let message = format!("{written:#010X} was written, and {found:#010X} is there");
                self.findings.push(Finding::error(CHANGED, place, message));
            }
        }
    }

    fn may_be(&self, cluster: u32, written: u32, found: u32) -> bool {
        match cluster {
            1 => (written ^ found) & !STATE_OF_FAT == 0,
            // That the cluster it goes on to is nobody else's, the walk through the folders proves.
            _ if self.origin.ends.contains(&cluster) => {
                found == written || (2..self.origin.clusters + 2).contains(&found)
            }
            _ => found == written,
        }
    }

    fn folder(&mut self, structure: &Structure, found: &[u8]) {
        let folder = self.origin.folder(structure).to_owned();
        let mut names = Names::default();
        let slots = structure.bytes.as_chunks::<32>().0.iter().zip(found.as_chunks::<32>().0);
        for (number, (written, found)) in slots.enumerate() {
            let name = names.next(written, &RawEntry::new(written));
            if written != found {
                let place = format!("{}, entry {number} ({name})", place_of(&folder));
                self.entry((written, found), join(&folder, &name), place);
            }
        }
    }

    fn entry(&mut self, (written, found): (&[u8; 32], &[u8; 32]), path: String, place: String) {
        let planned = RawEntry::new(written);
        let (mut left, mut right) = (*written, *found);
        let (mut dates, mut attributes, mut label) = (false, false, false);
        if !planned.is_long_slot() {
            // Creation with its tenths, last access, last change.
            for field in [13..20, 22..26] {
                dates |= left[field.clone()] != right[field.clone()];
                left[field.clone()].copy_from_slice(&found[field]);
            }
            attributes = (left[11] ^ right[11]) & ORDINARY_ATTRIBUTES != 0;
            left[11] &= !ORDINARY_ATTRIBUTES;
            right[11] &= !ORDINARY_ATTRIBUTES;
            if planned.is_label() && !matches!(found[0], 0 | 0xE5) {
                label = left[..11] != right[..11];
                left[..11].copy_from_slice(&found[..11]);
            }
        }
        if let Some(at) = first_difference(&right, &left) {
            let message = what_changed(at, written, found);
            self.findings.push(Finding::error("fat32.changed-entry", place, message));
            return;
        }
        if label {
            let [was, is] = [written, found].map(|slot| oem_text(&slot[..11]).trim_end().to_owned());
            let message = format!("\"{was}\" was written, and \"{is}\" is there");
            self.findings.push(Finding::note("fat32.changed-label", "volume label", message));
        }
        if dates {
            self.dates.push(path.clone());
        }
        if attributes {
            self.attributes.push(path);
        }
    }

    fn finish(mut self) -> Vec<Finding> {
        let notes = [
            ("fat32.changed-dates", "other dates than were written", &self.dates),
            (
                "fat32.changed-attributes",
                "other attributes (read-only, hidden, system, archive)",
                &self.attributes,
            ),
        ];
        for (id, what, paths) in notes {
            if let [first, ..] = &paths[..] {
                let shown = paths.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
                let more = if paths.len() > NAMES { ", …" } else { "" };
                let count = match paths.len() {
                    1 => "1 entry has".to_owned(),
                    count => format!("{count} entries have"),
                };
                let message = format!("{count} {what}: {shown}{more}");
                self.findings.push(Finding::note(id, first.clone(), message));
            }
        }
        self.findings.finish("fat32.more-findings", "FAT32 volume")
    }
}

/// What is another in an entry, by the first byte that is.
fn what_changed(at: usize, written: &[u8; 32], found: &[u8; 32]) -> String {
    let (was, is) = (RawEntry::new(written), RawEntry::new(found));
    if was.is_long_slot() {
        let removed = if found[0] == 0xE5 { "it was deleted; " } else { "" };
        return format!(
            "{removed}byte {at} of this part of the name was {:#04X} and is {:#04X}",
            written[at], found[at]
        );
    }
    match at {
        0 if found[0] == 0xE5 => "it was deleted".to_owned(),
        0..11 => format!("its short name was {:?} and is {:?}", oem_text(&was.name), oem_text(&is.name)),
        11 => format!("its attributes were {:#04X} and are {:#04X}", was.attributes, is.attributes),
        20 | 21 | 26 | 27 => format!("its first cluster was {} and is {}", was.cluster, is.cluster),
        28.. => format!("its length was {} and is {}", number(&written[28..]), number(&found[28..])),
        _ => format!("its byte {at} was {:#04X} and is {:#04X}", written[at], found[at]),
    }
}

fn first_difference(found: &[u8], written: &[u8]) -> Option<usize> {
    found.iter().zip(written).position(|(found, written)| found != written)
}

fn place_of(folder: &str) -> String {
    if folder.is_empty() { "root folder".to_owned() } else { folder.to_owned() }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
