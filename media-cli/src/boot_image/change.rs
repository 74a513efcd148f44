//! Certificates into a boot image and out of it: in place, or into a new file.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use media_core::Plan;
use media_core::bytes::to_hex_upper;
use media_core::content::Content;
use media_core::event::{Event, Observer};
use media_core::io::{AtomicFile, FileSource, InPlaceFile};
use media_core::media::store::Store;
use media_core::service::{self, ServiceError, Serviced};
use media_core::wim::{Edited, Wim};
use media_core::x509::Certificate;

use super::{BOOT_IMAGE, open, service_error};
use crate::args::boot_image::{AddArgs, OutputArgs, RemoveArgs};
use crate::create::{notes, now};
use crate::error::{Error, Exit, OutputProblem};
use crate::input;
use crate::interrupt::Interruption;
use crate::output::boot_image::roots::Changes;
use crate::output::target;
use crate::progress::Progress;
use crate::{certificates, show};

pub(super) fn add(args: &AddArgs) -> Result<Exit, Error> {
    let trusted =
        certificates::read_all(args.certificates.iter().map(|path| (path.as_path(), args.store.into())))?;
    let time = now()?;
    let server =
        args.cmg_certificate.as_deref().map(|path| certificates::read(path, Store::Ca)).transpose()?;
    let server: Option<Vec<Certificate>> =
        server.map(|all| all.into_iter().map(|trusted| trusted.certificate).collect());
    let mut inputs = args.certificates.clone();
    inputs.extend(args.cmg_certificate.clone());
    let mut changes = service(&args.boot_image, &args.output, &inputs, &|wim| {
        let images = service::images(wim, args.image.image.0)?;
        let serviced = service::add_roots(wim, &images, &trusted, time)?;
        let mut changes = Changes::added(&serviced.images);
        // Before anything is written: what would not be trusted all the same is not worth a change.
        if let Some(server) = &server {
            let changed = Wim::open(Arc::new(serviced.edited.content()))?;
            let host = args.cmg_host.as_deref();
            changes.prove(&service::prove_chain(&changed, &images, server, host, time)?);
        }
        Ok((changes, serviced.edited))
    })?;
    changes.note(trusted.iter().flat_map(|trusted| notes(trusted, time)));
    report(&changes, &args.output)
}

pub(super) fn remove(args: &RemoveArgs) -> Result<Exit, Error> {
    let thumbprints = thumbprints(&args.certificates)?;
    let stores = args.store.map_or_else(|| Store::ALL.to_vec(), |store| vec![store.into()]);
    let time = now()?;
    let changes = service(&args.boot_image, &args.output, &[], &|wim| {
        let images = service::images(wim, args.image.image.0)?;
        let Serviced { edited, images } = service::remove_roots(wim, &images, &stores, &thumbprints, time)?;
        Ok((Changes::removed(&images, &thumbprints), edited))
    })?;
    report(&changes, &args.output)
}

fn report(changes: &Changes, output: &OutputArgs) -> Result<Exit, Error> {
    if output.json || !output.quiet {
        show(changes, output.json)?;
    }
    Ok(Exit::Done)
}

/// SHA-1 in hexadecimal of what was named: by itself, with or without spaces and colons, or by a file of certificates.
fn thumbprints(named: &[String]) -> Result<Vec<String>, Error> {
    let mut all = Vec::new();
    for name in named {
        let plain: String = name.chars().filter(|letter| !matches!(letter, ' ' | ':')).collect();
        if plain.len() == 40 && plain.chars().all(|letter| letter.is_ascii_hexdigit()) {
            all.push(plain.to_ascii_uppercase());
        } else {
            // Which store a file would go to does not matter here.
            let read = certificates::read(Path::new(name), Store::Root)?;
            all.extend(read.iter().map(|trusted| to_hex_upper(&trusted.certificate.sha1())));
        }
    }
    let mut seen = BTreeSet::new();
    all.retain(|thumbprint| seen.insert(thumbprint.clone()));
    Ok(all)
}

/// An edit of a boot image, which says what it changes. Done again on its own result, it changes nothing.
type EditOf<'a> = dyn Fn(&Wim) -> Result<(Changes, Edited), ServiceError> + 'a;

fn service(
    path: &Path,
    output: &OutputArgs,
    certificates: &[PathBuf],
    edit: &EditOf<'_>,
) -> Result<Changes, Error> {
    let interruption = Interruption::listen()?;
    let mut progress = Progress::new(output.quiet, interruption.clone());
    let mut changes = match &output.output {
        None => in_place(path, output.force, edit, &mut progress)?,
        Some(target) => {
            let mut inputs: Vec<target::Input<'_>> = vec![(BOOT_IMAGE, path)];
            inputs.extend(certificates.iter().map(|path| ("certificate file", path.as_path())));
            let target = target::check(target, output.force, &inputs)?;
            new_file(path, &target, output, edit, (&interruption, &mut progress))?
        }
    };
    progress.clear();
    changes.name(path, output.output.as_deref());
    Ok(changes)
}

fn in_place(path: &Path, force: bool, edit: &EditOf<'_>, progress: &mut Progress) -> Result<Changes, Error> {
    let failed = |error| service_error(path, error);
    let unwritable = |error| Error::Output { path: path.to_owned(), problem: OutputProblem::System(error) };
    let mut file = match InPlaceFile::open(path) {
        Ok(file) => file,
        // Who may only read it can still learn that there is nothing to change.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let (changes, edited) = edit(&open(path)?).map_err(failed)?;
            return if edited.is_changed() { Err(unwritable(error)) } else { Ok(changes) };
        }
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => return Err(unwritable(error)),
        Err(error) => return Err(Error::Unreadable { what: BOOT_IMAGE, path: path.to_owned(), error }),
    };
    let wim =
        Wim::open(Arc::new(file.source().map_err(unwritable)?)).map_err(|error| failed(error.into()))?;
    let (changes, edited) = edit(&wim).map_err(failed)?;
    let Some(amendment) = edited.amendment() else { return Ok(changes) };
    if !force {
        service::check_changeable(&wim).map_err(failed)?;
    }
    media_core::amend(&amendment, &mut file, progress).map_err(|error| Error::writing(path, error))?;
    let written = file.source().map_err(unwritable)?;
    file.keep();
    prove(path, written, edit)?;
    Ok(changes)
}

fn new_file(
    path: &Path,
    target: &Path,
    args: &OutputArgs,
    edit: &EditOf<'_>,
    (interruption, progress): (&Interruption, &mut Progress),
) -> Result<Changes, Error> {
    let source = input::open(path, BOOT_IMAGE)?;
    let failed = |error| service_error(path, error);
    let wim = Wim::open(source.source()).map_err(|error| failed(error.into()))?;
    let system = |error| Error::Output { path: target.to_owned(), problem: OutputProblem::System(error) };
    let unwritten = |error| Error::writing(target, error);
    let mut file = AtomicFile::create(target).map_err(system)?;
    interruption.making(file.temporary());
    let plan = Plan::of_file("WIM file", &Content::source(source.source()));
    let needless = AtomicBool::new(false);
    // The copy needs nothing of the edit: what changes goes behind it, and into its first bytes.
    let mut observer = Until { progress: &mut *progress, needless: &needless };
    let (edited, copied) = std::thread::scope(|scope| {
        let copying = scope.spawn(|| media_core::write(&plan, &mut file, &mut observer));
        let edited = edit(&wim);
        needless.store(edited.is_err(), Ordering::Relaxed);
        (edited, copying.join())
    });
    let (changes, edited) = edited.map_err(failed)?;
    copied.unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map_err(unwritten)?;
    if let Some(amendment) = edited.amendment() {
        media_core::amend(&amendment, &mut file, progress).map_err(unwritten)?;
    }
    source.check_unchanged()?;
    prove(target, file.source().map_err(system)?, edit)?;
    if interruption.asked() {
        return Err(Error::Interrupted);
    }
    target::keep(file, target, args.force)?;
    Ok(changes)
}

/// Shows the progress of a copy that nobody needs any more when what it is for has failed.
struct Until<'a> {
    progress: &'a mut Progress,
    needless: &'a AtomicBool,
}

impl Observer for Until<'_> {
    fn event(&mut self, event: Event) {
        self.progress.event(event);
    }

    fn cancelled(&self) -> bool {
        self.needless.load(Ordering::Relaxed) || self.progress.cancelled()
    }
}

/// Reads back what was written: the same edit finds nothing left to do.
fn prove(path: &Path, written: FileSource, edit: &EditOf<'_>) -> Result<(), Error> {
    let wim = Wim::open(Arc::new(written)).map_err(ServiceError::from);
    let again = wim.and_then(|wim| edit(&wim)).map_err(|error| service_error(path, error))?;
    if again.1.is_changed() { Err(Error::NotWritten { path: path.to_owned() }) } else { Ok(()) }
}
