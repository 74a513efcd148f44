//! Damaged and hostile discs: a finding or a typed error, never a panic, a hang or a wrong answer.

use proptest::prelude::*;

use super::*;
use crate::iso::{IsoError, SECTOR, le16};

fn small() -> (Layout, Vec<u8>) {
    let files = sizes(&[
        ("bootmgr", 5000),
        ("boot/etfsboot.com", 4096),
        ("EFI/efisys.bin", 9000),
        ("SMS/data/a.txt", 1),
    ]);
    let options =
        Options { bios_boot: Some("boot/etfsboot.com"), uefi_boot: Some("EFI/efisys.bin"), ..options() };
    let layout = plan(&files, &options).unwrap();
    let bytes = image_bytes(&layout);
    (layout, bytes)
}

/// Reads everything there is to read; whether anything was wrong.
fn complains(bytes: Vec<u8>) -> bool {
    let disc = match Disc::open(Arc::new(bytes)) {
        Ok(disc) => disc,
        Err(_) => return true,
    };
    let read =
        [disc.primary().is_err(), disc.joliet().is_err(), disc.udf().is_err(), disc.boot_entries().is_err()];
    let found = disc.check().expect("memory can be read");
    assert!(!found.is_empty() || read == [false; 4], "an error that the check did not find");
    !found.is_empty()
}

#[test]
fn every_byte_a_udf_crc_covers_is_checked() {
    let (layout, bytes) = small();
    assert!(!complains(bytes.clone()));
    for structure in layout.structures.iter().filter(|structure| structure.label.starts_with("UDF")) {
        for (index, block) in structure.bytes.as_chunks::<2048>().0.iter().enumerate() {
            let covered = if structure.label == "UDF volume recognition sequence" {
                0
            } else {
                16 + usize::from(le16(block, 10))
            };
            for at in (0..covered).step_by(7) {
                let mut damaged = bytes.clone();
                damaged[structure.offset as usize + index * 2048 + at] ^= 1 << (at % 8);
                assert!(complains(damaged), "{} sector {index} byte {at}", structure.label);
            }
        }
    }
}

#[test]
fn what_iso_9660_records_twice_is_checked() {
    let (layout, bytes) = small();
    // Offsets into the primary descriptor: volume size, block size, path tables, root directory.
    let descriptor = 16 * SECTOR as usize;
    let fields = [80..88, 128..136, 132..140, 140..144, 148..152, 158..174];
    for at in fields.into_iter().flatten() {
        let mut damaged = bytes.clone();
        damaged[descriptor + at] ^= 0x10;
        assert!(complains(damaged), "descriptor byte {at}");
    }
    let table = |structure: &&crate::layout::Structure| structure.label.starts_with("path table");
    for structure in layout.structures.iter().filter(table) {
        for at in 0..10 {
            let mut damaged = bytes.clone();
            damaged[structure.offset as usize + at] ^= 0x40;
            // The eleventh byte would be the pad byte of the root's row.
            assert!(at == 9 || complains(damaged), "{} byte {at}", structure.label);
        }
    }
}

#[test]
fn truncated_images_are_told() {
    let (_, bytes) = small();
    for sector in 0..bytes.len() / 2048 {
        for len in [sector * 2048, sector * 2048 + 1000] {
            assert!(complains(bytes[..len].to_vec()), "{len} bytes");
        }
    }
    let error = Disc::open(Arc::new(vec![0_u8; 100_000])).err().expect("not a disc");
    assert!(matches!(error, IsoError::NotADisc { .. }), "{error}");
    let error = Disc::open(Arc::new(Vec::new())).err().expect("nothing there");
    assert!(matches!(error, IsoError::OutsideImage { image: 0, .. }), "{error}");
}

/// The directory record of `name` in the primary tree.
fn record_of(layout: &Layout, bytes: &[u8], name: &[u8]) -> usize {
    let directories = layout.structures.iter().filter(|structure| structure.label == "ISO 9660 directory");
    directories
        .flat_map(|structure| structure.offset as usize..structure.offset as usize + structure.bytes.len())
        .find(|at| bytes[at + 32] as usize == name.len() && &bytes[at + 33..at + 33 + name.len()] == name)
        .unwrap()
}

fn set_both(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    bytes[at + 4..at + 8].copy_from_slice(&value.to_be_bytes());
}

#[test]
fn folders_in_a_ring_and_lengths_beyond_the_image() {
    let (layout, bytes) = small();
    let root = u32::from_le_bytes(bytes[16 * 2048 + 158..16 * 2048 + 162].try_into().unwrap());
    let mut ring = bytes.clone();
    set_both(&mut ring, record_of(&layout, &bytes, b"SMS") + 2, root);
    let error = Disc::open(Arc::new(ring)).unwrap().primary().err().expect("a ring");
    assert!(matches!(error, IsoError::Loop { .. }), "{error}");

    for name in [&b"SMS"[..], b"BOOTMGR"] {
        let mut long = bytes.clone();
        set_both(&mut long, record_of(&layout, &bytes, name) + 10, 0xFFFF_F800);
        let error = Disc::open(Arc::new(long)).unwrap().primary().err().expect("too long");
        assert!(matches!(error, IsoError::OutsideImage { .. }), "{error}");
    }
}

#[test]
fn a_load_size_that_firmware_misreads_is_found() {
    let (layout, bytes) = small();
    let catalog =
        layout.structures.iter().find(|structure| structure.label == "El Torito boot catalog").unwrap();
    for (load, found) in [(1_u16, false), (2, true), (4, true), (8, true), (18, false)] {
        let mut changed = bytes.clone();
        // Validation entry, default entry, section header, section entry; the load size is at 6.
        changed[catalog.offset as usize + 96 + 6..][..2].copy_from_slice(&load.to_le_bytes());
        let findings = Disc::open(Arc::new(changed)).unwrap().check().unwrap();
        assert_eq!(findings.iter().any(|finding| finding.id == "iso.uefi-load-size"), found, "{load}");
    }
}

#[test]
fn a_lost_anchor_does_not_hide_the_volume() {
    let (layout, bytes) = small();
    for anchor in layout.structures.iter().filter(|structure| structure.label == "UDF anchor") {
        let mut damaged = bytes.clone();
        damaged[anchor.offset as usize..][..512].fill(0);
        let disc = Disc::open(Arc::new(damaged)).unwrap();
        assert_eq!(disc.udf().unwrap().len(), 4);
        assert!(disc.check().unwrap().iter().any(|finding| finding.id == "udf.anchor"));
    }
}

#[test]
fn a_disc_written_to_something_larger_is_whole() {
    let (layout, mut bytes) = small();
    let last_anchor = layout.structures.iter().rfind(|structure| structure.label == "UDF anchor").unwrap();
    bytes.resize(bytes.len() + (3 << 20), 0);
    let disc = Disc::open(Arc::new(bytes.clone())).unwrap();
    let ids: Vec<_> = disc.check().unwrap().iter().map(|finding| finding.id).collect();
    assert_eq!(ids, ["iso.trailing-data"]);
    bytes[last_anchor.offset as usize + 16] ^= 1;
    let disc = Disc::open(Arc::new(bytes)).unwrap();
    assert!(disc.check().unwrap().iter().any(|finding| finding.id == "udf.anchor"));
}

#[test]
fn a_flipped_letter_of_a_name_is_found_in_every_tree() {
    let (layout, bytes) = small();
    let wide = |name: &str| name.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let names = ["bootmgr", "etfsboot.com", "efisys.bin", "a.txt"];
    for (label, form) in [
        ("ISO 9660 directory", &(|name: &str| name.to_ascii_uppercase().into_bytes()) as &dyn Fn(&str) -> _),
        ("Joliet directory", &wide),
    ] {
        for name in names.map(form) {
            let structures = layout.structures.iter().filter(|structure| structure.label == label);
            let at = structures
                .flat_map(|structure| {
                    structure.offset as usize..structure.offset as usize + structure.bytes.len()
                })
                .find(|at| bytes[*at..].starts_with(&name))
                .unwrap();
            for position in 0..name.len() {
                for bit in 0..8 {
                    let mut damaged = bytes.clone();
                    damaged[at + position] ^= 1 << bit;
                    assert!(complains(damaged), "{label}: bit {bit} of byte {position} of {name:?}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_damage_to_structures_is_survived(flips in prop::collection::vec((any::<prop::sample::Index>(), 0_u32..8), 1..6)) {
        thread_local!(static DISC: (Layout, Vec<u8>) = small());
        DISC.with(|(layout, bytes)| {
            let mut damaged = bytes.clone();
            for (index, bit) in &flips {
                let structure = &layout.structures[index.index(layout.structures.len())];
                let at = structure.offset as usize + index.index(structure.bytes.len());
                damaged[at] ^= 1 << bit;
            }
            complains(damaged);
        });
    }
}

/// Two folders, each with a length as of the whole disc: one of them cannot be so.
#[test]
fn folders_are_no_larger_than_the_disc_together() {
    let (layout, bytes) = small();
    let mut large = bytes.clone();
    for name in [&b"SMS"[..], b"EFI"] {
        let record = record_of(&layout, &bytes, name);
        let start = u32::from_le_bytes(bytes[record + 2..record + 6].try_into().unwrap());
        set_both(&mut large, record + 10, bytes.len() as u32 - start * 2048);
    }
    let found = Disc::open(Arc::new(large)).unwrap().check().unwrap();
    assert!(found.iter().any(|finding| finding.message.contains("bytes of folders")), "{found:?}");
}

/// A terabyte of nothing is not read for a directory.
#[test]
fn a_directory_starts_with_its_own_records() {
    let (layout, bytes) = small();
    let mut empty = bytes.clone();
    let record = record_of(&layout, &bytes, b"SMS");
    set_both(&mut empty, record + 2, 0);
    set_both(&mut empty, record + 10, 32_768);
    let disc = Disc::open(Arc::new(empty)).unwrap();
    let error = disc.primary().err().expect("no directory");
    assert!(error.to_string().ends_with("found 0 records"), "{error}");
    let found = disc.check().unwrap();
    assert_eq!(found.iter().filter(|finding| finding.id == "iso.tree").count(), 1, "{found:?}");
    assert_eq!(disc.listing().unwrap().0.len(), 4, "the other trees are whole");
}

#[test]
fn a_path_table_may_have_as_many_rows_as_there_are_numbers() {
    let (_, bytes) = small();
    let mut volume = Disc::open(Arc::new(bytes)).unwrap().volumes.unwrap().primary;
    for rows in [1_usize, 65_534, 65_535, 65_536] {
        let mut table = vec![1, 0, 20, 0, 0, 0, 1, 0, 0, 0];
        table.extend([1, 0, 21, 0, 0, 0, 1, 0, b'A', 0].repeat(rows - 1));
        (volume.path_table_l, volume.path_table_size) = (0, table.len() as u32);
        let len = table.len() as u64;
        let image = crate::iso::disc::Image { source: Arc::new(table), len };
        let folders = crate::iso::iso9660::path_table(&image, &volume, false).unwrap();
        assert_eq!((folders.len(), folders[rows - 1].parent), (rows, 20));
    }
}

/// ECMA-167, 3/8.8.2: the last descriptor of the sequence prevails, here or in another extent.
#[test]
fn the_last_integrity_descriptor_prevails() {
    let (layout, bytes) = small();
    let is_integrity = |at: &u64| le16(&bytes[*at as usize..], 0) == 9 && bytes[*at as usize + 4] != 0;
    let udf = layout.structures.iter().filter(|structure| structure.label.starts_with("UDF"));
    let mut sectors = udf.flat_map(|part| (part.offset..part.offset + part.bytes.len() as u64).step_by(2048));
    let first = sectors.find(is_integrity).expect("there is one") as usize;
    // An open one, which leads to a closed one in sector 0.
    let seal = |sector: &mut [u8], location: u32| {
        sector[12..16].copy_from_slice(&location.to_le_bytes());
        let covered = usize::from(le16(sector, 10));
        let crc = crate::iso::udf::crc(&sector[16..16 + covered]);
        sector[8..10].copy_from_slice(&crc.to_le_bytes());
        sector[4] = 0;
        sector[4] = sector[..16].iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    };
    let mut changed = bytes.clone();
    changed.copy_within(first..first + 2048, 0);
    seal(&mut changed[..2048], 0);
    changed[first + 28] = 0;
    changed[first + 32..first + 36].copy_from_slice(&2048_u32.to_le_bytes());
    changed[first + 36..first + 40].fill(0);
    seal(&mut changed[first..first + 2048], (first / 2048) as u32);
    assert_eq!(Disc::open(Arc::new(changed.clone())).unwrap().check().unwrap(), []);
    changed[28] = 0;
    seal(&mut changed[..2048], 0);
    let found = Disc::open(Arc::new(changed)).unwrap().check().unwrap();
    assert_eq!(found.iter().map(|finding| finding.id).collect::<Vec<_>>(), ["udf.integrity"]);
}

#[test]
fn names_that_differ_in_case_alone_are_found() {
    let layout = plan(&sizes(&[("data/a.txt", 1), ("data/b.txt", 1)]), &options()).unwrap();
    let mut bytes = image_bytes(&layout);
    let name: Vec<u8> = "b.txt".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let at = bytes.windows(name.len()).position(|found| found == name).unwrap();
    bytes[at + 1] = b'A';
    let found = Disc::open(Arc::new(bytes)).unwrap().check().unwrap();
    let same: Vec<_> = found.iter().filter(|finding| finding.id == "iso.same-name").collect();
    assert_eq!(same.len(), 1, "{found:?}");
    assert_eq!(same[0].place, "Joliet tree: data/A.txt");
}
