//! Identifiers in registry form.

/// An identifier, as the 16 bytes Windows stores: the first three fields little-endian, the rest as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// All zero: no object.
    pub const NONE: Self = Self([0; 16]);

    /// From the fields of the written form `{aaaaaaaa-bbbb-cccc-dddd-dddddddddddd}`.
    pub const fn from_fields(a: u32, b: u16, c: u16, d: u64) -> Self {
        let ([a0, a1, a2, a3], [b0, b1], [c0, c1]) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
        let [d0, d1, d2, d3, d4, d5, d6, d7] = d.to_be_bytes();
        Self([a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, d2, d3, d4, d5, d6, d7])
    }

    /// Reads the written form, with its braces, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.strip_prefix('{')?.strip_suffix('}')?.split('-').collect();
        let [a, b, c, d, e] = fields.as_slice() else { return None };
        let hex = |text: &str, digits: usize| {
            (text.len() == digits && text.bytes().all(|digit| digit.is_ascii_hexdigit()))
                .then(|| u64::from_str_radix(text, 16).ok())
                .flatten()
        };
        Some(Self::from_fields(
            u32::try_from(hex(a, 8)?).ok()?,
            u16::try_from(hex(b, 4)?).ok()?,
            u16::try_from(hex(c, 4)?).ok()?,
            hex(d, 4)? << 48 | hex(e, 12)?,
        ))
    }
}

impl std::fmt::Display for Guid {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, rest @ ..] = self.0;
        let (a, b, c) = (
            u32::from_le_bytes([a0, a1, a2, a3]),
            u16::from_le_bytes([b0, b1]),
            u16::from_le_bytes([c0, c1]),
        );
        write!(out, "{{{a:08x}-{b:04x}-{c:04x}-{d0:02x}{d1:02x}-")?;
        rest.iter().try_for_each(|byte| write!(out, "{byte:02x}"))?;
        write!(out, "}}")
    }
}
