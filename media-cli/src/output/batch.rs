//! What a batch prints.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::sizes::size;
use super::sticks::BatchOnSticks;
use super::{line, notes};
use crate::batch::Planned;
use crate::workers::register::{CSV, Entry, JSON, State};

/// What became of a batch, or would.
#[derive(Serialize)]
pub struct Summary {
    folder: String,
    made: usize,
    failed: usize,
    /// Media that a dry run would make.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    planned: Vec<Medium>,
    /// The register when they were made.
    media: Vec<Entry>,
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    onto_sticks: Option<BatchOnSticks>,
}

#[derive(Serialize)]
struct Medium {
    medium: String,
    name: String,
    length: u64,
}

impl Summary {
    pub(crate) fn new(folder: &Path, media: Vec<Entry>, notes: &[String]) -> Self {
        let failed = media.iter().filter(|entry| entry.state == State::Failed).count();
        Self {
            folder: folder.display().to_string(),
            made: media.len() - failed,
            failed,
            planned: Vec::new(),
            media,
            notes: notes.to_vec(),
            onto_sticks: None,
        }
    }

    pub(crate) fn planned(folder: &Path, planned: &[Planned], notes: &[String]) -> Self {
        let medium = |planned: &Planned| Medium {
            medium: planned.medium.display().to_string(),
            name: planned.name.clone(),
            length: planned.length,
        };
        Self { planned: planned.iter().map(medium).collect(), ..Self::new(folder, Vec::new(), notes) }
    }

    /// Then they were put on sticks.
    pub(crate) fn onto_sticks(&mut self, onto_sticks: BatchOnSticks) {
        self.onto_sticks = Some(onto_sticks);
    }

    /// How many media could not be made.
    pub(crate) fn failed(&self) -> usize {
        self.failed
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for medium in &self.planned {
            line(
                out,
                "Would make",
                format_args!("{}, {}, for {}", medium.medium, size(medium.length), medium.name),
            )?;
        }
        for entry in self.media.iter().filter(|entry| entry.state == State::Failed) {
            let message = entry.message.as_deref().unwrap_or("it was not made");
            line(out, "Not made", format_args!("{} for {}: {message}", entry.serial, entry.name))?;
        }
        let said = |entry: &&Entry| entry.state == State::Made && entry.message.is_some();
        for entry in self.media.iter().filter(said) {
            let message = entry.message.as_deref().unwrap_or_default();
            line(out, "Made", format_args!("{} for {}; {message}", entry.serial, entry.name))?;
        }
        if self.planned.is_empty() {
            line(out, "Media", format_args!("{} of {} in {}", self.made, self.media.len(), self.folder))?;
            line(out, "Register", format_args!("{JSON} and {CSV} there"))?;
            if self.failed > 0 {
                line(out, "", "running the batch again makes those that are missing")?;
            }
        }
        notes(out, &self.notes)?;
        self.onto_sticks.iter().try_for_each(|sticks| write!(out, "{sticks}"))
    }
}
