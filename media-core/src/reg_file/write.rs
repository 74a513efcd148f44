//! Writes registry files, version 5.00, as the registry editor exports them: UTF-16LE with byte order mark, CRLF,
//! hexadecimal data broken where the editor breaks it.

use super::{HEADER_5, REG_BINARY, REG_DWORD, REG_SZ, RegFileError, RegistryKey, RegistryValue};
use crate::bytes::{to_utf16le, utf16le};

/// The editor starts a new line after the byte and comma that reach this column: 22 bytes follow `"Blob"=hex:`, and
/// 25 the two spaces of the next lines.
const FULL_LINE: usize = 76;

/// Writes keys and values, in the order given.
///
/// Text is written as text where reading it back gives the same bytes, else as `hex(1):`.
///
/// # Errors
/// [`RegFileError::NotWritable`] for paths and names that lines cannot hold.
pub fn write(keys: &[RegistryKey]) -> Result<Vec<u8>, RegFileError> {
    let mut text = format!("{HEADER_5}\r\n\r\n");
    for key in keys {
        check("the path of a key", &key.path)?;
        if key.path.trim().is_empty() || key.path.starts_with('-') {
            return Err(not_writable("the path of a key", &key.path));
        }
        text.push_str(if key.delete { "[-" } else { "[" });
        text.push_str(&key.path);
        text.push_str("]\r\n");
        for value in &key.values {
            push_value(&mut text, value)?;
        }
        text.push_str("\r\n");
    }
    Ok([&[0xFF, 0xFE][..], &to_utf16le(&text)].concat())
}

fn push_value(text: &mut String, value: &RegistryValue) -> Result<(), RegFileError> {
    let name = match &value.name {
        Some(name) => {
            check("the name of a value", name)?;
            quote(name)
        }
        None => "@".to_owned(),
    };
    text.push_str(&name);
    text.push('=');
    // The editor counts columns, which are UTF-16 units.
    let column = name.encode_utf16().count() + 1;
    match (value.kind, value.data.as_slice()) {
        _ if value.delete => text.push('-'),
        (REG_SZ, data) => match plain_text(data) {
            Some(plain) => text.push_str(&quote(&plain)),
            None => push_hex(text, column, "hex(1):", data),
        },
        (REG_DWORD, &[a, b, c, d]) => {
            text.push_str(&format!("dword:{:08x}", u32::from_le_bytes([a, b, c, d])));
        }
        (REG_BINARY, data) => push_hex(text, column, "hex:", data),
        (kind, data) => push_hex(text, column, &format!("hex({kind:x}):"), data),
    }
    text.push_str("\r\n");
    Ok(())
}

/// The text of a `REG_SZ`, when it is text with one terminator and fits into its line.
fn plain_text(data: &[u8]) -> Option<String> {
    let text = utf16le(data);
    let plain = text.strip_suffix('\0')?;
    let fits = !plain.contains(['\0', '\r', '\n']);
    // Unpaired surrogates and odd bytes do not come back.
    (fits && to_utf16le(&text) == data).then(|| plain.to_owned())
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

fn push_hex(text: &mut String, mut column: usize, prefix: &str, data: &[u8]) {
    text.push_str(prefix);
    column += prefix.len();
    for (index, byte) in data.iter().enumerate() {
        text.push_str(&format!("{byte:02x}"));
        if index + 1 == data.len() {
            return;
        }
        text.push(',');
        column += 3;
        if column >= FULL_LINE {
            text.push_str("\\\r\n  ");
            column = 2;
        }
    }
}

/// Lines end names; zero ends them in the registry.
fn check(what: &'static str, text: &str) -> Result<(), RegFileError> {
    if text.contains(['\0', '\r', '\n']) { Err(not_writable(what, text)) } else { Ok(()) }
}

fn not_writable(what: &'static str, text: &str) -> RegFileError {
    RegFileError::NotWritable { what, found: super::excerpt(text) }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
