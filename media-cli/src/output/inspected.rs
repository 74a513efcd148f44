//! What `tsmedia inspect` prints. Values of variables that may be secret are masked unless the user wants them shown.

mod stated;
mod text;

use std::path::Path;

use media_core::disk::DiskTable;
use media_core::iso::{BootEntry, Emulation, Platform};
use media_core::media::variables;
use media_core::{BootImageFacts, CertificateFacts, Inspection, VariablesFacts, VolumeFacts};
use secrecy::ExposeSecret;
use serde::Serialize;

use super::validity::Validity;
use stated::Stated;

/// Everything that is shown.
#[derive(Serialize)]
pub struct Inspected {
    path: String,
    kind: String,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume: Option<Volume>,
    #[serde(skip_serializing_if = "Option::is_none")]
    boot_image: Option<BootImage>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    boot_managers: Vec<BootManager>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    boot_configuration: Vec<BootConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variables: Option<VariablesFile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<Stated>,
    #[serde(skip_serializing_if = "Validity::is_empty")]
    validity: Validity,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    certificates: Vec<Certificate>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<File>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    damaged: Vec<Damaged>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Volume {
    Disk {
        label: Option<String>,
        partition_scheme: Option<String>,
        partitions: Vec<Partition>,
        serial_number: String,
        cluster_size: u32,
        bytes: u64,
        free_bytes: Option<u64>,
    },
    Iso {
        label: Option<String>,
        file_systems: Vec<String>,
        boot_entries: Vec<Boot>,
    },
}

#[derive(Serialize)]
struct Partition {
    offset: u64,
    bytes: u64,
    kind: &'static str,
    active: bool,
}

#[derive(Serialize)]
struct Boot {
    platform: String,
    bootable: bool,
    emulation: String,
    load_sectors: u16,
    offset: u64,
}

#[derive(Serialize)]
struct BootImage {
    boot_index: u32,
    compression: String,
    architecture: Option<String>,
    images: Vec<Image>,
    certificates: Vec<Certificate>,
    certificates_problem: Option<String>,
}

#[derive(Serialize)]
struct Image {
    index: u32,
    name: Option<String>,
    version: Option<String>,
    languages: Vec<String>,
}

#[derive(Serialize)]
struct Certificate {
    store: &'static str,
    thumbprint: String,
    subject: Option<String>,
    valid_from: Option<String>,
    valid_until: Option<String>,
    problem: Option<String>,
}

#[derive(Serialize)]
struct BootManager {
    path: String,
    machine: Option<String>,
    signers: Vec<Signer>,
    problem: Option<String>,
}

#[derive(Serialize)]
struct Signer {
    subject: String,
    issuer: String,
}

#[derive(Serialize)]
struct BootConfiguration {
    path: String,
    wim: Option<String>,
    ramdisk_template: Option<String>,
    loader: Option<String>,
    problem: Option<String>,
}

#[derive(Serialize)]
pub(super) struct VariablesFile {
    encryption: String,
    text_bytes: u64,
    password: Password,
    variables: Vec<Variable>,
    problem: Option<String>,
}

/// What the password has to do with the variables file.
#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Password {
    None,
    Needed,
    Given,
}

#[derive(Serialize)]
struct Variable {
    name: String,
    /// `None` when it is masked.
    value: Option<String>,
}

/// A part that cannot be shown, and why.
#[derive(Serialize)]
struct Damaged {
    part: &'static str,
    problem: String,
}

#[derive(Serialize)]
struct File {
    path: String,
    bytes: u64,
}

impl Inspected {
    pub(crate) fn new(path: &Path, inspection: &Inspection, password_given: bool, reveal: bool) -> Self {
        let boot_manager = |found: &media_core::BootManagerFacts| BootManager {
            path: found.path.clone(),
            machine: found.machine.clone().ok(),
            signers: found
                .signers
                .iter()
                .map(|(subject, issuer)| Signer { subject: subject.clone(), issuer: issuer.clone() })
                .collect(),
            problem: found.machine.clone().err(),
        };
        Self {
            path: path.display().to_string(),
            kind: inspection.kind.clone(),
            bytes: inspection.len,
            volume: inspection.volume.as_ref().map(volume),
            boot_image: inspection.boot_image.iter().flatten().next().map(boot_image),
            boot_managers: inspection.boot_managers.iter().map(boot_manager).collect(),
            boot_configuration: boot_configuration(inspection),
            variables: inspection
                .variables
                .iter()
                .flatten()
                .next()
                .map(|facts| variables_file(facts, password_given, reveal)),
            manifest: Stated::new(inspection),
            validity: Validity::new(&inspection.validity()),
            certificates: inspection.certificates.iter().map(certificate).collect(),
            files: inspection
                .files
                .iter()
                .map(|(path, bytes)| File { path: path.clone(), bytes: *bytes })
                .collect(),
            damaged: damaged(inspection),
        }
    }
}

fn damaged(inspection: &Inspection) -> Vec<Damaged> {
    let (label, boot_entries) = match &inspection.volume {
        Some(VolumeFacts::Disk { label, .. }) => (label.as_ref().err(), None),
        Some(VolumeFacts::Iso { boot_entries, .. }) => (None, boot_entries.as_ref().err()),
        None => (None, None),
    };
    let boot_image = inspection.boot_image.iter().find_map(|image| image.as_ref().err());
    let variables = inspection.variables.iter().find_map(|facts| facts.as_ref().err());
    let manifest = inspection.manifest.as_ref().and_then(|manifest| manifest.as_ref().err());
    [
        ("volume label", label.map(ToString::to_string)),
        ("boot entries", boot_entries.map(ToString::to_string)),
        ("files", inspection.files_damage.as_ref().map(ToString::to_string)),
        ("boot image", boot_image.map(ToString::to_string)),
        ("media variables", variables.map(ToString::to_string)),
        ("manifest", manifest.map(ToString::to_string)),
    ]
    .into_iter()
    .filter_map(|(part, problem)| Some(Damaged { part, problem: problem? }))
    .collect()
}

fn volume(facts: &VolumeFacts) -> Volume {
    match facts {
        VolumeFacts::Disk { table, label, volume } => Volume::Disk {
            label: label.as_ref().ok().cloned(),
            partition_scheme: table.scheme.map(|scheme| scheme.to_string()),
            partitions: partitions(table),
            serial_number: format!("{:04X}-{:04X}", volume.volume_id >> 16, volume.volume_id & 0xFFFF),
            cluster_size: volume.cluster_size,
            bytes: volume.sectors.saturating_mul(media_core::disk::SECTOR_SIZE),
            free_bytes: volume.free_clusters.map(|free| u64::from(free) * u64::from(volume.cluster_size)),
        },
        VolumeFacts::Iso { labels, file_systems, boot_entries } => Volume::Iso {
            label: [&labels.udf, &labels.joliet, &labels.primary].into_iter().flatten().next().cloned(),
            file_systems: file_systems.clone(),
            boot_entries: boot_entries.iter().flatten().map(boot_entry).collect(),
        },
    }
}

fn partitions(table: &DiskTable) -> Vec<Partition> {
    let bytes = |sectors: u64| sectors.saturating_mul(media_core::disk::SECTOR_SIZE);
    let partition = |found: &media_core::disk::PartitionFacts| Partition {
        offset: bytes(found.start_sector),
        bytes: bytes(found.sectors),
        kind: found.kind.name(),
        active: found.active,
    };
    table.partitions.iter().map(partition).collect()
}

fn boot_entry(entry: &BootEntry) -> Boot {
    Boot {
        platform: match entry.platform {
            Platform::Bios => "BIOS".to_owned(),
            Platform::Uefi => "UEFI".to_owned(),
            Platform::Other(number) => format!("platform {number:#04x}"),
        },
        bootable: entry.bootable,
        emulation: match entry.emulation {
            Emulation::None => "none".to_owned(),
            Emulation::Disk(number) | Emulation::Other(number) => format!("media type {number}"),
        },
        load_sectors: entry.load_sectors,
        offset: entry.offset,
    }
}

fn boot_image(facts: &BootImageFacts) -> BootImage {
    let image = |info: &media_core::wim::ImageInfo| Image {
        index: info.index,
        name: info.name.clone(),
        version: info.version.map(|version| version.to_string()),
        languages: info.languages.clone(),
    };
    BootImage {
        boot_index: facts.boot_index,
        compression: facts.compression.clone(),
        architecture: facts.architecture.map(|architecture| architecture.to_string()),
        images: facts.images.iter().map(image).collect(),
        certificates: facts.certificates.iter().flatten().map(certificate).collect(),
        certificates_problem: facts.certificates.as_ref().err().map(ToString::to_string),
    }
}

fn certificate(facts: &CertificateFacts) -> Certificate {
    Certificate {
        store: facts.store,
        thumbprint: facts.thumbprint.clone(),
        subject: facts.subject.clone().ok(),
        valid_from: facts.validity.map(|(start, _)| start.to_string()),
        valid_until: facts.validity.map(|(_, end)| end.to_string()),
        problem: facts.subject.clone().err(),
    }
}

fn boot_configuration(inspection: &Inspection) -> Vec<BootConfiguration> {
    let none = |path: &String, problem: &str| BootConfiguration {
        path: path.clone(),
        wim: None,
        ramdisk_template: None,
        loader: None,
        problem: Some(problem.to_owned()),
    };
    let one = |(path, store): &(String, Result<Option<_>, _>)| match store {
        Ok(Some(boot)) => {
            let boot: &media_core::hive::boot_configuration::RamdiskBoot = boot;
            BootConfiguration {
                path: path.clone(),
                wim: Some(boot.wim_path.clone()),
                ramdisk_template: Some(boot.sdi_path.clone()),
                loader: Some(boot.loader_path.clone()),
                problem: None,
            }
        }
        Ok(None) => none(path, "its default entry starts no RAM disk"),
        Err(error) => none(path, &media_core::BootConfigurationError::to_string(error)),
    };
    inspection.boot_configuration.iter().map(one).collect()
}

pub(super) fn variables_file(facts: &VariablesFacts, password_given: bool, reveal: bool) -> VariablesFile {
    let password = match (facts.has_no_password, password_given) {
        (true, _) => Password::None,
        (false, true) => Password::Given,
        (false, false) => Password::Needed,
    };
    let shown = |(name, value): (&str, &secrecy::SecretString)| Variable {
        name: name.to_owned(),
        value: (reveal || variables::is_public(name)).then(|| value.expose_secret().to_owned()),
    };
    VariablesFile {
        encryption: facts.algorithm.to_string(),
        text_bytes: facts.plain_len,
        password,
        variables: facts.variables.iter().flat_map(|variables| variables.iter()).map(shown).collect(),
        problem: facts
            .variables
            .as_ref()
            .err()
            .filter(|_| password != Password::Needed)
            .map(ToString::to_string),
    }
}
