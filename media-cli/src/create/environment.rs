//! Clock and chance of a run: from the system, or from the user who wants equal bytes.

use std::time::{SystemTime, UNIX_EPOCH};

use media_core::env::Env;
use media_core::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::secrets;
use crate::settings::SeedSource;

const EPOCH: &str = "SOURCE_DATE_EPOCH";

/// The environment of this run.
///
/// # Errors
/// [`Error::Environment`] for a `SOURCE_DATE_EPOCH` that is no number, [`Error::NoRandomness`], and what
/// [`secrets::read`] says of a seed.
pub(crate) fn environment(seed: Option<&SeedSource>) -> Result<Env, Error> {
    let now = now()?;
    let seed = match given_seed(seed)? {
        Some(text) => seed_from(&text),
        None => random_seed()?,
    };
    Ok(Env::new(now, *seed))
}

/// The text of the seed that the user gave.
///
/// # Errors
/// What [`secrets::read`] says.
pub(crate) fn given_seed(seed: Option<&SeedSource>) -> Result<Option<SecretString>, Error> {
    match seed {
        None => Ok(None),
        Some(SeedSource::Text(text)) => Ok(Some(text.clone())),
        Some(SeedSource::Read(source)) => secrets::read(source, "seed", false).map(Some),
    }
}

/// A seed from the system.
///
/// # Errors
/// [`Error::NoRandomness`].
pub(crate) fn random_seed() -> Result<Zeroizing<[u8; 32]>, Error> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|error| Error::NoRandomness(error.to_string()))?;
    Ok(seed)
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

/// What to know about a media certificate that is valid at the time the user has set, and is not by this computer's
/// clock. A time that is set decides every byte, so it stays; a medium that no management point answers is still no
/// surprise to be had later.
pub(super) fn note_validity((start, expiry): (Timestamp, Timestamp), now: Timestamp) -> Option<String> {
    std::env::var_os(EPOCH)?;
    validity(start, expiry, now, clock())
}

fn validity(start: Timestamp, expiry: Timestamp, now: Timestamp, clock: Timestamp) -> Option<String> {
    let set = format!("by this computer's clock: {EPOCH} sets the time to {now}");
    if now <= expiry && expiry < clock {
        return Some(format!("the media certificate expired on {expiry} {set}"));
    }
    (start <= now && clock < start)
        .then(|| format!("the media certificate is not valid yet, but from {start}, {set}"))
}

/// 64 hexadecimal digits are the seed itself; of any other text it is the SHA-256.
pub(crate) fn seed_from(text: &SecretString) -> Zeroizing<[u8; 32]> {
    let text = text.expose_secret();
    let mut seed = Zeroizing::new([0; 32]);
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let digit = |byte: u8| char::from(byte).to_digit(16).map_or(0, |digit| digit as u8);
        for (byte, pair) in seed.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = digit(pair[0]) << 4 | digit(pair[1]);
        }
    } else {
        *seed = Sha256::digest(text.as_bytes()).into();
    }
    seed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds() {
        let seed_from = |text: &str| *seed_from(&SecretString::from(text));
        let hex = "00ff".repeat(16);
        assert_eq!(seed_from(&hex)[..4], [0x00, 0xFF, 0x00, 0xFF]);
        // SHA-256 of `abc`, FIPS 180-2 B.1.
        assert_eq!(seed_from("abc")[..4], [0xBA, 0x78, 0x16, 0xBF]);
        assert_ne!(seed_from(&hex[1..]), seed_from(&hex));
    }

    #[test]
    fn a_certificate_that_is_valid_at_the_time_set_alone() {
        let [start, now, expiry] = [100, 200, 300].map(Timestamp::from_unix);
        let said = |clock| validity(start, expiry, now, Timestamp::from_unix(clock)).unwrap_or_default();
        assert!(said(99).contains("is not valid yet"), "{}", said(99));
        assert!(said(301).contains("expired on"), "{}", said(301));
        assert_eq!((said(100), said(300)), (String::new(), String::new()));
        // What is not valid at the time set either is said elsewhere.
        assert_eq!(validity(now, expiry, start, Timestamp::from_unix(0)), None);
    }
}
