//! The options of `tsmedia create` that make a batch: a medium for each worker in a file.

use std::path::PathBuf;

use clap::Args;

/// A medium for each worker.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Batch")]
pub struct BatchArgs {
    /// Make a medium for each line of this file (CSV: name, serial, e-mail, computer-name, password, var:NAME …)
    ///
    /// Every medium gets its own media GUID, media certificate and password. The first is made whole, the others from it:
    /// they share its blocks where the file system can (XFS, Btrfs), and cost a copy where it cannot. What is there already
    /// is left alone, so that a batch that was cut short is finished by running it again. `-` is standard input.
    #[arg(long, value_name = "FILE", requires = "output_dir", conflicts_with_all = ["output", "receipt", "media_guid", "identity"])]
    pub workers: Option<PathBuf>,
    /// The folder for the media, their receipts, registrations and letters, and the register; made when it is not there
    #[arg(long, value_name = "FOLDER", requires = "workers")]
    pub output_dir: Option<PathBuf>,
    /// Write the passwords of the media into passwords.csv, which only its owner can read
    ///
    /// Needed when the workers file does not give a password to everybody: nobody would know those that are made.
    #[arg(long, requires = "workers")]
    pub write_passwords: bool,
    /// Give media without a password of their own the one of --password-file, --password-env or --password-prompt
    #[arg(long, requires = "workers")]
    pub allow_shared_password: bool,
    /// Then put each medium on a stick of its own, as sticks are plugged in
    ///
    /// As `tsmedia write --batch` does, with the options of sticks: --yes, --device-serial, --check-capacity, --no-read-back.
    #[arg(long, requires = "workers")]
    pub onto_sticks: bool,
    /// Write no letters
    #[arg(long, requires = "workers")]
    pub no_letters: bool,
}
