//! What is said of sticks: which would be written, and what became of each.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::created::Created;
use super::devices::Device;
use super::sizes::size;
use super::{Shown, notes};
use crate::sticks::{Choice, Done, Outcome};
use crate::workers::register::{self, Entry};

/// The sticks that would be written.
#[derive(Serialize)]
pub(crate) struct Intended {
    sticks: Vec<Stick>,
}

/// What became of every stick.
#[derive(Serialize)]
pub(crate) struct Sticks {
    ready: usize,
    failed: usize,
    sticks: Vec<Stick>,
    #[serde(rename = "stick_notes")]
    notes: Vec<String>,
}

/// A batch on sticks: how far it is.
#[derive(Serialize)]
pub(crate) struct BatchOnSticks {
    folder: String,
    on_sticks: usize,
    /// The register.
    media: Vec<Entry>,
    #[serde(flatten)]
    sticks: Sticks,
}

#[derive(Serialize)]
struct Stick {
    /// What the user called it.
    named: String,
    /// What it is.
    disk: Option<Device>,
    state: State,
    /// Which medium of a batch it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    medium: Option<String>,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    written: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_back: Option<u64>,
    /// Whether what was read back came from the stick, past the system's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    past_cache: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It would be written.
    Chosen,
    Ready,
    /// It was not touched, and nothing is wrong with it.
    Left,
    Failed,
}

/// A medium that was made for sticks, and what became of each.
#[derive(Serialize)]
pub(crate) struct MadeForSticks {
    pub(crate) medium: Created,
    #[serde(flatten)]
    pub(crate) sticks: Sticks,
}

impl fmt::Display for MadeForSticks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.medium, self.sticks)
    }
}

impl Intended {
    pub(crate) fn new(choices: &[Choice]) -> Self {
        let state = |choice: &Choice| if choice.problem.is_some() { State::Failed } else { State::Chosen };
        Self { sticks: choices.iter().map(|choice| Stick::new(choice, state(choice), None)).collect() }
    }
}

impl Sticks {
    pub(crate) fn new(outcomes: &[Outcome], notes: Vec<String>) -> Self {
        let sticks: Vec<Stick> = outcomes.iter().map(Stick::of).collect();
        let count = |state| sticks.iter().filter(|stick| stick.state == state).count();
        Self { ready: count(State::Ready), failed: count(State::Failed), sticks, notes }
    }

    /// Whether there is one that can be mailed.
    pub(crate) fn any_ready(&self) -> bool {
        self.ready > 0
    }

    /// Whether every stick can be mailed.
    pub(crate) fn all_ready(&self) -> bool {
        self.failed == 0
    }
}

impl BatchOnSticks {
    pub(crate) fn new(folder: &Path, media: Vec<Entry>, outcomes: &[Outcome], notes: &[String]) -> Self {
        let on_sticks = media.iter().filter(|entry| entry.device_written.is_some()).count();
        let folder = folder.display().to_string();
        Self { folder, on_sticks, media, sticks: Sticks::new(outcomes, notes.to_vec()) }
    }

    /// Whether every medium of the register is on a stick.
    pub(crate) fn is_complete(&self) -> bool {
        self.on_sticks == self.media.len()
    }
}

/// What is said of one stick as soon as it is known.
pub(crate) fn spoken(outcome: &Outcome) -> String {
    Shown(Stick::of(outcome).line()).to_string()
}

impl Stick {
    fn of(outcome: &Outcome) -> Self {
        let state = match (&outcome.done, &outcome.choice.problem) {
            (Some(_), _) => State::Ready,
            (None, Some(problem)) if problem.is_left() => State::Left,
            _ => State::Failed,
        };
        Self { medium: outcome.medium.clone(), ..Self::new(&outcome.choice, state, outcome.done) }
    }

    fn new(choice: &Choice, state: State, done: Option<Done>) -> Self {
        Self {
            named: choice.named.display().to_string(),
            disk: choice.disk.as_ref().map(Device::new),
            state,
            medium: None,
            message: choice.problem.as_ref().map(ToString::to_string),
            written: done.map(|done| done.written),
            read_back: done.and_then(|done| done.read_back),
            past_cache: done.filter(|done| done.read_back.is_some()).map(|done| done.past_cache),
            seconds: done.map(|done| (done.took.as_secs_f64() * 10.0).round() / 10.0),
        }
    }

    /// `/dev/sdb (SanDisk Ultra, serial 4C53…, port 2-1)`
    fn name(&self) -> String {
        match &self.disk {
            Some(disk) if disk.device == self.named => format!("{} ({})", disk.device, disk.named()),
            Some(disk) => format!("{} = {} ({})", self.named, disk.device, disk.named()),
            None => self.named.clone(),
        }
    }

    /// `ready   /dev/sdb (SanDisk Ultra, serial 4C53…, port 2-1): KEY-1 for Anna; 562 MB written …`
    fn line(&self) -> String {
        let medium = self.medium.as_ref().map(|medium| format!("{medium}; ")).unwrap_or_default();
        let (word, said) = match (self.state, &self.message) {
            (State::Left, Some(message)) => ("left   ", message.clone()),
            (_, Some(message)) => ("FAILED ", message.clone()),
            (_, None) => ("ready  ", self.done()),
        };
        format!("{word} {}: {medium}{said}", self.name())
    }

    fn done(&self) -> String {
        let seconds = self.seconds.unwrap_or_default();
        let written = match self.written.unwrap_or_default() {
            0 => "it has the medium already; nothing was written".to_owned(),
            written => format!("{} written", size(written)),
        };
        match (self.read_back, self.past_cache) {
            (Some(_), Some(true)) => {
                format!("{written}, all of it read back from the stick and compared, in {seconds} s")
            }
            (Some(_), _) => format!(
                "{written}, all of it read back and compared, in {seconds} s; what was read may have come from the system's cache"
            ),
            (None, _) => format!("{written}, not read back, in {seconds} s"),
        }
    }
}

impl fmt::Display for Intended {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for stick in &self.sticks {
            let what = match (&stick.message, &stick.disk) {
                (Some(message), _) => message.clone(),
                (None, Some(disk)) => format!("would be written, {}", size(disk.size)),
                (None, None) => String::new(),
            };
            writeln!(out, "{}: {}", Shown(stick.name()), Shown(what))?;
        }
        Ok(())
    }
}

impl fmt::Display for BatchOnSticks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in self.media.iter().filter(|entry| entry.device_written.is_none()) {
            let why = match entry.state {
                register::State::Made => "is on no stick yet",
                register::State::Failed => "was not made",
            };
            writeln!(out, "{}", Shown(format!("MISSING {} for {}: it {why}", entry.serial, entry.name)))?;
        }
        write!(out, "{}", self.sticks)?;
        writeln!(out, "{} of {} media of {} are on sticks", self.on_sticks, self.media.len(), self.folder)
    }
}

impl fmt::Display for Sticks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for stick in &self.sticks {
            writeln!(out, "{}", Shown(stick.line()))?;
        }
        writeln!(out, "{} of {} sticks are ready", self.ready, self.sticks.len())?;
        notes(out, &self.notes)
    }
}
