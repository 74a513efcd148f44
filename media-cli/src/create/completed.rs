//! From a name for an output to the complete output under it.

use std::path::Path;

use media_core::event::Observer;
use media_core::io::AtomicFile;

use crate::error::{Error, OutputProblem};
use crate::input::Opened;
use crate::interrupt::Interruption;
use crate::output::small_file::Prepared;
use crate::output::target;
use crate::verify;

/// Where a medium goes, and what it has to pass before it gets its name.
pub(crate) struct Completing<'a> {
    /// What the user calls it.
    pub(crate) output: &'a Path,
    /// The file it is.
    pub(crate) target: &'a Path,
    /// Whether a file that is there is replaced.
    pub(crate) replace: bool,
    /// Whether it is read back and verified.
    pub(crate) verify: bool,
    /// What it is made from.
    pub(crate) opened: &'a [Opened],
}

impl Completing<'_> {
    /// Writes a medium and what goes beside it under temporary names, proves it when that is asked for, and gives them
    /// their names.
    pub(crate) fn write<T>(
        &self,
        interruption: &Interruption,
        observer: &mut dyn Observer,
        write: impl FnOnce(&mut AtomicFile, &mut dyn Observer) -> Result<(T, Prepared), Error>,
    ) -> Result<T, Error> {
        let output = self.output;
        let system = |error| Error::Output { path: output.to_owned(), problem: OutputProblem::System(error) };
        let mut file = AtomicFile::create(self.target).map_err(system)?;
        interruption.making(file.temporary());
        let (made, beside) = write(&mut file, observer)?;
        // Bytes of before and after a change make no medium, even where each of them is right.
        self.opened.iter().try_for_each(Opened::check_unchanged)?;
        if self.verify {
            verify::verify_written(output, file.source().map_err(system)?, observer)?;
        }
        if interruption.asked() {
            return Err(Error::Interrupted);
        }
        // A file that appeared there while this one was made is not this program's to replace.
        target::keep(file, output, self.replace)?;
        beside.keep()?;
        Ok(made)
    }
}
