//! What is said of sticks: which would be written, and what became of each.

use std::fmt;

use serde::Serialize;

use super::created::Created;
use super::devices::Device;
use super::sizes::size;
use super::{Shown, notes};
use crate::sticks::{Choice, Done, Outcome};

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

#[derive(Serialize)]
struct Stick {
    /// What the user called it.
    named: String,
    /// What it is.
    disk: Option<Device>,
    state: State,
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
        let stick = |outcome: &Outcome| {
            let state = if outcome.done.is_some() { State::Ready } else { State::Failed };
            Stick::new(&outcome.choice, state, outcome.done)
        };
        let sticks: Vec<Stick> = outcomes.iter().map(stick).collect();
        let ready = sticks.iter().filter(|stick| stick.state == State::Ready).count();
        Self { ready, failed: sticks.len() - ready, sticks, notes }
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

impl Stick {
    fn new(choice: &Choice, state: State, done: Option<Done>) -> Self {
        Self {
            named: choice.named.display().to_string(),
            disk: choice.disk.as_ref().map(Device::new),
            state,
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

impl fmt::Display for Sticks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for stick in &self.sticks {
            match &stick.message {
                Some(message) => writeln!(out, "FAILED  {}: {}", Shown(stick.name()), Shown(message))?,
                None => writeln!(out, "ready   {}: {}", Shown(stick.name()), stick.done())?,
            }
        }
        writeln!(out, "{} of {} sticks are ready", self.ready, self.sticks.len())?;
        notes(out, &self.notes)
    }
}
