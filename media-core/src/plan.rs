//! Where: puts a staged tree onto addresses. Pure; reads no file content and touches no device.

mod flat;
mod runs;
mod shape;

use std::ops::Range;

use thiserror::Error;

use crate::content::{Content, Piece};
use crate::disk::DiskError;
use crate::fat32::FatError;
use crate::iso::IsoError;
use crate::layout::Layout;
use crate::spec::Form;
use crate::tree::Tree;

pub(crate) use shape::{Laid, Shape, lay, lay_again};

/// A whole medium as an ordered list of extents. What no extent covers is zero.
#[derive(Clone, Default)]
pub struct Plan {
    /// Length of the medium in bytes.
    pub len: u64,
    /// What kind of volume this is, in words: `GPT disk image, FAT32 with 4096-byte clusters`.
    pub kind: String,
    /// Ascending and not overlapping.
    pub extents: Vec<Extent>,
    /// Every file with its size and place, in the order of the tree.
    pub files: Vec<PlannedFile>,
    /// Where a zero says something, apart from what the extents cover of it.
    pub zeros: Vec<Range<u64>>,
    /// What is zero when the medium is new, and its owner's from then on.
    pub emptied: Option<Range<u64>>,
}

/// A run of bytes with its address.
#[derive(Clone)]
pub struct Extent {
    /// Bytes from the start of the medium.
    pub offset: u64,
    /// What this is: a structure's name, or a file's path.
    pub label: String,
    /// The bytes.
    pub piece: Piece,
}

/// Where a file went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// Path from the root.
    pub path: String,
    /// Length in bytes.
    pub len: u64,
    /// Bytes from the start of the medium; `None` for an empty file.
    pub offset: Option<u64>,
    /// Where its bytes come from, in words.
    pub origin: String,
}

/// Why a tree cannot be laid out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The partition table.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The FAT32 volume.
    #[error(transparent)]
    Fat(#[from] FatError),
    /// The ISO.
    #[error(transparent)]
    Iso(#[from] IsoError),
    /// The size asked for does not hold the content.
    #[error("the medium needs {needed} bytes, but the size given is {given} bytes")]
    TooSmall {
        /// The smallest size that works, in bytes.
        needed: u64,
        /// The size asked for, in bytes.
        given: u64,
    },
    /// The length asked for the medium's partition does not hold the content.
    #[error("the medium's partition needs {needed} bytes, but {given} bytes are given to it")]
    PartitionTooSmall {
        /// The smallest length that works, in bytes.
        needed: u64,
        /// The length asked for, in bytes.
        given: u64,
    },
    /// The manifest and the structures it lists never fit each other: a defect of this program.
    #[error("internal error: the manifest's length changes each time the medium is laid out")]
    Unsettled,
    /// Two planners want the same bytes: a defect of this program.
    #[error("internal error: {first} and {second} overlap at byte {offset} of the plan")]
    Overlap {
        /// The earlier extent's label.
        first: String,
        /// The later extent's label.
        second: String,
        /// Where they meet.
        offset: u64,
    },
    /// A planner goes beyond the end it named: a defect of this program.
    #[error("internal error: {label} at byte {offset} of the plan ends behind its {len} bytes")]
    BeyondEnd {
        /// The extent's label.
        label: String,
        /// Where it starts.
        offset: u64,
        /// Length of the plan.
        len: u64,
    },
}

/// Lays out a tree as the volume `form` asks for.
///
/// # Errors
/// [`PlanError`] when a file or name does not fit the file system, or all of it not the size asked for.
pub fn plan(tree: &Tree, form: Form) -> Result<Plan, PlanError> {
    lay(&Shape::of(tree, form))?.plan(tree)
}

impl Plan {
    /// A plan of one file from its first byte on, which no volume is around.
    pub fn of_file(kind: &str, content: &Content) -> Self {
        let mut plan = Self { kind: kind.to_owned(), ..Self::default() };
        for piece in content.pieces() {
            plan.extents.push(Extent { offset: plan.len, label: kind.to_owned(), piece: piece.clone() });
            plan.len += piece.len();
        }
        plan
    }

    /// Adds a file system that starts at byte `start`, with the files it places.
    fn add(&mut self, start: u64, layout: &Layout, tree: &Tree) {
        for (placement, file) in layout.files.iter().zip(&tree.files) {
            let mut done = 0;
            for extent in &placement.extents {
                let mut offset = start + extent.offset;
                for piece in file.content.slice(done, extent.len).pieces() {
                    self.extents.push(Extent { offset, label: file.path.clone(), piece: piece.clone() });
                    offset += piece.len();
                }
                done += extent.len;
            }
            self.files.push(PlannedFile {
                path: file.path.clone(),
                len: done,
                offset: placement.extents.first().map(|extent| start + extent.offset),
                origin: file.origin.clone(),
            });
        }
        self.add_structures(start, layout);
    }

    fn add_structures(&mut self, start: u64, layout: &Layout) {
        for structure in &layout.structures {
            let piece = Piece::Bytes(structure.bytes.clone());
            self.extents.push(Extent {
                offset: start + structure.offset,
                label: structure.label.to_owned(),
                piece,
            });
        }
    }

    /// Sorts the extents and proves that no two of them overlap, and that none goes beyond the end.
    fn finish(mut self) -> Result<Self, PlanError> {
        self.extents.retain(|extent| !extent.piece.is_empty());
        self.extents.sort_by_key(|extent| extent.offset);
        let mut end = (0, "the start");
        for extent in &self.extents {
            if extent.offset + extent.piece.len() > self.len {
                let (label, offset) = (extent.label.clone(), extent.offset);
                return Err(PlanError::BeyondEnd { label, offset, len: self.len });
            }
            if extent.offset < end.0 {
                let (first, second) = (end.1.to_owned(), extent.label.clone());
                return Err(PlanError::Overlap { first, second, offset: extent.offset });
            }
            end = (extent.offset + extent.piece.len(), &extent.label);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_that_cannot_be_are_told_apart() {
        let finish = |extents: &[(u64, usize, &str)]| {
            let extent = |&(offset, len, label): &(u64, usize, &str)| Extent {
                offset,
                label: label.to_owned(),
                piece: Piece::Bytes(vec![1; len].into()),
            };
            let extents = extents.iter().map(extent).collect();
            Plan { len: 100, extents, ..Plan::default() }.finish().err()
        };
        assert!(finish(&[(90, 10, "b"), (10, 80, "a"), (0, 10, "table")]).is_none());
        assert!(
            matches!(finish(&[(10, 1, "b"), (0, 11, "a")]), Some(PlanError::Overlap { first, second, offset: 10 })
            if first == "a" && second == "b")
        );
        assert!(
            matches!(finish(&[(0, 10, "a"), (90, 11, "b")]), Some(PlanError::BeyondEnd { label, offset: 90, len: 100 })
            if label == "b")
        );
    }
}
