//! Windows.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What the terminal is opened as, whatever standard input is.
pub(crate) const TERMINAL: &str = "CONIN$";

/// The file that a path leads to, whatever links are on the way. One that is no link stays as it was typed: what Windows makes
/// of it (`\\?\C:\`) nobody would know again.
pub(crate) fn behind_links(path: &Path) -> io::Result<PathBuf> {
    if fs::symlink_metadata(path)?.is_symlink() { fs::canonicalize(path) } else { Ok(path.to_owned()) }
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
