//! Vectors of every structure, built here byte by byte, and what happens when they are damaged.
#![allow(clippy::panic)]

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::bytes::to_utf16le;
use crate::event::{Event, Unobserved};

/// A directory entry; `children` is where its list is, `streams` are extra entries.
pub struct Dentry<'a> {
    pub name: &'a str,
    pub attributes: u32,
    pub children: u64,
    pub hash: [u8; 20],
    pub link: u64,
    pub streams: &'a [(&'a str, [u8; 20])],
}

impl Default for Dentry<'_> {
    fn default() -> Self {
        Self { name: "", attributes: 0x20, children: 0, hash: [0; 20], link: 0, streams: &[] }
    }
}

impl Dentry<'_> {
    pub fn to_bytes(&self) -> Vec<u8> {
        let name = to_utf16le(self.name);
        let mut out = vec![0; 8];
        out.extend(self.attributes.to_le_bytes());
        out.extend(0u32.to_le_bytes());
        out.extend(self.children.to_le_bytes());
        out.extend([0; 16]);
        for time in [0x01D0_0000_0000_0001_u64, 0x01D0_0000_0000_0002, 0x01D0_0000_0000_0003] {
            out.extend(time.to_le_bytes());
        }
        out.extend(self.hash);
        out.extend([0; 4]);
        out.extend(self.link.to_le_bytes());
        out.extend((self.streams.len() as u16).to_le_bytes());
        out.extend(0u16.to_le_bytes());
        out.extend((name.len() as u16).to_le_bytes());
        out.extend(&name);
        out.extend([0; 2]);
        out.resize(out.len().next_multiple_of(8), 0);
        let len = out.len() as u64;
        out[..8].copy_from_slice(&len.to_le_bytes());
        for (name, hash) in self.streams {
            let name = to_utf16le(name);
            let len = (38 + name.len() + 2_usize).next_multiple_of(8);
            let start = out.len();
            out.extend((len as u64).to_le_bytes());
            out.extend([0; 8]);
            out.extend(hash);
            out.extend((name.len() as u16).to_le_bytes());
            out.extend(&name);
            out.resize(start + len, 0);
        }
        out
    }
}

/// Where the children of the root start in [`metadata`].
const CHILDREN: u64 = 40 + 104 + 8;

/// Security data with one descriptor, a root, and these files in it.
pub fn metadata(files: &[Dentry<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(40u32.to_le_bytes());
    out.extend(1u32.to_le_bytes());
    out.extend(20u64.to_le_bytes());
    out.extend([0xAA; 20]);
    out.resize(40, 0);
    out.extend(Dentry { attributes: 0x10, children: CHILDREN, ..Dentry::default() }.to_bytes());
    out.extend([0; 8]);
    assert_eq!(out.len() as u64, CHILDREN);
    files.iter().for_each(|file| out.extend(file.to_bytes()));
    out.extend([0; 8]);
    out
}

pub struct Built<'a> {
    pub version: u32,
    pub flags: u32,
    pub total_parts: u16,
    pub metadata: Vec<u8>,
    /// Content and reference count.
    pub blobs: &'a [(&'a [u8], u32)],
    pub xml: &'a str,
}

impl Default for Built<'_> {
    fn default() -> Self {
        let xml =
            "<WIM><IMAGE INDEX=\"1\"><TOTALBYTES>100</TOTALBYTES></IMAGE><TOTALBYTES>700</TOTALBYTES></WIM>";
        Self { version: 0x10D00, flags: 0, total_parts: 1, metadata: metadata(&[]), blobs: &[], xml }
    }
}

impl Built<'_> {
    pub fn to_bytes(&self) -> Vec<u8> {
        let (mut out, mut table) = (vec![0; 208], Vec::new());
        let mut add = |out: &mut Vec<u8>, bytes: &[u8], flags: u64, count: u32| {
            let len = bytes.len() as u64;
            table.extend((len | flags << 56).to_le_bytes());
            table.extend((out.len() as u64).to_le_bytes());
            table.extend(len.to_le_bytes());
            table.extend(1u16.to_le_bytes());
            table.extend(count.to_le_bytes());
            table.extend(Hash::of(bytes).0);
            out.extend(bytes);
        };
        for (bytes, count) in self.blobs {
            add(&mut out, bytes, 0, *count);
        }
        let metadata_offset = out.len() as u64;
        add(&mut out, &self.metadata, 2, 1);
        let mut header = b"MSWIM\0\0\0".to_vec();
        for number in [208, self.version, self.flags, 0] {
            header.extend(number.to_le_bytes());
        }
        header.extend([7; 16]);
        header.extend(1u16.to_le_bytes());
        header.extend(self.total_parts.to_le_bytes());
        header.extend(1u32.to_le_bytes());
        let mut xml = vec![0xFF, 0xFE];
        xml.extend(to_utf16le(self.xml));
        for bytes in [&table, &xml] {
            let len = bytes.len() as u64;
            header.extend((len | 2 << 56).to_le_bytes());
            header.extend((out.len() as u64).to_le_bytes());
            header.extend(len.to_le_bytes());
            out.extend(bytes);
        }
        let len = self.metadata.len() as u64;
        header.extend((len | 2 << 56).to_le_bytes());
        header.extend(metadata_offset.to_le_bytes());
        header.extend(len.to_le_bytes());
        header.extend(1u32.to_le_bytes());
        header.resize(208, 0);
        out[..208].copy_from_slice(&header);
        out
    }

    pub fn open(&self) -> Wim {
        open(self.to_bytes()).expect("a good WIM")
    }
}

pub fn open(bytes: Vec<u8>) -> Result<Wim, WimError> {
    Wim::open(Arc::new(bytes))
}

pub fn all_bytes(content: &crate::content::Content) -> Vec<u8> {
    content.to_vec(1 << 30).expect("in memory")
}

fn ids(wim: &Wim) -> Vec<&'static str> {
    wim.verify(&mut Unobserved).expect("it can be checked").iter().map(|finding| finding.id).collect()
}

fn defect(metadata: Vec<u8>) -> MetadataDefect {
    let wim = Built { metadata, ..Built::default() }.open();
    match wim.image(1).expect_err("damaged metadata") {
        WimError::Metadata { image: 1, defect, .. } => defect,
        other => panic!("{other}"),
    }
}

#[test]
fn the_header_is_read_field_by_field() {
    let wim = Built { flags: 0x0004_0082, ..Built::default() }.open();
    let header = wim.header();
    assert_eq!((header.version, header.compression), (0x10D00, Compression::Lzx));
    assert_eq!((header.image_count, header.boot_index), (1, 1));
    assert_eq!((header.part_number, header.total_parts, header.guid), (1, 1, [7; 16]));
    assert!(!header.is_pipable && !header.is_read_only() && !header.is_write_in_progress());
    assert!(header.integrity.is_absent() && header.boot_metadata.is_metadata());
    assert_eq!(ids(&wim), [""; 0]);
}

#[test]
fn a_stale_copy_of_the_boot_metadata_is_seen_and_repaired() {
    let good = Built::default().to_bytes();
    let repaired = |bytes: &[u8]| {
        let wim = open(bytes.to_vec()).expect("a good WIM");
        let content = Edit::new(&wim).boot_index(1).finish().expect("it can be changed");
        (wim.has_stale_boot_metadata(), all_bytes(&content))
    };
    assert_eq!(repaired(&good), (false, good.clone()));
    // Stored length, flags, offset and length.
    for at in [0x60, 0x67, 0x68, 0x70] {
        let mut stale = good.clone();
        stale[at] ^= 4;
        assert_eq!(repaired(&stale), (true, good.clone()), "byte {at:#x}");
        assert_eq!(ids(&open(stale).expect("a good WIM")), ["wim.boot-metadata"]);
    }
    let mut none = good.clone();
    none[0x78] = 0;
    assert_eq!(repaired(&none), (true, good));
}

#[test]
fn lengths_are_believed_only_up_to_a_limit() {
    let good = Built::default().to_bytes();
    let wim = open(good.clone()).expect("a good WIM").with_metadata_limit(160);
    let (len, limit) = (metadata(&[]).len() as u64, 160);
    assert_eq!(len, 160);
    assert!(wim.image(1).is_ok());
    let wim = wim.with_metadata_limit(limit - 1);
    assert_eq!(wim.image(1).expect_err("refused").to_string(), "metadata: 160 bytes, above the limit of 159");
    // Stored and decoded length, as the header or the blob table says them.
    let table = 208 + len as usize;
    for (stored, limit) in [(table, 16_u64 << 20), (0x30, 8 << 20), (0x48, 1 << 20)] {
        let with = |len: u64| {
            let mut bytes = good.clone();
            let len = if stored == 0x30 { len / 50 * 50 } else { len };
            bytes[stored..stored + 7].copy_from_slice(&len.to_le_bytes()[..7]);
            bytes[stored + 16..stored + 24].copy_from_slice(&len.to_le_bytes());
            open(bytes).and_then(|wim| wim.image(1)).expect_err("refused")
        };
        assert!(matches!(with(limit), WimError::OutsideFile { .. }), "{limit}");
        assert!(
            matches!(with(limit + 50), WimError::TooLarge { limit: found, .. } if found == limit),
            "{limit}"
        );
    }
}

#[test]
fn headers_that_are_none_are_refused() {
    let good = Built::default().to_bytes();
    let broken = |offset: usize, bytes: &[u8]| {
        let mut wim = good.clone();
        wim[offset..offset + bytes.len()].copy_from_slice(bytes);
        open(wim).err().expect("refused").to_string()
    };
    assert_eq!(broken(0, b"PK\x03\x04zip!"), "not a WIM file: its first bytes are not those of one");
    assert_eq!(broken(8, &[96, 0, 0, 0]), "WIM header: its length is given as 96 bytes, expected 208");
    assert_eq!(broken(12, &[0, 11, 1, 0]), "WIM header: version 0x10B00, expected 0x10D00 or 0xE00");
    assert_eq!(broken(16, &[2, 0, 6, 0]), "WIM header: flags 0x00060002 name no known compression");
    let far = broken(0x38, &(1u64 << 40).to_le_bytes());
    assert!(far.starts_with("blob table: 50 bytes at offset 1099511627776, but the file has"), "{far}");
}

#[test]
fn a_length_nothing_is_stored_for_is_refused_before_memory_is_taken() {
    let mut wim = Built { flags: 0x0004_0002, blobs: &[(b"abc", 1)], ..Built::default() }.to_bytes();
    wim[0x14..0x18].copy_from_slice(&32768u32.to_le_bytes());
    let table = open(wim.clone()).expect("good").header().blob_table.offset as usize;
    wim[table + 7] = Resource::FLAG_COMPRESSED;
    wim[table + 16..table + 24].copy_from_slice(&(1u64 << 50).to_le_bytes());
    let opened = open(wim).expect("the table is fine");
    let hash = Hash::of(b"abc");
    assert!(matches!(opened.read(&hash, u64::MAX), Err(WimError::Chunk { stored: 3, .. })));
    assert!(matches!(opened.read(&hash, 1 << 30), Err(WimError::TooLarge { what: "blob", .. })));
    assert_eq!(ids(&opened), ["wim.blob-length", "wim.reference-count"]);
}

#[test]
fn entries_say_what_they_are() {
    let (content, named, reparse) = ([1; 20], [2; 20], [3; 20]);
    let wim = Built {
        metadata: metadata(&[
            Dentry { name: "plain.txt", hash: content, ..Dentry::default() },
            Dentry { name: "streams", streams: &[("", content), ("Zone", named)], ..Dentry::default() },
            Dentry { name: "old", hash: content, streams: &[("Zone", named)], ..Dentry::default() },
            Dentry {
                name: "link",
                attributes: 0x400,
                link: 0x0001_0002_A000_000C,
                hash: reparse,
                ..Dentry::default()
            },
            Dentry { name: "secret", attributes: 0x4000, hash: content, ..Dentry::default() },
            Dentry { name: "Über", attributes: 0x10, ..Dentry::default() },
        ]),
        ..Built::default()
    }
    .open();
    let image = wim.image(1).expect("good metadata");
    let kinds = |path| {
        let streams = image.find(path).expect(path).streams;
        streams.iter().map(|stream| (stream.kind, stream.name.clone(), stream.hash)).collect::<Vec<_>>()
    };
    let none = String::new;
    assert_eq!(kinds("PLAIN.TXT"), [(StreamKind::Data, none(), Some(Hash(content)))]);
    let both = [
        (StreamKind::Data, none(), Some(Hash(content))),
        (StreamKind::NamedData, "Zone".to_owned(), Some(Hash(named))),
    ];
    assert_eq!(kinds("/streams"), both);
    assert_eq!(kinds("\\old"), both);
    assert_eq!(kinds("link"), [(StreamKind::Reparse, none(), Some(Hash(reparse)))]);
    assert_eq!(kinds("secret"), [(StreamKind::Encrypted, none(), Some(Hash(content)))]);
    let link = image.find("link").expect("there");
    assert_eq!(link.reparse, Some(Reparse { tag: 0xA000_000C, reserved: 2, flags: 1 }));
    assert_eq!((link.hard_link_group, link.hash()), (0, None));
    assert!(image.find("über").expect("case is ignored beyond ASCII").is_directory());
    let plain = image.find("plain.txt").expect("there");
    assert_eq!((plain.security_id, plain.last_write_time), (Some(0), 0x01D0_0000_0000_0003));
    assert_eq!(image.children(&image.root()).count(), 6);
    assert_eq!(image.entries().next().map(|(path, _)| path).as_deref(), Some("plain.txt"));
    assert!(image.find("plain.txt/x").is_none() && image.find("nothing").is_none());
    assert!(image.find("").expect("the root").is_directory());
}

#[test]
fn an_exact_name_goes_before_one_in_another_case() {
    let files = [
        Dentry { name: "A", attributes: 0x20, ..Dentry::default() },
        Dentry { name: "a", attributes: 0x21, ..Dentry::default() },
    ];
    let image = Built { metadata: metadata(&files), ..Built::default() }.open().image(1).expect("good");
    assert_eq!(image.find("a").map(|entry| entry.attributes), Some(0x21));
    assert_eq!(image.find("A").map(|entry| entry.attributes), Some(0x20));
}

#[test]
fn trees_no_file_system_has_are_refused() {
    for name in ["..", ".", "a/b", "a\\b", "a\0b"] {
        let files = [Dentry { name, ..Dentry::default() }];
        assert_eq!(defect(metadata(&files)), MetadataDefect::Name { name: name.to_owned() });
    }
    let twice = || Dentry { name: "same", ..Dentry::default() };
    assert_eq!(defect(metadata(&[twice(), twice()])), MetadataDefect::Duplicate { name: "same".into() });
    let cycle = Dentry { name: "d", attributes: 0x10, children: CHILDREN, ..Dentry::default() };
    assert_eq!(defect(metadata(&[cycle])), MetadataDefect::Cycle);
    let mut file_as_root = metadata(&[]);
    file_as_root[48] = 0x20;
    assert_eq!(defect(file_as_root), MetadataDefect::Root);
    let mut descriptors = metadata(&[]);
    descriptors[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(defect(descriptors), MetadataDefect::Short { .. }));
    let outside = Dentry { name: "d", attributes: 0x10, children: 1 << 60, ..Dentry::default() };
    assert!(matches!(defect(metadata(&[outside])), MetadataDefect::Short { left: 0, .. }));
}

#[test]
fn a_path_longer_than_windows_allows_is_refused() {
    let name = "n".repeat(300);
    let mut metadata = metadata(&[]);
    metadata.truncate(CHILDREN as usize);
    for _ in 0..120 {
        let len = Dentry { name: &name, ..Dentry::default() }.to_bytes().len();
        let children = (metadata.len() + len + 8) as u64;
        metadata.extend(Dentry { name: &name, attributes: 0x10, children, ..Dentry::default() }.to_bytes());
        metadata.extend([0; 8]);
    }
    metadata.extend([0; 8]);
    assert_eq!(defect(metadata), MetadataDefect::LongPath);
}

#[test]
fn the_xml_is_read_and_only_its_sums_are_changed() {
    let xml = "<WIM><IMAGE INDEX=\"2\"><NAME>second</NAME></IMAGE><IMAGE INDEX=\"1\"><WINDOWS><ARCH>9</ARCH>\
        <LANGUAGES><LANGUAGE>en-US</LANGUAGE><LANGUAGE>de-DE</LANGUAGE><DEFAULT>en-US</DEFAULT></LANGUAGES>\
        <EDITIONID>WindowsPE</EDITIONID><INSTALLATIONTYPE>WindowsPE</INSTALLATIONTYPE><VERSION><MAJOR>10</MAJOR>\
        <MINOR>0</MINOR><BUILD>22621</BUILD><SPBUILD>1702</SPBUILD><SPLEVEL>0</SPLEVEL></VERSION></WINDOWS>\
        <NAME>Zürich &amp; 🔑</NAME><TOTALBYTES>1000</TOTALBYTES><HARDLINKBYTES>300</HARDLINKBYTES><CREATIONTIME><HIGHPART>0x01D39869</HIGHPART>\
        <LOWPART>0x09B24A07</LOWPART></CREATIONTIME></IMAGE><TOTALBYTES> 99 </TOTALBYTES></WIM>";
    let wim = Built { xml, ..Built::default() }.open();
    let [first, second] = wim.images() else { panic!("two images") };
    assert_eq!((first.index, first.architecture), (1, Some(9)));
    let version =
        Version { major: 10, minor: 0, build: 22621, service_pack_build: 1702, service_pack_level: 0 };
    assert_eq!(first.version, Some(version));
    assert_eq!(first.languages, ["en-US", "de-DE"]);
    assert_eq!(first.default_language.as_deref(), Some("en-US"));
    assert_eq!(first.edition.as_deref(), Some("WindowsPE"));
    assert_eq!(first.installation_type.as_deref(), Some("WindowsPE"));
    assert_eq!(first.name.as_deref(), Some("Zürich & 🔑"));
    assert_eq!((first.total_bytes, first.hard_link_bytes), (Some(1000), Some(300)));
    assert_eq!(first.creation_time, Some(0x01D3_9869_09B2_4A07));
    let expected = ImageInfo { index: 2, name: Some("second".into()), ..ImageInfo::default() };
    assert_eq!(*second, expected);

    let mut bytes = vec![0xFF, 0xFE];
    bytes.extend(to_utf16le(xml));
    bytes.extend([0, 0]);
    let growths = [(1, (-400, -100)), (2, (7, 8))]
        .map(|(image, (total, hard_links))| (image, xml::Growth { total, hard_links }));
    let changed = xml::adjust_lengths(&bytes, wim.header(), &growths, 1).expect("good XML");
    let mut wanted = vec![0xFF, 0xFE];
    wanted.extend(to_utf16le(
        &xml.replace(">1000<", ">600<").replace(">300<", ">200<").replace("> 99 <", ">100<"),
    ));
    wanted.extend([0, 0]);
    assert_eq!(changed, wanted);
}

#[test]
fn content_that_is_named_twice_changes_twice() {
    let (old, new) = (b"old content", b"new content, and longer");
    let hash = Hash::of(old).0;
    let other = Hash::of(b"other").0;
    for (streams, expected) in [
        (&[("", hash), ("named", hash)][..], [Some(Hash::of(new)), Some(Hash::of(new)), Some(Hash(hash))]),
        (&[("", other), ("named", hash)][..], [Some(Hash::of(new)), Some(Hash(other)), Some(Hash(hash))]),
    ] {
        let files = metadata(&[Dentry { name: "file", hash, streams, ..Dentry::default() }]);
        let blobs: &[(&[u8], u32)] = &[(old, 1), (b"other", 1)];
        let wim = Built { metadata: files, blobs, ..Built::default() }.open();
        let changed = Edit::new(&wim).replace(1, "file", *new).finish().expect("it can be changed");
        let changed = open(all_bytes(&changed)).expect("a good WIM");
        let image = changed.image(1).expect("good");
        let hashes: Vec<_> = image.find("file").expect("there").streams.iter().map(|one| one.hash).collect();
        assert_eq!(hashes, expected);
        assert_eq!(changed.images()[0].total_bytes, Some(112), "a file with one name counts once");
    }
}

#[test]
fn what_cannot_be_changed_is_refused_with_its_reason() {
    let refused = |built: Built<'_>, path: &str| {
        Edit::new(&built.open()).replace(1, path, *b"new").finish().err().expect("refused").to_string()
    };
    let files = || {
        metadata(&[
            Dentry { name: "secret", attributes: 0x4020, hash: [1; 20], ..Dentry::default() },
            Dentry { name: "folder", attributes: 0x10, ..Dentry::default() },
            Dentry { name: "link", attributes: 0x420, hash: [1; 20], ..Dentry::default() },
            Dentry { name: "file", hash: [1; 20], ..Dentry::default() },
        ])
    };
    let good = || Built { metadata: files(), ..Built::default() };
    assert_eq!(refused(good(), "secret"), "secret in image 1 is encrypted (EFS) (attributes 0x4020)");
    assert_eq!(refused(good(), "folder"), "folder in image 1 is a folder (attributes 0x10)");
    assert_eq!(refused(good(), "link"), "link in image 1 is a reparse point (attributes 0x420)");
    assert_eq!(refused(good(), "no\\such"), "no no\\such in image 1");
    assert_eq!(refused(good(), "file"), "no blob 0101010101010101010101010101010101010101 in the blob table");
    assert_eq!(refused(Built { total_parts: 2, ..good() }, "file"), "the WIM is part 1 of 2");
    assert_eq!(
        refused(Built { flags: 0x40, ..good() }, "file"),
        "the WIM's header says that it is being written"
    );
    let wim = good().open();
    let error = Edit::new(&wim).replace(2, "file", *b"x").finish().err().expect("refused");
    assert_eq!(error.to_string(), "no image 2: the WIM has 1");
    assert!(matches!(Edit::new(&wim).boot_index(2).finish(), Err(WimError::NoImage { index: 2, images: 1 })));
}

#[test]
fn with_extra_streams_the_unnamed_entry_changes_and_nothing_else() {
    let (old, named) = (Hash::of(b"old content"), Hash::of(b"stream"));
    let files = [Dentry { name: "f", streams: &[("", old.0), ("s", named.0)], ..Dentry::default() }];
    let before = metadata(&files);
    let blobs: &[(&[u8], u32)] = &[(b"old content", 1), (b"stream", 1)];
    let wim = Built { metadata: before.clone(), blobs, ..Built::default() }.open();
    let content = Edit::new(&wim).replace(1, "F", *b"new").finish().expect("a plain file");
    let after = open(all_bytes(&content)).expect("a good WIM");
    let (_, changed) = after.metadata(1).expect("good metadata");
    let place = before.windows(20).position(|bytes| bytes == old.0).expect("in its stream entry");
    let mut expected = before;
    expected[place..place + 20].copy_from_slice(&Hash::of(b"new").0);
    assert_eq!(*changed, expected);
    assert!(!after.contains(&old) && after.contains(&named));
    assert_eq!(ids(&after), [""; 0]);
    assert_eq!(after.images()[0].total_bytes, Some(100 - 8));
}

#[test]
fn boot_index_alone_changes_the_header_alone() {
    let wim = Built::default().open();
    let source = Built::default().to_bytes();
    let without = all_bytes(&Edit::new(&wim).boot_index(0).finish().expect("0 is allowed"));
    assert_eq!(without[208..], source[208..]);
    let opened = open(without).expect("good");
    assert_eq!(opened.header().boot_index, 0);
    assert!(opened.header().boot_metadata.is_absent());
    let again = Edit::new(&opened).boot_index(1).finish().expect("1 is there");
    assert_eq!(all_bytes(&again), source);
    assert_eq!(Edit::new(&wim).boot_index(1).finish().expect("as it is").pieces().len(), 1);
}

#[test]
fn wrong_counts_of_references_never_lose_a_blob() {
    let hash = Hash::of(b"shared").0;
    let files =
        [Dentry { name: "a", hash, ..Dentry::default() }, Dentry { name: "b", hash, ..Dentry::default() }];
    let wim = Built { metadata: metadata(&files), blobs: &[(b"shared", 1)], ..Built::default() }.open();
    assert_eq!(ids(&wim), ["wim.reference-count"]);
    let content = Edit::new(&wim).replace(1, "a", *b"new").finish().expect("a plain file");
    let after = open(all_bytes(&content)).expect("good");
    assert_eq!(after.read(&Hash(hash), 100).expect("still there"), b"shared");
    assert_eq!(ids(&after), [""; 0]);
}

#[test]
fn checks_find_what_is_wrong() {
    let files = [Dentry { name: "a", hash: Hash::of(b"first").0, ..Dentry::default() }];
    let built =
        Built { metadata: metadata(&files), blobs: &[(b"first", 1), (b"second", 0)], ..Built::default() };
    let good = built.to_bytes();
    assert_eq!(ids(&built.open()), [""; 0]);
    let broken = |offset: usize, byte: u8| {
        let mut wim = good.clone();
        wim[offset] ^= byte;
        ids(&open(wim).expect("the tables are good"))
    };
    let table = built.open().header().blob_table.offset as usize;
    assert_eq!(broken(208, 1), ["wim.blob-hash"]);
    assert_eq!(broken(16, 0x40), ["wim.write-in-progress"]);
    assert_eq!(broken(0x78, 1), ["wim.boot-metadata"]);
    assert_eq!(broken(0x78, 2), ["wim.boot-index"]);
    assert_eq!(broken(0x68, 1), ["wim.boot-metadata"]);
    assert_eq!(broken(208 + 11 + 60, 1), ["wim.metadata"]);
    assert_eq!(broken(table + 30, 1), ["wim.blob-hash", "wim.blob-missing", "wim.reference-count"]);
    assert_eq!(broken(table + 26, 2), ["wim.reference-count"]);
    // The second blob's entry is pointed into the first one's bytes.
    assert_eq!(broken(table + 50 + 8, (208 + 5) ^ (208 + 2)), ["wim.resource-overlap"]);
}

#[test]
fn a_table_cannot_have_the_same_bytes_decoded_again_and_again() {
    let built = Built::default();
    let mut wim = built.to_bytes();
    let table = built.open().header().blob_table;
    // The entry twice, at the end of the file, and two images in the header.
    let entry = wim[table.offset as usize..][..50].to_vec();
    let offset = wim.len() as u64;
    wim.extend([entry.clone(), entry].concat());
    wim[0x2C] = 2;
    wim[0x30..0x48].copy_from_slice(&Resource { offset, stored_len: 100, len: 100, flags: 2 }.to_bytes());
    let error = open(wim).err().expect("refused").to_string();
    assert_eq!(error, "blob table: the metadata of entry 1, at offset 208, starts inside another image's");
}

#[test]
fn findings_are_limited() {
    let names: Vec<String> = (0..1500).map(|number| format!("file {number}")).collect();
    let files: Vec<Dentry<'_>> =
        names.iter().map(|name| Dentry { name, hash: [9; 20], ..Dentry::default() }).collect();
    let found = ids(&Built { metadata: metadata(&files), ..Built::default() }.open());
    assert_eq!(found.len(), 1001);
    assert_eq!((found[999], found[1000]), ("wim.blob-missing", "wim.more-findings"));
}

#[test]
fn an_integrity_table_that_contradicts_the_header_is_refused() {
    let mut wim = sample();
    let offset = wim.len() as u64;
    for number in [12_u32, 0, 10 << 20] {
        wim.extend(number.to_le_bytes());
    }
    wim[0x7C..0x94].copy_from_slice(&Resource { offset, stored_len: 12, len: 12, flags: 0 }.to_bytes());
    assert_eq!(ids(&open(wim.clone()).expect("good tables")), ["wim.integrity-table"]);
    let opened = open(wim).expect("good tables");
    let edit = Edit::new(&opened).replace(1, "a", *b"new").finish();
    assert!(matches!(edit, Err(WimError::IntegrityTable { len: 12, entries: 0, .. })));
}

#[test]
fn a_check_stops_when_it_is_asked_to() {
    struct Impatient;
    impl Observer for Impatient {
        fn event(&mut self, _: Event) {}
        fn cancelled(&self) -> bool {
            true
        }
    }
    let wim = Built { blobs: &[(b"x", 0)], ..Built::default() }.open();
    assert!(matches!(wim.verify(&mut Impatient), Err(WimError::Stopped)));
}

/// Everything that reads, one after the other; what it answers does not matter.
pub fn exercise(bytes: Vec<u8>, path: &str) -> Result<(), WimError> {
    let wim = open(bytes)?;
    let verified = wim.verify(&mut Unobserved).map(drop);
    let mut read = Ok(());
    for index in 1..=wim.header().image_count.min(4) {
        read = read.and(wim.image(index).map(|image| image.entries().for_each(drop)));
    }
    for blob in wim.blobs().iter().filter(|blob| !blob.resource.is_metadata()) {
        read = read.and(wim.read(&blob.hash, 1 << 20).map(drop));
    }
    let edited = Edit::new(&wim).replace(1, path, vec![5; 70_000]).boot_index(1).finish();
    let edited = edited.and_then(|content| open(all_bytes(&content)).map(drop));
    verified.and(read).and(edited)
}

fn sample() -> Vec<u8> {
    let hash = Hash::of(b"some content").0;
    let streams: &[(&str, [u8; 20])] = &[("", hash), ("s", [0; 20])];
    let files = [
        Dentry { name: "a", hash, link: 5, ..Dentry::default() },
        Dentry { name: "b", hash, link: 5, ..Dentry::default() },
        Dentry { name: "c", streams, ..Dentry::default() },
    ];
    Built { metadata: metadata(&files), blobs: &[(b"some content", 3)], ..Built::default() }.to_bytes()
}

#[test]
fn a_wim_cut_short_anywhere_is_refused() {
    let wim = sample();
    exercise(wim.clone(), "a").expect("the whole one is good");
    for len in 0..wim.len() {
        assert!(exercise(wim[..len].to_vec(), "a").is_err(), "cut at {len}");
    }
}

#[test]
fn no_single_bit_makes_it_panic() {
    let wim = sample();
    for bit in 0..wim.len() * 8 {
        let mut flipped = wim.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let _ = exercise(flipped, "a");
    }
}

#[test]
fn no_single_bit_of_metadata_makes_the_parser_panic() {
    let metadata = Built::default().metadata;
    let files = [Dentry { name: "abc", streams: &[("", [1; 20]), ("s", [2; 20])], ..Dentry::default() }];
    for metadata in [metadata, super::tests::metadata(&files)] {
        for bit in 0..metadata.len() * 8 {
            let mut flipped = metadata.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let _ = Image::parse(1, flipped).map(|image| image.entries().for_each(drop));
        }
        for len in 0..metadata.len() - 8 {
            assert!(Image::parse(1, metadata[..len].to_vec()).is_err(), "cut at {len}");
        }
    }
}

#[test]
fn decoders_are_made_for_the_sizes_of_the_format_only() {
    let works = |compression, size: u32| wimlib::Decoder::new(compression, size).is_ok();
    assert!(works(Compression::Xpress, 4096) && works(Compression::Xpress, 65536));
    assert!(works(Compression::Lzx, 32768) && works(Compression::Lzx, 2 << 20));
    assert!(works(Compression::Lzms, 32768) && works(Compression::Lzms, 4 << 20));
    for (compression, size) in [
        (Compression::None, 32768),
        (Compression::Xpress, 131_072),
        (Compression::Xpress, 0),
        (Compression::Lzx, 16384),
        (Compression::Lzx, 40000),
        (Compression::Lzms, 8 << 20),
    ] {
        assert!(!works(compression, size), "{compression} {size}");
    }
    let mut lzx = wimlib::Decoder::new(Compression::Lzx, 32768).expect("allowed");
    assert!(!lzx.decode(&[1, 2, 3], &mut vec![0; 32769]), "longer than a chunk");
    assert!(!lzx.decode(&[], &mut [0; 10]) && !lzx.decode(&[1], &mut []));
}

proptest! {
    #[test]
    fn decoders_survive_anything(stored in proptest::collection::vec(any::<u8>(), 1..2000), len in 1_usize..32768) {
        for compression in [Compression::Xpress, Compression::Lzx, Compression::Lzms] {
            let mut decoder = wimlib::Decoder::new(compression, 32768).expect("allowed");
            let _ = decoder.decode(&stored, &mut vec![0; len]);
        }
    }

    #[test]
    fn any_metadata_gives_a_tree_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Image::parse(1, bytes);
    }
}
