//! What the rules look at: everything optional, and nothing that is secret.

use super::client_settings::ClientSettings;
use super::deployment::Deployment;
use super::task_sequence::TaskSequence;
use crate::finding::Finding;
use crate::media::boot_image::{Architecture, BootManagerSet, StartedProgram};
use crate::media::chain::{Chain, ChainError};
use crate::media::components::Components;
use crate::media::password::Strength;
use crate::media::store::TrustedCertificate;
use crate::media::validity::Validity;
use crate::spec::{Form, Management};
use crate::time::Timestamp;
use crate::x509::Certificate;

/// A version of a site, as Microsoft names them: `2403` is year and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SiteVersion(u16);

impl SiteVersion {
    /// A version known to be one.
    pub(crate) const fn new(version: u16) -> Self {
        Self(version)
    }

    /// Reads `2403`. The first such version was 1511.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        let version: u16 = digits.then(|| text.parse().ok()).flatten()?;
        ((1..=12).contains(&(version % 100)) && version >= 1511).then_some(Self(version))
    }
}

impl std::fmt::Display for SiteVersion {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:04}", self.0)
    }
}

/// Everything that was given.
#[derive(Clone)]
pub struct Facts {
    /// When.
    pub now: Timestamp,
    /// What the specification says of the medium.
    pub medium: Option<MediumFacts>,
    /// The certificates the boot image shall trust.
    pub trusted: Option<Vec<TrustedCertificate>>,
    /// The media certificate.
    pub identity: Option<IdentityFacts>,
    /// Everything on the medium that begins or ends.
    pub validity: Option<Validity>,
    /// How strong the media password is, when it was read.
    pub password: Option<Strength>,
    /// The boot image.
    pub boot_image: Option<BootImageFacts>,
    /// What became of proving the chain of the server's certificate, when it was given.
    pub chain: Option<Result<Chain, ChainError>>,
    /// The site's version.
    pub site_version: Option<SiteVersion>,
    /// The task sequence.
    pub task_sequence: Option<TaskSequence>,
    /// Its deployment.
    pub deployment: Option<Deployment>,
    /// Client settings.
    pub client_settings: Option<ClientSettings>,
}

impl Facts {
    /// Nothing is known but the time.
    pub fn none(now: Timestamp) -> Self {
        Self {
            now,
            medium: None,
            trusted: None,
            identity: None,
            validity: None,
            password: None,
            boot_image: None,
            chain: None,
            site_version: None,
            task_sequence: None,
            deployment: None,
            client_settings: None,
        }
    }
}

/// What the specification says of the medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediumFacts {
    /// How it finds the site.
    pub management: Management,
    /// The site's port for http.
    pub http_port: u16,
    /// The site's port for https.
    pub https_port: u16,
    /// Whether it has a password.
    pub has_password: bool,
    /// Whether its certificate is imported and not self-signed.
    pub is_imported: bool,
    /// Whether its GUID is given and not drawn for it.
    pub has_given_guid: bool,
    /// The volume.
    pub form: Form,
    /// What a variable of the user's makes of the management point.
    pub management_point: Overruled,
    /// Whether a variable of the user's gives the site's root certificates.
    pub has_root_variable: bool,
    /// The user's variable for what is joined (`OSDNetworkJoinType`), when it is one of the two documented values.
    pub join_type: Option<&'static str>,
    /// Whether a variable of the user's gives the client's installation properties.
    pub has_client_properties: bool,
    /// Files of the user's, by their path on the medium.
    pub boot_files: Vec<String>,
}

/// What became of a variable that follows from the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overruled {
    /// It is as it follows.
    #[default]
    No,
    /// The user's own has another value.
    Replaced,
    /// The user leaves it out.
    LeftOut,
}

impl MediumFacts {
    /// Whether the medium reaches its site through a cloud management gateway.
    pub fn is_over_gateway(&self) -> bool {
        self.management.points().iter().any(|point| point.is_cloud_management_gateway())
    }
}

/// The media certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityFacts {
    /// The certificate.
    pub certificate: Certificate,
    /// What speaks against it.
    pub findings: Vec<Finding>,
}

/// The boot image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootImageFacts {
    /// Its length in bytes, as it goes onto the medium.
    pub len: u64,
    /// Its architecture.
    pub architecture: Architecture,
    /// Which set of boot managers was taken.
    pub boot_manager: BootManagerSet,
    /// The programs firmware starts.
    pub programs: Vec<StartedProgram>,
    /// What is in it, when it was looked for.
    pub components: Option<Components>,
    /// How many certificates its stores of trusted roots hold, as it goes onto the medium; when they were looked at.
    pub roots: Option<usize>,
}
