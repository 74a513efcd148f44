//! The tables of a spec file. Each key is the option of the same name (`args/create.rs`).

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::values::{
    BootConfiguration, BootManager, DateText, Format, MediaMode, PartitionScheme, RootStore, Size,
    UserDeviceAffinity, VariablesEncryption,
};

/// A value and where it stands in the file.
#[derive(Debug, Clone)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its bytes in the file.
    pub span: Range<usize>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = toml::Spanned::<T>::deserialize(deserializer)?;
        Ok(Self { span: spanned.span(), value: spanned.into_inner() })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }

    fn inline_schema() -> bool {
        T::inline_schema()
    }
}

/// Text that may be secret: it is never printed and wiped from memory when it is done with.
#[derive(Clone)]
pub struct SecretText(pub SecretString);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl Visitor<'_> for TextVisitor {
            type Value = SecretText;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a text in quotes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SecretText, E> {
                Ok(SecretText(SecretString::from(text)))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

impl JsonSchema for SecretText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

/// A spec file of `tsmedia create`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "tsmedia spec file")]
pub struct SpecTables {
    /// The boot image.
    pub boot: BootTable,
    /// The site.
    pub site: SiteTable,
    /// Certificates and the password.
    pub security: SecurityTable,
    /// What the medium does and is called.
    pub media: MediaTable,
    /// Media variables: names and values. Values that are secret belong to a file of their own (`vars-file`).
    pub variables: BTreeMap<String, At<SecretText>>,
    /// The volume.
    pub output: OutputTable,
    /// The letter to each worker.
    pub letter: LetterTable,
}

/// `[boot]`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BootTable {
    /// The site's boot image, for example boot.PS100005.wim
    pub boot_image: Option<At<String>>,
    /// Package id of the boot image, for example PS100005; found in its file name when not given
    pub package_id: Option<At<String>>,
    /// Which image of the file to boot, counted from 1; the one marked bootable when not given
    pub image_index: Option<At<u32>>,
    /// Which boot managers to take from the boot image
    pub boot_manager: Option<At<BootManager>>,
    /// Where the boot configuration stores (BCD) come from
    pub boot_configuration: Option<At<BootConfiguration>>,
    /// Files to put on the medium instead of the boot image's own: path on the medium = file
    pub boot_file: BTreeMap<String, At<String>>,
}

/// `[site]`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SiteTable {
    /// A file that `tsmedia site import` made: follow the site's own media
    pub site: Option<At<String>>,
    /// Site code, for example PS1
    pub site_code: Option<At<String>>,
    /// Media management: site-based or dynamic
    pub media_mode: Option<At<MediaMode>>,
    /// Management points: one, or several for dynamic media
    pub management_point: Option<At<Vec<At<String>>>>,
    /// Cloud management gateway instead of a management point: HOST/CCM_Proxy_MutualAuth/NUMBER
    pub cmg: Option<At<String>>,
    /// HTTP port of management points
    pub http_port: Option<At<u16>>,
    /// HTTPS port of management points
    pub https_port: Option<At<u16>>,
    /// Unknown computer support: the GUIDs of the site's Unknown Computer objects
    pub unknown_computer: UnknownComputerTable,
}

/// `[site.unknown-computer]`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UnknownComputerTable {
    /// x64 Unknown Computer
    pub x64: Option<At<String>>,
    /// x86 Unknown Computer
    pub x86: Option<At<String>>,
    /// ARM64 Unknown Computer
    pub arm64: Option<At<String>>,
}

/// `[security]`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SecurityTable {
    /// Read the media password from the first line of this file; - is standard input
    pub password_file: Option<At<String>>,
    /// Take the media password from this environment variable
    pub password_env: Option<At<String>>,
    /// Ask for the media password on the terminal
    pub password_prompt: Option<At<bool>>,
    /// Make media for a cloud management gateway although they have no password
    pub allow_no_password: Option<At<bool>>,
    /// Make media although their password is weak
    pub allow_weak_password: Option<At<bool>>,
    /// Certificates of root authorities the boot image shall trust
    pub trusted_root: Option<At<Vec<At<String>>>>,
    /// The certificate store trusted roots go to
    pub root_store: Option<At<RootStore>>,
    /// Certificates of intermediate authorities the boot image shall know
    pub intermediate: Option<At<Vec<At<String>>>>,
    /// PKI certificate (.pfx) to import as the media certificate, instead of a self-signed one
    pub certificate: Option<At<String>>,
    /// A file with the identity of the media: media GUID and certificate
    pub identity: Option<At<String>>,
    /// Read the password of the identity file from the first line of this file; - is standard input
    pub identity_password_file: Option<At<String>>,
    /// Take the password of the identity file from this environment variable
    pub identity_password_env: Option<At<String>>,
    /// Ask for the password of the identity file on the terminal
    pub identity_password_prompt: Option<At<bool>>,
    /// Read the password of the certificate from the first line of this file; - is standard input
    pub certificate_password_file: Option<At<String>>,
    /// Take the password of the certificate from this environment variable
    pub certificate_password_env: Option<At<String>>,
    /// The private key that the manifest is signed with
    pub signing_key: Option<At<String>>,
    /// Read the password of the signing key from the first line of this file; - is standard input
    pub signing_key_password_file: Option<At<String>>,
    /// Take the password of the signing key from this environment variable
    pub signing_key_password_env: Option<At<String>>,
    /// Ask for the password of the signing key on the terminal
    pub signing_key_password_prompt: Option<At<bool>>,
    /// When the self-signed media certificate starts to be valid
    pub certificate_start: Option<At<DateText>>,
    /// When the self-signed media certificate expires
    pub certificate_expiry: Option<At<DateText>>,
    /// Make media although something on them has expired
    pub allow_expired: Option<At<bool>>,
    /// Make media although a management point is expected to refuse the imported certificate
    pub allow_unsuitable_certificate: Option<At<bool>>,
    /// Length of the self-signed certificate's RSA key in bits
    pub key_bits: Option<At<u32>>,
    /// Cipher of the media variables file
    pub variables_encryption: Option<At<VariablesEncryption>>,
    /// How many zero bytes end the media variables file; as many as Windows programs leave when not given
    pub variables_trailer: Option<At<u16>>,
    /// The XML around the media variables
    pub variables_xml: VariablesXmlTable,
}

/// `[security.variables-xml]`: what is not published about the media variables file, to be set as a medium of the site's
/// own console shows it (`docs/compatibility.md`).
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct VariablesXmlTable {
    /// The XML declaration, with what follows it up to the root element
    pub declaration: Option<At<String>>,
    /// The root element's Version; empty for none
    pub version: Option<At<String>>,
    /// Whether a NUL character ends the text
    pub nul_terminated: Option<At<bool>>,
}

/// `[media]`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct MediaTable {
    /// Media label, up to 32 characters
    pub label: Option<At<String>>,
    /// Identity of the media at the site, a GUID; a new one when not given
    pub media_guid: Option<At<String>>,
    /// The number under which you keep this medium
    pub serial_number: Option<At<String>>,
    /// Allow unattended operating system deployment
    pub unattended: Option<At<bool>>,
    /// User device affinity
    pub user_device_affinity: Option<At<UserDeviceAffinity>>,
    /// Add media variables from this file
    pub vars_file: Option<At<String>>,
    /// Media variables to leave out
    pub without_var: Option<At<Vec<At<String>>>>,
    /// Prestart command
    pub prestart_command: Option<At<String>>,
    /// Name of the media variable that holds the prestart command
    pub prestart_variable: Option<At<String>>,
    /// Include an autorun.inf file
    pub include_autorun: Option<At<bool>>,
}

/// `[output]`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct OutputTable {
    /// The file to make; .iso or .img decides what it is
    pub output: Option<At<String>>,
    /// Write what the site has to be told of the medium to this file: .ps1 or .json
    pub registration: Option<At<String>>,
    /// The file the receipt is written to; the output with .receipt.json behind its name when not given
    pub receipt: Option<At<String>>,
    /// Write no receipt
    pub no_receipt: Option<At<bool>>,
    /// What to make, when the name of the output does not say
    pub format: Option<At<Format>>,
    /// Partition table of a disk image
    pub partition_scheme: Option<At<PartitionScheme>>,
    /// Length of the disk image, for example "8GiB" or a number of bytes
    pub size: Option<At<Size>>,
    /// Cluster size of the disk image's FAT32 volume
    pub cluster_size: Option<At<Size>>,
    /// Make a second, unformatted partition of what is left of the disk
    pub data_partition: Option<At<bool>>,
    /// Length of the medium's own partition, with a data partition
    pub partition_size: Option<At<Size>>,
    /// Let a computer started from the ISO by UEFI wait for a key to be pressed
    pub prompt: Option<At<bool>>,
}

/// `[letter]`
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LetterTable {
    /// The organisation's name
    pub organisation: Option<At<String>>,
    /// Whom to call: up to six lines
    pub contact: Option<At<String>>,
    /// How the password reaches a worker: ends the sentence "it reaches you …"
    pub password_delivery: Option<At<String>>,
    /// A template of the organisation's own for the printed letter
    pub letter_html: Option<At<String>>,
    /// A template of the organisation's own for the letter as plain text
    pub letter_text: Option<At<String>>,
}
