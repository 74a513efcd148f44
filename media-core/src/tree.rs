//! Which files: the staged medium, before anything has an address.

use crate::content::Content;
use crate::env::Env;
use crate::io::Source as _;
use crate::layout::FileSize;
use crate::media::names::MediaLabel;
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

/// The identifiers a fresh volume needs. All of them follow from the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolumeIds {
    /// GUID of a GPT disk.
    pub disk: [u8; 16],
    /// GUID of the GPT partition.
    pub partition: [u8; 16],
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
            disk: random_guid(env, "disk GUID"),
            partition: random_guid(env, "partition GUID"),
            mbr_signature: u32::from_le_bytes(env.bytes("MBR signature")),
            volume: u32::from_le_bytes(env.bytes("volume serial number")),
            volume_set: u64::from_le_bytes(env.bytes("volume set identifier")),
        }
    }
}

/// A version 4 GUID (RFC 9562) as 16 bytes in its textual order.
fn random_guid(env: &Env, purpose: &str) -> [u8; 16] {
    let mut bytes = env.bytes::<16>(purpose);
    bytes[6] = (bytes[6] & 0x0F) | 0x40;
    bytes[8] = (bytes[8] & 0x3F) | 0x80;
    bytes
}

impl Tree {
    /// Names and lengths, all a planner needs to know.
    pub fn sizes(&self) -> Vec<FileSize> {
        self.files.iter().map(|file| FileSize { path: file.path.clone(), len: file.content.len() }).collect()
    }

    /// The file at `path`, ignoring case as Windows does.
    pub fn file(&self, path: &str) -> Option<&TreeFile> {
        self.files.iter().find(|file| file.path.eq_ignore_ascii_case(path))
    }
}
