//! A writer of small WIM files, honest ones and others.

use media_core::bytes::to_utf16le;
use media_core::hive::{ADMINISTRATORS_AND_SYSTEM, Hive, Version};
use media_core::wim::Hash;
use media_tests::boot_image::{Compression, compressed_chunk};

use crate::measure::time;

pub const CHUNK: usize = 32 << 10;
pub const METADATA: u8 = 2;
pub const COMPRESSED: u8 = 4;

/// A resource: stored length, flags, offset, decoded length.
#[derive(Debug, Clone, Copy, Default)]
pub struct Resource {
    pub stored: u64,
    pub flags: u8,
    pub offset: u64,
    pub len: u64,
}

impl Resource {
    pub fn to_bytes(self) -> [u8; 24] {
        let mut out = [0; 24];
        out[..8].copy_from_slice(&(self.stored | u64::from(self.flags) << 56).to_le_bytes());
        out[8..16].copy_from_slice(&self.offset.to_le_bytes());
        out[16..].copy_from_slice(&self.len.to_le_bytes());
        out
    }
}

/// A WIM file while it is written.
pub struct Writer {
    pub out: Vec<u8>,
    pub table: Vec<u8>,
    pub compression: Compression,
    pub chunk_size: u32,
    pub images: u32,
    pub boot_metadata: Resource,
}

impl Writer {
    pub fn new(compression: Compression) -> Self {
        let chunk_size = if compression == Compression::None { 0 } else { CHUNK as u32 };
        let (out, table) = (vec![0; 208], Vec::new());
        Self { out, table, compression, chunk_size, images: 0, boot_metadata: Resource::default() }
    }

    /// Stores bytes as the file's compression has it, and gives them an entry of the blob table.
    pub fn add(&mut self, bytes: &[u8], flags: u8, references: u32) -> Resource {
        let (stored, flags) = match self.packed(bytes) {
            Some(stored) => (stored, flags | COMPRESSED),
            None => (bytes.to_vec(), flags),
        };
        self.add_stored(&stored, flags, bytes.len() as u64, Hash::of(bytes), references)
    }

    pub fn add_stored(
        &mut self,
        stored: &[u8],
        flags: u8,
        len: u64,
        hash: Hash,
        references: u32,
    ) -> Resource {
        let resource = Resource { stored: stored.len() as u64, flags, offset: self.out.len() as u64, len };
        self.out.extend(stored);
        self.entry(resource, hash, references);
        if flags & METADATA != 0 {
            self.images += 1;
            if self.images == 1 {
                self.boot_metadata = resource;
            }
        }
        resource
    }

    pub fn entry(&mut self, resource: Resource, hash: Hash, references: u32) {
        self.table.extend(resource.to_bytes());
        self.table.extend(1u16.to_le_bytes());
        self.table.extend(references.to_le_bytes());
        self.table.extend(hash.0);
    }

    /// `len` zeros in as few bytes as they can be stored; their SHA-1 is whatever is said.
    pub fn add_zeros(&mut self, len: u64, flags: u8, hash: Hash) -> Resource {
        let chunk = self.chunk_size as usize;
        let (count, chunk_len) = (len.div_ceil(chunk as u64), chunk as u64);
        let compressed = |len: usize| {
            let packed = compressed_chunk(&vec![0; len], self.compression, self.chunk_size);
            packed.expect("a size it has").unwrap_or_else(|| vec![0; len])
        };
        let (whole, last) = (compressed(chunk), compressed((len - (count - 1) * chunk_len) as usize));
        let mut stored = Vec::new();
        for number in 1..count {
            let offset = number * whole.len() as u64;
            stored.extend(&offset.to_le_bytes()[..if len > u64::from(u32::MAX) { 8 } else { 4 }]);
        }
        (1..count).for_each(|_| stored.extend(&whole));
        stored.extend(last);
        self.add_stored(&stored, flags | COMPRESSED, len, hash, 1)
    }

    fn packed(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.compression == Compression::None || bytes.is_empty() {
            return None;
        }
        let (mut offsets, mut chunks) = (Vec::new(), Vec::new());
        for (index, chunk) in bytes.chunks(self.chunk_size as usize).enumerate() {
            if index > 0 {
                offsets.extend((chunks.len() as u32).to_le_bytes());
            }
            let packed = compressed_chunk(chunk, self.compression, self.chunk_size).expect("a size it has");
            chunks.extend(packed.unwrap_or_else(|| chunk.to_vec()));
        }
        offsets.extend(chunks);
        (offsets.len() < bytes.len()).then_some(offsets)
    }

    pub fn finish(self, integrity: Option<u32>) -> Vec<u8> {
        let image = |index| format!("<IMAGE INDEX=\"{index}\"><TOTALBYTES>9</TOTALBYTES></IMAGE>");
        let images: String = (1..=self.images.min(1000)).map(image).collect();
        self.finish_with(integrity, &format!("<WIM><TOTALBYTES>9</TOTALBYTES>{images}</WIM>"))
    }

    pub fn finish_with(mut self, integrity: Option<u32>, xml: &str) -> Vec<u8> {
        let mut text = vec![0xFF, 0xFE];
        text.extend(to_utf16le(xml));
        let (table, xml) = (raw(&mut self.out, &self.table), raw(&mut self.out, &text));
        let end = (table.offset + table.stored) as usize;
        let header = |integrity: Resource| {
            let flags: u32 = match self.compression {
                Compression::None => 0,
                Compression::Xpress => 0x2_0002,
                Compression::Lzx => 0x4_0002,
                Compression::Lzms => 0x8_0002,
            };
            let version = if self.compression == Compression::Lzms { 0xE00 } else { 0x1_0D00_u32 };
            let mut out = b"MSWIM\0\0\0".to_vec();
            out.extend([208, version, flags, self.chunk_size].iter().flat_map(|number| number.to_le_bytes()));
            out.extend([7; 16]);
            out.extend([1u16, 1].iter().flat_map(|part| part.to_le_bytes()));
            out.extend(self.images.to_le_bytes());
            out.extend([table, xml, self.boot_metadata].iter().flat_map(|resource| resource.to_bytes()));
            out.extend(1u32.to_le_bytes());
            out.extend(integrity.to_bytes());
            out.resize(208, 0);
            out
        };
        let integrity = integrity.map_or_else(Resource::default, |piece| {
            let hashes: Vec<Hash> = self.out[208..end].chunks(piece as usize).map(Hash::of).collect();
            let mut sums = (12 + 20 * hashes.len() as u32).to_le_bytes().to_vec();
            sums.extend([hashes.len() as u32, piece].iter().flat_map(|number| number.to_le_bytes()));
            hashes.iter().for_each(|hash| sums.extend(hash.0));
            Resource { flags: 0, ..raw(&mut self.out, &sums) }
        });
        let header = header(integrity);
        self.out[..208].copy_from_slice(&header);
        self.out
    }
}

fn raw(out: &mut Vec<u8>, bytes: &[u8]) -> Resource {
    let (stored, offset) = (bytes.len() as u64, out.len() as u64);
    out.extend(bytes);
    Resource { stored, flags: METADATA, offset, len: stored }
}

/// A directory entry with what follows it.
#[derive(Default)]
pub struct Dentry<'a> {
    /// The name in UTF-16LE.
    pub name: Vec<u8>,
    pub attributes: u32,
    pub children: u64,
    pub hash: [u8; 20],
    pub link: u64,
    pub streams: &'a [(u32, [u8; 20])],
}

impl Dentry<'_> {
    pub fn push(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend([0; 8]);
        out.extend(self.attributes.to_le_bytes());
        out.extend(0u32.to_le_bytes());
        out.extend(self.children.to_le_bytes());
        out.extend([0; 16]);
        out.extend([1; 24]);
        out.extend(self.hash);
        out.extend([0; 4]);
        out.extend(self.link.to_le_bytes());
        out.extend((self.streams.len() as u16).to_le_bytes());
        out.extend(0u16.to_le_bytes());
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend(&self.name);
        if self.name.len() > 2 {
            out.extend([0; 2]);
        }
        out.resize(out.len().next_multiple_of(8), 0);
        let len = (out.len() - start) as u64;
        out[start..start + 8].copy_from_slice(&len.to_le_bytes());
        for (name, hash) in self.streams {
            let name = if *name == 0 { Vec::new() } else { to_utf16le(&format!("{name:x}")) };
            let (start, len) = (out.len(), (38 + name.len()).next_multiple_of(8));
            out.extend((len as u64).to_le_bytes());
            out.extend([0; 8]);
            out.extend(hash);
            out.extend((name.len() as u16).to_le_bytes());
            out.extend(&name);
            out.resize(start + len, 0);
        }
    }
}

/// Folders one in the other, and files in the last of them.
pub fn tree(folders: &[&str], files: &[Dentry<'_>]) -> Vec<u8> {
    let mut out = 64u32.to_le_bytes().to_vec();
    out.extend(1u32.to_le_bytes());
    out.extend(48u64.to_le_bytes());
    out.resize(64, 0xAA);
    let mut name = Vec::new();
    for next in folders.iter().copied().map(Some).chain([None]) {
        let start = out.len();
        Dentry { name: name.clone(), attributes: 0x10, ..Dentry::default() }.push(&mut out);
        out.extend([0; 8]);
        let children = out.len() as u64;
        out[start + 16..start + 24].copy_from_slice(&children.to_le_bytes());
        name = next.map(to_utf16le).unwrap_or_default();
    }
    files.iter().for_each(|file| file.push(&mut out));
    out.extend([0; 8]);
    out
}

/// A SOFTWARE hive with empty certificate stores.
pub fn small_hive() -> Vec<u8> {
    let mut hive = Hive::create(Version::V1_5, "ROOT", &ADMINISTRATORS_AND_SYSTEM, time()).expect("made");
    for store in ["AuthRoot", "CA", "Disallowed", "ROOT"] {
        hive.create_key(&format!(r"Microsoft\SystemCertificates\{store}\Certificates"), time())
            .expect("made");
    }
    let key = hive.create_key(r"Microsoft\Windows NT\CurrentVersion", time()).expect("made");
    hive.set_value(key, "ProductName", 1, &to_utf16le("Windows\0"), time()).expect("made");
    hive.set_value(key, "Some", 3, &[7; 300], time()).expect("made");
    hive.into_bytes()
}

pub const CONFIG: [&str; 3] = ["Windows", "System32", "config"];

/// The metadata of an image that has a SOFTWARE hive with this SHA-1, and two files of one content.
pub fn small_tree(hive: Hash, other: Hash) -> Vec<u8> {
    let file = |name: &str, hash: Hash| Dentry {
        name: to_utf16le(name),
        attributes: 0x20,
        hash: hash.0,
        ..Dentry::default()
    };
    let streams = [(0, other.0), (0xABC, other.0)];
    let files = [
        file("SOFTWARE", hive),
        Dentry { link: 5, ..file("one.txt", other) },
        Dentry { link: 5, ..file("two.txt", other) },
        Dentry { streams: &streams, ..file("streams", Hash::default()) },
    ];
    tree(&CONFIG, &files)
}

/// A boot image of one image as [`small_tree`] has it.
pub fn small(compression: Compression, integrity: Option<u32>) -> Vec<u8> {
    let (hive, other) = (small_hive(), vec![b'x'; 5000]);
    let mut wim = Writer::new(compression);
    wim.add(&hive, 0, 1);
    wim.add(&other, 0, 4);
    wim.add(&small_tree(Hash::of(&hive), Hash::of(&other)), METADATA, 1);
    wim.finish(integrity)
}
