//! `tsmedia create --workers`: a medium, a receipt, a registration and a letter for each worker, and a register of them.
//!
//! The first medium is made whole, and the others from it. What is on the disk decides what is still to be made, so that
//! running a batch again finishes it.

mod existing;
mod item;
mod ledger;
mod making;
mod onto_sticks;
mod passwords;
mod seeds;
mod written;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use media_core::io::FileSource;
use media_core::time::Timestamp;
use media_core::{Form, Original};
use secrecy::SecretString;

use crate::args::CreateArgs;
use crate::args::batch::BatchArgs;
use crate::create::{self, Given};
use crate::error::{Error, Exit, OutputProblem, Place};
use crate::input::Opened;
use crate::interrupt::Interruption;
use crate::output::batch::Summary;
use crate::progress::Progress;
use crate::settings::{self, Decided, LetterChoice};
use crate::workers::letter::Letters;
use crate::workers::register::{self, Entry};
use crate::workers::{self, Worker};
use crate::write::Job;
use crate::{show, spec_file};
use item::Item;
use ledger::Ledger;
use making::Makers;
pub(crate) use onto_sticks::Station;
use seeds::Seeds;
pub(crate) use written::Planned;

/// What all media of a batch share.
pub(crate) struct Batch {
    folder: PathBuf,
    spec: media_core::MediaSpec,
    opened: Vec<Opened>,
    decided: Decided,
    now: Timestamp,
    seeds: Seeds,
    letters: Option<Letters>,
    letter: LetterChoice,
    force: bool,
    verify: bool,
}

/// Makes a batch, or with `--dry-run` says what would be made.
pub fn create(args: CreateArgs) -> Result<Exit, Error> {
    let (run, options, sticks) = (args.run.clone(), args.batch.clone(), args.sticks.clone());
    let (Some(file), Some(folder)) = (&options.workers, &options.output_dir) else { return Ok(Exit::Usage) };
    let spec_file = run.spec.as_deref().map(spec_file::read).transpose()?;
    let text = spec_file.as_ref().map(|file| file.text.clone());
    let in_spec = |error: Error| match &text {
        Some(text) => error.in_spec(text),
        None => error,
    };
    let mut settings = create::settings_of(args, spec_file)?;
    let shared = settings.for_batch(options.allow_shared_password).map_err(in_spec)?;
    let mut decided = settings::resolve(settings, true)?;
    let workers = workers::read(file)?;
    let now = create::now()?;
    let Given { spec, opened } = create::media_spec(&mut decided, now, true).map_err(in_spec)?;
    let shared = passwords::shared(shared.as_ref())?;
    let batch = Batch {
        folder: folder.clone(),
        letters: if options.no_letters { None } else { Some(Letters::read(&decided.letter)?) },
        letter: decided.letter.clone(),
        seeds: Seeds::new(decided.seed.as_ref())?,
        force: run.force,
        verify: run.verify,
        spec,
        opened,
        decided,
        now,
    };
    let job = Job { args: &sticks, json: run.json, quiet: run.quiet, notes: Vec::new() };
    if options.onto_sticks {
        batch.check_for_sticks()?;
        if !run.dry_run {
            job.choose(&[])?;
        }
    } else {
        create::refuse_options(&sticks, "the media of a batch are files without --onto-sticks")?;
    }
    let interruption = Interruption::listen()?;
    let progress = Progress::new(run.quiet, interruption.clone());
    if run.dry_run {
        let items = workers.into_iter().map(|worker| batch.item(worker, None));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        let planned = batch.planned(&items)?;
        progress.clear();
        return show(&Summary::planned(folder, &planned, &batch.decided.notes), run.json)
            .map(|()| Exit::Done);
    }
    make_folder(folder)?;
    let lock = register::lock(folder)?;
    crate::output::leftover::remove_leftovers(folder);
    let items = batch.items(workers, &options, shared)?;
    let media = batch.make(&items, &interruption, progress)?;
    drop(lock);
    let mut report = Summary::new(folder, media, &batch.decided.notes);
    let mut exit = match (interruption.asked(), report.failed()) {
        (true, _) => Exit::Interrupted,
        (false, 0) => Exit::Done,
        _ => Exit::Found,
    };
    let mut failed = None;
    if options.onto_sticks && exit != Exit::Interrupted {
        let station = Station::open(folder);
        match station.and_then(|station| station.serve(Vec::new(), true, &job, &interruption)) {
            Ok((sticks, served)) => {
                report.onto_sticks(sticks);
                exit = if exit == Exit::Done || served == Exit::Interrupted { served } else { exit };
            }
            // The media were made all the same, and that is said.
            Err(error) => failed = Some(error),
        }
    }
    if run.json || !run.quiet || exit != Exit::Done {
        show(&report, run.json)?;
    }
    failed.map_or(Ok(exit), Err)
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    let made = std::fs::create_dir(folder);
    match made {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(Error::Output { path: folder.to_owned(), problem: OutputProblem::System(error) }),
        Ok(()) => Ok(()),
    }
}

impl Batch {
    /// What is to be made, with a password for each.
    fn items(
        &self,
        workers: Vec<Worker>,
        options: &BatchArgs,
        shared: Option<SecretString>,
    ) -> Result<Vec<Item>, Error> {
        let given = passwords::all(&self.folder, &workers, options, shared)?;
        let entries: Vec<Entry> = workers.iter().map(Entry::of).collect();
        let items =
            workers.into_iter().zip(given).map(|(worker, password)| self.item(worker, Some(password)));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        // Nobody could open a medium whose password was lost with this process, so they come first.
        if options.write_passwords {
            let passwords = entries.iter().zip(items.iter().filter_map(|item| item.password.as_ref()));
            register::write_passwords(&self.folder, passwords)?;
        }
        Ok(items)
    }

    /// Makes what is not there yet: one medium whole, then the others from it on all cores.
    fn make(
        &self,
        items: &[Item],
        interruption: &Interruption,
        mut progress: Progress,
    ) -> Result<Vec<Entry>, Error> {
        let mut ledger = Ledger::new(self, items)?;
        let mut pending: Vec<usize> = Vec::new();
        let known = self.known_inputs(items, &mut progress)?;
        for (number, item) in items.iter().enumerate() {
            match self.existing(item, known.as_deref()).transpose() {
                Some(found) => ledger.note(number, found)?,
                None => pending.push(number),
            }
        }
        let mut left = pending.into_iter();
        let mut original: Option<(usize, Original)> = None;
        while original.is_none()
            && !interruption.asked()
            && let Some(number) = left.next()
        {
            let made = self.make_whole(&items[number], interruption, &mut progress);
            let is_made = made.is_ok();
            ledger.note(number, made)?;
            if is_made {
                original = Some((number, self.open(&items[number])?));
            }
        }
        let left: Vec<usize> = left.collect();
        if let Some((first, original)) = &original
            && !left.is_empty()
        {
            let makers = Makers { batch: self, original, first: &items[*first], interruption };
            let whole =
                makers.make_all(items, &left, &mut progress, |number, made| ledger.note(number, made))?;
            // What does not fit into the room of the first is made whole.
            for number in whole.into_iter().take_while(|_| !interruption.asked()) {
                ledger.note(number, self.make_whole(&items[number], interruption, &mut progress))?;
            }
        }
        progress.clear();
        ledger.finish()
    }

    /// Whether its media start from sticks.
    fn check_for_sticks(&self) -> Result<(), Error> {
        match self.spec.form {
            Form::DiskImage { .. } => Ok(()),
            Form::Iso { .. } => {
                let message = "an ISO starts from a CD drive and not from a stick";
                let place = Place::Option("--onto-sticks");
                Err(Error::setting(message, place).with_hint("give --format img"))
            }
        }
    }

    /// Opens a medium that others are made from.
    fn open(&self, item: &Item) -> Result<Original, Error> {
        let path = self.medium(item);
        let unreadable = |error| Error::Unreadable { what: "medium", path: path.clone(), error };
        let source: Arc<dyn media_core::io::Source> = Arc::new(FileSource::open(&path).map_err(unreadable)?);
        Original::open(&source, item.password.as_ref())
            .map_err(|error| Error::Personalise { path: path.clone(), error })
    }

    /// The file of a medium.
    fn medium(&self, item: &Item) -> PathBuf {
        let extension = match self.spec.form {
            Form::Iso { .. } => "iso",
            Form::DiskImage { .. } => "img",
        };
        self.folder.join(format!("{}.{extension}", item.worker.serial))
    }
}
