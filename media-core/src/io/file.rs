//! Files: as a source, and as an output that appears whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{Sink, Source};

/// A file that is read; its length is taken once, when it is opened.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    len: u64,
}

impl FileSource {
    /// Opens a regular file or a block device for reading.
    ///
    /// # Errors
    /// Whatever the system says; a folder is [`io::ErrorKind::IsADirectory`].
    pub fn open(path: &Path) -> io::Result<Self> {
        use std::io::{Seek, SeekFrom};
        let mut file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        // A block device has length 0 in its metadata but a true end.
        let len = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, len })
    }
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

/// A file under a temporary name in the folder of its final name; dropped before [`AtomicFile::keep`], it is removed.
#[derive(Debug)]
pub struct AtomicFile {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    kept: bool,
}

impl AtomicFile {
    /// Creates the temporary file beside `target`. Nothing at `target` is touched.
    ///
    /// # Errors
    /// Whatever the system says, for example that the folder does not exist.
    pub fn create(target: &Path) -> io::Result<Self> {
        let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        for attempt in 0..1000 {
            let mut temporary_name = std::ffi::OsString::from(".");
            temporary_name.push(name);
            temporary_name.push(format!(".{}-{attempt}.partial", std::process::id()));
            let temporary = target.with_file_name(temporary_name);
            match OpenOptions::new().read(true).write(true).create_new(true).open(&temporary) {
                Ok(file) => return Ok(Self { file, temporary, target: target.to_owned(), kept: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Gives the complete file its final name. With `replace` false an existing file there is an error and stays.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`], or whatever the system says.
    pub fn keep(mut self, replace: bool) -> io::Result<()> {
        self.file.sync_all()?;
        if replace {
            fs::rename(&self.temporary, &self.target)?;
        } else {
            rename_new(&self.temporary, &self.target)?;
        }
        self.kept = true;
        // The name is only durable once its folder is.
        let folder =
            self.target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }

    /// A second handle, for reading back what was written.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn source(&self) -> io::Result<FileSource> {
        FileSource::open(&self.temporary)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

impl Sink for AtomicFile {
    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.set_len(len)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    #[cfg(target_os = "linux")]
    fn copy_range(&mut self, offset: u64, from: &File, from_offset: u64, len: u64) -> io::Result<u64> {
        let (mut from_offset, mut offset) = (from_offset, offset);
        let count = usize::try_from(len.min(1 << 30)).unwrap_or(1 << 30);
        let copied =
            rustix::fs::copy_file_range(from, Some(&mut from_offset), &self.file, Some(&mut offset), count)?;
        Ok(copied as u64)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }
}

#[cfg(target_os = "linux")]
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            link_new(from, to)
        }
        other => Ok(other?),
    }
}

#[cfg(not(target_os = "linux"))]
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    link_new(from, to)
}

/// A hard link fails when the name is taken, which a plain rename does not.
fn link_new(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}
