//! The recipe of a boot image shaped like Windows PE's, with Configuration Manager's files in it.
//!
//! Everything in it is made here; nothing of Microsoft's is needed. Names, places, attributes, magic numbers and
//! proportions follow real boot images, the programs are stand-ins. Equal recipes give equal bytes, whatever the
//! machine and the number of threads.

mod boot_sectors;
mod compressor;
mod content;
mod fat12;
mod filler;
mod hives;
mod metadata;
mod portable_executable;
mod security;
mod tree;
mod wim_file;
mod xml;

use std::io;
use std::path::Path;

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};

pub use boot_sectors::{CD_BOOT_MESSAGE, says_on_com1};
pub use content::{FileContent, Texture};
pub use fat12::image_with_program;
pub use hives::Hives;
pub use metadata::File;
pub use portable_executable::{Subsystem, program};

/// The machine a boot image is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// 64-bit PCs.
    X64,
    /// 32-bit PCs.
    X86,
    /// 64-bit ARM.
    Arm64,
}

/// How the WIM file's resources are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// XPRESS, as `/Compress:fast`.
    Xpress,
    /// LZX, as every boot image of Microsoft.
    Lzx,
    /// LZMS, which the boot manager refuses.
    Lzms,
}

/// Programs to put where Microsoft's would be; a small stand-in is made for each that is missing.
#[derive(Debug, Clone, Default)]
pub struct Programs {
    /// `bootmgfw.efi` and `bootmgr.efi` of the 2011 set.
    pub boot_manager: Option<Vec<u8>>,
    /// `bootmgfw_EX.efi` and `bootmgr_EX.efi` of the 2023 set.
    pub boot_manager_2023: Option<Vec<u8>>,
    /// The program inside `efisys*.bin`; by default the boot manager.
    pub cd_boot: Option<Vec<u8>>,
    /// `etfsboot.com`; by default it says [`CD_BOOT_MESSAGE`] on COM1.
    pub bios_cd_boot: Option<Vec<u8>>,
}

/// What a boot image is to be like. [`BootImageRecipe::default`] is a small one that boots.
#[derive(Debug, Clone)]
pub struct BootImageRecipe {
    /// The machine of its programs.
    pub architecture: Architecture,
    /// How many files it has, at least; the fixed ones alone are about a hundred.
    pub files: usize,
    /// Bytes of all files together, at least; most of them do not compress.
    pub size: u64,
    /// How resources are compressed.
    pub compression: Compression,
    /// Bytes of a chunk, a power of two.
    pub chunk_size: u32,
    /// Which image the boot manager takes, from 1; 0 is none.
    pub boot_index: u32,
    /// How many images: 1 as in a boot image, 2 as on a Windows Setup medium.
    pub images: u32,
    /// Whether there is an integrity table.
    pub integrity: bool,
    /// Whether `\Windows\Boot\EFI` holds boot managers, as signed with the Windows Production PCA 2011.
    pub with_2011_set: bool,
    /// Whether `\Windows\Boot\EFI_EX` and its sisters are there, as signed with the Windows UEFI CA 2023.
    pub with_2023_set: bool,
    /// Whether Configuration Manager put its files under `\sms`.
    pub configmgr_files: bool,
    /// Whether `\Windows\Boot\DVD` and `DVD_EX` are there, as in a full Windows.
    pub dvd_files: bool,
    /// Whether the stores `\Windows\Boot\DVD\{EFI,PCAT}\BCD` and `BCD-EFI-*` are there.
    pub bcd: bool,
    /// Files and folders of this recipe to leave out, by their path with `/` between names.
    pub without: Vec<&'static str>,
    /// Files to put in beside those of this recipe, with what is in them.
    pub also: Vec<(&'static str, Vec<u8>)>,
    /// Files marked as encrypted with EFS.
    pub encrypted: Vec<&'static str>,
    /// Programs in place of the stand-ins.
    pub programs: Programs,
    /// The registry's files.
    pub hives: Hives,
    /// Where all variety comes from.
    pub seed: u64,
    /// How many threads compress.
    pub threads: usize,
}

impl Default for BootImageRecipe {
    fn default() -> Self {
        Self {
            architecture: Architecture::X64,
            files: 400,
            size: 12 << 20,
            compression: Compression::Lzx,
            chunk_size: 32 * 1024,
            boot_index: 1,
            images: 1,
            integrity: false,
            with_2011_set: true,
            with_2023_set: true,
            configmgr_files: true,
            dvd_files: false,
            bcd: true,
            without: Vec::new(),
            also: Vec::new(),
            encrypted: Vec::new(),
            programs: Programs::default(),
            hives: Hives::default(),
            seed: 1,
            threads: 2,
        }
    }
}

/// A chunk of at most `chunk_size` bytes compressed; `None` when that makes it no smaller.
///
/// # Errors
/// A compression that cannot have such chunks.
pub fn compressed_chunk(
    chunk: &[u8],
    compression: Compression,
    chunk_size: u32,
) -> io::Result<Option<Vec<u8>>> {
    let compressor = compressor::Compressor::new(compression, chunk_size)?;
    Ok(compressor.and_then(|mut compressor| compressor.compress(chunk)))
}

/// `FILE_ATTRIBUTE_ENCRYPTED`.
const ENCRYPTED: u32 = 0x4000;

/// 2024-09-06T00:00:00Z as a FILETIME, the day of the Windows build that is imitated.
const BUILD_TIME: u64 = 133_700_544_000_000_000;

impl BootImageRecipe {
    /// The files of the boot image, in the order their contents are stored.
    pub fn files(&self) -> Vec<File> {
        let mut files = tree::fixed_files(self);
        files.retain(|file| !self.without.iter().any(|path| Path::new(&file.path).starts_with(path)));
        let also = self.also.iter().map(|(path, bytes)| tree::file(path, FileContent::bytes(bytes.clone())));
        files.extend(also);
        for file in files.iter_mut().filter(|file| self.encrypted.contains(&file.path.as_str())) {
            file.attributes |= ENCRYPTED;
        }
        filler::add(self, &mut files);
        files
    }

    /// Writes the boot image to a new file at `output`.
    ///
    /// # Errors
    /// Whatever the system says, and a compression that cannot have such chunks.
    pub fn write(&self, output: &Path) -> io::Result<()> {
        let files = self.files();
        let mut guid = [0; 16];
        ChaCha20Rng::seed_from_u64(self.seed).fill_bytes(&mut guid);
        let mut images = Vec::new();
        for index in 1..=self.images {
            let kind = if index == self.images.max(2) { "Setup" } else { "PE" };
            let machine = match self.architecture {
                Architecture::X64 => "amd64",
                Architecture::X86 => "x86",
                Architecture::Arm64 => "arm64",
            };
            let name = format!("Microsoft Windows {kind} ({machine})");
            images.push(wim_file::Image {
                files: &files,
                facts: xml::Facts { index, architecture: self.architecture, name },
                times: [BUILD_TIME; 3],
            });
        }
        let options = wim_file::Options {
            compression: self.compression,
            chunk_size: self.chunk_size,
            boot_index: self.boot_index,
            integrity: self.integrity,
            guid,
            threads: self.threads,
        };
        wim_file::write(output, &images, &options)
    }
}
