//! A password for each medium: the worker's own, one that is known from before, or a new one.

use std::path::Path;

use media_core::env::Env;
use media_core::media::password;
use media_core::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::args::batch::BatchArgs;
use crate::create::random_seed;
use crate::error::{Error, Place};
use crate::secrets::{self, PasswordSource};
use crate::workers::{self, Worker};

/// The password for media that have none of their own.
pub(super) fn shared(source: Option<&PasswordSource>) -> Result<Option<SecretString>, Error> {
    source.map(|source| secrets::read(source, "media password", true)).transpose()
}

/// A password for each worker, in their order.
///
/// # Errors
/// [`Error::Setting`] when one would have to be made that nobody would know.
pub(super) fn all(
    folder: &Path,
    list: &[Worker],
    options: &BatchArgs,
    shared: Option<SecretString>,
) -> Result<Vec<SecretString>, Error> {
    let known = workers::passwords::read(folder)?;
    // Nothing here depends on the time, and nothing on the seed of the batch: who knows that has the keys, but not these.
    let env = Env::new(Timestamp::from_unix(0), *random_seed()?);
    let mut all = Vec::with_capacity(list.len());
    for worker in list {
        let before = known.iter().find(|(serial, _)| *serial == worker.serial).map(|(_, password)| password);
        let password = worker.password.clone().or_else(|| shared.clone()).or_else(|| before.cloned());
        all.push(match password {
            Some(password) => password,
            None if options.write_passwords => {
                password::generate(&mut env.random(&format!("media password of {}", worker.serial)))
            }
            None => {
                let message = format!(
                    "line {} of the workers file gives no password, and nobody would know one that is made",
                    worker.line
                );
                let hint = "--write-passwords writes them into passwords.csv, which only its owner can read";
                return Err(Error::setting(message, Place::Option("--workers")).with_hint(hint));
            }
        });
    }
    if !options.allow_shared_password {
        for (number, one) in all.iter().enumerate() {
            let same = all[..number].iter().position(|other| other.expose_secret() == one.expose_secret());
            if let Some(same) = same {
                let (first, second) = (list[same].line, list[number].line);
                let message =
                    format!("lines {first} and {second} of the workers file have the same password");
                let hint = "give each medium its own, or leave it out and have one made: --write-passwords";
                return Err(Error::setting(message, Place::Option("--workers")).with_hint(hint));
            }
        }
    }
    Ok(all)
}
