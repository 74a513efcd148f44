//! Firmware starts the media, and a program with drivers of its own reads back what we wrote.

use std::time::Duration;

use media_core::disk::Scheme;
use media_core::io::Source;
use media_core::{Form, MediumPartition, Tree};
use media_tests::boot_image::{BootImageRecipe, CD_BOOT_MESSAGE, Programs};
use media_tests::qemu::{Drive, End, Firmware, boot};
use media_tests::{grub, medium};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(240);
const READ: [&str; 4] = ["sources/boot.wim", "boot/BCD", "EFI/Microsoft/Boot/BCD", "SMS/data/variables.dat"];

fn sha256(source: &dyn Source) -> String {
    let mut bytes = vec![0; source.len() as usize];
    source.read_exact_at(0, &mut bytes).expect("fixtures are small");
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A boot image whose boot managers are GRUB programs that examine the medium; `None` without GRUB at home.
fn examining_boot_image(folder: &TempDir) -> Option<std::path::PathBuf> {
    let examiner = grub::examiner(&READ).expect("temporary files")?;
    let programs = Programs {
        boot_manager: Some(examiner.clone()),
        boot_manager_2023: Some(examiner),
        cd_boot: Some(grub::cd_boot().expect("temporary files")?),
        bios_cd_boot: None,
    };
    let path = folder.path().join("boot.wim");
    let recipe = BootImageRecipe { programs, size: 1 << 20, files: 150, ..BootImageRecipe::default() };
    let recipe = BootImageRecipe { dvd_files: true, ..recipe };
    recipe.write(&path).expect("a boot image can be made");
    Some(path)
}

/// The terminal breaks long lines, so what it shows is compared without white space.
fn assert_read_right(serial: &str, tree: &Tree) {
    let said: String = serial.split_whitespace().collect();
    for path in READ {
        let expected = sha256(&tree.file(path).expect("it is staged").content);
        let found = said
            .split(&expected)
            .skip(1)
            .any(|rest| rest.trim_start_matches(|c| c != ')').starts_with(&format!(")/{path}")));
        assert!(found, "{path} should be {expected}\n{serial}");
    }
}

#[test]
fn uefi_starts_the_stick_and_reads_it() {
    let folder = TempDir::new().expect("a temporary folder");
    let Some(boot_image) = examining_boot_image(&folder) else { return };
    for scheme in [Scheme::Gpt, Scheme::Mbr] {
        let form =
            Form::DiskImage { scheme, size: None, cluster_size: None, partition: MediumPartition::Whole };
        let spec = medium::spec(&boot_image, form).expect("the boot image can be opened");
        let (image, staged) = medium::make(&spec, folder.path(), "stick.img");
        let run =
            boot(&image, Drive::Stick, Firmware::Uefi, grub::END, LIMIT).expect("a process can be started");
        let Some(run) = run else { return };
        assert_ne!(run.end, End::TimedOut, "{}", run.serial);
        assert!(run.serial.contains("fs=fat"), "{}", run.serial);
        assert_read_right(&run.serial, &staged.tree);
    }
}

#[test]
fn uefi_and_bios_start_the_iso() {
    let folder = TempDir::new().expect("a temporary folder");
    let Some(boot_image) = examining_boot_image(&folder) else { return };
    let spec = medium::spec(&boot_image, Form::Iso { prompt: false }).expect("the boot image can be opened");
    let (image, staged) = medium::make(&spec, folder.path(), "medium.iso");
    let run = boot(&image, Drive::Cd, Firmware::Uefi, grub::END, LIMIT).expect("a process can be started");
    let Some(run) = run else { return };
    assert_ne!(run.end, End::TimedOut, "{}", run.serial);
    assert!(run.serial.contains("the CD starts bootmgr.efi"), "{}", run.serial);
    assert_read_right(&run.serial, &staged.tree);

    let run =
        boot(&image, Drive::Cd, Firmware::Bios, CD_BOOT_MESSAGE, LIMIT).expect("a process can be started");
    let Some(run) = run else { return };
    assert_eq!(run.end, End::Heard, "{}", run.serial);
}
