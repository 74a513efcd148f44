//! Damaged hives: no panic, no hang, no huge allocation.

use super::*;

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
