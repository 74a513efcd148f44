//! What has to change for a medium that was planned in one way to be as planned in another. What somebody else changed
//! since, and neither plan does, stays.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Patch, ReworkError};
use crate::fat32;
use crate::io::Source;
use crate::plan::Laid;

/// Two changes closer than this are one: each costs a line in the journal.
const NEAR: u64 = 32;

/// Bytes with their place on the medium.
pub(super) type Placed<'a> = (u64, &'a [u8]);

/// Compares two plans, and the medium with the first of them. `files` are those that become others: where they were, and
/// what is there then; they may have been anything.
///
/// # Errors
/// [`ReworkError::Changed`] where the medium is not as it was planned and would have to become another.
pub(super) fn merge(
    source: &dyn Source,
    (old, new): (&Laid, &Laid),
    (old_files, new_files): (&[Range<u64>], &[Placed<'_>]),
) -> Result<Vec<Patch>, ReworkError> {
    let mut ranges: Vec<Range<u64>> = old_files.to_vec();
    ranges.extend(new_files.iter().map(|(offset, bytes)| *offset..offset + bytes.len() as u64));
    let structures = [old, new].into_iter().flat_map(Laid::structures);
    ranges.extend(structures.map(|(offset, structure)| offset..offset + structure.bytes.len() as u64));
    let mut patches = Vec::new();
    for range in joined(ranges) {
        let mut found = vec![0; (range.end - range.start) as usize];
        source.read_exact_at(range.start, &mut found)?;
        let (mut before, mut after) = (vec![0; found.len()], vec![0; found.len()]);
        // Of a file that becomes another everything that is there was its content.
        for file in old_files {
            let file = within(&range, file);
            before[file.clone()].copy_from_slice(&found[file]);
        }
        for (bytes, laid) in [(&mut before, old), (&mut after, new)] {
            for (offset, structure) in laid.structures() {
                overlay(bytes, &range, (offset, &structure.bytes));
            }
        }
        for &(offset, bytes) in new_files {
            let place = within(&range, &(offset..offset + bytes.len() as u64));
            before[place.clone()].copy_from_slice(&found[place]);
            overlay(&mut after, &range, (offset, bytes));
        }
        let named = Named { range: &range, old, new };
        recount(&named, &found, &mut before, &mut after);
        runs(&named, &found, (&before, &after), &mut patches)?;
    }
    Ok(patches)
}

/// Sorts ranges, and joins those that meet.
fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// The part of `part` that is in `range`, as offsets into it.
fn within(range: &Range<u64>, part: &Range<u64>) -> Range<usize> {
    let start = part.start.clamp(range.start, range.end) - range.start;
    let end = part.end.clamp(range.start, range.end) - range.start;
    start as usize..end.max(start) as usize
}

fn overlay(target: &mut [u8], range: &Range<u64>, (offset, bytes): Placed<'_>) {
    let place = within(range, &(offset..offset + bytes.len() as u64));
    if !place.is_empty() {
        let start = (range.start + place.start as u64 - offset) as usize;
        target[place.clone()].copy_from_slice(&bytes[start..start + place.len()]);
    }
}

/// What a range holds, for messages and for what counts rather than being compared.
struct Named<'a> {
    range: &'a Range<u64>,
    old: &'a Laid,
    new: &'a Laid,
}

impl Named<'_> {
    fn label(&self, at: u64) -> String {
        let structures = self.new.structures().chain(self.old.structures());
        let found = structures
            .into_iter()
            .find(|(offset, structure)| (*offset..offset + structure.bytes.len() as u64).contains(&at));
        found.map_or_else(|| "a file".to_owned(), |(_, structure)| structure.label.to_owned())
    }
}

/// The runs of bytes that become others.
fn runs(
    named: &Named<'_>,
    found: &[u8],
    (before, after): (&[u8], &[u8]),
    patches: &mut Vec<Patch>,
) -> Result<(), ReworkError> {
    let differs = |at: usize| before[at] != after[at];
    let mut at = 0;
    let mut last: Option<Patch> = None;
    while at < after.len() {
        if !differs(at) {
            at += 1;
            continue;
        }
        let end = (at..after.len()).find(|&at| !differs(at)).unwrap_or(after.len());
        let offset = named.range.start + at as u64;
        let as_planned = |at: &usize| found[*at] == before[*at] || found[*at] == after[*at];
        if let Some(other) = (at..end).find(|at| !as_planned(at)) {
            let offset = named.range.start + other as u64;
            return Err(ReworkError::Changed { structure: named.label(offset), offset });
        }
        match &mut last {
            Some(patch) if offset - (patch.offset + patch.bytes.len() as u64) < NEAR => {
                let from = (patch.offset + patch.bytes.len() as u64 - named.range.start) as usize;
                patch.bytes.extend_from_slice(&found[from..at]);
                patch.bytes.extend_from_slice(&after[at..end]);
            }
            _ => {
                patches.extend(last.take());
                last = Some(Patch { offset, label: named.label(offset), bytes: after[at..end].to_vec() });
            }
        }
        at = end;
    }
    patches.extend(last);
    Ok(())
}

/// What FSInfo counts is not compared: where somebody else took clusters, what this change takes is taken from the rest.
fn recount(named: &Named<'_>, found: &[u8], before: &mut [u8], after: &mut [u8]) {
    let places: BTreeMap<u64, usize> = named
        .new
        .structures()
        .filter(|(_, structure)| fat32::is_fs_info(structure.label))
        .map(|(offset, structure)| (offset, structure.bytes.len()))
        .collect();
    for (offset, len) in places {
        let place = within(named.range, &(offset..offset + len as u64));
        if place.len() == len && found[place.clone()] != before[place.clone()] {
            fat32::recount(&found[place.clone()], &before[place.clone()], &mut after[place.clone()]);
            before[place.clone()].copy_from_slice(&found[place]);
        }
    }
}
