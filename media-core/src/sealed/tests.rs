use proptest::prelude::*;

use super::*;
use crate::bytes::{to_hex_lower, utf16le};

const XML_START: &str = "<?xml ve";

fn unhex(text: &str) -> Vec<u8> {
    assert_eq!(text.len() % 2, 0, "hexadecimal text has pairs of digits");
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex digits"))
        .collect()
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

/// The first ciphertext block alone: what public known answers hold of real files.
fn first_block(file_start: &[u8], password: &str) -> String {
    let mut block = file_start[HEADER_LEN..][..16].to_vec();
    let key = derive_key(&password_bytes(&secret(password)));
    let done = match u32::from_le_bytes(file_start[16..20].try_into().expect("four bytes")) {
        0x660E => decrypt::<Decryptor<Aes128>>(&key[..16], &[0; 16], &mut block),
        0x6610 => decrypt::<Decryptor<Aes256>>(&key[..32], &[0; 16], &mut block),
        other => unreachable!("no known answer uses algorithm {other:#x}"),
    };
    assert!(done, "one block decrypts");
    utf16le(&block)
}

#[test]
fn first_blocks_of_real_files_decrypt_with_their_known_passwords() {
    for (file_start, password) in [
        ("0000edec14000000b2320000c03200000e6600000000000011cb54aa3b699f61f86ab312e6fb97ec", "Password1"),
        ("0000edec14000000ca320000d032000010660000000000003dd6b8bc6cc41f718b07522266e188ce", "Password1"),
        ("0000edec140000006a330000703300000e66000000000000fe69c2a407a3ddb2b45b2f339bf94c31", "password"),
        ("0000edec14000000be310000c03100000e6600000000000011cb54aa3b699f61f86ab312e6fb97ec", "Password1"),
    ] {
        assert_eq!(first_block(&unhex(file_start), password), XML_START, "{file_start}");
        assert_ne!(first_block(&unhex(file_start), "Password2"), XML_START, "{file_start}");
    }
}

#[test]
fn headers_of_real_files_are_sound_and_their_trailers_follow_the_rule() {
    // (header, bytes after the ciphertext where the capture was whole)
    for (start, trailer) in [
        ("0000edec14000000be310000c03100000e66000000000000", Some(16)),
        ("0000edec1400000064340000703400001066000000000000", Some(6)),
        ("0000edec1400000010330000203300000e66000000000000", None),
    ] {
        let mut file = unhex(start);
        let cipher_len = u32::from_le_bytes(file[12..16].try_into().expect("four bytes")) as usize;
        file.resize(HEADER_LEN + cipher_len + trailer.unwrap_or(0), 0);
        let read = header(&file).expect("a real header");
        assert_eq!(read.trailer_len, trailer.unwrap_or(0) as u64);
        if trailer.is_some() {
            let ours = seal(&vec![0; read.plain_len as usize], &secret("x"), read.algorithm).expect("fits");
            assert_eq!(ours.len(), file.len(), "same length as the real file");
            assert_eq!(ours[..HEADER_LEN], file[..HEADER_LEN], "same header as the real file");
        }
    }
}

#[test]
fn the_key_of_a_known_password_is_the_known_key() {
    let key = derive_key(&password_bytes(&secret("Password1")));
    assert_eq!(
        to_hex_lower(key.as_slice()),
        "472b14c830bccddc2b57c2f91682e0b39dae488fb213c24bb88985b1af61f433b29b314ccc818289"
    );
    let key = derive_key(&password_bytes(&secret("{BAC6E688-DE21-4ABE-B7FB-C9F54E6DB664}")));
    assert_eq!(
        to_hex_lower(key.as_slice()),
        "d15d6a10993a431266d87bf5e6c72252621cfef7c42a749bb4df2aa1a156a95f159bbc8f3571be10"
    );
}

const WHOLE_AES256: &str = "0000edec1400000082000000900000001066000000000000f025d29d63c9fcccad79e9facbea6c0e7e9b1e\
    d8c98f2447b2768f4b061d5a90974886e67b845cea902bdf19a5f96e51837ee37040137d6965096ef78aaa9f8b62e7c54904e32192098a2380c\
    88db1a6fbafe7b11d0bc48a84985dcb7fb847e5544e0b64bc8a2203c8b44ce881ee3aa3cc54e2693b9dd02953215e00fd5f4897cd08e5fac713\
    b680f304ef16b38b1265000000000000";

#[test]
fn a_whole_file_of_another_implementation_opens_with_a_network_boot_password() {
    let password = unhex("010082ff03000400050006000700080009000a00");
    let plain = open_with_password_bytes(&unhex(WHOLE_AES256), &password).expect("opens");
    assert_eq!(utf16le(&plain), "<MediaVarList><var name=\"_SMSTSSiteCode\">ABC</var></MediaVarList>");
    let wrong = open_with_password_bytes(&unhex(WHOLE_AES256), b"wrong");
    assert_eq!(wrong.err(), Some(SealedError::WrongPasswordOrDamaged));
}

#[test]
fn a_real_triple_des_policy_secret_opens() {
    // A sibling format: another magic and 40 random password bytes stand before the same five numbers.
    let blob = unhex(
        "89130000EC0960EAB206912DEE19915706CC742ACF06703B81FC410F4EDAB3D488051C826677E9CAA0A93C7A1400000012000000180000\
         00036600000000000043621A84451F6CA42A2E3EB00D7EC8BB503AC52767BF0857E801",
    );
    let file: Vec<u8> = [&0xECED_0000_u32.to_le_bytes()[..], &blob[44..]].concat();
    assert_eq!(
        header(&file).expect("sound").trailer_len,
        2,
        "18 bytes of plaintext, 24 of ciphertext, 26 in all"
    );
    let plain = open_with_password_bytes(&file, &blob[4..44]).expect("opens");
    assert_eq!(utf16le(&plain), "P@ssw0rd\0");
    let ours = seal(&plain, &secret("x"), Algorithm::TripleDes).expect("fits");
    assert_eq!(ours.len(), file.len(), "same length as the real blob");
}

#[test]
fn all_vectors_of_the_corpora_hold() {
    let Some(corpora) = std::env::var_os("TSMEDIA_CORPORA") else {
        eprintln!("skipped: TSMEDIA_CORPORA is not set");
        return;
    };
    let path = std::path::Path::new(&corpora).join("ccm/vectors.json");
    let text = std::fs::read_to_string(&path).expect("TSMEDIA_CORPORA has ccm/vectors.json");
    let vectors: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let mut checked = 0;
    for vector in vectors.as_array().expect("a list") {
        let field = |name: &str| vector[name].as_str();
        if let (Some(hash), Some(password), Some(start)) =
            (field("hash"), field("password"), field("first16_plain_utf16le"))
        {
            let file_start = unhex(hash.rsplit('$').next().expect("the last part"));
            assert_eq!(first_block(&file_start, password), start, "{hash}");
            checked += 1;
        }
        if let (Some(media), Some(password), Some(plain)) =
            (field("media"), field("password_bytes_hex"), field("plaintext_utf16le"))
        {
            let opened = open_with_password_bytes(&unhex(media), &unhex(password)).expect("opens");
            assert_eq!(utf16le(&opened), plain);
            checked += 1;
        }
    }
    assert!(checked >= 5, "the file has at least five checkable vectors, found {checked}");
}

#[test]
fn every_truncation_is_an_error_and_every_header_bit_matters() {
    let password = secret("Zürich 🔑");
    let file = seal(b"<?xml version='1.0'?>", &password, Algorithm::Aes128).expect("fits");
    let end_of_cipher = HEADER_LEN + 32;
    for len in 0..end_of_cipher {
        assert!(matches!(header(&file[..len]), Err(SealedError::Truncated(_))), "cut to {len} bytes");
    }
    for bit in 0..HEADER_LEN * 8 {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let error = open(&changed, &password).expect_err("a changed header never opens");
        // A plaintext length changed within the same block leaves a sound header; the padding then gives it away.
        let same_block = (64..68).contains(&bit);
        assert_eq!(error == SealedError::WrongPasswordOrDamaged, same_block, "bit {bit}: {error}");
    }
}

#[test]
fn a_length_of_four_gigabytes_allocates_nothing() {
    for trailer in [0, 1, 1000] {
        let file = seal_with_trailer(b"x", &secret("x"), Algorithm::Aes128, trailer).expect("fits");
        assert_eq!((file.len(), header(&file).expect("sound").trailer_len), (40 + trailer, trailer as u64));
        assert_eq!(open(&file, &secret("x")).expect("opens").as_slice(), b"x");
    }
    let mut file = seal(b"x", &secret("x"), Algorithm::Aes256).expect("fits");
    file[8..12].copy_from_slice(&0xFFFF_FFE0_u32.to_le_bytes());
    file[12..16].copy_from_slice(&0xFFFF_FFF0_u32.to_le_bytes());
    assert!(matches!(open(&file, &secret("x")), Err(SealedError::Truncated(_))));
}

proptest! {
    #[test]
    fn what_is_sealed_opens(
        plain in proptest::collection::vec(any::<u8>(), 0..200),
        password in "\\PC{0,20}",
        which in 0..3_usize,
    ) {
        let algorithm = [Algorithm::Aes128, Algorithm::Aes256, Algorithm::TripleDes][which];
        let file = seal(&plain, &secret(&password), algorithm).expect("fits");
        prop_assert_eq!(file.len(), 24 + plain.len() + if which == 2 { 8 } else { 18 });
        let opened = open(&file, &secret(&password)).expect("opens");
        prop_assert_eq!(opened.as_slice(), plain.as_slice());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = open(&bytes, &secret("x"));
    }
}
