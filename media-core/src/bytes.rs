//! A cursor over bytes whose errors say what was being read and where.

use thiserror::Error;
use zeroize::Zeroizing;

/// The bytes ended before the thing being read did.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what}: needs {wanted} bytes at offset {offset}, but only {left} are left")]
pub struct Truncated {
    /// What was being read, for example `WIM header`.
    pub what: &'static str,
    /// Where it was being read, in bytes from the start of the file or structure.
    pub offset: u64,
    /// How many bytes it needs.
    pub wanted: u64,
    /// How many bytes there are.
    pub left: u64,
}

/// Reads little-endian numbers and slices from front to back; never panics.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    what: &'static str,
    bytes: &'a [u8],
    base: u64,
    position: usize,
}

impl<'a> Reader<'a> {
    /// A cursor at the start of `bytes`, which are part of `what`.
    pub fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self::at(what, bytes, 0)
    }

    /// The same, where `bytes` start `base` bytes into the file, so that errors name the file's offset.
    pub fn at(what: &'static str, bytes: &'a [u8], base: u64) -> Self {
        Self { what, bytes, base, position: 0 }
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`Truncated`] when fewer are left.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Truncated> {
        let rest = &self.bytes[self.position..];
        let taken = rest.get(..count).ok_or_else(|| Truncated {
            what: self.what,
            offset: self.offset(),
            wanted: count as u64,
            left: rest.len() as u64,
        })?;
        self.position += count;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// [`Truncated`] when fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    /// The next byte.
    ///
    /// # Errors
    /// [`Truncated`] at the end.
    pub fn u8(&mut self) -> Result<u8, Truncated> {
        Ok(self.array::<1>()?[0])
    }

    /// The next two bytes, little-endian.
    ///
    /// # Errors
    /// [`Truncated`] at the end.
    pub fn u16(&mut self) -> Result<u16, Truncated> {
        self.array().map(u16::from_le_bytes)
    }

    /// The next four bytes, little-endian.
    ///
    /// # Errors
    /// [`Truncated`] at the end.
    pub fn u32(&mut self) -> Result<u32, Truncated> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next eight bytes, little-endian.
    ///
    /// # Errors
    /// [`Truncated`] at the end.
    pub fn u64(&mut self) -> Result<u64, Truncated> {
        self.array().map(u64::from_le_bytes)
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// The offset of the next byte in the file or structure being read.
    pub fn offset(&self) -> u64 {
        self.base + self.position as u64
    }
}

/// Decodes UTF-16LE bytes, with unpaired surrogates as U+FFFD; an odd last byte is left out.
pub fn utf16le(bytes: &[u8]) -> String {
    let pairs = bytes.as_chunks::<2>().0;
    // Nearly every name in a boot image is ASCII, and there are tens of thousands.
    if pairs.iter().all(|[low, high]| *high == 0 && low.is_ascii()) {
        return pairs.iter().map(|[low, _]| char::from(*low)).collect();
    }
    char::decode_utf16(pairs.iter().map(|pair| u16::from_le_bytes(*pair)))
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// Encodes text as UTF-16LE, without byte order mark or terminator.
pub fn to_utf16le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Upper-case hexadecimal without separators, the form registry key names and media variables use.
pub fn to_hex_upper(bytes: &[u8]) -> String {
    to_hex(bytes, b"0123456789ABCDEF")
}

/// Lower-case hexadecimal without separators, the form `sha256sum` prints.
pub fn to_hex_lower(bytes: &[u8]) -> String {
    to_hex(bytes, b"0123456789abcdef")
}

fn to_hex(bytes: &[u8], digits: &[u8; 16]) -> String {
    let pair = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from(digits[usize::from(digit)]));
    bytes.iter().flat_map(pair).collect()
}

/// Reads hexadecimal digits of any case, without separators.
pub fn from_hex(digits: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
    for pair in digits.chunks(2) {
        let [high, low] = pair else { return None };
        bytes.push(value(*high)? << 4 | value(*low)?);
    }
    Some(bytes)
}

/// Reads Base64 in either alphabet (RFC 4648 sections 4 and 5); padding may be missing, and ends it. Bits behind the
/// last whole byte are ignored.
pub fn from_base64(digits: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let end = digits.iter().position(|digit| *digit == b'=').unwrap_or(digits.len());
    let mut bytes = Zeroizing::new(Vec::with_capacity(end / 4 * 3 + 3));
    let (mut bits, mut count) = (0_u32, 0);
    for digit in &digits[..end] {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        (bits, count) = ((bits << 6 | u32::from(value)) & 0xFFFF, count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_read_says_what_and_where() {
        let mut reader = Reader::at("WIM header", &[1, 2, 3], 100);
        assert_eq!(reader.u16(), Ok(0x0201));
        let error = reader.u32().expect_err("only one byte is left");
        assert_eq!(error.to_string(), "WIM header: needs 4 bytes at offset 102, but only 1 are left");
        assert_eq!(reader.u8(), Ok(3), "a failed read does not move the cursor");
    }

    #[test]
    fn utf16_goes_both_ways() {
        assert_eq!(utf16le(&to_utf16le("Zürich 🔑")), "Zürich 🔑");
        assert_eq!(utf16le(&[0x00, 0xD8]), "\u{FFFD}");
    }
}
