use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::AtomicFile;
use crate::io::Sink;
use crate::io::system::{has_no_links, link_new, rename_unless_there};

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder can be made")
}

/// Beside this program: where a build goes is on a disk, which the folder of temporary files may not be.
fn folder_on_disk() -> TempDir {
    let program = std::env::current_exe().expect("it runs");
    TempDir::new_in(program.parent().expect("a folder")).expect("a temporary folder can be made")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("it can be read");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn made(target: &Path, bytes: &[u8]) -> AtomicFile {
    let mut file = AtomicFile::create(target).expect("the folder is there");
    file.set_len(bytes.len() as u64).and_then(|()| file.write_at(0, bytes)).expect("there is room");
    file
}

#[test]
fn the_temporary_file_is_the_one_there_is() {
    let folder = folder();
    let target = folder.path().join("out.iso");
    let file = made(&target, b"new");
    assert_eq!(names(folder.path()), [file.temporary().file_name().expect("a name").to_string_lossy()]);
    drop(file);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_file_that_is_there_stays_unless_it_is_to_be_replaced() {
    let folder = folder();
    let target = folder.path().join("out.iso");
    fs::write(&target, "old").expect("there is room");
    let error = made(&target, b"new").keep(false).expect_err("it is there");
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&target).expect("it is there"), b"old");
    made(&target, b"new").keep(true).expect("it may be replaced");
    assert_eq!(fs::read(&target).expect("it is there"), b"new");
    assert_eq!(names(folder.path()), ["out.iso"]);
}

/// A medium holds a private key: who could not read the old file must not read the new one, finished or not.
#[test]
fn what_replaces_a_file_has_its_permissions() {
    let folder = folder();
    let target = folder.path().join("out.iso");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    for permissions in [0o600, 0o640, 0o400, 0o666] {
        fs::write(&target, "old").expect("there is room");
        fs::set_permissions(&target, fs::Permissions::from_mode(permissions)).expect("it is ours");
        let file = made(&target, b"new");
        assert_eq!(mode(file.temporary()) & !permissions & 0o077, 0, "{permissions:o} on the way");
        file.keep(true).expect("it may be replaced");
        assert_eq!(mode(&target), permissions, "{permissions:o}");
        fs::remove_file(&target).expect("it is ours");
    }
}

#[test]
fn a_name_may_be_as_long_as_names_can_be() {
    let folder = folder();
    let target = folder.path().join("n".repeat(255));
    made(&target, b"new").keep(false).expect("255 bytes are a name");
    assert_eq!(names(folder.path()), ["n".repeat(255)]);
}

#[test]
fn a_folder_that_may_be_written_but_not_read_takes_the_file() {
    let folder = folder();
    let (inner, target) = (folder.path().join("drop"), folder.path().join("drop/out.iso"));
    fs::create_dir(&inner).expect("there is room");
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o300)).expect("it is ours");
    let readable = fs::read_dir(&inner).is_ok();
    let kept = made(&target, b"new").keep(false);
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o700)).expect("it is ours");
    if readable {
        eprintln!("skipped: this user may read every folder");
    }
    kept.expect("the file is complete");
    assert_eq!(names(&inner), ["out.iso"]);
}

#[test]
fn without_renames_that_spare_what_is_there_links_do_it() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("from"), "new").expect("there is room");
    fs::write(path("taken"), "old").expect("there is room");
    for put in [link_new, rename_unless_there] {
        let error = put(&path("from"), &path("taken")).expect_err("it is there");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(path("taken")).expect("it is there"), b"old");
        put(&path("from"), &path("to")).expect("the name is free");
        assert_eq!(names(folder.path()), ["taken", "to"]);
        fs::rename(path("to"), path("from")).expect("it is ours");
    }
}

#[test]
fn file_systems_without_links_are_known_by_their_errors() {
    use rustix::io::Errno;
    for errno in [Errno::PERM, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::MLINK, Errno::NOSYS] {
        assert!(has_no_links(&errno.into()), "{errno:?}");
    }
    for errno in [Errno::EXIST, Errno::ACCESS, Errno::NOSPC, Errno::ROFS, Errno::XDEV] {
        assert!(!has_no_links(&errno.into()), "{errno:?}");
    }
}

#[test]
fn a_private_file_is_its_owners_alone_whatever_it_replaces() {
    let folder = folder();
    let target = folder.path().join("identity.p12");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    for there in [false, true] {
        if there {
            fs::set_permissions(&target, fs::Permissions::from_mode(0o666)).expect("it is ours");
        }
        let file = AtomicFile::create_private(&target).expect("the folder is there");
        assert_eq!(mode(file.temporary()), 0o600);
        file.keep(true).expect("it may be replaced");
        assert_eq!(mode(&target), 0o600);
    }
}

/// A medium of large and small extents that meet at any address, written in both ways side by side, and shared or copied
/// where this file system can.
#[test]
fn what_goes_past_the_page_cache_is_what_was_planned() {
    use std::io::Write as _;
    use std::sync::Arc;

    use crate::content::Piece;
    use crate::event::Unobserved;
    use crate::io::{FileSource, MemorySink, Source};
    use crate::plan::{Extent, Plan};

    let folder = folder_on_disk();
    let mut from = fs::File::create(folder.path().join("from")).expect("there is room");
    let bytes: Vec<u8> = (0..20_000_003_u32).map(|at| (at % 251) as u8).collect();
    from.write_all(&bytes).expect("there is room");
    let file: Arc<dyn Source> = Arc::new(FileSource::open(&folder.path().join("from")).expect("it is there"));
    let memory: Arc<dyn Source> = Arc::new(bytes);
    let mut extents =
        vec![Extent { offset: 5, label: "table".to_owned(), piece: Piece::Bytes(vec![7; 99].into()) }];
    let mut at = 100_000;
    for (number, source) in [&file, &memory].into_iter().enumerate() {
        for (from, len, gap) in
            [(0, 20_000_003, 0), (208, 9_000_000, 1), (4096, 5_000_000, 4000), (3, 1 << 20, 8192)]
        {
            at += gap;
            let piece = Piece::Slice { source: source.clone(), offset: from, len };
            extents.push(Extent { offset: at, label: format!("{number} from {from}"), piece });
            at += len;
        }
        at = at.next_multiple_of(4096) + 208;
    }
    let plan = Plan { len: at + 5000, extents, ..Plan::default() };
    let mut expected = MemorySink::default();
    crate::write(&plan, &mut expected, &mut Unobserved).expect("memory does not fail");
    let target = folder.path().join("out");
    let mut file = AtomicFile::create(&target).expect("the folder is there");
    if !file.direct.is_there() {
        eprintln!("skipped in part: this file system has no way past the page cache");
    }
    crate::write(&plan, &mut file, &mut Unobserved).expect("there is room");
    file.keep(false).expect("the name is free");
    assert!(fs::read(&target).expect("it is there") == expected.bytes);
}

#[test]
fn only_what_is_aligned_and_large_goes_past_the_page_cache() {
    let folder = folder_on_disk();
    let file = AtomicFile::create(&folder.path().join("out")).expect("the folder is there");
    let mut direct = super::Direct::of(&file.file, file.temporary());
    if !direct.is_there() {
        eprintln!("skipped: this file system has no way past the page cache");
        return;
    }
    let buffer = vec![3; (2 << 20) + 8192];
    let start = buffer.as_ptr().align_offset(4096);
    let mut taken = |offset, from: usize, len| {
        direct.write_at(offset, &buffer[start + from..start + from + len]).expect("there is room")
    };
    assert!(taken(4096, 0, 1 << 20) && taken(0, 4096, 2 << 20));
    assert!(
        !taken(1, 0, 1 << 20) && !taken(0, 1, 1 << 20) && !taken(0, 0, (1 << 20) + 1) && !taken(0, 0, 4096)
    );
    // A name that is another file's by now is not written to.
    fs::rename(file.temporary(), folder.path().join("moved")).expect("it is ours");
    fs::write(file.temporary(), "somebody else's").expect("there is room");
    assert!(!super::Direct::of(&file.file, file.temporary()).is_there());
}
