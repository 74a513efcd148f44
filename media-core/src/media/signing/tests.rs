use secrecy::SecretString;

use super::*;
use crate::referee;
use crate::time::Timestamp;

fn env() -> Env {
    Env::new(Timestamp::from_unix(1_793_491_200), [9; 32])
}

fn key() -> &'static SigningKey {
    static MADE: std::sync::OnceLock<SigningKey> = std::sync::OnceLock::new();
    MADE.get_or_init(|| SigningKey::generate(2048, &env()).expect("it can be made"))
}

#[test]
fn what_was_signed_is_verified_and_nothing_else() {
    let signature = key().sign(b"message").expect("it can be used");
    let public = key().verifying_key();
    assert_eq!((signature.len(), key().signature_len(), public.bits()), (256, 256, 2048));
    assert_eq!(key().sign(b"message").expect("it can be used"), signature, "equal, however it is blinded");
    assert!(public.verify(b"message", &signature));
    assert!(!public.verify(b"massage", &signature));
    for len in 0..signature.len() {
        assert!(!public.verify(b"message", &signature[..len]), "{len} bytes");
    }
    for at in 0..signature.len() {
        let mut other = signature.clone();
        other[at] ^= 1 << (at % 8);
        assert!(!public.verify(b"message", &other), "byte {at}");
    }
    let other = SigningKey::generate(2048, &Env::new(env().now(), [8; 32])).expect("it can be made");
    assert!(!other.verifying_key().verify(b"message", &signature));
}

#[test]
fn keys_are_read_back_as_they_were_written() {
    let password = SecretString::from("Zürich ist schön");
    for password in [None, Some(&password)] {
        let pem = key().to_pem(password, &env()).expect("it can be written");
        assert_eq!(pem.contains("ENCRYPTED"), password.is_some());
        let read = SigningKey::read(pem.as_bytes(), password).expect("it was just written");
        assert_eq!(read.verifying_key(), key().verifying_key());
        assert_eq!(*key().to_pem(password, &env()).expect("it can be written"), *pem, "from one seed");
        assert!(matches!(VerifyingKey::read(pem.as_bytes()), Err(KeyError::Private)));
    }
    let pem = key().to_pem(Some(&password), &env()).expect("it can be written");
    assert!(matches!(SigningKey::read(pem.as_bytes(), None), Err(KeyError::NeedsPassword)));
    let wrong = SecretString::from("wrong");
    assert!(matches!(SigningKey::read(pem.as_bytes(), Some(&wrong)), Err(KeyError::WrongPassword)));
    let public = key().verifying_key().to_pem().expect("it can be written");
    assert_eq!(VerifyingKey::read(public.as_bytes()).expect("it was just written"), key().verifying_key());
    assert!(matches!(SigningKey::read(public.as_bytes(), None), Err(KeyError::Public { .. })));
}

#[test]
fn what_is_no_key_is_told_what_it_is() {
    assert!(matches!(SigningKey::generate(1024, &env()), Err(KeyError::Length { bits: 1024 })));
    assert!(matches!(SigningKey::read(b"nothing", None), Err(KeyError::NotAKey { .. })));
    assert!(matches!(VerifyingKey::read(b"nothing"), Err(KeyError::NotAKey { .. })));
    let large = vec![0; (LARGEST + 1) as usize];
    assert!(matches!(SigningKey::read(&large, None), Err(KeyError::TooLarge { .. })));
    let pem = key().to_pem(None, &env()).expect("it can be written");
    // Every truncation and some changes: an error, and no panic.
    for len in 0..pem.len() {
        assert!(SigningKey::read(&pem.as_bytes()[..len], None).is_err() || len + 1 >= pem.len());
    }
    let encrypted = key().to_pem(Some(&SecretString::from("x")), &env()).expect("it can be written");
    let mut bytes = encrypted.as_bytes().to_vec();
    for at in (0..120).map(|number| 40 + number * 3) {
        bytes[at] ^= 3;
        let _ = SigningKey::read(&bytes, None);
        bytes[at] ^= 3;
    }
}

/// Keys and signatures of openssl's, and ours in openssl's hands.
#[test]
fn openssl_reads_ours_and_we_read_its() {
    if !referee::installed("openssl") {
        return;
    }
    let folder = referee::Folder::new();
    let openssl = |arguments: &str| folder.run("openssl", arguments);
    let password = SecretString::from("x");
    folder.write("message", b"message");
    folder.write("ours.pem", key().to_pem(Some(&password), &env()).expect("it can be written").as_bytes());
    folder.write("ours.pub", key().verifying_key().to_pem().expect("it can be written").as_bytes());
    folder.write("ours.sig", &key().sign(b"message").expect("it can be used"));
    openssl("dgst -sha256 -verify ours.pub -signature ours.sig message");
    openssl("dgst -sha256 -sign ours.pem -passin pass:x -out theirs.sig message");
    assert_eq!(folder.read("theirs.sig"), folder.read("ours.sig"), "the same signature");

    openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out plain.pem");
    openssl("pkcs8 -topk8 -in plain.pem -out aes.pem -passout pass:x -v2 aes256");
    openssl("pkcs8 -topk8 -in plain.pem -out scrypt.pem -passout pass:x -scrypt");
    openssl("rsa -in plain.pem -out pkcs1.pem -traditional");
    openssl("pkey -in plain.pem -outform DER -out key.der");
    openssl("req -x509 -new -key plain.pem -subj /CN=Signer -out certificate.pem");
    openssl("pkcs12 -export -inkey plain.pem -in certificate.pem -out key.pfx -passout pass:x");
    openssl("pkey -in plain.pem -pubout -out theirs.pub");
    let public = VerifyingKey::read(&folder.read("theirs.pub")).expect("a public key");
    let (none, given) = (None, Some(&password));
    for (name, password) in [
        ("plain.pem", none),
        ("pkcs1.pem", none),
        ("key.der", none),
        ("aes.pem", given),
        ("scrypt.pem", given),
        ("key.pfx", given),
    ] {
        let key = SigningKey::read(&folder.read(name), password);
        let key = key.map(|key| key.verifying_key()).map_err(|error| error.to_string());
        assert_eq!(key, Ok(public.clone()), "{name}");
    }
    assert_eq!(VerifyingKey::read(&folder.read("certificate.pem")).expect("its key"), public);
    assert!(matches!(SigningKey::read(&folder.read("certificate.pem"), None), Err(KeyError::Public { .. })));
    assert!(matches!(SigningKey::read(&folder.read("aes.pem"), None), Err(KeyError::NeedsPassword)));
    assert!(matches!(VerifyingKey::read(&folder.read("key.der")), Err(KeyError::Private)));
    openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:6144 -out long.pem");
    let long = SigningKey::read(&folder.read("long.pem"), None).expect("a long one");
    folder.write("long.pub", long.verifying_key().to_pem().expect("it can be written").as_bytes());
    assert_eq!(
        VerifyingKey::read(&folder.read("long.pub")).expect("it was just written"),
        long.verifying_key()
    );
    // What `openssl pkcs12 -nodes` writes: the certificate first.
    let both = [folder.read("certificate.pem"), folder.read("plain.pem")].concat();
    let key = SigningKey::read(&both, None).expect("its private key");
    assert_eq!(key.verifying_key(), public);
    let other = [folder.read("theirs.pub"), folder.read("plain.pem")].concat();
    for private in [both, other, folder.read("key.pfx"), folder.read("aes.pem")] {
        assert!(matches!(VerifyingKey::read(&private), Err(KeyError::Private)));
    }
    openssl("pkey -in aes.pem -passin pass:x -outform DER -out der.tmp");
    openssl("pkcs8 -topk8 -in plain.pem -outform DER -out aes.der -passout pass:x -v2 aes256");
    assert!(matches!(VerifyingKey::read(&folder.read("aes.der")), Err(KeyError::Private)));
    assert!(SigningKey::read(&folder.read("aes.der"), given).is_ok());
    let two = [folder.read("plain.pem"), folder.read("pkcs1.pem")].concat();
    assert!(matches!(SigningKey::read(&two, None), Err(KeyError::Several)));
    openssl("rsa -in plain.pem -out old.pem -traditional -aes256 -passout pass:x");
    assert!(matches!(SigningKey::read(&folder.read("old.pem"), given), Err(KeyError::Unsupported { .. })));
    openssl("ecparam -name prime256v1 -genkey -noout -out elliptic.pem");
    assert!(matches!(SigningKey::read(&folder.read("elliptic.pem"), None), Err(KeyError::NotRsa)));
}
