use proptest::prelude::*;

use super::*;

#[test]
fn bytes_stand_as_windows_exports_them() {
    // The form of every exported .reg file: 03,00,00,00,01,00,00,00,14,00,00,00,.. then 20,00,00,00,01,00,00,00,..
    let blob = serialize(&[(SHA1_HASH, vec![0xAB; 20])], &[0x30, 0x00]).expect("short");
    let mut expected = vec![3, 0, 0, 0, 1, 0, 0, 0, 0x14, 0, 0, 0];
    expected.extend([0xAB; 20]);
    expected.extend([0x20, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0x30, 0x00]);
    assert_eq!(blob, expected);
}

#[test]
fn every_truncation_and_an_added_byte_are_errors() {
    let blob =
        serialize(&[(MD5_HASH, vec![1; 16]), (SUBJECT_PUBLIC_KEY_BITS, vec![0, 8, 0, 0])], &[0x30; 40])
            .expect("short");
    for len in 0..blob.len() {
        let error = parse(&blob[..len]).expect_err("cut");
        match len {
            0 | 28 | 44 => assert_eq!(error, CertstoreError::NoCertificate { len: len as u64 }),
            _ => assert!(matches!(error, CertstoreError::Truncated(_)), "cut to {len} bytes: {error}"),
        }
    }
    let longer = [blob.as_slice(), &[0]].concat();
    assert!(matches!(parse(&longer), Err(CertstoreError::Truncated(_))));
    let mut other = blob;
    other[28 + 4] = 2;
    assert_eq!(
        parse(&other),
        Err(CertstoreError::Encoding { id: SUBJECT_PUBLIC_KEY_BITS, offset: 28, found: 2 })
    );
}

#[test]
fn properties_stand_in_any_order_around_one_certificate() {
    let blob = |ids: &[u32]| -> Vec<u8> {
        ids.iter()
            .flat_map(|id| [&[*id, 1, 1].map(u32::to_le_bytes).concat(), &[*id as u8][..]].concat())
            .collect()
    };
    for ids in [[CERTIFICATE, 92, 3, 11], [3, CERTIFICATE, 0x8001, 3], [4, 11, 15, CERTIFICATE]] {
        let properties =
            ids.into_iter().filter(|id| *id != CERTIFICATE).map(|id| (id, vec![id as u8])).collect();
        assert_eq!(parse(&blob(&ids)), Ok(Element { properties, der: vec![32] }), "{ids:?}");
    }
    for (ids, id) in
        [([CERTIFICATE, CERTIFICATE], 32), ([3, REVOCATION_LIST], 33), ([CERTIFICATE, TRUST_LIST], 34)]
    {
        assert_eq!(parse(&blob(&ids)), Err(CertstoreError::OneCertificate { id, offset: 13 }), "{ids:?}");
    }
    assert_eq!(
        parse(&blob(&[3; 1025])),
        Err(CertstoreError::TooManyProperties { offset: 13 * 1024, limit: 1024 })
    );
}

#[test]
fn a_length_of_four_gigabytes_allocates_nothing() {
    let blob = [3_u32, 1, u32::MAX].map(u32::to_le_bytes).concat();
    assert!(matches!(parse(&blob), Err(CertstoreError::Truncated(Truncated { wanted: 0xFFFF_FFFF, .. }))));
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        properties in proptest::collection::vec(
            ((0_u32..200).prop_filter("not a property", |id| !(CERTIFICATE..=TRUST_LIST).contains(id)),
             proptest::collection::vec(any::<u8>(), 0..50)), 0..8),
        der in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let blob = serialize(&properties, &der).expect("short");
        prop_assert_eq!(parse(&blob), Ok(Element { properties, der }));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = parse(&bytes);
    }
}
