//! Changes `TsmBootstrap.ini` of any medium and keeps every other byte of it, in whatever encoding.

/// Its path on the medium.
pub const PATH: &str = "SMS/data/TsmBootstrap.ini";

/// The file with `PasswordRequired` under `[MediaInfo]` as it is to be; where the key is missing, it comes last there.
/// `None` when the file has no such section.
pub fn with_password_required(bytes: &[u8], required: bool) -> Option<Vec<u8>> {
    // What is ASCII in UTF-16LE is ASCII with zeros between; anything else stays as it is.
    let wide = bytes.starts_with(b"\xFF\xFE") || bytes.get(1) == Some(&0);
    let unit = if wide { 2 } else { 1 };
    let value = if required { "true" } else { "false" };
    let encode =
        |text: &str| -> Vec<u8> { text.bytes().flat_map(|byte| [byte, 0].into_iter().take(unit)).collect() };
    let letters: Vec<char> = bytes
        .chunks(unit)
        .map(|chunk| match chunk {
            [low, 0] if wide => char::from(*low),
            [byte] if !wide => char::from(*byte),
            _ => char::REPLACEMENT_CHARACTER,
        })
        .collect();
    let (mut at, mut inside, mut end) = (0, false, None);
    while at < letters.len() {
        let len =
            letters[at..].iter().position(|letter| *letter == '\n').map_or(letters.len() - at, |len| len + 1);
        let line: String = letters[at..at + len].iter().collect();
        let text =
            line.trim_matches(|letter: char| letter.is_whitespace() || letter == char::REPLACEMENT_CHARACTER);
        if text.starts_with('[') {
            inside = text.eq_ignore_ascii_case("[MediaInfo]");
        }
        if inside && !text.is_empty() {
            end = Some(at + len);
        }
        if let Some((key, _)) = line.split_once('=').filter(|_| inside)
            && key.trim().eq_ignore_ascii_case("PasswordRequired")
        {
            // White space around the value is not the value.
            let after = at + key.chars().count() + 1;
            let rest = &letters[after..at + len];
            let start = after + rest.iter().take_while(|letter| matches!(letter, ' ' | '\t')).count();
            let trailing = rest.iter().rev().take_while(|letter| letter.is_whitespace()).count();
            let stop = (at + len - trailing).max(start);
            let same: String = letters[start..stop].iter().collect();
            if same.eq_ignore_ascii_case(value) {
                return Some(bytes.to_vec());
            }
            return Some([&bytes[..start * unit], &encode(value), &bytes[stop * unit..]].concat());
        }
        at += len;
    }
    let end = end?;
    let closed = letters[..end].ends_with(&['\n']);
    let new = format!("PasswordRequired={value}");
    let line = if closed { format!("{new}\r\n") } else { format!("\r\n{new}") };
    Some([&bytes[..end * unit], &encode(&line), bytes.get(end * unit..).unwrap_or_default()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::{to_utf16le, utf16le};

    #[test]
    fn one_value_changes_and_nothing_else() {
        for (before, after) in [
            (
                "[MediaInfo]\r\nMediaType=BootMedia\r\nPasswordRequired=true\r\nUnattended=false\r\n",
                "[MediaInfo]\r\nMediaType=BootMedia\r\nPasswordRequired=false\r\nUnattended=false\r\n",
            ),
            (
                "; é\n[mediainfo]\npasswordrequired = TRUE \t\n[x]\n",
                "; é\n[mediainfo]\npasswordrequired = false \t\n[x]\n",
            ),
            ("[MediaInfo]\r\nPasswordRequired=", "[MediaInfo]\r\nPasswordRequired=false"),
            ("[MediaInfo]\r\nPasswordRequired=FALSE\r\n", "[MediaInfo]\r\nPasswordRequired=FALSE\r\n"),
            (
                "[a]\r\nPasswordRequired=true\r\n[MediaInfo]\r\nX=1\r\n\r\n[b]\r\n",
                "[a]\r\nPasswordRequired=true\r\n[MediaInfo]\r\nX=1\r\nPasswordRequired=false\r\n\r\n[b]\r\n",
            ),
            ("[MediaInfo]", "[MediaInfo]\r\nPasswordRequired=false"),
        ] {
            let changed = with_password_required(before.as_bytes(), false).expect("the section is there");
            assert_eq!(String::from_utf8_lossy(&changed), after);
            for mark in ["", "\u{FEFF}"] {
                let wide = to_utf16le(&format!("{mark}{before}"));
                let changed = with_password_required(&wide, false).expect("the section is there");
                assert_eq!(utf16le(&changed), format!("{mark}{after}"));
            }
        }
        assert_eq!(
            with_password_required(b"\xE4=\xFC\r\n[MediaInfo]\r\nPasswordRequired=false", true).as_deref(),
            Some(&b"\xE4=\xFC\r\n[MediaInfo]\r\nPasswordRequired=true"[..])
        );
        for other in [&b""[..], b"PasswordRequired=true", b"[Other]\r\nPasswordRequired=true\r\n", b"\xFF"] {
            assert_eq!(with_password_required(other, true), None);
        }
    }
}
