//! Where sticks come and go: which of them gets a turn and when, and what is noted of it.

use std::collections::HashMap;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::thread::Scope;
use std::time::{Duration, Instant};

use media_devices::{Disk, Disks, Kind};

use super::queue::{Content, Queue, Turn};
use super::{Event, Serving};
use crate::create;
use crate::error::Error;
use crate::output::sticks::spoken;
use crate::sticks::{AWAY, Choice, Done, Found, Outcome, Problem, Watch, is_same, problem};
use crate::workers::register::{self, Entry};

/// How often is looked for new sticks.
const LOOK: Duration = Duration::from_millis(500);
/// After so many looks, sticks that were named and are not there, or are used, are not waited for.
const LOOKS: u32 = 4;
/// So often in a row the system may fail to say which disks there are.
const FAILED_LOOKS: u32 = 20;
/// For so long a stick that is slow to say what is on it keeps the others waiting.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Hall<'a> {
    serving: &'a Serving<'a>,
    waits: bool,
    /// The sticks that were named and had no turn yet.
    named: Vec<(Disk, PathBuf)>,
    watch: Watch,
    /// Those whose content is being read, and since when.
    looking: Vec<(Disk, Instant)>,
    /// Those whose content is known, and that no medium was found for yet.
    looked: Vec<(Disk, Content)>,
    /// How many are being written.
    putting: usize,
    queue: Queue<'a>,
    outcomes: Vec<Outcome>,
    folder: &'a Path,
    entries: &'a mut Vec<Entry>,
    /// Why a stick that is there has no turn, so that it is said once.
    refused: HashMap<PathBuf, String>,
    /// The last request for a stick.
    asked: String,
    /// When was last looked.
    last: Option<Instant>,
    failed_looks: u32,
    /// Why it is not known which sticks there are.
    blind: Option<Error>,
    /// Why the register does not say what is on sticks.
    unsaved: Option<Error>,
    /// Why its form for people does not.
    stale: Option<Error>,
}

impl<'a> Hall<'a> {
    /// # Errors
    /// The system does not list its disks, or what time it is is not known.
    pub(super) fn new(
        serving: &'a Serving<'a>,
        choices: Vec<Choice>,
        waits: bool,
        folder: &'a Path,
        entries: &'a mut Vec<Entry>,
    ) -> Result<Self, Error> {
        let (mut named, mut outcomes) = (Vec::new(), Vec::new());
        for choice in choices {
            match (&choice.problem, &choice.disk) {
                (None, Some(disk)) => named.push((disk.clone(), choice.named)),
                _ => outcomes.push(Outcome::untouched(choice)),
            }
        }
        outcomes.iter().for_each(|outcome| serving.progress.say(&spoken(outcome)));
        let disks = media_devices::system().list()?;
        create::now()?;
        Ok(Self {
            watch: Watch::new(disks, named.iter().map(|(disk, _)| disk), Instant::now()),
            queue: Queue::new(serving.media.entries),
            looking: Vec::new(),
            looked: Vec::new(),
            putting: 0,
            refused: HashMap::new(),
            asked: String::new(),
            last: None,
            failed_looks: 0,
            blind: None,
            unsaved: None,
            stale: None,
            serving,
            waits,
            named,
            outcomes,
            folder,
            entries,
        })
    }

    /// Until every medium is on a stick, or no stick is to come any more. Whatever fails, those that are being written are
    /// waited for.
    pub(super) fn run<'scope>(&mut self, scope: &'scope Scope<'scope, '_>, events: &Receiver<Event>)
    where
        'a: 'scope,
    {
        let mut looks = 0;
        loop {
            if !self.is_cut_short() {
                // What looks the same at two looks has settled only when there is time between them.
                if self.last.is_none_or(|last| last.elapsed() >= LOOK) {
                    self.look(scope);
                    self.last = Some(Instant::now());
                }
                self.decide(scope);
            }
            if let Ok(event) = events.recv_timeout(LOOK) {
                self.note(event);
                continue;
            }
            let is_idle = self.putting == 0 && self.looking.is_empty();
            looks = match is_idle {
                true if self.failed_looks == 0 => looks + 1,
                true => looks,
                false => 0,
            };
            let has_come = self.waits || (!self.named.is_empty() && looks < LOOKS);
            if is_idle && (self.is_cut_short() || self.queue.len() == 0 || !has_come) {
                return;
            }
            if is_idle {
                self.ask();
            }
        }
    }

    /// Whether it ends although media are left.
    fn is_cut_short(&self) -> bool {
        self.serving.interruption.asked() || self.blind.is_some() || self.unsaved.is_some()
    }

    /// Reads what is on every stick that came.
    fn look<'scope>(&mut self, scope: &'scope Scope<'scope, '_>)
    where
        'a: 'scope,
    {
        let disks = match media_devices::system().list() {
            Ok(disks) => disks,
            Err(error) => {
                self.failed_looks += 1;
                self.blind = (self.failed_looks >= FAILED_LOOKS).then(|| error.into());
                return;
            }
        };
        self.failed_looks = 0;
        self.looked.retain(|(looked, _)| disks.iter().any(|disk| is_same(disk, looked)));
        self.refused.retain(|path, _| disks.iter().any(|disk| disk.path == *path));
        let Found { new, back } = self.watch.look(disks, Instant::now());
        let serving = self.serving;
        for disk in back {
            if self.waits && serving.problem(&disk).is_none() {
                let seconds = AWAY.as_secs();
                let reason =
                    format!("it was away for a moment: take it out for {seconds} s to have it written");
                self.refuse(&disk, reason);
            }
        }
        for disk in new {
            if !self.waits && self.place(&disk).is_none() {
                continue;
            }
            if let Some(problem) = serving.problem(&disk) {
                self.refuse(&disk, problem.to_string());
                continue;
            }
            self.watch.has_its_turn(&disk, Instant::now());
            self.looking.push((disk.clone(), Instant::now()));
            scope.spawn(move || serving.look(disk));
        }
    }

    /// Gives every stick whose content is known what it is to get.
    fn decide<'scope>(&mut self, scope: &'scope Scope<'scope, '_>)
    where
        'a: 'scope,
    {
        if self.looking.iter().any(|(_, since)| since.elapsed() < PATIENCE) {
            return;
        }
        let mut looked = mem::take(&mut self.looked);
        // No other gets the medium that a stick has; and those that were named come in that order.
        looked.sort_by_key(|(disk, content)| {
            (!self.queue.knows(content), self.place(disk).unwrap_or(usize::MAX))
        });
        for (disk, content) in looked {
            match self.queue.turn(&content) {
                Ok(Some(turn)) => {
                    self.putting += 1;
                    let serving = self.serving;
                    scope.spawn(move || serving.put(disk, turn));
                }
                Ok(None) => self.looked.push((disk, content)),
                Err(Problem::Has { serial }) if !self.is_on(&serial, &disk) => {
                    self.had_its_turn(disk, None, Err(Problem::Double { serial }));
                }
                Err(problem) => self.had_its_turn(disk, None, Err(problem)),
            }
        }
    }

    /// Whether the register has a medium on this stick, as far as it can be told.
    fn is_on(&self, serial: &str, disk: &Disk) -> bool {
        let entry = self.entries.iter().find(|entry| entry.serial == serial);
        let noted = entry.filter(|entry| entry.device_written.is_some());
        noted.is_some_and(|entry| match (&entry.device_serial, &disk.serial) {
            (Some(noted), Some(serial)) => noted == serial,
            _ => true,
        })
    }

    fn place(&self, disk: &Disk) -> Option<usize> {
        self.named.iter().position(|(named, _)| is_same(named, disk))
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Looked { disk, result } => {
                self.looking.retain(|(looking, _)| !is_same(looking, &disk));
                match result {
                    Ok(content) => self.looked.push((disk, content)),
                    Err(problem) => self.had_its_turn(disk, None, Err(problem)),
                }
            }
            Event::Put { disk, turn, result } => {
                self.putting -= 1;
                self.had_its_turn(disk, Some(turn), result);
            }
        }
    }

    /// Notes what became of a stick in the register; a medium that is on none is given to another.
    fn had_its_turn(&mut self, disk: Disk, turn: Option<Turn>, result: Result<Done, Problem>) {
        let number = turn.map(Turn::number);
        match (&result, number) {
            (Ok(_), Some(number)) => self.save(number, &disk),
            // What no stick can get is not tried on the next one.
            (Err(problem), Some(number)) if !problem.is_of_medium() => self.queue.give_back(number),
            _ => {}
        }
        if result.as_ref().map_or_else(Problem::is_left, |_| true) {
            self.watch.is_done(&disk);
        }
        let named = self.place(&disk).map(|place| self.named.remove(place).1);
        let named = named.unwrap_or_else(|| disk.path.clone());
        let medium = number.map(|number| called(&self.entries[number]));
        let (done, problem) = match result {
            Ok(done) => (Some(done), None),
            Err(problem) => (None, Some(problem)),
        };
        let outcome = Outcome { choice: Choice { named, disk: Some(disk), problem }, medium, done };
        self.serving.progress.say(&spoken(&outcome));
        self.outcomes.push(outcome);
        self.asked.clear();
    }

    fn save(&mut self, number: usize, disk: &Disk) {
        let saved = create::now().and_then(|now| {
            let entry = &mut self.entries[number];
            entry.device_serial = disk.serial.clone();
            entry.device_written = Some(now.to_string());
            register::write_for_programs(self.folder, self.entries)
        });
        self.unsaved = saved.err();
        self.stale = register::write_for_people(self.folder, self.entries).err();
    }

    fn refuse(&mut self, disk: &Disk, reason: String) {
        // Systems make disks of these kinds for themselves at any time.
        let is_own = matches!(disk.kind, Kind::Virtual | Kind::Loop);
        if !is_own && self.refused.get(&disk.path) != Some(&reason) {
            self.serving.progress.say(&format!("{}: {reason}", disk.path.display()));
            self.refused.insert(disk.path.clone(), reason);
        }
    }

    fn ask(&mut self) {
        let Some(next) = self.queue.next() else { return };
        let asked = format!("plug in a stick: the next gets {}, {} left", called(next), self.queue.len());
        if self.waits && self.asked != asked {
            self.serving.progress.say(&asked);
            self.asked = asked;
        }
    }

    /// What became of every stick, those too that had no turn; what is to be noted; and what ended the run early.
    pub(super) fn end(mut self) -> (Vec<Outcome>, Option<String>, Option<Error>) {
        let disks = media_devices::system().list().ok();
        let none = if self.queue.len() == 0 { || Problem::NoneLeft } else { || Problem::NotNow };
        for (disk, named) in mem::take(&mut self.named) {
            self.looked.retain(|(looked, _)| !is_same(looked, &disk));
            let now = disks.as_ref().map(|disks| disks.iter().find(|now| is_same(now, &disk)));
            let problem = match now {
                Some(None) => Problem::NotThere,
                Some(Some(now)) if self.queue.len() > 0 => self.serving.problem(now).unwrap_or_else(none),
                _ => none(),
            };
            let choice = Choice { named, disk: Some(disk), problem: Some(problem) };
            self.outcomes.push(Outcome::untouched(choice));
        }
        for (disk, _) in self.looked {
            let choice = Choice { named: disk.path.clone(), disk: Some(disk), problem: Some(none()) };
            self.outcomes.push(Outcome::untouched(choice));
        }
        // What kept them from being written may have passed; then the run ended early all the same, if any are left.
        if self.unsaved.is_some() {
            let again = register::write_for_programs(self.folder, self.entries);
            let is_early = again.is_err() || self.queue.len() > 0;
            self.unsaved = self.unsaved.filter(|_| is_early);
        }
        if self.stale.is_some() {
            self.stale = register::write_for_people(self.folder, self.entries).err();
        }
        let note = self.stale.map(|error| format!("{} does not say it all: {error}", register::CSV));
        (self.outcomes, note, self.unsaved.or(self.blind))
    }
}

impl Serving<'_> {
    /// What is wrong with a disk.
    fn problem(&self, disk: &Disk) -> Option<Problem> {
        problem(disk, &self.how.serials)
    }
}

/// `KEY-1 for Anna Example`
fn called(entry: &Entry) -> String {
    format!("{} for {}", entry.serial, entry.name)
}
