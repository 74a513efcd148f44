//! `tsmedia boot-image`: what can be typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::values::{CertificateStore, ExportFormat, ImageChoice};

pub(super) const ABOUT: &str = "\
Looks into boot images (.wim) and services them without mounting them: no DISM, no administrator rights.

A change leaves every other file of the boot image as it is, with its security descriptor, attributes and times. Without \
--output the file itself is changed: what is new is written behind it and its header last, so that the old boot image stays \
readable until the new one is complete. What is there already is not added again, and then no byte changes.";

pub(super) const AFTER_HELP: &str = "\
Examples:
  tsmedia boot-image info boot.PS100005.wim
  tsmedia boot-image roots add boot.PS100005.wim contoso-root.cer
  tsmedia boot-image roots add boot.PS100005.wim contoso-root.cer --output serviced.wim
  tsmedia boot-image roots export serviced.wim --as pem
  tsmedia boot-image diff boot.PS100005.wim serviced.wim";

const EXIT_CODES: &str = "\
Exit codes:
    0  done
    2  the command line is wrong
    3  an input cannot be used
    4  the output cannot be written
  130  interrupted";

const EXIT_CODES_OF_FINDING: &str = "\
Exit codes:
    0  done; verify: intact, diff: no difference
    1  verify found something wrong; diff found a difference
    2  the command line is wrong
    3  an input cannot be used
    5  verify could not look
    6  verify found it intact, with notes
  130  interrupted";

const ADD_ABOUT: &str = "\
Adds files to a boot image. A file that is there already gets the new content and keeps its security descriptor, attributes \
and times; one that is there with the same content is left alone.

Without --output the boot image is replaced by the complete new one.";

/// What to do with a boot image.
#[derive(Debug, Subcommand)]
pub enum BootImageCommand {
    /// Show what is in a boot image: images, components, boot managers and who signed them
    Info(InfoArgs),
    /// List, add, remove and export the certificates it trusts
    #[command(subcommand)]
    Roots(RootsCommand),
    /// Add files to it: branding, scripts, drivers
    #[command(long_about = ADD_ABOUT, after_help = EXIT_CODES)]
    Add(AddFilesArgs),
    /// Show what differs between two boot images, by file and by registry key
    #[command(after_help = EXIT_CODES_OF_FINDING)]
    Diff(DiffArgs),
    /// Check a boot image: every file's SHA-1, the integrity table, the tree, and whether it would boot
    #[command(after_help = EXIT_CODES_OF_FINDING)]
    Verify(VerifyArgs),
}

/// What to do with the certificates of a boot image.
#[derive(Debug, Subcommand)]
pub enum RootsCommand {
    /// List the certificates in its stores
    List(ListArgs),
    /// Add certificates to its stores
    #[command(after_help = EXIT_CODES)]
    Add(AddArgs),
    /// Remove certificates from its stores
    #[command(after_help = EXIT_CODES)]
    Remove(RemoveArgs),
    /// Print the certificates of its stores as a file others can read
    Export(ExportArgs),
}

/// `tsmedia boot-image info`
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// The boot image
    #[arg(value_name = "WIM")]
    pub boot_image: PathBuf,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `tsmedia boot-image roots list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// The boot image
    #[arg(value_name = "WIM")]
    pub boot_image: PathBuf,
    /// Which image
    #[command(flatten)]
    pub image: ImageArgs,
    /// Only certificates of this store
    #[arg(long, value_name = "STORE")]
    pub store: Option<CertificateStore>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// Which image of the file.
#[derive(Debug, Args)]
pub struct ImageArgs {
    /// Which image of the file: its number, `boot` for the one that boots, or `all`
    #[arg(long, value_name = "N|boot|all", default_value = "boot")]
    pub image: ImageChoice,
}

/// `tsmedia boot-image roots add`
#[derive(Debug, Args)]
pub struct AddArgs {
    /// The boot image
    #[arg(value_name = "WIM")]
    pub boot_image: PathBuf,
    /// Files of certificates: .cer, .crt, .der, .pem, .p7b, .sst, or .reg exported from a store
    #[arg(value_name = "CERTIFICATES", required = true)]
    pub certificates: Vec<PathBuf>,
    /// The store they go to; a .reg file names its own
    #[arg(long, value_name = "STORE", default_value = "authroot")]
    pub store: CertificateStore,
    /// Which image
    #[command(flatten)]
    pub image: ImageArgs,
    /// Where the result goes
    #[command(flatten)]
    pub output: OutputArgs,
    /// Prove that this certificate of the cloud management gateway's server chains to a root the boot image then
    /// trusts; the file may hold intermediate certificates too
    #[arg(long, value_name = "FILE")]
    pub cmg_certificate: Option<PathBuf>,
    /// The host name of the cloud management gateway, which its certificate has to name
    #[arg(long, value_name = "HOST", requires = "cmg_certificate")]
    pub cmg_host: Option<String>,
}

/// `tsmedia boot-image roots remove`
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// The boot image
    #[arg(value_name = "WIM")]
    pub boot_image: PathBuf,
    /// Which certificates: SHA-1 thumbprints, or files that hold them
    #[arg(value_name = "THUMBPRINT|FILE", required = true)]
    pub certificates: Vec<String>,
    /// Only from this store; from every store when not given
    #[arg(long, value_name = "STORE")]
    pub store: Option<CertificateStore>,
    /// Which image
    #[command(flatten)]
    pub image: ImageArgs,
    /// Where the result goes
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Where a changed boot image goes.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Write the changed boot image to this file and leave the given one alone
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace an existing output; and change a boot image in place that is marked read-only
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// Show no progress, and print nothing when all is well
    #[arg(long, short)]
    pub quiet: bool,
}

/// `tsmedia boot-image add`
#[derive(Debug, Args)]
pub struct AddFilesArgs {
    /// The boot image
    #[arg(value_name = "WIM")]
    pub boot_image: PathBuf,
    /// The files
    #[arg(value_name = "FILE", required_unless_present = "tree")]
    pub files: Vec<PathBuf>,
    /// Add what is in this folder, with its folders
    #[arg(long, value_name = "DIR", conflicts_with = "files")]
    pub tree: Option<PathBuf>,
    /// The folder of the image they go to, for example '\\sms\\bin\\x64'; with --tree the root when not given
    #[arg(long, value_name = "PATH", required_unless_present = "tree")]
    pub to: Option<String>,
    /// Which image
    #[command(flatten)]
    pub image: ImageArgs,
    /// Where the result goes
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `tsmedia boot-image roots export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The boot image
    #[arg(value_name = "WIM")]
    pub boot_image: PathBuf,
    /// The form: reg for the Registry Editor, pem for everything else
    #[arg(long = "as", value_name = "FORM")]
    pub form: ExportFormat,
    /// Which image
    #[command(flatten)]
    pub image: ImageArgs,
    /// Only certificates of this store
    #[arg(long, value_name = "STORE")]
    pub store: Option<CertificateStore>,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace an existing output
    #[arg(long)]
    pub force: bool,
}

/// `tsmedia boot-image diff`
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The boot image before
    #[arg(value_name = "WIM")]
    pub before: PathBuf,
    /// The boot image after
    #[arg(value_name = "WIM")]
    pub after: PathBuf,
    /// Which image
    #[command(flatten)]
    pub image: ImageArgs,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `tsmedia boot-image verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The boot image
    #[arg(value_name = "WIM")]
    pub boot_image: PathBuf,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// Show no progress
    #[arg(long, short)]
    pub quiet: bool,
}
