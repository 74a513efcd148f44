//! A disc image opened for reading.

use std::sync::Arc;

use super::el_torito::{self, BootEntry};
use super::iso9660::{self, Volumes};
use super::udf::{self, UdfVolume};
use super::{Block, IsoError, SECTOR, check};
use crate::content::{Content, Piece};
use crate::finding::Finding;
use crate::io::Source;

/// The deepest folder that is read; a path in UDF is at most 1023 bytes long (UDF 1.02, 2).
pub(super) const DEPTH_LIMIT: usize = 128;
/// The most names that are read from one tree.
pub(super) const NAME_LIMIT: u64 = 1 << 20;

/// Where a file's bytes are: offset in the image and length of each piece.
pub(super) type Extents = Vec<(u64, u64)>;

/// A disc image. Opening reads the descriptors; everything else is read when asked for.
#[derive(Clone)]
pub struct Disc {
    pub(super) image: Image,
    pub(super) volumes: Option<Volumes>,
    pub(super) udf: Option<UdfVolume>,
}

/// The volume labels, as far as the disc has the volumes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// From the primary volume descriptor of ISO 9660, without trailing spaces.
    pub primary: Option<String>,
    /// From the Joliet volume descriptor, without trailing spaces.
    pub joliet: Option<String>,
    /// From the UDF logical volume descriptor.
    pub udf: Option<String>,
}

/// One file of one tree.
#[derive(Clone)]
pub struct DiscFile {
    /// Path from the root with `/` between names and none at the start.
    pub path: String,
    /// Length in bytes.
    pub len: u64,
    /// The bytes: slices of the image.
    pub content: Content,
    /// The same as addresses, none of them empty.
    pub(super) extents: Extents,
}

impl Disc {
    /// Reads the descriptors of an image.
    ///
    /// # Errors
    /// [`IsoError::NotADisc`] without a recognition sequence at sector 16; any other when one announces a volume
    /// whose descriptors cannot be read.
    pub fn open(source: Arc<dyn Source>) -> Result<Self, IsoError> {
        let image = Image { len: source.len(), source };
        let (volumes, has_udf) = iso9660::recognise(&image)?;
        let blocks = volumes.as_ref().map(|volumes| volumes.primary.blocks);
        let udf = if has_udf { Some(udf::open(&image, blocks)?) } else { None };
        Ok(Self { image, volumes, udf })
    }

    /// The volume labels.
    pub fn labels(&self) -> Labels {
        Labels {
            primary: self.volumes.as_ref().map(|volumes| volumes.primary.label.clone()),
            joliet: self.volumes.as_ref().and_then(|volumes| Some(volumes.joliet.as_ref()?.label.clone())),
            udf: self.udf.as_ref().map(|udf| udf.label.clone()),
        }
    }

    /// Whether there is a Joliet tree.
    pub fn has_joliet(&self) -> bool {
        self.volumes.as_ref().is_some_and(|volumes| volumes.joliet.is_some())
    }

    /// The UDF revision in its own notation, `0x0102` for 1.02; none when there is no UDF volume.
    pub fn udf_revision(&self) -> Option<u16> {
        self.udf.as_ref().map(|udf| udf.revision)
    }

    /// Length of the ISO 9660 volume in bytes, as its descriptor says.
    pub fn volume_size(&self) -> Option<u64> {
        self.volumes.as_ref().map(|volumes| u64::from(volumes.primary.blocks) * SECTOR)
    }

    /// The files Windows sees: UDF's when there is one, else Joliet's, else the primary tree's.
    ///
    /// # Errors
    /// Whatever the tree has wrong.
    pub fn files(&self) -> Result<Vec<DiscFile>, IsoError> {
        match (&self.udf, self.has_joliet()) {
            (Some(_), _) => self.udf(),
            (None, true) => self.joliet(),
            (None, false) => self.primary(),
        }
    }

    /// The primary tree of ISO 9660, names without version number and trailing dot.
    ///
    /// # Errors
    /// [`IsoError::Missing`], or whatever the tree has wrong.
    pub fn primary(&self) -> Result<Vec<DiscFile>, IsoError> {
        let volumes = self.volumes.as_ref().ok_or(IsoError::Missing { what: "ISO 9660 volume" })?;
        Ok(iso9660::walk(&self.image, &volumes.primary)?.files)
    }

    /// The Joliet tree.
    ///
    /// # Errors
    /// [`IsoError::Missing`], or whatever the tree has wrong.
    pub fn joliet(&self) -> Result<Vec<DiscFile>, IsoError> {
        let joliet = self.volumes.as_ref().and_then(|volumes| volumes.joliet.as_ref());
        Ok(iso9660::walk(&self.image, joliet.ok_or(IsoError::Missing { what: "Joliet volume" })?)?.files)
    }

    /// The UDF tree.
    ///
    /// # Errors
    /// [`IsoError::Missing`], or whatever the tree has wrong.
    pub fn udf(&self) -> Result<Vec<DiscFile>, IsoError> {
        let udf = self.udf.as_ref().ok_or(IsoError::Missing { what: "UDF volume" })?;
        Ok(udf::walk(&self.image, udf)?.files)
    }

    /// The El Torito boot entries, the default entry first; empty when the disc does not boot.
    ///
    /// # Errors
    /// [`IsoError::Bad`] for a catalog that is not one.
    pub fn boot_entries(&self) -> Result<Vec<BootEntry>, IsoError> {
        match self.volumes.as_ref().and_then(|volumes| volumes.boot_catalog) {
            Some(sector) => el_torito::read(&self.image, sector),
            None => Ok(Vec::new()),
        }
    }

    /// Checks every structure and that the trees agree with each other.
    ///
    /// # Errors
    /// Only [`IsoError::Read`]; damage is a finding.
    pub fn check(&self) -> Result<Vec<Finding>, IsoError> {
        check::check(self)
    }
}

/// The image's bytes, never read beyond their end.
#[derive(Clone)]
pub(super) struct Image {
    pub source: Arc<dyn Source>,
    pub len: u64,
}

impl Image {
    /// Refuses what lies beyond the end.
    pub fn check(&self, what: &'static str, offset: u64, len: u64) -> Result<(), IsoError> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len => Ok(()),
            _ => Err(IsoError::OutsideImage { what, offset, len, image: self.len }),
        }
    }

    /// Reads `len` bytes; nothing is allocated before they are known to be there.
    pub fn read(&self, what: &'static str, offset: u64, len: u64) -> Result<Vec<u8>, IsoError> {
        self.check(what, offset, len)?;
        let size = usize::try_from(len).map_err(|_| IsoError::OutsideImage {
            what,
            offset,
            len,
            image: self.len,
        })?;
        let mut bytes = vec![0; size];
        self.source.read_exact_at(offset, &mut bytes).map_err(|source| IsoError::Read {
            what,
            offset,
            source,
        })?;
        Ok(bytes)
    }

    /// Reads one sector.
    pub fn sector(&self, what: &'static str, sector: u64) -> Result<Block, IsoError> {
        let offset = sector.saturating_mul(SECTOR);
        self.check(what, offset, SECTOR)?;
        let mut block = [0; SECTOR as usize];
        self.source.read_exact_at(offset, &mut block).map_err(|source| IsoError::Read {
            what,
            offset,
            source,
        })?;
        Ok(block)
    }

    /// A file whose bytes lie in `extents`, which must be inside the image.
    pub fn file(&self, what: &'static str, path: String, extents: Extents) -> Result<DiscFile, IsoError> {
        let extents: Extents = extents.into_iter().filter(|(_, len)| *len > 0).collect();
        let mut len = 0_u64;
        for &(offset, count) in &extents {
            self.check(what, offset, count)?;
            len = len.saturating_add(count);
        }
        let pieces =
            extents.iter().map(|&(offset, len)| Piece::Slice { source: self.source.clone(), offset, len });
        Ok(DiscFile { path, len, content: Content::from_pieces(pieces.collect()), extents })
    }
}

/// Counts names and the depth of folders, against trees made to never end.
pub(super) struct Budget {
    what: &'static str,
    names: u64,
}

impl Budget {
    pub fn new(what: &'static str) -> Self {
        Self { what, names: 0 }
    }

    /// One more name.
    pub fn name(&mut self, path: &str) -> Result<(), IsoError> {
        self.names += 1;
        self.limit("names", self.names, NAME_LIMIT, path)
    }

    /// A folder this deep.
    pub fn depth(&self, depth: usize, path: &str) -> Result<(), IsoError> {
        self.limit("levels of folders", depth as u64, DEPTH_LIMIT as u64, path)
    }

    fn limit(&self, unit: &'static str, count: u64, limit: u64, path: &str) -> Result<(), IsoError> {
        if count > limit {
            return Err(IsoError::TooMany { what: self.what, unit, limit, path: path.to_owned() });
        }
        Ok(())
    }
}

/// `parent/name`, or `name` in the root.
pub(super) fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") }
}

/// Refuses names that would lead a reader elsewhere.
pub(super) fn check_name(what: &'static str, offset: u64, name: &str) -> Result<(), IsoError> {
    if matches!(name, "" | "." | "..") || name.contains(['/', '\0']) {
        return Err(IsoError::Bad {
            what,
            offset,
            expected: "a file name".into(),
            found: format!("{name:?}"),
        });
    }
    Ok(())
}
