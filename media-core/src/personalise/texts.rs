//! The small text files that follow from what is the medium's own.

use super::{Original, PersonaliseError};
use crate::media::bootstrap_ini::{self, BootstrapIni};
use crate::media::names::MediaLabel;
use crate::media::text_files::{self, AUTORUN_PATH, MEDIA_LABEL_PATH};

/// A file's path and its new bytes.
type Made = (String, Vec<u8>);
/// How a file is made of a label.
type Form = fn(&MediaLabel) -> Vec<u8>;

/// Whether the engine asks for a password.
pub(super) fn bootstrap(
    original: &Original,
    has_password: bool,
    notes: &mut Vec<String>,
) -> Result<Option<Made>, PersonaliseError> {
    if !original.has(bootstrap_ini::PATH) {
        notes.push("the medium has no TsmBootstrap.ini that says whether to ask for a password".to_owned());
        return Ok(None);
    }
    original.check_listed(&[bootstrap_ini::PATH])?;
    let ini = BootstrapIni::read(&original.file(bootstrap_ini::PATH)?)?;
    let required = if has_password { "true" } else { "false" };
    Ok(Some((bootstrap_ini::PATH.to_owned(), ini.with(&[("PasswordRequired", required)]))))
}

/// The files that show the label. One that was given when the medium was made, and not made from the label, stays.
pub(super) fn labels(
    original: &Original,
    label: &MediaLabel,
    notes: &mut Vec<String>,
) -> Result<Vec<Made>, PersonaliseError> {
    let before = &original.origin.shape.label;
    let mut made = Vec::new();
    let forms: [(&str, Form); 2] =
        [(MEDIA_LABEL_PATH, text_files::media_label), (AUTORUN_PATH, text_files::autorun)];
    for (path, form) in forms {
        if !original.has(path) {
            continue;
        }
        original.check_listed(&[path])?;
        if original.file(path)? == form(before) {
            made.push((path.to_owned(), form(label)));
        } else {
            notes.push(format!("{path} was not made from the label, and stays as it is"));
        }
    }
    Ok(made)
}
