//! Whether the trees of a disc call their files the same.
//!
//! Joliet and ISO 9660 cannot hold every name, and how a name is cut when it does not fit is the writer's choice. So
//! only names are compared which every writer puts down in the same way; [`super::check`] compares the data of all.

use std::collections::{BTreeMap, BTreeSet};

use super::check::runs_of;
use super::disc::DiscFile;
use crate::finding::{Finding, Findings};

/// Names that are listed one by one.
const LISTED: usize = 10;
/// Joliet specification, "Joliet File Name".
const JOLIET_UNITS: usize = 64;
/// ECMA-119, 7.5.1: file name and extension together.
const PRIMARY_CHARACTERS: usize = 30;

/// Compares the last tree, which has the fullest names, with each of the others.
pub(super) fn check(trees: &[(&'static str, Vec<DiscFile>)], found: &mut Findings) {
    let Some((fullest, others)) = trees.split_last() else { return };
    for other in others {
        if other.0 == "primary tree" {
            let short = other.1.iter().all(|file| file.path.split('/').all(is_8_3));
            let form = |name: &str, is_file| in_primary(name, is_file, short);
            compare(fullest, other, form, |name, is_file| in_plain_letters(name, is_file, false), found);
        } else {
            compare(fullest, other, |name, _| in_joliet(name), |name, _| name.to_owned(), found);
        }
    }
}

/// Compares two trees. Of a name, and whether it is a file's, `form` tells the obvious form in the other tree, if it has
/// one, and `recorded` how a name of the other tree is compared with that.
fn compare(
    (fullest, files): &(&str, Vec<DiscFile>),
    (other, others): &(&str, Vec<DiscFile>),
    form: impl Fn(&str, bool) -> Option<String>,
    recorded: impl Fn(&str, bool) -> String,
    found: &mut Findings,
) {
    let mut there: BTreeMap<String, Vec<&DiscFile>> = BTreeMap::new();
    for file in others {
        let path: Vec<String> = names(&file.path).map(|name| recorded(name.text, name.is_file)).collect();
        there.entry(path.join("/")).or_default().push(file);
    }
    let folders = certain_names(files, form);
    let mut wrong = 0;
    for file in files {
        let certain: Option<Vec<&str>> = names(&file.path)
            .map(|name| folders.get(name.folder)?.get(&(name.text, name.is_file))?.as_deref())
            .collect();
        let Some(path) = certain.map(|names| names.join("/")) else { continue };
        let same = |found: &&&DiscFile| found.len == file.len && runs_of(found) == runs_of(file);
        if there.get(&path).is_some_and(|files| files.iter().any(|file| same(&file))) {
            continue;
        }
        wrong += 1;
        if wrong <= LISTED {
            let message = format!("no file of the same bytes is called {path} in the {other}");
            found.push(Finding::error("iso.names-differ", format!("{fullest}: {}", file.path), message));
        }
    }
    if wrong > LISTED {
        let message = format!("{} more names are not in the {other}", wrong - LISTED);
        found.push(Finding::error("iso.names-differ", *fullest, message));
    }
}

/// What is in each folder, by name and whether it is a file, with the form its name is sure to have in the other tree.
type Folders<'a> = BTreeMap<&'a str, BTreeMap<(&'a str, bool), Option<String>>>;

fn certain_names(files: &[DiscFile], form: impl Fn(&str, bool) -> Option<String>) -> Folders<'_> {
    let mut folders = Folders::new();
    for name in files.iter().flat_map(|file| names(&file.path)) {
        let folder = folders.entry(name.folder).or_default();
        folder.entry((name.text, name.is_file)).or_insert_with(|| form(name.text, name.is_file));
    }
    for folder in folders.values_mut() {
        // Names that become one are told apart by the writer in its own way, and so are those that do not fit: they
        // take a form that another name has only if that begins as they do.
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for form in folder.values().flatten() {
            *times.entry(form.clone()).or_default() += 1;
        }
        let is_alone = |form: &String| times.get(form) == Some(&1);
        let first = |name: &str| name.chars().next().map(String::from);
        let taken: BTreeSet<Option<String>> = folder
            .iter()
            .filter(|(_, form)| !form.as_ref().is_some_and(is_alone))
            .map(|((name, _), _)| first(name).and_then(|letter| form(&letter, false)))
            .collect();
        let is_free = |form: &String| !taken.contains(&None) && !taken.contains(&first(form));
        for certain in folder.values_mut() {
            *certain = certain.take().filter(|form| is_alone(form) && is_free(form));
        }
    }
    folders
}

/// One name of a path.
pub(super) struct Name<'a> {
    /// The path in front of it.
    folder: &'a str,
    text: &'a str,
    /// The path as far as this name.
    pub path: &'a str,
    /// The last name of a path is a file's.
    pub is_file: bool,
}

pub(super) fn names(path: &str) -> impl Iterator<Item = Name<'_>> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    let mut start = 0;
    ends.map(move |end| {
        let (folder, text) = (&path[..start], &path[start..end]);
        let name = Name { folder, text, path: &path[..end], is_file: end == path.len() };
        start = end + 1;
        name
    })
}

/// The name in Joliet, when it fits there as it is.
fn in_joliet(name: &str) -> Option<String> {
    let plain = |letter: char| letter >= ' ' && (letter as u32) < 0x1_0000 && !"*:;?\\".contains(letter);
    let fits = name.chars().count() <= JOLIET_UNITS && name.chars().all(plain);
    fits.then(|| name.to_owned())
}

/// The name in ISO 9660, when it has one obvious form there; on a disc of `short` names only if it is short itself.
fn in_primary(name: &str, is_file: bool, short: bool) -> Option<String> {
    let plain = name.is_ascii() && name.len() <= PRIMARY_CHARACTERS;
    let fits = plain && !name.starts_with('.') && !name.ends_with('.') && (!short || is_8_3(name));
    fits.then(|| in_plain_letters(name, is_file, true))
}

/// ISO 9660 has one dot in a file's name and none in a folder's, and beside it only `A` to `Z`, `0` to `9` and `_`.
/// Some writers leave other characters as they are, so `_` stands for all of them here.
fn in_plain_letters(name: &str, is_file: bool, upper_case: bool) -> String {
    let last_dot = name.rfind('.').filter(|_| is_file);
    let letters = name.char_indices().map(|(at, letter)| match letter {
        '.' if Some(at) == last_dot => '.',
        'a'..='z' if upper_case => letter.to_ascii_uppercase(),
        _ if letter.is_ascii_alphanumeric() => letter,
        _ => '_',
    });
    letters.collect()
}

fn is_8_3(name: &str) -> bool {
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    stem.len() <= 8 && extension.len() <= 3
}
