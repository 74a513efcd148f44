//! Whether firmware finds something on the medium that it can start.

use super::{VerifyError, VerifyReport, find, read};
use crate::content::Piece;
use crate::disk::{DiskTable, PartitionType, Scheme};
use crate::finding::{Finding, Severity};
use crate::io::Source;
use crate::iso::{BootEntry, Disc, Emulation, Platform};
use crate::media::boot_image::{
    Architecture, BIOS_BOOT_IMAGE, UEFI_BOOT_IMAGE, UEFI_BOOT_IMAGE_PROMPT, refuses_program,
};
use crate::medium::MediumFile;
use crate::pe::Machine;

/// What UEFI firmware starts from removable media (UEFI 2.10, 3.5.1.1), with the machine each name stands for.
pub(super) const BOOT_MANAGERS: [(&str, Machine); 3] = [
    ("EFI/Boot/bootx64.efi", Machine::X64),
    ("EFI/Boot/bootia32.efi", Machine::X86),
    ("EFI/Boot/bootaa64.efi", Machine::Arm64),
];
/// What the program inside a UEFI El Torito image goes on with.
const CD_BOOT_MANAGER: &str = "bootmgr.efi";
/// Sectors of 512 bytes a BIOS loads of [`BIOS_BOOT_IMAGE`].
const BIOS_LOAD: u16 = 8;
/// The segment every BIOS loads to.
const BIOS_SEGMENT: u16 = 0x07C0;
/// Real boot managers have about 2 MB, El Torito images 1.5.
const LARGEST_PROGRAM: u64 = 64 << 20;

/// Task sequence media have all three file systems, and something for firmware to start.
pub(super) fn check_disc(disc: &Disc, report: &mut VerifyReport) {
    for id in ["iso.no-joliet", "iso.no-udf"] {
        for finding in report.findings.iter_mut().filter(|finding| finding.id == id) {
            finding.severity = Severity::Error;
        }
    }
    if disc.boot_entries().is_ok_and(|entries| entries.is_empty()) {
        let message = "no El Torito entry: firmware starts nothing from this disc";
        report.findings.push(Finding::error("medium.not-bootable", "boot catalog", message));
    }
}

/// Windows PE has to give the partition a drive letter, or the task sequence does not find its files.
pub(super) fn check_partition(table: &DiskTable, partition: Option<usize>, report: &mut VerifyReport) {
    let Some((index, partition)) = partition.and_then(|index| Some((index, table.partitions.get(index)?)))
    else {
        return;
    };
    let place = format!("{} partition {}", table.scheme.unwrap_or(Scheme::Mbr), index + 1);
    let expected = match partition.kind {
        PartitionType::BASIC_DATA | PartitionType::Byte(0x0B | 0x0C) => None,
        PartitionType::Guid(_) => Some("Microsoft basic data"),
        PartitionType::Byte(_) => Some("0x0C or 0x0B, FAT32"),
    };
    if let Some(expected) = expected {
        let found = match partition.kind {
            PartitionType::Guid(guid) => guid.to_string(),
            PartitionType::Byte(byte) => format!("{byte:#04X}"),
        };
        let message = format!(
            "its type is {found} ({}), expected {expected}: Windows PE gives no other a drive letter",
            partition.kind.name()
        );
        report.findings.push(Finding::error("medium.partition-type", &place, message));
    }
    if table.scheme == Some(Scheme::Mbr) && !partition.active {
        let message = "it is not active, and some BIOS firmware starts nothing then";
        report.findings.push(Finding::note("medium.partition-not-active", &place, message));
    }
}

/// Each firmware needs an El Torito entry that starts Windows' own image for it.
pub(super) fn check_boot_entries(disc: &Disc, files: &[MediumFile], report: &mut VerifyReport) {
    // The disc's own check has said what is wrong with a catalog that cannot be read, or is not there.
    let Ok(entries) = disc.boot_entries() else { return };
    if entries.is_empty() {
        return;
    }
    let uefi: Vec<&MediumFile> =
        [UEFI_BOOT_IMAGE, UEFI_BOOT_IMAGE_PROMPT].iter().filter_map(|path| find(files, path)).collect();
    let problem = entry_problem(&entries, Platform::Uefi, &uefi, |entry, file| {
        let whole = file.content.len().div_ceil(512);
        (entry.load_sectors > 1 && u64::from(entry.load_sectors) != whole)
            .then(|| format!("loads {} sectors of 512 bytes, expected 0, 1 or {whole}", entry.load_sectors))
    });
    report
        .findings
        .extend(problem.map(|message| Finding::error("medium.uefi-entry", "boot catalog", message)));
    let Some(bios) = find(files, BIOS_BOOT_IMAGE).filter(|_| find(files, "bootmgr").is_some()) else {
        return;
    };
    // A BIOS looks at the first entry alone, the default one.
    let problem = entry_problem(&entries[..1], Platform::Bios, &[bios], |entry, _| {
        if !matches!(entry.load_segment, 0 | BIOS_SEGMENT) {
            return Some(format!("loads to segment {:#06x}, expected 0x07c0", entry.load_segment));
        }
        (entry.load_sectors != BIOS_LOAD)
            .then(|| format!("loads {} sectors of 512 bytes, expected {BIOS_LOAD}", entry.load_sectors))
    });
    report
        .findings
        .extend(problem.map(|message| Finding::error("medium.bios-entry", "boot catalog", message)));
}

/// What is wrong with the first entry for a platform; nothing when it starts one of `files`.
fn entry_problem(
    entries: &[BootEntry],
    platform: Platform,
    files: &[&MediumFile],
    more: impl Fn(&BootEntry, &MediumFile) -> Option<String>,
) -> Option<String> {
    let Some(entry) = entries.iter().find(|entry| entry.platform == platform) else {
        let first = if platform == Platform::Bios { "the first entry is not" } else { "no entry is" };
        return Some(format!("{first} for {platform:?} firmware"));
    };
    if !entry.bootable {
        return Some(format!("the entry for {platform:?} firmware is not marked bootable"));
    }
    if entry.emulation != Emulation::None {
        return Some(format!("the entry for {platform:?} firmware asks for {:?}", entry.emulation));
    }
    match files.iter().find(|file| start(file) == Some(entry.offset)) {
        Some(file) => more(entry, file)
            .map(|problem| format!("the entry for {platform:?} firmware starts {} and {problem}", file.path)),
        None => Some(format!(
            "the entry for {platform:?} firmware starts what is at byte {}, which is none of Windows' boot images \
             on the disc",
            entry.offset
        )),
    }
}

/// Where a file of a disc starts.
fn start(file: &MediumFile) -> Option<u64> {
    match file.content.pieces().first()? {
        Piece::Slice { offset, .. } => Some(*offset),
        Piece::Bytes(_) => None,
    }
}

/// Boot managers have to be programs that firmware can start, for the machine of the boot image.
pub(super) fn check_programs(
    files: &[MediumFile],
    architecture: Option<Architecture>,
    report: &mut VerifyReport,
) -> Result<(), VerifyError> {
    let of_image = architecture.map(Architecture::machine);
    let by_name = BOOT_MANAGERS.iter().map(|(path, machine)| (*path, Some(*machine)));
    for (path, machine) in by_name.chain([(CD_BOOT_MANAGER, of_image)]) {
        let Some(file) = find(files, path) else { continue };
        let Some(bytes) = read(file, LARGEST_PROGRAM, report)? else { continue };
        let Some(problem) = refuses_program(&bytes, machine) else { continue };
        report.findings.push(Finding::error("medium.boot-manager", path, problem));
    }
    if let Some(machine) = of_image
        && let Some((path, _)) = BOOT_MANAGERS.iter().find(|(_, of)| *of == machine)
        && find(files, path).is_none()
        && BOOT_MANAGERS.iter().any(|(path, _)| find(files, path).is_some())
    {
        let message = format!("the boot image is for {machine:?}, and its boot manager is not here");
        report.findings.push(Finding::error("medium.boot-manager", *path, message));
    }
    for path in [UEFI_BOOT_IMAGE, UEFI_BOOT_IMAGE_PROMPT] {
        let Some(file) = find(files, path) else { continue };
        let mut signature = [0; 2];
        let read = file.content.read_at(510, &mut signature);
        let read = read.map_err(|error| VerifyError::Read { path: file.path.clone(), error })?;
        if read < 2 || signature != [0x55, 0xAA] {
            let message = "it is no FAT volume: its first sector does not end with 55 AA";
            report.findings.push(Finding::error("medium.uefi-boot-image", path, message));
        }
    }
    Ok(())
}
