//! Distinguished names as text.

use const_oid::db::rfc4519;
use der::asn1::{AnyRef, Ia5StringRef, ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use der::{Encode, Tag, Tagged};

/// A distinguished name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The whole name, most specific part first, for example `CN=Contoso Root, O=Contoso, C=DE`. Control characters
    /// are escaped, so it can be shown.
    pub text: String,
    /// The (last) common name, escaped likewise.
    pub common_name: Option<String>,
}

impl Name {
    pub(super) fn read(name: &x509_cert::name::Name) -> Self {
        let mut parts = Vec::new();
        let mut common_name = None;
        for attribute in name.0.iter().flat_map(|set| set.0.iter()) {
            let value = text((&attribute.value).into());
            if attribute.oid == rfc4519::CN {
                common_name = Some(value.clone());
            }
            parts.push(format!("{}={value}", key(attribute.oid)));
        }
        parts.reverse();
        Self { text: parts.join(", "), common_name }
    }
}

fn key(oid: ObjectIdentifier) -> String {
    const EMAIL_ADDRESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");
    const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.5");
    match oid {
        rfc4519::CN => "CN".into(),
        rfc4519::O => "O".into(),
        rfc4519::OU => "OU".into(),
        rfc4519::C => "C".into(),
        rfc4519::L => "L".into(),
        rfc4519::ST => "S".into(), // as Windows writes it
        rfc4519::DC => "DC".into(),
        SERIAL_NUMBER => "SERIALNUMBER".into(),
        EMAIL_ADDRESS => "E".into(),
        other => format!("OID.{other}"),
    }
}

/// Any of the string types of RFC 5280 section 4.1.2.4; other values as `#` and their DER in hexadecimal.
fn text(value: AnyRef<'_>) -> String {
    let decoded = match value.tag() {
        Tag::Utf8String => value.decode_as::<Utf8StringRef<'_>>().map(|text| text.to_string()).ok(),
        Tag::PrintableString => value.decode_as::<PrintableStringRef<'_>>().map(|text| text.to_string()).ok(),
        Tag::Ia5String => value.decode_as::<Ia5StringRef<'_>>().map(|text| text.to_string()).ok(),
        // T.61 in the standard, Latin-1 in practice.
        Tag::TeletexString => Some(value.value().iter().map(|byte| char::from(*byte)).collect()),
        Tag::BmpString => {
            let units = value.value().as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair));
            Some(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
        }
        _ => None,
    };
    match decoded {
        Some(decoded) => escape(&decoded),
        None => format!("#{}", crate::bytes::to_hex_lower(&value.to_der().unwrap_or_default())),
    }
}

fn escape(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                character.escape_default().to_string()
            } else {
                character.to_string()
            }
        })
        .collect()
}
