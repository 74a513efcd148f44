//! What is known of a disk.

use std::path::PathBuf;

/// A disk as its system describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disk {
    /// Where it is opened: `/dev/sdb`, `/dev/disk4`, `\\.\PhysicalDrive2`. Another disk may have this name tomorrow.
    pub path: PathBuf,
    /// A name that stays with it: `/dev/disk/by-id/usb-SanDisk_Ultra_4C530001-0:0`. On Windows it is the path of
    /// its disk interface; macOS has none.
    pub id: Option<PathBuf>,
    /// What it is.
    pub kind: Kind,
    /// How it is connected.
    pub bus: Bus,
    /// The serial number it gives; the file behind a loop device.
    pub serial: Option<String>,
    /// Who made it, as it says.
    pub vendor: Option<String>,
    /// Its model, as it says.
    pub model: Option<String>,
    /// Its size in bytes; 0 for a reader without a card.
    pub size: u64,
    /// Bytes in a sector, the least that can be written.
    pub sector_size: u32,
    /// The speed of its connection in Mbit/s, of a USB disk.
    pub speed: Option<u32>,
    /// Where it is plugged in: `2-1.4` is the fourth port of the hub at the first port of bus 2. A bus is called as its system
    /// calls it.
    pub port: Option<String>,
    /// Whether it says that its medium can be taken out, as sticks and readers do.
    pub removable: bool,
    /// Whether it cannot be written: a switch at its side, for example.
    pub read_only: bool,
    /// The names of its partitions: `sdb1`.
    pub partitions: Vec<String>,
    /// What uses it now.
    pub uses: Vec<Use>,
    /// The numbers by which the system knows it, major and minor.
    pub number: Option<(u32, u32)>,
    /// Counts what was ever plugged in, so that two disks under one name are told apart.
    pub sequence: Option<u64>,
}

impl Disk {
    /// A removable disk of which nothing else is known, for another system than those here: its size is 0, and its sectors
    /// have 512 bytes.
    pub fn of(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            id: None,
            kind: Kind::Disk,
            bus: Bus::Other,
            serial: None,
            vendor: None,
            model: None,
            size: 0,
            sector_size: 512,
            speed: None,
            port: None,
            removable: true,
            read_only: false,
            partitions: Vec::new(),
            uses: Vec::new(),
            number: None,
            sequence: None,
        }
    }
}

/// What a disk is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A disk, stick or card.
    Disk,
    /// A file that looks like a disk.
    Loop,
    /// Made by the system from something else: a mapping, a RAID, a piece of memory.
    Virtual,
    /// A drive for CDs and DVDs.
    Optical,
    /// A drive for floppy disks.
    Floppy,
    /// Part of a soldered memory that a computer starts from.
    Firmware,
}

/// How a disk is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bus {
    /// USB.
    Usb,
    /// A slot for SD cards, or soldered eMMC.
    Mmc,
    /// NVMe, which Thunderbolt cases are too.
    Nvme,
    /// SATA, or the ATA before it.
    Ata,
    /// SCSI and what speaks it.
    Scsi,
    /// A disk of another computer: iSCSI, Fibre Channel.
    Network,
    /// A virtual machine's own kind.
    Paravirtual,
    /// FireWire.
    FireWire,
    /// Nothing known.
    Other,
}

impl std::fmt::Display for Bus {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Usb => "USB",
            Self::Mmc => "SD/MMC",
            Self::Nvme => "NVMe",
            Self::Ata => "ATA",
            Self::Scsi => "SCSI",
            Self::Network => "network",
            Self::Paravirtual => "virtual",
            Self::FireWire => "FireWire",
            Self::Other => "other",
        })
    }
}

/// What uses a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// The running system is on it, as it says itself: on Windows no name tells.
    System {
        /// What of it: `C:`.
        device: String,
        /// Where that part is mounted, or what it is.
        at: PathBuf,
    },
    /// A file system on it is mounted that [`Disks::hold`](crate::Disks::hold) can take off it, as Windows does.
    Volume {
        /// What of it: `E:`.
        device: String,
        /// Where.
        at: PathBuf,
    },
    /// A file system on it is mounted.
    Mount {
        /// What of it: `sdb1`, or what was made from it: `dm-0`.
        device: String,
        /// Where.
        at: PathBuf,
    },
    /// Memory is swapped out to it.
    Swap {
        /// What of it.
        device: String,
    },
    /// Something is made from it that is not mounted: an unlocked container, a volume group, a RAID.
    Held {
        /// What of it.
        device: String,
        /// What is made from it.
        by: String,
    },
}
