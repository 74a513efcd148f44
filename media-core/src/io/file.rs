//! A file that is read.

use std::fs::{self, File, FileType, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::Path;

use super::Source;

/// A file that is read; its length is taken once, when it is opened.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    len: u64,
    /// When a regular file was last written to, in seconds and nanoseconds; a block device does not say.
    modified: Option<(i64, i64)>,
}

impl FileSource {
    /// Opens a regular file or a block device for reading.
    ///
    /// # Errors
    /// Whatever the system says; a folder is [`io::ErrorKind::IsADirectory`], and anything else that cannot be read at
    /// any offset [`io::ErrorKind::InvalidInput`].
    pub fn open(path: &Path) -> io::Result<Self> {
        // Asked before it is opened: to open a named pipe is to wait for somebody who writes to it.
        check_kind(fs::metadata(path)?.file_type())?;
        Self::of(File::open(path)?)
    }

    /// A file that is open for reading.
    pub(super) fn of(mut file: File) -> io::Result<Self> {
        use std::io::{Seek, SeekFrom};
        let facts = file.metadata()?;
        check_kind(facts.file_type())?;
        let modified = facts.is_file().then(|| modified(&facts));
        // A block device has length 0 in its metadata but a true end.
        let len = file.seek(SeekFrom::End(0))?;
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
        Ok(facts.len() != self.len || modified(&facts) != then)
    }
}

fn modified(facts: &Metadata) -> (i64, i64) {
    (facts.mtime(), facts.mtime_nsec())
}

fn check_kind(kind: FileType) -> io::Result<()> {
    let found = match kind {
        kind if kind.is_file() || kind.is_block_device() => return Ok(()),
        kind if kind.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_char_device() => "a character device",
        _ => "of another kind",
    };
    let message = format!("it is {found}, and only files and block devices can be read at any offset");
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn file(&self) -> Option<&File> {
        Some(&self.file)
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
