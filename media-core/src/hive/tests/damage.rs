//! Damaged hives: no panic, no hang, no huge allocation.

use super::*;
use crate::hive::record::INLINE;

fn sample() -> Vec<u8> {
    let mut hive = new_hive(Version::V1_5);
    for path in ["A\\B\\C", "A\\D", "Ж\\E", "Z"] {
        let key = hive.create_key(path, time()).unwrap();
        hive.set_value(key, "", 1, b"t\0\0\0", time()).unwrap();
        hive.set_value(key, "binary", 3, &[1; 90], time()).unwrap();
    }
    let key = hive.find("Z").unwrap().unwrap();
    hive.set_value(key, "big", 3, &vec![2; 17_000], time()).unwrap();
    hive.into_bytes()
}

/// Does everything there is to do with a file.
fn use_all(bytes: Vec<u8>) -> Result<(), HiveError> {
    check(&bytes);
    let mut hive = Hive::open(bytes)?;
    everything(&hive).ok();
    hive.create_key("A\\new", time()).ok();
    if let Some(key) = hive.find("Z")? {
        hive.set_value(key, "BIG", 3, &[3; 50], time()).ok();
        hive.delete_value(key, "binary", time()).ok();
    }
    if let Some(key) = hive.find("A")? {
        hive.delete_key(key, time()).ok();
    }
    check(&hive.into_bytes());
    Ok(())
}

fn seal(bytes: &mut [u8]) {
    let sum = base_block::checksum(&bytes[..base_block::LEN]);
    bytes[508..512].copy_from_slice(&sum.to_le_bytes());
}

#[test]
fn cut_short_it_is_refused() {
    let bytes = sample();
    for length in (0..bytes.len()).step_by(512) {
        assert!(Hive::open(bytes[..length].to_vec()).is_err(), "{length} bytes");
        assert!(!check(&bytes[..length]).is_empty(), "{length} bytes");
    }
}

#[test]
fn any_flipped_bit_is_survived() {
    let clean = sample();
    // The base block's fields, and every byte of the bins outside long runs of one byte.
    let dull = |at: usize| {
        !at.is_multiple_of(64) && clean[at & !63..][..64].windows(2).all(|pair| pair[0] == pair[1])
    };
    for at in (0..64).chain(4096..clean.len()).filter(|at| !dull(*at)) {
        for bit in [0, 3, 7] {
            let mut bytes = clean.clone();
            bytes[at] ^= 1 << bit;
            seal(&mut bytes);
            use_all(bytes).ok();
        }
    }
}

#[test]
fn references_that_lead_anywhere_are_survived() {
    let clean = sample();
    let places: Vec<u32> = (32..2048).step_by(8).chain([0, 4, u32::MAX, 0x8000_0020]).collect();
    for at in (4096 + 32..4096 + 2048).step_by(4) {
        for place in places.iter().step_by(5) {
            let mut bytes = clean.clone();
            bytes[at..at + 4].copy_from_slice(&place.to_le_bytes());
            use_all(bytes).ok();
        }
    }
}

#[test]
fn a_key_below_itself_is_not_deleted_for_ever() {
    let mut bytes = sample();
    let list = |bytes: &[u8], name: &[u8]| {
        bytes.windows(name.len()).position(|found| found == name).unwrap() - 76 + 28
    };
    let (top, below) = (list(&bytes, b"A\0\0\0\0\0\0\0"), list(&bytes, b"B\0\0\0\0\0\0\0"));
    bytes.copy_within(top..top + 4, below);
    let mut hive = Hive::open(bytes.clone()).unwrap();
    let key = hive.find("A").unwrap().unwrap();
    assert!(matches!(hive.delete_key(key, time()), Err(HiveError::Shared { .. })));
    assert!(!hive.is_changed(), "refused before anything was changed");
    assert!(check(&bytes).iter().any(|finding| finding.id == "hive.shared"));
}

#[test]
fn little_bytes_do_not_become_much_data() {
    let mut bytes = sample();
    // A big value of 1 GB: a count of parts to match, which the list does not have.
    let value = bytes.windows(4).position(|found| found == b"vk\x03\0").unwrap();
    bytes[value + 4..value + 8].copy_from_slice(&(65_535u32 * 16_344).to_le_bytes());
    let record = bytes.windows(4).position(|found| found == b"db\x02\0").unwrap();
    bytes[record + 2..record + 4].copy_from_slice(&[0xFF, 0xFF]);
    let hive = Hive::open(bytes).unwrap();
    let key = hive.find("Z").unwrap().unwrap();
    assert!(matches!(hive.value(key, "big"), Err(HiveError::Record { what: "value", .. })));
}

/// Overwrites the name of the key at a path by one of `units`, in a cell of its own.
fn rename(bytes: Vec<u8>, path: &str, units: usize) -> Vec<u8> {
    let mut hive = Hive::open(bytes).unwrap();
    let old = hive.find(path).unwrap().unwrap();
    let (record, _) = record::key(&hive.cells, old.0).unwrap();
    let mut content = hive.cells.get("key", old.0).unwrap()[..key_field::NAME].to_vec();
    content.extend(vec![b'A'; units]);
    content[72..74].copy_from_slice(&(units as u16).to_le_bytes());
    let new = hive.cells.allocate(&content).unwrap();
    // Its parent's list, and the parent of what is below it.
    let list = record::key(&hive.cells, record.parent).unwrap().0.subkey_list;
    hive.cells.put("list", list, 4, &new.to_le_bytes()).unwrap();
    for below in subkeys::all(&hive.cells, record.subkey_list).unwrap() {
        hive.cells.put("key", below, 16, &new.to_le_bytes()).unwrap();
    }
    hive.changed = true;
    hive.into_bytes()
}

#[test]
fn names_longer_than_windows_makes_are_found_and_not_followed() {
    for units in [255, 256, 65_000] {
        let mut hive = new_hive(Version::V1_5);
        for at in 0..300 {
            hive.create_key(&format!("Long\\{at:03}"), time()).unwrap();
        }
        let bytes = rename(hive.into_bytes(), "Long", units);
        let named = |place: &str| {
            errors(&bytes).iter().any(|found| found.id == "hive.name" && found.place.starts_with(place))
        };
        let shown = format!("\\{}...", "A".repeat(255));
        assert_eq!(named(&shown), units > 255, "{units}: {:?}", errors(&bytes));
        let below = errors(&bytes).iter().filter(|found| found.place.contains("\\299")).count();
        assert_eq!(below, 0);
        let held: usize = check(&bytes).iter().map(|found| found.place.len() + found.message.len()).sum();
        assert!(held < 2000, "{held} bytes of findings");
        let hive = Hive::open(bytes).unwrap();
        let listed = hive.subkeys(hive.root());
        let expected = HiveError::Name { what: "a key name", length: units, limit: 255 };
        assert_eq!(listed.err(), (units > 255).then_some(expected));
    }
}

#[test]
fn the_path_of_a_finding_is_cut_short() {
    let mut hive = new_hive(Version::V1_5);
    let names: Vec<String> = (0..200).map(|at| format!("{at:03}{}", "n".repeat(200))).collect();
    let key = hive.create_key(&names.join("\\"), time()).unwrap();
    for at in 0..900 {
        hive.set_value(key, &format!("{at:03}{}", "v".repeat(5000)), 1, b"t\0\0\0", time()).unwrap();
    }
    // Data inside the record cannot be longer than 4 bytes.
    let values: Vec<u32> = values::all(&hive.cells, &record::key(&hive.cells, key.0).unwrap().0).unwrap();
    for value in values {
        hive.cells.put("value", value, 4, &(5 | INLINE).to_le_bytes()).unwrap();
    }
    let found = errors(&hive.into_bytes());
    let places: Vec<&str> =
        found.iter().filter(|found| found.id == "hive.data").map(|found| found.place.as_str()).collect();
    assert_eq!(places.len(), 900);
    assert!(places.iter().all(|place| place.len() < 10_000), "{}", places[0].len());
    let (start, end) = (format!("\\{}\\", names[0]), format!("\\{}\\000{}...", names[199], "v".repeat(252)));
    assert!(
        places[0].starts_with(&start) && places[0].ends_with(&end) && places[0].contains(r"\...\"),
        "{}",
        places[0]
    );
}

#[test]
fn a_key_listed_twice_is_not_listed() {
    let mut hive = new_hive(Version::V1_5);
    for name in ["A", "B"] {
        hive.create_key(name, time()).unwrap();
    }
    let list = record::key(&hive.cells, hive.root).unwrap().0.subkey_list;
    let first = hive.find("A").unwrap().unwrap().0;
    hive.cells.put("list", list, 12, &first.to_le_bytes()).unwrap();
    assert_eq!(hive.subkeys(hive.root()), Err(HiveError::Shared { cell: first }));
}

#[test]
fn a_list_of_no_subkeys_is_not_read() {
    let mut hive = new_hive(Version::V1_5);
    hive.create_key("A", time()).unwrap();
    let key = hive.find("A").unwrap().unwrap();
    // Where it leads there is no cell.
    hive.cells.put("key", key.0, key_field::SUBKEY_LIST, &0x4321_u32.to_le_bytes()).unwrap();
    let bytes = hive.into_bytes();
    assert!(errors(&bytes).iter().any(|found| found.id == "hive.subkey-count" && found.place == "\\A"));
    let mut hive = Hive::open(bytes).unwrap();
    assert_eq!(hive.subkeys(key), Ok(vec![]));
    assert_eq!(hive.find("A\\B"), Ok(None));
    hive.create_key("A\\B", time()).unwrap();
    assert_eq!(errors(&hive.into_bytes()), []);
}
