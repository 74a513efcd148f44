//! What is in a boot image.

use crate::inspect::{BootManagerFacts, boot_manager_facts};
use crate::media::boot_image::Architecture;
use crate::media::components::{self, Components};
use crate::media::hives::Hives;
use crate::media::roots::{self, Listed, RootsError};
use crate::wim::{Compression, Hash, Image, ImageInfo, Wim, WimError};

/// Programs that start Windows, in the places where boot images keep them.
const BOOT_MANAGERS: [&str; 4] = [
    r"\Windows\Boot\EFI\bootmgfw.efi",
    r"\Windows\Boot\EFI\bootmgr.efi",
    r"\Windows\Boot\EFI_EX\bootmgfw_EX.efi",
    r"\Windows\Boot\EFI_EX\bootmgr_EX.efi",
];
/// Real boot managers have about 2 MB.
const LARGEST_BOOT_MANAGER: u64 = 16 << 20;
/// The programs of all images that are looked into may have this many bytes together.
const MOST_PROGRAMS: u64 = 64 << 20;

/// A WIM file.
pub struct WimFacts {
    /// Its length in bytes.
    pub len: u64,
    /// The image that boots; 0 when none does.
    pub boot_index: u32,
    /// How it is compressed.
    pub compression: Compression,
    /// Bytes in a chunk.
    pub chunk_size: u32,
    /// Whether it has an integrity table.
    pub has_integrity_table: bool,
    /// Whether it asks not to be changed.
    pub is_read_only: bool,
    /// Which part of a split WIM it is, and of how many; `(1, 1)` for most.
    pub part: (u16, u16),
    /// Whether its files are packed together.
    pub is_solid: bool,
    /// Its images, in order.
    pub images: Vec<ImageFacts>,
}

/// An image of a WIM file.
pub struct ImageFacts {
    /// What the XML says of it.
    pub info: ImageInfo,
    /// Its architecture, when the XML names one that Windows PE exists for.
    pub architecture: Option<Architecture>,
    /// What could be read of it, or why its files cannot be listed.
    pub content: Result<ContentFacts, WimError>,
}

/// What is in an image.
pub struct ContentFacts {
    /// How many files it has.
    pub files: u64,
    /// How many folders it has, without the root.
    pub folders: u64,
    /// Components of Configuration Manager and of the ADK.
    pub components: Components,
    /// Its boot managers and who signed them.
    pub boot_managers: Vec<BootManagerFacts>,
    /// The certificates in its stores, or why they cannot be listed.
    pub certificates: Result<Vec<Listed>, RootsError>,
}

/// Looks into a WIM file. An image that cannot be read does not hide the others.
pub fn wim_facts(wim: &Wim) -> WimFacts {
    let header = wim.header();
    let (mut hives, mut left) = (Hives::new(wim), MOST_PROGRAMS);
    let mut image = |info: &ImageInfo| {
        let architecture = info.architecture.and_then(Architecture::from_number);
        let content =
            wim.image(info.index).map(|image| content(wim, &image, architecture, &mut hives, &mut left));
        ImageFacts { info: info.clone(), architecture, content }
    };
    WimFacts {
        len: wim.source().len(),
        boot_index: header.boot_index,
        compression: header.compression,
        chunk_size: header.chunk_size,
        has_integrity_table: !header.integrity.is_absent(),
        is_read_only: header.is_read_only(),
        part: (header.part_number, header.total_parts),
        is_solid: wim.is_solid(),
        images: wim.images().iter().map(&mut image).collect(),
    }
}

fn content(
    wim: &Wim,
    image: &Image,
    architecture: Option<Architecture>,
    hives: &mut Hives<'_>,
    left: &mut u64,
) -> ContentFacts {
    let folders = image.folders();
    let boot_managers = BOOT_MANAGERS.iter().filter_map(|path| {
        let entry = image.find(path).filter(|entry| entry.is_plain_file())?;
        let bytes = entry.hash().map_or(Ok(Vec::new()), |hash| read(wim, &hash, left));
        Some(boot_manager_facts(path, bytes.map_err(|error| error.to_string())))
    });
    let boot_managers = boot_managers.collect();
    ContentFacts {
        files: image.len() - folders,
        folders,
        components: components::find(image, architecture, &mut |hash| read(wim, hash, left).ok()),
        boot_managers,
        certificates: roots::software(hives, image).and_then(|hive| Ok(roots::list_in(&hive)?)),
    }
}

/// A program, as long as those read so far leave room for it.
fn read(wim: &Wim, hash: &Hash, left: &mut u64) -> Result<Vec<u8>, WimError> {
    let limit = LARGEST_BOOT_MANAGER.min(*left);
    let len = wim.blob(hash).map_or(0, |blob| blob.resource.len);
    // Also when it turns out to be damaged: it has been decoded then.
    *left -= if len <= limit { len } else { 0 };
    wim.read(hash, limit)
}
