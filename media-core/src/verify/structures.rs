//! Every structure, compared with what was written: by its SHA-256, and where that is another, byte by byte with the medium
//! planned again. Windows writes to sticks it sees; what of that is harmless, the file system knows.

use std::sync::Arc;

use super::manifest::Read;
use super::{VerifyError, VerifyReport, find, unread};
use crate::content::{Content, Piece};
use crate::digest;
use crate::event::Observer;
use crate::fat32;
use crate::finding::Finding;
use crate::io::Source;
use crate::layout::Structure;
use crate::media::manifest::{self, StructureEntry};
use crate::medium::{Medium, MediumError, MediumFile};
use crate::origin::Origin;

/// Looks at every structure the manifest lists.
pub(super) fn check(
    medium: &Medium,
    source: &Arc<dyn Source>,
    manifest: &Read,
    files: &[MediumFile],
    report: &mut VerifyReport,
    observer: &mut dyn Observer,
) -> Result<(), VerifyError> {
    let listed = &manifest.listed;
    let (len, planned) = (source.len(), listed.volume.len());
    if len < planned {
        let message = format!("it has {len} bytes, and {planned} were written: it was cut short");
        report.findings.push(Finding::error("medium.cut-short", "the medium", message));
    }
    // Structures do not overlap: more than there is is no list of them, and not worth reading.
    let all = listed.structures.iter().fold(0, |sum: u64, entry| sum.saturating_add(entry.size));
    if all > len {
        let message = format!("its structures have {all} bytes, and the medium {len}");
        report.findings.push(Finding::error("manifest.damaged", manifest::PATH, message));
        return Ok(());
    }
    let is_there =
        |entry: &&StructureEntry| entry.offset.checked_add(entry.size).is_some_and(|end| end <= len);
    let entries: Vec<&StructureEntry> = listed.structures.iter().filter(is_there).collect();
    let contents: Vec<Content> =
        entries.iter().map(|entry| content(source, entry.offset, entry.size)).collect();
    let contents: Vec<&Content> = contents.iter().collect();
    let name = |number: usize| entries.get(number).map_or_else(String::new, |entry| entry.label.clone());
    let made = digest::digests(&contents, "checking the structures", observer);
    let made = made.map_err(|error| unread(error, name))?;
    let entries = entries.into_iter().zip(made);
    let changed: Vec<&StructureEntry> =
        entries.filter(|(entry, found)| entry.digest != *found).map(|(entry, _)| entry).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let signature = find(files, manifest::SIGNATURE_PATH).map(|file| file.content.len());
    match Origin::new(listed.clone(), manifest.len, signature) {
        Ok(origin) => compare(medium, source, &origin, &changed, report),
        Err(error) => {
            for entry in changed {
                let message =
                    format!("it is not what was written, and how it differs cannot be said: {error}");
                report.findings.push(finding(&entry.label, entry.offset, message));
            }
            Ok(())
        }
    }
}

fn compare(
    medium: &Medium,
    source: &Arc<dyn Source>,
    origin: &Origin,
    changed: &[&StructureEntry],
    report: &mut VerifyReport,
) -> Result<(), VerifyError> {
    let is_changed = |offset: u64| changed.iter().any(|entry| entry.offset == offset);
    let (volume, table) = match medium {
        Medium::Disk { volume, .. } => (Some(volume), origin.laid.table.as_ref()),
        _ => (None, Some(&origin.laid.volume)),
    };
    for structure in table.into_iter().flat_map(|table| &table.structures) {
        if is_changed(structure.offset) {
            report.findings.extend(difference(source, structure)?);
        }
    }
    if let Some(volume) = volume
        && origin
            .laid
            .volume
            .structures
            .iter()
            .any(|structure| is_changed(origin.laid.start + structure.offset))
    {
        let found = fat32::compare(volume, &origin.laid.volume).map_err(MediumError::from)?;
        report.findings.extend(found);
    }
    Ok(())
}

/// The first byte of a structure that is another.
fn difference(source: &Arc<dyn Source>, structure: &Structure) -> Result<Option<Finding>, VerifyError> {
    let mut found = vec![0; structure.bytes.len()];
    let read = source.read_exact_at(structure.offset, &mut found);
    read.map_err(|error| VerifyError::Read { path: structure.label.to_owned(), error })?;
    let Some(at) = found.iter().zip(&*structure.bytes).position(|(found, written)| found != written) else {
        return Ok(None);
    };
    let offset = structure.offset + at as u64;
    let message = format!("{:#04x} was written, and {:#04x} is there", structure.bytes[at], found[at]);
    Ok(Some(finding(structure.label, offset, message)))
}

fn finding(label: &str, offset: u64, message: String) -> Finding {
    Finding::error("medium.structure", format!("{label}, byte {offset} of the medium"), message)
}

pub(super) fn content(source: &Arc<dyn Source>, offset: u64, len: u64) -> Content {
    Content::from_pieces(vec![Piece::Slice { source: source.clone(), offset, len }])
}
