//! A stick: a block device that is written and read in whole sectors, past the page cache.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::Path;

use super::{FileSource, Sink, Source};

/// A block device that nobody else has.
#[derive(Debug)]
pub struct BlockDevice {
    file: File,
    len: u64,
    is_direct: bool,
}

impl BlockDevice {
    /// Opens a block device for reading and writing, alone: while it is open nobody can mount it.
    ///
    /// # Errors
    /// [`io::ErrorKind::ResourceBusy`] for one that is mounted or otherwise in use, [`io::ErrorKind::InvalidInput`] for
    /// what is no block device, and whatever else the system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        if !std::fs::metadata(path)?.file_type().is_block_device() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a block device"));
        }
        let (file, is_direct) = open(path)?;
        // It may have become another since it was looked at.
        if !file.metadata()?.file_type().is_block_device() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a block device any more"));
        }
        let len = FileSource::of(file.try_clone()?)?.len();
        Ok(Self { file, len, is_direct })
    }

    /// Whether what is written and read goes past the page cache, so that what is read back comes from the device.
    pub fn is_direct(&self) -> bool {
        self.is_direct
    }

    /// The numbers by which the system knows the device, major and minor.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn number(&self) -> io::Result<(u32, u32)> {
        let number = self.file.metadata()?.rdev();
        Ok((rustix::fs::major(number), rustix::fs::minor(number)))
    }

    /// Has what follows read from the device even where the page cache cannot be passed.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn forget_what_was_read(&self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        rustix::fs::fadvise(&self.file, 0, None, rustix::fs::Advice::DontNeed)?;
        Ok(())
    }
}

/// Opens a device past the page cache, where that is possible; whether it is.
fn open(path: &Path) -> io::Result<(File, bool)> {
    match open_alone(path, true) {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok((open_alone(path, false)?, false))
        }
        opened => Ok((opened?, true)),
    }
}

/// Opens a device for reading and writing, and for nobody else: mounted, it is refused.
#[cfg(target_os = "linux")]
pub(super) fn open_alone(path: &Path, is_direct: bool) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;
    // For a device this does not ask to create it, but to have it alone.
    let flags = if is_direct { OFlags::EXCL | OFlags::DIRECT } else { OFlags::EXCL };
    OpenOptions::new().read(true).write(true).custom_flags(flags.bits() as i32).open(path)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn open_alone(path: &Path, is_direct: bool) -> io::Result<File> {
    if is_direct {
        return Err(io::ErrorKind::Unsupported.into());
    }
    OpenOptions::new().read(true).write(true).open(path)
}

impl Sink for BlockDevice {
    /// A device is as long as it is.
    fn set_len(&mut self, len: u64) -> io::Result<()> {
        if len <= self.len { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

impl Source for BlockDevice {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }
}
