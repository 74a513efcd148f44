//! The command line: what can be typed, and the words that explain it.

pub mod batch;
pub mod boot_image;
mod create;
pub mod identity;
pub mod key;
pub mod letter;
pub mod password;
pub mod personalise;
mod preflight;
pub mod site;
pub mod sticks;
pub mod variables;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use secrecy::SecretString;

use crate::error::{Error, Place};
use crate::secrets::{self, PasswordSource};
use crate::settings::{Given, SeedSource};
use crate::span::Span;

pub use create::{BootArgs, CreateArgs, MediaArgs, OutputArgs, RunArgs, SecurityArgs, SiteArgs};
pub use preflight::{ExportArgs, PreflightArgs};

/// Makes bootable task sequence media for Microsoft Configuration Manager.
#[derive(Parser)]
#[command(
    name = "tsmedia",
    bin_name = "tsmedia",
    version,
    about = "Makes bootable task sequence media for Microsoft Configuration Manager",
    long_about = "Makes bootable task sequence media for Microsoft Configuration Manager: the Create Task Sequence \
                  Media wizard as one command, on Linux and Windows. It needs the site's boot image and nothing else: no \
                  console, no Windows ADK, no administrator rights.",
    after_long_help = EXAMPLES_AND_EXIT_CODES,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Make a medium: a disk image for a USB stick (.img), or a CD image (.iso)
    #[command(
        long_about = create::ABOUT,
        after_help = create::AFTER_HELP,
        after_long_help = create::AFTER_LONG_HELP
    )]
    Create(Box<CreateArgs>),
    /// Check, before a medium is made, whether it and its site fit together
    #[command(
        long_about = preflight::ABOUT,
        after_help = create::AFTER_HELP,
        after_long_help = preflight::AFTER_LONG_HELP
    )]
    Preflight(Box<PreflightArgs>),
    /// Show what is on a medium, in a boot image, a variables file or a registry hive
    #[command(
        long_about = "Shows what is on a medium (ISO, disk image or stick), in a boot image (.wim), a media variables \
                      file (variables.dat) or a registry hive. Changes nothing.\n\nThe media variables can be shown \
                      when the medium has no password, or its password is given. Values that may be secret are not \
                      shown without --reveal.",
        after_help = EXIT_CODES_OF_INSPECT
    )]
    Inspect(InspectArgs),
    /// Check a medium: every structure, and every file against the manifest
    #[command(
        long_about = "Checks a medium (ISO, disk image or stick): its partition table and file system, both boot \
                      configuration stores, every file of the boot image, and every file against the manifest that \
                      `tsmedia create` puts on the medium. A boot image (.wim) or registry hive alone can be checked \
                      too. Changes nothing.",
        after_help = EXIT_CODES_OF_VERIFY
    )]
    Verify(VerifyArgs),
    /// Look into boot images and service them: the certificates they trust, without mounting them
    #[command(
        subcommand,
        long_about = boot_image::ABOUT,
        after_help = boot_image::AFTER_HELP
    )]
    BootImage(boot_image::BootImageCommand),
    /// Make a strong media password, or check one
    #[command(subcommand, long_about = password::ABOUT, after_help = password::AFTER_HELP)]
    Password(password::PasswordCommand),
    /// Make media identities, and say what a site has to know of them
    #[command(
        subcommand,
        long_about = identity::ABOUT,
        after_help = identity::AFTER_HELP
    )]
    Identity(identity::IdentityCommand),
    /// Make and show the keys that manifests are signed with
    #[command(
        subcommand,
        long_about = key::ABOUT,
        after_help = key::AFTER_HELP
    )]
    Key(key::KeyCommand),
    /// Read from a medium of the site's own console what the site's media are like
    #[command(
        subcommand,
        long_about = site::ABOUT,
        after_help = site::AFTER_HELP
    )]
    Site(site::SiteCommand),
    /// Show and change the media variables of a medium or of a variables.dat, in place
    #[command(
        subcommand,
        long_about = variables::ABOUT,
        after_help = variables::AFTER_HELP
    )]
    Variables(variables::VariablesCommand),
    /// Make a finished medium somebody else's: new identity, password, label; only what differs is written
    #[command(
        long_about = personalise::ABOUT,
        after_help = personalise::AFTER_HELP
    )]
    Personalise(Box<personalise::PersonaliseArgs>),
    /// List the disks of this machine, and which of them can be written
    #[command(long_about = sticks::ABOUT_DEVICES, after_help = sticks::AFTER_HELP_DEVICES)]
    Devices(sticks::DevicesArgs),
    /// Write a medium onto sticks: many at once, read back and compared
    #[command(long_about = sticks::ABOUT_WRITE, after_help = sticks::AFTER_HELP_WRITE)]
    Write(sticks::WriteArgs),
    /// Print the letter that goes with a medium, with example facts
    #[command(long_about = letter::ABOUT, after_help = letter::AFTER_HELP)]
    Letter(letter::ExampleArgs),
    /// Print a script that completes this command's options in a shell
    #[command(
        long_about = "Prints a script that lets a shell complete this command's options with the Tab key. For bash:\n\n  \
                      tsmedia completions bash > ~/.local/share/bash-completion/completions/tsmedia"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the JSON schema of spec files, for editors that complete and check them
    Schema {
        /// What to describe: spec files, or what `tsmedia preflight --json` prints
        #[arg(value_enum, default_value_t = Described::Spec, value_name = "WHAT")]
        what: Described,
    },
    /// Print the manual page
    #[command(hide = true)]
    Manual {
        /// The command to print the page of, for example `create`; all of tsmedia when not given
        command: Option<String>,
    },
}

/// What `tsmedia schema` describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Described {
    /// Spec files
    Spec,
    /// The result of `tsmedia preflight --json`
    Preflight,
}

/// Where the media password comes from.
#[derive(Debug, Args)]
pub struct PasswordArgs {
    /// Read the media password from the first line of this file; `-` is standard input
    #[arg(long, value_name = "FILE", group = "password")]
    pub password_file: Option<PathBuf>,
    /// Take the media password from this environment variable
    #[arg(long, value_name = "NAME", group = "password")]
    pub password_env: Option<String>,
    /// Ask for the media password on the terminal
    #[arg(long, group = "password")]
    pub password_prompt: bool,
}

impl PasswordArgs {
    /// Nowhere, when there is none.
    pub(crate) fn source(&self) -> Option<PasswordSource> {
        secrets::source(self.password_file.as_deref(), self.password_env.as_deref(), self.password_prompt)
    }

    /// The password, where one is given.
    ///
    /// # Errors
    /// As [`secrets::read`].
    pub(crate) fn read(&self) -> Result<Option<SecretString>, Error> {
        self.source().map(|source| secrets::read(&source, "media password", false)).transpose()
    }
}

/// `tsmedia inspect`
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The file or device to look at: ISO, disk image or stick, .wim, variables.dat, or a registry hive
    #[arg(value_name = "MEDIUM")]
    pub medium: PathBuf,
    /// The media password
    #[command(flatten)]
    pub password: PasswordArgs,
    /// Show the values of all media variables, also those that may be secret
    #[arg(long)]
    pub reveal: bool,
    /// End with exit code 1 when the medium ends sooner than this from now: 30d, 12h, 6w, or a number of days
    ///
    /// What ends first counts: the media certificate, a certificate added to the boot image, or a certificate or token in a
    /// media variable. When a password is needed to look at the variables and none is given, the media certificate is not
    /// known: the exit code is 5, unless something else ends too soon.
    #[arg(long, value_name = "TIME")]
    pub fail_if_expires_within: Option<Span>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `tsmedia verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The file or device to check: ISO, disk image or stick, .wim, or a registry hive
    #[arg(value_name = "MEDIUM")]
    pub medium: PathBuf,
    /// The public key or certificate that the manifest has to be signed with (PEM or DER)
    ///
    /// With it the medium is intact only when whoever holds the private key made it. Without it a medium is compared with
    /// its own manifest, which somebody who changed both would have changed too.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Compare every byte that was written with this receipt, and look at nothing else
    ///
    /// Finds any change of what was written, also those that Windows makes on a stick it has seen, which are notes without
    /// this. What was added where nothing was written is not looked at.
    #[arg(long, value_name = "RECEIPT")]
    pub raw: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// Show no progress
    #[arg(long, short)]
    pub quiet: bool,
}

/// Where all random numbers come from.
#[derive(Debug, Clone, Default, Args)]
pub struct SeedArgs {
    /// Draw every random number from this seed: 64 hexadecimal digits, or any text. Who knows it has the key
    #[arg(long, value_name = "SEED", group = "randomness", value_parser = secret)]
    pub seed: Option<SecretString>,
    /// Read the seed from the first line of this file; `-` is standard input
    #[arg(long, value_name = "FILE", group = "randomness")]
    pub seed_file: Option<PathBuf>,
}

impl SeedArgs {
    /// From the system, when nothing is given.
    pub(crate) fn given(&self) -> Option<Given<SeedSource>> {
        let text = self.seed.clone().map(|seed| (SeedSource::Text(seed), "--seed"));
        let file =
            || Some((SeedSource::Read(secrets::first_line_of(self.seed_file.clone()?)), "--seed-file"));
        let (value, name) = text.or_else(file)?;
        Some(Given { value, place: Place::Option(name) })
    }
}

/// Text that nobody is shown, and that is wiped from memory.
fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(SecretString::from(text))
}

const EXAMPLES_AND_EXIT_CODES: &str = "\
Example:
  tsmedia create --boot-image boot.PS100005.wim --site-code PS1 \\
      --cmg cmg.contoso.com/CCM_Proxy_MutualAuth/72057594037928100 \\
      --trusted-root contoso-root.cer --password-file password.txt --output media.iso
  tsmedia verify media.iso

Exit codes:
    0  done; with verify: the medium is intact
    1  verify found something wrong; preflight found a broken rule; password check: it is weak
       inspect --fail-if-expires-within: the medium ends sooner
    2  the command line or the spec file is wrong
    3  an input cannot be used; with inspect: the password is wrong or cannot be had
    4  the output cannot be written
    5  inspect, verify or create --verify could not look
    6  verify found the medium intact, with notes
  130  interrupted";

const EXIT_CODES_OF_INSPECT: &str = "\
Exit codes:
    0  done
    1  --fail-if-expires-within: the medium ends sooner
    2  the command line is wrong
    3  the password cannot be had, or is not that of the media variables (everything else is shown)
    4  the result cannot be printed
    5  could not look: not found, not readable, or nothing this program knows
       --fail-if-expires-within: the media variables could not be read, or nothing has an end
  130  interrupted";

const EXIT_CODES_OF_VERIFY: &str = "\
Exit codes:
    0  the medium is intact
    1  something is wrong with it
    2  the command line is wrong
    3  the key or the receipt cannot be used
    4  the result cannot be printed
    5  could not look: not found, not readable, or nothing this program knows
    6  the medium is intact, and there is something worth knowing: files that others put there, for example
  130  interrupted";
