//! `tsmedia password`: what can be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(super) const ABOUT: &str = "Makes and checks media passwords.\n\nWhoever finds a medium can try passwords as fast as hardware can, without asking \
     anybody. A media password is strong when it has 12 characters or more and holds for a year or more against ten \
     thousand million guesses a second, by an estimate that knows words, names, dates and keyboards. `tsmedia create` \
     takes no other without --allow-weak-password.";

pub(super) const AFTER_HELP: &str = "\
Exit codes:
    0  done; with check: the password is strong
    1  check: the password is weak
    2  the command line is wrong
    3  the password cannot be had
    4  the output, or a result, cannot be written";

/// `tsmedia password`
#[derive(Debug, Subcommand)]
pub enum PasswordCommand {
    /// Make a strong password, and print it or write it to a file
    #[command(
        long_about = "Makes a strong password: 20 random characters in four groups, 92 bits. They are lower-case letters and \
                      digits that are told apart on paper and on the phone, and lie in the same places on a US keyboard, \
                      the default of Windows PE, and on German and French ones. The spaces belong to it."
    )]
    Generate(GenerateArgs),
    /// Say how long a password would hold, and whether `tsmedia create` takes it
    Check(CheckArgs),
}

/// `tsmedia password generate`
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// Write it to this file, which nobody but you can read; printed when not given
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace the file when it is there
    #[arg(long, requires = "output")]
    pub force: bool,
}

/// `tsmedia password check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Read the password from the first line of this file; `-` is standard input
    #[arg(long, value_name = "FILE", group = "password", required_unless_present_any = ["password_env", "password_prompt"])]
    pub password_file: Option<PathBuf>,
    /// Take the password from this environment variable
    #[arg(long, value_name = "NAME", group = "password")]
    pub password_env: Option<String>,
    /// Ask for the password on the terminal
    #[arg(long, group = "password")]
    pub password_prompt: bool,
    /// What an attacker knows of the site, such as its code, its hosts, your organisation's name (repeatable)
    ///
    /// `tsmedia create` takes this from the medium's own settings.
    #[arg(long, value_name = "TEXT")]
    pub known: Vec<String>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}
