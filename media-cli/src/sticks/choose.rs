//! Which disks the user means, and whether they may be written.

use std::path::{Path, PathBuf};

use media_devices::{Disk, Verdict, judge};

use super::Problem;
use crate::system;

/// A disk that the user named.
#[derive(Debug)]
pub(crate) struct Choice {
    /// What the user calls it.
    pub(crate) named: PathBuf,
    /// What it is, as far as that is known.
    pub(crate) disk: Option<Disk>,
    /// Why it is not written.
    pub(crate) problem: Option<Problem>,
}

/// Finds each of them among the disks of the machine. Every one has an answer, and none stops the others.
pub(crate) fn choose(named: &[PathBuf], disks: &[Disk], serials: &[String]) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::new();
    for path in named {
        let (disk, problem) = match find(path, disks) {
            Ok(disk) => {
                let is_twice = choices
                    .iter()
                    .any(|other| other.disk.as_ref().is_some_and(|other| other.path == disk.path));
                let problem = if is_twice { Some(Problem::Twice) } else { problem(disk, serials) };
                (Some(disk.clone()), problem)
            }
            Err((disk, problem)) => (disk.cloned(), Some(problem)),
        };
        choices.push(Choice { named: path.clone(), disk, problem });
    }
    choices
}

/// What is wrong with a disk that was found.
pub(crate) fn problem(disk: &Disk, serials: &[String]) -> Option<Problem> {
    match (judge(disk), &disk.serial) {
        (verdict @ Verdict::Refused(_), _) => Some(Problem::Refused(verdict)),
        (Verdict::NeedsSerial, Some(serial)) if !serials.contains(serial) => {
            Some(Problem::NeedsSerial { serial: serial.clone() })
        }
        // FAT32 and partition tables count in sectors.
        _ if disk.sector_size != 512 => Some(Problem::SectorSize { size: disk.sector_size }),
        _ => None,
    }
}

fn find<'a>(path: &Path, disks: &'a [Disk]) -> Result<&'a Disk, (Option<&'a Disk>, Problem)> {
    let Ok(real) = system::name_of_disk(path) else { return Err((None, Problem::NotThere)) };
    if let Some(disk) = disks.iter().find(|disk| system::is_same_disk_name(&disk.path, &real)) {
        return Ok(disk);
    }
    let name = real.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let whole = disks.iter().find(|disk| disk.partitions.iter().any(|partition| partition == name));
    if let Some(disk) = whole {
        return Err((Some(disk), Problem::Partition { disk: disk.path.display().to_string() }));
    }
    Err((None, if is_device(&real) { Problem::NotThere } else { Problem::NotADisk }))
}

/// Whether a path leads to a disk or a part of one.
pub(crate) fn is_device(path: &Path) -> bool {
    media_core::io::is_device(path).is_ok_and(|is_device| is_device)
}
