//! Names: how they are stored, compared, and hashed.
//!
//! A name whose characters are all below U+0100 is stored as one byte each ("compressed"), any other as
//! UTF-16LE. Windows compares names by UTF-16 unit after mapping each through its upper-case table.
//! Source: the published `regf` notes (M. Suhanov, "Windows registry file format specification",
//! "Key node" and "Hash leaf") and Windows-written hives.

use std::cmp::Ordering;

/// A stored name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name<'a> {
    bytes: &'a [u8],
    compressed: bool,
}

impl<'a> Name<'a> {
    pub(super) fn new(bytes: &'a [u8], compressed: bool) -> Self {
        Self { bytes, compressed }
    }

    /// The name's UTF-16 units.
    pub(super) fn units(self) -> impl Iterator<Item = u16> + 'a {
        let width = if self.compressed { 1 } else { 2 };
        self.bytes.chunks_exact(width).map(|unit| match unit {
            [low, high] => u16::from_le_bytes([*low, *high]),
            _ => u16::from(unit.first().copied().unwrap_or_default()),
        })
    }

    /// The name as text, with unpaired surrogates as U+FFFD.
    pub(super) fn text(self) -> String {
        char::decode_utf16(self.units()).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }

    /// How Windows orders this name against another, already upper-case one.
    pub(super) fn compare(self, upper: &[u16]) -> Ordering {
        self.units().map(upcase).cmp(upper.iter().copied())
    }
}

/// A name as it is stored, and whether that is the compressed form. Like Windows, an empty name does not
/// count as compressed.
pub(super) fn encode(units: &[u16]) -> (Vec<u8>, bool) {
    let narrow: Option<Vec<u8>> = units.iter().map(|unit| u8::try_from(*unit).ok()).collect();
    match narrow {
        Some(bytes) => (bytes, !units.is_empty()),
        None => (units.iter().flat_map(|unit| unit.to_le_bytes()).collect(), false),
    }
}

/// The upper-case units of a name.
pub(super) fn upper(text: &str) -> Vec<u16> {
    text.encode_utf16().map(upcase).collect()
}

/// The hash an `lh` list keeps for a name: for each upper-case unit, 37 times the hash so far plus the unit.
pub(super) fn hash(units: impl Iterator<Item = u16>) -> u32 {
    units.fold(0, |hash: u32, unit| hash.wrapping_mul(37).wrapping_add(u32::from(upcase(unit))))
}

/// The hint an `lf` list keeps for a name: its first four characters. Windows fills it from the last of them
/// to the first and stops at one above U+00FF, so that a hint whose first byte is zero means "look at the key".
pub(super) fn hint(units: impl Iterator<Item = u16>) -> [u8; 4] {
    let first: Vec<u16> = units.take(4).collect();
    let mut hint = [0; 4];
    for (slot, unit) in hint.iter_mut().zip(&first).rev() {
        match u8::try_from(*unit) {
            Ok(byte) => *slot = byte,
            Err(_) => break,
        }
    }
    hint
}

/// Windows' upper-case table: one unit to one unit, and only where lower-casing leads back (so that µ, ı and ſ
/// stay as they are), with the final sigma and the Greek letters that carry an iota as the table of Windows has
/// them. Georgian and Cherokee, whose capitals came to Unicode later, are left alone. Compared with the
/// published NTFS table of Windows Vista: equal for every character that Unicode 5.0 has a case for.
pub(super) fn upcase(unit: u16) -> u16 {
    match unit {
        0x00..0x61 | 0x7b..0x80 => return unit,
        0x61..=0x7a => return unit - 32,
        0x03C2 => return 0x03A3,
        0x1F80..=0x1F87 | 0x1F90..=0x1F97 | 0x1FA0..=0x1FA7 => return unit + 8,
        0x1FB3 => return 0x1FBC,
        0x1FCC | 0x1FFC => return unit - 9,
        0x10D0..=0x10FF | 0x13F8..=0x13FD | 0xAB70..=0xABBF => return unit,
        _ => {}
    }
    let Some(letter) = char::from_u32(u32::from(unit)) else { return unit };
    let mut capitals = letter.to_uppercase();
    let (Some(capital), None) = (capitals.next(), capitals.next()) else { return unit };
    let mut back = capital.to_lowercase();
    match (back.next() == Some(letter) && back.next().is_none(), u16::try_from(u32::from(capital))) {
        (true, Ok(capital)) => capital,
        _ => unit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_case_follows_windows() {
        // Pairs of the published NTFS upper-case table of Windows Vista.
        for (small, capital) in [
            ('a', 'A'),
            ('ä', 'Ä'),
            ('ÿ', 'Ÿ'),
            ('ß', 'ß'),
            ('µ', 'µ'),
            ('ı', 'ı'),
            ('ſ', 'ſ'),
            ('ς', 'Σ'),
            ('ѝ', 'Ѝ'),
            ('ǆ', 'Ǆ'),
            ('ǅ', 'ǅ'),
            ('ᾀ', 'ᾈ'),
            ('ᾳ', 'ᾼ'),
            ('ⅳ', 'Ⅳ'),
            ('ｚ', 'Ｚ'),
            ('ა', 'ა'),
            ('ŉ', 'ŉ'),
            ('÷', '÷'),
        ] {
            assert_eq!(
                upper(&small.to_string()),
                capital.to_string().encode_utf16().collect::<Vec<_>>(),
                "{small}"
            );
        }
    }

    #[test]
    fn hints_stop_at_wide_characters_from_behind() {
        assert_eq!(hint("Software".encode_utf16()), *b"Soft");
        assert_eq!(hint("ab".encode_utf16()), [b'a', b'b', 0, 0]);
        assert_eq!(hint("abЖd".encode_utf16()), [0, 0, 0, b'd']);
    }
}
