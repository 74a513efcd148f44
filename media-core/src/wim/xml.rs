//! The XML that describes the images, in UTF-16LE with a byte order mark.
//!
//! Source: "Windows Imaging File Format (WIM)", section "XML data"; element names as DISM and wimlib write them.

use roxmltree::{Document, Node, ParsingOptions};

use super::WimError;
use super::header::Header;
use super::resource::read_resource;
use crate::bytes::{to_utf16le, utf16le};
use crate::io::Source;

/// Longest XML read, in bytes. Real ones have a few KiB and about a hundred nodes per image.
const XML_LIMIT: u64 = 1 << 20;
const NODES_LIMIT: u32 = 1 << 15;

/// What the XML says about one image. Whatever it does not say is `None` or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageInfo {
    /// Counted from 1.
    pub index: u32,
    /// `NAME`.
    pub name: Option<String>,
    /// `DESCRIPTION`.
    pub description: Option<String>,
    /// `WINDOWS/ARCH`: a `PROCESSOR_ARCHITECTURE_*` number (0 x86, 5 ARM, 9 x64, 12 ARM64).
    pub architecture: Option<u32>,
    /// `WINDOWS/VERSION`.
    pub version: Option<Version>,
    /// `WINDOWS/LANGUAGES/LANGUAGE`, for example `en-US`.
    pub languages: Vec<String>,
    /// `WINDOWS/LANGUAGES/DEFAULT`.
    pub default_language: Option<String>,
    /// `WINDOWS/EDITIONID`, for example `WindowsPE`.
    pub edition: Option<String>,
    /// `WINDOWS/INSTALLATIONTYPE`, for example `WindowsPE`.
    pub installation_type: Option<String>,
    /// `WINDOWS/PRODUCTNAME`.
    pub product_name: Option<String>,
    /// `WINDOWS/SYSTEMROOT`, for example `WINDOWS`.
    pub system_root: Option<String>,
    /// `DIRCOUNT`.
    pub directory_count: Option<u64>,
    /// `FILECOUNT`.
    pub file_count: Option<u64>,
    /// `TOTALBYTES`: the length of all files' streams, hard links counted each time.
    pub total_bytes: Option<u64>,
    /// `HARDLINKBYTES`: how much of that is hard links beyond the first of each file.
    pub hard_link_bytes: Option<u64>,
    /// `CREATIONTIME` as a FILETIME.
    pub creation_time: Option<u64>,
    /// `LASTMODIFICATIONTIME` as a FILETIME.
    pub last_modification_time: Option<u64>,
}

/// A Windows version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// `MAJOR`.
    pub major: u32,
    /// `MINOR`.
    pub minor: u32,
    /// `BUILD`.
    pub build: u32,
    /// `SPBUILD`: the last number of `10.0.22621.1702`.
    pub service_pack_build: u32,
    /// `SPLEVEL`.
    pub service_pack_level: u32,
}

impl std::fmt::Display for Version {
    /// As Windows writes it: `10.0.26100.1`.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}.{}.{}.{}", self.major, self.minor, self.build, self.service_pack_build)
    }
}

/// The XML's bytes as they are in the file.
pub fn read(source: &dyn Source, header: &Header) -> Result<Vec<u8>, WimError> {
    read_resource(source, header, "XML", header.xml, XML_LIMIT)
}

/// What the XML says about each image, by index; of several with one index the first.
pub fn images(bytes: &[u8], header: &Header) -> Result<Vec<ImageInfo>, WimError> {
    let text = utf16le(bytes);
    let document = parse(&text, header)?;
    let mut images: Vec<ImageInfo> = image_nodes(&document).map(|(index, node)| image(index, node)).collect();
    images.sort_by_key(|image| image.index);
    // One image described many times would be looked into many times.
    images.dedup_by_key(|image| image.index);
    Ok(images)
}

/// By how much the lengths of an image's files change, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Growth {
    /// Of all files, hard links counted each time.
    pub total: i128,
    /// Of hard links beyond the first of each file.
    pub hard_links: i128,
}

/// The same XML with `TOTALBYTES` and `HARDLINKBYTES` of images changed, and the WIM's own `TOTALBYTES` too; nothing else.
/// Missing ones stay missing.
pub fn adjust_lengths(
    bytes: &[u8],
    header: &Header,
    growths: &[(u32, Growth)],
    wim_growth: i128,
) -> Result<Vec<u8>, WimError> {
    let text = String::from_utf16(&units(bytes))
        .map_err(|_| WimError::Xml { offset: header.xml.offset, reason: "not valid UTF-16".into() })?;
    let document = parse(&text, header)?;
    let mut changes = Vec::new();
    for (index, node) in image_nodes(&document) {
        for (_, growth) in growths.iter().filter(|(image, _)| *image == index) {
            changes.extend(changed_length(node, "TOTALBYTES", growth.total));
            changes.extend(changed_length(node, "HARDLINKBYTES", growth.hard_links));
        }
    }
    changes.extend(changed_length(document.root_element(), "TOTALBYTES", wim_growth));
    changes.sort_by_key(|(range, _)| range.start);
    // Ranges are in the text the document was parsed from, which starts behind the byte order mark.
    let (mark, body) = text.split_at(text.len() - trimmed(&text).len() - trailing(&text).len());
    let (mut out, mut position) = (mark.to_owned(), 0);
    for (range, number) in changes {
        out.push_str(&body[position..range.start]);
        out.push_str(&number);
        position = range.end;
    }
    out.push_str(&body[position..]);
    Ok(to_utf16le(&out))
}

fn changed_length(parent: Node<'_, '_>, name: &str, delta: i128) -> Option<(std::ops::Range<usize>, String)> {
    let text = child(parent, name)?.first_child().filter(Node::is_text)?;
    let new = i128::from(number(text.text()?)?) + delta;
    (delta != 0).then(|| (text.range(), new.clamp(0, i128::from(u64::MAX)).to_string()))
}

fn units(bytes: &[u8]) -> Vec<u16> {
    bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect()
}

/// Without byte order mark and without the zeros some writers end it with.
fn trimmed(text: &str) -> &str {
    text.strip_prefix('\u{FEFF}').unwrap_or(text).trim_end_matches('\0')
}

fn trailing(text: &str) -> &str {
    &text[text.trim_end_matches('\0').len()..]
}

fn parse<'t>(text: &'t str, header: &Header) -> Result<Document<'t>, WimError> {
    let options = ParsingOptions { nodes_limit: NODES_LIMIT, ..ParsingOptions::default() };
    Document::parse_with_options(trimmed(text), options)
        .map_err(|error| WimError::Xml { offset: header.xml.offset, reason: error.to_string() })
}

/// Each `IMAGE` with its `INDEX`, or its place where it gives none.
fn image_nodes<'a, 't: 'a>(document: &'a Document<'t>) -> impl Iterator<Item = (u32, Node<'a, 't>)> {
    let images = document.root_element().children().filter(|node| node.has_tag_name("IMAGE"));
    (1..).zip(images).map(|(place, node)| {
        (node.attribute("INDEX").and_then(|index| index.trim().parse().ok()).unwrap_or(place), node)
    })
}

fn image(index: u32, node: Node<'_, '_>) -> ImageInfo {
    let windows = child(node, "WINDOWS");
    let languages = windows.and_then(|windows| child(windows, "LANGUAGES"));
    let in_windows = |name| windows.and_then(|windows| text_of(windows, name));
    let version = windows.and_then(|windows| child(windows, "VERSION"));
    ImageInfo {
        index,
        name: text_of(node, "NAME"),
        description: text_of(node, "DESCRIPTION"),
        architecture: windows.and_then(|windows| number_of(windows, "ARCH")).and_then(narrow),
        version: version.and_then(version_of),
        languages: languages
            .into_iter()
            .flat_map(|languages| languages.children())
            .filter(|node| node.has_tag_name("LANGUAGE"))
            .filter_map(|node| node.text())
            .map(str::to_owned)
            .collect(),
        default_language: languages.and_then(|languages| text_of(languages, "DEFAULT")),
        edition: in_windows("EDITIONID"),
        installation_type: in_windows("INSTALLATIONTYPE"),
        product_name: in_windows("PRODUCTNAME"),
        system_root: in_windows("SYSTEMROOT"),
        directory_count: number_of(node, "DIRCOUNT"),
        file_count: number_of(node, "FILECOUNT"),
        total_bytes: number_of(node, "TOTALBYTES"),
        hard_link_bytes: number_of(node, "HARDLINKBYTES"),
        creation_time: child(node, "CREATIONTIME").and_then(filetime),
        last_modification_time: child(node, "LASTMODIFICATIONTIME").and_then(filetime),
    }
}

fn version_of(node: Node<'_, '_>) -> Option<Version> {
    let part = |name| number_of(node, name).and_then(narrow);
    Some(Version {
        major: part("MAJOR")?,
        minor: part("MINOR")?,
        build: part("BUILD").unwrap_or_default(),
        service_pack_build: part("SPBUILD").unwrap_or_default(),
        service_pack_level: part("SPLEVEL").unwrap_or_default(),
    })
}

fn filetime(node: Node<'_, '_>) -> Option<u64> {
    let part = |name| number_of(node, name).and_then(narrow);
    Some(u64::from(part("HIGHPART")?) << 32 | u64::from(part("LOWPART")?))
}

fn child<'a, 't>(node: Node<'a, 't>, name: &str) -> Option<Node<'a, 't>> {
    node.children().find(|child| child.has_tag_name(name))
}

fn text_of(node: Node<'_, '_>, name: &str) -> Option<String> {
    child(node, name)?.text().map(str::to_owned)
}

fn number_of(node: Node<'_, '_>, name: &str) -> Option<u64> {
    number(child(node, name)?.text()?)
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn narrow(number: u64) -> Option<u32> {
    u32::try_from(number).ok()
}
