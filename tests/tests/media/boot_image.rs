//! The boot image on the medium, looked at by `wimlib-imagex`, 7-Zip and `hivexregedit`.

use std::fs;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use media_core::bytes::to_hex_upper;
use media_core::disk::Scheme;
use media_core::event::Unobserved;
use media_core::hive::compare::{KeyDifference, KeyDifferenceKind};
use media_core::hive::{ADMINISTRATORS_AND_SYSTEM, Hive, HiveError, Version, check};
use media_core::io::{FileSource, Source};
use media_core::media::boot_image::BootImage;
use media_core::media::roots::{self, RootsError, SOFTWARE_HIVE};
use media_core::media::store::TrustedCertificate;
use media_core::service::compare_images;
use media_core::wim::Wim;
use media_core::{Form, MediumPartition};
use media_tests::boot_image::{Architecture, BootImageRecipe, Compression, Hives};
use media_tests::dirty_hive::{incremental_log, not_closed};
use media_tests::{medium, referee};
use tempfile::TempDir;

use crate::text;

const FORM: Form = Form::DiskImage {
    scheme: Scheme::Gpt,
    size: None,
    cluster_size: None,
    partition: MediumPartition::Whole,
};

#[test]
fn lzx_with_an_integrity_table() {
    examine(&BootImageRecipe { integrity: true, ..BootImageRecipe::default() });
}

#[test]
fn xpress_without_one() {
    examine(&BootImageRecipe { compression: Compression::Xpress, ..BootImageRecipe::default() });
}

#[test]
fn uncompressed_for_arm64() {
    let recipe = BootImageRecipe {
        compression: Compression::None,
        architecture: Architecture::Arm64,
        ..BootImageRecipe::default()
    };
    examine(&recipe);
}

#[test]
fn the_second_of_two_images_of_which_none_boots() {
    let recipe = BootImageRecipe { images: 2, boot_index: 0, ..BootImageRecipe::default() };
    let folder = TempDir::new().expect("a temporary folder");
    let source = folder.path().join("boot.wim");
    recipe.write(&source).expect("a boot image can be made");
    let mut spec = medium::spec(&source, FORM).expect("it can be opened");
    spec.boot_image.index = Some(2);
    let (_, staged) = medium::make(&spec, folder.path(), "stick.img");
    assert!(staged.report.changed_boot_index);
    let changed = folder.path().join("changed.wim");
    let content = &staged.tree.file("sources/boot.wim").expect("it is staged").content;
    fs::write(&changed, content.to_vec(1 << 30).expect("it is small")).expect("it can be written");
    let Some(verdict) = referee::run("wimlib-imagex", ["info", text(&changed).as_str()]) else { return };
    let _ = verdict.success().says("Boot Index:     2");
    let Some(verdict) = referee::run("wimlib-imagex", ["verify", text(&changed).as_str()]) else { return };
    let _ = verdict.success();
}

fn examine(recipe: &BootImageRecipe) {
    let folder = TempDir::new().expect("a temporary folder");
    let (source, changed) = (folder.path().join("source.wim"), folder.path().join("changed.wim"));
    recipe.write(&source).expect("a boot image can be made");
    let spec = medium::spec(&source, FORM).expect("it can be opened");
    let (_, staged) = medium::make(&spec, folder.path(), "stick.img");
    let content = &staged.tree.file("sources/boot.wim").expect("it is staged").content;
    fs::write(&changed, content.to_vec(1 << 30).expect("it is small")).expect("it can be written");

    // Everything after the header is where it was.
    let before = fs::read(&source).expect("it was just written");
    let mut after = vec![0; before.len() - 208];
    content.read_exact_at(208, &mut after).expect("it is at least as long");
    assert!(before[208..] == after, "the boot image's own bytes moved");
    assert!(content.len() - (before.len() as u64) < 12 << 20, "the tail is the hive's size");

    let (source, changed) = (text(&source), text(&changed));
    let Some(verdict) = referee::run("wimlib-imagex", ["verify", changed.as_str()]) else { return };
    let _ = verdict.success();
    let Some(verdict) = referee::run("7z", ["t", changed.as_str()]) else { return };
    let _ = verdict.without(&["warning", "error"]);
    // Every attribute, time, security id, short name and stream but the hive's hash is as before.
    let details = |path: &str| {
        let run = referee::run("wimlib-imagex", ["dir", path, "1", "--detailed"])?;
        Some(run.success().text().lines().map(str::to_owned).collect::<Vec<_>>())
    };
    let (Some(before), Some(after)) = (details(&source), details(&changed)) else { return };
    assert_eq!(before.len(), after.len());
    let differing: Vec<&String> =
        before.iter().zip(&after).filter(|(before, after)| before != after).map(|(_, after)| after).collect();
    assert!(!differing.is_empty() && differing.iter().all(|line| hive_line(line)), "{differing:#?}");

    let output = format!("--dest-dir={}", text(folder.path()));
    let hive_path = "/Windows/System32/config/SOFTWARE";
    let arguments = ["extract", changed.as_str(), "1", hive_path, output.as_str(), "--no-acls"];
    let Some(verdict) = referee::run("wimlib-imagex", arguments) else { return };
    let _ = verdict.success();
    let hive = text(&folder.path().join("SOFTWARE"));
    for trusted in &spec.trusted {
        certificate_is_there(&hive, trusted);
    }
}

/// A SOFTWARE hive in three states, each with a key more.
fn software_states() -> [Vec<u8>; 3] {
    let time = medium::env().now();
    let mut hive =
        Hive::create(Version::V1_5, "ROOT", &ADMINISTRATORS_AND_SYSTEM, time).expect("an empty hive");
    ["Microsoft", r"Microsoft\Logged", r"Microsoft\Logged\Later"].map(|key| {
        hive.create_key(key, time).expect("a key");
        hive.clone().into_bytes()
    })
}

#[test]
fn a_hive_that_was_not_closed_is_compared_as_its_logs_complete_it() {
    let states = software_states();
    let folder = TempDir::new().expect("a temporary folder");
    let image = |name: &str, software: &[u8], logs: Vec<(&'static str, Vec<u8>)>| {
        let path = folder.path().join(name);
        let hives = Hives { software: software.to_vec(), logs, ..Hives::default() };
        let recipe = BootImageRecipe { files: 0, size: 0, hives, ..BootImageRecipe::default() };
        recipe.write(&path).expect("a boot image can be made");
        Wim::open(Arc::new(FileSource::open(&path).expect("a file"))).expect("a WIM file")
    };
    let log = incremental_log(&[&states[0], &states[1], &states[2]], 7);
    let open = image("open.wim", &not_closed(&states[0], 7), vec![("SOFTWARE.LOG1", log)]);
    let lost = image("lost.wim", &not_closed(&states[0], 7), Vec::new());
    let closed = image("closed.wim", &states[1], Vec::new());
    let compare = |after: &Wim| {
        let mut found = compare_images((&closed, 1), (after, 1)).expect("the trees are sound").hives;
        assert_eq!(found.len(), 1, "SOFTWARE only");
        assert_eq!(found[0].path, SOFTWARE_HIVE.trim_start_matches('\\'));
        found.remove(0).keys
    };
    let keys = compare(&open).expect("the log completes it");
    let added = |difference: &KeyDifference| matches!(difference.kind, KeyDifferenceKind::Added(_));
    let added: Vec<&str> =
        keys.differences.iter().filter(|found| added(found)).map(|found| found.path.as_str()).collect();
    assert_eq!(added, [r"Microsoft\Logged\Later"]);
    let refusal = compare(&lost).expect_err("nothing completes it");
    assert!(refusal.contains("not closed"), "{refusal}");
}

#[test]
fn a_hive_that_was_not_closed_is_completed_from_its_logs() {
    let states = software_states();
    let hive = not_closed(&states[0], 7);
    let (first, second) =
        (incremental_log(&[&states[0], &states[1]], 7), incremental_log(&[&states[1], &states[2]], 8));
    let both = incremental_log(&[&states[0], &states[1], &states[2]], 7);
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("boot.wim");
    let add = |image: &BootImage, trusted: &[TrustedCertificate]| {
        roots::add(image, Some(roots::hive(&image.wim, &image.image)?), trusted, medium::env().now())
    };
    let added = |logs: &[(&'static str, &[u8])]| {
        let logs = logs.iter().map(|(name, log)| (*name, log.to_vec())).collect();
        let hives = Hives { software: hive.clone(), logs, ..Hives::default() };
        let recipe = BootImageRecipe { files: 0, size: 0, hives, ..BootImageRecipe::default() };
        recipe.write(&path).expect("a boot image can be made");
        let spec = medium::spec(&path, FORM).expect("it can be opened");
        let image = BootImage::open(&spec.boot_image).expect("it is one");
        add(&image, &spec.trusted).map(|added| (added, spec))
    };
    for logs in [
        &[("software.log1", &first[..]), ("SOFTWARE.Log2", &second)][..],
        &[("SOFTWARE.LOG", b"a dummy"), ("SOFTWARE.LOG1", &second), ("SOFTWARE.LOG2", &first)],
        &[("SOFTWARE.LOG", &both), ("SOFTWARE.LOG1", b""), ("SOFTWARE.LOG2", b"")],
    ] {
        let (added, mut spec) = added(logs).expect("the logs complete the hive");
        assert!(added.recovered);
        let changed = folder.path().join("changed.wim");
        fs::write(&changed, added.content.to_vec(1 << 30).expect("it is small")).expect("it can be written");
        let wim = Wim::open(Arc::new(FileSource::open(&changed).expect("a file"))).expect("a WIM file");
        let image = wim.image(1).expect("an image");
        let read = |path: &str| {
            let hash = image.find(path).expect("it is there").hash();
            hash.map(|hash| wim.read(&hash, 1 << 30).expect("its bytes")).unwrap_or_default()
        };
        let software = read(SOFTWARE_HIVE);
        assert_eq!(check(&software), []);
        let software = Hive::open(software).expect("it is closed");
        assert!(software.find(r"Microsoft\Logged\Later").expect("it is sound").is_some(), "{logs:?}");
        assert_eq!(roots::list(&wim, &image).expect("it is sound").len(), spec.trusted.len());
        for (name, log) in logs {
            assert!(read(&format!(r"\Windows\System32\config\{name}")) == *log, "{name} is as it was");
        }
        // The logs are still there, and mean nothing any more: nothing is to do.
        spec.boot_image.source = Arc::new(FileSource::open(&changed).expect("a file"));
        let image = BootImage::open(&spec.boot_image).expect("it is one");
        let again = add(&image, &spec.trusted).expect("it is closed");
        assert!(!again.recovered && again.certificates.iter().all(|certificate| certificate.was_there));
        assert!(again.content.to_vec(1 << 30).expect("it is small") == fs::read(&changed).expect("a file"));
    }

    let (_, spec) = added(&[("SOFTWARE.LOG1", &both)]).expect("the log completes the hive");
    let staged = media_core::stage(&spec, &medium::env(), &mut Unobserved).expect("it can be staged");
    let note = |note: &String| note.contains("completed from the log files");
    assert!(staged.report.notes.iter().any(note), "{:?}", staged.report.notes);

    let refused = |logs: &[(&'static str, &[u8])]| match added(logs).map(|_| ()) {
        Err(RootsError::Hive(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&[]), HiveError::Dirty { primary: 8, secondary: 7 });
    assert_eq!(refused(&[("SOFTWARE.LOG1", b"")]), HiveError::Dirty { primary: 8, secondary: 7 });
    let missing = refused(&[("SOFTWARE.LOG2", &second), ("SOFTWARE.LOG", &both)]);
    assert!(matches!(missing, HiveError::Log { log: 2, .. }), "{missing:?}");
}

/// The lines about a file's data: its SHA-1, lengths and place. Times, attributes and security are other lines.
fn hive_line(line: &str) -> bool {
    ["Hash", "Uncompressed size", "Compressed size", "Offset in WIM", "Raw"]
        .iter()
        .any(|name| line.trim_start().starts_with(name))
}

fn certificate_is_there(hive: &str, trusted: &TrustedCertificate) {
    let store = trusted.store.registry_name();
    let key = format!(r"\Microsoft\SystemCertificates\{store}\Certificates");
    let Some(verdict) = referee::run("hivexregedit", ["--export", hive, key.as_str()]) else { return };
    let export = verdict.success().text();
    let thumbprint = to_hex_upper(&trusted.certificate.sha1());
    let after_key = export.split(&format!(r"{key}\{thumbprint}]")).nth(1).expect("the key is named after it");
    let value =
        after_key.lines().find_map(|line| line.strip_prefix("\"Blob\"=hex(3):")).expect("there is a Blob");
    let blob: Vec<u8> =
        value.split(',').map(|byte| u8::from_str_radix(byte, 16).expect("hexadecimal bytes")).collect();
    assert!(blob.ends_with(trusted.certificate.der()), "the certificate is there byte for byte");
    let (der_len, blob_len) = (trusted.certificate.der().len(), blob.len());
    let head = &blob[blob_len - der_len - 12..blob_len - der_len];
    assert_eq!(head[..8], [0x20, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(head[8..], (der_len as u32).to_le_bytes());
    check_file(hive, blob_len);
}

/// The hive is a file on its own: whole pages, and large enough to hold what it says.
fn check_file(hive: &str, least: usize) {
    let file = fs::File::open(hive).expect("it was extracted");
    let mut start = [0; 4];
    file.read_exact_at(&mut start, 0).expect("it is longer");
    assert_eq!(&start, b"regf");
    assert!(file.metadata().expect("a file").len() as usize > least);
}
