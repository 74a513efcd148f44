//! Windows. Only what needs no function of the system by itself: what does is in `media-devices`.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

pub(in crate::io) use super::link_new as rename_new;
use super::sectors;

/// `FILE_FLAG_NO_BUFFERING` and `FILE_FLAG_WRITE_THROUGH` (CreateFileW).
const PAST_CACHE: u32 = 0x2000_0000 | 0x8000_0000;
/// `FILE_SHARE_READ` and `FILE_SHARE_WRITE`: who refuses either is refused a disk with locked volumes.
const SHARED: u32 = 1 | 2;
/// `ERROR_INVALID_FUNCTION` and `ERROR_NOT_SUPPORTED`.
const NOT_KNOWN: [i32; 2] = [1, 50];
/// `ERROR_TOO_MANY_LINKS`.
const TOO_MANY_LINKS: i32 = 1142;

/// Reads at an offset, whatever others read.
pub(in crate::io) fn read_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}

/// The same of a device that is as long as this: whole sectors are read, and what was asked for is taken from them.
pub(in crate::io) fn read_device_at(
    file: &File,
    len: u64,
    offset: u64,
    buffer: &mut [u8],
) -> io::Result<usize> {
    sectors::read_at(len, offset, buffer, |offset, buffer| file.seek_read(buffer, offset))
}

/// Writes all of it at an offset.
pub(in crate::io) fn write_all_at(file: &File, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.seek_write(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                bytes = &bytes[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Opens what can be read at any offset.
pub(in crate::io) fn open_for_reading(path: &Path) -> io::Result<File> {
    if is_device(path)? {
        return OpenOptions::new().read(true).share_mode(SHARED).open(path);
    }
    let facts = std::fs::metadata(path)?;
    if facts.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    File::open(path)
}

/// Whether a path is the name of a disk, a part of one or a volume: `\\.\PhysicalDrive2`, `\\.\E:`.
pub(in crate::io) fn is_device(path: &Path) -> io::Result<bool> {
    Ok(path.as_os_str().as_encoded_bytes().starts_with(br"\\.\"))
}

/// Whether a file that is open is one. The system has no facts of a disk that it has of a file.
pub(in crate::io) fn is_open_device(file: &File) -> io::Result<bool> {
    Ok(file.metadata().is_err())
}

/// How long a file or device is.
pub(in crate::io) fn len(file: &File) -> io::Result<u64> {
    match file.metadata() {
        Ok(facts) => Ok(facts.len()),
        Err(_) => Ok(sectors::end(|offset, buffer| file.seek_read(buffer, offset))),
    }
}

/// When a file was last written to, in units of 100 nanoseconds.
pub(in crate::io) type Moment = u64;

/// When a file was last written to.
pub(in crate::io) fn modified(facts: &Metadata) -> Moment {
    facts.last_write_time()
}

/// Opens a disk for reading and writing, past the cache. Nobody else writes to it while its volumes are locked.
pub(in crate::io) fn open_alone(path: &Path, is_direct: bool) -> io::Result<File> {
    let flags = if is_direct { PAST_CACHE } else { 0 };
    OpenOptions::new().read(true).write(true).share_mode(SHARED).custom_flags(flags).open(path)
}

/// Disks have no numbers of this kind.
pub(in crate::io) fn number(_: &File) -> io::Result<Option<(u32, u32)>> {
    Ok(None)
}

/// Who may do what with a file: what its folder hands down to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::io) struct Access;

impl Access {
    /// What the folder hands down.
    pub(in crate::io) const USUAL: Self = Self;
    /// The same: a folder for secrets hands down that nobody else reads them.
    pub(in crate::io) const PRIVATE: Self = Self;

    /// That of a file that is there.
    pub(in crate::io) fn of(_: &Path) -> Option<Self> {
        None
    }

    /// The same.
    pub(in crate::io) fn and_owner(self) -> Self {
        self
    }

    /// Makes a new file for reading and writing.
    pub(in crate::io) fn create(self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).open(path)
    }

    /// Gives it to a file.
    pub(in crate::io) fn set(self, _: &File) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a file system has no locks.
pub(in crate::io) fn has_no_locks(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| NOT_KNOWN.contains(&code))
}

/// Whether a file system has no hard links (FAT, some network shares), or no more of them for this file.
pub(in crate::io) fn has_no_links(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || error.raw_os_error().is_some_and(|code| code == TOO_MANY_LINKS || NOT_KNOWN.contains(&code))
}
