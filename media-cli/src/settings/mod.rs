//! The one table of settings: what the command line and the spec file said, each value with its place.
//!
//! [`merge`] decides who wins, [`resolve`] what it means. Neither reads a file or asks anything.

mod check;
mod resolve;

use std::path::PathBuf;

use media_core::media::identity::MediaGuid;
use media_core::media::names::PackageId;
use media_core::media::store::Store;
use media_core::{BootConfigurationChoice, BootManagerChoice, Form, MediaOptions, SiteSpec, VariablesForm};
use secrecy::SecretString;

use crate::args::CreateArgs;
use crate::error::{Error, Place};
use crate::secrets::PasswordSource;
use crate::spec_file::{At, SecretText, SpecFile, SpecTables, SpecText};
use crate::values::{
    BootConfiguration, BootManager, DateText, Format, MediaMode, PartitionScheme, RootStore, Size,
    UserDeviceAffinity, VariablesEncryption,
};

pub use resolve::resolve;

/// A value and where it was given.
#[derive(Debug, Clone)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// Where it was given.
    pub place: Place,
}

impl<T> Given<T> {
    fn map<U>(self, with: impl FnOnce(T) -> U) -> Given<U> {
        Given { value: with(self.value), place: self.place }
    }
}

/// Every setting as it was given, before anything is checked.
#[derive(Default)]
pub struct Settings {
    spec: Option<SpecText>,
    boot_image: Option<Given<PathBuf>>,
    package_id: Option<Given<String>>,
    image_index: Option<Given<u32>>,
    boot_manager: Option<Given<BootManager>>,
    boot_configuration: Option<Given<BootConfiguration>>,
    boot_files: Vec<(String, Given<PathBuf>)>,
    site_code: Option<Given<String>>,
    media_mode: Option<Given<MediaMode>>,
    management_points: Vec<Given<String>>,
    cmg: Option<Given<String>>,
    http_port: Option<Given<u16>>,
    https_port: Option<Given<u16>>,
    unknown_computers: Vec<(String, Given<String>)>,
    password: Vec<Given<PasswordSource>>,
    allow_no_password: Option<Given<bool>>,
    trusted_roots: Vec<Given<PathBuf>>,
    root_store: Option<Given<RootStore>>,
    intermediates: Vec<Given<PathBuf>>,
    certificate: Option<Given<PathBuf>>,
    certificate_password: Vec<Given<PasswordSource>>,
    certificate_start: Option<Given<DateText>>,
    certificate_expiry: Option<Given<DateText>>,
    allow_expired_certificate: Option<Given<bool>>,
    allow_unsuitable_certificate: Option<Given<bool>>,
    key_bits: Option<Given<u32>>,
    variables_encryption: Option<Given<VariablesEncryption>>,
    variables_trailer: Option<Given<u16>>,
    variables_xml_declaration: Option<Given<String>>,
    variables_xml_version: Option<Given<String>>,
    variables_xml_nul_terminated: Option<Given<bool>>,
    label: Option<Given<String>>,
    media_guid: Option<Given<String>>,
    unattended: Option<Given<bool>>,
    user_device_affinity: Option<Given<UserDeviceAffinity>>,
    variables: Vec<(String, Given<SecretString>)>,
    vars_file: Option<Given<PathBuf>>,
    without_variables: Vec<Given<String>>,
    prestart_command: Option<Given<String>>,
    prestart_variable: Option<Given<String>>,
    include_autorun: Option<Given<bool>>,
    output: Option<Given<PathBuf>>,
    format: Option<Given<Format>>,
    partition_scheme: Option<Given<PartitionScheme>>,
    size: Option<Given<Size>>,
    cluster_size: Option<Given<Size>>,
    prompt: Option<Given<bool>>,
}

/// The settings checked and decided, before any file is read.
pub struct Decided {
    /// The boot image.
    pub boot_image: Given<PathBuf>,
    /// Its package id.
    pub package_id: Option<PackageId>,
    /// Which image of it to boot.
    pub image_index: Option<u32>,
    /// Which boot managers to take.
    pub boot_manager: BootManagerChoice,
    /// Where the boot configuration stores come from.
    pub boot_configuration: BootConfigurationChoice,
    /// Files for the medium: the path there, and the file.
    pub boot_files: Vec<(String, Given<PathBuf>)>,
    /// The site.
    pub site: SiteSpec,
    /// Files of trusted certificates, with the store they go to.
    pub trusted: Vec<TrustedFile>,
    /// Where the media password comes from.
    pub password: Option<PasswordSource>,
    /// The media certificate.
    pub certificate: CertificateChoice,
    /// Whether it may have expired.
    pub allow_expired_certificate: bool,
    /// Whether an imported one may be one that management points are expected to refuse.
    pub allow_unsuitable_certificate: bool,
    /// The media's own identity.
    pub media_guid: Option<MediaGuid>,
    /// The wizard's check boxes.
    pub options: MediaOptions,
    /// Media variables given by name.
    pub variables: Vec<(String, SecretString)>,
    /// A file with more of them.
    pub vars_file: Option<Given<PathBuf>>,
    /// Names of media variables to leave out.
    pub without_variables: Vec<String>,
    /// How the variables file is written.
    pub variables_form: VariablesForm,
    /// What to make.
    pub form: Form,
    /// Under which name; none is needed for a dry run.
    pub output: Option<PathBuf>,
    /// What the user may want to know.
    pub notes: Vec<String>,
}

/// A file of trusted certificates.
#[derive(Debug, Clone)]
pub struct TrustedFile {
    /// The file.
    pub file: Given<PathBuf>,
    /// The store its certificates go to, unless the file itself names one.
    pub store: Store,
}

/// Where the media certificate comes from.
pub enum CertificateChoice {
    /// A PKI certificate.
    Import {
        /// The PKCS#12 file.
        file: Given<PathBuf>,
        /// Where its password comes from; it has none when not given.
        password: Option<PasswordSource>,
    },
    /// A self-signed one.
    SelfSigned {
        /// When it starts; now when not given.
        start: Option<Given<media_core::time::Timestamp>>,
        /// When it expires; a year later when not given.
        expiry: Option<Given<media_core::time::Timestamp>>,
        /// Length of its RSA key.
        key_bits: u32,
    },
}

/// Joins the command line and the spec file; the command line wins. Options that exclude each other win together:
/// `--password-env` on the command line replaces a `password-file` of the spec file.
///
/// # Errors
/// [`Error::Setting`] for an option that is not `NAME=VALUE` where it has to be.
pub fn merge(args: CreateArgs, spec: Option<SpecFile>) -> Result<Settings, Error> {
    let mut settings = spec.map_or_else(Settings::default, from_spec_file);
    let CreateArgs { boot, site, security, media, output, run: _ } = args;
    win(&mut settings.boot_image, boot.boot_image, "--boot-image");
    win(&mut settings.package_id, boot.package_id, "--package-id");
    win(&mut settings.image_index, boot.image_index, "--image-index");
    win(&mut settings.boot_manager, boot.boot_manager, "--boot-manager");
    win(&mut settings.boot_configuration, boot.boot_configuration, "--boot-configuration");
    let expected = "expected PATH-ON-MEDIUM=FILE, for example boot/boot.sdi=boot.sdi";
    for (path, file) in pairs(boot.boot_file, "--boot-file", expected)? {
        win_by_name(&mut settings.boot_files, path, file.map(PathBuf::from));
    }

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
    for (architecture, guid) in pairs(site.unknown_computer, "--unknown-computer", expected)? {
        win_by_name(&mut settings.unknown_computers, architecture, guid);
    }

    let password = password_sources(
        option(security.password_file, "--password-file"),
        option(security.password_env, "--password-env"),
        option(security.password_prompt.then_some(true), "--password-prompt"),
    );
    if !password.is_empty() {
        settings.password = password;
    }
    win(&mut settings.allow_no_password, security.allow_no_password, "--allow-no-password");
    win_list(&mut settings.trusted_roots, security.trusted_root, "--trusted-root");
    win(&mut settings.root_store, security.root_store, "--root-store");
    win_list(&mut settings.intermediates, security.intermediate, "--intermediate");
    win(&mut settings.certificate, security.certificate, "--certificate");
    let password = password_sources(
        option(security.certificate_password_file, "--certificate-password-file"),
        option(security.certificate_password_env, "--certificate-password-env"),
        None,
    );
    if !password.is_empty() {
        settings.certificate_password = password;
    }
    win(&mut settings.certificate_start, security.certificate_start, "--certificate-start");
    win(&mut settings.certificate_expiry, security.certificate_expiry, "--certificate-expiry");
    let name = "--allow-expired-certificate";
    win(&mut settings.allow_expired_certificate, security.allow_expired_certificate, name);
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
    win(&mut settings.unattended, media.unattended, "--unattended");
    win(&mut settings.user_device_affinity, media.user_device_affinity, "--user-device-affinity");
    for (name, value) in pairs(media.var, "--var", "expected NAME=VALUE")? {
        win_by_name(&mut settings.variables, name, value.map(SecretString::from));
    }
    win(&mut settings.vars_file, media.vars_file, "--vars-file");
    win_list(&mut settings.without_variables, media.without_var, "--without-var");
    win(&mut settings.prestart_command, media.prestart_command, "--prestart-command");
    win(&mut settings.prestart_variable, media.prestart_variable, "--prestart-variable");
    win(&mut settings.include_autorun, media.include_autorun, "--include-autorun");

    win(&mut settings.output, output.output, "--output");
    win(&mut settings.format, output.format, "--format");
    win(&mut settings.partition_scheme, output.partition_scheme, "--partition-scheme");
    win(&mut settings.size, output.size, "--size");
    win(&mut settings.cluster_size, output.cluster_size, "--cluster-size");
    win(&mut settings.prompt, output.prompt, "--prompt");
    Ok(settings)
}

fn option<T>(value: Option<T>, name: &'static str) -> Option<Given<T>> {
    value.map(|value| Given { value, place: Place::Option(name) })
}

fn win<T>(setting: &mut Option<Given<T>>, value: Option<T>, name: &'static str) {
    if let Some(given) = option(value, name) {
        *setting = Some(given);
    }
}

fn win_list<T>(setting: &mut Vec<Given<T>>, values: Vec<T>, name: &'static str) {
    if !values.is_empty() {
        *setting = values.into_iter().map(|value| Given { value, place: Place::Option(name) }).collect();
    }
}

fn win_by_name<T>(settings: &mut Vec<(String, Given<T>)>, name: String, value: Given<T>) {
    settings.retain(|(known, given)| {
        !known.eq_ignore_ascii_case(&name)
            || matches!((&given.place, &value.place), (Place::Option(_), Place::Option(_)))
    });
    settings.push((name, value));
}

fn pairs(
    values: Vec<String>,
    name: &'static str,
    expected: &str,
) -> Result<Vec<(String, Given<String>)>, Error> {
    let one = |text: String| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => {
            Ok((key.to_owned(), Given { value: value.to_owned(), place: Place::Option(name) }))
        }
        // The text is not repeated: it may be a secret value in the wrong place.
        _ => Err(Error::setting(expected, Place::Option(name))),
    };
    values.into_iter().map(one).collect()
}

fn password_sources(
    file: Option<Given<PathBuf>>,
    env: Option<Given<String>>,
    prompt: Option<Given<bool>>,
) -> Vec<Given<PasswordSource>> {
    let file = file.map(|given| {
        given.map(|path| {
            if path.as_os_str() == "-" { PasswordSource::StandardInput } else { PasswordSource::File(path) }
        })
    });
    let prompt = prompt.filter(|given| given.value).map(|given| given.map(|_| PasswordSource::Prompt));
    file.into_iter().chain(env.map(|given| given.map(PasswordSource::Environment))).chain(prompt).collect()
}

/// Paths in a spec file are relative to its folder.
fn from_spec_file(spec: SpecFile) -> Settings {
    let SpecFile { tables, text, folder } = spec;
    let file = |at: At<String>| {
        let is_standard_input = at.value == "-";
        given(at).map(|name| if is_standard_input { PathBuf::from(name) } else { folder.join(name) })
    };
    let list = |at: Option<At<Vec<At<String>>>>| at.map(|list| list.value).unwrap_or_default().into_iter();
    let SpecTables { boot, site, security, media, variables, output } = tables;
    let unknown = site.unknown_computer;
    let unknown = [("x64", unknown.x64), ("x86", unknown.x86), ("arm64", unknown.arm64)];
    Settings {
        spec: Some(text),
        boot_image: boot.boot_image.map(file),
        package_id: boot.package_id.map(given),
        image_index: boot.image_index.map(given),
        boot_manager: boot.boot_manager.map(given),
        boot_configuration: boot.boot_configuration.map(given),
        boot_files: boot.boot_file.into_iter().map(|(path, at)| (path, file(at))).collect(),
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
        trusted_roots: list(security.trusted_root).map(file).collect(),
        root_store: security.root_store.map(given),
        intermediates: list(security.intermediate).map(file).collect(),
        certificate: security.certificate.map(file),
        certificate_password: password_sources(
            security.certificate_password_file.map(file),
            security.certificate_password_env.map(given),
            None,
        ),
        certificate_start: security.certificate_start.map(given),
        certificate_expiry: security.certificate_expiry.map(given),
        allow_expired_certificate: security.allow_expired_certificate.map(given),
        allow_unsuitable_certificate: security.allow_unsuitable_certificate.map(given),
        key_bits: security.key_bits.map(given),
        variables_encryption: security.variables_encryption.map(given),
        variables_trailer: security.variables_trailer.map(given),
        variables_xml_declaration: security.variables_xml.declaration.map(given),
        variables_xml_version: security.variables_xml.version.map(given),
        variables_xml_nul_terminated: security.variables_xml.nul_terminated.map(given),
        label: media.label.map(given),
        media_guid: media.media_guid.map(given),
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
        format: output.format.map(given),
        partition_scheme: output.partition_scheme.map(given),
        size: output.size.map(given),
        cluster_size: output.cluster_size.map(given),
        prompt: output.prompt.map(given),
    }
}

fn given<T>(at: At<T>) -> Given<T> {
    Given { value: at.value, place: Place::SpecFile(at.span) }
}
