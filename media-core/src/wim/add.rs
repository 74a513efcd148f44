//! Adds files to an image with wimlib, which makes the directory entries; everything else stays as it is.
//!
//! wimlib gives a new file no security descriptor when it does not run on Windows: Windows then takes the folder's. Only
//! this module uses wimlib's safe interface, and of that only what opens, updates and overwrites a WIM file.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use wimlib::string::TStr;
use wimlib::{AddFlags, OpenFlags, UpdateCommand, UpdateFlags, WimLib, WriteFlags};

use super::WimError;

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
    let index = NonZero::new(image).ok_or(WimError::NoImage { index: image, images: 0 })?;
    let texts: Result<Vec<_>, WimError> = additions
        .iter()
        .map(|addition| {
            let target = format!("/{}", addition.target.trim_matches(['\\', '/']).replace('\\', "/"));
            Ok((text(&addition.source)?, terminated(target)?))
        })
        .collect();
    let texts = texts?;
    let mut commands = Vec::with_capacity(texts.len());
    for (source, target) in &texts {
        commands.push(UpdateCommand::add(tstr(source)?, tstr(target)?, None, flags()));
    }
    let file = text(path)?;
    let opened = library().open_wim(tstr(&file)?, OpenFlags::WRITE_ACCESS);
    let wim = opened.map_err(|error| failed("opening the WIM file", error))?;
    let updated = wim.select_image(index).update(&commands, UpdateFlags::empty());
    updated.map_err(|error| failed("adding the files", error))?;
    wim.overwrite(WriteFlags::FSYNC, 0).map_err(|error| failed("writing the WIM file", error))
}

/// Links are followed, so that what they lead to is added. Owners and modes of Unix mean nothing to Windows.
fn flags() -> AddFlags {
    AddFlags::DEREFERENCE | AddFlags::NO_ACLS | AddFlags::NO_UNSUPPORTED_EXCLUDE | AddFlags::NORPFIX
}

/// wimlib's global state, made once and never given back: the decoder uses it too.
fn library() -> &'static WimLib {
    static LIBRARY: OnceLock<WimLib> = OnceLock::new();
    LIBRARY.get_or_init(WimLib::default)
}

fn text(path: &Path) -> Result<Vec<u8>, WimError> {
    let text = path.to_str().ok_or_else(|| WimError::Path { path: path.display().to_string() })?;
    terminated(text.to_owned())
}

fn terminated(mut text: String) -> Result<Vec<u8>, WimError> {
    if text.contains('\0') {
        return Err(WimError::Path { path: text });
    }
    text.push('\0');
    Ok(text.into_bytes())
}

fn tstr(text: &[u8]) -> Result<&TStr, WimError> {
    TStr::from_slice(text).map_err(|_| WimError::Path { path: String::from_utf8_lossy(text).into_owned() })
}

fn failed(doing: &'static str, error: wimlib::Error) -> WimError {
    WimError::Wimlib { doing, message: error.to_string() }
}
