//! A medium that is made for sticks: laid out for the smallest of them, and written onto each.

use std::path::{Path, PathBuf};

use clap::Parser;
use media_core::disk::{FIRST_SECTOR, SECTOR_SIZE};
use media_core::{Made, Sealed, StickImage, Written};
use media_devices::Disks;

use super::beside::Beside;
use super::{Ready, ready, settings_of};
use crate::args::sticks::{StickArgs, WriteArgs};
use crate::args::{Cli, Command, RunArgs};
use crate::error::{Error, Exit, Place};
use crate::interrupt::Interruption;
use crate::output::created::{self, Created};
use crate::output::sticks::{MadeForSticks, Sticks};
use crate::progress::Progress;
use crate::settings::{self, Settings};
use crate::spec_file::SpecText;
use crate::sticks::{self, Onto, Outcome};
use crate::write::Job;
use crate::{show, spec_file};

/// Disks are laid out in whole units of this many bytes.
const UNIT: u64 = FIRST_SECTOR * SECTOR_SIZE;

/// `tsmedia write --spec`: the medium that a spec file describes.
pub(crate) fn of_spec(spec: &Path, args: &WriteArgs) -> Result<Exit, Error> {
    // The same as `tsmedia create --spec`, with every default it has.
    let words = ["tsmedia", "create", "--format", "img", "--spec"].map(std::ffi::OsString::from);
    let parsed = Cli::try_parse_from(words.into_iter().chain([spec.as_os_str().to_owned()]));
    let Ok(Cli { command: Command::Create(create) }) = parsed else {
        return Err(Error::setting("it cannot be the name of a file", Place::Option("--spec")));
    };
    let run = RunArgs { json: args.json, quiet: args.quiet, ..create.run.clone() };
    let file = spec_file::read(spec)?;
    let text = file.text.clone();
    let settings = settings_of(*create, Some(file))?;
    make(settings, Some(&text), &args.image_and_devices, &run, &args.stick)
}

/// The device that is the output of `tsmedia create`; none when it is a file. Of a dry run it is none either: what would be
/// made is as long as the device.
pub(super) fn device(
    settings: &mut Settings,
    run: &RunArgs,
    args: &StickArgs,
) -> Result<Option<PathBuf>, Error> {
    let device = settings.output().map(|given| given.value.clone()).filter(|path| sticks::is_device(path));
    let Some(device) = device else {
        return refuse_options(args, "the output is a file").map(|()| None);
    };
    if run.dry_run {
        let disks = media_devices::system().list()?;
        let chosen = sticks::choose(&[device], &disks, &args.device_serial);
        let size = chosen.iter().find_map(|choice| choice.disk.as_ref()).map_or(0, |disk| disk.size);
        settings.for_disk(size / UNIT * UNIT)?;
        return Ok(None);
    }
    Ok(Some(device))
}

/// Refuses options that are for sticks where none is written.
pub(crate) fn refuse_options(args: &StickArgs, why: &str) -> Result<(), Error> {
    let asked = [
        ("--yes", args.yes),
        ("--device-serial", !args.device_serial.is_empty()),
        ("--check-capacity", args.check_capacity),
        ("--no-read-back", args.no_read_back),
    ];
    match asked.into_iter().find(|(_, is_asked)| *is_asked) {
        Some((option, _)) => {
            Err(Error::setting(format!("it is for sticks, and {why}"), Place::Option(option)))
        }
        None => Ok(()),
    }
}

/// Makes the medium and writes it.
pub(super) fn make(
    mut settings: Settings,
    text: Option<&SpecText>,
    named: &[PathBuf],
    run: &RunArgs,
    args: &StickArgs,
) -> Result<Exit, Error> {
    let job = Job { args, json: run.json, quiet: run.quiet, notes: Vec::new() };
    let choices = job.choose(named)?;
    let interruption = Interruption::listen()?;
    let usable = choices.iter().filter(|choice| choice.problem.is_none());
    let Some(smallest) = usable.filter_map(|choice| Some(choice.disk.as_ref()?.size)).min() else {
        // There is nothing to make a medium for, and each of them has its reason.
        let refused: Vec<Outcome> = choices.into_iter().map(Outcome::untouched).collect();
        return show(&Sticks::new(&refused, Vec::new()), run.json).map(|()| Exit::Output);
    };
    settings.for_disk(smallest / UNIT * UNIT)?;
    let mut decided = settings::resolve(settings, true)?;
    let mut progress = Progress::new(run.quiet, interruption.clone());
    let Ready { spec, opened, mut staged, digester } = ready(&mut decided, run, text, &mut progress)?;
    let beside = Beside::new(&decided, run)?;
    let drafted = media_core::draft(&mut staged.tree, spec.form)?;
    let (tree, key) = (&mut staged.tree, spec.signing_key.as_ref());
    let sealed = media_core::complete(drafted, tree, key, &digester, &mut progress);
    let Sealed { plan, receipt } = sealed.map_err(Error::Seal)?;
    let beside = beside.prepare(&receipt, &created::registration(&staged.report, &spec))?;
    let written = plan.extents.iter().map(|extent| extent.piece.len()).sum();
    let written = Written { len: plan.len, written, ..Written::default() };
    let made = Made { plan, receipt, written };
    let names: Vec<String> = named.iter().map(|path| path.display().to_string()).collect();
    let created = Created::new(Path::new(&names.join(", ")), &made, &staged.report, &spec, &decided, false);
    let image = StickImage::new(made.plan);
    drop(progress);
    let (sticks, exit) = job.put(choices, &Onto::Whole(image), &opened, &interruption)?;
    if sticks.any_ready() {
        beside.keep()?;
    }
    show(&MadeForSticks { medium: created, sticks }, run.json).map(|()| exit)
}
