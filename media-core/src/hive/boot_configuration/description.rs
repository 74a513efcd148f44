//! Stores described in text: `[object]` sections with `name = value` lines, `;` in front of comments.
//!
//! `[store]` has `root-name` and `key-name`. Any other section is `[{identifier} type]`, the type one of
//! `boot-manager`, `loader`, `device-options` or 8 hexadecimal digits. Element names are those `bcdedit` prints, or
//! 8 hexadecimal digits; the number's format says how the value is read: `boot` or
//! `ramdisk {options} \path\on\the\boot\device`, text, `{identifier}`, several of those, a number, `yes` or `no`.

use super::{
    BOOT_MANAGER_KIND, BootObject, BootStore, DEVICE_OPTIONS_KIND, Device, Element, ElementValue, Guid,
    HiveError, LOADER_KIND,
};

/// Started from BIOS: `\sources\boot.wim` as a RAM disk with `\boot\boot.sdi`, for [`parse`].
pub const BIOS: &str = include_str!("../../../../templates/boot-configuration-bios.txt");
/// Started from UEFI: the same with the loader for UEFI.
pub const UEFI: &str = include_str!("../../../../templates/boot-configuration-uefi.txt");

/// Names `bcdedit` gives to elements (G. Chappell, "BCD Elements").
const NAMES: [(&str, u32); 15] = [
    ("device", 0x1100_0001),
    ("path", 0x1200_0002),
    ("description", 0x1200_0004),
    ("locale", 0x1200_0005),
    ("inherit", 0x1400_0006),
    ("osdevice", 0x2100_0001),
    ("systemroot", 0x2200_0002),
    ("default", 0x2300_0003),
    ("displayorder", 0x2400_0001),
    ("timeout", 0x2500_0004),
    ("detecthal", 0x2600_0010),
    ("winpe", 0x2600_0022),
    ("ems", 0x2600_00B0),
    ("ramdisksdidevice", 0x3100_0003),
    ("ramdisksdipath", 0x3200_0004),
];

/// Reads a description.
///
/// # Errors
/// [`HiveError::Description`] with the line that cannot be understood.
pub fn parse(text: &str) -> Result<BootStore, HiveError> {
    let mut store =
        BootStore { root_name: String::new(), key_name: String::new(), system: false, objects: Vec::new() };
    let mut in_store = false;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        let error = |problem| HiveError::Description {
            line: at + 1,
            problem,
            text: line.chars().take(200).collect(),
        };
        if line.is_empty() || line.starts_with(';') {
            continue;
        }
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            in_store = section == "store";
            if !in_store {
                let object =
                    object(section).ok_or_else(|| error("expected [store] or [{identifier} type]"))?;
                if store.object(object.id).is_some() {
                    return Err(error("a second object with this identifier"));
                }
                store.objects.push(object);
            }
            continue;
        }
        let (name, value) = line.split_once('=').ok_or_else(|| error("expected name = value"))?;
        let (name, value) = (name.trim(), value.trim());
        match (in_store, name, store.objects.last_mut()) {
            (true, "root-name", _) => store.root_name = value.to_owned(),
            (true, "key-name", _) => store.key_name = value.to_owned(),
            (false, _, Some(object)) => {
                let number = element_number(name).ok_or_else(|| error("unknown element"))?;
                let value = element_value(number, value)
                    .ok_or_else(|| error("the value is not of the element's format"))?;
                if object.element(number).is_some() {
                    return Err(error("a second element of this name"));
                }
                object.elements.push(Element { number, value });
            }
            _ => return Err(error("belongs to no section, or has a name the section does not know")),
        }
    }
    store.objects.sort_by_key(|object| object.id.to_string());
    for object in &mut store.objects {
        object.elements.sort_by_key(|element| element.number);
    }
    Ok(store)
}

fn object(section: &str) -> Option<BootObject> {
    let (id, kind) = section.split_once(' ')?;
    let kind = match kind.trim() {
        "boot-manager" => BOOT_MANAGER_KIND,
        "loader" => LOADER_KIND,
        "device-options" => DEVICE_OPTIONS_KIND,
        other => hexadecimal(other)?,
    };
    Some(BootObject { id: Guid::parse(id)?, kind, elements: Vec::new() })
}

fn element_number(name: &str) -> Option<u32> {
    NAMES.iter().find(|known| known.0 == name).map(|known| known.1).or_else(|| hexadecimal(name))
}

fn element_value(number: u32, value: &str) -> Option<ElementValue> {
    Some(match number >> 24 & 0xF {
        1 => ElementValue::Device(device(value)?),
        2 => ElementValue::Text(value.to_owned()),
        3 => ElementValue::Object(Guid::parse(value)?),
        4 => ElementValue::Objects(value.split_whitespace().map(Guid::parse).collect::<Option<_>>()?),
        5 => ElementValue::Integer(value.parse().ok()?),
        6 => ElementValue::Boolean(match value {
            "yes" => true,
            "no" => false,
            _ => return None,
        }),
        _ => return None,
    })
}

fn device(value: &str) -> Option<Device> {
    if value == "boot" {
        return Some(Device::Boot);
    }
    let (options, path) = value.strip_prefix("ramdisk ")?.trim_start().split_once(' ')?;
    let path = path.trim_start();
    path.starts_with('\\').then_some(())?;
    Some(Device::Ramdisk {
        options: Guid::parse(options)?,
        path: path.to_owned(),
        parent: Box::new(Device::Boot),
    })
}

fn hexadecimal(text: &str) -> Option<u32> {
    (text.len() == 8 && text.bytes().all(|digit| digit.is_ascii_hexdigit()))
        .then(|| u32::from_str_radix(text, 16).ok())
        .flatten()
}
