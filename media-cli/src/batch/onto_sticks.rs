//! A batch onto sticks: each medium on a stick of its own, as sticks are plugged in.
//!
//! The register says which media are on a stick already, and every stick says itself which medium it has. So a run that ended
//! early is finished by another, and a stick of the batch is not written over, whenever it is plugged in again.

mod hall;
mod media;
mod queue;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::thread;

use media_devices::Disk;

use crate::error::{Error, Exit};
use crate::interrupt::Interruption;
use crate::output::sticks::BatchOnSticks;
use crate::progress::Many;
use crate::sticks::{Choice, Done, How, Problem, guarded};
use crate::workers::register::{self, Entry};
use crate::write::{Job, exit};
use hall::Hall;
use media::Media;
use queue::{Content, Turn};

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
    /// Unless it `waits`, it ends when the named ones are done. Answers the register as well; what ended it early is noted
    /// there, and is how it exits.
    ///
    /// # Errors
    /// The system does not list its disks, before any is written.
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
        let media = Media { folder: &self.folder, entries: &known };
        let (report, events) = mpsc::channel();
        let serving = Serving { media: &media, how: &how, progress: &progress, interruption, report };
        let mut hall = Hall::new(&serving, named, waits, &self.folder, &mut self.entries)?;
        thread::scope(|scope| hall.run(scope, &events));
        let (outcomes, note, failed) = hall.end();
        progress.clear();
        let mut notes = job.notes.clone();
        notes.extend(note);
        notes.extend(failed.as_ref().map(|error| format!("this ended early: {error}")));
        let report = BatchOnSticks::new(&self.folder, self.entries, &outcomes, &notes);
        let exit = failed.map_or_else(|| exit(interruption, report.is_complete()), |error| error.exit());
        Ok((report, exit))
    }
}

/// What serves one stick, on a thread of its own.
struct Serving<'a> {
    media: &'a Media<'a>,
    how: &'a How,
    progress: &'a Many,
    interruption: &'a Interruption,
    report: Sender<Event>,
}

/// What became of a stick.
enum Event {
    /// It was read what is on it.
    Looked { disk: Disk, result: Result<Content, Problem> },
    /// It got what was decided.
    Put { disk: Disk, turn: Turn, result: Result<Done, Problem> },
}

impl Serving<'_> {
    fn look(&self, disk: Disk) {
        let result = guarded(|| Media::look(&disk));
        self.say(Event::Looked { disk, result });
    }

    fn put(&self, disk: Disk, turn: Turn) {
        let result = guarded(|| {
            let name = format!("{} {}", disk.path.display(), self.media.entries[turn.number()].serial);
            let mut observer = self.progress.one(&name, self.interruption.clone());
            self.media.put(turn, &disk, self.how, &mut observer)
        });
        self.say(Event::Put { disk, turn, result });
    }

    fn say(&self, event: Event) {
        // The hall waits for every one of them.
        let _ = self.report.send(event);
    }
}
