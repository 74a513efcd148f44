//! What is written beside a medium: its receipt, and what the site has to be told of it.

use std::path::{Path, PathBuf};

use media_core::io::AtomicFile;
use media_core::media::receipt::Receipt;
use media_core::media::registration::{Registration, ScriptSite};
use zeroize::Zeroizing;

use super::spec;
use crate::args::RunArgs;
use crate::error::{Error, Place};
use crate::output::registration::Record;
use crate::output::small_file::{self, Access};
use crate::output::target;
use crate::settings::Decided;
use crate::values::ScriptForm;

/// The files, by the name the user knows them under and the one they are made under.
pub(super) struct Beside<'a> {
    decided: &'a Decided,
    force: bool,
    receipt: Option<(PathBuf, PathBuf)>,
    registration: Option<(PathBuf, ScriptForm, PathBuf)>,
}

/// Files that are complete and have no name yet.
pub(super) struct Prepared {
    files: Vec<(AtomicFile, PathBuf)>,
    force: bool,
}

impl<'a> Beside<'a> {
    /// Looks at their places, before the medium is made.
    ///
    /// # Errors
    /// [`Error::Output`] and [`Error::Setting`] for a place that cannot be.
    pub(super) fn new(decided: &'a Decided, run: &RunArgs) -> Result<Self, Error> {
        let inputs = spec::inputs(decided, run.spec.as_deref());
        let mut taken: Vec<(&str, &Path)> =
            decided.output.iter().map(|path| ("the medium", path.as_path())).collect();
        let mut place = |path: &'a PathBuf, what, option| {
            if let Some((other, _)) = taken.iter().find(|(_, taken)| *taken == path) {
                let message = format!("{other} and {what} are to be the same file");
                return Err(Error::setting(message, Place::Option(option)));
            }
            taken.push((what, path));
            target::check(path, run.force, &inputs)
        };
        let registration = match &decided.registration {
            Some((path, form)) => {
                let target = place(path, "what the site has to be told of it", "--registration")?;
                Some((path.clone(), *form, target))
            }
            None => None,
        };
        let receipt = match &decided.receipt {
            Some(path) => Some((path.clone(), place(path, "its receipt", "--receipt")?)),
            None => None,
        };
        Ok(Self { decided, force: run.force, receipt, registration })
    }

    /// Writes them under temporary names.
    ///
    /// # Errors
    /// [`Error::Output`] and [`Error::Write`].
    pub(super) fn prepare(&self, receipt: &Receipt, registration: &Registration) -> Result<Prepared, Error> {
        let mut files = Vec::new();
        let mut prepare = |output: &Path, target: &Path, bytes: Vec<u8>| -> Result<(), Error> {
            let file = small_file::prepare(target, output, Zeroizing::new(bytes), Access::Usual)?;
            files.push((file, output.to_owned()));
            Ok(())
        };
        if let Some((output, target)) = &self.receipt {
            prepare(output, target, receipt.to_bytes())?;
        }
        if let Some((output, form, target)) = &self.registration {
            let text = match form {
                ScriptForm::Json => crate::json_text(&Record::new(registration))?,
                ScriptForm::Powershell => registration
                    .script(&ScriptSite { code: Some(self.decided.site.code.clone()), provider: None }),
            };
            prepare(output, target, text.into_bytes())?;
        }
        Ok(Prepared { files, force: self.force })
    }
}

impl Prepared {
    /// Gives them their names.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub(super) fn keep(self) -> Result<(), Error> {
        let force = self.force;
        self.files.into_iter().try_for_each(|(file, output)| target::keep(file, &output, force))
    }
}
