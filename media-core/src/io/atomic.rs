//! An output that appears whole or not at all.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::direct::Direct;
use super::system::{self, Access};
use super::write_back::WriteBack;
use super::{FileSource, Sink};

/// What the name of a temporary file begins and ends with; between are the process and a number, `PROCESS-NUMBER`.
pub const TEMPORARY_NAME: [&str; 2] = [".tsmedia-", ".partial"];

/// A file under a temporary name in the folder of its final name; dropped before [`AtomicFile::keep`], it is removed.
#[derive(Debug)]
pub struct AtomicFile {
    file: Arc<File>,
    temporary: PathBuf,
    target: PathBuf,
    private: bool,
    kept: bool,
    write_back: WriteBack,
    direct: Direct,
}

impl AtomicFile {
    /// Creates the temporary file beside `target`. Nothing at `target` is touched, but when a file is there, no more
    /// people may read the new one than that.
    ///
    /// # Errors
    /// Whatever the system says, for example that the folder does not exist.
    pub fn create(target: &Path) -> io::Result<Self> {
        Self::create_with(target, Access::of(target).map_or(Access::USUAL, Access::and_owner), false)
    }

    /// The same for a file that nobody but its owner may read, whoever could read the one it replaces.
    ///
    /// # Errors
    /// As [`AtomicFile::create`].
    pub fn create_private(target: &Path) -> io::Result<Self> {
        Self::create_with(target, Access::PRIVATE, true)
    }

    fn create_with(target: &Path, access: Access, private: bool) -> io::Result<Self> {
        target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let [prefix, suffix] = TEMPORARY_NAME;
        for attempt in 0..1000 {
            // Not made of the target's name, which may be as long as a name can be.
            let temporary =
                target.with_file_name(format!("{prefix}{}-{attempt}{suffix}", std::process::id()));
            match access.create(&temporary) {
                Ok(file) => {
                    let (file, target) = (Arc::new(file), target.to_owned());
                    let write_back = WriteBack::of(file.clone())?;
                    let direct = Direct::of(&file, &temporary);
                    return Ok(Self { file, temporary, target, private, kept: false, write_back, direct });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Gives the complete file its final name, once it has reached the device. With `replace` false an existing file there is an error and stays; with
    /// `replace` true the new file takes its permissions.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`], or whatever the system says.
    pub fn keep(mut self, replace: bool) -> io::Result<()> {
        if let Some(access) = Access::of(&self.target).filter(|_| replace && !self.private) {
            // A file system without permissions refuses, and has none that could be widened.
            let _ = access.set(&self.file);
        }
        self.write_back.finish()?;
        let folder = File::open(folder_of(&self.target));
        if replace {
            fs::rename(&self.temporary, &self.target)?;
        } else {
            system::rename_new(&self.temporary, &self.target)?;
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

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
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
        if self.direct.write_at(offset, bytes)? {
            return Ok(());
        }
        system::write_all_at(&self.file, offset, bytes)?;
        self.write_back.wrote(bytes.len() as u64)
    }

    #[cfg(target_os = "linux")]
    fn copy_range(&mut self, offset: u64, from: &File, from_offset: u64, len: u64) -> io::Result<u64> {
        // To write past the page cache takes half the work.
        if self.direct.is_there() && super::direct::copies_itself(&self.file) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let (mut from_offset, mut offset) = (from_offset, offset);
        let count = usize::try_from(len.min(1 << 30)).unwrap_or(1 << 30);
        let copied =
            rustix::fs::copy_file_range(from, Some(&mut from_offset), &*self.file, Some(&mut offset), count)?;
        self.write_back.wrote(copied as u64)?;
        Ok(copied as u64)
    }

    /// Does not wait: nobody finds the file before [`AtomicFile::keep`], which does.
    fn sync(&mut self) -> io::Result<()> {
        self.write_back.start()
    }
}

#[cfg(test)]
#[path = "atomic_tests.rs"]
mod tests;
