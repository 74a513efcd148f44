//! The compressors of wimlib, one chunk at a time: the one module of this package that calls C.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::ptr::{self, NonNull};

use super::Compression;

/// A compressor for chunks of at most one size.
///
/// Its output depends on what it compressed before, so equal bytes want a compressor of their own per resource.
pub(super) struct Compressor {
    handle: NonNull<wimlib_sys::wimlib_compressor>,
    chunk_size: usize,
}

/// wimlib's scale: 10 is low, 50 its default. A fixture wants to be made quickly.
const LEVEL: u32 = 20;

impl Compressor {
    /// A fresh compressor; `None` for [`Compression::None`].
    pub(super) fn new(compression: Compression, chunk_size: u32) -> io::Result<Option<Self>> {
        let kind = match compression {
            Compression::None => return Ok(None),
            Compression::Xpress => wimlib_sys::wimlib_compression_type_WIMLIB_COMPRESSION_TYPE_XPRESS,
            Compression::Lzx => wimlib_sys::wimlib_compression_type_WIMLIB_COMPRESSION_TYPE_LZX,
            Compression::Lzms => wimlib_sys::wimlib_compression_type_WIMLIB_COMPRESSION_TYPE_LZMS,
        };
        let mut handle = ptr::null_mut();
        // SAFETY: `handle` is a place for one pointer, which the function fills in exactly when it returns 0.
        let code = unsafe {
            wimlib_sys::wimlib_create_compressor(kind, chunk_size as usize, LEVEL, &raw mut handle)
        };
        match NonNull::new(handle) {
            Some(handle) if code == 0 => Ok(Some(Self { handle, chunk_size: chunk_size as usize })),
            _ => Err(io::Error::other(format!(
                "wimlib makes no {compression:?} compressor for chunks of {chunk_size} bytes (error {code})"
            ))),
        }
    }

    /// `chunk` compressed, or `None` when that would not make it smaller.
    pub(super) fn compress(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
        assert!(chunk.len() <= self.chunk_size, "a chunk of {} bytes is too long", chunk.len());
        let mut out = vec![0; chunk.len().checked_sub(1)?];
        // SAFETY: both pointers lead to as many bytes as the sizes beside them say, the two buffers are
        // different, and the handle is live and used by nobody else while `self` is borrowed for writing.
        let len = unsafe {
            wimlib_sys::wimlib_compress(
                chunk.as_ptr().cast::<c_void>(),
                chunk.len(),
                out.as_mut_ptr().cast::<c_void>(),
                out.len(),
                self.handle.as_ptr(),
            )
        };
        out.truncate(len);
        (len > 0).then_some(out)
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        // SAFETY: the handle came from `wimlib_create_compressor` and is freed here alone.
        unsafe { wimlib_sys::wimlib_free_compressor(self.handle.as_ptr()) }
    }
}
