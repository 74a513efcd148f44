//! The bytes of a medium, compared with its receipt: nothing of it is read but where the receipt says something is.

use std::sync::Arc;

use super::manifest::{judge, not_compared, signature_finding};
use super::structures::content;
use super::{Trust, VerifyError, VerifyReport, unread};
use crate::content::Content;
use crate::digest;
use crate::event::Observer;
use crate::finding::Finding;
use crate::io::Source;
use crate::media::manifest::StructureEntry;
use crate::media::receipt::Receipt;

/// Compares every run of bytes of a medium with its receipt. What lies between them was never written, and is not looked
/// at. Anything that was changed is an error here, harmless or not.
///
/// # Errors
/// [`VerifyError`] when it cannot be read, or the observer asks to stop.
pub fn verify_raw(
    source: &Arc<dyn Source>,
    receipt: &Receipt,
    trust: Trust<'_>,
    observer: &mut dyn Observer,
) -> Result<VerifyReport, VerifyError> {
    let signature = receipt.signature_bytes();
    let mut report = VerifyReport {
        signature: judge(&receipt.manifest.to_bytes(), signature.as_deref(), trust),
        ..VerifyReport::default()
    };
    report.findings.extend(signature_finding(report.signature, trust));
    let len = source.len();
    let planned = receipt.manifest.volume.len();
    if len < planned {
        let message = format!("it has {len} bytes, and {planned} were written: it was cut short");
        report.findings.push(Finding::error("raw.cut-short", "the medium", message));
    }
    let mut there: Vec<&StructureEntry> = Vec::new();
    for extent in &receipt.extents {
        match extent.offset.saturating_add(extent.size) {
            end if end <= len && extent.digest.is_known() => there.push(extent),
            end if end <= len => report.findings.push(not_compared("raw.no-checksum", &extent.label, trust)),
            end => {
                let message = format!("it ends at byte {end}, and the medium at byte {len}");
                report.findings.push(Finding::error("raw.cut-short", &extent.label, message));
            }
        }
    }
    let contents: Vec<Content> =
        there.iter().map(|extent| content(source, extent.offset, extent.size)).collect();
    let contents: Vec<&Content> = contents.iter().collect();
    let name = |number: usize| there.get(number).map_or_else(String::new, |extent| extent.label.clone());
    let made =
        digest::digests(&contents, "comparing bytes", observer).map_err(|error| unread(error, name))?;
    report.files_compared = there.len();
    report.bytes_compared = there.iter().map(|extent| extent.size).sum();
    for (extent, found) in there.iter().zip(made) {
        if let Some(range) = extent.digest.first_difference(&found, extent.size) {
            let (start, end) = (extent.offset + range.start, extent.offset + range.end);
            let message = format!("bytes {start} to {end} of the medium are not those that were written");
            report.findings.push(Finding::error("raw.changed", &extent.label, message));
        }
    }
    Ok(report)
}
