//! The machine in QEMU itself, on media made by others: what it hears can be believed on ours.

use std::fs;
use std::path::Path;
use std::time::Duration;

use media_tests::boot_image::{CD_BOOT_MESSAGE, image_with_program, says_on_com1};
use media_tests::qemu::{Drive, End, Firmware, boot};
use media_tests::{grub, referee};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(180);

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn boot_wim() -> Vec<u8> {
    (0..300_000u32).flat_map(u32::to_le_bytes).collect()
}

fn mkdir_and_write(root: &Path, files: &[(&str, &[u8])]) {
    for (path, bytes) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("every file is in a folder")).expect("a folder can be made");
        fs::write(path, bytes).expect("a file can be written");
    }
}

#[test]
fn a_stick_made_with_mtools_starts_and_is_read() {
    let Some(program) = grub::examiner(&["sources/boot.wim", "boot/BCD"]).expect("temporary files") else {
        return;
    };
    let folder = TempDir::new().expect("a temporary folder");
    let (image, wim) = (folder.path().join("stick.img"), boot_wim());
    mkdir_and_write(folder.path(), &[("EFI/BOOT/BOOTX64.EFI", &program), ("sources/boot.wim", &wim)]);
    let stick = image.display().to_string();
    let Some(made) = referee::run("mkfs.fat", ["-C", "-F", "32", stick.as_str(), "65536"]) else { return };
    let _ = made.success();
    let copied =
        referee::run_in(folder.path(), "mcopy", ["-s", "-i", stick.as_str(), "EFI", "sources", "::"]);
    let Some(copied) = copied else { return };
    let _ = copied.success();

    let run = boot(&image, Drive::Stick, Firmware::Uefi, grub::END, LIMIT).expect("a process can be started");
    let Some(run) = run else { return };
    assert_ne!(run.end, End::TimedOut, "{}", run.serial);
    assert!(run.serial.contains("fs=fat"), "{}", run.serial);
    assert!(run.serial.contains(&sha256(&wim)), "{}", run.serial);
    assert!(run.serial.contains("missing boot/BCD"), "{}", run.serial);
}

#[test]
fn a_cd_made_with_xorriso_starts_under_either_firmware() {
    let examiner = grub::examiner(&["sources/boot.wim"]).expect("temporary files");
    let cd_boot = grub::cd_boot().expect("temporary files");
    let (Some(examiner), Some(cd_boot)) = (examiner, cd_boot) else { return };
    let folder = TempDir::new().expect("a temporary folder");
    let (tree, image, wim) = (folder.path().join("tree"), folder.path().join("cd.iso"), boot_wim());
    let efisys = image_with_program("BOOTX64.EFI", &cd_boot);
    let etfsboot = says_on_com1(CD_BOOT_MESSAGE);
    mkdir_and_write(
        &tree,
        &[
            ("bootmgr.efi", &examiner),
            ("sources/boot.wim", &wim),
            ("boot/efisys.bin", &efisys),
            ("boot/etfsboot.com", &etfsboot),
        ],
    );
    let (tree, iso) = (tree.display().to_string(), image.display().to_string());
    let arguments = [
        "-as",
        "mkisofs",
        "-iso-level",
        "3",
        "-R",
        "-o",
        &iso,
        "-b",
        "boot/etfsboot.com",
        "-no-emul-boot",
        "-boot-load-size",
        "4",
        "-eltorito-alt-boot",
        "-e",
        "boot/efisys.bin",
        "-no-emul-boot",
        &tree,
    ];
    let Some(made) = referee::run("xorriso", arguments) else { return };
    let _ = made.success();

    let run = boot(&image, Drive::Cd, Firmware::Uefi, grub::END, LIMIT).expect("a process can be started");
    let Some(run) = run else { return };
    assert_ne!(run.end, End::TimedOut, "{}", run.serial);
    assert!(run.serial.contains("the CD starts bootmgr.efi"), "{}", run.serial);
    assert!(run.serial.contains(&sha256(&wim)), "{}", run.serial);

    let run =
        boot(&image, Drive::Cd, Firmware::Bios, CD_BOOT_MESSAGE, LIMIT).expect("a process can be started");
    let Some(run) = run else { return };
    assert_eq!(run.end, End::Heard, "{}", run.serial);
}

#[test]
fn the_image_for_a_cd_is_a_clean_fat_volume() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("efisys.bin");
    for len in [1000, 700_000, 1_450_000, 6_000_000] {
        let program: Vec<u8> = (0..len as u32).map(|index| ((index * 7) >> 3) as u8).collect();
        fs::write(&path, image_with_program("BOOTX64.EFI", &program)).expect("a file can be written");
        let image = path.display().to_string();
        let Some(verdict) = referee::run("fsck.fat", ["-n", "-v", image.as_str()]) else { return };
        let _ = verdict.success().without(&["orphan", "differ", "bad"]);
        let Some(read) = referee::run("mtype", ["-i", image.as_str(), "::EFI/BOOT/BOOTX64.EFI"]) else {
            return;
        };
        assert!(read.success().stdout == program, "{len} bytes are read back");
    }
}
