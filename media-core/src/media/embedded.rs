//! Certificates inside text, as values of variables hold them: hexadecimal, Base64 or PEM, one or several, with anything
//! around them.

use zeroize::Zeroizing;

use crate::bytes::{from_base64, from_hex};
use crate::x509::Certificate;

/// How many things that look like a certificate or token are tried on one medium. Real media have about ten.
const MOST_TRIED: u32 = 4096;
/// `SEQUENCE` with a length in two bytes: nothing shorter than 256 bytes is a certificate, and nothing above 64 KiB.
const DER_HEADER: usize = 4;

/// How much looking is left.
pub(super) struct Budget {
    left: u32,
    exceeded: bool,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { left: MOST_TRIED, exceeded: false }
    }

    /// Whether one more may be tried.
    pub(super) fn spend(&mut self) -> bool {
        self.exceeded |= self.left == 0;
        self.left = self.left.saturating_sub(1);
        !self.exceeded
    }

    /// Whether there was more to try.
    pub(super) fn was_exceeded(&self) -> bool {
        self.exceeded
    }
}

/// Every certificate in a text. PEM needs nothing of its own: between its lines of dashes it is Base64.
pub(super) fn certificates(text: &str, budget: &mut Budget) -> Vec<Certificate> {
    let hex = Encoding {
        digit: |byte| byte.is_ascii_hexdigit(),
        starts: starts_hex,
        chars: |len| len * 2,
        decode: from_hex,
    };
    let base64 = Encoding {
        digit: |byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte),
        starts: starts_base64,
        chars: |len| (len * 4).div_ceil(3),
        decode: from_base64,
    };
    let mut found = hex.find(text, budget);
    found.extend(base64.find(text, budget));
    found
}

struct Encoding {
    digit: fn(u8) -> bool,
    /// Whether a certificate may start here.
    starts: fn(&[u8]) -> bool,
    /// How many digits so many bytes take.
    chars: fn(usize) -> usize,
    decode: fn(&[u8]) -> Option<Zeroizing<Vec<u8>>>,
}

impl Encoding {
    fn find(&self, text: &str, budget: &mut Budget) -> Vec<Certificate> {
        let mut found = Vec::new();
        let is_other = |byte: &u8| !(self.digit)(*byte) && !byte.is_ascii_whitespace();
        for piece in text.as_bytes().split(is_other) {
            // Lines may be broken anywhere.
            let digits = piece.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
            let digits = Zeroizing::new(digits.collect::<Vec<u8>>());
            let mut at = 0;
            while at < digits.len() {
                if !(self.starts)(&digits[at..]) {
                    at += 1;
                    continue;
                }
                if !budget.spend() {
                    return found;
                }
                match self.read(&digits[at..]) {
                    Some((certificate, len)) => {
                        found.push(certificate);
                        at += len;
                    }
                    None => at += 1,
                }
            }
        }
        found
    }

    /// The certificate at the start of some digits, and how many it takes.
    fn read(&self, digits: &[u8]) -> Option<(Certificate, usize)> {
        let header = (self.decode)(digits.get(..(self.chars)(DER_HEADER))?)?;
        let len = DER_HEADER + usize::from(u16::from_be_bytes([*header.get(2)?, *header.get(3)?]));
        let chars = (self.chars)(len);
        let der = (self.decode)(digits.get(..chars)?)?;
        Some((Certificate::from_der(der.get(..len)?).ok()?, chars))
    }
}

fn starts_hex(digits: &[u8]) -> bool {
    digits.starts_with(b"3082")
}

/// `30 82`, and the first bits of a length.
fn starts_base64(digits: &[u8]) -> bool {
    matches!(digits, [b'M', b'I', b'I'..=b'L', ..])
}
