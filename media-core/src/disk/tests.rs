#![allow(clippy::panic)]

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::finding::{Finding, Severity};
use crate::io::{FileSource, Source};
use crate::layout::Layout;

const OPTIONS: DiskOptions = DiskOptions {
    scheme: Scheme::Gpt,
    disk_guid: Guid(*b"\x01\x23\x45\x67\x89\xAB\xCD\x4F\x81\x02\x03\x04\x05\x06\x07\x08"),
    mbr_signature: 0xCAFE_F00D,
};

const PARTITION: Partition = Partition {
    content: PartitionContent::Medium,
    guid: Guid(*b"\x11\x23\x45\x67\x89\xAB\xCD\x4F\x81\x02\x03\x04\x05\x06\x07\x08"),
    name: "Task sequence média",
    start_sector: 2048,
    sectors: 0,
};
const DATA: Partition = Partition {
    content: PartitionContent::Data,
    guid: Guid(*b"\x21\x23\x45\x67\x89\xAB\xCD\x4F\x81\x02\x03\x04\x05\x06\x07\x08"),
    name: "Data",
    ..PARTITION
};

fn planned(scheme: Scheme, sectors: u64) -> Layout {
    plan(&[Partition { sectors, ..PARTITION }], &DiskOptions { scheme, ..OPTIONS }).expect("possible")
}

/// A planned disk in memory.
#[derive(Clone)]
struct Disk {
    layout: Layout,
    len: u64,
    change: Option<(u64, u8)>,
}

impl Source for Disk {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.len.saturating_sub(offset) as usize);
        for (place, byte) in (offset..).zip(&mut buffer[..count]) {
            let holds = |from: u64, len: usize| (from..from + len as u64).contains(&place);
            let structure =
                self.layout.structures.iter().find(|found| holds(found.offset, found.bytes.len()));
            *byte = structure.map_or(0, |found| found.bytes[(place - found.offset) as usize]);
            *byte ^= self.change.filter(|(at, _)| *at == place).map_or(0, |(_, bit)| bit);
        }
        Ok(count)
    }
}

fn disk(layout: Layout) -> Disk {
    Disk { len: layout.len, layout, change: None }
}

/// What a tool says about an image; `None` when it is not installed, which only a build server may not be short of.
fn said(tool: &str, arguments: &[&str], image: &Path) -> Option<String> {
    match Command::new(tool).args(arguments).arg(image).env("LC_ALL", "C.UTF-8").output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error)
            if error.kind() == io::ErrorKind::NotFound && std::env::var("CI").as_deref() != Ok("true") =>
        {
            eprintln!("skipped: {tool} is not installed");
            None
        }
        Err(error) => panic!("{tool}: {error}"),
    }
}

fn write(layout: &Layout, path: &Path) {
    let image = File::create(path).expect("a temporary file");
    image.set_len(layout.len).expect("sparse");
    for structure in &layout.structures {
        image.write_all_at(&structure.bytes, structure.offset).expect("written");
    }
}

#[test]
fn referees_accept_both_tables() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for sectors in [70_000, 2 << 21, 64 << 21, 3 << 31] {
        let path = folder.path().join(format!("gpt-{sectors}.img"));
        let layout = planned(Scheme::Gpt, sectors);
        write(&layout, &path);
        let Some(verdict) = said("sgdisk", &["-v"], &path) else { return };
        assert!(verdict.contains("No problems found"), "{verdict}");
        let Some(facts) = said("sgdisk", &["-i", "1", "-p"], &path) else { return };
        assert!(facts.contains("EBD0A0A2-B9E5-4433-87C0-68B6B72699C7 (Microsoft basic data)"), "{facts}");
        assert!(facts.contains(&format!("unique GUID: {}", PARTITION.guid)), "{facts}");
        assert!(facts.contains(&format!("Disk identifier (GUID): {}", OPTIONS.disk_guid)), "{facts}");
        assert!(facts.contains("Task sequence média"), "{facts}");
        let table = read(&FileSource::open(&path).expect("opened")).expect("readable");
        assert_eq!((table.scheme, table.findings.as_slice()), (Some(Scheme::Gpt), [].as_slice()));
        assert_eq!(table.disk_id, Some(DiskId::Guid(OPTIONS.disk_guid)));
        let [found] = table.partitions.as_slice() else { panic!("{table:?}") };
        assert_eq!(
            (found.start_sector, found.sectors, found.name.as_str()),
            (2048, sectors, "Task sequence média")
        );
        assert_eq!((found.kind, found.guid), (PartitionType::BASIC_DATA, Some(PARTITION.guid)));
    }
    for sectors in [70_000, 2 << 21, 64 << 21] {
        let path = folder.path().join(format!("mbr-{sectors}.img"));
        write(&planned(Scheme::Mbr, sectors), &path);
        let Some(list) = said("7z", &["l", "-tmbr"], &path) else { return };
        assert!(list.contains("0.fat") && list.contains(&(sectors * 512).to_string()), "{list}");
        let table = read(&FileSource::open(&path).expect("opened")).expect("readable");
        assert_eq!((table.scheme, table.findings.as_slice()), (Some(Scheme::Mbr), [].as_slice()));
        assert_eq!(table.disk_id, Some(DiskId::Signature(0xCAFE_F00D)));
        let [found] = table.partitions.as_slice() else { panic!("{table:?}") };
        assert_eq!((found.start_sector, found.sectors, found.active), (2048, sectors, true));
        assert_eq!((found.kind, found.kind.name()), (PartitionType::Byte(0x0C), "FAT32 (LBA)"));
    }
}

#[test]
fn referees_accept_a_second_partition() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (first, second) = (70_000, 500_000);
    let start_sector = 73_728;
    let partitions =
        [Partition { sectors: first, ..PARTITION }, Partition { start_sector, sectors: second, ..DATA }];
    for (scheme, name) in [(Scheme::Gpt, "gpt.img"), (Scheme::Mbr, "mbr.img")] {
        let layout = plan(&partitions, &DiskOptions { scheme, ..OPTIONS }).expect("possible");
        let gap = PlacedExtent { offset: (2048 + first) * 512, len: (start_sector - 2048 - first) * 512 };
        assert!(layout.zeros.contains(&gap), "{:?}", layout.zeros);
        let path = folder.path().join(name);
        write(&layout, &path);
        let table = read(&FileSource::open(&path).expect("opened")).expect("readable");
        assert_eq!((table.scheme, table.findings.as_slice()), (Some(scheme), [].as_slice()));
        let found: Vec<_> = table.partitions.iter().map(|part| (part.start_sector, part.sectors)).collect();
        assert_eq!(found, [(2048, first), (start_sector, second)]);
        let data = &table.partitions[1];
        match scheme {
            Scheme::Gpt => {
                let Some(verdict) = said("sgdisk", &["-v"], &path) else { return };
                assert!(verdict.contains("No problems found"), "{verdict}");
                let Some(facts) = said("sgdisk", &["-i", "2"], &path) else { return };
                assert!(facts.contains("(Microsoft basic data)") && facts.contains("'Data'"), "{facts}");
                assert_eq!((data.kind, data.guid), (PartitionType::BASIC_DATA, Some(DATA.guid)));
            }
            Scheme::Mbr => {
                let Some(facts) = said("sfdisk", &["--dump"], &path) else { return };
                assert!(facts.contains("type=c, bootable") && facts.contains("type=7\n"), "{facts}");
                assert_eq!((data.kind.name(), data.active), ("NTFS or exFAT", false));
            }
        }
    }
    let over = [partitions[0], Partition { start_sector: 72_047, ..partitions[1] }];
    assert!(matches!(plan(&over, &OPTIONS), Err(DiskError::Range { first: 72_048, .. })), "they overlap");
}

#[test]
fn the_image_is_whole_mebibytes_and_has_room_for_the_backup() {
    assert_eq!(image_len(Scheme::Mbr, 2048, 2048), 2 << 20);
    assert_eq!(image_len(Scheme::Mbr, 2048, 2049), 3 << 20);
    assert_eq!(image_len(Scheme::Gpt, 2048, 2048), 3 << 20);
    assert_eq!(image_len(Scheme::Gpt, 2048, 2048 - 33), 2 << 20);
    assert_eq!(image_len(Scheme::Gpt, 2048, 2048 - 32), 3 << 20);
    let layout = planned(Scheme::Gpt, 70_000);
    let last = layout.structures.last().expect("the backup header");
    assert_eq!(last.offset + last.bytes.len() as u64, layout.len);
    assert_eq!(planned(Scheme::Gpt, 70_000), layout, "nothing random is left of the crate's own numbers");
}

#[test]
fn impossible_partitions_are_refused() {
    let try_at = |scheme, start_sector, sectors, name| {
        plan(&[Partition { name, start_sector, sectors, ..PARTITION }], &DiskOptions { scheme, ..OPTIONS })
    };
    for (scheme, start, sectors) in [
        (Scheme::Gpt, 33, 1000),
        (Scheme::Gpt, 2048, 0),
        (Scheme::Gpt, u64::MAX, u64::MAX),
        (Scheme::Gpt, 2048, 1 << 55),
        (Scheme::Mbr, 0, 1000),
        (Scheme::Mbr, 2048, 1 << 32),
        (Scheme::Mbr, 0, 0),
    ] {
        assert!(
            matches!(try_at(scheme, start, sectors, ""), Err(DiskError::Range { .. })),
            "{start} {sectors}"
        );
    }
    let long = "n".repeat(37);
    assert!(matches!(try_at(Scheme::Gpt, 2048, 99, &long), Err(DiskError::NameTooLong { units: 37, .. })));
    assert!(try_at(Scheme::Gpt, 34, 1, &long[..36]).is_ok());
    assert!(try_at(Scheme::Mbr, 2048, (1 << 32) - 2048, "").is_ok());
}

#[test]
fn every_flipped_bit_of_a_gpt_is_found_or_harmless() {
    let sound = disk(planned(Scheme::Gpt, 3000));
    let expected = read(&sound).expect("readable").partitions;
    for structure in &sound.layout.structures {
        for place in 0..structure.bytes.len() as u64 {
            // All unused entries are alike.
            if structure.label.ends_with("entries") && place > 256 && place % 509 != 0 {
                continue;
            }
            let bit = 1 << (place % 8);
            let table = read(&Disk { change: Some((structure.offset + place, bit)), ..sound.clone() })
                .expect("readable");
            let harmless = match structure.label {
                // Boot code and addresses in cylinders, which nothing reads on a disk with a GPT.
                "protective MBR" => {
                    place < 446 || matches!(place, 447..=449 | 451..=453) || (462..510).contains(&place)
                }
                "GPT header" | "backup GPT header" => place >= 92,
                _ => false,
            };
            let label = structure.label;
            assert!(harmless || !table.findings.is_empty(), "{label}: byte {place} is not seen");
            // One damaged copy does not lose the table.
            assert_eq!(table.partitions, expected, "{label}: byte {place}");
        }
    }
}

#[test]
fn truncated_disks_are_described() {
    for scheme in [Scheme::Gpt, Scheme::Mbr] {
        let sound = disk(planned(scheme, 3000));
        for len in 0..512 {
            let short = Disk { len, ..sound.clone() };
            assert!(matches!(read(&short), Err(DiskError::Truncated(found)) if found.left == len));
        }
        for len in (512..20_000).step_by(97).chain([sound.len - 512, sound.len - 1]) {
            let table = read(&Disk { len, ..sound.clone() }).expect("there is a first sector");
            assert_eq!(table.scheme, Some(scheme), "{len}");
            let cut_off = scheme == Scheme::Gpt || len < (2048 + 3000) * 512;
            assert_eq!(cut_off, !table.findings.is_empty(), "{len}");
        }
    }
}

#[test]
fn an_image_written_to_a_larger_stick_is_intact() {
    let sound = disk(planned(Scheme::Gpt, 3000));
    let backup = sound.len - 512;
    let larger = Disk { len: sound.len + (100 << 20), ..sound };
    let table = read(&larger).expect("readable");
    let found: Vec<_> = table.findings.iter().map(|found| (found.id, found.severity)).collect();
    assert_eq!(found, [("gpt.backup-place", Severity::Note)]);
    assert_eq!(table.partitions.len(), 1);
    // A damaged backup there is still damage, and so is a protective MBR that covers neither.
    for (place, id) in [(backup + 20, "gpt.header"), (458, "gpt.protective-mbr")] {
        let damaged = read(&Disk { change: Some((place, 4)), ..larger.clone() }).expect("readable");
        let error = |found: &Finding| found.id == id && found.severity == Severity::Error;
        assert!(damaged.findings.iter().any(error), "{id}: {:?}", damaged.findings);
    }
}

#[test]
fn a_disk_without_a_table_has_none() {
    let mut sector = vec![0; 4096];
    assert_eq!(read(&sector).expect("readable").scheme, None);
    sector[..3].copy_from_slice(&[0xEB, 0x58, 0x90]);
    sector[82..90].copy_from_slice(b"FAT32   ");
    sector[450] = 0x0C;
    sector[510..512].copy_from_slice(&[0x55, 0xAA]);
    let table = read(&sector).expect("readable");
    assert_eq!((table.scheme, table.partitions, table.findings), (None, Vec::new(), Vec::new()));
}

#[test]
fn overlaps_are_found() {
    let mut layout = planned(Scheme::Mbr, 3000);
    let entry = layout.structures[0].bytes[446..462].to_vec();
    std::sync::Arc::make_mut(&mut layout.structures[0].bytes)[462..478].copy_from_slice(&entry);
    let ids: Vec<_> = read(&disk(layout)).expect("readable").findings.iter().map(|found| found.id).collect();
    assert_eq!(ids, ["mbr.active", "disk.overlap"]);
}

#[test]
fn the_checksum_and_guids_are_the_known_ones() {
    assert_eq!(read::crc32(b"123456789"), 0xCBF4_3926);
    let PartitionType::Guid(basic) = PartitionType::BASIC_DATA else { panic!("a GUID") };
    assert_eq!(basic.to_string(), "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7");
    let PartitionType::Guid(system) = PartitionType::EFI_SYSTEM else { panic!("a GUID") };
    assert_eq!(system.to_string(), "C12A7328-F81F-11D2-BA4B-00A0C93EC93B");
    let random = Guid::from_random([0xFF; 16]).to_string();
    assert_eq!(random, "FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF");
}
