//! Whether the trees of a disc call their files the same.
//!
//! Joliet and ISO 9660 cannot hold every name, and how a name is cut when it does not fit is the writer's choice. So
//! only names are compared which every writer puts down in the same way; [`super::check`] compares the data of all.

use std::collections::BTreeMap;

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
    let Some(((fullest, files), others)) = trees.split_last() else { return };
    for (name, others) in others {
        let primary = *name == "primary tree";
        let short = primary && others.iter().all(|file| file.path.split('/').all(is_8_3));
        let expected = |path: &str| match primary {
            true => in_primary(path, short),
            false => in_joliet(path),
        };
        let recorded = |path: &str| if primary { joined(path, false) } else { path.to_owned() };
        compare((fullest, files), (name, others), expected, recorded, found);
    }
}

fn compare(
    (fullest, files): (&str, &[DiscFile]),
    (other, others): (&str, &[DiscFile]),
    expected: impl Fn(&str) -> Option<String>,
    recorded: impl Fn(&str) -> String,
    found: &mut Findings,
) {
    let mut there: BTreeMap<String, Vec<&DiscFile>> = BTreeMap::new();
    for file in others {
        there.entry(recorded(&file.path)).or_default().push(file);
    }
    // Names that become one are told apart by the writer in its own way.
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for path in files.iter().filter_map(|file| expected(&file.path)) {
        *times.entry(path).or_default() += 1;
    }
    let mut wrong = 0;
    for file in files {
        let Some(path) = expected(&file.path).filter(|path| times.get(path) == Some(&1)) else { continue };
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
        found.push(Finding::error("iso.names-differ", fullest, message));
    }
}

/// The path in Joliet, when every name in it fits there as it is.
fn in_joliet(path: &str) -> Option<String> {
    let plain = |letter: char| letter >= ' ' && (letter as u32) < 0x1_0000 && !"*:;?\\".contains(letter);
    let fits = |name: &str| name.chars().count() <= JOLIET_UNITS && name.chars().all(plain);
    path.split('/').all(fits).then(|| path.to_owned())
}

/// The path in ISO 9660, when every name in it has one obvious form there; on a disc of `short` names only those that
/// are short themselves.
fn in_primary(path: &str, short: bool) -> Option<String> {
    let fits = |name: &str| {
        let plain = name.is_ascii() && name.len() <= PRIMARY_CHARACTERS;
        plain && !name.starts_with('.') && !name.ends_with('.') && (!short || is_8_3(name))
    };
    path.split('/').all(fits).then(|| joined(path, true))
}

/// ISO 9660 has one dot in a file's name and none in a folder's, and beside it only `A` to `Z`, `0` to `9` and `_`.
/// Some writers leave other characters as they are, so `_` stands for all of them here.
fn joined(path: &str, upper_case: bool) -> String {
    let last_dot = path.rfind('.').filter(|dot| path.rfind('/').is_none_or(|slash| slash < *dot));
    let letters = path.char_indices().map(|(at, letter)| match letter {
        '.' if Some(at) == last_dot => '.',
        '/' => '/',
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
