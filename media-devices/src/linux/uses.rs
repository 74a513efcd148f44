//! What uses the disks: mounts, swap, and devices made from them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::{last, names};
use crate::{Disk, Use};

/// Adds to each disk what uses it.
pub(super) fn find(root: &Path, disks: &mut [Disk]) {
    let devices = Devices::of(root, disks);
    let mut uses: BTreeMap<String, Vec<Use>> = BTreeMap::new();
    let mut add = |device: &str, found: Use| {
        for disk in devices.disks_below(device) {
            let known = uses.entry(disk).or_default();
            if !known.contains(&found) {
                known.push(found.clone());
            }
        }
    };
    let mut busy = BTreeSet::new();
    for (device, at) in mounts(root, &devices) {
        for device in btrfs_members(root, &device) {
            add(&device, Use::Mount { device: device.clone(), at: at.clone() });
            busy.insert(device);
        }
    }
    for device in swaps(root).iter().filter_map(|path| devices.by_path(root, path)) {
        add(&device, Use::Swap { device: device.clone() });
        busy.insert(device);
    }
    for (device, parts) in &devices.parts {
        // What is made from it and mounted was named already.
        if !busy.contains(device) && !devices.is_below_any(device, &busy) {
            let by = devices.named(root, device);
            for part in parts {
                add(part, Use::Held { device: part.clone(), by: by.clone() });
            }
        }
    }
    for disk in disks {
        disk.uses = last(&disk.path).and_then(|name| uses.remove(&name)).unwrap_or_default();
    }
}

/// How devices are made of each other.
struct Devices {
    /// The disk of each partition.
    disk_of: BTreeMap<String, String>,
    /// What a mapping, RAID or cache is made from.
    parts: BTreeMap<String, Vec<String>>,
    /// Every device, by its numbers: `8:17`.
    by_number: BTreeMap<String, String>,
}

impl Devices {
    fn of(root: &Path, disks: &[Disk]) -> Self {
        let mut devices =
            Self { disk_of: BTreeMap::new(), parts: BTreeMap::new(), by_number: BTreeMap::new() };
        for disk in disks {
            let Some(name) = last(&disk.path) else { continue };
            let folder = root.join("sys/block").join(&name);
            devices.add(&folder, &name);
            for partition in &disk.partitions {
                devices.add(&folder.join(partition), partition);
                devices.disk_of.insert(partition.clone(), name.clone());
            }
        }
        devices
    }

    fn add(&mut self, folder: &Path, name: &str) {
        if let Ok(number) = fs::read_to_string(folder.join("dev")) {
            self.by_number.insert(number.trim().to_owned(), name.to_owned());
        }
        match names(&folder.join("slaves")) {
            Ok(parts) if !parts.is_empty() => drop(self.parts.insert(name.to_owned(), parts)),
            _ => {}
        }
    }

    /// The disks a device is on, itself when it is one.
    fn disks_below(&self, device: &str) -> BTreeSet<String> {
        let (mut disks, mut seen, mut left) = (BTreeSet::new(), BTreeSet::new(), vec![device.to_owned()]);
        while let Some(device) = left.pop() {
            // A disk that lies on another is named too: neither may be written.
            match (self.parts.get(&device), self.disk_of.get(&device)) {
                _ if !seen.insert(device.clone()) => {}
                (_, Some(disk)) => left.push(disk.clone()),
                (Some(parts), None) => {
                    left.extend(parts.iter().cloned());
                    disks.insert(device);
                }
                (None, None) => drop(disks.insert(device)),
            }
        }
        disks
    }

    /// Whether one of these is made from the device.
    fn is_below_any(&self, device: &str, others: &BTreeSet<String>) -> bool {
        others.iter().any(|other| other != device && self.disks_below(other).contains(device))
    }

    /// A device by a path in `/dev`, which may be a link: `/dev/mapper/root` is `dm-0`.
    fn by_path(&self, root: &Path, path: &Path) -> Option<String> {
        let inside = root.join(path.strip_prefix("/").ok()?);
        let target = fs::read_link(&inside).ok().and_then(|target| last(&target));
        let name = target.or_else(|| last(path))?;
        self.by_number.values().any(|known| *known == name).then_some(name)
    }

    /// What a mapping is called by whoever made it.
    fn named(&self, root: &Path, device: &str) -> String {
        let name = fs::read_to_string(root.join("sys/block").join(device).join("dm/name"));
        name.map_or_else(|_| device.to_owned(), |name| name.trim().to_owned())
    }
}

/// Which device is mounted where (proc(5), `/proc/pid/mountinfo`).
fn mounts(root: &Path, devices: &Devices) -> Vec<(String, PathBuf)> {
    let text = fs::read(root.join("proc/self/mountinfo")).unwrap_or_default();
    let mount = |line: &[u8]| {
        let mut fields = line.split(|byte| *byte == b' ');
        let (number, at) = (fields.nth(2)?, fields.nth(1)?);
        let source = fields.skip_while(|field| *field != b"-").nth(2).map(unescaped)?;
        let by_number = devices.by_number.get(&String::from_utf8_lossy(number).into_owned()).cloned();
        // A file system on several devices has a number of its own, and names one of them.
        let device = by_number.or_else(|| devices.by_path(root, &source))?;
        Some((device, unescaped(at)))
    };
    text.split(|byte| *byte == b'\n').filter_map(mount).collect()
}

/// The devices memory is swapped out to (proc(5), `/proc/swaps`).
fn swaps(root: &Path) -> Vec<PathBuf> {
    let text = fs::read(root.join("proc/swaps")).unwrap_or_default();
    let lines = text.split(|byte| *byte == b'\n').skip(1);
    lines.filter_map(|line| line.split(|byte| matches!(byte, b' ' | b'\t')).next()).map(unescaped).collect()
}

/// The devices of a btrfs file system that this one is among; itself for any other.
fn btrfs_members(root: &Path, device: &str) -> Vec<String> {
    let folder = root.join("sys/fs/btrfs");
    let members = names(&folder).unwrap_or_default().into_iter();
    let mut members = members.filter_map(|system| names(&folder.join(system).join("devices")).ok());
    members
        .find(|members| members.iter().any(|name| name == device))
        .unwrap_or_else(|| vec![device.to_owned()])
}

/// Spaces and the like are written as a backslash and three octal digits.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let code =
            after.get(..3).filter(|_| first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(code) => {
                bytes.push(code);
                rest = &after[3..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    std::ffi::OsString::from_vec(bytes).into()
}
