//! `tsmedia personalise`: what can be typed.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use super::identity::IdentityPasswordArgs;
use super::key::SigningKeyArgs;
use super::{PasswordArgs, SeedArgs, secret};
use crate::values::{DateText, MediaMode};

pub(super) const ABOUT: &str = "\
Makes a finished medium somebody else's: an ISO, an image of a stick, or a stick. Only what is given changes, by writing the \
few kilobytes that differ; the boot image stays where it is. The result is, byte for byte, the medium that `tsmedia create` \
would have made with the same settings, the same seed and the time of the medium.

What tells its volume from others (the GUIDs of disk and partition, the volume's serial number) is always another. A copy \
(--output) shares the blocks of the medium where the file system can (XFS, Btrfs).

A change in place can be cut short at any moment: the medium then is the old one, the new one, or does not start until the \
next run of this command, or of `tsmedia variables`, finishes it.";

pub(super) const AFTER_HELP: &str = "\
Examples:
  tsmedia personalise base.iso --output KEY-0002.iso --password-file base-password.txt \\
      --new-identity --new-password-file password-2.txt --serial-number KEY-0002
  tsmedia personalise /dev/disk/by-id/usb-... --in-place --label \"Contoso Rescue B\"

Exit codes:
    0  done
    2  the command line is wrong
    3  an input cannot be used; a password is wrong or cannot be had
    4  the output cannot be written, or has no room
  130  interrupted";

/// `tsmedia personalise`
#[derive(Args)]
pub struct PersonaliseArgs {
    /// The medium: ISO, disk image or stick
    #[arg(value_name = "MEDIUM")]
    pub medium: PathBuf,
    /// The password it has
    #[command(flatten)]
    pub password: PasswordArgs,
    /// Where the result goes
    #[command(flatten)]
    pub result: ResultArgs,
    /// Who it is then
    #[command(flatten)]
    pub identity: NewIdentityArgs,
    /// What else is its own
    #[command(flatten)]
    pub own: OwnArgs,
    /// What the manifest is signed with, on a medium whose manifest is signed
    #[command(flatten)]
    pub signing_key: SigningKeyArgs,
    /// How to run
    #[command(flatten)]
    pub run: PersonaliseRunArgs,
}

/// Where the result goes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Result")]
pub struct ResultArgs {
    /// Write the medium to this file, and leave the given one alone
    #[arg(
        long,
        short,
        value_name = "FILE",
        required_unless_present = "in_place",
        conflicts_with = "in_place"
    )]
    pub output: Option<PathBuf>,
    /// Change the medium where it is
    #[arg(long)]
    pub in_place: bool,
    /// Replace an existing output
    #[arg(long)]
    pub force: bool,
    /// Write the receipt to this file [default: the medium with .receipt.json behind its name; of a stick none]
    #[arg(long, value_name = "FILE", conflicts_with = "no_receipt")]
    pub receipt: Option<PathBuf>,
    /// Write no receipt
    #[arg(long)]
    pub no_receipt: bool,
    /// Write what the site has to be told of a new identity to this file: a PowerShell script (.ps1), or JSON
    #[arg(long, value_name = "FILE")]
    pub registration: Option<PathBuf>,
}

/// Who the medium is then.
#[derive(Debug, Args)]
#[command(next_help_heading = "Identity")]
pub struct NewIdentityArgs {
    /// Make a new media GUID and a new self-signed media certificate
    #[arg(long, conflicts_with_all = ["certificate", "identity"])]
    pub new_identity: bool,
    /// When the self-signed certificate starts to be valid [default: now]
    #[arg(long, value_name = "DATE", requires = "new_identity")]
    pub certificate_start: Option<DateText>,
    /// When the self-signed certificate expires [default: a year after its start]
    #[arg(long, value_name = "DATE", requires = "new_identity")]
    pub certificate_expiry: Option<DateText>,
    /// Length of the self-signed certificate's RSA key in bits: 1024, 2048, 3072 or 4096 [default: 2048]
    #[arg(long, value_name = "BITS", requires = "new_identity")]
    pub key_bits: Option<u32>,
    /// Take this PKI certificate (.pfx) as the media certificate
    #[arg(long, value_name = "PFX", conflicts_with = "identity")]
    pub certificate: Option<PathBuf>,
    /// Read the password of --certificate from the first line of this file; `-` is standard input
    #[arg(long, value_name = "FILE", group = "certificate-password")]
    pub certificate_password_file: Option<PathBuf>,
    /// Take the password of --certificate from this environment variable
    #[arg(long, value_name = "NAME", group = "certificate-password")]
    pub certificate_password_env: Option<String>,
    /// Take the identity of this file (`tsmedia identity new`)
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// Its password
    #[command(flatten)]
    pub identity_password: IdentityPasswordArgs,
    /// The media GUID; a certificate that stays is put under it
    #[arg(long, value_name = "GUID", conflicts_with = "identity")]
    pub media_guid: Option<String>,
    /// Take a certificate all the same that has expired
    #[arg(long)]
    pub allow_expired: bool,
    /// Take a certificate all the same that a management point is expected to refuse
    #[arg(long)]
    pub allow_unsuitable_certificate: bool,
}

/// What else is the medium's own.
#[derive(Debug, Args)]
#[command(next_help_heading = "What changes")]
pub struct OwnArgs {
    /// Read the new media password from the first line of this file; `-` is standard input
    #[arg(long, value_name = "FILE", group = "new-password")]
    pub new_password_file: Option<PathBuf>,
    /// Take the new media password from this environment variable
    #[arg(long, value_name = "NAME", group = "new-password")]
    pub new_password_env: Option<String>,
    /// Ask for the new media password on the terminal, twice
    #[arg(long, group = "new-password")]
    pub new_password_prompt: bool,
    /// Leave the medium without a password
    #[arg(long, group = "new-password")]
    pub no_new_password: bool,
    /// Leave a medium for a cloud management gateway without a password
    #[arg(long)]
    pub allow_no_password: bool,
    /// Take a weak new password all the same
    #[arg(long)]
    pub allow_weak_password: bool,
    /// Media label, up to 32 characters
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,
    /// The number under which you keep this medium
    #[arg(long, value_name = "NUMBER")]
    pub serial_number: Option<String>,
    /// Management point (one; repeatable with --media-mode dynamic)
    #[arg(long, value_name = "HOST", conflicts_with = "cmg")]
    pub management_point: Vec<String>,
    /// Cloud management gateway instead: HOST/CCM_Proxy_MutualAuth/NUMBER
    #[arg(long, value_name = "GATEWAY")]
    pub cmg: Option<String>,
    /// Media management: site-based or dynamic [default: site-based]
    #[arg(long, value_enum, value_name = "MODE")]
    pub media_mode: Option<MediaMode>,
    /// HTTP port of the management points [default: that of --management-point, else 80]
    #[arg(long, value_name = "PORT")]
    pub http_port: Option<u16>,
    /// HTTPS port of the management points [default: that of --management-point or --cmg, else 443]
    #[arg(long, value_name = "PORT")]
    pub https_port: Option<u16>,
    /// Set a media variable (repeatable); a value given here can be seen in the list of processes
    #[arg(long, value_name = "NAME=VALUE", value_parser = secret)]
    pub var: Vec<SecretString>,
    /// Set the media variables of this file: lines NAME=VALUE, or TOML when its name ends in .toml; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub vars_file: Option<PathBuf>,
    /// Leave this media variable out (repeatable)
    #[arg(long, value_name = "NAME")]
    pub without_var: Vec<String>,
}

/// How to run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Running")]
pub struct PersonaliseRunArgs {
    /// Where all random numbers come from
    #[command(flatten)]
    pub seed: SeedArgs,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// Print nothing when all is well
    #[arg(long, short)]
    pub quiet: bool,
}
