//! What Windows does to a stick it sees, done to the bytes of a FAT32 volume: files through the `fatfs` crate, what that
//! cannot write by hand. `docs/formats.md`, "Sticks", says how we know.

use std::io::{self, Cursor, Write};

use fatfs::{FileSystem, FsOptions};

/// The attributes of a folder that Explorer does not show: hidden, system, folder.
const HIDDEN_FOLDER: u8 = 0x16;
/// 2027-03-04, the day when Windows saw the stick.
const SEEN: u16 = (2027 - 1980) << 9 | 3 << 5 | 4;
/// The files that a PC reads when it starts from the stick, by their short names.
const READ: [&[u8; 11]; 5] = [b"BOOTMGR    ", b"BOOTX64 EFI", b"BCD        ", b"BOOT    SDI", b"BOOT    WIM"];

/// What Windows does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Windows {
    /// Its storage service and its indexer leave a folder with two files.
    pub volume_information: bool,
    /// Explorer makes a recycle bin, on disks that do not call themselves removable.
    pub recycle_bin: bool,
    /// The files a PC starts from were read.
    pub access_dates: bool,
    /// Somebody hid and protected the boot manager.
    pub attributes: bool,
    /// The stick was pulled out while it was in use.
    pub dirty: bool,
    /// Somebody gave it another name.
    pub label: Option<&'static [u8; 11]>,
}

impl Windows {
    /// Everything at once, but for the label.
    pub const ALL: Self = Self {
        volume_information: true,
        recycle_bin: true,
        access_dates: true,
        attributes: true,
        dirty: true,
        label: None,
    };

    /// Does it to the volume with these bytes. That the volume was there at all shows in its FATs, whatever else.
    ///
    /// # Errors
    /// When it is no FAT32 volume, or has no room.
    ///
    /// # Panics
    /// When it has none of the files a medium has.
    pub fn touch(&self, volume: &mut [u8]) -> io::Result<()> {
        let counted = volume[512..1024].to_vec();
        let system = FileSystem::new(Cursor::new(&mut *volume), FsOptions::new())?;
        if self.volume_information {
            let folder = system.root_dir().create_dir("System Volume Information")?;
            folder.create_file("WPSettings.dat")?.write_all(&[12, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7])?;
            let guid = "{5A1B2C3D-0E4F-4A6B-8C7D-9E0F1A2B3C4D}";
            let units: Vec<u8> = guid.encode_utf16().flat_map(u16::to_le_bytes).collect();
            folder.create_file("IndexerVolumeGuid")?.write_all(&units)?;
        }
        if self.recycle_bin {
            let folder = system.root_dir().create_dir("$RECYCLE.BIN")?;
            let text = b"[.ShellClassInfo]\r\nCLSID={645FF040-5081-101B-9F08-00AA002F954E}\r\n";
            folder.create_file("desktop.ini")?.write_all(text)?;
        }
        // Counts the free clusters and puts them into FSInfo.
        system.unmount()?;
        if self.dirty {
            // Windows does so only when it marks the volume as clean: a stick that was pulled out has the old count.
            volume[512..1024].copy_from_slice(&counted);
        }
        for name in [b"SYSTEM~1   ", b"$RECYCLEBIN"] {
            each_entry(volume, name, |entry| entry[11] = HIDDEN_FOLDER);
            plain_dots(volume, name);
        }
        if self.access_dates {
            for name in READ {
                let count =
                    each_entry(volume, name, |entry| entry[18..20].copy_from_slice(&SEEN.to_le_bytes()));
                assert!(count > 0, "{} is not there", String::from_utf8_lossy(name));
            }
        }
        if self.attributes {
            each_entry(volume, b"BOOTMGR    ", |entry| entry[11] |= 0x07);
        }
        if let Some(label) = self.label {
            let root = Geometry::of(volume).data;
            volume[root..root + 11].copy_from_slice(label);
        }
        self.state(volume);
        Ok(())
    }

    /// Marks the volume as in use, or as taken out properly, in the boot sector and both FATs.
    fn state(&self, volume: &mut [u8]) {
        let Geometry { fats, .. } = Geometry::of(volume);
        volume[65] = volume[65] & !1 | u8::from(self.dirty);
        // Windows knocks out the highest bit, which is a reserved one.
        let entry: u32 = if self.dirty { 0x7FFF_FFFF } else { 0xFFFF_FFFF };
        for fat in fats {
            volume[fat + 4..fat + 8].copy_from_slice(&entry.to_le_bytes());
        }
    }
}

/// Takes a file or an empty folder away, as Windows would.
///
/// # Errors
/// When it is not there.
pub fn remove(volume: &mut [u8], path: &str) -> io::Result<()> {
    let system = FileSystem::new(Cursor::new(volume), FsOptions::new())?;
    system.root_dir().remove(path)?;
    system.unmount()
}

/// Puts a file with these bytes there, or writes over the start of one that is.
///
/// # Errors
/// When there is no room.
pub fn put(volume: &mut [u8], path: &str, bytes: &[u8]) -> io::Result<()> {
    let system = FileSystem::new(Cursor::new(volume), FsOptions::new())?;
    system.root_dir().create_file(path)?.write_all(bytes)?;
    system.unmount()
}

/// All of a file.
///
/// # Errors
/// When it is not there.
pub fn get(volume: &[u8], path: &str) -> io::Result<Vec<u8>> {
    let mut copy = volume.to_vec();
    let system = FileSystem::new(Cursor::new(&mut copy[..]), FsOptions::new())?;
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut system.root_dir().open_file(path)?, &mut bytes)?;
    Ok(bytes)
}

/// Where things are on a volume, in bytes.
struct Geometry {
    fats: [usize; 2],
    data: usize,
    cluster_size: usize,
}

impl Geometry {
    fn of(volume: &[u8]) -> Self {
        let number = |at: usize, len: usize| le(&volume[at..at + len]);
        let (first, len) = (number(14, 2) * 512, number(36, 4) * 512);
        Self { fats: [first, first + len], data: first + 2 * len, cluster_size: number(13, 1) * 512 }
    }
}

/// The crate gives `.` and `..` long names and the root's number, which nothing else does: puts that right in a folder of
/// the root that has one cluster.
fn plain_dots(volume: &mut [u8], name: &[u8; 11]) {
    let Geometry { data, cluster_size, .. } = Geometry::of(volume);
    let entries = entries(volume).into_iter().filter(|entry| volume[*entry..].starts_with(name));
    let clusters: Vec<usize> = entries.map(|entry| cluster(&volume[entry..])).collect();
    for cluster in clusters {
        let start = data + (cluster - 2) * cluster_size;
        let folder = &mut volume[start..start + cluster_size];
        let is_kept = |slot: &&[u8]| slot[11] != 0x0F || slot[1] != b'.';
        let mut kept: Vec<u8> = folder.chunks_exact(32).filter(is_kept).flatten().copied().collect();
        kept.resize(cluster_size, 0);
        // What leads back to the root leads to cluster 0 (fatgen103), and not to its number.
        kept[52..54].fill(0);
        kept[58..60].fill(0);
        folder.copy_from_slice(&kept);
    }
}

/// Changes all entries with a short name; says how many there are.
fn each_entry(volume: &mut [u8], name: &[u8; 11], change: impl Fn(&mut [u8])) -> usize {
    let mut found = entries(volume);
    found.retain(|entry| volume[*entry..].starts_with(name));
    for entry in &found {
        change(&mut volume[*entry..*entry + 32]);
    }
    found.len()
}

/// Where all entries with short names are, in every folder.
fn entries(volume: &[u8]) -> Vec<usize> {
    let Geometry { fats, data, cluster_size } = Geometry::of(volume);
    let (mut found, mut folders) = (Vec::new(), vec![2]);
    while let Some(mut number) = folders.pop() {
        while number < 0x0FFF_FFF8 {
            let start = data + (number - 2) * cluster_size;
            for entry in (start..start + cluster_size).step_by(32) {
                let slot = &volume[entry..entry + 32];
                if !matches!(slot[0], 0 | 0xE5 | b'.') && slot[11] != 0x0F {
                    found.push(entry);
                    folders.extend((slot[11] & 0x10 != 0).then(|| cluster(slot)));
                }
            }
            let next = fats[0] + number * 4;
            number = le(&volume[next..next + 4]) & 0x0FFF_FFFF;
        }
    }
    found
}

fn cluster(entry: &[u8]) -> usize {
    le(&entry[20..22]) << 16 | le(&entry[26..28])
}

fn le(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | usize::from(*byte))
}
