//! GUIDs as a GPT stores them.

use std::fmt;

/// A GUID in the byte order of a GPT: the first three fields little-endian (UEFI Specification, appendix A).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// A version 4 GUID made of 16 random bytes (RFC 4122, section 4.4).
    pub fn from_random(random: [u8; 16]) -> Self {
        let mut bytes = random;
        bytes[7] = bytes[7] & 0x0F | 0x40;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        Self(bytes)
    }

    /// Reads what [`fmt::Display`] writes; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.split('-').collect();
        let printed: [u8; 16] = crate::bytes::from_hex(digits.as_bytes())?[..].try_into().ok()?;
        let mut bytes = [0; 16];
        PRINTED.iter().zip(printed).for_each(|(place, byte)| bytes[*place] = byte);
        Some(Self(bytes)).filter(|guid| guid.to_string().eq_ignore_ascii_case(text))
    }
}

/// In which order the bytes are printed.
const PRINTED: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

impl fmt::Display for Guid {
    /// Upper case with hyphens and without braces.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, place) in PRINTED.into_iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                out.write_str("-")?;
            }
            write!(out, "{:02X}", self.0[place])?;
        }
        Ok(())
    }
}
