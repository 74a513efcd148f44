//! The El Torito boot catalog ("El Torito" Bootable CD-ROM Format Specification 1.0; platform 0xEF: UEFI 2.10, 13.3.2.1).

use super::disc::Image;
use super::{Block, IsoError, SECTOR, le16, le32};

/// Which firmware an entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// 80x86 with a BIOS.
    Bios,
    /// UEFI of any processor.
    Uefi,
    /// Another platform number.
    Other(u8),
}

/// How firmware presents the boot image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emulation {
    /// As it is; the only one Windows uses.
    None,
    /// As a diskette or hard disk, by its media type number (1 to 4).
    Disk(u8),
    /// A media type byte the specification does not know, or one with flags.
    Other(u8),
}

/// One entry of the boot catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootEntry {
    /// Which firmware it is for.
    pub platform: Platform,
    /// Whether it is marked bootable.
    pub bootable: bool,
    /// How firmware presents the image.
    pub emulation: Emulation,
    /// The real-mode segment a BIOS loads to; 0 stands for 0x07C0.
    pub load_segment: u16,
    /// How much firmware loads, in units of 512 bytes.
    pub load_sectors: u16,
    /// Where the boot image starts, in bytes from the start of the disc image.
    pub offset: u64,
}

const ENTRY: usize = 32;
const SECTION: u8 = 0x90;
const LAST_SECTION: u8 = 0x91;
const EXTENSION: u8 = 0x44;

/// Reads the catalog's first sector: the default entry and up to 62 others.
pub(super) fn read(image: &Image, sector: u32) -> Result<Vec<BootEntry>, IsoError> {
    let what = "boot catalog";
    let offset = u64::from(sector) * SECTOR;
    let block = image.sector(what, u64::from(sector))?;
    let bad = |at: usize, expected: &str, found: String| IsoError::Bad {
        what,
        offset: offset + at as u64,
        expected: expected.into(),
        found,
    };
    let sum = block[..ENTRY]
        .as_chunks::<2>()
        .0
        .iter()
        .fold(0_u16, |sum, word| sum.wrapping_add(u16::from_le_bytes(*word)));
    if block[0] != 1 || block[30..32] != [0x55, 0xAA] || sum != 0 {
        let found =
            format!("header {:#04x}, key {:02x}{:02x}, sum {sum:#06x}", block[0], block[30], block[31]);
        return Err(bad(0, "a validation entry: header 0x01, key 55aa, sum 0", found));
    }
    let mut entries = vec![entry(&block, ENTRY, block[1])];
    let mut at = 2 * ENTRY;
    while at + ENTRY <= block.len() {
        let header = block[at];
        if header == 0 {
            break;
        }
        if header != SECTION && header != LAST_SECTION {
            return Err(bad(at, "a section header: 0x90 or 0x91", format!("{header:#04x}")));
        }
        let platform = block[at + 1];
        let count = le16(&block, at + 2);
        at += ENTRY;
        for _ in 0..count {
            if at + ENTRY > block.len() {
                return Err(bad(at, "a section within the catalog's sector", format!("{count} entries")));
            }
            entries.push(entry(&block, at, platform));
            at += ENTRY;
            while block.get(at) == Some(&EXTENSION) {
                at += ENTRY;
            }
        }
        if header == LAST_SECTION {
            break;
        }
    }
    Ok(entries)
}

fn entry(block: &Block, at: usize, platform: u8) -> BootEntry {
    let media = block[at + 1];
    BootEntry {
        platform: match platform {
            0 => Platform::Bios,
            0xEF => Platform::Uefi,
            other => Platform::Other(other),
        },
        bootable: block[at] == 0x88,
        emulation: match media {
            0 => Emulation::None,
            1..=4 => Emulation::Disk(media),
            other => Emulation::Other(other),
        },
        load_segment: le16(block, at + 2),
        load_sectors: le16(block, at + 6),
        offset: u64::from(le32(block, at + 8)) * SECTOR,
    }
}
