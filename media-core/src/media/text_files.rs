//! The small text files of a medium, from `templates/`.

use super::names::MediaLabel;
use crate::spec::MediaSpec;

/// Path of the label in a form scripts can read.
pub const MEDIA_LABEL_PATH: &str = "MediaLabel.txt";
/// Path of the label for Windows Explorer.
pub const AUTORUN_PATH: &str = "autorun.inf";

const BOOTSTRAP: &str = include_str!("../../../templates/TsmBootstrap.ini");
const AUTORUN: &str = include_str!("../../../templates/autorun.inf");

/// `SMS/data/TsmBootstrap.ini`: what the task sequence engine reads before it asks for the password.
pub fn bootstrap(spec: &MediaSpec) -> Vec<u8> {
    let truth = |value: bool| if value { "true" } else { "false" };
    if let Some(ini) = spec.site_form.as_ref().and_then(|form| form.bootstrap.as_ref()) {
        return ini.with(&[
            ("MediaType", "BootMedia"),
            ("PasswordRequired", truth(spec.password.is_some())),
            ("Unattended", truth(spec.options.unattended)),
        ]);
    }
    let text = BOOTSTRAP
        .replace("{password-required}", truth(spec.password.is_some()))
        .replace("{unattended}", truth(spec.options.unattended));
    with_windows_line_ends(&text)
}

/// `MediaLabel.txt` in the root: the label in a form scripts can read (since 1902).
pub fn media_label(label: &MediaLabel) -> Vec<u8> {
    format!("label={}\r\n", label.as_str()).into_bytes()
}

/// `autorun.inf` in the root, which shows the whole label in Windows Explorer.
pub fn autorun(label: &MediaLabel) -> Vec<u8> {
    with_windows_line_ends(&AUTORUN.replace("{label}", label.as_str()))
}

fn with_windows_line_ends(text: &str) -> Vec<u8> {
    text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
}
