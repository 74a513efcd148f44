//! A whole medium: changed where it is, or copied with the change.

use std::io;
use std::path::Path;
use std::sync::Arc;

use media_core::io::{AtomicFile, FileSource, InPlaceFile, Source};
use media_core::media::bootstrap_ini::{self, BootstrapIni};
use media_core::media::variables;
use media_core::{Medium, MediumFile, Replacement, Rework};
use secrecy::SecretString;

use super::edit::{Edit, Job};
use super::{MEDIUM, medium_error};
use crate::error::{Error, OutputProblem};
use crate::input::Opened;
use crate::interrupt::Interruption;
use crate::output::target;
use crate::output::variables::Changes;
use crate::progress::Progress;

/// The largest of the files that are changed.
const LARGEST: u64 = 64 << 20;

/// Finishes a change that was cut short; says whether there was one. Who may not write learns of it when it is opened.
pub(super) fn finish(path: &Path) -> Result<bool, Error> {
    let unreadable = |error| Error::Unreadable { what: MEDIUM, path: path.to_owned(), error };
    let source = FileSource::open(path).map_err(unreadable)?;
    let Some(journal) = media_core::pending(&source).map_err(unreadable)? else { return Ok(false) };
    let mut file = open(path)?;
    let mut progress = Progress::new(true, Interruption::listen()?);
    media_core::finish(&journal, &mut file, &mut progress).map_err(|error| Error::writing(path, error))?;
    file.keep();
    Ok(true)
}

/// Copies the medium with the change.
pub(super) fn copy(
    job: &Job<'_>,
    opened: &Opened,
    medium: &Medium,
    password: Option<&SecretString>,
    output: &Path,
) -> Result<Changes, Error> {
    let mut inputs: Vec<target::Input<'_>> = vec![(MEDIUM, job.medium)];
    inputs.extend(&job.inputs);
    let target = target::check(output, job.output.force, &inputs)?;
    let (rework, changes) = rework(job, &opened.source(), medium, password)?;
    let system = |error| Error::Output { path: output.to_owned(), problem: OutputProblem::System(error) };
    target::check_limit(Some(output), rework.len)?;
    let interruption = Interruption::listen()?;
    let mut progress = Progress::new(job.output.quiet, interruption.clone());
    let mut file = AtomicFile::create(&target).map_err(system)?;
    interruption.making(file.temporary());
    media_core::write(&rework.plan(&opened.source()), &mut file, &mut progress)
        .map_err(|error| Error::writing(output, error))?;
    opened.check_unchanged()?;
    prove(job, Arc::new(file.source().map_err(system)?), &rework, output)?;
    if interruption.asked() {
        return Err(Error::Interrupted);
    }
    target::keep(file, output, job.output.force)?;
    progress.clear();
    Ok(changes)
}

/// Changes the medium where it is.
pub(super) fn in_place(job: &Job<'_>, password: Option<&SecretString>) -> Result<Changes, Error> {
    let path = job.medium;
    let unwritable = |error| Error::Output { path: path.to_owned(), problem: OutputProblem::System(error) };
    let mut file = match open(path) {
        Ok(file) => file,
        // Who may only read it can still learn that there is nothing to change.
        Err(Error::Output { problem: OutputProblem::System(error), .. }) if is_read_only(&error) => {
            let (opened, medium) = super::open(path)?;
            let (rework, changes) = rework(job, &opened.source(), &medium, password)?;
            return if rework.is_empty() { Ok(changes) } else { Err(unwritable(error)) };
        }
        Err(error) => return Err(error),
    };
    let source: Arc<dyn Source> = Arc::new(file.source().map_err(unwritable)?);
    let medium = media_core::open(source.clone()).map_err(|error| medium_error(path, error))?;
    let (rework, changes) = rework(job, &source, &medium, password)?;
    let failed = |error| Error::Rework { path: path.to_owned(), error };
    let journal = match rework.journal(&*source) {
        Err(_) if rework.is_empty() => return Ok(changes),
        journal => journal.map_err(failed)?,
    };
    if rework.is_empty() && !journal.is_leftover() {
        return Ok(changes);
    }
    let mut progress = Progress::new(job.output.quiet, Interruption::listen()?);
    media_core::change(&journal, &mut file, &mut progress).map_err(|error| Error::writing(path, error))?;
    let written = Arc::new(file.source().map_err(unwritable)?);
    file.keep();
    prove(job, written, &rework, path)?;
    progress.clear();
    Ok(changes)
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

/// What has to change on the medium.
fn rework(
    job: &Job<'_>,
    source: &Arc<dyn Source>,
    medium: &Medium,
    password: Option<&SecretString>,
) -> Result<(Rework, Changes), Error> {
    let path = job.medium;
    let files = medium.listing().map_err(|error| medium_error(path, error))?.files;
    let file = read(path, &files, variables::PATH)?;
    let bytes = file.ok_or_else(|| Error::NoVariables { path: path.to_owned() })?;
    let (new, mut changes) = job.apply(&bytes, password)?;
    let mut replacements: Vec<Replacement> = vec![(variables::PATH, new)];
    if let Edit::Password { new, .. } = &job.edit {
        let required = if new.is_some() { "true" } else { "false" };
        let before = read(path, &files, bootstrap_ini::PATH)?;
        match before.as_deref().and_then(|bytes| BootstrapIni::read(bytes).ok()) {
            Some(ini) => {
                replacements.push((bootstrap_ini::PATH, ini.with(&[("PasswordRequired", required)])));
            }
            None => {
                changes.note("the medium has no TsmBootstrap.ini that says whether to ask for a password")
            }
        }
    }
    let rework = media_core::rework(source, &replacements)
        .map_err(|error| Error::Rework { path: path.to_owned(), error })?;
    Ok((rework, changes))
}

fn read(path: &Path, files: &[MediumFile], name: &str) -> Result<Option<Vec<u8>>, Error> {
    let file = files.iter().find(|file| file.path.eq_ignore_ascii_case(name));
    let bytes = file.map(|file| file.content.to_vec(LARGEST)).transpose();
    bytes.map_err(|error| Error::Unreadable { what: MEDIUM, path: path.to_owned(), error })
}

/// Reads back what was written.
fn prove(job: &Job<'_>, written: Arc<dyn Source>, rework: &Rework, path: &Path) -> Result<(), Error> {
    let not_written = || Error::NotWritten { path: path.to_owned() };
    let medium = media_core::open(written.clone()).map_err(|_| not_written())?;
    medium.listing().map_err(|_| not_written())?;
    for patch in &rework.patches {
        let mut bytes = vec![0; patch.bytes.len()];
        let read = written.read_exact_at(patch.offset, &mut bytes);
        read.map_err(|error| Error::Unreadable { what: MEDIUM, path: job.medium.to_owned(), error })?;
        if bytes != patch.bytes {
            return Err(not_written());
        }
    }
    Ok(())
}
