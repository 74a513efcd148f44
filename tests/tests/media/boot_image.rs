//! The boot image on the medium, looked at by `wimlib-imagex`, 7-Zip and `hivexregedit`.

use std::fs;
use std::os::unix::fs::FileExt;

use media_core::Form;
use media_core::bytes::to_hex_upper;
use media_core::disk::Scheme;
use media_core::io::Source;
use media_core::media::store::TrustedCertificate;
use media_tests::boot_image::{Architecture, BootImageRecipe, Compression};
use media_tests::{medium, referee};
use tempfile::TempDir;

use crate::text;

const FORM: Form = Form::DiskImage { scheme: Scheme::Gpt, size: None, cluster_size: None };

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
