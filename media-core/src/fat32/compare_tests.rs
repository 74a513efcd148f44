#![allow(clippy::panic)]

use std::io;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;
use crate::fat32::{Options, minimum_sectors, plan};
use crate::finding::Severity;
use crate::io::Source;
use crate::layout::FileSize;
use crate::time::Timestamp;

const START: u64 = 1 << 20;
const PATHS: [(&str, u64); 5] = [
    ("bootmgr", 3000),
    ("boot/boot.sdi", 5000),
    ("boot/resources/a long name.dll", 700),
    ("empty", 0),
    ("sources/boot.wim", 20_000),
];

/// A volume in memory, of which only what is written costs anything, with changes.
#[derive(Clone)]
struct Patched {
    layout: Arc<Layout>,
    patches: Vec<(u64, Vec<u8>)>,
}

impl Source for Patched {
    fn len(&self) -> u64 {
        START + self.layout.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.len();
        let count = buffer.len().min(usize::try_from(len.saturating_sub(offset)).expect("memory"));
        let buffer = &mut buffer[..count];
        buffer.fill(0);
        let structures = self.layout.structures.iter().map(|found| (found.offset, &*found.bytes));
        for (start, bytes) in structures.chain(self.patches.iter().map(|(start, bytes)| (*start, bytes))) {
            let start = START + start;
            let from = start.max(offset);
            let to = (start + bytes.len() as u64).min(offset + count as u64);
            if from < to {
                let source = &bytes[(from - start) as usize..(to - start) as usize];
                buffer[(from - offset) as usize..(to - offset) as usize].copy_from_slice(source);
            }
        }
        Ok(count)
    }
}

impl Patched {
    fn new(files: &[FileSize], cluster_size: u32) -> Self {
        let options = Options {
            label: "CFGMGR MEDI",
            volume_id: 0x1234_ABCD,
            cluster_size,
            sectors: minimum_sectors(files, cluster_size).expect("they fit"),
            hidden_sectors: (START / SECTOR_SIZE) as u32,
            time: Timestamp::parse("2027-01-31T12:34:57Z").expect("a date"),
        };
        Self { layout: Arc::new(plan(files, &options).expect("they fit")), patches: Vec::new() }
    }

    fn planned() -> Self {
        Self::new(&PATHS.map(|(path, len)| FileSize::new(path, len)), 512)
    }

    fn structure(&self, label: &str) -> &Structure {
        self.layout.structures.iter().find(|found| found.label == label).expect("it is planned")
    }

    /// Where an entry with this short name is, from the volume's start.
    fn entry(&self, name: &str) -> u64 {
        let folders = self.layout.structures.iter().filter(|found| found.label.ends_with("folder"));
        let mut slots = folders.flat_map(|folder| {
            let slots = folder.bytes.as_chunks::<32>().0.iter();
            (folder.offset..).step_by(32).zip(slots)
        });
        slots.find(|(_, slot)| slot[..11] == *name.as_bytes()).expect("it is planned").0
    }

    fn patch(&mut self, offset: u64, bytes: &[u8]) -> &mut Self {
        self.patches.push((offset, bytes.to_vec()));
        self
    }

    fn byte(&self, offset: u64) -> u8 {
        let mut byte = [0];
        self.read_at(START + offset, &mut byte).expect("memory");
        byte[0]
    }

    fn compare(&self) -> Vec<Finding> {
        let source: Arc<dyn Source> = Arc::new(self.clone());
        let volume = Volume::open(source, START, self.layout.len).expect("it can be opened");
        compare(&volume, &self.layout).expect("memory can be read")
    }

    fn found(&self) -> Vec<(&'static str, Severity, String)> {
        self.compare().into_iter().map(|finding| (finding.id, finding.severity, finding.place)).collect()
    }
}

#[test]
fn an_untouched_volume_is_as_planned() {
    assert_eq!(Patched::planned().compare(), []);
}

/// An offset, the bytes there, and what is found: an id and a place, or nothing.
type Row = (&'static str, fn(&Patched) -> u64, &'static [u8], Option<(&'static str, &'static str)>);

#[test]
fn each_change_is_what_it_is() {
    let rows: &[Row] = &[
        ("OEM name", |_| 3, b"mkfs", Some((CHANGED, "boot sector, byte 3"))),
        ("boot code", |_| 200, b"!", Some((CHANGED, "boot sector, byte 200"))),
        ("in use", |_| 65, &[3], None),
        ("another bit of the state", |_| 65, &[4], Some((CHANGED, "boot sector, byte 65"))),
        ("the copy's state", |_| 6 * 512 + 65, &[1], Some((CHANGED, "backup boot sector, byte 65"))),
        ("free clusters", |_| 512 + 488, &[1, 2, 3, 0, 5, 6, 7, 8], None),
        ("the copy's free clusters", |_| 7 * 512 + 488, &[1, 2, 3, 0, 5, 6, 7, 8], None),
        ("FSInfo", |_| 512 + 300, &[1], Some((CHANGED, "FSInfo, byte 300"))),
        ("clean as Windows has it", |it| it.structure("FAT 1").offset + 4, &[0xFF; 4], None),
        ("in use as Windows has it", |it| it.structure("FAT 2").offset + 4, &[0xFF, 0xFF, 0xFF, 0x7F], None),
        (
            "entry 1",
            |it| it.structure("FAT 1").offset + 4,
            &[0xFE],
            Some((CHANGED, "FAT 1, entry 1 (the volume)")),
        ),
        (
            "a chain",
            |it| it.structure("FAT 2").offset + 10 * 4,
            &[9],
            Some((CHANGED, "FAT 2, entry 10 (bootmgr)")),
        ),
        ("a folder's chain that goes on", |it| it.structure("FAT 1").offset + 5 * 4, &[77, 0, 0, 0], None),
        (
            "a folder's chain that ends otherwise",
            |it| it.structure("FAT 1").offset + 5 * 4,
            &[0],
            Some((CHANGED, "FAT 1, entry 5 (sources)")),
        ),
        ("access date", |it| it.entry("BOOTMGR    ") + 18, &[1, 2], Some(("fat32.changed-dates", "bootmgr"))),
        (
            "creation",
            |it| it.entry("BOOT    WIM") + 13,
            &[1, 2, 3, 4, 5],
            Some(("fat32.changed-dates", "sources/boot.wim")),
        ),
        (
            "last change",
            |it| it.entry("EMPTY      ") + 22,
            &[1, 2, 3, 4],
            Some(("fat32.changed-dates", "empty")),
        ),
        ("hidden", |it| it.entry("BOOT       ") + 11, &[0x12], Some(("fat32.changed-attributes", "boot"))),
        (
            "no folder",
            |it| it.entry("BOOT       ") + 11,
            &[0],
            Some(("fat32.changed-entry", "root folder, entry 4 (boot)")),
        ),
        (
            "the label",
            |it| it.entry("CFGMGR MEDI"),
            b"MY STICK   ",
            Some(("fat32.changed-label", "volume label")),
        ),
        (
            "no label",
            |it| it.entry("CFGMGR MEDI"),
            &[0xE5],
            Some(("fat32.changed-entry", "root folder, entry 0 (the volume label)")),
        ),
        (
            "deleted",
            |it| it.entry("BOOT    SDI"),
            &[0xE5],
            Some(("fat32.changed-entry", "boot, entry 3 (boot.sdi)")),
        ),
        (
            "another cluster",
            |it| it.entry("BOOT    SDI") + 26,
            &[0xEE],
            Some(("fat32.changed-entry", "boot, entry 3 (boot.sdi)")),
        ),
        (
            "another length",
            |it| it.entry("BOOT    WIM") + 28,
            &[9],
            Some(("fat32.changed-entry", "sources, entry 3 (boot.wim)")),
        ),
        (
            "a long name",
            |it| it.entry("ALONGN~1DLL") - 31,
            b"b",
            Some(("fat32.changed-entry", "boot/resources, entry 3 (part of \"a long name.dll\")")),
        ),
        (
            "behind the planned entries",
            |it| {
                let root = it.structure("root folder");
                root.offset + root.bytes.len() as u64
            },
            b"FOREIGN    \x20",
            None,
        ),
    ];
    for (what, place, bytes, expected) in rows {
        let mut volume = Patched::planned();
        let place = place(&volume);
        let found = volume.patch(place, bytes).found();
        let found: Vec<_> = found.iter().map(|(id, _, place)| (*id, place.as_str())).collect();
        assert_eq!(found, expected.iter().copied().collect::<Vec<_>>(), "{what}");
    }
}

#[test]
fn dates_and_attributes_are_noted_once_with_names() {
    let mut volume = Patched::planned();
    for name in ["BOOTMGR    ", "EMPTY      ", "BOOT    SDI", "BOOT    WIM", "BOOT       ", "SOURCES    "] {
        let place = volume.entry(name);
        volume.patch(place + 18, &[1, 1]);
        if name.starts_with("BOOT ") {
            volume.patch(place + 11, &[volume.byte(place + 11) ^ 0x06]);
        }
    }
    let found = volume.compare();
    assert!(found.iter().all(|finding| finding.severity == Severity::Note));
    let messages: Vec<&str> = found.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "6 entries have other dates than were written: bootmgr, boot, empty, sources, boot/boot.sdi, …",
            "3 entries have other attributes (read-only, hidden, system, archive): boot, boot/boot.sdi, \
             sources/boot.wim",
        ]
    );
}

#[test]
fn errors_are_errors_and_say_what_is_there() {
    let mut volume = Patched::planned();
    let place = volume.entry("BOOT    SDI");
    let found = volume.patch(place, &[0xE5]).compare();
    assert_eq!(found[0].severity, Severity::Error);
    assert_eq!(found[0].message, "it was deleted");
    let mut volume = Patched::planned();
    let found = volume.patch(place + 28, &[9]).compare();
    assert_eq!(found[0].message, "its length was 5000 and is 4873");
}

/// Whether a bit is one that nobody needs, and that is nothing to note either.
fn is_irrelevant(volume: &Patched, offset: u64, bit: u8) -> bool {
    let mut structures = volume.layout.structures.iter();
    let within =
        |found: &&Structure| (found.offset..found.offset + found.bytes.len() as u64).contains(&offset);
    let structure = structures.find(within).expect("it is in one");
    let at = offset - structure.offset;
    match structure.label {
        // Where to look for free clusters; how many there are is compared with the FAT in the first of the two alone.
        "FSInfo" => (492..496).contains(&at),
        "backup FSInfo" => (488..496).contains(&at),
        // Reserved; Windows keeps the state of the volume there.
        "FAT 1" => at == 7 && bit >= 0x10,
        // Nor is its state looked for in the copy.
        "FAT 2" => at == 7 && bit >= 0x08,
        _ => false,
    }
}

/// Whether something is found.
fn is_found(volume: &Patched) -> bool {
    let source: Arc<dyn Source> = Arc::new(volume.clone());
    let Ok(opened) = Volume::open(source, START, volume.layout.len) else { return true };
    !compare(&opened, &volume.layout).expect("memory").is_empty()
        || !opened.check().expect("memory").is_empty()
}

#[test]
fn every_bit_of_every_structure_matters_or_is_known_not_to() {
    let config = ProptestConfig { cases: 5, failure_persistence: None, ..ProptestConfig::default() };
    let path = ("[a-c]{1,2}(/[a-zA-Z .]{0,20}[a-z]){0,2}", 0..9000_u64);
    let strategy = (proptest::collection::vec(path, 0..12), any::<u64>(), 0..3_u32);
    TestRunner::new(config)
        .run(&strategy, |(files, mut seed, size)| {
            let mut sizes: Vec<FileSize> = Vec::new();
            for (path, len) in files {
                sizes.push(FileSize::new(path, len));
                if minimum_sectors(&sizes, 512).is_err() {
                    sizes.pop();
                }
            }
            let sound = Patched::new(&sizes, 512 << size);
            prop_assert!(!is_found(&sound));
            let structures = &sound.layout.structures;
            for number in 0..300 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let structure = &structures[number % structures.len()];
                let offset = structure.offset + (seed >> 20) % structure.bytes.len() as u64;
                let bit = 1 << (seed >> 60 & 7);
                let in_fat = structure.label.starts_with("FAT");
                let is_planned_free = in_fat && {
                    let entry = (offset - structure.offset) as usize / 4 * 4;
                    structure.bytes[entry..entry + 4] == [0; 4]
                };
                let mut changed = sound.clone();
                changed.patch(offset, &[sound.byte(offset) ^ bit]);
                // The reserved bits of a free cluster say nothing.
                let reserved = is_planned_free && offset % 4 == 3 && bit >= 0x10;
                prop_assert!(
                    is_found(&changed) || is_irrelevant(&sound, offset, bit) || reserved,
                    "{}, byte {}, bit {bit:#04x}",
                    structure.label,
                    offset - structure.offset
                );
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}
