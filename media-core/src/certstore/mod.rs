//! The `Blob` value under which Windows keeps a certificate in the registry: properties, then the certificate.
//!
//! Scope: the serialised certificate element of MS-GPEF section 2.2.1.1.1 and MS-OSHARED section 2.3.2.5, each property
//! `{ u32 identifier, u32 1, u32 length, value }` little-endian without padding, the certificate last as property 32.
//! Refused: revocation and trust lists, bytes after the certificate. Values are carried, not interpreted.

use thiserror::Error;

use crate::bytes::{Reader, Truncated};

/// SHA-1 of the certificate, 20 bytes: the thumbprint (`CERT_SHA1_HASH_PROP_ID`).
pub const SHA1_HASH: u32 = 3;
/// MD5 of the certificate, 16 bytes (`CERT_MD5_HASH_PROP_ID`).
pub const MD5_HASH: u32 = 4;
/// A name to show, UTF-16LE with terminator (`CERT_FRIENDLY_NAME_PROP_ID`).
pub const FRIENDLY_NAME: u32 = 11;
/// The hash that was signed (`CERT_SIGNATURE_HASH_PROP_ID`).
pub const SIGNATURE_HASH: u32 = 15;
/// The subject key identifier (`CERT_KEY_IDENTIFIER_PROP_ID`).
pub const KEY_IDENTIFIER: u32 = 20;
/// MD5 of the public key, 16 bytes (`CERT_SUBJECT_PUBLIC_KEY_MD5_HASH_PROP_ID`).
pub const SUBJECT_PUBLIC_KEY_MD5: u32 = 25;
/// Length of the public key in bits, a u32 (`CERT_SUBJECT_PUB_KEY_BIT_LENGTH_PROP_ID`).
pub const SUBJECT_PUBLIC_KEY_BITS: u32 = 92;
/// The certificate itself, DER (`CERT_CERT_PROP_ID`); always the last.
pub const CERTIFICATE: u32 = 32;

/// The second number of every property. Its meaning is not documented; it is always 1.
const ENCODING: u32 = 1;

/// A parsed `Blob`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Identifier and value of each property before the certificate, in the order they stand.
    pub properties: Vec<(u32, Vec<u8>)>,
    /// The certificate, DER; not checked.
    pub der: Vec<u8>,
}

/// Why a `Blob` could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CertstoreError {
    /// The value ends inside a property, or before the certificate.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// A property's second number is not 1.
    #[error("certificate element: property {id} at offset {offset} has encoding {found}, expected 1")]
    Encoding {
        /// The property's identifier.
        id: u32,
        /// Where the property starts, in bytes.
        offset: u64,
        /// The number found.
        found: u32,
    },
    /// Bytes follow the certificate.
    #[error("certificate element: ends at offset {end}, but {trailing} more bytes follow")]
    Trailing {
        /// Where the certificate ends, in bytes.
        end: u64,
        /// Bytes after it.
        trailing: u64,
    },
    /// A value is too long for its 32-bit length.
    #[error("certificate element: property {id} has {len} bytes, more than 32 bits can say")]
    TooLong {
        /// The property's identifier.
        id: u32,
        /// The value's length in bytes.
        len: usize,
    },
}

/// Writes the properties in the given order, then the certificate.
///
/// # Errors
/// [`CertstoreError::TooLong`].
pub fn serialize(properties: &[(u32, Vec<u8>)], der: &[u8]) -> Result<Vec<u8>, CertstoreError> {
    let mut out = Vec::new();
    let all = properties.iter().map(|(id, value)| (*id, value.as_slice()));
    for (id, value) in all.chain([(CERTIFICATE, der)]) {
        let len = u32::try_from(value.len()).map_err(|_| CertstoreError::TooLong { id, len: value.len() })?;
        for number in [id, ENCODING, len] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(value);
    }
    Ok(out)
}

/// Reads a `Blob` to its end.
///
/// # Errors
/// [`CertstoreError`] with the offset of what is wrong.
pub fn parse(blob: &[u8]) -> Result<Element, CertstoreError> {
    let mut reader = Reader::new("certificate element", blob);
    let mut properties = Vec::new();
    loop {
        let offset = reader.offset();
        let (id, found, len) = (reader.u32()?, reader.u32()?, reader.u32()?);
        if found != ENCODING {
            return Err(CertstoreError::Encoding { id, offset, found });
        }
        let value = reader.take(len as usize)?.to_vec();
        if id != CERTIFICATE {
            properties.push((id, value));
            continue;
        }
        return match reader.left() as u64 {
            0 => Ok(Element { properties, der: value }),
            trailing => Err(CertstoreError::Trailing { end: reader.offset(), trailing }),
        };
    }
}

#[cfg(test)]
mod tests;
