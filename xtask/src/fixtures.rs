//! `cargo xtask fixtures`: a set of fabricated boot images for trying things out by hand.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Done, cargo, command, show_and_run, target};
use crate::setup;

/// File names and what `fabricate boot-image` is told.
const IMAGES: &[(&str, &[&str])] = &[
    ("boot-x64.wim", &[]),
    ("boot-x86.wim", &["--architecture", "x86"]),
    ("boot-arm64.wim", &["--architecture", "arm64"]),
    ("boot-full-windows.wim", &["--full-windows"]),
    ("boot-xpress.wim", &["--compression", "xpress", "--integrity"]),
    ("boot-uncompressed.wim", &["--compression", "none"]),
    ("boot-600-mib.wim", &["--size-mib", "600", "--files", "9000"]),
];

pub fn run(arguments: &[String]) -> Done {
    let folder = match arguments {
        [] => target().join("fixtures"),
        [option, path] if option == "--output-dir" => PathBuf::from(path),
        _ => return Err("fixtures knows one option: --output-dir DIR".into()),
    };
    let folder = std::path::absolute(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    setup::build()?;
    show_and_run(&mut cargo(&["build", "--release", "--package", "media-tests"]))?;
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let fabricate = target().join("release/fabricate");
    IMAGES.iter().try_for_each(|(name, options)| one(&fabricate, &folder.join(name), options))
}

fn one(fabricate: &Path, output: &Path, options: &[&str]) -> Done {
    let output = output.display().to_string();
    let mut arguments = vec!["boot-image", "--output", &output];
    arguments.extend(options);
    show_and_run(&mut command(fabricate, &arguments))
}
