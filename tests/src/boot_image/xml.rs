//! The XML at the end of a WIM file: UTF-16LE with a byte order mark, as DISM writes it for Windows PE.

use super::Architecture;
use super::metadata::Counts;
use super::wim_file::Totals;

/// What is said of one image.
pub(super) struct Facts {
    pub(super) index: u32,
    pub(super) architecture: Architecture,
    pub(super) name: String,
}

impl Facts {
    pub(super) fn element(&self, counts: Counts, totals: Totals, created: u64, modified: u64) -> String {
        let arch = match self.architecture {
            Architecture::X86 => 0,
            Architecture::X64 => 9,
            Architecture::Arm64 => 12,
        };
        format!(
            "<IMAGE INDEX=\"{index}\"><DIRCOUNT>{directories}</DIRCOUNT><FILECOUNT>{files}</FILECOUNT>\
             <TOTALBYTES>{bytes}</TOTALBYTES><HARDLINKBYTES>{links}</HARDLINKBYTES>\
             <CREATIONTIME>{created}</CREATIONTIME><LASTMODIFICATIONTIME>{modified}</LASTMODIFICATIONTIME>\
             <WINDOWS><ARCH>{arch}</ARCH><PRODUCTNAME>Microsoft® Windows® Operating System</PRODUCTNAME>\
             <EDITIONID>WindowsPE</EDITIONID><INSTALLATIONTYPE>WindowsPE</INSTALLATIONTYPE>\
             <PRODUCTTYPE>WinNT</PRODUCTTYPE><PRODUCTSUITE></PRODUCTSUITE>\
             <LANGUAGES><LANGUAGE>en-US</LANGUAGE><DEFAULT>en-US</DEFAULT></LANGUAGES>\
             <VERSION><MAJOR>10</MAJOR><MINOR>0</MINOR><BUILD>26100</BUILD><SPBUILD>1742</SPBUILD>\
             <SPLEVEL>0</SPLEVEL></VERSION><SYSTEMROOT>WINDOWS</SYSTEMROOT></WINDOWS>\
             <NAME>{name}</NAME><DESCRIPTION>{name}</DESCRIPTION></IMAGE>",
            index = self.index,
            directories = counts.directories,
            files = counts.files,
            bytes = totals.bytes,
            links = totals.hard_link_bytes,
            created = time(created),
            modified = time(modified),
            name = self.name,
        )
    }
}

/// The document around the images; `total` is the end of the blob table.
pub(super) fn document(images: Vec<String>, total: u64) -> String {
    format!("<WIM><TOTALBYTES>{total}</TOTALBYTES>{}</WIM>", images.concat())
}

/// As it is stored.
pub(super) fn encoded(document: &str) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(document.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn time(filetime: u64) -> String {
    format!(
        "<HIGHPART>0x{:08X}</HIGHPART><LOWPART>0x{:08X}</LOWPART>",
        filetime >> 32,
        filetime & 0xFFFF_FFFF
    )
}
