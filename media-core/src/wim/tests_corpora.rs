//! WIM files made by others: each is read or refused as it should be.
#![allow(clippy::panic)]

use std::path::PathBuf;
use std::sync::Arc;

use super::tests::{all_bytes, open};
use super::*;
use crate::event::Unobserved;
use crate::finding::Severity;
use crate::io::FileSource;

fn corpora() -> Option<PathBuf> {
    let folder = std::env::var_os("TSMEDIA_CORPORA");
    if folder.is_none() {
        eprintln!("skipped: TSMEDIA_CORPORA is not set");
    }
    folder.map(|folder| PathBuf::from(folder).join("wim"))
}

fn open_file(folder: &std::path::Path, name: &str) -> Wim {
    let source = FileSource::open(&folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    Wim::open(Arc::new(source)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What is wrong, as ids of findings or as the text of an error.
fn verdict(wim: &Wim) -> Vec<String> {
    match wim.verify(&mut Unobserved) {
        Ok(findings) => findings.iter().map(|finding| finding.id.to_owned()).collect(),
        Err(error) => vec![error.to_string()],
    }
}

#[test]
fn every_file_gets_its_verdict() {
    let Some(folder) = corpora() else { return };
    let expected: &[(&str, &[&str])] = &[
        ("crate-wim/default-cpu-crash-original.wim", &[]),
        ("crate-wim/integrity-small-chunks.wim", &[]),
        ("crate-wim/integrity.wim", &[]),
        ("crate-wim/orphan-solid.wim", &["the blob table has a solid resource (entry 1)"]),
        ("crate-wim/pipable-resource.wim", &["the WIM is pipable (its signature is WLPWM)"]),
        ("crate-wim/xpress-resource.wim", &[]),
        ("dissect/basic4k.wim", &[]),
        ("dissect/basic8k.wim", &[]),
        ("dissect/basic16k.wim", &[]),
        ("dissect/basic32k.wim", &[]),
        ("managedwimlib/BootLZX.wim", &[]),
        ("managedwimlib/BootXPRESS.wim", &[]),
        ("managedwimlib/LZMS.wim", &["the blob table has a solid resource (entry 1)"]),
        ("managedwimlib/LZX.wim", &[]),
        ("managedwimlib/MultiImage.wim", &[]),
        ("managedwimlib/Split.swm", &["wim.split"]),
        ("managedwimlib/Split2.swm", &["wim.split"]),
        ("managedwimlib/VerifyFail.wim", &["wim.integrity", "wim.metadata"]),
        ("managedwimlib/VerifySuccess.wim", &[]),
        ("managedwimlib/XPRESS.wim", &[]),
        ("wimlib-tests/corrupted_file_1.wim", &["wim.blob-hash"]),
        ("wimlib-tests/corrupted_file_2.wim", &["wim.blob-unreadable"]),
        ("wimlib-tests/cyclic.wim", &["wim.metadata"]),
        ("wimlib-tests/dotdot.wim", &["wim.metadata"]),
        ("wimlib-tests/duplicate_names.wim", &["wim.metadata"]),
        ("wimlib-tests/empty_dacl.wim", &[]),
        ("wimlib-tests/linux_xattrs_old.wim", &[]),
        ("wimlib-tests/longpaths.wim", &[]),
    ];
    let mut wrong = Vec::new();
    for (name, verdict_expected) in expected {
        let found = verdict(&open_file(&folder, name));
        if found != *verdict_expected {
            wrong.push(format!("{name}: {found:?}, expected {verdict_expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn trees_that_cannot_be_are_named_as_such() {
    let Some(folder) = corpora() else { return };
    let defect = |name| match open_file(&folder, name).image(1) {
        Err(WimError::Metadata { defect, .. }) => defect,
        other => panic!("{name}: {:?}", other.map(|image| image.entries().count())),
    };
    assert_eq!(defect("wimlib-tests/cyclic.wim"), MetadataDefect::Cycle);
    assert_eq!(defect("wimlib-tests/dotdot.wim"), MetadataDefect::Name { name: "..".into() });
    assert_eq!(defect("wimlib-tests/duplicate_names.wim"), MetadataDefect::Duplicate { name: "1".into() });
    let long = open_file(&folder, "wimlib-tests/longpaths.wim").image(1).expect("good");
    assert!(long.entries().any(|(path, _)| path.len() > 260));
}

#[test]
fn headers_and_xml_are_read_of_all_kinds() {
    let Some(folder) = corpora() else { return };
    let of = |name: &str| {
        let wim = open_file(&folder, name);
        let header = wim.header();
        (
            header.compression,
            header.chunk_size,
            header.boot_index,
            wim.images().len(),
            wim.is_solid(),
            header.is_pipable,
        )
    };
    assert_eq!(of("managedwimlib/BootLZX.wim"), (Compression::Lzx, 32768, 1, 1, false, false));
    assert_eq!(of("managedwimlib/LZMS.wim"), (Compression::Lzms, 131_072, 0, 1, true, false));
    assert_eq!(of("dissect/basic4k.wim"), (Compression::Xpress, 4096, 0, 1, false, false));
    assert_eq!(of("crate-wim/integrity.wim"), (Compression::None, 0, 0, 1, false, false));
    assert_eq!(of("crate-wim/orphan-solid.wim"), (Compression::Xpress, 8192, 0, 4, true, false));
    assert_eq!(of("crate-wim/pipable-resource.wim"), (Compression::Xpress, 32768, 0, 1, false, true));
    assert_eq!(of("managedwimlib/MultiImage.wim"), (Compression::Lzx, 32768, 0, 3, false, false));
    let name = open_file(&folder, "managedwimlib/BootLZX.wim").images()[0].name.clone();
    assert_eq!(name.as_deref(), Some("Sample01"));
    assert!(matches!(
        open_file(&folder, "managedwimlib/Split2.swm").image(1),
        Err(WimError::NoImage { index: 1, images: 0 })
    ));
}

/// Wherever a file can be replaced, the result is clean by our own checks and differs in that file only.
#[test]
fn a_file_of_every_good_one_can_be_replaced() {
    let Some(folder) = corpora() else { return };
    for (name, path) in [
        ("crate-wim/integrity-small-chunks.wim", "input.txt"),
        ("crate-wim/xpress-resource.wim", "payload.bin"),
        ("dissect/basic4k.wim", "file.txt"),
        ("managedwimlib/BootLZX.wim", "ABDE\\Z\\X.txt"),
        ("crate-wim/default-cpu-crash-original.wim", "SUB/file"),
        ("wimlib-tests/empty_dacl.wim", "file"),
        ("wimlib-tests/linux_xattrs_old.wim", "file"),
    ] {
        let wim = open_file(&folder, name);
        let new = vec![7; 50_000];
        let content = Edit::new(&wim).replace(1, path, new.clone()).finish();
        let after = open(all_bytes(&content.unwrap_or_else(|error| panic!("{name}: {error}")))).expect(name);
        assert_eq!(verdict(&after), [""; 0], "{name}");
        let image = after.image(1).expect(name);
        let hash = image.find(path).and_then(|entry| entry.hash()).expect(name);
        assert_eq!(after.read(&hash, 1 << 20).expect(name), new);
    }
}

#[test]
fn damage_anywhere_in_a_real_file_is_survived() {
    let Some(folder) = corpora() else { return };
    for (name, path) in
        [("managedwimlib/VerifySuccess.wim", "ACDE.txt"), ("dissect/basic32k.wim", "file.txt")]
    {
        let good = std::fs::read(folder.join(name)).expect(name);
        super::tests::exercise(good.clone(), path).expect(name);
        for position in 0..good.len() {
            assert!(
                super::tests::exercise(good[..position].to_vec(), path).is_err(),
                "{name} cut at {position}"
            );
            let mut flipped = good.clone();
            flipped[position] ^= 1 << (position % 8);
            let _ = super::tests::exercise(flipped, path);
        }
    }
}

#[test]
fn a_failed_check_is_an_error_and_not_a_note() {
    let Some(folder) = corpora() else { return };
    let findings =
        open_file(&folder, "managedwimlib/VerifyFail.wim").verify(&mut Unobserved).expect("checked");
    assert!(findings.iter().all(|finding| finding.severity == Severity::Error));
}
