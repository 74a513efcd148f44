//! Which medium a stick gets, and putting it there.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use media_core::bytes::to_hex_lower;
use media_core::digest::Digest;
use media_core::event::Observer;
use media_core::io::{FileSource, Source};
use media_core::media::manifest::Manifest;
use media_core::{StickError, Transfer};
use media_devices::Disk;

use crate::batch::existing::manifest_of;
use crate::error::Error;
use crate::input::{self, Opened};
use crate::sticks::{Done, How, Onto, Problem, put_one};
use crate::workers::register::{Entry, State};

/// The media of a batch that sticks are to get.
pub(super) struct Media<'a> {
    folder: &'a Path,
    entries: &'a [Entry],
    /// Those that no stick has, in the order of the register.
    left: Mutex<Vec<usize>>,
}

/// What is to be done with a stick.
#[derive(Clone, Copy)]
pub(super) enum Turn {
    /// It gets this medium.
    Write(usize),
    /// It has this medium, and nobody noted that it was read back.
    Finish(usize),
}

impl Turn {
    /// The number of the medium.
    pub(super) fn number(self) -> usize {
        let (Self::Write(number) | Self::Finish(number)) = self;
        number
    }
}

impl<'a> Media<'a> {
    /// Every medium that was made and is on no stick yet.
    pub(super) fn new(folder: &'a Path, entries: &'a [Entry]) -> Self {
        let is_left = |entry: &Entry| entry.state == State::Made && entry.device_written.is_none();
        let left = (0..entries.len()).filter(|number| is_left(&entries[*number])).collect();
        Self { folder, entries, left: Mutex::new(left) }
    }

    pub(super) fn entry(&self, number: usize) -> &'a Entry {
        &self.entries[number]
    }

    /// The numbers of those that no stick has.
    pub(super) fn left(&self) -> MutexGuard<'_, Vec<usize>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stick did not get it.
    pub(super) fn give_back(&self, number: usize) {
        let mut left = self.left();
        left.push(number);
        left.sort_unstable();
    }

    /// Decides what a stick gets. One with a medium of this batch keeps it, and one with an earlier making of a medium gets
    /// the new one; any other the next.
    pub(super) fn turn(&self, disk: &Disk) -> Result<Turn, Problem> {
        let source: Arc<dyn Source> = Arc::new(FileSource::open(&disk.path).map_err(Problem::Open)?);
        let bytes = manifest_of(&source);
        let digest = bytes.as_deref().map(digest);
        let serial = bytes.and_then(|bytes| Manifest::read(&bytes).ok()?.identity.serial_number);
        let mut left = self.left();
        let has = |entry: &&Entry| entry.manifest_sha256 == digest;
        if let Some(entry) = self.entries.iter().find(has).filter(|_| digest.is_some()) {
            return match left.iter().position(|number| self.entries[*number].serial == entry.serial) {
                Some(at) => Ok(Turn::Finish(left.remove(at))),
                None => Err(Problem::Has { serial: entry.serial.clone() }),
            };
        }
        let earlier = serial.and_then(|serial| {
            left.iter().position(|number| self.entries[*number].serial == serial.as_str())
        });
        match left.len() {
            0 => Err(Problem::NoneLeft),
            _ => Ok(Turn::Write(left.remove(earlier.unwrap_or(0)))),
        }
    }

    /// Does it.
    pub(super) fn put(
        &self,
        turn: Turn,
        disk: &Disk,
        how: &How,
        observer: &mut dyn Observer,
    ) -> Result<Done, Problem> {
        let unusable = |error| Problem::Medium(Box::new(error));
        let (opened, transfer) = self.medium(turn.number()).map_err(unusable)?;
        let done = match turn {
            Turn::Write(_) => put_one(disk, &Onto::Whole(transfer.image()), how, observer),
            Turn::Finish(_) => {
                // What was not noted is known by nobody to be right, and a capacity check would write into what stays.
                let how = How { capacity: None, read_back: true, ..how.clone() };
                put_one(disk, &Onto::Update(Box::new(transfer)), &how, observer)
            }
        }?;
        opened.check_unchanged().map_err(unusable)?;
        Ok(done)
    }

    /// Opens a medium, and sees that it is the one in the register.
    fn medium(&self, number: usize) -> Result<(Opened, Transfer), Error> {
        let entry = &self.entries[number];
        let name = entry.medium.as_deref().unwrap_or_default();
        let path = self.folder.join(name);
        let not_registered = || Error::NotRegistered { path: path.clone() };
        // The register is a file that anybody may have written: what it names is in its folder.
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return Err(not_registered());
        }
        let opened = input::open(&path, "medium")?;
        let source = opened.source();
        let transfer =
            Transfer::of(&source).map_err(|error| Error::Transfer { path: path.clone(), error })?;
        let found = manifest_of(&source).as_deref().map(digest);
        if found.is_none() || found != entry.manifest_sha256 {
            return Err(not_registered());
        }
        Ok((opened, transfer))
    }
}

fn digest(manifest: &[u8]) -> String {
    to_hex_lower(&Digest::of(manifest).0[0])
}

/// Whether it is the medium that cannot be used, and not the stick.
pub(super) fn is_of_medium(problem: &Problem) -> bool {
    matches!(problem, Problem::Medium(_) | Problem::Stick(StickError::Source(_)))
}
