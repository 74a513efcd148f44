//! The file version resource.

use object::LittleEndian;
use object::pe::RT_VERSION;
use object::read::pe::{ImageNtHeaders, PeFile, ResourceDirectoryEntryData, ResourceNameOrId};

use super::PeError;
use crate::bytes::Reader;

/// `VS_VERSIONINFO` (verrsrc.h documentation): three numbers and the text `VS_VERSION_INFO`, padded to four bytes.
const FIXED_INFO_OFFSET: usize = 40;
const FIXED_INFO_SIGNATURE: u32 = 0xFEEF_04BD;

/// The version of the first version resource; `None` when there is none.
pub(super) fn file_version<H: ImageNtHeaders>(image: &PeFile<'_, H>) -> Result<Option<[u16; 4]>, PeError> {
    let Some(resource) = version_resource(image) else { return Ok(None) };
    let mut reader = Reader::new("version resource", resource);
    reader.take(FIXED_INFO_OFFSET)?;
    if reader.u32()? != FIXED_INFO_SIGNATURE {
        return Ok(None);
    }
    reader.u32()?; // version of this structure
    let (minor, major, revision, build) = (reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?);
    Ok(Some([major, minor, build, revision]))
}

/// Resources are a tree of kind, name and language. A tree that leads nowhere is no version.
fn version_resource<'data, H: ImageNtHeaders>(image: &PeFile<'data, H>) -> Option<&'data [u8]> {
    let sections = image.section_table();
    let resources = image.data_directories().resource_directory(image.data(), &sections).ok()??;
    let kinds = resources.root().ok()?;
    let mut entry =
        kinds.entries.iter().find(|entry| matches!(entry.name_or_id(), ResourceNameOrId::Id(RT_VERSION)))?;
    for _name_then_language in 0..3 {
        match entry.data(resources).ok()? {
            ResourceDirectoryEntryData::Table(table) => entry = table.entries.first()?,
            ResourceDirectoryEntryData::Data(data) => {
                let bytes = sections.pe_data_at(image.data(), data.offset_to_data.get(LittleEndian))?;
                return bytes.get(..data.size.get(LittleEndian) as usize);
            }
        }
    }
    None
}
