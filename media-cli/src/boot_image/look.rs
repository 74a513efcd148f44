//! What is in a boot image, what differs between two, and whether one is sound. Nothing is changed.

use std::sync::Arc;

use media_core::io::FileSource;
use media_core::service;

use super::{open, service_error};
use crate::args::boot_image::{DiffArgs, InfoArgs, ListArgs, VerifyArgs};
use crate::error::{Error, Exit};
use crate::interrupt::Interruption;
use crate::output::boot_image::compared::Compared;
use crate::output::boot_image::info::Info;
use crate::output::boot_image::roots::Listing;
use crate::output::verified::Verified;
use crate::progress::Progress;
use crate::{show, verify};

pub(super) fn info(args: &InfoArgs) -> Result<Exit, Error> {
    let path = &args.boot_image;
    let info = Info::new(path, &service::wim_facts(&open(path)?));
    show(&info, args.json)?;
    Ok(Exit::Done)
}

pub(super) fn list(args: &ListArgs) -> Result<Exit, Error> {
    let path = &args.boot_image;
    let failed = |error| service_error(path, error);
    let wim = open(path)?;
    let images = service::images(&wim, args.image.image.0).map_err(failed)?;
    let listed = service::list_roots(&wim, &images).map_err(failed)?;
    let listing = Listing::new(path, &listed, args.store.map(Into::into));
    show(&listing, args.json)?;
    Ok(Exit::Done)
}

pub(super) fn diff(args: &DiffArgs) -> Result<Exit, Error> {
    let (before, after) = (open(&args.before)?, open(&args.after)?);
    let choice = args.image.image.0;
    let chosen = |wim, path| service::images(wim, choice).map_err(|error| service_error(path, error));
    let images = (chosen(&before, &args.before)?, chosen(&after, &args.after)?);
    let mut compared = Compared::new(&args.before, &args.after);
    for (first, second) in images.0.iter().zip(&images.1) {
        let found = service::compare_images((&before, *first), (&after, *second));
        compared.add(*first, *second, &found.map_err(|error| service_error(&args.after, error))?);
    }
    compared.count(images.0.len(), images.1.len());
    show(&compared, args.json)?;
    Ok(if compared.is_empty() { Exit::Done } else { Exit::Found })
}

pub(super) fn verify(args: &VerifyArgs) -> Result<Exit, Error> {
    let path = &args.boot_image;
    let source = FileSource::open(path).map_err(|error| Error::CannotOpen { path: path.clone(), error })?;
    let mut progress = Progress::new(args.quiet, Interruption::listen()?);
    let report = media_core::verify_boot_image(Arc::new(source), &mut progress);
    let report = report.map_err(|error| verify::could_not(path, error))?;
    progress.clear();
    show(&Verified::new(path, &report, false), args.json)?;
    Ok(verify::exit(&report))
}
