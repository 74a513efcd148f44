//! The media variables, decrypted by OpenSSL with a key computed here from the published derivation.

use std::fs;

use media_core::Form;
use media_tests::{medium, referee};
use sha1::{Digest, Sha1};
use tempfile::TempDir;

use crate::{boot_image, text};

/// CryptDeriveKey's documented expansion of a SHA-1 hash, written out again so that it is not the code under test.
fn key(password: &str, len: usize) -> Vec<u8> {
    let utf16: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hash = Sha1::digest(utf16);
    let half = |mask: u8| {
        let mut block = [mask; 64];
        block.iter_mut().zip(hash).for_each(|(byte, hash)| *byte ^= hash);
        Sha1::digest(block)
    };
    [half(0x36), half(0x5C)].concat()[..len].to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn openssl_reads_what_the_media_carry() {
    let folder = TempDir::new().expect("a temporary folder");
    let spec = medium::spec(boot_image(), Form::Iso { prompt: false }).expect("the boot image can be opened");
    let (_, staged) = medium::make(&spec, folder.path(), "medium.iso");
    let file = &staged.tree.file("SMS/data/variables.dat").expect("it is staged").content;
    let file = file.to_vec(1 << 20).expect("it is small");
    assert_eq!(file[..8], [0, 0, 0xED, 0xEC, 20, 0, 0, 0]);
    assert_eq!(file[16..20], [0x10, 0x66, 0, 0], "AES-256");
    let (plain_len, cipher_len) = (u32_at(&file, 8) as usize, u32_at(&file, 12) as usize);
    assert_eq!(file.len(), 24 + plain_len + 18);

    let (sealed, opened) = (folder.path().join("sealed"), folder.path().join("opened"));
    fs::write(&sealed, &file[24..24 + cipher_len]).expect("it can be written");
    let (sealed, opened) = (text(&sealed), text(&opened));
    let (key, vector) = (hex(&key(medium::PASSWORD, 32)), "0".repeat(32));
    let arguments =
        ["enc", "-d", "-aes-256-cbc", "-K", &key, "-iv", &vector, "-in", &sealed, "-out", &opened];
    let Some(verdict) = referee::run("openssl", arguments) else { return };
    let _ = verdict.success();
    let plain = fs::read(&opened).expect("openssl wrote it");
    assert_eq!(plain.len(), plain_len);
    let units: Vec<u16> = plain.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    let xml = String::from_utf16(&units).expect("UTF-16");
    assert!(xml.starts_with("<?xml version=\"1.0\""), "{}", &xml[..60]);
    for expected in [
        "<var name=\"SMSTSMP\"><![CDATA[https://cmg.contoso.com/CCM_Proxy_MutualAuth/72057594037928100]]></var>",
        "<var name=\"_SMSTSSiteCode\"><![CDATA[PS1]]></var>",
        "<var name=\"_SMSTSBootMediaPackageID\"><![CDATA[PS100005]]></var>",
        "<var name=\"_SMSTSLaunchMode\"><![CDATA[CD]]></var>",
        "<var name=\"_SMSMediaGuid\"><![CDATA[{8B9E032D-A106-4E2E-A792-7A58332B96E5}]]></var>",
        "a value with ]]]]><![CDATA[> and ümläuts",
    ] {
        assert!(xml.contains(expected), "{expected} is not in the variables");
    }
    media_certificate(&folder, &xml);
}

/// The PKCS#12 opens with the first 31 characters of the media GUID, and holds what the site is told of.
fn media_certificate(folder: &TempDir, xml: &str) {
    let start = "<var name=\"_SMSTSMediaPFX\"><![CDATA[";
    let hex = xml.split(start).nth(1).and_then(|rest| rest.split("]]>").next()).expect("there is one");
    let digits = hex.as_bytes().as_chunks::<2>().0;
    let pfx: Vec<u8> = digits
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal"))
        .collect();
    let (path, certificate) = (folder.path().join("media.pfx"), folder.path().join("media.pem"));
    fs::write(&path, pfx).expect("it can be written");
    let password = format!("pass:{}", &medium::MEDIA_GUID[..31]);
    let (path, certificate) = (text(&path), text(&certificate));
    let arguments = [
        "pkcs12",
        "-legacy",
        "-in",
        &path,
        "-passin",
        &password,
        "-clcerts",
        "-nokeys",
        "-out",
        &certificate,
    ];
    let Some(verdict) = referee::run("openssl", arguments) else { return };
    let _ = verdict.success();
    let arguments = ["x509", "-in", &certificate, "-noout", "-text"];
    let Some(verdict) = referee::run("openssl", arguments) else { return };
    let _ = verdict
        .success()
        .says("sha256WithRSAEncryption")
        .says("Public-Key: (2048 bit)")
        .says("TLS Web Client Authentication")
        .says("Not After : Nov  1 00:00:00 2027 GMT");
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes([bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]])
}
