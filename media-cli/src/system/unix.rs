//! Linux, macOS and their relatives.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Resource, getrlimit, test_kill_process};

/// What the terminal is opened as, whatever standard input is.
pub(crate) const TERMINAL: &str = "/dev/tty";

/// The file that a path leads to, whatever links are on the way.
pub(crate) fn behind_links(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path)
}

/// What the disk that a path leads to is called where disks are listed.
pub(crate) fn name_of_disk(path: &Path) -> io::Result<PathBuf> {
    behind_links(path)
}

/// Whether two names of disks are one.
pub(crate) fn is_same_disk_name(one: &Path, other: &Path) -> bool {
    one == other
}

/// Opens what is locked for a folder: the folder.
pub(crate) fn open_for_lock(folder: &Path) -> io::Result<File> {
    File::open(folder)
}

/// Whether two paths lead to the same file.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    let number = |path: &Path| path.metadata().map(|facts| (facts.dev(), facts.ino()));
    matches!((number(one), number(other)), (Ok(one), Ok(other)) if one == other)
}

/// Whether others than its owner can read a file.
pub(crate) fn is_readable_by_others(path: &Path) -> bool {
    path.metadata().is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o044 != 0)
}

/// The length in bytes that a file of this process may have (`ulimit -f`).
pub(crate) fn limit_on_files() -> Option<u64> {
    getrlimit(Resource::Fsize).current
}

/// Whether there is no process of this number.
pub(crate) fn is_gone(process: i32) -> bool {
    Pid::from_raw(process).is_some_and(|process| test_kill_process(process) == Err(rustix::io::Errno::SRCH))
}
