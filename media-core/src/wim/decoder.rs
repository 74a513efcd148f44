//! Decoding of single XPRESS, LZX and LZMS chunks by wimlib's C decompressors.
//!
//! The only module that calls C, and the only one with `unsafe`. What wimlib asks of its callers
//! (`wimlib.h`, group "Compression and decompression functions"): a decompressor is used by one thread at a time,
//! the exact decoded length is passed and is at most the `max_block_size` it was made with, and any input is allowed:
//! invalid data is a nonzero return. `wimlib_create_decompressor` does its own global initialisation under a lock.
#![allow(unsafe_code)]

use std::ptr::{self, NonNull};

use wimlib_sys::{
    wimlib_compression_type_WIMLIB_COMPRESSION_TYPE_LZMS as TYPE_LZMS,
    wimlib_compression_type_WIMLIB_COMPRESSION_TYPE_LZX as TYPE_LZX,
    wimlib_compression_type_WIMLIB_COMPRESSION_TYPE_XPRESS as TYPE_XPRESS, wimlib_create_decompressor,
    wimlib_decompress, wimlib_decompressor, wimlib_free_decompressor,
};

use super::{Compression, WimError};

/// Longer LZMS chunks are not decoded, so that a chunk's length in a damaged header cannot ask for a gigabyte.
/// Writers use 128 KiB for blobs that are compressed one by one.
const LZMS_CHUNK_LIMIT: u32 = 4 << 20;

/// Decodes chunks of one compression and size.
pub struct Decoder {
    handle: NonNull<wimlib_decompressor>,
    chunk_size: u32,
}

impl Decoder {
    /// A decoder for chunks of at most `chunk_size` bytes once decoded.
    pub fn new(compression: Compression, chunk_size: u32) -> Result<Self, WimError> {
        let (kind, smallest, largest) = match compression {
            Compression::Xpress => (TYPE_XPRESS, 1 << 12, 1 << 16),
            Compression::Lzx => (TYPE_LZX, 1 << 15, 1 << 21),
            Compression::Lzms => (TYPE_LZMS, 1 << 15, LZMS_CHUNK_LIMIT),
            Compression::None => return Err(WimError::ChunkSize { compression, chunk_size }),
        };
        if !chunk_size.is_power_of_two() || !(smallest..=largest).contains(&chunk_size) {
            return Err(WimError::ChunkSize { compression, chunk_size });
        }
        let mut handle = ptr::null_mut();
        // SAFETY: the type is one of the three the function knows, the block size is in the range it documents for
        // that type, and `handle` outlives the call, which writes one pointer to it.
        let status = unsafe { wimlib_create_decompressor(kind, chunk_size as usize, &raw mut handle) };
        match NonNull::new(handle) {
            Some(handle) if status == 0 => Ok(Self { handle, chunk_size }),
            _ => Err(WimError::DecoderMemory { compression }),
        }
    }

    /// Decodes one chunk into all of `decoded`; false when it is not valid, and `decoded` is then unspecified.
    #[must_use]
    pub fn decode(&mut self, stored: &[u8], decoded: &mut [u8]) -> bool {
        if stored.is_empty() || decoded.is_empty() || decoded.len() > self.chunk_size as usize {
            return false;
        }
        // SAFETY: both pointers are to slices of exactly the lengths passed, neither of them empty; they cannot
        // overlap, one being borrowed mutably; the decoded length is at most the block size the decompressor was
        // made with; `&mut self` makes this the only use of the handle.
        let status = unsafe {
            wimlib_decompress(
                stored.as_ptr().cast(),
                stored.len(),
                decoded.as_mut_ptr().cast(),
                decoded.len(),
                self.handle.as_ptr(),
            )
        };
        status == 0
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the handle came from `wimlib_create_decompressor` and is freed only here.
        unsafe { wimlib_free_decompressor(self.handle.as_ptr()) }
    }
}
