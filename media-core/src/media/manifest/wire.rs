//! How single values look in JSON.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::bytes::{from_hex, to_hex_lower};
use crate::digest::Digest;
use crate::disk::Guid;
use crate::media::names::SerialNumber;
use crate::media::store::Store;
use crate::time::Timestamp;

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("a time is not RFC 3339"))
    }
}

impl Serialize for Store {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.registry_name())
    }
}

impl<'de> Deserialize<'de> for Store {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_registry_name(&text).ok_or_else(|| de::Error::custom("a certificate store is not known"))
    }
}

impl Serialize for SerialNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for SerialNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(de::Error::custom)
    }
}

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("a GUID is none"))
    }
}

/// One SHA-256 for what is a single chunk, a list for what has more, and neither where none was computed.
#[derive(Serialize, Deserialize)]
struct Listed {
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256_of_chunks: Option<Vec<String>>,
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hex = |digest: &[u8; 32]| to_hex_lower(digest);
        let listed = match &self.0[..] {
            [] => Listed { sha256: None, sha256_of_chunks: None },
            [one] => Listed { sha256: Some(hex(one)), sha256_of_chunks: None },
            many => Listed { sha256: None, sha256_of_chunks: Some(many.iter().map(hex).collect()) },
        };
        listed.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let listed = match Listed::deserialize(deserializer)? {
            Listed { sha256: Some(one), sha256_of_chunks: None } => vec![one],
            Listed { sha256: None, sha256_of_chunks } => sha256_of_chunks.unwrap_or_default(),
            _ => return Err(de::Error::custom("an entry has both one SHA-256 and those of its chunks")),
        };
        let one = |text: &String| <[u8; 32]>::try_from(&from_hex(text.as_bytes())?[..]).ok();
        let digests = listed.iter().map(one).collect::<Option<_>>();
        digests.map(Self).ok_or_else(|| de::Error::custom("a SHA-256 has not 64 hexadecimal digits"))
    }
}

/// A number of 64 bits, which not every reader of JSON can hold as a number.
pub(super) mod hexadecimal {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{number:016x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map_err(de::Error::custom)
    }
}
