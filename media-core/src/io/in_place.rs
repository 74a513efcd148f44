//! A file that is changed where it is, and is what it was until its first bytes change.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use super::{FileSource, Sink, is_device, system};

/// A regular file opened for a change in place, locked against others of its kind.
///
/// Dropped before [`InPlaceFile::keep`], it is cut back to the length it had, unless a byte it had then was written over:
/// what is behind them may belong to them.
#[derive(Debug)]
pub struct InPlaceFile {
    file: File,
    len: u64,
    /// Whether a byte the file had when it was opened was written over.
    is_overwritten: bool,
    is_kept: bool,
}

impl InPlaceFile {
    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// Whatever the system says; [`io::ErrorKind::ResourceBusy`] when another program has locked it, and
    /// [`io::ErrorKind::InvalidInput`] for what is no regular file.
    pub fn open(path: &Path) -> io::Result<Self> {
        // Asked before it is opened: to open a named pipe is to wait for somebody who reads it.
        if !std::fs::metadata(path)?.is_file() {
            let message = "it is not a regular file, and only those are changed in place";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = "another program is changing it";
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, message));
            }
            // A network share may know no locks.
            Err(TryLockError::Error(error)) if system::has_no_locks(&error) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let len = file.metadata()?.len();
        Ok(Self { file, len, is_overwritten: false, is_kept: false })
    }

    /// Opens a medium for reading and writing: a regular file, or a block device that nothing has mounted.
    ///
    /// # Errors
    /// As [`InPlaceFile::open`]; [`io::ErrorKind::ResourceBusy`] also for a device that is mounted.
    pub fn open_medium(path: &Path) -> io::Result<Self> {
        if !is_device(path)? {
            return Self::open(path);
        }
        if cfg!(windows) {
            let message = "Windows writes whole sectors to a stick: change its disk image, and bring the stick up to date";
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
        let file = system::open_alone(path, false)?;
        let len = system::len(&file)?;
        // Nothing is ever added to a device, and nothing cut off.
        Ok(Self { file, len, is_overwritten: true, is_kept: false })
    }

    /// The file as it is now.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn source(&self) -> io::Result<FileSource> {
        FileSource::of(self.file.try_clone()?)
    }

    /// Leaves what was written.
    pub fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for InPlaceFile {
    fn drop(&mut self) {
        if !self.is_kept && !self.is_overwritten {
            let _ = self.file.set_len(self.len);
        }
    }
}

impl Sink for InPlaceFile {
    /// Refused: nothing may be lost here.
    fn set_len(&mut self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.is_overwritten |= offset < self.len && !bytes.is_empty();
        system::write_all_at(&self.file, offset, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::Source;
    use super::*;

    fn sample() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("boot.wim");
        fs::write(&path, b"as it was").expect("a file can be written");
        (folder, path)
    }

    #[test]
    fn what_was_added_and_not_kept_is_gone() {
        let (_folder, path) = sample();
        let mut file = InPlaceFile::open(&path).expect("it can be opened");
        file.write_at(9, b", and more").expect("there is room");
        assert_eq!(fs::read(&path).expect("it is there"), b"as it was, and more");
        drop(file);
        assert_eq!(fs::read(&path).expect("it is there"), b"as it was");
    }

    #[test]
    fn what_is_kept_stays() {
        let (_folder, path) = sample();
        let mut file = InPlaceFile::open(&path).expect("it can be opened");
        file.write_at(9, b", and more").expect("there is room");
        file.write_at(0, b"AS").expect("there is room");
        file.keep();
        assert_eq!(fs::read(&path).expect("it is there"), b"AS it was, and more");
    }

    #[test]
    fn what_changed_at_the_start_keeps_its_end() {
        let (_folder, path) = sample();
        let mut file = InPlaceFile::open(&path).expect("it can be opened");
        file.write_at(9, b", and more").expect("there is room");
        file.write_at(0, b"AS").expect("there is room");
        drop(file);
        assert_eq!(fs::read(&path).expect("it is there"), b"AS it was, and more");
    }

    #[test]
    fn two_do_not_change_one_file_at_once() {
        let (folder, path) = sample();
        let first = InPlaceFile::open(&path).expect("it can be opened");
        assert_eq!(first.source().expect("it can be read").len(), 9);
        let error = InPlaceFile::open(&path).expect_err("it is locked");
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
        drop(first);
        InPlaceFile::open(&path).expect("it is free again");
        let error = InPlaceFile::open(folder.path()).expect_err("a folder");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
