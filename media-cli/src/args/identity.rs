//! `tsmedia identity`: what can be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::SeedArgs;
use crate::values::{DateText, ScriptForm, UserDeviceAffinity};

pub(super) const ABOUT: &str = "\
Makes and looks after media identities: the media GUID with its certificate and key, by which a site knows a medium. Kept in \
a file, an identity is registered at the site once and used for many media (`tsmedia create --identity`).

The file is a PKCS#12 file (.p12, .pfx) that only its owner can read, with the media GUID as its friendly name.";

pub(super) const AFTER_HELP: &str = "\
Examples:
  tsmedia identity new --output rescue.p12 --identity-password-file identity-password.txt
  tsmedia identity show rescue.p12 --identity-password-file identity-password.txt
  tsmedia identity register rescue.p12 --identity-password-file identity-password.txt \\
      --site-code PS1 --format powershell --output register.ps1
  tsmedia create --spec media.toml --identity rescue.p12 \\
      --identity-password-file identity-password.txt --output media.iso
  tsmedia identity block --media lost.iso --password-file media-password.txt --output block.ps1";

const EXIT_CODES: &str = "\
Exit codes:
    0  done
    2  the command line is wrong
    3  an input cannot be used; its password is wrong or cannot be had
    4  the output cannot be written
  130  interrupted";

/// What to do with identities.
#[derive(Subcommand)]
pub enum IdentityCommand {
    /// Make an identity and keep it in a file
    #[command(after_help = EXIT_CODES)]
    New(Box<NewArgs>),
    /// Show an identity: GUID, certificate, and what speaks against it; nothing secret
    #[command(after_help = EXIT_CODES)]
    Show(ShowArgs),
    /// Write the certificate of an identity, or the key with it as media carry them, to files
    #[command(after_help = EXIT_CODES)]
    Export(ExportArgs),
    /// Print what the site has to be told of an identity, as JSON or as a PowerShell script that tells it
    #[command(after_help = EXIT_CODES)]
    Register(RegisterArgs),
    /// Print what the site has to block when media are lost, as JSON or as a PowerShell script that blocks it
    #[command(after_help = EXIT_CODES)]
    Block(BlockArgs),
}

/// The password of an identity file.
#[derive(Debug, Clone, Args)]
pub struct IdentityPasswordArgs {
    /// Read the password of the identity file from the first line of this file; `-` is standard input
    #[arg(long, value_name = "FILE", group = "identity-password")]
    pub identity_password_file: Option<PathBuf>,
    /// Take the password of the identity file from this environment variable
    #[arg(long, value_name = "NAME", group = "identity-password")]
    pub identity_password_env: Option<String>,
    /// Ask for the password of the identity file on the terminal
    #[arg(long, group = "identity-password")]
    pub identity_password_prompt: bool,
}

/// `tsmedia identity new`
#[derive(Args)]
pub struct NewArgs {
    /// The file to keep it in, for example rescue.p12
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Its password
    #[command(flatten)]
    pub password: IdentityPasswordArgs,
    /// The media GUID [default: a new one]
    #[arg(long, value_name = "GUID")]
    pub media_guid: Option<String>,
    /// Take this PKI certificate (.pfx) instead of a self-signed one
    #[arg(long, value_name = "PFX")]
    pub certificate: Option<PathBuf>,
    /// Read the password of --certificate from the first line of this file; `-` is standard input
    #[arg(long, value_name = "FILE", group = "certificate-password")]
    pub certificate_password_file: Option<PathBuf>,
    /// Take the password of --certificate from this environment variable
    #[arg(long, value_name = "NAME", group = "certificate-password")]
    pub certificate_password_env: Option<String>,
    /// When the self-signed certificate starts to be valid [default: now]
    #[arg(long, value_name = "DATE")]
    pub certificate_start: Option<DateText>,
    /// When the self-signed certificate expires [default: a year after its start]
    #[arg(long, value_name = "DATE")]
    pub certificate_expiry: Option<DateText>,
    /// Length of the self-signed certificate's RSA key in bits: 1024, 2048, 3072 or 4096 [default: 2048]
    #[arg(long, value_name = "BITS")]
    pub key_bits: Option<u32>,
    /// Where all random numbers come from
    #[command(flatten)]
    pub seed: SeedArgs,
    /// Replace the output if it exists. The identity in it is lost
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// Print nothing when all is well
    #[arg(long, short)]
    pub quiet: bool,
}

/// `tsmedia identity show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The identity file
    #[arg(value_name = "IDENTITY")]
    pub identity: PathBuf,
    /// Its password
    #[command(flatten)]
    pub password: IdentityPasswordArgs,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `tsmedia identity export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The identity file
    #[arg(value_name = "IDENTITY")]
    pub identity: PathBuf,
    /// Its password
    #[command(flatten)]
    pub password: IdentityPasswordArgs,
    /// Write the certificate alone: as text when the name ends in .pem, else as .cer (DER)
    #[arg(long, value_name = "FILE", required_unless_present = "pfx")]
    pub certificate: Option<PathBuf>,
    /// Write certificate and private key as media carry them: a PKCS#12 file whose password is the first 31 characters
    /// of the media GUID, so that nothing protects the key. Only its owner can read the file
    #[arg(long, value_name = "FILE")]
    pub pfx: Option<PathBuf>,
    /// Write --pfx in upper-case hexadecimal, the value of _SMSTSMediaPFX
    #[arg(long, requires = "pfx")]
    pub hex: bool,
    /// Replace outputs that exist
    #[arg(long)]
    pub force: bool,
}

/// For which site, and in which form.
#[derive(Debug, Args)]
pub struct ScriptArgs {
    /// The computer with the SMS Provider, for a script; the one it runs on when not given
    #[arg(long, value_name = "SERVER")]
    pub sms_provider: Option<String>,
    /// The form [default: by the output's name, .ps1 or .json; else json]
    #[arg(long, value_enum, value_name = "FORM")]
    pub format: Option<ScriptForm>,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace an existing output
    #[arg(long)]
    pub force: bool,
}

/// `tsmedia identity register`
#[derive(Debug, Args)]
pub struct RegisterArgs {
    /// The identity file
    #[arg(value_name = "IDENTITY")]
    pub identity: PathBuf,
    /// Its password
    #[command(flatten)]
    pub password: IdentityPasswordArgs,
    /// Site code, for example PS1
    #[arg(long, value_name = "CODE")]
    pub site_code: String,
    /// User device affinity of the media that will have this identity
    #[arg(long, value_enum, value_name = "CHOICE", default_value = "do-not-allow")]
    pub user_device_affinity: UserDeviceAffinity,
    /// What people call the medium, for the script's messages [default: the certificate's subject]
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,
    /// Form and output
    #[command(flatten)]
    pub script: ScriptArgs,
}

/// `tsmedia identity block`
#[derive(Debug, Args)]
pub struct BlockArgs {
    /// A medium to block, or its variables.dat (repeatable)
    #[arg(long, value_name = "MEDIUM", required_unless_present = "identity")]
    pub media: Vec<PathBuf>,
    /// Read the media password, of all of them, from the first line of this file; `-` is standard input
    #[arg(long, value_name = "FILE", group = "password")]
    pub password_file: Option<PathBuf>,
    /// Take the media password from this environment variable
    #[arg(long, value_name = "NAME", group = "password")]
    pub password_env: Option<String>,
    /// Ask for the media password on the terminal
    #[arg(long, group = "password")]
    pub password_prompt: bool,
    /// An identity file to block (repeatable)
    #[arg(long, value_name = "FILE")]
    pub identity: Vec<PathBuf>,
    /// The password of the identity files
    #[command(flatten)]
    pub identity_password: IdentityPasswordArgs,
    /// Site code, for example PS1
    #[arg(long, value_name = "CODE")]
    pub site_code: Option<String>,
    /// Form and output
    #[command(flatten)]
    pub script: ScriptArgs,
}
