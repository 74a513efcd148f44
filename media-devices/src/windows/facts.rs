//! From what Windows answers to what is known of its disks.

use std::path::PathBuf;

use super::layouts::{Descriptor, Geometry, Partition, PartitionKind};
use crate::{Bus, Disk, Kind, Use};

/// A machine, as its answers have it.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) disks: Vec<DiskFacts>,
    pub(super) volumes: Vec<Volume>,
    /// `GetSystemWindowsDirectory`: `C:\Windows`.
    pub(super) windows_folder: Option<String>,
    /// The partition the machine started from: `\Device\HarddiskVolume1`.
    pub(super) boot_partition: Option<String>,
    /// The files that memory is swapped out to.
    pub(super) page_files: Vec<String>,
}

/// A device that offers the disk interface.
#[derive(Debug, Default)]
pub(super) struct DiskFacts {
    /// The path of the interface, which has the model and the place or serial number in it, and stays.
    pub(super) interface: String,
    /// `2` of `\\.\PhysicalDrive2`.
    pub(super) number: u32,
    pub(super) descriptor: Descriptor,
    /// There is none without a medium.
    pub(super) geometry: Option<Geometry>,
    pub(super) is_protected: bool,
    pub(super) partitions: Vec<Partition>,
    /// The device itself and what it hangs on, from there outwards.
    pub(super) devices: Vec<Device>,
}

/// A node of the tree of devices.
#[derive(Debug, Clone, Default)]
pub(super) struct Device {
    /// Its instance: `USB\VID_0781&PID_5581\4C530001230415117203`.
    pub(super) instance: String,
    /// The first of its location paths: `PCIROOT(0)#PCI(1400)#USBROOT(0)#USB(3)#USB(2)`.
    pub(super) location: Option<String>,
}

/// A volume, mounted or not.
#[derive(Debug, Clone, Default)]
pub(super) struct Volume {
    /// `\\?\Volume{…}\`
    pub(super) name: String,
    /// `\Device\HarddiskVolume3`
    pub(super) device: Option<String>,
    /// The numbers of the disks it is on.
    pub(super) disks: Vec<u32>,
    /// Letters and folders: `E:\`.
    pub(super) mounted_at: Vec<String>,
}

impl Facts {
    /// In the order of their numbers.
    pub(super) fn disks(&self) -> Vec<Disk> {
        let mut disks: Vec<&DiskFacts> = self.disks.iter().collect();
        disks.sort_by_key(|disk| disk.number);
        disks.dedup_by_key(|disk| disk.number);
        disks.into_iter().map(|disk| self.disk(disk)).collect()
    }

    fn disk(&self, facts: &DiskFacts) -> Disk {
        let descriptor = &facts.descriptor;
        let usb = facts.devices.iter().find(|device| is_usb_device(device));
        let kind = kind(facts);
        Disk {
            path: PathBuf::from(format!(r"\\.\PhysicalDrive{}", facts.number)),
            id: Some(PathBuf::from(&facts.interface)),
            bus: if usb.is_some() { Bus::Usb } else { bus(descriptor.bus) },
            // What the disk itself says may be of the board between it and USB, and the same for all of its kind.
            serial: usb.and_then(usb_serial).or_else(|| descriptor.serial.clone()),
            vendor: descriptor.vendor.clone(),
            model: descriptor.product.clone(),
            size: facts.geometry.map_or(0, |geometry| geometry.size),
            sector_size: facts.geometry.map_or(512, |geometry| geometry.sector_size),
            speed: None,
            port: usb.and_then(|usb| usb.location.as_deref()).and_then(port),
            removable: descriptor.removable && kind == Kind::Disk,
            read_only: facts.is_protected,
            partitions: facts
                .partitions
                .iter()
                .map(|partition| partition_name(facts.number, partition))
                .collect(),
            uses: self.uses(facts),
            kind,
            number: None,
            sequence: None,
        }
    }

    fn uses(&self, facts: &DiskFacts) -> Vec<Use> {
        let parts = facts.partitions.iter().filter_map(|partition| {
            let by = match partition.kind {
                PartitionKind::StorageSpaces => "a pool of Storage Spaces",
                PartitionKind::Dynamic => "a group of dynamic disks",
                PartitionKind::Other => return None,
            };
            Some(Use::Held { device: partition_name(facts.number, partition), by: by.to_owned() })
        });
        let mut uses: Vec<Use> = parts.collect();
        for volume in on_disk(&self.volumes, facts.number) {
            uses.extend(self.uses_of(volume));
        }
        uses
    }

    fn uses_of(&self, volume: &Volume) -> Vec<Use> {
        let device = label(volume);
        let is_same = |at: Option<&Volume>| at.is_some_and(|at| at.name == volume.name);
        let has_windows = is_same(self.windows_folder.as_deref().and_then(|folder| self.volume_of(folder)));
        let mut uses: Vec<Use> = Vec::new();
        if volume.device.is_some() && volume.device == self.boot_partition {
            uses.push(Use::System { device: device.clone(), at: PathBuf::from("its boot partition") });
        }
        for at in volume.mounted_at.iter().map(PathBuf::from) {
            let device = device.clone();
            uses.push(if has_windows { Use::System { device, at } } else { Use::Volume { device, at } });
        }
        if self.page_files.iter().any(|file| is_same(self.volume_of(file))) {
            uses.push(Use::Swap { device: device.clone() });
        }
        if volume.disks.len() > 1 {
            uses.push(Use::Held { device, by: "a volume on several disks".to_owned() });
        }
        uses
    }

    /// The volume that a file or folder is on: of those mounted above it, the nearest.
    fn volume_of(&self, path: &str) -> Option<&Volume> {
        // Page files are named as the kernel names them.
        let path = path.strip_prefix(r"\??\").unwrap_or(path).to_ascii_lowercase();
        let length = |volume: &&Volume| {
            let above = volume.mounted_at.iter().filter(|at| path.starts_with(&at.to_ascii_lowercase()));
            above.map(String::len).max().unwrap_or(0)
        };
        self.volumes.iter().max_by_key(length).filter(|volume| length(volume) > 0)
    }
}

/// The volumes that a disk has a part of.
pub(super) fn on_disk(volumes: &[Volume], number: u32) -> impl Iterator<Item = &Volume> {
    volumes.iter().filter(move |volume| volume.disks.contains(&number))
}

/// What a volume is called: `E:`, or else the folder it is mounted at, or else its name.
pub(super) fn label(volume: &Volume) -> String {
    let is_letter = |at: &&String| at.len() == 3;
    let at = volume.mounted_at.iter().find(is_letter).or(volume.mounted_at.first());
    at.unwrap_or(&volume.name).trim_end_matches('\\').to_owned()
}

/// The number in `\\.\PhysicalDrive2`.
pub(super) fn number(disk: &Disk) -> Option<u32> {
    disk.path.to_str()?.strip_prefix(r"\\.\PhysicalDrive")?.parse().ok()
}

/// A name that Windows gives it below `\\.\`.
fn partition_name(disk: u32, partition: &Partition) -> String {
    format!("Harddisk{disk}Partition{}", partition.number)
}

fn kind(facts: &DiskFacts) -> Kind {
    /// SCSI peripheral device types of drives for CDs and of those for rewritable optical media (SPC).
    const OPTICAL: [u8; 2] = [5, 7];
    /// `Unknown`, `RemovableMedia` and `FixedMedia` of `MEDIA_TYPE`; all others are floppy disks.
    const NO_FLOPPY: [u32; 3] = [0, 11, 12];
    /// `BusTypeVirtual`, `BusTypeFileBackedVirtual` and `BusTypeSpaces`
    const MADE: [u32; 3] = [14, 15, 16];
    match () {
        () if MADE.contains(&facts.descriptor.bus) => Kind::Virtual,
        () if OPTICAL.contains(&facts.descriptor.device_type) => Kind::Optical,
        () if facts.geometry.is_some_and(|geometry| !NO_FLOPPY.contains(&geometry.media_type)) => {
            Kind::Floppy
        }
        () => Kind::Disk,
    }
}

/// `STORAGE_BUS_TYPE`
fn bus(number: u32) -> Bus {
    match number {
        7 => Bus::Usb,
        12 | 13 => Bus::Mmc,
        17 => Bus::Nvme,
        2 | 3 | 11 => Bus::Ata,
        1 | 8 | 10 => Bus::Scsi,
        6 | 9 | 20 => Bus::Network,
        4 => Bus::FireWire,
        _ => Bus::Other,
    }
}

/// Whether it is a USB device: no hub, and not one function of several (`MI_`), whose device is above it.
fn is_usb_device(device: &Device) -> bool {
    let instance = device.instance.to_ascii_uppercase();
    instance.starts_with(r"USB\VID_") && !instance.contains("&MI_")
}

/// A device with a serial number has it as its instance; for others Windows makes one up, which has an `&` in it (Microsoft,
/// "Standard USB Identifiers" and "Instance IDs").
fn usb_serial(device: &Device) -> Option<String> {
    let serial = device.instance.rsplit('\\').next()?;
    (!serial.is_empty() && !serial.contains('&')).then(|| serial.to_owned())
}

/// `0.1400-3.2` of `PCIROOT(0)#PCI(1400)#USBROOT(0)#USB(3)#USB(2)`: the second port of the hub at the third port of that
/// controller.
fn port(location: &str) -> Option<String> {
    let parts: Vec<(&str, &str)> =
        location.split('#').filter_map(|part| part.strip_suffix(')')?.split_once('(')).collect();
    let root = parts.iter().position(|(word, _)| *word == "USBROOT")?;
    let numbers =
        |parts: &[(&str, &str)]| parts.iter().map(|(_, number)| *number).collect::<Vec<_>>().join(".");
    let ports: Vec<(&str, &str)> =
        parts.iter().skip(root).filter(|(word, _)| *word == "USB").copied().collect();
    let controller = parts.get(..root).map(numbers).unwrap_or_default();
    (!ports.is_empty()).then(|| format!("{controller}-{}", numbers(&ports)))
}
