//! Windows machines, each in a file of `machines/windows/`, and what is said of their disks.

pub(super) mod bytes;

use super::facts::{Device, DiskFacts, Facts, Volume, label, number, on_disk};
use super::layouts;
use crate::testing::{descriptions, table};
use crate::{Bus, Disk, Kind, Use, Verdict, judge};

/// A machine from its description. What drivers say of it goes through the bytes they say it in. The words of a description:
///
/// - `windows FOLDER`, `boot DEVICE`, `page FILE`;
/// - `disk NUMBER BUS SIZE [WORD…]`: a disk on a `STORAGE_BUS_TYPE`, `removable`, `protected` or `4k`; of size 0 without a medium;
///   below it, indented, `vendor`, `product` and `serial`, and `partitions KIND…`;
/// - `on INSTANCE [LOCATION]`, indented: a device that the disk is or hangs on, from there outwards;
/// - `volume NAME DEVICE DISKS [PLACE…]`: a volume on disks (`0,1`, or `-`), and where it is mounted, with `_` for a space.
fn machine(description: &str) -> Facts {
    let mut facts = Facts::default();
    let mut texts: [Option<String>; 3] = [None, None, None];
    let mut disk: Option<(DiskFacts, u32, bool)> = None;
    let finish = |disk: &mut Option<(DiskFacts, u32, bool)>, texts: &mut [Option<String>; 3]| {
        let (mut done, bus, removable) = disk.take()?;
        let answer = bytes::descriptor(0, removable, bus, texts.each_ref().map(Option::as_deref));
        done.descriptor = layouts::descriptor(&answer).expect("it is whole");
        *texts = [None, None, None];
        Some(done)
    };
    for line in description.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let rest = words[1..].join(" ");
        match (line.starts_with(' '), &words[..]) {
            (_, ["windows", ..]) => facts.windows_folder = Some(rest),
            (_, ["boot", ..]) => facts.boot_partition = Some(rest),
            (_, ["page", ..]) => facts.page_files.push(rest),
            (_, ["disk", number, bus, size, words @ ..]) => {
                facts.disks.extend(finish(&mut disk, &mut texts));
                let size: u64 = size.parse().expect("a number");
                let has = |word| words.contains(&word);
                let media_type = if has("removable") { 11 } else { 12 };
                let answer = bytes::geometry(media_type, if has("4k") { 4096 } else { 512 }, size);
                let new = DiskFacts {
                    interface: format!(r"\\?\disk#{number}#{{53f56307-b6bf-11d0-94f2-00a0c91efb8b}}"),
                    number: layouts::device_number(&bytes::device_number(number.parse().expect("a number")))
                        .expect("a disk"),
                    geometry: layouts::geometry(&answer).filter(|_| size > 0),
                    is_protected: has("protected"),
                    ..DiskFacts::default()
                };
                disk = Some((new, bus.parse().expect("a number"), has("removable")));
            }
            (_, ["volume", name, device, disks, places @ ..]) => facts.volumes.push(Volume {
                name: format!(r"\\?\Volume{{{name}}}\"),
                device: Some((*device).to_owned()),
                disks: layouts::disks_of_volume(&bytes::extents(
                    &disks.split(',').filter_map(|disk| disk.parse().ok()).collect::<Vec<_>>(),
                )),
                mounted_at: places.iter().map(|place| place.replace('_', " ")).collect(),
            }),
            (true, ["vendor", ..]) => texts[0] = Some(rest),
            (true, ["product", ..]) => texts[1] = Some(rest),
            (true, ["serial", ..]) => texts[2] = Some(rest),
            (true, ["partitions", kinds @ ..]) => {
                disk.as_mut().expect("a disk").0.partitions = layouts::partitions(&bytes::layout(kinds));
            }
            (true, ["on", instance, location @ ..]) => {
                disk.as_mut().expect("a disk").0.devices.push(Device {
                    instance: (*instance).to_owned(),
                    location: location.first().map(|location| (*location).to_owned()),
                })
            }
            _ => unreachable!("not a line of a machine's description: {line}"),
        }
    }
    facts.disks.extend(finish(&mut disk, &mut texts));
    facts
}

/// The table of every disk that is described, with what is known of it and whether it may be written.
#[test]
fn each_disk_is_allowed_or_refused_with_its_reason() {
    let machines: Vec<_> = descriptions("windows")
        .into_iter()
        .map(|(name, description)| (name, machine(&description).disks()))
        .collect();
    let (table, count) = table(&machines);
    assert!(count.iter().sum::<usize>() >= 20 && count.iter().all(|count| *count >= 3), "{count:?}");
    insta::assert_snapshot!(table);
}

fn one(description: &str) -> Disk {
    let mut disks = machine(description).disks();
    assert_eq!(disks.len(), 1);
    disks.remove(0)
}

/// The letter of Windows is no reason, and no other letter is an excuse.
#[test]
fn the_disk_that_windows_runs_from_is_refused_whatever_its_letter() {
    for (folder, at) in [(r"C:\Windows", r"C:\"), (r"F:\WINNT", r"f:\"), (r"X:\Win\dows", r"X:\Win\")] {
        let disk = one(&format!(
            "windows {folder}\ndisk 3 7 1000 removable\nvolume a \\Device\\HarddiskVolume9 3 {at}\n"
        ));
        let Verdict::Refused(reasons) = judge(&disk) else { unreachable!("{folder} is on it") };
        assert_eq!(reasons[0].to_string(), format!("the running system is on it ({at})"));
    }
    let other =
        one("windows C:\\Windows\ndisk 3 7 1000 removable\nvolume a \\Device\\HarddiskVolume9 3 C:\\Win\\\n");
    assert_eq!(judge(&other), Verdict::Allowed);
}

#[test]
fn a_letter_is_a_reason_inside_the_machine_alone() {
    let with =
        |bus, words| one(&format!("disk 1 {bus} 1000 {words}\n serial A1\nvolume a \\Device\\V 1 E:\\\n"));
    assert_eq!(judge(&with(7, "removable")), Verdict::Allowed);
    assert_eq!(judge(&with(7, "")), Verdict::NeedsSerial);
    assert_eq!(judge(&with(12, "removable")), Verdict::Allowed);
    for bus in [11, 12, 17] {
        let Verdict::Refused(reasons) = judge(&with(bus, "")) else { unreachable!("it is in use") };
        assert_eq!(reasons[0].to_string(), r"E: is mounted at E:\");
    }
    let uses = with(7, "removable").uses;
    assert_eq!(uses, [Use::Volume { device: "E:".to_owned(), at: r"E:\".into() }]);
}

#[test]
fn what_is_held_is_every_volume_of_the_disk_and_no_other() {
    let facts = machine(
        "volume a V1 0 C:\\\nvolume b V2 2,3 E:\\\nvolume c V3 2\nvolume d V4 - D:\\\nvolume e V5 12 G:\\Folder\\\n",
    );
    let held = |number| on_disk(&facts.volumes, number).map(label).collect::<Vec<_>>();
    assert_eq!(held(2), ["E:", r"\\?\Volume{c}"]);
    assert_eq!(held(12), [r"G:\Folder"]);
    assert_eq!(held(1), [""; 0]);
    let disk = one("disk 12 7 1000 removable\n");
    assert_eq!(number(&disk), Some(12));
    assert_eq!(number(&Disk { path: "/dev/sdb".into(), ..disk }), None);
}

#[test]
fn serial_numbers_and_ports_are_those_of_the_usb_device() {
    let stick = |devices: &str| one(&format!("disk 1 7 1000 removable\n serial FROM-THE-BOARD\n{devices}"));
    let of = |disk: Disk| (disk.serial.expect("a serial number"), disk.port);
    let root = r"PCIROOT(0)#PCI(1C00)#PCI(0000)#USBROOT(0)#USB(3)#USB(2)";
    assert_eq!(
        of(stick(&format!(" on USBSTOR\\DISK&VEN_X\\7&1&0\n on USB\\VID_0781&PID_5581\\4C53 {root}\n"))),
        ("4C53".to_owned(), Some("0.1C00.0000-3.2".to_owned()))
    );
    // A function of several, whose device is above it; and a device without a serial number of its own.
    assert_eq!(
        of(stick(&format!(" on USB\\VID_1&PID_2&MI_00\\6&1&0\n on usb\\vid_1&pid_2\\ABC {root}#USB(1)\n"))).0,
        "ABC"
    );
    assert_eq!(of(stick(" on USB\\VID_1&PID_2\\5&2f0a&0&3\n")), ("FROM-THE-BOARD".to_owned(), None));
    assert_eq!(of(stick(" on USB\\ROOT_HUB30\\4&1&0\n")).0, "FROM-THE-BOARD");
    // Said to be on SCSI, as sticks are that speak it over USB.
    assert_eq!(one("disk 1 1 1000\n on SCSI\\DISK\\6&0\n on USB\\VID_1&PID_2\\X1\n").bus, Bus::Usb);
}

#[test]
fn kinds_are_told_apart() {
    let facts = |bus: u32, device_type: u8, media_type: u32| Facts {
        disks: vec![DiskFacts {
            descriptor: layouts::descriptor(&bytes::descriptor(device_type, true, bus, [None; 3]))
                .expect("whole"),
            geometry: layouts::geometry(&bytes::geometry(media_type, 512, 1000)),
            ..DiskFacts::default()
        }],
        ..Facts::default()
    };
    let kind = |facts: Facts| (facts.disks()[0].kind.clone(), facts.disks()[0].removable);
    assert_eq!(kind(facts(7, 0, 11)), (Kind::Disk, true));
    assert_eq!(kind(facts(15, 0, 12)), (Kind::Virtual, false));
    assert_eq!(kind(facts(7, 5, 11)), (Kind::Optical, false));
    assert_eq!(kind(facts(7, 0, 2)), (Kind::Floppy, false));
}

/// On whatever this runs: without a panic, and with a name for each disk.
#[cfg(windows)]
#[test]
fn the_system_is_asked() {
    use crate::Disks as _;
    let system = super::Windows;
    match system.list() {
        Ok(disks) => {
            for disk in disks {
                println!("{disk:?}\n  {}", judge(&disk));
                assert!(disk.path.to_string_lossy().starts_with(r"\\.\PhysicalDrive"));
            }
        }
        Err(error) => println!("{error}"),
    }
    // A disk that is not there has no volumes to take.
    let nowhere = Disk { path: r"\\.\PhysicalDrive999".into(), ..one("disk 1 7 1000\n") };
    assert_eq!(system.hold(&nowhere).map(|held| held.volumes()).ok(), Some(0));
}
