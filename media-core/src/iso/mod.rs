//! ISO 9660 + Joliet + UDF 1.02 in one image ("bridge"), bootable through El Torito for BIOS and UEFI.
//!
//! Scope: [`plan`] lays out files given by name and length; [`Disc`] reads discs with 2048-byte blocks made by
//! anyone. Refused: Rock Ridge, multi-session, packet-written UDF (virtual, sparable and metadata partitions),
//! interleaved files, extended and continued allocation descriptors, and folders nested deeper than eight levels.

use std::collections::BTreeMap;

mod adjust;
mod bridge;
mod check;
mod disc;
mod el_torito;
mod error;
mod iso9660;
mod names;
mod plan;
mod resize;
mod udf;

#[cfg(test)]
mod tests;

pub use disc::{Disc, DiscFile, Labels};
pub use el_torito::{BootEntry, Emulation, Platform};
pub use error::IsoError;
pub(crate) use plan::{Front, plan_again};
pub use plan::{Options, plan};
pub use resize::resize;

/// Bytes in a sector, and in a logical block of every volume read or written here.
pub const SECTOR: u64 = 2048;

/// File data starts at multiples of this many bytes, so that a file system can share blocks with the source file.
pub const DATA_ALIGNMENT: u64 = 4096;

/// One sector.
type Block = [u8; SECTOR as usize];
/// Sectors by their number, those of zeros left out. Each is in a box, for there may be as many as files: the tree of such large
/// values would take twice their room.
type Sectors = BTreeMap<u64, Box<Block>>;

fn le16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |field| u16::from_le_bytes([field[0], field[1]]))
}

fn le32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |field| u32::from_le_bytes([field[0], field[1], field[2], field[3]]))
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    le32(bytes, at).swap_bytes()
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    le16(bytes, at).swap_bytes()
}

fn le64(bytes: &[u8], at: usize) -> u64 {
    u64::from(le32(bytes, at)) | u64::from(le32(bytes, at + 4)) << 32
}
