//! `tsmedia site`: what a medium of the site's own console shows.

use std::fs;
use std::path::{Path, PathBuf};

use media_core::bytes::to_hex_lower;
use media_core::digest::{self, DigestError};
use media_core::donor::{self, Donor, DonorError};
use media_core::event::{Event, Observer};
use media_core::io::{AtomicFile, Source};
use media_core::{MediumFile, Plan};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::args::site::{ImportArgs, SiteCommand};
use crate::create::environment;
use crate::error::{Error, Exit, OutputProblem, Place};
use crate::identity;
use crate::input;
use crate::interrupt::Interruption;
use crate::output::imported::Imported;
use crate::output::small_file::{self, Access};
use crate::output::target::{self, Input};
use crate::progress::Progress;
use crate::secrets::{self, PasswordSource};
use crate::show;
use crate::site_file::{self, NamedFile};

/// Runs one of the subcommands.
pub fn run(command: SiteCommand) -> Result<Exit, Error> {
    match command {
        SiteCommand::Import(args) => import(&args),
    }
}

fn import(args: &ImportArgs) -> Result<Exit, Error> {
    let password = args.password.source();
    let identity_password = identity::source(&args.identity_password);
    check(args, password.as_ref(), identity_password.as_ref())?;
    let mut inputs: Vec<Input<'_>> = vec![("medium", &args.donor)];
    for source in password.iter().chain(&identity_password) {
        if let PasswordSource::File(path) = source {
            inputs.push(("password file", path));
        }
    }
    let target = target::check(&args.output, args.force, &inputs)?;
    let identity_target = args
        .identity_output
        .as_deref()
        .map(|output| target::check(output, args.force, &inputs))
        .transpose()?;
    if identity_target.as_ref() == Some(&target) {
        let message = "the site file and the identity file are to be the same file";
        return Err(Error::conflict(message, Place::Option("--identity-output"), Place::Option("--output")));
    }
    let opened = input::open(&args.donor, "medium")?;
    let secret =
        password.as_ref().map(|source| secrets::read(source, "media password", false)).transpose()?;
    let failed = |error: DonorError| Error::Donor {
        path: args.donor.clone(),
        has_password: secret.is_some(),
        error: Box::new(error),
    };
    let donor = donor::read(opened.source(), secret.as_ref()).map_err(failed)?;
    if let Err(error) = &donor.bootstrap {
        return Err(failed(error.clone().into()));
    }
    let interruption = Interruption::listen()?;
    let mut progress = Progress::new(args.quiet, interruption);
    let boot_files = named(&donor, args, &mut progress)?;
    opened.check_unchanged()?;
    progress.clear();

    let mut imported = Imported::new(&args.output, &donor, args.with_secrets, &boot_files);
    // Complete before either gets its name.
    let kept = match (&args.identity_output, &identity_target) {
        (Some(output), Some(target)) => {
            let secret = match &identity_password {
                Some(source) => secrets::read(source, "identity password", true)?,
                None => {
                    imported.note_no_identity_password(output);
                    SecretString::from("")
                }
            };
            let kept = donor.identity().map_err(failed)?;
            let bytes = kept.write(&secret, &environment(None)?).map_err(|error| Error::Identity {
                path: output.clone(),
                has_password: identity_password.is_some(),
                error,
            })?;
            Some((small_file::prepare(target, output, bytes, Access::Owner)?, output))
        }
        _ => None,
    };
    if let Some(folder) = &args.boot_files {
        donor.boot_files.iter().try_for_each(|file| copy(file, folder, args.force))?;
    }
    let access = if args.with_secrets { Access::Owner } else { Access::Usual };
    let text = site_file::write(&donor, args.with_secrets, &boot_files);
    let text = Zeroizing::new(text.as_bytes().to_vec());
    small_file::write(&target, &args.output, text, access, args.force)?;
    if let Some((file, output)) = kept {
        target::keep(file, output, args.force)?;
    }
    if args.json || !args.quiet {
        show(&imported, args.json)?;
    }
    Ok(Exit::Done)
}

fn check(
    args: &ImportArgs,
    password: Option<&PasswordSource>,
    identity_password: Option<&PasswordSource>,
) -> Result<(), Error> {
    let standard_input = Some(&PasswordSource::StandardInput);
    if password == standard_input && identity_password == standard_input {
        let message = "two settings read standard input, which can be read once";
        let also = Place::Option("--password-file");
        return Err(Error::conflict(message, Place::Option("--identity-password-file"), also));
    }
    if identity_password.is_some() && args.identity_output.is_none() {
        let message = "a password for an identity file is given, but no such file is to be made";
        let hint = "give --identity-output with --with-secrets";
        return Err(Error::setting(message, Place::Nowhere).with_hint(hint));
    }
    Ok(())
}

/// The boot files with their SHA-256.
fn named(donor: &Donor, args: &ImportArgs, progress: &mut Progress) -> Result<Vec<NamedFile>, Error> {
    let bytes = donor.boot_files.iter().map(|file| file.content.len()).sum();
    progress.event(Event::Begin { what: "reading boot files", bytes });
    let mut named = Vec::new();
    for file in &donor.boot_files {
        let sha256 = digest::sha256(&file.content, progress).map_err(|error| match error {
            DigestError::Read(_, error) => Error::Donor {
                path: args.donor.clone(),
                has_password: true,
                error: Box::new(DonorError::Read { path: file.path.clone(), error }),
            },
            DigestError::Cancelled => Error::Interrupted,
        })?;
        let (path, bytes) = (file.path.clone(), file.content.len());
        named.push(NamedFile { path, bytes, sha256: to_hex_lower(&sha256) });
    }
    progress.event(Event::End);
    Ok(named)
}

/// Copies a file of the medium below a folder, and nowhere else, whatever it is called.
fn copy(file: &MediumFile, folder: &Path, force: bool) -> Result<(), Error> {
    let mut output = PathBuf::from(folder);
    let system =
        |path: &Path, error| Error::Output { path: path.to_owned(), problem: OutputProblem::System(error) };
    for name in file.path.split('/') {
        if name.is_empty() || name == "." || name == ".." || name.contains(['\\', '\0']) {
            let error =
                std::io::Error::new(std::io::ErrorKind::InvalidInput, "the medium has a file of this name");
            return Err(system(&output.join(name), error));
        }
        output.push(name);
    }
    let parent = output.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(|error| system(parent, error))?;
    let target = target::check(&output, force, &[])?;
    let mut made = AtomicFile::create(&target).map_err(|error| system(&output, error))?;
    let mut quiet = Progress::new(true, Interruption::default());
    media_core::write(&Plan::of_file("boot file", &file.content), &mut made, &mut quiet)
        .map_err(|error| Error::writing(&output, error))?;
    target::keep(made, &output, force)
}
