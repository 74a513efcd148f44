use proptest::prelude::*;

use super::super::{FRIENDLY_NAME, MD5_HASH, SHA1_HASH};
use super::*;

fn entry(id: u32, value: &[u8]) -> Vec<u8> {
    let len = u32::try_from(value.len()).expect("short");
    [&[id, 1, len].map(u32::to_le_bytes).concat(), value].concat()
}

fn file(entries: &[Vec<u8>]) -> Vec<u8> {
    [&MAGIC[..], &entries.concat(), &[0; 12]].concat()
}

fn two() -> Vec<u8> {
    file(&[
        entry(SHA1_HASH, &[0xAB; 20]),
        entry(FRIENDLY_NAME, b"R\0\0\0"),
        entry(CERTIFICATE, &[0x30; 40]),
        entry(SHA1_HASH, &[0xCD; 20]),
        entry(REVOCATION_LIST, &[0x30; 9]),
        entry(TRUST_LIST, &[0x30; 7]),
        entry(MD5_HASH, &[1; 16]),
        entry(CERTIFICATE, &[0x31; 4]),
    ])
}

#[test]
fn certificates_come_with_their_own_properties_and_lists_are_counted() {
    let expected = SerializedStore {
        certificates: vec![
            Element {
                properties: vec![(SHA1_HASH, vec![0xAB; 20]), (FRIENDLY_NAME, b"R\0\0\0".to_vec())],
                der: vec![0x30; 40],
            },
            Element { properties: vec![(MD5_HASH, vec![1; 16])], der: vec![0x31; 4] },
        ],
        revocation_lists: 1,
        trust_lists: 1,
    };
    assert_eq!(parse_sst(&two()), Ok(expected));
    assert_eq!(parse_sst(&file(&[])), Ok(SerializedStore::default()));
    assert!(is_sst(&two()) && !is_sst(b"CERT") && !is_sst(b""));
}

#[test]
fn what_is_wrong_is_said_with_its_offset() {
    let wrong_encoding = [&8_u32.to_le_bytes()[..], &[2, 0, 0, 0], &[0; 4]].concat();
    let mut marker = file(&[]);
    marker[19] = 1;
    let many = vec![entry(TRUST_LIST, &[]); MOST_ELEMENTS + 1];
    let properties = vec![entry(SHA1_HASH, &[]); 1025];
    for (bytes, expected) in [
        (b"\0\0\0\0CERX".to_vec(), CertstoreError::Magic { found: b"\0\0\0\0CERX".to_vec() }),
        (vec![], CertstoreError::Magic { found: vec![] }),
        (file(&[wrong_encoding]), CertstoreError::Encoding { id: 8, offset: 8, found: 2 }),
        (marker, CertstoreError::EndMarker { offset: 8 }),
        (file(&[entry(MD5_HASH, &[1; 16])]), CertstoreError::Dangling { count: 1, offset: 36 }),
        ([file(&[]), vec![0; 3]].concat(), CertstoreError::Trailing { end: 20, trailing: 3 }),
        (file(&many), CertstoreError::TooManyElements { offset: 8 + 12 * 100_001, limit: 100_000 }),
        (file(&properties), CertstoreError::TooManyProperties { offset: 8 + 12 * 1024, limit: 1024 }),
        (vec![0; LIMIT + 1], CertstoreError::TooLarge { len: LIMIT + 1, limit: LIMIT }),
    ] {
        assert_eq!(parse_sst(&bytes), Err(expected));
    }
}

#[test]
fn no_truncation_is_taken_for_a_store() {
    let whole = two();
    for len in 0..whole.len() {
        match parse_sst(&whole[..len]) {
            Err(CertstoreError::Magic { .. }) => assert!(len < 8, "cut to {len}"),
            Err(CertstoreError::Truncated(error)) => assert!(error.offset <= len as u64, "cut to {len}"),
            other => unreachable!("cut to {len}: {other:?}"),
        }
    }
}

#[test]
fn a_flipped_bit_changes_a_value_or_is_an_error() {
    // Without lists, whose content is passed over.
    let whole = file(&[
        entry(SHA1_HASH, &[0xAB; 20]),
        entry(CERTIFICATE, &[0x30; 40]),
        entry(MD5_HASH, &[1; 16]),
        entry(CERTIFICATE, &[0x31; 4]),
    ]);
    let sound = parse_sst(&whole).expect("sound");
    for bit in 0..whole.len() * 8 {
        let mut changed = whole.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(parse_sst(&changed).as_ref(), Ok(&sound), "bit {bit}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_sst(&[&MAGIC, bytes.as_slice()].concat());
    }
}
