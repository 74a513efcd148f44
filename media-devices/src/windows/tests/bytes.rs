//! What drivers answer, laid out by the structures' declarations and not by what reads them.

use crate::windows::layouts::guid;

fn number(bytes: &mut Vec<u8>, number: u32) {
    bytes.extend(number.to_le_bytes());
}

/// `STORAGE_DEVICE_DESCRIPTOR`: ten fields, and the texts behind them.
pub(crate) fn descriptor(device_type: u8, removable: bool, bus: u32, texts: [Option<&str>; 3]) -> Vec<u8> {
    let mut places = [0_u32; 3];
    let mut raw = Vec::new();
    for (place, text) in places.iter_mut().zip(texts) {
        if let Some(text) = text {
            *place = u32::try_from(36 + raw.len()).expect("short");
            raw.extend(text.bytes().chain([0]));
        }
    }
    let mut bytes = Vec::new();
    number(&mut bytes, 40);
    number(&mut bytes, u32::try_from(36 + raw.len()).expect("short"));
    bytes.extend([device_type, 0, u8::from(removable), 1]);
    let [vendor, product, serial] = places;
    [vendor, product, 0, serial, bus].into_iter().for_each(|field| number(&mut bytes, field));
    number(&mut bytes, u32::try_from(raw.len()).expect("short"));
    bytes.extend(raw);
    // `RawDeviceProperties` has one byte at least.
    bytes.resize(bytes.len().max(40), 0);
    bytes
}

/// `DISK_GEOMETRY_EX` with 63 sectors in each of 255 tracks.
pub(crate) fn geometry(media_type: u32, sector_size: u32, size: u64) -> Vec<u8> {
    let cylinders = size / (u64::from(sector_size) * 63 * 255);
    let mut bytes = cylinders.to_le_bytes().to_vec();
    [media_type, 255, 63, sector_size].into_iter().for_each(|field| number(&mut bytes, field));
    bytes.extend(size.to_le_bytes());
    bytes.extend([0; 8]);
    bytes
}

/// `STORAGE_DEVICE_NUMBER` of a whole disk.
pub(crate) fn device_number(disk: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    [7, disk, 0].into_iter().for_each(|field| number(&mut bytes, field));
    bytes
}

/// `VOLUME_DISK_EXTENTS` with one extent on each of these disks.
pub(crate) fn extents(disks: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    number(&mut bytes, u32::try_from(disks.len()).expect("few"));
    number(&mut bytes, 0);
    for disk in disks {
        number(&mut bytes, *disk);
        number(&mut bytes, 0);
        bytes.extend(1_048_576_u64.to_le_bytes());
        bytes.extend(104_857_600_u64.to_le_bytes());
    }
    bytes
}

/// `DRIVE_LAYOUT_INFORMATION_EX`: a header of 48 bytes, and 144 for each partition.
pub(crate) fn layout(kinds: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    number(&mut bytes, 1);
    number(&mut bytes, u32::try_from(kinds.len()).expect("few"));
    bytes.resize(48, 0);
    for (index, kind) in kinds.iter().enumerate() {
        let start = bytes.len();
        let is_gpt = !kind.starts_with("mbr") && *kind != "none";
        number(&mut bytes, u32::from(is_gpt));
        bytes.resize(start + 24, 0);
        number(&mut bytes, if *kind == "none" { 0 } else { u32::try_from(index).expect("few") + 1 });
        bytes.resize(start + 32, 0);
        match *kind {
            "mbr" => bytes.extend([0x0c, 1, 1]),
            "mbr-ldm" => bytes.extend([0x42, 0, 1]),
            "spaces" => {
                bytes.extend(guid(0xe75c_af8f, 0xf680, 0x4cee, [0xaf, 0xa3, 0xb0, 1, 0xe5, 0x6e, 0xfc, 0x2d]))
            }
            "ldm" => bytes.extend(guid(
                0xaf9b_60a0,
                0x1431,
                0x4f62,
                [0xbc, 0x68, 0x33, 0x11, 0x71, 0x4a, 0x69, 0xad],
            )),
            "gpt" => bytes.extend(guid(
                0xebd0_a0a2,
                0xb9e5,
                0x4433,
                [0x87, 0xc0, 0x68, 0xb6, 0xb7, 0x26, 0x99, 0xc7],
            )),
            "none" => {}
            _ => unreachable!("no kind of partition: {kind}"),
        }
        bytes.resize(start + 144, 0);
    }
    bytes
}
