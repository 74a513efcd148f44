//! What is to be changed, whatever holds the variables.

use std::path::Path;

use media_core::Medium;
use media_core::media::variables::{Change, Editable, Variables};
use secrecy::{ExposeSecret, SecretString};

use super::{bare, medium, open, variables_error};
use crate::args::variables::OutputArgs;
use crate::error::{Error, Exit, Place};
use crate::output::target;
use crate::output::variables::Changes;
use crate::{key, rework, show, variables_file};

/// A change of the variables.
pub(super) enum Edit {
    Set(variables_file::Variables),
    Unset(Vec<String>),
    Password { new: Option<SecretString>, allow_none: bool, notes: Vec<String> },
}

/// A change, and what it is made to.
pub(super) struct Job<'a> {
    pub(super) medium: &'a Path,
    pub(super) edit: Edit,
    pub(super) output: &'a OutputArgs,
    /// Inputs that the output must not be.
    pub(super) inputs: Vec<target::Input<'a>>,
}

impl Job<'_> {
    pub(super) fn run(&self, password: Option<SecretString>) -> Result<Exit, Error> {
        let mut notes = Vec::new();
        let signing_key = key::given(&self.output.signing_key, &mut notes)?;
        let was_unfinished = self.output.output.is_none() && rework::finish(self.medium)?;
        let (opened, found) = open(self.medium)?;
        let password = password.as_ref();
        let mut changes = match (found, &self.output.output) {
            (Medium::Variables(bytes), _) => bare::change(self, opened, &bytes, password)?,
            (Medium::Wim(_) | Medium::Hive(_), _) => {
                return Err(Error::NoVariables { path: self.medium.to_owned() });
            }
            (found, Some(output)) => {
                medium::copy(self, &opened, &found, password, (output, signing_key.as_ref()))?
            }
            (_, None) => medium::in_place(self, password, signing_key.as_ref())?,
        };
        notes.iter().for_each(|note| changes.note(note));
        if was_unfinished {
            changes.note("an earlier change of this medium had been cut short; it was finished first");
        }
        changes.name(self.medium, self.output.output.as_deref());
        if self.output.json || !self.output.quiet {
            show(&changes, self.output.json)?;
        }
        Ok(Exit::Done)
    }

    /// The variables file as it is to be, what is in it, and what that changes.
    pub(super) fn apply(
        &self,
        bytes: &[u8],
        password: Option<&SecretString>,
    ) -> Result<(Vec<u8>, Variables, Changes), Error> {
        let failed = |error| variables_error(self.medium, password.is_some(), error);
        let mut file = Editable::open(bytes, password).map_err(failed)?;
        let mut changes = Changes::default();
        match &self.edit {
            Edit::Set(variables) => {
                for (name, value) in variables {
                    changes.variable(name, file.set(name, value).map_err(failed)?);
                }
            }
            Edit::Unset(names) => {
                for name in names {
                    let change = file.unset(name).map_err(failed)?;
                    changes.absent(name, change == Change::Removed);
                }
            }
            Edit::Password { new, allow_none, notes } => {
                if new.is_none() && !allow_none && is_for_gateway(&file) {
                    let message = "media for a cloud management gateway need a password: whoever holds them reaches the site from anywhere";
                    let hint = "give a new password; --allow-no-password leaves the medium without one";
                    return Err(Error::setting(message, Place::Option("--no-new-password")).with_hint(hint));
                }
                changes.password(file.set_password(new.as_ref()), new.is_some());
                notes.iter().for_each(|note| changes.note(note));
            }
        }
        let variables = file.variables().copy();
        Ok((file.finish().map_err(failed)?, variables, changes))
    }
}

fn is_for_gateway(file: &Editable) -> bool {
    let points = ["SMSTSMP", "SMSTSLocationMPs"].into_iter().filter_map(|name| file.variables().get(name));
    points.into_iter().any(|value| value.expose_secret().to_ascii_lowercase().contains("/ccm_proxy_"))
}
