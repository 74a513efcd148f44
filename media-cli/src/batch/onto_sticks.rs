//! A batch onto sticks: each medium on a stick of its own, as sticks are plugged in.
//!
//! The register says which media are on a stick already, and every stick says itself which medium it has. So a run that ended
//! early is finished by another, and a stick of the batch is not written over, whenever it is plugged in again.

mod media;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, Scope};
use std::time::Duration;

use media_devices::{Disk, Disks, Kind};

use crate::create;
use crate::error::{Error, Exit};
use crate::interrupt::Interruption;
use crate::output::sticks::{BatchOnSticks, spoken};
use crate::progress::Many;
use crate::sticks::{Choice, Done, How, Outcome, Problem, Watch, is_same, problem};
use crate::workers::register::{self, Entry};
use crate::write::{Job, exit};
use media::{Media, is_of_medium};

/// How often is looked for new sticks.
const LOOK: Duration = Duration::from_millis(500);
/// After so many looks, sticks that were named and are not there, or are used, are not waited for.
const LOOKS: u32 = 4;

/// A batch that is put on sticks.
pub(crate) struct Station {
    folder: PathBuf,
    entries: Vec<Entry>,
    /// Held for as long as the register may be written.
    _lock: Option<File>,
}

impl Station {
    /// Reads the register.
    ///
    /// # Errors
    /// [`Error::NoBatch`], [`Error::BatchInUse`] and [`Error::Register`].
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let lock = register::lock(folder)?;
        let entries = register::read(folder)?;
        let entries = entries.ok_or_else(|| Error::NoBatch { folder: folder.to_owned() })?;
        Ok(Self { folder: folder.to_owned(), entries, _lock: lock })
    }

    /// Puts every medium that is on no stick yet on one: first on those that are named, then on each that is plugged in.
    /// Unless it `waits`, it ends when the named ones are done. Answers the register as well.
    ///
    /// # Errors
    /// What stops all sticks: the system does not list its disks, or the register cannot be written.
    pub(crate) fn serve(
        mut self,
        named: Vec<Choice>,
        waits: bool,
        job: &Job<'_>,
        interruption: &Interruption,
    ) -> Result<(BatchOnSticks, Exit), Error> {
        let how = job.how()?;
        let progress = Many::new(job.quiet);
        let known = self.entries.clone();
        let media = Media::new(&self.folder, &known);
        let (report, reports) = mpsc::channel();
        let serving = Serving { media: &media, how: &how, progress: &progress, interruption, report };
        let ended = thread::scope(|scope| {
            let mut hall = Hall::new(&serving, named, waits, &self.folder, &mut self.entries)?;
            hall.run(scope, &reports)?;
            hall.end()
        });
        progress.clear();
        let report = BatchOnSticks::new(&self.folder, self.entries, &ended?, &job.notes);
        let exit = exit(interruption, report.is_complete());
        Ok((report, exit))
    }
}

/// What serves one stick, on a thread of its own.
struct Serving<'a> {
    media: &'a Media<'a>,
    how: &'a How,
    progress: &'a Many,
    interruption: &'a Interruption,
    report: Sender<Served>,
}

/// A stick that had its turn.
struct Served {
    disk: Disk,
    result: Result<(usize, Done), Failure>,
}

/// What is wrong with a stick, and which medium it was to get, where that was decided.
type Failure = (Option<usize>, Problem);

impl Serving<'_> {
    fn one(&self, disk: &Disk) -> Result<(usize, Done), Failure> {
        let turn = self.media.turn(disk).map_err(|problem| (None, problem))?;
        let number = turn.number();
        let name = format!("{} {}", disk.path.display(), self.media.entry(number).serial);
        let mut observer = self.progress.one(&name, self.interruption.clone());
        let done = self.media.put(turn, disk, self.how, &mut observer);
        done.map(|done| (number, done)).map_err(|problem| (Some(number), problem))
    }
}

/// Where sticks come and go.
struct Hall<'a> {
    serving: &'a Serving<'a>,
    waits: bool,
    /// The sticks that were named and had no turn yet.
    named: Vec<(Disk, PathBuf)>,
    watch: Watch,
    running: usize,
    outcomes: Vec<Outcome>,
    folder: &'a Path,
    entries: &'a mut Vec<Entry>,
    /// Why a stick that is there has no turn, so that it is said once.
    refused: HashMap<PathBuf, String>,
    /// The last request for a stick.
    asked: String,
}

impl<'a> Hall<'a> {
    fn new(
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
        let watch = Watch::new(media_devices::system().list()?, named.iter().map(|(disk, _)| disk));
        let (refused, asked) = (HashMap::new(), String::new());
        Ok(Self { serving, waits, named, watch, running: 0, outcomes, folder, entries, refused, asked })
    }

    /// Until every medium is on a stick, or no stick is to come any more.
    fn run<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        reports: &Receiver<Served>,
    ) -> Result<(), Error>
    where
        'a: 'scope,
    {
        let mut looks = 0;
        loop {
            self.start(scope)?;
            if let Ok(served) = reports.recv_timeout(LOOK) {
                self.running -= 1;
                self.note(served)?;
                continue;
            }
            looks = if self.running > 0 { 0 } else { looks + 1 };
            let has_come = self.waits || (!self.named.is_empty() && looks < LOOKS);
            if self.running == 0 && (self.is_stopped() || !has_come) {
                return Ok(());
            }
            if self.running == 0 {
                self.ask();
            }
        }
    }

    /// Whether no stick gets a turn any more.
    fn is_stopped(&self) -> bool {
        self.serving.interruption.asked() || self.serving.media.left().is_empty()
    }

    /// Gives every stick that came a turn.
    fn start<'scope>(&mut self, scope: &'scope Scope<'scope, '_>) -> Result<(), Error>
    where
        'a: 'scope,
    {
        let mut found = self.watch.look(media_devices::system().list()?);
        // Those that were named come first, in that order.
        found.sort_by_key(|disk| self.place(disk).unwrap_or(usize::MAX));
        self.refused.retain(|path, _| found.iter().any(|disk| disk.path == *path));
        let mut free = self.serving.media.left().len();
        for disk in found {
            if free == 0 || self.serving.interruption.asked() || (!self.waits && self.place(&disk).is_none())
            {
                continue;
            }
            if let Some(problem) = problem(&disk, &self.serving.how.serials) {
                self.refuse(&disk, &problem);
                continue;
            }
            self.watch.had_its_turn(&disk);
            (self.running, free) = (self.running + 1, free - 1);
            let serving = self.serving;
            scope.spawn(move || {
                let result = serving.one(&disk);
                // Nobody waits for it only when the register could not be written.
                let _ = serving.report.send(Served { disk, result });
            });
        }
        Ok(())
    }

    fn place(&self, disk: &Disk) -> Option<usize> {
        self.named.iter().position(|(named, _)| is_same(named, disk))
    }

    /// Notes what became of a stick in the register; a medium that is on none is given to another.
    fn note(&mut self, served: Served) -> Result<(), Error> {
        let Served { disk, result } = served;
        let named = self.place(&disk).map(|place| self.named.remove(place).1);
        let named = named.unwrap_or_else(|| disk.path.clone());
        let (number, done, problem) = match result {
            Ok((number, done)) => {
                let entry = &mut self.entries[number];
                entry.device_serial = disk.serial.clone();
                entry.device_written = Some(create::now()?.to_string());
                register::write(self.folder, self.entries)?;
                (Some(number), Some(done), None)
            }
            Err((number, problem)) => {
                // What no stick can get is not tried on the next one.
                let again = number.filter(|_| !is_of_medium(&problem));
                again.into_iter().for_each(|number| self.serving.media.give_back(number));
                (number, None, Some(problem))
            }
        };
        let medium = number.map(|number| called(&self.entries[number]));
        let outcome = Outcome { choice: Choice { named, disk: Some(disk), problem }, medium, done };
        self.serving.progress.say(&spoken(&outcome));
        self.outcomes.push(outcome);
        self.asked.clear();
        Ok(())
    }

    fn refuse(&mut self, disk: &Disk, problem: &Problem) {
        let reason = problem.to_string();
        // Systems make disks of these kinds for themselves at any time.
        let is_own = matches!(disk.kind, Kind::Virtual | Kind::Loop);
        if !is_own && self.refused.get(&disk.path) != Some(&reason) {
            self.serving.progress.say(&format!("{}: {reason}", disk.path.display()));
            self.refused.insert(disk.path.clone(), reason);
        }
    }

    fn ask(&mut self) {
        let left = self.serving.media.left().clone();
        let Some(next) = left.first() else { return };
        let next = called(self.serving.media.entry(*next));
        let asked = format!("plug in a stick: the next gets {next}, {} left", left.len());
        if self.waits && self.asked != asked {
            self.serving.progress.say(&asked);
            self.asked = asked;
        }
    }

    /// What became of every stick, those too that had no turn.
    fn end(self) -> Result<Vec<Outcome>, Error> {
        let disks = media_devices::system().list()?;
        let is_over = self.serving.media.left().is_empty();
        let mut outcomes = self.outcomes;
        for (disk, named) in self.named {
            let now = disks.iter().find(|now| is_same(now, &disk));
            let problem = match now {
                None => Problem::NotThere,
                Some(_) if is_over => Problem::NoneLeft,
                Some(now) => problem(now, &self.serving.how.serials).unwrap_or(Problem::NotNow),
            };
            let choice = Choice { named, disk: Some(disk), problem: Some(problem) };
            outcomes.push(Outcome::untouched(choice));
        }
        Ok(outcomes)
    }
}

/// `KEY-1 for Anna Example`
fn called(entry: &Entry) -> String {
    format!("{} for {}", entry.serial, entry.name)
}
