//! A whole medium: changed where it is, or copied with the change.

use std::path::Path;
use std::sync::Arc;

use media_core::io::Source;
use media_core::media::bootstrap_ini::{self, BootstrapIni};
use media_core::media::signing::SigningKey;
use media_core::media::variables;
use media_core::{Medium, MediumFile, Replacement, Rework};
use secrecy::SecretString;

use super::edit::{Edit, Job};
use super::{MEDIUM, medium_error};
use crate::error::Error;
use crate::input::Opened;
use crate::interrupt::Interruption;
use crate::output::target;
use crate::output::variables::Changes;
use crate::progress::Progress;
use crate::rework::{self, Copy};

/// The largest of the files that are changed.
const LARGEST: u64 = 64 << 20;

/// Copies the medium with the change.
pub(super) fn copy(
    job: &Job<'_>,
    opened: &Opened,
    medium: &Medium,
    password: Option<&SecretString>,
    (output, signing_key): (&Path, Option<&SigningKey>),
) -> Result<Changes, Error> {
    let mut inputs: Vec<target::Input<'_>> = vec![(MEDIUM, job.medium)];
    inputs.extend(&job.inputs);
    let target = target::check(output, job.output.force, &inputs)?;
    let (rework, changes) = changed(job, &opened.source(), medium, (password, signing_key))?;
    let interruption = Interruption::listen()?;
    let mut progress = Progress::new(job.output.quiet, interruption.clone());
    let place = Copy { output, target: &target, force: job.output.force };
    rework::copy(opened, &rework, &place, &interruption, &mut progress)?;
    progress.clear();
    Ok(changes)
}

/// Changes the medium where it is.
pub(super) fn in_place(
    job: &Job<'_>,
    password: Option<&SecretString>,
    signing_key: Option<&SigningKey>,
) -> Result<Changes, Error> {
    let path = job.medium;
    let mut progress = Progress::new(job.output.quiet, Interruption::listen()?);
    let changes = rework::in_place(path, &mut progress, |source| {
        let medium = media_core::open(source.clone()).map_err(|error| medium_error(path, error))?;
        changed(job, source, &medium, (password, signing_key))
    })?;
    progress.clear();
    Ok(changes)
}

/// What has to change on the medium.
fn changed(
    job: &Job<'_>,
    source: &Arc<dyn Source>,
    medium: &Medium,
    (password, signing_key): (Option<&SecretString>, Option<&SigningKey>),
) -> Result<(Rework, Changes), Error> {
    let path = job.medium;
    let listed = medium.listing().map_err(|error| medium_error(path, error))?.files;
    let file = read(path, &listed, variables::PATH)?;
    let bytes = file.ok_or_else(|| Error::NoVariables { path: path.to_owned() })?;
    let (new, after, mut changes) = job.apply(&bytes, password)?;
    let mut files: Vec<Replacement> = vec![(variables::PATH, new)];
    if let Edit::Password { new, .. } = &job.edit {
        let required = if new.is_some() { "true" } else { "false" };
        let before = read(path, &listed, bootstrap_ini::PATH)?;
        match before.as_deref().and_then(|bytes| BootstrapIni::read(bytes).ok()) {
            Some(ini) => files.push((bootstrap_ini::PATH, ini.with(&[("PasswordRequired", required)]))),
            None => {
                changes.note("the medium has no TsmBootstrap.ini that says whether to ask for a password")
            }
        }
    }
    let replaced = media_core::Changes { files, variables: Some(&after), signing_key };
    let rework = media_core::rework(source, &replaced)
        .map_err(|error| Error::Rework { path: path.to_owned(), error })?;
    Ok((rework, changes))
}

fn read(path: &Path, files: &[MediumFile], name: &str) -> Result<Option<Vec<u8>>, Error> {
    let file = files.iter().find(|file| file.path.eq_ignore_ascii_case(name));
    let bytes = file.map(|file| file.content.to_vec(LARGEST)).transpose();
    bytes.map_err(|error| Error::Unreadable { what: MEDIUM, path: path.to_owned(), error })
}
