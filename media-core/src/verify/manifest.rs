//! Every file, compared with the manifest.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Signature, Trust, VerifyError, VerifyReport, find, read, unread};
use crate::content::{Content, Piece};
use crate::digest;
use crate::event::Observer;
use crate::finding::Finding;
use crate::io::Source;
use crate::media::manifest::{self, FileEntry, Manifest};
use crate::medium::MediumFile;

/// A signature is as long as its key.
const LARGEST_SIGNATURE: u64 = 4096;

/// A manifest that was read.
pub(super) struct Read {
    pub(super) listed: Manifest,
    /// Length of its file in bytes.
    pub(super) len: u64,
}

/// Reads the manifest and checks its signature.
pub(super) fn check(
    files: &[MediumFile],
    trust: Trust<'_>,
    report: &mut VerifyReport,
) -> Result<Option<Read>, VerifyError> {
    let Some(file) = find(files, manifest::PATH) else {
        let message = "without it no file can be compared with what was written";
        report.findings.push(Finding::error("manifest.missing", manifest::PATH, message));
        return Ok(None);
    };
    let Some(bytes) = read(file, manifest::LARGEST, report)? else { return Ok(None) };
    check_signature(&bytes, files, trust, report)?;
    match Manifest::read(&bytes) {
        Ok(listed) => Ok(Some(Read { listed, len: bytes.len() as u64 })),
        Err(error) => {
            report.findings.push(Finding::error("manifest.damaged", manifest::PATH, error.to_string()));
            Ok(None)
        }
    }
}

fn check_signature(
    manifest: &[u8],
    files: &[MediumFile],
    trust: Trust<'_>,
    report: &mut VerifyReport,
) -> Result<(), VerifyError> {
    let signature = match find(files, manifest::SIGNATURE_PATH) {
        Some(file) => read(file, LARGEST_SIGNATURE, report)?,
        None => None,
    };
    report.signature = judge(manifest, signature.as_deref(), trust);
    report.findings.extend(signature_finding(report.signature, trust));
    Ok(())
}

/// What a signature is worth.
pub(super) fn judge(manifest: &[u8], signature: Option<&[u8]>, trust: Trust<'_>) -> Signature {
    match (signature, trust.key) {
        (None, _) => Signature::None,
        (Some(_), None) => Signature::NotChecked,
        (Some(signature), Some(key)) if key.verify(manifest, signature) => Signature::Valid,
        _ => Signature::Wrong,
    }
}

pub(super) fn signature_finding(signature: Signature, trust: Trust<'_>) -> Option<Finding> {
    match signature {
        Signature::None if trust.key.is_some() => {
            let message = "the manifest is not signed: whoever changed the medium can have changed it too";
            Some(Finding::error("signature.missing", manifest::SIGNATURE_PATH, message))
        }
        Signature::Wrong => {
            let message = "the manifest was not signed with this key, or was changed after it was";
            Some(Finding::error("signature.wrong", manifest::SIGNATURE_PATH, message))
        }
        _ => None,
    }
}

/// Compares every file that the manifest lists, on all cores, and notes those it does not.
pub(super) fn compare(
    manifest: &Manifest,
    files: &[MediumFile],
    (source, trust): (&Arc<dyn Source>, Trust<'_>),
    report: &mut VerifyReport,
    observer: &mut dyn Observer,
) -> Result<(), VerifyError> {
    let mut extra: BTreeMap<String, &MediumFile> =
        files.iter().map(|file| (file.path.to_lowercase(), file)).collect();
    for own in [manifest::PATH, manifest::SIGNATURE_PATH] {
        extra.remove(own);
    }
    let mut pairs: Vec<(&FileEntry, &MediumFile)> = Vec::new();
    for expected in &manifest.files {
        match extra.remove(&expected.path.to_lowercase()) {
            None => report.findings.push(Finding::error(
                "manifest.missing-file",
                &expected.path,
                "the manifest lists it, but it is gone",
            )),
            Some(file) => {
                let refused = refuse(expected, &file.content, source.len());
                if refused.is_some() || expected.digest.is_known() {
                    report.files_compared += 1;
                    report.bytes_compared = report.bytes_compared.saturating_add(file.content.len());
                }
                match refused {
                    Some(finding) => report.findings.push(finding),
                    None if expected.digest.is_known() => pairs.push((expected, file)),
                    None => {
                        report.findings.push(not_compared("manifest.no-checksum", &expected.path, trust));
                    }
                }
            }
        }
    }
    let contents: Vec<&Content> = pairs.iter().map(|(_, file)| &file.content).collect();
    let name = |number: usize| pairs.get(number).map_or_else(String::new, |(_, file)| file.path.clone());
    let made =
        digest::digests(&contents, "comparing files", observer).map_err(|error| unread(error, name))?;
    for ((expected, _), found) in pairs.iter().zip(made) {
        if let Some(range) = expected.digest.first_difference(&found, expected.size) {
            let message = format!(
                "bytes {} to {} of its {} are not those that were written: their SHA-256 is another than the \
                 manifest's",
                range.start, range.end, expected.size
            );
            report.findings.push(Finding::error("manifest.sha256", &expected.path, message));
        }
    }
    for file in extra.values() {
        report.findings.push(extra_file(&file.path));
    }
    Ok(())
}

/// What was made without a checksum. Whoever asks for a signature wants somebody to vouch for every byte.
pub(super) fn not_compared(id: &'static str, place: &str, trust: Trust<'_>) -> Finding {
    if trust.key.is_some() {
        let message = "the manifest has no checksum of it, so the signature does not vouch for its bytes";
        return Finding::error(id, place, message);
    }
    let message = "its bytes were not compared with anything: the medium was made without its checksum";
    Finding::note(id, place, message)
}

/// What is wrong with a file before it is read.
fn refuse(expected: &FileEntry, found: &Content, medium: u64) -> Option<Finding> {
    let (path, len) = (&expected.path, found.len());
    if len != expected.size {
        let message = format!("it has {len} bytes; the manifest says {}", expected.size);
        return Some(Finding::error("manifest.size", path, message));
    }
    let end = found.pieces().iter().map(|piece| match piece {
        Piece::Slice { offset, len, .. } => offset.saturating_add(*len),
        Piece::Bytes(_) => 0,
    });
    let end = end.max().filter(|end| *end > medium)?;
    let message = format!("it ends at byte {end}, and the medium at byte {medium}");
    Some(Finding::error("manifest.cut-short", path, message))
}

/// Windows leaves folders of its own on every stick it sees; a file among those that boot is another matter.
fn extra_file(path: &str) -> Finding {
    let lower = path.to_lowercase();
    let boots = ["boot/", "efi/", "sources/", "sms/"].iter().any(|folder| lower.starts_with(folder))
        || (!lower.contains('/') && lower.starts_with("bootmgr"));
    let message = "the manifest does not list it";
    if boots {
        Finding::error("manifest.extra-boot-file", path, message)
    } else {
        Finding::note("manifest.extra-file", path, message)
    }
}
