//! Folders, made from the paths of files.

use std::collections::HashMap;

use super::names::{self, ShortName, ShortNames};
use super::{FatError, LARGEST_FILE, LARGEST_FOLDER, LONGEST_PATH, NameProblem};
use crate::layout::FileSize;

/// All folders; the root is the first, and every folder comes after the one it is in.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) folders: Vec<Folder>,
}

#[derive(Debug)]
pub(super) struct Folder {
    /// Index of the folder this one is in; the root is in itself.
    pub(super) parent: usize,
    pub(super) entries: Vec<Entry>,
    path: String,
}

/// A name in a folder.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) node: Node,
    pub(super) name: String,
    pub(super) short: ShortName,
    /// Whether the name needs long-name slots.
    pub(super) long: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    /// Index into the folders.
    Folder(usize),
    /// Index into the files.
    File(usize),
}

impl Tree {
    /// Folders appear in the order in which files need them. Folders spelled in two cases are one, with the first
    /// spelling, as they would be if Windows copied the files.
    pub(super) fn new(files: &[FileSize]) -> Result<Self, FatError> {
        let root = Folder { parent: 0, entries: Vec::new(), path: String::new() };
        let mut folders = vec![root];
        let mut known: HashMap<(usize, String), Node> = HashMap::new();
        for (index, file) in files.iter().enumerate() {
            check_file(file)?;
            let mut folder = 0;
            let mut parts = file.path.split('/').peekable();
            while let Some(name) = parts.next() {
                names::check(name).map_err(|problem| name_error(file, name, problem))?;
                let key = (folder, names::folded(name));
                let is_file = parts.peek().is_none();
                match (known.get(&key), is_file) {
                    (Some(&Node::Folder(next)), false) => folder = next,
                    (Some(&Node::File(other)), true) => {
                        let (first, second) = (files[other].path.clone(), file.path.clone());
                        return Err(FatError::SameName { first, second });
                    }
                    (Some(&Node::File(other)), false) => {
                        return Err(FatError::FileAndFolder { path: files[other].path.clone() });
                    }
                    (Some(&Node::Folder(other)), true) => {
                        return Err(FatError::FileAndFolder { path: folders[other].path.clone() });
                    }
                    (None, _) => {
                        let node = if is_file { Node::File(index) } else { Node::Folder(folders.len()) };
                        let entry = Entry { node, name: name.to_owned(), short: [0; 11], long: false };
                        folders[folder].entries.push(entry);
                        known.insert(key, node);
                        if !is_file {
                            let path = join(&folders[folder].path, name);
                            folders.push(Folder { parent: folder, entries: Vec::new(), path });
                            folder = folders.len() - 1;
                        }
                    }
                }
            }
        }
        folders.iter_mut().for_each(Folder::assign_short_names);
        Ok(Self { folders })
    }

    /// How many 32-byte entries a folder needs, with dot entries or the volume label.
    pub(super) fn slots(&self, folder: usize) -> Result<u64, FatError> {
        // The root is given room for the label whether there is one or not, so that its size does not depend on it.
        let own = if folder == 0 { 1 } else { 2 };
        let slots = own + self.folders[folder].entries.iter().map(Entry::slots).sum::<u64>();
        if slots > LARGEST_FOLDER {
            let path = self.folders[folder].path.clone();
            return Err(FatError::FolderTooLarge { path, entries: slots, limit: LARGEST_FOLDER });
        }
        Ok(slots)
    }
}

impl Folder {
    fn assign_short_names(&mut self) {
        let mut shorts = ShortNames::new(self.entries.iter().map(|entry| entry.name.as_str()));
        for entry in &mut self.entries {
            (entry.short, entry.long) = shorts.assign(&entry.name);
        }
    }
}

impl Entry {
    fn slots(&self) -> u64 {
        let long = if self.long { self.name.encode_utf16().count().div_ceil(13) } else { 0 };
        1 + long as u64
    }
}

fn check_file(file: &FileSize) -> Result<(), FatError> {
    if file.len > LARGEST_FILE {
        return Err(FatError::FileTooLarge { path: file.path.clone(), len: file.len, limit: LARGEST_FILE });
    }
    let units = file.path.encode_utf16().count();
    if units > LONGEST_PATH {
        return Err(FatError::PathTooLong { path: file.path.clone(), units, limit: LONGEST_PATH });
    }
    Ok(())
}

fn name_error(file: &FileSize, name: &str, problem: NameProblem) -> FatError {
    FatError::Name { path: file.path.clone(), name: name.to_owned(), problem }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
