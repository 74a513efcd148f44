//! Decides what the settings mean. Reads nothing, so that every mistake in them is found before any work is done.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::PathBuf;

use media_core::disk::Scheme;
use media_core::media::identity::{DEFAULT_KEY_BITS, Kept, MediaGuid};
use media_core::media::names::{MediaLabel, PackageId, SerialNumber};
use media_core::media::site_variables::{IDENTITY, check_prestart, is_among};
use media_core::media::store::Store;
use media_core::media::variables::{Variables, XmlForm};
use media_core::sealed::Algorithm;
use media_core::time::Timestamp;
use media_core::{
    BootConfigurationChoice, BootManagerChoice, Form, Management, MediaOptions, MediumPartition, Prestart,
    VariablesForm,
};
use secrecy::SecretString;

use super::check::{self, check_standard_input_of, checked, checked_if_given, missing, not_both};
use super::site::{check_gateway, site};
use super::{BootPackage, CertificateChoice, Decided, Given, Settings, TrustedFile};
use crate::error::{Error, Place};
use crate::output::target::receipt_of;
use crate::secrets::PasswordSource;
use crate::values;

/// Decides what the settings mean. A dry run needs no output.
///
/// # Errors
/// [`Error::Setting`] at the place of the first setting that is wrong or contradicts another.
pub fn resolve(settings: Settings, dry_run: bool) -> Result<Decided, Error> {
    let spec = settings.spec.clone();
    decide(settings, dry_run).map_err(|error| match &spec {
        Some(spec) => error.in_spec(spec),
        None => error,
    })
}

fn decide(mut settings: Settings, dry_run: bool) -> Result<Decided, Error> {
    let boot_image = settings.boot_image.clone().ok_or_else(|| {
        missing("no boot image was given", "give --boot-image, or boot-image under [boot] in a spec file")
    })?;
    let package = package(&settings, &boot_image)?;
    let kept = settings.kept.take();
    let certificate = certificate(&settings, kept)?;
    let mut notes = settings.notes.clone();
    let is_issued = certificate.is_issued();
    let site = site(&settings, is_issued, &mut notes)?;
    let password = only_one(&settings.password)?;
    check_gateway(&settings, &site.management, password.is_some())?;
    check_standard_input_of(&settings)?;
    let form = form(&settings, dry_run)?;
    let options = options(&settings)?;
    let registration = checked_if_given(settings.registration.as_ref(), |path| check::registration(path))?;
    let receipt = receipt(&settings)?;
    note_what_is_possible(package.as_ref(), password.as_ref(), &certificate, &site.management, &mut notes);
    notes.extend(label_note(&options.label, form));
    notes.extend(seed_note(&settings, &certificate));
    Ok(Decided {
        package,
        image_index: checked_if_given(settings.image_index.as_ref(), check::image_index)?,
        boot_manager: match settings.boot_manager.as_ref().map(|given| given.value) {
            None | Some(values::BootManager::Auto) => BootManagerChoice::Auto,
            Some(values::BootManager::Pca2011) => BootManagerChoice::Pca2011,
            Some(values::BootManager::Ca2023) => BootManagerChoice::Ca2023,
        },
        boot_configuration: match settings.boot_configuration.as_ref().map(|given| given.value) {
            None | Some(values::BootConfiguration::Auto) => BootConfigurationChoice::Auto,
            Some(values::BootConfiguration::BootImage) => BootConfigurationChoice::BootImage,
            Some(values::BootConfiguration::Made) => BootConfigurationChoice::Made,
        },
        boot_files: boot_files(&settings)?,
        trusted: trusted(&settings),
        password,
        certificate,
        allow_weak_password: value(settings.allow_weak_password.as_ref(), false),
        allow_expired: value(settings.allow_expired.as_ref(), false),
        allow_unsuitable_certificate: value(settings.allow_unsuitable_certificate.as_ref(), false),
        variables: variables(&settings, options.prestart.as_ref())?,
        without_variables: without_variables(&settings)?,
        options,
        variables_form: variables_form(&settings)?,
        media_guid: checked_if_given(settings.media_guid.as_ref(), |guid| MediaGuid::parse(guid))?,
        signing_key: signing_key(&settings)?,
        serial_number: checked_if_given(settings.serial_number.as_ref(), |number| SerialNumber::new(number))?,
        site_file: settings.site_file.map(|given| given.value),
        site_form: settings.site_form.map(|site| site.form),
        registration,
        receipt,
        letter: settings.letter.decide()?,
        vars_file: settings.vars_file,
        seed: settings.seed.map(|given| given.value),
        output: settings.output.map(|given| given.value),
        site,
        form,
        boot_image,
        notes,
    })
}

fn signing_key(settings: &Settings) -> Result<Option<(PathBuf, Option<PasswordSource>)>, Error> {
    let password = only_one(&settings.signing_key_password)?;
    match (&settings.signing_key, settings.signing_key_password.first()) {
        (None, Some(given)) => {
            let message = "a password for a signing key is given, but no key";
            Err(Error::setting(message, given.place.clone()).with_hint("give --signing-key"))
        }
        (key, _) => Ok(key.as_ref().map(|given| (given.value.clone(), password))),
    }
}

/// Beside the output, under its name, unless said otherwise.
fn receipt(settings: &Settings) -> Result<Option<PathBuf>, Error> {
    let none = settings.no_receipt.as_ref().filter(|given| given.value);
    not_both(settings.receipt.as_ref(), none, "a receipt is to be written, and none is wanted")?;
    let beside = |output: &Given<PathBuf>| receipt_of(&output.value);
    let given = settings.receipt.as_ref().map(|given| given.value.clone());
    Ok(given.or_else(|| settings.output.as_ref().map(beside)).filter(|_| none.is_none()))
}

fn package(settings: &Settings, boot_image: &Given<PathBuf>) -> Result<Option<BootPackage>, Error> {
    if let Some(given) = &settings.package_id {
        let id = checked(given, |id| PackageId::new(id))?;
        return Ok(Some(BootPackage { id, is_from_file_name: false }));
    }
    let found = boot_image.value.file_name().and_then(OsStr::to_str).and_then(PackageId::in_file_name);
    Ok(found.map(|id| BootPackage { id, is_from_file_name: true }))
}

/// What is possible and may not be what was meant.
fn note_what_is_possible(
    package: Option<&BootPackage>,
    password: Option<&PasswordSource>,
    certificate: &CertificateChoice,
    management: &Management,
    notes: &mut Vec<String>,
) {
    if package.is_none() {
        notes.push(
            "the boot image's package id is not known (its file is not called boot.ID.wim), so \
             _SMSTSBootMediaPackageID is left out; --package-id gives it"
                .to_owned(),
        );
    }
    if password.is_none() {
        notes.push(
            "the medium has no password: whoever holds it can read and use the private key on it, which is encrypted \
             under a published text"
                .to_owned(),
        );
    }
    // The wizard lists only management points of the scheme that the certificate is for.
    let (other_scheme, why) = match certificate.is_issued() {
        false => ("https://", "https takes a PKI certificate (--certificate), and this one is self-signed"),
        true => ("http://", "an imported certificate is for https"),
    };
    let points = management.points().iter().filter(|point| !point.is_cloud_management_gateway());
    for point in points.filter(|point| point.url().starts_with(other_scheme)) {
        notes.push(format!("{} may not answer the medium: {why}", point.url()));
    }
}

/// A label of an ISO holds more than that of a FAT32 volume.
fn label_note(label: &MediaLabel, form: Form) -> Option<String> {
    let fat = label.fat();
    let changed = matches!(form, Form::DiskImage { .. })
        && label.as_str().chars().take(fat.len()).any(|found| MediaLabel::NOT_ON_FAT.contains(&found));
    changed.then(|| format!("the label of the stick's volume is {fat:?}: it cannot hold + , . = [ or ]"))
}

/// Equal seeds are one identity, which is no surprise to be had at the site.
fn seed_note(settings: &Settings, certificate: &CertificateChoice) -> Option<String> {
    settings.seed.as_ref()?;
    if matches!(certificate, CertificateChoice::Kept { .. }) {
        return None;
    }
    let self_signed = matches!(certificate, CertificateChoice::SelfSigned { .. });
    let follows = match (settings.media_guid.is_none(), self_signed) {
        (true, true) => "the media GUID and the private key follow",
        (true, false) => "the media GUID follows",
        (false, true) => "the private key follows",
        (false, false) => return None,
    };
    Some(format!("{follows} from the seed: media made with the same seed share their identity at the site"))
}

pub(super) fn value<T: Copy>(given: Option<&Given<T>>, default: T) -> T {
    given.map_or(default, |given| given.value)
}

fn boot_files(settings: &Settings) -> Result<Vec<(String, Given<PathBuf>)>, Error> {
    let (mut files, mut known) = (Vec::new(), BTreeSet::new());
    for (path, file) in &settings.boot_files {
        let path = check::path_on_medium(path).map_err(|error| Error::setting(error, file.place.clone()))?;
        if !known.insert(path.to_ascii_lowercase()) {
            return Err(Error::setting(format!("{path} on the medium is given twice"), file.place.clone()));
        }
        files.push((path, file.clone()));
    }
    Ok(files)
}

pub(super) fn only_one(sources: &[Given<PasswordSource>]) -> Result<Option<PasswordSource>, Error> {
    for given in sources {
        checked(given, check::environment_variable).map_err(Error::hiding_values)?;
    }
    not_both(sources.first(), sources.get(1), "the password is given in two ways; give one of them")?;
    Ok(sources.first().map(|given| given.value.clone()))
}

/// What decides the media certificate; `kept` is what was in the identity file.
pub(super) fn certificate(settings: &Settings, kept: Option<Kept>) -> Result<CertificateChoice, Error> {
    if let (Some(file), Some(kept)) = (&settings.identity, kept) {
        let (file, password) = (file.clone(), only_one(&settings.identity_password)?);
        return Ok(CertificateChoice::Kept { file, kept: Box::new(kept), password });
    }
    let password = only_one(&settings.certificate_password)?;
    let imported = settings.certificate.as_ref();
    if let Some(file) = imported {
        let why = "an imported certificate has its own dates; these options are for a self-signed one";
        not_both(imported, settings.certificate_start.as_ref(), why)?;
        not_both(imported, settings.certificate_expiry.as_ref(), why)?;
        let why = "an imported certificate has its own key; the length is for a self-signed one";
        not_both(imported, settings.key_bits.as_ref(), why)?;
        return Ok(CertificateChoice::Import { file: file.clone(), password });
    }
    if let Some(given) = settings.certificate_password.first() {
        let message = "a password for a certificate is given, but no certificate to import";
        return Err(Error::setting(message, given.place.clone()).with_hint("give --certificate"));
    }
    let start = checked_if_given(settings.certificate_start.as_ref(), check::start)?;
    let expiry = checked_if_given(settings.certificate_expiry.as_ref(), check::expiry)?;
    if let (Some(start), Some(expiry), Some(given)) = (start, expiry, &settings.certificate_expiry)
        && expiry <= start
    {
        let message = format!("the media certificate would expire ({expiry}) before it starts ({start})");
        let also = settings.certificate_start.as_ref().map_or(Place::Nowhere, |given| given.place.clone());
        return Err(Error::conflict(&message, given.place.clone(), also));
    }
    let at = |value: Option<Timestamp>, given: &Option<Given<_>>| {
        value.zip(given.as_ref()).map(|(value, given)| Given { value, place: given.place.clone() })
    };
    Ok(CertificateChoice::SelfSigned {
        start: at(start, &settings.certificate_start),
        expiry: at(expiry, &settings.certificate_expiry),
        key_bits: checked_if_given(settings.key_bits.as_ref(), check::key_bits)?.unwrap_or(DEFAULT_KEY_BITS),
    })
}

fn trusted(settings: &Settings) -> Vec<TrustedFile> {
    let store = match value(settings.root_store.as_ref(), values::RootStore::AuthRoot) {
        values::RootStore::AuthRoot => Store::AuthRoot,
        values::RootStore::Root => Store::Root,
    };
    let roots = settings.trusted_roots.iter().map(|file| TrustedFile { file: file.clone(), store });
    let intermediates = settings.intermediates.iter();
    let intermediate = |file: &Given<PathBuf>| TrustedFile { file: file.clone(), store: Store::Ca };
    roots.chain(intermediates.map(intermediate)).collect()
}

fn options(settings: &Settings) -> Result<MediaOptions, Error> {
    let prestart = match (&settings.prestart_command, &settings.prestart_variable) {
        (None, None) => None,
        (Some(command), Some(variable)) => {
            let prestart = Prestart { command: command.value.clone(), variable: variable.value.clone() };
            checked(variable, |_| check_prestart(&prestart))?;
            Some(prestart)
        }
        (Some(given), None) => {
            let message = "a prestart command needs the name of the media variable that holds it, which is not published";
            return Err(Error::setting(message, given.place.clone()).with_hint(
                "read the name from a medium that the site's console made with a prestart command (`tsmedia inspect`), \
                 and give it with --prestart-variable",
            ));
        }
        (None, Some(given)) => {
            let message = "the variable of a prestart command is given, but no command";
            return Err(Error::setting(message, given.place.clone()).with_hint("give --prestart-command"));
        }
    };
    let affinity = value(settings.user_device_affinity.as_ref(), values::UserDeviceAffinity::DoNotAllow);
    Ok(MediaOptions {
        unattended: value(settings.unattended.as_ref(), false),
        user_device_affinity: affinity.into(),
        prestart,
        label: checked_if_given(settings.label.as_ref(), |label| MediaLabel::new(label))?.unwrap_or_default(),
        autorun: value(settings.include_autorun.as_ref(), false),
    })
}

/// Names and values are checked by the rules of the variables file; names are not repeated.
pub(super) fn variables(
    settings: &Settings,
    prestart: Option<&Prestart>,
) -> Result<Vec<(String, Given<SecretString>)>, Error> {
    let mut known = Variables::new();
    for (name, given) in &settings.variables {
        if is_among(name, &IDENTITY) {
            return Err(identity_variable(name, given.place.clone()));
        }
        if prestart.is_some_and(|prestart| prestart.variable.eq_ignore_ascii_case(name)) {
            let place =
                settings.prestart_variable.as_ref().map_or(Place::Nowhere, |given| given.place.clone());
            let message = format!("{name} holds the prestart command, and is given as a variable too");
            return Err(Error::conflict(&message, place, given.place.clone()).hiding_values());
        }
        if known.get(name).is_some() {
            let message = format!("the variable {name} is given twice");
            return Err(Error::setting(message, given.place.clone()).hiding_values());
        }
        checked(given, |value| known.set(name, value.clone())).map_err(Error::hiding_values)?;
    }
    Ok(settings.variables.clone())
}

fn identity_variable(name: &str, place: Place) -> Error {
    let message = format!("{name} is part of the media's identity and cannot be given as a variable");
    let hint = if name.eq_ignore_ascii_case(IDENTITY[0]) {
        "give it with --media-guid, or media-guid under [media] in a spec file"
    } else {
        "give the certificate with --certificate, or certificate under [security] in a spec file"
    };
    Error::setting(message, place).hiding_values().with_hint(hint)
}

/// Names are checked, so that a mistake in one is not a variable left in.
pub(super) fn without_variables(settings: &Settings) -> Result<Vec<String>, Error> {
    let one = |given: &Given<String>| {
        if let Some((_, also)) =
            settings.variables.iter().find(|(name, _)| name.eq_ignore_ascii_case(&given.value))
        {
            let message = format!("the variable {} is given and left out", given.value);
            let error = Error::conflict(&message, given.place.clone(), also.place.clone());
            return Err(error.hiding_values());
        }
        checked(given, |name| Variables::new().set(name, SecretString::from("")))?;
        Ok(given.value.clone())
    };
    settings.without_variables.iter().map(one).collect()
}

fn variables_form(settings: &Settings) -> Result<VariablesForm, Error> {
    let encryption = value(settings.variables_encryption.as_ref(), values::VariablesEncryption::Aes128);
    let mut xml = XmlForm::default();
    if let Some(given) = &settings.variables_xml_declaration {
        let with = |text: &String| XmlForm { declaration: text.clone(), version: None, ..XmlForm::default() };
        checked(given, |text| with(text).check())?;
        xml.declaration.clone_from(&given.value);
    }
    if let Some(given) = &settings.variables_xml_version {
        let version = Some(given.value.clone()).filter(|version| !version.is_empty());
        checked(given, |_| XmlForm { version: version.clone(), ..XmlForm::default() }.check())?;
        xml.version = version;
    }
    xml.nul_terminated = value(settings.variables_xml_nul_terminated.as_ref(), xml.nul_terminated);
    let algorithm = match encryption {
        values::VariablesEncryption::Aes128 => Algorithm::Aes128,
        values::VariablesEncryption::Aes256 => Algorithm::Aes256,
        values::VariablesEncryption::TripleDes => Algorithm::TripleDes,
    };
    let trailer = settings.variables_trailer.as_ref().map(|given| given.value);
    Ok(VariablesForm { algorithm, xml, trailer })
}

fn form(settings: &Settings, dry_run: bool) -> Result<Form, Error> {
    match format(settings, dry_run)? {
        values::Format::Iso => {
            let disk = "is for a disk image (.img), and an ISO is to be made";
            refuse(settings.partition_scheme.as_ref(), &format!("a partition scheme {disk}"))?;
            refuse(settings.size.as_ref(), &format!("a size {disk}"))?;
            refuse(settings.cluster_size.as_ref(), &format!("a cluster size {disk}"))?;
            refuse(settings.data_partition.as_ref(), &format!("a partition for data {disk}"))?;
            refuse(settings.partition_size.as_ref(), &format!("the size of a partition {disk}"))?;
            Ok(Form::Iso { prompt: value(settings.prompt.as_ref(), false) })
        }
        values::Format::Img => {
            refuse(
                settings.prompt.as_ref(),
                "waiting for a key is for an ISO, and a disk image is to be made",
            )?;
            let cluster_size =
                checked_if_given(settings.cluster_size.as_ref(), |size| check::cluster_size(size.0))?;
            Ok(Form::DiskImage {
                scheme: match value(settings.partition_scheme.as_ref(), values::PartitionScheme::Gpt) {
                    values::PartitionScheme::Gpt => Scheme::Gpt,
                    values::PartitionScheme::Mbr => Scheme::Mbr,
                },
                size: checked_if_given(settings.size.as_ref(), |size| check::image_size(size.0))?,
                cluster_size,
                partition: medium_partition(settings)?,
            })
        }
    }
}

fn medium_partition(settings: &Settings) -> Result<MediumPartition, Error> {
    let wanted = settings.data_partition.as_ref().filter(|given| given.value);
    let size = settings.partition_size.as_ref();
    let Some(wanted) = wanted else {
        let why = "the medium's partition takes all of the disk where there is none for data";
        return refuse(size, why)
            .map_err(|error| error.with_hint("give --data-partition as well, or --size for the disk"))
            .map(|()| MediumPartition::Whole);
    };
    if settings.size.is_none() {
        let message = "a partition for data takes what is left of the disk, and its size is not given";
        return Err(Error::setting(message, wanted.place.clone())
            .with_hint("give --size, the size of the sticks it is for; or write the medium to a stick"));
    }
    let size = checked_if_given(size, |size| check::partition_size(size.0))?;
    Ok(size.map_or(MediumPartition::Fits, MediumPartition::Length))
}

fn refuse<T>(setting: Option<&Given<T>>, why: &str) -> Result<(), Error> {
    setting.map_or(Ok(()), |given| Err(Error::setting(why, given.place.clone())))
}

fn format(settings: &Settings, dry_run: bool) -> Result<values::Format, Error> {
    if let (None, false) = (&settings.output, dry_run) {
        return Err(missing("no output was given", "give --output, or output under [output] in a spec file"));
    }
    if let Some(format) = &settings.format {
        return Ok(format.value);
    }
    let Some(output) = &settings.output else {
        return Err(missing(
            "it is not said what to make",
            "give --format iso or --format img, or an --output",
        ));
    };
    check::format_by_name(&output.value).ok_or_else(|| {
        let message = format!("{} does not end in .iso or .img", output.value.display());
        let hint = "give --format iso or --format img to say what to make";
        Error::setting(message, output.place.clone()).with_hint(hint)
    })
}
