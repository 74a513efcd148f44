//! Trees, images and the tools that judge them.
#![allow(clippy::unwrap_used, clippy::panic)]

mod damage;
mod planned;
mod referees;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Disc, DiscFile, Options, plan};
use crate::io::{FileSource, Source};
use crate::layout::{FileSize, Layout};
use crate::time::Timestamp;

const BIOS: &str = "boot/etfsboot.com";
const UEFI: &str = "EFI/Microsoft/Boot/efisys_noprompt.bin";

fn options() -> Options<'static> {
    Options {
        label: "Contoso Media_1",
        time: Timestamp::parse("2026-03-04T05:06:07Z").expect("RFC 3339"),
        volume_id: 0x0123_4567_89AB_CDEF,
        bios_boot: None,
        uefi_boot: None,
    }
}

fn bootable() -> Options<'static> {
    Options { bios_boot: Some(BIOS), uefi_boot: Some(UEFI), ..options() }
}

fn sizes(files: &[(&str, u64)]) -> Vec<FileSize> {
    files.iter().map(|(path, len)| FileSize::new(*path, *len)).collect()
}

/// A tree like a medium's: boot files, names in every script, every awkward length.
fn media_tree() -> Vec<FileSize> {
    let mut files = sizes(&[
        ("bootmgr", 413_738),
        ("bootmgr.efi", 150_000),
        (BIOS, 4096),
        ("boot/BCD", 16_384),
        ("boot/boot.sdi", 317_030),
        ("EFI/Boot/bootx64.efi", 150_000),
        (UEFI, 1_474_560),
        ("EFI/Microsoft/Boot/Fonts/wgl4_boot.ttf", 47_452),
        ("SMS/data/TsmBootstrap.ini", 301),
        ("SMS/data/variables.dat", 7_777),
        ("sources/boot.wim", 3_456_789),
        ("empty.txt", 0),
        ("one.txt", 1),
        ("Grüße/Straße.txt", 2047),
        ("Grüße/日本語のファイル.txt", 2048),
        ("Grüße/readme.tar.gz", 2049),
        ("Grüße/a name of more than thirty-one characters with spaces.document", 4095),
        ("Grüße/key 🔑.txt", 4097),
    ]);
    files.extend((0..90).map(|index| FileSize::new(format!("many/file number {index}.bin"), index * 100)));
    files
}

/// Bytes that tell files and positions apart.
fn made_content(seed: u64, offset: u64, buffer: &mut [u8]) {
    for (at, byte) in buffer.iter_mut().enumerate() {
        let mixed = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ (offset + at as u64).wrapping_mul(0xD134_2543_DE82_EF95);
        *byte = (mixed >> 40) as u8;
    }
}

/// The file's content for its place in the list.
fn content(index: usize, len: u64) -> Vec<u8> {
    let mut bytes = vec![0; len as usize];
    made_content(index as u64, 0, &mut bytes);
    bytes
}

/// Writes a planned image with made content; files over 1 GiB stay holes.
fn write_image(layout: &Layout, path: &Path) {
    let file = File::create(path).unwrap();
    file.set_len(layout.len).unwrap();
    for structure in &layout.structures {
        file.write_all_at(&structure.bytes, structure.offset).unwrap();
    }
    for (index, placement) in layout.files.iter().enumerate() {
        for extent in placement.extents.iter().filter(|extent| extent.len < 1 << 30) {
            file.write_all_at(&content(index, extent.len), extent.offset).unwrap();
        }
    }
}

/// The same in memory.
fn image_bytes(layout: &Layout) -> Vec<u8> {
    let mut bytes = vec![0; layout.len as usize];
    for structure in &layout.structures {
        bytes[structure.offset as usize..][..structure.bytes.len()].copy_from_slice(&structure.bytes);
    }
    for (index, placement) in layout.files.iter().enumerate() {
        for extent in &placement.extents {
            made_content(index as u64, 0, &mut bytes[extent.offset as usize..][..extent.len as usize]);
        }
    }
    bytes
}

fn open(path: &Path) -> Disc {
    Disc::open(Arc::new(FileSource::open(path).unwrap())).unwrap()
}

/// Path, length and SHA-256 of every file, in order of path.
type Listing = Vec<(String, usize, String)>;

fn list(files: impl Iterator<Item = (String, Vec<u8>)>) -> Listing {
    let digest = |bytes: &[u8]| crate::bytes::to_hex_lower(&Sha256::digest(bytes));
    let mut out: Listing = files.map(|(path, bytes)| (path, bytes.len(), digest(&bytes))).collect();
    out.sort();
    out
}

fn listing(files: &[DiscFile]) -> Listing {
    list(files.iter().map(|file| (file.path.clone(), file.content.to_vec(1 << 30).unwrap())))
}

/// What was put on the disc, as [`listing`] shows it.
fn expected(files: &[FileSize]) -> Listing {
    list(files.iter().enumerate().map(|(index, file)| (file.path.clone(), content(index, file.len))))
}

/// Lengths and digests alone, for trees that change names.
fn contents(listing: Listing) -> Vec<(usize, String)> {
    let mut out: Vec<_> = listing.into_iter().map(|(_, len, digest)| (len, digest)).collect();
    out.sort();
    out
}

/// A source of zeros with a few made bytes, for images too long to write.
struct Sparse {
    layout: Layout,
}

impl Source for Sparse {
    fn len(&self) -> u64 {
        self.layout.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(self.layout.len.saturating_sub(offset) as usize);
        buffer[..count].fill(0);
        for structure in &self.layout.structures {
            let (start, end) = (
                structure.offset.max(offset),
                (structure.offset + structure.bytes.len() as u64).min(offset + count as u64),
            );
            if start < end {
                buffer[(start - offset) as usize..(end - offset) as usize].copy_from_slice(
                    &structure.bytes[(start - structure.offset) as usize..(end - structure.offset) as usize],
                );
            }
        }
        Ok(count)
    }
}
