//! Gives files of a volume another length, where they are: only what changes is answered, and nothing is written.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::volume::fs_info;
use super::walk::{FatReader, walk};
use super::{FatError, LARGEST_FILE, SECTOR_SIZE, Volume, VolumeFile};
use crate::layout::{FileSize, Layout, PlacedExtent, Placement, Structure};

/// The mark of the last cluster of a chain.
const END: u32 = 0x0FFF_FFFF;
const LENGTH: usize = 28;

/// Where the files' bytes go when they have these lengths, and the structures that change with them: directory entries,
/// FATs, FSInfo. All offsets are from the start of the source. A file's extents are whole clusters, so that what was
/// behind its end can be written over; clusters that become free are structures of zeros.
///
/// A file keeps its clusters. More are taken directly behind the last one where those are free, else from where FSInfo says
/// to look on.
///
/// # Errors
/// [`FatError::Damaged`] for a volume that is not in order, [`FatError::NoSuchFile`], [`FatError::NoRoom`].
pub fn resize(volume: &Volume, files: &[FileSize]) -> Result<Layout, FatError> {
    let listed = walk(volume, &mut Err)?.files;
    let hint = volume.facts.next_free.filter(|hint| volume.is_cluster(*hint)).unwrap_or(2);
    let search = (hint..volume.facts.clusters + 2).chain(2..hint);
    let (fat, changed, freed) = (FatReader::new(volume), BTreeMap::new(), BTreeSet::new());
    let mut chains = Chains { volume, fat, changed, freed, search };
    let mut layout = Layout { len: volume.source.len(), ..Layout::default() };
    for file in files {
        let found = listed.iter().find(|listed| listed.path.eq_ignore_ascii_case(&file.path));
        let found = found.ok_or_else(|| FatError::NoSuchFile { path: file.path.clone() })?;
        let clusters = chains.resize(found, file)?;
        layout.structures.push(entry(volume, found, file.len, clusters.first().copied().unwrap_or(0))?);
        layout.files.push(Placement { path: found.path.clone(), extents: extents(volume, &clusters) });
    }
    chains.structures(&mut layout.structures)?;
    layout.structures.sort_by_key(|structure| structure.offset);
    Ok(layout)
}

/// The FAT as it is to be.
struct Chains<'a> {
    volume: &'a Volume,
    fat: FatReader<'a>,
    /// New values of entries.
    changed: BTreeMap<u32, u32>,
    freed: BTreeSet<u32>,
    /// Where to look for a free cluster.
    search: std::iter::Chain<Range<u32>, Range<u32>>,
}

impl Chains<'_> {
    /// The clusters of a file of another length.
    fn resize(&mut self, found: &VolumeFile, file: &FileSize) -> Result<Vec<u32>, FatError> {
        let size = u64::from(self.volume.facts.cluster_size);
        let (path, len) = (file.path.clone(), file.len);
        if len > LARGEST_FILE {
            return Err(FatError::FileTooLarge { path, len, limit: LARGEST_FILE });
        }
        let run =
            |&(first, count): &(u32, u64)| (u64::from(first)..u64::from(first) + count).map(|n| n as u32);
        let mut clusters: Vec<u32> = found.runs.iter().flat_map(run).collect();
        let needed = len.div_ceil(size);
        while clusters.len() as u64 > needed {
            if let Some(cluster) = clusters.pop() {
                self.changed.insert(cluster, 0);
                self.freed.insert(cluster);
            }
        }
        while (clusters.len() as u64) < needed {
            let Some(cluster) = self.take(clusters.last().copied())? else {
                return Err(FatError::NoRoom { path, needed: len, room: clusters.len() as u64 * size });
            };
            if let Some(last) = clusters.last() {
                self.changed.insert(*last, cluster);
            }
            self.changed.insert(cluster, END);
            clusters.push(cluster);
        }
        if let Some(last) = clusters.last()
            && self.entry(*last)? < 0x0FFF_FFF8
        {
            self.changed.insert(*last, END);
        }
        Ok(clusters)
    }

    fn entry(&mut self, cluster: u32) -> Result<u32, FatError> {
        match self.changed.get(&cluster) {
            Some(value) => Ok(*value),
            None => self.fat.entry(cluster),
        }
    }

    /// A free cluster, behind the last one of the file if possible.
    fn take(&mut self, last: Option<u32>) -> Result<Option<u32>, FatError> {
        if let Some(behind) = last.map(|last| last + 1).filter(|behind| self.volume.is_cluster(*behind))
            && self.is_free(behind)?
        {
            return Ok(Some(behind));
        }
        while let Some(cluster) = self.search.next() {
            if self.is_free(cluster)? {
                return Ok(Some(cluster));
            }
        }
        Ok(None)
    }

    fn is_free(&mut self, cluster: u32) -> Result<bool, FatError> {
        Ok(!self.freed.contains(&cluster) && self.entry(cluster)? == 0)
    }

    /// The sectors of the FATs and FSInfo that change, and freed clusters.
    fn structures(&self, out: &mut Vec<Structure>) -> Result<(), FatError> {
        const LABELS: [&str; 2] = ["FAT 1", "FAT 2"];
        let sector_of = |cluster: u32| u64::from(cluster) * 4 / SECTOR_SIZE;
        let sectors: BTreeSet<u64> = self.changed.keys().map(|cluster| sector_of(*cluster)).collect();
        for (number, label) in (0..self.volume.facts.fats).zip(LABELS) {
            for sector in &sectors {
                let offset = self.volume.fat_offset(number) + sector * SECTOR_SIZE;
                let mut bytes = vec![0; SECTOR_SIZE as usize];
                self.volume.read(label, offset, &mut bytes)?;
                for (cluster, value) in
                    self.changed.iter().filter(|(cluster, _)| sector_of(**cluster) == *sector)
                {
                    let at = (u64::from(*cluster) * 4 % SECTOR_SIZE) as usize;
                    // The upper four bits are not the entry's (fatgen103, "FAT Data Structure").
                    let kept = bytes[at + 3] & 0xF0;
                    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
                    bytes[at + 3] = bytes[at + 3] & 0x0F | kept;
                }
                out.push(Structure { offset: self.volume.start + offset, label, bytes: bytes.into() });
            }
        }
        out.extend(self.fs_info()?);
        let size = self.volume.facts.cluster_size as usize;
        out.extend(self.freed.iter().map(|cluster| Structure {
            offset: self.volume.start + self.volume.cluster_offset(*cluster),
            label: "cluster that became free",
            bytes: vec![0; size].into(),
        }));
        Ok(())
    }

    fn fs_info(&self) -> Result<Option<Structure>, FatError> {
        let offset = self.volume.fs_info_sector * SECTOR_SIZE;
        let mut bytes = [0; SECTOR_SIZE as usize];
        self.volume.read("FSInfo", offset, &mut bytes)?;
        let Some((free, next)) = fs_info(&bytes) else { return Ok(None) };
        let mut taken = 0;
        for (cluster, value) in &self.changed {
            let was_free = FatReader::new(self.volume).entry(*cluster)? == 0;
            taken += i64::from(was_free && *value != 0);
        }
        if let Some(free) = free {
            let free = (i64::from(free) + self.freed.len() as i64 - taken).clamp(0, i64::from(u32::MAX - 1));
            bytes[488..492].copy_from_slice(&(free as u32).to_le_bytes());
        }
        if let Some(mut hint) = next {
            while self.changed.get(&hint).is_some_and(|value| *value != 0) {
                hint += 1;
            }
            // What was taken from there and is given back: the volume is as it was.
            while hint > 2 && self.freed.contains(&(hint - 1)) {
                hint -= 1;
            }
            let hint = if self.volume.is_cluster(hint) { hint } else { u32::MAX };
            bytes[492..496].copy_from_slice(&hint.to_le_bytes());
        }
        Ok(Some(Structure {
            offset: self.volume.start + offset,
            label: "FSInfo",
            bytes: bytes.to_vec().into(),
        }))
    }
}

/// The directory entry with another length and first cluster; its times stay.
fn entry(volume: &Volume, file: &VolumeFile, len: u64, first: u32) -> Result<Structure, FatError> {
    let mut bytes = vec![0; 32];
    volume.read("directory entry", file.entry - volume.start, &mut bytes)?;
    bytes[20..22].copy_from_slice(&((first >> 16) as u16).to_le_bytes());
    bytes[26..28].copy_from_slice(&(first as u16).to_le_bytes());
    bytes[LENGTH..].copy_from_slice(&(len as u32).to_le_bytes());
    Ok(Structure { offset: file.entry, label: "directory entry", bytes: bytes.into() })
}

fn extents(volume: &Volume, clusters: &[u32]) -> Vec<PlacedExtent> {
    let size = u64::from(volume.facts.cluster_size);
    let mut extents: Vec<PlacedExtent> = Vec::new();
    for cluster in clusters {
        let offset = volume.start + volume.cluster_offset(*cluster);
        match extents.last_mut() {
            Some(last) if last.offset + last.len == offset => last.len += size,
            _ => extents.push(PlacedExtent { offset, len: size }),
        }
    }
    extents
}
