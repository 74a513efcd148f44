//! What `tsmedia personalise` prints.

use std::fmt;

use media_core::Written;
use serde::Serialize;

use super::registration::Record;
use super::sizes::size;
use super::validity::Validity;
use super::{line, notes};
use crate::args::personalise::PersonaliseArgs;
use crate::personalise::{Made, Places};

/// What a medium is now.
#[derive(Serialize)]
pub struct Summary {
    medium: String,
    output: String,
    bytes: u64,
    /// Bytes that are others than those of the medium.
    bytes_changed: u64,
    bytes_written: u64,
    bytes_copied_by_system: u64,
    label: Option<String>,
    serial_number: Option<String>,
    media_guid: Option<String>,
    certificate_thumbprint: Option<String>,
    management_points: Vec<String>,
    validity: Option<Validity>,
    receipt: Option<String>,
    manifest_sha256: Option<String>,
    signed: bool,
    /// What the site has to be told, of a new identity.
    registration: Option<Record>,
    notes: Vec<String>,
}

impl Summary {
    pub(crate) fn new(
        args: &PersonaliseArgs,
        places: &Places,
        made: &Made,
        written: Option<Written>,
        mut notes: Vec<String>,
    ) -> Self {
        let identity = made.receipt.as_ref().map(|receipt| &receipt.manifest.identity);
        let output = places.output.as_ref().map_or(&args.medium, |(output, _)| output);
        let registration =
            made.certificate.as_ref().map(|certificate| Record::new(&certificate.registration));
        if let (Some(_), None) = (&registration, &args.result.registration) {
            notes.push(
                "the site answers this medium only once it has been told of its new certificate: --registration FILE.ps1 \
                 writes the script that does it"
                    .to_owned(),
            );
        }
        Self {
            medium: args.medium.display().to_string(),
            output: output.display().to_string(),
            bytes: made.len,
            bytes_changed: made.changed,
            bytes_written: written.map_or(made.changed, |written| written.written),
            bytes_copied_by_system: written.map_or(0, |written| written.copied_by_system),
            label: identity.map(|identity| identity.label.clone()),
            serial_number: identity
                .and_then(|identity| identity.serial_number.as_ref())
                .map(|number| number.as_str().to_owned()),
            media_guid: identity.map(|identity| identity.media_guid.clone()),
            certificate_thumbprint: identity.map(|identity| identity.certificate_thumbprint.clone()),
            management_points: identity
                .map(|identity| identity.site.management_points.clone())
                .unwrap_or_default(),
            validity: made.validity.as_ref().map(Validity::new),
            receipt: places.receipt.as_ref().map(|(path, _)| path.display().to_string()),
            manifest_sha256: made.receipt.as_ref().map(|receipt| receipt.manifest_sha256.clone()),
            signed: made.receipt.as_ref().is_some_and(|receipt| receipt.signature.is_some()),
            registration,
            notes,
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(out, if self.output == self.medium { "Changed" } else { "Made" }, &self.output)?;
        let (changed, all) = (size(self.bytes_changed), size(self.bytes));
        line(out, "Changed bytes", format_args!("{changed} of {all}"))?;
        let texts = [
            ("Label", &self.label),
            ("Serial number", &self.serial_number),
            ("Media GUID", &self.media_guid),
            ("Media certificate", &self.certificate_thumbprint),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                line(out, name, text)?;
            }
        }
        line(out, "Management point", self.management_points.join(", "))?;
        if let Some(validity) = &self.validity {
            validity.show(out, "Valid until")?;
        }
        if let Some(digest) = &self.manifest_sha256 {
            let signed = if self.signed { "signed" } else { "not signed" };
            line(out, "Manifest", format_args!("{signed}, SHA-256 {digest}"))?;
        }
        if let Some(path) = &self.receipt {
            line(out, "Receipt", path)?;
        }
        notes(out, &self.notes)
    }
}
