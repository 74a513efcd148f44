//! What can be wrong with a tree to be planned or a disc to be read.

use std::io;

use thiserror::Error;

use crate::bytes::Truncated;

/// Why a disc could not be planned or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IsoError {
    /// The device failed.
    #[error("{what} at offset {offset} cannot be read")]
    Read {
        /// What was being read.
        what: &'static str,
        /// Where, in bytes from the start of the image.
        offset: u64,
        /// What the device said.
        #[source]
        source: io::Error,
    },
    /// There is no such file on the disc.
    #[error("{path}: there is no such file")]
    NoSuchFile {
        /// The path looked for.
        path: String,
    },
    /// Something else follows the file, or may.
    #[error("{path} needs {needed} bytes, and there is room for {room}")]
    NoRoom {
        /// The file.
        path: String,
        /// How long it is to be.
        needed: u64,
        /// How long it can be.
        room: u64,
    },
    /// The trees of the disc have the file in different places, or in several pieces.
    #[error("{path}: {tree} does not have the file in the one piece that the other trees have")]
    NotShared {
        /// The file.
        path: String,
        /// The tree.
        tree: &'static str,
    },
    /// A structure ends before its contents do.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// Something lies beyond the end of the image.
    #[error("{what}: {len} bytes at offset {offset} reach beyond the image's {image} bytes")]
    OutsideImage {
        /// What lies there.
        what: &'static str,
        /// Where it starts, in bytes from the start of the image.
        offset: u64,
        /// How long it is.
        len: u64,
        /// How long the image is.
        image: u64,
    },
    /// Neither an ISO 9660 nor a UDF recognition sequence.
    #[error("no ISO 9660 or UDF volume: offset 32768 should hold `CD001` or `BEA01`, but holds {found:?}")]
    NotADisc {
        /// The five bytes there.
        found: String,
    },
    /// A field has a value it cannot have.
    #[error("{what} at offset {offset}: expected {expected}, found {found}")]
    Bad {
        /// The structure or field.
        what: &'static str,
        /// Where the structure is, in bytes from the start of the image.
        offset: u64,
        /// What the specification asks for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A valid feature that is not read here.
    #[error("{what} at offset {offset} is not supported: {found}")]
    Unsupported {
        /// The feature.
        what: &'static str,
        /// Where it is used, in bytes from the start of the image.
        offset: u64,
        /// What is there.
        found: String,
    },
    /// A folder is reached twice.
    #[error("{what}: the folder {path:?} at offset {offset} was reached before")]
    Loop {
        /// Which tree.
        what: &'static str,
        /// The second path to it.
        path: String,
        /// Where its data is, in bytes from the start of the image.
        offset: u64,
    },
    /// More of something than any disc needs.
    #[error("{what}: more than {limit} {unit} at {path:?}")]
    TooMany {
        /// Which tree.
        what: &'static str,
        /// What there is too much of.
        unit: &'static str,
        /// How many are read.
        limit: u64,
        /// Where the limit was met.
        path: String,
    },
    /// A folder or path further down than any disc needs.
    #[error("{what}: more than {limit} {unit} in {path:?}")]
    TooDeep {
        /// Which tree.
        what: &'static str,
        /// What there is too much of.
        unit: &'static str,
        /// How many are read.
        limit: u64,
        /// The folder where the limit was met.
        path: String,
    },
    /// The disc has no such part.
    #[error("the disc has no {what}")]
    Missing {
        /// What was asked for.
        what: &'static str,
    },
    /// A path that no disc can hold.
    #[error("path {path:?} cannot be put on a disc: {reason}")]
    BadPath {
        /// The path as it was given.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two paths are one to Windows, which does not tell upper from lower case.
    #[error("paths {path:?} and {other:?} are the same name")]
    NameClash {
        /// The later path.
        path: String,
        /// The earlier path.
        other: String,
    },
    /// The label does not fit the primary volume descriptor.
    #[error("the volume label {label:?} has {length} characters; 1 to {limit} fit")]
    BadLabel {
        /// The label as it was given.
        label: String,
        /// Its length in characters.
        length: usize,
        /// The longest there may be.
        limit: usize,
    },
    /// A boot image that is not among the files, or is empty.
    #[error("the {firmware} boot image {path:?} is {}", if *.present { "empty" } else { "not among the files" })]
    NoBootImage {
        /// `BIOS` or `UEFI`.
        firmware: &'static str,
        /// Its path.
        path: String,
        /// Whether the file is there at all.
        present: bool,
    },
    /// The files need more sectors than 32 bits count.
    #[error("the files need {len} bytes; a disc has at most {limit}")]
    TooLarge {
        /// Bytes the files take, each rounded up to its alignment.
        len: u64,
        /// The most there can be.
        limit: u64,
    },
    /// The format library refused the tree.
    #[error("the disc cannot be laid out{}: {reason}", path.as_ref().map(|path| format!(" because of {path:?}")).unwrap_or_default())]
    Refused {
        /// The path it refused, when it named one.
        path: Option<String>,
        /// Its reason.
        reason: String,
    },
}
