//! Personalise: makes a finished medium somebody else's. What differs between the media of one batch becomes another;
//! the boot image and everything else stays where it is.
//!
//! The result is, byte for byte, what [`crate::stage`] and [`crate::seal`] would have made with the same settings, seed and
//! time: the medium is planned again, and only the bytes that differ are written.

mod texts;
mod variables;

use std::sync::Arc;

use secrecy::SecretString;
use thiserror::Error;

use crate::bytes::to_hex_upper;
use crate::env::Env;
use crate::finding::Finding;
use crate::io::Source;
use crate::media::bootstrap_ini::BootstrapError;
use crate::media::identity::{IdentityError, IdentitySource, MediaGuid};
use crate::media::manifest::{Manifest, ManifestSite};
use crate::media::names::{MediaLabel, SerialNumber};
use crate::media::registration::{KnownMedium, Registration};
use crate::media::signing::SigningKey;
use crate::media::site_variables::user_device_affinity;
use crate::media::validity::Validity;
use crate::media::variables::{PATH as VARIABLES_PATH, VariablesError};
use crate::medium::find;
use crate::origin::{Origin, OriginError};
use crate::rework::{Opened, Remade, Rework, ReworkError, remake};
use crate::spec::Management;
use crate::time::Timestamp;
use crate::tree::VolumeIds;

/// What a medium gets that is its own. What is not given stays.
#[derive(Default)]
pub struct Personal {
    /// The media password: another, or with `Some(None)` none.
    pub password: Option<Option<SecretString>>,
    /// The media certificate.
    pub identity: Option<IdentitySource>,
    /// The media GUID. With a new identity and without this it is a new one.
    pub media_guid: Option<MediaGuid>,
    /// The media label.
    pub label: Option<MediaLabel>,
    /// The management points, with the ports of the site.
    pub management: Option<PersonalManagement>,
    /// The number under which the organisation keeps the medium.
    pub serial_number: Option<SerialNumber>,
    /// Media variables, which replace those of the same name.
    pub variables: Vec<(String, SecretString)>,
    /// Names of variables that are left out.
    pub without_variables: Vec<String>,
}

/// How a medium finds its site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalManagement {
    /// The management points.
    pub management: Management,
    /// The HTTP port of management points.
    pub http_port: u16,
    /// The HTTPS port of management points.
    pub https_port: u16,
}

impl Personal {
    /// Whether the media variables are others then.
    fn changes_variables(&self) -> bool {
        self.password.is_some()
            || self.identity.is_some()
            || self.media_guid.is_some()
            || self.management.is_some()
            || !self.variables.is_empty()
            || !self.without_variables.is_empty()
    }
}

/// A medium that was personalised, as far as it is known before it is written.
pub struct Personalised {
    /// What has to change.
    pub rework: Rework,
    /// The new media certificate, when there is one.
    pub certificate: Option<PersonalCertificate>,
    /// When the medium is valid, when its variables were looked into.
    pub validity: Option<Validity>,
    /// What the user may want to know.
    pub notes: Vec<String>,
}

/// A media certificate that a medium was given.
pub struct PersonalCertificate {
    /// What the site has to be told of it.
    pub registration: Registration,
    /// When it starts and stops being valid.
    pub validity: (Timestamp, Timestamp),
    /// What speaks against it.
    pub findings: Vec<Finding>,
}

/// Why a medium cannot be personalised.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PersonaliseError {
    /// It cannot be changed.
    #[error(transparent)]
    Rework(#[from] ReworkError),
    /// It has no manifest, so that nobody knows how it was planned.
    #[error("the medium has no manifest: it was not made by this program, or the manifest was removed")]
    NoManifest,
    /// Its media variables cannot be read, or cannot be what they are to be.
    #[error(transparent)]
    Variables(#[from] VariablesError),
    /// The new identity.
    #[error("media certificate: {0}")]
    Identity(#[from] IdentityError),
    /// The media variables have no identity that could be put under another GUID.
    #[error("the media variables have no certificate that could be given another media GUID")]
    NoIdentity,
    /// A variable of the medium's identity is given, or left out, as if it were any other.
    #[error("{name} is part of the media's identity and cannot be given or left out as a variable")]
    IdentityVariable {
        /// The variable.
        name: String,
    },
    /// `TsmBootstrap.ini` cannot be written again.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
}

/// A medium that others are made from: opened, and planned again, once.
pub struct Original {
    medium: Opened,
    origin: Origin,
    password: Option<SecretString>,
}

impl Original {
    /// Opens a medium; `password` is the one it has.
    ///
    /// # Errors
    /// [`PersonaliseError`] for a medium that this program cannot plan again.
    pub fn open(source: &Arc<dyn Source>, password: Option<&SecretString>) -> Result<Self, PersonaliseError> {
        let medium = Opened::new(source)?;
        let origin = medium.origin()?.ok_or(PersonaliseError::NoManifest)?;
        Ok(Self { medium, origin, password: password.cloned() })
    }

    /// Its bytes.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.medium.source
    }

    /// What the medium is.
    pub fn manifest(&self) -> &Manifest {
        &self.origin.manifest
    }

    /// Computes what has to change for the medium to be somebody else's. `env` decides what tells its volume from others,
    /// and a new identity; the time on the medium stays.
    ///
    /// # Errors
    /// [`PersonaliseError`]: what cannot be, or does not fit where it has to be.
    pub fn personalise(
        &self,
        personal: &Personal,
        signing_key: Option<&SigningKey>,
        env: &Env,
    ) -> Result<Personalised, PersonaliseError> {
        let mut notes = Vec::new();
        let mut identity = self.origin.manifest.identity.clone();
        let mut files = Vec::new();
        let (mut validity, mut certificate) = (None, None);
        if personal.changes_variables() {
            self.check_listed(&[VARIABLES_PATH])?;
            let file = self.file(VARIABLES_PATH)?;
            let made = variables::personal(&file, self.password.as_ref(), personal, env)?;
            if let Some(new) = &made.identity {
                identity.media_guid = new.guid.as_str().to_owned();
                identity.certificate_thumbprint = to_hex_upper(&new.certificate.sha1());
                let label = personal.label.as_ref().unwrap_or(&self.origin.shape.label);
                certificate = Some(PersonalCertificate {
                    registration: Registration {
                        medium: KnownMedium {
                            smsid: identity.media_guid.clone(),
                            thumbprint: identity.certificate_thumbprint.clone(),
                            name: label.as_str().to_owned(),
                        },
                        certificate: new.certificate.der().to_vec(),
                        is_self_signed: new.is_self_signed,
                        user_device_affinity: user_device_affinity(&made.variables),
                    },
                    validity: (new.certificate.not_before, new.certificate.not_after),
                    findings: new.findings.clone(),
                });
            }
            validity = Some(self.origin.validity(&made.variables));
            files.push((VARIABLES_PATH.to_owned(), made.file));
            notes.extend(made.notes);
        }
        if let Some(management) = &personal.management {
            identity.site = ManifestSite::of(&identity.site.code, &management.management);
        }
        if personal.serial_number.is_some() {
            identity.serial_number.clone_from(&personal.serial_number);
        }
        if let Some(password) = &personal.password {
            files.extend(texts::bootstrap(self, password.is_some(), &mut notes)?);
        }
        if let Some(label) = &personal.label {
            files.extend(texts::labels(self, label, &mut notes)?);
            label.as_str().clone_into(&mut identity.label);
        }
        let ids = VolumeIds::draw(env);
        let remade = Remade { files, identity, validity: validity.as_ref(), ids };
        let rework = remake(&self.medium, &self.origin, remade, signing_key)?;
        Ok(Personalised { rework, certificate, validity, notes })
    }

    /// All of a file that is to become another.
    fn file(&self, path: &str) -> Result<Vec<u8>, PersonaliseError> {
        let file = find(&self.medium.files, path)
            .ok_or_else(|| ReworkError::NoSuchFile { path: path.to_owned() })?;
        Ok(file.content.to_vec(crate::rework::LARGEST).map_err(ReworkError::Read)?)
    }

    fn has(&self, path: &str) -> bool {
        find(&self.medium.files, path).is_some()
    }

    fn check_listed(&self, paths: &[&str]) -> Result<(), PersonaliseError> {
        Ok(crate::rework::check_listed(&self.medium, &self.origin, paths.iter().copied())?)
    }
}

impl From<OriginError> for PersonaliseError {
    fn from(error: OriginError) -> Self {
        Self::Rework(error.into())
    }
}
