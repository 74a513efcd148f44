//! Certificates in the stores of a Windows registry: the value Windows keeps for one, and those in a registry file.

use thiserror::Error;

use crate::bytes::to_hex_upper;
use crate::certstore::{self, CertstoreError};
use crate::reg_file::{REG_BINARY, RegistryKey};
use crate::x509::{Certificate, X509Error};

/// The properties that follow from the certificate.
const COMPUTED: [u32; 6] = [
    certstore::MD5_HASH,
    certstore::SIGNATURE_HASH,
    certstore::KEY_IDENTIFIER,
    certstore::SUBJECT_PUBLIC_KEY_MD5,
    certstore::SHA1_HASH,
    certstore::SUBJECT_PUBLIC_KEY_BITS,
];

/// A certificate found in a registry store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCertificate {
    /// The store's name, for example `ROOT` or `AuthRoot`.
    pub store: String,
    /// The certificate.
    pub certificate: Certificate,
    /// The whole value, with the properties beside the certificate.
    pub blob: Vec<u8>,
}

/// Why a certificate of a registry store could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A certificate's key has no value `Blob`.
    #[error("{path}: no value `Blob`")]
    NoBlob {
        /// The key.
        path: String,
    },
    /// The value `Blob` is not binary.
    #[error("{path}: `Blob` has the registry kind {kind}, expected {REG_BINARY} (binary)")]
    Kind {
        /// The key.
        path: String,
        /// The kind found.
        kind: u32,
    },
    /// The value `Blob` is not a serialised certificate.
    #[error("{path}: {source}")]
    Blob {
        /// The key.
        path: String,
        /// What is wrong.
        source: CertstoreError,
    },
    /// The certificate in it is not one.
    #[error("{path}: {source}")]
    Certificate {
        /// The key.
        path: String,
        /// What is wrong.
        source: X509Error,
    },
    /// The key is not named after the certificate in it.
    #[error("{path}: holds the certificate with the thumbprint {found}")]
    Thumbprint {
        /// The key.
        path: String,
        /// SHA-1 of the certificate in it.
        found: String,
    },
}

/// The `Blob` value for a certificate, with the properties Windows itself writes, in its order: MD5, signature hash,
/// key identifier, MD5 of the public key, SHA-1, length of the public key, certificate. A property that a certificate
/// does not have (an unknown signature hash or key length) is left out. Properties of `more` that do not follow from
/// the certificate stand after those, before the certificate.
///
/// # Errors
/// [`CertstoreError::TooLong`] for a certificate of 4 GiB.
pub fn store_blob(certificate: &Certificate, more: &[(u32, Vec<u8>)]) -> Result<Vec<u8>, CertstoreError> {
    let mut properties = vec![(certstore::MD5_HASH, certificate.md5().to_vec())];
    if let Some(hash) = certificate.signature_hash() {
        properties.push((certstore::SIGNATURE_HASH, hash));
    }
    properties.push((certstore::KEY_IDENTIFIER, certificate.key_identifier()));
    properties.push((certstore::SUBJECT_PUBLIC_KEY_MD5, certificate.public_key_md5().to_vec()));
    properties.push((certstore::SHA1_HASH, certificate.sha1().to_vec()));
    if let Some(bits) = certificate.public_key.bits() {
        properties.push((certstore::SUBJECT_PUBLIC_KEY_BITS, bits.to_le_bytes().to_vec()));
    }
    let others = more.iter().filter(|(id, _)| !COMPUTED.contains(id));
    properties.extend(others.cloned());
    certstore::serialize(&properties, certificate.der())
}

/// The certificates under `..\SystemCertificates\<store>\Certificates\<thumbprint>`, wherever the hive was loaded when
/// the file was exported. Other keys, and keys the file deletes, are passed over.
///
/// # Errors
/// [`TrustError`] for the first key that should hold a certificate and does not.
pub fn certificates_from_reg(keys: &[RegistryKey]) -> Result<Vec<StoredCertificate>, TrustError> {
    let mut found = Vec::new();
    for key in keys.iter().filter(|key| !key.delete) {
        let Some((store, thumbprint)) = store_and_thumbprint(&key.path) else { continue };
        let path = || key.path.clone();
        let is_blob =
            |name: &Option<String>| name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("Blob"));
        let blob = key
            .values
            .iter()
            .find(|value| is_blob(&value.name) && !value.delete)
            .ok_or_else(|| TrustError::NoBlob { path: path() })?;
        if blob.kind != REG_BINARY {
            return Err(TrustError::Kind { path: path(), kind: blob.kind });
        }
        let certificate = certificate_from_blob(&key.path, thumbprint, &blob.data)?;
        found.push(StoredCertificate { store: store.to_owned(), certificate, blob: blob.data.clone() });
    }
    Ok(found)
}

/// The certificate in a `Blob` value, which stands in the key `path` named `thumbprint`.
///
/// # Errors
/// [`TrustError`].
pub fn certificate_from_blob(path: &str, thumbprint: &str, blob: &[u8]) -> Result<Certificate, TrustError> {
    let path = || path.to_owned();
    let element = certstore::parse(blob).map_err(|source| TrustError::Blob { path: path(), source })?;
    let certificate = Certificate::from_der(&element.der)
        .map_err(|source| TrustError::Certificate { path: path(), source })?;
    let found = to_hex_upper(&certificate.sha1());
    if found.eq_ignore_ascii_case(thumbprint) {
        Ok(certificate)
    } else {
        Err(TrustError::Thumbprint { path: path(), found })
    }
}

fn store_and_thumbprint(path: &str) -> Option<(&str, &str)> {
    let parts: Vec<&str> = path.split('\\').collect();
    match parts.as_slice() {
        [.., system, store, certificates, thumbprint]
            if system.eq_ignore_ascii_case("SystemCertificates")
                && certificates.eq_ignore_ascii_case("Certificates") =>
        {
            Some((store, thumbprint))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
