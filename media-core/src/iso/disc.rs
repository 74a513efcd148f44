//! A disc image opened for reading.

use std::sync::Arc;

use super::el_torito::{self, BootEntry};
use super::iso9660::{self, Volumes};
use super::udf::{self, UdfVolume};
use super::{Block, IsoError, SECTOR, check};
use crate::budget::{Budget, Exceeded, LONGEST_PATH, is_too_long};
use crate::content::{Content, Piece};
use crate::finding::Finding;
use crate::io::Source;

/// The deepest folder that is read.
const DEPTH_LIMIT: usize = 128;

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
    /// Where its last directory record is in the image, or its UDF file entry.
    pub(super) record: u64,
}

impl Disc {
    /// Reads the descriptors of an image. A volume whose descriptors are damaged does not hide the others:
    /// [`Disc::check`] says what is wrong with it.
    ///
    /// # Errors
    /// [`IsoError::NotADisc`] without a recognition sequence at sector 16; any other when the descriptors of no volume
    /// can be read.
    pub fn open(source: Arc<dyn Source>) -> Result<Self, IsoError> {
        let image = Image { len: source.len(), source };
        let mut first = None;
        let (volumes, udf) = descriptors(&image, &mut |_, error| {
            first.get_or_insert(error);
        })?;
        match first {
            Some(error) if volumes.is_none() && udf.is_none() => Err(error),
            _ => Ok(Self { image, volumes, udf }),
        }
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

    /// The files Windows sees: UDF's when there is a UDF volume, else Joliet's, else the primary tree's.
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

    /// The files that can be found whatever is wrong, and the first thing that is. When the tree Windows sees is
    /// damaged and Joliet's is not, they are Joliet's.
    ///
    /// # Errors
    /// [`IsoError::Read`].
    pub fn listing(&self) -> Result<(Vec<DiscFile>, Option<IsoError>), IsoError> {
        let mut damage = None;
        descriptors(&self.image, &mut |_, error| {
            damage.get_or_insert(error);
        })?;
        let joliet = self.volumes.as_ref().and_then(|volumes| volumes.joliet.as_ref());
        let mut listed: Option<Vec<DiscFile>> = None;
        if let Some(volume) = &self.udf {
            let (files, wrong) = past_damage(|complain| Ok(udf::walk(&self.image, volume, complain)?.files))?;
            if wrong.is_none() {
                return Ok((files, damage));
            }
            (listed, damage) = (Some(files), wrong);
        }
        let primary = self.volumes.as_ref().map(|volumes| &volumes.primary);
        if let Some(volume) = joliet.or(primary.filter(|_| listed.is_none())) {
            let (files, wrong) =
                past_damage(|complain| Ok(iso9660::walk(&self.image, volume, complain)?.files))?;
            if wrong.is_none() || listed.is_none() {
                listed = Some(files);
            }
            damage = damage.or(wrong);
        }
        Ok((listed.unwrap_or_default(), damage))
    }

    /// The primary tree of ISO 9660, names without version number and trailing dot.
    ///
    /// # Errors
    /// [`IsoError::Missing`], or whatever the tree has wrong.
    pub fn primary(&self) -> Result<Vec<DiscFile>, IsoError> {
        let volumes = self.volumes.as_ref().ok_or(IsoError::Missing { what: "ISO 9660 volume" })?;
        Ok(iso9660::walk(&self.image, &volumes.primary, &mut Err)?.files)
    }

    /// The Joliet tree.
    ///
    /// # Errors
    /// [`IsoError::Missing`], or whatever the tree has wrong.
    pub fn joliet(&self) -> Result<Vec<DiscFile>, IsoError> {
        let joliet = self.volumes.as_ref().and_then(|volumes| volumes.joliet.as_ref());
        let joliet = joliet.ok_or(IsoError::Missing { what: "Joliet volume" })?;
        Ok(iso9660::walk(&self.image, joliet, &mut Err)?.files)
    }

    /// The UDF tree.
    ///
    /// # Errors
    /// [`IsoError::Missing`], or whatever the tree has wrong.
    pub fn udf(&self) -> Result<Vec<DiscFile>, IsoError> {
        let udf = self.udf.as_ref().ok_or(IsoError::Missing { what: "UDF volume" })?;
        Ok(udf::walk(&self.image, udf, &mut Err)?.files)
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

/// Reads the descriptors of every volume, and tells what is wrong with those it has to leave out: the identifier of a
/// finding, and the error.
pub(super) fn descriptors(
    image: &Image,
    tell: &mut dyn FnMut(&'static str, IsoError),
) -> Result<(Option<Volumes>, Option<UdfVolume>), IsoError> {
    let (volumes, has_udf) = iso9660::recognise(image, tell)?;
    let blocks = volumes.as_ref().map(|volumes| volumes.primary.blocks);
    let udf = match has_udf.then(|| udf::open(image, blocks)) {
        Some(Ok(udf)) => Some(udf),
        Some(Err(error @ IsoError::Read { .. })) => return Err(error),
        Some(Err(error)) => {
            tell("udf.volume", error);
            None
        }
        None => None,
    };
    Ok((volumes, udf))
}

/// What a walk finds past all damage, and the first of it.
fn past_damage<T>(
    walk: impl FnOnce(&mut Complain) -> Result<T, IsoError>,
) -> Result<(T, Option<IsoError>), IsoError> {
    let mut first = None;
    let found = walk(&mut |error| match error {
        IsoError::Read { .. } => Err(error),
        _ => {
            first.get_or_insert(error);
            Ok(())
        }
    })?;
    Ok((found, first))
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
    pub fn file(
        &self,
        what: &'static str,
        path: String,
        extents: Extents,
        record: u64,
    ) -> Result<DiscFile, IsoError> {
        let extents: Extents = extents.into_iter().filter(|(_, len)| *len > 0).collect();
        let mut len = 0_u64;
        for &(offset, count) in &extents {
            self.check(what, offset, count)?;
            len = len.saturating_add(count);
        }
        let pieces =
            extents.iter().map(|&(offset, len)| Piece::Slice { source: self.source.clone(), offset, len });
        Ok(DiscFile { path, len, content: Content::from_pieces(pieces.collect()), extents, record })
    }
}

/// What is told of everything that is wrong; an error it returns ends the walk.
pub(super) type Complain<'a> = dyn FnMut(IsoError) -> Result<(), IsoError> + 'a;

/// The value; or none when what is wrong was told and a walk can go on. It cannot on a device that fails, nor when its
/// means are spent.
pub(super) fn told<T>(result: Result<T, IsoError>, complain: &mut Complain) -> Result<Option<T>, IsoError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error @ (IsoError::Read { .. } | IsoError::TooMany { .. })) => Err(error),
        Err(error) => complain(error).map(|()| None),
    }
}

/// The means of one walk, and the names in a tree it goes by.
pub(super) struct Means {
    pub what: &'static str,
    budget: Budget,
}

impl Means {
    pub fn new(what: &'static str, image: &Image) -> Self {
        Self { what, budget: Budget::new(image.len) }
    }

    /// One more name of the folder `path`.
    pub fn name(&mut self, path: &str) -> Result<(), IsoError> {
        let spent = self.budget.name();
        self.told(spent, path)
    }

    /// A folder's bytes.
    pub fn folder(&mut self, len: u64, path: &str) -> Result<(), IsoError> {
        let spent = self.budget.folder(len);
        self.told(spent, path)
    }

    /// A file's pieces.
    pub fn extents(&mut self, extents: &Extents, path: &str) -> Result<(), IsoError> {
        let spent = self.budget.extents(extents.len());
        self.told(spent, path)
    }

    /// The path of a name in a folder.
    pub fn path(&mut self, parent: &str, name: &str) -> Result<String, IsoError> {
        let path = join(parent, name);
        if is_too_long(&path) {
            let (limit, path) = (LONGEST_PATH as u64, parent.to_owned());
            return Err(IsoError::TooDeep { what: self.what, unit: "UTF-16 units in a path", limit, path });
        }
        let spent = self.budget.path(&path);
        self.told(spent, parent)?;
        Ok(path)
    }

    /// Refuses a folder that is too deep.
    pub fn depth(&self, depth: usize, path: &str) -> Result<(), IsoError> {
        if depth > DEPTH_LIMIT {
            let (limit, path) = (DEPTH_LIMIT as u64, path.to_owned());
            return Err(IsoError::TooDeep { what: self.what, unit: "levels of folders", limit, path });
        }
        Ok(())
    }

    fn told(&self, spent: Result<(), Exceeded>, path: &str) -> Result<(), IsoError> {
        let what = self.what;
        spent.map_err(|Exceeded { unit, limit }| IsoError::TooMany {
            what,
            unit,
            limit,
            path: path.to_owned(),
        })
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
