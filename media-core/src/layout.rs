//! What a file system planner answers: where its own structures and the files' bytes go.
//!
//! A planner is given names and lengths and gives back addresses. It never sees a file's content, so it can
//! neither load nor copy it, and several planners may name the same place.

use std::sync::Arc;

/// The result of planning one file system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    /// Length of the planned space in bytes.
    pub len: u64,
    /// The file system's own structures, ascending and not overlapping. What neither a structure nor a file covers is zero.
    pub structures: Vec<Structure>,
    /// Where each file's bytes go, in the order the files were given.
    pub files: Vec<Placement>,
    /// Where a zero says something, apart from what the structures and files cover of it: a cluster is free, a folder ends. On
    /// a device that held something else it has to be written.
    pub zeros: Vec<PlacedExtent>,
}

/// Bytes of the file system itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    /// Bytes from the start of the planned space.
    pub offset: u64,
    /// What this is, in the words of its specification: `FAT 1`, `primary volume descriptor`.
    pub label: &'static str,
    /// The bytes; a plan has the same ones.
    pub bytes: Arc<Vec<u8>>,
}

/// Where one file's bytes go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The file's path as it was given.
    pub path: String,
    /// Runs of bytes in file order; empty for an empty file.
    pub extents: Vec<PlacedExtent>,
}

/// One contiguous run of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacedExtent {
    /// Bytes from the start of the planned space.
    pub offset: u64,
    /// Length in bytes.
    pub len: u64,
}

/// A file to be placed: all a planner is told about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSize {
    /// Path from the root with `/` between names and none at the start: `sources/boot.wim`.
    pub path: String,
    /// Length in bytes.
    pub len: u64,
    /// How many bytes it may grow to in its place: nothing else is put there. No more than its length when it need not.
    pub room: u64,
}

impl FileSize {
    /// A file that keeps its length.
    pub fn new(path: impl Into<String>, len: u64) -> Self {
        Self { path: path.into(), len, room: len }
    }

    /// How many bytes of the volume are kept for it; none for an empty file.
    pub(crate) fn reserved(&self) -> u64 {
        if self.len == 0 { 0 } else { self.room.max(self.len) }
    }
}
