//! The 208-byte header, and the 24-byte resource headers in it and in the blob table.
//!
//! Source: "Windows Imaging File Format (WIM)", Microsoft 2007, sections "Header" and "Resource header";
//! version 0xE00, LZMS and the pipable signature as wimlib documents them.

use std::fmt;

use super::WimError;
use super::source::read_vec;
use crate::bytes::Reader;
use crate::io::Source;

/// Length of the header in bytes.
pub const HEADER_LEN: u64 = 208;
/// Offsets of the fields an edit changes.
pub(super) const BLOB_TABLE_FIELD: usize = 0x30;
pub(super) const XML_FIELD: usize = 0x48;
pub(super) const BOOT_METADATA_FIELD: usize = 0x60;
pub(super) const BOOT_INDEX_FIELD: usize = 0x78;
pub(super) const INTEGRITY_FIELD: usize = 0x7C;

const SIGNATURE: [u8; 8] = *b"MSWIM\0\0\0";
const SIGNATURE_PIPABLE: [u8; 8] = *b"WLPWM\0\0\0";

/// Whether a file that starts with these bytes is a WIM file, pipable ones too.
pub fn has_signature(start: &[u8]) -> bool {
    start.starts_with(&SIGNATURE) || start.starts_with(&SIGNATURE_PIPABLE)
}

/// Version of WIM files whose blobs are compressed one by one.
pub const VERSION_DEFAULT: u32 = 0x0001_0D00;
/// Version of WIM files that may have solid resources and LZMS.
pub const VERSION_SOLID: u32 = 0x0000_0E00;

const FLAG_COMPRESSION: u32 = 0x0000_0002;
const FLAG_READ_ONLY: u32 = 0x0000_0004;
const FLAG_WRITE_IN_PROGRESS: u32 = 0x0000_0040;
const FLAG_XPRESS: u32 = 0x0002_0000;
const FLAG_LZX: u32 = 0x0004_0000;
const FLAG_LZMS: u32 = 0x0008_0000;
const FLAG_XPRESS_2: u32 = 0x0020_0000;

/// How compressed resources are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    None,
    /// LZ77 and Huffman codes; chunks of 4 KiB to 64 KiB.
    Xpress,
    /// LZX; chunks of 32 KiB to 2 MiB.
    Lzx,
    /// LZMS; chunks of 32 KiB to 1 GiB.
    Lzms,
}

impl fmt::Display for Compression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::None => "no compression",
            Self::Xpress => "XPRESS",
            Self::Lzx => "LZX",
            Self::Lzms => "LZMS",
        })
    }
}

/// Where a resource lies in the file, and how it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resource {
    /// Bytes from the start of the file.
    pub offset: u64,
    /// Length in the file, in bytes (56 bits).
    pub stored_len: u64,
    /// Length once decoded, in bytes.
    pub len: u64,
    /// `FLAG_*` of this type.
    pub flags: u8,
}

impl Resource {
    /// Image metadata rather than a file's content.
    pub const FLAG_METADATA: u8 = 0x02;
    /// Stored in chunks, each compressed when that made it smaller.
    pub const FLAG_COMPRESSED: u8 = 0x04;
    /// Part of a solid resource (version 0xE00 only).
    pub const FLAG_SOLID: u8 = 0x10;

    /// Whether it is stored in chunks.
    pub fn is_compressed(&self) -> bool {
        self.flags & Self::FLAG_COMPRESSED != 0
    }

    /// Whether it is image metadata.
    pub fn is_metadata(&self) -> bool {
        self.flags & Self::FLAG_METADATA != 0
    }

    /// Whether the header is all zero, as it is for what is not there.
    pub fn is_absent(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, WimError> {
        let first = reader.u64()?;
        Ok(Self {
            stored_len: first & 0x00FF_FFFF_FFFF_FFFF,
            flags: (first >> 56) as u8,
            offset: reader.u64()?,
            len: reader.u64()?,
        })
    }

    pub(super) fn to_bytes(self) -> [u8; 24] {
        let mut out = [0; 24];
        out[..8].copy_from_slice(&(self.stored_len | u64::from(self.flags) << 56).to_le_bytes());
        out[8..16].copy_from_slice(&self.offset.to_le_bytes());
        out[16..].copy_from_slice(&self.len.to_le_bytes());
        out
    }
}

/// The header of a WIM file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// 0x10D00 or 0xE00.
    pub version: u32,
    /// All `WIM_HDR_FLAG_*` bits.
    pub flags: u32,
    /// How compressed resources are compressed.
    pub compression: Compression,
    /// Decoded bytes per chunk of compressed resources; 0 in WIM files without compression.
    pub chunk_size: u32,
    /// Identifies the WIM file; the same in all parts of a split one.
    pub guid: [u8; 16],
    /// This part, counted from 1.
    pub part_number: u16,
    /// How many parts there are; 1 when the WIM is not split.
    pub total_parts: u16,
    /// How many images there are.
    pub image_count: u32,
    /// The image the boot manager starts, counted from 1; 0 when none can be started.
    pub boot_index: u32,
    /// The signature is `WLPWM`: resources are laid out for pipes, which this module does not decode.
    pub is_pipable: bool,
    /// The table of blobs.
    pub blob_table: Resource,
    /// The XML that describes the images.
    pub xml: Resource,
    /// A copy of the boot image's metadata resource header: the boot manager looks nowhere else.
    pub boot_metadata: Resource,
    /// The table of SHA-1 sums over the file; absent in many WIM files.
    pub integrity: Resource,
}

impl Header {
    /// Whether the WIM asks not to be changed.
    pub fn is_read_only(&self) -> bool {
        self.flags & FLAG_READ_ONLY != 0
    }

    /// Whether a writer has not finished.
    pub fn is_write_in_progress(&self) -> bool {
        self.flags & FLAG_WRITE_IN_PROGRESS != 0
    }

    /// Reads the header of a file, in a pipable one the complete copy at its end.
    pub(super) fn read(source: &dyn Source) -> Result<Self, WimError> {
        let file_len = source.len();
        let start = read_vec(source, "WIM header", 0, file_len.min(HEADER_LEN))?;
        let header = Self::parse(&start, 0)?;
        // A pipable WIM is written front to back, so that only its last 208 bytes know where everything is.
        if header.is_pipable && header.blob_table.offset == 0 && file_len >= 2 * HEADER_LEN {
            let offset = file_len - HEADER_LEN;
            return Self::parse(&read_vec(source, "WIM header", offset, HEADER_LEN)?, offset);
        }
        Ok(header)
    }

    pub(super) fn parse(bytes: &[u8], offset: u64) -> Result<Self, WimError> {
        let mut reader = Reader::at("WIM header", bytes, offset);
        let signature = reader.array::<8>()?;
        let is_pipable = signature == SIGNATURE_PIPABLE;
        if signature != SIGNATURE && !is_pipable {
            return Err(WimError::Signature);
        }
        let length = reader.u32()?;
        if u64::from(length) != HEADER_LEN {
            return Err(WimError::HeaderLength { found: length });
        }
        let version = reader.u32()?;
        if version != VERSION_DEFAULT && version != VERSION_SOLID {
            return Err(WimError::Version { found: version });
        }
        let flags = reader.u32()?;
        let header = Self {
            version,
            flags,
            compression: compression(flags)?,
            chunk_size: reader.u32()?,
            guid: reader.array()?,
            part_number: reader.u16()?,
            total_parts: reader.u16()?,
            image_count: reader.u32()?,
            is_pipable,
            blob_table: Resource::parse(&mut reader)?,
            xml: Resource::parse(&mut reader)?,
            boot_metadata: Resource::parse(&mut reader)?,
            boot_index: reader.u32()?,
            integrity: Resource::parse(&mut reader)?,
        };
        reader.take(60)?; // reserved
        Ok(header)
    }
}

fn compression(flags: u32) -> Result<Compression, WimError> {
    if flags & FLAG_COMPRESSION == 0 {
        return Ok(Compression::None);
    }
    match flags & (FLAG_XPRESS | FLAG_LZX | FLAG_LZMS | FLAG_XPRESS_2) {
        FLAG_XPRESS | FLAG_XPRESS_2 => Ok(Compression::Xpress),
        FLAG_LZX => Ok(Compression::Lzx),
        FLAG_LZMS => Ok(Compression::Lzms),
        _ => Err(WimError::UnknownCompression { flags }),
    }
}
