//! The keys that manifests are signed with: RSA, PKCS#1 v1.5 with SHA-256 (RFC 8017 section 8.2), as
//! `openssl dgst -sha256 -sign` makes it.

mod read;
mod write;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rsa::pkcs1v15::{Signature, SigningKey as Signer, VerifyingKey as Verifier};
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey};
use rsa::signature::{RandomizedSigner, SignatureEncoding, Verifier as _};
use rsa::traits::PublicKeyParts;
use rsa::{RsaPrivateKey, RsaPublicKey};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::env::Env;
use crate::pfx::PfxError;
use crate::x509::X509Error;

/// Length of a new key in bits, unless chosen otherwise: what is recommended beyond 2030 (NIST SP 800-57 part 1, table 2).
pub const DEFAULT_KEY_BITS: usize = 3072;
/// The lengths that are made and read, in bits: what is shorter has been broken, or soon will be.
pub const KEY_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// A key file is refused above this size.
pub const LARGEST: u64 = 1 << 20;

/// A private key. It is wiped from memory when dropped, and nothing shows it.
pub struct SigningKey(RsaPrivateKey);

/// A public key, with which signatures are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey(RsaPublicKey);

/// Why a file is no key, or a key cannot be used. Nothing of a key appears in it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file is larger than any key.
    #[error("it has {len} bytes, more than the {LARGEST} that a key may have")]
    TooLarge {
        /// Its length in bytes.
        len: usize,
    },
    /// Nothing in the file is a key.
    #[error("it is no key: expected {expected}")]
    NotAKey {
        /// What is read.
        expected: &'static str,
    },
    /// It is encrypted.
    #[error("the key is encrypted, and no password was given")]
    NeedsPassword,
    /// It is encrypted under another password.
    #[error("the password is wrong, or the file is damaged")]
    WrongPassword,
    /// It is encrypted in a way that is not read.
    #[error("the key is encrypted in a way that is not supported: {what}")]
    Unsupported {
        /// What is not supported.
        what: String,
    },
    /// The file has several private keys, and does not say which.
    #[error("it has several private keys, expected one")]
    Several,
    /// The file has a private key, and a public one was wanted.
    #[error("it is a private key, which nobody but its owner should have")]
    Private,
    /// The file has a public key or a certificate, and a private one was wanted.
    #[error("it is {what}, and the private key is needed to sign")]
    Public {
        /// What it is.
        what: &'static str,
    },
    /// It is a key of another kind.
    #[error("it is no RSA key")]
    NotRsa,
    /// It is too short, or longer than anybody's.
    #[error("it has {bits} bits, expected {} to {}", KEY_BITS.start(), KEY_BITS.end())]
    Length {
        /// Its length in bits.
        bits: usize,
    },
    /// A PKCS#12 file.
    #[error(transparent)]
    Pfx(#[from] PfxError),
    /// A certificate.
    #[error(transparent)]
    Certificate(#[from] X509Error),
    /// The key could not be made, written or used.
    #[error("{0}")]
    Failed(String),
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// [`KeyError::Length`].
    pub fn generate(bits: usize, env: &Env) -> Result<Self, KeyError> {
        if !KEY_BITS.contains(&bits) || !bits.is_multiple_of(64) {
            return Err(KeyError::Length { bits });
        }
        let made = RsaPrivateKey::new(&mut env.random("signing key"), bits);
        made.map(Self).map_err(|error| KeyError::Failed(error.to_string()))
    }

    /// Signs. Equal keys and messages give equal signatures.
    ///
    /// # Errors
    /// [`KeyError::Failed`] for a key whose numbers do not fit each other.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        // What the time it takes could tell is hidden by a number that nobody knows who has not the key
        // (RUSTSEC-2023-0071); the signature does not depend on it.
        let failed = |error: rsa::pkcs8::Error| KeyError::Failed(error.to_string());
        let secret = self.0.to_pkcs8_der().map_err(failed)?;
        let seed = Sha256::new().chain_update(secret.as_bytes()).chain_update(message).finalize();
        let mut blinding = ChaCha20Rng::from_seed(seed.into());
        let signer = Signer::<Sha256>::new(self.0.clone());
        let signature = signer
            .try_sign_with_rng(&mut blinding, message)
            .map_err(|error| KeyError::Failed(error.to_string()))?;
        let signature = signature.to_vec();
        // A computer that errs while it signs could give the key away with what it made.
        if !self.verifying_key().verify(message, &signature) {
            return Err(KeyError::Failed("the signature that was made is not one of the key".to_owned()));
        }
        Ok(signature)
    }

    /// The same once more.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(self.0.clone())
    }

    /// How many bytes a signature has.
    pub fn signature_len(&self) -> usize {
        self.0.size()
    }

    /// Its public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.to_public_key())
    }
}

impl VerifyingKey {
    /// Whether a signature of a message was made with the private half of this key.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let verifier = Verifier::<Sha256>::new(self.0.clone());
        Signature::try_from(signature).is_ok_and(|signature| verifier.verify(message, &signature).is_ok())
    }

    /// Its length in bits.
    pub fn bits(&self) -> usize {
        self.0.n().bits()
    }

    /// SHA-256 of its `SubjectPublicKeyInfo` (DER): what it is known by.
    ///
    /// # Errors
    /// [`KeyError::Failed`], which no key that was read gives.
    pub fn fingerprint(&self) -> Result<[u8; 32], KeyError> {
        let der = self.0.to_public_key_der().map_err(|error| KeyError::Failed(error.to_string()))?;
        Ok(Sha256::digest(der.as_bytes()).into())
    }
}

#[cfg(test)]
mod tests;
