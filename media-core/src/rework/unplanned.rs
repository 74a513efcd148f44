//! A medium without a manifest: its own structures are read, and changed where they name the files.

use std::sync::Arc;

use super::{Opened, Patch, ReworkError};
use crate::fat32::{self, FatError};
use crate::io::Source;
use crate::iso::{self, IsoError};
use crate::layout::{FileSize, Layout};
use crate::medium::{Medium, MediumError};

/// What changes when files have other bytes.
///
/// # Errors
/// [`ReworkError::NoRoom`], or what is wrong with the medium.
pub(super) fn patches(medium: &Opened, files: &[(String, Vec<u8>)]) -> Result<Vec<Patch>, ReworkError> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    compared(&*medium.source, layout(&medium.medium, files)?, files)
}

fn layout(medium: &Medium, files: &[(String, Vec<u8>)]) -> Result<Layout, ReworkError> {
    let sizes = files.iter().map(|(path, bytes)| FileSize::new(path, bytes.len() as u64));
    let sizes: Vec<FileSize> = sizes.collect();
    match medium {
        Medium::Iso(disc) => iso::resize(disc, &sizes).map_err(|error| match error {
            IsoError::NoRoom { path, needed, room } => ReworkError::NoRoom { path, needed, room },
            error => MediumError::from(error).into(),
        }),
        Medium::Disk { volume, .. } => fat32::resize(volume, &sizes).map_err(|error| match error {
            FatError::NoRoom { path, needed, room } => ReworkError::NoRoom { path, needed, room },
            error => MediumError::from(error).into(),
        }),
        _ => Ok(Layout::default()),
    }
}

/// What the layout says, as far as it is not so already. Room of a file behind its end becomes zeros: what was there may
/// have been its old content.
fn compared(
    source: &dyn Source,
    layout: Layout,
    files: &[(String, Vec<u8>)],
) -> Result<Vec<Patch>, ReworkError> {
    let structures = layout.structures.into_iter();
    let mut all: Vec<Patch> = structures
        .map(|made| Patch {
            offset: made.offset,
            label: made.label.to_owned(),
            bytes: Arc::unwrap_or_clone(made.bytes),
        })
        .collect();
    for (placement, (path, bytes)) in layout.files.iter().zip(files) {
        let mut done = 0;
        for extent in &placement.extents {
            let mut part =
                bytes[done.min(bytes.len())..(done + extent.len as usize).min(bytes.len())].to_vec();
            part.resize(extent.len as usize, 0);
            done += extent.len as usize;
            all.push(Patch { offset: extent.offset, label: path.clone(), bytes: part });
        }
    }
    all.sort_by_key(|patch| patch.offset);
    let mut changed = Vec::new();
    for patch in all {
        let mut before = vec![0; patch.bytes.len()];
        source.read_exact_at(patch.offset, &mut before)?;
        let differs = |at: &usize| before[*at] != patch.bytes[*at];
        let first = (0..before.len()).find(differs);
        let last = (0..before.len()).rev().find(differs);
        if let (Some(first), Some(last)) = (first, last) {
            let (offset, bytes) = (patch.offset + first as u64, patch.bytes[first..=last].to_vec());
            changed.push(Patch { offset, label: patch.label, bytes });
        }
    }
    Ok(changed)
}
