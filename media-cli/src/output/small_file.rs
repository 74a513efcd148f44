//! Files of a few kilobytes, which may hold secrets.

use std::path::Path;
use std::sync::Arc;

use media_core::Plan;
use media_core::content::Content;
use media_core::io::{AtomicFile, SecretBytes};
use zeroize::Zeroizing;

use super::target;
use crate::error::{Error, OutputProblem};
use crate::interrupt::Interruption;
use crate::progress::Progress;

/// Who may read a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whom the umask lets.
    Usual,
    /// Its owner.
    Owner,
}

/// Writes a small file whole or not at all; `output` is what the user calls it.
///
/// # Errors
/// [`Error::Output`] and [`Error::Write`].
pub fn write(
    target: &Path,
    output: &Path,
    bytes: Zeroizing<Vec<u8>>,
    access: Access,
    force: bool,
) -> Result<(), Error> {
    target::keep(prepare(target, output, bytes, access)?, output, force)
}

/// Writes a small file under a temporary name.
///
/// # Errors
/// As [`write`].
pub fn prepare(
    target: &Path,
    output: &Path,
    bytes: Zeroizing<Vec<u8>>,
    access: Access,
) -> Result<AtomicFile, Error> {
    let file = match access {
        Access::Usual => AtomicFile::create(target),
        Access::Owner => AtomicFile::create_private(target),
    };
    let mut file = file
        .map_err(|error| Error::Output { path: output.to_owned(), problem: OutputProblem::System(error) })?;
    let mut progress = Progress::new(true, Interruption::default());
    media_core::write(
        &Plan::of_file("file", &Content::source(Arc::new(SecretBytes(bytes)))),
        &mut file,
        &mut progress,
    )
    .map_err(|error| Error::writing(output, error))?;
    Ok(file)
}
