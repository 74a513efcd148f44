//! Asking Windows for everything that its disks are known by.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;

use windows_sys::Win32::Foundation::ERROR_WRITE_PROTECT;
use windows_sys::Win32::Storage::FileSystem::IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS;
use windows_sys::Win32::System::Ioctl::{
    IOCTL_DISK_GET_DRIVE_GEOMETRY_EX, IOCTL_DISK_GET_DRIVE_LAYOUT_EX, IOCTL_DISK_IS_WRITABLE,
    IOCTL_STORAGE_GET_DEVICE_NUMBER, IOCTL_STORAGE_QUERY_PROPERTY,
};

use super::calls::{self, control};
use super::facts::{Device, DiskFacts, Facts, Volume};
use super::layouts;
use crate::DevicesError;

/// Room for an answer at first; those with lists in them may be longer, and are asked for again.
const ROOM: usize = 4096;

/// `STORAGE_PROPERTY_QUERY` for `StorageDeviceProperty` with `PropertyStandardQuery`, which are 0 both.
const DEVICE_PROPERTY: [u8; 12] = [0; 12];

/// Above a disk are its port, its hub, hubs, a controller, and buses; the tree of devices is not deeper than this.
const DEPTH_LIMIT: usize = 32;

pub(super) fn facts() -> Result<Facts, DevicesError> {
    Ok(Facts {
        disks: calls::disk_interfaces()?.into_iter().filter_map(disk).collect(),
        volumes: volumes()?,
        windows_folder: calls::windows_folder(),
        // The kernel writes it at each start (`HKLM\SYSTEM\Setup`, value `SystemPartition`).
        boot_partition: calls::machine_text(r"SYSTEM\Setup", "SystemPartition"),
        // Where this is not known nothing is at risk: Windows puts none on disks that can be plugged in and out, and the
        // volumes of all others are a reason of their own.
        page_files: calls::page_files().unwrap_or_default(),
    })
}

/// All volumes that have a name, also those of CDs and without a file system.
pub(super) fn volumes() -> Result<Vec<Volume>, DevicesError> {
    let volume = |name: String| {
        let extents = query(&opened_name(&name))
            .and_then(|file| control(&file, IOCTL_VOLUME_GET_VOLUME_DISK_EXTENTS, &[], ROOM));
        Volume {
            device: calls::kernel_name(name.trim_start_matches(r"\\?\").trim_end_matches('\\')),
            disks: layouts::disks_of_volume(&extents.unwrap_or_default()),
            mounted_at: calls::mounted_at(&name).unwrap_or_default(),
            name,
        }
    };
    Ok(calls::volumes()?.into_iter().map(volume).collect())
}

/// With a backslash at its end a volume's name is its root folder, without one it is the volume.
pub(super) fn opened_name(volume: &str) -> String {
    volume.trim_end_matches('\\').to_owned()
}

/// The facts of one; `None` when it is gone.
fn disk(found: calls::Interface) -> Option<DiskFacts> {
    let file = query(&found.path).ok()?;
    let number = layouts::device_number(&control(&file, IOCTL_STORAGE_GET_DEVICE_NUMBER, &[], ROOM).ok()?)?;
    let descriptor = control(&file, IOCTL_STORAGE_QUERY_PROPERTY, &DEVICE_PROPERTY, ROOM);
    let geometry = control(&file, IOCTL_DISK_GET_DRIVE_GEOMETRY_EX, &[], ROOM);
    let layout = control(&file, IOCTL_DISK_GET_DRIVE_LAYOUT_EX, &[], ROOM);
    let writable = control(&file, IOCTL_DISK_IS_WRITABLE, &[], 0);
    Some(DiskFacts {
        number,
        descriptor: descriptor.ok().and_then(|bytes| layouts::descriptor(&bytes)).unwrap_or_default(),
        geometry: geometry.ok().and_then(|bytes| layouts::geometry(&bytes)),
        is_protected: writable.is_err_and(|error| calls::is_error(&error, ERROR_WRITE_PROTECT)),
        partitions: layouts::partitions(&layout.unwrap_or_default()),
        devices: devices(found.node),
        interface: found.path,
    })
}

/// A device and what it hangs on.
fn devices(node: u32) -> Vec<Device> {
    let nodes = std::iter::successors(Some(node), |node| calls::parent(*node)).take(DEPTH_LIMIT);
    nodes
        .filter_map(|node| Some(Device { instance: calls::instance(node)?, location: calls::location(node) }))
        .collect()
}

/// Opens a device to ask it something, without access to what is on it.
fn query(path: &str) -> io::Result<File> {
    OpenOptions::new().access_mode(0).open(path)
}
