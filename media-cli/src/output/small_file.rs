//! Files of a few kilobytes, which may hold secrets.

use std::path::{Path, PathBuf};
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

/// Small files that are complete, and get their names together when what they are about has its own.
pub struct Prepared {
    files: Vec<(AtomicFile, PathBuf)>,
    force: bool,
}

impl Prepared {
    /// None yet; with `force` they replace what is there.
    pub fn new(force: bool) -> Self {
        Self { files: Vec::new(), force }
    }

    /// Writes one under a temporary name, readable by whom the umask lets.
    ///
    /// # Errors
    /// As [`write`].
    pub fn add(&mut self, target: &Path, output: &Path, bytes: Vec<u8>) -> Result<(), Error> {
        let file = prepare(target, output, Zeroizing::new(bytes), Access::Usual)?;
        self.files.push((file, output.to_owned()));
        Ok(())
    }

    /// Gives them their names.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn keep(self) -> Result<(), Error> {
        let force = self.force;
        self.files.into_iter().try_for_each(|(file, output)| target::keep(file, &output, force))
    }
}
