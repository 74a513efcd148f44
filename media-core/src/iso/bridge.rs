//! The one module that knows the `hadris` crates: they lay out the three file systems.
//!
//! Their planner tells where files go, but only their writer tells the bytes of the structures, and the writer
//! insists on reading every file. So it reads files that are not there and writes to a device that is not there:
//! a read fills nothing and tells the device what the next write will be, and the device notes the place and
//! drops the data. No content is touched, and half a gigabyte costs a few milliseconds.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use hadris_fs::sync::{FileSystem, Volume, read_tree};
use hadris_fs::{
    Capabilities, CaseRule, Charset, Content, DateTime, DirCursor, DirEntry, Error, ErrorKind, FileType,
    FsResult, FsStats, Metadata, Name, Node, NodeId, OpenMode, PathError, Permissions, Resolve, Tree,
};
use hadris_io::ErrorType;
use hadris_iso::{BootEntry, ElTorito, IsoId, IsoLevel, IsoOptions};
use hadris_storage::sync::BlockDevice;
use hadris_storage::{BlockIndex, BlockSize};
use hadris_udf::{UdfId, UdfOptions, UdfRevision};

use super::{DATA_ALIGNMENT, IsoError, SECTOR, Sectors};
use crate::layout::FileSize;
use crate::time::Timestamp;

/// What the format library is asked for.
pub(super) struct Request<'a> {
    /// Label for ISO 9660.
    pub primary_label: &'a str,
    /// Label for the UDF logical volume, and its form for the two shorter fields.
    pub udf_label: &'a str,
    pub udf_short_label: &'a str,
    /// UDF volume set identifier; the first 16 characters tell volumes apart (UDF 1.02, 2.2.2.5).
    pub volume_set: &'a str,
    pub time: Timestamp,
    /// Path and load size of each boot image.
    pub bios: Option<(&'a str, u16)>,
    pub uefi: Option<(&'a str, u16)>,
    /// No ISO 9660 directory and no file lies before this sector.
    pub first_sector: u64,
}

/// What the format library wrote.
pub(super) struct Bridge {
    /// Every sector that is not zero and not file data.
    pub sectors: Sectors,
    /// The first sector of each file, in the order given; none for an empty one.
    pub starts: Vec<Option<u64>>,
    /// Length of the image in sectors.
    pub len: u64,
}

/// Lays `files` out back to back, each rounded up to [`DATA_ALIGNMENT`], so that every one is aligned as the first is.
pub(super) fn write(files: &[FileSize], request: &Request<'_>) -> Result<Bridge, IsoError> {
    let lengths: Vec<u64> =
        files.iter().map(|file| file.reserved().next_multiple_of(DATA_ALIGNMENT)).collect();
    let announced = Announced::default();
    let volume = Volume::new(Absent { lengths, announced: announced.clone() });
    let mut tree = Tree::new();
    for (index, file) in files.iter().enumerate() {
        let content = if file.len == 0 { Content::empty() } else { absent_content(&volume, index)? };
        tree.insert(&file.path, Node::file(content)).map_err(refused)?;
    }
    let mut device = Device { sectors: Sectors::new(), starts: vec![None; files.len()], announced };
    let report =
        hadris_udf::sync::write_bridge(&mut device, &tree, &iso_options(request)?, &udf_options(request)?)
            .map_err(refused)?;
    Ok(Bridge { sectors: device.sectors, starts: device.starts, len: report.size() / SECTOR })
}

fn iso_options(request: &Request<'_>) -> Result<IsoOptions, IsoError> {
    let options = IsoOptions::new()
        .with_id(IsoId::Volume, request.primary_label)
        .with_id(IsoId::Application, "")
        .with_level(IsoLevel::L3)
        .with_joliet()
        .with_time(date_time(request.time)?)
        .with_min_blocks(request.first_sector);
    let entries = [
        request.bios.map(|(path, load)| BootEntry::bios(path).with_load_size(load)),
        request.uefi.map(|(path, load)| BootEntry::uefi(path).with_load_size(load)),
    ];
    let catalog = entries.into_iter().flatten().fold(ElTorito::new(), ElTorito::with_entry);
    Ok(if catalog.entries().is_empty() { options } else { options.with_el_torito(catalog) })
}

fn udf_options(request: &Request<'_>) -> Result<UdfOptions, IsoError> {
    Ok(UdfOptions::new()
        .with_revision(UdfRevision::V1_02)
        .with_id(UdfId::LogicalVolume, request.udf_label)
        .with_id(UdfId::Volume, request.udf_short_label)
        .with_id(UdfId::FileSet, request.udf_short_label)
        .with_id(UdfId::VolumeSet, request.volume_set)
        .with_time(date_time(request.time)?))
}

fn date_time(time: Timestamp) -> Result<DateTime, IsoError> {
    DateTime::from_unix_seconds(time.unix())
        .map_err(|error| IsoError::Refused { path: None, reason: error.to_string() })
}

fn refused(error: PathError) -> IsoError {
    let path = error.path().map(|path| String::from_utf8_lossy(path).trim_start_matches('/').to_owned());
    IsoError::Refused { path, reason: format!("{:?}: {}", error.kind(), error.message()) }
}

/// Lazy content can only be had by reading a volume as a tree, so each file is a tree of one.
fn absent_content(volume: &Volume<Absent>, index: usize) -> Result<Content, IsoError> {
    let path = format!("/{index}");
    let tree = read_tree(volume, &path).map_err(refused)?;
    let content = tree.get(&path).and_then(Node::content).cloned();
    content.ok_or_else(|| IsoError::Refused {
        path: None,
        reason: format!("no content for file number {index}"),
    })
}

/// Which file, from which byte on, the next write will carry.
type Announced = Arc<Mutex<Option<(usize, u64)>>>;

fn announce(announced: &Announced, next: Option<(usize, u64)>) -> Option<(usize, u64)> {
    std::mem::replace(&mut *announced.lock().unwrap_or_else(PoisonError::into_inner), next)
}

/// A volume of files that have a length and nothing else. File `n` is `/n` and node `n + 2`; the root is node 1.
struct Absent {
    lengths: Vec<u64>,
    announced: Announced,
}

impl Absent {
    fn index(&self, node: NodeId) -> Option<usize> {
        usize::try_from(node.get()).ok()?.checked_sub(2).filter(|index| *index < self.lengths.len())
    }
}

impl FileSystem for Absent {
    type DeviceError = Infallible;

    fn capabilities(&self) -> Capabilities {
        Capabilities::new(CaseRule::Sensitive, Charset::Unicode, 255)
    }

    fn root(&self) -> NodeId {
        ROOT
    }

    fn statfs(&mut self) -> FsResult<FsStats, Infallible> {
        Ok(FsStats::new(0, 0, SECTOR as u32))
    }

    fn label<'b>(&mut self, _: &'b mut [u8]) -> FsResult<Option<&'b str>, Infallible> {
        Ok(None)
    }

    fn lookup(&mut self, _: NodeId, _: &Name) -> FsResult<NodeId, Infallible> {
        Err(ErrorKind::Unsupported.into())
    }

    fn forget(&mut self, _: NodeId, _: u64) {}

    fn parent(&mut self, _: NodeId) -> FsResult<NodeId, Infallible> {
        Ok(self.root())
    }

    fn resolve(&mut self, path: &[u8], _: Resolve) -> FsResult<NodeId, Infallible> {
        let name = std::str::from_utf8(path).unwrap_or_default().trim_start_matches('/');
        match name.parse::<u64>() {
            Ok(index) => NodeId::new(index + 2).ok_or_else(|| ErrorKind::NotFound.into()),
            Err(_) => Ok(self.root()),
        }
    }

    fn stat(&mut self, node: NodeId) -> FsResult<Metadata, Infallible> {
        match self.index(node) {
            Some(index) => {
                Ok(Metadata::new(FileType::File, Permissions::new(0o444)).with_len(self.lengths[index]))
            }
            None => Ok(Metadata::new(FileType::Dir, Permissions::new(0o555))),
        }
    }

    fn readdir(&mut self, _: NodeId, _: DirCursor) -> FsResult<Option<DirEntry>, Infallible> {
        Ok(None)
    }

    fn readlink<'b>(&mut self, _: NodeId, _: &'b mut [u8]) -> FsResult<&'b [u8], Infallible> {
        Err(ErrorKind::InvalidInput.into())
    }

    fn open(&mut self, _: NodeId, _: OpenMode) -> FsResult<(), Infallible> {
        Ok(())
    }

    fn close(&mut self, _: NodeId) -> FsResult<(), Infallible> {
        Ok(())
    }

    fn read(&mut self, node: NodeId, offset: u64, buffer: &mut [u8]) -> FsResult<usize, Infallible> {
        let index = self.index(node).ok_or(ErrorKind::NotFound)?;
        announce(&self.announced, Some((index, offset)));
        Ok(buffer.len())
    }
}

/// A device that keeps structures and drops file data, noting where each file starts.
struct Device {
    sectors: Sectors,
    starts: Vec<Option<u64>>,
    announced: Announced,
}

impl ErrorType for Device {
    type Error = Infallible;
}

impl BlockDevice for Device {
    fn block_size(&self) -> BlockSize {
        BLOCK_SIZE
    }

    fn block_count(&self) -> u64 {
        1 << 32
    }

    fn writable(&self) -> bool {
        true
    }

    fn read_blocks(&mut self, _: BlockIndex, _: &mut [u8]) -> Result<(), Error<Infallible>> {
        Err(ErrorKind::Unsupported.into())
    }

    fn write_blocks(&mut self, first: BlockIndex, buffer: &[u8]) -> Result<(), Error<Infallible>> {
        if let Some((file, offset)) = announce(&self.announced, None) {
            if offset == 0 {
                self.starts[file] = Some(first.get());
            }
            return Ok(());
        }
        for (block, sector) in buffer.as_chunks::<{ SECTOR as usize }>().0.iter().zip(first.get()..) {
            if *block == [0; SECTOR as usize] {
                self.sectors.remove(&sector);
            } else {
                self.sectors.insert(sector, Box::new(*block));
            }
        }
        Ok(())
    }
}

const BLOCK_SIZE: BlockSize = match BlockSize::new(SECTOR as u32) {
    Some(size) => size,
    None => unreachable!(),
};
const ROOT: NodeId = match NodeId::new(1) {
    Some(node) => node,
    None => unreachable!(),
};
