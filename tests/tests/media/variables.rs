//! The media variables, decrypted by OpenSSL with a key computed here from the published derivation.

use std::fs;

use media_core::event::Unobserved;
use media_core::sealed::Algorithm;
use media_core::{Form, stage};
use media_tests::{medium, referee};
use secrecy::SecretString;
use serde_json::{Value, json};
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

/// A reader in another language, written from `docs/formats.md` alone, with the cryptography of others.
#[test]
fn python_reads_what_the_media_carry() {
    let Some(python) = referee::python_with("cryptography") else { return };
    let folder = TempDir::new().expect("a temporary folder");
    let (mut jobs, mut expected) = (Vec::new(), Vec::new());
    for (number, (algorithm, name, password)) in [
        (Algorithm::Aes128, "aes-128", Some("Correct horse battery staple")),
        (Algorithm::Aes256, "aes-256", Some("Zürich 😀 ist 3 schöne Städte wert")),
        (Algorithm::TripleDes, "3des", Some("короткий пароль был бы плох")),
        (Algorithm::Aes128, "aes-128", None),
    ]
    .into_iter()
    .enumerate()
    {
        let mut spec = medium::spec(boot_image(), Form::Iso { prompt: false }).expect("the boot image opens");
        spec.password = password.map(SecretString::from);
        spec.variables_form.algorithm = algorithm;
        // Lengths around a whole block of either cipher.
        spec.variables.push(("Padding".to_owned(), "x".repeat(number).into()));
        let staged = stage(&spec, &medium::env(), &mut Unobserved).expect("it can be staged");
        let file = &staged.tree.file("SMS/data/variables.dat").expect("it is staged").content;
        let path = folder.path().join(format!("{number}.dat"));
        fs::write(&path, file.to_vec(1 << 20).expect("it is small")).expect("it can be written");
        jobs.push(json!({ "file": text(&path), "password": password }));
        expected.push((name, staged));
    }
    let list = folder.path().join("jobs.json");
    fs::write(&list, Value::from(jobs).to_string()).expect("it can be written");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/media/read_variables.py");
    let Some(verdict) = referee::run(&text(&python), [script, &text(&list)]) else { return };
    let read: Value = serde_json::from_str(&verdict.success().text()).expect("the script prints JSON");
    for (index, (algorithm, staged)) in expected.iter().enumerate() {
        let read = &read[index];
        assert_eq!(read["algorithm"], *algorithm);
        let names: Vec<&str> =
            read["variables"].as_array().into_iter().flatten().filter_map(|pair| pair[0].as_str()).collect();
        assert_eq!(names, staged.report.variables);
        let value = |name: &str| {
            let mut pairs = read["variables"].as_array().into_iter().flatten();
            pairs.find(|pair| pair[0] == name).map(|pair| pair[1].clone()).unwrap_or_default()
        };
        assert_eq!(value("SMSTSMP"), format!("https://{}", medium::GATEWAY));
        assert_eq!(value("ContosoNote"), "a value with ]]> and ümläuts");
        assert_eq!(value("_SMSMediaGuid"), medium::MEDIA_GUID);
        assert_eq!(value("Padding"), "x".repeat(index));
        let identity = json!({
            "bits": 2048,
            "hash": "sha256",
            "client_authentication": true,
            "thumbprint": staged.report.media_certificate_thumbprint,
            "chain": 0,
        });
        assert_eq!(read["identity"], identity);
    }
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes([bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]])
}
