//! ZIP archives, as far as finding small files in them goes.
//!
//! Scope: stored and deflated entries. Refused: encrypted entries, entries longer than what was agreed to, archives with
//! more entries than any that is looked into. Nothing is unpacked on the word of the archive: lengths are those that were
//! read.

use std::io::{Cursor, Read};

use thiserror::Error;
use zeroize::Zeroizing;
use zip::ZipArchive;
use zip::result::ZipError;

/// The most entries of an archive that is looked into.
const MOST_ENTRIES: usize = 10_000;

/// Why an archive could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ZipFileError {
    /// It is no archive, or damaged.
    #[error("it is no ZIP archive that can be read: {problem}")]
    Archive {
        /// What the reader says.
        problem: String,
    },
    /// It has far too many entries.
    #[error("it has {count} entries, more than the {MOST_ENTRIES} that are looked through")]
    TooMany {
        /// How many it has.
        count: usize,
    },
    /// An entry is damaged, encrypted, or packed in a way that is not read.
    #[error("{name}: {problem}")]
    Entry {
        /// Its name.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// What was looked for is longer than agreed.
    #[error("{name}: with it, more than {limit} bytes would have to be unpacked")]
    TooLarge {
        /// The entry at which the limit was passed.
        name: String,
        /// The limit in bytes.
        limit: u64,
    },
}

/// An entry of an archive.
pub struct Entry {
    /// Its name, with `/` between folders.
    pub name: String,
    /// Its bytes, wiped from memory when done with.
    pub bytes: Zeroizing<Vec<u8>>,
}

/// Whether bytes begin as an archive with entries does.
pub fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// Unpacks the entries whose names are wanted, in the archive's order; together they may have `limit` bytes.
///
/// # Errors
/// [`ZipFileError`] with the entry that is wrong.
pub fn find(bytes: &[u8], wanted: impl Fn(&str) -> bool, limit: u64) -> Result<Vec<Entry>, ZipFileError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| ZipFileError::Archive { problem: problem(&error) })?;
    if archive.len() > MOST_ENTRIES {
        return Err(ZipFileError::TooMany { count: archive.len() });
    }
    let (mut found, mut left) = (Vec::new(), limit);
    for index in 0..archive.len() {
        let name = archive.name_for_index(index).and_then(Result::ok).map(|name| name.replace('\\', "/"));
        // A name that is no text is none that was looked for.
        let Some(name) = name else { continue };
        if name.ends_with('/') || !wanted(&name) {
            continue;
        }
        let wrong = |problem: String| ZipFileError::Entry { name: name.clone(), problem };
        let entry = archive.by_index(index).map_err(|error| wrong(problem(&error)))?;
        let mut bytes = Zeroizing::new(Vec::new());
        entry
            .take(left.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| wrong(error.to_string()))?;
        left = match left.checked_sub(bytes.len() as u64) {
            Some(left) => left,
            None => return Err(ZipFileError::TooLarge { name, limit }),
        };
        found.push(Entry { name, bytes });
    }
    Ok(found)
}

fn problem(error: &ZipError) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests;
