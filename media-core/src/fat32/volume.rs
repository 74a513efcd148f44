//! The reader: opens a volume, walks cluster chains. It shares no code with the planner, so that each can find the
//! other's mistakes.

use std::sync::Arc;

use super::{FEWEST_CLUSTERS, FatError, LARGEST_FOLDER, MOST_CLUSTERS, SECTOR_SIZE, walk};
use crate::bytes::{Reader, Truncated};
use crate::content::Content;
use crate::finding::Finding;
use crate::io::Source;

/// A FAT32 volume somewhere in a source.
pub struct Volume {
    pub(super) source: Arc<dyn Source>,
    pub(super) start: u64,
    pub(super) facts: VolumeFacts,
    pub(super) root: u32,
    pub(super) fs_info_sector: u64,
    pub(super) backup_sector: u64,
}

/// What the boot sector and FSInfo say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VolumeFacts {
    /// The label in the boot sector without padding. Windows shows the root folder's: see [`Volume::label`].
    pub boot_label: String,
    /// The volume's serial number.
    pub volume_id: u32,
    /// Length in sectors of 512 bytes.
    pub sectors: u64,
    /// Sectors in front of the volume, as it believes.
    pub hidden_sectors: u32,
    /// Sectors in front of the first FAT.
    pub reserved_sectors: u64,
    /// How many FATs there are, 1 or 2.
    pub fats: u64,
    /// Sectors in each FAT.
    pub fat_sectors: u64,
    /// Bytes in a cluster.
    pub cluster_size: u32,
    /// Clusters for data.
    pub clusters: u32,
    /// Free clusters as FSInfo has it; `None` when it says it does not know or is not valid.
    pub free_clusters: Option<u32>,
    /// Where FSInfo says to look for free clusters.
    pub next_free: Option<u32>,
}

/// A file on a volume.
#[derive(Clone)]
pub struct VolumeFile {
    /// The path from the root with `/` between names.
    pub path: String,
    /// Length in bytes.
    pub len: u64,
    /// The file's bytes, as slices of the volume's source.
    pub content: Content,
    /// Where its short-name entry is, in bytes from the start of the source.
    pub(super) entry: u64,
    /// Its clusters: the first of each run, and how many.
    pub(super) runs: Vec<(u32, u64)>,
}

impl Volume {
    /// Opens the volume that starts `start` bytes into the source and has room for `len` bytes there.
    ///
    /// # Errors
    /// [`FatError::NotFat32`] when the boot sector describes something else, [`FatError::Truncated`] when the volume
    /// does not fit into `len` or the source, [`FatError::Io`].
    pub fn open(source: Arc<dyn Source>, start: u64, len: u64) -> Result<Self, FatError> {
        let room = len.min(source.len().saturating_sub(start));
        if room < SECTOR_SIZE {
            return Err(Truncated {
                what: "FAT32 boot sector",
                offset: start,
                wanted: SECTOR_SIZE,
                left: room,
            }
            .into());
        }
        let mut boot = [0; SECTOR_SIZE as usize];
        read(source.as_ref(), "FAT32 boot sector", start, &mut boot)?;
        let parsed = Boot::parse(&boot)?;
        let wanted = parsed.facts.sectors * SECTOR_SIZE;
        if wanted > room {
            return Err(Truncated { what: "FAT32 volume", offset: start, wanted, left: room }.into());
        }
        let Boot { mut facts, root, fs_info_sector, backup_sector } = parsed;
        let mut info = [0; SECTOR_SIZE as usize];
        read(source.as_ref(), "FSInfo", start + fs_info_sector * SECTOR_SIZE, &mut info)?;
        (facts.free_clusters, facts.next_free) = fs_info(&info).unwrap_or_default();
        Ok(Self { source, start, facts, root, fs_info_sector, backup_sector })
    }

    /// What the boot sector and FSInfo say.
    pub fn facts(&self) -> &VolumeFacts {
        &self.facts
    }

    /// The volume's label: the root folder's, else the boot sector's, else empty.
    ///
    /// # Errors
    /// [`FatError::Damaged`] when the root folder cannot be followed, [`FatError::Io`].
    pub fn label(&self) -> Result<String, FatError> {
        let label = walk::root_label(self)?.unwrap_or_else(|| self.facts.boot_label.clone());
        Ok(if label == "NO NAME" { String::new() } else { label })
    }

    /// All files, folder by folder, in the order they are stored in.
    ///
    /// # Errors
    /// [`FatError::Damaged`] at the first thing that is wrong with a folder or a chain, [`FatError::Io`].
    pub fn files(&self) -> Result<Vec<VolumeFile>, FatError> {
        Ok(walk::walk(self, &mut Err)?.files)
    }

    /// The files that can be found whatever is wrong, and the first thing that is. Of a file whose chain is damaged
    /// only the bytes before the damage are there.
    ///
    /// # Errors
    /// [`FatError::Io`].
    pub fn listing(&self) -> Result<(Vec<VolumeFile>, Option<FatError>), FatError> {
        let mut first = None;
        let walked = walk::walk(self, &mut |error| match error {
            FatError::Io { .. } => Err(error),
            _ => {
                first.get_or_insert(error);
                Ok(())
            }
        })?;
        Ok((walked.files, first))
    }

    /// Looks at every structure; no finding means that nothing is wrong. File contents have no checksums on FAT.
    ///
    /// # Errors
    /// [`FatError::Io`] when the source cannot be read.
    pub fn check(&self) -> Result<Vec<Finding>, FatError> {
        super::check::check(self)
    }

    /// Reads at an offset from the volume's start.
    pub(super) fn read(&self, what: &'static str, offset: u64, buffer: &mut [u8]) -> Result<(), FatError> {
        read(self.source.as_ref(), what, self.start + offset, buffer)
    }

    /// Bytes from the volume's start to a FAT.
    pub(super) fn fat_offset(&self, number: u64) -> u64 {
        (self.facts.reserved_sectors + number * self.facts.fat_sectors) * SECTOR_SIZE
    }

    /// Bytes from the volume's start to a cluster.
    pub(super) fn cluster_offset(&self, cluster: u32) -> u64 {
        self.fat_offset(self.facts.fats) + u64::from(cluster - 2) * u64::from(self.facts.cluster_size)
    }

    pub(super) fn is_cluster(&self, number: u32) -> bool {
        (2..self.facts.clusters + 2).contains(&number)
    }

    /// The most clusters a folder can have.
    pub(super) fn folder_clusters(&self) -> u64 {
        (LARGEST_FOLDER * 32).div_ceil(u64::from(self.facts.cluster_size))
    }
}

/// What the boot sector says, checked.
pub(super) struct Boot {
    pub(super) facts: VolumeFacts,
    pub(super) root: u32,
    fs_info_sector: u64,
    backup_sector: u64,
}

impl Boot {
    pub(super) fn parse(bytes: &[u8; 512]) -> Result<Self, FatError> {
        let mut reader = Reader::new("FAT32 boot sector", bytes);
        reader.take(11)?;
        let sector_size = reader.u16()?;
        let per_cluster = reader.u8()?;
        let reserved = reader.u16()?;
        let fats = reader.u8()?;
        let (root_entries, sectors_16) = (reader.u16()?, reader.u16()?);
        reader.take(1)?;
        let fat_sectors_16 = reader.u16()?;
        reader.take(4)?;
        let (hidden_sectors, sectors) = (reader.u32()?, reader.u32()?);
        let fat_sectors = reader.u32()?;
        let (flags, version) = (reader.u16()?, reader.u16()?);
        let root = reader.u32()?;
        let (fs_info_sector, backup_sector) = (reader.u16()?, reader.u16()?);
        reader.take(14)?;
        let signature = reader.u8()?;
        let volume_id = reader.u32()?;
        let label = reader.array::<11>()?;

        require(
            "signature",
            u16::from_le_bytes([bytes[510], bytes[511]]),
            |found| found == 0xAA55,
            "0xAA55",
        )?;
        require("bytes per sector", sector_size, |found| found == 512, "512")?;
        require("sectors per cluster", per_cluster, u8::is_power_of_two, "a power of two up to 128")?;
        require("reserved sectors", reserved, |found| found > 0, "at least 1")?;
        require("number of FATs", fats, |found| found == 1 || found == 2, "1 or 2")?;
        require("root entries", root_entries, |found| found == 0, "0")?;
        require("16-bit total sectors", sectors_16, |found| found == 0, "0")?;
        require("16-bit sectors per FAT", fat_sectors_16, |found| found == 0, "0")?;
        require("file system version", version, |found| found == 0, "0")?;
        require("extended flags", flags, |found| found & 0x80 == 0, "mirrored FATs")?;
        require(
            "FSInfo sector",
            fs_info_sector,
            |found| (1..reserved).contains(&found),
            "a reserved sector",
        )?;
        require(
            "backup boot sector",
            backup_sector,
            |found| found < reserved,
            "a reserved sector, or 0 for none",
        )?;
        require("extended boot signature", signature, |found| found == 0x29, "0x29")?;

        let before = u64::from(reserved) + u64::from(fats) * u64::from(fat_sectors);
        let clusters = u64::from(sectors).saturating_sub(before) / u64::from(per_cluster);
        let possible = FEWEST_CLUSTERS..=MOST_CLUSTERS;
        require("number of clusters", clusters, |found| possible.contains(&found), "65525 to 268435444")?;
        let covered = u64::from(fat_sectors) * (SECTOR_SIZE / 4);
        require("sectors per FAT", fat_sectors, |_| covered >= clusters + 2, "an entry for each cluster")?;
        require("root cluster", root, |found| (2..clusters + 2).contains(&u64::from(found)), "a cluster")?;

        let facts = VolumeFacts {
            boot_label: walk::oem_text(&label).trim_end().to_owned(),
            volume_id,
            sectors: u64::from(sectors),
            hidden_sectors,
            reserved_sectors: u64::from(reserved),
            fats: u64::from(fats),
            fat_sectors: u64::from(fat_sectors),
            cluster_size: u32::from(per_cluster) * SECTOR_SIZE as u32,
            clusters: clusters as u32,
            free_clusters: None,
            next_free: None,
        };
        let (fs_info_sector, backup_sector) = (u64::from(fs_info_sector), u64::from(backup_sector));
        Ok(Self { facts, root, fs_info_sector, backup_sector })
    }
}

fn require<T: Copy + Into<u64>>(
    field: &'static str,
    found: T,
    holds: impl Fn(T) -> bool,
    expected: &'static str,
) -> Result<(), FatError> {
    if holds(found) { Ok(()) } else { Err(FatError::NotFat32 { field, found: found.into(), expected }) }
}

/// Free clusters and next free cluster, when the sector is what it should be; 0xFFFFFFFF means unknown.
pub(super) fn fs_info(bytes: &[u8; 512]) -> Option<(Option<u32>, Option<u32>)> {
    let valid = bytes[..4] == *b"RRaA" && bytes[484..488] == *b"rrAa" && bytes[508..] == [0, 0, 0x55, 0xAA];
    let known = |value: u32| (value != u32::MAX).then_some(value);
    let mut reader = Reader::new("FSInfo", &bytes[488..496]);
    let counts = (known(reader.u32().ok()?), known(reader.u32().ok()?));
    valid.then_some(counts)
}

fn read(source: &dyn Source, what: &'static str, offset: u64, buffer: &mut [u8]) -> Result<(), FatError> {
    source.read_exact_at(offset, buffer).map_err(|error| FatError::Io { what, offset, error })
}
