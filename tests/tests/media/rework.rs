//! Media changed where they are, looked at by programs somebody else wrote.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use media_core::disk::Scheme;
use media_core::event::Unobserved;
use media_core::io::{AtomicFile, FileSource, InPlaceFile, Source};
use media_core::media::{manifest, variables};
use media_core::{Changes, Form, MediaSpec, MediumPartition, Trust, change, rework, stage, verify};
use media_tests::{medium, referee};
use tempfile::TempDir;

use crate::{assert_intact, boot_image, text};

/// Gives a medium another variables file, of which nothing matters here but the length, and says what the manifest is then;
/// nothing on a medium that has none.
fn replace(image: &Path, bytes: &[u8]) -> Vec<u8> {
    let mut file = InPlaceFile::open_medium(image).expect("it can be changed");
    let source: Arc<dyn Source> = Arc::new(file.source().expect("it can be read"));
    let reworked = rework(&source, &changes(bytes.to_vec())).expect("there is room");
    let journal = reworked.journal(&*source).expect("there is room for it");
    change(&journal, &mut file, &mut Unobserved).expect("it can be written");
    file.keep();
    let changed =
        media_core::open(Arc::new(FileSource::open(image).expect("it is there"))).expect("a medium");
    let files = changed.listing().expect("it can be read").files;
    let found = files.iter().find(|file| file.path == manifest::PATH);
    found.map_or_else(Vec::new, |found| found.content.to_vec(1 << 20).expect("it is small"))
}

/// A medium as other programs make it: without a manifest.
fn make_foreign(spec: &MediaSpec, folder: &Path, name: &str) -> PathBuf {
    let mut tree = stage(spec, &medium::env(), &mut Unobserved).expect("it can be staged").tree;
    tree.files.retain(|file| file.path != manifest::PATH);
    let mut file = AtomicFile::create(&folder.join(name)).expect("the folder is there");
    let plan = media_core::plan(&tree, spec.form).expect("it can be planned");
    media_core::write(&plan, &mut file, &mut Unobserved).expect("it can be written");
    file.keep(true).expect("the name is free");
    folder.join(name)
}

/// Nothing is wrong with a medium that was made here; one of others lacks its manifest alone.
fn assert_sound(image: &Path, is_foreign: bool) {
    if !is_foreign {
        return assert_intact(image);
    }
    let source = Arc::new(FileSource::open(image).expect("it is there"));
    let report = verify(source, Trust::default(), &mut Unobserved).expect("it can be looked at");
    let ids: Vec<&str> = report.findings.iter().map(|found| found.id).collect();
    assert_eq!(ids, ["manifest.missing"]);
}

fn changes(bytes: Vec<u8>) -> Changes<'static> {
    Changes { files: vec![(variables::PATH, bytes)], ..Changes::default() }
}

/// Another variables file of some length: the header of the old one says how long its text is, so that stays sound.
fn longer(old: &[u8], by: usize) -> Vec<u8> {
    let mut new = old.to_vec();
    new.resize(old.len() + by, 0xA5);
    new
}

fn old(image: &Path) -> Vec<u8> {
    let found = media_core::open(Arc::new(FileSource::open(image).expect("it is there"))).expect("a medium");
    let files = found.listing().expect("it can be read").files;
    let file = files.iter().find(|file| file.path == variables::PATH).expect("it has variables");
    file.content.to_vec(1 << 20).expect("it is small")
}

#[test]
fn sticks() {
    let folder = TempDir::new().expect("a temporary folder");
    // What grows on a medium that was planned stays in the room that was kept for it.
    let planned: &[usize] = &[1, 3 * 4096, 20_000, 5000];
    for (scheme, cluster_size, is_foreign, by) in [
        (Scheme::Gpt, 4096, false, planned),
        (Scheme::Mbr, 512, false, planned),
        (Scheme::Gpt, 4096, true, &[1, 3 * 4096, 200_000, 5000]),
        (Scheme::Mbr, 512, true, &[200_000, 4096]),
    ] {
        let form = Form::DiskImage {
            scheme,
            size: None,
            cluster_size: Some(cluster_size),
            partition: MediumPartition::Whole,
        };
        let spec = medium::spec(boot_image(), form).expect("the boot image can be opened");
        let image = match is_foreign {
            true => make_foreign(&spec, folder.path(), "medium.img"),
            false => medium::make(&spec, folder.path(), "medium.img").0,
        };
        let original = fs::read(&image).expect("it is there");
        let first = old(&image);
        // Within its clusters, more of them, many more, fewer.
        for by in by {
            let new = longer(&first, *by);
            let manifest = replace(&image, &new);
            assert_sound(&image, is_foreign);
            let partition = format!("{}@@1M", text(&image));
            let files = [("SMS/data/variables.dat", &new), ("tsmedia-manifest.json", &manifest)];
            for (path, expected) in files.into_iter().take(if is_foreign { 1 } else { 2 }) {
                let output = text(&folder.path().join("read"));
                let _ = fs::remove_file(&output);
                let arguments = ["-i", partition.as_str(), &format!("::/{path}"), output.as_str()];
                let Some(verdict) = referee::run("mcopy", arguments) else { return };
                let _ = verdict.success();
                assert!(fs::read(&output).expect("mcopy wrote it") == *expected, "{path}, {by} bytes more");
            }
            let volume = folder.path().join("volume");
            let whole = fs::read(&image).expect("it is there");
            let end = if scheme == Scheme::Gpt { whole.len() - 33 * 512 } else { whole.len() };
            fs::write(&volume, &whole[1 << 20..end]).expect("there is room");
            let Some(verdict) = referee::run("fsck.fat", ["-n", "-v", text(&volume).as_str()]) else {
                return;
            };
            let _ = verdict.without(&["free cluster summary wrong", "reclaim", "differ", "dirty", "orphan"]);
        }
        replace(&image, &first);
        let now = fs::read(&image).expect("it is there");
        let differs = (0..now.len()).find(|at| now[*at] != original[*at]);
        assert_eq!(differs, None, "what grew and shrank again is what it was");
    }
}

#[test]
fn discs() {
    for is_foreign in [false, true] {
        disc(is_foreign);
    }
}

fn disc(is_foreign: bool) {
    let folder = TempDir::new().expect("a temporary folder");
    let spec = medium::spec(boot_image(), Form::Iso { prompt: false }).expect("the boot image can be opened");
    let image = match is_foreign {
        true => make_foreign(&spec, folder.path(), "medium.iso"),
        false => medium::make(&spec, folder.path(), "medium.iso").0,
    };
    let original = fs::read(&image).expect("it is there");
    let first = old(&image);
    let path = text(&image);
    // The most that its last 4096 bytes hold, and one less.
    let room = first.len().next_multiple_of(4096) - first.len();
    for by in [room, room - 1] {
        let new = longer(&first, by);
        let manifest = replace(&image, &new);
        assert_sound(&image, is_foreign);
        let output = text(&folder.path().join("read"));
        let checked = |what: &str, bytes: &[u8]| assert!(bytes == new, "{what}: {} bytes", bytes.len());
        let arguments = ["-osirrox", "on", "-indev", &path, "-extract", "/SMS/data/variables.dat", &output];
        let _ = fs::remove_file(&output);
        let Some(verdict) = referee::run("xorriso", arguments) else { return };
        let _ = verdict.success();
        checked("xorriso", &fs::read(&output).expect("xorriso wrote it"));
        for (tree, kind) in [("UDF", "-tudf"), ("Joliet", "-tiso")] {
            let arguments = ["x", kind, "-so", &path, "SMS/data/variables.dat"];
            let Some(verdict) = referee::run("7z", arguments) else { return };
            checked(tree, &verdict.success().stdout);
            if is_foreign {
                continue;
            }
            let arguments = ["x", kind, "-so", &path, "tsmedia-manifest.json"];
            let Some(verdict) = referee::run("7z", arguments) else { return };
            assert!(verdict.success().stdout == manifest, "{tree}: the manifest");
        }
        let Some(verdict) = referee::run("7z", ["t", path.as_str()]) else { return };
        let _ = verdict.no_complaint().without(&["warning", "error"]);
        for (tree, arguments) in [
            ("primary", vec!["-i", &path, "-x", "/SMS/DATA/VARIABLES.DAT"]),
            ("Joliet", vec!["-J", "-i", &path, "-x", "/SMS/data/variables.dat"]),
        ] {
            let Some(verdict) = referee::run("isoinfo", arguments) else { return };
            checked(tree, &verdict.success().stdout);
        }
        let Some(python) = referee::python_with("pycdlib") else { return };
        let script = "import sys, pycdlib\niso = pycdlib.PyCdlib()\niso.open(sys.argv[1])\n\
                      iso.get_file_from_iso(sys.argv[2], udf_path='/SMS/data/variables.dat')\n\
                      iso.get_file_from_iso(sys.argv[2] + 'j', joliet_path='/SMS/data/variables.dat')\niso.close()\n";
        let Some(verdict) = referee::run(&text(&python), ["-c", script, &path, &output]) else { return };
        let _ = verdict.success();
        checked("pycdlib, UDF", &fs::read(&output).expect("pycdlib wrote it"));
        checked("pycdlib, Joliet", &fs::read(format!("{output}j")).expect("pycdlib wrote it"));
    }
    let source: Arc<dyn Source> = Arc::new(FileSource::open(&image).expect("it is there"));
    let error = rework(&source, &changes(longer(&first, 1 << 20))).err().expect("no such room");
    let said = error.to_string();
    assert!(said.starts_with("SMS/data/variables.dat needs "), "{said}");
    replace(&image, &first);
    assert!(fs::read(&image).expect("it is there") == original, "what grew and shrank again is what it was");
}
