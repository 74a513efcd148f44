//! What `tsmedia identity new` and `show` print.

use std::fmt;
use std::path::Path;

use media_core::bytes::{to_hex_lower, to_hex_upper};
use media_core::finding::{Finding, Severity};
use media_core::media::identity::Kept;
use media_core::time::Timestamp;
use media_core::x509::PublicKey;
use serde::Serialize;

use super::{line, notes};

/// An identity without its secrets.
#[derive(Serialize)]
pub struct Shown {
    identity: String,
    media_guid: String,
    self_signed: bool,
    subject: String,
    issuer: String,
    thumbprint: String,
    sha256: String,
    key: String,
    signature: String,
    valid_from: String,
    valid_until: String,
    chain: Vec<String>,
    findings: Vec<Found>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Found {
    id: &'static str,
    severity: &'static str,
    message: String,
}

impl Shown {
    pub(crate) fn new(path: &Path, kept: &Kept, now: Timestamp) -> Self {
        let certificate = &kept.certificate;
        let found = |finding: Finding| Found {
            id: finding.id,
            severity: if finding.severity >= Severity::Error { "error" } else { "note" },
            message: finding.message,
        };
        Self {
            identity: path.display().to_string(),
            media_guid: kept.guid.to_string(),
            self_signed: kept.is_self_signed,
            subject: certificate.subject.text.clone(),
            issuer: certificate.issuer.text.clone(),
            thumbprint: to_hex_upper(&certificate.sha1()),
            sha256: to_hex_lower(&certificate.sha256()),
            key: match certificate.public_key {
                PublicKey::Rsa { bits } => format!("RSA {bits}"),
                _ => "not RSA".to_owned(),
            },
            signature: certificate.signature_algorithm.clone(),
            valid_from: certificate.not_before.to_string(),
            valid_until: certificate.not_after.to_string(),
            chain: kept.chain.iter().map(|above| above.subject.text.clone()).collect(),
            findings: kept.findings(now).into_iter().map(found).collect(),
            notes: Vec::new(),
        }
    }

    /// Adds what the user may want to know.
    pub(crate) fn note(&mut self, more: impl IntoIterator<Item = String>) {
        self.notes.extend(more);
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(out, "identity", &self.identity)?;
        line(out, "media GUID", &self.media_guid)?;
        let kind = if self.self_signed { "self-signed" } else { "issued elsewhere" };
        line(out, "media certificate", format_args!("{} ({kind})", self.subject))?;
        if self.issuer != self.subject {
            line(out, "issuer", &self.issuer)?;
        }
        for above in &self.chain {
            line(out, "with it", above)?;
        }
        line(out, "thumbprint", &self.thumbprint)?;
        line(out, "key", format_args!("{}, signed with {}", self.key, self.signature))?;
        line(out, "valid", format_args!("{} to {}", self.valid_from, self.valid_until))?;
        for found in &self.findings {
            line(out, found.severity, format_args!("{} [{}]", found.message, found.id))?;
        }
        notes(out, &self.notes)
    }
}
