//! Verify: checks every structure of a medium with our own readers, and every file against the manifest.
//!
//! Finding something is not an error: [`verify`] fails only when it could not look.

mod boot_image;
mod starting;

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use crate::bytes::to_hex_lower;
use crate::event::{Event, Observer};
use crate::finding::{Finding, Severity};
use crate::hive;
use crate::hive::boot_configuration;
use crate::io::Source;
use crate::media::boot_configuration as policy;
use crate::media::boot_image::{BootImage, SOURCES_BOOT_WIM};
use crate::media::bootstrap_ini;
use crate::media::manifest::{self, ManifestError, ManifestFile};
use crate::media::variables;
use crate::medium::{self, Medium, MediumError, MediumFile};
use crate::sealed;
use crate::spec::BootImageSpec;
use crate::wim::{Wim, WimError};

pub use boot_image::verify_boot_image;

/// What was looked at, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// What was found, in the order of the medium.
    pub findings: Vec<Finding>,
    /// How many files were compared with the manifest.
    pub files_compared: usize,
    /// How many bytes they have.
    pub bytes_compared: u64,
}

impl VerifyReport {
    /// Whether nothing is wrong; there may be notes.
    pub fn is_intact(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity < Severity::Error)
    }
}

/// Why it was not possible to look.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It could not be opened as a medium.
    #[error(transparent)]
    Medium(#[from] MediumError),
    /// A file could not be read.
    #[error(transparent)]
    Manifest(ManifestError),
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
pub fn verify(source: Arc<dyn Source>, observer: &mut dyn Observer) -> Result<VerifyReport, VerifyError> {
    let report = look(source, observer);
    // Half a check says nothing, neither that a medium is intact nor that it is not.
    if observer.cancelled() { Err(VerifyError::Cancelled) } else { report }
}

fn look(source: Arc<dyn Source>, observer: &mut dyn Observer) -> Result<VerifyReport, VerifyError> {
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
    compare_with_manifest(&files, &mut report, observer)?;
    check_contents(&files, &mut report, observer)?;
    Ok(report)
}

impl From<ManifestError> for VerifyError {
    fn from(error: ManifestError) -> Self {
        match error {
            ManifestError::Cancelled => Self::Cancelled,
            error => Self::Manifest(error),
        }
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

fn compare_with_manifest(
    files: &[MediumFile],
    report: &mut VerifyReport,
    observer: &mut dyn Observer,
) -> Result<(), VerifyError> {
    let Some(file) = find(files, manifest::PATH) else {
        let message = "without it no file can be compared with what was written";
        report.findings.push(Finding::error("manifest.missing", manifest::PATH, message));
        return Ok(());
    };
    let Some(bytes) = read(file, manifest::LARGEST, report)? else { return Ok(()) };
    let listed = match manifest::read(&bytes) {
        Ok(listed) => listed,
        Err(error) => {
            report.findings.push(Finding::error("manifest.damaged", manifest::PATH, error.to_string()));
            return Ok(());
        }
    };
    let mut extra: BTreeMap<String, &MediumFile> =
        files.iter().map(|file| (file.path.to_lowercase(), file)).collect();
    extra.remove(manifest::PATH);
    let bytes = listed.iter().fold(0_u64, |sum, file| sum.saturating_add(file.size));
    observer.event(Event::Begin { what: "comparing files", bytes });
    for expected in &listed {
        compare(expected, extra.remove(&expected.path.to_lowercase()), report, observer)?;
    }
    observer.event(Event::End);
    for file in extra.values() {
        report.findings.push(extra_file(&file.path));
    }
    Ok(())
}

fn compare(
    expected: &ManifestFile,
    found: Option<&MediumFile>,
    report: &mut VerifyReport,
    observer: &mut dyn Observer,
) -> Result<(), VerifyError> {
    let path = &expected.path;
    let Some(file) = found else {
        report.findings.push(Finding::error(
            "manifest.missing-file",
            path,
            "the manifest lists it, but it is gone",
        ));
        return Ok(());
    };
    report.files_compared += 1;
    report.bytes_compared = report.bytes_compared.saturating_add(file.content.len());
    if file.content.len() != expected.size {
        let message = format!("it has {} bytes; the manifest says {}", file.content.len(), expected.size);
        report.findings.push(Finding::error("manifest.size", path, message));
        return Ok(());
    }
    let sha256 = to_hex_lower(&manifest::sha256(&file.content, path, observer)?);
    if sha256 != expected.sha256 {
        let message = format!("its SHA-256 is {sha256}; the manifest says {}", expected.sha256);
        report.findings.push(Finding::error("manifest.sha256", path, message));
    }
    Ok(())
}

/// Windows leaves folders of its own on every stick it sees; a file among those that boot is another matter.
fn extra_file(path: &str) -> Finding {
    let lower = path.to_lowercase();
    let boots = ["boot/", "efi/", "sources/", "sms/"].iter().any(|folder| lower.starts_with(folder))
        || (!lower.contains('/') && lower.starts_with("bootmgr"));
    let message = "the manifest does not list it";
    if boots {
        Finding::error("manifest.extra-boot-file", path, message)
    } else {
        Finding::note("manifest.extra-file", path, message)
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

fn find<'a>(files: &'a [MediumFile], path: &str) -> Option<&'a MediumFile> {
    files.iter().find(|file| file.path.eq_ignore_ascii_case(path))
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
