//! What a medium's manifest says of it. Nothing of it is checked here.

use std::fmt;

use media_core::Inspection;
use media_core::media::manifest::{Manifest, SIGNATURE_PATH};
use serde::Serialize;

use crate::output::line;

/// The part of a manifest that people ask for.
#[derive(Serialize)]
pub(super) struct Stated {
    tool: String,
    created: String,
    serial_number: Option<String>,
    media_guid: String,
    certificate_thumbprint: String,
    site_code: String,
    management_points: Vec<String>,
    /// Whether there is a signature beside it, whoever made that.
    signed: bool,
}

impl Stated {
    /// `None` without a manifest that can be read.
    pub(super) fn new(inspection: &Inspection) -> Option<Self> {
        let Manifest { tool, created, identity, .. } = inspection.manifest.as_ref()?.as_ref().ok()?;
        let number = identity.serial_number.as_ref();
        Some(Self {
            tool: tool.clone(),
            created: created.to_string(),
            serial_number: number.map(|number| number.as_str().to_owned()),
            media_guid: identity.media_guid.clone(),
            certificate_thumbprint: identity.certificate_thumbprint.clone(),
            site_code: identity.site.code.clone(),
            management_points: identity.site.management_points.clone(),
            signed: inspection.files.iter().any(|(path, _)| path.eq_ignore_ascii_case(SIGNATURE_PATH)),
        })
    }
}

impl fmt::Display for Stated {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(out, "  Made", format_args!("by {}, with the time {}", self.tool, self.created))?;
        if let Some(number) = &self.serial_number {
            line(out, "  Serial number", number)?;
        }
        line(out, "  Media GUID", &self.media_guid)?;
        line(out, "  Media certificate", &self.certificate_thumbprint)?;
        line(out, "  Site", &self.site_code)?;
        line(out, "  Management point", self.management_points.join(", "))?;
        let signed = if self.signed { "yes; tsmedia verify --key says by whom" } else { "no" };
        line(out, "  Signed", signed)
    }
}
