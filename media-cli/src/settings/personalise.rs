//! Settings of `tsmedia personalise`: those of `create` that differ between two media of a kind.

use std::path::PathBuf;

use media_core::PersonalManagement;
use media_core::media::identity::MediaGuid;
use media_core::media::names::{MediaLabel, SerialNumber};
use secrecy::{ExposeSecret, SecretString};

use super::check::{self, check_standard_input_of, checked_if_given};
use super::merge::{option, pairs, password_sources};
use super::resolve::{certificate, variables, without_variables};
use super::site::points;
use super::{CertificateChoice, Given, SeedSource, Settings};
use crate::args::personalise::PersonaliseArgs;
use crate::error::{Error, Place};
use crate::values::ScriptForm;

/// What a medium gets that is its own, before any file is read.
pub struct PersonalSettings {
    settings: Settings,
    /// The media certificate, when it becomes another.
    pub certificate: Option<CertificateChoice>,
    /// Whether it may have expired.
    pub allow_expired: bool,
    /// Whether it may be one that management points are expected to refuse.
    pub allow_unsuitable_certificate: bool,
    /// The media GUID.
    pub media_guid: Option<MediaGuid>,
    /// The media label.
    pub label: Option<MediaLabel>,
    /// The number under which the organisation keeps the medium.
    pub serial_number: Option<SerialNumber>,
    /// Media variables given by name.
    pub variables: Vec<(String, SecretString)>,
    /// A file with more of them.
    pub vars_file: Option<PathBuf>,
    /// Names of media variables to leave out.
    pub without_variables: Vec<String>,
    /// Where what the site has to be told is written.
    pub registration: Option<(PathBuf, ScriptForm)>,
    /// Where all random numbers come from.
    pub seed: Option<SeedSource>,
}

/// Decides what the options mean; reads the identity file, when there is one.
///
/// # Errors
/// [`Error::Setting`] for the first option that is wrong, and what an identity file gives.
pub fn personal(args: &PersonaliseArgs) -> Result<PersonalSettings, Error> {
    let mut settings = settings(args)?;
    check_standard_input_of(&settings)?;
    if let Some((path, password)) = settings.identity()? {
        settings.set_identity(crate::identity::read(&path, password.as_ref())?);
    }
    let given = &args.identity;
    let another = given.new_identity || given.certificate.is_some() || given.identity.is_some();
    let kept = settings.kept.take();
    let certificate = if another { Some(certificate(&settings, kept)?) } else { None };
    let registration = checked_if_given(settings.registration.as_ref(), |path| check::registration(path))?;
    if let (Some((path, _)), None, None) = (&registration, &certificate, &settings.media_guid) {
        let message = format!(
            "{} is to tell the site of a new identity, and the medium keeps the one it has",
            path.display()
        );
        return Err(Error::setting(message, Place::Option("--registration")));
    }
    if let (Some(other), false) = (settings.media_mode.as_ref(), settings.has_points()) {
        return Err(Error::setting("a media mode is given, and no management point", other.place.clone()));
    }
    if let (Some(other), false) =
        (settings.http_port.as_ref().or(settings.https_port.as_ref()), settings.has_points())
    {
        return Err(Error::setting("a port is given, and no management point", other.place.clone()));
    }
    Ok(PersonalSettings {
        certificate,
        allow_expired: given.allow_expired,
        allow_unsuitable_certificate: given.allow_unsuitable_certificate,
        media_guid: checked_if_given(settings.media_guid.as_ref(), |guid| MediaGuid::parse(guid))?,
        label: checked_if_given(settings.label.as_ref(), |label| MediaLabel::new(label))?,
        serial_number: checked_if_given(settings.serial_number.as_ref(), |text| SerialNumber::new(text))?,
        variables: variables(&settings, None)?.into_iter().map(|(name, given)| (name, given.value)).collect(),
        vars_file: args.own.vars_file.clone(),
        without_variables: without_variables(&settings)?,
        registration,
        seed: settings.seed.take().map(|given| given.value),
        settings,
    })
}

impl PersonalSettings {
    /// The management points, when they become others. Without a scheme they get the one that the medium's have.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn management(
        &self,
        scheme: &str,
        notes: &mut Vec<String>,
    ) -> Result<Option<PersonalManagement>, Error> {
        self.settings.has_points().then(|| points(&self.settings, scheme, notes)).transpose()
    }
}

impl Settings {
    fn has_points(&self) -> bool {
        self.cmg.is_some() || !self.management_points.is_empty()
    }
}

fn settings(args: &PersonaliseArgs) -> Result<Settings, Error> {
    let (identity, own) = (&args.identity, &args.own);
    let mut variables: Vec<(String, Given<SecretString>)> = Vec::new();
    for text in &own.var {
        for (name, value) in pairs([text.expose_secret()], "--var", "expected NAME=VALUE")? {
            variables.push((name, value.map(SecretString::from)));
        }
    }
    let list = |values: &[String], name| {
        values.iter().cloned().map(|value| Given { value, place: Place::Option(name) }).collect()
    };
    let old = password_sources(
        option(args.password.password_file.clone(), "--password-file"),
        option(args.password.password_env.clone(), "--password-env"),
        option(args.password.password_prompt.then_some(true), "--password-prompt"),
    );
    let new = password_sources(
        option(own.new_password_file.clone(), "--new-password-file"),
        option(own.new_password_env.clone(), "--new-password-env"),
        option(own.new_password_prompt.then_some(true), "--new-password-prompt"),
    );
    let password = identity.identity_password.clone();
    Ok(Settings {
        seed: args.run.seed.given(),
        certificate: option(identity.certificate.clone(), "--certificate"),
        certificate_password: password_sources(
            option(identity.certificate_password_file.clone(), "--certificate-password-file"),
            option(identity.certificate_password_env.clone(), "--certificate-password-env"),
            None,
        ),
        certificate_start: option(identity.certificate_start.clone(), "--certificate-start"),
        certificate_expiry: option(identity.certificate_expiry.clone(), "--certificate-expiry"),
        key_bits: option(identity.key_bits, "--key-bits"),
        identity: option(identity.identity.clone(), "--identity"),
        identity_password: password_sources(
            option(password.identity_password_file, "--identity-password-file"),
            option(password.identity_password_env, "--identity-password-env"),
            option(password.identity_password_prompt.then_some(true), "--identity-password-prompt"),
        ),
        media_guid: option(identity.media_guid.clone(), "--media-guid"),
        password: [old, new].concat(),
        label: option(own.label.clone(), "--label"),
        serial_number: option(own.serial_number.clone(), "--serial-number"),
        management_points: list(&own.management_point, "--management-point"),
        cmg: option(own.cmg.clone(), "--cmg"),
        media_mode: option(own.media_mode, "--media-mode"),
        http_port: option(own.http_port, "--http-port"),
        https_port: option(own.https_port, "--https-port"),
        vars_file: option(own.vars_file.clone(), "--vars-file"),
        variables,
        without_variables: list(&own.without_var, "--without-var"),
        registration: option(args.result.registration.clone(), "--registration"),
        ..Settings::default()
    })
}
