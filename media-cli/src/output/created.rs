//! The summary of `tsmedia create`.

use std::fmt;
use std::path::Path;

use media_core::media::registration::{KnownMedium, Registration};
use media_core::{BootConfigurationOrigin, Made, Management, MediaSpec, StageReport};
use serde::Serialize;

use super::registration::Record;
use super::sizes::size;
use super::validity::Validity;
use super::{line, notes};
use crate::settings::Decided;

/// What was made. Secrets are not among it: variables are listed by name.
#[derive(Serialize)]
pub struct Created {
    output: String,
    kind: String,
    bytes: u64,
    bytes_written: u64,
    bytes_copied_by_system: u64,
    verified: bool,
    label: String,
    serial_number: Option<String>,
    receipt: Option<String>,
    manifest_sha256: String,
    signed: bool,
    #[serde(flatten)]
    decisions: Decisions,
    management: Managed,
    password: bool,
    registration: Record,
}

/// What staging decided; the same for a dry run.
#[derive(Serialize)]
pub struct Decisions {
    boot_image: BootImage,
    boot_manager: BootManager,
    boot_configuration: Vec<BootConfiguration>,
    trusted_certificates: Vec<Trusted>,
    media_guid: String,
    media_certificate: MediaCertificate,
    validity: Validity,
    variables: Vec<String>,
    overridden_variables: Vec<String>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct BootImage {
    package_id: Option<String>,
    /// `file-name` or `given`.
    package_id_from: Option<&'static str>,
    index: u32,
    changed_boot_index: bool,
    architecture: String,
    version: Option<String>,
}

#[derive(Serialize)]
struct BootManager {
    set: String,
    programs: Vec<Program>,
}

/// A program firmware starts.
#[derive(Serialize)]
struct Program {
    path: String,
    origin: String,
    /// Who issued the certificates it is signed with; empty when it is not signed.
    signed_under: Vec<String>,
    /// Why that cannot be told.
    problem: Option<String>,
}

#[derive(Serialize)]
struct BootConfiguration {
    path: String,
    origin: &'static str,
    detail: Option<String>,
}

#[derive(Serialize)]
struct Trusted {
    store: &'static str,
    thumbprint: String,
    subject: String,
    was_there: bool,
}

#[derive(Serialize)]
struct MediaCertificate {
    thumbprint: String,
    valid_from: String,
    valid_until: String,
}

#[derive(Serialize)]
struct Managed {
    site_code: String,
    mode: &'static str,
    management_points: Vec<String>,
    cloud_management_gateway: bool,
}

/// What the site has to be told before it answers the medium.
pub(crate) fn registration(report: &StageReport, spec: &MediaSpec) -> Registration {
    Registration {
        medium: KnownMedium {
            smsid: report.media_guid.clone(),
            thumbprint: report.media_certificate_thumbprint.clone(),
            name: spec.options.label.as_str().to_owned(),
        },
        certificate: report.media_certificate.clone(),
        is_self_signed: report.media_certificate_is_self_signed,
        user_device_affinity: spec.options.user_device_affinity,
    }
}

impl Created {
    pub(crate) fn new(
        output: &Path,
        made: &Made,
        report: &StageReport,
        spec: &MediaSpec,
        decided: &Decided,
        verified: bool,
    ) -> Self {
        let Made { plan, receipt, written } = made;
        let registration = Record::new(&registration(report, spec));
        let told = format!(
            "the site answers this medium only once it has been told of its certificate: register it there under the media GUID \
             (Type {}, UdaSetting {}, IssuedCert {}; {})",
            registration.r#type,
            registration.uda_setting,
            registration.issued_cert,
            match &decided.registration {
                Some((path, _)) => format!("{} has all that is needed", path.display()),
                None => "--registration FILE.ps1 writes the script that does it".to_owned(),
            }
        );
        let notes: Vec<String> = decided.notes.iter().cloned().chain([told]).collect();
        let points = spec.site.management.points();
        let mode = match spec.site.management {
            Management::SiteBased(_) => "site-based",
            Management::Dynamic(_) => "dynamic",
        };
        Self {
            output: output.display().to_string(),
            kind: plan.kind.clone(),
            bytes: written.len,
            bytes_written: written.written,
            bytes_copied_by_system: written.copied_by_system,
            verified,
            label: spec.options.label.as_str().to_owned(),
            serial_number: spec.serial_number.as_ref().map(|number| number.as_str().to_owned()),
            receipt: decided.receipt.as_ref().map(|path| path.display().to_string()),
            manifest_sha256: receipt.manifest_sha256.clone(),
            signed: receipt.signature.is_some(),
            decisions: Decisions::new(report, decided, &notes),
            management: Managed {
                site_code: spec.site.code.as_str().to_owned(),
                mode,
                management_points: points.iter().map(|point| point.url().to_owned()).collect(),
                cloud_management_gateway: points.iter().any(|point| point.is_cloud_management_gateway()),
            },
            password: spec.password.is_some(),
            registration,
        }
    }
}

impl Decisions {
    pub(super) fn new(report: &StageReport, decided: &Decided, notes: &[String]) -> Self {
        let store = |(path, origin): &(String, BootConfigurationOrigin)| {
            let (origin, detail) = match origin {
                BootConfigurationOrigin::BootImage(path) => ("boot-image", Some(path.clone())),
                BootConfigurationOrigin::Made(reason) => ("made", Some(reason.clone())),
                BootConfigurationOrigin::Given => ("given", None),
            };
            BootConfiguration { path: path.clone(), origin, detail }
        };
        let program = |found: &media_core::media::boot_image::StartedProgram| Program {
            path: found.path.clone(),
            origin: found.origin.clone(),
            signed_under: found.signers.iter().flatten().map(|signer| signer.issuer.clone()).collect(),
            problem: found.signers.as_ref().err().map(ToString::to_string),
        };
        let (start, end) = report.media_certificate_validity;
        Self {
            boot_image: BootImage {
                package_id: decided.package.as_ref().map(|package| package.id.as_str().to_owned()),
                package_id_from: decided
                    .package
                    .as_ref()
                    .map(|package| if package.is_from_file_name { "file-name" } else { "given" }),
                index: report.boot_index,
                changed_boot_index: report.changed_boot_index,
                architecture: report.architecture.to_string(),
                version: report.version.clone(),
            },
            boot_manager: BootManager {
                set: report.boot_manager.to_string(),
                programs: report.programs.iter().map(program).collect(),
            },
            boot_configuration: report.boot_configuration.iter().map(store).collect(),
            trusted_certificates: report
                .certificates
                .iter()
                .map(|added| Trusted {
                    store: added.store.registry_name(),
                    thumbprint: added.thumbprint.clone(),
                    subject: added.subject.clone(),
                    was_there: added.was_there,
                })
                .collect(),
            media_guid: report.media_guid.clone(),
            media_certificate: MediaCertificate {
                thumbprint: report.media_certificate_thumbprint.clone(),
                valid_from: start.to_string(),
                valid_until: end.to_string(),
            },
            validity: Validity::new(&report.validity),
            variables: report.variables.clone(),
            overridden_variables: report.overridden_variables.clone(),
            notes: notes.iter().chain(&report.notes).cloned().collect(),
        }
    }
}

impl fmt::Display for Created {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(out, "Made", &self.output)?;
        line(out, "Kind", &self.kind)?;
        let checked = if self.verified { ", verified" } else { "" };
        line(out, "Size", format_args!("{}{checked}", size(self.bytes)))?;
        line(out, "Label", &self.label)?;
        if let Some(number) = &self.serial_number {
            line(out, "Serial number", number)?;
        }
        let signed = if self.signed { "signed" } else { "not signed" };
        line(out, "Manifest", format_args!("{signed}, SHA-256 {}", self.manifest_sha256))?;
        if let Some(path) = &self.receipt {
            line(out, "Receipt", path)?;
        }
        let managed = &self.management;
        line(out, "Site", format_args!("{}, {} media", managed.site_code, managed.mode))?;
        let kind = if managed.cloud_management_gateway { " (cloud management gateway)" } else { "" };
        line(out, "Management point", format_args!("{}{kind}", managed.management_points.join(", ")))?;
        line(out, "Media password", if self.password { "yes" } else { "none" })?;
        self.decisions.fmt(out)
    }
}

impl fmt::Display for Decisions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let image = &self.boot_image;
        let version = image.version.as_deref().unwrap_or("version not known");
        let changed = if image.changed_boot_index { ", made the bootable one" } else { "" };
        line(
            out,
            "Boot image",
            format_args!("image {}{changed}, {}, {version}", image.index, image.architecture),
        )?;
        let from = if image.package_id_from == Some("given") { "given" } else { "found in the file's name" };
        match &image.package_id {
            Some(id) => line(out, "Package id", format_args!("{id}, {from}"))?,
            None => line(out, "Package id", "not known")?,
        }
        line(out, "Boot managers", format_args!("the {} set", self.boot_manager.set))?;
        for program in &self.boot_manager.programs {
            let signers = match (&program.problem, program.signed_under.as_slice()) {
                (Some(problem), _) => format!("who signed it cannot be read ({problem})"),
                (None, []) => "not signed".to_owned(),
                (None, signers) => format!("signed under {}", signers.join(" and ")),
            };
            line(out, "", format_args!("{}: {signers}", program.path))?;
        }
        for store in &self.boot_configuration {
            let detail = store.detail.as_deref().unwrap_or_default();
            let origin = match store.origin {
                "boot-image" => format!("{detail} in the boot image"),
                "made" => format!("made ({detail})"),
                _ => "given".to_owned(),
            };
            line(out, "Boot configuration", format_args!("{}: {origin}", store.path))?;
        }
        for trusted in &self.trusted_certificates {
            let state = if trusted.was_there { "was there" } else { "added" };
            let Trusted { store, thumbprint, subject, .. } = trusted;
            line(out, "Certificate", format_args!("{state} in {store}: {thumbprint} {subject}"))?;
        }
        line(out, "Media GUID", &self.media_guid)?;
        let certificate = &self.media_certificate;
        line(out, "Media certificate", &certificate.thumbprint)?;
        line(
            out,
            "",
            format_args!("valid from {} until {}", certificate.valid_from, certificate.valid_until),
        )?;
        self.validity.show(out, "Medium valid until")?;
        line(out, "Media variables", self.variables.join(", "))?;
        if !self.overridden_variables.is_empty() {
            line(out, "  replaced by yours", self.overridden_variables.join(", "))?;
        }
        notes(out, &self.notes)
    }
}
