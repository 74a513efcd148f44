//! Where bytes come from ([`Source`]) and go to ([`Sink`]).

mod aligned;
mod atomic;
mod block_device;
mod direct;
mod file;
mod in_place;
mod memory;
mod shared;
mod system;
mod write_back;

use std::fs::File;
use std::io;

use zeroize::Zeroizing;

pub(crate) use aligned::Buffer;
pub use atomic::{AtomicFile, TEMPORARY_NAME};
pub use block_device::{BlockDevice, is_device};
pub use direct::ALIGNMENT;
pub use file::FileSource;
pub use in_place::InPlaceFile;
pub use memory::MemorySink;
pub(crate) use shared::{BLOCK, SharedBlocks};

/// Bytes that can be read at any offset, from any thread.
pub trait Source: Send + Sync {
    /// How many bytes there are.
    fn len(&self) -> u64;

    /// Reads at most `buffer.len()` bytes at `offset`; 0 at or past the end.
    ///
    /// # Errors
    /// Whatever the device says.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// The file behind this source, when all of it is one, so that blocks can be shared instead of copied.
    fn file(&self) -> Option<&File> {
        None
    }

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when the source ends first.
    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut done = 0;
        while done < buffer.len() {
            match self.read_at(offset + done as u64, &mut buffer[done..]) {
                Ok(0) => {
                    let message = format!("the data ends at byte {}", offset + done as u64);
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
                }
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether there are no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A place to write a medium to. Only [`crate::write`] calls it.
pub trait Sink {
    /// Makes the sink exactly `len` bytes long, all zero.
    ///
    /// # Errors
    /// Whatever the device says, a full disk for example.
    fn set_len(&mut self, len: u64) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`. From 1 MiB on, what is aligned to [`ALIGNMENT`] at both ends and in memory may go
    /// past the page cache.
    ///
    /// # Errors
    /// Whatever the device says.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Copies at most `len` bytes from a file without them passing through this process; returns how many.
    ///
    /// Where the file system can share blocks and both offsets are multiples of 4096, nothing is copied at all
    /// (Linux tries to clone before it copies).
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] when this is not possible here; the caller then reads and writes.
    fn copy_range(&mut self, offset: u64, from: &File, from_offset: u64, len: u64) -> io::Result<u64> {
        let _ = (offset, from, from_offset, len);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Sees to it that everything written so far reaches the device before what is written next, and before the output is
    /// complete. Where a half-written output can be found by somebody, it returns only then.
    ///
    /// # Errors
    /// Whatever the device says.
    fn sync(&mut self) -> io::Result<()>;
}

/// Bytes that are wiped from memory when nobody needs them any more, and that nothing shows.
pub struct SecretBytes(pub Zeroizing<Vec<u8>>);

impl Source for SecretBytes {
    fn len(&self) -> u64 {
        Vec::len(&self.0) as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.as_slice().read_at(offset, buffer)
    }
}

impl Source for [u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(<[u8]>::len(self));
        let count = buffer.len().min(<[u8]>::len(self) - start);
        buffer[..count].copy_from_slice(&self[start..start + count]);
        Ok(count)
    }
}

impl Source for Vec<u8> {
    fn len(&self) -> u64 {
        Vec::len(self) as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.as_slice().read_at(offset, buffer)
    }
}
