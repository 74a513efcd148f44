//! Decides where the boot configuration stores (BCD) of the medium come from.

use super::StageError;
use crate::content::Content;
use crate::env::Env;
use crate::hive::HiveError;
use crate::hive::boot_configuration::{self, ElementValue};
use crate::media::boot_configuration::refuses;
use crate::media::boot_image::{Architecture, BootImage, BootImageError};
use crate::spec::{BootConfigurationChoice, BootImageSpec};
use crate::time::Timestamp;
use crate::tree::TreeFile;

/// Where a store came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BootConfigurationOrigin {
    /// This file of the boot image.
    BootImage(String),
    /// Made from the description in `templates/`; the reason why.
    Made(String),
    /// Given by the user.
    Given,
}

/// A store with its place on the medium.
pub(super) struct Store {
    pub(super) path: String,
    /// The file to add; none when it is among the boot files already.
    pub(super) file: Option<TreeFile>,
    pub(super) origin: BootConfigurationOrigin,
}

/// Where Windows Boot Manager looks for its store on removable media.
const BIOS_STORE: &str = "boot/BCD";
const UEFI_STORE: &str = "EFI/Microsoft/Boot/BCD";

/// Which firmware a store is for; they differ in the loader they start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Firmware {
    Bios,
    Uefi,
}

impl std::fmt::Display for Firmware {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Bios => "BIOS",
            Self::Uefi => "UEFI",
        })
    }
}

/// A store is some kilobytes; those of installed systems are under a megabyte.
const LARGEST_STORE: u64 = 16 << 20;

/// Both stores; only the UEFI one for ARM64, which has no BIOS, and for images without a loader for BIOS. What the user
/// gave is looked at in any case.
pub(super) fn stores(image: &BootImage, spec: &BootImageSpec, env: &Env) -> Result<Vec<Store>, StageError> {
    let mut stores = Vec::new();
    let starts_by_bios = image.architecture != Architecture::Arm64 && loader(image, Firmware::Bios).is_some();
    for (firmware, path, is_needed) in
        [(Firmware::Bios, BIOS_STORE, starts_by_bios), (Firmware::Uefi, UEFI_STORE, true)]
    {
        match given(image, spec, path)? {
            Some(store) => stores.push(store),
            None if is_needed => stores.push(store(image, spec, env, firmware, path)?),
            None => {}
        }
    }
    Ok(stores)
}

/// The store the user gave for a place.
fn given(image: &BootImage, spec: &BootImageSpec, path: &str) -> Result<Option<Store>, StageError> {
    let Some((_, given)) = spec.boot_files.iter().find(|(given, _)| given.eq_ignore_ascii_case(path)) else {
        return Ok(None);
    };
    let bytes = Content::source(given.clone()).to_vec(LARGEST_STORE).map_err(|error| error.to_string());
    let checked = bytes.and_then(|bytes| boots_the_image(image, &bytes));
    checked.map_err(|reason| StageError::GivenBootConfiguration { path: path.to_owned(), reason })?;
    Ok(Some(Store { path: path.to_owned(), file: None, origin: BootConfigurationOrigin::Given }))
}

fn store(
    image: &BootImage,
    spec: &BootImageSpec,
    env: &Env,
    firmware: Firmware,
    path: &str,
) -> Result<Store, StageError> {
    let refuse = |reason: String| StageError::BootConfiguration { name: spec.name.clone(), reason };
    let own = match spec.boot_configuration {
        BootConfigurationChoice::Made => Err("asked for".to_owned()),
        BootConfigurationChoice::BootImage => Ok(own_store(image, firmware).map_err(refuse)?),
        BootConfigurationChoice::Auto => own_store(image, firmware),
    };
    let (origin, bytes) = match own {
        Ok((from, bytes)) => (BootConfigurationOrigin::BootImage(from), bytes),
        Err(reason) => {
            let loader = loader(image, firmware).ok_or_else(|| StageError::NoLoader {
                name: spec.name.clone(),
                firmware: firmware.to_string(),
                looked_for: loaders(firmware).map(str::to_owned).to_vec(),
            })?;
            let bytes = make(firmware, &loader, env.now());
            let bytes = bytes.map_err(|error| refuse(format!("making {path}: {error}")))?;
            (BootConfigurationOrigin::Made(reason), bytes)
        }
    };
    let words = match &origin {
        BootConfigurationOrigin::BootImage(from) => from.clone(),
        _ => "made".to_owned(),
    };
    let file = TreeFile { path: path.to_owned(), content: Content::bytes(bytes), origin: words };
    Ok(Store { path: path.to_owned(), file: Some(file), origin })
}

/// The first store of the boot image that boots `\sources\boot.wim` with a loader the image has, or why none does.
fn own_store(image: &BootImage, firmware: Firmware) -> Result<(String, Vec<u8>), String> {
    let mut reasons = Vec::new();
    for path in own_stores(image.architecture, firmware) {
        let Some(entry) = image.image.find(&path).filter(|entry| !entry.is_directory()) else { continue };
        match image.read(&path, &entry) {
            Ok(bytes) => match boots_the_image(image, &bytes) {
                Ok(()) => return Ok((path, bytes)),
                Err(reason) => reasons.push(format!("{path} {reason}")),
            },
            Err(BootImageError::WouldNotBoot(refusal)) => reasons.push(refusal.to_string()),
            Err(error) => reasons.push(error.to_string()),
        }
    }
    if reasons.is_empty() {
        reasons.push(format!("the boot image has no boot configuration store for {firmware}"));
    }
    Err(reasons.join("; "))
}

fn own_stores(architecture: Architecture, firmware: Firmware) -> Vec<String> {
    let bits = if architecture == Architecture::X86 { 32 } else { 64 };
    let folder = architecture.configuration_manager_folder();
    match firmware {
        Firmware::Bios => vec![r"\Windows\Boot\DVD\PCAT\BCD".to_owned()],
        Firmware::Uefi => {
            vec![r"\Windows\Boot\DVD\EFI\BCD".to_owned(), format!(r"\sms\bin\{folder}\BCD-EFI-{bits}")]
        }
    }
}

fn boots_the_image(image: &BootImage, bytes: &[u8]) -> Result<(), String> {
    let store =
        boot_configuration::read(bytes.to_vec()).map_err(|error| format!("cannot be read: {error}"))?;
    let boot = store.default_ramdisk().ok_or("starts no RAM disk")?;
    refuses(&boot, &image.image).map_or(Ok(()), Err)
}

/// A store from the description in `templates/`, with the loader the image has.
fn make(firmware: Firmware, loader: &str, time: Timestamp) -> Result<Vec<u8>, HiveError> {
    let description = match firmware {
        Firmware::Bios => boot_configuration::BIOS,
        Firmware::Uefi => boot_configuration::UEFI,
    };
    let mut store = boot_configuration::parse(description)?;
    let loaders = store.objects.iter_mut().filter(|object| object.kind == boot_configuration::LOADER_KIND);
    for element in loaders.flat_map(|object| &mut object.elements) {
        if element.number == boot_configuration::LIBRARY_PATH {
            element.value = ElementValue::Text(loader.to_lowercase());
        }
    }
    boot_configuration::build(&store, time)
}

fn loader(image: &BootImage, firmware: Firmware) -> Option<String> {
    loaders(firmware)
        .into_iter()
        .find(|path| image.image.find(path).is_some_and(|entry| entry.is_plain_file()))
        .map(str::to_owned)
}

/// Windows PE's own place first; it is the one Windows media name.
fn loaders(firmware: Firmware) -> [&'static str; 2] {
    match firmware {
        Firmware::Bios => [r"\Windows\System32\Boot\winload.exe", r"\Windows\System32\winload.exe"],
        Firmware::Uefi => [r"\Windows\System32\Boot\winload.efi", r"\Windows\System32\winload.efi"],
    }
}
