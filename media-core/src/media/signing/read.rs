//! Reads keys: PEM or DER of PKCS#8 (RFC 5958, encrypted RFC 8018), PKCS#1 (RFC 8017) and `SubjectPublicKeyInfo`
//! (RFC 5280), PKCS#12 files, and certificates.

use der::Decode;
use der::asn1::UintRef;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;
use pkcs8::{EncryptedPrivateKeyInfo, PrivateKeyInfo};
use rsa::pkcs1::{self, ALGORITHM_OID};
use rsa::{BigUint, RsaPrivateKey, RsaPublicKey};
use secrecy::{ExposeSecret, SecretString};
use spki::SubjectPublicKeyInfoRef;
use zeroize::Zeroizing;

use super::{KEY_BITS, KeyError, LARGEST, SigningKey, VerifyingKey};
use crate::pfx;
use crate::x509;

/// The most work a key file can ask for: ten times what is recommended.
const MOST_ITERATIONS: u32 = 10_000_000;
/// The most memory one can ask for, in bytes.
const MOST_MEMORY: u64 = 256 << 20;
/// By how many bits the primes of a key can differ; those that are made differ by none.
const MOST_DIFFERENCE: usize = 8;
const PRIVATE: &str = "an RSA private key (PEM or DER), or a PKCS#12 file";
const PUBLIC: &str = "an RSA public key or a certificate (PEM or DER)";

/// A block of a PEM file.
struct Block {
    label: String,
    der: Zeroizing<Vec<u8>>,
}

impl SigningKey {
    /// Reads a private key. Of a file of several blocks, the one private key in it.
    ///
    /// # Errors
    /// [`KeyError`] with what the file is instead.
    pub fn read(bytes: &[u8], password: Option<&SecretString>) -> Result<Self, KeyError> {
        check_size(bytes)?;
        let Some(text) = text(bytes) else { return from_der(bytes, password) };
        let blocks = blocks(text)?;
        let mut private = blocks.iter().filter(|block| is_private(&block.label));
        match (private.next(), private.next()) {
            (Some(block), None) => match block.label.as_str() {
                "PRIVATE KEY" => pkcs8(&block.der),
                "ENCRYPTED PRIVATE KEY" => pkcs8(&decrypt(&block.der, password)?),
                "RSA PRIVATE KEY" => pkcs1(&block.der),
                _ => Err(KeyError::NotRsa),
            },
            (Some(_), Some(_)) => Err(KeyError::Several),
            (None, _) => match blocks.first().map(|block| block.label.as_str()) {
                Some("PUBLIC KEY" | "RSA PUBLIC KEY") => Err(KeyError::Public { what: "a public key" }),
                Some("CERTIFICATE") => Err(KeyError::Public { what: "a certificate" }),
                _ => Err(KeyError::NotAKey { expected: PRIVATE }),
            },
        }
    }
}

impl VerifyingKey {
    /// Reads a public key, or that of a certificate. Nothing private may be in the file.
    ///
    /// # Errors
    /// [`KeyError`] with what the file is instead.
    pub fn read(bytes: &[u8]) -> Result<Self, KeyError> {
        check_size(bytes)?;
        let Some(text) = text(bytes) else { return public_der(bytes) };
        let blocks = blocks(text)?;
        if blocks.iter().any(|block| is_private(&block.label)) {
            return Err(KeyError::Private);
        }
        match blocks.first() {
            Some(block) => public_der(&block.der),
            None => Err(KeyError::NotAKey { expected: PUBLIC }),
        }
    }
}

fn check_size(bytes: &[u8]) -> Result<(), KeyError> {
    if bytes.len() as u64 > LARGEST { Err(KeyError::TooLarge { len: bytes.len() }) } else { Ok(()) }
}

fn is_private(label: &str) -> bool {
    label.ends_with("PRIVATE KEY")
}

/// A PEM file's text; `None` for a file that is none.
fn text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)).ok()?;
    text.contains("-----BEGIN ").then_some(text)
}

/// The blocks of a PEM file; openssl writes text between them.
fn blocks(text: &str) -> Result<Vec<Block>, KeyError> {
    const BEGIN: &str = "-----BEGIN ";
    let (mut rest, mut blocks) = (text, Vec::new());
    while let Some(start) = rest.find(BEGIN) {
        let block = &rest[start..];
        let label = block[BEGIN.len()..].split("-----").next().unwrap_or_default();
        let end = format!("-----END {label}-----");
        let len = block.find(&end).ok_or(KeyError::NotAKey { expected: PRIVATE })? + end.len();
        if block[..len].contains("Proc-Type:") {
            let what =
                "the form of OpenSSL's own (Proc-Type), which `openssl pkcs8 -topk8` replaces".to_owned();
            return Err(KeyError::Unsupported { what });
        }
        let decoded = pem_rfc7468::decode_vec(&block.as_bytes()[..len]);
        let (label, der) = decoded.map_err(|_| KeyError::NotAKey { expected: PRIVATE })?;
        blocks.push(Block { label: label.to_owned(), der: Zeroizing::new(der) });
        rest = &block[len..];
    }
    Ok(blocks)
}

fn public_der(der: &[u8]) -> Result<VerifyingKey, KeyError> {
    if let Ok(info) = SubjectPublicKeyInfoRef::from_der(der) {
        return public_info(&info);
    }
    if let Ok(key) = pkcs1::RsaPublicKey::from_der(der) {
        return public(&key);
    }
    if PrivateKeyInfo::from_der(der).is_ok()
        || pkcs1::RsaPrivateKey::from_der(der).is_ok()
        || EncryptedPrivateKeyInfo::from_der(der).is_ok()
        || pfx::is_pfx(der)
    {
        return Err(KeyError::Private);
    }
    let certificates = x509::read_file(der).map_err(|_| KeyError::NotAKey { expected: PUBLIC })?;
    let info = certificates.first().map(x509::Certificate::public_key_info).unwrap_or_default();
    public_info(&SubjectPublicKeyInfoRef::from_der(info).map_err(|_| KeyError::NotRsa)?)
}

fn public_info(info: &SubjectPublicKeyInfoRef<'_>) -> Result<VerifyingKey, KeyError> {
    if info.algorithm.oid != ALGORITHM_OID {
        return Err(KeyError::NotRsa);
    }
    let bytes = info.subject_public_key.as_bytes().unwrap_or_default();
    public(&pkcs1::RsaPublicKey::from_der(bytes).map_err(|_| KeyError::NotAKey { expected: PUBLIC })?)
}

fn public(key: &pkcs1::RsaPublicKey<'_>) -> Result<VerifyingKey, KeyError> {
    check_length(&key.modulus)?;
    let (modulus, exponent) = (number(&key.modulus), number(&key.public_exponent));
    let key = RsaPublicKey::new_with_max_size(modulus, exponent, *KEY_BITS.end());
    key.map(VerifyingKey).map_err(|_| KeyError::NotAKey { expected: PUBLIC })
}

fn number(number: &UintRef<'_>) -> BigUint {
    BigUint::from_bytes_be(number.as_bytes())
}

fn bits(number: &UintRef<'_>) -> usize {
    let bytes = number.as_bytes();
    let first = bytes.first().copied().unwrap_or(0);
    bytes.len() * 8 - first.leading_zeros() as usize
}

/// Before anything is computed with a number that a file has.
fn check_length(modulus: &UintRef<'_>) -> Result<(), KeyError> {
    let bits = bits(modulus);
    if KEY_BITS.contains(&bits) { Ok(()) } else { Err(KeyError::Length { bits }) }
}

fn pkcs8(der: &[u8]) -> Result<SigningKey, KeyError> {
    let info = PrivateKeyInfo::from_der(der).map_err(|_| KeyError::NotAKey { expected: PRIVATE })?;
    if info.algorithm.oid != ALGORITHM_OID { Err(KeyError::NotRsa) } else { pkcs1(info.private_key) }
}

fn pkcs1(der: &[u8]) -> Result<SigningKey, KeyError> {
    let not_a_key = |_| KeyError::NotAKey { expected: PRIVATE };
    let key = pkcs1::RsaPrivateKey::from_der(der).map_err(not_a_key)?;
    check_length(&key.modulus)?;
    let (one, other) = (bits(&key.prime1), bits(&key.prime2));
    if key.other_prime_infos.is_some() || one.abs_diff(other) > MOST_DIFFERENCE {
        return Err(KeyError::NotAKey { expected: "a key of two primes of about the same length" });
    }
    let primes = vec![number(&key.prime1), number(&key.prime2)];
    let (modulus, exponent) = (number(&key.modulus), number(&key.public_exponent));
    let made = RsaPrivateKey::from_components(modulus, exponent, number(&key.private_exponent), primes);
    made.map(SigningKey).map_err(|_| KeyError::NotAKey { expected: PRIVATE })
}

fn from_der(bytes: &[u8], password: Option<&SecretString>) -> Result<SigningKey, KeyError> {
    if PrivateKeyInfo::from_der(bytes).is_ok() {
        return pkcs8(bytes);
    }
    if pkcs1::RsaPrivateKey::from_der(bytes).is_ok() {
        return pkcs1(bytes);
    }
    if EncryptedPrivateKeyInfo::from_der(bytes).is_ok() {
        return pkcs8(&decrypt(bytes, password)?);
    }
    match public_der(bytes) {
        Err(KeyError::Private) => {}
        Err(KeyError::NotAKey { .. }) => return Err(KeyError::NotAKey { expected: PRIVATE }),
        _ => return Err(KeyError::Public { what: "a public key or a certificate" }),
    }
    let none = SecretString::from("");
    let bundle = pfx::read(bytes, password.unwrap_or(&none))?;
    pkcs8(&bundle.private_key)
}

/// Decrypts a PKCS#8 file, whose demands on time and memory are looked at first.
fn decrypt(der: &[u8], password: Option<&SecretString>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let unsupported = |what: &str| KeyError::Unsupported { what: what.to_owned() };
    let info = EncryptedPrivateKeyInfo::from_der(der).map_err(|_| KeyError::NotAKey { expected: PRIVATE })?;
    let EncryptionScheme::Pbes2(scheme) = &info.encryption_algorithm else {
        return Err(unsupported("PBES1, which `openssl pkcs8 -topk8 -v2 aes256` replaces"));
    };
    match &scheme.kdf {
        Kdf::Pbkdf2(parameters) if parameters.iteration_count > MOST_ITERATIONS => {
            return Err(unsupported("more than ten million rounds"));
        }
        Kdf::Scrypt(parameters) => {
            let memory = parameters
                .cost_parameter
                .checked_mul(u64::from(parameters.block_size) * 128)
                .filter(|memory| *memory <= MOST_MEMORY);
            if memory.is_none() || parameters.parallelization > 16 {
                return Err(unsupported("scrypt that takes more than 256 MiB"));
            }
        }
        _ => {}
    }
    let password = password.ok_or(KeyError::NeedsPassword)?;
    let plain = info.decrypt(password.expose_secret()).map_err(|error| match error {
        pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::UnsupportedAlgorithm { oid }) => {
            KeyError::Unsupported { what: oid.to_string() }
        }
        _ => KeyError::WrongPassword,
    })?;
    Ok(Zeroizing::new(plain.as_bytes().to_vec()))
}
