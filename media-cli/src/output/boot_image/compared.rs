//! What differs between two boot images.

use std::fmt;
use std::path::Path;

use media_core::hive::compare::{KeyDifference, KeyDifferenceKind};
use media_core::service::ImageComparison;
use media_core::wim::{FileDifference, FileDifferenceKind};
use serde::Serialize;

use crate::output::Shown;

/// What differs between two boot images.
#[derive(Serialize)]
pub struct Compared {
    before: String,
    after: String,
    images: Vec<Images>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_count: Option<(usize, usize)>,
}

#[derive(Serialize)]
struct Images {
    before: u32,
    after: u32,
    files: Vec<Difference>,
    files_left_out: usize,
    hives: Vec<Hive>,
}

#[derive(Serialize)]
struct Hive {
    path: String,
    keys: Vec<Difference>,
    keys_left_out: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Serialize)]
struct Difference {
    path: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differs: Vec<String>,
}

impl Compared {
    pub(crate) fn new(before: &Path, after: &Path) -> Self {
        let name = |path: &Path| path.display().to_string();
        Self { before: name(before), after: name(after), images: Vec::new(), image_count: None }
    }

    pub(crate) fn add(&mut self, before: u32, after: u32, found: &ImageComparison) {
        let hive = |hive: &media_core::service::HiveDifference| Hive {
            path: hive.path.clone(),
            keys: hive.keys.iter().flat_map(|found| &found.differences).map(Difference::of_key).collect(),
            keys_left_out: hive.keys.as_ref().map_or(0, |found| found.left_out),
            problem: hive.keys.as_ref().err().cloned(),
        };
        self.images.push(Images {
            before,
            after,
            files: found.files.iter().map(Difference::of_file).collect(),
            files_left_out: found.left_out,
            hives: found.hives.iter().map(hive).collect(),
        });
    }

    /// Notes how many images each has: those without a counterpart were not compared.
    pub(crate) fn count(&mut self, before: usize, after: usize) {
        self.image_count = (before != after).then_some((before, after));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.image_count.is_none() && self.images.iter().all(|images| images.files.is_empty())
    }
}

impl Difference {
    fn of_file(difference: &FileDifference) -> Self {
        let (kind, differs) = match &difference.kind {
            FileDifferenceKind::Added => ("added", Vec::new()),
            FileDifferenceKind::Removed => ("removed", Vec::new()),
            FileDifferenceKind::Changed(aspects) => {
                ("changed", aspects.iter().map(ToString::to_string).collect())
            }
        };
        Self { path: difference.path.clone(), kind, differs }
    }

    fn of_key(difference: &KeyDifference) -> Self {
        let values = |names: &[String]| {
            let value = |name: &String| match name.as_str() {
                "" => "value `(default)`".to_owned(),
                name => format!("value `{name}`"),
            };
            names.iter().map(value).collect()
        };
        let (kind, differs) = match &difference.kind {
            KeyDifferenceKind::Added(names) => ("added", values(names)),
            KeyDifferenceKind::Removed(names) => ("removed", values(names)),
            KeyDifferenceKind::Changed(aspects) => {
                ("changed", aspects.iter().map(ToString::to_string).collect())
            }
        };
        Self { path: difference.path.clone(), kind, differs }
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(out, "{} and {}: nothing differs", self.before, self.after);
        }
        if let Some((before, after)) = self.image_count {
            writeln!(out, "{} has {before} images and {} has {after}", self.before, self.after)?;
        }
        for images in self.images.iter().filter(|images| !images.files.is_empty()) {
            match (images.before, images.after) {
                (before, after) if before == after => writeln!(out, "Image {before}")?,
                (before, after) => writeln!(out, "Image {before}, and image {after} of the other")?,
            }
            images.fmt(out)?;
        }
        Ok(())
    }
}

impl fmt::Display for Images {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            write!(out, "  ")?;
            file.fmt(out)?;
            for hive in self.hives.iter().filter(|hive| hive.path == file.path) {
                for key in &hive.keys {
                    write!(out, "      ")?;
                    key.fmt(out)?;
                }
                left_out(out, "      ", hive.keys_left_out, "keys")?;
                if let Some(problem) = &hive.problem {
                    writeln!(out, "      cannot be compared by key: {}", Shown(problem))?;
                }
            }
        }
        left_out(out, "  ", self.files_left_out, "files")
    }
}

fn left_out(out: &mut fmt::Formatter<'_>, indent: &str, count: usize, what: &str) -> fmt::Result {
    if count > 0 { writeln!(out, "{indent}and {count} more {what}") } else { Ok(()) }
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.kind {
            "added" => '+',
            "removed" => '-',
            _ => '~',
        };
        write!(out, "{sign} {}", Shown(&self.path))?;
        if !self.differs.is_empty() {
            write!(out, ": {}", Shown(self.differs.join(", ")))?;
        }
        writeln!(out)
    }
}
