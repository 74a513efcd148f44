//! A length of time as it is typed: `30d`, `12h`, `6w`, or a number of days.

use std::fmt;
use std::str::FromStr;

/// A length of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// In seconds.
    pub seconds: i64,
    text: String,
}

/// Longer than any certificate lasts, and short enough to count with.
const LONGEST: i64 = 36_525 * 86_400;

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match &text[digits.len()..] {
            "h" => Some(3600),
            "d" | "" => Some(86_400),
            "w" => Some(7 * 86_400),
            _ => None,
        };
        let number =
            digits.parse::<u32>().ok().filter(|_| digits.bytes().all(|digit| digit.is_ascii_digit()));
        let seconds = number.zip(unit).map(|(number, unit)| i64::from(number) * unit);
        match seconds.filter(|seconds| *seconds <= LONGEST) {
            Some(seconds) => Ok(Self { seconds, text: text.to_owned() }),
            None => Err(
                "expected hours, days or weeks up to a hundred years, for example 12h, 30d or 6w; a number \
                         alone is days"
                    .to_owned(),
            ),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_number = self.text.bytes().all(|digit| digit.is_ascii_digit());
        write!(out, "{}{}", self.text, if is_number { "d" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (text, seconds, shown) in [
            ("30d", 2_592_000, "30d"),
            ("30", 2_592_000, "30d"),
            ("12h", 43_200, "12h"),
            ("6w", 3_628_800, "6w"),
            ("0", 0, "0d"),
            ("36525d", LONGEST, "36525d"),
        ] {
            let span: Span = text.parse().expect(text);
            assert_eq!((span.seconds, span.to_string()), (seconds, shown.to_owned()));
        }
        for text in ["", "d", "30m", "-1d", "+1d", "1.5d", "30 d", "30D", "36526d", "99999999999d", "ä", "1ä"]
        {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
