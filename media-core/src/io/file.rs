//! Files: as a source, and as an output that appears whole or not at all.

use std::fs::{self, File, FileType, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::{Sink, Source};

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

/// A file under a temporary name in the folder of its final name; dropped before [`AtomicFile::keep`], it is removed.
#[derive(Debug)]
pub struct AtomicFile {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    kept: bool,
    /// Whether something was written that may not have reached the device.
    unsynced: bool,
}

impl AtomicFile {
    /// Creates the temporary file beside `target`. Nothing at `target` is touched, but when a file is there, no more
    /// people may read the new one than that.
    ///
    /// # Errors
    /// Whatever the system says, for example that the folder does not exist.
    pub fn create(target: &Path) -> io::Result<Self> {
        target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mode = existing_mode(target).map_or(0o666, |mode| mode | 0o600);
        for attempt in 0..1000 {
            // Not made of the target's name, which may be as long as a name can be.
            let temporary =
                target.with_file_name(format!(".tsmedia-{}-{attempt}.partial", std::process::id()));
            let mut options = OpenOptions::new();
            match options.read(true).write(true).create_new(true).mode(mode).open(&temporary) {
                Ok(file) => {
                    let target = target.to_owned();
                    return Ok(Self { file, temporary, target, kept: false, unsynced: true });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Gives the complete file its final name. With `replace` false an existing file there is an error and stays; with
    /// `replace` true the new file takes its permissions.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`], or whatever the system says.
    pub fn keep(mut self, replace: bool) -> io::Result<()> {
        if let Some(mode) = existing_mode(&self.target).filter(|_| replace)
            && mode != self.file.metadata()?.mode() & PERMISSIONS
        {
            // A file system without permissions refuses, and has none that could be widened.
            let _ = self.file.set_permissions(Permissions::from_mode(mode));
            self.unsynced = true;
        }
        if self.unsynced {
            self.sync()?;
        }
        let folder =
            self.target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = File::open(folder);
        if replace {
            fs::rename(&self.temporary, &self.target)?;
        } else {
            rename_new(&self.temporary, &self.target)?;
        }
        self.kept = true;
        // The name is only durable once its folder is. Some folders cannot be read, and some file systems sync none:
        // the file is complete under its name all the same.
        let _ = folder.and_then(|folder| folder.sync_all());
        Ok(())
    }

    /// The name the file has until it is kept, for whoever ends the process without dropping it.
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// A second handle, for reading back what was written.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn source(&self) -> io::Result<FileSource> {
        FileSource::open(&self.temporary)
    }
}

const PERMISSIONS: u32 = 0o777;

/// The permissions of a file that is there.
fn existing_mode(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().filter(Metadata::is_file).map(|facts| facts.mode() & PERMISSIONS)
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
        self.unsynced = true;
        self.file.set_len(0)?;
        self.file.set_len(len)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.unsynced = true;
        self.file.write_all_at(bytes, offset)
    }

    #[cfg(target_os = "linux")]
    fn copy_range(&mut self, offset: u64, from: &File, from_offset: u64, len: u64) -> io::Result<u64> {
        self.unsynced = true;
        let (mut from_offset, mut offset) = (from_offset, offset);
        let count = usize::try_from(len.min(1 << 30)).unwrap_or(1 << 30);
        let copied =
            rustix::fs::copy_file_range(from, Some(&mut from_offset), &self.file, Some(&mut offset), count)?;
        Ok(copied as u64)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        self.unsynced = false;
        Ok(())
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
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if has_no_links(&error) => rename_unless_there(from, to),
        Err(error) => Err(error),
    }
}

/// Whether a file system has no hard links (FAT, some network shares), or no more of them for this file.
fn has_no_links(error: &io::Error) -> bool {
    use rustix::io::Errno;
    error.kind() == io::ErrorKind::Unsupported
        || matches!(Errno::from_io_error(error), Some(Errno::PERM | Errno::MLINK | Errno::NOSYS))
}

/// The best such a file system can do: a file made there between the two steps would be replaced.
fn rename_unless_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::symlink_metadata(to) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
