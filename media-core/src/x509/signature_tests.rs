use super::*;
use crate::referee::{Folder, installed};
use crate::x509::read_file;

fn read(folder: &Folder, name: &str) -> Certificate {
    read_file(&folder.read(name)).expect(name).remove(0)
}

/// Keys, how openssl signs with them, and what our check says of the result.
const KINDS: [(&str, &str, Option<&str>); 16] = [
    ("rsa:1024", "-sha1", None),
    ("rsa:2048", "-sha256", None),
    ("rsa:1031", "-sha384", None),
    ("rsa:4104", "-sha512", None),
    ("rsa:1024", "-sha1 -sigopt rsa_padding_mode:pss", None),
    ("rsa:1024", "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:0", None),
    ("rsa:1025", "-sha384 -sigopt rsa_padding_mode:pss", None),
    ("rsa-pss -pkeyopt rsa_keygen_bits:1048", "-sha512", None),
    ("ec -pkeyopt ec_paramgen_curve:P-256", "-sha1", None),
    ("ec -pkeyopt ec_paramgen_curve:P-256", "-sha512", None),
    ("ec -pkeyopt ec_paramgen_curve:P-384", "-sha1", None),
    ("ec -pkeyopt ec_paramgen_curve:P-384", "-sha384", None),
    ("ec -pkeyopt ec_paramgen_curve:P-521", "-sha256", None),
    ("ec -pkeyopt ec_paramgen_curve:secp256k1", "-sha256", Some("id-ecPublicKey on 1.3.132.0.10")),
    ("ed25519", "", Some("id-Ed25519")),
    ("rsa:1024", "-md5", Some("md5WithRSAEncryption")),
];

#[test]
fn signatures_of_openssl_are_checked() {
    if !installed("openssl") {
        return;
    }
    let folder = Folder::new();
    for (key, options, unknown) in KINDS {
        let case = format!("{key} {options}");
        for name in ["one", "two"] {
            folder.run(
                "openssl",
                &format!(
                    "req -x509 -nodes -keyout {name}.key -out {name}.pem -subj /CN=x -newkey {key} {options}"
                ),
            );
        }
        let (one, two) = (read(&folder, "one.pem"), read(&folder, "two.pem"));
        match (one.check_signature(&one), unknown) {
            (Ok(()), None) => {}
            (
                Err(
                    SignatureError::UnknownAlgorithm { algorithm } | SignatureError::UnknownKey { algorithm },
                ),
                Some(expected),
            ) => {
                assert_eq!(algorithm, expected, "{case}");
                continue;
            }
            (other, _) => unreachable!("{case}: {other:?}"),
        }
        assert_eq!(one.check_signature(&two), Err(SignatureError::Wrong), "{case}: the key of another");
        flips(&one, &case);
    }
}

/// Any changed bit of what is signed or of the signature is found.
fn flips(certificate: &Certificate, case: &str) {
    let signed = certificate.layout.to_be_signed.clone();
    let signature = certificate.layout.signature.clone();
    let places = signed.step_by(11).chain(signature.step_by(11));
    let mut checked = 0;
    for place in places {
        let mut der = certificate.der().to_vec();
        der[place] ^= 1;
        let Ok(changed) = Certificate::from_der(&der) else { continue };
        assert!(changed.check_signature(certificate).is_err(), "{case}: byte {place}");
        checked += 1;
    }
    assert!(checked > 10, "{case}: {checked}");
}

#[test]
fn keys_of_another_kind_have_signed_nothing() {
    if !installed("openssl") {
        return;
    }
    let folder = Folder::new();
    for (name, key) in [("rsa", "rsa:1024"), ("ec", "ec -pkeyopt ec_paramgen_curve:P-256"), ("ed", "ed25519")]
    {
        folder
            .run("openssl", &format!("req -x509 -nodes -keyout k -out {name}.pem -subj /CN=x -newkey {key}"));
    }
    let (rsa, ec, ed) = (read(&folder, "rsa.pem"), read(&folder, "ec.pem"), read(&folder, "ed.pem"));
    for (certificate, issuer) in [(&rsa, &ec), (&rsa, &ed), (&ec, &rsa), (&ec, &ed)] {
        assert_eq!(certificate.check_signature(issuer), Err(SignatureError::Wrong));
    }
}

#[test]
fn two_algorithms_in_one_certificate_are_refused() {
    let pem = include_bytes!("../../../tests/cli/fixtures/root.pem");
    let root = read_file(pem).expect("a certificate").remove(0);
    assert_eq!(root.check_signature(&root), Ok(()));
    let mut der = root.der().to_vec();
    // The last byte of the identifier outside: 11, SHA-256, becomes 12, SHA-384.
    let place = root.layout.algorithm.start + 12;
    assert_eq!(der[place], 11);
    der[place] = 12;
    let changed = Certificate::from_der(&der).expect("still a certificate");
    assert_eq!(changed.check_signature(&root), Err(SignatureError::TwoAlgorithms));
}

#[test]
fn microsofts_authorities_signed_none_of_each_other() {
    let Some(corpora) = std::env::var_os("TSMEDIA_CORPORA") else {
        eprintln!("skipped: TSMEDIA_CORPORA is not set");
        return;
    };
    let mut all = Vec::new();
    for entry in std::fs::read_dir(std::path::Path::new(&corpora).join("certs")).expect("it is there") {
        let path = entry.expect("readable").path();
        all.extend(read_file(&std::fs::read(&path).expect("readable")).expect("certificates"));
    }
    assert!(all.len() >= 8, "{}", all.len());
    for certificate in &all {
        for issuer in &all {
            // Their roots are not among them.
            let found = certificate.check_signature(issuer);
            assert_eq!(found, Err(SignatureError::Wrong), "{}", certificate.subject.text);
        }
    }
}
