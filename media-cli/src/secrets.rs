//! Passwords: from a file, standard input, an environment variable, or a person at the terminal.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Error, PasswordProblem};
use crate::input;
use crate::system;

/// Where a password comes from. Never from an argument's value, which every user of the machine can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordSource {
    /// The first line of a file.
    File(PathBuf),
    /// The first line of standard input.
    StandardInput,
    /// An environment variable.
    Environment(String),
    /// A person.
    Prompt,
}

/// Far more than any password; a file that is larger was given by mistake.
const LARGEST: u64 = 64 << 10;

/// Reads a password. `what` names it for messages and the prompt; with `twice` a person has to type it two times.
///
/// # Errors
/// [`Error::Password`] and [`Error::Unreadable`], never with what was read.
pub fn read(source: &PasswordSource, what: &'static str, twice: bool) -> Result<SecretString, Error> {
    let place = describe(source);
    let wrong = |problem| Error::Password { what, place: place.clone(), problem };
    let password = match source {
        PasswordSource::File(path) => first_line(&input::read_small(path, what, LARGEST)?).map_err(wrong)?,
        PasswordSource::StandardInput => {
            let bytes = input::read_limited(io::stdin().lock(), LARGEST, LARGEST);
            let bytes = bytes.map_err(|error| Error::Unreadable { what, path: PathBuf::from("-"), error })?;
            first_line(&bytes.ok_or_else(|| wrong(PasswordProblem::TooLong))?).map_err(wrong)?
        }
        PasswordSource::Environment(name) if !is_variable_name(name) => {
            return Err(wrong(PasswordProblem::NotAName));
        }
        PasswordSource::Environment(name) => match std::env::var(name) {
            Ok(value) if value.is_empty() => return Err(wrong(PasswordProblem::SetToNothing)),
            Ok(value) => SecretString::from(value),
            Err(std::env::VarError::NotPresent) => return Err(wrong(PasswordProblem::NotSet)),
            Err(std::env::VarError::NotUnicode(_)) => return Err(wrong(PasswordProblem::NotText)),
        },
        PasswordSource::Prompt => prompt(what, twice)?,
    };
    if password.expose_secret().is_empty() {
        return Err(wrong(PasswordProblem::Empty));
    }
    // Nobody can type one: an encoding was not recognised, or something was pasted along.
    if password.expose_secret().chars().any(char::is_control) {
        return Err(wrong(PasswordProblem::ControlCharacter));
    }
    Ok(password)
}

/// Where a password comes from by the options that say so; they exclude each other.
pub fn source(file: Option<&Path>, env: Option<&str>, prompt: bool) -> Option<PasswordSource> {
    file.map(|path| first_line_of(path.to_owned()))
        .or_else(|| env.map(|name| PasswordSource::Environment(name.to_owned())))
        .or_else(|| prompt.then_some(PasswordSource::Prompt))
}

/// The first line of a file; `-` is standard input.
pub fn first_line_of(path: PathBuf) -> PasswordSource {
    if path.as_os_str() == "-" { PasswordSource::StandardInput } else { PasswordSource::File(path) }
}

/// Whether text can be the name of an environment variable that a shell has set.
pub fn is_variable_name(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty() && !text.as_bytes()[0].is_ascii_digit() && text.bytes().all(is_word)
}

fn describe(source: &PasswordSource) -> String {
    match source {
        PasswordSource::File(path) => path.display().to_string(),
        PasswordSource::StandardInput => "standard input".to_owned(),
        PasswordSource::Environment(name) if !is_variable_name(name) => "an environment variable".to_owned(),
        PasswordSource::Environment(name) => format!("environment variable {name}"),
        PasswordSource::Prompt => "the terminal".to_owned(),
    }
}

fn prompt(what: &'static str, twice: bool) -> Result<SecretString, Error> {
    let wrong = |problem| Error::Password { what, place: "the terminal".to_owned(), problem };
    // Standard input may be somebody else's: the terminal itself is asked.
    if File::open(system::TERMINAL).is_err() {
        return Err(wrong(PasswordProblem::NoTerminal));
    }
    let ask = |question: String| {
        let answer = rpassword::prompt_password(question).map(Zeroizing::new);
        answer.map_err(|error| Error::Unreadable { what, path: PathBuf::from("the terminal"), error })
    };
    let first = ask(format!("{}: ", capital(what)))?;
    if twice && *ask(format!("{} again: ", capital(what)))? != *first {
        return Err(wrong(PasswordProblem::Different));
    }
    Ok(SecretString::from(first.as_str()))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The first line without its end. Windows editors put a byte order mark before it, or write UTF-16.
fn first_line(bytes: &[u8]) -> Result<SecretString, PasswordProblem> {
    let text = match bytes {
        [0xFF, 0xFE, units @ ..] => utf16(units)?,
        [0xEF, 0xBB, 0xBF, text @ ..] | text => {
            let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
            Zeroizing::new(std::str::from_utf8(line).map_err(|_| PasswordProblem::NotText)?.to_owned())
        }
    };
    let line = text.split('\n').next().unwrap_or_default();
    Ok(SecretString::from(line.strip_suffix('\r').unwrap_or(line)))
}

fn utf16(bytes: &[u8]) -> Result<Zeroizing<String>, PasswordProblem> {
    let mut units: Vec<u16> =
        bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let text = String::from_utf16(&units);
    units.zeroize();
    if bytes.len() % 2 == 1 {
        return Err(PasswordProblem::NotText);
    }
    text.map(Zeroizing::new).map_err(|_| PasswordProblem::NotText)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_environment_variables() {
        for name in ["A", "_", "MEDIA_PASSWORD", "a1"] {
            assert!(is_variable_name(name), "{name}");
        }
        for other in ["", "1A", "S3cret!", "A B", "A-B", "Ä", "A="] {
            assert!(!is_variable_name(other), "{other}");
        }
    }

    #[test]
    fn the_first_line_is_the_password() {
        let line = |bytes: &[u8]| first_line(bytes).map(|password| password.expose_secret().to_owned());
        for (bytes, password) in [
            (b"secret".as_slice(), "secret"),
            (b"secret\n", "secret"),
            (b"secret\r\nmore\r\n", "secret"),
            (b"\xEF\xBB\xBFsecret\n", "secret"),
            (b"\xFF\xFEs\0e\0\r\0\n\0x\0", "se"),
            (b" with spaces \n", " with spaces "),
            (b"good\n\xFF", "good"),
            (b"\n", ""),
            (b"", ""),
        ] {
            assert_eq!(line(bytes).ok().as_deref(), Some(password), "{bytes:?}");
        }
        assert!(line(b"\xFF").is_err());
        assert!(line(b"\xFF\xFEs").is_err());
    }
}
