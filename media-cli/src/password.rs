//! `tsmedia password`: makes and checks media passwords.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use media_core::env::Env;
use media_core::media::password::{self, GENERATED_BITS, Strength};
use media_core::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::args::password::{CheckArgs, GenerateArgs, PasswordCommand};
use crate::error::{Error, Exit, OutputProblem};
use crate::secrets::{self, PasswordSource};
use crate::{eprint, print, show};

/// Makes or checks a password.
pub fn run(command: PasswordCommand) -> Result<Exit, Error> {
    match command {
        PasswordCommand::Generate(args) => generate(&args),
        PasswordCommand::Check(args) => check(&args),
    }
}

fn generate(args: &GenerateArgs) -> Result<Exit, Error> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|error| Error::NoRandomness(error.to_string()))?;
    // Nothing here depends on the time.
    let env = Env::new(Timestamp::from_unix(0), *seed);
    let made = password::generate(&mut env.random("media password"));
    let line = SecretString::from(Zeroizing::new(format!("{}\n", made.expose_secret())).as_str());
    let strength = password::strength(&made, &[]);
    let said = format!("{GENERATED_BITS} bits; would hold for {}", strength.holds());
    match &args.output {
        // What is printed is the password alone, for a script.
        None => print(line.expose_secret()).map(|()| eprint(&format!("{said}\n")))?,
        Some(path) => {
            write(path, &line, args.force)
                .map_err(|problem| Error::Output { path: path.clone(), problem })?;
            print(&format!("Password in {}: {said}\n", crate::output::Shown(path.display())))?;
        }
    }
    Ok(Exit::Done)
}

/// Writes a file that nobody but its owner can read, whole or not at all.
fn write(path: &Path, line: &SecretString, force: bool) -> Result<(), OutputProblem> {
    if path.symlink_metadata().is_ok_and(|facts| facts.is_dir()) {
        return Err(OutputProblem::Folder);
    }
    let name = path.file_name().ok_or(OutputProblem::NoName)?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}", std::process::id()));
    let made_at = if force { path.with_file_name(temporary) } else { path.to_owned() };
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&made_at);
    let written = opened.and_then(|mut file| {
        let written = file
            .write_all(line.expose_secret().as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| if force { fs::rename(&made_at, path) } else { Ok(()) });
        if written.is_err() {
            let _ = fs::remove_file(&made_at);
        }
        written
    });
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => OutputProblem::Exists,
        _ => OutputProblem::System(error),
    })
}

/// What is known of a password; never the password.
#[derive(Serialize)]
struct Checked {
    strong: bool,
    characters: usize,
    /// How many guesses find it at least, as a decimal logarithm.
    guesses_log10: f64,
    holds: String,
    ascii: bool,
}

fn check(args: &CheckArgs) -> Result<Exit, Error> {
    let source = match (&args.password_file, &args.password_env) {
        (Some(path), _) if path.as_os_str() == "-" => PasswordSource::StandardInput,
        (Some(path), _) => PasswordSource::File(path.clone()),
        (None, Some(name)) => PasswordSource::Environment(name.clone()),
        (None, None) => PasswordSource::Prompt,
    };
    let read = secrets::read(&source, "media password", false)?;
    let known: Vec<&str> = args.known.iter().map(String::as_str).collect();
    let strength = password::strength(&read, &known);
    let checked = Checked {
        strong: strength.is_strong(),
        characters: strength.characters,
        guesses_log10: (strength.guesses_log10 * 10.0).round() / 10.0,
        holds: strength.holds().to_string(),
        ascii: strength.is_ascii,
    };
    show(&checked, args.json)?;
    Ok(if checked.strong { Exit::Done } else { Exit::Found })
}

impl fmt::Display for Checked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.strong { "strong" } else { "WEAK" };
        writeln!(out, "{verdict}: {} characters, would hold for {}", self.characters, self.holds)?;
        if self.ascii { Ok(()) } else { writeln!(out, "note: {NOT_ASCII}") }
    }
}

/// What to know about a password that a US keyboard cannot type.
const NOT_ASCII: &str =
    "the media password has characters that are not on a US keyboard, the default of Windows PE";

/// Refuses a weak password for a medium, unless it is allowed; says what is worth knowing of others.
pub(crate) fn accept(strength: Strength, allow_weak: bool, notes: &mut Vec<String>) -> Result<(), Error> {
    if !strength.is_strong() {
        if !allow_weak {
            return Err(Error::WeakPassword(strength));
        }
        notes.push(format!(
            "the media password is weak: it would hold for {} against whoever finds the medium",
            strength.holds()
        ));
    }
    notes.extend((!strength.is_ascii).then(|| NOT_ASCII.to_owned()));
    Ok(())
}
