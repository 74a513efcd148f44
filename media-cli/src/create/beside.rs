//! What is written beside a medium: its receipt, and what the site has to be told of it.

use std::path::{Path, PathBuf};

use media_core::media::receipt::Receipt;
use media_core::media::registration::Registration;

use super::spec;
use crate::args::RunArgs;
use crate::error::{Error, Place};
use crate::output::small_file::Prepared;
use crate::output::{registration, target};
use crate::settings::Decided;
use crate::values::ScriptForm;

/// The files, by the name the user knows them under and the one they are made under.
pub(super) struct Beside<'a> {
    decided: &'a Decided,
    force: bool,
    receipt: Option<(PathBuf, PathBuf)>,
    registration: Option<(PathBuf, ScriptForm, PathBuf)>,
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
        let mut prepared = Prepared::new(self.force);
        if let Some((output, target)) = &self.receipt {
            prepared.add(target, output, receipt.to_bytes())?;
        }
        if let Some((output, form, target)) = &self.registration {
            let text = registration::text(registration, *form, Some(self.decided.site.code.clone()))?;
            prepared.add(target, output, text.into_bytes())?;
        }
        Ok(prepared)
    }
}
