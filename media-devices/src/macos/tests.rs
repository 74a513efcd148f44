//! Macs as `diskutil` and `ioreg` describe them, each in a file of `machines/macos/`, and what is said of their disks.

use std::collections::BTreeMap;

use super::{Question, command, list};
use crate::testing::{descriptions, table};
use crate::{Bus, DevicesError, Disk, Disks, Kind, Use, Verdict, judge};

/// A Mac as a transcript: after each line `$ COMMAND`, what it prints. A command that is not there fails.
struct Mac(BTreeMap<String, String>);

impl Mac {
    fn new(transcript: &str) -> Self {
        let mut answers = BTreeMap::new();
        let mut asked = String::new();
        for line in transcript.lines().filter(|line| !line.starts_with('#')) {
            match line.strip_prefix("$ ") {
                Some(command) => asked = command.to_owned(),
                None => *answers.entry(asked.clone()).or_default() += format!("{line}\n").as_str(),
            }
            answers.entry(asked.clone()).or_default();
        }
        Self(answers)
    }

    fn run(&self, question: Question<'_>) -> Result<String, DevicesError> {
        let command = command(question);
        let failed = || DevicesError::Failed {
            command: command.clone(),
            status: "exit status: 1".to_owned(),
            said: String::new(),
        };
        self.0.get(&command).cloned().ok_or_else(failed)
    }

    fn list(&self) -> Result<Vec<Disk>, DevicesError> {
        list(|question| self.run(question))
    }
}

fn macs() -> Vec<(String, Mac)> {
    descriptions("macos").into_iter().map(|(name, transcript)| (name, Mac::new(&transcript))).collect()
}

/// The table of every disk that is described, with what is known of it and whether it may be written.
#[test]
fn each_disk_is_allowed_or_refused_with_its_reason() {
    let machines: Vec<_> =
        macs().into_iter().map(|(name, mac)| (name, mac.list().expect("its disks are there"))).collect();
    let (table, count) = table(&machines);
    assert!(count.iter().sum::<usize>() >= 20 && count.iter().all(|count| *count >= 2), "{count:?}");
    insta::assert_snapshot!(table);
}

#[test]
fn every_part_of_the_system_is_a_reason() {
    let (_, mac) = macs().into_iter().find(|(name, _)| name == "macbook").expect("it is described");
    let disks = mac.list().expect("its disks are there");
    let uses = &disks[0].uses;
    assert!(uses.contains(&Use::Mount { device: "disk3s1s1".to_owned(), at: "/".into() }), "{uses:?}");
    assert!(uses.contains(&Use::Swap { device: "disk3s6".to_owned() }), "{uses:?}");
    assert!(
        uses.contains(&Use::Mount { device: "disk1s1".to_owned(), at: "/System/Volumes/iSCPreboot".into() })
    );
    assert_eq!(disks[0].partitions, ["disk0s1", "disk0s2", "disk0s3"]);
    assert_eq!(
        disks
            .iter()
            .find(|disk| disk.serial.as_deref() == Some("4C530001230415117203"))
            .and_then(|disk| disk.number),
        Some((1, 32))
    );
}

/// No fact may be taken from the words alone: of a Mac's own disk none makes it a stick.
#[test]
fn what_is_inside_a_mac_is_not_removable() {
    for (_, mac) in macs() {
        for disk in mac.list().expect("its disks are there") {
            let is_inside = matches!(disk.bus, Bus::Nvme | Bus::Ata) && disk.kind == Kind::Disk;
            assert!(!(is_inside && disk.removable), "{disk:?}");
            assert!(!is_inside || judge(&disk) != Verdict::Allowed, "{disk:?}");
        }
    }
}

#[test]
fn a_mac_that_does_not_answer_is_an_error() {
    let error = Mac::new("").list().expect_err("nothing is known");
    assert_eq!(error.to_string(), "/usr/sbin/diskutil list -plist failed (exit status: 1): ");
    let error = Mac::new("$ /usr/sbin/diskutil list -plist\nUnable to run").list().expect_err("no list");
    assert!(
        error.to_string().starts_with("what /usr/sbin/diskutil list -plist prints is not understood: no XML"),
        "{error}"
    );
    let empty = "$ /usr/sbin/diskutil list -plist\n<plist><string/></plist>\n$ /usr/sbin/ioreg -a -l -r -c IOUSBHostDevice\n\
                 $ /usr/sbin/ioreg -a -l -r -c IOBlockStorageDevice\n";
    assert_eq!(Mac::new(empty).list().expect("a Mac without disks"), []);
}

/// Containers that are said to be made from each other.
#[test]
fn loops_among_containers_end() {
    let container = |name: &str, store: &str| {
        format!(
            "<dict><key>DeviceIdentifier</key><string>{name}</string><key>MountPoint</key><string>/Volumes/{name}</string>\
             <key>APFSPhysicalStores</key><array><dict><key>DeviceIdentifier</key><string>{store}</string></dict></array></dict>"
        )
    };
    let info = |name| format!("$ /usr/sbin/diskutil info -plist {name}\n<plist><dict/></plist>\n");
    let mac = Mac::new(&format!(
        "$ /usr/sbin/diskutil list -plist\n<plist><dict><key>AllDisksAndPartitions</key><array>{}{}</array></dict></plist>\n{}{}\
         $ /usr/sbin/ioreg -a -l -r -c IOUSBHostDevice\n$ /usr/sbin/ioreg -a -l -r -c IOBlockStorageDevice\n",
        container("disk1", "disk2"),
        container("disk2", "disk1"),
        info("disk1"),
        info("disk2"),
    ));
    let disks = mac.list().expect("its disks are there");
    assert!(disks.iter().all(|disk| disk.kind == Kind::Virtual && disk.uses.len() == 2), "{disks:?}");
}

/// On whatever this runs: either there are disks, or the program that should say so is named.
#[test]
fn the_programs_are_run() {
    match super::MacOs.list() {
        Ok(disks) => assert!(!disks.is_empty()),
        Err(error) => assert!(error.to_string().contains("/usr/sbin/diskutil"), "{error}"),
    }
}
