//! Stick images, looked at by `sgdisk`, `fsck.fat`, mtools and 7-Zip.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use media_core::disk::{self, Scheme};
use media_core::io::FileSource;
use media_core::{Form, MediumPartition};
use media_tests::{medium, referee};
use tempfile::TempDir;

use crate::{assert_intact, assert_same_files, boot_image, text};

#[test]
fn gpt_with_4_kib_clusters() {
    examine(Scheme::Gpt, None, None, MediumPartition::Whole);
}

#[test]
fn mbr_with_4_kib_clusters() {
    examine(Scheme::Mbr, None, None, MediumPartition::Whole);
}

#[test]
fn gpt_with_32_kib_clusters_on_a_larger_stick() {
    examine(Scheme::Gpt, Some(3 << 30), Some(32 << 10), MediumPartition::Whole);
}

#[test]
fn mbr_with_32_kib_clusters_and_an_odd_size() {
    examine(Scheme::Mbr, Some((3 << 30) + 12_345), Some(32 << 10), MediumPartition::Whole);
}

#[test]
fn gpt_as_small_as_fits_with_the_rest_for_data() {
    examine(Scheme::Gpt, Some(40 << 30), None, MediumPartition::Fits);
}

#[test]
fn mbr_of_a_given_length_with_the_rest_for_data() {
    examine(Scheme::Mbr, Some(40 << 30), None, MediumPartition::Length(2 << 30));
}

fn examine(scheme: Scheme, size: Option<u64>, cluster_size: Option<u32>, partition: MediumPartition) {
    let folder = TempDir::new().expect("a temporary folder");
    let form = Form::DiskImage { scheme, size, cluster_size, partition };
    let spec = medium::spec(boot_image(), form).expect("the boot image can be opened");
    let (image, staged) = medium::make(&spec, folder.path(), "stick.img");
    let len = fs::metadata(&image).expect("it is there").len();
    if let Some(size) = size {
        assert!(len <= size && len + (1 << 20) > size, "{len} bytes of {size}");
    }
    assert_intact(&image);

    let found =
        disk::read(&FileSource::open(&image).expect("it is there")).expect("it has a table").partitions;
    let bytes = |number: usize| found[number].sectors * 512;
    match partition {
        MediumPartition::Whole => assert_eq!(found.len(), 1),
        MediumPartition::Fits => assert!(bytes(0) < 1 << 30 && bytes(1) > 39 << 30, "{found:?}"),
        MediumPartition::Length(given) => assert!(bytes(0) == given && bytes(1) > 37 << 30, "{found:?}"),
    }
    let path = text(&image);
    match scheme {
        Scheme::Gpt => {
            let Some(verdict) = referee::run("sgdisk", ["-v", path.as_str()]) else { return };
            let _ = verdict.success().says("No problems found");
            let Some(verdict) = referee::run("sgdisk", ["-i", "1", path.as_str()]) else { return };
            let _ = verdict.success().says("Microsoft basic data").says("First sector: 2048");
        }
        Scheme::Mbr => {
            let Some(verdict) = referee::run("sfdisk", ["--dump", path.as_str()]) else { return };
            let _ = verdict.success().says("start=        2048").says("type=c, bootable");
        }
    }
    let volume = folder.path().join("volume");
    copy_partition(&image, &volume);
    let Some(verdict) = referee::run("fsck.fat", ["-n", "-v", text(&volume).as_str()]) else { return };
    let _ = verdict.success().no_complaint().without(&["differ", "reclaimed", "bad", "wrong", "dirty"]);
    let partition = format!("{path}@@1M");
    let Some(verdict) = referee::run("minfo", ["-i", partition.as_str()]) else { return };
    let _ = verdict.success().says("hidden sectors: 2048").says("reserved (boot) sectors: 32");

    let extracted = folder.path().join("extracted");
    fs::create_dir(&extracted).expect("a folder can be made");
    let arguments =
        ["-s", "-n", "-i", partition.as_str(), "::/", text(&extracted).as_str()].map(str::to_owned);
    let Some(verdict) = referee::run("mcopy", arguments) else { return };
    let _ = verdict.success();
    assert_same_files(&extracted, &staged.tree);

    let Some(verdict) = referee::run("7z", ["t", text(&volume).as_str()]) else { return };
    let _ = verdict.without(&["warning", "error"]).says("Everything is Ok");
}

/// Copies the partition into a file of its own, leaving out blocks of zeros.
fn copy_partition(image: &Path, target: &Path) {
    let table = disk::read(&FileSource::open(image).expect("it is there")).expect("it has a table");
    let (offset, len) = (table.partitions[0].start_sector * 512, table.partitions[0].sectors * 512);
    let (source, target) = (File::open(image).expect("it is there"), File::create(target).expect("a file"));
    target.set_len(len).expect("room for a sparse file");
    let mut buffer = vec![0; 1 << 20];
    for start in (0..len).step_by(buffer.len()) {
        let count = (len - start).min(buffer.len() as u64) as usize;
        source.read_exact_at(&mut buffer[..count], offset + start).expect("it can be read");
        if buffer[..count].iter().any(|byte| *byte != 0) {
            target.write_all_at(&buffer[..count], start).expect("it can be written");
        }
    }
}
