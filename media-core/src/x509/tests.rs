use std::sync::OnceLock;

use rand_core::SeedableRng;

use super::*;
use crate::bytes::{to_hex_lower, to_hex_upper, to_utf16le};
use crate::referee::{Folder, installed};

const ROOT: &str = "req -x509 -nodes -keyout key.pem -out root.pem -days 3650 -newkey rsa:2048 \
    -subj '/C=DE/O=Contoso/CN=Contoso Root' -addext basicConstraints=critical,CA:TRUE,pathlen:1 \
    -addext keyUsage=critical,keyCertSign,cRLSign";

fn random() -> rand_chacha::ChaCha20Rng {
    rand_chacha::ChaCha20Rng::from_seed([7; 32])
}

fn request() -> SelfSignedRequest<'static> {
    SelfSignedRequest {
        common_name: "{8B9E032D-A106-4E2E-A792-7A58332B96E5}",
        not_before: Timestamp::parse("2027-01-31").expect("a date"),
        not_after: Timestamp::parse("2028-01-31").expect("a date"),
        key_bits: 1024,
        extended_key_usage: &[CLIENT_AUTHENTICATION],
    }
}

fn made() -> &'static SelfSigned {
    static MADE: OnceLock<SelfSigned> = OnceLock::new();
    MADE.get_or_init(|| self_signed(&request(), &mut random()).expect("a sound request"))
}

fn pem(label: &str, der: &[u8]) -> String {
    pem_rfc7468::encode_string(label, pem_rfc7468::LineEnding::CRLF, der).expect("short")
}

#[test]
fn facts_agree_with_openssl() {
    if !installed("openssl") {
        return;
    }
    let folder = Folder::new();
    folder.run("openssl", ROOT);
    folder.run("openssl", "x509 -in root.pem -outform DER -out root.der");
    let certificate = Certificate::from_der(&folder.read("root.der")).expect("a certificate");

    assert_eq!(certificate.subject.text, "CN=Contoso Root, O=Contoso, C=DE");
    assert_eq!(certificate.subject.common_name.as_deref(), Some("Contoso Root"));
    assert_eq!(certificate.issuer, certificate.subject);
    assert!(certificate.self_issued && certificate.is_ca());
    assert_eq!(certificate.basic_constraints, Some(BasicConstraints { ca: true, path_len: Some(1) }));
    assert_eq!(certificate.key_usage.as_deref(), Some(&["keyCertSign", "cRLSign"][..]));
    assert_eq!(certificate.extended_key_usage, None);
    assert_eq!(certificate.signature_algorithm, "sha256WithRSAEncryption");
    assert_eq!(certificate.public_key, PublicKey::Rsa { bits: 2048 });
    assert_eq!(certificate.authority_key_identifier, certificate.subject_key_identifier);

    let colons = |bytes: &[u8]| {
        let hex = to_hex_upper(bytes);
        hex.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair)).collect::<Vec<_>>().join(":")
    };
    for (option, ours) in [
        ("-md5 -fingerprint", colons(&certificate.md5())),
        ("-sha1 -fingerprint", colons(&certificate.sha1())),
        ("-sha256 -fingerprint", colons(&certificate.sha256())),
        ("-ext subjectKeyIdentifier", colons(&certificate.key_identifier())),
        ("-serial", to_hex_upper(&certificate.serial_number)),
        ("-startdate -dateopt iso_8601", certificate.not_before.to_string().replace('T', " ")),
        ("-enddate -dateopt iso_8601", certificate.not_after.to_string().replace('T', " ")),
    ] {
        let said = folder.run("openssl", &format!("x509 -in root.pem -noout {option}"));
        assert!(said.contains(&ours), "{option}: {said} has no {ours}");
    }

    folder.run("openssl", "asn1parse -in root.pem -strparse 4 -noout -out signed.der");
    let said = folder.run("openssl", "dgst -sha256 signed.der");
    assert!(said.contains(&to_hex_lower(&certificate.signature_hash().expect("known"))), "{said}");
    folder.run("openssl", "rsa -in key.pem -RSAPublicKey_out -outform DER -out public.der");
    let said = folder.run("openssl", "dgst -md5 public.der");
    assert!(said.contains(&to_hex_lower(&certificate.public_key_md5())), "{said}");
    folder.run("openssl", "rsa -in key.pem -pubout -outform DER -out info.der");
    assert_eq!(certificate.public_key_info(), folder.read("info.der"));
}

#[test]
fn other_keys_and_signatures_are_told_apart() {
    if !installed("openssl") {
        return;
    }
    let folder = Folder::new();
    for (key, name, public_key, hash_len) in [
        (
            "ec -pkeyopt ec_paramgen_curve:P-384 -sha384",
            "ecdsa-with-SHA384",
            PublicKey::Ec { bits: 384 },
            Some(48),
        ),
        (
            "ec -pkeyopt ec_paramgen_curve:P-256 -sha1",
            "1.2.840.10045.4.1",
            PublicKey::Ec { bits: 256 },
            Some(20),
        ),
        ("ed25519", "id-Ed25519", PublicKey::Ec { bits: 256 }, None),
        ("rsa:1024 -sha1", "sha1WithRSAEncryption", PublicKey::Rsa { bits: 1024 }, Some(20)),
        ("rsa:1024 -md5", "md5WithRSAEncryption", PublicKey::Rsa { bits: 1024 }, Some(16)),
        (
            "rsa:1032 -sha512 -sigopt rsa_padding_mode:pss",
            "id-RSASSA-PSS",
            PublicKey::Rsa { bits: 1032 },
            Some(64),
        ),
    ] {
        folder.run(
            "openssl",
            &format!("req -x509 -nodes -keyout k -out c.der -outform DER -subj /CN=x -newkey {key}"),
        );
        let certificate = Certificate::from_der(&folder.read("c.der")).expect(key);
        assert_eq!(certificate.signature_algorithm, name, "{key}");
        assert_eq!(certificate.public_key, public_key, "{key}");
        assert_eq!(certificate.signature_hash().map(|hash| hash.len()), hash_len, "{key}");
    }
}

#[test]
fn every_form_of_file_gives_the_same_certificates() {
    if !installed("openssl") {
        return;
    }
    let folder = Folder::new();
    folder.run("openssl", ROOT);
    folder.run("openssl", "x509 -in root.pem -outform DER -out root.der");
    let root = folder.read("root.der");
    let second = made().certificate.der();
    let both = format!(
        "friendlyName: x\n{}\nsubject=/CN=y\n{}",
        pem("CERTIFICATE", &root),
        pem("CERTIFICATE", second)
    );
    folder.write("both.pem", both.as_bytes());
    folder.run("openssl", "crl2pkcs7 -nocrl -certfile both.pem -outform DER -out both.p7b");
    folder.run("openssl", "crl2pkcs7 -nocrl -certfile both.pem -out both.p7b.pem");
    let one_line: String = pem("CERTIFICATE", &root).lines().filter(|line| !line.starts_with('-')).collect();
    for (form, bytes, count) in [
        ("DER", root.clone(), 1),
        ("PEM of OpenSSL", folder.read("root.pem"), 1),
        ("PEM with two and text between", both.clone().into_bytes(), 2),
        ("PEM in UTF-16", [&[0xFF, 0xFE][..], &to_utf16le(&both)].concat(), 2),
        ("PEM in UTF-8 with byte order mark", [&[0xEF, 0xBB, 0xBF][..], both.as_bytes()].concat(), 2),
        ("base64 in one line", one_line.into_bytes(), 1),
        ("PKCS#7", folder.read("both.p7b"), 2),
        ("PKCS#7 in PEM", folder.read("both.p7b.pem"), 2),
    ] {
        let found: Vec<_> = read_file(&bytes).expect(form).iter().map(|one| one.der().to_vec()).collect();
        assert_eq!(found, [root.as_slice(), second][..count], "{form}");
    }
    folder.write("nothing.pem", b"");
    folder.run("openssl", "crl2pkcs7 -nocrl -certfile nothing.pem -outform DER -out nothing.p7b");
    assert_eq!(read_file(&folder.read("nothing.p7b")), Err(X509Error::Empty));
}

#[test]
fn pem_is_written_as_openssl_writes_it() {
    if !installed("openssl") {
        return;
    }
    let folder = Folder::new();
    folder.run("openssl", ROOT);
    let root = read_file(&folder.read("root.pem")).expect("a certificate").remove(0);
    assert_eq!(to_pem([&root]).expect("short").into_bytes(), folder.read("root.pem"));
    let both = to_pem([&root, &made().certificate]).expect("short");
    assert_eq!(read_file(both.as_bytes()), Ok(vec![root, made().certificate.clone()]));
    folder.write("both.pem", both.as_bytes());
    let said = folder.run("openssl", "storeutl -noout -certs both.pem");
    assert!(said.contains("Total found: 2"), "{said}");
    assert_eq!(to_pem([]), Ok(String::new()));
}

#[test]
fn files_given_by_mistake_are_named() {
    let private_key = |form: &str| X509Error::PrivateKey { form: form.into() };
    let key = made().private_key.as_slice();
    assert_eq!(read_file(key), Err(private_key("PKCS#8")));
    let both = pem("CERTIFICATE", made().certificate.der()) + &pem("PRIVATE KEY", key);
    let line = both.lines().position(|line| line.contains("BEGIN PRIVATE")).expect("it is there") + 1;
    assert_eq!(read_file(both.as_bytes()), Err(private_key(&format!("PEM `PRIVATE KEY` in line {line}"))));
    let request = pem("CERTIFICATE REQUEST", &[0x30, 0]);
    let other = X509Error::OtherPem { line: 1, label: "CERTIFICATE REQUEST".into() };
    assert_eq!(read_file(request.as_bytes()), Err(other));
    assert_eq!(read_file(&[0x30, 3, 2, 1, 3]), Err(X509Error::Pfx));
    assert_eq!(read_file(b""), Err(X509Error::NotCertificates { len: 0 }));
    assert_eq!(read_file(b"hello, world"), Err(X509Error::NotCertificates { len: 12 }));
    let cut = pem("CERTIFICATE", made().certificate.der()).replace("-----END CERTIFICATE-----", "");
    assert_eq!(
        read_file(cut.as_bytes()),
        Err(X509Error::Pem { line: 1, reason: "it has no end line".into() })
    );
    let broken = pem("CERTIFICATE", made().certificate.der()).replace("MII", "M*I");
    assert_eq!(
        read_file(broken.as_bytes()),
        Err(X509Error::Pem { line: 1, reason: "its lines are not base64".into() })
    );
    let empty = X509Error::TooLarge { len: (16 << 20) + 1, limit: 16 << 20 };
    assert_eq!(read_file(&vec![0x30; (16 << 20) + 1]), Err(empty));
}

#[test]
fn keys_of_openssl_given_by_mistake_are_named() {
    if !installed("openssl") {
        return;
    }
    let folder = Folder::new();
    folder.run("openssl", "genrsa -out rsa.pem 1024");
    folder.run("openssl", "ecparam -genkey -name prime256v1 -noout -outform DER -out ec.der");
    folder.run("openssl", "rsa -in rsa.pem -traditional -outform DER -out pkcs1.der");
    folder.run("openssl", "pkcs8 -topk8 -in rsa.pem -passout pass:x -outform DER -out encrypted.der");
    for (file, form) in [
        ("ec.der", "SEC 1 elliptic curve"),
        ("pkcs1.der", "PKCS#1 RSA"),
        ("encrypted.der", "encrypted PKCS#8"),
        ("rsa.pem", "PEM `PRIVATE KEY` in line 1"),
    ] {
        assert_eq!(read_file(&folder.read(file)), Err(X509Error::PrivateKey { form: form.into() }), "{file}");
    }
}

#[test]
fn truncations_trailing_bytes_and_bit_flips_give_errors_or_facts_and_never_a_panic() {
    let der = made().certificate.der();
    for len in 0..der.len() {
        let error = Certificate::from_der(&der[..len]).expect_err("cut");
        assert!(matches!(error, X509Error::Der { .. }), "cut to {len}: {error}");
        assert!(read_file(&der[..len]).is_err(), "cut to {len}");
    }
    let longer = [der, &[0, 0]].concat();
    let trailing = X509Error::Trailing { what: "certificate", end: der.len() as u64, trailing: 2 };
    assert_eq!(Certificate::from_der(&longer), Err(trailing));
    let mut refused = 0;
    for bit in 0..der.len() * 8 {
        let mut changed = der.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        refused += usize::from(read_file(&changed).is_err());
    }
    assert!(refused > 500, "changed tags and lengths are refused: {refused}");
}

#[test]
fn control_characters_in_names_are_escaped() {
    let request = SelfSignedRequest { common_name: "a\u{1b}[31m\nb", ..request() };
    let made = self_signed(&request, &mut random()).expect("XML forbids it, X.509 does not");
    assert_eq!(made.certificate.subject.text, "CN=a\\u{1b}[31m\\nb");
}

#[test]
fn a_self_signed_certificate_satisfies_openssl() {
    if !installed("openssl") {
        return;
    }
    let folder = Folder::new();
    let SelfSigned { certificate, private_key } = made();
    folder.write("c.pem", pem("CERTIFICATE", certificate.der()).as_bytes());
    folder.write("key.der", private_key);
    // 2027-06-01, within its validity.
    let said = folder
        .run("openssl", "verify -x509_strict -attime 1811808000 -purpose sslclient -CAfile c.pem c.pem");
    assert!(said.contains("c.pem: OK"), "{said}");
    let (valid, said) =
        folder.try_run("openssl", "verify -attime 1811808000 -purpose sslserver -CAfile c.pem c.pem");
    assert!(!valid, "not for servers: {said}");
    folder.run("openssl", "rsa -in key.der -inform DER -check -noout");
    let modulus = folder.run("openssl", "x509 -in c.pem -noout -modulus");
    assert_eq!(modulus, folder.run("openssl", "rsa -in key.der -inform DER -noout -modulus"));
    let said = folder.run("openssl", "x509 -in c.pem -noout -text");
    for part in
        ["TLS Web Client Authentication", "Digital Signature, Key Encipherment", "sha256WithRSAEncryption"]
    {
        assert!(said.contains(part), "{said} has no {part}");
    }
}

#[test]
fn equal_seeds_give_equal_certificates() {
    let again = self_signed(&request(), &mut random()).expect("a sound request");
    assert_eq!(again.certificate.der(), made().certificate.der());
    assert!(again.private_key == made().private_key, "the key too");
    let other = self_signed(&request(), &mut rand_chacha::ChaCha20Rng::from_seed([8; 32])).expect("sound");
    assert_ne!(other.certificate.public_key_info(), again.certificate.public_key_info());
}

#[test]
fn validity_reads_back_before_and_after_2050() {
    for (start, end) in [("1999-12-31", "2049-12-31"), ("2050-01-01", "2100-02-28")] {
        let (not_before, not_after) = (Timestamp::parse(start), Timestamp::parse(end));
        let (not_before, not_after) = (not_before.expect("a date"), not_after.expect("a date"));
        let made = self_signed(&SelfSignedRequest { not_before, not_after, ..request() }, &mut random());
        let certificate = made.expect("a sound request").certificate;
        assert_eq!((certificate.not_before, certificate.not_after), (not_before, not_after));
    }
}

#[test]
fn impossible_requests_are_refused() {
    let long = "x".repeat(65);
    for (request, what) in [
        (SelfSignedRequest { common_name: "", ..request() }, "the common name's length"),
        (SelfSignedRequest { common_name: &long, ..request() }, "the common name's length"),
        (SelfSignedRequest { key_bits: 512, ..request() }, "the key's length"),
        (SelfSignedRequest { key_bits: 1025, ..request() }, "the key's length"),
        (SelfSignedRequest { not_after: request().not_before, ..request() }, "the expiry"),
        (SelfSignedRequest { not_before: Timestamp::from_unix(-1), ..request() }, "the start"),
        (SelfSignedRequest { extended_key_usage: &["client"], ..request() }, "an extended key usage"),
    ] {
        match self_signed(&request, &mut random()) {
            Err(X509Error::Request { what: found, .. }) => assert_eq!(found, what),
            Err(other) => unreachable!("{what}: {other}"),
            Ok(_) => unreachable!("{what} was accepted"),
        }
    }
}

#[test]
fn microsofts_secure_boot_certificates_are_read() {
    let Some(corpora) = std::env::var_os("TSMEDIA_CORPORA") else {
        eprintln!("skipped: TSMEDIA_CORPORA is not set");
        return;
    };
    for (file, name) in [
        ("MicWinProPCA2011_2011-10-19.der", "Microsoft Windows Production PCA 2011"),
        ("windows uefi ca 2023.der", "Windows UEFI CA 2023"),
        ("MicCorKEKCA2011_2011-06-24.der", "Microsoft Corporation KEK CA 2011"),
    ] {
        let bytes = std::fs::read(std::path::Path::new(&corpora).join("certs").join(file)).expect(file);
        let certificates = read_file(&bytes).expect(file);
        assert_eq!(certificates[0].subject.common_name.as_deref(), Some(name));
        assert!(certificates[0].is_ca() && !certificates[0].self_issued);
    }
}
