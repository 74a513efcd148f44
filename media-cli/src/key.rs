//! `tsmedia key`: the keys that manifests are signed with.

use std::path::Path;

use media_core::media::signing::{self, DEFAULT_KEY_BITS, KeyError, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::args::key::{KeyCommand, NewArgs, PublicArgs, ShowArgs, SigningKeyArgs};
use crate::create::environment;
use crate::error::{Error, Exit, Place};
use crate::output::key::Shown;
use crate::output::small_file::{self, Access};
use crate::output::target::{self, Input};
use crate::secrets::{self, PasswordSource};
use crate::system;
use crate::{input, print, show};

/// What it is called in messages.
pub(crate) const SIGNING_KEY: &str = "signing key";

/// Runs one of the subcommands.
pub fn run(command: KeyCommand) -> Result<Exit, Error> {
    match command {
        KeyCommand::New(args) => new(*args),
        KeyCommand::Public(args) => public(&args),
        KeyCommand::Show(args) => show_one(&args),
    }
}

fn new(args: NewArgs) -> Result<Exit, Error> {
    let password = args.password.source();
    let seed = args.seed.given().map(|given| given.value);
    let files = [&args.password.key_password_file, &args.seed.seed_file];
    let inputs: Vec<Input<'_>> =
        files.into_iter().flatten().map(|path| ("password file", path.as_path())).collect();
    if args.public.as_ref() == Some(&args.output) {
        let message = "the private and the public key are to be the same file";
        return Err(Error::setting(message, Place::Option("--public")));
    }
    let target = target::check(&args.output, args.force, &inputs)?;
    let public = args.public.as_deref().map(|path| target::check(path, args.force, &inputs)).transpose()?;
    let env = environment(seed.as_ref())?;
    let bits = args.key_bits.unwrap_or(DEFAULT_KEY_BITS);
    let key = SigningKey::generate(bits, &env).map_err(|error| match error {
        KeyError::Length { .. } => {
            let message = format!("{bits} bits: a key has 2048 to 8192, a multiple of 64");
            Error::setting(message, Place::Option("--key-bits"))
        }
        error => Error::Key { path: args.output.clone(), error },
    })?;
    let secret = match &password {
        Some(source) => Some(secrets::read(source, "key password", true)?),
        None => None,
    };
    let failed = |error| Error::Key { path: args.output.clone(), error };
    let pem = key.to_pem(secret.as_ref(), &env).map_err(failed)?;
    let public_pem = key.verifying_key().to_pem().map_err(failed)?;
    let private =
        small_file::prepare(&target, &args.output, Zeroizing::new(pem.as_bytes().to_vec()), Access::Owner)?;
    if let (Some(target), Some(path)) = (&public, &args.public) {
        let bytes = Zeroizing::new(public_pem.into_bytes());
        small_file::write(target, path, bytes, Access::Usual, args.force)?;
    }
    target::keep(private, &args.output, args.force)?;
    if args.json || !args.quiet {
        let mut shown = Shown::new(&args.output, &key.verifying_key(), true).map_err(failed)?;
        if secret.is_none() {
            shown.note(format!(
                "the key has no password: whoever gets hold of {} can sign with it",
                args.output.display()
            ));
        }
        show(&shown, args.json)?;
    }
    Ok(Exit::Done)
}

fn public(args: &PublicArgs) -> Result<Exit, Error> {
    let (key, _) = read_any(&args.key, args.password.source().as_ref())?;
    let pem = key.to_pem().map_err(|error| Error::Key { path: args.key.clone(), error })?;
    let Some(output) = &args.output else { return print(&pem).map(|()| Exit::Done) };
    let mut inputs: Vec<Input<'_>> = vec![("key", &args.key)];
    inputs.extend(args.password.key_password_file.iter().map(|path| ("password file", path.as_path())));
    let target = target::check(output, args.force, &inputs)?;
    small_file::write(&target, output, Zeroizing::new(pem.into_bytes()), Access::Usual, args.force)?;
    Ok(Exit::Done)
}

fn show_one(args: &ShowArgs) -> Result<Exit, Error> {
    let (key, is_private) = read_any(&args.key, args.password.source().as_ref())?;
    let failed = |error| Error::Key { path: args.key.clone(), error };
    let mut shown = Shown::new(&args.key, &key, is_private).map_err(failed)?;
    if is_private && system::is_readable_by_others(&args.key) {
        shown.note(note_readable(&args.key));
    }
    show(&shown, args.json).map(|()| Exit::Done)
}

fn note_readable(path: &Path) -> String {
    format!("other users of this computer can read the {SIGNING_KEY} in {}", path.display())
}

/// A public key, or the public half of a private one.
fn read_any(path: &Path, password: Option<&PasswordSource>) -> Result<(VerifyingKey, bool), Error> {
    let bytes = input::read_small(path, "key", signing::LARGEST)?;
    match VerifyingKey::read(&bytes) {
        Ok(key) => Ok((key, false)),
        Err(KeyError::Private | KeyError::NotAKey { .. }) => {
            Ok((read_private(path, password)?.verifying_key(), true))
        }
        Err(error) => Err(Error::Key { path: path.to_owned(), error }),
    }
}

fn read_private(path: &Path, password: Option<&PasswordSource>) -> Result<SigningKey, Error> {
    let bytes = input::read_small(path, SIGNING_KEY, signing::LARGEST)?;
    let secret = match password {
        Some(source) => Some(secrets::read(source, "key password", false)?),
        None => None,
    };
    SigningKey::read(&bytes, secret.as_ref()).map_err(|error| Error::Key { path: path.to_owned(), error })
}

/// Reads the key that manifests are signed with.
///
/// # Errors
/// [`Error::Key`], and what reading it or its password gives.
pub(crate) fn read_signing(
    path: &Path,
    password: Option<&PasswordSource>,
    notes: &mut Vec<String>,
) -> Result<SigningKey, Error> {
    let key = read_private(path, password)?;
    notes.extend(system::is_readable_by_others(path).then(|| note_readable(path)));
    Ok(key)
}

/// The same from the options of a command without a spec file.
///
/// # Errors
/// [`Error::Setting`] for a password without a key, and as [`read_signing`].
pub(crate) fn given(args: &SigningKeyArgs, notes: &mut Vec<String>) -> Result<Option<SigningKey>, Error> {
    let source = args.source();
    match (&args.signing_key, source) {
        (Some(path), source) => read_signing(path, source.as_ref(), notes).map(Some),
        (None, None) => Ok(None),
        (None, Some(_)) => {
            let message = "a password for a signing key is given, but no key";
            Err(Error::setting(message, Place::Nowhere).with_hint("give --signing-key"))
        }
    }
}

/// Reads the key that signatures are checked with.
///
/// # Errors
/// [`Error::Key`] and [`Error::Unreadable`].
pub(crate) fn read_public(path: &Path) -> Result<VerifyingKey, Error> {
    let bytes = input::read_small(path, "key", signing::LARGEST)?;
    VerifyingKey::read(&bytes).map_err(|error| Error::Key { path: path.to_owned(), error })
}
