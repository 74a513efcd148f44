//! Where the random numbers of each medium of a batch come from.

use media_core::bytes::to_hex_lower;
use media_core::env::Env;
use media_core::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::create::{given_seed, random_seed, seed_from};
use crate::error::Error;
use crate::settings::SeedSource;

/// A seed for the batch, from which that of each medium follows.
pub(super) struct Seeds(SecretString);

impl Seeds {
    /// The one given, or a new one.
    pub(super) fn new(given: Option<&SeedSource>) -> Result<Self, Error> {
        Ok(Self(match given_seed(given)? {
            Some(text) => text,
            None => SecretString::from(to_hex_lower(&*random_seed()?)),
        }))
    }

    /// The environment of a medium: that of `tsmedia create --seed SEED/SERIAL`.
    pub(super) fn env(&self, serial: &str, now: Timestamp) -> Env {
        let text = SecretString::from(format!("{}/{serial}", self.0.expose_secret()));
        Env::new(now, *seed_from(&text))
    }
}
