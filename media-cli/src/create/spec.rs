//! Opens and reads what the settings name, and hands it to the library as a media specification.

use std::path::Path;

use media_core::media::identity::IdentitySource;
use media_core::media::password;
use media_core::media::site_variables::{IDENTITY, is_among};
use media_core::media::variables::is_public;
use media_core::time::Timestamp;
use media_core::{BootImageSpec, MediaSpec, Prestart};
use secrecy::SecretString;

use super::certificates;
use crate::error::{ALLOW_EXPIRED, Error, Place};
use crate::input::Opened;
use crate::output::target::Input;
use crate::secrets::{self, PasswordSource};
use crate::settings::{CertificateChoice, Decided, SeedSource};
use crate::system;
use crate::{input, key, variables_file};

const LARGEST_PFX: u64 = 1 << 20;
const BOOT_IMAGE: &str = "boot image";

/// What the user may want to know.
pub(crate) type Note = String;

/// Everything the run reads, for the check that the output is none of it.
pub(super) fn inputs<'a>(decided: &'a Decided, spec_file: Option<&'a Path>) -> Vec<Input<'a>> {
    let mut inputs: Vec<Input<'a>> = vec![(BOOT_IMAGE, &decided.boot_image.value)];
    inputs.extend(spec_file.map(|path| ("spec file", path)));
    inputs.extend(decided.boot_files.iter().map(|(_, file)| ("boot file", file.value.as_path())));
    inputs.extend(decided.trusted.iter().map(|trusted| ("certificate file", trusted.file.value.as_path())));
    inputs.extend(decided.vars_file.iter().map(|file| ("file of variables", file.value.as_path())));
    if let Some(SeedSource::Read(PasswordSource::File(path))) = &decided.seed {
        inputs.push(("seed file", path));
    }
    let mut passwords: Vec<_> = decided.password.iter().collect();
    match &decided.certificate {
        CertificateChoice::Import { file, password } => {
            inputs.push(("media certificate", &file.value));
            passwords.extend(password);
        }
        CertificateChoice::Kept { file, password, .. } => {
            inputs.push((crate::identity::IDENTITY_FILE, &file.value));
            passwords.extend(password);
        }
        CertificateChoice::SelfSigned { .. } => {}
    }
    if let Some((path, password)) = &decided.signing_key {
        inputs.push((key::SIGNING_KEY, path));
        passwords.extend(password);
    }
    inputs.extend(decided.site_file.iter().map(|path| ("site file", path.as_path())));
    for source in passwords {
        if let PasswordSource::File(path) = source {
            inputs.push(("password file", path));
        }
    }
    inputs
}

/// What is made, and the large inputs it is made from.
pub(crate) struct Given {
    pub(crate) spec: MediaSpec,
    pub(crate) opened: Vec<Opened>,
}

/// Reads everything. For a dry run nobody is asked for the media password: it changes no size.
///
/// # Errors
/// What cannot be read, by the name the user gave it.
pub(crate) fn media_spec(decided: &mut Decided, now: Timestamp, dry_run: bool) -> Result<Given, Error> {
    let (boot_image, opened) = boot_image(decided)?;
    let files = decided.trusted.iter().map(|trusted| (trusted.file.value.as_path(), trusted.store));
    let trusted = crate::certificates::read_all(files)?;
    decided.notes.extend(trusted.iter().flat_map(|trusted| certificates::notes(trusted, now)));
    let password = match &decided.password {
        None => None,
        Some(_) if dry_run => Some(SecretString::from("not read for a dry run")),
        Some(source) => {
            let source = &source.clone();
            let read = secrets::read(source, "media password", true)?;
            note_readable_password(&mut decided.notes, source);
            Some(read)
        }
    };
    if let Some(SeedSource::Read(PasswordSource::File(path))) = &decided.seed {
        note_readable(&mut decided.notes, "seed", path);
    }
    if let (Some(path), Some(form)) = (&decided.site_file, &decided.site_form) {
        let is_secret = |(name, value): &(String, Option<SecretString>)| value.is_some() && !is_public(name);
        if form.variables.iter().any(is_secret) {
            note_readable(&mut decided.notes, "media variables", path);
        }
    }
    let identity = identity(decided, now)?;
    let variables = variables(decided)?;
    let signing_key = match &decided.signing_key {
        Some((path, password)) => Some(key::read_signing(path, password.as_ref(), &mut decided.notes)?),
        None => None,
    };
    let spec = MediaSpec {
        boot_image,
        site: decided.site.clone(),
        trusted,
        password,
        identity,
        media_guid: decided.media_guid.clone(),
        serial_number: decided.serial_number.clone(),
        signing_key,
        checksum_of_boot_image: true,
        site_form: decided.site_form.clone(),
        options: decided.options.clone(),
        variables,
        without_variables: decided.without_variables.clone(),
        variables_form: decided.variables_form.clone(),
        form: decided.form,
    };
    if !dry_run && let Some(strength) = password::strength_of(&spec) {
        crate::password::accept(strength, decided.allow_weak_password, &mut decided.notes)?;
    }
    Ok(Given { spec, opened })
}

fn boot_image(decided: &Decided) -> Result<(BootImageSpec, Vec<Opened>), Error> {
    let path = &decided.boot_image.value;
    let image = input::open(path, BOOT_IMAGE)?;
    let source = image.source();
    let (mut boot_files, mut opened) = (Vec::new(), vec![image]);
    for (place, file) in &decided.boot_files {
        let (source, held) = input::open_or_read(&file.value, "boot file")?;
        boot_files.push((place.clone(), source));
        opened.extend(held);
    }
    let spec = BootImageSpec {
        name: path.display().to_string(),
        source,
        package_id: decided.package.as_ref().map(|package| package.id.clone()),
        index: decided.image_index,
        boot_manager: decided.boot_manager,
        boot_configuration: decided.boot_configuration,
        boot_files,
    };
    Ok((spec, opened))
}

fn identity(decided: &mut Decided, now: Timestamp) -> Result<IdentitySource, Error> {
    let (certificate, allow_expired) = (&decided.certificate, decided.allow_expired);
    certificate_source(certificate, allow_expired, now, &mut decided.notes)
}

/// Reads the media certificate, or says how it is made.
///
/// # Errors
/// What cannot be read, and dates that cannot be.
pub(crate) fn certificate_source(
    certificate: &CertificateChoice,
    allow_expired: bool,
    now: Timestamp,
    notes: &mut Vec<Note>,
) -> Result<IdentitySource, Error> {
    match certificate {
        CertificateChoice::Kept { file, kept, password } => {
            notes.extend(crate::identity::note_readable(&file.value));
            if let Some(source) = password {
                note_readable_password(notes, source);
            }
            Ok(IdentitySource::Kept(Box::new(kept.copy())))
        }
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
            if expiry < now && !allow_expired {
                let message = format!("the media certificate would have expired already, on {expiry}");
                return Err(Error::setting(message, place.clone()).with_hint(ALLOW_EXPIRED));
            }
            Ok(IdentitySource::SelfSigned { start, expiry, key_bits: *key_bits })
        }
        CertificateChoice::Import { file, password } => {
            let bytes = input::read_small(&file.value, "media certificate", LARGEST_PFX)?;
            let read = match password {
                Some(source) => {
                    note_readable_password(notes, source);
                    secrets::read(source, "certificate password", false)?
                }
                None => SecretString::from(""),
            };
            note_readable(notes, "private key", &file.value);
            Ok(IdentitySource::Pfx { bytes, password: read })
        }
    }
}

fn note_readable_password(notes: &mut Vec<String>, source: &PasswordSource) {
    if let PasswordSource::File(path) = source {
        note_readable(notes, "password", path);
    }
}

fn note_readable(notes: &mut Vec<String>, what: &str, path: &Path) {
    if system::is_readable_by_others(path) {
        notes.push(format!("other users of this computer can read the {what} in {}", path.display()));
    }
}

/// What the command line gives wins over the spec file, and in each a variable given by name over the file of variables.
fn variables(decided: &mut Decided) -> Result<Vec<(String, SecretString)>, Error> {
    let (in_spec, by_option): (Vec<_>, Vec<_>) =
        decided.variables.iter().cloned().partition(|(_, given)| given.is_in_spec_file());
    let [in_spec, by_option] = [in_spec, by_option].map(|given| {
        given.into_iter().map(|(name, given)| (name, given.value)).collect::<variables_file::Variables>()
    });
    let layers = match &decided.vars_file {
        None => [Vec::new(), in_spec, by_option],
        Some(file) => {
            let prestart = decided.options.prestart.as_ref();
            let read = variables_file::read(&file.value, |name| not_in_a_file(name, prestart))?;
            note_readable(&mut decided.notes, "media variables", &file.value);
            if file.is_in_spec_file() { [read, in_spec, by_option] } else { [in_spec, read, by_option] }
        }
    };
    let mut all = variables_file::Variables::new();
    for layer in layers {
        all.retain(|(name, _)| !layer.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)));
        all.extend(layer);
    }
    Ok(all)
}

/// Why a file of variables cannot hold a variable.
fn not_in_a_file(name: &str, prestart: Option<&Prestart>) -> Option<String> {
    if is_among(name, &IDENTITY) {
        return Some(format!("{name} is part of the media's identity and cannot be given as a variable"));
    }
    let holds_prestart = prestart.is_some_and(|prestart| prestart.variable.eq_ignore_ascii_case(name));
    holds_prestart.then(|| format!("{name} holds the prestart command (--prestart-variable)"))
}
