//! Makes the media: the first whole, the others from it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use media_core::event::{Event, Observer};
use media_core::io::AtomicFile;
use media_core::{Original, PersonaliseError, ReworkError};

use super::Batch;
use super::item::{Item, Made};
use crate::create::{self, Completing};
use crate::error::Error;
use crate::interrupt::Interruption;
use crate::output::small_file::Prepared;
use crate::output::{created, target};
use crate::progress::Progress;

impl Batch {
    /// Stages, seals and writes a medium.
    pub(super) fn make_whole(
        &self,
        item: &Item,
        interruption: &Interruption,
        progress: &mut Progress,
    ) -> Result<Made, Error> {
        let spec = self.spec_of(item);
        let env = self.seeds.env(&item.worker.serial, self.now);
        let digester = media_core::read_ahead(&spec);
        let staged = media_core::stage(&spec, &env, progress);
        let mut staged = staged.map_err(|error| create::stage_error(error, &self.decided))?;
        create::check(&staged.report, &self.decided, self.now)?;
        let output = self.medium(item);
        let drafted = media_core::draft(&mut staged.tree, spec.form)?;
        target::check_limit(Some(&output), drafted.plan.len)?;
        let registration = created::registration(&staged.report, &spec);
        let (tree, key) = (&mut staged.tree, spec.signing_key.as_ref());
        self.write(item, interruption, progress, |file, progress| {
            let made = media_core::make(drafted, tree, key, &digester, file, progress);
            let receipt = made.map_err(|error| Error::making(&output, error))?.receipt;
            let beside = self.prepare(item, &receipt, Some(&registration))?;
            Ok((Made { receipt }, beside))
        })
    }

    /// Writes a medium and what goes beside it, and gives them their names.
    fn write(
        &self,
        item: &Item,
        interruption: &Interruption,
        observer: &mut dyn Observer,
        write: impl FnOnce(&mut AtomicFile, &mut dyn Observer) -> Result<(Made, Prepared), Error>,
    ) -> Result<Made, Error> {
        let (output, verify) = (&*self.medium(item), self.verify);
        // One that is there is half of a medium whose receipt or registration is missing.
        let completing = Completing { output, target: output, replace: true, verify, opened: &self.opened };
        completing.write(interruption, observer, write)
    }
}

/// What makes media from the first.
pub(super) struct Makers<'a> {
    pub(super) batch: &'a Batch,
    pub(super) original: &'a Original,
    pub(super) first: &'a Item,
    pub(super) interruption: &'a Interruption,
}

impl Makers<'_> {
    /// Makes media on all cores: making keys takes most of the time where blocks are shared. Says of each as it is done;
    /// answers the numbers of those that have to be made whole.
    pub(super) fn make_all(
        &self,
        items: &[Item],
        left: &[usize],
        progress: &mut Progress,
        mut done: impl FnMut(usize, Result<Made, Error>) -> Result<(), Error>,
    ) -> Result<Vec<usize>, Error> {
        let len = self.original.manifest().volume.len();
        let threads = thread::available_parallelism().map_or(1, usize::from).min(left.len()).max(1);
        let (next, mut whole) = (AtomicUsize::new(0), Vec::new());
        let (report, made) = mpsc::channel();
        progress.event(Event::Begin { what: "making media", bytes: len * left.len() as u64 });
        thread::scope(|scope| {
            for _ in 0..threads {
                let (report, next) = (report.clone(), &next);
                scope.spawn(move || {
                    while !self.interruption.asked()
                        && let Some(number) = left.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let mut quiet = Quiet(self.interruption);
                        let made = self.make(&items[*number], &mut quiet);
                        if report.send((*number, made)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(report);
            for (number, made) in made {
                progress.event(Event::Advance(len));
                match made {
                    Err(Error::Personalise {
                        error: PersonaliseError::Rework(ReworkError::NoRoom { .. }),
                        ..
                    }) => whole.push(number),
                    made => done(number, made)?,
                }
            }
            Ok::<(), Error>(())
        })?;
        progress.event(Event::End);
        Ok(whole)
    }

    fn make(&self, item: &Item, observer: &mut Quiet<'_>) -> Result<Made, Error> {
        let batch = self.batch;
        let output = batch.medium(item);
        let env = batch.seeds.env(&item.worker.serial, batch.now);
        let personal = batch.personal(self.first, item);
        let made = self.original.personalise(&personal, batch.spec.signing_key.as_ref(), &env);
        let made = made.map_err(|error| Error::Personalise { path: output.clone(), error })?;
        let receipt = made.rework.receipt.clone().ok_or_else(|| Error::Personalise {
            path: output.clone(),
            error: PersonaliseError::NoManifest,
        })?;
        let registration = made.certificate.as_ref().map(|certificate| &certificate.registration);
        batch.write(item, self.interruption, observer, |file, observer| {
            let written = media_core::write(&made.rework.plan(self.original.source()), file, observer);
            written.map_err(|error| Error::writing(&output, error))?;
            let beside = batch.prepare(item, &receipt, registration)?;
            Ok((Made { receipt }, beside))
        })
    }
}

/// Shows nothing: media that are made side by side have one progress.
struct Quiet<'a>(&'a Interruption);

impl Observer for Quiet<'_> {
    fn event(&mut self, _: Event) {}

    fn cancelled(&self) -> bool {
        self.0.asked()
    }
}
