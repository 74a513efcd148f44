//! `tsmedia variables`: shows and changes the media variables of a medium or of a bare file.

mod bare;
mod edit;
mod medium;
mod show;

use std::path::Path;

use media_core::media::password::strength;
use media_core::media::site_variables::{IDENTITY, is_among};
use media_core::media::variables::VariablesError;
use media_core::{InspectError, Medium, MediumError};
use secrecy::{ExposeSecret, SecretString};

use crate::args::variables::{ChangePasswordArgs, NewPasswordArgs, SetArgs, UnsetArgs, VariablesCommand};
use crate::error::{Error, Exit, Place};
use crate::secrets::{self, PasswordSource};
use crate::{input, variables_file};
use edit::{Edit, Job};

/// What it is called in messages.
const MEDIUM: &str = "medium";

/// Runs one of the subcommands.
pub fn run(command: VariablesCommand) -> Result<Exit, Error> {
    match command {
        VariablesCommand::Show(args) => show::show(&args),
        VariablesCommand::Set(args) => set(&args),
        VariablesCommand::Unset(args) => unset(&args),
        VariablesCommand::ChangePassword(args) => change_password(&args),
    }
}

fn set(args: &SetArgs) -> Result<Exit, Error> {
    let mut all = match &args.vars_file {
        Some(path) => variables_file::read(path, |name| is_identity(name).then(|| identity(name)))?,
        None => Vec::new(),
    };
    let mut typed = variables_file::Variables::new();
    for text in &args.variables {
        let (name, value) = match text.expose_secret().split_once('=') {
            Some((name, value)) if !name.is_empty() => (name, value),
            // The text is not repeated: it may be a secret value in the wrong place.
            _ => return Err(Error::setting("expected NAME=VALUE", Place::Nowhere)),
        };
        refuse_identity(name)?;
        if typed.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            return Err(Error::setting(format!("the variable {name} is given twice"), Place::Nowhere));
        }
        typed.push((name.to_owned(), SecretString::from(value)));
    }
    all.retain(|(name, _)| !typed.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)));
    all.extend(typed);
    let inputs = args.vars_file.iter().map(|path| ("file of variables", path.as_path())).collect();
    let job = Job { medium: &args.medium, edit: Edit::Set(all), output: &args.output, inputs };
    job.run(args.password.read()?)
}

fn unset(args: &UnsetArgs) -> Result<Exit, Error> {
    args.names.iter().try_for_each(|name| refuse_identity(name))?;
    let edit = Edit::Unset(args.names.clone());
    let job = Job { medium: &args.medium, edit, output: &args.output, inputs: Vec::new() };
    job.run(args.password.read()?)
}

fn change_password(args: &ChangePasswordArgs) -> Result<Exit, Error> {
    let old = args.password.read()?;
    let new = match new_source(&args.new) {
        Some(source) => Some(secrets::read(&source, "new media password", true)?),
        None => None,
    };
    let mut notes = Vec::new();
    if let Some(new) = &new {
        crate::password::accept(strength(new, &[]), args.allow_weak_password, &mut notes)?;
    }
    let edit = Edit::Password { new, allow_none: args.allow_no_password, notes };
    let job = Job { medium: &args.medium, edit, output: &args.output, inputs: Vec::new() };
    job.run(old)
}

fn new_source(args: &NewPasswordArgs) -> Option<PasswordSource> {
    let (file, env) = (args.new_password_file.as_deref(), args.new_password_env.as_deref());
    secrets::source(file, env, args.new_password_prompt)
}

fn is_identity(name: &str) -> bool {
    is_among(name, &IDENTITY)
}

fn identity(name: &str) -> String {
    format!("{name} is part of the media's identity and cannot be changed as a variable")
}

fn refuse_identity(name: &str) -> Result<(), Error> {
    if !is_identity(name) {
        return Ok(());
    }
    let hint = "make a medium with the identity wanted: tsmedia create --media-guid, --certificate";
    Err(Error::setting(identity(name), Place::Nowhere).with_hint(hint))
}

/// Opens what was named.
fn open(path: &Path) -> Result<(input::Opened, Medium), Error> {
    let opened = input::open(path, MEDIUM)?;
    let medium = media_core::open(opened.source()).map_err(|error| medium_error(path, error))?;
    Ok((opened, medium))
}

fn medium_error(path: &Path, error: MediumError) -> Error {
    Error::Inspect { path: path.to_owned(), error: InspectError::Medium(error) }
}

/// What keeps the variables from being read: without a password given it may be that they have one.
pub(crate) fn variables_error(path: &Path, password_given: bool, error: VariablesError) -> Error {
    match error {
        VariablesError::WrongPassword if !password_given => Error::NeedsPassword { path: path.to_owned() },
        VariablesError::Name { .. } | VariablesError::Value { .. } => {
            Error::setting(error.to_string(), Place::Nowhere)
        }
        error => Error::NotOpened { path: path.to_owned(), error },
    }
}
