//! Inspect: says what a medium is and what is on it. Changes nothing and judges nothing.

use std::sync::Arc;

use secrecy::SecretString;
use thiserror::Error;

use crate::disk::DiskTable;
use crate::fat32;
use crate::hive::HiveError;
use crate::hive::boot_configuration::{self, RamdiskBoot};
use crate::io::Source;
use crate::iso::{BootEntry, Disc, Labels};
use crate::media::boot_image::{Architecture, SOURCES_BOOT_WIM};
use crate::media::manifest::{self, Manifest, ManifestError};
use crate::media::roots::{self, RootsError};
use crate::media::store::Store;
use crate::media::validity::{self, Dated, Kind, Unread, Validity};
use crate::media::variables::{self, Variables, VariablesError};
use crate::medium::{self, Listing, Medium, MediumError, MediumFile};
use crate::pe;
use crate::sealed;
use crate::time::Timestamp;
use crate::wim::{ImageInfo, Wim, WimError};

/// Everything known about a medium. What is damaged says why in its place.
pub struct Inspection {
    /// What it is, in words: `ISO`, `GPT disk image`, `WIM file`.
    pub kind: String,
    /// Length in bytes.
    pub len: u64,
    /// The volume, for what has one.
    pub volume: Option<VolumeFacts>,
    /// Every file that could be found with its length, in the order of the volume.
    pub files: Vec<(String, u64)>,
    /// Why files may be missing among them.
    pub files_damage: Option<MediumError>,
    /// The boot image, when there is one.
    pub boot_image: Option<Result<BootImageFacts, InspectError>>,
    /// Each program firmware or a boot manager starts.
    pub boot_managers: Vec<BootManagerFacts>,
    /// What each boot configuration store starts.
    pub boot_configuration: Vec<(String, Result<Option<RamdiskBoot>, BootConfigurationError>)>,
    /// The media variables file, when there is one.
    pub variables: Option<Result<VariablesFacts, InspectError>>,
    /// The certificates of a bare SOFTWARE hive.
    pub certificates: Vec<CertificateFacts>,
    /// The medium's manifest, when it has one.
    pub manifest: Option<Result<Manifest, InspectError>>,
}

/// A volume and where it is.
#[derive(Debug)]
pub enum VolumeFacts {
    /// A disk image or stick.
    Disk {
        /// The partition table.
        table: DiskTable,
        /// The volume label.
        label: Result<String, MediumError>,
        /// The FAT32 volume.
        volume: fat32::VolumeFacts,
    },
    /// An ISO.
    Iso {
        /// The volume labels.
        labels: Labels,
        /// Which file systems it has: `ISO 9660`, `Joliet`, `UDF 1.02`.
        file_systems: Vec<String>,
        /// The El Torito entries.
        boot_entries: Result<Vec<BootEntry>, MediumError>,
    },
}

/// A boot image.
pub struct BootImageFacts {
    /// The image that boots; 0 when none does.
    pub boot_index: u32,
    /// How it is compressed, with the chunk size in bytes.
    pub compression: String,
    /// What the WIM's XML says about each image.
    pub images: Vec<ImageInfo>,
    /// The architecture of the image that boots.
    pub architecture: Option<Architecture>,
    /// When the image that boots was changed last, as the WIM's XML says.
    pub modified: Option<Timestamp>,
    /// The certificates in its stores, or why they cannot be listed.
    pub certificates: Result<Vec<CertificateFacts>, RootsError>,
}

/// A certificate in a store of the boot image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The store's registry name.
    pub store: &'static str,
    /// Upper-case SHA-1.
    pub thumbprint: String,
    /// Its subject, or why it cannot be read.
    pub subject: Result<String, String>,
    /// Who issued it.
    pub issuer: Option<String>,
    /// When it starts and stops being valid.
    pub validity: Option<(Timestamp, Timestamp)>,
}

/// A boot program and who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootManagerFacts {
    /// Path on the medium.
    pub path: String,
    /// The processor it is for, or why it is not a program.
    pub machine: Result<String, String>,
    /// Who signed it: subject and issuer of each signing certificate.
    pub signers: Vec<(String, String)>,
}

/// The media variables file.
pub struct VariablesFacts {
    /// The cipher.
    pub algorithm: sealed::Algorithm,
    /// Length of the plain text in bytes.
    pub plain_len: u64,
    /// The variables, when they could be decrypted; with the built-in password when none was given.
    pub variables: Result<Variables, VariablesError>,
    /// Whether the built-in password opened it, which means that it has none of its own.
    pub has_no_password: bool,
}

/// Why a boot configuration store could not be inspected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BootConfigurationError {
    /// It is damaged, or no store.
    #[error(transparent)]
    Hive(#[from] HiveError),
    /// It could not be read.
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
}

/// Why something, or a part of it, could not be inspected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InspectError {
    /// It could not be opened.
    #[error(transparent)]
    Medium(#[from] MediumError),
    /// Its boot image could not be read.
    #[error("{SOURCES_BOOT_WIM}: {0}")]
    BootImage(#[from] WimError),
    /// Its media variables file could not be read.
    #[error("SMS/data/variables.dat: {0}")]
    Variables(#[from] sealed::SealedError),
    /// Its manifest is not one.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A file on it could not be read.
    #[error("reading {path}: {error}")]
    Read {
        /// Path on the medium.
        path: String,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
}

impl Inspection {
    /// When the medium is valid. Of the boot image's certificates count those that its manifest names as added for the
    /// site; without a manifest those that [`validity::counts_in_boot_image`] says.
    pub fn validity(&self) -> Validity {
        let mut validity = Validity::default();
        match &self.variables {
            Some(Ok(VariablesFacts { variables: Ok(variables), .. })) => validity.add_variables(variables),
            Some(_) => validity.add_unread(Unread::Variables),
            None => {}
        }
        let (certificates, made) = match &self.boot_image {
            Some(Ok(BootImageFacts { certificates: Ok(certificates), modified, .. })) => {
                (certificates.as_slice(), *modified)
            }
            // A boot image without a hive has no certificates.
            Some(Ok(BootImageFacts { certificates: Err(RootsError::NoHive), .. })) | None => {
                (self.certificates.as_slice(), None)
            }
            Some(_) => {
                validity.add_unread(Unread::Trusted);
                return validity;
            }
        };
        let counting = certificates.iter().filter_map(|found| self.counting(found, made));
        counting.for_each(|thing| validity.add(thing));
        validity
    }

    fn counting(&self, found: &CertificateFacts, image_made: Option<Timestamp>) -> Option<Dated> {
        let (start, end) = found.validity?;
        let store = Store::from_registry_name(found.store).filter(|store| *store != Store::Disallowed)?;
        let counts = match &self.manifest {
            Some(Ok(manifest)) => manifest.validity.trusted.iter().any(|given| {
                given.store == store && given.thumbprint.eq_ignore_ascii_case(&found.thumbprint)
            }),
            _ => validity::counts_in_boot_image(found.issuer.as_deref().unwrap_or_default(), end, image_made),
        };
        counts.then(|| Dated {
            kind: Kind::Trusted { store, thumbprint: found.thumbprint.clone() },
            subject: found.subject.clone().ok(),
            not_before: Some(start),
            not_after: Some(end),
        })
    }
}

const LARGEST_SMALL_FILE: u64 = 64 << 20;

/// Looks at a medium, a boot image, a variables file or a hive.
///
/// A damaged file on a medium, or a damaged structure, does not hide the rest.
///
/// # Errors
/// [`InspectError`] when it is none of these or cannot be opened as what it is.
pub fn inspect(source: Arc<dyn Source>, password: Option<&SecretString>) -> Result<Inspection, InspectError> {
    let len = source.len();
    let medium = medium::open(source)?;
    let Listing { files, damage } =
        medium.listing().unwrap_or_else(|error| Listing { files: Vec::new(), damage: Some(error) });
    let mut inspection = Inspection {
        kind: String::new(),
        len,
        volume: None,
        files: Vec::new(),
        files_damage: damage,
        boot_image: None,
        boot_managers: Vec::new(),
        boot_configuration: Vec::new(),
        variables: None,
        certificates: Vec::new(),
        manifest: None,
    };
    match medium {
        Medium::Iso(disc) => {
            inspection.kind = "ISO".to_owned();
            inspection.volume = Some(VolumeFacts::Iso {
                file_systems: file_systems(&disc),
                labels: disc.labels(),
                boot_entries: disc.boot_entries().map_err(MediumError::from),
            });
        }
        Medium::Disk { table, volume, .. } => {
            inspection.kind = match table.scheme {
                Some(scheme) => format!("{scheme} disk image or stick"),
                None => "volume without a partition table".to_owned(),
            };
            let label = volume.label().map_err(MediumError::from);
            inspection.volume = Some(VolumeFacts::Disk { table, label, volume: volume.facts().clone() });
        }
        Medium::Wim(wim) => {
            inspection.kind = "WIM file".to_owned();
            inspection.boot_image = Some(Ok(boot_image(&wim)));
        }
        Medium::Variables(bytes) => {
            inspection.kind = "media variables file".to_owned();
            inspection.variables = Some(Ok(variables_facts(&bytes, password)?));
        }
        Medium::Hive(hive) => {
            inspection.kind = "registry hive".to_owned();
            inspection.certificates = certificates(roots::list_in(&hive).map_err(MediumError::from)?);
        }
    }
    look_at_files(&files, password, &mut inspection);
    inspection.files = files.into_iter().map(|file| (file.path, file.content.len())).collect();
    Ok(inspection)
}

/// Looks at the media variables alone: of a medium, or of a bare file. `None` when there are none.
///
/// # Errors
/// [`InspectError`] when it cannot be opened, or the file's header is damaged.
pub fn inspect_variables(
    source: Arc<dyn Source>,
    password: Option<&SecretString>,
) -> Result<Option<VariablesFacts>, InspectError> {
    let medium = medium::open(source)?;
    if let Medium::Variables(bytes) = &medium {
        return variables_facts(bytes, password).map(Some);
    }
    let Listing { files, damage } = medium.listing()?;
    match (files.iter().find(|file| file.path.eq_ignore_ascii_case(variables::PATH)), damage) {
        (Some(file), _) => variables_facts(&read(file)?, password).map(Some),
        (None, Some(damage)) => Err(damage.into()),
        (None, None) => Ok(None),
    }
}

fn look_at_files(files: &[MediumFile], password: Option<&SecretString>, inspection: &mut Inspection) {
    for file in files {
        let path = file.path.to_lowercase();
        match path.as_str() {
            "sources/boot.wim" => {
                let wim = Wim::open(Arc::new(file.content.clone()));
                inspection.boot_image = Some(wim.map(|wim| boot_image(&wim)).map_err(InspectError::from));
            }
            "sms/data/variables.dat" => {
                let facts = read(file).and_then(|bytes| variables_facts(&bytes, password));
                inspection.variables = Some(facts);
            }
            "boot/bcd" | "efi/microsoft/boot/bcd" => {
                inspection.boot_configuration.push((file.path.clone(), boot_store(file)));
            }
            manifest::PATH => {
                let listed = read(file).and_then(|bytes| Ok(Manifest::read(&bytes)?));
                inspection.manifest = Some(listed);
            }
            "bootmgr.efi" => inspection.boot_managers.push(boot_manager(file)),
            _ if path.starts_with("efi/boot/") && path.ends_with(".efi") => {
                inspection.boot_managers.push(boot_manager(file));
            }
            _ => {}
        }
    }
}

fn boot_store(file: &MediumFile) -> Result<Option<RamdiskBoot>, BootConfigurationError> {
    Ok(boot_configuration::read(file.content.to_vec(LARGEST_SMALL_FILE)?)?.default_ramdisk())
}

fn file_systems(disc: &Disc) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(disc.volume_size().map(|_| "ISO 9660".to_owned()));
    found.extend(disc.has_joliet().then(|| "Joliet".to_owned()));
    found.extend(
        disc.udf_revision().map(|revision| format!("UDF {:x}.{:02x}", revision >> 8, revision & 0xFF)),
    );
    found
}

fn boot_image(wim: &Wim) -> BootImageFacts {
    let header = wim.header();
    let index = header.boot_index.max(1);
    let certificates = wim.image(index).map_err(RootsError::from).and_then(|image| roots::list(wim, &image));
    let booting = || wim.images().iter().find(|info| info.index == index);
    BootImageFacts {
        boot_index: header.boot_index,
        compression: format!("{}, {}-byte chunks", header.compression, header.chunk_size),
        images: wim.images().to_vec(),
        architecture: booting().and_then(|info| info.architecture).and_then(Architecture::from_number),
        modified: booting().and_then(|info| info.last_modification_time).map(Timestamp::from_filetime),
        certificates: certificates.map(self::certificates),
    }
}

fn certificates(listed: Vec<roots::Listed>) -> Vec<CertificateFacts> {
    let facts = |entry: roots::Listed| CertificateFacts {
        store: entry.store.registry_name(),
        thumbprint: entry.thumbprint,
        issuer: entry.certificate.as_ref().ok().map(|found| found.issuer.text.clone()),
        validity: entry.certificate.as_ref().ok().map(|found| (found.not_before, found.not_after)),
        subject: entry.certificate.map(|found| found.subject.text).map_err(|error| error.to_string()),
    };
    listed.into_iter().map(facts).collect()
}

fn boot_manager(file: &MediumFile) -> BootManagerFacts {
    boot_manager_facts(&file.path, read(file).map_err(|error| error.to_string()))
}

/// What a boot manager says of itself.
pub(crate) fn boot_manager_facts(path: &str, bytes: Result<Vec<u8>, String>) -> BootManagerFacts {
    let program = bytes.and_then(|bytes| {
        let program = pe::read(&bytes).map_err(|error| error.to_string())?;
        program.signers.map(|signers| (program.machine, signers)).map_err(|error| error.to_string())
    });
    BootManagerFacts {
        path: path.to_owned(),
        signers: program.as_ref().map_or_else(
            |_| Vec::new(),
            |(_, signers)| signers.iter().map(|by| (by.subject.clone(), by.issuer.clone())).collect(),
        ),
        machine: program.map(|(machine, _)| machine_name(machine)),
    }
}

fn machine_name(machine: pe::Machine) -> String {
    match machine {
        pe::Machine::X64 => "x64".to_owned(),
        pe::Machine::X86 => "x86".to_owned(),
        pe::Machine::Arm64 => "ARM64".to_owned(),
        pe::Machine::Other(number) => format!("machine 0x{number:04x}"),
    }
}

fn variables_facts(bytes: &[u8], password: Option<&SecretString>) -> Result<VariablesFacts, InspectError> {
    let header = sealed::header(bytes)?;
    let without = variables::read_file(bytes, None).map(|document| document.variables);
    // What opens and is not to be made sense of has no password either.
    let has_no_password = without.as_ref().err() != Some(&VariablesError::WrongPassword);
    let variables = match password {
        Some(password) if !has_no_password => {
            variables::read_file(bytes, Some(password)).map(|document| document.variables)
        }
        _ => without,
    };
    Ok(VariablesFacts {
        algorithm: header.algorithm,
        plain_len: u64::from(header.plain_len),
        variables,
        has_no_password,
    })
}

fn read(file: &MediumFile) -> Result<Vec<u8>, InspectError> {
    let read = file.content.to_vec(LARGEST_SMALL_FILE);
    read.map_err(|error| InspectError::Read { path: file.path.clone(), error })
}
