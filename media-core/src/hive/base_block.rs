//! The base block: the first 4096 bytes of a hive. Field offsets from M. Suhanov's "Windows registry file
//! format specification", section "Base block".

use super::HiveError;
use crate::bytes::Reader;

/// Bytes in front of the first hive bin.
pub(super) const LEN: usize = 4096;
const CHECKED: usize = 508;

/// What the editor needs of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct BaseBlock {
    pub(super) minor: u32,
    pub(super) root: u32,
    /// Bytes of all hive bins.
    pub(super) size: u32,
}

/// Fails unless the next four bytes are a structure's signature.
pub(super) fn take_signature(
    reader: &mut Reader<'_>,
    what: &'static str,
    expected: &'static str,
) -> Result<(), HiveError> {
    let offset = reader.offset();
    let found = reader.take(4)?;
    if found == expected.as_bytes() {
        return Ok(());
    }
    Err(HiveError::Signature { what, offset, expected, found: found.to_vec() })
}

/// Reads and checks the base block of a primary file.
pub(super) fn read(bytes: &[u8]) -> Result<BaseBlock, HiveError> {
    let mut reader = Reader::new("hive base block", bytes);
    let block = reader.take(LEN)?;
    let mut reader = Reader::new("hive base block", block);
    take_signature(&mut reader, "hive", "regf")?;
    let (primary, secondary) = (reader.u32()?, reader.u32()?);
    reader.take(8)?; // last written time
    let (major, minor, kind, format) = (reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?);
    let (root, size) = (reader.u32()?, reader.u32()?);
    let computed = checksum(block);
    let stored = Reader::new("hive checksum", &block[CHECKED..]).u32()?;
    if stored != computed {
        return Err(HiveError::Checksum { stored, computed });
    }
    if major != 1 || !(3..=6).contains(&minor) {
        return Err(HiveError::Version { major, minor });
    }
    for (what, offset, expected, found, wanted) in [
        ("file type", 28, "0 (a primary file)", kind, 0),
        ("file format", 32, "1 (direct memory load)", format, 1),
    ] {
        if found != wanted {
            return Err(HiveError::Field { what, offset, expected, found: i64::from(found) });
        }
    }
    if primary != secondary {
        return Err(HiveError::Dirty { primary, secondary });
    }
    let room = bytes.len() - LEN;
    if size == 0 || !size.is_multiple_of(4096) || size >= 1 << 31 || size as usize > room {
        return Err(HiveError::Field {
            what: "size of the hive bins",
            offset: 40,
            expected: "a multiple of 4096 that the file has",
            found: i64::from(size),
        });
    }
    Ok(BaseBlock { minor, root, size })
}

/// A new base block, its sequence numbers zero and no checksum yet.
pub(super) fn create(minor: u32) -> Vec<u8> {
    let mut block = vec![0; LEN];
    block[..4].copy_from_slice(b"regf");
    for (offset, value) in [(20, 1u32), (24, minor), (32, 1), (44, 1)] {
        block[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
    }
    block
}

/// Sets root, size and time, raises both sequence numbers to one more than the higher, and sets the checksum.
pub(super) fn finish(block: &mut [u8], root: u32, size: u32, filetime: u64) {
    let sequence = |block: &[u8], at: usize| {
        block.get(at..at + 4).and_then(|field| field.try_into().ok()).map_or(0, u32::from_le_bytes)
    };
    let next = sequence(block, 4).max(sequence(block, 8)).wrapping_add(1);
    for (offset, value) in [(4, next), (8, next), (36, root), (40, size)] {
        block[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
    }
    block[12..20].copy_from_slice(&filetime.to_le_bytes());
    let sum = checksum(block);
    block[CHECKED..CHECKED + 4].copy_from_slice(&sum.to_le_bytes());
}

/// The exclusive-or of the first 127 numbers; 0 and 0xFFFFFFFF are avoided as Windows does.
pub(super) fn checksum(block: &[u8]) -> u32 {
    let numbers = block.iter().take(CHECKED).copied().collect::<Vec<_>>();
    match numbers.as_chunks::<4>().0.iter().fold(0, |sum, number| sum ^ u32::from_le_bytes(*number)) {
        0 => 1,
        u32::MAX => u32::MAX - 1,
        sum => sum,
    }
}
