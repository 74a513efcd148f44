//! Files added to a boot image.

use std::fmt;
use std::path::Path;

use media_core::service::FileOutcome;
use serde::Serialize;

use crate::output::Shown;

/// What became of files that were to be added.
#[derive(Serialize)]
pub struct AddedFiles {
    boot_image: String,
    output: String,
    changed: bool,
    files: Vec<AddedFile>,
}

#[derive(Serialize)]
struct AddedFile {
    image: u32,
    path: String,
    result: &'static str,
}

impl AddedFiles {
    pub(crate) fn new(boot_image: &Path, output: Option<&Path>) -> Self {
        Self {
            boot_image: boot_image.display().to_string(),
            output: output.unwrap_or(boot_image).display().to_string(),
            changed: false,
            files: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, image: u32, files: &[(String, FileOutcome)]) {
        for (path, outcome) in files {
            let result = match outcome {
                FileOutcome::WasThere => "was-there",
                FileOutcome::Replaced => "replaced",
                FileOutcome::Added => "added",
            };
            self.changed |= *outcome != FileOutcome::WasThere;
            self.files.push(AddedFile { image, path: path.clone(), result });
        }
    }
}

impl fmt::Display for AddedFiles {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            let words = match file.result {
                "was-there" => "was there already",
                other => other,
            };
            writeln!(out, "image {}: {}: {words}", file.image, Shown(&file.path))?;
        }
        match (self.changed, self.output == self.boot_image) {
            (true, true) => writeln!(out, "{}: replaced by the new one", self.boot_image),
            (false, true) => writeln!(out, "{}: nothing to change, and nothing was", self.boot_image),
            (_, false) => writeln!(out, "{}: written", self.output),
        }
    }
}
