//! What a WIM file must be for Windows Boot Manager to start it (observed; `docs/formats.md`, "Boot image").

use thiserror::Error;

use super::{Architecture, BootImageError};
use crate::wim::{ATTRIBUTE_ENCRYPTED, Compression, Entry, Image, ImageInfo, Wim};

/// The only chunk size the boot manager reads in a compressed WIM.
const CHUNK: u32 = 32 << 10;

/// Why a boot image would not boot.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is one part of several.
    #[error("it is part {part} of {parts} of a split WIM")]
    Split {
        /// Which part.
        part: u16,
        /// Of how many.
        parts: u16,
    },
    /// Its tables are not where the boot manager looks.
    #[error("it is a pipable WIM, whose tables are not where the boot manager looks")]
    Pipable,
    /// Its files are packed together.
    #[error("it has solid resources (an ESD file), which the boot manager does not read")]
    Solid,
    /// Its compression is unknown to the boot manager.
    #[error("it is compressed with LZMS (an ESD file), which the boot manager does not read")]
    Lzms,
    /// Its chunks are not of the one size the boot manager reads.
    #[error("its chunks are {found} bytes, and the boot manager reads only {CHUNK}")]
    ChunkSize {
        /// The chunk size in bytes.
        found: u32,
    },
    /// No image is marked bootable.
    #[error("no image in it is marked bootable (boot index 0 of {images} images)")]
    NotBootable {
        /// How many images there are.
        images: u32,
    },
    /// The XML data names no architecture.
    #[error("its XML data does not say which processor architecture it is for")]
    NoArchitecture,
    /// The XML data names an architecture Windows PE does not exist for.
    #[error("it is for processor architecture {number}; known are 0 (x86), 9 (x64) and 12 (ARM64)")]
    Architecture {
        /// The number.
        number: u32,
    },
    /// It is another Windows.
    #[error(
        r"image {index} is not Windows PE: neither \Windows\System32\winpeshl.exe nor wpeinit.exe is in it"
    )]
    NotWindowsPe {
        /// The image.
        index: u32,
    },
    /// A file that is needed is encrypted with EFS.
    #[error("{path} is encrypted (EFS), and nothing that boots has its key")]
    Encrypted {
        /// The file.
        path: String,
    },
}

/// Refuses files the boot manager cannot read at all.
pub(super) fn check_file(wim: &Wim) -> Result<(), BootImageError> {
    let header = wim.header();
    let refusal = if header.total_parts > 1 {
        Refusal::Split { part: header.part_number, parts: header.total_parts }
    } else if header.is_pipable {
        Refusal::Pipable
    } else if header.compression == Compression::Lzms {
        Refusal::Lzms
    } else if wim.is_solid() {
        Refusal::Solid
    } else if header.compression != Compression::None && header.chunk_size != CHUNK {
        Refusal::ChunkSize { found: header.chunk_size }
    } else {
        return Ok(());
    };
    Err(refusal.into())
}

/// Which image will boot: the one asked for, or the file's own boot index.
pub(super) fn boot_index(wim: &Wim, asked: Option<u32>) -> Result<u32, BootImageError> {
    let (images, own) = (wim.header().image_count, wim.header().boot_index);
    match asked.unwrap_or(own) {
        0 => Err(Refusal::NotBootable { images }.into()),
        index if index > images => Err(BootImageError::NoSuchImage { index, count: images }),
        index => Ok(index),
    }
}

/// Refuses images that are not Windows PE.
pub(super) fn check_image(image: &Image, info: Option<&ImageInfo>) -> Result<Architecture, BootImageError> {
    let number = info.and_then(|info| info.architecture).ok_or(Refusal::NoArchitecture)?;
    let architecture = Architecture::from_number(number).ok_or(Refusal::Architecture { number })?;
    let holds = |path: &str| image.find(path).is_some_and(|entry| !entry.is_directory());
    if !holds(r"\Windows\System32\wpeinit.exe") && !holds(r"\Windows\System32\winpeshl.exe") {
        return Err(Refusal::NotWindowsPe { index: image.index() }.into());
    }
    Ok(architecture)
}

/// Refuses what has no content of its own that could be read.
pub(super) fn check_entry(path: &str, entry: &Entry) -> Result<(), BootImageError> {
    let path = || path.to_owned();
    match entry.not_plain() {
        None => Ok(()),
        Some(_) if entry.attributes & ATTRIBUTE_ENCRYPTED != 0 => {
            Err(Refusal::Encrypted { path: path() }.into())
        }
        Some(kind) => Err(BootImageError::NotPlain { path: path(), kind }),
    }
}
