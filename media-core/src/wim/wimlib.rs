//! wimlib's C interface: decoding of single XPRESS, LZX and LZMS chunks, and adding files to an image.
//!
//! The only module that calls C, and the only one with `unsafe`. What wimlib asks of its callers of a decompressor
//! (`wimlib.h`, group "Compression and decompression functions"): it is used by one thread at a time,
//! the exact decoded length is passed and is at most the `max_block_size` it was made with, and any input is allowed:
//! invalid data is a nonzero return. Of a WIM file (groups "Creating and Opening WIMs" and "Modifying WIMs"): it is used by
//! one thread at a time, and paths end in a zero. `wimlib_create_decompressor` and `wimlib_open_wim` do wimlib's global
//! initialisation under a lock.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_uint};
use std::path::Path;
use std::ptr::{self, NonNull};

use wimlib_sys::{
    WIMLIB_ADD_FLAG_DEREFERENCE, WIMLIB_ADD_FLAG_NO_ACLS, WIMLIB_ADD_FLAG_NO_UNSUPPORTED_EXCLUDE,
    WIMLIB_ADD_FLAG_NORPFIX, WIMLIB_OPEN_FLAG_WRITE_ACCESS, WIMLIB_WRITE_FLAG_FSYNC, WIMStruct,
    wimlib_add_tree, wimlib_compression_type_WIMLIB_COMPRESSION_TYPE_LZMS as TYPE_LZMS,
    wimlib_compression_type_WIMLIB_COMPRESSION_TYPE_LZX as TYPE_LZX,
    wimlib_compression_type_WIMLIB_COMPRESSION_TYPE_XPRESS as TYPE_XPRESS, wimlib_create_decompressor,
    wimlib_decompress, wimlib_decompressor, wimlib_error_code, wimlib_free, wimlib_free_decompressor,
    wimlib_get_error_string, wimlib_open_wim, wimlib_overwrite, wimlib_tchar,
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

/// Owners and modes of Unix mean nothing to Windows, and whoever may read a file here says nothing of who may read it there.
const ADD: u32 =
    WIMLIB_ADD_FLAG_NO_ACLS | WIMLIB_ADD_FLAG_NO_UNSUPPORTED_EXCLUDE | WIMLIB_ADD_FLAG_NORPFIX | LINKS;
/// Links are followed, so that what they lead to is added; wimlib cannot on Windows, where it adds the links.
const LINKS: u32 = if cfg!(windows) { 0 } else { WIMLIB_ADD_FLAG_DEREFERENCE };

/// A WIM file that is open for a change.
pub struct OpenWim {
    handle: NonNull<WIMStruct>,
}

impl OpenWim {
    /// Opens a file for a change.
    pub fn open(path: &Path) -> Result<Self, WimError> {
        let path = terminated(path)?;
        let mut handle = ptr::null_mut();
        // SAFETY: the path ends in a zero and outlives the call, as does `handle`, to which it writes one pointer.
        let status = unsafe {
            wimlib_open_wim(path.as_ptr(), WIMLIB_OPEN_FLAG_WRITE_ACCESS as c_int, &raw mut handle)
        };
        check("opening the WIM file", status)?;
        let handle = NonNull::new(handle).ok_or_else(|| failed("opening the WIM file", status))?;
        Ok(Self { handle })
    }

    /// Adds a file or folder to the image with this number, counted from 1, under a path with `/` between names.
    pub fn add(&mut self, image: u32, source: &Path, target: &str) -> Result<(), WimError> {
        let (source, target) = (terminated(source)?, terminated(Path::new(target))?);
        let image = c_int::try_from(image).map_err(|_| WimError::NoImage { index: image, images: 0 })?;
        let flags = ADD as c_int;
        // SAFETY: the handle is open, `&mut self` makes this its only use, and both paths end in a zero and outlive the call.
        let status =
            unsafe { wimlib_add_tree(self.handle.as_ptr(), image, source.as_ptr(), target.as_ptr(), flags) };
        check("adding the files", status)
    }

    /// Writes what was added behind the end of the file, and then its header.
    pub fn write(self) -> Result<(), WimError> {
        let threads: c_uint = 0;
        // SAFETY: the handle is open, and used for nothing after this but to free it.
        let status =
            unsafe { wimlib_overwrite(self.handle.as_ptr(), WIMLIB_WRITE_FLAG_FSYNC as c_int, threads) };
        check("writing the WIM file", status)
    }
}

impl Drop for OpenWim {
    fn drop(&mut self) {
        // SAFETY: the handle came from `wimlib_open_wim` and is freed only here.
        unsafe { wimlib_free(self.handle.as_ptr()) }
    }
}

fn check(doing: &'static str, status: c_int) -> Result<(), WimError> {
    if status == 0 { Ok(()) } else { Err(failed(doing, status)) }
}

fn failed(doing: &'static str, status: c_int) -> WimError {
    // SAFETY: any number is allowed, and the text is wimlib's own, ends in a zero and stays for as long as the process.
    let message = unsafe { text(wimlib_get_error_string(status as wimlib_error_code)) };
    WimError::Wimlib { doing, message }
}

/// A path as wimlib takes it.
#[cfg(not(windows))]
fn terminated(path: &Path) -> Result<Vec<wimlib_tchar>, WimError> {
    let bytes = path.as_os_str().as_encoded_bytes();
    with_zero(path, bytes.iter().map(|byte| *byte as wimlib_tchar))
}

/// A path as wimlib takes it: UTF-16.
#[cfg(windows)]
fn terminated(path: &Path) -> Result<Vec<wimlib_tchar>, WimError> {
    use std::os::windows::ffi::OsStrExt;
    with_zero(path, path.as_os_str().encode_wide())
}

fn with_zero(path: &Path, units: impl Iterator<Item = wimlib_tchar>) -> Result<Vec<wimlib_tchar>, WimError> {
    let units: Vec<wimlib_tchar> = units.chain([0]).collect();
    match units.iter().position(|unit| *unit == 0) {
        Some(end) if end + 1 == units.len() => Ok(units),
        _ => Err(WimError::Path { path: path.display().to_string() }),
    }
}

/// Text that wimlib gives.
///
/// # Safety
/// The pointer is to units that end in a zero, and stay for as long as this runs.
#[cfg(not(windows))]
unsafe fn text(start: *const wimlib_tchar) -> String {
    // SAFETY: as the caller says.
    unsafe { std::ffi::CStr::from_ptr(start) }.to_string_lossy().into_owned()
}

/// Text that wimlib gives, in UTF-16.
///
/// # Safety
/// The pointer is to units that end in a zero, and stay for as long as this runs.
#[cfg(windows)]
unsafe fn text(start: *const wimlib_tchar) -> String {
    // SAFETY: as the caller says; no unit behind the zero is read.
    let units = (0..).map(|at| unsafe { *start.add(at) }).take_while(|unit| *unit != 0);
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
