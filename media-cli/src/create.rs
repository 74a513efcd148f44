//! `tsmedia create`: from settings to a medium under its name.

mod environment;
mod spec;

use std::path::{Path, PathBuf};

use media_core::io::AtomicFile;
use media_core::media::manifest::ManifestError;
use media_core::{Plan, Receipt, StageError, WriteError};

use crate::args::{CreateArgs, RunArgs};
use crate::error::{Error, Exit, OutputProblem};
use crate::interrupt::Interruption;
use crate::output::created::Created;
use crate::output::planned::Planned;
use crate::output::target;
use crate::progress::Progress;
use crate::settings::{self, CertificateChoice, Decided};
use crate::{print, print_json, spec_file, verify};

/// Makes a medium, or with `--dry-run` says what would be made.
pub fn create(args: CreateArgs) -> Result<Exit, Error> {
    let run = args.run.clone();
    let spec_file = run.spec.as_deref().map(spec_file::read).transpose()?;
    let text = spec_file.as_ref().map(|file| file.text.clone());
    let mut decided = settings::resolve(settings::merge(args, spec_file)?, run.dry_run)?;
    let in_spec = |error: Error| match &text {
        Some(text) => error.in_spec(text),
        None => error,
    };
    let target = match &decided.output {
        Some(output) if !run.dry_run => {
            Some(target::check(output, run.force, &spec::inputs(&decided, run.spec.as_deref()))?)
        }
        _ => None,
    };
    let env = environment::environment(run.seed.as_deref())?;
    let spec = spec::media_spec(&mut decided, env.now(), run.dry_run).map_err(in_spec)?;
    let interruption = Interruption::listen()?;
    let mut progress = Progress::new(run.quiet, interruption.clone());
    let staged = media_core::stage(&spec, &env, &mut progress);
    let mut staged = staged.map_err(|error| stage_error(error, &decided))?;
    // Whatever does not fit is refused before every byte of the inputs is read for its checksum.
    let mut plan = media_core::plan(&staged.tree, spec.form)?;
    let Some(target) = target else {
        progress.clear();
        let planned = Planned::new(&plan, &staged.report, &decided.notes);
        return if run.json { print_json(&planned) } else { print(&planned.to_string()) }
            .map(|()| Exit::Done);
    };
    media_core::seal(&mut staged.tree, &mut progress).map_err(|error| stage_error(error, &decided))?;
    plan = media_core::plan(&staged.tree, spec.form)?;
    let made = write(&plan, &target, &run, &decided, &interruption, &mut progress)?;
    progress.clear();
    let output = decided.output.as_deref().unwrap_or(&target);
    report(&Created::new(output, &plan, &staged.report, &spec, &decided.notes, made), &run)
}

/// What was written, and whether it was read back.
pub(crate) struct Made {
    pub(crate) receipt: Receipt,
    pub(crate) verified: bool,
}

fn write(
    plan: &Plan,
    target: &Path,
    run: &RunArgs,
    decided: &Decided,
    interruption: &Interruption,
    progress: &mut Progress,
) -> Result<Made, Error> {
    let path: PathBuf = decided.output.clone().unwrap_or_else(|| target.to_owned());
    let system = |error| Error::Output { path: path.clone(), problem: OutputProblem::System(error) };
    interruption.making(target);
    let mut file = AtomicFile::create(target).map_err(system)?;
    let receipt = media_core::write(plan, &mut file, progress).map_err(|error| match error {
        WriteError::Cancelled => Error::Interrupted,
        error => Error::Write { path: path.clone(), error },
    })?;
    if run.verify {
        verify::verify_written(&path, file.source().map_err(system)?, progress)?;
    }
    if interruption.asked() {
        return Err(Error::Interrupted);
    }
    // A file that appeared there while this one was made is not this program's to replace.
    file.keep(run.force).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Error::Output { path: path.clone(), problem: OutputProblem::Exists }
        }
        _ => system(error),
    })?;
    Ok(Made { receipt, verified: run.verify })
}

fn stage_error(error: StageError, decided: &Decided) -> Error {
    match (error, &decided.certificate) {
        (StageError::Cancelled | StageError::Manifest(ManifestError::Cancelled), _) => Error::Interrupted,
        (StageError::Identity(error), CertificateChoice::Import { file, .. }) => {
            Error::ImportedCertificate { path: file.value.clone(), error }
        }
        (error, _) => Error::Stage(error),
    }
}

fn report(created: &Created, run: &RunArgs) -> Result<Exit, Error> {
    if run.json {
        print_json(created)?;
    } else if !run.quiet {
        print(&created.to_string())?;
    }
    Ok(Exit::Done)
}
