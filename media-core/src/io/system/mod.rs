//! What each system does in its own way: reading and writing at an offset, disks, permissions and new names.

#[cfg(any(windows, test))]
mod sectors;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fs;
use std::io;
use std::path::Path;

#[cfg(unix)]
pub(super) use unix::*;
#[cfg(windows)]
pub(super) use windows::*;

/// Gives a file its name, unless there is one of that name already.
pub(super) fn link_new(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if has_no_links(&error) => rename_unless_there(from, to),
        Err(error) => Err(error),
    }
}

/// Where neither is known, the moment between looking and renaming is all there is.
pub(super) fn rename_unless_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::symlink_metadata(to) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
        Err(error) => Err(error),
    }
}
