//! Reads partition tables and says what is wrong with them. Shares no code with the writers.

use super::{DiskError, Guid, SECTOR_SIZE, Scheme};
use crate::bytes::{Reader, Truncated, utf16le};
use crate::finding::Finding;
use crate::io::Source;

const SECTOR: usize = SECTOR_SIZE as usize;
/// The entries anybody writes take 16 KiB; more than this is not read.
const MOST_ENTRY_BYTES: u64 = 1 << 20;

/// A disk's partition table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiskTable {
    /// The kind of table; `None` when there is none, and the whole disk is one volume or nothing.
    pub scheme: Option<Scheme>,
    /// The disk's identifier.
    pub disk_id: Option<DiskId>,
    /// The partitions in the order of the table.
    pub partitions: Vec<PartitionFacts>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// What identifies a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskId {
    /// In a GPT.
    Guid(Guid),
    /// In an MBR.
    Signature(u32),
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionFacts {
    /// Its first sector.
    pub start_sector: u64,
    /// Its length in sectors.
    pub sectors: u64,
    /// What it is for.
    pub kind: PartitionType,
    /// Its identifier in a GPT.
    pub guid: Option<Guid>,
    /// Its name in a GPT; empty in an MBR.
    pub name: String,
    /// Whether an MBR marks it for a BIOS to start from.
    pub active: bool,
}

/// A partition's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionType {
    /// In a GPT.
    Guid(Guid),
    /// In an MBR.
    Byte(u8),
}

impl PartitionType {
    /// Microsoft basic data, which Windows gives a drive letter.
    pub const BASIC_DATA: Self =
        Self::Guid(Guid(*b"\xA2\xA0\xD0\xEB\xE5\xB9\x33\x44\x87\xC0\x68\xB6\xB7\x26\x99\xC7"));
    /// EFI system partition, which Windows gives none.
    pub const EFI_SYSTEM: Self =
        Self::Guid(Guid(*b"\x28\x73\x2A\xC1\x1F\xF8\xD2\x11\xBA\x4B\x00\xA0\xC9\x3E\xC9\x3B"));

    /// What the type is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::BASIC_DATA => "Microsoft basic data",
            Self::EFI_SYSTEM | Self::Byte(0xEF) => "EFI system partition",
            Self::Byte(0x0C) => "FAT32 (LBA)",
            Self::Byte(0x0B) => "FAT32",
            Self::Byte(0x06 | 0x0E) => "FAT16",
            Self::Byte(0x07) => "NTFS or exFAT",
            Self::Byte(0x05 | 0x0F) => "extended",
            Self::Byte(0xEE) => "GPT protective",
            Self::Guid(_) | Self::Byte(_) => "other",
        }
    }
}

/// Reads the partition table of a disk or an image of one.
///
/// A GPT whose one half is damaged is read from the other; both are checked.
///
/// # Errors
/// [`DiskError::Truncated`] when there is not even one sector, [`DiskError::Io`].
pub fn read(source: &dyn Source) -> Result<DiskTable, DiskError> {
    if source.len() < SECTOR_SIZE {
        let what = "master boot record";
        return Err(Truncated { what, offset: 0, wanted: SECTOR_SIZE, left: source.len() }.into());
    }
    let mut mbr = [0; SECTOR];
    read_at(source, "master boot record", 0, &mut mbr)?;
    let entries = mbr_entries(&mbr)?;
    let signed = mbr[510..] == [0x55, 0xAA];
    let protective = signed && entries.iter().any(|entry| entry.kind == 0xEE);
    let header = read_header(source, 1)?;
    let mut table = DiskTable { scheme: None, disk_id: None, partitions: Vec::new(), findings: Vec::new() };
    if protective || header.as_ref().is_some_and(|header| header.valid) {
        table.scheme = Some(Scheme::Gpt);
        let backup = header.as_ref().filter(|header| header.valid).map(|header| header.other);
        check_protective(&entries, signed, source.len() / SECTOR_SIZE, backup, &mut table.findings);
        read_gpt(source, header, &mut table)?;
    } else if signed && !is_volume(&mbr) && is_table(&entries) {
        table.scheme = Some(Scheme::Mbr);
        let signature = Reader::new("disk signature", &mbr[440..444]).u32()?;
        table.disk_id = Some(DiskId::Signature(signature));
        read_mbr(&entries, source.len() / SECTOR_SIZE, &mut table);
    }
    Ok(table)
}

/// An entry of an MBR.
#[derive(Clone, Copy)]
struct MbrEntry {
    status: u8,
    kind: u8,
    start: u64,
    sectors: u64,
}

fn mbr_entries(mbr: &[u8; SECTOR]) -> Result<Vec<MbrEntry>, Truncated> {
    let mut reader = Reader::at("MBR partition entry", &mbr[446..510], 446);
    let mut entry = || {
        let status = reader.u8()?;
        reader.take(3)?;
        let kind = reader.u8()?;
        reader.take(3)?;
        Ok(MbrEntry { status, kind, start: reader.u32()?.into(), sectors: reader.u32()?.into() })
    };
    (0..4).map(|_| entry()).collect()
}

/// Whether the sector is a FAT, NTFS or exFAT boot sector: these end with the signature of an MBR.
fn is_volume(sector: &[u8; SECTOR]) -> bool {
    let jump = matches!(sector[0], 0xEB | 0xE9);
    let named = sector[3..7] == *b"NTFS" || sector[3..8] == *b"EXFAT" || sector[82..87] == *b"FAT32";
    jump && (named || sector[54..57] == *b"FAT")
}

fn is_table(entries: &[MbrEntry]) -> bool {
    entries.iter().all(|entry| entry.status & 0x7F == 0) && entries.iter().any(|entry| entry.kind != 0)
}

fn read_mbr(entries: &[MbrEntry], disk: u64, table: &mut DiskTable) {
    for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.kind != 0) {
        let MbrEntry { status, kind, start, sectors } = *entry;
        let place = format!("MBR partition {}", index + 1);
        if start == 0 || sectors == 0 || start + sectors > disk {
            let message = format!("sectors {start} to {} of a disk with {disk}", start + sectors);
            table.findings.push(Finding::error("disk.partition-range", place, message));
        }
        table.partitions.push(PartitionFacts {
            start_sector: start,
            sectors,
            kind: PartitionType::Byte(kind),
            guid: None,
            name: String::new(),
            active: status == 0x80,
        });
    }
    if table.partitions.iter().filter(|partition| partition.active).count() > 1 {
        let message = "more than one partition is active";
        table.findings.push(Finding::error("mbr.active", "MBR", message));
    }
    overlaps(table);
}

fn overlaps(table: &mut DiskTable) {
    let mut ranges: Vec<_> = table.partitions.iter().map(|part| (part.start_sector, part.sectors)).collect();
    ranges.sort_unstable();
    for pair in ranges.windows(2) {
        if pair[0].0.saturating_add(pair[0].1) > pair[1].0 {
            let message = format!("partitions from sectors {} and {} overlap", pair[0].0, pair[1].0);
            table.findings.push(Finding::error("disk.overlap", "partition table", message));
        }
    }
}

/// UEFI Specification, table 5-4 ("Protective MBR Partition Record").
///
/// `backup` is where a valid primary header says the backup is: an image written to a larger stick still covers the
/// disk it was made for, which ends there.
fn check_protective(
    entries: &[MbrEntry],
    signed: bool,
    disk: u64,
    backup: Option<u64>,
    findings: &mut Vec<Finding>,
) {
    let first = entries[0];
    let greatest = u64::from(u32::MAX);
    let covered = (disk - 1).min(greatest);
    // Some tools always write the greatest length.
    let right = signed
        && (first.status, first.kind, first.start) == (0, 0xEE, 1)
        && (first.sectors == covered
            || first.sectors == greatest
            || backup.is_some_and(|backup| first.sectors == backup.min(greatest)))
        && entries[1..].iter().all(|entry| entry.kind == 0);
    if !right {
        let MbrEntry { status, kind, start, sectors } = first;
        let message = format!(
            "found type {kind:#04X}, status {status:#04X}, sector {start}, {sectors} sectors; \
             expected the signature and one entry of type 0xEE from sector 1 with {covered} sectors"
        );
        findings.push(Finding::error("gpt.protective-mbr", "protective MBR", message));
    }
}

/// A GPT header (UEFI Specification, table 5-5).
struct Header {
    /// The signature is there, and the checksum is right.
    valid: bool,
    own: u64,
    other: u64,
    first_usable: u64,
    last_usable: u64,
    disk: Guid,
    entries: u64,
    count: u32,
    size: u32,
    entries_crc: u32,
}

/// The header in a sector; `None` when the source ends before it or has no header there.
fn read_header(source: &dyn Source, sector: u64) -> Result<Option<Header>, DiskError> {
    if source.len() / SECTOR_SIZE <= sector {
        return Ok(None);
    }
    let mut bytes = [0; SECTOR];
    read_at(source, "GPT header", sector * SECTOR_SIZE, &mut bytes)?;
    if bytes[..8] != *b"EFI PART" {
        return Ok(None);
    }
    let mut reader = Reader::at("GPT header", &bytes, sector * SECTOR_SIZE);
    reader.take(8)?;
    let (revision, len, crc) = (reader.u32()?, reader.u32()? as usize, reader.u32()?);
    reader.take(4)?;
    let mut header = Header {
        valid: false,
        own: reader.u64()?,
        other: reader.u64()?,
        first_usable: reader.u64()?,
        last_usable: reader.u64()?,
        disk: Guid(reader.array()?),
        entries: reader.u64()?,
        count: reader.u32()?,
        size: reader.u32()?,
        entries_crc: reader.u32()?,
    };
    let mut covered = bytes;
    covered[16..20].fill(0);
    header.valid = (92..=SECTOR).contains(&len) && revision == 0x0001_0000 && crc32(&covered[..len]) == crc;
    Ok(Some(header))
}

fn read_gpt(source: &dyn Source, primary: Option<Header>, table: &mut DiskTable) -> Result<(), DiskError> {
    let last = source.len() / SECTOR_SIZE - 1;
    let primary = usable(primary, 1, "GPT header", &mut table.findings);
    // The primary header says where the backup is: in the last sector of the disk, or in that of the image which was
    // written to a larger disk.
    let backup_sector = primary.as_ref().map_or(last, |header| header.other);
    let backup = read_header(source, backup_sector)?;
    let backup = usable(backup, backup_sector, "backup GPT header", &mut table.findings);
    if backup_sector != last {
        let (id, place) = ("gpt.backup-place", "backup GPT header");
        let message = format!("is in sector {backup_sector}, but the last sector is {last}");
        table.findings.push(match backup {
            Some(_) => Finding::note(id, place, message),
            None => Finding::error(id, place, message),
        });
    }
    let first_bytes = entries(source, primary.as_ref(), "GPT entries", &mut table.findings)?;
    let second_bytes = entries(source, backup.as_ref(), "backup GPT entries", &mut table.findings)?;
    if let (Some(one), Some(other)) = (&primary, &backup) {
        let facts = |header: &Header| {
            (
                header.first_usable,
                header.last_usable,
                header.disk,
                header.count,
                header.size,
                header.entries_crc,
            )
        };
        if facts(one) != facts(other) || (one.own, one.other) != (other.other, other.own) {
            let message = "the two headers describe different tables";
            table.findings.push(Finding::error("gpt.backup-differs", "backup GPT header", message));
        }
    }
    let (header, bytes) = match (primary, first_bytes, backup, second_bytes) {
        (Some(header), Some(bytes), _, _) | (_, _, Some(header), Some(bytes)) => (header, bytes),
        _ => return Ok(()),
    };
    table.disk_id = Some(DiskId::Guid(header.disk));
    for (index, entry) in bytes.chunks_exact(header.size as usize).enumerate() {
        let mut reader = Reader::new("GPT entry", entry);
        let kind = Guid(reader.array()?);
        if kind == Guid::default() {
            continue;
        }
        let guid = Guid(reader.array()?);
        let (start, end) = (reader.u64()?, reader.u64()?);
        reader.take(8)?;
        let name = utf16le(reader.take(72)?);
        if start < header.first_usable || end > header.last_usable || start > end {
            let place = format!("GPT partition {}", index + 1);
            let usable = format!("{} to {}", header.first_usable, header.last_usable);
            let message = format!("sectors {start} to {end} are not within the usable ones, {usable}");
            table.findings.push(Finding::error("disk.partition-range", place, message));
        }
        table.partitions.push(PartitionFacts {
            start_sector: start,
            sectors: end.saturating_sub(start).saturating_add(1),
            kind: PartitionType::Guid(kind),
            guid: Some(guid),
            name: name.split('\0').next().unwrap_or_default().to_owned(),
            active: false,
        });
    }
    overlaps(table);
    Ok(())
}

/// The header, when it is there, whole, and where it says it is.
fn usable(header: Option<Header>, sector: u64, place: &str, findings: &mut Vec<Finding>) -> Option<Header> {
    let message = match &header {
        None => "is not there".to_owned(),
        Some(header) if !header.valid => "its checksum or its revision is wrong".to_owned(),
        Some(header) if header.own != sector => {
            format!("says it is in sector {}, but is in {sector}", header.own)
        }
        Some(header) if header.first_usable > header.last_usable => "has no usable sectors".to_owned(),
        Some(header) if header.size < 128 || !header.size.is_power_of_two() => {
            format!("says an entry has {} bytes", header.size)
        }
        Some(_) => return header,
    };
    findings.push(Finding::error("gpt.header", place, message));
    None
}

/// The bytes of the entries, when they are what the header says.
fn entries(
    source: &dyn Source,
    header: Option<&Header>,
    place: &'static str,
    findings: &mut Vec<Finding>,
) -> Result<Option<Vec<u8>>, DiskError> {
    let Some(header) = header else { return Ok(None) };
    let len = u64::from(header.count) * u64::from(header.size);
    let end = header.entries.checked_mul(SECTOR_SIZE).and_then(|start| start.checked_add(len));
    let (Some(end), true) = (end.filter(|&end| end <= source.len()), len <= MOST_ENTRY_BYTES) else {
        let message =
            format!("{} entries of {} bytes from sector {}", header.count, header.size, header.entries);
        findings.push(Finding::error("gpt.entries-range", place, message));
        return Ok(None);
    };
    let mut bytes = vec![0; len as usize];
    read_at(source, place, end - len, &mut bytes)?;
    let found = crc32(&bytes);
    if found != header.entries_crc {
        let message = format!("checksum {found:#010X}, but the header says {:#010X}", header.entries_crc);
        findings.push(Finding::error("gpt.entries-checksum", place, message));
        return Ok(None);
    }
    let sectors = len.div_ceil(SECTOR_SIZE);
    let inside = header.entries <= header.last_usable && header.entries + sectors > header.first_usable;
    if inside || header.entries < 2 {
        let message = format!("from sector {}, which partitions may use", header.entries);
        findings.push(Finding::error("gpt.entries-range", place, message));
    }
    Ok(Some(bytes))
}

fn read_at(source: &dyn Source, what: &'static str, offset: u64, buffer: &mut [u8]) -> Result<(), DiskError> {
    source.read_exact_at(offset, buffer).map_err(|error| DiskError::Io { what, offset, error })
}

/// CRC-32 as in Ethernet and ZIP (UEFI Specification, section 5.3.1). Some kilobytes need no table.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
}
