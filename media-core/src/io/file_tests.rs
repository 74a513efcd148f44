use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::FileSource;
use crate::io::Source;

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder can be made")
}

#[test]
fn only_what_can_be_read_at_any_offset_is_opened() {
    let folder = folder();
    let pipe = folder.path().join("pipe");
    let socket = folder.path().join("socket");
    let _listener = UnixListener::bind(&socket).expect("a socket can be made");
    assert!(Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()));
    for (path, kind, words) in [
        (pipe.as_path(), io::ErrorKind::InvalidInput, "a pipe"),
        (&socket, io::ErrorKind::InvalidInput, "a socket"),
        (Path::new("/dev/null"), io::ErrorKind::InvalidInput, "a character device"),
        (folder.path(), io::ErrorKind::IsADirectory, "directory"),
        (&folder.path().join("none"), io::ErrorKind::NotFound, ""),
    ] {
        let error = FileSource::open(path).expect_err("it cannot be read at any offset");
        assert_eq!(error.kind(), kind, "{}", path.display());
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_file_that_is_written_to_while_it_is_open_has_changed() {
    let folder = folder();
    let path = folder.path().join("boot.wim");
    fs::write(&path, "one").expect("there is room");
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let append = || OpenOptions::new().append(true).open(&path).expect("it is there");
    append().set_modified(then).expect("it is ours");

    let longer = FileSource::open(&path).expect("it is there");
    assert!(!longer.changed().expect("it is open"));
    append().write_all(b"r").and_then(|()| append().set_modified(then)).expect("there is room");
    assert!(longer.changed().expect("it is open"), "its length");

    let rewritten = FileSource::open(&path).expect("it is there");
    fs::write(&path, "four").expect("there is room");
    assert!(rewritten.changed().expect("it is open"), "its time");

    // What is read is the file that was opened, whatever has its name now.
    let replaced = FileSource::open(&path).expect("it is there");
    fs::write(folder.path().join("new"), "other").expect("there is room");
    fs::rename(folder.path().join("new"), &path).expect("it is ours");
    assert!(!replaced.changed().expect("it is open"));
    let mut bytes = [0; 4];
    replaced.read_exact_at(0, &mut bytes).expect("it is open");
    assert_eq!(&bytes, b"four");
}
