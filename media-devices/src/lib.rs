//! The disks of a machine: what they are, what uses them, and which of them may be written.
//!
//! A system lists its [`Disk`]s ([`Disks`]); [`judge`] alone decides, from these facts, what may be written. Nothing here
//! opens a disk or changes one.

mod disk;
mod judge;
pub mod linux;

use std::path::PathBuf;

use thiserror::Error;

pub use disk::{Bus, Disk, Kind, Use};
pub use judge::{Refusal, Verdict, judge};

/// A system that knows its disks.
pub trait Disks {
    /// Every disk there is at this moment, in the order of their names.
    ///
    /// # Errors
    /// [`DevicesError`] when the system does not say.
    fn list(&self) -> Result<Vec<Disk>, DevicesError>;
}

/// Why it is not known which disks there are.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DevicesError {
    /// What the system says could not be read.
    #[error("reading {path}: {error}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
}

/// The system this runs on.
pub fn system() -> impl Disks {
    linux::Linux::default()
}
