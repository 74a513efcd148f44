//! What `tsmedia key new` and `show` print.

use std::fmt;
use std::path::Path;

use media_core::bytes::to_hex_lower;
use media_core::media::signing::{KeyError, VerifyingKey};
use serde::Serialize;

use super::{line, notes};

/// A key without its secrets.
#[derive(Serialize)]
pub struct Shown {
    key: String,
    /// Whether the file has the private half.
    private: bool,
    bits: usize,
    /// SHA-256 of the public key.
    fingerprint: String,
    notes: Vec<String>,
}

impl Shown {
    pub(crate) fn new(path: &Path, key: &VerifyingKey, private: bool) -> Result<Self, KeyError> {
        Ok(Self {
            key: path.display().to_string(),
            private,
            bits: key.bits(),
            fingerprint: to_hex_lower(&key.fingerprint()?),
            notes: Vec::new(),
        })
    }

    /// Adds what the user may want to know.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(out, "Key", &self.key)?;
        let kind = if self.private { "private" } else { "public" };
        line(out, "Kind", format_args!("RSA {}, {kind}", self.bits))?;
        line(out, "Fingerprint", format_args!("SHA-256 {}", self.fingerprint))?;
        notes(out, &self.notes)
    }
}
