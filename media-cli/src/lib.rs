//! The command `tsmedia`: words, exit codes and files around the library `media-core`.
//!
//! Standard output is for results, standard error for talk. Every error is formed in [`error`], every option in
//! [`args`], and what the options and the spec file mean is decided in [`settings`].

pub mod args;
mod batch;
mod boot_image;
mod certificates;
mod create;
mod devices;
pub mod error;
mod identity;
mod input;
mod inspect;
mod interrupt;
mod key;
mod letter;
mod manual;
mod output;
mod password;
mod personalise;
mod preflight;
mod progress;
mod rework;
mod secrets;
pub mod settings;
mod site;
pub mod site_file;
pub mod span;
pub mod spec_file;
mod sticks;
mod system;
pub mod values;
mod variables;
mod variables_file;
mod verify;
pub mod workers;
mod write;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use args::{Cli, Command};
use error::{Error, Exit};

pub use secrets::PasswordSource;

/// The command line's definition, for completions, the manual page and documentation.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command and says how it ended.
pub fn run<I, T>(arguments: I) -> ExitCode
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let cli = match command().try_get_matches_from(arguments).and_then(|found| Cli::from_arg_matches(&found))
    {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output, mistakes to standard error.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage as u8));
        }
    };
    let result = match cli.command {
        Command::Create(args) => create::create(*args),
        Command::Preflight(args) => preflight::preflight(*args),
        Command::Inspect(args) => inspect::inspect(&args),
        Command::Verify(args) => verify::verify(&args),
        Command::BootImage(command) => boot_image::run(command),
        Command::Password(command) => password::run(command),
        Command::Identity(command) => identity::run(command),
        Command::Key(command) => key::run(command),
        Command::Site(command) => site::run(command),
        Command::Variables(command) => variables::run(command),
        Command::Personalise(args) => personalise::personalise(&args),
        Command::Devices(args) => devices::devices(&args),
        Command::Write(args) => write::write(&args),
        Command::Letter(args) => letter::example(args),
        Command::Completions { shell } => manual::completions(shell),
        Command::Schema { what } => manual::schema(what),
        Command::Manual { command } => manual::page(command.as_deref()),
    };
    let exit = result.unwrap_or_else(|error| {
        eprint(&error.render(colour()));
        error.exit()
    });
    ExitCode::from(exit as u8)
}

/// Whether messages are coloured: on a terminal, unless the user does not want it (<https://no-color.org>).
fn colour() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Prints talk. A closed standard error is nobody listening, not a failure.
fn eprint(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Prints a result. A reader that has seen enough (`| head`) is not a failure.
fn print(text: &str) -> Result<(), Error> {
    print_bytes(text.as_bytes())
}

/// Prints a result that may be no text.
fn print_bytes(bytes: &[u8]) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Error::StandardOutput(error)),
        Ok(()) => Ok(()),
    }
}

/// Prints a result: one JSON object, or text.
fn show(result: &(impl serde::Serialize + std::fmt::Display), json: bool) -> Result<(), Error> {
    if json { print_json(result) } else { print(&result.to_string()) }
}

/// Prints a result as JSON.
fn print_json(value: &impl serde::Serialize) -> Result<(), Error> {
    print(&json_text(value)?)
}

/// A result as JSON.
fn json_text(value: &impl serde::Serialize) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Error::StandardOutput(error.into()))?;
    Ok(format!("{text}\n"))
}
