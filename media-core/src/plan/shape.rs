//! What decides every address of a medium, and the addresses that follow from it. No content is among either, so that a
//! finished medium can be planned again from what its manifest says.

use std::ops::Range;

use super::{Plan, PlanError};
use crate::disk::{self, FIRST_SECTOR, PartitionContent, SECTOR_SIZE, Scheme};
use crate::fat32::{self, FatError};
use crate::iso;
use crate::layout::{FileSize, Layout, PlacedExtent, Structure};
use crate::media::names::MediaLabel;
use crate::spec::{Form, MediumPartition};
use crate::time::Timestamp;
use crate::tree::{Tree, VolumeIds};

/// Everything that decides addresses and structures.
#[derive(Clone)]
pub(crate) struct Shape {
    pub(crate) label: MediaLabel,
    pub(crate) time: Timestamp,
    pub(crate) ids: VolumeIds,
    /// In the order they are laid out.
    pub(crate) files: Vec<FileSize>,
    pub(crate) bios_boot: Option<String>,
    pub(crate) uefi_boot: Option<String>,
    pub(crate) form: Form,
}

impl Shape {
    pub(crate) fn of(tree: &Tree, form: Form) -> Self {
        Self {
            label: tree.label.clone(),
            time: tree.time,
            ids: tree.ids,
            files: tree.sizes(),
            bios_boot: tree.bios_boot.clone(),
            uefi_boot: tree.uefi_boot.clone(),
            form,
        }
    }
}

/// The addresses.
pub(crate) struct Laid {
    /// Length of the medium in bytes.
    pub(crate) len: u64,
    pub(crate) kind: String,
    /// Bytes in a cluster, of a FAT32 volume.
    pub(crate) cluster_size: Option<u32>,
    /// The partition table, of a disk.
    pub(crate) table: Option<Layout>,
    /// Where the file system starts.
    pub(crate) start: u64,
    /// The file system, with the files in the order they were given.
    pub(crate) volume: Layout,
    /// The partition for data, in bytes from the start of the medium.
    pub(crate) data: Option<Range<u64>>,
}

/// What of a partition for data is emptied on a device that is written anew, in bytes: Windows offers to format it when it finds
/// nothing there.
const EMPTIED: u64 = 1 << 20;
/// The name of the partition for data in a GPT.
const DATA: &str = "Data";

impl Laid {
    /// Every structure with its offset from the start of the medium.
    pub(crate) fn structures(&self) -> impl Iterator<Item = (u64, &Structure)> {
        let table = self.table.iter().flat_map(|table| &table.structures);
        let volume = self.volume.structures.iter();
        table
            .map(|structure| (structure.offset, structure))
            .chain(volume.map(|structure| (self.start + structure.offset, structure)))
    }

    /// Where a zero says something, in bytes from the start of the medium.
    pub(crate) fn zeros(&self) -> impl Iterator<Item = Range<u64>> {
        let run = |start: u64| move |run: &PlacedExtent| start + run.offset..start + run.offset + run.len;
        let table = self.table.iter().flat_map(|table| &table.zeros).map(run(0));
        table.chain(self.volume.zeros.iter().map(run(self.start)))
    }

    /// What is emptied on a device that is written anew, and is its owner's from then on.
    pub(crate) fn emptied(&self) -> Option<Range<u64>> {
        self.data.as_ref().map(|data| data.start..data.end.min(data.start + EMPTIED))
    }

    /// The runs of a file, by its number: offsets from the start of the medium.
    pub(crate) fn extents(&self, file: usize) -> impl Iterator<Item = PlacedExtent> {
        let extents = self.volume.files.get(file).into_iter().flat_map(|placed| &placed.extents);
        extents.map(|extent| PlacedExtent { offset: self.start + extent.offset, len: extent.len })
    }

    /// Where each file is that has bytes; `paths` are those of all files in their order.
    pub(crate) fn places<'a>(
        &self,
        paths: impl Iterator<Item = &'a str>,
    ) -> impl Iterator<Item = (&'a str, Option<PlacedExtent>)> {
        paths.enumerate().map(|(number, path)| (path, self.extents(number).next()))
    }

    /// The plan of a tree with these addresses.
    pub(crate) fn plan(&self, tree: &Tree) -> Result<Plan, PlanError> {
        let (kind, zeros) = (self.kind.clone(), self.zeros().collect());
        let mut plan = Plan { len: self.len, kind, zeros, emptied: self.emptied(), ..Plan::default() };
        if let Some(table) = &self.table {
            plan.add_structures(0, table);
        }
        plan.add(self.start, &self.volume, tree);
        plan.finish()
    }
}

/// Lays everything out.
///
/// # Errors
/// As [`super::plan`].
pub(crate) fn lay(shape: &Shape) -> Result<Laid, PlanError> {
    lay_again(shape, &mut None)
}

/// The same with what is known from laying out the same files before, as [`iso::plan_again`] says.
pub(crate) fn lay_again(shape: &Shape, known: &mut Option<iso::Front>) -> Result<Laid, PlanError> {
    match shape.form {
        Form::DiskImage { scheme, size, cluster_size, partition } => {
            let disk = Disk { scheme, size, partition };
            lay_disk_image(shape, disk, cluster_size)
        }
        Form::Iso { .. } => lay_iso(shape, known),
    }
}

/// The disk that a medium is laid out on.
#[derive(Clone, Copy)]
struct Disk {
    scheme: Scheme,
    /// Its length in bytes; as small as fits when not given.
    size: Option<u64>,
    partition: MediumPartition,
}

fn lay_disk_image(shape: &Shape, disk: Disk, cluster_size: Option<u32>) -> Result<Laid, PlanError> {
    let scheme = disk.scheme;
    let volume_size = match disk.partition {
        MediumPartition::Whole => disk.size,
        MediumPartition::Fits => None,
        MediumPartition::Length(len) => Some(len),
    };
    let cluster_size = cluster_size.unwrap_or_else(|| usual_cluster_size(&shape.files, volume_size));
    let needed = fat32::minimum_sectors(&shape.files, cluster_size)?;
    let (len, mut sectors) = disk.room(needed)?;
    let mut volume = lay_volume(shape, cluster_size, sectors);
    // All the room there is; a few sectors more can cost a cluster when they make the FAT longer.
    if matches!(volume, Err(FatError::VolumeTooSmall { .. })) {
        sectors = needed;
        volume = lay_volume(shape, cluster_size, sectors);
    }
    let volume = volume?;
    let ids = shape.ids;
    let mut partitions = vec![disk::Partition {
        content: PartitionContent::Medium,
        guid: ids.partition,
        name: shape.label.as_str(),
        start_sector: FIRST_SECTOR,
        sectors,
    }];
    if disk.partition != MediumPartition::Whole {
        let start_sector = data_start(sectors);
        partitions.push(disk::Partition {
            content: PartitionContent::Data,
            guid: ids.data_partition,
            name: DATA,
            start_sector,
            // Whole MiB: sticks are written in larger units than sectors, and none of them has both this and the backup GPT.
            sectors: disk::partition_sectors(scheme, start_sector, len) / FIRST_SECTOR * FIRST_SECTOR,
        });
    }
    let options = disk::DiskOptions { scheme, disk_guid: ids.disk, mbr_signature: ids.mbr_signature };
    let table = disk::plan(&partitions, &options)?;
    let bytes = |data: &disk::Partition| {
        data.start_sector * SECTOR_SIZE..(data.start_sector + data.sectors) * SECTOR_SIZE
    };
    let data = partitions.get(1).map(bytes);
    let and = if data.is_some() { " and a partition for data" } else { "" };
    Ok(Laid {
        len: table.len,
        kind: format!("{scheme} disk image, FAT32 with {cluster_size}-byte clusters{and}"),
        cluster_size: Some(cluster_size),
        table: Some(table),
        start: FIRST_SECTOR * SECTOR_SIZE,
        volume,
        data,
    })
}

impl Disk {
    /// The length of the disk in bytes, and the sectors of the medium's partition, which needs so many.
    fn room(self, needed: u64) -> Result<(u64, u64), PlanError> {
        let sectors = match self.partition {
            MediumPartition::Whole => {
                let smallest = disk::image_len(self.scheme, FIRST_SECTOR, needed);
                let len = self.at_least(smallest)?;
                return Ok((len, disk::partition_sectors(self.scheme, FIRST_SECTOR, len)));
            }
            MediumPartition::Fits => needed,
            MediumPartition::Length(given) if given / SECTOR_SIZE < needed => {
                return Err(PlanError::PartitionTooSmall { needed: needed * SECTOR_SIZE, given });
            }
            MediumPartition::Length(given) => given / SECTOR_SIZE,
        };
        let smallest = disk::image_len(self.scheme, data_start(sectors), FIRST_SECTOR);
        Ok((self.at_least(smallest)?, sectors))
    }

    fn at_least(self, smallest: u64) -> Result<u64, PlanError> {
        match self.size {
            Some(given) if given < smallest => Err(PlanError::TooSmall { needed: smallest, given }),
            given => Ok(given.unwrap_or(smallest)),
        }
    }
}

/// The first sector of the partition for data: behind the medium's, at a whole MiB.
fn data_start(sectors: u64) -> u64 {
    FIRST_SECTOR.saturating_add(sectors).next_multiple_of(FIRST_SECTOR)
}

fn lay_volume(shape: &Shape, cluster_size: u32, sectors: u64) -> Result<Layout, FatError> {
    let options = fat32::Options {
        label: &shape.label.fat(),
        volume_id: shape.ids.volume,
        cluster_size,
        sectors,
        hidden_sectors: FIRST_SECTOR as u32,
        time: shape.time,
    };
    fat32::plan(&shape.files, &options)
}

/// As Windows formats FAT32: 4 KiB up to 8 GiB, then growing to 32 KiB (Microsoft KB140365).
fn usual_cluster_size(files: &[FileSize], size: Option<u64>) -> u32 {
    let bytes = size.unwrap_or_else(|| files.iter().map(|file| file.len).sum());
    match bytes >> 30 {
        0..8 => 4096,
        8..16 => 8192,
        16..32 => 16384,
        _ => 32768,
    }
}

fn lay_iso(shape: &Shape, known: &mut Option<iso::Front>) -> Result<Laid, PlanError> {
    let volume = iso::plan_again(
        &shape.files,
        &iso::Options {
            label: shape.label.as_str(),
            time: shape.time,
            bios_boot: shape.bios_boot.as_deref(),
            uefi_boot: shape.uefi_boot.as_deref(),
            volume_id: shape.ids.volume_set,
        },
        known,
    )?;
    let kind = "ISO 9660 + Joliet + UDF".to_owned();
    Ok(Laid { len: volume.len, kind, cluster_size: None, table: None, start: 0, volume, data: None })
}
