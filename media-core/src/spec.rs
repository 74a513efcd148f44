//! What: everything that decides the bytes of a medium, checked and without defaults left open.

use std::sync::Arc;

use secrecy::SecretString;

use crate::io::Source;
use crate::media::identity::{IdentitySource, MediaGuid};
use crate::media::names::{ManagementPoint, MediaLabel, PackageId, SerialNumber, SiteCode};
use crate::media::signing::SigningKey;
use crate::media::site_form::SiteForm;
use crate::media::store::TrustedCertificate;
use crate::media::variables::XmlForm;
use crate::sealed::Algorithm;

/// A bootable medium for one site: the Create Task Sequence Media workflow as data.
pub struct MediaSpec {
    /// The site's boot image, for example `boot.PS100005.wim`.
    pub boot_image: BootImageSpec,
    /// The site and how media find it.
    pub site: SiteSpec,
    /// Certificates the boot image shall trust.
    pub trusted: Vec<TrustedCertificate>,
    /// The media password; the built-in one when there is none.
    pub password: Option<SecretString>,
    /// Where the media certificate comes from.
    pub identity: IdentitySource,
    /// The media's own identity; a random one when not given.
    pub media_guid: Option<MediaGuid>,
    /// The number under which the organisation keeps the medium.
    pub serial_number: Option<SerialNumber>,
    /// What the manifest is signed with.
    pub signing_key: Option<SigningKey>,
    /// Whether the manifest has the SHA-256 of the boot image: it takes reading all of it, and without it only the boot
    /// image's own SHA-1s tell whether it is what it was.
    pub checksum_of_boot_image: bool,
    /// What the wizard asks beside all that.
    pub options: MediaOptions,
    /// The form of the site's own media, which overrides what is assumed.
    pub site_form: Option<SiteForm>,
    /// Variables of the `Customization` page, in order. One of these overrides what would be written otherwise.
    pub variables: Vec<(String, SecretString)>,
    /// Names of variables that are left out, whoever would have set them.
    pub without_variables: Vec<String>,
    /// How the variables file is written.
    pub variables_form: VariablesForm,
    /// The volume: stick image or ISO.
    pub form: Form,
}

impl MediaSpec {
    /// The same once more, with its secrets: for a medium that differs in a few things.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self {
            boot_image: self.boot_image.clone(),
            site: self.site.clone(),
            trusted: self.trusted.clone(),
            password: self.password.clone(),
            identity: self.identity.copy(),
            media_guid: self.media_guid.clone(),
            serial_number: self.serial_number.clone(),
            signing_key: self.signing_key.as_ref().map(SigningKey::copy),
            checksum_of_boot_image: self.checksum_of_boot_image,
            options: self.options.clone(),
            site_form: self.site_form.clone(),
            variables: self.variables.clone(),
            without_variables: self.without_variables.clone(),
            variables_form: self.variables_form.clone(),
            form: self.form,
        }
    }
}

/// The boot image and what to take from it.
#[derive(Clone)]
pub struct BootImageSpec {
    /// What the user calls it, for messages: usually its path.
    pub name: String,
    /// Its bytes.
    pub source: Arc<dyn Source>,
    /// Its package id, for `_SMSTSBootMediaPackageID`.
    pub package_id: Option<PackageId>,
    /// Which image of the file to boot; the file's own boot index when not given.
    pub index: Option<u32>,
    /// Which signer's boot managers to take.
    pub boot_manager: BootManagerChoice,
    /// Where the boot configuration stores come from.
    pub boot_configuration: BootConfigurationChoice,
    /// Files to take instead of, or when missing from, the boot image: where they go on the medium, and their bytes.
    pub boot_files: Vec<(String, Arc<dyn Source>)>,
}

impl BootImageSpec {
    /// The boot image as it lies on a finished medium, for checking it again.
    pub fn of_medium(source: Arc<dyn Source>) -> Self {
        Self {
            name: "sources/boot.wim".to_owned(),
            source,
            package_id: None,
            index: None,
            boot_manager: BootManagerChoice::Auto,
            boot_configuration: BootConfigurationChoice::Auto,
            boot_files: Vec::new(),
        }
    }
}

/// Which set of boot managers to take (KB5025885).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BootManagerChoice {
    /// The 2023 set when the boot image holds its boot manager and its fonts, else the 2011 set.
    #[default]
    Auto,
    /// `\Windows\Boot\EFI`, meant to be signed under Microsoft Windows Production PCA 2011.
    Pca2011,
    /// `\Windows\Boot\EFI_EX`, meant to be signed under Windows UEFI CA 2023.
    Ca2023,
}

/// Where the boot configuration stores (BCD) come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BootConfigurationChoice {
    /// The boot image's own where they boot `\sources\boot.wim`, else made.
    #[default]
    Auto,
    /// The boot image's own, or an error.
    BootImage,
    /// Made from the description in `templates/`.
    Made,
}

/// The site and how media find it.
#[derive(Debug, Clone)]
pub struct SiteSpec {
    /// The site code.
    pub code: SiteCode,
    /// Site-based or dynamic media.
    pub management: Management,
    /// The HTTP port of management points.
    pub http_port: u16,
    /// The HTTPS port of management points.
    pub https_port: u16,
    /// The site's `Unknown Computer` objects, when unknown computer support is enabled.
    pub unknown_computers: UnknownComputers,
}

/// `Media Management` in the wizard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Management {
    /// Site-based media: only this management point.
    SiteBased(ManagementPoint),
    /// Dynamic media: one of these redirects the computer by its boundary.
    Dynamic(Vec<ManagementPoint>),
}

impl Management {
    /// The management points, in order.
    pub fn points(&self) -> &[ManagementPoint] {
        match self {
            Self::SiteBased(point) => std::slice::from_ref(point),
            Self::Dynamic(points) => points,
        }
    }
}

/// The GUIDs of the site's `Unknown Computer` objects (`SMS_R_UnknownSystem.SMSUniqueIdentifier`), lower-case, without braces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnknownComputers {
    /// `x64 Unknown Computer`.
    pub x64: Option<String>,
    /// `x86 Unknown Computer`.
    pub x86: Option<String>,
    /// `ARM64 Unknown Computer`.
    pub arm64: Option<String>,
}

/// The wizard's check boxes.
#[derive(Clone, Default)]
pub struct MediaOptions {
    /// `Allow unattended operating system deployment`.
    pub unattended: bool,
    /// `User device affinity`.
    pub user_device_affinity: UserDeviceAffinity,
    /// `Enable prestart command`.
    pub prestart: Option<Prestart>,
    /// `Media label`.
    pub label: MediaLabel,
    /// `Include autorun.inf file on media`.
    pub autorun: bool,
}

/// A command that runs before the task sequence engine asks the site for policy. Command lines may hold passwords, so
/// nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Prestart {
    /// The command line, for example `cmd /C x:\prestart.cmd`.
    pub command: String,
    /// The media variable that carries it (see `docs/compatibility.md`: its name is not published).
    pub variable: String,
}

/// `User device affinity` in the wizard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UserDeviceAffinity {
    /// Do not allow user device affinity.
    #[default]
    DoNotAllow,
    /// Allow user device affinity pending administrator approval.
    AdministratorApproval,
    /// Allow user device affinity with automatic approval.
    AutoApproval,
}

/// How the variables file is written.
#[derive(Debug, Clone)]
pub struct VariablesForm {
    /// The cipher. AES-128 is the form every release is known to read.
    pub algorithm: Algorithm,
    /// The XML around the variables.
    pub xml: XmlForm,
    /// How many zero bytes follow the ciphertext; as many as Windows programs leave when not given.
    pub trailer: Option<u16>,
}

/// The partition of a medium on a disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MediumPartition {
    /// All of the disk.
    #[default]
    Whole,
    /// As small as the content needs; the rest is a partition for data.
    Fits,
    /// So many bytes, of which whole sectors are used; the rest is a partition for data.
    Length(u64),
}

/// The volume to lay the files out on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A disk image for a USB stick: FAT32 in one partition, and perhaps another partition for data.
    DiskImage {
        /// The partition table.
        scheme: crate::disk::Scheme,
        /// Length of the whole image in bytes; as small as the content needs when not given.
        size: Option<u64>,
        /// Bytes in a cluster; chosen by the volume's size when not given.
        cluster_size: Option<u32>,
        /// How much of it the medium takes.
        partition: MediumPartition,
    },
    /// A CD or DVD image: ISO 9660 + Joliet + UDF.
    Iso {
        /// Whether UEFI firmware waits for `press any key` (`efisys.bin` instead of `efisys_noprompt.bin`).
        prompt: bool,
    },
}
