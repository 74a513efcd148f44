//! Files into an image: branding, prestart scripts, drivers.

use std::path::PathBuf;

use super::ServiceError;
use crate::io::{FileSource, Source};
use crate::wim::{Addition, Edit, Edited, Hash, Image, Wim};

/// The largest file that takes the place of another: it is held in memory.
const LARGEST_REPLACEMENT: u64 = 1 << 30;

/// A file, or an empty folder, and where it goes in the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Where it is now.
    pub source: PathBuf,
    /// Where it goes in the image, `\` or `/` between names.
    pub target: String,
}

/// What is to be done to an image so that it has some files.
pub struct FilesPlan {
    /// The WIM file with the content of files that were there with other content. Their security descriptors, attributes
    /// and times stay.
    pub edited: Edited,
    /// What then has to be added, by [`crate::wim::add`].
    pub additions: Vec<Addition>,
    /// What becomes of each file, in the order given, by its path in the image.
    pub files: Vec<(String, FileOutcome)>,
}

/// What becomes of a file that is to be in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileOutcome {
    /// It was there with this content.
    WasThere,
    /// It was there and gets this content.
    Replaced,
    /// It was not there.
    Added,
}

impl FilesPlan {
    /// Whether anything changes.
    pub fn is_changed(&self) -> bool {
        self.edited.is_changed() || !self.additions.is_empty()
    }
}

/// Compares files with what an image has in their places. Every file is read once.
///
/// # Errors
/// [`ServiceError::File`] for a file that cannot be read or whose place is taken, and [`ServiceError::Wim`].
pub fn plan_files(wim: &Wim, image: u32, files: &[NewFile]) -> Result<FilesPlan, ServiceError> {
    let tree = wim.image(image)?;
    let (mut edit, mut additions, mut outcomes) = (Edit::new(wim), Vec::new(), Vec::new());
    for file in files {
        let failed = |problem: String| ServiceError::File { path: file.source.clone(), problem };
        let target = path_in(&tree, &file.target);
        if let Some(place) = file_in_the_way(&tree, &target) {
            return Err(failed(format!("in the image, {place} is not a folder")));
        }
        let is_folder = file.source.is_dir();
        let there = tree.find(&target);
        let outcome = match there {
            None => FileOutcome::Added,
            Some(entry) if is_folder && entry.is_directory() => FileOutcome::WasThere,
            Some(entry) if is_folder || !entry.is_plain_file() => {
                let what =
                    if is_folder { "a file" } else { "a folder, or a file that is encrypted or a link" };
                return Err(failed(format!("in the image, {target} is {what}")));
            }
            Some(entry) => {
                let source = FileSource::open(&file.source).map_err(|error| failed(error.to_string()))?;
                let hash = Hash::of_source(&source).map_err(|error| failed(error.to_string()))?;
                let there = entry.hash().unwrap_or_else(|| Hash::of(&[]));
                if there == hash {
                    FileOutcome::WasThere
                } else {
                    let bytes = whole(&source).map_err(|error| failed(error.to_string()))?;
                    edit = edit.replace(image, target.as_str(), bytes);
                    FileOutcome::Replaced
                }
            }
        };
        if outcome == FileOutcome::Added {
            additions.push(Addition { source: file.source.clone(), target: target.clone() });
        }
        outcomes.push((target, outcome));
    }
    Ok(FilesPlan { edited: edit.edited()?, additions, files: outcomes })
}

/// A path with the names that are there as the image writes them: wimlib tells upper case from lower.
fn path_in(tree: &Image, path: &str) -> String {
    let (mut names, mut at): (Vec<String>, String) = (Vec::new(), String::new());
    for name in path.split(['\\', '/']).filter(|name| !name.is_empty()) {
        at = if at.is_empty() { name.to_owned() } else { format!(r"{at}\{name}") };
        names.push(tree.find(&at).map_or_else(|| name.to_owned(), |entry| entry.name.clone()));
    }
    names.join(r"\")
}

/// A path above another that is there and is no folder.
fn file_in_the_way<'a>(tree: &Image, path: &'a str) -> Option<&'a str> {
    let above = path.match_indices('\\').map(|(end, _)| &path[..end]);
    above.into_iter().find(|path| tree.find(path).is_some_and(|entry| !entry.is_directory()))
}

fn whole(source: &FileSource) -> std::io::Result<Vec<u8>> {
    if source.len() > LARGEST_REPLACEMENT {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = vec![0; source.len() as usize];
    source.read_exact_at(0, &mut bytes)?;
    Ok(bytes)
}
