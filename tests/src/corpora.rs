//! Files that Windows and Configuration Manager themselves wrote, read where they lie and never copied into the repository.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The name of the environment variable that says where the corpora are.
pub const VARIABLE: &str = "TSMEDIA_CORPORA";

/// The path of a file or folder of the corpora, `hives/yarp/DirtyHive` for example; `None` when there are no corpora here.
///
/// # Panics
/// When there are corpora (the variable is set) and this one is missing: then a suite would look at nothing.
pub fn path(name: &str) -> Option<PathBuf> {
    let Some(root) = env::var_os(VARIABLE) else {
        eprintln!("skipped: {VARIABLE} is not set, so {name} cannot be read");
        return None;
    };
    let path = Path::new(&root).join(name);
    assert!(path.exists(), "{VARIABLE} is set, but {} is missing", path.display());
    Some(path)
}

/// The bytes of a file of the corpora; `None` when there are no corpora here.
///
/// # Panics
/// As [`path`], and when the file cannot be read.
pub fn read(name: &str) -> Option<Vec<u8>> {
    let path = path(name)?;
    Some(fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// All files below a folder of the corpora, sorted; `None` when there are no corpora here.
///
/// # Panics
/// As [`path`], and when a folder cannot be read.
pub fn files(name: &str) -> Option<Vec<PathBuf>> {
    let (mut folders, mut files) = (vec![path(name)?], Vec::new());
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display())).path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Some(files)
}
