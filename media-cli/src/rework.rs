//! A medium that changes: where it is, or as a copy.

use std::io;
use std::path::Path;
use std::sync::Arc;

use media_core::event::Unobserved;
use media_core::io::{AtomicFile, FileSource, InPlaceFile, Source};
use media_core::{Rework, Written};

use crate::error::{Error, OutputProblem};
use crate::input::Opened;
use crate::interrupt::Interruption;
use crate::output::target;
use crate::progress::Progress;

const MEDIUM: &str = "medium";

/// Finishes a change that was cut short; says whether there was one. Who may not write learns of it when it is opened.
pub(crate) fn finish(path: &Path) -> Result<bool, Error> {
    let unreadable = |error| Error::Unreadable { what: MEDIUM, path: path.to_owned(), error };
    let source = FileSource::open(path).map_err(unreadable)?;
    let Some(journal) = media_core::pending(&source).map_err(unreadable)? else { return Ok(false) };
    let mut file = open(path)?;
    // Some hundred kilobytes; whoever stops it runs the command again.
    media_core::finish(&journal, &mut file, &mut Unobserved).map_err(|error| Error::writing(path, error))?;
    file.keep();
    Ok(true)
}

/// Where a copy goes.
pub(crate) struct Copy<'a> {
    /// What the user calls it.
    pub(crate) output: &'a Path,
    /// The file it is.
    pub(crate) target: &'a Path,
    /// Whether one that is there is replaced.
    pub(crate) force: bool,
}

/// Writes the changed medium to a file of its own, and reads back what changed.
pub(crate) fn copy(
    opened: &Opened,
    rework: &Rework,
    copy: &Copy<'_>,
    interruption: &Interruption,
    progress: &mut Progress,
) -> Result<Written, Error> {
    let output = copy.output;
    let system = |error| Error::Output { path: output.to_owned(), problem: OutputProblem::System(error) };
    target::check_limit(Some(output), rework.len)?;
    target::clear_leftovers(copy.target);
    let mut file = AtomicFile::create(copy.target).map_err(system)?;
    interruption.making(file.temporary());
    let written = media_core::write(&rework.plan(&opened.source()), &mut file, progress)
        .map_err(|error| Error::writing(output, error))?;
    opened.check_unchanged()?;
    prove(Arc::new(file.source().map_err(system)?), rework, output)?;
    if interruption.asked() {
        return Err(Error::Interrupted);
    }
    target::keep(file, output, copy.force)?;
    Ok(written)
}

/// Changes the medium where it is, and reads back what changed. Who may only read it can still learn that there is
/// nothing to change.
pub(crate) fn in_place<T>(
    path: &Path,
    progress: &mut Progress,
    compute: impl Fn(&Arc<dyn Source>) -> Result<(Rework, T), Error>,
) -> Result<T, Error> {
    let unwritable = |error| Error::Output { path: path.to_owned(), problem: OutputProblem::System(error) };
    let mut file = match open(path) {
        Ok(file) => file,
        Err(Error::Output { problem: OutputProblem::System(error), .. }) if is_read_only(&error) => {
            let opened = crate::input::open(path, MEDIUM)?;
            let (rework, result) = compute(&opened.source())?;
            return if rework.is_empty() { Ok(result) } else { Err(unwritable(error)) };
        }
        Err(error) => return Err(error),
    };
    let source: Arc<dyn Source> = Arc::new(file.source().map_err(unwritable)?);
    let (rework, result) = compute(&source)?;
    let failed = |error| Error::Rework { path: path.to_owned(), error };
    let journal = match rework.journal(&*source) {
        Err(_) if rework.is_empty() => return Ok(result),
        journal => journal.map_err(failed)?,
    };
    if rework.is_empty() && !journal.is_leftover() {
        return Ok(result);
    }
    media_core::change(&journal, &mut file, progress).map_err(|error| Error::writing(path, error))?;
    let written = Arc::new(file.source().map_err(unwritable)?);
    file.keep();
    prove(written, &rework, path)?;
    Ok(result)
}

fn is_read_only(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

fn open(path: &Path) -> Result<InPlaceFile, Error> {
    InPlaceFile::open_medium(path).map_err(|error| match error.kind() {
        io::ErrorKind::ResourceBusy => Error::Busy { path: path.to_owned(), error },
        _ => Error::Output { path: path.to_owned(), problem: OutputProblem::System(error) },
    })
}

/// Reads back what was written.
fn prove(written: Arc<dyn Source>, rework: &Rework, path: &Path) -> Result<(), Error> {
    let not_written = || Error::NotWritten { path: path.to_owned() };
    let medium = media_core::open(written.clone()).map_err(|_| not_written())?;
    medium.listing().map_err(|_| not_written())?;
    for patch in &rework.patches {
        let mut bytes = vec![0; patch.bytes.len()];
        let read = written.read_exact_at(patch.offset, &mut bytes);
        read.map_err(|error| Error::Unreadable { what: MEDIUM, path: path.to_owned(), error })?;
        if bytes != patch.bytes {
            return Err(not_written());
        }
    }
    Ok(())
}
