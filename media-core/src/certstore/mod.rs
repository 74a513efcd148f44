//! Certificates as Windows serialises them: the `Blob` value of a registry store, and `.sst` files.
//!
//! Scope: elements of MS-GPEF section 2.2.1.1.1 and MS-OSHARED section 2.3.2.5, each entry
//! `{ u32 identifier, u32 1, u32 length, value }` little-endian without padding, the certificate itself being entry 32.
//! We write it last, as Windows does; it is read wherever it stands. Refused: blobs of revocation and trust lists, a
//! blob without or with a second certificate. Values are carried, not interpreted.

mod sst;

use thiserror::Error;

pub use sst::{SerializedStore, is_sst, parse_sst};

use crate::bytes::{Reader, Truncated};

/// SHA-1 of the certificate, 20 bytes: the thumbprint (`CERT_SHA1_HASH_PROP_ID`).
pub const SHA1_HASH: u32 = 3;
/// MD5 of the certificate, 16 bytes (`CERT_MD5_HASH_PROP_ID`).
pub const MD5_HASH: u32 = 4;
/// The purposes the certificate may be used for here: an extended key usage extension's value, DER
/// (`CERT_ENHKEY_USAGE_PROP_ID`).
pub const PURPOSES: u32 = 9;
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
/// The certificate itself, DER (`CERT_CERT_PROP_ID`).
pub const CERTIFICATE: u32 = 32;
/// A certificate revocation list in the certificate's place (`CERT_CRL_PROP_ID`).
pub const REVOCATION_LIST: u32 = 33;
/// A certificate trust list in the certificate's place (`CERT_CTL_PROP_ID`).
pub const TRUST_LIST: u32 = 34;

/// The second number of every property: `X509_ASN_ENCODING`.
const ENCODING: u32 = 1;
/// The most properties one element may have. wincrypt.h knows about 130; an empty one costs 12 bytes in the file and
/// more in memory.
const MOST_PROPERTIES: usize = 1024;

/// A certificate and its properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Identifier and value of each property, in the order they stand.
    pub properties: Vec<(u32, Vec<u8>)>,
    /// The certificate, DER; not checked.
    pub der: Vec<u8>,
}

/// Why a `Blob` or an `.sst` file could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CertstoreError {
    /// The bytes end inside a property, or before the end marker of an `.sst` file.
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
    /// A `Blob` without a certificate.
    #[error("certificate element: {len} bytes, and no certificate (property 32) among them")]
    NoCertificate {
        /// The blob's length in bytes.
        len: u64,
    },
    /// A `Blob` with a second certificate, or with a list where the certificate belongs.
    #[error("certificate element: property {id} at offset {offset}, expected one certificate (property 32)")]
    OneCertificate {
        /// 32 for a second certificate, 33 for a revocation list, 34 for a trust list.
        id: u32,
        /// Where it starts, in bytes.
        offset: u64,
    },
    /// An element with more properties than any has.
    #[error("certificate element: more than {limit} properties at offset {offset}")]
    TooManyProperties {
        /// Where the first one too many starts, in bytes.
        offset: u64,
        /// The most that are read.
        limit: usize,
    },
    /// An `.sst` file that does not start as one.
    #[error("serialised certificate store: starts with {found:02X?}, expected 00 00 00 00 `CERT`")]
    Magic {
        /// The first bytes, at most eight.
        found: Vec<u8>,
    },
    /// The end marker of an `.sst` file is not twelve zero bytes.
    #[error("serialised certificate store: the end marker at offset {offset} is not all zero")]
    EndMarker {
        /// Where it starts, in bytes.
        offset: u64,
    },
    /// An `.sst` file ends after properties that belong to nothing.
    #[error(
        "serialised certificate store: {count} properties before the end at offset {offset} belong to no certificate"
    )]
    Dangling {
        /// How many.
        count: usize,
        /// Where the end marker starts, in bytes.
        offset: u64,
    },
    /// Bytes follow the end marker of an `.sst` file.
    #[error("serialised certificate store: ends at offset {end}, but {trailing} more bytes follow")]
    Trailing {
        /// Where the store ends, in bytes.
        end: u64,
        /// Bytes after it.
        trailing: u64,
    },
    /// An `.sst` file larger than any store.
    #[error("serialised certificate store: {len} bytes, more than the {limit} that are read")]
    TooLarge {
        /// The file's length in bytes.
        len: usize,
        /// The most that is read.
        limit: usize,
    },
    /// An `.sst` file with more entries than any store has.
    #[error("serialised certificate store: more than {limit} elements at offset {offset}")]
    TooManyElements {
        /// Where the first one too many ends, in bytes.
        offset: u64,
        /// The most that are read.
        limit: usize,
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

/// Reads a `Blob` to its end: one certificate among properties in any order.
///
/// # Errors
/// [`CertstoreError`] with the offset of what is wrong.
pub fn parse(blob: &[u8]) -> Result<Element, CertstoreError> {
    let mut reader = Reader::new("certificate element", blob);
    let mut properties = Properties::default();
    let mut certificate = None;
    while reader.left() > 0 {
        let offset = reader.offset();
        let entry = Entry::read(&mut reader)?;
        match entry.id {
            CERTIFICATE if certificate.is_none() => certificate = Some(entry.value.to_vec()),
            id @ (CERTIFICATE | REVOCATION_LIST | TRUST_LIST) => {
                return Err(CertstoreError::OneCertificate { id, offset });
            }
            _ => properties.push(&entry)?,
        }
    }
    let der = certificate.ok_or(CertstoreError::NoCertificate { len: blob.len() as u64 })?;
    Ok(Element { properties: properties.0, der })
}

struct Entry<'a> {
    offset: u64,
    id: u32,
    value: &'a [u8],
}

impl<'a> Entry<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, CertstoreError> {
        let offset = reader.offset();
        let (id, found, len) = (reader.u32()?, reader.u32()?, reader.u32()?);
        if found != ENCODING {
            return Err(CertstoreError::Encoding { id, offset, found });
        }
        Ok(Self { offset, id, value: reader.take(len as usize)? })
    }
}

#[derive(Default)]
struct Properties(Vec<(u32, Vec<u8>)>);

impl Properties {
    fn push(&mut self, entry: &Entry<'_>) -> Result<(), CertstoreError> {
        if self.0.len() == MOST_PROPERTIES {
            return Err(CertstoreError::TooManyProperties { offset: entry.offset, limit: MOST_PROPERTIES });
        }
        self.0.push((entry.id, entry.value.to_vec()));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
