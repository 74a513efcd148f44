//! `cargo xtask other-systems`: what is written for Windows and macOS is compiled for them, and tested as far as it can be
//! without them. It takes long the first time, so it is not part of continuous integration, which runs the tests of everything
//! that makes sense of these systems' answers.

use std::path::PathBuf;

use crate::run::{Done, command, root, show_and_run, target};

/// A second toolchain is needed, with the source of std, which no other target comes without.
const SCRIPT: &str = include_str!("other_systems.sh");

/// Compiles and lints `media-devices` for both, and runs its tests for Windows under wine; builds the command for Windows, and
/// runs its suite there.
pub fn run(arguments: &[String]) -> Done {
    if let Some(other) = arguments.first() {
        return Err(format!("other-systems knows no {other}"));
    }
    let folder: PathBuf = target().join("other-systems");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut script = command("bash", &["-euo", "pipefail", "-c", SCRIPT]);
    show_and_run(script.env("FOLDER", &folder).env("REPOSITORY", root()))
}
