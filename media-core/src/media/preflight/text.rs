//! Text as the tools of a Windows site write it.

use serde_json::{Map, Value};
use thiserror::Error;
use zeroize::Zeroizing;

/// Why an export of the site (JSON) could not be read. Values are never quoted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// It is not text.
    #[error("it is not text (UTF-8, or UTF-16 with a byte order mark)")]
    NotText,
    /// It is not JSON.
    #[error("line {line}, column {column}: it is not JSON")]
    Json {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
    /// It is JSON of something else.
    #[error("it holds no {what}: no object in it has {looked_for}")]
    Nothing {
        /// What it should hold.
        what: &'static str,
        /// The properties that were looked for.
        looked_for: &'static str,
    },
    /// There are several, and they are not the same.
    #[error("it holds {count} {what}, and which of them is meant cannot be told")]
    Several {
        /// What it holds.
        what: &'static str,
        /// How many.
        count: usize,
    },
    /// A property is of another kind.
    #[error("the property {property} is not {expected}")]
    Property {
        /// Its name.
        property: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

/// UTF-8, or UTF-16 with a byte order mark, which is what `Out-File` of Windows PowerShell writes.
pub(super) fn decode(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let utf16 = |text: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = text.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        let mut out = Zeroizing::new(String::with_capacity(text.len() / 2 * 3));
        for character in char::decode_utf16(units) {
            out.push(character.ok()?);
        }
        Some(out)
    };
    match bytes {
        [0xFF, 0xFE, text @ ..] if text.len().is_multiple_of(2) => utf16(text, u16::from_le_bytes),
        [0xFE, 0xFF, text @ ..] if text.len().is_multiple_of(2) => utf16(text, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, text @ ..] | text => {
            Some(Zeroizing::new(std::str::from_utf8(text).ok()?.to_owned()))
        }
    }
}

/// Every object in JSON text, the outer before the inner. `ConvertTo-Json` gives one or a list, the AdminService a list
/// under `value`.
pub(super) fn objects(bytes: &[u8]) -> Result<Vec<Map<String, Value>>, ExportError> {
    let text = decode(bytes).ok_or(ExportError::NotText)?;
    let json: Value = serde_json::from_str(&text)
        .map_err(|error| ExportError::Json { line: error.line(), column: error.column() })?;
    let (mut found, mut waiting) = (Vec::new(), vec![json]);
    while let Some(value) = waiting.pop() {
        match value {
            Value::Array(list) => waiting.extend(list.into_iter().rev()),
            Value::Object(object) => {
                waiting
                    .extend(object.values().filter(|inner| inner.is_array() || inner.is_object()).cloned());
                found.push(object);
            }
            _ => {}
        }
    }
    Ok(found)
}

/// A property, whatever the case of its name.
pub(super) fn property<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let found = object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    found.filter(|value| !value.is_null())
}

/// A number, or one written as text.
pub(super) fn number(object: &Map<String, Value>, name: &'static str) -> Result<Option<u32>, ExportError> {
    let Some(value) = property(object, name) else { return Ok(None) };
    let read = match value {
        Value::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    read.map(Some).ok_or(ExportError::Property { property: name, expected: "a number from 0 to 4294967295" })
}

/// A yes or no: as such, as a number, or as PowerShell writes it.
pub(super) fn boolean(object: &Map<String, Value>, name: &'static str) -> Result<Option<bool>, ExportError> {
    let Some(value) = property(object, name) else { return Ok(None) };
    let read = match value {
        Value::Bool(value) => Some(*value),
        Value::Number(number) => match number.as_u64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    };
    read.map(Some).ok_or(ExportError::Property { property: name, expected: "true or false" })
}

/// Text.
pub(super) fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    property(object, name)?.as_str().map(str::to_owned)
}
