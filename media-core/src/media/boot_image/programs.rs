//! The files firmware starts: whether they are programs for the machine the boot image is for, and who signed them.

use std::sync::Arc;

use super::boot_files::{BootFile, UEFI_BOOT_IMAGE, UEFI_BOOT_IMAGE_PROMPT};
use super::{Architecture, BootImageError, LARGEST_BOOT_FILE};
use crate::pe::{self, Executable, Machine, PeError, Signer};

/// What a UEFI CD goes on with.
const CD_BOOT_MANAGER: &str = "bootmgr.efi";

/// A program on the medium that firmware starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedProgram {
    /// Path on the medium.
    pub path: String,
    /// Where it came from, in words.
    pub origin: String,
    /// Who signed it; empty when it is not signed. Not verified: see [`pe`].
    pub signers: Result<Vec<Signer>, PeError>,
}

impl StartedProgram {
    /// Whether it is what a CD goes on with; firmware starts it from no other medium.
    pub fn is_of_cd(&self) -> bool {
        self.path.eq_ignore_ascii_case(CD_BOOT_MANAGER)
    }

    /// Whether it is signed under an authority of this common name.
    pub fn is_signed_under(&self, issuer_common_name: &str) -> bool {
        self.signers.iter().flatten().any(|signer| signer.issuer == issuer_common_name)
    }
}

/// Finds the programs firmware starts. Refuses ones for another machine, and files that are none, whoever gave them.
pub(super) fn check(
    files: &[BootFile],
    architecture: Architecture,
) -> Result<Vec<StartedProgram>, BootImageError> {
    let mut programs = Vec::new();
    for file in files {
        let (path, origin) = (file.path.clone(), file.origin.clone());
        let lower = path.to_lowercase();
        if lower == CD_BOOT_MANAGER || (lower.starts_with("efi/boot/") && lower.ends_with(".efi")) {
            match startable(&read(file)?, Some(architecture.machine())) {
                Ok(program) => programs.push(StartedProgram { path, origin, signers: program.signers }),
                Err(reason) => return Err(BootImageError::NotAProgram { path, origin, reason }),
            }
        } else if [UEFI_BOOT_IMAGE, UEFI_BOOT_IMAGE_PROMPT].iter().any(|image| image.to_lowercase() == lower)
            && let Some(reason) = refuses_volume(&read(file)?)
        {
            return Err(BootImageError::NotAProgram { path, origin, reason });
        }
    }
    Ok(programs)
}

/// Why UEFI firmware would not start a program; `None` when it would, as far as can be seen. Firmware judges
/// signatures itself, and only with Secure Boot on.
pub fn refuses_program(bytes: &[u8], machine: Option<Machine>) -> Option<String> {
    startable(bytes, machine).err()
}

fn startable(bytes: &[u8], machine: Option<Machine>) -> Result<Executable, String> {
    let program = pe::read(bytes).map_err(|error| error.to_string())?;
    match machine {
        Some(machine) if machine != program.machine => {
            Err(format!("it is a program for {}, expected {machine}", program.machine))
        }
        _ if !program.is_efi_application => Err("it is not an EFI application".to_owned()),
        _ => Ok(program),
    }
}

/// An El Torito image for UEFI is a FAT volume.
fn refuses_volume(bytes: &[u8]) -> Option<String> {
    let is_volume = bytes.len() >= 512 && bytes[510..512] == [0x55, 0xAA];
    (!is_volume).then(|| "it is not an image of a FAT volume".to_owned())
}

fn read(file: &BootFile) -> Result<Arc<Vec<u8>>, BootImageError> {
    let read = file.content.to_bytes(LARGEST_BOOT_FILE);
    read.map_err(|error| BootImageError::Given { path: file.path.clone(), error })
}
