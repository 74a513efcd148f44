//! Certificates to be trusted, and the Windows stores they go into.

use thiserror::Error;

use super::trust::{self, TrustError};
use crate::certstore::{self, CertstoreError};
use crate::reg_file::{self, RegFileError};
use crate::x509::{self, Certificate, X509Error};

/// A certificate store of the local machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Store {
    /// Trusted root certification authorities.
    Root,
    /// Third-party root certification authorities, the store of the published procedure.
    AuthRoot,
    /// Intermediate certification authorities.
    Ca,
    /// Certificates that are not trusted whatever else says so.
    Disallowed,
}

impl Store {
    /// Every store, in the order they are listed.
    pub const ALL: [Self; 4] = [Self::Root, Self::AuthRoot, Self::Ca, Self::Disallowed];

    /// The store's key below `Microsoft\SystemCertificates`.
    pub fn registry_name(self) -> &'static str {
        match self {
            Self::Root => "ROOT",
            Self::AuthRoot => "AuthRoot",
            Self::Ca => "CA",
            Self::Disallowed => "Disallowed",
        }
    }

    /// The store with this registry name, ignoring case.
    pub fn from_registry_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|store| store.registry_name().eq_ignore_ascii_case(name))
    }
}

/// A certificate and the store it shall be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedCertificate {
    /// The store.
    pub store: Store,
    /// The certificate.
    pub certificate: Certificate,
    /// The registry value it came in, when it came in one: with all that the exporting Windows knew of it.
    pub blob: Option<Vec<u8>>,
}

impl TrustedCertificate {
    /// A certificate that came alone.
    pub fn new(store: Store, certificate: Certificate) -> Self {
        Self { store, certificate, blob: None }
    }
}

/// Why a file gives no certificates.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CertificateFileError {
    /// It is not a file of certificates.
    #[error(transparent)]
    Certificates(#[from] X509Error),
    /// It is a registry file, and damaged.
    #[error(transparent)]
    RegFile(#[from] RegFileError),
    /// It is a serialised certificate store (`.sst`), and damaged.
    #[error(transparent)]
    SerializedStore(#[from] CertstoreError),
    /// A key of the registry file does not hold the certificate it should.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The registry file names a store that nothing is added to.
    #[error(
        "the registry file holds a certificate of the store {found}; known are ROOT, AuthRoot, CA and Disallowed"
    )]
    UnknownStore {
        /// The store's name.
        found: String,
    },
    /// The registry file has no certificates.
    #[error(r"the registry file has no key ...\SystemCertificates\<store>\Certificates\<thumbprint>")]
    NoCertificates,
}

/// Reads the certificates of a `.cer`, `.crt`, `.der`, `.pem`, `.p7b`, `.sst` or `.reg` file, recognised by its content.
/// A registry file names its own stores, and its values are kept as they are; the others go into `store`.
///
/// # Errors
/// [`CertificateFileError`] with what the file is instead.
pub fn read_file(bytes: &[u8], store: Store) -> Result<Vec<TrustedCertificate>, CertificateFileError> {
    if certstore::is_sst(bytes) {
        return read_sst(bytes, store);
    }
    if !reg_file::is_reg_file(bytes) {
        let certificates = x509::read_file(bytes)?;
        let trusted = certificates.into_iter().map(|certificate| TrustedCertificate::new(store, certificate));
        return Ok(trusted.collect());
    }
    let found = trust::certificates_from_reg(&reg_file::parse(bytes)?)?;
    if found.is_empty() {
        return Err(CertificateFileError::NoCertificates);
    }
    let with_store = |stored: trust::StoredCertificate| {
        let store = Store::from_registry_name(&stored.store);
        let store = store.ok_or(CertificateFileError::UnknownStore { found: stored.store })?;
        Ok(TrustedCertificate { store, certificate: stored.certificate, blob: Some(stored.blob) })
    };
    found.into_iter().map(with_store).collect()
}

fn read_sst(bytes: &[u8], store: Store) -> Result<Vec<TrustedCertificate>, CertificateFileError> {
    let found = certstore::parse_sst(bytes)?.certificates;
    if found.is_empty() {
        return Err(X509Error::Empty.into());
    }
    let read = |element: certstore::Element| {
        let certificate = Certificate::from_der(&element.der)?;
        let blob = Some(trust::store_blob(&certificate, &element.properties)?);
        Ok(TrustedCertificate { store, certificate, blob })
    };
    found.into_iter().map(read).collect()
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
