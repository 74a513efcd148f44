//! What a medium of true size costs: memory that does not grow with the boot image, and one writing of the payload.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use media_tests::boot_image::{BootImageRecipe, Compression};
use media_tests::referee;
use serde_json::Value;
use tempfile::TempDir;

use crate::fixtures::ROOT_CERTIFICATE;

const MIB: u64 = 1 << 20;
/// What a run may take beside the hive, in resident memory.
const MEMORY: u64 = 64 * MIB;
/// By how much the same run may take more memory for a boot image of 500 MB than for one of 20 MB: two FATs of half a
/// mebibyte, which are there three times while they are planned, and room for chance.
const GROWTH: u64 = 6 * MIB;
const FORMS: [(&str, &str); 3] = [
    ("media.iso", ""),
    ("media.img", "--partition-scheme gpt"),
    ("media.img", "--partition-scheme mbr --cluster-size 32K"),
];

/// What one run took.
struct Cost {
    /// The most memory that was resident at once, in bytes.
    memory: u64,
    /// Bytes the system counted as written to a file system; none on one that is in memory.
    counted_by_system: u64,
    /// Bytes the result says were written or left to the system to copy.
    reported: u64,
    /// Bytes of disk the output takes.
    allocated: u64,
    /// Bytes of all files on the medium.
    content: u64,
}

#[test]
fn a_large_boot_image_takes_little_memory_and_is_written_once() {
    let Some(time) = referee::find("time") else { return };
    // Not where temporary files are: that may be a file system in memory.
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder can be made");
    let folder = folder.path();
    fs::write(folder.join("root.pem"), ROOT_CERTIFICATE).expect("it can be written");
    // Most of a boot image is compressed, some of it cannot be: 700 MiB become more than 500 MB.
    let hive = boot_image(&folder.join("large.wim"), 700 * MIB);
    boot_image(&folder.join("small.wim"), 28 * MIB);
    let payload = fs::metadata(folder.join("large.wim")).expect("it was made").len();
    assert!(payload >= 500_000_000, "the boot image is too small for this test");
    assert!(hive >= 3 * MIB, "the hive is too small for this test");
    for (output, options) in FORMS {
        let [small, large] =
            ["small.wim", "large.wim"].map(|image| create(&time, folder, image, output, options));
        let name = format!("{output} {options}");
        eprintln!(
            "{name}: {} KiB resident ({} KiB with a small boot image, hive {} KiB), content {} bytes, \
             boot image {payload}, reported {}, counted by the system {}, allocated {}",
            large.memory >> 10,
            small.memory >> 10,
            hive >> 10,
            large.content,
            large.reported,
            large.counted_by_system,
            large.allocated
        );
        // The hive is in memory as it was and as it will be.
        assert!(large.memory <= MEMORY + 2 * hive, "{name}: {} bytes were resident", large.memory);
        assert!(
            large.memory <= small.memory + GROWTH,
            "{name}: memory grows with the boot image, from {} bytes to {}",
            small.memory,
            large.memory
        );
        // The boot image, its new hive, and files to start it with.
        assert!((payload..payload + payload / 50).contains(&large.content), "{name}: {}", large.content);
        let most = large.content + large.content / 50;
        for (what, bytes) in [
            ("reported", large.reported),
            ("counted by the system", large.counted_by_system),
            ("allocated", large.allocated),
        ] {
            assert!(bytes <= most, "{name}: {bytes} bytes {what}, for a content of {}", large.content);
        }
        // All of the boot image, and of the others what is no long run of zeros.
        assert!(large.reported >= payload, "{name}: only {} bytes were written", large.reported);
    }
}

/// Makes a boot image, and says how long its SOFTWARE hive is.
fn boot_image(path: &Path, size: u64) -> u64 {
    let recipe =
        BootImageRecipe { files: 3000, size, compression: Compression::Lzx, ..BootImageRecipe::default() };
    recipe.write(path).expect("a boot image can be made");
    recipe.hives.software.len() as u64
}

/// Makes a medium, and removes it when it was looked at.
fn create(time: &Path, folder: &Path, boot_image: &str, output: &str, options: &str) -> Cost {
    let arguments = format!(
        "create --boot-image {boot_image} --package-id PS100005 --site-code PS1 --management-point mp.contoso.com \
         --trusted-root root.pem --label CONTOSO --seed test --json --output {output} {options}"
    );
    // GNU time asks the system for the child's peak when it has ended, so no moment is missed.
    let mut measured = Command::new(time);
    measured.args(["--format=%M %O", "--output=cost.txt", env!("CARGO_BIN_EXE_tsmedia")]);
    let run = measured
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .env("SOURCE_DATE_EPOCH", "1798761600")
        .stdin(Stdio::null())
        .output()
        .expect("it was found");
    assert!(run.status.success(), "{arguments}: {}", String::from_utf8_lossy(&run.stderr));
    let made: Value = serde_json::from_slice(&run.stdout).expect("it is JSON");
    let number = |name: &str| made[name].as_u64().expect("a number");
    let measured = fs::read_to_string(folder.join("cost.txt")).expect("time wrote it");
    let figures: Vec<u64> =
        measured.split_whitespace().map(|figure| figure.parse().expect("a number")).collect();
    let path = folder.join(output);
    let facts = fs::metadata(&path).expect("it was made");
    let cost = Cost {
        memory: figures[0] * 1024,
        counted_by_system: figures[1] * 512,
        reported: number("bytes_written") + number("bytes_copied_by_system"),
        allocated: facts.blocks() * 512,
        content: content(&path),
    };
    for made in [output.to_owned(), format!("{output}.receipt.json")] {
        fs::remove_file(folder.join(made)).expect("it was made, and can be removed");
    }
    cost
}

/// Bytes of all files on a medium together.
fn content(medium: &Path) -> u64 {
    let run = Command::new(env!("CARGO_BIN_EXE_tsmedia")).arg("inspect").arg(medium).arg("--json").output();
    let seen: Value = serde_json::from_slice(&run.expect("it runs").stdout).expect("it is JSON");
    let files = seen["files"].as_array().expect("a list");
    files.iter().map(|file| file["bytes"].as_u64().expect("a number")).sum()
}
