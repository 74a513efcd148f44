//! What `tsmedia create --dry-run` prints: every structure and file with its size and place.

use std::fmt;

use media_core::{Plan, StageReport};
use serde::Serialize;

use super::Shown;
use super::created::Decisions;
use super::sizes::size;
use crate::settings::Decided;

/// A plan.
#[derive(Serialize)]
pub struct Planned {
    kind: String,
    bytes: u64,
    files: Vec<File>,
    layout: Vec<Run>,
    #[serde(flatten)]
    decisions: Decisions,
}

#[derive(Serialize)]
struct File {
    path: String,
    bytes: u64,
    offset: Option<u64>,
    origin: String,
}

#[derive(Serialize)]
struct Run {
    offset: u64,
    bytes: u64,
    label: String,
}

impl Planned {
    pub(crate) fn new(plan: &Plan, report: &StageReport, decided: &Decided) -> Self {
        let file = |file: &media_core::PlannedFile| File {
            path: file.path.clone(),
            bytes: file.len,
            offset: file.offset,
            origin: file.origin.clone(),
        };
        let run = |(offset, bytes, label): (u64, u64, &str)| Run { offset, bytes, label: label.to_owned() };
        Self {
            kind: plan.kind.clone(),
            bytes: plan.len,
            files: plan.files.iter().map(file).collect(),
            layout: plan.runs().into_iter().map(run).collect(),
            decisions: Decisions::new(report, decided, &decided.notes),
        }
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "Would be made: {}, {}", self.kind, size(self.bytes))?;
        writeln!(out, "\n{:>14} {:>14}  structure or file", "offset", "bytes")?;
        for run in &self.layout {
            writeln!(out, "{:>14} {:>14}  {}", run.offset, run.bytes, Shown(&run.label))?;
        }
        writeln!(out, "\n{:>14} {:>14}  {:<44} from", "offset", "bytes", "file")?;
        for file in &self.files {
            let offset = file.offset.map_or_else(|| "-".to_owned(), |offset| offset.to_string());
            let (path, origin) = (Shown(&file.path).to_string(), Shown(&file.origin));
            writeln!(out, "{offset:>14} {:>14}  {path:<44} {origin}", file.bytes)?;
        }
        writeln!(out)?;
        self.decisions.fmt(out)?;
        writeln!(out, "\nNothing was written.")
    }
}
