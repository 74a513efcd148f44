//! A bare variables.dat: it is replaced by the complete new one.

use media_core::Plan;
use media_core::content::Content;
use media_core::io::AtomicFile;
use secrecy::SecretString;

use super::MEDIUM;
use super::edit::{Edit, Job};
use crate::error::{Error, OutputProblem};
use crate::input::Opened;
use crate::interrupt::Interruption;
use crate::output::target;
use crate::output::variables::Changes;
use crate::progress::Progress;

pub(super) fn change(
    job: &Job<'_>,
    opened: Opened,
    bytes: &[u8],
    password: Option<&SecretString>,
) -> Result<Changes, Error> {
    let (new, _, mut changes) = job.apply(bytes, password)?;
    if matches!(job.edit, Edit::Password { .. }) && changes.is_changed() {
        let note = "on the medium this file belongs to, PasswordRequired in TsmBootstrap.ini has to fit";
        changes.note(note);
    }
    let (output, force, inputs) = match &job.output.output {
        Some(output) => {
            let mut inputs: Vec<target::Input<'_>> = vec![(MEDIUM, job.medium)];
            inputs.extend(&job.inputs);
            (output.as_path(), job.output.force, inputs)
        }
        // The file itself is what is replaced, and not before the new one is complete.
        None if !changes.is_changed() => return Ok(changes),
        None => (job.medium, true, Vec::new()),
    };
    let target = target::check(output, force, &inputs)?;
    let system = |error| Error::Output { path: output.to_owned(), problem: OutputProblem::System(error) };
    let interruption = Interruption::listen()?;
    let mut progress = Progress::new(true, interruption.clone());
    let mut file = AtomicFile::create(&target).map_err(system)?;
    interruption.making(file.temporary());
    let plan = Plan::of_file("media variables file", &Content::bytes(new));
    media_core::write(&plan, &mut file, &mut progress).map_err(|error| Error::writing(output, error))?;
    opened.check_unchanged()?;
    if interruption.asked() {
        return Err(Error::Interrupted);
    }
    // Windows gives its name to no other file while it is open.
    drop(opened);
    target::keep(file, output, force)?;
    Ok(changes)
}
