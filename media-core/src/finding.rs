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

/// The findings of one check.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
    more: bool,
}

impl Findings {
    /// No more findings than this: a damaged tree could give one for each of a million files.
    pub const LIMIT: usize = 1000;

    /// Keeps a finding, while there is room.
    pub fn push(&mut self, finding: Finding) {
        if self.list.len() < Self::LIMIT {
            self.list.push(finding);
        } else {
            self.more = true;
        }
    }

    /// All that were kept, with a note when there were more.
    pub fn finish(mut self, id: &'static str, place: &str) -> Vec<Finding> {
        if self.more {
            let message = format!("more than {} findings; the others are left out", Self::LIMIT);
            self.list.push(Finding::note(id, place, message));
        }
        self.list
    }
}

impl Extend<Finding> for Findings {
    fn extend<T: IntoIterator<Item = Finding>>(&mut self, findings: T) {
        findings.into_iter().for_each(|finding| self.push(finding));
    }
}
