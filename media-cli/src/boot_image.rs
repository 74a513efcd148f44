//! `tsmedia boot-image`: looks into boot images and services them.

mod add;
mod change;
mod export;
mod look;

use std::path::Path;

use media_core::io::FileSource;
use media_core::service;
use media_core::wim::Wim;
use std::sync::Arc;

use crate::args::boot_image::{BootImageCommand, RootsCommand};
use crate::error::{Error, Exit};

/// What the file is called in messages.
const BOOT_IMAGE: &str = "boot image";

/// Runs one of the subcommands.
pub fn run(command: BootImageCommand) -> Result<Exit, Error> {
    match command {
        BootImageCommand::Info(args) => look::info(&args),
        BootImageCommand::Roots(RootsCommand::List(args)) => look::list(&args),
        BootImageCommand::Roots(RootsCommand::Add(args)) => change::add(&args),
        BootImageCommand::Roots(RootsCommand::Remove(args)) => change::remove(&args),
        BootImageCommand::Roots(RootsCommand::Export(args)) => export::export(&args),
        BootImageCommand::Add(args) => add::add(&args),
        BootImageCommand::Diff(args) => look::diff(&args),
        BootImageCommand::Verify(args) => look::verify(&args),
    }
}

/// Opens a boot image for reading.
fn open(path: &Path) -> Result<Wim, Error> {
    let source = FileSource::open(path).map_err(|error| Error::Unreadable {
        what: BOOT_IMAGE,
        path: path.to_owned(),
        error,
    })?;
    Wim::open(Arc::new(source)).map_err(|error| service_error(path, error.into()))
}

fn service_error(path: &Path, error: service::ServiceError) -> Error {
    Error::Service { path: path.to_owned(), error: Box::new(error) }
}
