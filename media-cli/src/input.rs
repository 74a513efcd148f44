//! Reads the small files a user names. Large ones are opened as sources and never loaded.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use media_core::io::{FileSource, Source};
use zeroize::Zeroizing;

use crate::error::Error;

/// Reads a whole file that is known to be small. The bytes are wiped from memory when they are done with.
///
/// # Errors
/// [`Error::Unreadable`] and [`Error::TooLarge`].
pub fn read_small(path: &Path, what: &'static str, limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    let unreadable = |error| Error::Unreadable { what, path: path.to_owned(), error };
    let file = File::open(path).map_err(|error| match path.is_dir() {
        // Not every system says so.
        true => unreadable(io::ErrorKind::IsADirectory.into()),
        false => unreadable(error),
    })?;
    let facts = file.metadata().map_err(unreadable)?;
    if facts.is_dir() {
        return Err(unreadable(io::ErrorKind::IsADirectory.into()));
    }
    read_limited(file, facts.len().min(limit), limit).map_err(unreadable)?.ok_or_else(|| Error::TooLarge {
        what,
        path: path.to_owned(),
        limit,
    })
}

/// As [`read_small`]; `-` is standard input.
///
/// # Errors
/// As [`read_small`].
pub fn read_small_or_standard_input(
    path: &Path,
    what: &'static str,
    limit: u64,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    if path.as_os_str() != "-" {
        return read_small(path, what, limit);
    }
    let read = read_limited(io::stdin().lock(), limit, limit);
    let read = read.map_err(|error| Error::Unreadable { what, path: PathBuf::from("-"), error })?;
    read.ok_or_else(|| Error::TooLarge { what, path: PathBuf::from("-"), limit })
}

/// Reads to the end of a stream; `None` when there are more than `limit` bytes. `expected` is how many there should be:
/// secrets are not left behind by a buffer that had to grow.
pub(crate) fn read_limited(
    stream: impl Read,
    expected: u64,
    limit: u64,
) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let capacity = usize::try_from(expected.saturating_add(1)).unwrap_or(0);
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    stream.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

/// Opens a file or device for reading at any offset.
///
/// # Errors
/// [`Error::Unreadable`].
pub fn open(path: &Path, what: &'static str) -> Result<Opened, Error> {
    match FileSource::open(path) {
        Ok(source) => Ok(Opened { what, path: path.to_owned(), source: Arc::new(source) }),
        Err(error) => Err(Error::Unreadable { what, path: path.to_owned(), error }),
    }
}

/// Opens a file that goes onto the medium as it is. A short one is read at once, and is not held open: there may be more of
/// them than a process may have open.
///
/// # Errors
/// As [`open`], and [`Error::Changed`] for one that changes while it is read.
pub fn open_or_read(path: &Path, what: &'static str) -> Result<(Arc<dyn Source>, Option<Opened>), Error> {
    /// In bytes. Ten thousand of them take as much memory as nobody misses.
    const SHORT: u64 = 4096;
    let opened = open(path, what)?;
    let source = opened.source();
    if source.len() > SHORT {
        return Ok((source, Some(opened)));
    }
    let mut bytes = vec![0; source.len() as usize];
    let read = source.read_exact_at(0, &mut bytes);
    read.map_err(|error| Error::Unreadable { what, path: path.to_owned(), error })?;
    opened.check_unchanged()?;
    Ok((Arc::new(bytes), None))
}

/// A large input, read while the medium is made.
pub struct Opened {
    what: &'static str,
    path: PathBuf,
    source: Arc<FileSource>,
}

impl Opened {
    /// Its bytes.
    pub fn source(&self) -> Arc<dyn Source> {
        self.source.clone()
    }

    /// Fails when the file was written to since it was opened.
    ///
    /// # Errors
    /// [`Error::Changed`] and [`Error::Unreadable`].
    pub fn check_unchanged(&self) -> Result<(), Error> {
        let (what, path) = (self.what, self.path.clone());
        match self.source.changed() {
            Ok(false) => Ok(()),
            Ok(true) => Err(Error::Changed { what, path }),
            Err(error) => Err(Error::Unreadable { what, path, error }),
        }
    }
}
