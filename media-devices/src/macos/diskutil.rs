//! What `diskutil list -plist` and `diskutil info -plist DISK` say (diskutil(8), "list" and "info"; the keys are not in it, and
//! are those of macOS 10.13 and later).

use std::path::PathBuf;

use super::plist::Value;
use super::registry::Connection;
use crate::{Bus, Disk, Kind, Use};

/// Where the volume for swap is mounted; memory is swapped out to it whether or not there is a file yet.
const SWAP: &str = "/System/Volumes/VM";

/// What partitions hold that larger things are made from, and what these are.
const PARTS: [(&str, &str); 2] = [("Apple_RAID", "a RAID"), ("Apple_CoreStorage", "a CoreStorage group")];

/// Every disk with its partitions and volumes.
#[derive(Debug, Default)]
pub(super) struct Listing {
    disks: Vec<Listed>,
}

#[derive(Debug)]
struct Listed {
    name: String,
    partitions: Vec<String>,
    /// The partitions an APFS container is made from.
    stores: Vec<String>,
    uses: Vec<Use>,
}

impl Listing {
    pub(super) fn new(list: &Value) -> Self {
        let mut disks: Vec<Listed> =
            list.list("AllDisksAndPartitions").iter().filter_map(Listed::new).collect();
        disks.sort_by_key(|disk| in_order(&disk.name));
        Self { disks }
    }

    /// In the order of their numbers.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.disks.iter().map(|disk| disk.name.as_str())
    }

    /// The facts of one.
    pub(super) fn disk(&self, name: &str, info: &Value, connection: Option<&Connection>) -> Disk {
        let listed = self.disks.iter().find(|disk| disk.name == name);
        let kind = kind(info, listed);
        let bus = bus(info.text("BusProtocol").unwrap_or_default());
        // What is made by the system is found below the disk it is made from, and has nothing of it.
        let connection = connection.filter(|_| kind != Kind::Virtual).cloned().unwrap_or_default();
        let sizes = ["TotalSize", "Size", "IOKitSize"];
        Disk {
            path: PathBuf::from(format!("/dev/{name}")),
            id: None,
            removable: is_removable(info, bus),
            kind,
            bus,
            serial: connection.serial,
            vendor: connection.vendor,
            model: connection.model.or_else(|| info.text("MediaName").map(str::to_owned)),
            size: sizes.iter().find_map(|key| info.number(key)).unwrap_or(0),
            sector_size: info.number("DeviceBlockSize").unwrap_or(512),
            speed: connection.speed.filter(|_| bus == Bus::Usb),
            port: connection.port.filter(|_| bus == Bus::Usb),
            read_only: info.truth("WritableMedia").or_else(|| info.truth("Writable")) == Some(false),
            partitions: listed.map(|disk| disk.partitions.clone()).unwrap_or_default(),
            uses: self.uses(name),
            number: connection.number,
            sequence: connection.sequence,
        }
    }

    /// What uses a disk, and whatever is made from it.
    fn uses(&self, name: &str) -> Vec<Use> {
        let mut below = vec![name];
        let mut uses: Vec<Use> = Vec::new();
        let mut next = 0;
        while let Some(&name) = below.get(next) {
            next += 1;
            for disk in &self.disks {
                if disk.name == name {
                    uses.extend(
                        disk.uses.iter().filter(|found| !uses.contains(found)).cloned().collect::<Vec<_>>(),
                    );
                } else if !below.contains(&disk.name.as_str())
                    && disk.stores.iter().any(|store| self.disk_of(store) == Some(name))
                {
                    below.push(&disk.name);
                }
            }
        }
        uses
    }

    /// The disk that a partition is on.
    fn disk_of(&self, partition: &str) -> Option<&str> {
        let is_on =
            |disk: &&Listed| disk.name == partition || disk.partitions.iter().any(|name| name == partition);
        self.disks.iter().find(is_on).map(|disk| disk.name.as_str())
    }
}

impl Listed {
    fn new(entry: &Value) -> Option<Self> {
        let name = entry.text("DeviceIdentifier")?.to_owned();
        let partitions = entry.list("Partitions");
        let mut uses = mounts(entry);
        uses.extend(held(entry));
        for partition in partitions {
            uses.extend(mounts(partition));
            uses.extend(held(partition));
        }
        for volume in entry.list("APFSVolumes") {
            uses.extend(mounts(volume));
        }
        let names =
            |list: &[Value], key| list.iter().filter_map(|item| item.text(key).map(str::to_owned)).collect();
        Some(Self {
            name,
            partitions: names(partitions, "DeviceIdentifier"),
            stores: names(entry.list("APFSPhysicalStores"), "DeviceIdentifier"),
            uses,
        })
    }
}

/// Where a disk, partition or volume is mounted, or a snapshot of it: a Mac's system runs from a sealed snapshot.
fn mounts(entry: &Value) -> Vec<Use> {
    let device = entry.text("DeviceIdentifier").unwrap_or_default();
    let snapshots = entry.list("MountedSnapshots").iter().filter_map(|snapshot| {
        Some((snapshot.text("SnapshotBSD").unwrap_or(device), snapshot.text("SnapshotMountPoint")?))
    });
    let own = entry.text("MountPoint").map(|at| (device, at));
    let found = |(device, at): (&str, &str)| match at {
        SWAP => Use::Swap { device: device.to_owned() },
        _ => Use::Mount { device: device.to_owned(), at: PathBuf::from(at) },
    };
    snapshots.chain(own).map(found).collect()
}

/// What a disk or partition is a part of.
fn held(partition: &Value) -> Option<Use> {
    let device = partition.text("DeviceIdentifier")?.to_owned();
    let content = partition.text("Content")?;
    let (_, by) = PARTS.into_iter().find(|(part, _)| content == *part)?;
    Some(Use::Held { device, by: by.to_owned() })
}

fn kind(info: &Value, listed: Option<&Listed>) -> Kind {
    let has = |key| info.get(key).is_some();
    let is_image = matches!(info.text("BusProtocol"), Some("Disk Image" | "Virtual Interface"));
    let is_made = info.text("VirtualOrPhysical") == Some("Virtual")
        || has("APFSPhysicalStores")
        || info.truth("RAIDMaster") == Some(true)
        || listed.is_some_and(|disk| !disk.stores.is_empty());
    match () {
        () if is_image || is_made => Kind::Virtual,
        () if has("OpticalDeviceType") || has("OpticalMediaType") => Kind::Optical,
        () => Kind::Disk,
    }
}

/// Whether its medium can be taken out. `RemovableMediaOrExternalDevice` is true of every external disk, and does not say so.
/// Of what is inside a Mac, only a reader has such a medium.
fn is_removable(info: &Value, bus: Bus) -> bool {
    let is_inside = info.truth("Internal") == Some(true);
    info.truth("RemovableMedia") == Some(true) && (!is_inside || matches!(bus, Bus::Mmc | Bus::Usb))
}

/// `Physical Interconnect` of `IOStorageProtocolCharacteristics.h`, which diskutil passes on.
fn bus(protocol: &str) -> Bus {
    match protocol {
        "USB" => Bus::Usb,
        "Secure Digital" => Bus::Mmc,
        "Apple Fabric" | "PCI-Express" | "PCI" | "NVMe" => Bus::Nvme,
        "SATA" | "ATA" | "ATAPI" => Bus::Ata,
        "SAS" | "SCSI" | "SCSI Parallel Interface" => Bus::Scsi,
        "Fibre Channel Interface" | "iSCSI" => Bus::Network,
        "FireWire" => Bus::FireWire,
        _ => Bus::Other,
    }
}

/// `disk2` before `disk10`.
fn in_order(name: &str) -> (usize, String) {
    (name.len(), name.to_owned())
}
