//! Reads from the source that check against its length before anything is allocated.

use super::WimError;
use crate::io::Source;

/// `len` bytes at `offset`, where the file has them.
pub fn read_vec(source: &dyn Source, what: &'static str, offset: u64, len: u64) -> Result<Vec<u8>, WimError> {
    check_range(source, what, offset, len)?;
    let mut out = vec![0; len as usize];
    read_into(source, what, offset, &mut out)?;
    Ok(out)
}

/// Fills `buffer` from `offset`.
pub fn read_into(
    source: &dyn Source,
    what: &'static str,
    offset: u64,
    buffer: &mut [u8],
) -> Result<(), WimError> {
    let len = buffer.len() as u64;
    source.read_exact_at(offset, buffer).map_err(|error| WimError::Read { what, offset, len, error })
}

/// Whether the file has these bytes.
pub fn check_range(source: &dyn Source, what: &'static str, offset: u64, len: u64) -> Result<(), WimError> {
    let file_len = source.len();
    match offset.checked_add(len) {
        Some(end) if end <= file_len => Ok(()),
        _ => Err(WimError::OutsideFile { what, offset, len, file_len }),
    }
}
