//! Verify: checks every structure of a medium with our own readers, and every file against the manifest.
//!
//! Finding something is not an error: [`verify`] fails only when it could not look.

mod boot_image;
mod manifest;
mod raw;
mod starting;
mod structures;

use std::sync::Arc;

use thiserror::Error;

use crate::digest::DigestError;
use crate::event::{Event, Observer};
use crate::finding::{Finding, Severity};
use crate::hive;
use crate::hive::boot_configuration;
use crate::io::Source;
use crate::media::boot_configuration as policy;
use crate::media::boot_image::{BootImage, SOURCES_BOOT_WIM};
use crate::media::bootstrap_ini;
use crate::media::signing::VerifyingKey;
use crate::media::variables;
use crate::medium::{self, Medium, MediumError, MediumFile, find};
use crate::sealed;
use crate::spec::BootImageSpec;
use crate::wim::{Wim, WimError};

pub use boot_image::verify_boot_image;
pub use raw::verify_raw;

/// What a medium is judged by, besides itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trust<'a> {
    /// The key that its manifest has to be signed with.
    pub key: Option<&'a VerifyingKey>,
}

/// What is known of a manifest's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signature {
    /// There is none.
    #[default]
    None,
    /// There is one, and no key to check it with.
    NotChecked,
    /// It was made with the key.
    Valid,
    /// It was not.
    Wrong,
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// What was found, in the order of the medium.
    pub findings: Vec<Finding>,
    /// How many files were compared with the manifest.
    pub files_compared: usize,
    /// How many bytes they have.
    pub bytes_compared: u64,
    /// Whether the manifest is signed.
    pub signature: Signature,
}

impl VerifyReport {
    /// Whether nothing is wrong; there may be notes.
    pub fn is_intact(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity < Severity::Error)
    }

    /// Whether there is something worth knowing.
    pub fn has_notes(&self) -> bool {
        !self.findings.is_empty()
    }
}

/// Why it was not possible to look.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It could not be opened as a medium.
    #[error(transparent)]
    Medium(#[from] MediumError),
    /// A file on it could not be read.
    #[error("reading {path}: {error}")]
    Read {
        /// Path on the medium.
        path: String,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
    /// The observer asked to stop.
    #[error("stopped before everything was checked")]
    Cancelled,
}

/// Files a medium cannot do without, whatever its architecture.
const ESSENTIAL: [&str; 5] =
    [SOURCES_BOOT_WIM, "boot/boot.sdi", "EFI/Microsoft/Boot/BCD", variables::PATH, bootstrap_ini::PATH];
/// A boot configuration store is some kilobytes.
const LARGEST_STORE: u64 = 16 << 20;
const LARGEST_VARIABLES: u64 = 64 << 20;

/// Looks at everything. A bare WIM file, hive or variables file is checked for what it is.
///
/// # Errors
/// [`VerifyError`] when it is no medium, or cannot be read, or the observer asks to stop.
pub fn verify(
    source: Arc<dyn Source>,
    trust: Trust<'_>,
    observer: &mut dyn Observer,
) -> Result<VerifyReport, VerifyError> {
    let report = look(source, trust, observer);
    // Half a check says nothing, neither that a medium is intact nor that it is not.
    if observer.cancelled() { Err(VerifyError::Cancelled) } else { report }
}

fn look(
    source: Arc<dyn Source>,
    trust: Trust<'_>,
    observer: &mut dyn Observer,
) -> Result<VerifyReport, VerifyError> {
    observer.event(Event::Step("checking the volume"));
    let mut report = VerifyReport::default();
    let medium = medium::open(source.clone())?;
    match &medium {
        Medium::Iso(disc) => {
            report.findings.extend(disc.check().map_err(MediumError::from)?);
            starting::check_disc(disc, &mut report);
        }
        Medium::Disk { table, partition, volume } => {
            report.findings.extend(table.findings.iter().cloned());
            starting::check_partition(table, *partition, &mut report);
            report.findings.extend(volume.check().map_err(MediumError::from)?);
        }
        Medium::Wim(wim) => return wim_report(wim, observer),
        Medium::Hive(_) => return Ok(hive_report(&read_all(&*source, "the hive")?)),
        Medium::Variables(bytes) => {
            check_variables(bytes, "the file", &mut report);
            return Ok(report);
        }
    }
    // What is wrong with the folders was found above; the files that can be found are looked at all the same.
    let files = medium.listing()?.files;
    if let Medium::Iso(disc) = &medium {
        starting::check_boot_entries(disc, &files, &mut report);
    }
    check_essential(&files, &mut report);
    if let Some(manifest) = manifest::check(&files, trust, &mut report)? {
        structures::check(&medium, &source, &manifest, &files, &mut report, observer)?;
        manifest::compare(&manifest.listed, &files, (&source, trust), &mut report, observer)?;
    }
    check_contents(&files, &mut report, observer)?;
    Ok(report)
}

/// Why something could not be read, of which the number says the name.
fn unread(error: DigestError, name: impl Fn(usize) -> String) -> VerifyError {
    match error {
        DigestError::Cancelled => VerifyError::Cancelled,
        DigestError::Read(number, error) => VerifyError::Read { path: name(number), error },
    }
}

fn wim_report(wim: &Wim, observer: &mut dyn Observer) -> Result<VerifyReport, VerifyError> {
    let findings = wim.verify(observer).map_err(|error| match error {
        WimError::Stopped => VerifyError::Cancelled,
        error => MediumError::from(error).into(),
    })?;
    Ok(VerifyReport { findings, ..VerifyReport::default() })
}

fn hive_report(bytes: &[u8]) -> VerifyReport {
    VerifyReport { findings: hive::check(bytes), ..VerifyReport::default() }
}

fn check_essential(files: &[MediumFile], report: &mut VerifyReport) {
    for path in ESSENTIAL {
        if find(files, path).is_none() {
            report.findings.push(Finding::error(
                "medium.missing-file",
                path,
                "a bootable medium needs this file",
            ));
        }
    }
    if starting::BOOT_MANAGERS.iter().all(|(path, _)| find(files, path).is_none()) {
        report.findings.push(Finding::error(
            "medium.missing-file",
            "EFI/Boot",
            "no UEFI boot manager is here",
        ));
    }
}

fn check_contents(
    files: &[MediumFile],
    report: &mut VerifyReport,
    observer: &mut dyn Observer,
) -> Result<(), VerifyError> {
    let image = match find(files, SOURCES_BOOT_WIM) {
        Some(file) => check_boot_image(file, report, observer)?,
        None => None,
    };
    for path in ["boot/BCD", "EFI/Microsoft/Boot/BCD"] {
        if let Some(file) = find(files, path)
            && let Some(bytes) = read(file, LARGEST_STORE, report)?
        {
            check_store(bytes, path, image.as_ref(), report);
        }
    }
    if let Some(file) = find(files, variables::PATH)
        && let Some(bytes) = read(file, LARGEST_VARIABLES, report)?
    {
        check_variables(&bytes, variables::PATH, report);
    }
    starting::check_programs(files, image.map(|image| image.architecture), report)
}

fn check_store(bytes: Vec<u8>, path: &str, image: Option<&BootImage>, report: &mut VerifyReport) {
    report.findings.extend(hive::check(&bytes).into_iter().map(|finding| at(path, finding)));
    match boot_configuration::read(bytes) {
        Err(error) => {
            report.findings.push(Finding::error("boot-configuration.damaged", path, error.to_string()))
        }
        Ok(store) => {
            let refusal = match store.default_ramdisk() {
                Some(boot) => image
                    .map_or_else(
                        || policy::refuses_files(&boot),
                        |image| policy::refuses(&boot, &image.image),
                    )
                    .map(|reason| format!("it {reason}")),
                None => Some("its default entry starts no RAM disk".to_owned()),
            };
            let found = refusal.map(|message| Finding::error("boot-configuration.target", path, message));
            report.findings.extend(found);
        }
    }
}

fn check_variables(bytes: &[u8], path: &str, report: &mut VerifyReport) {
    if let Err(error) = sealed::header(bytes) {
        report.findings.push(Finding::error("variables.damaged", path, error.to_string()));
    }
}

fn check_boot_image(
    file: &MediumFile,
    report: &mut VerifyReport,
    observer: &mut dyn Observer,
) -> Result<Option<BootImage>, VerifyError> {
    let source: Arc<dyn Source> = Arc::new(file.content.clone());
    match Wim::open(source.clone()).and_then(|wim| wim.verify(observer)) {
        Ok(findings) => report.findings.extend(findings.into_iter().map(|finding| at(&file.path, finding))),
        Err(WimError::Stopped) => return Err(VerifyError::Cancelled),
        Err(WimError::Read { error, .. }) => {
            return Err(VerifyError::Read { path: file.path.clone(), error });
        }
        Err(error @ WimError::DecoderMemory { .. }) => return Err(MediumError::from(error).into()),
        Err(error) => {
            report.findings.push(Finding::error("boot-image.damaged", &file.path, error.to_string()));
            return Ok(None);
        }
    }
    match BootImage::open(&BootImageSpec::of_medium(source)) {
        Ok(image) => Ok(Some(image)),
        Err(error) => {
            let message = error.to_string();
            report.findings.push(Finding::error("boot-image.would-not-boot", &file.path, message));
            Ok(None)
        }
    }
}

fn at(path: &str, finding: Finding) -> Finding {
    Finding { place: format!("{path}: {}", finding.place), ..finding }
}

/// All of a file; none when it is larger than any of its kind, which is a finding.
fn read(file: &MediumFile, limit: u64, report: &mut VerifyReport) -> Result<Option<Vec<u8>>, VerifyError> {
    let len = file.content.len();
    if len > limit {
        let message = format!("it has {len} bytes; none of its kind has more than {limit}");
        report.findings.push(Finding::error("medium.file-too-large", &file.path, message));
        return Ok(None);
    }
    let bytes = file.content.to_vec(limit);
    bytes.map(Some).map_err(|error| VerifyError::Read { path: file.path.clone(), error })
}

fn read_all(source: &dyn Source, what: &str) -> Result<Vec<u8>, VerifyError> {
    let mut bytes = vec![0; usize::try_from(source.len()).unwrap_or(0)];
    let read = source.read_exact_at(0, &mut bytes);
    read.map_err(|error| VerifyError::Read { path: what.to_owned(), error })?;
    Ok(bytes)
}
