//! Boot configuration stores (BCD): hives that tell the Windows boot manager what to start and how.
//!
//! Scope: all objects and elements are read and written; of the devices, "the one started from" and a RAM disk
//! made from a WIM file on it are understood, any other is kept as its bytes. Nothing is refused but what is not
//! a store.
//!
//! Layout: `Description` (values `KeyName`, and in an installed system's store `System` and `TreatAsSystem`) and
//! `Objects\{guid}` with `Description` (value `Type`) and `Elements\xxxxxxxx` (value `Element`). The element's
//! number says its format: bits 24 to 27 are 1 device, 2 string, 3 object, 4 list of objects, 5 integer, 6 boolean,
//! 7 list of integers. Sources: G. Chappell, "BCD Elements" and "BCD Objects"; a store of Windows installation media
//! and one of an installed system, both written by Windows.

mod description;
mod device;
mod guid;
mod store;
#[cfg(test)]
mod tests;

pub use description::{BIOS, UEFI, parse};
pub use device::Device;
pub use guid::Guid;
pub use store::{build, read};

use super::HiveError;

/// The objects of a store, and what names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootStore {
    /// Name of the hive's root key: `NewStoreRoot`, or `System` in the stores of installation media.
    pub root_name: String,
    /// `KeyName` of the store: the name of the key under `HKEY_LOCAL_MACHINE` Windows loads it as.
    pub key_name: String,
    /// Whether the store is an installed system's own (`System` and `TreatAsSystem`). Media have none such.
    pub system: bool,
    /// The objects, in the order of their identifiers as text.
    pub objects: Vec<BootObject>,
}

/// A thing to start, or settings that others refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootObject {
    /// Its identifier.
    pub id: Guid,
    /// Its type: see the constants of this module.
    pub kind: u32,
    /// Its elements, in the order of their numbers.
    pub elements: Vec<Element>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Its number, for example `0x12000002` for the path of a program.
    pub number: u32,
    /// Its value.
    pub value: ElementValue,
}

/// An element's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ElementValue {
    /// Where something is.
    Device(Device),
    /// Text, without the terminator.
    Text(String),
    /// Another object.
    Object(Guid),
    /// Other objects, in order.
    Objects(Vec<Guid>),
    /// A number, stored in 8 bytes (Windows' own media have shorter ones, which are read too).
    Integer(u64),
    /// Yes or no, stored in one byte.
    Boolean(bool),
    /// Numbers of 8 bytes each.
    Integers(Vec<u64>),
    /// A format this module does not know: registry type and data.
    Other {
        /// Registry type.
        kind: u32,
        /// Data as stored.
        data: Vec<u8>,
    },
}

/// The boot manager's object.
pub const BOOT_MANAGER: Guid = Guid::from_fields(0x9dea_862c, 0x5cdd, 0x4e70, 0xacc1_f32b_344d_4795);
/// Type of the boot manager's object.
pub const BOOT_MANAGER_KIND: u32 = 0x1010_0002;
/// Type of an operating system loader's object.
pub const LOADER_KIND: u32 = 0x1020_0003;
/// Type of an object with options for a device, such as a RAM disk.
pub const DEVICE_OPTIONS_KIND: u32 = 0x3000_0000;

const LIBRARY_DEVICE: u32 = 0x1100_0001;
/// Element with the path of the program a loader or boot manager object starts.
pub const LIBRARY_PATH: u32 = 0x1200_0002;
const DEFAULT_OBJECT: u32 = 0x2300_0003;
const DISPLAY_ORDER: u32 = 0x2400_0001;
const LOADER_SYSTEM_DEVICE: u32 = 0x2100_0001;
const RAMDISK_SDI_DEVICE: u32 = 0x3100_0003;
const RAMDISK_SDI_PATH: u32 = 0x3200_0004;

/// What a store starts when it starts a RAM disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RamdiskBoot {
    /// The WIM file, for example `\sources\boot.wim`.
    pub wim_path: String,
    /// The RAM disk's frame, for example `\boot\boot.sdi`.
    pub sdi_path: String,
    /// The program inside the WIM, for example `\windows\system32\boot\winload.efi`.
    pub loader_path: String,
    /// Whether both files are looked for on the volume the boot manager came from.
    pub from_boot_device: bool,
}

impl BootStore {
    /// The object with an identifier.
    pub fn object(&self, id: Guid) -> Option<&BootObject> {
        self.objects.iter().find(|object| object.id == id)
    }

    /// What the store starts by default, when that is a RAM disk: the boot manager's default object, or without
    /// one the first it displays.
    pub fn default_ramdisk(&self) -> Option<RamdiskBoot> {
        let manager = self.object(BOOT_MANAGER)?;
        let default = match (manager.element(DEFAULT_OBJECT), manager.element(DISPLAY_ORDER)) {
            (Some(ElementValue::Object(id)), _) => *id,
            (_, Some(ElementValue::Objects(ids))) => *ids.first()?,
            _ => return None,
        };
        let loader = self.object(default)?;
        let device =
            [LOADER_SYSTEM_DEVICE, LIBRARY_DEVICE].into_iter().find_map(|number| loader.element(number));
        let Some(ElementValue::Device(Device::Ramdisk { options, path, parent })) = device else {
            return None;
        };
        let options = self.object(*options)?;
        let sdi_device = options.element(RAMDISK_SDI_DEVICE);
        Some(RamdiskBoot {
            wim_path: path.clone(),
            sdi_path: options.text(RAMDISK_SDI_PATH)?,
            loader_path: loader.text(LIBRARY_PATH)?,
            from_boot_device: **parent == Device::Boot
                && matches!(sdi_device, Some(ElementValue::Device(Device::Boot))),
        })
    }
}

impl BootObject {
    /// The value of an element.
    pub fn element(&self, number: u32) -> Option<&ElementValue> {
        self.elements.iter().find(|element| element.number == number).map(|element| &element.value)
    }

    fn text(&self, number: u32) -> Option<String> {
        match self.element(number)? {
            ElementValue::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}
