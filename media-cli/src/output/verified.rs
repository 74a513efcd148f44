//! What `tsmedia verify` prints.

use std::fmt;
use std::path::Path;

use media_core::finding::{Finding, Severity};
use media_core::{Signature, VerifyReport};
use serde::Serialize;

use super::Shown;
use super::sizes::size;

/// What a check found.
#[derive(Serialize)]
pub struct Verified {
    medium: String,
    intact: bool,
    files_compared: usize,
    bytes_compared: u64,
    /// `none`, `not-checked`, `valid` or `wrong`.
    signature: &'static str,
    findings: Vec<Found>,
    /// Whether bytes were compared with a receipt, and no files with a manifest.
    #[serde(skip)]
    raw: bool,
}

#[derive(Serialize)]
struct Found {
    id: &'static str,
    severity: &'static str,
    place: String,
    message: String,
}

impl Verified {
    pub(crate) fn new(medium: &Path, report: &VerifyReport, raw: bool) -> Self {
        let found = |finding: &Finding| Found {
            id: finding.id,
            severity: match finding.severity {
                Severity::Error => "error",
                _ => "note",
            },
            place: finding.place.clone(),
            message: finding.message.clone(),
        };
        Self {
            medium: medium.display().to_string(),
            intact: report.is_intact(),
            files_compared: report.files_compared,
            bytes_compared: report.bytes_compared,
            signature: match report.signature {
                Signature::None => "none",
                Signature::NotChecked => "not-checked",
                Signature::Valid => "valid",
                Signature::Wrong => "wrong",
            },
            raw,
            findings: report.findings.iter().map(found).collect(),
        }
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for found in &self.findings {
            let (place, message) = (Shown(&found.place), Shown(&found.message));
            writeln!(out, "{}: {place}: {message} [{}]", found.severity, found.id)?;
        }
        let errors = self.findings.iter().filter(|found| found.severity == "error").count();
        let things = if errors == 1 { "thing is" } else { "things are" };
        let medium = Shown(&self.medium);
        match (self.intact, self.files_compared) {
            (false, _) => writeln!(out, "{medium}: NOT INTACT, {errors} {things} wrong"),
            (true, 0) => writeln!(out, "{medium}: intact"),
            (true, files) => {
                let bytes = size(self.bytes_compared);
                let things = if self.raw { "runs of bytes" } else { "files" };
                writeln!(out, "{medium}: intact; {files} {things}, {bytes}, are as they were written")
            }
        }?;
        match self.signature {
            "valid" => writeln!(out, "{medium}: the manifest is signed with the key given"),
            "not-checked" => {
                writeln!(out, "{medium}: the manifest is signed, which was not checked: no --key was given")
            }
            _ => Ok(()),
        }
    }
}
