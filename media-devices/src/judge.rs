//! Which disks may be written. The one place where this is decided.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::disk::{Bus, Disk, Kind, Use};

/// Whether a disk may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is a removable medium that nothing uses.
    Allowed,
    /// It does not say that it can be taken out: it may be a disk of the machine, and is written only when its serial
    /// number is given.
    NeedsSerial,
    /// Never as it is now, for these reasons.
    Refused(Vec<Refusal>),
}

/// Why a disk is not written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The running system is on it.
    System {
        /// Where that part of it is mounted, or what it is.
        at: PathBuf,
    },
    /// Memory is swapped out to it.
    Swap {
        /// What of it.
        device: String,
    },
    /// A file system on it is mounted.
    Mounted {
        /// What of it.
        device: String,
        /// Where.
        at: PathBuf,
    },
    /// Something is made from it.
    Held {
        /// What of it.
        device: String,
        /// What is made from it.
        by: String,
    },
    /// It cannot be written.
    ReadOnly,
    /// There is no medium in it.
    NoMedium,
    /// It is no disk of the kind that sticks are.
    Kind(Kind),
    /// It may be a disk of the machine, and has no serial number that could be given.
    NoSerial,
}

/// Folders that a running system is in. Whatever else is mounted may only be in use.
const SYSTEM: [&str; 9] = ["/", "/boot", "/boot/efi", "/efi", "/usr", "/var", "/home", "/nix", "/sysroot"];

/// Below this folder are the volumes of a running macOS.
const MAC_SYSTEM: &str = "/System/Volumes";

/// Decides from the facts alone.
pub fn judge(disk: &Disk) -> Verdict {
    let mut reasons = Vec::new();
    if !matches!(disk.kind, Kind::Disk | Kind::Loop) {
        reasons.push(Refusal::Kind(disk.kind.clone()));
    }
    let mut uses: Vec<Refusal> = disk.uses.iter().filter_map(|found| refusal(disk, found)).collect();
    // That it is the system's disk is what has to be read first.
    uses.sort_by_key(|refusal| !matches!(refusal, Refusal::System { .. }));
    reasons.extend(uses);
    if disk.size == 0 {
        reasons.push(Refusal::NoMedium);
    } else if disk.read_only {
        reasons.push(Refusal::ReadOnly);
    }
    match (reasons.is_empty(), disk.removable, &disk.serial) {
        (false, ..) => Verdict::Refused(reasons),
        (true, true, _) => Verdict::Allowed,
        (true, false, Some(_)) => Verdict::NeedsSerial,
        (true, false, None) => Verdict::Refused(vec![Refusal::NoSerial]),
    }
}

fn refusal(disk: &Disk, found: &Use) -> Option<Refusal> {
    Some(match found.clone() {
        Use::System { at, .. } => Refusal::System { at },
        Use::Mount { at, .. } if is_system(&at) => Refusal::System { at },
        // Every stick has a letter on Windows. A disk inside the machine has one because somebody works with it.
        Use::Volume { .. } if is_portable(disk) => return None,
        Use::Mount { device, at } | Use::Volume { device, at } => Refusal::Mounted { device, at },
        Use::Swap { device } => Refusal::Swap { device },
        Use::Held { device, by } => Refusal::Held { device, by },
    })
}

fn is_system(at: &Path) -> bool {
    SYSTEM.iter().any(|folder| at == Path::new(folder)) || at.starts_with(MAC_SYSTEM)
}

/// Whether it is there to be plugged in and out. What is soldered in is of SD's bus too.
fn is_portable(disk: &Disk) -> bool {
    disk.removable || matches!(disk.bus, Bus::Usb | Bus::FireWire)
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System { at } => write!(out, "the running system is on it ({})", at.display()),
            Self::Swap { device } => write!(out, "memory is swapped out to it ({device})"),
            Self::Mounted { device, at } => write!(out, "{device} is mounted at {}", at.display()),
            Self::Held { device, by } => write!(out, "{device} is part of {by}"),
            Self::ReadOnly => out.write_str("it is write-protected"),
            Self::NoMedium => out.write_str("there is no medium in it"),
            Self::Kind(Kind::Optical) => out.write_str("it is a drive for CDs and DVDs"),
            Self::Kind(Kind::Floppy) => out.write_str("it is a drive for floppy disks"),
            Self::Kind(Kind::Firmware) => out.write_str("it is what a computer's firmware starts from"),
            Self::Kind(_) => out.write_str("it is no disk, but made by the system"),
            Self::NoSerial => {
                out.write_str("it is not removable, and has no serial number by which it could be named")
            }
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed => out.write_str("can be written"),
            Self::NeedsSerial => {
                out.write_str("can be written when its serial number is given: not removable")
            }
            Self::Refused(reasons) => {
                out.write_str("refused: ")?;
                for (number, reason) in reasons.iter().enumerate() {
                    write!(out, "{}{reason}", if number == 0 { "" } else { "; " })?;
                }
                Ok(())
            }
        }
    }
}
