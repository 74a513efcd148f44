use super::*;

fn certificate() -> Certificate {
    let pem = include_bytes!("../../../tests/cli/fixtures/root.pem");
    x509::read_file(pem).expect("a certificate").remove(0)
}

/// An `.sst` file with one certificate; `name.reg` would not matter, nothing looks at names.
fn sst(der: &[u8]) -> Vec<u8> {
    let element = certstore::serialize(&[(certstore::FRIENDLY_NAME, vec![0x41, 0, 0, 0])], der);
    [&b"\0\0\0\0CERT"[..], &element.expect("short"), &[0; 12]].concat()
}

#[test]
fn a_serialised_store_gives_certificates_with_their_properties_to_the_store_asked_for() {
    let certificate = certificate();
    for store in Store::ALL {
        let expected = TrustedCertificate {
            store,
            certificate: certificate.clone(),
            blob: Some(
                trust::store_blob(&certificate, &[(certstore::FRIENDLY_NAME, vec![0x41, 0, 0, 0])])
                    .expect("short"),
            ),
        };
        assert_eq!(read_file(&sst(certificate.der()), store), Ok(vec![expected]));
    }
}

#[test]
fn a_damaged_or_empty_serialised_store_is_refused_as_one() {
    let whole = sst(certificate().der());
    let cut = read_file(&whole[..whole.len() - 1], Store::Root);
    assert!(
        matches!(cut, Err(CertificateFileError::SerializedStore(CertstoreError::Truncated(_)))),
        "{cut:?}"
    );
    let empty = [&b"\0\0\0\0CERT"[..], &[0; 12]].concat();
    assert_eq!(read_file(&empty, Store::Root), Err(X509Error::Empty.into()));
    let other = read_file(&sst(b"no certificate"), Store::Root);
    assert!(matches!(other, Err(CertificateFileError::Certificates(X509Error::Der { .. }))), "{other:?}");
}
