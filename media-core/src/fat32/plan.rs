//! The planner: names and lengths in, addresses and file system structures out.

use std::sync::Arc;

use super::boot::{BACKUP_SECTOR, MEDIA, boot_sector, fs_info};
use super::geometry::{Geometry, clusters_per_alignment, sectors_for};
use super::names::{self, ShortName};
use super::tree::{Node, Tree};
use super::{FEWEST_CLUSTERS, FatError, SECTOR_SIZE};
use crate::layout::{FileSize, Layout, PlacedExtent, Placement, Structure};
use crate::time::Timestamp;

/// Ends a chain of clusters.
const END_OF_CHAIN: u32 = 0x0FFF_FFFF;
const FIRST_CLUSTER: u64 = 2;

const ATTRIBUTE_VOLUME: u8 = 0x08;
const ATTRIBUTE_FOLDER: u8 = 0x10;
const ATTRIBUTE_ARCHIVE: u8 = 0x20;
const ATTRIBUTES_LONG_NAME: u8 = 0x0F;

/// What a volume is to be like.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// The volume label: up to 11 of `A`-`Z`, `0`-`9`, space and ``$%'-_@~`!(){}^#&``; empty for none.
    pub label: &'a str,
    /// The volume's serial number, which Windows shows as `1234-ABCD`.
    pub volume_id: u32,
    /// Bytes in a cluster: a power of two from 512 to 65536. Windows reads up to 32768 everywhere.
    pub cluster_size: u32,
    /// Length of the volume in sectors of 512 bytes.
    pub sectors: u64,
    /// Sectors in front of the volume: the partition's first sector, 0 without a partition table.
    pub hidden_sectors: u32,
    /// The date of every file and folder. FAT keeps local time; this is written as UTC, moved into 1980 to 2107.
    pub time: Timestamp,
}

/// Places files on a new volume; offsets count from the volume's start.
///
/// Folders come first, then the files in the order given, each in one run that starts at a multiple of 4096 bytes from
/// the volume's start. An empty file has no extent. Equal arguments give equal layouts.
///
/// # Errors
/// [`FatError`] for anything FAT32 cannot hold, before anything is planned.
pub fn plan(files: &[FileSize], options: &Options) -> Result<Layout, FatError> {
    let label = names::label(options.label)
        .map_err(|problem| FatError::Label { label: options.label.to_owned(), problem })?;
    let tree = Tree::new(files)?;
    let geometry = Geometry::new(options.sectors, options.cluster_size)?;
    let places = Places::new(&tree, files, options.cluster_size)?;
    if geometry.clusters < places.clusters().max(FEWEST_CLUSTERS) {
        return Err(FatError::VolumeTooSmall {
            needed: sectors_for(places.clusters(), options.cluster_size)?,
            given: options.sectors,
            cluster_size: options.cluster_size,
        });
    }

    let boot = boot_sector(&geometry, options.hidden_sectors, options.volume_id, &label);
    let used: u64 = places.runs().map(|run| run.count).sum();
    let next_free = places.end.min(geometry.clusters + 1);
    let info = fs_info((geometry.clusters - used) as u32, next_free as u32);
    let (boot, info) = (Arc::new(boot.to_vec()), Arc::new(info.to_vec()));
    let fat = Arc::new(places.fat());
    let mut structures = vec![
        Structure { offset: 0, label: "boot sector", bytes: boot.clone() },
        Structure { offset: SECTOR_SIZE, label: "FSInfo", bytes: info.clone() },
        Structure { offset: BACKUP_SECTOR * SECTOR_SIZE, label: "backup boot sector", bytes: boot.clone() },
        Structure { offset: (BACKUP_SECTOR + 1) * SECTOR_SIZE, label: "backup FSInfo", bytes: info.clone() },
        Structure { offset: geometry.fat_offset(0), label: "FAT 1", bytes: fat.clone() },
        Structure { offset: geometry.fat_offset(1), label: "FAT 2", bytes: fat },
    ];
    for (index, run) in places.folders.iter().enumerate() {
        let mut entries = Entries { bytes: Vec::new(), time: DosTime::new(options.time) };
        entries.folder(&tree, index, &places, files, (!options.label.is_empty()).then_some(&label));
        if !entries.bytes.is_empty() {
            let offset = geometry.cluster_offset(run.first);
            let label = if index == 0 { "root folder" } else { "folder" };
            structures.push(Structure { offset, label, bytes: entries.bytes.into() });
        }
    }
    let placements = files.iter().zip(&places.files).map(|(file, run)| {
        let extent =
            run.map(|run| PlacedExtent { offset: geometry.cluster_offset(run.first), len: file.len });
        Placement { path: file.path.clone(), extents: extent.into_iter().collect() }
    });
    let folders = places.folders.iter().map(|run| PlacedExtent {
        offset: geometry.cluster_offset(run.first),
        len: run.count * u64::from(options.cluster_size),
    });
    let in_front = PlacedExtent { offset: 0, len: geometry.cluster_offset(FIRST_CLUSTER) };
    let zeros = std::iter::once(in_front).chain(folders).collect();
    Ok(Layout { len: options.sectors * SECTOR_SIZE, structures, files: placements.collect(), zeros })
}

/// Length in sectors of the smallest FAT32 volume that holds these files.
///
/// [`plan`] succeeds with this many sectors or more, and fails with one cluster less.
///
/// # Errors
/// [`FatError`] for anything FAT32 cannot hold.
pub fn minimum_sectors(files: &[FileSize], cluster_size: u32) -> Result<u64, FatError> {
    // Checks the cluster size before anything is divided by it.
    sectors_for(0, cluster_size)?;
    sectors_for(Places::new(&Tree::new(files)?, files, cluster_size)?.clusters(), cluster_size)
}

/// Clusters that follow each other.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: u64,
    count: u64,
}

/// Which clusters everything is in.
struct Places {
    folders: Vec<Run>,
    /// Nothing for an empty file.
    files: Vec<Option<Run>>,
    /// The first cluster behind everything.
    end: u64,
}

impl Places {
    fn new(tree: &Tree, files: &[FileSize], cluster_size: u32) -> Result<Self, FatError> {
        let size = u64::from(cluster_size);
        let mut end = FIRST_CLUSTER;
        let mut take = |count: u64| {
            end += count;
            Run { first: end - count, count }
        };
        let mut folders = Vec::with_capacity(tree.folders.len());
        for index in 0..tree.folders.len() {
            folders.push(take((tree.slots(index)? * 32).div_ceil(size)));
        }
        let alignment = clusters_per_alignment(cluster_size);
        let mut placed = Vec::with_capacity(files.len());
        for file in files {
            if file.len == 0 {
                placed.push(None);
                continue;
            }
            end = (end - FIRST_CLUSTER).next_multiple_of(alignment) + FIRST_CLUSTER;
            placed.push(Some(Run { first: end, count: file.len.div_ceil(size) }));
            end += file.reserved().div_ceil(size);
        }
        Ok(Self { folders, files: placed, end })
    }

    /// Clusters needed, those left free for alignment and for files to grow included.
    fn clusters(&self) -> u64 {
        self.end - FIRST_CLUSTER
    }

    fn runs(&self) -> impl Iterator<Item = Run> {
        self.folders.iter().copied().chain(self.files.iter().copied().flatten())
    }

    /// The FAT up to the last cluster in use; the rest is zero, which means free.
    fn fat(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.end as usize * 4);
        // The first entry repeats the media descriptor; the second says "shut down properly, no read errors".
        out.extend_from_slice(&(0x0FFF_FF00 | u32::from(MEDIA)).to_le_bytes());
        out.extend_from_slice(&END_OF_CHAIN.to_le_bytes());
        for run in self.runs() {
            out.resize(run.first as usize * 4, 0);
            let last = run.first + run.count - 1;
            out.extend((run.first..last).flat_map(|cluster| (cluster as u32 + 1).to_le_bytes()));
            out.extend_from_slice(&END_OF_CHAIN.to_le_bytes());
        }
        out
    }
}

/// The bytes of one folder.
struct Entries {
    bytes: Vec<u8>,
    time: DosTime,
}

impl Entries {
    fn folder(
        &mut self,
        tree: &Tree,
        index: usize,
        places: &Places,
        files: &[FileSize],
        label: Option<&ShortName>,
    ) {
        let folder = &tree.folders[index];
        if index == 0 {
            if let Some(label) = label {
                self.short(label, ATTRIBUTE_VOLUME, 0, 0);
            }
        } else {
            // The root counts as cluster 0 in the entry that leads back to it (fatgen103, "FAT Directories").
            let parent = if folder.parent == 0 { 0 } else { places.folders[folder.parent].first };
            self.short(b".          ", ATTRIBUTE_FOLDER, places.folders[index].first, 0);
            self.short(b"..         ", ATTRIBUTE_FOLDER, parent, 0);
        }
        for entry in &folder.entries {
            if entry.long {
                self.long(&entry.name, &entry.short);
            }
            match entry.node {
                Node::Folder(child) => {
                    self.short(&entry.short, ATTRIBUTE_FOLDER, places.folders[child].first, 0);
                }
                Node::File(file) => {
                    let first = places.files[file].map_or(0, |run| run.first);
                    self.short(&entry.short, ATTRIBUTE_ARCHIVE, first, files[file].len as u32);
                }
            }
        }
    }

    /// A short-name entry (fatgen103, "FAT Directory Structure").
    fn short(&mut self, name: &ShortName, attributes: u8, cluster: u64, len: u32) {
        let DosTime { date, time, tenths } = self.time;
        let cluster = (cluster as u32).to_le_bytes();
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(&[attributes, 0, tenths]);
        self.bytes.extend([time, date, date].iter().flat_map(|field| field.to_le_bytes()));
        self.bytes.extend_from_slice(&cluster[2..]);
        self.bytes.extend([time, date].iter().flat_map(|field| field.to_le_bytes()));
        self.bytes.extend_from_slice(&cluster[..2]);
        self.bytes.extend_from_slice(&len.to_le_bytes());
    }

    /// The slots of a long name, 13 units each, last part first (fatgen103, "Long Name Directory Entries").
    fn long(&mut self, name: &str, short: &ShortName) {
        let checksum = short.iter().fold(0_u8, |sum, &byte| sum.rotate_right(1).wrapping_add(byte));
        let units: Vec<u16> = name.encode_utf16().collect();
        let parts = units.chunks(13).enumerate().rev();
        for (last, (index, part)) in std::iter::once(0x40).chain(std::iter::repeat(0)).zip(parts) {
            // A part that is not full ends with 0 and is filled with 0xFFFF.
            let mut filled = [0xFFFF_u16; 13];
            filled[..part.len()].copy_from_slice(part);
            if let Some(end) = filled.get_mut(part.len()) {
                *end = 0;
            }
            let bytes: Vec<u8> = filled.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            self.bytes.push((index as u8 + 1) | last);
            self.bytes.extend_from_slice(&bytes[..10]);
            self.bytes.extend_from_slice(&[ATTRIBUTES_LONG_NAME, 0, checksum]);
            self.bytes.extend_from_slice(&bytes[10..22]);
            self.bytes.extend_from_slice(&[0, 0]);
            self.bytes.extend_from_slice(&bytes[22..]);
        }
    }
}

/// Date and time as FAT keeps them: two seconds, and the odd one in the tenths of the creation time.
#[derive(Debug, Clone, Copy)]
struct DosTime {
    date: u16,
    time: u16,
    tenths: u8,
}

impl DosTime {
    fn new(time: Timestamp) -> Self {
        /// 1980-01-01T00:00:00Z and 2107-12-31T23:59:59Z.
        const RANGE: (i64, i64) = (315_532_800, 4_354_819_199);
        let moment = Timestamp::from_unix(time.unix().clamp(RANGE.0, RANGE.1)).calendar();
        let (hour, minute, second) = moment.to_hms();
        Self {
            date: ((moment.year() - 1980) as u16) << 9
                | u16::from(u8::from(moment.month())) << 5
                | u16::from(moment.day()),
            time: u16::from(hour) << 11 | u16::from(minute) << 5 | u16::from(second / 2),
            tenths: second % 2 * 100,
        }
    }
}
