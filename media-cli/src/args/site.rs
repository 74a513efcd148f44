//! `tsmedia site`: what can be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::PasswordArgs;
use super::identity::IdentityPasswordArgs;

pub(super) const ABOUT: &str = "\
Reads a medium that the site's own console made, and writes what it shows to a file: every media variable of the site in its \
order, the cipher and the form of the variables file, TsmBootstrap.ini, and the names and SHA-256 of the boot files. \
`tsmedia create --site FILE` then makes media that follow it to the letter.";

pub(super) const AFTER_HELP: &str = "\
Examples:
  tsmedia site import console.iso --password-file media-password.txt --output site.toml
  tsmedia create --site site.toml --boot-image boot.PS100005.wim --password-file new-password.txt --output media.iso";

const IMPORT_ABOUT: &str = "\
Reads an ISO, a stick or its image, a boot image that media were copied into (\\sms\\data), or a bare variables.dat.

The donor's own identity (media GUID and certificate) is not part of the site, and is left behind. So is every variable whose \
value may be secret, unless --with-secrets is given: then the file is one that only its owner can read.";

const EXIT_CODES: &str = "\
Exit codes:
    0  done
    2  the command line is wrong
    3  the medium cannot be used, or its password is wrong or cannot be had
    4  the output cannot be written
  130  interrupted";

/// What to do with a site.
#[derive(Debug, Subcommand)]
pub enum SiteCommand {
    /// Write to a file what a medium of the site's own console shows
    #[command(long_about = IMPORT_ABOUT, after_help = EXIT_CODES)]
    Import(Box<ImportArgs>),
}

/// `tsmedia site import`
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The medium: ISO, disk image or stick, .wim, or variables.dat
    #[arg(value_name = "DONOR")]
    pub donor: PathBuf,
    /// The media password
    #[command(flatten)]
    pub password: PasswordArgs,
    /// The file to write, for example site.toml
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Write the values of variables that may be secret too
    #[arg(long)]
    pub with_secrets: bool,
    /// With --with-secrets, keep the donor's own identity in this file (see `tsmedia identity`)
    #[arg(long, value_name = "FILE", requires = "with_secrets")]
    pub identity_output: Option<PathBuf>,
    /// The password for the identity file
    #[command(flatten)]
    pub identity_password: IdentityPasswordArgs,
    /// Copy the boot files to this folder, which is made
    #[arg(long, value_name = "DIR")]
    pub boot_files: Option<PathBuf>,
    /// Replace outputs that exist
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// Show no progress, and print nothing when all is well
    #[arg(long, short)]
    pub quiet: bool,
}
