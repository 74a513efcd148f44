//! One disk in `/sys/block`.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{last, names};
use crate::{Bus, Disk, Kind};

/// Sizes in `/sys` are in units of 512 bytes, whatever the sectors are.
const UNIT: u64 = 512;
/// SCSI peripheral device type of drives for CDs (SPC, table "Peripheral device type").
const TYPE_CD: &str = "5";
/// An attribute is one page at most.
const PAGE: u64 = 4096;

/// The facts of one disk; `None` when it is gone.
pub(super) fn disk(root: &Path, name: &str, id: Option<PathBuf>) -> Option<Disk> {
    let path = fs::canonicalize(root.join("sys/block").join(name)).ok()?;
    // Everything above this folder is a bus or a device it hangs on.
    let devices = fs::canonicalize(root.join("sys/devices")).ok()?;
    let place: Vec<String> =
        path.strip_prefix(&devices).ok()?.iter().map(|part| part.to_string_lossy().into()).collect();
    let kind = kind(&path, name, &place);
    let bus = bus(&place);
    let usb =
        path.ancestors().take_while(|above| *above != devices).find(|above| above.join("idVendor").exists());
    let usb = usb.filter(|_| bus == Bus::Usb);
    let text = |attribute: &str| attribute_of(&path, attribute);
    let of_usb = |attribute: &str| usb.and_then(|usb| attribute_of(usb, attribute));
    let serial = match kind {
        Kind::Loop => text("loop/backing_file"),
        _ => of_usb("serial")
            .or_else(|| text("serial"))
            .or_else(|| text("device/serial"))
            .or_else(|| unit_serial(&path)),
    };
    let is_card = text("device/type").as_deref() == Some("SD");
    let model = text("device/model").or_else(|| text("device/name").filter(|_| bus == Bus::Mmc));
    let mut partitions = names(&path).unwrap_or_default();
    partitions.retain(|name| path.join(name).join("partition").exists());
    Some(Disk {
        path: Path::new("/dev").join(name.replace('!', "/")),
        id,
        kind,
        bus,
        serial,
        // Virtual machines give the number of a vendor here.
        vendor: text("device/vendor")
            .filter(|vendor| !vendor.starts_with("0x"))
            .or_else(|| of_usb("manufacturer")),
        model: model.or_else(|| of_usb("product")),
        size: number(&path, "size").unwrap_or(0).saturating_mul(UNIT),
        sector_size: number(&path, "queue/logical_block_size")
            .and_then(|size| size.try_into().ok())
            .unwrap_or(512),
        // Low speed is 1.5 Mbit/s, and no disk has it.
        speed: of_usb("speed").and_then(|speed| speed.parse().ok()),
        port: match bus {
            Bus::Usb => usb.and_then(last),
            Bus::Mmc => place.iter().rev().find(|part| is_numbered(part, "mmc")).cloned(),
            _ => None,
        },
        removable: number(&path, "removable") == Some(1) || is_card,
        read_only: number(&path, "ro") == Some(1),
        partitions,
        uses: Vec::new(),
        number: text("dev").as_deref().and_then(numbers),
        sequence: number(&path, "diskseq"),
    })
}

fn kind(path: &Path, name: &str, place: &[String]) -> Kind {
    let is_virtual = place.first().is_some_and(|part| part == "virtual");
    let soldered = |suffix: &str| name.starts_with("mmcblk") && name.contains(suffix);
    match () {
        () if is_numbered(name, "loop") => Kind::Loop,
        () if is_numbered(name, "sr") || attribute_of(path, "device/type").as_deref() == Some(TYPE_CD) => {
            Kind::Optical
        }
        () if is_numbered(name, "fd") => Kind::Floppy,
        () if soldered("boot") || soldered("rpmb") || soldered("gp") => Kind::Firmware,
        // NVMe disks with several paths are found here too.
        () if is_virtual && !name.starts_with("nvme") => Kind::Virtual,
        () => Kind::Disk,
    }
}

/// How a disk is connected, from the names of the devices above it; the outermost that says something counts.
fn bus(place: &[String]) -> Bus {
    let buses = [
        ("usb", Bus::Usb),
        ("mmc", Bus::Mmc),
        ("nvme", Bus::Nvme),
        ("nvme-subsys", Bus::Nvme),
        ("ata", Bus::Ata),
        ("session", Bus::Network),
        ("rport-", Bus::Network),
        ("virtio", Bus::Paravirtual),
        ("vbd-", Bus::Paravirtual),
        ("fw", Bus::FireWire),
        ("host", Bus::Scsi),
    ];
    let found = place.iter().find_map(|part| {
        buses
            .iter()
            .filter(|(word, _)| *word != "host")
            .find(|(word, _)| is_numbered(part, word))
            .map(|(_, bus)| *bus)
    });
    found
        .or_else(|| place.iter().any(|part| is_numbered(part, "host")).then_some(Bus::Scsi))
        .unwrap_or(Bus::Other)
}

/// Whether a name is a word and a number.
fn is_numbered(name: &str, word: &str) -> bool {
    name.strip_prefix(word).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The serial number of a SCSI disk, from page 0x80 of its vital product data (SPC, "Unit Serial Number VPD page"): four
/// bytes, the last two of them the length, and the text.
fn unit_serial(path: &Path) -> Option<String> {
    let bytes = read(&path.join("device/vpd_pg80"))?;
    let len = usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]));
    shown(bytes.get(4..)?.get(..len)?)
}

/// `8:16`
fn numbers(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn number(folder: &Path, attribute: &str) -> Option<u64> {
    attribute_of(folder, attribute)?.parse().ok()
}

fn attribute_of(folder: &Path, attribute: &str) -> Option<String> {
    shown(&read(&folder.join(attribute))?)
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(PAGE).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The text of an attribute: what surrounds it is padding.
fn shown(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}
