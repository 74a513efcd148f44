//! Disks as Linux describes them in `/sys` (kernel documentation, `ABI/stable/sysfs-block` and `ABI/testing/sysfs-bus-usb`),
//! with what uses them from `/proc`, and the names udev gives them from `/dev/disk/by-id`.

mod sysfs;
mod uses;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{DevicesError, Disk, Disks, Held, Kind};

/// A Linux system.
#[derive(Debug, Clone)]
pub struct Linux {
    root: PathBuf,
}

impl Default for Linux {
    fn default() -> Self {
        Self { root: PathBuf::from("/") }
    }
}

impl Linux {
    /// One whose `sys`, `proc` and `dev` are in this folder.
    pub fn under(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl Disks for Linux {
    fn list(&self) -> Result<Vec<Disk>, DevicesError> {
        let folder = self.root.join("sys/block");
        let mut names = names(&folder).map_err(|error| DevicesError::Read { path: folder, error })?;
        names.sort_by_key(|name| in_order(name));
        let ids = ids(&self.root);
        let mut disks: Vec<Disk> =
            names.iter().filter_map(|name| sysfs::disk(&self.root, name, ids.get(name).cloned())).collect();
        uses::find(&self.root, &mut disks);
        // What the system only keeps ready: loop devices without a file, memory without a size.
        disks.retain(|disk| disk.size > 0 || !matches!(disk.kind, Kind::Loop | Kind::Virtual));
        Ok(disks)
    }

    /// Nothing: what is mounted is refused, and whoever writes opens the disk alone (open(2), `O_EXCL` on block devices), which
    /// keeps mounts away.
    fn hold(&self, _: &Disk) -> Result<Held, DevicesError> {
        Ok(Held::default())
    }
}

/// The names in a folder that are text, as those of devices are.
fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

/// `sdb` before `sdaa`, `loop2` before `loop10`.
fn in_order(name: &str) -> (String, usize, String) {
    let digits = name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (word, number) = name.split_at(digits);
    (
        if word.starts_with("sd") { "sd".to_owned() } else { word.to_owned() },
        name.len(),
        number.to_owned() + word,
    )
}

/// The best of the names udev gives each device.
fn ids(root: &Path) -> BTreeMap<String, PathBuf> {
    /// The bus and model in words first; bare numbers last.
    const KINDS: [&str; 7] = ["usb-", "mmc-", "nvme-", "ata-", "scsi-", "virtio-", "wwn-"];
    const NUMBERS: [&str; 4] = ["nvme-eui.", "nvme-nvme.", "nvme-uuid.", "scsi-3"];
    let folder = root.join("dev/disk/by-id");
    let mut best: BTreeMap<String, (usize, PathBuf)> = BTreeMap::new();
    for link in names(&folder).unwrap_or_default() {
        let Some(name) = fs::read_link(folder.join(&link)).ok().and_then(|target| last(&target)) else {
            continue;
        };
        let rank = if NUMBERS.iter().any(|number| link.starts_with(number)) {
            KINDS.len()
        } else {
            KINDS.iter().position(|kind| link.starts_with(kind)).unwrap_or(KINDS.len() + 1)
        };
        let path = Path::new("/dev/disk/by-id").join(link);
        match best.get(&name) {
            Some((other, _)) if *other <= rank => {}
            _ => drop(best.insert(name, (rank, path))),
        }
    }
    best.into_iter().map(|(name, (_, path))| (name, path)).collect()
}

/// The last part of a path, as text.
fn last(path: &Path) -> Option<String> {
    path.file_name().map(OsString::from).and_then(|name| name.into_string().ok())
}
