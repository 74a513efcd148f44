//! A new identity in a file of its own.

use media_core::media::identity::Kept;
use secrecy::SecretString;

use super::{IDENTITY_FILE, source};
use crate::args::identity::NewArgs;
use crate::create::{Note, certificate_source, environment};
use crate::error::{Error, Exit};
use crate::output::identity::Shown;
use crate::output::small_file::{self, Access};
use crate::output::target::{self, Input};
use crate::secrets::{self, PasswordSource};
use crate::settings::{self, CertificateChoice, SeedSource};
use crate::show;

pub(super) fn new(args: NewArgs) -> Result<Exit, Error> {
    let (output, force, json, quiet) = (args.output.clone(), args.force, args.json, args.quiet);
    let password = source(&args.password);
    let decided = settings::new_identity(args, password.as_ref())?;
    let mut inputs: Vec<Input<'_>> = Vec::new();
    let mut passwords: Vec<&PasswordSource> = password.iter().collect();
    if let CertificateChoice::Import { file, password } = &decided.certificate {
        inputs.push(("media certificate", &file.value));
        passwords.extend(password);
    }
    if let Some(SeedSource::Read(seed)) = &decided.seed {
        passwords.push(seed);
    }
    for source in passwords {
        if let PasswordSource::File(path) = source {
            inputs.push(("password file", path));
        }
    }
    let target = target::check(&output, force, &inputs)?;
    let env = environment(decided.seed.as_ref())?;
    let mut notes: Vec<Note> = Vec::new();
    let given = certificate_source(&decided.certificate, true, env.now(), &mut notes)?;
    let kept = Kept::new(&given, decided.media_guid.as_ref(), &env);
    let kept = kept.map_err(|error| match &decided.certificate {
        CertificateChoice::Import { file, password } => {
            Error::ImportedCertificate { path: file.value.clone(), has_password: password.is_some(), error }
        }
        _ => Error::Identity { path: output.clone(), has_password: password.is_some(), error },
    })?;
    let secret = match &password {
        Some(source) => secrets::read(source, "identity password", true)?,
        None => {
            notes.push(format!(
                "the {IDENTITY_FILE} has no password: whoever gets hold of {} has the private key in it",
                output.display()
            ));
            SecretString::from("")
        }
    };
    let written = kept.write(&secret, &env).map_err(|error| Error::Identity {
        path: output.clone(),
        has_password: password.is_some(),
        error,
    })?;
    small_file::write(&target, &output, written, Access::Owner, force)?;
    if json || !quiet {
        let mut shown = Shown::new(&output, &kept, env.now());
        shown.note(notes);
        show(&shown, json)?;
    }
    Ok(Exit::Done)
}
