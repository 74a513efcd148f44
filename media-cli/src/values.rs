//! The words and numbers of the settings, the same on the command line and in a spec file.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use media_core::media::store::Store;
use schemars::JsonSchema;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

/// Which certificate authority's boot managers to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BootManager {
    /// The 2023 set when the boot image holds its boot manager and fonts, else the 2011 set
    Auto,
    /// Signed under Microsoft Windows Production PCA 2011
    #[value(name = "2011")]
    #[serde(rename = "2011")]
    Pca2011,
    /// Signed under Windows UEFI CA 2023
    #[value(name = "2023")]
    #[serde(rename = "2023")]
    Ca2023,
}

/// Where the boot configuration stores (BCD) come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BootConfiguration {
    /// The boot image's own where they fit, else made
    Auto,
    /// The boot image's own, or an error
    BootImage,
    /// Made by this program
    Made,
}

/// `Media Management` in the wizard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MediaMode {
    /// The medium contacts the one management point given
    SiteBased,
    /// A management point may redirect the computer by its boundary
    Dynamic,
}

/// The certificate store trusted roots go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RootStore {
    /// Third-party root authorities, where Microsoft's published procedure puts them
    #[value(name = "authroot")]
    AuthRoot,
    /// Trusted root authorities
    Root,
}

/// A certificate store of the boot image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CertificateStore {
    /// Trusted root authorities
    Root,
    /// Third-party root authorities, where Microsoft's published procedure puts them
    #[value(name = "authroot")]
    AuthRoot,
    /// Intermediate authorities
    Ca,
    /// Certificates that are never trusted
    Disallowed,
}

impl From<CertificateStore> for Store {
    fn from(store: CertificateStore) -> Self {
        match store {
            CertificateStore::Root => Self::Root,
            CertificateStore::AuthRoot => Self::AuthRoot,
            CertificateStore::Ca => Self::Ca,
            CertificateStore::Disallowed => Self::Disallowed,
        }
    }
}

/// A form in which certificates are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A file for the Registry Editor, with every property
    Reg,
    /// Base64 between lines that say so
    Pem,
}

/// Which images of a boot image file: a number, `boot` or `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageChoice(pub media_core::service::ImageChoice);

impl FromStr for ImageChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        use media_core::service::ImageChoice as Choice;
        match text {
            "boot" => Ok(Self(Choice::Boot)),
            "all" => Ok(Self(Choice::All)),
            _ => match text.parse() {
                Ok(0) | Err(_) => Err("expected a number from 1, `boot` or `all`".to_owned()),
                Ok(number) => Ok(Self(Choice::Number(number))),
            },
        }
    }
}

/// A form of what a site has to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScriptForm {
    /// The record as JSON
    Json,
    /// A script that hands it to the site
    Powershell,
}

impl ScriptForm {
    /// What the name of a file says.
    pub fn by_name(path: &std::path::Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        let forms = [("json", Self::Json), ("ps1", Self::Powershell)];
        forms.into_iter().find(|(known, _)| extension.eq_ignore_ascii_case(known)).map(|(_, form)| form)
    }
}

impl From<UserDeviceAffinity> for media_core::UserDeviceAffinity {
    fn from(affinity: UserDeviceAffinity) -> Self {
        match affinity {
            UserDeviceAffinity::DoNotAllow => Self::DoNotAllow,
            UserDeviceAffinity::AdministratorApproval => Self::AdministratorApproval,
            UserDeviceAffinity::AutoApproval => Self::AutoApproval,
        }
    }
}

/// `User device affinity` in the wizard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserDeviceAffinity {
    /// No user is associated with the computer
    DoNotAllow,
    /// An administrator approves the association
    AdministratorApproval,
    /// The association is made at once
    AutoApproval,
}

/// What to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A CD or DVD image
    Iso,
    /// A disk image for a USB stick
    Img,
}

/// The partition table of a disk image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PartitionScheme {
    /// For UEFI computers
    Gpt,
    /// For UEFI computers whose firmware does not start a stick with GPT
    Mbr,
}

/// The cipher of the media variables file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, JsonSchema)]
pub enum VariablesEncryption {
    /// Known to be read by every release
    #[value(name = "aes-128")]
    #[serde(rename = "aes-128")]
    Aes128,
    /// Used by newer releases
    #[value(name = "aes-256")]
    #[serde(rename = "aes-256")]
    Aes256,
    /// Triple DES, for a site whose own media have it
    #[value(name = "3des")]
    #[serde(rename = "3des")]
    TripleDes,
}

/// The word for a value as the user writes it.
pub fn word<T: ValueEnum>(value: &T) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// A number of bytes, written as a number or with a suffix: `K`, `M`, `G`, `T` and `KiB` to `TiB` count in 1024s, `KB`
/// to `TB` in 1000s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Size(pub u64);

const SIZE_EXPECTED: &str = "a size such as 8GiB, 500M or a number of bytes";

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, suffix) = text.split_at(digits);
        let unit: Option<u64> = match suffix.trim_start().to_ascii_lowercase().as_str() {
            "" | "b" => Some(1),
            "k" | "kib" => Some(1 << 10),
            "m" | "mib" => Some(1 << 20),
            "g" | "gib" => Some(1 << 30),
            "t" | "tib" => Some(1 << 40),
            "kb" => Some(1_000),
            "mb" => Some(1_000_000),
            "gb" => Some(1_000_000_000),
            "tb" => Some(1_000_000_000_000),
            _ => None,
        };
        let size =
            number.parse().ok().zip(unit).and_then(|(number, unit): (u64, u64)| number.checked_mul(unit));
        size.map(Self).ok_or_else(|| format!("expected {SIZE_EXPECTED}"))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SizeVisitor;
        impl Visitor<'_> for SizeVisitor {
            type Value = Size;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(SIZE_EXPECTED)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Size, E> {
                let size = u64::try_from(number).map(Size);
                size.map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(SizeVisitor)
    }
}

impl JsonSchema for Size {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "description": SIZE_EXPECTED, "type": ["integer", "string"] })
    }
}

/// A date as the user wrote it, read later: `2027-01-31`, or with a time and its offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateText(pub String);

impl FromStr for DateText {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for DateText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // TOML has dates of its own; people also write them in quotes.
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Ok(Self(text)),
            toml::Value::Datetime(date) => Ok(Self(date.to_string())),
            other => {
                let found = other.type_str();
                Err(de::Error::custom(format!("invalid type: {found}, expected a date such as 2027-01-31")))
            }
        }
    }
}

impl JsonSchema for DateText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Date".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "a date such as 2027-01-31, or 2027-01-31T12:00:00Z",
            "type": "string"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("512", Some(512)),
            ("4K", Some(4096)),
            ("8 GiB", Some(8 << 30)),
            ("8gb", Some(8_000_000_000)),
            ("", None),
            ("G", None),
            ("-1", None),
            ("1.5G", None),
            ("99999999999T", None),
            ("5X", None),
        ] {
            assert_eq!(text.parse::<Size>().ok().map(|size| size.0), bytes, "{text}");
        }
    }
}
