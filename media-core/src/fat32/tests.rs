#![allow(clippy::panic)]

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::finding::Severity;
use crate::io::{FileSource, Source};
use crate::layout::{FileSize, Layout};
use crate::time::Timestamp;

const MIB: u64 = 1 << 20;

fn file(path: &str, len: u64) -> FileSize {
    FileSize::new(path, len)
}

fn options(sectors: u64, cluster_size: u32) -> Options<'static> {
    let time = Timestamp::parse("2027-01-31T12:34:57Z").expect("a date");
    Options {
        label: "CFGMGR MEDI",
        volume_id: 0x1234_ABCD,
        cluster_size,
        sectors,
        hidden_sectors: 2048,
        time,
    }
}

/// Bytes that tell files and places in them apart.
fn bytes_of(index: usize, len: u64) -> Vec<u8> {
    let mut state = index as u64 + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// Writes a volume with its content `start` bytes into a sparse file.
fn write_volume(
    folder: &Path,
    start: u64,
    layout: &Layout,
    content: impl Fn(usize, u64) -> Vec<u8>,
) -> PathBuf {
    let path = folder.join(format!("volume-at-{start}.img"));
    let image = File::create(&path).expect("a temporary file");
    image.set_len(start + layout.len).expect("sparse");
    for structure in &layout.structures {
        image.write_all_at(&structure.bytes, start + structure.offset).expect("written");
    }
    for (index, placement) in layout.files.iter().enumerate() {
        for extent in &placement.extents {
            image.write_all_at(&content(index, extent.len), start + extent.offset).expect("written");
        }
    }
    path
}

/// What must be so for every layout.
fn assert_sound(layout: &Layout, files: &[FileSize]) {
    let mut end = 0;
    for structure in &layout.structures {
        assert!(structure.offset >= end, "{} starts at {} before {end}", structure.label, structure.offset);
        end = structure.offset + structure.bytes.len() as u64;
    }
    assert_eq!(layout.files.len(), files.len());
    for (placement, file) in layout.files.iter().zip(files) {
        assert_eq!(placement.path, file.path);
        assert_eq!(placement.extents.len(), usize::from(file.len > 0), "one run, or none");
        for extent in &placement.extents {
            assert_eq!(extent.len, file.len);
            assert_eq!(extent.offset % 4096, 0);
            assert!(extent.offset >= end, "files follow the folders and each other");
            end = extent.offset + extent.len;
        }
    }
    assert!(end <= layout.len);
}

/// Runs a tool; `None` when it is not installed, which only a build server may not be short of.
fn run(tool: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(tool).args(arguments).env("LC_ALL", "C.UTF-8").env("MTOOLSRC", "/dev/null").output() {
        Ok(output) => Some(output),
        Err(error)
            if error.kind() == io::ErrorKind::NotFound && std::env::var("CI").as_deref() != Ok("true") =>
        {
            eprintln!("skipped: {tool} is not installed");
            None
        }
        Err(error) => panic!("{tool}: {error}"),
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}

fn assert_fsck_is_silent(image: &Path) {
    let Some(output) = run("fsck.fat", &["-n", text(image)]) else { return };
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.lines().count(), 2, "its name and a count, nothing else: {said}");
}

fn assert_mtools_agree(image: &Path, folder: &Path, files: &[FileSize]) {
    let out = folder.join("copied");
    std::fs::create_dir(&out).expect("a new folder");
    let volume = format!("{}@@1M", text(image));
    if !files.is_empty() {
        let Some(copied) = run("mcopy", &["-s", "-n", "-i", &volume, "::*", text(&out)]) else { return };
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    }
    for (index, file) in files.iter().enumerate() {
        // mtools does not know letters beyond U+FFFF; the other readers do.
        if file.path.chars().any(|letter| letter > '\u{FFFF}') {
            continue;
        }
        let found = std::fs::read(out.join(&file.path))
            .unwrap_or_else(|error| panic!("{} is not copied: {error}", file.path));
        assert!(found == bytes_of(index, file.len), "{}", file.path);
    }
    let Some(info) = run("minfo", &["-i", &volume]) else { return };
    let info = String::from_utf8_lossy(&info.stdout).into_owned();
    assert!(info.contains("hidden sectors: 2048") && info.contains("reserved (boot) sectors: 32"), "{info}");
}

fn assert_fatfs_agrees(image: &Path, files: &[FileSize]) {
    let options = fatfs::FsOptions::new();
    let volume =
        fatfs::FileSystem::new(File::options().read(true).write(true).open(image).expect("opened"), options)
            .expect("fatfs opens it");
    assert_eq!((volume.volume_id(), volume.volume_label().as_str()), (0x1234_ABCD, "CFGMGR MEDI"));
    for (index, file) in files.iter().enumerate() {
        let mut found = Vec::new();
        volume.root_dir().open_file(&file.path).expect("is there").read_to_end(&mut found).expect("read");
        assert!(found == bytes_of(index, file.len), "{}", file.path);
    }
}

fn assert_our_reader_agrees(image: &Path, files: &[FileSize], content: impl Fn(usize, u64) -> Vec<u8>) {
    let source = Arc::new(FileSource::open(image).expect("opened"));
    let volume = Volume::open(source.clone(), MIB, source.len() - MIB).expect("a volume");
    assert_eq!(volume.check().expect("readable"), []);
    assert_eq!(volume.label().expect("readable"), "CFGMGR MEDI");
    let found = volume.files().expect("sound");
    assert_eq!(found.len(), files.len());
    let found: HashMap<_, _> = found.iter().map(|file| (file.path.as_str(), file)).collect();
    for (index, file) in files.iter().enumerate() {
        let other = found[file.path.as_str()];
        assert_eq!(other.len, file.len);
        assert!(other.content.pieces().len() <= 1, "one run");
        assert!(
            other.content.to_vec(u64::MAX).expect("readable") == content(index, file.len),
            "{}",
            file.path
        );
    }
}

fn with_all_referees(files: &[FileSize], sectors: u64, cluster_size: u32) {
    let layout = plan(files, &options(sectors, cluster_size)).expect("it fits");
    assert_sound(&layout, files);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plain = write_volume(folder.path(), 0, &layout, bytes_of);
    let shifted = write_volume(folder.path(), MIB, &layout, bytes_of);
    assert_fsck_is_silent(&plain);
    assert_mtools_agree(&shifted, folder.path(), files);
    assert_our_reader_agrees(&shifted, files, bytes_of);
    assert_fatfs_agrees(&plain, files);
}

/// The tree of a boot medium, with small files.
fn medium() -> Vec<FileSize> {
    [
        ("bootmgr", 400_000),
        ("bootmgr.efi", 2_000_001),
        ("boot/BCD", 32_768),
        ("boot/boot.sdi", 3_170_304),
        ("boot/fonts/wgl4_boot.ttf", 49_090),
        ("EFI/Boot/bootx64.efi", 1_500_000),
        ("EFI/Microsoft/Boot/BCD", 32_768),
        ("sources/boot.wim", 5_000_000),
        ("SMS/data/TsmBootstrap.ini", 200),
        ("SMS/data/variables.dat", 4097),
        ("MediaLabel.txt", 0),
    ]
    .map(|(path, len)| file(path, len))
    .to_vec()
}

#[test]
fn referees_accept_a_medium_in_every_cluster_size() {
    for shift in 9..=15 {
        let size = 1 << shift;
        let sectors = minimum_sectors(&medium(), size).expect("it fits") + 5000;
        with_all_referees(&medium(), sectors, size);
    }
}

#[test]
fn referees_accept_large_volumes() {
    with_all_referees(&medium(), (2 << 30) / 512, 4096);
    with_all_referees(&medium(), (64 << 30) / 512, 32_768);
}

#[test]
fn referees_accept_the_smallest_volume() {
    let mut files = medium();
    files.push(file("large", 300 << 20));
    for files in [&[], medium().as_slice(), &files] {
        for size in [512, 1024, 4096, 32_768] {
            let sectors = minimum_sectors(files, size).expect("it fits");
            let less = plan(files, &options(sectors - u64::from(size) / 512, size)).expect_err("too small");
            let FatError::VolumeTooSmall { needed, given, cluster_size } = less else { panic!("{less}") };
            assert_eq!((needed, given, cluster_size), (sectors, sectors - u64::from(size) / 512, size));
            let layout = plan(files, &options(sectors, size)).expect("it fits exactly");
            assert_sound(&layout, files);
            let folder = tempfile::tempdir().expect("a temporary folder");
            let hole = |_, _| Vec::new();
            assert_fsck_is_silent(&write_volume(folder.path(), 0, &layout, hole));
            for more in [1, 7, 64, 2048] {
                plan(files, &options(sectors + more, size)).expect("more is enough, too");
            }
        }
    }
}

#[test]
fn long_and_foreign_names_survive() {
    let files = [
        file(&format!("{}/ünïcödé 日本語 🔑.txt", "Zürich-".repeat(18)), 10),
        file(&"é".repeat(128), 1),
        file(&format!("{}/{}", "ж".repeat(128), "長".repeat(128)), 4096),
        file(&format!("a/{}", "x".repeat(255)), 5000),
        file(".config", 3),
        file("a/.config", 3),
        file("no extension here", 3),
        file("two.dots.in.it", 3),
        file("FOOBAR~1.TXT", 3),
        file("foobarbaz.txt", 4),
    ];
    let layout = plan(&files, &options(600_000, 4096)).expect("it fits");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plain = write_volume(folder.path(), 0, &layout, bytes_of);
    let shifted = write_volume(folder.path(), MIB, &layout, bytes_of);
    assert_fsck_is_silent(&plain);
    assert_our_reader_agrees(&shifted, &files, bytes_of);
    // Not mtools: mcopy ends with "stack smashing detected" at names of this length.
    assert_fatfs_agrees(&plain, &files);
}

#[test]
fn the_boot_sector_is_what_mkfs_fat_writes() {
    for (sectors, cluster_size) in [
        (200_000_u64, 512_u32),
        (524_288, 1024),
        (524_289, 2048),
        (1_032_193, 4096),
        (2_064_385, 4096),
        (4_128_768, 4096),
        (4_128_769, 8192),
        (8_257_537, 16_384),
        (134_217_728, 32_768),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("mkfs.img");
        File::create(&path).and_then(|image| image.set_len(sectors * 512)).expect("sparse");
        let per_cluster = (cluster_size / 512).to_string();
        let arguments = [
            "-F",
            "32",
            "-s",
            &per_cluster,
            "-h",
            "2048",
            "-i",
            "1234ABCD",
            "-n",
            "CFGMGR MEDI",
            text(&path),
        ];
        let Some(output) = run("mkfs.fat", &arguments) else { return };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut theirs = [0; 512];
        File::open(&path).and_then(|image| image.read_exact_at(&mut theirs, 0)).expect("read");
        let ours = &plan(&[], &options(sectors, cluster_size)).expect("it fits").structures[0].bytes;
        // All parameters but the OEM name and the length of the FATs, which we pad for alignment; no boot code.
        assert_eq!(ours[..3], theirs[..3]);
        // Nor the reserved sectors, with which mkfs.fat aligns large clusters.
        assert_eq!((&ours[11..14], &ours[16..32]), (&theirs[11..14], &theirs[16..32]), "{sectors} sectors");
        // Both may leave out some sectors at the end that make no whole cluster.
        let total = |boot: &[u8]| u32::from_le_bytes([boot[32], boot[33], boot[34], boot[35]]);
        assert!(total(ours).abs_diff(total(&theirs)) < (cluster_size / 512).max(8), "{sectors} sectors");
        assert_eq!(ours[40..90], theirs[40..90]);
    }
}

#[test]
fn dates_are_kept_in_utc_and_within_what_fat_can_say() {
    let entry = |time: &str| {
        let time = Timestamp::parse(time).expect("a date");
        let layout = plan(&[file("A", 0)], &Options { time, ..options(600_000, 4096) }).expect("it fits");
        layout.structures[6].bytes[32..64].to_vec()
    };
    // 2027-01-31 is (47 << 9) | (1 << 5) | 31, 12:34:56 is (12 << 11) | (34 << 5) | 28, and a second.
    let noon = entry("2027-01-31T12:34:57Z");
    assert_eq!(noon[13..20], [100, 0x5C, 0x64, 0x3F, 0x5E, 0x3F, 0x5E]);
    assert_eq!(noon[22..26], [0x5C, 0x64, 0x3F, 0x5E]);
    assert_eq!(entry("1970-01-01")[24..26], [0x21, 0x00], "1980-01-01");
    assert_eq!(entry("2200-01-01")[24..26], [0x9F, 0xFF], "2107-12-31");
}

#[test]
fn wishes_fat_cannot_fulfil_are_refused_with_facts() {
    let wish = |files: &[FileSize]| plan(files, &options(600_000, 4096)).expect_err("impossible");
    let error = wish(&[file("boot.wim", 1 << 32)]);
    assert!(
        matches!(error, FatError::FileTooLarge { len: 0x1_0000_0000, limit: 0xFFFF_FFFF, .. }),
        "{error}"
    );
    assert!(matches!(wish(&[file("a/b", 1), file("A/B", 1)]), FatError::SameName { first, second }
        if first == "a/b" && second == "A/B"));
    assert!(matches!(wish(&[file("a", 1), file("A/b", 1)]), FatError::FileAndFolder { path } if path == "a"));
    assert!(
        matches!(wish(&[file("x/A/b", 1), file("x/a", 1)]), FatError::FileAndFolder { path } if path == "x/A")
    );
    for path in ["", "/a", "a/", "a//b"] {
        assert!(
            matches!(wish(&[file(path, 1)]), FatError::Name { problem: NameProblem::Empty, .. }),
            "{path}"
        );
    }
    for path in ["../a", "a/./b", "a?", "nul", "a/com1.txt", "a "] {
        assert!(matches!(wish(&[file(path, 1)]), FatError::Name { .. }), "{path}");
    }
    let deep = vec!["folder"; 200].join("/");
    assert!(matches!(wish(&[file(&deep, 1)]), FatError::PathTooLong { units: 1399, limit: 1024, .. }));
    let label = Options { label: "much too long", ..options(600_000, 4096) };
    assert!(matches!(plan(&[], &label), Err(FatError::Label { .. })));
    assert!(matches!(plan(&[], &options(600_000, 3000)), Err(FatError::ClusterSize { cluster_size: 3000 })));
    assert!(matches!(minimum_sectors(&[], 0), Err(FatError::ClusterSize { cluster_size: 0 })));
    assert!(matches!(plan(&[], &options(1 << 32, 32_768)), Err(FatError::TooManySectors { .. })));
    let many = vec![u64::from(u32::MAX); 600];
    let many: Vec<_> = many.iter().enumerate().map(|(index, &len)| file(&index.to_string(), len)).collect();
    assert!(matches!(minimum_sectors(&many, 4096), Err(FatError::TooManyClusters { .. })));
}

#[test]
fn a_folder_has_at_most_65536_entries() {
    let names =
        |count: usize| -> Vec<_> { (0..count).map(|index| file(&format!("D/{index:08}"), 0)).collect() };
    let full = names(65_534);
    let layout = plan(&full, &options(600_000, 4096)).expect("two entries are for the folder itself");
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_our_reader_agrees(&write_volume(folder.path(), MIB, &layout, bytes_of), &full, bytes_of);
    let error = plan(&names(65_535), &options(600_000, 4096)).expect_err("one too many");
    assert!(matches!(error, FatError::FolderTooLarge { entries: 65_537, limit: 65_536, .. }), "{error}");
}

#[test]
fn planning_takes_no_time_and_no_memory_for_content() {
    for (len, cluster_size) in [(500_u64 << 20, 4096), (LARGEST_FILE, 4096), (LARGEST_FILE, 32_768)] {
        let mut files = medium();
        files.push(file("sources/large.wim", len));
        let started = std::time::Instant::now();
        let layout = plan(&files, &options((8 << 30) / 512, cluster_size)).expect("it fits");
        eprintln!("{len} bytes in clusters of {cluster_size}: planned in {:?}", started.elapsed());
        assert_sound(&layout, &files);
        let planned: usize = layout.structures.iter().map(|structure| structure.bytes.len()).sum();
        let clusters = (len + 20_000_000) / u64::from(cluster_size);
        assert!(planned as u64 <= clusters * 8 + 100_000, "{planned} bytes: two FAT entries for a cluster");
    }
}

/// A folder may have 65,534 files, and a path 1024 letters: together far more than any medium has.
#[test]
fn paths_are_not_kept_without_bound() {
    let deep = ["é"; 4].map(|letter| letter.repeat(253)).join("/");
    let files: Vec<_> = (0..65_534).map(|index| file(&format!("{deep}/{index:08}"), 0)).collect();
    let layout = plan(&files, &options(600_000, 4096)).expect("it can be planned");
    let source = Planned { len: layout.len, layout, changes: Vec::new() };
    let volume = Volume::open(Arc::new(source), 0, u64::MAX).expect("sound");
    assert!(matches!(volume.files(), Err(FatError::TooMany { unit: "bytes of paths", .. })));
    let (files, damage) = volume.listing().expect("memory");
    let kept: usize = files.iter().map(|file| file.path.len()).sum();
    assert!(kept <= 64 << 20 && kept > 63 << 20, "{kept} bytes");
    assert!(matches!(damage, Some(FatError::TooMany { .. })));
    let found: Vec<_> = volume.check().expect("memory").into_iter().map(|finding| finding.id).collect();
    assert_eq!(found, ["fat32.hidden-sectors", "fat32.too-many"]);
}

#[test]
fn findings_are_not_listed_without_bound() {
    let files: Vec<_> = (0..1500).map(|index| file(&format!("D/{index:08}"), 0)).collect();
    let layout = plan(&files, &options(600_000, 4096)).expect("it can be planned");
    let folder = layout.structures.iter().find(|structure| structure.label == "folder").expect("one");
    let changes = (2..1502).map(|slot| (folder.offset + slot * 32 + 11, 0x60)).collect();
    let source = Planned { len: layout.len, layout, changes };
    let volume = Volume::open(Arc::new(source), 0, u64::MAX).expect("its boot sector is sound");
    let found: Vec<_> = volume.check().expect("memory").into_iter().map(|finding| finding.id).collect();
    assert_eq!(found.len(), 1001);
    assert_eq!((found[999], found[1000]), ("fat32.attributes", "fat32.more-findings"));
    assert_eq!(volume.listing().expect("memory").0.len(), 1500);
}

/// A planned volume in memory with changed bytes; files are zero.
struct Planned {
    layout: Layout,
    changes: Vec<(u64, u8)>,
    len: u64,
}

impl Source for Planned {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.len.saturating_sub(offset) as usize);
        let end = offset + count as u64;
        buffer[..count].fill(0);
        for structure in &self.layout.structures {
            let (start, stop) =
                (structure.offset.max(offset), (structure.offset + structure.bytes.len() as u64).min(end));
            if start < stop {
                let from = (start - structure.offset) as usize;
                buffer[(start - offset) as usize..(stop - offset) as usize]
                    .copy_from_slice(&structure.bytes[from..from + (stop - start) as usize]);
            }
        }
        for &(place, byte) in self.changes.iter().filter(|(place, _)| (offset..end).contains(place)) {
            buffer[(place - offset) as usize] = byte;
        }
        Ok(count)
    }
}

fn small() -> Layout {
    let files =
        [file("a folder/a file.txt", 1300), file("a folder/b/empty file", 0), file("another file", 513)];
    let wish = Options { hidden_sectors: 0, ..options(minimum_sectors(&files, 512).expect("it fits"), 512) };
    plan(&files, &wish).expect("it fits")
}

fn examine(layout: &Layout, changes: Vec<(u64, u8)>) -> Result<usize, FatError> {
    let source = Planned { layout: layout.clone(), changes, len: layout.len };
    let volume = Volume::open(Arc::new(source), 0, layout.len)?;
    let findings = volume.check()?;
    assert!(findings.iter().all(|finding| !finding.message.is_empty()));
    if findings.is_empty() {
        assert_eq!(volume.files().expect("nothing is wrong").len(), 3);
    } else {
        // What is found may be a note only; reading must end either way.
        let _ = volume.files().is_ok();
    }
    Ok(findings.len())
}

/// Bits of a folder entry that nothing on the volume repeats: a change in them cannot be seen.
fn is_silent(slot: &[u8], place: usize, bit: u8) -> bool {
    match (slot[11], place) {
        (0x0F, 1..=10 | 14..=25 | 28..=31) => true, // letters of a long name
        (0x0F, 11) => bit & 0xC0 != 0,
        (_, 11) => bit & 0x27 != 0,     // read-only, hidden, system, archive
        (_, 12..=19 | 22..=25) => true, // lower-case marks and dates
        (0x20, 28..=31) => {
            // A length of as many clusters.
            let len = u32::from_le_bytes([slot[28], slot[29], slot[30], slot[31]]);
            (len ^ u32::from(bit) << ((place - 28) * 8)).div_ceil(512) == len.div_ceil(512)
        }
        (0x08, 20..=31) => true, // a label has no cluster and no length
        _ => false,
    }
}

#[test]
fn every_flipped_bit_that_can_be_seen_is_seen() {
    let layout = small();
    assert_eq!(examine(&layout, Vec::new()).expect("sound"), 0);
    let (mut seen, mut silent) = (0, 0);
    for structure in &layout.structures {
        for (place, byte) in structure.bytes.iter().enumerate() {
            // The reserved bytes of boot sector and FSInfo are alike: one bit of each will do.
            let folder = structure.label.contains("folder");
            let bits =
                if folder || structure.label.starts_with("FAT") { 0..8 } else { place % 8..place % 8 + 1 };
            for bit in bits.map(|bit| 1_u8 << bit) {
                let allowed = match structure.label {
                    "FSInfo" => matches!(place, 4..=483 | 492..=507),
                    "backup FSInfo" => matches!(place, 4..=483 | 488..=507),
                    // The state of a volume in use, which the copies do not have to share.
                    "boot sector" | "backup boot sector" => place == 65,
                    // Its reserved bits are Windows'.
                    "FAT 1" => place == 7 && bit >= 0x10,
                    "FAT 2" => place == 7 && bit >= 0x08,
                    _ => folder && is_silent(&structure.bytes[place / 32 * 32..][..32], place % 32, bit),
                };
                let found = examine(&layout, vec![(structure.offset + place as u64, byte ^ bit)]);
                match found {
                    Ok(0) => {
                        assert!(allowed, "{}: bit {bit:#04X} of byte {place} is not seen", structure.label);
                        silent += 1;
                    }
                    _ => seen += 1,
                }
            }
        }
    }
    eprintln!("{seen} flipped bits are seen, {silent} cannot be");
    assert!(seen > 4000, "the test must have looked at something");
}

#[test]
fn a_volume_in_use_is_not_damaged() {
    let layout = small();
    let at = |label: &str| {
        let found = layout.structures.iter().find(|structure| structure.label == label);
        found.expect("it is planned").offset
    };
    // What fatgen103 and Windows do to the first FAT, and Windows and Linux to the boot sector.
    let (fat, boot) = (at("FAT 1") + 7, at("boot sector") + 65);
    for (place, byte) in [(fat, 0x07), (fat, 0xF7), (boot, 0x01), (boot, 0x02)] {
        let source = Planned { layout: layout.clone(), changes: vec![(place, byte)], len: layout.len };
        let findings = Volume::open(Arc::new(source), 0, layout.len).expect("sound").check().expect("memory");
        let found: Vec<_> = findings.iter().map(|finding| (finding.id, finding.severity)).collect();
        assert_eq!(found, [("fat32.dirty", Severity::Note)], "byte {place}: {findings:?}");
    }
    // While it is in use, nobody counts its free clusters.
    let count = at("FSInfo") + 488;
    for (state, id) in [(0, "fat32.free-count"), (1, "fat32.stale-free-count")] {
        let changes = vec![(at("boot sector") + 65, state), (count, 0)];
        let source = Planned { layout: layout.clone(), changes, len: layout.len };
        let findings = Volume::open(Arc::new(source), 0, layout.len).expect("sound").check().expect("memory");
        let found = findings.iter().find(|found| found.place == "FSInfo").expect("it is counted");
        assert_eq!(found.id, id, "{findings:?}");
    }
}

#[test]
fn truncations_are_typed() {
    let layout = small();
    for len in (0..512).chain((512..layout.len).step_by(100_003)).chain([layout.len - 512, layout.len - 1]) {
        let source = Arc::new(Planned { layout: layout.clone(), changes: Vec::new(), len });
        let error = Volume::open(source.clone(), 0, u64::MAX).err().expect("truncated");
        assert!(matches!(error, FatError::Truncated(_)), "{len}: {error}");
        assert!(matches!(Volume::open(source, len + 5, 9), Err(FatError::Truncated(_))));
    }
    let whole: Arc<dyn Source> =
        Arc::new(Planned { len: layout.len, layout: layout.clone(), changes: Vec::new() });
    assert!(matches!(Volume::open(whole, 0, layout.len - 1), Err(FatError::Truncated(_))));
}

#[test]
fn cycles_end() {
    let layout = small();
    let fat = layout.structures[4].offset;
    let number = |cluster: u64, next: u8| {
        vec![
            (fat + cluster * 4, next),
            (fat + cluster * 4 + 1, 0),
            (fat + cluster * 4 + 2, 0),
            (fat + cluster * 4 + 3, 0),
        ]
    };
    // The root leads to itself, then to a folder; a folder leads back to the root.
    for (cluster, next) in [(2, 2), (2, 3), (3, 2), (3, 3), (4, 3)] {
        assert!(examine(&layout, number(cluster, next)).expect("readable") > 0, "{cluster} to {next}");
    }
    // A folder that contains itself.
    let folder = layout.structures.iter().find(|structure| structure.label == "folder").expect("a folder");
    let child = folder.bytes.chunks(32).rposition(|slot| slot[11] == 0x10).expect("a folder in it");
    let own = folder.bytes[26];
    let changes = vec![(folder.offset + child as u64 * 32 + 26, own)];
    assert!(examine(&layout, changes).expect("readable") > 0);
}

/// A name that fits everywhere, from a few letters of several alphabets.
fn name() -> impl Strategy<Value = String> {
    let name = "[A-Za-z0-9 éß日ж🔑.~+=_-]{0,40}[a-zA-Z0-9é日]";
    prop_oneof![4 => "[A-Z0-9]{1,8}(\\.[A-Z0-9]{1,3})?", 6 => name, 1 => "[a-z]{200,255}"]
        .prop_filter("possible", |name| names::check(name).is_ok() && !name.starts_with(' '))
}

fn tree(cluster_size: u32) -> impl Strategy<Value = Vec<FileSize>> {
    let size = u64::from(cluster_size);
    let len = prop_oneof![Just(0), Just(1), Just(size - 1), Just(size), Just(size + 1), 0..size * 3];
    let path = prop::collection::vec(name(), 1..5).prop_map(|parts| parts.join("/"));
    prop::collection::vec((path, len), 0..40).prop_map(|all| {
        let mut files: Vec<FileSize> = Vec::new();
        for (path, len) in all {
            files.push(file(&path, len));
            // What contradicts the names before it has its own test.
            let spelled_alike = |files: &[FileSize]| {
                let mut folders = std::collections::HashMap::new();
                files
                    .iter()
                    .flat_map(|file| file.path.match_indices('/').map(|(at, _)| &file.path[..at]))
                    .all(|folder| *folders.entry(names::folded(folder)).or_insert(folder) == folder)
            };
            if tree::Tree::new(&files).is_err() || !spelled_alike(&files) {
                files.pop();
            }
        }
        files
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_trees_come_back(
        (cluster_size, files) in prop::sample::select(vec![512_u32, 2048, 4096, 32_768])
            .prop_flat_map(|size| (Just(size), tree(size))),
        more in 0_u64..5000,
    ) {
        let sectors = minimum_sectors(&files, cluster_size).expect("it fits") + more;
        with_all_referees(&files, sectors, cluster_size);
    }

    #[test]
    fn random_bytes_never_harm(changes in prop::collection::vec((0_usize..4096, any::<u8>()), 1..30)) {
        let layout = small();
        let places: Vec<u64> = layout.structures.iter()
            .flat_map(|structure| (0..structure.bytes.len() as u64).map(move |at| structure.offset + at)).collect();
        let changes = changes.into_iter().map(|(at, byte)| (places[at % places.len()], byte)).collect();
        let source = Planned { len: layout.len, layout, changes };
        if let Ok(volume) = Volume::open(Arc::new(source), 0, u64::MAX) {
            let _ = (volume.check(), volume.files().is_ok(), volume.label());
        }
    }
}
