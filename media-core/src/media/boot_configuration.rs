//! What a boot configuration store must start so that the medium boots.

use crate::hive::boot_configuration::RamdiskBoot;
use crate::media::boot_image::{BOOT_SDI, SOURCES_BOOT_WIM};
use crate::wim::{ATTRIBUTE_ENCRYPTED, Image};

/// Why a store that starts this does not start `image` from its own medium; `None` when it does.
///
/// The reason continues a sentence that begins with the store's name.
pub fn refuses(boot: &RamdiskBoot, image: &Image) -> Option<String> {
    refuses_files(boot).or_else(|| refuses_loader(boot, image))
}

/// The part of [`refuses`] that can be told without the boot image.
pub fn refuses_files(boot: &RamdiskBoot) -> Option<String> {
    let boot_wim = as_in_store(SOURCES_BOOT_WIM);
    if !boot.from_boot_device || !boot.wim_path.eq_ignore_ascii_case(&boot_wim) {
        return Some(format!("boots {} and not {boot_wim} of its own medium", boot.wim_path));
    }
    if !boot.sdi_path.eq_ignore_ascii_case(&as_in_store(BOOT_SDI)) {
        return Some(format!("takes its RAM disk template from {}", boot.sdi_path));
    }
    None
}

/// A path on the medium, as a store names it.
fn as_in_store(path: &str) -> String {
    format!(r"\{}", path.replace('/', r"\"))
}

fn refuses_loader(boot: &RamdiskBoot, image: &Image) -> Option<String> {
    let path = &boot.loader_path;
    match image.find(path) {
        None => Some(format!("starts {path}, which the image does not have")),
        Some(entry) if entry.is_directory() => Some(format!("starts {path}, which is a folder")),
        Some(entry) if entry.attributes & ATTRIBUTE_ENCRYPTED != 0 => {
            Some(format!("starts {path}, which is encrypted (EFS)"))
        }
        Some(entry) if !entry.is_plain_file() => Some(format!("starts {path}, which is not a plain file")),
        Some(entry) if entry.hash().is_none() => Some(format!("starts {path}, which is empty")),
        Some(_) => None,
    }
}
