//! Clock and chance of a run: from the system, or from the user who wants equal bytes.

use std::time::{SystemTime, UNIX_EPOCH};

use media_core::env::Env;
use media_core::time::Timestamp;
use sha2::{Digest, Sha256};

use crate::error::Error;

const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// The environment of this run.
///
/// # Errors
/// [`Error::Environment`] for a `SOURCE_DATE_EPOCH` that is no number, [`Error::NoRandomness`].
pub(super) fn environment(seed: Option<&str>) -> Result<Env, Error> {
    let seed = match seed {
        Some(text) => seed_from(text),
        None => {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).map_err(|error| Error::NoRandomness(error.to_string()))?;
            seed
        }
    };
    Ok(Env::new(now()?, seed))
}

/// The time of this run: `SOURCE_DATE_EPOCH`, or this computer's clock.
///
/// # Errors
/// [`Error::Environment`].
pub(crate) fn now() -> Result<Timestamp, Error> {
    let wrong = |problem: String| Error::Environment { name: EPOCH, problem };
    let seconds = match std::env::var(EPOCH) {
        Ok(text) => {
            let read = text.parse::<u32>();
            i64::from(
                read.map_err(|_| wrong(format!("{text:?} is not a number of seconds from 0 to 4294967295")))?,
            )
        }
        Err(std::env::VarError::NotUnicode(_)) => return Err(wrong("it is not text".to_owned())),
        Err(std::env::VarError::NotPresent) => return Ok(clock()),
    };
    Ok(Timestamp::from_unix(seconds))
}

/// This computer's clock.
fn clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// What to know about a media certificate that is valid at the time the user has set, and no more by this computer's
/// clock. A time that is set decides every byte, so it stays; a medium that no management point answers is still no
/// surprise to be had later.
pub(super) fn note_expired(expiry: Timestamp, now: Timestamp) -> Option<String> {
    std::env::var_os(EPOCH)?;
    (now <= expiry && expiry < clock()).then(|| {
        format!("the media certificate expired on {expiry} by this computer's clock: {EPOCH} sets the time to {now}")
    })
}

/// 64 hexadecimal digits are the seed itself; of any other text it is the SHA-256.
fn seed_from(text: &str) -> [u8; 32] {
    let mut seed = [0; 32];
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect();
    match digits.filter(|digits| digits.len() == 64) {
        Some(digits) => {
            for (byte, pair) in seed.iter_mut().zip(digits.chunks_exact(2)) {
                *byte = pair[0] << 4 | pair[1];
            }
        }
        None => seed = Sha256::digest(text.as_bytes()).into(),
    }
    seed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds() {
        let hex = "00ff".repeat(16);
        assert_eq!(seed_from(&hex)[..4], [0x00, 0xFF, 0x00, 0xFF]);
        // SHA-256 of `abc`, FIPS 180-2 B.1.
        assert_eq!(seed_from("abc")[..4], [0xBA, 0x78, 0x16, 0xBF]);
        assert_ne!(seed_from(&hex[1..]), seed_from(&hex));
    }
}
