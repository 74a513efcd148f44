use super::*;
use crate::certstore::{FRIENDLY_NAME, SHA1_HASH};
use crate::hive::{ADMINISTRATORS_AND_SYSTEM, Version};

/// The purposes a root is restricted to (`CERT_ENHKEY_USAGE_PROP_ID`).
const ENHANCED_KEY_USAGE: u32 = 9;

fn time() -> Timestamp {
    Timestamp::from_unix(1_700_000_000)
}

fn certificate(common_name: &str) -> Certificate {
    use rand_core::SeedableRng;
    let request = crate::x509::SelfSignedRequest {
        common_name,
        not_before: Timestamp::from_unix(0),
        not_after: Timestamp::from_unix(1_000_000_000),
        key_bits: 1024,
        extended_key_usage: &[],
    };
    let mut random = rand_chacha::ChaCha20Rng::from_seed([1; 32]);
    crate::x509::self_signed(&request, &mut random).expect("sound").certificate
}

fn hive() -> Hive {
    Hive::create(Version::V1_5, "Root", &ADMINISTRATORS_AND_SYSTEM, time()).expect("a new hive")
}

fn trusted(certificate: &Certificate) -> [TrustedCertificate; 1] {
    [TrustedCertificate::new(Store::Root, certificate.clone())]
}

/// The blob in a hive with one certificate, whatever its key's case.
fn blob(hive: &Hive) -> Vec<u8> {
    let key = hive.find(&store_path(Store::Root)).expect("sound").expect("the store");
    let keys = hive.subkeys(key).expect("sound");
    assert_eq!(keys.len(), 1, "{keys:?}");
    hive.value(keys[0].1, BLOB).expect("sound").expect("a value").data
}

#[test]
fn what_windows_knows_of_a_certificate_stays() {
    let certificate = certificate("Contoso Root");
    let sha1 = certificate.sha1().to_vec();
    let name = crate::bytes::to_utf16le("Contoso\0");
    let usage = b"\x30\x0A\x06\x08\x2B\x06\x01\x05\x05\x07\x03\x01".to_vec();
    let upper = to_hex_upper(&sha1);
    for (key, properties) in [
        (&upper, vec![(FRIENDLY_NAME, name.clone()), (ENHANCED_KEY_USAGE, usage.clone()), (SHA1_HASH, sha1)]),
        (&upper, vec![]),
        (&upper.to_lowercase(), vec![(ENHANCED_KEY_USAGE, usage), (FRIENDLY_NAME, name)]),
    ] {
        let there = certstore::serialize(&properties, certificate.der()).expect("short");
        let mut hive = hive();
        let id = hive.create_key(&key_path(Store::Root, key), time()).expect("a key");
        hive.set_value(id, "blob", REG_BINARY, &there, time()).expect("a value");
        let mut hive = Hive::open(hive.into_bytes()).expect("sound");
        let added = add_to(&mut hive, &trusted(&certificate), time()).expect("added");
        assert_eq!((added[0].was_there, &added[0].thumbprint), (true, &upper));
        assert!(!hive.is_changed() && blob(&hive) == there, "{properties:?}");
    }
}

#[test]
fn a_value_out_of_a_registry_file_goes_in_as_it_is() {
    let certificate = certificate("Contoso Root");
    let properties = [(ENHANCED_KEY_USAGE, b"\x30\x00".to_vec()), (SHA1_HASH, certificate.sha1().to_vec())];
    let blob = certstore::serialize(&properties, certificate.der()).expect("short");
    let hex: Vec<String> = blob.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!(
        "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\SystemCertificates\\ROOT\\Certificates\\{}]\r\n\"Blob\"=hex:{}\r\n",
        to_hex_upper(&certificate.sha1()),
        hex.join(",")
    );
    let from_reg = crate::media::store::read_file(text.as_bytes(), Store::AuthRoot).expect("sound");
    let alone = trusted(&certificate);
    for given in [from_reg.clone(), [&alone[..], &from_reg].concat(), [&from_reg[..], &alone].concat()] {
        let mut hive = hive();
        let added = add_to(&mut hive, &given, time()).expect("added");
        assert_eq!(added.iter().map(|one| one.was_there).collect::<Vec<_>>(), [false, true][..given.len()]);
        assert!(self::blob(&hive) == blob);
    }
}

#[test]
fn what_is_not_that_certificate_is_replaced() {
    let certificate = certificate("Contoso Root");
    let other = trust::store_blob(&self::certificate("Contoso Other"), &[]).expect("short");
    let good = trust::store_blob(&certificate, &[]).expect("short");
    for (kind, there) in [(REG_BINARY, &other[..]), (REG_BINARY, &good[..40]), (REG_BINARY, b""), (1, &good)]
    {
        let mut hive = hive();
        let path = key_path(Store::Root, &to_hex_upper(&certificate.sha1()));
        let id = hive.create_key(&path, time()).expect("a key");
        hive.set_value(id, BLOB, kind, there, time()).expect("a value");
        let added = add_to(&mut hive, &trusted(&certificate), time()).expect("added");
        assert!(!added[0].was_there && blob(&hive) == good, "{there:02x?}");
        let again = add_to(&mut hive, &trusted(&certificate), time()).expect("added");
        assert!(again[0].was_there);
    }
}

#[test]
fn no_more_certificates_are_listed_than_any_store_has() {
    let certificate = certificate("Contoso Root");
    let good = trust::store_blob(&certificate, &[]).expect("short");
    let padded = |len: usize| {
        let padding = [(FRIENDLY_NAME, vec![0; len])];
        certstore::serialize(&padding, certificate.der()).expect("short")
    };
    let mut hive = hive();
    let stores = [Store::Root, Store::AuthRoot, Store::Ca, Store::Disallowed];
    for store in stores {
        let path = key_path(store, &to_hex_upper(&certificate.sha1()));
        let id = hive.create_key(&path, time()).expect("a key");
        hive.set_value(id, BLOB, REG_BINARY, &padded(1_000_000), time()).expect("a value");
    }
    assert_eq!(list_in(&hive).expect("sound").len(), 4);
    let id = hive.create_key(&key_path(Store::Ca, "00"), time()).expect("a key");
    hive.set_value(id, BLOB, REG_BINARY, &padded(250_000), time()).expect("a value");
    let error = list_in(&hive).err().expect("too many");
    assert!(matches!(error, HiveError::TooLarge { limit: 4_194_304, .. }), "{error}");
    let path = key_path(Store::Ca, "00");
    hive.set_value(id, BLOB, REG_BINARY, &good, time()).expect("a value");
    assert!(
        matches!(&list_in(&hive).expect("sound")[2].certificate, Err(TrustError::Thumbprint { path: of, .. }) if *of == path)
    );
}
