//! Windows.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What the terminal is opened as, whatever standard input is.
pub(crate) const TERMINAL: &str = "CONIN$";

/// The file that a path leads to, whatever links are on the way. One that is no link stays as it was typed: what Windows makes
/// of it (`\\?\C:\`) nobody would know again.
pub(crate) fn behind_links(path: &Path) -> io::Result<PathBuf> {
    if fs::symlink_metadata(path)?.is_symlink() { fs::canonicalize(path) } else { Ok(path.to_owned()) }
}

/// What the disk that a path leads to is called where disks are listed. The names of disks lead nowhere.
pub(crate) fn name_of_disk(path: &Path) -> io::Result<PathBuf> {
    Ok(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
}

/// Whether two names of disks are one.
pub(crate) fn is_same_disk_name(one: &Path, other: &Path) -> bool {
    one.as_os_str().eq_ignore_ascii_case(other)
}

/// Opens what is locked for a folder: a file in it that is there as long as somebody has it open. Folders are not locked.
pub(crate) fn open_for_lock(folder: &Path) -> io::Result<File> {
    /// `GENERIC_READ`, `GENERIC_WRITE` and `DELETE`.
    const ACCESS: u32 = 0x8000_0000 | 0x4000_0000 | 0x0001_0000;
    /// `FILE_FLAG_DELETE_ON_CLOSE` (CreateFileW).
    const DELETE_ON_CLOSE: u32 = 0x0400_0000;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).access_mode(ACCESS).custom_flags(DELETE_ON_CLOSE);
    options.open(folder.join(".tsmedia-lock"))
}

/// Whether two paths lead to the same file. A second name of a file (a hard link) is not seen; where a new file takes a
/// name, the other name keeps the old one.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

/// Who can read a file is not known here.
pub(crate) fn is_readable_by_others(_: &Path) -> bool {
    false
}

/// The length in bytes that a file of this process may have: any.
pub(crate) fn limit_on_files() -> Option<u64> {
    None
}

/// Whether there is no process of this number. That is not known here, so what it left stays.
pub(crate) fn is_gone(_: i32) -> bool {
    false
}
