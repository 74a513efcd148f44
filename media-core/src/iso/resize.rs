//! Gives files of a disc another length, where they are: only what changes is answered, and nothing is written.

use super::udf::{has_extents, resized_entry};
use super::{Disc, DiscFile, IsoError, SECTOR};
use crate::layout::{FileSize, Layout, PlacedExtent, Placement, Structure};

/// How much is looked at for other use in one go.
const STRIDE: u64 = 1 << 20;

/// A tree of the disc.
struct Tree {
    name: &'static str,
    is_udf: bool,
    files: Vec<DiscFile>,
}

/// Where the files' bytes go when they have these lengths, and the records of every tree that say so. All offsets are from
/// the start of the image. A file's extent covers what it had and what it has, in whole sectors.
///
/// A file can grow over sectors that no file of any tree uses and that hold nothing but zeros.
///
/// # Errors
/// Whatever a tree has wrong; [`IsoError::NoSuchFile`], [`IsoError::NoRoom`], [`IsoError::NotShared`].
pub fn resize(disc: &Disc, files: &[FileSize]) -> Result<Layout, IsoError> {
    let trees = trees(disc)?;
    let mut starts: Vec<u64> = trees
        .iter()
        .flat_map(|tree| &tree.files)
        .flat_map(|file| &file.extents)
        .map(|extent| extent.0)
        .collect();
    starts.extend(disc.boot_entries()?.iter().map(|entry| entry.offset));
    starts.sort_unstable();
    let end = disc.volume_size().map_or(disc.image.len, |len| len.min(disc.image.len));
    let mut layout = Layout { len: disc.image.len, ..Layout::default() };
    for file in files {
        let path = || file.path.clone();
        let shown = trees.first().map(|tree| &tree.files[..]).unwrap_or_default();
        let found = shown.iter().find(|shown| shown.path.eq_ignore_ascii_case(&file.path));
        let found = found.ok_or_else(|| IsoError::NoSuchFile { path: path() })?;
        let no_room = |room| IsoError::NoRoom { path: path(), needed: file.len, room };
        let &[(start, len)] = &found.extents[..] else { return Err(no_room(found.len)) };
        let limit = starts.iter().copied().find(|other| *other > start).unwrap_or(end).min(end);
        let (had, has) = (start + len.next_multiple_of(SECTOR), start + file.len.next_multiple_of(SECTOR));
        if file.len == 0 || has > limit.max(had) || file.len >= 1 << 30 {
            return Err(no_room(limit.max(had) - start));
        }
        if let Some(used) = first_used(disc, had, has)? {
            return Err(no_room(used - start));
        }
        for tree in &trees {
            let mut shared = tree.files.iter().filter(|other| other.extents[..] == [(start, len)]).peekable();
            if start % SECTOR != 0 || shared.peek().is_none() {
                return Err(IsoError::NotShared { path: path(), tree: tree.name });
            }
            for record in shared {
                layout.structures.push(resized(disc, tree, record, file)?);
            }
        }
        let extents = vec![PlacedExtent { offset: start, len: had.max(has) - start }];
        layout.files.push(Placement { path: found.path.clone(), extents });
    }
    layout.structures.sort_by_key(|structure| structure.offset);
    Ok(layout)
}

/// The trees, first the one Windows sees.
fn trees(disc: &Disc) -> Result<Vec<Tree>, IsoError> {
    let mut trees = Vec::new();
    if disc.udf.is_some() {
        trees.push(Tree { name: "UDF", is_udf: true, files: disc.udf()? });
    }
    if disc.has_joliet() {
        trees.push(Tree { name: "Joliet", is_udf: false, files: disc.joliet()? });
    }
    if disc.volumes.is_some() {
        trees.push(Tree { name: "ISO 9660", is_udf: false, files: disc.primary()? });
    }
    Ok(trees)
}

/// The first byte that is not zero.
fn first_used(disc: &Disc, start: u64, end: u64) -> Result<Option<u64>, IsoError> {
    let mut at = start;
    while at < end {
        let bytes = disc.image.read("unused sectors", at, (end - at).min(STRIDE))?;
        if let Some(used) = bytes.iter().position(|byte| *byte != 0) {
            return Ok(Some((at + used as u64) / SECTOR * SECTOR));
        }
        at += bytes.len() as u64;
    }
    Ok(None)
}

fn resized(disc: &Disc, tree: &Tree, record: &DiscFile, file: &FileSize) -> Result<Structure, IsoError> {
    if !tree.is_udf {
        let len = file.len as u32;
        let bytes = [len.to_le_bytes(), len.to_be_bytes()].concat();
        return Ok(Structure { offset: record.record + 10, label: "directory record", bytes: bytes.into() });
    }
    let block = disc.image.sector("UDF file entry", record.record / SECTOR)?;
    if !has_extents(&block) {
        return Err(IsoError::NotShared { path: file.path.clone(), tree: tree.name });
    }
    let bytes = resized_entry(&block, file.len).to_vec();
    Ok(Structure { offset: record.record, label: "UDF file entry", bytes: bytes.into() })
}
