//! A stick: a block device that is written and read in whole sectors, past the page cache.

use std::fs::File;
use std::io;
use std::path::Path;

use super::{Sink, Source, system};

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
        if !is_device(path)? {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a block device"));
        }
        let (file, is_direct) = open(path)?;
        // It may have become another since it was looked at.
        if !system::is_open_device(&file)? {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a block device any more"));
        }
        let len = system::len(&file)?;
        Ok(Self { file, len, is_direct })
    }

    /// Whether what is written and read goes past the page cache, so that what is read back comes from the device.
    pub fn is_direct(&self) -> bool {
        self.is_direct
    }

    /// The numbers by which the system knows the device, major and minor; nothing where it has none.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn number(&self) -> io::Result<Option<(u32, u32)>> {
        system::number(&self.file)
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

/// Whether a path leads to a disk or a part of one.
///
/// # Errors
/// Whatever the system says, for example that there is nothing.
pub fn is_device(path: &Path) -> io::Result<bool> {
    system::is_device(path)
}

/// Opens a device past the page cache, where that is possible; whether it is.
fn open(path: &Path) -> io::Result<(File, bool)> {
    match system::open_alone(path, true) {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok((system::open_alone(path, false)?, false))
        }
        opened => Ok((opened?, true)),
    }
}

impl Sink for BlockDevice {
    /// A device is as long as it is.
    fn set_len(&mut self, len: u64) -> io::Result<()> {
        if len <= self.len { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        system::write_all_at(&self.file, offset, bytes)
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
        system::read_at(&self.file, offset, buffer)
    }
}
