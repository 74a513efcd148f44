//! Whose key signed a certificate.
//!
//! Scope: RSA with PKCS#1 v1.5 or PSS padding (RFC 4055, RFC 8017) and ECDSA over P-256, P-384 and P-521 (RFC 5758),
//! with SHA-1, SHA-256, SHA-384 and SHA-512. Anything else cannot be checked, which is not the same as being wrong.

use const_oid::db::{rfc5912, rfc8410};
use der::Decode;
use der::asn1::ObjectIdentifier;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::pkcs1::{RsaPssParams, TrailerField};
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use thiserror::Error;

use super::{Certificate, ECDSA_WITH_SHA_1, SignatureHash, algorithm_name};

/// Longer keys are in no use, and take their time.
const LONGEST_RSA_KEY: usize = 16_384;

/// Why a certificate is not known to be signed by a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The signature is not one of this key over this certificate.
    #[error("the signature was not made with the issuer's key")]
    Wrong,
    /// The certificate names two signature algorithms.
    #[error("the certificate names one signature algorithm inside what is signed and another outside")]
    TwoAlgorithms,
    /// Signatures of this kind cannot be checked.
    #[error("signatures of the kind {algorithm} cannot be checked")]
    UnknownAlgorithm {
        /// Its name, or its dotted object identifier, with what is unusual about it.
        algorithm: String,
    },
    /// Keys of this kind cannot be used.
    #[error("keys of the kind {algorithm} cannot be used for checking")]
    UnknownKey {
        /// Its name, or its dotted object identifier, with what is unusual about it.
        algorithm: String,
    },
}

impl Certificate {
    /// Whether the key of `issuer` signed this certificate. Names and extensions are not looked at.
    ///
    /// # Errors
    /// [`SignatureError::Wrong`], or why it is not known.
    pub fn check_signature(&self, issuer: &Certificate) -> Result<(), SignatureError> {
        let part = |range: &std::ops::Range<usize>| &self.der[range.clone()];
        let algorithm_der = part(&self.layout.algorithm);
        if algorithm_der != part(&self.layout.signed_algorithm) {
            return Err(SignatureError::TwoAlgorithms);
        }
        let algorithm = AlgorithmIdentifierRef::from_der(algorithm_der).map_err(|_| self.unknown())?;
        let (Some(kind), Some(hashed)) = (self.signature_hash, self.signature_hash()) else {
            return Err(self.unknown());
        };
        let signature = part(&self.layout.signature);
        match algorithm.oid {
            rfc5912::ID_RSASSA_PSS => {
                let pss = pss(&algorithm, kind).ok_or_else(|| self.unknown())?;
                let key = rsa_key(issuer, true)?;
                key.verify(pss, &hashed, signature).map_err(|_| SignatureError::Wrong)
            }
            rfc5912::ECDSA_WITH_SHA_256
            | rfc5912::ECDSA_WITH_SHA_384
            | rfc5912::ECDSA_WITH_SHA_512
            | ECDSA_WITH_SHA_1 => check_ecdsa(issuer, &hashed, signature),
            _ => {
                let padding = match kind {
                    SignatureHash::Sha1 => Pkcs1v15Sign::new::<Sha1>(),
                    SignatureHash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
                    SignatureHash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
                    SignatureHash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
                    // Anyone can make two certificates with one MD5.
                    SignatureHash::Md5 => return Err(self.unknown()),
                };
                let key = rsa_key(issuer, false)?;
                key.verify(padding, &hashed, signature).map_err(|_| SignatureError::Wrong)
            }
        }
    }

    fn unknown(&self) -> SignatureError {
        SignatureError::UnknownAlgorithm { algorithm: self.signature_algorithm.clone() }
    }
}

/// RFC 4055 section 3.1, with one hash for the message and the mask, as everybody has it.
fn pss(algorithm: &AlgorithmIdentifierRef<'_>, kind: SignatureHash) -> Option<Pss> {
    let parameters: RsaPssParams<'_> = algorithm.parameters?.decode_as().ok()?;
    let mask = parameters.mask_gen.parameters?.oid;
    if parameters.mask_gen.oid != rfc5912::ID_MGF_1
        || mask != parameters.hash.oid
        || parameters.trailer_field != TrailerField::BC
    {
        return None;
    }
    let salt = usize::from(parameters.salt_len);
    Some(match kind {
        SignatureHash::Sha1 => Pss::new_with_salt::<Sha1>(salt),
        SignatureHash::Sha256 => Pss::new_with_salt::<Sha256>(salt),
        SignatureHash::Sha384 => Pss::new_with_salt::<Sha384>(salt),
        SignatureHash::Sha512 => Pss::new_with_salt::<Sha512>(salt),
        SignatureHash::Md5 => return None,
    })
}

fn key_info(issuer: &Certificate) -> Result<SubjectPublicKeyInfoRef<'_>, SignatureError> {
    let unreadable = |_| SignatureError::UnknownKey { algorithm: "unreadable".to_owned() };
    SubjectPublicKeyInfoRef::from_der(issuer.public_key_info()).map_err(unreadable)
}

fn unknown_key(oid: ObjectIdentifier, what: &str) -> SignatureError {
    SignatureError::UnknownKey { algorithm: format!("{}{what}", algorithm_name(oid)) }
}

/// The key of an issuer of RSA signatures; one of another well-known kind has not made them.
fn rsa_key(issuer: &Certificate, pss: bool) -> Result<RsaPublicKey, SignatureError> {
    let info = key_info(issuer)?;
    let oid = info.algorithm.oid;
    match oid {
        rfc5912::RSA_ENCRYPTION => {}
        // A key for PSS alone; its parameters, if any, would limit the hash.
        rfc5912::ID_RSASSA_PSS if pss && info.algorithm.parameters.is_none() => {}
        rfc5912::ID_RSASSA_PSS if pss => return Err(unknown_key(oid, " with parameters")),
        rfc5912::ID_RSASSA_PSS | rfc5912::ID_EC_PUBLIC_KEY | rfc8410::ID_ED_25519 => {
            return Err(SignatureError::Wrong);
        }
        _ => return Err(unknown_key(oid, "")),
    }
    let key = rsa::pkcs1::RsaPublicKey::from_der(info.subject_public_key.raw_bytes())
        .map_err(|_| unknown_key(oid, " (unreadable)"))?;
    let number = |bytes: &[u8]| BigUint::from_bytes_be(bytes);
    RsaPublicKey::new_with_max_size(
        number(key.modulus.as_bytes()),
        number(key.public_exponent.as_bytes()),
        LONGEST_RSA_KEY,
    )
    .map_err(|error| unknown_key(oid, &format!(" ({error})")))
}

/// The verifier of a curve's own crate. It takes no hash shorter than half the field, which the standard pads with
/// zeros in front (SEC 1 section 4.1.4): SHA-1 with P-384, for example.
macro_rules! check_on {
    ($curve:ident, $field:literal, $key:expr, $hashed:expr, $signature:expr) => {{
        let key = $curve::ecdsa::VerifyingKey::from_sec1_bytes($key)
            .map_err(|_| unknown_key(rfc5912::ID_EC_PUBLIC_KEY, " (no point of the curve)"))?;
        let signature = $curve::ecdsa::Signature::from_der($signature).map_err(|_| SignatureError::Wrong)?;
        let mut padded = vec![0; usize::saturating_sub($field, $hashed.len())];
        padded.extend_from_slice($hashed);
        key.verify_prehash(&padded, &signature).map_err(|_| SignatureError::Wrong)
    }};
}

fn check_ecdsa(issuer: &Certificate, hashed: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    let info = key_info(issuer)?;
    let key = info.subject_public_key.raw_bytes();
    match info.algorithm.oid {
        rfc5912::ID_EC_PUBLIC_KEY => {}
        rfc5912::RSA_ENCRYPTION | rfc5912::ID_RSASSA_PSS | rfc8410::ID_ED_25519 => {
            return Err(SignatureError::Wrong);
        }
        other => return Err(unknown_key(other, "")),
    }
    let curve = info.algorithm.parameters.and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
    match curve {
        Some(rfc5912::SECP_256_R_1) => check_on!(p256, 32, key, hashed, signature),
        Some(rfc5912::SECP_384_R_1) => check_on!(p384, 48, key, hashed, signature),
        Some(rfc5912::SECP_521_R_1) => check_on!(p521, 66, key, hashed, signature),
        Some(other) => Err(unknown_key(rfc5912::ID_EC_PUBLIC_KEY, &format!(" on {}", algorithm_name(other)))),
        None => Err(unknown_key(rfc5912::ID_EC_PUBLIC_KEY, " on an unnamed curve")),
    }
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
