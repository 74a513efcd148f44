//! Files of a few bytes that say they are many, and files that fill what is allowed: each is refused for its reason or read,
//! and none takes more memory or work than its budget.

use std::sync::Arc;

use media_core::bytes::to_utf16le;
use media_core::io::Source;
use media_core::media::store::Store;
use media_core::service::export_reg;
use media_core::wim::{Hash, Wim};
use media_tests::boot_image::Compression::{self, Lzms, Lzx};

use crate::flips_of_others::seal;
use crate::measure::{Outcome, alone, check, measured, operations};
use crate::wim::{Dentry, METADATA, Resource, Writer, small, small_hive, small_tree, tree};

const MIB: u64 = 1 << 20;

fn outcomes(name: &str, bytes: Vec<u8>, hives: usize) -> Vec<Outcome> {
    let source: Arc<dyn Source> = Arc::new(bytes);
    let outcomes = operations(&source);
    check(name, &outcomes, hives);
    outcomes
}

/// What an operation said.
fn said<'a>(outcomes: &'a [Outcome], operation: &str) -> &'a str {
    outcomes.iter().find(|outcome| outcome.operation == operation).map_or("", |outcome| &outcome.said)
}

fn of_metadata(metadata: &[u8]) -> Vec<u8> {
    let mut wim = Writer::new(Compression::None);
    wim.add(metadata, METADATA, 1);
    wim.finish(None)
}

/// A name of one unit that no other of 27,000 numbers has.
fn unit(number: usize) -> Vec<u8> {
    (0x3400 + number as u16).to_le_bytes().to_vec()
}

fn numbered(number: u32) -> [u8; 20] {
    let mut hash = [0x55; 20];
    hash[..4].copy_from_slice(&number.to_le_bytes());
    hash
}

/// As many files as fit into `len` bytes, 27,000 in each folder.
fn full_tree(len: u64, first: usize, file: impl Fn(u32) -> Dentry<'static>) -> Vec<u8> {
    const EACH: usize = 27_000;
    let (mut out, mut number, mut size) = (vec![8, 0, 0, 0, 0, 0, 0, 0], 0, 0);
    Dentry { attributes: 0x10, children: 120, ..Dentry::default() }.push(&mut out);
    out.extend([0; 8]);
    let mut one = Vec::new();
    file(0).push(&mut one);
    size += one.len();
    let folders = (len as usize - 4096) / (EACH * size) + 1;
    let start = out.len();
    for folder in 0..folders {
        Dentry { attributes: 0x10, name: unit(first + folder), ..Dentry::default() }.push(&mut out);
    }
    out.extend([0; 8]);
    for folder in 0..folders {
        let place = start + 104 * folder + 16;
        let children = out.len() as u64;
        out[place..place + 8].copy_from_slice(&children.to_le_bytes());
        for index in 0..EACH {
            if out.len() + size + 16 > len as usize {
                break;
            }
            Dentry { name: unit(index), ..file(number) }.push(&mut out);
            number += 1;
        }
        out.extend([0; 8]);
    }
    out
}

#[test]
fn trees_as_large_as_allowed_are_read() {
    let _alone = alone();
    let plain = |number| Dentry { attributes: 0x20, hash: numbered(number), ..Dentry::default() };
    let linked = |number| Dentry { link: 1 + u64::from(number / 2), ..plain(number) };
    let one_file = |number| Dentry { link: 1, ..plain(number) };
    let in_folders = |number| Dentry { attributes: 0x10, ..plain(number) };
    for (name, metadata) in [
        ("files", full_tree(16 * MIB, 0, plain)),
        ("hard links", full_tree(16 * MIB, 0, linked)),
        ("names of one file", full_tree(16 * MIB, 0, one_file)),
        ("folders", full_tree(16 * MIB, 0, in_folders)),
        ("streams", {
            let streams: Vec<(u32, [u8; 20])> =
                (1..65_000).map(|number| (number, numbered(number))).collect();
            let file = |name: u16| Dentry {
                name: (0x3400 + name).to_le_bytes().to_vec(),
                attributes: 0x20,
                streams: &streams,
                ..Dentry::default()
            };
            tree(&[], &[file(1), file(2), file(3), file(4)])
        }),
        ("security descriptors", {
            let count = 2 * MIB as u32 - 100;
            let mut out = (8 + 8 * count).to_le_bytes().to_vec();
            out.extend(count.to_le_bytes());
            out.resize(8 + 8 * count as usize, 0);
            Dentry { attributes: 0x10, ..Dentry::default() }.push(&mut out);
            out.extend([0; 8]);
            out
        }),
    ] {
        assert!((8 * MIB..=16 * MIB).contains(&(metadata.len() as u64)), "{name}: {}", metadata.len());
        let found = outcomes(name, of_metadata(&metadata), 0);
        assert!(said(&found, "diff") == "0 differ", "{name}: {}", said(&found, "diff"));
    }
    // Two images that have nothing in common.
    let mut wim = Writer::new(Compression::None);
    for first in [0, 1000] {
        wim.add(&full_tree(16 * MIB, first, plain), METADATA, 1);
    }
    let found = outcomes("two trees", wim.finish(None), 0);
    assert_eq!(said(&found, "diff"), "322634 differ");
}

#[test]
fn tables_as_large_as_allowed_are_read_and_larger_ones_refused() {
    let _alone = alone();
    let with_blobs = |count: u32| {
        let mut wim = Writer::new(Compression::None);
        let hive = small_hive();
        wim.add(&hive, 0, 1);
        wim.add(&small_tree(Hash::of(&hive), Hash::default()), METADATA, 1);
        let byte = Resource { stored: 1, flags: 0, offset: 208, len: 1 };
        (0..count - 2).for_each(|number| wim.entry(byte, Hash(numbered(number)), 1));
        wim.finish(None)
    };
    let most = (8 * MIB / 50) as u32;
    let found = outcomes("blobs", with_blobs(most), 0);
    assert_eq!(said(&found, "add"), "changed: true");
    let found = outcomes("too many blobs", with_blobs(most + 1), 0);
    assert_eq!(said(&found, "list"), "blob table: 8388650 bytes, above the limit of 8388608");

    let xml = |element: &str, len: usize| {
        let text = format!("<WIM>{}</WIM>", element.repeat(len / 2 / element.len()));
        Writer::new(Compression::None).finish_with(None, &text)
    };
    for element in
        ["<IMAGE/>", "<IMAGE INDEX='1' a='' b='' c='' d='' e='' f='' g='' h=''/>", "text &amp; text"]
    {
        outcomes(element, xml(element, MIB as usize - 100), 0);
    }
    let found = outcomes("long XML", xml("<a/>", 2 * MIB as usize), 0);
    assert_eq!(said(&found, "info"), "XML: 2097176 bytes, above the limit of 1048576");

    let with_pieces = |blob: usize, piece: u32| {
        let mut wim = Writer::new(Compression::None);
        wim.add(&vec![1; blob], 0, 1);
        wim.add(&tree(&[], &[]), METADATA, 1);
        let mut wim = wim.finish(Some(piece));
        wim[300..1300].fill(2);
        wim
    };
    let found = outcomes("pieces", with_pieces(209_000, 1), 0);
    assert!(said(&found, "verify").starts_with("wim.integrity"), "{}", said(&found, "verify"));
    let found = outcomes("too many pieces", with_pieces(210_000, 1), 0);
    assert!(said(&found, "verify").starts_with("wim.integrity-table"), "{}", said(&found, "verify"));
}

#[test]
fn what_images_have_together_is_limited_too() {
    let _alone = alone();
    let with_images = |hive: &[u8], count: u32, padding: u64| {
        let mut wim = Writer::new(Compression::None);
        wim.add(hive, 0, count);
        for number in 0..count {
            let mut metadata = small_tree(Hash::of(hive), Hash(numbered(number)));
            metadata.resize(metadata.len() + padding as usize, 0);
            wim.add(&metadata, METADATA, 1);
        }
        wim.finish(None)
    };
    let found = outcomes("two images", with_images(&small_hive(), 2, 9 * MIB), 0);
    assert_eq!(said(&found, "list"), "2 images");
    let expected = "metadata of the images to change: 18876640 bytes, above the limit of 16777216";
    assert_eq!(said(&found, "add"), expected);
    let hive = with_cells(48 << 20, [-8, -8]);
    let found = outcomes("three hives", with_images(&hive, 3, 0), 2 * hive.len());
    let expected = "the hives of all images needs 151019520 bytes, the limit is 134217728";
    for operation in ["list", "add"] {
        assert!(said(&found, operation).ends_with(expected), "{}", said(&found, operation));
    }
}

/// A few kilobytes that decode to more than there is memory, or to so much that nobody would wait for it.
#[test]
fn bombs_are_refused_before_they_are_decoded() {
    let _alone = alone();
    let hash = Hash([1; 20]);
    let with_hive = |len: u64, images: usize| {
        let mut wim = Writer::new(Lzx);
        wim.add_zeros(len, 0, hash);
        // No two images have equal metadata.
        for number in 0..images {
            wim.add(&small_tree(hash, Hash(numbered(number as u32))), METADATA, 1);
        }
        wim.finish(None)
    };
    let images_of_zeros = |len: u64, count: usize| {
        let mut wim = Writer::new(Lzx);
        (0..count).for_each(|_| _ = wim.add_zeros(len, METADATA, hash));
        wim.finish(None)
    };
    let with_program = |len: u64| {
        let mut wim = Writer { chunk_size: 2 << 20, ..Writer::new(Lzx) };
        wim.add_zeros(len, 0, hash);
        let names = ["bootmgfw.efi", "bootmgr.efi"];
        let files = names.map(|name| Dentry {
            name: to_utf16le(name),
            attributes: 0x20,
            hash: hash.0,
            ..Dentry::default()
        });
        wim.add(&tree(&["Windows", "Boot", "EFI"], &files), METADATA, 1);
        wim.finish(None)
    };
    let with_chunks = |chunk_size: u32| {
        let mut wim = Writer { chunk_size, ..Writer::new(Lzms) };
        wim.add_stored(&[7; 100], 4, chunk_size.into(), hash, 1);
        wim.chunk_size = chunk_size;
        wim.add_stored(
            &small_tree(hash, hash),
            METADATA,
            small_tree(hash, hash).len() as u64,
            Hash::of(&small_tree(hash, hash)),
            1,
        );
        wim.finish(None)
    };
    let patched = |at: usize, bytes: &[u8]| {
        let mut wim = small(Lzx, None);
        wim[at..at + bytes.len()].copy_from_slice(bytes);
        wim
    };
    let cases: &[(&str, Vec<u8>, &str, &str)] = &[
        (
            "metadata of 17 MiB",
            images_of_zeros(17 * MIB, 1),
            "list",
            "metadata: 17825792 bytes, above the limit of 16777216",
        ),
        (
            "metadata of 1 TiB",
            images_of_zeros(1 << 36, 1),
            "add",
            "metadata: 68719476736 bytes, above the limit of 16777216",
        ),
        (
            "metadata of 16 MiB of zeros",
            images_of_zeros(16 * MIB, 1),
            "list",
            "metadata at offset 208: SHA-1 is ",
        ),
        (
            "many images",
            images_of_zeros(8 * MIB, 9),
            "list",
            "metadata of all images: 75497472 bytes, above the limit of 67108864",
        ),
        ("many images checked", images_of_zeros(8 * MIB, 300), "verify", "wim.metadata"),
        (
            "hive of 129 MiB",
            with_hive(129 * MIB, 1),
            "list",
            "image 1: blob: 135266304 bytes, above the limit of 134217728",
        ),
        (
            "hive of 128 MiB of zeros",
            with_hive(128 * MIB, 1),
            "add",
            "image 1: blob at offset 208: SHA-1 is ",
        ),
        ("hive of many images", with_hive(50 * MIB, 40), "info", "4 files, blob at offset 208: SHA-1 is "),
        ("file of 64 GiB", with_program(64 << 30), "verify", "wim.blob-length"),
        (
            "program of 64 MiB",
            with_program(64 * MIB),
            "info",
            "2 files, \\Windows\\System32\\config\\SOFTWARE is not in the boot image",
        ),
        ("LZMS chunks of 64 MiB", with_chunks(64 << 20), "verify", "wim.blob-unreadable"),
        ("LZMS chunks of 4 MiB", with_chunks(4 << 20), "verify", "wim.blob-unreadable"),
        ("four billion images", patched(0x2C, &[0xFF; 4]), "list", "no image 2: the WIM has 1"),
        ("four billion images checked", patched(0x2C, &[0xFF; 4]), "verify", "wim.image-count"),
        (
            "table of 1 PiB",
            patched(0x40, &(50u64 << 44).to_le_bytes()),
            "info",
            "blob table: 879609302220800 bytes, above",
        ),
        (
            "XML of 1 PiB",
            patched(0x58, &(1u64 << 50).to_le_bytes()),
            "info",
            "XML: 1125899906842624 bytes, above the limit",
        ),
    ];
    for (name, bytes, operation, expected) in cases {
        let hives = if name.starts_with("hive") { 128 << 20 } else { 0 };
        let found = outcomes(name, bytes.clone(), hives);
        let said = said(&found, operation);
        assert!(said.starts_with(expected), "{name}: {operation}: {said}");
    }
}

fn with_hive(bytes: &[u8]) -> Vec<u8> {
    let mut wim = Writer::new(Compression::None);
    wim.add(bytes, 0, 1);
    wim.add(&small_tree(Hash::of(bytes), Hash::default()), METADATA, 1);
    wim.finish(None)
}

/// A sound small hive with `len` bytes of bins behind it that are full of cells of 8 bytes with these sizes, in turn.
fn with_cells(len: usize, sizes: [i32; 2]) -> Vec<u8> {
    let mut hive = small_hive();
    let bins = hive.len() - 4096;
    for start in (bins..bins + len).step_by(4096) {
        hive.extend(b"hbin");
        hive.extend([start as u32, 4096].iter().flat_map(|number| number.to_le_bytes()));
        hive.extend([0; 20]);
        for cell in 0..(4096 - 32) / 8 {
            hive.extend(sizes[cell % 2].to_le_bytes());
            hive.extend([0; 4]);
        }
    }
    hive[40..44].copy_from_slice(&((bins + len) as u32).to_le_bytes());
    seal(&mut hive);
    hive
}

/// The same hive with every free cell in use: whatever is added makes it longer.
fn without_free_cells(mut hive: Vec<u8>) -> Vec<u8> {
    let number = |hive: &[u8], at: usize| i32::from_le_bytes(*hive[at..].first_chunk().expect("inside"));
    let mut bin = 4096;
    while bin < hive.len() {
        let end = bin + number(&hive, bin + 8) as usize;
        let mut cell = bin + 32;
        while cell < end {
            let size = number(&hive, cell).abs();
            hive[cell..cell + 4].copy_from_slice(&(-size).to_le_bytes());
            cell += size as usize;
        }
        bin = end;
    }
    hive
}

/// A hive whose certificate stores have lists of one key, or of one value, again and again: `field` is where their key
/// records have the count, `list` where they have the list.
fn with_lists(lists: u32, field: usize, list: usize) -> Vec<u8> {
    const ENTRIES: u32 = 65_535;
    let mut hive = small_hive();
    let bins = hive.len() - 4096;
    let (root_len, leaf_len) = ((8 + 4 * lists).next_multiple_of(8), (8 + 4 * ENTRIES).next_multiple_of(8));
    let bin_len = (32 + root_len + lists * leaf_len + 8).next_multiple_of(4096);
    let stores: Vec<usize> = (4096..hive.len() - 88)
        .filter(|at| hive[*at..].starts_with(b"nk") && hive[at + 76..].starts_with(b"Certificates"))
        .collect();
    let listed = (stores[0] - 4 - 4096) as u32;
    let root = bins as u32 + 32;
    for store in stores {
        hive[store + field..store + field + 4].copy_from_slice(&(lists * ENTRIES).to_le_bytes());
        hive[store + list..store + list + 4].copy_from_slice(&root.to_le_bytes());
    }
    let mut number = |number: u32| hive.extend(number.to_le_bytes());
    [u32::from_le_bytes(*b"hbin"), bins as u32, bin_len].into_iter().for_each(&mut number);
    (0..5).for_each(|_| number(0));
    let header = |signature: &[u8; 2], count: u32| u32::from(u16::from_le_bytes(*signature)) | count << 16;
    let end =
        |number: &mut dyn FnMut(u32), len: u32, written: u32| (written..len / 4).for_each(|_| number(0));
    number(root_len.wrapping_neg());
    number(header(b"ri", lists));
    (0..lists).for_each(|index| number(root + root_len + index * leaf_len));
    end(&mut number, root_len, 2 + lists);
    for _ in 0..lists {
        number(leaf_len.wrapping_neg());
        number(header(b"li", ENTRIES));
        (0..ENTRIES).for_each(|_| number(listed));
        end(&mut number, leaf_len, 2 + ENTRIES);
    }
    let left = bin_len - 32 - root_len - lists * leaf_len;
    number(left);
    end(&mut number, left, 1);
    hive[40..44].copy_from_slice(&(bins as u32 + bin_len).to_le_bytes());
    seal(&mut hive);
    hive
}

#[test]
fn lists_of_one_thing_again_and_again_are_refused() {
    let _alone = alone();
    for (name, lists, (field, list), expected) in [
        ("subkeys", 180, (20, 28), "the subkeys of one key needs 11796300 bytes, the limit is 524288"),
        ("fewer subkeys", 7, (20, 28), "is used more than once"),
        ("values", 180, (36, 40), "the values of one key needs 11796300 bytes, the limit is 524288"),
    ] {
        let hive = with_lists(lists, field, list);
        let found = outcomes(name, with_hive(&hive), hive.len());
        if field == 20 {
            assert!(said(&found, "list").contains(expected), "{name}: {}", said(&found, "list"));
        }
        assert!(said(&found, "verify").contains("hive."), "{name}: {}", said(&found, "verify"));
        let wim = Wim::open(Arc::new(with_hive(&hive))).expect("good");
        let exported = measured("export", || {
            let exported = export_reg(&wim, &[1], &[Store::AuthRoot]);
            exported.map_or_else(|error| error.to_string(), |bytes| format!("{} bytes", bytes.len()))
        });
        check(name, &[exported], hive.len());
    }
}

#[test]
fn hives_take_little_beside_themselves() {
    let _alone = alone();
    let many_keys = media_tests::boot_image::Hives::default().with_classes(40_000).software;
    for (name, hive) in [
        ("free cells", with_cells(48 << 20, [8, 8])),
        ("free cells between others", with_cells(48 << 20, [8, -8])),
        ("cells", with_cells(48 << 20, [-8, -8])),
        ("many keys", many_keys),
        ("no free cell", without_free_cells(with_cells(48 << 20, [-8, -8]))),
    ] {
        let found = outcomes(name, with_hive(&hive), hive.len());
        assert_eq!(said(&found, "add"), "changed: true", "{name}");
    }
}

#[test]
fn what_a_hive_names_again_and_again_is_listed_up_to_a_limit() {
    let _alone = alone();
    let mut hive = media_core::hive::Hive::open(small_hive()).expect("good");
    let time = crate::measure::time();
    for number in 0..5000 {
        let path = format!(r"Microsoft\SystemCertificates\ROOT\Certificates\{number:040X}");
        let key = hive.create_key(&path, time).expect("made");
        hive.set_value(key, "Blob", 3, &[7; 1000], time).expect("made");
    }
    let bytes = hive.into_bytes();
    let found = outcomes("5 MB of certificates", with_hive(&bytes), bytes.len());
    assert!(said(&found, "list").contains("a list of all certificates"), "{}", said(&found, "list"));
}
