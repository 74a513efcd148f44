use std::sync::OnceLock;

use rand_core::SeedableRng;

use super::*;
use crate::referee::{Folder, installed};

const PASSWORD: &str = "{8B9E032D-A106-4E2E-A792-7A5833";

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

fn random() -> rand_chacha::ChaCha20Rng {
    rand_chacha::ChaCha20Rng::from_seed([3; 32])
}

fn error<T>(result: Result<T, PfxError>) -> PfxError {
    result.err().expect("refused")
}

/// A key with its certificate and the one above it, made by OpenSSL, beside the folder they were made in.
fn openssl_made() -> Option<(Folder, Bundle)> {
    if !installed("openssl") {
        return None;
    }
    let folder = Folder::new();
    folder.run(
        "openssl",
        "req -x509 -nodes -newkey rsa:2048 -keyout ca.key -out ca.pem -subj '/CN=Contoso CA'",
    );
    folder.run("openssl", "req -nodes -newkey rsa:2048 -keyout key.pem -out request.pem -subj '/CN=Media'");
    folder.run("openssl", "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out own.pem");
    folder.run("openssl", "pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key.der");
    for name in ["ca", "own"] {
        folder.run("openssl", &format!("x509 -in {name}.pem -outform DER -out {name}.der"));
    }
    let bundle = Bundle {
        private_key: Zeroizing::new(folder.read("key.der")),
        certificate: folder.read("own.der"),
        chain: vec![folder.read("ca.der")],
    };
    Some((folder, bundle))
}

/// A bundle made once, for tests that need no OpenSSL: a key and any certificate of it.
fn ours() -> &'static [u8] {
    static OURS: OnceLock<Vec<u8>> = OnceLock::new();
    OURS.get_or_init(|| {
        let (private_key, certificate) = small_identity();
        let bundle = Bundle { private_key, certificate, chain: vec![] };
        let attributes = Attributes { friendly_name: Some("Media"), key_provider: None };
        write(&bundle, &secret(PASSWORD), attributes, &mut random()).expect("short").to_vec()
    })
}

fn small_identity() -> (Zeroizing<Vec<u8>>, Vec<u8>) {
    let request = crate::x509::SelfSignedRequest {
        common_name: "Media",
        not_before: crate::time::Timestamp::from_unix(0),
        not_after: crate::time::Timestamp::from_unix(1),
        key_bits: 1024,
        extended_key_usage: &[],
    };
    let made = crate::x509::self_signed(&request, &mut random()).expect("sound");
    (made.private_key, made.certificate.der().to_vec())
}

#[test]
fn openssl_reads_ours() {
    let Some((folder, bundle)) = openssl_made() else { return };
    let attributes = Attributes {
        friendly_name: Some("Zürich"),
        key_provider: Some("Microsoft Enhanced RSA and AES Cryptographic Provider"),
    };
    let file = write(&bundle, &secret(PASSWORD), attributes, &mut random()).expect("short");
    folder.write("ours.pfx", &file);
    let said = folder.run("openssl", &format!("pkcs12 -in ours.pfx -nodes -info -passin pass:{PASSWORD}"));
    for part in [
        "MAC: sha1, Iteration 2000",
        "MAC length: 20, salt length: 20",
        "Shrouded Keybag: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2000",
        "PKCS7 Encrypted data: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2000",
        "Microsoft CSP Name: Microsoft Enhanced RSA and AES Cryptographic Provider",
        "localKeyID: 01 00 00 00",
        "friendlyName: Z",
    ] {
        assert!(said.contains(part), "{said} has no {part}");
    }
    let export = format!("pkcs12 -in ours.pfx -nodes -passin pass:{PASSWORD}");
    folder.run("openssl", &format!("{export} -nocerts -out back.key"));
    folder.run("openssl", "pkcs8 -topk8 -nocrypt -in back.key -outform DER -out back.key.der");
    assert!(folder.read("back.key.der") == *bundle.private_key, "the key came back");
    for (option, certificate) in [("-clcerts", &bundle.certificate), ("-cacerts", &bundle.chain[0])] {
        folder.run("openssl", &format!("{export} -nokeys {option} -out back.pem"));
        folder.run("openssl", "x509 -in back.pem -outform DER -out back.der");
        assert_eq!(&folder.read("back.der"), certificate, "{option}");
    }
    let (opened, _) = folder.try_run("openssl", "pkcs12 -in ours.pfx -nodes -passin pass:wrong");
    assert!(!opened, "a wrong password does not open it");
}

#[test]
fn openssl_reads_ours_under_any_password() {
    let Some((folder, bundle)) = openssl_made() else { return };
    for password in ["", "Zürich 3 €", "пароль", "パスワード"] {
        let file = write(&bundle, &secret(password), Attributes::default(), &mut random()).expect("short");
        folder.write("ours.pfx", &file);
        folder.run(
            "openssl",
            &format!("pkcs12 -in ours.pfx -nodes -nocerts -passin 'pass:{password}' -out k.pem"),
        );
        folder.run("openssl", "pkcs8 -topk8 -nocrypt -in k.pem -outform DER -out back.der");
        assert!(folder.read("back.der") == *bundle.private_key, "{password:?}: the key came back");
    }
}

#[test]
fn whatever_openssl_writes_is_read() {
    let Some((folder, bundle)) = openssl_made() else { return };
    for options in
        ["", "-legacy", "-legacy -descert", "-certpbe NONE", "-nomac", "-macalg sha512 -keypbe AES-128-CBC"]
    {
        for password in [PASSWORD, "", "Zürich 3 €", "パスワード"] {
            folder.run(
                "openssl",
                &format!(
                    "pkcs12 -export -in own.pem -inkey key.pem -certfile ca.pem -out x.pfx {options} -passout 'pass:{password}'"
                ),
            );
            let read = read(&folder.read("x.pfx"), &secret(password)).expect(options);
            assert!(read.private_key == bundle.private_key, "{options} {password:?}: the key");
            assert_eq!(read.certificate, bundle.certificate, "{options} {password:?}");
            assert_eq!(read.chain, bundle.chain, "{options} {password:?}");
        }
        let wrong = error(super::read(&folder.read("x.pfx"), &secret("wrong")));
        // Without check value and with modern encryption the wrong key is told by its padding alone, one in 256 is not.
        assert!(wrong == PfxError::WrongPassword || options == "-nomac", "{options}: {wrong}");
    }
}

#[test]
fn files_without_one_identity_are_refused() {
    let Some((folder, _)) = openssl_made() else { return };
    folder.run("openssl", "pkcs12 -export -nokeys -in own.pem -certfile ca.pem -out x.pfx -passout pass:x");
    assert_eq!(error(read(&folder.read("x.pfx"), &secret("x"))), PfxError::NoPrivateKey { certificates: 2 });
    folder.run("openssl", "pkcs12 -export -nocerts -inkey key.pem -out x.pfx -passout pass:x");
    assert_eq!(error(read(&folder.read("x.pfx"), &secret("x"))), PfxError::NoCertificate { certificates: 0 });
    assert!(matches!(error(read(&folder.read("own.der"), &secret("x"))), PfxError::Damaged { .. }));
    assert!(matches!(error(read(&folder.read("own.pem"), &secret("x"))), PfxError::Damaged { .. }));
    assert!(matches!(error(read(&folder.read("key.der"), &secret("x"))), PfxError::Unsupported { .. }));
}

#[test]
fn an_elliptic_curve_identity_is_found_by_its_local_key_identifier() {
    let Some((folder, _)) = openssl_made() else { return };
    folder.run(
        "openssl",
        "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout ec.key -out ec.pem -subj /CN=EC",
    );
    folder.run(
        "openssl",
        "pkcs12 -export -in ec.pem -inkey ec.key -certfile ca.pem -out x.pfx -passout pass:x",
    );
    folder.run("openssl", "x509 -in ec.pem -outform DER -out ec.der");
    let read = read(&folder.read("x.pfx"), &secret("x")).expect("sound");
    assert_eq!(read.certificate, folder.read("ec.der"));
    assert_eq!(read.chain, [folder.read("ca.der")]);
}

#[test]
fn several_private_keys_are_refused() {
    let (private_key, certificate) = small_identity();
    let mut store = p12_keystore::KeyStore::new();
    for name in ["one", "two"] {
        let key = p12_keystore::PrivateKey::from_der(&private_key).expect("PKCS#8");
        let certificate = p12_keystore::Certificate::from_der(&certificate).expect("X.509");
        let chain = p12_keystore::PrivateKeyChain::new(name, key, [certificate]);
        store.add_entry(name, p12_keystore::KeyStoreEntry::PrivateKeyChain(chain));
    }
    let file = store.writer("x").write().expect("written");
    assert_eq!(error(read(&file, &secret("x"))), PfxError::SeveralPrivateKeys { count: 2 });
}

#[test]
fn ours_is_read_back_and_is_the_same_each_time() {
    let (private_key, certificate) = small_identity();
    let read = read(ours(), &secret(PASSWORD)).expect("ours");
    assert!(read.private_key == private_key, "the key");
    assert_eq!((&read.certificate, &read.chain), (&certificate, &vec![]));
    let attributes = Attributes { friendly_name: Some("Media"), key_provider: None };
    let bundle = Bundle { private_key, certificate, chain: vec![] };
    let again = write(&bundle, &secret(PASSWORD), attributes, &mut random()).expect("short");
    assert_eq!(again.as_slice(), ours());
    // As in real media: version 3, data, and 2000 iterations at the end.
    assert_eq!(ours()[4..7], [2, 1, 3]);
    assert!(ours().ends_with(&[2, 2, 7, 0xD0]));
}

#[test]
fn text_outside_the_basic_plane_is_refused() {
    let (private_key, certificate) = small_identity();
    let bundle = Bundle { private_key, certificate, chain: vec![] };
    let refused = error(write(&bundle, &secret("🔑"), Attributes::default(), &mut random()));
    assert_eq!(refused, PfxError::Text { what: "password" });
    let attributes = Attributes { friendly_name: Some("🔑"), key_provider: None };
    let refused = error(write(&bundle, &secret("x"), attributes, &mut random()));
    assert_eq!(refused, PfxError::Text { what: "friendly name" });
}

#[test]
fn files_that_would_take_long_to_open_are_refused_at_once() {
    let with = |bytes: &[u8]| {
        let mut content = vec![2, 1, 3];
        content.extend(bytes);
        content.resize(content.len() + 256, 0);
        let len = u16::try_from(content.len()).expect("short");
        [&[0x30, 0x82][..], &len.to_be_bytes(), &content].concat()
    };
    for (bytes, said) in [
        (ENCRYPTED_PARTS[0].repeat(17), "17 encrypted parts"),
        (ENCRYPTED_PARTS[1].repeat(17), "17 encrypted parts"),
        (SCRYPT.to_vec(), "scrypt"),
    ] {
        let refused = error(read(&with(&bytes), &secret("x"))).to_string();
        assert!(refused.contains(said), "{refused}");
    }
    if !installed("openssl") {
        return;
    }
    // OpenSSL's own encoding of the identifiers.
    let Some((folder, _)) = openssl_made() else { return };
    folder.run("openssl", "pkcs8 -topk8 -scrypt -in key.pem -passout pass:x -outform DER -out scrypt.der");
    let bytes = folder.read("scrypt.der");
    assert!(
        bytes.windows(SCRYPT.len()).any(|window| window == SCRYPT),
        "the bytes OpenSSL writes for scrypt"
    );
    folder.run("openssl", "pkcs12 -export -in own.pem -inkey key.pem -out x.pfx -passout pass:x");
    let bytes = folder.read("x.pfx");
    for part in ENCRYPTED_PARTS {
        assert_eq!(bytes.windows(part.len()).filter(|window| *window == part).count(), 1);
    }
}

#[test]
fn damage_gives_errors_and_never_a_panic() {
    for len in 0..ours().len() {
        let refused = error(read(&ours()[..len], &secret(PASSWORD)));
        assert!(matches!(refused, PfxError::Damaged { .. }), "cut to {len}: {refused}");
    }
    for bit in (0..ours().len() * 8).filter(|bit| *bit < 400 || bit % 23 == 0) {
        let mut changed = ours().to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(
            read(&changed, &secret(PASSWORD)).is_err(),
            "bit {bit} is covered by structure or check value"
        );
    }
    assert!(matches!(error(read(&vec![0x30; (1 << 20) + 1], &secret("x"))), PfxError::TooLarge { .. }));
    assert_eq!(error(read(ours(), &secret("wrong"))), PfxError::WrongPassword);
}
