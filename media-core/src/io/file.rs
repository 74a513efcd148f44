//! A file that is read.

use std::fs::File;
use std::io;
use std::path::Path;

use super::{Source, system};

/// A file that is read; its length is taken once, when it is opened.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    len: u64,
    /// When a regular file was last written to; a block device does not say.
    modified: Option<system::Moment>,
}

impl FileSource {
    /// Opens a regular file or a block device for reading.
    ///
    /// # Errors
    /// Whatever the system says; a folder is [`io::ErrorKind::IsADirectory`], and anything else that cannot be read at
    /// any offset [`io::ErrorKind::InvalidInput`].
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::of(system::open_for_reading(path)?)
    }

    /// A file that is open for reading.
    pub(super) fn of(file: File) -> io::Result<Self> {
        let modified =
            if system::is_open_device(&file)? { None } else { Some(system::modified(&file.metadata()?)) };
        let len = system::len(&file)?;
        Ok(Self { file, len, modified })
    }

    /// Whether the file was written to since it was opened, so that what was read may not fit together. Another file
    /// put under its name is no change: this one stays as it is for as long as it is open.
    ///
    /// Seen by length and time of modification, to the precision of the file system's clock; never for a block device.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn changed(&self) -> io::Result<bool> {
        let Some(then) = self.modified else { return Ok(false) };
        let facts = self.file.metadata()?;
        Ok(facts.len() != self.len || system::modified(&facts) != then)
    }
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self.modified {
            Some(_) => system::read_at(&self.file, offset, buffer),
            None => system::read_device_at(&self.file, self.len, offset, buffer),
        }
    }

    fn file(&self) -> Option<&File> {
        Some(&self.file)
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
