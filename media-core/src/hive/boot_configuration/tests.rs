#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::hive::check;
use crate::time::Timestamp;

fn time() -> Timestamp {
    Timestamp::from_unix(1_700_000_000)
}

#[test]
fn templates_become_clean_stores_that_start_the_boot_image() {
    for (template, loader) in [(BIOS, "winload.exe"), (UEFI, "winload.efi")] {
        let description = parse(template).unwrap();
        let bytes = build(&description, time()).unwrap();
        assert_eq!(check(&bytes), []);
        assert_eq!(bytes.len(), 12288, "as large as the smallest store known to boot");
        assert_eq!(bytes, build(&description, time()).unwrap(), "the same every time");
        let store = read(bytes).unwrap();
        assert_eq!(store, description);
        assert_eq!(
            store.default_ramdisk().unwrap(),
            RamdiskBoot {
                wim_path: "\\sources\\boot.wim".to_owned(),
                sdi_path: "\\boot\\boot.sdi".to_owned(),
                loader_path: format!("\\windows\\system32\\boot\\{loader}"),
                from_boot_device: true,
            }
        );
    }
}

/// The published form of the device of Windows media (a `.reg` export of their store), with the parent `boot`.
#[test]
fn a_ramdisk_device_is_as_windows_media_have_it() {
    let device = Device::Ramdisk {
        options: Guid::parse("{7619dcc8-fafe-11d9-b411-000476eba25f}").unwrap(),
        path: "\\sources\\boot.wim".to_owned(),
        parent: Box::new(Device::Boot),
    };
    let mut expected =
        vec![0xc8, 0xdc, 0x19, 0x76, 0xfe, 0xfa, 0xd9, 0x11, 0xb4, 0x11, 0x00, 0x04, 0x76, 0xeb, 0xa2, 0x5f];
    expected.extend([0, 0, 0, 0, 1, 0, 0, 0, 0xa0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]);
    expected.extend([0; 20]);
    expected.extend([1, 0, 0, 0, 0x78, 0, 0, 0, 5, 0, 0, 0]);
    expected.extend([5, 0, 0, 0, 0, 0, 0, 0, 0x48, 0, 0, 0]);
    expected.extend([0; 60]);
    expected.extend("\\sources\\boot.wim\0".encode_utf16().flat_map(u16::to_le_bytes));
    let encoded = device::encode(&device).unwrap();
    assert_eq!(encoded, expected);
    assert_eq!(device::decode(&encoded).unwrap(), device);
    for end in 0..encoded.len() {
        if let Ok(found) = device::decode(&encoded[..end]) {
            assert_ne!(found, device, "cut at {end}");
        }
    }
}

#[test]
fn descriptions_say_what_is_wrong_and_where() {
    for (text, line, problem) in [
        ("x = y", 1, "belongs to no section, or has a name the section does not know"),
        ("[store]\nname = x", 2, "belongs to no section, or has a name the section does not know"),
        ("; comment\n\n[{1} loader]", 3, "expected [store] or [{identifier} type]"),
        ("[{7619dcc9-fafe-11d9-b411-000476eba25f} loader]\ncolour = red", 2, "unknown element"),
        (
            "[{7619dcc9-fafe-11d9-b411-000476eba25f} loader]\nwinpe = maybe",
            2,
            "the value is not of the element's format",
        ),
        (
            "[{7619dcc9-fafe-11d9-b411-000476eba25f} loader]\nwinpe = no\nwinpe = no",
            3,
            "a second element of this name",
        ),
        ("[{7619dcc9-fafe-11d9-b411-000476eba25f} loader]\nwinpe", 2, "expected name = value"),
    ] {
        match parse(text) {
            Err(HiveError::Description { line: at, problem: what, .. }) => {
                assert_eq!((at, what), (line, problem))
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn stores_written_by_windows_are_read_and_reproduced() {
    let Some(corpora) = std::env::var_os("TSMEDIA_CORPORA") else {
        eprintln!("skipped: TSMEDIA_CORPORA is not set");
        return;
    };
    let folder = std::path::Path::new(&corpora).join("bcd");
    for (name, ramdisk) in [
        ("regipy-BCD", None),
        (
            "zimmerman-BCD",
            Some(("\\sources\\boot.wim", "\\boot\\boot.sdi", "\\windows\\system32\\boot\\winload.efi")),
        ),
    ] {
        let bytes = std::fs::read(folder.join(name)).expect("the corpora have this store");
        let store = read(bytes.clone()).unwrap();
        let found = store.default_ramdisk();
        assert_eq!(
            found.as_ref().map(|boot| (&*boot.wim_path, &*boot.sdi_path, &*boot.loader_path)),
            ramdisk,
            "{name}"
        );
        assert!(found.is_none_or(|boot| boot.from_boot_device));
        // Every device element of theirs, decoded and encoded again, is the same bytes.
        let hive = crate::hive::Hive::open(bytes).unwrap();
        let mut ramdisks = 0;
        for object in &store.objects {
            for element in &object.elements {
                let ElementValue::Device(device) = &element.value else { continue };
                let path = format!("Objects\\{}\\Elements\\{:08x}", object.id, element.number);
                let stored = hive.value(hive.find(&path).unwrap().unwrap(), "Element").unwrap().unwrap();
                assert_eq!(device::encode(device).unwrap(), stored.data, "{name} {path}");
                ramdisks += usize::from(matches!(device, Device::Ramdisk { .. }));
            }
        }
        assert_eq!(ramdisks, 2, "{name}: device and osdevice of one loader");
        // Rebuilt from what was read, it reads as the same store.
        let rebuilt = build(&store, time()).unwrap();
        assert_eq!(check(&rebuilt), []);
        assert_eq!(read(rebuilt).unwrap(), store);
    }
}
