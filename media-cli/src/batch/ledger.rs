//! The register of a batch while it grows.

use std::time::{Duration, Instant};

use super::Batch;
use super::item::{Item, Made};
use crate::error::Error;
use crate::workers::register::{self, Entry, State};

/// The register is written as often as this and at the end: it has a line for everybody, and what was made is known by the
/// media themselves.
const EVERY: Duration = Duration::from_secs(1);

/// What became of each medium so far.
pub(super) struct Ledger<'a> {
    batch: &'a Batch,
    items: &'a [Item],
    entries: Vec<Entry>,
    written: Instant,
}

impl<'a> Ledger<'a> {
    /// Nothing was made yet.
    ///
    /// # Errors
    /// [`Error::Register`] for a register that cannot be read.
    pub(super) fn new(batch: &'a Batch, items: &'a [Item]) -> Result<Self, Error> {
        let before = register::read(&batch.folder)?.unwrap_or_default();
        // What was put on a stick is there, whatever becomes of its medium in this run.
        let entry = |item: &Item| {
            let entry = Entry::of(&item.worker);
            let known = before.iter().find(|known| known.serial == entry.serial);
            Entry {
                manifest_sha256: known.and_then(|known| known.manifest_sha256.clone()),
                device_serial: known.and_then(|known| known.device_serial.clone()),
                device_written: known.and_then(|known| known.device_written.clone()),
                ..entry
            }
        };
        let entries = items.iter().map(entry).collect();
        Ok(Self { batch, items, entries, written: Instant::now() })
    }

    /// Notes what became of a medium, and writes its letter. One that was interrupted is still to be made.
    ///
    /// # Errors
    /// [`Error::Output`] when the register cannot be written.
    pub(super) fn note(&mut self, number: usize, made: Result<Made, Error>) -> Result<(), Error> {
        match made {
            Ok(made) => self.record(number, &made),
            Err(Error::Interrupted) => {}
            Err(error) => {
                let entry = &mut self.entries[number];
                (entry.state, entry.message) = (State::Failed, Some(error.to_string()));
            }
        }
        if self.written.elapsed() < EVERY {
            return Ok(());
        }
        self.written = Instant::now();
        register::write(&self.batch.folder, &self.entries)
    }

    /// Writes the register.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub(super) fn finish(self) -> Result<Vec<Entry>, Error> {
        register::write(&self.batch.folder, &self.entries)?;
        Ok(self.entries)
    }

    fn record(&mut self, number: usize, made: &Made) {
        let (batch, item, entry) = (self.batch, &self.items[number], &mut self.entries[number]);
        let manifest = &made.receipt.manifest;
        entry.state = State::Made;
        entry.message = None;
        entry.label = Some(manifest.identity.label.clone());
        entry.medium = batch.medium(item).file_name().map(|name| name.to_string_lossy().into_owned());
        entry.media_guid = Some(manifest.identity.media_guid.clone());
        entry.thumbprint = Some(manifest.identity.certificate_thumbprint.clone());
        entry.valid_from = manifest.validity.from.map(|from| from.to_string());
        entry.valid_until = manifest.validity.until.map(|until| until.to_string());
        entry.length = Some(manifest.volume.len());
        let manifest_sha256 = Some(made.receipt.manifest_sha256.clone());
        if entry.manifest_sha256 != manifest_sha256 {
            // A stick that has its earlier making has not this one.
            (entry.device_serial, entry.device_written) = (None, None);
        }
        entry.manifest_sha256 = manifest_sha256;
        if let Err(error) = batch.write_letters(item, &made.receipt) {
            entry.message = Some(format!("the medium is complete, and its letter is not: {error}"));
        }
    }
}
