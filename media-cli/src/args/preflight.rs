//! The options of `tsmedia preflight`: those of `create` that describe the medium, and what the site says.

use std::path::PathBuf;

use clap::Args;
use media_core::media::preflight::SiteVersion;

use super::{BootArgs, MediaArgs, OutputArgs, SecurityArgs, SiteArgs};

pub(super) const ABOUT: &str = "\
Checks, before anything is made, whether a medium and its site fit together: every prerequisite of the article \"Deploy a \
task sequence over the internet\", and what made media fail elsewhere. The medium is described by the options of \
`tsmedia create`, by a spec file, or by both. What the site exports (its task sequence, the deployment, client settings) \
lets more rules be answered; a rule that cannot be answered says which option to give, or where to look in the console.

Nothing is written, and the media password is not asked for.";

pub(super) const AFTER_LONG_HELP: &str = "\
What the site exports (PowerShell of the console, in the site's drive):
  --task-sequence    Export-CMTaskSequence -Name NAME -ExportFilePath ts.zip
  --deployment       Get-CMTaskSequenceDeployment -DeploymentId ID | ConvertTo-Json > deployment.json
  --client-settings  Get-CMClientSetting -Name NAME -Setting Cloud | ConvertTo-Json > settings.json
  The AdminService gives the last two as well: /AdminService/wmi/SMS_Advertisement('ID'), /wmi/SMS_ClientSettings(ID).

Example:
  tsmedia preflight --spec media.toml --task-sequence ts.zip --deployment deployment.json \\
      --client-settings settings.json --site-version 2403 --cmg-certificate cmg.pem

The checklist has one line for each rule: pass, FAIL (the medium is expected not to work), warn, ? (cannot be known
here), - (does not apply).

Exit codes:
    0  no rule of severity error is broken
    1  a rule of severity error is broken; with --strict also: a rule is not answered that an input could answer
    2  the command line or the spec file is wrong
    3  an input cannot be read or used
    4  the result cannot be printed
  130  interrupted";

/// `tsmedia preflight`
#[derive(Args)]
pub struct PreflightArgs {
    /// What the site says.
    #[command(flatten)]
    pub preflight: ExportArgs,
    /// Table `[boot]`.
    #[command(flatten)]
    pub boot: BootArgs,
    /// Table `[site]`.
    #[command(flatten)]
    pub site: SiteArgs,
    /// Table `[security]`.
    #[command(flatten)]
    pub security: SecurityArgs,
    /// Table `[media]`.
    #[command(flatten)]
    pub media: MediaArgs,
    /// Table `[output]`.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What is checked besides the medium, and how the result is shown.
#[derive(Debug, Args)]
#[command(next_help_heading = "Preflight")]
pub struct ExportArgs {
    /// Read settings of the medium from this spec file (TOML), as `tsmedia create` does
    #[arg(long, value_name = "FILE")]
    pub spec: Option<PathBuf>,
    /// The task sequence: the .zip that the console exports, or the sequence's XML
    ///
    /// The .zip says more: the package id, and whether another program is run first.
    #[arg(long, value_name = "ZIP|XML")]
    pub task_sequence: Option<PathBuf>,
    /// The deployment of the task sequence (SMS_Advertisement), as JSON
    #[arg(long, value_name = "JSON")]
    pub deployment: Option<PathBuf>,
    /// The client settings of the group Cloud Services, as JSON
    #[arg(long, value_name = "JSON")]
    pub client_settings: Option<PathBuf>,
    /// The version of the site, for example 2403
    #[arg(long, value_name = "VERSION", value_parser = site_version)]
    pub site_version: Option<SiteVersion>,
    /// Certificate of the gateway's server, or of the https management point's, with its intermediates
    ///
    /// It is proven that it chains to a root that the boot image trusts, and that it is for the host of the medium.
    #[arg(long, value_name = "FILE")]
    pub cmg_certificate: Option<PathBuf>,
    /// Take a rule that is not answered for a broken one, where an input could answer it
    ///
    /// What no input can tell, such as how a device is connected, is left to whoever reads the checklist.
    #[arg(long)]
    pub strict: bool,
    /// Print one JSON object instead of text; `tsmedia schema preflight` describes it
    #[arg(long)]
    pub json: bool,
    /// Show no progress
    #[arg(long, short)]
    pub quiet: bool,
}

fn site_version(text: &str) -> Result<SiteVersion, String> {
    SiteVersion::parse(text).ok_or_else(|| "expected year and month, for example 2403".to_owned())
}
