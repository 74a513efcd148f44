//! Checks of single settings.

use std::path::{Path, PathBuf};

use media_core::media::identity::MediaGuid;
use media_core::time::Timestamp;

use super::{Given, SeedSource, Settings};
use crate::error::{Error, Place};
use crate::secrets::{self, PasswordSource};
use crate::values::{DateText, Format, ScriptForm};

/// Checks one setting by its own rule; the error stands at the setting's place.
pub(super) fn checked<T, U, E: ToString>(
    given: &Given<T>,
    check: impl FnOnce(&T) -> Result<U, E>,
) -> Result<U, Error> {
    check(&given.value).map_err(|error| Error::setting(error.to_string(), given.place.clone()))
}

/// The same for a setting that may not have been given.
pub(super) fn checked_if_given<T, U, E: ToString>(
    given: Option<&Given<T>>,
    check: impl FnOnce(&T) -> Result<U, E>,
) -> Result<Option<U>, Error> {
    given.map(|given| checked(given, check)).transpose()
}

/// Two settings that cannot both be given.
pub(super) fn not_both<T, U>(
    first: Option<&Given<T>>,
    second: Option<&Given<U>>,
    why: &str,
) -> Result<(), Error> {
    match (first, second) {
        (Some(first), Some(second)) => Err(Error::conflict(why, second.place.clone(), first.place.clone())),
        _ => Ok(()),
    }
}

/// A date is its first moment.
pub(super) fn start(text: &DateText) -> Result<Timestamp, String> {
    let read = Timestamp::parse(&text.0).ok_or_else(|| {
        format!("{:?} is not a date; expected one such as 2027-01-31 or 2027-01-31T12:00:00Z", text.0)
    })?;
    if read.unix() < 0 {
        return Err(format!("{read} is too early; a certificate made here starts in 1970 or later"));
    }
    Ok(read)
}

/// A date is its last moment: a certificate that expires on a day is valid on that day.
pub(super) fn expiry(text: &DateText) -> Result<Timestamp, String> {
    let read = start(text)?;
    let is_date_alone = text.0.len() == "2027-12-31".len();
    Ok(if is_date_alone { Timestamp::from_unix(read.unix() + 86_399) } else { read })
}

/// A GUID as `SMSUniqueIdentifier` has it: lower-case, without braces.
pub(super) fn unknown_computer(text: &String) -> Result<String, String> {
    match MediaGuid::parse(text) {
        Ok(guid) => Ok(guid.as_str().trim_matches(['{', '}']).to_ascii_lowercase()),
        Err(_) => {
            Err(format!("{text:?} is not a GUID; expected one such as d10d7f98-17dd-4588-b645-34964936023b"))
        }
    }
}

/// The name of an environment variable. It is not repeated: it may be a password in the wrong place.
pub(super) fn environment_variable(source: &PasswordSource) -> Result<(), String> {
    match source {
        PasswordSource::Environment(name) if !secrets::is_variable_name(name) => Err(
            "expected the name of an environment variable, of letters, digits and underscores; is this its value?"
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

/// What the extension of an output says.
pub(super) fn format_by_name(output: &Path) -> Option<Format> {
    let extension = output.extension()?.to_str()?;
    let formats = [("iso", Format::Iso), ("img", Format::Img)];
    formats.into_iter().find(|(known, _)| extension.eq_ignore_ascii_case(known)).map(|(_, format)| format)
}

/// A path on the medium as it is compared: `/` between names, and none before them.
pub(super) fn with_slashes(path: &str) -> String {
    let path = path.replace('\\', "/");
    path.strip_prefix('/').unwrap_or(&path).to_owned()
}

/// A path on the medium, of [`with_slashes`]. What the medium holds is decided elsewhere; three files are always made.
pub(super) fn path_on_medium(path: &str) -> Result<String, String> {
    if path.is_empty() || path.split('/').any(|name| name.is_empty() || name == "." || name == "..") {
        return Err(format!("{path:?} is not a path on the medium; expected one such as boot/boot.sdi"));
    }
    let made = ["sources/boot.wim", "SMS/data/variables.dat", media_core::media::manifest::PATH];
    match made.iter().find(|made| made.eq_ignore_ascii_case(path)) {
        Some(made) => Err(format!("{made} is always made by this program and cannot be given")),
        None => Ok(path.to_owned()),
    }
}

pub(super) fn key_bits(bits: &u32) -> Result<usize, String> {
    match bits {
        1024 | 2048 | 3072 | 4096 => Ok(*bits as usize),
        _ => Err(format!("an RSA key of {bits} bits is not made here; expected 1024, 2048, 3072 or 4096")),
    }
}

/// A number above zero.
pub(super) fn port(port: &u16) -> Result<u16, String> {
    if *port == 0 { Err("port 0 is not a port; expected 1 to 65535".to_owned()) } else { Ok(*port) }
}

/// Images of a WIM file are counted from 1.
pub(super) fn image_index(index: &u32) -> Result<u32, String> {
    if *index == 0 { Err("images are counted from 1".to_owned()) } else { Ok(*index) }
}

pub(super) fn cluster_size(size: u64) -> Result<u32, String> {
    match u32::try_from(size) {
        Ok(size) if size.is_power_of_two() && (512..=32 << 10).contains(&size) => Ok(size),
        _ => Err(format!(
            "a cluster of {size} bytes is not possible; expected a power of two from 512 to 32768 (32K)"
        )),
    }
}

pub(super) fn image_size(size: u64) -> Result<u64, String> {
    whole_sectors("disk image", size)
}

pub(super) fn partition_size(size: u64) -> Result<u64, String> {
    whole_sectors("partition", size)
}

fn whole_sectors(what: &str, size: u64) -> Result<u64, String> {
    if size == 0 || !size.is_multiple_of(512) {
        return Err(format!("a {what} of {size} bytes is not possible; expected a multiple of 512"));
    }
    Ok(size)
}

/// Nothing was given where something has to be.
pub(super) fn missing(what: &str, hint: &str) -> Error {
    Error::setting(what, Place::Nowhere).with_hint(hint)
}

/// Where the record for the site goes; its name says in which form.
pub(super) fn registration(path: &Path) -> Result<(PathBuf, ScriptForm), String> {
    let form = ScriptForm::by_name(path);
    let form = form.ok_or_else(|| format!("{} does not end in .ps1 or .json", path.display()))?;
    Ok((path.to_owned(), form))
}

/// Standard input has one first line, and one reader.
pub(super) fn check_standard_input_of(settings: &Settings) -> Result<(), Error> {
    let passwords =
        settings.password.iter().chain(&settings.certificate_password).chain(&settings.identity_password);
    let passwords = passwords.chain(&settings.signing_key_password);
    let mut readers: Vec<&Place> = passwords
        .filter(|given| given.value == PasswordSource::StandardInput)
        .map(|given| &given.place)
        .collect();
    readers.extend(
        settings.vars_file.iter().filter(|given| given.value.as_os_str() == "-").map(|given| &given.place),
    );
    let reads = |seed: &SeedSource| matches!(seed, SeedSource::Read(PasswordSource::StandardInput));
    readers.extend(settings.seed.iter().filter(|given| reads(&given.value)).map(|given| &given.place));
    match readers.as_slice() {
        [first, second, ..] => {
            let message = "two settings read standard input, which can be read once";
            Err(Error::conflict(message, (*second).clone(), (*first).clone()))
        }
        _ => Ok(()),
    }
}
