//! The options of `tsmedia devices` and `tsmedia write`.

use std::path::PathBuf;

use clap::Args;

pub(super) const ABOUT_DEVICES: &str = "\
Lists the disks of this machine: which of them can be written, and why others are refused. Changes nothing, and opens \
none of them.

A disk that says that it is removable, as sticks and card readers do, can be written. One that does not is written only when \
its serial number is given. Disks that are mounted, swapped out to, part of something else, write-protected or without a medium \
are refused.";

pub(super) const AFTER_HELP_DEVICES: &str = "\
Exit codes:
    0  done
    2  the command line is wrong
    4  the result cannot be printed
    5  the system does not say which disks there are";

pub(super) const ABOUT_WRITE: &str = "\
Writes a medium onto sticks: as many as are named, all at the same time, from one reading. What was on them is lost.

Only what the medium consists of is written, past the system's cache, and what makes a stick start comes last: a stick that was \
not finished does not start. Then everything is read back from the stick and compared. A stick that fails stops no other.";

pub(super) const AFTER_HELP_WRITE: &str = "\
Examples:
  tsmedia devices
  tsmedia write stick.img /dev/disk/by-id/usb-SanDisk_Ultra_4C530001230415117203-0:0 --yes
  tsmedia write stick.img /dev/sdb /dev/sdc /dev/sdd --check-capacity --yes
  tsmedia write --update stick.img /dev/sdb --yes
  tsmedia write --spec media.toml /dev/sdb /dev/sdc --yes
  tsmedia write --batch media/ --yes

Exit codes:
    0  every stick is ready; with --batch, every medium is on a stick
    2  the command line or the spec file is wrong, or --yes is missing
    3  the medium, or something it is made from, cannot be used
    4  at least one stick is not ready, and what is said of each names it; with --batch: a medium is on no stick
  130  interrupted";

/// `tsmedia devices`
#[derive(Debug, Args)]
pub struct DevicesArgs {
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `tsmedia write`
#[derive(Debug, Args)]
pub struct WriteArgs {
    /// The disk image to write, a medium made by `tsmedia create`, and then the sticks; with --spec or --batch the sticks alone
    ///
    /// A stick is named by its device: /dev/disk/by-id/NAME, which stays the same, or /dev/sdb.
    #[arg(value_name = "IMAGE|DEVICE", required_unless_present = "batch")]
    pub image_and_devices: Vec<PathBuf>,
    /// Make the medium that this spec file describes, instead of taking one that is there
    ///
    /// It is laid out for the smallest of the sticks.
    #[arg(long, value_name = "FILE")]
    pub spec: Option<PathBuf>,
    /// Put the media of a batch on sticks, each on one of its own, as sticks are plugged in
    ///
    /// The folder is that of `tsmedia create --workers`. Sticks that are named get their media first. Then every stick that
    /// is plugged in gets the next medium that is on none; one that was there before, or failed, has to be taken out for
    /// three seconds first. The register says which stick has which medium, and a run that ended early is finished by
    /// another. A stick that has a medium of the batch keeps it.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["spec", "update"])]
    pub batch: Option<PathBuf>,
    /// With --batch: end when the named sticks are done, and wait for none
    #[arg(long, requires = "batch")]
    pub no_wait: bool,
    /// Write only what differs, on sticks that have a medium of this program
    ///
    /// Files are compared by the checksums of the two manifests, everything else by what is on the stick. All of it is read
    /// back and compared afterwards.
    #[arg(long, conflicts_with_all = ["check_capacity", "spec"])]
    pub update: bool,
    /// How sticks are written.
    #[command(flatten)]
    pub stick: StickArgs,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// Show no progress
    #[arg(long, short)]
    pub quiet: bool,
}

/// How sticks are written.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Sticks")]
pub struct StickArgs {
    /// Write: without this it is only said which sticks would be written
    #[arg(long)]
    pub yes: bool,
    /// The serial number of a disk that is not removable, as `tsmedia devices` shows it (repeatable)
    ///
    /// A disk that does not say that it is removable is written only when its serial number is given. For a loop device it is
    /// the file behind it.
    #[arg(long, value_name = "SERIAL")]
    pub device_serial: Vec<String>,
    /// Check first that a stick holds what it says, by writing and reading at each power of two
    #[arg(long)]
    pub check_capacity: bool,
    /// Do not read back what was written
    #[arg(long)]
    pub no_read_back: bool,
}
