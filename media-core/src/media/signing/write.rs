//! Writes keys: PKCS#8 for the private half, `SubjectPublicKeyInfo` for the public one, both as PEM.

use pkcs8::LineEnding;
use pkcs8::pkcs5::pbes2::Parameters;
use pkcs8::{EncodePublicKey, PrivateKeyInfo};
use rsa::pkcs8::EncodePrivateKey;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{KeyError, SigningKey, VerifyingKey};
use crate::env::Env;

/// Rounds of PBKDF2 with SHA-256 (OWASP Password Storage Cheat Sheet, 2023).
const ITERATIONS: u32 = 600_000;

impl SigningKey {
    /// The private key as PEM; with a password encrypted by AES-256 under PBKDF2 (RFC 8018).
    ///
    /// # Errors
    /// [`KeyError::Failed`], which no key that was made or read gives.
    pub fn to_pem(&self, password: Option<&SecretString>, env: &Env) -> Result<Zeroizing<String>, KeyError> {
        let failed = |error: pkcs8::Error| KeyError::Failed(error.to_string());
        let Some(password) = password else { return self.0.to_pkcs8_pem(LineEnding::LF).map_err(failed) };
        let der = self.0.to_pkcs8_der().map_err(failed)?;
        let info = PrivateKeyInfo::try_from(der.as_bytes()).map_err(failed)?;
        let (salt, iv) = (env.bytes::<16>("signing key salt"), env.bytes::<16>("signing key IV"));
        let parameters = Parameters::pbkdf2_sha256_aes256cbc(ITERATIONS, &salt, &iv)
            .map_err(|error| KeyError::Failed(error.to_string()))?;
        let encrypted = info.encrypt_with_params(parameters, password.expose_secret()).map_err(failed)?;
        encrypted
            .to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF)
            .map_err(|error| KeyError::Failed(error.to_string()))
    }
}

impl VerifyingKey {
    /// The public key as PEM.
    ///
    /// # Errors
    /// [`KeyError::Failed`], which no key that was read gives.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.0.to_public_key_pem(LineEnding::LF).map_err(|error| KeyError::Failed(error.to_string()))
    }
}
