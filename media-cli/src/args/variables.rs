//! `tsmedia variables`: what can be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use secrecy::SecretString;

use super::key::SigningKeyArgs;
use super::{PasswordArgs, secret};

pub(super) const ABOUT: &str = "\
Shows and changes the media variables of a medium (ISO, disk image or stick) or of a bare variables.dat.

What is not named stays as it is: the order, variables this program does not know, the form of the XML, the cipher. What is \
so already is not changed, and then no byte changes. Without --output the file or medium itself is changed: a bare file is \
replaced by the complete new one, and a medium is changed where it is, with its manifest. A change of a medium that was cut \
short is recognised by every command, and finished by the next `tsmedia variables` that changes it.

A password that is wrong is told apart from a file that is damaged.";

pub(super) const AFTER_HELP: &str = "\
Examples:
  tsmedia variables show media.iso --password-file password.txt
  tsmedia variables set key.img OSDComputerName=REMOTE-7 --password-file password.txt
  tsmedia variables unset key.img OSDComputerName --password-file password.txt --output other.img
  tsmedia variables change-password /dev/sdX --password-file old.txt --new-password-file new.txt";

const EXIT_CODES: &str = "\
Exit codes:
    0  done, or nothing to change
    2  the command line is wrong
    3  an input cannot be used: the password is wrong, or the variables are damaged
    4  the output cannot be written, or has no room
    5  could not look: nothing this program knows
  130  interrupted";

/// What to do with media variables.
#[derive(Debug, Subcommand)]
pub enum VariablesCommand {
    /// Show them; values that may be secret only with --reveal
    #[command(after_help = EXIT_CODES)]
    Show(ShowArgs),
    /// Set variables: those that are there get the value, others come last
    #[command(after_help = EXIT_CODES)]
    Set(SetArgs),
    /// Leave variables out
    #[command(after_help = EXIT_CODES)]
    Unset(UnsetArgs),
    /// Put them under another password, or under none
    #[command(
        long_about = "Puts the media variables under another password, or under none. On a medium TsmBootstrap.ini, which \
                      says whether to ask for a password, is changed along with them.\n\nThe identity of the medium stays: \
                      whoever has a copy of the medium and its old password can still use that. Block a medium that was \
                      lost at the site.",
        after_help = EXIT_CODES
    )]
    ChangePassword(ChangePasswordArgs),
}

/// Where the result goes.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// What the manifest is signed with, on a medium whose manifest is signed
    #[command(flatten)]
    pub signing_key: SigningKeyArgs,
    /// Write the changed medium or file to this file and leave the given one alone
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace an existing output
    #[arg(long, requires = "output")]
    pub force: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// Print nothing when all is well
    #[arg(long, short)]
    pub quiet: bool,
}

/// `tsmedia variables show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The medium, or variables.dat
    #[arg(value_name = "MEDIUM")]
    pub medium: PathBuf,
    /// The password
    #[command(flatten)]
    pub password: PasswordArgs,
    /// Show the values of all media variables, also those that may be secret
    #[arg(long)]
    pub reveal: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `tsmedia variables set`
#[derive(Debug, Args)]
pub struct SetArgs {
    /// The medium, or variables.dat
    #[arg(value_name = "MEDIUM")]
    pub medium: PathBuf,
    /// The variables; a value given here can be seen in the list of processes
    #[arg(value_name = "NAME=VALUE", value_parser = secret, required_unless_present = "vars_file")]
    pub variables: Vec<SecretString>,
    /// Set the variables of this file: lines NAME=VALUE, or TOML when its name ends in .toml
    ///
    /// For values that are secret. `-` is standard input. Of a variable given twice the one on the command line counts.
    #[arg(long, value_name = "FILE")]
    pub vars_file: Option<PathBuf>,
    /// The password
    #[command(flatten)]
    pub password: PasswordArgs,
    /// Where the result goes
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `tsmedia variables unset`
#[derive(Debug, Args)]
pub struct UnsetArgs {
    /// The medium, or variables.dat
    #[arg(value_name = "MEDIUM")]
    pub medium: PathBuf,
    /// The variables' names
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
    /// The password
    #[command(flatten)]
    pub password: PasswordArgs,
    /// Where the result goes
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `tsmedia variables change-password`
#[derive(Debug, Args)]
pub struct ChangePasswordArgs {
    /// The medium, or variables.dat
    #[arg(value_name = "MEDIUM")]
    pub medium: PathBuf,
    /// The password it has
    #[command(flatten)]
    pub password: PasswordArgs,
    /// The password it gets
    #[command(flatten)]
    pub new: NewPasswordArgs,
    /// Leave a medium for a cloud management gateway without a password
    ///
    /// Anyone who holds such a medium can read the certificate on it.
    #[arg(long)]
    pub allow_no_password: bool,
    /// Take a weak new password all the same
    #[arg(long)]
    pub allow_weak_password: bool,
    /// Where the result goes
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Where the new media password comes from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct NewPasswordArgs {
    /// Read the new media password from the first line of this file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub new_password_file: Option<PathBuf>,
    /// Take the new media password from this environment variable
    #[arg(long, value_name = "NAME")]
    pub new_password_env: Option<String>,
    /// Ask for the new media password on the terminal, twice
    #[arg(long)]
    pub new_password_prompt: bool,
    /// Leave the medium without a password
    #[arg(long)]
    pub no_new_password: bool,
}
