//! The one table of settings: what the command line and the spec file said, each value with its place.
//!
//! [`merge`] decides who wins, [`resolve`] what it means. Neither reads a file or asks anything.

mod batch;
mod check;
mod identity;
mod letter;
mod merge;
mod overrule;
mod personalise;
mod resolve;
mod site;
mod site_form;

use std::path::PathBuf;

use media_core::media::identity::{Kept, MediaGuid};
use media_core::media::names::{PackageId, SerialNumber};
use media_core::media::site_form::SiteForm;
use media_core::media::store::Store;
use media_core::{
    BootConfigurationChoice, BootManagerChoice, Form, Management, MediaOptions, SiteSpec, VariablesForm,
};
use secrecy::SecretString;

use crate::error::{Error, Place};
use crate::secrets::PasswordSource;
use crate::site_file::SiteFile;
use crate::spec_file::SpecText;
use crate::values::{
    BootConfiguration, BootManager, DateText, Format, MediaMode, PartitionScheme, RootStore, ScriptForm,
    Size, UserDeviceAffinity, VariablesEncryption,
};

pub use identity::{NewIdentity, new_identity};
pub use letter::{
    LONGEST_CONTACT_LINE, LONGEST_DELIVERY, LONGEST_ORGANISATION, LetterChoice, MOST_CONTACT_LINES,
    letter_choice,
};
pub use merge::merge;
pub use personalise::{PersonalSettings, personal};
pub use resolve::resolve;

/// A value and where it was given.
#[derive(Debug, Clone)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// Where it was given.
    pub place: Place,
}

impl<T> Given<T> {
    fn map<U>(self, with: impl FnOnce(T) -> U) -> Given<U> {
        Given { value: with(self.value), place: self.place }
    }

    /// Whether it stands in the spec file, and not on the command line.
    pub fn is_in_spec_file(&self) -> bool {
        matches!(self.place, Place::SpecFile(_))
    }
}

/// Every setting as it was given, before anything is checked.
#[derive(Default)]
pub struct Settings {
    spec: Option<SpecText>,
    seed: Option<Given<SeedSource>>,
    boot_image: Option<Given<PathBuf>>,
    package_id: Option<Given<String>>,
    image_index: Option<Given<u32>>,
    boot_manager: Option<Given<BootManager>>,
    boot_configuration: Option<Given<BootConfiguration>>,
    boot_files: Vec<(String, Given<PathBuf>)>,
    site_file: Option<Given<PathBuf>>,
    site_form: Option<SiteFile>,
    site_management: Option<Management>,
    site_code: Option<Given<String>>,
    media_mode: Option<Given<MediaMode>>,
    management_points: Vec<Given<String>>,
    cmg: Option<Given<String>>,
    http_port: Option<Given<u16>>,
    https_port: Option<Given<u16>>,
    unknown_computers: Vec<(String, Given<String>)>,
    password: Vec<Given<PasswordSource>>,
    allow_no_password: Option<Given<bool>>,
    allow_weak_password: Option<Given<bool>>,
    trusted_roots: Vec<Given<PathBuf>>,
    root_store: Option<Given<RootStore>>,
    intermediates: Vec<Given<PathBuf>>,
    certificate: Option<Given<PathBuf>>,
    certificate_password: Vec<Given<PasswordSource>>,
    identity: Option<Given<PathBuf>>,
    identity_password: Vec<Given<PasswordSource>>,
    kept: Option<Kept>,
    certificate_start: Option<Given<DateText>>,
    certificate_expiry: Option<Given<DateText>>,
    allow_expired: Option<Given<bool>>,
    allow_unsuitable_certificate: Option<Given<bool>>,
    key_bits: Option<Given<u32>>,
    variables_encryption: Option<Given<VariablesEncryption>>,
    variables_trailer: Option<Given<u16>>,
    variables_xml_declaration: Option<Given<String>>,
    variables_xml_version: Option<Given<String>>,
    variables_xml_nul_terminated: Option<Given<bool>>,
    label: Option<Given<String>>,
    media_guid: Option<Given<String>>,
    serial_number: Option<Given<String>>,
    signing_key: Option<Given<PathBuf>>,
    signing_key_password: Vec<Given<PasswordSource>>,
    unattended: Option<Given<bool>>,
    user_device_affinity: Option<Given<UserDeviceAffinity>>,
    variables: Vec<(String, Given<SecretString>)>,
    vars_file: Option<Given<PathBuf>>,
    without_variables: Vec<Given<String>>,
    prestart_command: Option<Given<String>>,
    prestart_variable: Option<Given<String>>,
    include_autorun: Option<Given<bool>>,
    output: Option<Given<PathBuf>>,
    registration: Option<Given<PathBuf>>,
    receipt: Option<Given<PathBuf>>,
    no_receipt: Option<Given<bool>>,
    format: Option<Given<Format>>,
    partition_scheme: Option<Given<PartitionScheme>>,
    size: Option<Given<Size>>,
    cluster_size: Option<Given<Size>>,
    data_partition: Option<Given<bool>>,
    partition_size: Option<Given<Size>>,
    prompt: Option<Given<bool>>,
    letter: letter::LetterSettings,
    notes: Vec<String>,
}

impl Settings {
    /// The output that was given.
    pub(crate) fn output(&self) -> Option<&Given<PathBuf>> {
        self.output.as_ref()
    }

    /// Makes a disk image of these settings that is no file: for a disk of so many bytes.
    ///
    /// # Errors
    /// [`Error::Setting`] when an ISO was asked for.
    pub(crate) fn for_disk(&mut self, len: u64) -> Result<(), Error> {
        self.output = None;
        if let Some(given) = self.format.as_ref().filter(|given| given.value == Format::Iso) {
            let message = "an ISO starts from a CD drive, and the output is a stick";
            return Err(Error::setting(message, given.place.clone()));
        }
        self.format = Some(Given { value: Format::Img, place: Place::Nowhere });
        self.size.get_or_insert(Given { value: Size(len), place: Place::Nowhere });
        Ok(())
    }

    /// Lets rules speak where making a medium would refuse, and says what is taken for granted.
    pub(crate) fn for_preflight(&mut self) -> Option<&'static str> {
        let granted = || Some(Given { value: true, place: Place::Nowhere });
        self.allow_no_password = granted();
        self.allow_weak_password = granted();
        self.allow_expired = granted();
        if self.format.is_some() || self.output.is_some() {
            return None;
        }
        self.format = Some(Given { value: Format::Img, place: Place::Nowhere });
        Some("it is not said what to make (--format, --output), so this is about a stick")
    }
}

/// The settings checked and decided, before any file is read.
pub struct Decided {
    /// The boot image.
    pub boot_image: Given<PathBuf>,
    /// Its package id.
    pub package: Option<BootPackage>,
    /// Which image of it to boot.
    pub image_index: Option<u32>,
    /// Which boot managers to take.
    pub boot_manager: BootManagerChoice,
    /// Where the boot configuration stores come from.
    pub boot_configuration: BootConfigurationChoice,
    /// Files for the medium: the path there, and the file.
    pub boot_files: Vec<(String, Given<PathBuf>)>,
    /// The site.
    pub site: SiteSpec,
    /// What the site's own media are like.
    pub site_form: Option<SiteForm>,
    /// The file that says so.
    pub site_file: Option<PathBuf>,
    /// Files of trusted certificates, with the store they go to.
    pub trusted: Vec<TrustedFile>,
    /// Where the media password comes from.
    pub password: Option<PasswordSource>,
    /// Whether it may be weak.
    pub allow_weak_password: bool,
    /// The media certificate.
    pub certificate: CertificateChoice,
    /// Whether it may have expired.
    pub allow_expired: bool,
    /// Whether an imported one may be one that management points are expected to refuse.
    pub allow_unsuitable_certificate: bool,
    /// The media's own identity.
    pub media_guid: Option<MediaGuid>,
    /// The number under which the organisation keeps the medium.
    pub serial_number: Option<SerialNumber>,
    /// What the manifest is signed with, and where its password comes from.
    pub signing_key: Option<(PathBuf, Option<PasswordSource>)>,
    /// The wizard's check boxes.
    pub options: MediaOptions,
    /// Media variables given by name.
    pub variables: Vec<(String, Given<SecretString>)>,
    /// A file with more of them.
    pub vars_file: Option<Given<PathBuf>>,
    /// Names of media variables to leave out.
    pub without_variables: Vec<String>,
    /// How the variables file is written.
    pub variables_form: VariablesForm,
    /// Where all random numbers come from; the system when not given.
    pub seed: Option<SeedSource>,
    /// What to make.
    pub form: Form,
    /// Under which name; none is needed for a dry run.
    pub output: Option<PathBuf>,
    /// Where what the site has to be told is written.
    pub registration: Option<(PathBuf, ScriptForm)>,
    /// Where the receipt is written; nowhere for a dry run without an output, or when none is wanted.
    pub receipt: Option<PathBuf>,
    /// What the letters that go with media are like.
    pub letter: LetterChoice,
    /// What the user may want to know.
    pub notes: Vec<String>,
}

/// The boot image's package at the site.
pub struct BootPackage {
    /// Its id.
    pub id: PackageId,
    /// Whether it was found in the name of the boot image's file, and not given.
    pub is_from_file_name: bool,
}

/// Where the seed of all random numbers comes from.
pub enum SeedSource {
    /// The command line.
    Text(SecretString),
    /// The first line of a file or of standard input.
    Read(PasswordSource),
}

/// A file of trusted certificates.
#[derive(Debug, Clone)]
pub struct TrustedFile {
    /// The file.
    pub file: Given<PathBuf>,
    /// The store its certificates go to, unless the file itself names one.
    pub store: Store,
}

/// Where the media certificate comes from.
pub enum CertificateChoice {
    /// A PKI certificate.
    Import {
        /// The PKCS#12 file.
        file: Given<PathBuf>,
        /// Where its password comes from; it has none when not given.
        password: Option<PasswordSource>,
    },
    /// One that was made before, with its media GUID.
    Kept {
        /// The identity file.
        file: Given<PathBuf>,
        /// What is in it.
        kept: Box<Kept>,
        /// Where its password came from.
        password: Option<PasswordSource>,
    },
    /// A self-signed one.
    SelfSigned {
        /// When it starts; now when not given.
        start: Option<Given<media_core::time::Timestamp>>,
        /// When it expires; a year later when not given.
        expiry: Option<Given<media_core::time::Timestamp>>,
        /// Length of its RSA key.
        key_bits: usize,
    },
}

impl CertificateChoice {
    /// Whether somebody else issued the certificate, which management points take over https.
    pub fn is_issued(&self) -> bool {
        match self {
            Self::Import { .. } => true,
            Self::Kept { kept, .. } => !kept.is_self_signed,
            Self::SelfSigned { .. } => false,
        }
    }
}
