//! What can be wrong with a hive or a boot configuration store.

use crate::bytes::Truncated;
use thiserror::Error;

/// Why a hive could not be read or edited. Cell numbers are offsets in bytes from the first hive bin
/// (4096 bytes into the file), as the format itself counts; `offset` counts from the start of the file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HiveError {
    /// The bytes ended inside a structure.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// A structure does not start with its signature.
    #[error("{what} at offset {offset}: expected the signature {expected:?}, found the bytes {found:02x?}")]
    Signature {
        /// The structure.
        what: &'static str,
        /// Its offset in the file.
        offset: u64,
        /// The signature it should have.
        expected: &'static str,
        /// What is there.
        found: Vec<u8>,
    },
    /// The base block's checksum is not that of its first 508 bytes.
    #[error("the base block's checksum is {stored:#010x}, its bytes give {computed:#010x}")]
    Checksum {
        /// The checksum the file carries.
        stored: u32,
        /// The checksum of its bytes.
        computed: u32,
    },
    /// A version other than 1.3 to 1.6.
    #[error("hive version {major}.{minor} is not one of 1.3 to 1.6")]
    Version {
        /// Major version.
        major: u32,
        /// Minor version.
        minor: u32,
    },
    /// The sequence numbers differ: a write was not finished, and what is missing is in the log files.
    #[error("the hive was not closed: its sequence numbers are {primary} and {secondary}")]
    Dirty {
        /// Raised when a write starts.
        primary: u32,
        /// Raised when it is complete.
        secondary: u32,
    },
    /// The hive was not closed, and its log files do not complete it.
    #[error("the hive was not closed, and log file {log} does not complete it: {problem}")]
    Log {
        /// Which of the log files given, counted from 1.
        log: usize,
        /// Why it cannot be used. Offsets count from the start of the log file.
        problem: Box<HiveError>,
    },
    /// A part of a log file does not have the hash it carries.
    #[error("{what} at offset {offset}: its hash is {stored:#018x}, its bytes give {computed:#018x}")]
    Hash {
        /// The part.
        what: &'static str,
        /// Its offset in the log file.
        offset: u64,
        /// The hash it carries.
        stored: u64,
        /// The hash of its bytes.
        computed: u64,
    },
    /// A field of the base block, a hive bin or a cell's size has a value that cannot be.
    #[error("{what} at offset {offset} is {found}, expected {expected}")]
    Field {
        /// The field.
        what: &'static str,
        /// Its offset in the file.
        offset: u64,
        /// What was expected.
        expected: &'static str,
        /// What is there.
        found: i64,
    },
    /// A reference does not lead to the start of an allocated cell.
    #[error("{what}: there is no allocated cell {cell:#x}")]
    NotACell {
        /// What the cell should hold.
        what: &'static str,
        /// Where the reference leads.
        cell: u32,
    },
    /// A record does not hold together.
    #[error("{what} in cell {cell:#x}: expected {expected}, found {found:#x}")]
    Record {
        /// The record.
        what: &'static str,
        /// The cell it lies in.
        cell: u32,
        /// What was expected.
        expected: &'static str,
        /// What is there.
        found: u64,
    },
    /// A cell is reached twice, by a cycle or by two owners.
    #[error("cell {cell:#x} is used more than once")]
    Shared {
        /// The cell.
        cell: u32,
    },
    /// The key's subkeys are not in order or two have the same name, so that none can be added.
    #[error("the subkeys of the key in cell {cell:#x} are not in strict order")]
    Unsorted {
        /// The key's cell.
        cell: u32,
    },
    /// A name cannot be stored.
    #[error("{what} has {length} UTF-16 units, the limit is {limit}")]
    Name {
        /// Which kind of name.
        what: &'static str,
        /// Its length in UTF-16 units.
        length: usize,
        /// The longest there can be.
        limit: usize,
    },
    /// Something does not fit into the format.
    #[error("{what} needs {size} bytes, the limit is {limit}")]
    TooLarge {
        /// What does not fit.
        what: &'static str,
        /// The bytes it needs.
        size: u64,
        /// The most there can be.
        limit: u64,
    },
    /// The root key cannot be deleted.
    #[error("the root key cannot be deleted")]
    Root,
    /// A boot configuration store has no such key.
    #[error("the boot configuration store has no key {path}")]
    Missing {
        /// The key's path.
        path: String,
    },
    /// A value in a boot configuration store is not what its type says.
    #[error("boot configuration element {path}: {problem}")]
    Element {
        /// The key's path.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A line of a boot configuration description cannot be understood.
    #[error("boot configuration description, line {line}: {problem}: {text}")]
    Description {
        /// The line, counted from one.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
        /// The line's text.
        text: String,
    },
}
