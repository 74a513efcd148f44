//! Edits of files captured by wimlib, judged by wimlib and 7-Zip.
#![allow(clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use proptest::prelude::*;

use super::tests::all_bytes;
use super::*;
use crate::content::{Content, Piece};
use crate::event::Unobserved;
use crate::io::FileSource;

pub(super) const HIVE: &str = "Windows/System32/config/SOFTWARE";
const TWIN: &str = "Windows/twin.bin";

/// Whether a program is there; where tests must not be skipped, it has to be.
pub(super) fn has(tool: &str) -> bool {
    let found = Command::new(tool).arg("--help").output().is_ok();
    assert!(found || std::env::var("CI").as_deref() != Ok("true"), "{tool} is not installed");
    if !found {
        eprintln!("skipped: {tool} is not installed");
    }
    found
}

pub(super) fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).env("TZ", "UTC").output().expect(program);
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Bytes that compress to about a third; other ones for each seed.
pub(super) fn content(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    (0..len).map(|at| if at % 8 < 6 { (at / 64) as u8 } else { next() as u8 }).collect()
}

/// Bytes that do not compress.
fn noise(len: usize, seed: u32) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect()
}

pub(super) struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    /// A folder to capture: a hive of 3 MB and a file of the same content, hard links, an empty file, some others.
    pub(super) fn new() -> Self {
        let bench = Self::empty();
        bench.add(HIVE, &content(3_000_000, 1));
        bench.add(TWIN, &content(3_000_000, 1));
        bench.add("links/one", &content(100_000, 2));
        fs::hard_link(bench.tree().join("links/one"), bench.tree().join("links/two")).expect("hard links");
        bench.add("empty", b"");
        bench.add("empty too", b"");
        bench.add("small.txt", b"small");
        bench.add("noise.bin", &noise(200_000, 3));
        bench
    }

    pub(super) fn empty() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tree(&self) -> PathBuf {
        self.path("tree")
    }

    pub(super) fn add(&self, name: &str, bytes: &[u8]) {
        let path = self.tree().join(name);
        fs::create_dir_all(path.parent().expect("in the tree")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    pub(super) fn capture(&self, options: &[&str]) -> PathBuf {
        let wim = self.path("captured.wim");
        let (tree, file) = (self.tree(), wim.clone());
        let mut arguments = vec!["capture", text(&tree), text(&file), "First image"];
        arguments.extend(options);
        run("wimlib-imagex", &arguments);
        wim
    }
}

pub(super) fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn open_file(path: &Path) -> Wim {
    Wim::open(Arc::new(FileSource::open(path).expect("a file"))).expect("a good WIM")
}

/// What wimlib lists about each file of an image: everything but the blob, and the blob's hash.
fn listing(wim: &Path, image: u32) -> BTreeMap<String, (Vec<String>, Vec<String>)> {
    let output = run("wimlib-imagex", &["dir", text(wim), &image.to_string(), "--detailed"]);
    let mut files = BTreeMap::new();
    let listed = String::from_utf8(output.stdout).expect("UTF-8");
    for record in
        listed.split("----------------------------------------------------------------------------\n")
    {
        let (mut path, mut facts, mut hashes) = (None, Vec::new(), Vec::new());
        for line in record.lines() {
            let name = line.split('=').next().unwrap_or_default().trim();
            match name {
                "Full Path" => path = line.split('"').nth(1).map(str::to_owned),
                "Hash" => hashes.push(line.to_owned()),
                "Uncompressed size" | "Compressed size" | "Offset in WIM" | "Part Number"
                | "Reference Count" | "Flags" => {}
                _ => facts.push(line.to_owned()),
            }
        }
        if let Some(path) = path {
            files.insert(path, (facts, hashes));
        }
    }
    files
}

/// Makes the edit and has everybody look at it; `expected` are all paths that have new content in each image.
fn judge(source: &Path, edits: &[(u32, &str, Vec<u8>)], expected: &[(u32, &str, &[u8])]) -> PathBuf {
    let before = open_file(source);
    let mut edit = Edit::new(&before);
    for (image, path, bytes) in edits {
        edit = edit.replace(*image, *path, bytes.clone());
    }
    let result = all_bytes(&edit.finish().expect("an edit that is possible"));
    let target = source.with_file_name("edited.wim");
    fs::write(&target, &result).expect("written");

    // Nothing behind the header moved or changed.
    let old = fs::read(source).expect("the source");
    assert!(result[208..old.len()] == old[208..], "bytes of the source changed");
    run("wimlib-imagex", &["verify", text(&target)]);
    if has("7z") {
        run("7z", &["t", text(&target)]);
    }
    let after = open_file(&target);
    let findings = after.verify(&mut Unobserved).expect("it can be checked");
    assert!(findings.is_empty(), "{findings:?}");

    for image in 1..=before.header().image_count {
        let is_new = |path: &str| {
            expected.iter().find(|(index, name, _)| *index == image && *name == path.trim_start_matches('/'))
        };
        let (old, new) = (listing(source, image), listing(&target, image));
        assert!(old.keys().eq(new.keys()));
        for (path, (facts, hashes)) in &new {
            assert_eq!(*facts, old[path].0, "{path}");
            let hash = is_new(path).map(|(.., bytes)| Hash::of(bytes));
            match hash {
                None => assert_eq!(*hashes, old[path].1, "{path}"),
                Some(hash) => {
                    let hash =
                        if is_new(path).is_some_and(|new| new.2.is_empty()) { Hash::default() } else { hash };
                    assert_eq!(*hashes, [format!("Hash              = 0x{hash}")], "{path}");
                }
            }
        }
        let (old, new) = (before.image(image).expect("good"), after.image(image).expect("good"));
        for ((path, old), (_, new)) in old.entries().zip(new.entries()) {
            if is_new(&path.replace('\\', "/")).is_none() {
                assert_eq!(old, new, "{path}");
            }
        }
        let sum = |wim: &Wim, image: &Image| -> u64 {
            let hashes = image.entries().filter_map(|(_, entry)| entry.hash());
            hashes.map(|hash| wim.blob(&hash).expect("present").resource.len).sum()
        };
        let total = |wim: &Wim| wim.images()[image as usize - 1].total_bytes;
        assert_eq!(total(&before), Some(sum(&before, &old)));
        assert_eq!(total(&after), Some(sum(&after, &new)));
        let linked = |wim: &Wim, image: &Image| -> u64 {
            let mut groups = std::collections::BTreeSet::new();
            let again = image.entries().filter(|(_, entry)| entry.hard_link_group != 0);
            let again = again.filter(|(_, entry)| !groups.insert((entry.hard_link_group, entry.hash())));
            let hashes: Vec<Hash> = again.filter_map(|(_, entry)| entry.hash()).collect();
            hashes.iter().map(|hash| wim.blob(hash).expect("present").resource.len).sum()
        };
        let hard_links = |wim: &Wim| wim.images()[image as usize - 1].hard_link_bytes;
        assert_eq!(hard_links(&before), Some(linked(&before, &old)));
        assert_eq!(hard_links(&after), Some(linked(&after, &new)));
    }
    // The WIM's own sum is the length of the file up to the XML.
    let xml = crate::bytes::utf16le(&xml::read(after.source().as_ref(), after.header()).expect("good"));
    let total = xml.rsplit("<TOTALBYTES>").next().and_then(|rest| rest.split('<').next());
    assert_eq!(total, Some(after.header().xml.offset.to_string().as_str()));
    for (image, path, bytes) in expected {
        let output = run(
            "wimlib-imagex",
            &["extract", text(&target), &image.to_string(), &format!("/{path}"), "--to-stdout"],
        );
        assert!(output.stdout == *bytes, "{path} is extracted with other bytes");
        let found = after.image(*image).expect("good").find(path).and_then(|entry| entry.hash());
        let read = found.map_or(Vec::new(), |hash| after.read(&hash, 1 << 30).expect("good"));
        assert!(read == *bytes, "{path} is read with other bytes");
    }
    target
}

/// The hive with some bytes changed and some added, as an edit of the registry would.
fn edited_hive() -> Vec<u8> {
    let mut hive = content(3_000_000, 1);
    hive[4..12].copy_from_slice(b"sequence");
    hive[1_000_000..1_000_100].fill(0x55);
    hive.extend(content(70_000, 9));
    hive
}

#[test]
fn a_hive_is_swapped_in_every_kind_of_wim() {
    if !has("wimlib-imagex") {
        return;
    }
    for compression in ["--compress=LZX", "--compress=XPRESS", "--compress=none"] {
        for options in [&["--boot", "--check"][..], &["--boot"], &[]] {
            let bench = Bench::new();
            let source = bench.capture(&[&[compression], options].concat());
            let hive = edited_hive();
            let target = judge(
                &source,
                &[(1, "windows\\SYSTEM32\\Config\\software", hive.clone())],
                &[(1, HIVE, &hive)],
            );
            let (before, after) = (open_file(&source), open_file(&target));
            assert_eq!(after.header().boot_index, before.header().boot_index);
            assert_eq!(after.header().integrity.is_absent(), !options.contains(&"--check"));
            let blob = after.blob(&Hash::of(&hive)).expect("present");
            if compression == "--compress=none" {
                assert_eq!(blob.resource.stored_len, hive.len() as u64);
            } else {
                // Five of 94 chunks changed: most of the stored bytes are the old ones.
                let old =
                    before.blob(&Hash::of(&content(3_000_000, 1))).expect("present").resource.stored_len;
                assert!(blob.resource.stored_len < old + 6 * 32768, "{} stored", blob.resource.stored_len);
            }
            // The twin still has the old content: one reference moved, one stayed.
            assert_eq!(after.blob(&Hash::of(&content(3_000_000, 1))).expect("kept").reference_count, 1);
        }
    }
}

/// A download that was not cut to its length, or a block device.
#[test]
fn what_lies_behind_the_file_stays_where_it_is() {
    if !has("wimlib-imagex") {
        return;
    }
    let bench = Bench::new();
    let wim = bench.capture(&["--compress=LZX", "--check"]);
    let captured = fs::read(&wim).expect("a file");
    let with_more = [&captured[..], &noise(5000, 9)].concat();
    fs::write(&wim, &with_more).expect("a file");
    let open = open_file(&wim);
    let new = content(3_100_000, 8);
    let edited = Edit::new(&open).replace(1, HIVE, new.clone()).edited().expect("it can be edited");
    let bytes = all_bytes(&edited.content());
    assert!(bytes[208..with_more.len()] == with_more[208..], "not a byte behind the header moves");
    fs::write(&wim, &bytes).expect("a file");
    run("wimlib-imagex", &["verify", text(&wim)]);
    let open = open_file(&wim);
    assert_eq!(open.verify(&mut Unobserved).expect("it can be looked into"), []);
    let hash = open.image(1).expect("an image").find(HIVE).and_then(|entry| entry.hash()).expect("a file");
    assert!(open.read(&hash, 1 << 30).expect("its bytes") == new);
}

#[test]
fn files_shrink_grow_empty_and_fill() {
    if !has("wimlib-imagex") {
        return;
    }
    let bench = Bench::new();
    let source = bench.capture(&["--compress=LZX", "--check", "--boot"]);
    let (grown, shrunk) = (content(9_000_000, 4), content(40_000, 1));
    let (filled, exact) = (noise(65_536, 8), content(65_536, 3));
    let edits = vec![
        (1, "small.txt", grown.clone()),
        (1, HIVE, shrunk.clone()),
        (1, "noise.bin", Vec::new()),
        (1, "empty", filled.clone()),
        (1, TWIN, exact.clone()),
    ];
    let expected: [(u32, &str, &[u8]); 5] = [
        (1, "small.txt", &grown),
        (1, HIVE, &shrunk),
        (1, "noise.bin", b""),
        (1, "empty", &filled),
        (1, TWIN, &exact),
    ];
    let target = judge(&source, &edits, &expected);
    let after = open_file(&target);
    assert!(!after.contains(&Hash::of(&content(3_000_000, 1))), "nothing refers to the old hive");
    // wimlib can go on from here: it writes the WIM anew from what the tables say, and that is whole.
    let rebuilt = bench.path("rebuilt.wim");
    fs::copy(&target, &rebuilt).expect("copied");
    run("wimlib-imagex", &["optimize", text(&rebuilt)]);
    run("wimlib-imagex", &["verify", text(&rebuilt)]);
    let sorted = |wim: &Wim| {
        let blobs = wim.blobs().iter().filter(|blob| !blob.resource.is_metadata());
        blobs.map(|blob| (blob.hash, blob.reference_count)).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(sorted(&open_file(&rebuilt)), sorted(&after));
    // And once more, on the result: empty it again.
    let source = bench.path("again.wim");
    fs::rename(target, &source).expect("renamed");
    judge(&source, &[(1, "empty", Vec::new())], &[(1, "empty", b"")]);
}

#[test]
fn every_name_of_a_hard_linked_file_changes() {
    if !has("wimlib-imagex") {
        return;
    }
    let bench = Bench::new();
    let source = bench.capture(&["--compress=XPRESS", "--check"]);
    let new = content(150_000, 5);
    let target =
        judge(&source, &[(1, "links/two", new.clone())], &[(1, "links/one", &new), (1, "links/two", &new)]);
    assert_eq!(open_file(&target).blob(&Hash::of(&new)).expect("present").reference_count, 2);
}

#[test]
fn images_that_share_a_blob_change_one_by_one_or_together() {
    if !has("wimlib-imagex") {
        return;
    }
    let bench = Bench::new();
    let source = bench.capture(&["--compress=LZX", "--check"]);
    bench.add("only in the second.txt", b"second");
    run(
        "wimlib-imagex",
        &["append", text(&bench.tree()), text(&source), "Second image", "--boot", "--check"],
    );
    assert_eq!(open_file(&source).header().boot_index, 2);
    let old = Hash::of(&content(3_000_000, 1));
    assert_eq!(open_file(&source).blob(&old).expect("present").reference_count, 4);

    let hive = edited_hive();
    let one = open_file(&judge(&source, &[(2, HIVE, hive.clone())], &[(2, HIVE, &hive)]));
    assert_eq!(one.blob(&old).expect("kept").reference_count, 3);
    assert_eq!(one.header().boot_metadata, one.blobs()[one.metadata_entry(2).expect("there")].resource);

    let edits = [(1, HIVE, hive.clone()), (2, HIVE, hive.clone())];
    let both = open_file(&judge(&source, &edits, &[(1, HIVE, &hive), (2, HIVE, &hive)]));
    assert_eq!(both.blob(&old).expect("kept").reference_count, 2);
    assert_eq!(both.blob(&Hash::of(&hive)).expect("stored once").reference_count, 2);
}

#[test]
fn content_the_wim_has_already_is_pointed_to() {
    if !has("wimlib-imagex") {
        return;
    }
    let bench = Bench::new();
    let source = bench.capture(&["--compress=LZX"]);
    let twin = content(3_000_000, 1);
    let target = judge(&source, &[(1, "small.txt", twin.clone())], &[(1, "small.txt", &twin)]);
    let (before, after) = (open_file(&source), open_file(&target));
    let blob = after.blob(&Hash::of(&twin)).expect("present");
    assert_eq!(blob.resource, before.blob(&Hash::of(&twin)).expect("present").resource);
    assert_eq!(blob.reference_count, 3);
}

#[test]
fn identical_content_is_no_change() {
    if !has("wimlib-imagex") {
        return;
    }
    let bench = Bench::new();
    let source = bench.capture(&["--compress=LZX", "--check"]);
    let wim = open_file(&source);
    let edit = Edit::new(&wim).replace(1, HIVE, content(3_000_000, 1)).replace(1, "empty", Vec::new());
    let result = edit.finish().expect("nothing to do");
    assert_eq!(result.pieces().len(), 1);
    assert_eq!(all_bytes(&result), fs::read(&source).expect("the source"));
}

#[test]
fn an_integrity_table_of_several_pieces_is_extended() {
    if !has("wimlib-imagex") {
        return;
    }
    let bench = Bench::new();
    bench.add("large.bin", &noise(25_000_000, 6));
    let source = bench.capture(&["--compress=none", "--check"]);
    // Bytes behind the end of the WIM, as some tools leave them, stay where they are.
    let mut bytes = fs::read(&source).expect("the source");
    bytes.extend(b"something behind the end");
    fs::write(&source, bytes).expect("written");
    let hive = edited_hive();
    judge(&source, &[(1, HIVE, hive.clone())], &[(1, HIVE, &hive)]);

    // A copied sum is not computed again: damage in an old piece is still found after the edit.
    let mut bytes = fs::read(&source).expect("the source");
    bytes[5_000_000] ^= 1;
    fs::write(&source, bytes).expect("written");
    let damaged = open_file(&source);
    let edited = all_bytes(&Edit::new(&damaged).replace(1, "small.txt", *b"x").finish().expect("possible"));
    let findings = super::tests::open(edited).expect("good tables").verify(&mut Unobserved).expect("checked");
    assert!(findings.iter().any(|finding| finding.id == "wim.integrity"), "{findings:?}");
}

#[test]
fn equal_edits_give_equal_bytes_without_the_file_in_memory() {
    if !has("wimlib-imagex") {
        return;
    }
    let bench = Bench::new();
    let source = bench.capture(&["--compress=LZX", "--check"]);
    let edit = || -> Content {
        let wim = open_file(&source);
        Edit::new(&wim).replace(1, HIVE, edited_hive()).boot_index(1).finish().expect("possible")
    };
    let (one, two) = (edit(), edit());
    assert_eq!(all_bytes(&one), all_bytes(&two));
    let [header, middle, tail @ ..] = one.pieces() else { panic!("header and source") };
    assert_eq!(header.len(), 208);
    assert_eq!(middle.len(), fs::metadata(&source).expect("there").len() - 208);
    assert!(tail.iter().map(Piece::len).sum::<u64>() < 3_000_000);
    // The most of the old chunks can be shared, block by block.
    let mut end = header.len() + middle.len();
    let runs = tail.iter().filter_map(|piece| {
        let start = end;
        end += piece.len();
        match piece {
            Piece::Slice { source, offset, len } if source.file().is_some() => Some((*len, start, *offset)),
            _ => None,
        }
    });
    let (len, start, offset) = runs.max().expect("there are old chunks");
    assert!(len > 100_000 && start % 4096 == offset % 4096, "{len} bytes of {offset} at {start}");
}

/// Whether the old content is looked at, or somebody says which bytes of it are others.
#[test]
fn it_does_not_matter_who_finds_what_is_new() {
    if !has("wimlib-imagex") {
        return;
    }
    let bench = Bench::new();
    let written = || vec![4..12, 1_000_000..1_000_100, 3_000_000..3_070_000];
    for options in [&["--compress=LZX"][..], &["--compress=LZX", "--chunk-size=64K"], &["--compress=XPRESS"]]
    {
        let wim = open_file(&bench.capture(&[options, &["--check"]].concat()));
        let looked = Edit::new(&wim).replace(1, HIVE, edited_hive()).finish().expect("possible");
        let told = Edit::new(&wim).replace_written(1, HIVE, edited_hive(), written()).finish();
        assert!(all_bytes(&looked) == all_bytes(&told.expect("possible")), "{options:?}");
        // What was said is of the file as it was, and not of what took its place in the same edit.
        let again = Edit::new(&wim).replace(1, HIVE, content(100_000, 2));
        let again = again.replace_written(1, HIVE, edited_hive(), written()).finish().expect("possible");
        let after = Wim::open(Arc::new(again)).expect("good");
        assert!(
            after.read(&Hash::of(&edited_hive()), 1 << 30).expect("good") == edited_hive(),
            "{options:?}"
        );
    }
}

#[test]
fn solid_and_pipable_wims_are_opened_but_not_changed() {
    if !has("wimlib-imagex") {
        return;
    }
    let bench = Bench::new();
    let solid = bench.capture(&["--solid"]);
    let wim = open_file(&solid);
    assert!(wim.is_solid() && wim.images()[0].name.as_deref() == Some("First image"));
    assert!(matches!(Edit::new(&wim).replace(1, HIVE, *b"x").finish(), Err(WimError::Solid { .. })));
    assert!(matches!(wim.read(&Hash::of(&content(3_000_000, 1)), 1 << 30), Err(WimError::Solid { .. })));
    let pipable = bench.capture(&["--pipable"]);
    let wim = open_file(&pipable);
    assert!(wim.header().is_pipable && wim.images().len() == 1);
    assert!(matches!(Edit::new(&wim).replace(1, HIVE, *b"x").finish(), Err(WimError::Pipable)));
    assert!(matches!(wim.image(1), Err(WimError::Pipable)));
}

/// Every compression and chunk size wimlib writes, read back against the files that were captured.
#[test]
fn every_chunk_size_is_decoded() {
    if !has("wimlib-imagex") {
        return;
    }
    let bench = Bench::new();
    for (compression, size) in
        [("XPRESS", "4K"), ("XPRESS", "64K"), ("LZX", "64K"), ("LZX", "2M"), ("LZMS", "32K"), ("LZMS", "1M")]
    {
        let compress = format!("--compress={compression}");
        let wim = open_file(&bench.capture(&[&compress, &format!("--chunk-size={size}")]));
        let image = wim.image(1).expect("good");
        for (path, entry) in image.entries().filter(|(_, entry)| !entry.is_directory()) {
            let on_disk = fs::read(bench.tree().join(path.replace('\\', "/"))).expect("captured");
            let in_wim = entry.hash().map_or(Vec::new(), |hash| wim.read(&hash, 1 << 30).expect("good"));
            assert!(on_disk == in_wim, "{compression} {size}: {path}");
        }
    }
}

/// Whichever thread comes upon it first.
#[test]
fn of_several_chunks_that_cannot_be_decoded_the_first_is_told() {
    if !has("wimlib-imagex") {
        return;
    }
    let bench = Bench::new();
    let path = bench.capture(&["--compress=LZX"]);
    let hash = Hash::of(&content(3_000_000, 1));
    let (wim, mut bytes) = (open_file(&path), fs::read(&path).expect("captured"));
    let resource = wim.blob(&hash).expect("present").resource;
    let mut chunks =
        resource::Chunks::new(wim.source.as_ref(), wim.header(), "blob", resource).expect("good");
    while let Some(chunk) = chunks.locate().expect("good") {
        if matches!(chunk.index, 20 | 21 | 60 | 90) {
            bytes[chunk.offset as usize..][..chunk.stored as usize].fill(0xFF);
        }
    }
    let damaged = super::tests::open(bytes).expect("good tables");
    for _ in 0..20 {
        let error = damaged.read(&hash, 1 << 30).expect_err("it is damaged");
        assert!(matches!(error, WimError::Decompression { chunk: 20, .. }), "{error}");
    }
}

#[test]
fn any_change_of_a_file_of_several_chunks_is_read_back() {
    if !has("wimlib-imagex") {
        return;
    }
    let bench = Bench::new();
    let wim = open_file(&bench.capture(&["--compress=LZX"]));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(48));
    let changes = proptest::collection::vec((0_usize..400_000, any::<u8>()), 0..6);
    let outcome = runner.run(&(0_usize..400_000, changes), |(len, changes)| {
        let mut new = content(3_000_000, 1);
        new.truncate(len);
        let mut written = BTreeMap::new();
        for (place, byte) in changes {
            if let Some(target) = new.get_mut(place) {
                *target = byte;
                written.insert(place, place as u64..place as u64 + 1);
            }
        }
        let written: Vec<_> = written.into_values().collect();
        let result = Edit::new(&wim).replace(1, HIVE, new.clone()).finish().expect("possible");
        let known =
            Edit::new(&wim).replace_written(1, HIVE, new.clone(), written).finish().expect("possible");
        prop_assert!(all_bytes(&result) == all_bytes(&known));
        let after = Wim::open(Arc::new(result)).expect("good");
        let hash = after.image(1).expect("good").find(HIVE).and_then(|entry| entry.hash());
        let read = hash.map_or(Vec::new(), |hash| after.read(&hash, 1 << 30).expect("good"));
        prop_assert!(read == new);
        Ok(())
    });
    outcome.expect("every change");
}
