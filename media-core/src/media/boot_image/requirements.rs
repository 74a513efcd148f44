//! What a WIM file must be for Windows Boot Manager to start it (observed; `docs/formats.md`, "Boot image").

use super::{Architecture, BootImageError};
use crate::wim::{Compression, Header, Image, ImageInfo, Wim};

/// The only chunk size the boot manager reads in a compressed WIM.
const CHUNK: u32 = 32 << 10;

/// Refuses files the boot manager cannot read at all.
pub(super) fn check_file(header: &Header) -> Result<(), BootImageError> {
    if header.total_parts > 1 {
        return refuse(format!(
            "it is part {} of {} of a split WIM; join the parts first",
            header.part_number, header.total_parts
        ));
    }
    if header.is_pipable {
        return refuse("it is a pipable WIM, whose tables are not where the boot manager looks");
    }
    match header.compression {
        Compression::Lzms => {
            refuse("it is compressed with LZMS (an ESD file), which the boot manager does not read")
        }
        Compression::None => Ok(()),
        _ if header.chunk_size != CHUNK => refuse(format!(
            "its chunks are {} bytes, and the boot manager reads only {CHUNK}",
            header.chunk_size
        )),
        _ => Ok(()),
    }
}

/// Which image will boot: the one asked for, or the file's own boot index.
pub(super) fn boot_index(wim: &Wim, asked: Option<u32>) -> Result<u32, BootImageError> {
    let (count, own) = (wim.header().image_count, wim.header().boot_index);
    match asked.unwrap_or(own) {
        0 => refuse(format!(
            "no image in it is marked bootable (boot index 0 of {count} images); name the image to boot"
        )),
        index if index > count => Err(BootImageError::NoSuchImage { index, count }),
        index => Ok(index),
    }
}

/// Refuses images that are not Windows PE, or that hold no loader.
pub(super) fn check_image(image: &Image, info: Option<&ImageInfo>) -> Result<Architecture, BootImageError> {
    let Some(number) = info.and_then(|info| info.architecture) else {
        return refuse("its XML data does not say which processor architecture it is for");
    };
    let Some(architecture) = Architecture::from_number(number) else {
        return refuse(format!(
            "it is for processor architecture {number}; known are 0 (x86), 9 (x64) and 12 (ARM64)"
        ));
    };
    let holds = |path: &str| image.find(path).is_some_and(|entry| !entry.is_directory());
    if !holds(r"\Windows\System32\wpeinit.exe") && !holds(r"\Windows\System32\winpeshl.exe") {
        return refuse(
            r"it is not a Windows PE image: neither \Windows\System32\winpeshl.exe nor wpeinit.exe is in it",
        );
    }
    Ok(architecture)
}

fn refuse<T>(reason: impl Into<String>) -> Result<T, BootImageError> {
    Err(BootImageError::WouldNotBoot(reason.into()))
}
