//! PKCS#12 (.pfx, .p12): a private key, its certificate and the certificates above it, under a password (RFC 7292).
//!
//! Scope: reads whatever current and old Windows and OpenSSL write; writes the one form every Windows reads, keys and
//! certificates under PBE-SHA1 with Triple DES and an HMAC-SHA1. Refused: files without a private key or with several.

mod write;

use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader};
use p12_keystore::error::Error as P12Error;
use p12_keystore::{CertificateBag, Pkcs12Archive, PrivateKeyBag};
use rsa::RsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use zeroize::Zeroizing;

pub use write::{Attributes, write};

/// Far more than any key with its chain.
const LIMIT: usize = 1 << 20;
/// Each encrypted part may ask for a million rounds of hashing.
const MOST_ENCRYPTED_PARTS: usize = 16;
/// DER of the object identifiers `pkcs8ShroudedKeyBag` and `encryptedData` (RFC 7292 appendix D, RFC 5652 section 8).
const ENCRYPTED_PARTS: [&[u8]; 2] = [
    &[0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x0A, 0x01, 0x02],
    &[0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x06],
];
/// DER of the object identifier `scrypt` (RFC 7914 section 7).
const SCRYPT: &[u8] = &[0x06, 0x09, 0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x04, 0x0B];

/// A private key with its certificates. The key is wiped from memory when dropped, and nothing shows it.
pub struct Bundle {
    /// The private key as PKCS#8 DER.
    pub private_key: Zeroizing<Vec<u8>>,
    /// The certificate of that key, DER.
    pub certificate: Vec<u8>,
    /// The other certificates, DER, in the file's order.
    pub chain: Vec<Vec<u8>>,
}

/// Why a PKCS#12 file could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PfxError {
    /// The file is larger than any PKCS#12 file.
    #[error("PKCS#12: the file has {len} bytes, more than the {limit} such a file may have")]
    TooLarge {
        /// The file's length in bytes.
        len: usize,
        /// The most that is read.
        limit: usize,
    },
    /// The bytes are not PKCS#12, or not in the order it requires.
    #[error("PKCS#12: {reason}{}", offset.map(|offset| format!(" at offset {offset}")).unwrap_or_default())]
    Damaged {
        /// Where, in bytes, when it is known.
        offset: Option<u64>,
        /// What is wrong.
        reason: String,
    },
    /// The structure is sound, but its check value does not match: the password is another one. (Changed bytes inside
    /// the protected part look the same; the format cannot tell.)
    #[error("PKCS#12: the password is wrong, or the protected bytes were changed")]
    WrongPassword,
    /// The file uses an algorithm or a part that is not supported.
    #[error("PKCS#12: {what}")]
    Unsupported {
        /// What is not supported.
        what: String,
    },
    /// There is no private key in the file.
    #[error("PKCS#12: no private key among {certificates} certificates")]
    NoPrivateKey {
        /// How many certificates there are.
        certificates: usize,
    },
    /// There are several private keys in the file, so it does not say whose identity it is.
    #[error("PKCS#12: {count} private keys, expected one")]
    SeveralPrivateKeys {
        /// How many there are.
        count: usize,
    },
    /// No certificate in the file belongs to its private key.
    #[error("PKCS#12: none of {certificates} certificates belongs to the private key")]
    NoCertificate {
        /// How many certificates there are.
        certificates: usize,
    },
    /// The password or a name has a character outside the Basic Multilingual Plane, which the format cannot hold.
    #[error("PKCS#12: the {what} has a character outside the Basic Multilingual Plane")]
    Text {
        /// `password` or `friendly name`.
        what: &'static str,
    },
    /// Writing failed.
    #[error("PKCS#12: cannot write: {reason}")]
    Write {
        /// What failed.
        reason: String,
    },
}

/// Reads a PKCS#12 file that holds one private key. (The crate that takes the file apart does not wipe its own copies.)
///
/// # Errors
/// [`PfxError`].
pub fn read(bytes: &[u8], password: &SecretString) -> Result<Bundle, PfxError> {
    read_named(bytes, password).map(|(bundle, _)| bundle)
}

/// The same, with the friendly name of the key or, where that has none, of its certificate.
///
/// # Errors
/// [`PfxError`].
pub fn read_named(bytes: &[u8], password: &SecretString) -> Result<(Bundle, Option<String>), PfxError> {
    if bytes.len() > LIMIT {
        return Err(PfxError::TooLarge { len: bytes.len(), limit: LIMIT });
    }
    check_outline(bytes)?;
    check_cost(bytes)?;
    let Pkcs12Archive { keys, certs, .. } =
        Pkcs12Archive::from_pkcs12(bytes, password.expose_secret()).map_err(read_error)?;
    let key = match keys.as_slice() {
        [key] => key,
        [] => return Err(PfxError::NoPrivateKey { certificates: certs.len() }),
        several => return Err(PfxError::SeveralPrivateKeys { count: several.len() }),
    };
    let own = own_certificate(key, &certs).ok_or(PfxError::NoCertificate { certificates: certs.len() })?;
    let der = |bag: &CertificateBag| bag.cert.as_der().to_vec();
    let others = certs.iter().enumerate().filter(|(index, _)| *index != own);
    let bundle = Bundle {
        private_key: Zeroizing::new(key.key.as_der().to_vec()),
        certificate: der(&certs[own]),
        chain: others.map(|(_, bag)| der(bag)).collect(),
    };
    let name = key.friendly_name.clone().or_else(|| certs[own].friendly_name.clone());
    Ok((bundle, name))
}

/// `PFX ::= SEQUENCE { version INTEGER {v3(3)}, .. }`: tells at once, and before any password is tried, a file that is
/// something else.
/// Whether bytes begin as a PKCS#12 file does.
pub(crate) fn is_pfx(bytes: &[u8]) -> bool {
    check_outline(bytes).is_ok()
}

fn check_outline(bytes: &[u8]) -> Result<(), PfxError> {
    let mut fields = SliceReader::new(AnyRef::from_der(bytes).map_err(damaged)?.value()).map_err(damaged)?;
    let version = fields.decode::<u32>().map_err(damaged)?;
    if version == 3 {
        Ok(())
    } else {
        Err(PfxError::Unsupported { what: format!("version {version}, expected 3") })
    }
}

/// Refuses, before any password is tried, what would take minutes or a gigabyte to open. These identifiers stand in the
/// clear, so looking for their bytes finds them all but those that the password itself protects.
fn check_cost(bytes: &[u8]) -> Result<(), PfxError> {
    let count = |wanted: &[u8]| bytes.windows(wanted.len()).filter(|window| *window == wanted).count();
    let parts: usize = ENCRYPTED_PARTS.into_iter().map(count).sum();
    if parts > MOST_ENCRYPTED_PARTS {
        let what = format!("{parts} encrypted parts, more than the {MOST_ENCRYPTED_PARTS} that are opened");
        return Err(PfxError::Unsupported { what });
    }
    if count(SCRYPT) > 0 {
        let what =
            "keys are derived with scrypt, which Windows does not read and which may take a gigabyte".into();
        return Err(PfxError::Unsupported { what });
    }
    Ok(())
}

fn damaged(error: der::Error) -> PfxError {
    let offset = error.position().map(|position| u32::from(position).into());
    PfxError::Damaged { offset, reason: error.kind().to_string() }
}

fn read_error(error: P12Error) -> PfxError {
    let unsupported = |what: &str| PfxError::Unsupported { what: what.into() };
    match error {
        // Without a check value a wrong password shows as padding or as a key that is none.
        P12Error::MacError(_)
        | P12Error::UnpadError
        | P12Error::Pkcs5Error(_)
        | P12Error::InvalidPrivateKey => PfxError::WrongPassword,
        P12Error::InvalidVersion => unsupported("a part has an unknown version"),
        P12Error::UnsupportedContentType => {
            unsupported("a part is protected by a public key or has an unknown type")
        }
        P12Error::UnsupportedCertificateType => unsupported("a certificate is not X.509"),
        P12Error::UnsupportedEncryptionScheme => unsupported("an encryption scheme is unknown"),
        P12Error::UnsupportedMacAlgorithm => unsupported("the check value's algorithm is unknown"),
        P12Error::InvalidParameters => unsupported("an encryption scheme's parameters are out of range"),
        other => PfxError::Damaged { offset: None, reason: other.to_string() },
    }
}

/// The certificate whose public key is the private key's; for keys other than RSA the one with the same local key
/// identifier, or the only one.
fn own_certificate(key: &PrivateKeyBag, certificates: &[CertificateBag]) -> Option<usize> {
    if let Ok(private) = RsaPrivateKey::from_pkcs8_der(key.key.as_der()) {
        let public = private.to_public_key().to_public_key_der().ok()?;
        return certificates
            .iter()
            .position(|bag| public_key_info(bag.cert.as_der()).is_ok_and(|info| info == public.as_bytes()));
    }
    let identifier = key.local_key_id.as_ref().map(AsRef::as_ref);
    certificates
        .iter()
        .position(|bag| identifier.is_some() && bag.local_key_id.as_deref() == identifier)
        .or_else(|| (certificates.len() == 1).then_some(0))
}

/// The `SubjectPublicKeyInfo` structure of a certificate (RFC 5280 section 4.1).
fn public_key_info(certificate: &[u8]) -> der::Result<&[u8]> {
    let mut outer = SliceReader::new(AnyRef::from_der(certificate)?.value())?;
    let mut fields = SliceReader::new(AnyRef::from_der(outer.tlv_bytes()?)?.value())?;
    if fields.peek_tag()?.is_context_specific() {
        fields.tlv_bytes()?;
    }
    for _serial_signature_issuer_validity_subject in 0..5 {
        fields.tlv_bytes()?;
    }
    fields.tlv_bytes()
}

#[cfg(test)]
mod tests;
