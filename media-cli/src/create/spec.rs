//! Opens and reads what the settings name, and hands it to the library as a media specification.

use std::path::Path;

use media_core::media::identity::IdentitySource;
use media_core::media::store::{self, TrustedCertificate};
use media_core::time::Timestamp;
use media_core::{BootImageSpec, MediaSpec};
use secrecy::SecretString;

use super::certificates;
use crate::error::{ALLOW_EXPIRED, Error, Place};
use crate::input::Opened;
use crate::output::target::Input;
use crate::secrets::{self, PasswordSource};
use crate::settings::{CertificateChoice, Decided};
use crate::{input, variables_file};

const LARGEST_CERTIFICATES: u64 = 16 << 20;
const LARGEST_PFX: u64 = 1 << 20;
const BOOT_IMAGE: &str = "boot image";

/// Everything the run reads, for the check that the output is none of it.
pub(super) fn inputs<'a>(decided: &'a Decided, spec_file: Option<&'a Path>) -> Vec<Input<'a>> {
    let mut inputs: Vec<Input<'a>> = vec![(BOOT_IMAGE, &decided.boot_image.value)];
    inputs.extend(spec_file.map(|path| ("spec file", path)));
    inputs.extend(decided.boot_files.iter().map(|(_, file)| ("boot file", file.value.as_path())));
    inputs.extend(decided.trusted.iter().map(|trusted| ("certificate file", trusted.file.value.as_path())));
    inputs.extend(decided.vars_file.iter().map(|file| ("file of variables", file.value.as_path())));
    let mut passwords: Vec<_> = decided.password.iter().collect();
    if let CertificateChoice::Import { file, password } = &decided.certificate {
        inputs.push(("media certificate", &file.value));
        passwords.extend(password);
    }
    for source in passwords {
        if let PasswordSource::File(path) = source {
            inputs.push(("password file", path));
        }
    }
    inputs
}

/// What is made, and the large inputs it is made from.
pub(super) struct Given {
    pub(super) spec: MediaSpec,
    pub(super) opened: Vec<Opened>,
}

/// Reads everything. For a dry run nobody is asked for the media password: it changes no size.
///
/// # Errors
/// What cannot be read, by the name the user gave it.
pub(super) fn media_spec(decided: &mut Decided, now: Timestamp, dry_run: bool) -> Result<Given, Error> {
    let (boot_image, opened) = boot_image(decided)?;
    let trusted = trusted(decided)?;
    decided.notes.extend(trusted.iter().flat_map(|trusted| certificates::notes(trusted, now)));
    let password = match &decided.password {
        None => None,
        Some(_) if dry_run => Some(SecretString::from("not read for a dry run")),
        Some(source) => {
            let read = secrets::read(source, "media password", true)?;
            note_readable(&mut decided.notes, source);
            Some(read)
        }
    };
    let identity = identity(decided, now)?;
    let spec = MediaSpec {
        boot_image,
        site: decided.site.clone(),
        trusted,
        password,
        identity,
        media_guid: decided.media_guid.clone(),
        options: decided.options.clone(),
        variables: variables(decided)?,
        without_variables: decided.without_variables.clone(),
        variables_form: decided.variables_form.clone(),
        form: decided.form,
    };
    Ok(Given { spec, opened })
}

fn boot_image(decided: &Decided) -> Result<(BootImageSpec, Vec<Opened>), Error> {
    let path = &decided.boot_image.value;
    let image = input::open(path, BOOT_IMAGE)?;
    let source = image.source();
    let (mut boot_files, mut opened) = (Vec::new(), vec![image]);
    for (place, file) in &decided.boot_files {
        let file = input::open(&file.value, "boot file")?;
        boot_files.push((place.clone(), file.source()));
        opened.push(file);
    }
    let spec = BootImageSpec {
        name: path.display().to_string(),
        source,
        package_id: decided.package_id.clone(),
        index: decided.image_index,
        boot_manager: decided.boot_manager,
        boot_configuration: decided.boot_configuration,
        boot_files,
    };
    Ok((spec, opened))
}

/// The certificates of every file, each once in a store.
fn trusted(decided: &Decided) -> Result<Vec<TrustedCertificate>, Error> {
    let mut all: Vec<TrustedCertificate> = Vec::new();
    for trusted in &decided.trusted {
        let path = &trusted.file.value;
        let bytes = input::read_small(path, "certificate file", LARGEST_CERTIFICATES)?;
        let read = store::read_file(&bytes, trusted.store);
        for certificate in read.map_err(|error| Error::Certificates { path: path.clone(), error })? {
            if !all.contains(&certificate) {
                all.push(certificate);
            }
        }
    }
    Ok(all)
}

fn identity(decided: &mut Decided, now: Timestamp) -> Result<IdentitySource, Error> {
    match &decided.certificate {
        CertificateChoice::SelfSigned { start, expiry, key_bits } => {
            let place = expiry.as_ref().map(|given| &given.place);
            let place = place.or(start.as_ref().map(|given| &given.place)).unwrap_or(&Place::Nowhere);
            let start = start.as_ref().map_or(now, |given| given.value);
            let expiry = expiry.as_ref().map_or_else(|| start.plus_days(365), |given| given.value);
            if expiry <= start {
                let message =
                    format!("the media certificate would expire ({expiry}) before it starts ({start})");
                return Err(Error::setting(message, place.clone()));
            }
            if expiry < now && !decided.allow_expired_certificate {
                let message = format!("the media certificate would have expired already, on {expiry}");
                return Err(Error::setting(message, place.clone()).with_hint(ALLOW_EXPIRED));
            }
            Ok(IdentitySource::SelfSigned { start, expiry, key_bits: *key_bits as usize })
        }
        CertificateChoice::Import { file, password } => {
            let bytes = input::read_small(&file.value, "media certificate", LARGEST_PFX)?;
            let read = match password {
                Some(source) => {
                    note_readable(&mut decided.notes, source);
                    secrets::read(source, "certificate password", false)?
                }
                None => SecretString::from(""),
            };
            Ok(IdentitySource::Pfx { bytes, password: read })
        }
    }
}

fn note_readable(notes: &mut Vec<String>, source: &PasswordSource) {
    if let Some(path) = secrets::is_readable_by_others(source) {
        notes.push(format!("other users of this computer can read the password in {}", path.display()));
    }
}

/// Those of the file first; one given by name replaces one of the file.
fn variables(decided: &Decided) -> Result<Vec<(String, SecretString)>, Error> {
    let mut all = match &decided.vars_file {
        Some(file) => variables_file::read(&file.value)?,
        None => Vec::new(),
    };
    all.retain(|(name, _)| !decided.variables.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)));
    all.extend(decided.variables.iter().cloned());
    Ok(all)
}
