//! Machines as their `/sys` describes them, each in a file of `machines/linux/`, and what is said of their disks.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::Linux;
use crate::testing::{descriptions, table};
use crate::{Disk, Disks, Verdict, judge};

/// A machine in a folder, made from its description. The words of a description:
///
/// - `at FOLDER`, and below it, indented, `FILE TEXT` for each file in it;
/// - `disk NAME FOLDER NUMBERS SECTORS [WORD…]`: a disk below a device's folder, `removable` or `ro`; indented files follow;
/// - `part NAME NUMBERS`: a partition of the disk before it;
/// - `from NAME PART…`: what a device is made from;
/// - `id LINK NAME`: a link in `/dev/disk/by-id`; `link PATH TARGET`: any other;
/// - `mount NUMBERS FOLDER TYPE SOURCE` and `swap SOURCE`.
pub(super) struct Machine(tempfile::TempDir);

impl Machine {
    fn new(description: &str) -> Self {
        let machine = Self(tempfile::tempdir().expect("a temporary folder"));
        machine.append("proc/swaps", "Filename\t\t\tType\t\tSize\tUsed\tPriority\n");
        machine.append("proc/self/mountinfo", "");
        fs::create_dir_all(machine.path("sys/block")).expect("there is room");
        let mut here = PathBuf::new();
        let mut disk = PathBuf::new();
        for line in description.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match (line.starts_with(' '), &words[..]) {
                (true, [name, ..]) => {
                    let value = line.trim_start().strip_prefix(name).unwrap_or_default().trim();
                    machine.write(&here.join(name), value);
                }
                (_, ["at", folder]) => here = PathBuf::from(folder),
                (_, ["disk", name, device, numbers, sectors, words @ ..]) => {
                    here = Path::new("sys/devices").join(device).join("block").join(name);
                    disk.clone_from(&here);
                    let has = |word| if words.contains(&word) { "1" } else { "0" };
                    let facts = [("dev", *numbers), ("size", sectors), ("removable", has("removable"))];
                    let more = [("ro", has("ro")), ("queue/logical_block_size", "512")];
                    facts
                        .iter()
                        .chain(&more)
                        .for_each(|(name, value)| machine.write(&here.join(name), value));
                    machine.link(&format!("sys/block/{name}"), &format!("../../{}", here.display()));
                }
                (_, ["part", name, numbers]) => {
                    machine.write(&disk.join(name).join("dev"), numbers);
                    machine.write(&disk.join(name).join("partition"), "1");
                }
                (_, ["from", name, parts @ ..]) => parts.iter().for_each(|part| {
                    let slaves =
                        fs::canonicalize(machine.path(&format!("sys/block/{name}"))).expect("it is there");
                    fs::create_dir_all(slaves.join("slaves").join(part)).expect("there is room");
                }),
                (_, ["id", link, name]) => {
                    machine.link(&format!("dev/disk/by-id/{link}"), &format!("../../{name}"));
                }
                (_, ["link", path, target]) => machine.link(path, target),
                (_, ["mount", numbers, at, kind, source]) => {
                    let line = format!("29 1 {numbers} / {at} rw,relatime shared:1 - {kind} {source} rw\n");
                    machine.append("proc/self/mountinfo", &line);
                }
                (_, ["swap", source]) => {
                    machine.append("proc/swaps", &format!("{source} partition\t8388604\t0\t-2\n"));
                }
                _ => unreachable!("not a line of a machine's description: {line}"),
            }
        }
        machine
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &Path, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("there is room");
        // Binary attributes are written as hexadecimal digits.
        match text.strip_prefix("hex:") {
            Some(digits) => {
                let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16);
                let bytes: Result<Vec<u8>, _> = digits.as_bytes().chunks(2).map(byte).collect();
                fs::write(path, bytes.expect("hexadecimal digits")).expect("there is room");
            }
            None => fs::write(path, format!("{text}\n")).expect("there is room"),
        }
    }

    fn link(&self, path: &str, target: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("there is room");
        symlink(target, path).expect("there is room");
    }

    fn append(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("there is room");
        let mut file = OpenOptions::new().append(true).create(true).open(path).expect("there is room");
        file.write_all(text.as_bytes()).expect("there is room");
    }

    fn disks(&self) -> Vec<Disk> {
        Linux::under(self.0.path()).list().expect("its disks are there")
    }
}

/// The table of every disk that is described, with what is known of it and whether it may be written.
#[test]
fn each_disk_is_allowed_or_refused_with_its_reason() {
    let machines: Vec<_> = descriptions("linux")
        .into_iter()
        .map(|(name, description)| (name, Machine::new(&description).disks()))
        .collect();
    let (table, count) = table(&machines);
    assert!(count.iter().sum::<usize>() >= 40 && count.iter().all(|count| *count >= 5), "{count:?}");
    insta::assert_snapshot!(table);
}

#[test]
fn a_machine_without_disks_has_none_and_one_without_sys_says_so() {
    assert_eq!(Machine::new("").disks(), Vec::new());
    let empty = tempfile::tempdir().expect("a temporary folder");
    let error = Linux::under(empty.path()).list().expect_err("there is no /sys");
    assert!(error.to_string().contains("sys/block"), "{error}");
}

#[test]
fn loops_among_devices_end() {
    let machine = Machine::new(
        "disk dm-0 virtual 253:0 100\ndisk dm-1 virtual 253:1 100\nfrom dm-0 dm-1\nfrom dm-1 dm-0\nmount 253:0 /mnt ext4 /dev/dm-0",
    );
    assert!(machine.disks().iter().all(|disk| matches!(judge(disk), Verdict::Refused(_))));
}
