//! Small programs in the PE format (Microsoft PE/COFF specification) for the machine of a boot image.

use super::Architecture;

/// What a program is for: the subsystem field of its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subsystem {
    /// A driver or a kernel-mode library.
    Native,
    /// A program or library of Windows.
    Windows,
    /// An EFI application, a boot manager for example.
    EfiApplication,
    /// `winload.efi`: a boot application of Windows.
    BootApplication,
}

const FILE_ALIGNMENT: usize = 512;
const SECTION_ALIGNMENT: u32 = 4096;
const HEADERS: usize = 512;

/// A program that returns 0 at once; `payload` (a name, say) tells one from another.
pub fn program(architecture: Architecture, subsystem: Subsystem, payload: &[u8]) -> Vec<u8> {
    let code: &[u8] = match architecture {
        Architecture::X64 | Architecture::X86 => &[0x31, 0xC0, 0xC3], // xor eax, eax; ret
        Architecture::Arm64 => &[0x00, 0x00, 0x80, 0xD2, 0xC0, 0x03, 0x5F, 0xD6], // mov x0, #0; ret
    };
    let sections = [(*b".text\0\0\0", 0x6000_0020, code), (*b".rdata\0\0", 0x4000_0040, payload)];

    let mut out = dos_header();
    out.extend(b"PE\0\0");
    put_u16(&mut out, &[machine(architecture), sections.len() as u16]);
    put_u32(&mut out, &[0, 0, 0]); // no time stamp, no symbols
    put_u16(&mut out, &[optional_header_len(architecture), characteristics(architecture)]);
    put_optional_header(&mut out, architecture, subsystem, &sections.map(|(_, _, bytes)| bytes.len()));
    let (mut address, mut offset) = (SECTION_ALIGNMENT, HEADERS);
    for (name, flags, bytes) in sections {
        let stored = bytes.len().next_multiple_of(FILE_ALIGNMENT);
        out.extend(name);
        put_u32(&mut out, &[bytes.len() as u32, address, stored as u32, offset as u32, 0, 0, 0, flags]);
        address += (bytes.len() as u32).next_multiple_of(SECTION_ALIGNMENT).max(SECTION_ALIGNMENT);
        offset += stored;
    }
    assert!(out.len() <= HEADERS, "the headers fit their place");
    out.resize(HEADERS, 0);
    for (_, _, bytes) in sections {
        out.extend(bytes);
        out.resize(out.len().next_multiple_of(FILE_ALIGNMENT), 0);
    }
    out
}

fn dos_header() -> Vec<u8> {
    let mut out = b"MZ".to_vec();
    out.resize(0x3C, 0);
    put_u32(&mut out, &[0x40]);
    out
}

fn machine(architecture: Architecture) -> u16 {
    match architecture {
        Architecture::X86 => 0x014C,
        Architecture::X64 => 0x8664,
        Architecture::Arm64 => 0xAA64,
    }
}

fn is_32_bit(architecture: Architecture) -> bool {
    architecture == Architecture::X86
}

fn optional_header_len(architecture: Architecture) -> u16 {
    if is_32_bit(architecture) { 96 + 16 * 8 } else { 112 + 16 * 8 }
}

fn characteristics(architecture: Architecture) -> u16 {
    // Executable, and either a 32-bit machine or aware of large addresses.
    if is_32_bit(architecture) { 0x0102 } else { 0x0022 }
}

fn put_optional_header(
    out: &mut Vec<u8>,
    architecture: Architecture,
    subsystem: Subsystem,
    sections: &[usize; 2],
) {
    let [code, data] = sections.map(|len| len.next_multiple_of(FILE_ALIGNMENT) as u32);
    let image = sections.iter().fold(SECTION_ALIGNMENT, |end, len| {
        end + (*len as u32).next_multiple_of(SECTION_ALIGNMENT).max(SECTION_ALIGNMENT)
    });
    put_u16(out, &[if is_32_bit(architecture) { 0x10B } else { 0x20B }, 0x000E]);
    put_u32(out, &[code, data, 0, SECTION_ALIGNMENT, SECTION_ALIGNMENT]);
    if is_32_bit(architecture) {
        put_u32(out, &[2 * SECTION_ALIGNMENT, 0x1000_0000]);
    } else {
        out.extend(0x1_8000_0000u64.to_le_bytes());
    }
    put_u32(out, &[SECTION_ALIGNMENT, FILE_ALIGNMENT as u32]);
    put_u16(out, &[10, 0, 10, 0, 10, 0]); // system, image and subsystem versions
    put_u32(out, &[0, image, HEADERS as u32, 0]);
    let subsystem = match subsystem {
        Subsystem::Native => 1,
        Subsystem::Windows => 2,
        Subsystem::EfiApplication => 10,
        Subsystem::BootApplication => 16,
    };
    put_u16(out, &[subsystem, 0x0160]); // high entropy, movable, no execution of data
    for reserve in [0x10_0000u64, 0x1000, 0x10_0000, 0x1000] {
        if is_32_bit(architecture) {
            put_u32(out, &[reserve as u32]);
        } else {
            out.extend(reserve.to_le_bytes());
        }
    }
    put_u32(out, &[0, 16]);
    out.extend([0; 16 * 8]);
}

fn put_u16(out: &mut Vec<u8>, values: &[u16]) {
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn put_u32(out: &mut Vec<u8>, values: &[u32]) {
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}
