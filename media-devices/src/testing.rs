//! What the tests of all systems share: machines that are described in files, and a table of what is said of their disks.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{Disk, Verdict, judge};

/// The descriptions in a folder of `machines/`, each with its name.
pub(crate) fn descriptions(system: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("machines").join(system);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("machines").map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    let described = |path: &PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(path).expect("it can be read"))
    };
    paths.iter().map(described).collect()
}

/// Every disk of each machine with what is known of it and whether it may be written; and how many are allowed, need their
/// serial number, and are refused.
pub(crate) fn table(machines: &[(String, Vec<Disk>)]) -> (String, [usize; 3]) {
    let (mut table, mut count) = (String::new(), [0; 3]);
    for (name, disks) in machines {
        writeln!(table, "{name}").expect("text");
        for disk in disks {
            let verdict = judge(disk);
            count[match verdict {
                Verdict::Allowed => 0,
                Verdict::NeedsSerial => 1,
                Verdict::Refused(_) => 2,
            }] += 1;
            writeln!(table, "  {}: {verdict}\n      {}", disk.path.display(), facts(disk)).expect("text");
        }
    }
    (table, count)
}

fn facts(disk: &Disk) -> String {
    let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "-".to_owned());
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    format!(
        "{}, {} {}, serial {}, {} bytes in sectors of {}, {} Mbit/s, port {}, number {}, id {}",
        disk.bus,
        word(&disk.vendor),
        word(&disk.model),
        word(&disk.serial),
        disk.size,
        disk.sector_size,
        number(disk.speed.map(u64::from)),
        word(&disk.port),
        number(disk.sequence),
        disk.id.as_deref().unwrap_or(Path::new("-")).display(),
    )
}
