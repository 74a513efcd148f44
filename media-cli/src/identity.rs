//! `tsmedia identity`: makes identities, and says what a site has to know of them.

mod block;
mod export;
mod new;
mod register;

use std::path::Path;

use media_core::media::identity::Kept;
use media_core::media::names::SiteCode;
use media_core::media::registration::ScriptSite;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::args::identity::{IdentityCommand, IdentityPasswordArgs, ScriptArgs, ShowArgs};
use crate::create::now;
use crate::error::{Error, Exit, Place};
use crate::input;
use crate::output::identity::Shown;
use crate::output::small_file::{self, Access};
use crate::output::target::{self, Input};
use crate::secrets::{self, PasswordSource};
use crate::show;
use crate::system;
use crate::values::ScriptForm;

/// What the file is called in messages.
pub(crate) const IDENTITY_FILE: &str = "identity file";
/// A PKCS#12 file with a long chain has some kilobytes.
const LARGEST: u64 = 1 << 20;

/// Runs one of the subcommands.
pub fn run(command: IdentityCommand) -> Result<Exit, Error> {
    match command {
        IdentityCommand::New(args) => new::new(*args),
        IdentityCommand::Show(args) => show_one(&args),
        IdentityCommand::Export(args) => export::export(&args),
        IdentityCommand::Register(args) => register::register(&args),
        IdentityCommand::Block(args) => block::block(&args),
    }
}

fn show_one(args: &ShowArgs) -> Result<Exit, Error> {
    let kept = read(&args.identity, source(&args.password).as_ref())?;
    let mut shown = Shown::new(&args.identity, &kept, now()?);
    shown.note(note_readable(&args.identity));
    show(&shown, args.json).map(|()| Exit::Done)
}

/// Where the password of an identity file comes from; it has none when not given.
pub(crate) fn source(args: &IdentityPasswordArgs) -> Option<PasswordSource> {
    secrets::source(
        args.identity_password_file.as_deref(),
        args.identity_password_env.as_deref(),
        args.identity_password_prompt,
    )
}

/// Reads an identity file.
///
/// # Errors
/// [`Error::Identity`], and what reading it or its password gives.
pub(crate) fn read(path: &Path, password: Option<&PasswordSource>) -> Result<Kept, Error> {
    let bytes = input::read_small(path, IDENTITY_FILE, LARGEST)?;
    let secret = match password {
        Some(source) => secrets::read(source, "identity password", false)?,
        None => SecretString::from(""),
    };
    Kept::read(&bytes, &secret).map_err(|error| Error::Identity {
        path: path.to_owned(),
        has_password: password.is_some(),
        error,
    })
}

/// The private key in it is worth what the fewest hands it went through are.
pub(crate) fn note_readable(path: &Path) -> Option<String> {
    system::is_readable_by_others(path)
        .then(|| format!("other users of this computer can read the identity in {}", path.display()))
}

/// The site a script is for.
pub(crate) fn script_site(code: Option<&str>, provider: Option<&str>) -> Result<ScriptSite, Error> {
    let checked = |code| {
        SiteCode::new(code).map_err(|error| Error::setting(error.to_string(), Place::Option("--site-code")))
    };
    Ok(ScriptSite { code: code.map(checked).transpose()?, provider: provider.map(str::to_owned) })
}

/// Prints a record or a script, or writes it to a file.
fn put(
    args: &ScriptArgs,
    inputs: &[Input<'_>],
    json: &impl serde::Serialize,
    script: impl FnOnce() -> String,
) -> Result<Exit, Error> {
    let by_name = args.output.as_deref().and_then(ScriptForm::by_name);
    let text = match args.format.or(by_name).unwrap_or(ScriptForm::Json) {
        ScriptForm::Json => crate::json_text(json)?,
        ScriptForm::Powershell => script(),
    };
    let Some(output) = &args.output else { return crate::print(&text).map(|()| Exit::Done) };
    let target = target::check(output, args.force, inputs)?;
    small_file::write(&target, output, Zeroizing::new(text.into_bytes()), Access::Usual, args.force)?;
    Ok(Exit::Done)
}
