//! One medium onto many sticks, each on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use media_core::event::Observer;
use media_core::io::{BlockDevice, FileSource, Source};
use media_core::{StickError, StickImage, Transfer, read_back, withdraw, write_stick};
use media_devices::{Disk, Disks};

use super::Problem;
use super::choose::{Choice, problem};
use crate::error::Error;
use crate::input::Opened;
use crate::interrupt::Interruption;
use crate::progress::Many;

/// How sticks are written.
#[derive(Debug, Clone)]
pub(crate) struct How {
    /// Serial numbers of disks that are not removable.
    pub(crate) serials: Vec<String>,
    /// What the capacity check writes, where it is wanted.
    pub(crate) capacity: Option<[u8; 16]>,
    pub(crate) read_back: bool,
}

/// What comes onto the sticks.
pub(crate) enum Onto {
    /// The same for all of them, in whole.
    Whole(StickImage),
    /// What each of them lacks of this medium.
    Update(Box<Transfer>),
}

/// What became of one stick.
pub(crate) struct Outcome {
    pub(crate) choice: Choice,
    /// Which medium of a batch it has.
    pub(crate) medium: Option<String>,
    pub(crate) done: Option<Done>,
}

impl Outcome {
    /// Of a stick that had no turn; its choice may say why.
    pub(crate) fn untouched(choice: Choice) -> Self {
        Self { choice, medium: None, done: None }
    }
}

/// What was done with a stick that is ready.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done {
    pub(crate) written: u64,
    /// How many bytes were read back; none when that was not wanted.
    pub(crate) read_back: Option<u64>,
    /// Whether they came from the stick and not from the system's cache.
    pub(crate) past_cache: bool,
    pub(crate) took: Duration,
}

/// Writes every stick that may be written. The order of the outcomes is that of the choices.
pub(crate) fn put(
    choices: Vec<Choice>,
    onto: &Onto,
    inputs: &[Opened],
    how: &How,
    interruption: &Interruption,
    progress: &Many,
) -> Vec<Outcome> {
    thread::scope(|scope| {
        let start = |choice: Choice| match (&choice.problem, choice.disk.clone()) {
            (None, Some(disk)) => {
                let mut observer = progress.one(&disk.path.display().to_string(), interruption.clone());
                let running = scope.spawn(move || put_one(&disk, onto, inputs, how, &mut observer));
                (choice, Some(running))
            }
            _ => (choice, None),
        };
        let running: Vec<_> = choices.into_iter().map(start).collect();
        running
            .into_iter()
            .map(|(mut choice, running)| {
                // A thread that panicked has said why.
                let result = running.map(|running| running.join().unwrap_or(Err(Problem::Internal)));
                let done = match result {
                    Some(Ok(done)) => Some(done),
                    Some(Err(problem)) => {
                        choice.problem = Some(problem);
                        None
                    }
                    None => None,
                };
                Outcome { done, ..Outcome::untouched(choice) }
            })
            .collect()
    })
}

/// Does what is to be done with one stick where nobody joins its thread: a defect that shows there stops neither the others
/// nor the report.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
    // What it leaves behind is the stick, and that is not said to be ready.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Problem::Internal))
}

/// Writes one stick, and reads it back. `inputs` are the files that the medium is read from.
pub(crate) fn put_one(
    disk: &Disk,
    onto: &Onto,
    inputs: &[Opened],
    how: &How,
    observer: &mut dyn Observer,
) -> Result<Done, Problem> {
    let started = Instant::now();
    let _held = media_devices::system().hold(disk)?;
    let mut device = BlockDevice::open(&disk.path).map_err(Problem::Open)?;
    check_identity(disk, &device, how)?;
    let update;
    let image = match onto {
        Onto::Whole(image) => image,
        Onto::Update(transfer) => {
            let stick: Arc<dyn Source> = Arc::new(FileSource::open(&disk.path).map_err(Problem::Open)?);
            update = transfer.update(&stick)?;
            &update
        }
    };
    let written =
        write_stick(image, &mut device, how.capacity, observer).map_err(|error| failed(disk, error))?;
    let past_cache = device.is_direct();
    let compared = how.read_back.then(|| {
        let _ = device.forget_what_was_read();
        read_back(image, &device, observer)
    });
    if let Some(error) = inputs.iter().find_map(|input| input.check_unchanged().err()) {
        return Err(taken_back(&mut device, written, Box::new(error)));
    }
    if let Some(Err(StickError::Differs { .. } | StickError::Stick { .. })) = &compared {
        // It failed already: what it says now changes nothing.
        let _ = withdraw(&mut device);
    }
    let read_back = compared.transpose().map_err(|error| failed(disk, error))?;
    Ok(Done { written, read_back, past_cache, took: started.elapsed() })
}

/// Looks once more, now that nobody else can have the device: names move from disk to disk when sticks are plugged in.
fn check_identity(disk: &Disk, device: &BlockDevice, how: &How) -> Result<(), Problem> {
    let disks = media_devices::system().list()?;
    let now = disks.iter().find(|now| now.path == disk.path).ok_or(Problem::NotThere)?;
    let number = device.number().map_err(Problem::Open)?;
    let facts = [
        ("serial number", now.serial != disk.serial),
        ("size", now.size != disk.size || device.len() != disk.size),
        ("port", now.port != disk.port),
        ("name", now.id != disk.id || now.model != disk.model || now.vendor != disk.vendor),
        ("medium", now.sequence != disk.sequence),
        ("number", disk.number.is_some() && (now.number != disk.number || number != disk.number)),
    ];
    if let Some((what, _)) = facts.into_iter().find(|(_, is_another)| *is_another) {
        return Err(Problem::Another { what });
    }
    problem(now, &how.serials).map_or(Ok(()), Err)
}

/// Takes a stick back whose medium is not any more what it was when the writing began, unless none of it was written.
fn taken_back(device: &mut BlockDevice, written: u64, error: Box<Error>) -> Problem {
    if written == 0 {
        return Problem::Medium(error);
    }
    match withdraw(device) {
        Ok(()) => Problem::Changed(error),
        Err(failed) => Problem::NotTakenBack { error, failed },
    }
}

/// Whether what failed is that the stick is gone.
fn failed(disk: &Disk, error: StickError) -> Problem {
    if !matches!(error, StickError::Stick { .. }) {
        return Problem::Stick(error);
    }
    let is_same =
        |now: &Disk| now.path == disk.path && now.sequence == disk.sequence && now.size == disk.size;
    match media_devices::system().list() {
        Ok(disks) if !disks.iter().any(is_same) => Problem::Removed(error),
        _ => Problem::Stick(error),
    }
}

#[cfg(test)]
mod tests {
    use super::{Problem, guarded};

    #[test]
    fn a_defect_is_the_problem_of_one_stick() {
        let broken = guarded(|| Ok("".parse::<u8>().expect("a number")));
        assert!(matches!(broken, Err(Problem::Internal)));
        assert!(matches!(guarded(|| Ok(5)), Ok(5)));
    }
}
