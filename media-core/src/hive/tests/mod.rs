#![allow(clippy::unwrap_used, clippy::panic)]
mod compare;
mod corpora;
mod damage;
mod model;
mod referee;

use super::*;
use crate::finding::Severity;
use std::collections::BTreeMap;

pub(super) fn time() -> Timestamp {
    Timestamp::from_unix(1_700_000_000)
}

pub(super) fn new_hive(version: Version) -> Hive {
    Hive::create(version, "Root", &ADMINISTRATORS_AND_SYSTEM, time()).unwrap()
}

/// Everything a hive says, by path: what keys say of themselves, and their values in order.
pub(super) type Everything = BTreeMap<String, (KeyInfo, Vec<(String, Value)>)>;

/// Reads a whole hive; gives up at 40 levels, so that a cycle ends.
pub(super) fn everything(hive: &Hive) -> Result<Everything, HiveError> {
    let mut all = BTreeMap::new();
    let mut waiting = vec![(String::new(), hive.root(), 0)];
    while let Some((path, key, depth)) = waiting.pop() {
        let mut values = Vec::new();
        for info in hive.values(key)? {
            let value = hive.value(key, &info.name)?.expect("a listed value is found");
            values.push((info.name, value));
        }
        for (name, subkey) in hive.subkeys(key)? {
            if depth < 40 {
                waiting.push((format!("{path}\\{name}"), subkey, depth + 1));
            }
        }
        all.insert(path, (hive.key(key)?, values));
    }
    Ok(all)
}

pub(super) fn errors(bytes: &[u8]) -> Vec<crate::finding::Finding> {
    check(bytes).into_iter().filter(|finding| finding.severity == Severity::Error).collect()
}

#[test]
fn an_unchanged_hive_keeps_every_byte() {
    let bytes = new_hive(Version::V1_5).into_bytes();
    assert_eq!(bytes.len(), 8192);
    let mut hive = Hive::open(bytes.clone()).unwrap();
    let key = hive.root();
    assert!(!hive.is_changed());
    assert_eq!(hive.delete_value(key, "none", time()).unwrap(), Changed::No);
    assert_eq!(hive.clone().into_bytes(), bytes);

    assert_eq!(hive.set_value(key, "x", 4, &[1, 0, 0, 0], time()).unwrap(), Changed::Yes);
    let changed = hive.into_bytes();
    assert_eq!(changed[4..12], [2, 0, 0, 0, 2, 0, 0, 0], "both sequence numbers raised by one");
    let mut hive = Hive::open(changed.clone()).unwrap();
    let later = Timestamp::from_unix(1_800_000_000);
    assert_eq!(hive.set_value(key, "X", 4, &[1, 0, 0, 0], later).unwrap(), Changed::No);
    assert!(!hive.is_changed());
    assert_eq!(hive.into_bytes(), changed, "an equal value changes no byte, not even a time");
}

/// Outside of what was written to, the hive is what it was opened from; says how many bytes that were.
fn written_to(opened: &[u8], hive: &Hive) -> u64 {
    let (bytes, written) = hive.clone().into_written();
    let (mut start, mut count) = (0, 0);
    for range in written.expect("it was not completed from logs") {
        assert!(bytes[start..range.start as usize] == opened[start..range.start as usize]);
        (start, count) = (range.end as usize, count + range.end - range.start);
    }
    assert!(bytes.get(start..).unwrap_or_default() == opened.get(start..).unwrap_or_default());
    count
}

#[test]
fn room_behind_the_bins_stays_and_is_used() {
    let mut bytes = new_hive(Version::V1_3).into_bytes();
    bytes.resize(262_144, 0);
    let mut hive = Hive::open(bytes.clone()).unwrap();
    let root = hive.root();
    hive.set_value(root, "large", 3, &vec![7; 100_000], time()).unwrap();
    let (written, ranges) = hive.into_written();
    assert_eq!(written.len(), 262_144);
    assert_eq!(check(&written), []);
    // The base block, the first bin and those that came: the rest is as it was.
    let ranges = ranges.unwrap();
    let (last, end) =
        (ranges.last().unwrap(), 4096 + u64::from(u32::from_le_bytes(*written[40..].first_chunk().unwrap())));
    assert!(last.end <= end && end < 120_000, "{ranges:?}");
    assert!(written[last.end as usize..] == bytes[last.end as usize..]);
}

/// Also of a file whose last page is not whole.
#[test]
fn little_of_a_large_hive_is_written_to() {
    let mut hive = new_hive(Version::V1_5);
    for number in 0..5000 {
        let key = hive.create_key(&format!("Classes\\{}\\{number}", number % 50), time()).unwrap();
        hive.set_value(key, "value", 3, &[7; 100], time()).unwrap();
    }
    let mut bytes = hive.into_bytes();
    bytes.extend([9; 1001]);
    let mut hive = Hive::open(bytes.clone()).unwrap();
    let key = hive.create_key("Microsoft\\SystemCertificates", time()).unwrap();
    hive.set_value(key, "Blob", 3, &[8; 1500], time()).unwrap();
    let touched = written_to(&bytes, &hive);
    assert!(bytes.len() > 1_000_000 && touched < 50_000, "{touched} of {}", bytes.len());
}

#[test]
fn values_of_every_size_are_stored_as_windows_stores_them() {
    for (version, sizes) in [
        (Version::V1_3, &[0, 1, 4, 5, 16_344, 16_345, 500_000, 1 << 20][..]),
        (Version::V1_5, &[0, 1, 4, 5, 16_344, 16_345, 32_688, 32_689, 1_000_000, 5_000_000][..]),
    ] {
        let mut hive = new_hive(version);
        let key = hive.create_key("A", time()).unwrap();
        for size in sizes {
            let data: Vec<u8> = (0..*size).map(|at| (at % 251) as u8).collect();
            hive.set_value(key, &format!("v{size}"), 3, &data, time()).unwrap();
            assert_eq!(hive.value(key, &format!("V{size}")).unwrap().unwrap().data, data);
        }
        let full = hive.clone().into_bytes();
        assert_eq!(check(&full), []);
        // Replaced by something small, and set again: what was freed is used again.
        for data in [&b"small"[..], &vec![9; 500_000]] {
            hive.set_value(key, &format!("v{}", sizes[sizes.len() - 1]), 3, data, time()).unwrap();
            let bytes = hive.clone().into_bytes();
            assert_eq!((check(&bytes), bytes.len()), (vec![], full.len()));
        }
    }
    let mut old = new_hive(Version::V1_3);
    let root = old.root();
    let refused = old.set_value(root, "x", 3, &vec![0; (1 << 20) + 1], time());
    assert_eq!(refused, Err(HiveError::TooLarge { what: "a value", size: (1 << 20) + 1, limit: 1 << 20 }));
    assert!(check(&old.into_bytes()).is_empty());
}

#[test]
fn five_thousand_subkeys_split_as_windows_splits_them() {
    for (version, kind, length) in [(Version::V1_3, *b"li", 4), (Version::V1_5, *b"lh", 8)] {
        let mut hive = new_hive(version);
        // 7919 has no factor in common with 5000: every number once, in no order.
        let names: Vec<String> = (0..5000u32)
            .map(|at| at * 7919 % 5000)
            .map(|n| if n % 3 == 0 { format!("Schlüssel Ж{n}") } else { format!("Key {n}") })
            .collect();
        for name in &names {
            hive.create_key(&format!("Many\\{name}"), time()).unwrap();
        }
        let bytes = hive.clone().into_bytes();
        assert_eq!(check(&bytes), []);
        assert!(bytes.len() < 700_000, "no list is left behind: {} bytes", bytes.len());
        let lists = bytes.chunks(8).filter(|cell| {
            cell[4..6] == kind && i32::from_le_bytes([cell[0], cell[1], cell[2], cell[3]]) <= -500 * length
        });
        assert!((5..=10).contains(&lists.count()), "lists of 506 to 1012 entries");
        let many = hive.find("MANY").unwrap().unwrap();
        assert_eq!(hive.subkeys(many).unwrap().len(), 5000);
        assert!(
            names.iter().all(|name| hive.find(&format!("many\\{}", name.to_uppercase())).unwrap().is_some())
        );

        for (at, name) in names.iter().enumerate() {
            let key = hive.find(&format!("Many\\{name}")).unwrap().unwrap();
            hive.delete_key(key, time()).unwrap();
            if at % 1000 == 0 {
                assert_eq!(check(&hive.clone().into_bytes()), [], "after {at}");
            }
        }
        assert_eq!(hive.key(many).unwrap().subkeys, 0);
        assert_eq!(check(&hive.into_bytes()), []);
    }
}

#[test]
fn thousands_of_values_take_no_more_room_than_they_need() {
    let mut hive = new_hive(Version::V1_5);
    let key = hive.create_key("Many", time()).unwrap();
    for at in 0..2000u32 {
        hive.set_value(key, &format!("v{at}"), 4, &at.to_le_bytes(), time()).unwrap();
    }
    let bytes = hive.clone().into_bytes();
    assert_eq!(check(&bytes), []);
    assert!(bytes.len() < 130_000, "{} bytes", bytes.len());
    for at in 0..2000 {
        assert_eq!(hive.delete_value(key, &format!("V{at}"), time()).unwrap(), Changed::Yes);
    }
    assert_eq!(check(&hive.into_bytes()), []);
}

#[test]
fn names_have_limits() {
    let mut hive = new_hive(Version::V1_5);
    let root = hive.root();
    assert!(hive.create_key(&"x".repeat(255), time()).is_ok());
    assert!(matches!(hive.create_key(&"x".repeat(256), time()), Err(HiveError::Name { length: 256, .. })));
    assert!(hive.set_value(root, &"ж".repeat(16_383), 1, b"", time()).is_ok());
    assert!(matches!(hive.set_value(root, &"x".repeat(16_384), 1, b"", time()), Err(HiveError::Name { .. })));
    assert!(matches!(hive.create_key(&"a\\".repeat(512), time()), Err(HiveError::TooLarge { .. })));
    assert_eq!(hive.delete_key(root, time()), Err(HiveError::Root));
    assert_eq!(check(&hive.into_bytes()), []);
}

#[test]
fn the_checker_sees_what_it_is_for() {
    let mut hive = new_hive(Version::V1_5);
    let key = hive.create_key("Software\\B", time()).unwrap();
    hive.create_key("Software\\A", time()).unwrap();
    hive.set_value(key, "value", 3, &[5; 40], time()).unwrap();
    let clean = hive.into_bytes();
    assert_eq!(check(&clean), []);
    let find = |text: &[u8]| clean.windows(text.len()).position(|bytes| bytes == text).unwrap();
    let (list, software) = (find(b"lh\x02\0"), find(b"Software") - 76);
    for (id, at, value) in [
        ("hive.checksum", 508, 0xEEu8),
        ("hive.sequence", 4, 9),
        ("hive.hash", list + 8, 0xEE),
        ("hive.shared", list + 12, clean[list + 4]),
        ("hive.list-kind", 24, 3),
        ("hive.subkey-count", software + 20, 3),
        ("hive.longest", software + 52, 1),
        ("hive.parent", software + 16, 0),
        ("hive.security-count", find(b"sk\0\0") + 12, 9),
        ("hive.security-ring", find(b"sk\0\0") + 4, 0),
        ("hive.value-count", find(b"B\0\0\0") - 76 + 36, 200),
        ("hive.unused", find(b"B\0\0\0") - 76 + 36, 0),
        ("hive.data", find(b"vk\x05\0") + 4, 255),
        ("hive.cell-size", 4096 + 32, 1),
        ("hive.bin", 4096, 0),
    ] {
        let mut bad = clean.clone();
        bad[at] = value;
        assert!(check(&bad).iter().any(|finding| finding.id == id), "{id}: {:?}", check(&bad));
    }
}

/// How long a large hive takes; run with `--release --ignored --nocapture`.
#[test]
#[ignore = "measures, does not check"]
fn thirty_megabytes() {
    let mut hive = new_hive(Version::V1_5);
    for at in 0..120_000u32 {
        let key = hive.create_key(&format!("Classes\\{}\\Key {at}", at % 200), time()).unwrap();
        hive.set_value(key, "value", 3, &[at as u8; 60], time()).unwrap();
    }
    let bytes = hive.into_bytes();
    let length = bytes.len();
    let start = std::time::Instant::now();
    let mut hive = Hive::open(bytes).unwrap();
    let opened = start.elapsed();
    for name in ["A", "B", "C"] {
        let key = hive.create_key(&format!("Microsoft\\SystemCertificates\\{name}"), time()).unwrap();
        hive.set_value(key, "Blob", 3, &[7; 1500], time()).unwrap();
    }
    let key = hive.create_key("Large", time()).unwrap();
    hive.set_value(key, "5 MB", 3, &vec![1; 5_000_000], time()).unwrap();
    let bytes = hive.into_bytes();
    eprintln!("{length} bytes: open {opened:?}, open, edit and close {:?}", start.elapsed());
    let start = std::time::Instant::now();
    assert_eq!(check(&bytes), []);
    eprintln!("check {:?}", start.elapsed());
}
