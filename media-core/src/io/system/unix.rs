//! Linux, macOS and their relatives.

use std::fs::{self, File, FileType, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

#[cfg(not(target_os = "linux"))]
use super::link_new;

/// Reads at an offset, whatever others read.
pub(in crate::io) fn read_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    file.read_at(buffer, offset)
}

/// The same of a device that is as long as this.
pub(in crate::io) fn read_device_at(
    file: &File,
    _: u64,
    offset: u64,
    buffer: &mut [u8],
) -> io::Result<usize> {
    read_at(file, offset, buffer)
}

/// Writes all of it at an offset.
pub(in crate::io) fn write_all_at(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

/// Opens what can be read at any offset.
pub(in crate::io) fn open_for_reading(path: &Path) -> io::Result<File> {
    // Asked before it is opened: to open a named pipe is to wait for somebody who writes to it.
    check_kind(fs::metadata(path)?.file_type())?;
    let file = File::open(path)?;
    check_kind(file.metadata()?.file_type())?;
    Ok(file)
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

/// Whether a path leads to a disk or a part of one.
pub(in crate::io) fn is_device(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.file_type().is_block_device())
}

/// Whether a file that is open is a disk or a part of one.
pub(in crate::io) fn is_open_device(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.file_type().is_block_device())
}

/// How long a file or device is. A block device has length 0 in its metadata but a true end.
pub(in crate::io) fn len(mut file: &File) -> io::Result<u64> {
    use std::io::{Seek, SeekFrom};
    file.seek(SeekFrom::End(0))
}

/// When a file was last written to, in seconds and nanoseconds.
pub(in crate::io) type Moment = (i64, i64);

/// When a file was last written to.
pub(in crate::io) fn modified(facts: &Metadata) -> Moment {
    (facts.mtime(), facts.mtime_nsec())
}

/// Opens a device for reading and writing, and for nobody else: mounted, it is refused.
#[cfg(target_os = "linux")]
pub(in crate::io) fn open_alone(path: &Path, is_direct: bool) -> io::Result<File> {
    use rustix::fs::OFlags;
    // For a device this does not ask to create it, but to have it alone.
    let flags = if is_direct { OFlags::EXCL | OFlags::DIRECT } else { OFlags::EXCL };
    OpenOptions::new().read(true).write(true).custom_flags(flags.bits() as i32).open(path)
}

#[cfg(not(target_os = "linux"))]
pub(in crate::io) fn open_alone(path: &Path, is_direct: bool) -> io::Result<File> {
    if is_direct {
        return Err(io::ErrorKind::Unsupported.into());
    }
    OpenOptions::new().read(true).write(true).open(path)
}

/// The numbers of an open device, major and minor.
pub(in crate::io) fn number(file: &File) -> io::Result<Option<(u32, u32)>> {
    let number = file.metadata()?.rdev();
    Ok(Some((rustix::fs::major(number), rustix::fs::minor(number))))
}

/// Who may do what with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::io) struct Access(u32);

impl Access {
    /// Whatever the user's own settings leave.
    pub(in crate::io) const USUAL: Self = Self(0o666);
    /// Nobody but the owner.
    pub(in crate::io) const PRIVATE: Self = Self(0o600);
    const ALL: u32 = 0o777;

    /// That of a file that is there.
    pub(in crate::io) fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().filter(Metadata::is_file).map(|facts| Self(facts.mode() & Self::ALL))
    }

    /// The same, and its owner may read and write it.
    pub(in crate::io) fn and_owner(self) -> Self {
        Self(self.0 | Self::PRIVATE.0)
    }

    /// Makes a new file for reading and writing.
    pub(in crate::io) fn create(self, path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).mode(self.0).open(path)
    }

    /// Gives it to a file.
    pub(in crate::io) fn set(self, file: &File) -> io::Result<()> {
        if file.metadata()?.mode() & Self::ALL == self.0 {
            return Ok(());
        }
        file.set_permissions(Permissions::from_mode(self.0))
    }
}

/// Gives a file its name, unless there is one of that name already.
#[cfg(target_os = "linux")]
pub(in crate::io) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            super::link_new(from, to)
        }
        other => Ok(other?),
    }
}

#[cfg(not(target_os = "linux"))]
pub(in crate::io) use link_new as rename_new;

/// Whether a file system has no locks.
pub(in crate::io) fn has_no_locks(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(Errno::from_io_error(error), Some(Errno::NOSYS | Errno::NOTSUP | Errno::NOLCK))
}

/// Whether a file system has no hard links (FAT, some network shares), or no more of them for this file.
pub(in crate::io) fn has_no_links(error: &io::Error) -> bool {
    use rustix::io::Errno;
    error.kind() == io::ErrorKind::Unsupported
        || matches!(Errno::from_io_error(error), Some(Errno::PERM | Errno::MLINK | Errno::NOSYS))
}
