//! Where what `tsmedia personalise` makes goes: the medium, its receipt, and what the site has to be told.

use std::path::{Path, PathBuf};

use media_core::media::names::SiteCode;

use super::{MEDIUM, Made};
use crate::args::personalise::PersonaliseArgs;
use crate::error::Error;
use crate::output::registration;
use crate::output::small_file::Prepared;
use crate::output::target::{self, Input, receipt_of};
use crate::settings::{CertificateChoice, PersonalSettings};
use crate::sticks::is_device;
use crate::values::ScriptForm;

/// The name the user knows a file under, and the file it is.
type Named = (PathBuf, PathBuf);

/// The files.
pub(crate) struct Places {
    /// The medium; none when it is changed where it is.
    pub(crate) output: Option<Named>,
    /// Its receipt.
    pub(crate) receipt: Option<Named>,
    registration: Option<(Named, ScriptForm)>,
    force: bool,
}

impl Places {
    /// Looks at them before anything is done.
    pub(super) fn new(args: &PersonaliseArgs, decided: &PersonalSettings) -> Result<Self, Error> {
        let inputs = inputs(args, decided);
        let force = args.result.force;
        let place =
            |path: &Path, force| Ok::<_, Error>((path.to_owned(), target::check(path, force, &inputs)?));
        let output = args.result.output.as_deref().map(|path| place(path, force)).transpose()?;
        let receipt = match (&args.result.receipt, args.result.no_receipt) {
            (_, true) => None,
            (Some(path), _) => Some(place(path, force)?),
            (None, _) => match &output {
                Some((output, _)) => Some(place(&receipt_of(output), force)?),
                // The receipt of a medium that changes is another, and the old one is of no use any more.
                None if !is_device(&args.medium) => Some(place(&receipt_of(&args.medium), true)?),
                None => None,
            },
        };
        let registration = match &decided.registration {
            Some((path, form)) => Some((place(path, force)?, *form)),
            None => None,
        };
        Ok(Self { output, receipt, registration, force: force || args.result.in_place })
    }

    /// Writes what goes beside the medium.
    pub(super) fn write_beside(&self, made: &Made) -> Result<(), Error> {
        let mut prepared = Prepared::new(self.force);
        if let (Some((output, target)), Some(receipt)) = (&self.receipt, &made.receipt) {
            prepared.add(target, output, receipt.to_bytes())?;
        }
        if let (Some(((output, target), form)), Some(certificate)) = (&self.registration, &made.certificate) {
            let code = made.receipt.as_ref().map(|receipt| &receipt.manifest.identity.site.code);
            let code = code.and_then(|code| SiteCode::new(code).ok());
            let text = registration::text(&certificate.registration, *form, code)?;
            prepared.add(target, output, text.into_bytes())?;
        }
        prepared.keep()
    }
}

fn inputs<'a>(args: &'a PersonaliseArgs, decided: &'a PersonalSettings) -> Vec<Input<'a>> {
    let mut inputs: Vec<Input<'a>> = vec![(MEDIUM, &args.medium)];
    let passwords = [
        &args.password.password_file,
        &args.own.new_password_file,
        &args.identity.certificate_password_file,
        &args.identity.identity_password.identity_password_file,
        &args.run.seed.seed_file,
        &args.signing_key.signing_key_password_file,
    ];
    inputs.extend(passwords.into_iter().flatten().map(|path| ("password file", path.as_path())));
    inputs.extend(args.own.vars_file.iter().map(|path| ("file of variables", path.as_path())));
    inputs.extend(args.signing_key.signing_key.iter().map(|path| (crate::key::SIGNING_KEY, path.as_path())));
    match &decided.certificate {
        Some(CertificateChoice::Import { file, .. }) => inputs.push(("media certificate", &file.value)),
        Some(CertificateChoice::Kept { file, .. }) => {
            inputs.push((crate::identity::IDENTITY_FILE, &file.value));
        }
        _ => {}
    }
    inputs
}
