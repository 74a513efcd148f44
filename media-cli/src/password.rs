//! `tsmedia password`: makes and checks media passwords.

use std::fmt;

use media_core::env::Env;
use media_core::media::password::{self, GENERATED_BITS, Strength};
use media_core::time::Timestamp;
use secrecy::ExposeSecret;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::args::password::{CheckArgs, GenerateArgs, PasswordCommand};
use crate::create::random_seed;
use crate::error::{Error, Exit};
use crate::output::small_file::{self, Access};
use crate::output::target;
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
    // Nothing here depends on the time.
    let env = Env::new(Timestamp::from_unix(0), *random_seed()?);
    let made = password::generate(&mut env.random("media password"));
    let line = Zeroizing::new(format!("{}\n", made.expose_secret()));
    let strength = password::strength(&made, &[]);
    let said = format!("{GENERATED_BITS} bits; would hold for {}", strength.holds());
    match &args.output {
        // What is printed is the password alone, for a script.
        None => print(&line).map(|()| eprint(&format!("{said}\n")))?,
        Some(path) => {
            let target = target::check(path, args.force, &[])?;
            let line = Zeroizing::new(line.as_bytes().to_vec());
            small_file::write(&target, path, line, Access::Owner, args.force)?;
            print(&format!("Password in {}: {said}\n", crate::output::Shown(path.display())))?;
        }
    }
    Ok(Exit::Done)
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
    // One of the three is required.
    let source =
        secrets::source(args.password_file.as_deref(), args.password_env.as_deref(), args.password_prompt)
            .unwrap_or(PasswordSource::Prompt);
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
