//! Checks everything a WIM file says about itself.

use std::collections::HashMap;

use super::integrity::Integrity;
use super::{Hash, Wim, WimError};
use crate::event::{Event, Observer};
use crate::finding::Finding;

/// No more findings than this: a damaged tree could give one for each of a million files.
const FINDINGS_LIMIT: usize = 1000;
/// How many characters of a path a finding shows; the longest Windows opens without being asked twice has 260.
const PATH_SHOWN: usize = 300;
/// Files are decoded to check them as long as all of them together stay below this many bytes, and this many times what the
/// WIM file has: boot images are compressed to a third, a few kilobytes of zeros to a thousandth.
const DECODED_LIMIT: u64 = 256 << 20;
const DECODED_RATIO: u64 = 16;

pub fn verify(wim: &Wim, observer: &mut dyn Observer) -> Result<Vec<Finding>, WimError> {
    if wim.header.is_pipable {
        return Err(WimError::Pipable);
    }
    if let Some(entry) = wim.table.solid {
        return Err(WimError::Solid { entry });
    }
    let mut findings = header(wim);
    integrity(wim, observer, &mut findings)?;
    blobs(wim, observer, &mut findings)?;
    images(wim, observer, &mut findings)?;
    if findings.len() > FINDINGS_LIMIT {
        findings.truncate(FINDINGS_LIMIT);
        let message = format!("more than {FINDINGS_LIMIT} findings; the others are left out");
        findings.push(Finding::note("wim.more-findings", "WIM", message));
    }
    Ok(findings)
}

/// `wim.write-in-progress`, `wim.split`, `wim.image-count`, `wim.boot-index`, `wim.boot-metadata`.
fn header(wim: &Wim) -> Vec<Finding> {
    let (header, mut findings) = (&wim.header, Vec::new());
    if header.is_write_in_progress() {
        let message = "the flag WRITE_IN_PROGRESS is set: a writer did not finish";
        findings.push(Finding::error("wim.write-in-progress", "header", message));
    }
    if header.total_parts > 1 {
        let message = format!("part {} of {}", header.part_number, header.total_parts);
        findings.push(Finding::note("wim.split", "header", message));
    }
    let (in_header, described, present) =
        (header.image_count, wim.images.len() as u32, wim.table.metadata.len() as u32);
    let has_metadata = header.part_number <= 1;
    if described != in_header || (has_metadata && present != in_header) {
        let message =
            format!("{in_header} images in the header, {described} in the XML, {present} with metadata");
        findings.push(Finding::error("wim.image-count", "header", message));
    }
    if header.boot_index > in_header {
        let message = format!("boot index {} of {in_header} images", header.boot_index);
        findings.push(Finding::error("wim.boot-index", "header", message));
        return findings;
    }
    let (found, expected) = (header.boot_metadata, wim.boot_metadata_of(header.boot_index));
    if has_metadata && wim.has_stale_boot_metadata() {
        let message = format!(
            "{} bytes at offset {} for boot index {}, expected {} at {}",
            found.stored_len, found.offset, header.boot_index, expected.stored_len, expected.offset
        );
        findings.push(Finding::error("wim.boot-metadata", "header", message));
    }
    findings
}

/// `wim.integrity-table`, `wim.integrity`.
fn integrity(wim: &Wim, observer: &mut dyn Observer, findings: &mut Vec<Finding>) -> Result<(), WimError> {
    let table = match Integrity::read(wim.source.as_ref(), &wim.header) {
        Ok(Some(table)) => table,
        Ok(None) => return Ok(()),
        Err(error) => {
            let finding = Finding::error("wim.integrity-table", "integrity table", fact(error)?);
            findings.push(finding);
            return Ok(());
        }
    };
    observer.event(Event::Begin { what: "checking the WIM's integrity table", bytes: table.covered() });
    for (start, end, expected, found) in
        table.mismatches(wim.source.as_ref(), FINDINGS_LIMIT + 1, observer)?
    {
        let message = format!("SHA-1 is {found}, expected {expected}");
        findings.push(Finding::error("wim.integrity", format!("bytes {start} to {end}"), message));
    }
    observer.event(Event::End);
    Ok(())
}

/// `wim.resource-overlap`, `wim.blob-length`, `wim.blob-hash`, `wim.blob-unreadable`.
fn blobs(wim: &Wim, observer: &mut dyn Observer, findings: &mut Vec<Finding>) -> Result<(), WimError> {
    let mut blobs = wim.table.meaningful();
    blobs.retain(|blob| !blob.resource.is_metadata());
    let bytes = blobs.iter().fold(0, |sum: u64, blob| sum.saturating_add(blob.resource.len));
    observer.event(Event::Begin { what: "checking the WIM's files", bytes });
    let mut end = 0;
    let mut left = DECODED_LIMIT.saturating_add(wim.source.len().saturating_mul(DECODED_RATIO));
    for blob in blobs {
        if findings.len() > FINDINGS_LIMIT {
            break;
        }
        let place = format!("blob {} at offset {}", blob.hash, blob.resource.offset);
        // Each byte of the file is then read once, however many entries a damaged table points at it.
        if blob.resource.offset < end {
            let message = format!("it starts before offset {end}, where another resource ends");
            findings.push(Finding::error("wim.resource-overlap", place, message));
            continue;
        }
        end = blob.resource.offset.saturating_add(blob.resource.stored_len);
        if blob.resource.len > left && blob.resource.is_compressed() {
            let message = format!("not read: it says that it decodes to {} bytes", blob.resource.len);
            findings.push(Finding::error("wim.blob-length", place, message));
            continue;
        }
        left = left.saturating_sub(blob.resource.len);
        let result = wim.stream_blob("blob", blob, &mut |bytes| {
            observer.event(Event::Advance(bytes.len() as u64));
            if observer.cancelled() { Err(WimError::Stopped) } else { Ok(()) }
        });
        match result {
            Ok(()) => {}
            Err(WimError::HashMismatch { found, .. }) => {
                findings.push(Finding::error(
                    "wim.blob-hash",
                    place,
                    format!("the SHA-1 of its bytes is {found}"),
                ));
            }
            Err(error) => findings.push(Finding::error("wim.blob-unreadable", place, fact(error)?)),
        }
    }
    observer.event(Event::End);
    Ok(())
}

/// `wim.metadata`, `wim.blob-missing`, `wim.security-id`, `wim.reference-count`.
fn images(wim: &Wim, observer: &mut dyn Observer, findings: &mut Vec<Finding>) -> Result<(), WimError> {
    let mut references: HashMap<Hash, u64> = HashMap::new();
    let mut is_complete = wim.header.total_parts <= 1;
    for index in 1..=wim.table.metadata.len() as u32 {
        if observer.cancelled() {
            return Err(WimError::Stopped);
        }
        let image = match wim.image(index) {
            Ok(image) => image,
            Err(error) => {
                findings.push(Finding::error("wim.metadata", format!("image {index}"), fact(error)?));
                is_complete = false;
                continue;
            }
        };
        for (place, entry) in image.all().enumerate() {
            if findings.len() > FINDINGS_LIMIT {
                return Ok(());
            }
            let path = || format!("image {index}: {}", shortened(image.path(place)));
            if let Some(id) = entry.security_id.filter(|id| *id as usize >= image.security_descriptors()) {
                let message = format!("security descriptor {id} of {}", image.security_descriptors());
                findings.push(Finding::error("wim.security-id", path(), message));
            }
            for hash in entry.streams.iter().filter_map(|stream| stream.hash) {
                if wim.contains(&hash) {
                    *references.entry(hash).or_default() += 1;
                } else if wim.header.total_parts <= 1 {
                    let message = format!("no blob {hash} in the blob table");
                    findings.push(Finding::error("wim.blob-missing", path(), message));
                }
            }
        }
    }
    if is_complete {
        reference_counts(wim, &references, findings);
    }
    Ok(())
}

/// Only worth knowing: Microsoft's own writers leave wrong counts, and nothing that reads a WIM uses them.
fn reference_counts(wim: &Wim, references: &HashMap<Hash, u64>, findings: &mut Vec<Finding>) {
    for blob in wim.table.meaningful().into_iter().filter(|blob| !blob.resource.is_metadata()) {
        let found = references.get(&blob.hash).copied().unwrap_or_default();
        if findings.len() > FINDINGS_LIMIT {
            return;
        }
        if found != u64::from(blob.reference_count) {
            let message = format!("the table counts {} references, there are {found}", blob.reference_count);
            findings.push(Finding::note("wim.reference-count", format!("blob {}", blob.hash), message));
        }
    }
}

/// A path of which a thousand take no room worth speaking of.
fn shortened(path: String) -> String {
    match path.char_indices().nth_back(PATH_SHOWN) {
        Some((start, _)) => format!("…{}", &path[start..]),
        None => path,
    }
}

/// What is wrong with the file is a finding; what kept the check from looking is an error.
fn fact(error: WimError) -> Result<String, WimError> {
    match error {
        WimError::Stopped | WimError::Read { .. } | WimError::DecoderMemory { .. } => Err(error),
        other => Ok(other.to_string()),
    }
}
