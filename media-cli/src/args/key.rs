//! `tsmedia key`: what can be typed, and the options that name a signing key.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::SeedArgs;
use crate::secrets::{self, PasswordSource};

pub(super) const ABOUT: &str = "\
Makes and shows the keys that manifests are signed with. A medium whose manifest is signed can be told from one that somebody \
changed, together with its manifest, on the way: `tsmedia verify --key`.

The private key stays with whoever makes media. Any RSA key of 2048 bits or more will do, as PEM or DER, or with its \
certificate in a PKCS#12 file (.pfx). The public key goes to whoever checks media.";

pub(super) const AFTER_HELP: &str = "\
Examples:
  tsmedia key new --output contoso-media.pem --public contoso-media.pub --key-password-file key-password.txt
  tsmedia create --spec media.toml --output media.iso \\
      --signing-key contoso-media.pem --signing-key-password-file key-password.txt
  tsmedia verify media.iso --key contoso-media.pub

What is signed can be checked without this program, too:
  openssl dgst -sha256 -verify contoso-media.pub -signature tsmedia-manifest.sig tsmedia-manifest.json";

const EXIT_CODES: &str = "\
Exit codes:
    0  done
    2  the command line is wrong
    3  an input cannot be used; its password is wrong or cannot be had
    4  the output cannot be written
  130  interrupted";

/// What to do with keys.
#[derive(Subcommand)]
pub enum KeyCommand {
    /// Make a key and keep it in a file that only its owner can read
    #[command(after_help = EXIT_CODES)]
    New(Box<NewArgs>),
    /// Print the public half of a key, for whoever checks media
    #[command(after_help = EXIT_CODES)]
    Public(PublicArgs),
    /// Show what a key is: length and fingerprint; nothing secret
    #[command(after_help = EXIT_CODES)]
    Show(ShowArgs),
}

/// The password of a key.
#[derive(Debug, Clone, Args)]
pub struct KeyPasswordArgs {
    /// Read the password of the key from the first line of this file; `-` is standard input
    #[arg(long, value_name = "FILE", group = "key-password")]
    pub key_password_file: Option<PathBuf>,
    /// Take the password of the key from this environment variable
    #[arg(long, value_name = "NAME", group = "key-password")]
    pub key_password_env: Option<String>,
    /// Ask for the password of the key on the terminal
    #[arg(long, group = "key-password")]
    pub key_password_prompt: bool,
}

impl KeyPasswordArgs {
    /// Nowhere, when there is none.
    pub(crate) fn source(&self) -> Option<PasswordSource> {
        let (file, env) = (self.key_password_file.as_deref(), self.key_password_env.as_deref());
        secrets::source(file, env, self.key_password_prompt)
    }
}

/// `tsmedia key new`
#[derive(Args)]
pub struct NewArgs {
    /// The file to keep the private key in, for example contoso-media.pem
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Write the public key to this file
    #[arg(long, value_name = "FILE")]
    pub public: Option<PathBuf>,
    /// Length of the key in bits, from 2048 to 8192 [default: 3072]
    #[arg(long, value_name = "BITS")]
    pub key_bits: Option<usize>,
    /// Its password
    #[command(flatten)]
    pub password: KeyPasswordArgs,
    /// Where all random numbers come from
    #[command(flatten)]
    pub seed: SeedArgs,
    /// Replace the output if it exists. The key in it is lost
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// Print nothing when all is well
    #[arg(long, short)]
    pub quiet: bool,
}

/// `tsmedia key public`
#[derive(Debug, Args)]
pub struct PublicArgs {
    /// The private key, or a certificate
    #[arg(value_name = "KEY")]
    pub key: PathBuf,
    /// Its password
    #[command(flatten)]
    pub password: KeyPasswordArgs,
    /// Write the public key to this file instead of printing it
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace the output if it exists
    #[arg(long, requires = "output")]
    pub force: bool,
}

/// `tsmedia key show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A private key, a public key or a certificate
    #[arg(value_name = "KEY")]
    pub key: PathBuf,
    /// Its password
    #[command(flatten)]
    pub password: KeyPasswordArgs,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// The key that a manifest is signed with.
#[derive(Debug, Clone, Default, Args)]
pub struct SigningKeyArgs {
    /// Sign the manifest with this private RSA key (PEM, DER or .pfx; `tsmedia key new` makes one)
    #[arg(long, value_name = "FILE")]
    pub signing_key: Option<PathBuf>,
    /// Read the password of the signing key from the first line of this file; `-` is standard input
    #[arg(long, value_name = "FILE", group = "signing-key-password")]
    pub signing_key_password_file: Option<PathBuf>,
    /// Take the password of the signing key from this environment variable
    #[arg(long, value_name = "NAME", group = "signing-key-password")]
    pub signing_key_password_env: Option<String>,
    /// Ask for the password of the signing key on the terminal
    #[arg(long, group = "signing-key-password")]
    pub signing_key_password_prompt: bool,
}

impl SigningKeyArgs {
    /// Where the key's password comes from.
    pub(crate) fn source(&self) -> Option<PasswordSource> {
        let file = self.signing_key_password_file.as_deref();
        secrets::source(file, self.signing_key_password_env.as_deref(), self.signing_key_password_prompt)
    }
}
