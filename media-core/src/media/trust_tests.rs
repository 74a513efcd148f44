use super::*;
use crate::reg_file;

/// Every certificate element in a hive: found by its last property, then going back from property to property.
fn elements(hive: &[u8]) -> Vec<certstore::Element> {
    let number = |at: usize| u32::from_le_bytes(hive[at..at + 4].try_into().expect("four bytes"));
    let ends_at = |start: usize, end: usize| {
        number(start) < 200 && number(start + 4) == 1 && start + 12 + number(start + 8) as usize == end
    };
    let last_properties = hive.windows(14).enumerate().filter(|(_, window)| {
        window.starts_with(&[0x20, 0, 0, 0, 1, 0, 0, 0]) && window[10..] == [0, 0, 0x30, 0x82]
    });
    last_properties
        .filter_map(|(at, window)| {
            let end = at + 12 + usize::from(u16::from_le_bytes([window[8], window[9]]));
            let mut start = at;
            while let Some(before) = (start.saturating_sub(600)..start.saturating_sub(11))
                .rev()
                .find(|before| ends_at(*before, start))
            {
                start = before;
            }
            certstore::parse(hive.get(start..end)?).ok()
        })
        .collect()
}

#[test]
fn properties_are_those_that_windows_wrote_for_the_same_certificates() {
    let Some(corpora) = std::env::var_os("TSMEDIA_CORPORA") else {
        eprintln!("skipped: TSMEDIA_CORPORA is not set");
        return;
    };
    let mut compared = std::collections::BTreeMap::<u32, usize>::new();
    let mut refused = Vec::new();
    for hive in ["corrupted_system_hive", "ntuser_software_partial", "UsrClass.dat"] {
        let path = std::path::Path::new(&corpora).join("hives/regipy").join(hive);
        let bytes = std::fs::read(&path).expect("TSMEDIA_CORPORA has the hive");
        for element in elements(&bytes) {
            let certificate = match Certificate::from_der(&element.der) {
                Ok(certificate) => certificate,
                Err(error) => {
                    refused.push(error.to_string());
                    continue;
                }
            };
            let ours = certstore::parse(&store_blob(&certificate, &[]).expect("short")).expect("ours");
            for (id, value) in &ours.properties {
                if let Some((_, theirs)) = element.properties.iter().find(|(other, _)| other == id) {
                    assert_eq!(value, theirs, "property {id} of {}", certificate.subject.text);
                    *compared.entry(*id).or_default() += 1;
                }
            }
        }
    }
    eprintln!("properties compared: {compared:?}; certificates refused: {refused:?}");
    // Roots of the 1990s whose dates have no seconds, which DER does not allow.
    assert!(refused.len() < 10 && refused.iter().all(|error| error.contains("UTCTime")), "{refused:?}");
    for (id, least) in [
        (certstore::SHA1_HASH, 50),
        (certstore::MD5_HASH, 20),
        (certstore::SIGNATURE_HASH, 10),
        (certstore::KEY_IDENTIFIER, 50),
        (certstore::SUBJECT_PUBLIC_KEY_MD5, 50),
        (certstore::SUBJECT_PUBLIC_KEY_BITS, 10),
    ] {
        assert!(compared.get(&id).is_some_and(|count| *count >= least), "property {id}: {compared:?}");
    }
}

fn certificate() -> Certificate {
    use rand_core::SeedableRng;
    let request = crate::x509::SelfSignedRequest {
        common_name: "Contoso Root",
        not_before: crate::time::Timestamp::from_unix(0),
        not_after: crate::time::Timestamp::from_unix(1_000_000_000),
        key_bits: 1024,
        extended_key_usage: &[],
    };
    let mut random = rand_chacha::ChaCha20Rng::from_seed([1; 32]);
    crate::x509::self_signed(&request, &mut random).expect("sound").certificate
}

#[test]
fn a_blob_has_windows_properties_in_its_order() {
    let certificate = certificate();
    let element = certstore::parse(&store_blob(&certificate, &[]).expect("short")).expect("ours");
    let ids: Vec<u32> = element.properties.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [4, 15, 20, 25, 3, 92]);
    let lengths: Vec<usize> = element.properties.iter().map(|(_, value)| value.len()).collect();
    assert_eq!(lengths, [16, 32, 20, 16, 20, 4]);
    assert_eq!(element.properties[5].1, 1024_u32.to_le_bytes());
    assert_eq!(element.der, certificate.der());
}

#[test]
fn properties_given_are_kept_unless_they_follow_from_the_certificate() {
    let certificate = certificate();
    let more = [(certstore::FRIENDLY_NAME, b"R\0\0\0".to_vec()), (3, vec![0; 20]), (9, vec![0x30, 0])];
    let element = certstore::parse(&store_blob(&certificate, &more).expect("short")).expect("ours");
    let ids: Vec<u32> = element.properties.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [4, 15, 20, 25, 3, 92, 11, 9]);
    assert_eq!(element.properties[4].1, certificate.sha1());
    assert_eq!(element.properties[6], more[0]);
}

fn reg(path: &str, value: &str) -> Vec<reg_file::RegistryKey> {
    let text = format!("Windows Registry Editor Version 5.00\r\n\r\n[{path}]\r\n{value}\r\n");
    reg_file::parse(text.as_bytes()).expect("sound")
}

fn blob_line(certificate: &Certificate) -> String {
    let bytes: Vec<String> =
        store_blob(certificate, &[]).expect("short").iter().map(|byte| format!("{byte:02x}")).collect();
    let lines: Vec<String> = bytes.chunks(25).map(|line| line.join(",")).collect();
    format!("\"Blob\"=hex:{}", lines.join(",\\\r\n  "))
}

#[test]
fn certificates_of_a_registry_file_are_found_wherever_the_hive_was_loaded() {
    let certificate = certificate();
    let thumbprint = to_hex_upper(&certificate.sha1());
    for (root, store) in [
        (r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\SystemCertificates", "AuthRoot"),
        (r"HKEY_LOCAL_MACHINE\winpe-offline\microsoft\systemcertificates", "ROOT"),
    ] {
        let path = format!(r"{root}\{store}\Certificates\{}", thumbprint.to_lowercase());
        let found = certificates_from_reg(&reg(&path, &blob_line(&certificate))).expect("sound");
        let blob = store_blob(&certificate, &[]).expect("short");
        assert_eq!(
            found,
            [StoredCertificate { store: store.into(), certificate: certificate.clone(), blob }]
        );
        assert_eq!(certificates_from_reg(&reg(&format!("-{path}"), "")), Ok(vec![]));
    }
    assert_eq!(
        certificates_from_reg(&reg(r"HKEY_LOCAL_MACHINE\SOFTWARE\Contoso", "\"Blob\"=\"x\"")),
        Ok(vec![])
    );
}

#[test]
fn a_key_that_should_hold_a_certificate_and_does_not_is_named() {
    let certificate = certificate();
    let found = to_hex_upper(&certificate.sha1());
    let path = format!(r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates\{found}");
    let error = |value: &str| certificates_from_reg(&reg(&path, value)).expect_err("refused");
    assert_eq!(error(""), TrustError::NoBlob { path: path.clone() });
    assert_eq!(error("\"Blob\"=\"text\""), TrustError::Kind { path: path.clone(), kind: 1 });
    assert!(matches!(error("\"Blob\"=hex:03,00"), TrustError::Blob { .. }));
    assert!(matches!(
        error("\"Blob\"=hex:20,00,00,00,01,00,00,00,01,00,00,00,30"),
        TrustError::Certificate { .. }
    ));
    let other = path.replace(&found, "00");
    assert_eq!(
        certificates_from_reg(&reg(&other, &blob_line(&certificate))),
        Err(TrustError::Thumbprint { path: other, found })
    );
}
