//! What can be wrong with a WIM file, as facts.

use std::io;

use thiserror::Error;

use super::{Compression, Hash};
use crate::bytes::Truncated;

/// Why a WIM file could not be read, checked or changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WimError {
    /// The source could not be read.
    #[error("{what}: cannot read {len} bytes at offset {offset}: {error}")]
    Read {
        /// What was being read.
        what: &'static str,
        /// Where, in bytes from the start of the file.
        offset: u64,
        /// How many bytes were asked for.
        len: u64,
        /// What the source said.
        #[source]
        error: io::Error,
    },
    /// A structure ends before its fields do.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// The file does not start with `MSWIM\0\0\0` (or `WLPWM\0\0\0`, a pipable WIM).
    #[error("not a WIM file: its first bytes are not those of one")]
    Signature,
    /// A path that wimlib cannot be told.
    #[error("the path {path} has a zero in it")]
    Path {
        /// The path, as far as it is text.
        path: String,
    },
    /// wimlib refused.
    #[error("{doing}: {message} (wimlib)")]
    Wimlib {
        /// What it was to do.
        doing: &'static str,
        /// What it says.
        message: String,
    },
    /// The header says it has another length than 208 bytes.
    #[error("WIM header: its length is given as {found} bytes, expected 208")]
    HeaderLength {
        /// The length it gives.
        found: u32,
    },
    /// A version that is neither 0x10D00 nor 0xE00 (which allows solid resources and LZMS).
    #[error("WIM header: version 0x{found:X}, expected 0x10D00 or 0xE00")]
    Version {
        /// The version in the header.
        found: u32,
    },
    /// The header says that resources are compressed, but not in a known way.
    #[error("WIM header: flags 0x{flags:08X} name no known compression")]
    UnknownCompression {
        /// The header's flags.
        flags: u32,
    },
    /// The compression does not allow chunks of this size.
    #[error("{compression} with chunks of {chunk_size} bytes")]
    ChunkSize {
        /// The WIM's compression.
        compression: Compression,
        /// The header's chunk size in bytes.
        chunk_size: u32,
    },
    /// Something lies outside the file.
    #[error("{what}: {len} bytes at offset {offset}, but the file has {file_len}")]
    OutsideFile {
        /// What.
        what: &'static str,
        /// Its offset in the file.
        offset: u64,
        /// Its stored length in bytes.
        len: u64,
        /// The file's length in bytes.
        file_len: u64,
    },
    /// Something is longer than it may be.
    #[error("{what}: {len} bytes, above the limit of {limit}")]
    TooLarge {
        /// What.
        what: &'static str,
        /// Its length in bytes once decoded.
        len: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A resource's lengths, or the table of its chunks, contradict each other.
    #[error("resource at offset {offset}: chunk {chunk}: {stored} bytes are stored for {len}")]
    Chunk {
        /// The resource's offset in the file.
        offset: u64,
        /// The chunk, counted from 0.
        chunk: u64,
        /// How many bytes are stored for it, as computed from the chunk table; may be nonsense.
        stored: u64,
        /// How many bytes it should decode to.
        len: u64,
    },
    /// A chunk's compressed bytes are not valid.
    #[error("resource at offset {offset}: chunk {chunk} is not valid {compression} data")]
    Decompression {
        /// The resource's offset in the file.
        offset: u64,
        /// The chunk, counted from 0.
        chunk: u64,
        /// The WIM's compression.
        compression: Compression,
    },
    /// Memory for a decompressor could not be had.
    #[error("no memory for a {compression} decompressor")]
    DecoderMemory {
        /// The WIM's compression.
        compression: Compression,
    },
    /// Bytes do not have the SHA-1 they should have.
    #[error("{what} at offset {offset}: SHA-1 is {found}, expected {expected}")]
    HashMismatch {
        /// What was hashed.
        what: &'static str,
        /// Its offset in the file.
        offset: u64,
        /// The SHA-1 the WIM gives.
        expected: Hash,
        /// The SHA-1 of the bytes.
        found: Hash,
    },
    /// A blob is not in the blob table.
    #[error("no blob {hash} in the blob table")]
    NoBlob {
        /// The blob's SHA-1.
        hash: Hash,
    },
    /// The blob table's length is not a whole number of 50-byte entries.
    #[error("blob table: {len} bytes are not a whole number of 50-byte entries")]
    BlobTableLength {
        /// Its length in bytes.
        len: u64,
    },
    /// Two images' metadata lie over each other.
    #[error("blob table: the metadata of entry {entry}, at offset {offset}, starts inside another image's")]
    MetadataOverlap {
        /// The entry of the blob table, counted from 0.
        entry: usize,
        /// Its metadata's offset in the file.
        offset: u64,
    },
    /// A pipable WIM, whose resources are laid out differently.
    #[error("the WIM is pipable (its signature is WLPWM)")]
    Pipable,
    /// A solid resource, which holds many blobs compressed together.
    #[error("the blob table has a solid resource (entry {entry})")]
    Solid {
        /// The entry of the blob table, counted from 0.
        entry: usize,
    },
    /// One part of a split WIM.
    #[error("the WIM is part {part_number} of {total_parts}")]
    Split {
        /// This part, counted from 1.
        part_number: u16,
        /// How many parts there are.
        total_parts: u16,
    },
    /// The header says that somebody is still writing, or stopped while writing.
    #[error("the WIM's header says that it is being written")]
    WriteInProgress,
    /// The XML cannot be understood.
    #[error("XML at offset {offset}: {reason}")]
    Xml {
        /// The XML's offset in the file.
        offset: u64,
        /// What the XML reader said.
        reason: String,
    },
    /// There is no such image.
    #[error("no image {index}: the WIM has {images}")]
    NoImage {
        /// The index asked for.
        index: u32,
        /// How many images have metadata here; the first has index 1.
        images: u32,
    },
    /// An image's metadata is damaged.
    #[error("metadata of image {image}, offset {offset}: {defect}")]
    Metadata {
        /// The image, counted from 1.
        image: u32,
        /// Bytes from the start of the decoded metadata.
        offset: u64,
        /// What is wrong.
        defect: MetadataDefect,
    },
    /// There is no such file in the image.
    #[error("no {path} in image {image}")]
    NoFile {
        /// The image, counted from 1.
        image: u32,
        /// The path asked for.
        path: String,
    },
    /// Its content cannot be replaced: a folder, a reparse point or an encrypted file.
    #[error("{path} in image {image} is {kind} (attributes 0x{attributes:X})")]
    NotPlain {
        /// The image, counted from 1.
        image: u32,
        /// The path asked for.
        path: String,
        /// As `Entry::not_plain` says it.
        kind: &'static str,
        /// The entry's `FILE_ATTRIBUTE_*` bits.
        attributes: u32,
    },
    /// The integrity table contradicts itself or the header.
    #[error(
        "integrity table at offset {offset}: {len} bytes, {entries} entries for chunks of {chunk_size} bytes, \
         for {checked} bytes to check"
    )]
    IntegrityTable {
        /// Its offset in the file.
        offset: u64,
        /// Its length as it gives it itself, in bytes.
        len: u32,
        /// How many entries it says it has.
        entries: u32,
        /// The length of what each entry covers, in bytes.
        chunk_size: u32,
        /// How many bytes there are from the end of the header to the end of the blob table.
        checked: u64,
    },
    /// The new file would be too long for a field of the format.
    #[error("{what} does not fit: {value}")]
    Unrepresentable {
        /// The field.
        what: &'static str,
        /// The value it should take.
        value: u64,
    },
    /// The observer asked to stop.
    #[error("stopped")]
    Stopped,
    /// The receiver of a stream did not take it.
    #[error("the data could not be passed on: {0}")]
    Consumer(#[source] io::Error),
}

/// What is wrong with a metadata resource.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MetadataDefect {
    /// A structure ends outside the metadata, or before its own fields end.
    #[error("{what} needs {wanted} bytes, {left} are there")]
    Short {
        /// The structure.
        what: &'static str,
        /// Bytes it needs.
        wanted: u64,
        /// Bytes there are.
        left: u64,
    },
    /// There is no root, or it is not a folder.
    #[error("the root is not a folder")]
    Root,
    /// Entries overlap or a folder is its own ancestor: they cover more bytes than there are, or one is met twice.
    #[error("directory entries overlap or form a cycle")]
    Cycle,
    /// A name no path can have: empty, `.`, `..`, or with a separator or NUL in it.
    #[error("a file is named {name:?}")]
    Name {
        /// The name.
        name: String,
    },
    /// A name's length in bytes is odd, so it is not UTF-16.
    #[error("a name of {len} bytes is not UTF-16")]
    OddName {
        /// Its length in bytes.
        len: u16,
    },
    /// Two files of the same name in one folder.
    #[error("a second file named {name:?} in the same folder")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A path longer than the 32767 UTF-16 units Windows allows.
    #[error("a path of more than 32767 UTF-16 units")]
    LongPath,
}
