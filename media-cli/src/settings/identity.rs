//! Settings of an identity on its own, and what one that was kept decides for a medium.

use std::path::PathBuf;

use media_core::media::identity::{Kept, MediaGuid};

use super::check::{check_standard_input_of, checked_if_given};
use super::merge::{option, password_sources};
use super::resolve::{certificate, only_one};
use super::{CertificateChoice, Given, SeedSource, Settings};
use crate::args::identity::NewArgs;
use crate::error::{Error, Place};
use crate::secrets::PasswordSource;

/// What a new identity is made from.
pub struct NewIdentity {
    /// Its certificate.
    pub certificate: CertificateChoice,
    /// Its media GUID; a new one when not given.
    pub media_guid: Option<MediaGuid>,
    /// Where all random numbers come from.
    pub seed: Option<SeedSource>,
}

/// Decides what a new identity is made from.
///
/// # Errors
/// [`Error::Setting`] for the first setting that is wrong.
pub fn new_identity(args: NewArgs, password: Option<&PasswordSource>) -> Result<NewIdentity, Error> {
    let settings = Settings {
        seed: args.seed.given(),
        certificate: option(args.certificate, "--certificate"),
        certificate_password: password_sources(
            option(args.certificate_password_file, "--certificate-password-file"),
            option(args.certificate_password_env, "--certificate-password-env"),
            None,
        ),
        certificate_start: option(args.certificate_start, "--certificate-start"),
        certificate_expiry: option(args.certificate_expiry, "--certificate-expiry"),
        key_bits: option(args.key_bits, "--key-bits"),
        media_guid: option(args.media_guid, "--media-guid"),
        identity_password: password.cloned().into_iter().map(identity_password).collect(),
        ..Settings::default()
    };
    check_standard_input_of(&settings)?;
    only_one(&settings.identity_password)?;
    Ok(NewIdentity {
        certificate: certificate(&settings, None)?,
        media_guid: checked_if_given(settings.media_guid.as_ref(), |guid| MediaGuid::parse(guid))?,
        seed: settings.seed.map(|given| given.value),
    })
}

fn identity_password(source: PasswordSource) -> Given<PasswordSource> {
    let name = match source {
        PasswordSource::File(_) | PasswordSource::StandardInput => "--identity-password-file",
        PasswordSource::Environment(_) => "--identity-password-env",
        PasswordSource::Prompt => "--identity-password-prompt",
    };
    Given { value: source, place: Place::Option(name) }
}

impl Settings {
    /// The identity file and where its password comes from. It has to be read before the rest is decided: whether media go
    /// by http or https follows from its certificate.
    ///
    /// # Errors
    /// [`Error::Setting`] when settings contradict each other.
    pub fn identity(&self) -> Result<Option<(PathBuf, Option<PasswordSource>)>, Error> {
        let in_spec = |error: Error| match &self.spec {
            Some(spec) => error.in_spec(spec),
            None => error,
        };
        let decide = || {
            check_standard_input_of(self)?;
            let password = only_one(&self.identity_password)?;
            match (&self.identity, self.identity_password.first()) {
                (None, Some(given)) => {
                    let message = "a password for an identity file is given, but no such file";
                    Err(Error::setting(message, given.place.clone()).with_hint("give --identity"))
                }
                (None, None) => Ok(None),
                (Some(file), _) => {
                    self.no_other_identity(file)?;
                    Ok(Some((file.value.clone(), password)))
                }
            }
        };
        decide().map_err(in_spec)
    }

    /// Gives the settings what was in the identity file.
    pub fn set_identity(&mut self, kept: Kept) {
        self.kept = Some(kept);
    }

    fn no_other_identity(&self, file: &Given<PathBuf>) -> Result<(), Error> {
        let others = [
            ("a media GUID", self.media_guid.as_ref().map(|given| &given.place)),
            ("a certificate to import", self.certificate.as_ref().map(|given| &given.place)),
            (
                "the start of a self-signed certificate",
                self.certificate_start.as_ref().map(|given| &given.place),
            ),
            (
                "the expiry of a self-signed certificate",
                self.certificate_expiry.as_ref().map(|given| &given.place),
            ),
            (
                "the length of a self-signed certificate's key",
                self.key_bits.as_ref().map(|given| &given.place),
            ),
        ];
        match others.into_iter().find_map(|(what, place)| Some((what, place?))) {
            None => Ok(()),
            Some((what, place)) => {
                let message = format!("the identity in a file is complete, and {what} is given too");
                Err(Error::conflict(&message, place.clone(), file.place.clone()))
            }
        }
    }
}
