//! The site's boot image: what it must be to boot, and which of its files go where on the medium.

mod boot_files;
mod programs;
mod requirements;

use thiserror::Error;

use crate::pe::Machine;
use crate::spec::BootImageSpec;
use crate::wim::{Entry, Image, ImageInfo, Wim, WimError};

pub use boot_files::{
    BIOS_BOOT_IMAGE, BootFile, BootFiles, BootManagerSet, UEFI_BOOT_IMAGE, UEFI_BOOT_IMAGE_PROMPT, boot_files,
};

pub use programs::{StartedProgram, refuses_program};
pub use requirements::Refusal;

/// A processor architecture Windows PE exists for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// 64-bit x86, `amd64`.
    X64,
    /// 32-bit x86.
    X86,
    /// 64-bit ARM.
    Arm64,
}

impl Architecture {
    /// From the number in the WIM's XML (`PROCESSOR_ARCHITECTURE_*` of winnt.h).
    pub fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::X86),
            9 => Some(Self::X64),
            12 => Some(Self::Arm64),
            _ => None,
        }
    }

    /// The name UEFI firmware looks for in `EFI/Boot` (UEFI 2.10, 3.5.1.1).
    pub fn removable_media_name(self) -> &'static str {
        match self {
            Self::X64 => "bootx64.efi",
            Self::X86 => "bootia32.efi",
            Self::Arm64 => "bootaa64.efi",
        }
    }

    /// The same in the words of the PE format.
    pub fn machine(self) -> Machine {
        match self {
            Self::X64 => Machine::X64,
            Self::X86 => Machine::X86,
            Self::Arm64 => Machine::Arm64,
        }
    }

    /// The folder under `\sms\bin` that holds ADK's files for this architecture.
    pub fn configuration_manager_folder(self) -> &'static str {
        match self {
            Self::X64 => "x64",
            Self::X86 => "i386",
            Self::Arm64 => "arm64",
        }
    }
}

impl std::fmt::Display for Architecture {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::X64 => "x64",
            Self::X86 => "x86",
            Self::Arm64 => "ARM64",
        })
    }
}

/// Why a boot image cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BootImageError {
    /// The WIM file itself.
    #[error(transparent)]
    Wim(#[from] WimError),
    /// The boot manager would refuse it, or nothing would start it.
    #[error("the boot image would not boot: {0}")]
    WouldNotBoot(#[from] Refusal),
    /// There is no image with this number.
    #[error("image {index} was asked for, but the boot image holds images 1 to {count}")]
    NoSuchImage {
        /// The number asked for.
        index: u32,
        /// How many there are.
        count: u32,
    },
    /// A file the medium needs is nowhere in the boot image.
    #[error("{purpose} ({path} on the medium) is not in the boot image; looked for {}", looked_for.join(", "))]
    Missing {
        /// Where it would go on the medium.
        path: String,
        /// What it is for.
        purpose: &'static str,
        /// The set it is the boot manager of, when that set was asked for.
        asked_for: Option<BootManagerSet>,
        /// The paths looked for, in order.
        looked_for: Vec<String>,
    },
    /// A file that firmware starts is not what its place asks for.
    #[error("{path} ({origin}): {reason}")]
    NotAProgram {
        /// Where it would go on the medium.
        path: String,
        /// Where it comes from.
        origin: String,
        /// What it is instead.
        reason: String,
    },
    /// A file the medium needs is something else in the boot image.
    #[error("{path} is {kind}, not a file that can be read")]
    NotPlain {
        /// The path in the boot image.
        path: String,
        /// `a folder` or `a reparse point`.
        kind: &'static str,
    },
    /// A file given by the user could not be read.
    #[error("{path}: {error}")]
    Given {
        /// Where it would go on the medium.
        path: String,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
}

/// An open boot image that has been found fit to boot.
pub struct BootImage {
    /// The file.
    pub wim: Wim,
    /// The number of the image that will boot.
    pub index: u32,
    /// Whether the file's own boot index has to change for that.
    pub changes_boot_index: bool,
    /// Whether the header leads the boot manager past the image's metadata, so that it has to be put right.
    pub repairs_boot_metadata: bool,
    /// The image's files.
    pub image: Image,
    /// The architecture of the image.
    pub architecture: Architecture,
}

/// Where Windows Boot Manager's stores say the boot image is.
pub const SOURCES_BOOT_WIM: &str = "sources/boot.wim";
/// Where they say the RAM disk template is.
pub const BOOT_SDI: &str = "boot/boot.sdi";

/// The largest boot file that is read into memory; real ones are under 10 MB.
const LARGEST_BOOT_FILE: u64 = 64 << 20;

impl BootImage {
    /// Opens a boot image and refuses what the boot manager would refuse.
    ///
    /// # Errors
    /// [`BootImageError`] with the reason.
    pub fn open(spec: &BootImageSpec) -> Result<Self, BootImageError> {
        let wim = Wim::open(spec.source.clone())?;
        requirements::check_file(&wim)?;
        let index = requirements::boot_index(&wim, spec.index)?;
        let image = wim.image(index)?;
        let info = info_of(&wim, index);
        let architecture = requirements::check_image(&image, info)?;
        let changes_boot_index = wim.header().boot_index != index;
        let repairs_boot_metadata = !changes_boot_index && wim.has_stale_boot_metadata();
        Ok(Self { index, repairs_boot_metadata, changes_boot_index, image, architecture, wim })
    }

    /// What the WIM's XML says about the image that will boot.
    pub fn info(&self) -> Option<&ImageInfo> {
        info_of(&self.wim, self.index)
    }

    /// The bytes of a small file, which stands at `path`.
    ///
    /// # Errors
    /// [`BootImageError`] when it is no plain file, damaged, or larger than any boot file.
    pub fn read(&self, path: &str, entry: &Entry) -> Result<Vec<u8>, BootImageError> {
        requirements::check_entry(path, entry)?;
        Ok(match entry.hash() {
            Some(hash) => self.wim.read(&hash, LARGEST_BOOT_FILE)?,
            None => Vec::new(),
        })
    }
}

fn info_of(wim: &Wim, index: u32) -> Option<&ImageInfo> {
    wim.images().iter().find(|info| info.index == index)
}
