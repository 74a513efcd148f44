//! Writes that go to the device past the page cache: what is written once and not read again need not be copied there.

use std::fs::File;
use std::io;
use std::path::Path;

use super::system;

/// What address, length and memory must be multiples of; no device we know wants more.
pub const ALIGNMENT: usize = 4096;
/// Less than this is better left to the page cache, which joins it with its neighbours.
const SMALLEST: usize = 1 << 20;

/// A second handle of a file, for large writes; nothing where the system has none of this kind.
#[derive(Debug)]
pub(super) struct Direct(Option<File>);

impl Direct {
    /// Of a file that is open, and has this name.
    pub(super) fn of(file: &File, name: &Path) -> Self {
        Self(open(file, name).ok())
    }

    /// Whether there is one.
    #[cfg(target_os = "linux")]
    pub(super) fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// Writes all of `bytes`, or says that they have to be written in another way.
    ///
    /// # Errors
    /// Whatever the device says.
    pub(super) fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<bool> {
        let is_aligned = offset.is_multiple_of(ALIGNMENT as u64)
            && bytes.len().is_multiple_of(ALIGNMENT)
            && bytes.as_ptr().addr().is_multiple_of(ALIGNMENT);
        let Some(file) = self.0.as_ref().filter(|_| is_aligned && bytes.len() >= SMALLEST) else {
            return Ok(false);
        };
        match system::write_all_at(file, offset, bytes) {
            Ok(()) => Ok(true),
            // The device wants it otherwise, and will the next time.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
            {
                self.0 = None;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(target_os = "linux")]
fn open(file: &File, name: &Path) -> io::Result<File> {
    use std::fs::OpenOptions;
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

    use rustix::fs::OFlags;
    let flags = (OFlags::DIRECT | OFlags::NOFOLLOW).bits() as i32;
    let direct = OpenOptions::new().write(true).custom_flags(flags).open(name)?;
    // Where others may write to the folder, the name may have become that of another file.
    let (one, other) = (file.metadata()?, direct.metadata()?);
    if (one.dev(), one.ino()) == (other.dev(), other.ino()) {
        Ok(direct)
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

#[cfg(not(target_os = "linux"))]
fn open(_: &File, _: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether a file system is known to copy what it is asked to copy by itself, block for block through the page cache: it
/// neither shares blocks nor has a server that could do it.
#[cfg(target_os = "linux")]
pub(super) fn copies_itself(file: &File) -> bool {
    /// `EXT4_SUPER_MAGIC` (that of ext2 and ext3 too) and `F2FS_SUPER_MAGIC`, as statfs(2) lists them.
    const PLAIN: [u64; 2] = [0xEF53, 0xF2F5_2010];
    rustix::fs::fstatfs(file).is_ok_and(|facts| PLAIN.contains(&(facts.f_type as u64)))
}
