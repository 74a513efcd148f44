//! What → which files: turns a specification into the files of a medium.

mod boot_configuration;
mod boot_managers;

use std::path::Path;
use std::thread;

use thiserror::Error;

use crate::bytes::to_hex_upper;
use crate::content::Content;
use crate::env::Env;
use crate::event::{Event, Observer};
use crate::finding::Finding;
use crate::media::boot_image::{
    self, Architecture, BootFile, BootImage, BootImageError, BootManagerSet, StartedProgram,
};
use crate::media::bootstrap_ini;
use crate::media::identity::{self, Identity, IdentityError};
use crate::media::manifest::{self, ManifestSite, MediumIdentity};
use crate::media::roots::{self, AddedCertificate, RootsError};
use crate::media::site_variables::{IDENTITY, SiteVariables, site_variables};
use crate::media::text_files;
use crate::media::validity::Validity;
use crate::media::variables::{self, VariablesError};
use crate::spec::{Form, MediaSpec};
use crate::tree::{Tree, TreeFile, TreeInput, VolumeIds};

pub use boot_configuration::BootConfigurationOrigin;

/// A staged medium: the files, and what was decided on the way.
pub struct Staged {
    /// The files.
    pub tree: Tree,
    /// What was decided.
    pub report: StageReport,
}

/// What staging found and decided, for the user to read.
#[derive(Debug, Clone)]
pub struct StageReport {
    /// The number of the image that boots.
    pub boot_index: u32,
    /// Whether the boot image's own boot index had to be changed.
    pub changed_boot_index: bool,
    /// The architecture of the image.
    pub architecture: Architecture,
    /// The Windows version of the image, `10.0.26100.1`.
    pub version: Option<String>,
    /// Which set of boot managers was taken.
    pub boot_manager: BootManagerSet,
    /// The programs firmware starts, and who signed them.
    pub programs: Vec<StartedProgram>,
    /// Where the BIOS and UEFI boot configuration stores came from.
    pub boot_configuration: Vec<(String, BootConfigurationOrigin)>,
    /// What became of each trusted certificate.
    pub certificates: Vec<AddedCertificate>,
    /// The media's identity, as `SMS_CertificateInfo.SMSID` has it.
    pub media_guid: String,
    /// SHA-1 thumbprint of the media certificate.
    pub media_certificate_thumbprint: String,
    /// The media certificate (DER), which the site has to be told of.
    pub media_certificate: Vec<u8>,
    /// Whether it was made here, and not issued elsewhere.
    pub media_certificate_is_self_signed: bool,
    /// What speaks against the media certificate. With an error among it, a management point is expected to refuse it.
    pub media_certificate_findings: Vec<Finding>,
    /// When the media certificate starts and stops being valid.
    pub media_certificate_validity: (crate::time::Timestamp, crate::time::Timestamp),
    /// When the medium is valid.
    pub validity: Validity,
    /// Names of the media variables, sorted.
    pub variables: Vec<String>,
    /// Names of variables whose value the user replaced.
    pub overridden_variables: Vec<String>,
    /// What the user may want to know; nothing here stops the medium from being made.
    pub notes: Vec<String>,
}

/// Why a medium could not be staged.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StageError {
    /// The boot image.
    #[error("{name}: {error}")]
    BootImage {
        /// What the user calls it.
        name: String,
        /// What is wrong.
        #[source]
        error: BootImageError,
    },
    /// Its SOFTWARE hive.
    #[error("{name}: {error}")]
    Roots {
        /// What the user calls the boot image.
        name: String,
        /// What is wrong.
        #[source]
        error: RootsError,
    },
    /// The boot image's own boot configuration store was asked for and cannot serve.
    #[error("{name}: {reason}")]
    BootConfiguration {
        /// What the user calls the boot image.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A boot configuration store given by the user does not start the boot image.
    #[error("the boot configuration store given for {path} {reason}")]
    GivenBootConfiguration {
        /// Where it would go on the medium.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// Nothing in the boot image could be started.
    #[error("{name}: no loader for {firmware} is in it; looked for {}", looked_for.join(", "))]
    NoLoader {
        /// What the user calls the boot image.
        name: String,
        /// The firmware it would be for.
        firmware: String,
        /// The paths looked for.
        looked_for: Vec<String>,
    },
    /// The media certificate.
    #[error("media certificate: {0}")]
    Identity(#[from] IdentityError),
    /// The media variables.
    #[error(transparent)]
    Variables(#[from] VariablesError),
    /// A variable of the medium's identity is given, or left out, as if it were any other.
    #[error("{name} is part of the media's identity and cannot be given or left out as a variable")]
    IdentityVariable {
        /// The variable.
        name: String,
    },
    /// A CD cannot start without this file.
    #[error("{name}: a CD needs {path}, and neither the boot image nor the specification has it")]
    NoCdBootImage {
        /// What the user calls the boot image.
        name: String,
        /// The path on the medium.
        path: String,
    },
    /// The observer asked to stop.
    #[error("stopped before the medium was complete")]
    Cancelled,
}

/// Stages a medium. Reads the boot image's tables, its boot files and, when there are certificates to add, its
/// SOFTWARE hive; never its other files. The manifest is empty until [`crate::seal`] or [`crate::draft`] writes it.
///
/// # Errors
/// [`StageError`] names the input and what is wrong with it.
pub fn stage(spec: &MediaSpec, env: &Env, observer: &mut dyn Observer) -> Result<Staged, StageError> {
    let name = || spec.boot_image.name.clone();
    let in_boot_image = |error| StageError::BootImage { name: name(), error };
    observer.event(Event::Step("reading the boot image"));
    let image = BootImage::open(&spec.boot_image).map_err(in_boot_image)?;
    let now = env.now();
    let in_roots = |error| StageError::Roots { name: name(), error };
    let hive = (!spec.trusted.is_empty())
        .then(|| roots::hive(&image.wim, &image.image))
        .transpose()
        .map_err(in_roots)?;
    let (boot, stores, added, own) = thread::scope(|scope| {
        // The hive takes as long as everything else together.
        let adding = scope.spawn(|| roots::add(&image, hive, &spec.trusted, now));
        let boot = boot_image::boot_files(&image, &spec.boot_image).map_err(in_boot_image)?;
        let stores = boot_configuration::stores(&image, &spec.boot_image, env)?;
        stop_if_asked(observer)?;
        observer.event(Event::Step("making the media certificate and variables"));
        let own = own(spec, env);
        observer.event(Event::Step("adding trusted certificates"));
        let added = adding.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let added = added.map_err(in_roots)?;
        Ok::<_, StageError>((boot, stores, added, own?))
    })?;
    let Own { identity, site, variables } = own;
    stop_if_asked(observer)?;

    let mut validity = Validity::default();
    validity.add_variables(&site.variables);
    spec.trusted.iter().for_each(|trusted| validity.add_trusted(trusted));

    let mut report = report(&image, &boot, &identity, &site, &spec.without_variables);
    report.validity = validity.clone();
    report.notes.splice(0..0, boot_managers::notes(&boot, spec));
    report.boot_configuration =
        stores.iter().map(|store| (store.path.clone(), store.origin.clone())).collect();
    report.certificates = added.certificates;
    if added.recovered {
        let note =
            "the boot image's SOFTWARE hive was not closed: it was completed from the log files beside it";
        report.notes.push(note.to_owned());
    }
    let mut files: Vec<TreeFile> = boot.files.into_iter().map(from_boot_file).collect();
    files.extend(stores.into_iter().filter_map(|store| store.file));
    add_made(&mut files, bootstrap_ini::PATH, || text_files::bootstrap(spec));
    add_made(&mut files, variables::PATH, || variables);
    add_made(&mut files, text_files::MEDIA_LABEL_PATH, || text_files::media_label(&spec.options.label));
    if spec.options.autorun {
        add_made(&mut files, text_files::AUTORUN_PATH, || text_files::autorun(&spec.options.label));
    }
    let (bios_boot, uefi_boot) = cd_boot_images(spec, &files, &mut report.notes)?;
    report.notes.extend(boot_managers::older_cd_image(&files, uefi_boot.as_deref(), report.boot_manager));
    add_made(&mut files, manifest::PATH, Vec::new);
    if let Some(key) = &spec.signing_key {
        add_made(&mut files, manifest::SIGNATURE_PATH, || vec![0; key.signature_len()]);
    }
    // Last, so that everything small lies together.
    let origin = format!("image {} of the boot image", image.index);
    files.push(TreeFile { path: boot_image::SOURCES_BOOT_WIM.to_owned(), content: added.content, origin });
    let (label, ids) = (spec.options.label.clone(), VolumeIds::draw(env));
    let identity = MediumIdentity {
        media_guid: report.media_guid.clone(),
        certificate_thumbprint: report.media_certificate_thumbprint.clone(),
        serial_number: spec.serial_number.clone(),
        label: label.as_str().to_owned(),
        site: ManifestSite::new(&spec.site),
    };
    let (time, inputs) = (env.now(), inputs(spec));
    let checksum_of_boot_image = spec.checksum_of_boot_image;
    let tree = Tree {
        label,
        time,
        files,
        bios_boot,
        uefi_boot,
        ids,
        validity,
        identity,
        inputs,
        checksum_of_boot_image,
    };
    Ok(Staged { tree, report })
}

/// What is the medium's own.
struct Own {
    identity: Identity,
    site: SiteVariables,
    /// `variables.dat`
    variables: Vec<u8>,
}

fn own(spec: &MediaSpec, env: &Env) -> Result<Own, StageError> {
    let identity = identity::make(&spec.identity, spec.media_guid.as_ref(), env)?;
    let mut given = spec.variables.iter().map(|(name, _)| name).chain(&spec.without_variables);
    if let Some(name) = given.find(|name| IDENTITY.iter().any(|other| other.eq_ignore_ascii_case(name))) {
        return Err(StageError::IdentityVariable { name: name.clone() });
    }
    let site = site_variables(spec, &identity)?;
    let variables = variables::write_file(&site.variables, spec.password.as_ref(), &spec.variables_form)?;
    Ok(Own { identity, site, variables })
}

fn report(
    image: &BootImage,
    boot: &boot_image::BootFiles,
    identity: &Identity,
    site: &SiteVariables,
    without: &[String],
) -> StageReport {
    let certificate = &identity.certificate;
    let mut notes = boot.notes.clone();
    if image.repairs_boot_metadata {
        notes.push(format!(
            "the boot image's header did not lead to the metadata of image {}, which the boot manager refuses \
             (0xc000000d); on the medium it does",
            image.index
        ));
    }
    notes.extend(
        site.not_there.iter().map(|name| {
            format!("the variable {name} is to be left out, and the medium would not have had it")
        }),
    );
    notes.extend(site.missing.iter().filter(|name| !without.contains(name)).map(|name| {
        format!(
            "the site's media have the variable {name}; its value was not imported, so this medium has it not"
        )
    }));
    StageReport {
        boot_index: image.index,
        changed_boot_index: image.changes_boot_index,
        architecture: image.architecture,
        version: image.info().and_then(|info| info.version.map(|version| version.to_string())),
        boot_manager: boot.set,
        programs: boot.programs.clone(),
        boot_configuration: Vec::new(),
        certificates: Vec::new(),
        media_guid: identity.guid.as_str().to_owned(),
        media_certificate_thumbprint: to_hex_upper(&certificate.sha1()),
        media_certificate: certificate.der().to_vec(),
        media_certificate_is_self_signed: identity.is_self_signed,
        media_certificate_findings: identity.findings.clone(),
        media_certificate_validity: (certificate.not_before, certificate.not_after),
        validity: Validity::default(),
        variables: site.variables.iter().map(|(name, _)| name.to_owned()).collect(),
        overridden_variables: site.overridden.clone(),
        notes,
    }
}

/// What the medium is made from: nothing that is secret, because who finds a medium could try guesses against a checksum.
pub(crate) fn inputs(spec: &MediaSpec) -> Vec<TreeInput> {
    let boot_image = &spec.boot_image;
    let file_name = Path::new(&boot_image.name).file_name().unwrap_or_default().to_string_lossy();
    let mut inputs = vec![TreeInput {
        what: manifest::BOOT_IMAGE,
        name: file_name.into_owned(),
        content: Content::source(boot_image.source.clone()),
    }];
    inputs.extend(boot_image.boot_files.iter().map(|(path, source)| TreeInput {
        what: "boot file",
        name: path.clone(),
        content: Content::source(source.clone()),
    }));
    inputs.extend(spec.trusted.iter().map(|trusted| TreeInput {
        what: "certificate",
        name: trusted.certificate.subject.text.clone(),
        content: Content::bytes(trusted.certificate.der()),
    }));
    inputs
}

/// The El Torito images an ISO names. Without one that starts at once, the one that waits for a key is taken.
fn cd_boot_images(
    spec: &MediaSpec,
    files: &[TreeFile],
    notes: &mut Vec<String>,
) -> Result<(Option<String>, Option<String>), StageError> {
    let Form::Iso { prompt } = spec.form else { return Ok((None, None)) };
    let has =
        |path: &str| files.iter().any(|file| file.path.eq_ignore_ascii_case(path)).then(|| path.to_owned());
    let at_once = has(boot_image::UEFI_BOOT_IMAGE);
    let after_key = has(boot_image::UEFI_BOOT_IMAGE_PROMPT);
    let uefi = match (prompt, at_once, after_key) {
        (false, Some(path), _) | (true, _, Some(path)) => path,
        (false, None, Some(path)) => {
            notes.push(
                "the boot image has no efisys_noprompt.bin, so a computer started from the ISO by UEFI asks to press a key"
                    .to_owned(),
            );
            path
        }
        (wants_prompt, _, _) => {
            let path =
                if wants_prompt { boot_image::UEFI_BOOT_IMAGE_PROMPT } else { boot_image::UEFI_BOOT_IMAGE };
            return Err(StageError::NoCdBootImage {
                name: spec.boot_image.name.clone(),
                path: path.to_owned(),
            });
        }
    };
    let bios = has(boot_image::BIOS_BOOT_IMAGE)
        .filter(|_| ["bootmgr", "boot/BCD"].iter().all(|path| has(path).is_some()));
    if bios.is_none() {
        notes.push(
            "the ISO starts by UEFI only: the boot image has no etfsboot.com, bootmgr or loader for BIOS"
                .to_owned(),
        );
    }
    Ok((bios, Some(uefi)))
}

fn from_boot_file(file: BootFile) -> TreeFile {
    TreeFile { path: file.path, content: file.content, origin: file.origin }
}

/// Adds a file we make, unless the user gave one for its place.
fn add_made(files: &mut Vec<TreeFile>, path: &str, bytes: impl FnOnce() -> Vec<u8>) {
    if !files.iter().any(|file| file.path.eq_ignore_ascii_case(path)) {
        let (path, content) = (path.to_owned(), Content::bytes(bytes()));
        files.push(TreeFile { path, content, origin: "made".to_owned() });
    }
}

fn stop_if_asked(observer: &dyn Observer) -> Result<(), StageError> {
    if observer.cancelled() { Err(StageError::Cancelled) } else { Ok(()) }
}
