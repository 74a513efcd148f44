//! What one tree of names may cost a reader, so that no volume makes it run or grow without bound.

/// The most UTF-16 units in a path: far above what Windows opens, and above the 1023 bytes UDF allows (UDF 1.02, 2).
pub(crate) const LONGEST_PATH: usize = 1024;
const MOST_NAMES: u64 = 1 << 20;
const MOST_PATH_BYTES: u64 = 64 << 20;
const MOST_EXTENTS: u64 = 1 << 21;

/// What is left of one walk's means. A method that answers with [`Exceeded`] ends the walk.
#[derive(Debug)]
pub(crate) struct Budget {
    names: u64,
    path_bytes: u64,
    extents: u64,
    folder_bytes: u64,
    volume: u64,
}

/// There is more of something than any medium needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exceeded {
    /// What there is too much of, in words.
    pub unit: &'static str,
    /// How much of it is read.
    pub limit: u64,
}

impl Budget {
    /// The budget for a tree on a volume of `volume` bytes.
    pub fn new(volume: u64) -> Self {
        Self { names: 0, path_bytes: 0, extents: 0, folder_bytes: 0, volume }
    }

    /// One more entry of a folder, whatever becomes of it.
    pub fn name(&mut self) -> Result<(), Exceeded> {
        spend(&mut self.names, 1, "names", MOST_NAMES)
    }

    /// A path that will be kept.
    pub fn path(&mut self, path: &str) -> Result<(), Exceeded> {
        spend(&mut self.path_bytes, path.len() as u64, "bytes of paths", MOST_PATH_BYTES)
    }

    /// The pieces of a file.
    pub fn extents(&mut self, count: usize) -> Result<(), Exceeded> {
        spend(&mut self.extents, count as u64, "pieces of files", MOST_EXTENTS)
    }

    /// A folder's bytes. No two folders share any, so all of them fit on the volume.
    pub fn folder(&mut self, len: u64) -> Result<(), Exceeded> {
        spend(&mut self.folder_bytes, len, "bytes of folders", self.volume)
    }
}

fn spend(spent: &mut u64, more: u64, unit: &'static str, limit: u64) -> Result<(), Exceeded> {
    *spent = spent.saturating_add(more);
    if *spent > limit { Err(Exceeded { unit, limit }) } else { Ok(()) }
}

/// Whether a path is longer than [`LONGEST_PATH`].
pub(crate) fn is_too_long(path: &str) -> bool {
    path.encode_utf16().count() > LONGEST_PATH
}
