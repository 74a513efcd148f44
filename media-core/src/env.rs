//! Clock and chance, as inputs.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::time::Timestamp;

/// What time it is and where random numbers come from. Equal environments give equal media.
///
/// Every random number is drawn for a named purpose from a stream of its own, so that adding a draw in one place
/// changes nothing in another.
pub struct Env {
    now: Timestamp,
    seed: Zeroizing<[u8; 32]>,
}

impl Env {
    /// The time to stamp on everything, and 32 bytes from which all random numbers follow.
    pub fn new(now: Timestamp, seed: [u8; 32]) -> Self {
        Self { now, seed: Zeroizing::new(seed) }
    }

    /// The time stamped on everything.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A generator for one purpose, for example `media certificate key`. The same purpose gives the same numbers.
    pub fn random(&self, purpose: &str) -> ChaCha20Rng {
        let key = Sha256::new().chain_update(*self.seed).chain_update(purpose).finalize();
        ChaCha20Rng::from_seed(key.into())
    }

    /// `N` random bytes for one purpose.
    pub fn bytes<const N: usize>(&self, purpose: &str) -> [u8; N] {
        let mut out = [0; N];
        rand_core::RngCore::fill_bytes(&mut self.random(purpose), &mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_are_independent_and_repeatable() {
        let env = Env::new(Timestamp::from_unix(0), [7; 32]);
        assert_eq!(env.bytes::<16>("disk"), env.bytes::<16>("disk"));
        assert_ne!(env.bytes::<16>("disk"), env.bytes::<16>("partition"));
        assert_ne!(env.bytes::<16>("disk"), Env::new(Timestamp::from_unix(0), [8; 32]).bytes::<16>("disk"));
    }
}
