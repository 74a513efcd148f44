//! The media identity: the certificate and key with which media sign their requests, under the media's GUID.

mod checks;
mod kept;

use secrecy::SecretString;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::env::Env;
use crate::finding::Finding;
use crate::pfx::PfxError;
use crate::time::Timestamp;
use crate::x509::{Certificate, X509Error};

pub use kept::Kept;

/// Length of a self-signed certificate's key unless chosen otherwise: the longest that Configuration Manager supports
/// for media certificates.
pub const DEFAULT_KEY_BITS: usize = 2048;
/// How many characters of the stored GUID are the password of the media's PKCS#12.
const PFX_PASSWORD_LEN: usize = 31;
/// The finding that the media certificate has expired.
pub const EXPIRED: &str = "identity.expired";

/// The media's identity string, kept as it was given: its text is part of a password and must equal what the site has
/// registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaGuid(String);

impl MediaGuid {
    /// A new random one, in the form the product uses for self-signed media: braces, upper case.
    pub fn random(env: &Env) -> Self {
        let mut bytes = env.bytes::<16>("media GUID");
        // RFC 9562 section 5.4: version 4.
        bytes[6] = bytes[6] & 0x0F | 0x40;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        let hex = crate::bytes::to_hex_upper(&bytes);
        Self(format!("{{{}-{}-{}-{}-{}}}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
    }

    /// Takes a GUID with or without braces, in upper or lower case.
    ///
    /// # Errors
    /// [`IdentityError::Guid`].
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let inner = match text.strip_prefix('{') {
            Some(rest) => rest.strip_suffix('}'),
            None => Some(text),
        };
        let lengths = [8, 4, 4, 4, 12];
        let valid = inner.is_some_and(|inner| {
            let groups: Vec<&str> = inner.split('-').collect();
            groups.len() == lengths.len()
                && groups.iter().zip(lengths).all(|(group, len)| {
                    group.len() == len && group.bytes().all(|byte| byte.is_ascii_hexdigit())
                })
        });
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdentityError::Guid { found: text.chars().take(60).flat_map(char::escape_debug).collect() })
        }
    }

    /// The text, as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for MediaGuid {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

/// The password of the PKCS#12 in the media variables: the first 31 characters of the GUID as stored.
pub fn pfx_password(guid: &MediaGuid) -> SecretString {
    pfx_password_of(&guid.0)
}

/// The same for a GUID in whatever form a medium has it.
pub(super) fn pfx_password_of(stored: &str) -> SecretString {
    SecretString::from(stored.chars().take(PFX_PASSWORD_LEN).collect::<String>())
}

/// Where the identity comes from.
pub enum IdentitySource {
    /// A new key and a certificate signed with it.
    SelfSigned {
        /// The first moment it is valid.
        start: Timestamp,
        /// The last moment it is valid.
        expiry: Timestamp,
        /// Length of the RSA key in bits.
        key_bits: usize,
    },
    /// A certificate issued elsewhere, with its key.
    Pfx {
        /// The PKCS#12 file.
        bytes: Zeroizing<Vec<u8>>,
        /// Its password; may be empty.
        password: SecretString,
    },
    /// One that was made before and kept.
    Kept(Box<Kept>),
}

impl IdentitySource {
    /// The same once more, with its secrets.
    #[must_use]
    pub fn copy(&self) -> Self {
        match self {
            Self::SelfSigned { start, expiry, key_bits } => {
                Self::SelfSigned { start: *start, expiry: *expiry, key_bits: *key_bits }
            }
            Self::Pfx { bytes, password } => Self::Pfx { bytes: bytes.clone(), password: password.clone() },
            Self::Kept(kept) => Self::Kept(Box::new(kept.copy())),
        }
    }
}

/// The certificate and key of one medium. The key is wiped from memory when dropped, and nothing shows it.
pub struct Identity {
    /// The media's identity string.
    pub guid: MediaGuid,
    /// The certificate.
    pub certificate: Certificate,
    /// Whether the certificate is self-signed by us rather than issued elsewhere.
    pub is_self_signed: bool,
    /// What an administrator should know about the certificate. Errors among them mean that a management point is
    /// expected to refuse it.
    pub findings: Vec<Finding>,
    pfx: Zeroizing<Vec<u8>>,
}

/// Why there is no identity.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The text is not a GUID.
    #[error("`{found}` is not a GUID, expected for example {{8B9E032D-A106-4E2E-A792-7A58332B96E5}}")]
    Guid {
        /// The text, cut short.
        found: String,
    },
    /// The PKCS#12 file could not be read, or ours not be written.
    #[error(transparent)]
    Pfx(#[from] PfxError),
    /// The certificate could not be read or made.
    #[error(transparent)]
    Certificate(#[from] X509Error),
    /// A PKCS#12 file does not say whose identity it is.
    #[error("its friendly name is {}, expected the media GUID", found.as_ref().map_or("missing".to_owned(), |name| format!("`{name}`")))]
    NoGuid {
        /// The friendly name, cut short.
        found: Option<String>,
    },
    /// The private key is not RSA, and media sign with RSA.
    #[error("the private key of the certificate `{subject}` is not an RSA key")]
    NotRsa {
        /// Whom the certificate is about.
        subject: String,
    },
}

impl Identity {
    /// The PKCS#12 under [`pfx_password`]. It holds the private key.
    pub fn pfx(&self) -> &[u8] {
        &self.pfx
    }

    /// The PKCS#12 under [`pfx_password`] as upper-case hexadecimal: the value of `_SMSTSMediaPFX`.
    pub fn pfx_hex(&self) -> SecretString {
        let mut hex = String::with_capacity(self.pfx.len() * 2);
        for byte in self.pfx.iter() {
            for digit in [byte >> 4, byte & 15] {
                hex.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
        SecretString::from(hex)
    }
}

/// Makes or takes over a certificate and puts it under the GUID's password. A kept identity has its own GUID; otherwise it is
/// the one given, or a new one.
///
/// # Errors
/// [`IdentityError`]; what merely speaks against a certificate is among [`Identity::findings`].
pub fn make(source: &IdentitySource, guid: Option<&MediaGuid>, env: &Env) -> Result<Identity, IdentityError> {
    match source {
        IdentitySource::Kept(kept) => kept.for_media(env),
        other => Kept::new(other, guid, env)?.for_media(env),
    }
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
