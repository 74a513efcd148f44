//! `tsmedia personalise`: makes a finished medium somebody else's.

mod places;

use std::cell::RefCell;
use std::sync::Arc;

use media_core::env::Env;
use media_core::io::Source;
use media_core::media::password::strength;
use media_core::media::signing::SigningKey;
use media_core::media::site_variables::{IDENTITY, is_among};
use media_core::{Original, Personal, PersonalCertificate, PersonaliseError, Personalised};
use secrecy::SecretString;

use crate::args::personalise::{OwnArgs, PersonaliseArgs};
use crate::create::{certificate_source, environment, refuse_certificate};
use crate::error::{Error, Exit, Place};
use crate::interrupt::Interruption;
use crate::output::personalised::Summary;
use crate::progress::Progress;
use crate::rework::{self, Copy};
use crate::secrets::{self, PasswordSource};
use crate::settings::{self, PersonalSettings};
use crate::{input, key, show, variables_file};
pub(crate) use places::Places;

const MEDIUM: &str = "medium";

/// Makes a medium somebody else's.
pub fn personalise(args: &PersonaliseArgs) -> Result<Exit, Error> {
    if new_password(&args.own).is_some() {
        std::thread::spawn(media_core::media::password::prepare);
    }
    let decided = settings::personal(args)?;
    let places = Places::new(args, &decided)?;
    let env = environment(decided.seed.as_ref())?;
    let mut notes = Vec::new();
    let old = args.password.read()?;
    let personal = personal(args, &decided, &env, &mut notes)?;
    let signing_key = key::given(&args.signing_key, &mut notes)?;
    let interruption = Interruption::listen()?;
    let mut progress = Progress::new(args.run.quiet, interruption.clone());
    if args.result.in_place && rework::finish(&args.medium)? {
        notes.push("an earlier change of this medium had been cut short; it was finished first".to_owned());
    }
    let job = Job {
        args,
        decided: &decided,
        personal: RefCell::new(personal),
        password: old,
        signing_key,
        env: &env,
    };
    let (made, written) = match &places.output {
        None => (rework::in_place(&args.medium, &mut progress, |source| job.compute(source))?, None),
        Some((output, target)) => {
            let opened = input::open(&args.medium, MEDIUM)?;
            let (rework, made) = job.compute(&opened.source())?;
            let copy = Copy { output, target, force: args.result.force };
            let written = rework::copy(&opened, &rework, &copy, &interruption, &mut progress)?;
            (made, Some(written))
        }
    };
    places.write_beside(&made)?;
    progress.clear();
    if args.run.json || !args.run.quiet {
        notes.extend(made.notes.iter().cloned());
        show(&Summary::new(args, &places, &made, written, notes), args.run.json)?;
    }
    Ok(Exit::Done)
}

/// What the medium gets, as far as it is known before the medium is read; whether somebody may guess its password.
fn personal(
    args: &PersonaliseArgs,
    decided: &PersonalSettings,
    env: &Env,
    notes: &mut Vec<String>,
) -> Result<Personal, Error> {
    let identity = match &decided.certificate {
        Some(choice) => Some(certificate_source(choice, decided.allow_expired, env.now(), notes)?),
        None => None,
    };
    let password = match (new_password(&args.own), args.own.no_new_password) {
        (Some(source), _) => Some(Some(secrets::read(&source, "new media password", true)?)),
        (None, true) => Some(None),
        (None, false) => None,
    };
    if let Some(Some(password)) = &password {
        crate::password::accept(strength(password, &[]), args.own.allow_weak_password, notes)?;
    }
    let mut variables = match &decided.vars_file {
        Some(path) => variables_file::read(path, |name| {
            is_among(name, &IDENTITY)
                .then(|| format!("{name} is part of the media's identity and cannot be given as a variable"))
        })?,
        None => Vec::new(),
    };
    variables
        .retain(|(name, _)| !decided.variables.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)));
    variables.extend(decided.variables.iter().cloned());
    Ok(Personal {
        password,
        identity,
        media_guid: decided.media_guid.clone(),
        label: decided.label.clone(),
        management: None,
        serial_number: decided.serial_number.clone(),
        variables,
        without_variables: decided.without_variables.clone(),
    })
}

fn new_password(args: &OwnArgs) -> Option<PasswordSource> {
    secrets::source(
        args.new_password_file.as_deref(),
        args.new_password_env.as_deref(),
        args.new_password_prompt,
    )
}

struct Job<'a> {
    args: &'a PersonaliseArgs,
    decided: &'a PersonalSettings,
    personal: RefCell<Personal>,
    password: Option<SecretString>,
    signing_key: Option<SigningKey>,
    env: &'a Env,
}

/// What was made, without what it takes to write it.
pub(crate) struct Made {
    pub(crate) receipt: Option<media_core::media::receipt::Receipt>,
    pub(crate) certificate: Option<PersonalCertificate>,
    pub(crate) validity: Option<media_core::media::validity::Validity>,
    pub(crate) changed: u64,
    pub(crate) len: u64,
    pub(crate) notes: Vec<String>,
}

impl Job<'_> {
    fn compute(&self, source: &Arc<dyn Source>) -> Result<(media_core::Rework, Made), Error> {
        let failed = |error| personalise_error(self.args, self.password.is_some(), error);
        let original = Original::open(source, self.password.as_ref()).map_err(failed)?;
        let site = &original.manifest().identity.site;
        let has =
            |text: &str| site.management_points.iter().any(|point| point.to_ascii_lowercase().contains(text));
        if self.args.own.no_new_password
            && !self.args.own.allow_no_password
            && (self.args.own.cmg.is_some() || (!self.changes_points() && has("/ccm_proxy_")))
        {
            let message = "media for a cloud management gateway need a password: whoever holds them reaches the site from anywhere";
            let hint = "give a new password; --allow-no-password leaves the medium without one";
            return Err(Error::setting(message, Place::Option("--no-new-password")).with_hint(hint));
        }
        let mut notes = Vec::new();
        let scheme = if has("https://") { "https" } else { "http" };
        let mut personal = self.personal.borrow_mut();
        personal.management = self.decided.management(scheme, &mut notes)?;
        let made = original.personalise(&personal, self.signing_key.as_ref(), self.env).map_err(failed)?;
        let Personalised { rework, certificate, validity, notes: found } = made;
        notes.extend(found);
        if let Some(certificate) = &certificate {
            self.check(certificate, &mut notes)?;
        }
        let changed = rework.patches.iter().map(|patch| patch.bytes.len() as u64).sum();
        let (receipt, len) = (rework.receipt.clone(), rework.len);
        Ok((rework, Made { receipt, certificate, validity, changed, len, notes }))
    }

    fn changes_points(&self) -> bool {
        self.args.own.cmg.is_some() || !self.args.own.management_point.is_empty()
    }

    /// Refuses a certificate that is of no use, as `create` does.
    fn check(&self, certificate: &PersonalCertificate, notes: &mut Vec<String>) -> Result<(), Error> {
        if let Some(choice) = &self.decided.certificate {
            let (_, expiry) = certificate.validity;
            let allowed = (self.decided.allow_expired, self.decided.allow_unsuitable_certificate);
            refuse_certificate(choice, expiry, &certificate.findings, allowed, self.env.now())?;
        }
        notes
            .extend(certificate.findings.iter().map(|found| format!("media certificate: {}", found.message)));
        Ok(())
    }
}

fn personalise_error(args: &PersonaliseArgs, has_password: bool, error: PersonaliseError) -> Error {
    let path = args.medium.clone();
    match error {
        PersonaliseError::Rework(error) => Error::Rework { path, error },
        PersonaliseError::Variables(error) => {
            crate::variables::variables_error(&args.medium, has_password, error)
        }
        error => Error::Personalise { path, error },
    }
}
