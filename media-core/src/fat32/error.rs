//! What can be wrong with a wish or with a volume.

use std::io;

use thiserror::Error;

use crate::bytes::Truncated;

/// Why a volume cannot be planned or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FatError {
    /// FAT32 has no room for the file's length.
    #[error("{path}: {len} bytes are more than a file on FAT32 can have ({limit})")]
    FileTooLarge {
        /// The file.
        path: String,
        /// Its length in bytes.
        len: u64,
        /// The longest possible file in bytes.
        limit: u64,
    },
    /// A name that FAT cannot hold or Windows cannot open.
    #[error("{path}: the name \"{name}\" {problem}")]
    Name {
        /// The file.
        path: String,
        /// The part of the path.
        name: String,
        /// What is wrong with it.
        problem: NameProblem,
    },
    /// A path longer than [`super::LONGEST_PATH`].
    #[error("{path}: the path has {units} UTF-16 units, more than {limit}")]
    PathTooLong {
        /// The file.
        path: String,
        /// Its length.
        units: usize,
        /// The longest possible path.
        limit: usize,
    },
    /// Two files that are one, because FAT does not tell upper from lower case.
    #[error("{second}: there is already {first}, which is the same name on FAT32")]
    SameName {
        /// The file named first.
        first: String,
        /// The file named later.
        second: String,
    },
    /// Something is to be a file and a folder.
    #[error("{path} is both a file and a folder")]
    FileAndFolder {
        /// The path, as it was given first.
        path: String,
    },
    /// A folder with too many entries.
    #[error("the folder \"{path}\" needs {entries} entries (long names take several), more than {limit}")]
    FolderTooLarge {
        /// The folder; empty for the root.
        path: String,
        /// 32-byte entries it needs.
        entries: u64,
        /// The most it can have.
        limit: u64,
    },
    /// A volume label that is not one.
    #[error("the volume label \"{label}\" {problem}")]
    Label {
        /// The label.
        label: String,
        /// What is wrong with it.
        problem: NameProblem,
    },
    /// A cluster size other than a power of two from 512 to 65536.
    #[error("the cluster size is {cluster_size}; it must be a power of two from 512 to 65536")]
    ClusterSize {
        /// Bytes.
        cluster_size: u32,
    },
    /// The content, or the least number of clusters of FAT32, does not fit.
    #[error("the volume has {given} sectors, but needs {needed} with clusters of {cluster_size} bytes")]
    VolumeTooSmall {
        /// Sectors needed.
        needed: u64,
        /// Sectors given.
        given: u64,
        /// Bytes in a cluster.
        cluster_size: u32,
    },
    /// More sectors than the boot sector can count.
    #[error("{sectors} sectors are more than a FAT32 volume can have ({limit})")]
    TooManySectors {
        /// Sectors asked for or needed.
        sectors: u64,
        /// The most there can be.
        limit: u64,
    },
    /// More clusters than FAT32 can number.
    #[error("{clusters} clusters of {cluster_size} bytes are more than FAT32 can number ({limit})")]
    TooManyClusters {
        /// Clusters asked for or needed.
        clusters: u64,
        /// Bytes in a cluster.
        cluster_size: u32,
        /// The most there can be.
        limit: u64,
    },
    /// There is no such file on the volume.
    #[error("{path}: there is no such file")]
    NoSuchFile {
        /// The path looked for.
        path: String,
    },
    /// The volume has no room for a file to grow.
    #[error("{path} needs {needed} bytes, and there is room for {room}")]
    NoRoom {
        /// The file.
        path: String,
        /// How long it is to be.
        needed: u64,
        /// How long it can be.
        room: u64,
    },
    /// The volume ends before the structure does.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// The source could not be read.
    #[error("{what} at byte {offset}: {error}")]
    Io {
        /// What was being read.
        what: &'static str,
        /// Where, in bytes from the start of the source.
        offset: u64,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The boot sector does not describe a FAT32 volume this reader knows.
    #[error("boot sector, {field}: found {found}, expected {expected}")]
    NotFat32 {
        /// The field, in the words of the specification.
        field: &'static str,
        /// What it holds.
        found: u64,
        /// What it should hold.
        expected: &'static str,
    },
    /// A structure contradicts itself or another one.
    #[error("{place}: found {found}, expected {expected}")]
    Damaged {
        /// A stable name, the same as a finding's: `fat32.cross-link`.
        id: &'static str,
        /// A path or a structure.
        place: String,
        /// What is there.
        found: String,
        /// What should be there.
        expected: &'static str,
    },
    /// More of something than any medium needs.
    #[error("more than {limit} {unit} at \"{path}\"")]
    TooMany {
        /// What there is too much of.
        unit: &'static str,
        /// How many are read.
        limit: u64,
        /// The folder or file where the limit was met.
        path: String,
    },
}

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameProblem {
    /// Nothing between two separators, or no name at all.
    #[error("is empty")]
    Empty,
    /// More than 255 UTF-16 units, or 11 bytes for a label.
    #[error("has {units} units, more than {limit}")]
    TooLong {
        /// How many there are.
        units: usize,
        /// How many there can be.
        limit: usize,
    },
    /// A character FAT does not allow.
    #[error("contains {0:?}, which FAT32 does not allow there")]
    Character(char),
    /// Windows drops dots and spaces at the end of a name, so it could never open this one.
    #[error("ends with a dot or a space")]
    TrailingDotOrSpace,
    /// `CON`, `NUL`, `COM1` and their like, with or without an extension.
    #[error("is a device name in Windows")]
    Device,
}
