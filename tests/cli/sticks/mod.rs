//! Sticks: the disks of a machine, and media written onto many of them at the same time.
// A suite's helper reports a failure the way a suite does.
#![allow(clippy::panic)]

mod batch;
mod device;
mod guest;
mod loops;

use std::path::Path;
use std::time::Duration;

use media_tests::grub;
use media_tests::qemu::{Drive, End, Firmware, boot};

use crate::fixtures;
use crate::support::Sandbox;

const CREATE: &str = "create --boot-image boot.wim --package-id PS100005 --site-code PS1 --management-point mp.contoso.com \
    --password-file password.txt --certificate-start 2026-01-01 --certificate-expiry 2120-01-01 --seed test --no-receipt";

/// Two media, `old.img` and `new.img`, that differ in their boot image.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("password.txt", fixtures::MEDIA_PASSWORD).write("root.pem", fixtures::ROOT_CERTIFICATE);
    // In the boot manager's place, a program that says what it finds.
    let examiner = grub::examiner(&["sources/boot.wim"]).expect("temporary files");
    fixtures::boot_image_like(&sandbox, "of a stick", |recipe| {
        (recipe.files, recipe.size) = (60, 40 << 20);
        recipe.programs.boot_manager.clone_from(&examiner);
        recipe.programs.boot_manager_2023.clone_from(&examiner);
    });
    sandbox.good(&format!("{CREATE} --output old.img"));
    sandbox.good(&format!("{CREATE} --output new.img --trusted-root root.pem --serial-number KEY-2"));
    sandbox
}

/// Firmware starts the stick with this file behind it.
#[track_caller]
fn assert_starts(stick: &Path) {
    let run = boot(stick, Drive::Stick, Firmware::Uefi, grub::END, Duration::from_secs(240));
    let Some(run) = run.expect("a process can be started") else { return };
    assert!(run.end != End::TimedOut && run.serial.contains("fs=fat"), "{}", run.serial);
}

/// Whether a stick, or the file behind it, is intact. That a partition table ends before its stick does is a note.
#[track_caller]
fn assert_intact(sandbox: &Sandbox, stick: &str) {
    let verified = sandbox.run(&["verify", stick]);
    assert!(matches!(verified.code, 0 | 6), "{stick}: {}{}", verified.stdout, verified.stderr);
}
