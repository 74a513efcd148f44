//! How disks are connected, from subtrees of the registry that `ioreg -a -l -r -c CLASS` prints: an array of objects, each a
//! dictionary of its properties with those below it under `IORegistryEntryChildren`.
//!
//! Properties of USB devices are of `IOUSBHostFamilyDefinitions.h`, those of disks of `IOStorageDeviceCharacteristics.h` and
//! `IOMedia.h`.

use std::collections::BTreeMap;

use super::plist::Value;

/// What the devices above a disk say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Connection {
    /// The serial number of the USB device, or else of the disk in it.
    pub(super) serial: Option<String>,
    /// Who made the disk, or else the USB device.
    pub(super) vendor: Option<String>,
    /// The model of the disk, or else of the USB device.
    pub(super) model: Option<String>,
    /// In Mbit/s.
    pub(super) speed: Option<u32>,
    /// `20-1.4`: the fourth port of the hub at the first port of bus 20.
    pub(super) port: Option<String>,
    /// Major and minor number.
    pub(super) number: Option<(u32, u32)>,
    /// Every object of the registry has another, and none is used twice while the system runs.
    pub(super) sequence: Option<u64>,
}

/// Adds each disk that is found by its name: `disk4`. What is known already stays.
pub(super) fn read(tree: &Value, found: &mut BTreeMap<String, Connection>) {
    for object in tree.items() {
        walk(object, &Connection::default(), found);
    }
}

/// How deep this goes, the property list has bounded.
fn walk(object: &Value, above: &Connection, found: &mut BTreeMap<String, Connection>) {
    let mut here = above.clone();
    if object.get("idVendor").is_some() {
        // A device behind a hub: nothing that the hub says is of it.
        here = usb(object);
    }
    if let Some(disk) = object.get("Device Characteristics") {
        let said = |key| disk.text(key).map(str::to_owned);
        here.serial = here.serial.or_else(|| said("Serial Number"));
        here.vendor = said("Vendor Name").or(here.vendor);
        here.model = said("Product Name").or(here.model);
    }
    if let (Some(name), Some(true)) = (object.text("BSD Name"), object.truth("Whole")) {
        let number = object.number("BSD Major").zip(object.number("BSD Minor"));
        let whole = Connection { number, sequence: object.number("IORegistryEntryID"), ..here.clone() };
        found.entry(name.to_owned()).or_insert(whole);
    }
    for child in object.list("IORegistryEntryChildren") {
        walk(child, &here, found);
    }
}

fn usb(device: &Value) -> Connection {
    let said = |keys: [&str; 2]| keys.into_iter().find_map(|key| device.text(key)).map(str::to_owned);
    Connection {
        serial: said(["kUSBSerialNumberString", "USB Serial Number"]),
        vendor: said(["kUSBVendorString", "USB Vendor Name"]),
        model: said(["kUSBProductString", "USB Product Name"]),
        speed: speed(device),
        port: device.number("locationID").and_then(port),
        ..Connection::default()
    }
}

/// `UsbLinkSpeed` is in bits a second; systems without it have a number of `USB.h`, `kUSBDeviceSpeedHigh` and the like.
fn speed(device: &Value) -> Option<u32> {
    let exact = device.number::<u64>("UsbLinkSpeed").and_then(|speed| u32::try_from(speed / 1_000_000).ok());
    exact.filter(|speed| *speed > 0).or_else(|| match device.number("Device Speed")? {
        1_u32 => Some(12),
        2 => Some(480),
        3 => Some(5000),
        4 => Some(10_000),
        5 => Some(20_000),
        _ => None,
    })
}

/// The first byte is the bus; each half of a byte after it is a port, from the computer outwards, until one is 0.
fn port(location: u32) -> Option<String> {
    let ports = (0..6).rev().map(|place| (location >> (4 * place)) & 0xf).take_while(|port| *port != 0);
    let ports: Vec<String> = ports.map(|port| port.to_string()).collect();
    (!ports.is_empty()).then(|| format!("{}-{}", location >> 24, ports.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_names_bus_and_ports() {
        assert_eq!(port(0x1414_0000).as_deref(), Some("20-1.4"));
        assert_eq!(port(0x0010_0000).as_deref(), Some("0-1"));
        assert_eq!(port(0x02a1_3245).as_deref(), Some("2-10.1.3.2.4.5"));
        assert_eq!(port(0x1400_0000), None);
    }
}
