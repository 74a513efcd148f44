//! Device elements.
//!
//! 16 bytes: the object with options for the device, or zero. Then a device descriptor: type, flags, size (with
//! these four numbers) and zero, of 4 bytes each, and a body. Types: 0 a disk, 5 the device started from (`boot`),
//! 6 a partition, 8 one to be located. The descriptor of `boot` is 72 bytes, all zero behind the numbers.
//!
//! A RAM disk is type 0 with flags 1. Its body: 3 (RAM disk), image base and image size of 8 bytes, and image offset
//! of 4 bytes, all zero; then the file: version 1, its length from there on, 5 (a file on a device), the descriptor of
//! the device it is on, and its path in UTF-16LE with terminator.
//!
//! Sources: the structures `BCD_DEVICE_OPTION`, `BL_DEVICE_DESCRIPTOR`, `BL_LOCAL_DEVICE` and
//! `BL_FILE_PATH_DESCRIPTOR` as ReactOS names them (boot/environ/include/bl.h), and every byte of the device
//! elements of Windows installation media, which [`encode`] reproduces. Confidence: established; the meaning of the
//! flag 1 and of the 5 in the file is not documented, only their value.

use super::{Guid, HiveError};
use crate::bytes::{Reader, to_utf16le, utf16le};

const BOOT: u32 = 5;
const DISK: u32 = 0;
const RAMDISK: u32 = 3;
const BOOT_SIZE: u32 = 72;
/// Numbers in front of a descriptor's body.
const HEADER: u32 = 16;
/// From the RAM disk's kind to the end of its image offset.
const RAMDISK_FIELDS: u32 = 24;
/// Version, length and kind of the file.
const FILE_HEADER: u32 = 12;

/// Where a boot element's program or file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Device {
    /// The volume the boot manager was started from.
    Boot,
    /// A RAM disk whose content is a WIM file.
    Ramdisk {
        /// The object that says where the RAM disk's frame (`boot.sdi`) is.
        options: Guid,
        /// The WIM file's path on `parent`.
        path: String,
        /// The volume the WIM file is on.
        parent: Box<Device>,
    },
    /// Any other device, such as one partition of one disk: the options object, and the descriptor as stored.
    Other {
        /// The object with options for it, or [`Guid::NONE`].
        options: Guid,
        /// The descriptor.
        descriptor: Vec<u8>,
    },
}

/// A device element as stored.
pub(super) fn encode(device: &Device) -> Result<Vec<u8>, HiveError> {
    let (options, descriptor) = match device {
        Device::Boot => (Guid::NONE, descriptor(device)?),
        Device::Ramdisk { options, .. } | Device::Other { options, .. } => (*options, descriptor(device)?),
    };
    Ok([&options.0[..], &descriptor].concat())
}

fn descriptor(device: &Device) -> Result<Vec<u8>, HiveError> {
    match device {
        Device::Boot => {
            let mut bytes = [BOOT, 0, BOOT_SIZE, 0].map(u32::to_le_bytes).concat();
            bytes.resize(BOOT_SIZE as usize, 0);
            Ok(bytes)
        }
        Device::Other { descriptor, .. } => Ok(descriptor.clone()),
        Device::Ramdisk { path, parent, .. } => {
            // A RAM disk from a file on a RAM disk is nothing the boot manager can make.
            if matches!(**parent, Device::Ramdisk { .. }) {
                return Err(HiveError::Element {
                    path: path.clone(),
                    problem: "the file of a RAM disk lies on a RAM disk",
                });
            }
            let mut file = descriptor(parent)?;
            file.extend(to_utf16le(path));
            file.extend([0; 2]);
            let length = u32::try_from(file.len()).unwrap_or(u32::MAX).saturating_add(FILE_HEADER);
            let size = length.saturating_add(HEADER + RAMDISK_FIELDS);
            let mut bytes =
                [DISK, 1, size, 0, RAMDISK, 0, 0, 0, 0, 0, 1, length, BOOT].map(u32::to_le_bytes).concat();
            bytes.extend(file);
            Ok(bytes)
        }
    }
}

/// Reads a device element. What is not understood is kept as [`Device::Other`].
pub(super) fn decode(data: &[u8]) -> Result<Device, HiveError> {
    let mut reader = Reader::new("boot configuration device", data);
    let options = Guid(reader.array()?);
    let size = Reader::new("boot configuration device", data.get(24..).unwrap_or_default()).u32()?;
    let descriptor = reader.take(size.max(HEADER) as usize)?;
    Ok(decode_ramdisk(options, descriptor).unwrap_or_else(|| decode_simple(options, descriptor)))
}

fn decode_simple(options: Guid, descriptor: &[u8]) -> Device {
    let kind = Reader::new("boot configuration device", descriptor).u32();
    if options == Guid::NONE && kind == Ok(BOOT) {
        return Device::Boot;
    }
    Device::Other { options, descriptor: descriptor.to_vec() }
}

fn decode_ramdisk(options: Guid, descriptor: &[u8]) -> Option<Device> {
    let mut reader = Reader::new("RAM disk", descriptor);
    let kind = reader.u32().ok()?;
    reader.take(12).ok()?;
    if kind != DISK || reader.u32().ok()? != RAMDISK {
        return None;
    }
    reader.take(20).ok()?;
    let (version, length, file_kind) = (reader.u32().ok()?, reader.u32().ok()?, reader.u32().ok()?);
    if version != 1 || file_kind != BOOT {
        return None;
    }
    let file = reader.take((length as usize).checked_sub(FILE_HEADER as usize)?).ok()?;
    let mut sizes = Reader::new("RAM disk", file);
    sizes.take(8).ok()?;
    let parent_size = sizes.u32().ok()? as usize;
    let (parent, path) = file.split_at_checked(parent_size.max(HEADER as usize))?;
    let path = utf16le(path);
    let path = path.split('\0').next().unwrap_or_default().to_owned();
    Some(Device::Ramdisk { options, path, parent: Box::new(decode_simple(Guid::NONE, parent)) })
}
