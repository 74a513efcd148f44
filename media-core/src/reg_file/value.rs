//! One line of a registry file: `"name"=data` or `@=data`.

use super::{REG_BINARY, REG_DWORD, REG_SZ, RegistryValue};
use crate::bytes::to_utf16le;

/// `REG_EXPAND_SZ` and `REG_MULTI_SZ`: text that version 4 files hold in the ANSI code page.
const TEXT_KINDS: [u32; 2] = [2, 7];

/// Reads one value, or says what was expected.
pub(super) fn parse(line: &str, wide: bool) -> Result<RegistryValue, &'static str> {
    let (name, rest) = match line.strip_prefix('@') {
        Some(rest) => (None, rest),
        None => {
            let (name, rest) = quoted(line).ok_or("`\"name\"=` or `@=`")?;
            (Some(name), rest)
        }
    };
    let data = rest.trim_start().strip_prefix('=').ok_or("`=` after the name")?.trim();
    if data == "-" {
        return Ok(RegistryValue { name, kind: 0, data: Vec::new(), delete: true });
    }
    let (kind, data) = parse_data(data, wide)?;
    Ok(RegistryValue { name, kind, data, delete: false })
}

fn parse_data(data: &str, wide: bool) -> Result<(u32, Vec<u8>), &'static str> {
    if data.starts_with('"') {
        let (text, rest) = quoted(data).ok_or("a quotation mark at the end of the text")?;
        if !is_comment(rest) {
            return Err("nothing after the text");
        }
        return Ok((REG_SZ, to_utf16le(&format!("{text}\0"))));
    }
    if let Some(digits) = data.strip_prefix("dword:") {
        let digits = digits.split(';').next().unwrap_or_default().trim();
        let valid = (1..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| valid);
        return Ok((REG_DWORD, number.ok_or("one to eight hexadecimal digits")?.to_le_bytes().to_vec()));
    }
    let rest = data.strip_prefix("hex").ok_or("text in quotation marks, `dword:`, `hex:` or `-`")?;
    if let Some(list) = rest.strip_prefix(':') {
        return Ok((REG_BINARY, hex_list(list)?));
    }
    let (kind, list) =
        rest.strip_prefix('(').and_then(|rest| rest.split_once("):")).ok_or("`hex:` or `hex(kind):`")?;
    let kind = u32::from_str_radix(kind, 16).map_err(|_| "a hexadecimal value kind in parentheses")?;
    let bytes = hex_list(list)?;
    if wide || !TEXT_KINDS.contains(&kind) {
        return Ok((kind, bytes));
    }
    let widened: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    Ok((kind, to_utf16le(&widened)))
}

fn hex_list(list: &str) -> Result<Vec<u8>, &'static str> {
    let list = list.split(';').next().unwrap_or_default().trim();
    if list.is_empty() {
        return Ok(Vec::new());
    }
    list.split(',')
        .map(|byte| {
            let byte = byte.trim();
            let valid = (1..=2).contains(&byte.len()) && byte.bytes().all(|digit| digit.is_ascii_hexdigit());
            u8::from_str_radix(byte, 16)
                .ok()
                .filter(|_| valid)
                .ok_or("bytes in hexadecimal, separated by commas")
        })
        .collect()
}

/// Text in quotation marks at the start of `line`, where `\\` and `\"` stand for `\` and `"`, and what follows.
fn quoted(line: &str) -> Option<(String, &str)> {
    let inside = line.strip_prefix('"')?;
    let mut text = String::new();
    let mut characters = inside.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((text, &inside[index + 1..])),
            '\\' => text.push(characters.next()?.1),
            other => text.push(other),
        }
    }
    None
}

/// Where the data's text starts, after its opening quotation mark, when the data of this line is text.
pub(super) fn text_start(line: &str) -> Option<usize> {
    let rest = match line.strip_prefix('@') {
        Some(rest) => rest,
        None => quoted(line)?.1,
    };
    let text = rest.trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?;
    Some(line.len() - text.len())
}

/// Looks for the closing quotation mark, line after line.
#[derive(Default)]
pub(super) struct TextScan {
    escaped: bool,
}

impl TextScan {
    /// Whether the text ends in this line.
    pub(super) fn closes(&mut self, line: &str) -> bool {
        line.chars().any(|character| match character {
            _ if self.escaped => {
                self.escaped = false;
                false
            }
            '\\' => {
                self.escaped = true;
                false
            }
            other => other == '"',
        })
    }
}

fn is_comment(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with(';')
}
