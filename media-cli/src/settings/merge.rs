//! Joins the command line and the spec file.

use std::collections::BTreeSet;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::letter::LetterSettings;
use super::{Given, SeedSource, Settings, check, overrule};
use crate::args::CreateArgs;
use crate::error::{Error, Place};
use crate::secrets::{PasswordSource, first_line_of};
use crate::spec_file::{At, SecretText, SpecFile, SpecTables};

/// Joins the command line and the spec file; the command line wins. Options that exclude each other win together:
/// `--password-env` on the command line replaces a `password-file` of the spec file.
///
/// # Errors
/// [`Error::Setting`] for an option that is not `NAME=VALUE` where it has to be.
pub fn merge(args: CreateArgs, spec: Option<SpecFile>) -> Result<Settings, Error> {
    let mut settings = spec.map_or_else(Settings::default, from_spec_file);
    let CreateArgs { boot, site, security, media, output, letter, run, batch: _, sticks: _ } = args;
    let seed_file = option(run.seed_file, "--seed-file").map(|given| given.map(first_line_of));
    let seed_file = seed_file.map(|given| given.map(SeedSource::Read));
    settings.seed = option(run.seed.map(SeedSource::Text), "--seed").or(seed_file);
    win(&mut settings.boot_image, boot.boot_image, "--boot-image");
    win(&mut settings.package_id, boot.package_id, "--package-id");
    win(&mut settings.image_index, boot.image_index, "--image-index");
    win(&mut settings.boot_manager, boot.boot_manager, "--boot-manager");
    win(&mut settings.boot_configuration, boot.boot_configuration, "--boot-configuration");
    let expected = "expected PATH-ON-MEDIUM=FILE, for example boot/boot.sdi=boot.sdi";
    let files = pairs(boot.boot_file.iter().map(String::as_str), "--boot-file", expected)?.into_iter();
    let files = files.map(|(path, file)| (check::with_slashes(&path), file.map(PathBuf::from)));
    win_by_name(&mut settings.boot_files, files.collect());

    win(&mut settings.site_file, site.site, "--site");
    win(&mut settings.site_code, site.site_code, "--site-code");
    win(&mut settings.media_mode, site.media_mode, "--media-mode");
    if !site.management_point.is_empty() || site.cmg.is_some() {
        (settings.management_points, settings.cmg) = (Vec::new(), None);
    }
    win_list(&mut settings.management_points, site.management_point, "--management-point");
    win(&mut settings.cmg, site.cmg, "--cmg");
    win(&mut settings.http_port, site.http_port, "--http-port");
    win(&mut settings.https_port, site.https_port, "--https-port");
    let expected = "expected ARCHITECTURE=GUID, for example x64=d10d7f98-17dd-4588-b645-34964936023b";
    let guids = pairs(site.unknown_computer.iter().map(String::as_str), "--unknown-computer", expected)?;
    let guids = guids.into_iter().map(|(architecture, guid)| (architecture, guid.map(str::to_owned)));
    win_by_name(&mut settings.unknown_computers, guids.collect());

    let password = password_sources(
        option(security.password_file, "--password-file"),
        option(security.password_env, "--password-env"),
        option(security.password_prompt.then_some(true), "--password-prompt"),
    );
    if !password.is_empty() {
        settings.password = password;
    }
    win(&mut settings.allow_no_password, security.allow_no_password, "--allow-no-password");
    win(&mut settings.allow_weak_password, security.allow_weak_password, "--allow-weak-password");
    win_list(&mut settings.trusted_roots, security.trusted_root, "--trusted-root");
    win(&mut settings.root_store, security.root_store, "--root-store");
    win_list(&mut settings.intermediates, security.intermediate, "--intermediate");
    win(&mut settings.certificate, security.certificate, "--certificate");
    win(&mut settings.identity, security.identity, "--identity");
    let given = security.identity_password;
    let password = password_sources(
        option(given.identity_password_file, "--identity-password-file"),
        option(given.identity_password_env, "--identity-password-env"),
        option(given.identity_password_prompt.then_some(true), "--identity-password-prompt"),
    );
    if !password.is_empty() {
        settings.identity_password = password;
    }
    let password = password_sources(
        option(security.certificate_password_file, "--certificate-password-file"),
        option(security.certificate_password_env, "--certificate-password-env"),
        None,
    );
    if !password.is_empty() {
        settings.certificate_password = password;
    }
    let given = security.signing_key;
    win(&mut settings.signing_key, given.signing_key, "--signing-key");
    let password = password_sources(
        option(given.signing_key_password_file, "--signing-key-password-file"),
        option(given.signing_key_password_env, "--signing-key-password-env"),
        option(given.signing_key_password_prompt.then_some(true), "--signing-key-password-prompt"),
    );
    if !password.is_empty() {
        settings.signing_key_password = password;
    }
    win(&mut settings.certificate_start, security.certificate_start, "--certificate-start");
    win(&mut settings.certificate_expiry, security.certificate_expiry, "--certificate-expiry");
    let name = "--allow-expired";
    win(&mut settings.allow_expired, security.allow_expired, name);
    let name = "--allow-unsuitable-certificate";
    win(&mut settings.allow_unsuitable_certificate, security.allow_unsuitable_certificate, name);
    win(&mut settings.key_bits, security.key_bits, "--key-bits");
    win(&mut settings.variables_encryption, security.variables_encryption, "--variables-encryption");
    win(&mut settings.variables_trailer, security.variables_trailer, "--variables-trailer");
    let name = "--variables-xml-declaration";
    win(&mut settings.variables_xml_declaration, security.variables_xml_declaration, name);
    win(&mut settings.variables_xml_version, security.variables_xml_version, "--variables-xml-version");
    let name = "--variables-xml-nul-terminated";
    win(&mut settings.variables_xml_nul_terminated, security.variables_xml_nul_terminated, name);

    win(&mut settings.label, media.label, "--label");
    win(&mut settings.media_guid, media.media_guid, "--media-guid");
    win(&mut settings.serial_number, media.serial_number, "--serial-number");
    win(&mut settings.unattended, media.unattended, "--unattended");
    win(&mut settings.user_device_affinity, media.user_device_affinity, "--user-device-affinity");
    let texts = media.var.iter().map(|text| text.expose_secret());
    let values = pairs(texts, "--var", "expected NAME=VALUE")?.into_iter();
    let values = values.map(|(name, value)| (name, value.map(SecretString::from)));
    win_by_name(&mut settings.variables, values.collect());
    win(&mut settings.vars_file, media.vars_file, "--vars-file");
    win_list(&mut settings.without_variables, media.without_var, "--without-var");
    win(&mut settings.prestart_command, media.prestart_command, "--prestart-command");
    win(&mut settings.prestart_variable, media.prestart_variable, "--prestart-variable");
    win(&mut settings.include_autorun, media.include_autorun, "--include-autorun");

    win(&mut settings.output, output.output, "--output");
    win(&mut settings.registration, output.registration, "--registration");
    win(&mut settings.receipt, output.receipt, "--receipt");
    win(&mut settings.no_receipt, output.no_receipt, "--no-receipt");
    win(&mut settings.format, output.format, "--format");
    win(&mut settings.partition_scheme, output.partition_scheme, "--partition-scheme");
    win(&mut settings.size, output.size, "--size");
    win(&mut settings.cluster_size, output.cluster_size, "--cluster-size");
    win(&mut settings.data_partition, output.data_partition, "--data-partition");
    win(&mut settings.partition_size, output.partition_size, "--partition-size");
    win(&mut settings.prompt, output.prompt, "--prompt");
    settings.letter.overrule(letter);
    overrule::overrule(&mut settings, security.self_signed);
    Ok(settings)
}

pub(super) fn option<T>(value: Option<T>, name: &'static str) -> Option<Given<T>> {
    value.map(|value| Given { value, place: Place::Option(name) })
}

pub(super) fn win<T>(setting: &mut Option<Given<T>>, value: Option<T>, name: &'static str) {
    if let Some(given) = option(value, name) {
        *setting = Some(given);
    }
}

fn win_list<T>(setting: &mut Vec<Given<T>>, values: Vec<T>, name: &'static str) {
    if !values.is_empty() {
        *setting = values.into_iter().map(|value| Given { value, place: Place::Option(name) }).collect();
    }
}

/// Options overrule what the spec file says of the same name. What options say twice of one is told later, as of a spec file.
fn win_by_name<T>(settings: &mut Vec<(String, Given<T>)>, options: Vec<(String, Given<T>)>) {
    let names: BTreeSet<String> = options.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    settings.retain(|(known, _)| !names.contains(&known.to_ascii_lowercase()));
    settings.extend(options);
}

pub(super) fn pairs<'a>(
    values: impl IntoIterator<Item = &'a str>,
    name: &'static str,
    expected: &str,
) -> Result<Vec<(String, Given<&'a str>)>, Error> {
    let one = |text: &'a str| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => {
            Ok((key.to_owned(), Given { value, place: Place::Option(name) }))
        }
        // The text is not repeated: it may be a secret value in the wrong place.
        _ => Err(Error::setting(expected, Place::Option(name))),
    };
    values.into_iter().map(one).collect()
}

pub(super) fn password_sources(
    file: Option<Given<PathBuf>>,
    env: Option<Given<String>>,
    prompt: Option<Given<bool>>,
) -> Vec<Given<PasswordSource>> {
    let file = file.map(|given| given.map(first_line_of));
    let prompt = prompt.filter(|given| given.value).map(|given| given.map(|_| PasswordSource::Prompt));
    file.into_iter().chain(env.map(|given| given.map(PasswordSource::Environment))).chain(prompt).collect()
}

/// Paths in a spec file are relative to its folder.
pub(super) fn from_spec_file(spec: SpecFile) -> Settings {
    let SpecFile { tables, text, folder } = spec;
    let file = |at: At<String>| {
        let is_standard_input = at.value == "-";
        given(at).map(|name| if is_standard_input { PathBuf::from(name) } else { folder.join(name) })
    };
    let list = |at: Option<At<Vec<At<String>>>>| at.map(|list| list.value).unwrap_or_default().into_iter();
    let SpecTables { boot, site, security, media, variables, output, letter } = tables;
    let unknown = site.unknown_computer;
    let unknown = [("x64", unknown.x64), ("x86", unknown.x86), ("arm64", unknown.arm64)];
    Settings {
        spec: Some(text),
        seed: None,
        boot_image: boot.boot_image.map(file),
        package_id: boot.package_id.map(given),
        image_index: boot.image_index.map(given),
        boot_manager: boot.boot_manager.map(given),
        boot_configuration: boot.boot_configuration.map(given),
        boot_files: boot
            .boot_file
            .into_iter()
            .map(|(path, at)| (check::with_slashes(&path), file(at)))
            .collect(),
        site_file: site.site.map(file),
        site_form: None,
        site_management: None,
        site_code: site.site_code.map(given),
        media_mode: site.media_mode.map(given),
        management_points: list(site.management_point).map(given).collect(),
        cmg: site.cmg.map(given),
        http_port: site.http_port.map(given),
        https_port: site.https_port.map(given),
        unknown_computers: unknown
            .into_iter()
            .filter_map(|(name, at)| Some((name.to_owned(), given(at?))))
            .collect(),
        password: password_sources(
            security.password_file.map(file),
            security.password_env.map(given),
            security.password_prompt.map(given),
        ),
        allow_no_password: security.allow_no_password.map(given),
        allow_weak_password: security.allow_weak_password.map(given),
        trusted_roots: list(security.trusted_root).map(file).collect(),
        root_store: security.root_store.map(given),
        intermediates: list(security.intermediate).map(file).collect(),
        certificate: security.certificate.map(file),
        certificate_password: password_sources(
            security.certificate_password_file.map(file),
            security.certificate_password_env.map(given),
            None,
        ),
        identity: security.identity.map(file),
        identity_password: password_sources(
            security.identity_password_file.map(file),
            security.identity_password_env.map(given),
            security.identity_password_prompt.map(given),
        ),
        kept: None,
        certificate_start: security.certificate_start.map(given),
        certificate_expiry: security.certificate_expiry.map(given),
        allow_expired: security.allow_expired.map(given),
        allow_unsuitable_certificate: security.allow_unsuitable_certificate.map(given),
        key_bits: security.key_bits.map(given),
        variables_encryption: security.variables_encryption.map(given),
        variables_trailer: security.variables_trailer.map(given),
        variables_xml_declaration: security.variables_xml.declaration.map(given),
        variables_xml_version: security.variables_xml.version.map(given),
        variables_xml_nul_terminated: security.variables_xml.nul_terminated.map(given),
        label: media.label.map(given),
        media_guid: media.media_guid.map(given),
        serial_number: media.serial_number.map(given),
        signing_key: security.signing_key.map(file),
        signing_key_password: password_sources(
            security.signing_key_password_file.map(file),
            security.signing_key_password_env.map(given),
            security.signing_key_password_prompt.map(given),
        ),
        unattended: media.unattended.map(given),
        user_device_affinity: media.user_device_affinity.map(given),
        variables: variables
            .into_iter()
            .map(|(name, at)| (name, given(at).map(|SecretText(value)| value)))
            .collect(),
        vars_file: media.vars_file.map(file),
        without_variables: list(media.without_var).map(given).collect(),
        prestart_command: media.prestart_command.map(given),
        prestart_variable: media.prestart_variable.map(given),
        include_autorun: media.include_autorun.map(given),
        output: output.output.map(file),
        registration: output.registration.map(file),
        receipt: output.receipt.map(file),
        no_receipt: output.no_receipt.map(given),
        format: output.format.map(given),
        partition_scheme: output.partition_scheme.map(given),
        size: output.size.map(given),
        cluster_size: output.cluster_size.map(given),
        data_partition: output.data_partition.map(given),
        partition_size: output.partition_size.map(given),
        prompt: output.prompt.map(given),
        letter: LetterSettings::of(letter, file),
        notes: Vec::new(),
    }
}

pub(super) fn given<T>(at: At<T>) -> Given<T> {
    Given { value: at.value, place: Place::SpecFile(at.span) }
}
