//! `tsmedia write`: a medium onto sticks.

use std::path::{Path, PathBuf};

use media_core::{Transfer, Whole};
use media_devices::Disks;

use crate::args::sticks::{StickArgs, WriteArgs};
use crate::batch::Station;
use crate::create;
use crate::error::{Error, Exit, Place};
use crate::input::{self, Opened};
use crate::interrupt::Interruption;
use crate::output::sticks::{Intended, Sticks};
use crate::progress::Many;
use crate::show;
use crate::sticks::{self, Choice, How, Onto};

/// Writes a medium that is there, or one that a spec file describes.
pub fn write(args: &WriteArgs) -> Result<Exit, Error> {
    if let Some(spec) = &args.spec {
        return create::of_spec(spec, args);
    }
    if let Some(folder) = &args.batch {
        return batch(folder, args);
    }
    let Some((image, named)) = args.image_and_devices.split_first().filter(|(_, named)| !named.is_empty())
    else {
        let message = "no stick was named: first comes the disk image, then one device or more";
        return Err(Error::setting(message, Place::Nowhere).with_hint("`tsmedia devices` lists them"));
    };
    let opened = input::open(image, "disk image")?;
    let transfer =
        Transfer::of(&opened.source()).map_err(|error| Error::Transfer { path: image.clone(), error })?;
    let mut notes = Vec::new();
    notes.extend(transfer.whole.as_ref().map(note));
    let job = Job { args: &args.stick, json: args.json, quiet: args.quiet, notes };
    let choices = job.choose(named)?;
    let onto = if args.update { Onto::Update(Box::new(transfer)) } else { Onto::Whole(transfer.image()) };
    let (sticks, exit) = job.put(choices, &onto, &[opened], &Interruption::listen()?)?;
    show(&sticks, args.json).map(|()| exit)
}

/// Puts a batch that is there on sticks.
fn batch(folder: &Path, args: &WriteArgs) -> Result<Exit, Error> {
    let station = Station::open(folder)?;
    let job = Job { args: &args.stick, json: args.json, quiet: args.quiet, notes: Vec::new() };
    let named = job.choose(&args.image_and_devices)?;
    let (report, exit) = station.serve(named, !args.no_wait, &job, &Interruption::listen()?)?;
    show(&report, args.json).map(|()| exit)
}

fn note(whole: &Whole) -> String {
    match whole {
        Whole::NoManifest => "the disk image has no manifest: every byte of it is written".to_owned(),
        Whole::Unknown(error) => format!("every byte of the disk image is written: {error}"),
    }
}

/// How it ends, when everything is on its stick and when not.
pub(crate) fn exit(interruption: &Interruption, is_complete: bool) -> Exit {
    match is_complete {
        _ if interruption.asked() => Exit::Interrupted,
        true => Exit::Done,
        false => Exit::Output,
    }
}

/// What is the same for every medium that comes onto sticks.
pub(crate) struct Job<'a> {
    pub(crate) args: &'a StickArgs,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) notes: Vec<String>,
}

impl Job<'_> {
    /// The disks that are meant. Without `--yes` it ends here: what would be written is said, and nothing is.
    pub(crate) fn choose(&self, named: &[PathBuf]) -> Result<Vec<Choice>, Error> {
        let disks = media_devices::system().list()?;
        let choices = sticks::choose(named, &disks, &self.args.device_serial);
        if !self.args.yes {
            if !named.is_empty() {
                show(&Intended::new(&choices), self.json)?;
            }
            let message = match named.is_empty() {
                true => "nothing was written: everything on a stick that is plugged in would be lost",
                false => "nothing was written: everything on these sticks would be lost",
            };
            return Err(Error::setting(message, Place::Nowhere).with_hint("give --yes to write them"));
        }
        Ok(choices)
    }

    /// Writes; answers what became of each stick, and how that ends.
    pub(crate) fn put(
        self,
        choices: Vec<Choice>,
        onto: &Onto,
        inputs: &[Opened],
        interruption: &Interruption,
    ) -> Result<(Sticks, Exit), Error> {
        let progress = Many::new(self.quiet);
        let outcomes = sticks::put(choices, onto, inputs, &self.how()?, interruption, &progress);
        progress.clear();
        let sticks = Sticks::new(&outcomes, self.notes);
        let exit = exit(interruption, sticks.all_ready());
        Ok((sticks, exit))
    }

    pub(crate) fn how(&self) -> Result<How, Error> {
        let capacity = if self.args.check_capacity {
            let mut nonce = [0; 16];
            getrandom::fill(&mut nonce).map_err(|error| Error::NoRandomness(error.to_string()))?;
            Some(nonce)
        } else {
            None
        };
        let (serials, read_back) = (self.args.device_serial.clone(), !self.args.no_read_back);
        Ok(How { serials, capacity, read_back })
    }
}
