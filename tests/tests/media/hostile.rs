//! Media made to mislead: tables and manifests that are whole in themselves, and say what cannot be.

use std::sync::Arc;

use media_core::content::Content;
use media_core::event::Unobserved;
use media_core::io::Source;
use media_core::{Medium, Tree, Trust, open, seal, verify};

use crate::damage::{DISC, MBR_STICK, STICK, Sound, staged};

const SECTOR: usize = 512;
const EFI_SYSTEM: [u8; 16] = *b"\x28\x73\x2A\xC1\x1F\xF8\xD2\x11\xBA\x4B\x00\xA0\xC9\x3E\xC9\x3B";

/// CRC-32 as a GPT has it, written out again so that it is not the code under test.
fn crc32(bytes: &[u8]) -> [u8; 4] {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
    (!bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))).to_le_bytes()
}

/// A stick with other entries in both halves of its GPT, with checksums that are right.
fn with_entries(change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut bytes = Sound::new(STICK).bytes.to_vec();
    let last = bytes.len() / SECTOR - 1;
    for (header, entries) in [(1, 2), (last, last - 32)] {
        let start = entries * SECTOR;
        change(&mut bytes[start..start + 32 * SECTOR]);
        let entries = crc32(&bytes[start..start + 32 * SECTOR]);
        let header = &mut bytes[header * SECTOR..][..92];
        header[88..92].copy_from_slice(&entries);
        header[16..20].fill(0);
        let own = crc32(header);
        header[16..20].copy_from_slice(&own);
    }
    bytes
}

fn found(bytes: Vec<u8>) -> Vec<&'static str> {
    let report = verify(Arc::new(bytes), Trust::default(), &mut Unobserved).expect("it can be looked at");
    // That a structure is not what was written is found whatever it means.
    let ids = report.findings.iter().map(|found| found.id);
    ids.filter(|id| *id != "medium.structure").collect()
}

#[test]
fn a_partition_without_a_drive_letter_is_found() {
    assert_eq!(found(with_entries(|_| ())), [""; 0]);
    let system = |entries: &mut [u8]| entries[..16].copy_from_slice(&EFI_SYSTEM);
    assert_eq!(found(with_entries(system)), ["medium.partition-type"]);
    let mut mbr = Sound::new(MBR_STICK).bytes.to_vec();
    mbr[450] = 0x0B;
    assert_eq!(found(mbr), [""; 0], "FAT32 without LBA, which Windows knows as well");
}

#[test]
fn a_partition_in_front_of_the_medium_is_not_taken_for_it() {
    let bytes = with_entries(|entries| {
        let medium = entries[..128].to_vec();
        entries[128..256].copy_from_slice(&medium);
        entries[..16].copy_from_slice(&EFI_SYSTEM);
        // Four sectors of the gap in front of the medium, which are no FAT32 volume.
        entries[32..40].copy_from_slice(&40_u64.to_le_bytes());
        entries[40..48].copy_from_slice(&43_u64.to_le_bytes());
    });
    let medium = open(Arc::new(bytes.clone())).expect("the second partition");
    assert!(matches!(medium, Medium::Disk { partition: Some(1), .. }));
    assert_eq!(found(bytes), [""; 0]);
}

/// Addresses whose sum or product is more than 64 bits count.
#[test]
fn partitions_beyond_all_bounds_are_refused() {
    for (first, last) in [(u64::MAX / 512 + 1, u64::MAX), (u64::MAX, u64::MAX), (0, u64::MAX), (1 << 62, 5)] {
        let bytes = with_entries(|entries| {
            entries[32..40].copy_from_slice(&first.to_le_bytes());
            entries[40..48].copy_from_slice(&last.to_le_bytes());
        });
        let source: Arc<dyn Source> = Arc::new(bytes);
        assert!(open(source).is_err(), "sectors {first} to {last}");
    }
}

#[test]
fn sizes_in_a_manifest_are_only_words() {
    for form in [STICK, DISC] {
        let mut tree: Tree = staged(form);
        seal(&mut tree, form, None, &mut Unobserved).expect("it can be sealed");
        let files = tree.files.len();
        let manifest = tree.file("tsmedia-manifest.json").expect("it is staged");
        let content = manifest.content.clone();
        let text = String::from_utf8(content.to_vec(1 << 20).expect("it is small")).expect("JSON");
        for (size, found, times) in
            [("18446744073709551615", "manifest.damaged", 1), ("16777216", "manifest.size", files - 1)]
        {
            let mut parts = text.split("\"size\": ");
            let first = parts.next().expect("what is in front").to_owned();
            let text = parts.fold(first, |text, part| {
                text + "\"size\": " + size + part.trim_start_matches(|digit: char| digit.is_ascii_digit())
            });
            let mut tree = tree.clone();
            let manifest = &mut tree.files.iter_mut().find(|file| file.path == "tsmedia-manifest.json");
            manifest.as_mut().expect("it is staged").content = Content::bytes(text.into_bytes());
            let report = Sound::of(&tree, form);
            let ids = report.verify(None, report.len()).findings.into_iter().map(|found| found.id);
            assert_eq!(ids.filter(|id| *id == found).count(), times, "{form:?}, {size}");
        }
    }
}
