//! What differs between an image of one boot image and an image of another.

use super::ServiceError;
use crate::hive;
use crate::media::hives::Hives;
use crate::wim::{self, FileDifference, FileDifferenceKind, Image, Wim};

/// The first bytes of a registry hive.
const HIVE_MAGIC: &[u8] = b"regf";
/// A hive is a base block and bins, each a multiple of this long.
const HIVE_UNIT: u64 = 4096;
/// How much is decoded to find hives among the files that differ.
const MOST_LOOKED_INTO: u64 = 64 << 20;

/// What differs between two images.
pub struct ImageComparison {
    /// The differences, by path.
    pub files: Vec<FileDifference>,
    /// How many more there are than are listed.
    pub left_out: usize,
    /// What differs in each registry hive that is in both and has other content.
    pub hives: Vec<HiveDifference>,
}

/// What differs between two registry hives of the same name.
pub struct HiveDifference {
    /// The hive's path in the image.
    pub path: String,
    /// The differences by key, or why one of the two cannot be read.
    pub keys: Result<hive::compare::Comparison, String>,
}

impl ImageComparison {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// Compares an image of one WIM file with an image of another, registry hives by their keys too.
///
/// # Errors
/// [`ServiceError::Wim`] when an image's tree cannot be read.
pub fn compare_images(
    (before, first): (&Wim, u32),
    (after, second): (&Wim, u32),
) -> Result<ImageComparison, ServiceError> {
    let images = (before.image(first)?, after.image(second)?);
    let found = wim::compare(&images.0, &images.1);
    let changed = found.differences.iter().filter(|difference| match &difference.kind {
        FileDifferenceKind::Changed(aspects) => aspects.contains(&wim::Aspect::Content),
        _ => false,
    });
    let (mut first, mut second) = (Hives::new(before), Hives::new(after));
    let mut looked_into = 0;
    let hives = changed.filter_map(|difference| {
        let path = difference.path.as_str();
        if !is_hive(before, &images.0, path, &mut looked_into) {
            return None;
        }
        let keys = first.read(&images.0, path).and_then(|first| {
            let second = second.read(&images.1, path)?;
            Ok(hive::compare::compare(&first, &second)?)
        });
        Some(HiveDifference { path: path.to_owned(), keys: keys.map_err(|error| error.to_string()) })
    });
    let hives = hives.collect();
    Ok(ImageComparison { files: found.differences, left_out: found.left_out, hives })
}

/// Whether a file looks like a registry hive. Only what may be one by its length is looked into, and of what is no hive
/// all the same no more than [`MOST_LOOKED_INTO`].
fn is_hive(wim: &Wim, image: &Image, path: &str, looked_into: &mut u64) -> bool {
    let hash = image.find(path).filter(|entry| entry.is_plain_file()).and_then(|entry| entry.hash());
    let Some((hash, blob)) = hash.and_then(|hash| Some((hash, wim.blob(&hash)?))) else { return false };
    let len = blob.resource.len;
    if !len.is_multiple_of(HIVE_UNIT) || *looked_into >= MOST_LOOKED_INTO {
        return false;
    }
    let is_hive = wim.starts_with(&hash, HIVE_MAGIC).unwrap_or(false);
    if !is_hive {
        *looked_into += len.min(u64::from(wim.header().chunk_size));
    }
    is_hive
}
