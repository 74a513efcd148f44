//! Registry files (`.reg`) as the registry editor exports and imports them.
//!
//! Scope: `Windows Registry Editor Version 5.00` and `REGEDIT4`, UTF-16LE with byte order mark, UTF-8 or ANSI text,
//! keys and values to set or delete, all value kinds; version 5.00 is written. Refused: text before the header, lines that are none of these.

mod value;
mod write;

use thiserror::Error;

pub use write::write;

use crate::bytes::utf16le;

/// Registry value kinds the syntax names itself (winnt.h); others come as `hex(n):`.
pub const REG_SZ: u32 = 1;
/// Bytes without meaning to the registry.
pub const REG_BINARY: u32 = 3;
/// A 32-bit number, little-endian.
pub const REG_DWORD: u32 = 4;

/// A registry file may be large; past this it is no file of settings.
const LIMIT: usize = 64 << 20;
const HEADER_5: &str = "Windows Registry Editor Version 5.00";
const HEADER_4: &str = "REGEDIT4";

/// One key and what the file does to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryKey {
    /// The path with its root, for example `HKEY_LOCAL_MACHINE\SOFTWARE\Contoso`.
    pub path: String,
    /// Whether the key is deleted (`[-path]`).
    pub delete: bool,
    /// The values named under it, in the file's order.
    pub values: Vec<RegistryValue>,
}

/// One value and what the file does to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryValue {
    /// The name; `None` is the key's default value (`@`).
    pub name: Option<String>,
    /// The kind, for example [`REG_BINARY`].
    pub kind: u32,
    /// The data as the registry holds it: text is UTF-16LE with terminator.
    pub data: Vec<u8>,
    /// Whether the value is deleted (`"name"=-`).
    pub delete: bool,
}

/// Why a registry file could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegFileError {
    /// The file is larger than any registry file of settings.
    #[error("registry file: {len} bytes, more than the {limit} that are read")]
    TooLarge {
        /// The file's length in bytes.
        len: usize,
        /// The most that is read.
        limit: usize,
    },
    /// The first line is neither of the two headers.
    #[error("registry file: the first line is `{found}`, expected `{HEADER_5}` or `{HEADER_4}`")]
    Header {
        /// The start of the first line.
        found: String,
    },
    /// A line is not what can stand there.
    #[error("registry file, line {line}: expected {expected}, found `{found}`")]
    Syntax {
        /// The line, counted from 1; for a value on several lines, its first.
        line: usize,
        /// What could stand there.
        expected: &'static str,
        /// What does, cut short.
        found: String,
    },
    /// A name cannot stand in a registry file.
    #[error("registry file: {what} cannot be written: `{found}`")]
    NotWritable {
        /// Whose name it is.
        what: &'static str,
        /// The name, cut short.
        found: String,
    },
}

/// Whether bytes start with the first line of a registry file.
pub fn is_reg_file(bytes: &[u8]) -> bool {
    let start = decode(&bytes[..bytes.len().min(200)]);
    header(start.lines().next().unwrap_or_default()).is_ok()
}

/// Reads a whole registry file.
///
/// # Errors
/// [`RegFileError`] with the line that is wrong.
pub fn parse(bytes: &[u8]) -> Result<Vec<RegistryKey>, RegFileError> {
    if bytes.len() > LIMIT {
        return Err(RegFileError::TooLarge { len: bytes.len(), limit: LIMIT });
    }
    let text = decode(bytes);
    let mut lines = text.lines().zip(1..);
    let wide = header(lines.next().map_or("", |(line, _)| line))?;
    let mut keys: Vec<RegistryKey> = Vec::new();
    while let Some((line, number)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(';') {
            continue;
        }
        let syntax = |expected| RegFileError::Syntax { line: number, expected, found: excerpt(line) };
        if let Some(rest) = line.strip_prefix('[') {
            let path = rest.strip_suffix(']').ok_or_else(|| syntax("`]` at the end"))?;
            let (delete, path) = path.strip_prefix('-').map_or((false, path), |path| (true, path));
            if path.trim().is_empty() {
                return Err(syntax("the path of a key"));
            }
            keys.push(RegistryKey { path: path.to_owned(), delete, values: Vec::new() });
            continue;
        }
        let key = keys.last_mut().ok_or_else(|| syntax("a key in brackets"))?;
        let whole = join_lines(line, &mut lines);
        let found = value::parse(&whole, wide).map_err(|expected| RegFileError::Syntax {
            line: number,
            expected,
            found: excerpt(&whole),
        })?;
        key.values.push(found);
    }
    Ok(keys)
}

/// UTF-16LE when the byte order mark says so, else UTF-8, else Latin-1 (which agrees with every ANSI code page on the
/// characters the syntax needs).
fn decode(bytes: &[u8]) -> String {
    match bytes {
        [0xFF, 0xFE, text @ ..] => utf16le(text),
        [0xEF, 0xBB, 0xBF, text @ ..] | text => match std::str::from_utf8(text) {
            Ok(text) => text.to_owned(),
            Err(_) => text.iter().map(|byte| char::from(*byte)).collect(),
        },
    }
}

/// Whether `hex(n):` text is UTF-16LE (version 5) rather than ANSI (version 4).
fn header(line: &str) -> Result<bool, RegFileError> {
    match line.trim() {
        HEADER_5 => Ok(true),
        HEADER_4 => Ok(false),
        other => Err(RegFileError::Header { found: excerpt(other) }),
    }
}

/// A value that goes on in the next line: hexadecimal data after a backslash at the end of the line, text until its
/// closing quotation mark (the registry editor writes line breaks in text as they are).
fn join_lines<'a>(first: &str, lines: &mut impl Iterator<Item = (&'a str, usize)>) -> String {
    let mut whole = first.to_owned();
    if let Some(start) = value::text_start(first) {
        let mut scan = value::TextScan::default();
        let mut closed = scan.closes(&first[start..]);
        while !closed {
            let Some((next, _)) = lines.next() else { break };
            whole.push_str("\r\n");
            whole.push_str(next);
            closed = scan.closes(next);
        }
        return whole;
    }
    while whole.ends_with('\\') {
        whole.pop();
        match lines.next() {
            // A comment between two lines of data.
            Some((next, _)) if next.trim_start().starts_with(';') => whole.push('\\'),
            Some((next, _)) => whole.push_str(next.trim()),
            None => break,
        }
    }
    whole
}

fn excerpt(text: &str) -> String {
    text.chars().take(60).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

#[cfg(test)]
mod tests;
