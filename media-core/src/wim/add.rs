//! Adds files to an image with wimlib, which makes the directory entries; everything else stays as it is.
//!
//! A new file has no security descriptor: Windows then takes the folder's.

use std::path::{Path, PathBuf};

use super::WimError;
use super::wimlib::OpenWim;

/// A file or an empty folder to add to an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// Where it is now.
    pub source: PathBuf,
    /// Where it goes in the image, `\` between names.
    pub target: String,
}

/// Adds files and empty folders to an image of a WIM file on disk, at its end. Folders above them are made; what the
/// image has in their place goes. The names of what is there have to be given in the case the image has them.
///
/// wimlib marks the file as being written until it is done: use a copy.
///
/// # Errors
/// [`WimError::NoImage`] for image 0, [`WimError::Path`] for names wimlib cannot be told, and [`WimError::Wimlib`] for
/// what it says.
pub fn add(path: &Path, image: u32, additions: &[Addition]) -> Result<(), WimError> {
    if image == 0 {
        return Err(WimError::NoImage { index: image, images: 0 });
    }
    let mut wim = OpenWim::open(path)?;
    for addition in additions {
        let target = format!("/{}", addition.target.trim_matches(['\\', '/']).replace('\\', "/"));
        wim.add(image, &addition.source, &target)?;
    }
    wim.write()
}
