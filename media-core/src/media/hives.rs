//! The registry hives of an image, each completed from the log files beside it.
//!
//! The logs stay in the image. Windows does not replay them again: an edited hive is written with equal sequence numbers and
//! a right checksum, and Windows ignores the logs of such a hive, even entries that would follow (M. Suhanov's "Windows
//! registry file format specification", "Dirty state of a hive"). The number of the next write is higher than that of
//! every entry replayed, so an entry left behind in a log does not continue it either.

use thiserror::Error;

use crate::hive::{Hive, HiveError};
use crate::wim::{Hash, Image, Wim, WimError};

/// The most that is read of all hives of a WIM file; those of full Windows have up to 100 MB, those of boot images 3 to 30.
const LARGEST: u64 = 128 << 20;
/// The largest log file that is read.
const LARGEST_LOG: u64 = 16 << 20;

/// Why a hive could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HivesError {
    /// There is nothing under this path.
    #[error("not in the image")]
    NotThere,
    /// The file has no bytes.
    #[error("empty")]
    Empty,
    /// It is encrypted, or a folder or a link.
    #[error("{kind}, not a file that can be read")]
    NotPlain {
        /// `encrypted (EFS)`, `a folder` or `a reparse point`.
        kind: &'static str,
    },
    /// The hive, or a log.
    #[error(transparent)]
    Hive(#[from] HiveError),
    /// The WIM file.
    #[error(transparent)]
    Wim(#[from] WimError),
}

/// The hives of a WIM file's images. All that are read together may be as large as one may be: any number of files can
/// have the same few bytes that decode to many.
pub struct Hives<'a> {
    wim: &'a Wim,
    left: u64,
}

impl<'a> Hives<'a> {
    /// None of them read yet.
    pub fn new(wim: &'a Wim) -> Self {
        Self { wim, left: LARGEST }
    }

    /// The hive at a path of an image, completed from its logs if it was not closed.
    ///
    /// # Errors
    /// [`HivesError`] when there is none or it cannot be read.
    pub fn read(&mut self, image: &Image, path: &str) -> Result<Hive, HivesError> {
        let hash = self.find(image, path)?;
        open(self.wim, image, path, self.wim.read(&hash, LARGEST)?)
    }

    /// The blob of a hive, whose bytes are taken off what may be read.
    fn find(&mut self, image: &Image, path: &str) -> Result<Hash, HivesError> {
        let wim = self.wim;
        let entry = image.find(path).ok_or(HivesError::NotThere)?;
        if let Some(kind) = entry.not_plain() {
            return Err(HivesError::NotPlain { kind });
        }
        let hash = entry.hash().ok_or(HivesError::Empty)?;
        let size = wim.blob(&hash).map_or(0, |blob| blob.resource.len);
        if size <= LARGEST {
            let (what, read) = ("the hives of all images", LARGEST - self.left);
            let error = HiveError::TooLarge { what, size: read + size, limit: LARGEST };
            self.left = self.left.checked_sub(size).ok_or(error)?;
        }
        Ok(hash)
    }
}

fn open(wim: &Wim, image: &Image, path: &str, bytes: Vec<u8>) -> Result<Hive, HivesError> {
    if !Hive::is_dirty(&bytes) {
        return Ok(Hive::open(bytes)?);
    }
    let log = |suffix| log_file(wim, image, &format!("{path}{suffix}"));
    let (first, second) = (log(".LOG1")?, log(".LOG2")?);
    // The only log before Windows Vista. Where there are two it is a dummy.
    let only = if first.is_none() && second.is_none() { log(".LOG")? } else { None };
    let logs = [&first, &second, &only].map(|log| log.as_deref().unwrap_or_default());
    Ok(Hive::open_with_logs(bytes, &logs)?)
}

/// A log file of the image; `None` when there is none, or it is empty.
fn log_file(wim: &Wim, image: &Image, path: &str) -> Result<Option<Vec<u8>>, HivesError> {
    let entry = image.find(path).filter(|entry| entry.is_plain_file());
    let Some(hash) = entry.and_then(|entry| entry.hash()) else { return Ok(None) };
    Ok(Some(wim.read(&hash, LARGEST_LOG)?))
}
