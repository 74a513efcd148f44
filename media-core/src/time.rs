//! One kind of time: whole seconds in UTC, converted where a format wants its own.

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;
use ::time::macros::format_description;

/// Seconds since 1970-01-01T00:00:00Z, between the years 1601 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Seconds between 1601-01-01 (FILETIME's epoch) and 1970-01-01.
const FILETIME_EPOCH: i64 = 11_644_473_600;
const YEAR_9999_END: i64 = 253_402_300_799;

impl Timestamp {
    /// The time `seconds` after 1970-01-01T00:00:00Z, moved into the years 1601 to 9999 when outside them.
    pub fn from_unix(seconds: i64) -> Self {
        Self(seconds.clamp(-FILETIME_EPOCH, YEAR_9999_END))
    }

    /// The same at compile time, for moments that are in those years.
    pub(crate) const fn from_unix_const(seconds: i64) -> Self {
        assert!(seconds >= -FILETIME_EPOCH && seconds <= YEAR_9999_END);
        Self(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn unix(self) -> i64 {
        self.0
    }

    /// The Windows FILETIME: 100-nanosecond intervals since 1601-01-01T00:00:00Z.
    pub fn filetime(self) -> u64 {
        (self.0 + FILETIME_EPOCH).unsigned_abs() * 10_000_000
    }

    /// From a Windows FILETIME, cut to whole seconds.
    pub fn from_filetime(filetime: u64) -> Self {
        Self::from_unix(
            i64::try_from(filetime / 10_000_000).unwrap_or(i64::MAX).saturating_sub(FILETIME_EPOCH),
        )
    }

    /// As a calendar date and time in UTC.
    pub fn calendar(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// Reads `2027-01-31` (midnight UTC) or RFC 3339 (`2027-01-31T12:00:00+01:00`).
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(moment) = OffsetDateTime::parse(text, &Rfc3339) {
            return Some(Self::from_unix(moment.unix_timestamp()));
        }
        let date = ::time::Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
        Some(Self::from_unix(date.midnight().assume_utc().unix_timestamp()))
    }

    /// This time moved by whole days.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self::from_unix(self.0.saturating_add(days.saturating_mul(86_400)))
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.calendar().format(&Rfc3339).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filetime_of_a_known_moment() {
        // MS-DTYP 2.3.3: FILETIME counts from 1601; 1970-01-01 is 116444736000000000.
        assert_eq!(Timestamp::from_unix(0).filetime(), 116_444_736_000_000_000);
        assert_eq!(Timestamp::from_filetime(116_444_736_010_000_000).unix(), 1);
    }

    #[test]
    fn dates_are_read_and_written() {
        let noon = Timestamp::parse("2027-01-31T13:00:00+01:00").expect("RFC 3339");
        assert_eq!(noon.to_string(), "2027-01-31T12:00:00Z");
        assert_eq!(
            Timestamp::parse("2027-01-31").map(|day| day.to_string()).as_deref(),
            Some("2027-01-31T00:00:00Z")
        );
        assert_eq!(Timestamp::parse("31.01.2027"), None);
        assert_eq!(Timestamp::from_unix(i64::MAX).to_string(), "9999-12-31T23:59:59Z");
    }
}
