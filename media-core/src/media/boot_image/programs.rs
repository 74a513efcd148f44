//! Whether the files firmware starts are programs for the machine the boot image is for.

use super::boot_files::{BootFile, UEFI_BOOT_IMAGE, UEFI_BOOT_IMAGE_PROMPT};
use super::{Architecture, BootImageError, LARGEST_BOOT_FILE};
use crate::pe::{self, Machine, PeError};

/// Refuses boot managers for another machine, and files that are none, whoever gave them.
pub(super) fn check(files: &[BootFile], architecture: Architecture) -> Result<(), BootImageError> {
    for file in files {
        let path = file.path.to_lowercase();
        let reason = if path == "bootmgr.efi" || (path.starts_with("efi/boot/") && path.ends_with(".efi")) {
            refuses_program(&read(file)?, architecture)
        } else if [UEFI_BOOT_IMAGE, UEFI_BOOT_IMAGE_PROMPT].iter().any(|image| image.to_lowercase() == path) {
            refuses_volume(&read(file)?)
        } else {
            None
        };
        if let Some(reason) = reason {
            let (path, origin) = (file.path.clone(), file.origin.clone());
            return Err(BootImageError::NotAProgram { path, origin, reason });
        }
    }
    Ok(())
}

/// Why firmware of this architecture would not start a program; `None` when it would, as far as can be seen.
fn refuses_program(bytes: &[u8], architecture: Architecture) -> Option<String> {
    let machine = match pe::read(bytes) {
        Ok(program) => program.machine,
        Err(error @ (PeError::NotPe { .. } | PeError::Header { .. } | PeError::Truncated(_))) => {
            return Some(error.to_string());
        }
        // Firmware judges signatures itself, and only with Secure Boot.
        Err(_) => return None,
    };
    let wanted = match architecture {
        Architecture::X64 => Machine::X64,
        Architecture::X86 => Machine::X86,
        Architecture::Arm64 => Machine::Arm64,
    };
    (machine != wanted)
        .then(|| format!("it is a program for {machine}, and the boot image is for {architecture}"))
}

/// An El Torito image for UEFI is a FAT volume.
fn refuses_volume(bytes: &[u8]) -> Option<String> {
    let is_volume = bytes.len() >= 512 && bytes[510..512] == [0x55, 0xAA];
    (!is_volume).then(|| "it is not an image of a FAT volume".to_owned())
}

fn read(file: &BootFile) -> Result<Vec<u8>, BootImageError> {
    let read = file.content.to_vec(LARGEST_BOOT_FILE);
    read.map_err(|error| BootImageError::Given { path: file.path.clone(), error })
}
