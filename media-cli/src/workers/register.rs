//! The register of a batch: what was made for whom. `register.json` is for programs and for the next run, `register.csv` is
//! for people. Passwords stand in neither; `passwords.csv` has them, for its owner alone.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use thiserror::Error as ThisError;
use zeroize::Zeroizing;

use super::cells::{Cell, Table};
use super::{Worker, pairs};
use crate::error::Error;
use crate::output::small_file::{self, Access};
use crate::output::target;
use crate::system;
use crate::{input, json_text};

/// The register for programs.
pub const JSON: &str = "register.json";
/// The register for people.
pub const CSV: &str = "register.csv";
/// The passwords, when they are wanted.
pub const PASSWORDS: &str = "passwords.csv";

/// What this program writes, and all it reads.
const VERSION: u32 = 1;
/// The largest batch with 6 KB a worker.
const LARGEST: u64 = 64 << 20;
const WHAT: &str = "register";

/// A line of the register: a worker and their medium.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The medium's serial number.
    pub serial: String,
    /// Who gets it.
    pub name: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// What their computer is called.
    pub computer_name: Option<String>,
    /// The medium's label.
    pub label: Option<String>,
    /// Whether it was made.
    pub state: State,
    /// Why it was not.
    pub message: Option<String>,
    /// The name of its file, in the folder of the register.
    pub medium: Option<String>,
    /// The media GUID, as the site knows it.
    pub media_guid: Option<String>,
    /// The thumbprint of its certificate, in upper-case hexadecimal.
    pub thumbprint: Option<String>,
    /// When it becomes valid (RFC 3339).
    pub valid_from: Option<String>,
    /// The last moment that it is valid.
    pub valid_until: Option<String>,
    /// The length of its file in bytes.
    pub length: Option<u64>,
    /// SHA-256 of its manifest, in hexadecimal.
    pub manifest_sha256: Option<String>,
    /// The serial number of the stick it was written to; not every stick has one.
    pub device_serial: Option<String>,
    /// When it was written to a stick, and read back unless that was not wanted (RFC 3339).
    #[serde(default)]
    pub device_written: Option<String>,
    /// Columns of the workers file that are for the register alone: their names and cells, in that order.
    #[serde(with = "pairs", default)]
    pub extra: Vec<(String, String)>,
}

/// What became of a medium.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is there.
    Made,
    /// It could not be made; running the batch again tries again.
    #[default]
    Failed,
}

/// Why a register cannot be read.
#[derive(Debug, PartialEq, Eq, ThisError)]
pub enum RegisterProblem {
    /// It is no JSON, or another one.
    #[error("line {line}: it is not what this program writes")]
    NotOne {
        /// The line, counted from 1.
        line: usize,
    },
    /// Somebody else's, or of a later release.
    #[error("it has version {version}, and this program knows version {VERSION}")]
    Version {
        /// The version it says it has.
        version: u32,
    },
    /// Two lines for one medium.
    #[error("the serial number {serial} stands in it twice")]
    Twice {
        /// The serial number.
        serial: String,
    },
}

/// The file `register.json`.
#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    media: &'a [Entry],
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    #[serde(rename = "version")]
    _version: u32,
    media: Vec<Entry>,
}

impl Entry {
    /// What is known of a worker before anything is made.
    pub fn of(worker: &Worker) -> Self {
        Self {
            serial: worker.serial.clone(),
            name: worker.name.clone(),
            email: worker.email.clone(),
            computer_name: worker.computer_name.clone(),
            label: worker.label.clone(),
            extra: worker.extra.clone(),
            ..Self::default()
        }
    }
}

/// Reads the register in a folder of media; `None` when there is none yet.
///
/// # Errors
/// [`Error::Register`], and what reading a small file says.
pub fn read(folder: &Path) -> Result<Option<Vec<Entry>>, Error> {
    let path = folder.join(JSON);
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        _ => {}
    }
    let bytes = input::read_small(&path, WHAT, LARGEST)?;
    entries(&bytes).map(Some).map_err(|problem| Error::Register { path, problem })
}

fn entries(bytes: &[u8]) -> Result<Vec<Entry>, RegisterProblem> {
    let not_one = |error: serde_json::Error| RegisterProblem::NotOne { line: error.line().max(1) };
    // Of a later release nothing else may be as it is here.
    let Version { version } = serde_json::from_slice(bytes).map_err(not_one)?;
    if version != VERSION {
        return Err(RegisterProblem::Version { version });
    }
    let Read { media, .. } = serde_json::from_slice(bytes).map_err(not_one)?;
    let mut known = std::collections::HashSet::new();
    match media.iter().find(|entry| !known.insert(entry.serial.to_ascii_lowercase())) {
        Some(entry) => Err(RegisterProblem::Twice { serial: entry.serial.clone() }),
        None => Ok(media),
    }
}

/// Keeps other runs of this program from the register of a folder for as long as the answer lives.
///
/// # Errors
/// [`Error::BatchInUse`] when another run does so already. A file system without locks has no say.
pub fn lock(folder: &Path) -> Result<Option<File>, Error> {
    let Ok(handle) = system::open_for_lock(folder) else { return Ok(None) };
    match handle.try_lock() {
        Ok(()) => Ok(Some(handle)),
        Err(TryLockError::WouldBlock) => Err(Error::BatchInUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Writes both forms of the register into a folder of media; what was there is replaced. The one that is read again comes
/// first.
///
/// # Errors
/// [`Error::Output`] and [`Error::Write`].
pub fn write(folder: &Path, entries: &[Entry]) -> Result<(), Error> {
    write_for_programs(folder, entries)?;
    write_for_people(folder, entries)
}

/// Writes the form that is read again alone.
///
/// # Errors
/// As [`write`].
pub fn write_for_programs(folder: &Path, entries: &[Entry]) -> Result<(), Error> {
    let json = json_text(&Written { version: VERSION, media: entries })?;
    keep(folder, JSON, Zeroizing::new(json.into_bytes()), Access::Usual)
}

/// Writes the other one. A spreadsheet that has it open may refuse that.
///
/// # Errors
/// As [`write`].
pub fn write_for_people(folder: &Path, entries: &[Entry]) -> Result<(), Error> {
    keep(folder, CSV, table(entries).into_bytes(), Access::Usual)
}

/// Writes the passwords of a batch into its folder, for the owner alone. A password is written as it is: an apostrophe
/// before it would make it another one.
///
/// # Errors
/// As [`write`].
pub fn write_passwords<'a>(
    folder: &Path,
    passwords: impl IntoIterator<Item = (&'a Entry, &'a SecretString)>,
) -> Result<(), Error> {
    let mut lines = vec![["serial", "name", "email", "password"].map(Cell::Text).to_vec()];
    lines.extend(passwords.into_iter().map(|(entry, password)| {
        let email = entry.email.as_deref().unwrap_or_default();
        let [serial, name, email] = [&entry.serial, &entry.name, email].map(Cell::Text);
        vec![serial, name, email, Cell::Exact(password.expose_secret())]
    }));
    keep(folder, PASSWORDS, Table::of(&lines).into_bytes(), Access::Owner)
}

fn keep(folder: &Path, name: &str, bytes: Zeroizing<Vec<u8>>, access: Access) -> Result<(), Error> {
    let path = folder.join(name);
    let target = target::check(&path, true, &[])?;
    small_file::write(&target, &path, bytes, access, true)
}

/// The columns, called as in the workers file; those for the register alone follow.
const COLUMNS: [&str; 16] = [
    "serial",
    "name",
    "email",
    "computer-name",
    "label",
    "state",
    "message",
    "medium",
    "media-guid",
    "thumbprint",
    "valid-from",
    "valid-until",
    "length",
    "manifest-sha256",
    "device-serial",
    "device-written",
];

fn table(entries: &[Entry]) -> Table {
    let mut extra: Vec<&str> = Vec::new();
    for (name, _) in entries.iter().flat_map(|entry| &entry.extra) {
        if !extra.contains(&name.as_str()) {
            extra.push(name);
        }
    }
    let lengths: Vec<String> = entries
        .iter()
        .map(|entry| entry.length.map(|length| length.to_string()).unwrap_or_default())
        .collect();
    let mut lines = vec![COLUMNS.iter().chain(&extra).copied().map(Cell::Text).collect::<Vec<_>>()];
    lines.extend(entries.iter().zip(&lengths).map(|(entry, length)| line(entry, length, &extra)));
    Table::of(&lines)
}

fn line<'a>(entry: &'a Entry, length: &'a str, extra: &[&str]) -> Vec<Cell<'a>> {
    fn text(text: &Option<String>) -> &str {
        text.as_deref().unwrap_or_default()
    }
    let state = match entry.state {
        State::Made => "made",
        State::Failed => "failed",
    };
    let own = [
        &entry.serial,
        &entry.name,
        text(&entry.email),
        text(&entry.computer_name),
        text(&entry.label),
        state,
        text(&entry.message),
        text(&entry.medium),
        text(&entry.media_guid),
        text(&entry.thumbprint),
        text(&entry.valid_from),
        text(&entry.valid_until),
        length,
        text(&entry.manifest_sha256),
        text(&entry.device_serial),
        text(&entry.device_written),
    ];
    let cell = |name: &&str| {
        let found = entry.extra.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, cell)| cell.as_str())
    };
    own.into_iter().chain(extra.iter().map(cell)).map(Cell::Text).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn made() -> Entry {
        let some = |text: &str| Some(text.to_owned());
        Entry {
            serial: "K-1".to_owned(),
            name: "Anna Žák".to_owned(),
            email: some("anna@contoso.com"),
            computer_name: some("PC-7"),
            label: some("Rescue, 1"),
            state: State::Made,
            message: None,
            medium: some("K-1.img"),
            media_guid: some("{8B9E032D-A106-4E2E-A792-7A58332B96E5}"),
            thumbprint: some("0123456789ABCDEF0123456789ABCDEF01234567"),
            valid_from: some("2026-11-25T00:00:00Z"),
            valid_until: some("2027-11-25T23:59:59Z"),
            length: Some(536_870_912),
            manifest_sha256: some(&"ab".repeat(32)),
            device_serial: some("4C530001230415117203"),
            device_written: some("2026-11-26T12:00:00Z"),
            extra: vec![("x-room".to_owned(), "=2+5".to_owned())],
        }
    }

    fn failed() -> Entry {
        Entry {
            serial: "K-2".to_owned(),
            name: "=cmd|'/C calc'!A0".to_owned(),
            message: Some("no space left on device".to_owned()),
            extra: vec![("#".to_owned(), "2".to_owned()), ("x-room".to_owned(), String::new())],
            ..Entry::default()
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        assert_eq!(read(folder.path()).expect("there is none yet"), None);
        let entries = vec![made(), failed()];
        for _ in 0..2 {
            write(folder.path(), &entries).expect("it is written, and replaced");
        }
        assert_eq!(read(folder.path()).expect("it is read"), Some(entries.clone()));
        let text = |name| fs::read_to_string(folder.path().join(name)).expect("it is there");
        insta::with_settings!({ snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cli/snapshots"), prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("register-json", text(JSON));
            insta::assert_snapshot!("register-csv", text(CSV).replace("\r\n", "<CRLF>\n"));
        });
        // Nothing else is left there.
        assert_eq!(fs::read_dir(folder.path()).expect("it is a folder").count(), 2);
    }

    #[test]
    fn passwords_are_for_their_owner_and_stay_as_they_are() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let passwords = ["=1,\"2\"", "tangle mosaic"].map(SecretString::from);
        let entries = [made(), failed()];
        // One that others could read is replaced by one that they cannot.
        fs::write(folder.path().join(PASSWORDS), "").expect("it is written");
        write_passwords(folder.path(), entries.iter().zip(&passwords)).expect("it is written");
        let path = folder.path().join(PASSWORDS);
        assert_eq!(path.metadata().expect("it is there").permissions().mode() & 0o777, 0o600);
        assert_eq!(
            fs::read_to_string(path).expect("it is there"),
            "\u{FEFF}serial,name,email,password\r\n\
             K-1,Anna Žák,anna@contoso.com,\"=1,\"\"2\"\"\"\r\n\
             K-2,'=cmd|'/C calc'!A0,,tangle mosaic\r\n"
        );
    }

    #[test]
    fn what_is_no_register_is_refused() {
        let twice = serde_json::to_string(&Written { version: 1, media: &[made(), made()] });
        let twice = twice.expect("it is JSON");
        for (text, problem) in [
            ("", RegisterProblem::NotOne { line: 1 }),
            ("{\n\"version\": 1\n}", RegisterProblem::NotOne { line: 3 }),
            ("{\n\"version\": 1,\n\"media\": [{}]}", RegisterProblem::NotOne { line: 3 }),
            ("{\"version\": 1, \"media\": [], \"more\": 1}", RegisterProblem::NotOne { line: 1 }),
            ("{\"version\": 2, \"things\": []}", RegisterProblem::Version { version: 2 }),
            (&twice, RegisterProblem::Twice { serial: "K-1".to_owned() }),
        ] {
            assert_eq!(entries(text.as_bytes()), Err(problem), "{text}");
        }
    }
}
