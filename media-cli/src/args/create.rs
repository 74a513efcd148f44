//! The options of `tsmedia create`, named after the wizard's pages and `New-CMBootableMedia`.
//!
//! Every option under a heading that is also a table of the spec file has the key of the same name there.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use super::batch::BatchArgs;
use super::identity::IdentityPasswordArgs;
use super::key::SigningKeyArgs;
use super::letter::LetterArgs;
use super::secret;
use super::sticks::StickArgs;
use crate::values::{
    BootConfiguration, BootManager, DateText, Format, MediaMode, PartitionScheme, RootStore, Size,
    UserDeviceAffinity, VariablesEncryption,
};

pub(super) const ABOUT: &str = "\
Makes a bootable medium for one site from the site's boot image: a disk image for a USB stick (.img), or a CD image \
(.iso). What the Create Task Sequence Media wizard asks is given by options, by a spec file (--spec), or by both: an \
option wins over the key of the same name in the spec file.

The output appears under its name only when it is complete. An existing file is never touched without --force.";

pub(super) const AFTER_HELP: &str = "Say --help instead of -h for more about every option, and examples.";

pub(super) const AFTER_LONG_HELP: &str = "\
Examples:
  A CD image that finds its site through a cloud management gateway:
    tsmedia create --boot-image boot.PS100005.wim --site-code PS1 \\
        --cmg cmg.contoso.com/CCM_Proxy_MutualAuth/72057594037928100 \\
        --trusted-root contoso-root.cer --password-file password.txt --output media.iso

  The same from a spec file, as a disk image for a stick:
    tsmedia create --spec media.toml --output media.img

  What would be made, without making it:
    tsmedia create --spec media.toml --output media.iso --dry-run

Environment:
  SOURCE_DATE_EPOCH  the time to stamp on everything, in seconds since 1970; the present time when not set.
                     With --seed, equal inputs then give equal bytes.

Exit codes:
    0  done
    1  with --verify: something is wrong with the medium that was written
    2  the command line or the spec file is wrong
    3  an input cannot be used
    4  the output cannot be written
    5  with --verify: the medium that was written could not be looked at
  130  interrupted";

/// `tsmedia create`
#[derive(Args)]
pub struct CreateArgs {
    /// How to run.
    #[command(flatten)]
    pub run: RunArgs,
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
    /// A medium for each worker.
    #[command(flatten)]
    pub batch: BatchArgs,
    /// How a stick is written, when the output is one.
    #[command(flatten)]
    pub sticks: StickArgs,
    /// Table `[letter]`.
    #[command(flatten)]
    pub letter: LetterArgs,
}

/// Options that are about this run and have no place in a spec file.
#[derive(Clone, Default, Args)]
#[command(next_help_heading = "Running")]
pub struct RunArgs {
    /// Read settings from this spec file (TOML)
    ///
    /// Paths in it are relative to its folder. Options given on the command line win over it: a list replaces the
    /// list there, while --var, --vars-file, --boot-file and --unknown-computer replace only the entries of the same
    /// name. A key there that an option excludes is not used, and a note says so: one file serves for .img and .iso.
    #[arg(long, value_name = "FILE")]
    pub spec: Option<PathBuf>,
    /// Print every file with its size and place, and write nothing
    ///
    /// The media password is not asked for, and no checksums are computed.
    #[arg(long)]
    pub dry_run: bool,
    /// Replace the output if it exists
    ///
    /// The old file stays until the new one is complete.
    #[arg(long)]
    pub force: bool,
    /// Verify the medium after it is written, before it gets its name
    #[arg(long)]
    pub verify: bool,
    /// Leave the checksum of the boot image out of the manifest, so that nothing reads it but the copy
    ///
    /// For media that are to be made in no time. What is in the boot image has checksums of its own, which
    /// `tsmedia verify` compares all the same; that it is this boot image, nothing then proves. A signed manifest has it.
    #[arg(long, conflicts_with = "workers")]
    pub no_boot_image_checksum: bool,
    /// Draw every random number from this seed: 64 hexadecimal digits, or any text
    ///
    /// The media GUID and the private key of a self-signed media certificate follow from it: media with the same seed
    /// are one and the same to the site, and who knows it has the key. It can be seen in the list of processes;
    /// --seed-file keeps it to yourself.
    #[arg(long, value_name = "SEED", group = "randomness", value_parser = secret)]
    pub seed: Option<SecretString>,
    /// Read the seed from the first line of this file; `-` is standard input
    #[arg(long, value_name = "FILE", group = "randomness")]
    pub seed_file: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// Show no progress and no summary; errors only
    #[arg(long, short)]
    pub quiet: bool,
}

/// Options about the boot image.
#[derive(Debug, Args)]
#[command(next_help_heading = "Boot image ([boot] in a spec file)")]
pub struct BootArgs {
    /// The site's boot image, for example boot.PS100005.wim
    ///
    /// The site keeps it in \\SERVER\SMS_CODE\osd\boot\x64. It is only read.
    #[arg(long, value_name = "WIM")]
    pub boot_image: Option<PathBuf>,
    /// Package id of the boot image, for example PS100005 [default: found in its file name]
    ///
    /// It is found in the names that a site gives its boot images: boot.PS100005.wim.
    #[arg(long, value_name = "ID")]
    pub package_id: Option<String>,
    /// Which image of the file to boot, counted from 1 [default: the one marked bootable]
    #[arg(long, value_name = "NUMBER")]
    pub image_index: Option<u32>,
    /// Which boot managers to take from the boot image [default: auto]
    ///
    /// Firmware with Secure Boot starts only boot managers whose certificate authority it trusts (KB5025885).
    #[arg(long, value_enum, value_name = "SET")]
    pub boot_manager: Option<BootManager>,
    /// Where the boot configuration stores (BCD) come from [default: auto]
    #[arg(long, value_enum, value_name = "SOURCE")]
    pub boot_configuration: Option<BootConfiguration>,
    /// Put FILE on the medium at PATH, instead of the boot image's own or when it has none (repeatable)
    ///
    /// For example --boot-file boot/boot.sdi=boot.sdi
    #[arg(long, value_name = "PATH=FILE")]
    pub boot_file: Vec<String>,
}

/// Options about the site.
#[derive(Debug, Args)]
#[command(next_help_heading = "Site ([site] in a spec file)")]
pub struct SiteArgs {
    /// Follow the site's own media: a file that `tsmedia site import` made
    ///
    /// The media variables have its order, form and values, TsmBootstrap.ini its keys; what belongs to this medium is
    /// its own. Options and the spec file win over it.
    #[arg(long, value_name = "FILE")]
    pub site: Option<PathBuf>,
    /// Site code, for example PS1
    #[arg(long, value_name = "CODE")]
    pub site_code: Option<String>,
    /// Media management: site-based or dynamic [default: site-based]
    #[arg(long, value_enum, value_name = "MODE")]
    pub media_mode: Option<MediaMode>,
    /// Management point, for example mp.contoso.com (one; repeatable with --media-mode dynamic)
    ///
    /// With http:// or https:// before it if need be. Without, it is http with a self-signed media certificate and
    /// https with --certificate.
    #[arg(long, value_name = "HOST")]
    pub management_point: Vec<String>,
    /// Cloud management gateway instead of a management point: HOST/CCM_Proxy_MutualAuth/NUMBER
    ///
    /// The site database names it in vProxy_Roles.MutualAuthPath. Such media need a password and the trusted root
    /// of the gateway's certificate (--trusted-root) when that is not a public one.
    #[arg(long, value_name = "GATEWAY")]
    pub cmg: Option<String>,
    /// HTTP port of management points [default: that of --management-point, else 80]
    #[arg(long, value_name = "PORT")]
    pub http_port: Option<u16>,
    /// HTTPS port of management points [default: that of --management-point or --cmg, else 443]
    #[arg(long, value_name = "PORT")]
    pub https_port: Option<u16>,
    /// Enable unknown computer support: the GUID of the site's Unknown Computer object (repeatable)
    ///
    /// ARCHITECTURE is x64, x86 or arm64; for example --unknown-computer x64=d10d7f98-17dd-4588-b645-34964936023b.
    /// The site has it in SMS_R_UnknownSystem.SMSUniqueIdentifier.
    #[arg(long, value_name = "ARCHITECTURE=GUID")]
    pub unknown_computer: Vec<String>,
}

/// Options about certificates and the password.
#[derive(Debug, Args)]
#[command(next_help_heading = "Security ([security] in a spec file)")]
pub struct SecurityArgs {
    /// Read the media password from the first line of this file; `-` is standard input
    #[arg(long, value_name = "FILE", group = "password")]
    pub password_file: Option<PathBuf>,
    /// Take the media password from this environment variable
    #[arg(long, value_name = "NAME", group = "password")]
    pub password_env: Option<String>,
    /// Ask for the media password on the terminal
    #[arg(long, group = "password")]
    pub password_prompt: bool,
    /// Make media for a cloud management gateway although they have no password
    ///
    /// Anyone who holds such a medium can read the certificate on it.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    pub allow_no_password: Option<bool>,
    /// Make media although their password is weak
    ///
    /// A strong one has 12 characters or more and holds a year or more against whoever finds the medium and tries ten
    /// thousand million a second. `tsmedia password generate` makes one.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    pub allow_weak_password: Option<bool>,
    /// Certificate of a root authority the boot image shall trust (repeatable)
    ///
    /// The file is .cer, .crt, .der, .pem, .p7b, .sst, or a .reg file exported from a certificate store, which names its
    /// own stores.
    #[arg(long, value_name = "FILE")]
    pub trusted_root: Vec<PathBuf>,
    /// The certificate store trusted roots go to [default: authroot]
    #[arg(long, value_enum, value_name = "STORE")]
    pub root_store: Option<RootStore>,
    /// Certificate of an intermediate authority the boot image shall know (repeatable)
    #[arg(long, value_name = "FILE")]
    pub intermediate: Vec<PathBuf>,
    /// Import this PKI certificate (.pfx) as the media certificate, instead of a self-signed one
    #[arg(long, value_name = "PFX")]
    pub certificate: Option<PathBuf>,
    /// Make a self-signed media certificate although the spec file names one to import
    #[arg(long, conflicts_with = "certificate")]
    pub self_signed: bool,
    /// Give the medium the identity in this file: media GUID and media certificate (see `tsmedia identity`)
    ///
    /// A site is told of it once, and answers every medium that has it. It takes the place of --media-guid,
    /// --certificate and the options of a self-signed certificate.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["certificate", "self_signed"])]
    pub identity: Option<PathBuf>,
    /// The password of the identity file.
    #[command(flatten)]
    pub identity_password: IdentityPasswordArgs,
    /// Read the password of --certificate from the first line of this file; `-` is standard input
    #[arg(long, value_name = "FILE", group = "certificate-password")]
    pub certificate_password_file: Option<PathBuf>,
    /// Take the password of --certificate from this environment variable
    #[arg(long, value_name = "NAME", group = "certificate-password")]
    pub certificate_password_env: Option<String>,
    /// What the manifest is signed with.
    #[command(flatten)]
    pub signing_key: SigningKeyArgs,
    /// When the self-signed media certificate starts to be valid [default: now]
    ///
    /// A date such as 2027-01-31 (midnight UTC), or 2027-01-31T12:00:00+01:00.
    #[arg(long, value_name = "DATE")]
    pub certificate_start: Option<DateText>,
    /// When the self-signed media certificate expires [default: a year after its start]
    ///
    /// A date such as 2027-12-31 (to the end of that day, UTC), or 2027-12-31T12:00:00+01:00.
    #[arg(long, value_name = "DATE")]
    pub certificate_expiry: Option<DateText>,
    /// Make media although something on them has expired: the media certificate, a trusted certificate, or a certificate
    /// or token in a variable
    ///
    /// Such media are expected not to work.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    pub allow_expired: Option<bool>,
    /// Make media although a management point is expected to refuse the certificate of --certificate
    ///
    /// For example because it is not for client authentication.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    pub allow_unsuitable_certificate: Option<bool>,
    /// Length of the self-signed certificate's RSA key in bits: 1024, 2048, 3072 or 4096 [default: 2048]
    #[arg(long, value_name = "BITS")]
    pub key_bits: Option<u32>,
    /// Cipher of the media variables file [default: aes-128]
    #[arg(long, value_enum, value_name = "CIPHER")]
    pub variables_encryption: Option<VariablesEncryption>,
    /// How many zero bytes end the media variables file [default: as many as Windows programs leave]
    ///
    /// This and the next three are for a site whose own media show that they are written differently.
    #[arg(long, value_name = "BYTES", hide_short_help = true)]
    pub variables_trailer: Option<u16>,
    /// XML declaration of the media variables
    #[arg(long, value_name = "TEXT", hide_short_help = true)]
    pub variables_xml_declaration: Option<String>,
    /// Version that the media variables' root element states; empty for none
    #[arg(long, value_name = "VERSION", hide_short_help = true)]
    pub variables_xml_version: Option<String>,
    /// Whether a NUL character ends the text of the media variables
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true, hide_short_help = true)]
    pub variables_xml_nul_terminated: Option<bool>,
}

/// Options about what the medium does and is called.
#[derive(Args)]
#[command(next_help_heading = "Media ([media] in a spec file)")]
pub struct MediaArgs {
    /// Media label, up to 32 characters [default: Configuration Manager]
    ///
    /// Whole on an ISO and in MediaLabel.txt. A stick has its first 11 characters in capitals, with _ for each of
    /// + , . = [ and ].
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,
    /// Identity of the media at the site, a GUID [default: a new one]
    #[arg(long, value_name = "GUID")]
    pub media_guid: Option<String>,
    /// The number under which you keep this medium, for example the one written on the stick
    ///
    /// It stands in the manifest and the receipt: up to 64 letters, digits, hyphens, underscores and dots.
    #[arg(long, value_name = "NUMBER")]
    pub serial_number: Option<String>,
    /// Allow unattended operating system deployment
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    pub unattended: Option<bool>,
    /// User device affinity [default: do-not-allow]
    #[arg(long, value_enum, value_name = "CHOICE")]
    pub user_device_affinity: Option<UserDeviceAffinity>,
    /// Add a media variable (repeatable); a value given here can be seen in the list of processes
    ///
    /// One with the name of a variable that the medium has anyway replaces its value.
    #[arg(long, value_name = "NAME=VALUE", value_parser = secret)]
    pub var: Vec<SecretString>,
    /// Add media variables from this file: lines NAME=VALUE, or TOML when its name ends in .toml
    ///
    /// For values that are secret. `-` is standard input. --var wins over the file, and the file over [variables] of a
    /// spec file.
    #[arg(long, value_name = "FILE")]
    pub vars_file: Option<PathBuf>,
    /// Leave this media variable out, whoever would have set it (repeatable)
    #[arg(long, value_name = "NAME")]
    pub without_var: Vec<String>,
    /// Enable a prestart command, for example "cmd /C x:\prestart.cmd"; needs --prestart-variable
    #[arg(long, value_name = "COMMAND")]
    pub prestart_command: Option<String>,
    /// Name of the media variable that holds the prestart command
    ///
    /// It is not published. Read it from a medium that the site's console made with a prestart command, by
    /// `tsmedia inspect`. It is none of the variables that a medium has anyway, and none of yours.
    #[arg(long, value_name = "NAME")]
    pub prestart_variable: Option<String>,
    /// Include an autorun.inf file, which shows the whole label in Windows Explorer
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    pub include_autorun: Option<bool>,
}

/// Options about the volume.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output ([output] in a spec file)")]
pub struct OutputArgs {
    /// The file to make; .iso or .img decides what it is. Or a stick to write: /dev/disk/by-id/NAME
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write what the site has to be told of the medium to this file: a PowerShell script that tells it (.ps1), or JSON
    #[arg(long, value_name = "FILE")]
    pub registration: Option<PathBuf>,
    /// Write the receipt to this file [default: the output with .receipt.json behind its name]
    ///
    /// The receipt is the manifest once more, with the place of every byte on the medium: keep it, and `tsmedia verify
    /// --raw` proves the medium by it. It holds no secret.
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
    /// Write no receipt
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    pub no_receipt: Option<bool>,
    /// What to make, when the name of the output does not say
    ///
    /// The extension of an --output given as an option wins over the key of a spec file.
    #[arg(long, value_enum, value_name = "FORM")]
    pub format: Option<Format>,
    /// Partition table of a disk image [default: gpt]
    #[arg(long, value_enum, value_name = "SCHEME")]
    pub partition_scheme: Option<PartitionScheme>,
    /// Length of the disk image, for example 8GiB, 500M or a number of bytes [default: as small as fits]
    #[arg(long, value_name = "SIZE")]
    pub size: Option<Size>,
    /// Cluster size of the disk image's FAT32 volume, from 512 to 32K [default: by the volume's size]
    #[arg(long, value_name = "SIZE")]
    pub cluster_size: Option<Size>,
    /// Make a second partition of what is left of the disk, for the user's data: unformatted, of the type for NTFS or exFAT
    ///
    /// The medium's own partition is then as small as fits, or of --partition-size. Windows offers to format the other one. What
    /// is put there stays when the stick is brought up to date with `tsmedia write --update`.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    pub data_partition: Option<bool>,
    /// Length of the medium's own partition, with --data-partition, so that larger media fit into it later: 4GiB
    #[arg(long, value_name = "SIZE")]
    pub partition_size: Option<Size>,
    /// Let a computer started from the ISO by UEFI wait for a key to be pressed
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_possible_values = true)]
    pub prompt: Option<bool>,
}
