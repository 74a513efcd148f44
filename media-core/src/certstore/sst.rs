//! Serialised certificate stores, the `.sst` files that the certificate snap-in and `certutil` export.
//!
//! MS-OSHARED section 2.3.2.5: `u32 0`, `CERT`, then for each certificate its properties and the certificate; then
//! twelve zero bytes. Revocation and trust lists stand in the same way and are counted.

use super::{CERTIFICATE, CertstoreError, Element, Entry, Properties, REVOCATION_LIST, TRUST_LIST};
use crate::bytes::Reader;

const WHAT: &str = "serialised certificate store";
const MAGIC: [u8; 8] = *b"\0\0\0\0CERT";
/// As for the other files of certificates: the whole Windows root program is about 700 KB.
const LIMIT: usize = 16 << 20;
const MOST_ELEMENTS: usize = 100_000;

/// What an `.sst` file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SerializedStore {
    /// The certificates with their properties, in the file's order.
    pub certificates: Vec<Element>,
    /// How many certificate revocation lists there are.
    pub revocation_lists: usize,
    /// How many certificate trust lists there are.
    pub trust_lists: usize,
}

/// Whether bytes start as a serialised certificate store does.
pub fn is_sst(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Reads a whole `.sst` file.
///
/// # Errors
/// [`CertstoreError`] with the offset of what is wrong.
pub fn parse_sst(bytes: &[u8]) -> Result<SerializedStore, CertstoreError> {
    if bytes.len() > LIMIT {
        return Err(CertstoreError::TooLarge { len: bytes.len(), limit: LIMIT });
    }
    if !is_sst(bytes) {
        return Err(CertstoreError::Magic { found: bytes.iter().take(MAGIC.len()).copied().collect() });
    }
    let mut reader = Reader::new(WHAT, bytes);
    reader.take(MAGIC.len())?;
    let mut store = SerializedStore::default();
    let mut properties = Properties::default();
    let mut elements = 0;
    while !at_end(&mut reader)? {
        let entry = Entry::read(&mut reader)?;
        match entry.id {
            CERTIFICATE => {
                let properties = std::mem::take(&mut properties).0;
                store.certificates.push(Element { properties, der: entry.value.to_vec() });
            }
            REVOCATION_LIST => store.revocation_lists += 1,
            TRUST_LIST => store.trust_lists += 1,
            _ => {
                properties.push(&entry)?;
                continue;
            }
        }
        // What stood before a list was the list's.
        properties = Properties::default();
        elements += 1;
        if elements > MOST_ELEMENTS {
            return Err(CertstoreError::TooManyElements { offset: reader.offset(), limit: MOST_ELEMENTS });
        }
    }
    // The marker is read.
    let end = reader.offset();
    if !properties.0.is_empty() {
        return Err(CertstoreError::Dangling { count: properties.0.len(), offset: end - 12 });
    }
    match reader.left() as u64 {
        0 => Ok(store),
        trailing => Err(CertstoreError::Trailing { end, trailing }),
    }
}

/// Reads the end marker, if it is next.
fn at_end(reader: &mut Reader<'_>) -> Result<bool, CertstoreError> {
    let offset = reader.offset();
    if reader.clone().u32()? != 0 {
        return Ok(false);
    }
    match reader.array::<12>()? {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] => Ok(true),
        _ => Err(CertstoreError::EndMarker { offset }),
    }
}

#[cfg(test)]
#[path = "sst_tests.rs"]
mod tests;
