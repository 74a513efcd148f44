//! What differs between an image of one boot image and an image of another.

use super::ServiceError;
use crate::hive::{self, Hive};
use crate::wim::{self, FileDifference, FileDifferenceKind, Image, Wim};

/// The first bytes of a registry hive.
const HIVE_MAGIC: &[u8] = b"regf";
/// The largest hive that is compared by key; those of full Windows are about 100 MB.
const LARGEST_HIVE: u64 = 512 << 20;

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
    let hives = changed.filter_map(|difference| {
        let path = difference.path.as_str();
        let first = hive_bytes(before, &images.0, path)?;
        let second = hive_bytes(after, &images.1, path)?;
        let keys = first.and_then(|first| Ok((open(first)?, open(second?)?)));
        let compared = |(first, second): (Hive, Hive)| {
            hive::compare::compare(&first, &second).map_err(|error| error.to_string())
        };
        Some(HiveDifference { path: path.to_owned(), keys: keys.and_then(compared) })
    });
    let hives = hives.collect();
    Ok(ImageComparison { files: found.differences, left_out: found.left_out, hives })
}

/// The bytes of a file that is a registry hive; `None` when it is none.
fn hive_bytes(wim: &Wim, image: &Image, path: &str) -> Option<Result<Vec<u8>, String>> {
    let entry = image.find(path).filter(|entry| entry.is_plain_file())?;
    let hash = entry.hash()?;
    let is_hive = wim.starts_with(&hash, HIVE_MAGIC).unwrap_or(false);
    is_hive.then(|| wim.read(&hash, LARGEST_HIVE).map_err(|error| error.to_string()))
}

fn open(bytes: Vec<u8>) -> Result<Hive, String> {
    Hive::open(bytes).map_err(|error| error.to_string())
}
