//! What a run that was killed left behind: complete or not, nobody will give it a name any more.

use std::fs::{self, DirEntry};
use std::path::Path;
use std::time::{Duration, SystemTime};

use media_core::io::TEMPORARY_NAME;

use crate::system::is_gone;

/// Whoever writes a file writes to it more often. The process may be one of another computer, of which nothing is known here.
const YOUNGEST: Duration = Duration::from_secs(3600);

/// Removes the temporary files in a folder that nobody has written to for an hour, and whose process is gone. What cannot be
/// removed stays; it is in nobody's way.
pub fn remove_leftovers(folder: &Path) {
    remove_older(folder, YOUNGEST);
}

fn remove_older(folder: &Path, youngest: Duration) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if process(&entry).is_some_and(is_gone) && is_old(&entry, youngest) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The process whose temporary file this is.
fn process(entry: &DirEntry) -> Option<i32> {
    let name = entry.file_name();
    let [prefix, suffix] = TEMPORARY_NAME;
    let (process, number) = name.to_str()?.strip_prefix(prefix)?.strip_suffix(suffix)?.split_once('-')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    process.parse().ok().filter(|_| is_number && entry.file_type().is_ok_and(|kind| kind.is_file()))
}

fn is_old(entry: &DirEntry, youngest: Duration) -> bool {
    let changed = entry.metadata().and_then(|facts| facts.modified());
    let age = changed.ok().and_then(|changed| SystemTime::now().duration_since(changed).ok());
    age.is_some_and(|age| age >= youngest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_writes_any_more_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        // No process has a number that large (proc(5), `pid_max`).
        let mine = format!(".tsmedia-{}-0.partial", std::process::id());
        let names = [
            ".tsmedia-2000000000-0.partial",
            &mine,
            ".tsmedia-x-1.partial",
            ".tsmedia-2000000000.partial",
            "a.iso",
        ];
        for name in names {
            fs::write(folder.path().join(name), name).expect("there is room");
        }
        let left = || names.map(|name| folder.path().join(name).exists());
        remove_leftovers(folder.path());
        assert_eq!(left(), [true; 5], "they are too young");
        remove_older(folder.path(), Duration::ZERO);
        assert_eq!(left(), [false, true, true, true, true]);
    }
}
