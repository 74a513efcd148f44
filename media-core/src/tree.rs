//! Which files: the staged medium, before anything has an address.

use crate::content::Content;
use crate::disk::Guid;
use crate::env::Env;
use crate::io::Source as _;
use crate::layout::FileSize;
use crate::media::manifest::MediumIdentity;
use crate::media::names::MediaLabel;
use crate::media::validity::Validity;
use crate::media::{manifest, variables};
use crate::time::Timestamp;

/// Every file of a medium, with what the volume needs to be made and found.
#[derive(Clone)]
pub struct Tree {
    /// The media label.
    pub label: MediaLabel,
    /// The time of every file and structure.
    pub time: Timestamp,
    /// The files, in the order they are laid out.
    pub files: Vec<TreeFile>,
    /// Path of the program BIOS firmware starts from a CD, when there is one.
    pub bios_boot: Option<String>,
    /// Path of the image UEFI firmware starts from a CD, when there is one.
    pub uefi_boot: Option<String>,
    /// The random identifiers of tables and volumes.
    pub ids: VolumeIds,
    /// When the medium is valid.
    pub validity: Validity,
    /// Who the medium is.
    pub identity: MediumIdentity,
    /// What it is made from, as far as that is no secret.
    pub inputs: Vec<TreeInput>,
    /// Whether the manifest has the SHA-256 of the boot image.
    pub checksum_of_boot_image: bool,
}

/// Something a medium is made from.
#[derive(Clone)]
pub struct TreeInput {
    /// What it is: `boot image`, `boot file`, `certificate`.
    pub what: &'static str,
    /// The last part of its file's name, the path on the medium it was given for, or the certificate's subject.
    pub name: String,
    /// Its bytes.
    pub content: Content,
}

/// One file of a medium.
#[derive(Clone)]
pub struct TreeFile {
    /// Path from the root, `/` between names: `sources/boot.wim`.
    pub path: String,
    /// Its bytes.
    pub content: Content,
    /// Where it comes from, in words: `\Windows\Boot\EFI\bootmgfw.efi in the boot image`, `made`.
    pub origin: String,
}

/// What a file may grow to when a finished medium is changed. Media that differ in their variables alone have every other
/// file in the same place.
pub(crate) fn room(path: &str, len: u64) -> u64 {
    let unit = match path {
        variables::PATH => 32 << 10,
        manifest::PATH => 16 << 10,
        _ => return len,
    };
    len / unit * unit + unit
}

/// The identifiers a fresh volume needs. All of them follow from the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolumeIds {
    /// GUID of a GPT disk.
    pub disk: Guid,
    /// GUID of the GPT partition.
    pub partition: Guid,
    /// GUID of the GPT partition for data, where there is one.
    pub data_partition: Guid,
    /// Signature of an MBR disk.
    pub mbr_signature: u32,
    /// Serial number of the FAT32 volume.
    pub volume: u32,
    /// Volume set identifier of the UDF volume.
    pub volume_set: u64,
}

impl VolumeIds {
    /// Draws all identifiers.
    pub fn draw(env: &Env) -> Self {
        Self {
            disk: Guid::from_random(env.bytes("disk GUID")),
            partition: Guid::from_random(env.bytes("partition GUID")),
            data_partition: Guid::from_random(env.bytes("data partition GUID")),
            mbr_signature: u32::from_le_bytes(env.bytes("MBR signature")),
            volume: u32::from_le_bytes(env.bytes("volume serial number")),
            volume_set: u64::from_le_bytes(env.bytes("volume set identifier")),
        }
    }
}

impl Tree {
    /// Names and lengths, all a planner needs to know.
    pub fn sizes(&self) -> Vec<FileSize> {
        let size = |file: &TreeFile| {
            let (path, len) = (file.path.clone(), file.content.len());
            FileSize { room: room(&path, len), path, len }
        };
        self.files.iter().map(size).collect()
    }

    /// The file at `path`, ignoring case as Windows does.
    pub fn file(&self, path: &str) -> Option<&TreeFile> {
        self.files.iter().find(|file| file.path.eq_ignore_ascii_case(path))
    }
}
