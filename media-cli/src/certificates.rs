//! Files of certificates.

use std::path::Path;

use media_core::media::store::{self, Store, TrustedCertificate};

use crate::error::Error;
use crate::input;

/// The largest file of certificates; a store with every root of the world has about 1 MB.
const LARGEST: u64 = 16 << 20;

/// The certificates of a file, for `store` unless the file names one itself.
///
/// # Errors
/// [`Error::Unreadable`], [`Error::TooLarge`] and [`Error::Certificates`].
pub(crate) fn read(path: &Path, store: Store) -> Result<Vec<TrustedCertificate>, Error> {
    let bytes = input::read_small(path, "certificate file", LARGEST)?;
    store::read_file(&bytes, store).map_err(|error| Error::Certificates { path: path.to_owned(), error })
}

/// The certificates of several files, each once in a store.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_all<'a>(
    files: impl IntoIterator<Item = (&'a Path, Store)>,
) -> Result<Vec<TrustedCertificate>, Error> {
    let mut all: Vec<TrustedCertificate> = Vec::new();
    for (path, store) in files {
        for certificate in read(path, store)? {
            if !all.contains(&certificate) {
                all.push(certificate);
            }
        }
    }
    Ok(all)
}
