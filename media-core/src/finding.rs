//! What a check found. Finding something is not an error: an error is when a check could not look.

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// The medium is not what it should be.
    Error,
}

/// One thing a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable name for scripts, for example `fat32.lost-cluster`.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Where: a path, a structure, an offset.
    pub place: String,
    /// What was expected and what is there.
    pub message: String,
}

impl Finding {
    /// Something that is wrong.
    pub fn error(id: &'static str, place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { id, severity: Severity::Error, place: place.into(), message: message.into() }
    }

    /// Something worth knowing.
    pub fn note(id: &'static str, place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { id, severity: Severity::Note, place: place.into(), message: message.into() }
    }
}
