//! The disks of a machine: what they are, what uses them, and which of them may be written.
//!
//! A system lists its [`Disk`]s ([`Disks`]); [`judge`] alone decides, from these facts, what may be written. Nothing here
//! writes to a disk.
//!
//! Each system has a module. What asks the system is compiled for that system; what makes sense of its answers is compiled in
//! tests too, so that every system's rules are tested on each of them.

mod disk;
mod judge;
#[cfg(target_os = "linux")]
pub mod linux;
#[cfg(any(target_os = "macos", test))]
pub mod macos;
#[cfg(test)]
mod testing;
#[cfg(any(windows, test))]
pub mod windows;

use std::fs::File;
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

    /// Keeps file systems off a disk for as long as the value lives, so that it can be written.
    ///
    /// Where a disk with mounted file systems is refused, there is nothing to do. Whoever writes asks for this first, lists the
    /// disks once more, and opens the disk then.
    ///
    /// # Errors
    /// [`DevicesError::InUse`] when a program has something open on it; another [`DevicesError`] when the system does not say.
    fn hold(&self, disk: &Disk) -> Result<Held, DevicesError>;
}

/// A disk that no file system uses. It is let go when this is dropped.
#[derive(Debug, Default)]
#[must_use = "file systems come back to the disk when this is dropped"]
pub struct Held {
    /// Each is a volume that is locked while it is open.
    volumes: Vec<File>,
}

impl Held {
    /// How many volumes were taken off the disk for this.
    pub fn volumes(&self) -> usize {
        self.volumes.len()
    }
}

/// Why it is not known which disks there are, or why one cannot be had alone.
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
    /// A program of the system failed.
    #[error("{command} failed ({status}): {said}")]
    Failed {
        /// As it would be typed.
        command: String,
        /// How it ended.
        status: String,
        /// What it says.
        said: String,
    },
    /// A program of the system prints something else than it should.
    #[error("what {command} prints is not understood: {error}")]
    Answer {
        /// As it would be typed.
        command: String,
        /// What is wrong with it.
        #[source]
        error: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A function of the system failed.
    #[error("{function}: {error}")]
    Call {
        /// Its name.
        function: &'static str,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
    /// A volume cannot be opened or locked, for another reason than that it is used: without the rights, mostly.
    #[error("the volume {volume} cannot be had alone: {error}")]
    Volume {
        /// Its letter, or else its name.
        volume: String,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
    /// A volume cannot be taken off its disk.
    #[error("a program has something open on {volume}: {error}")]
    InUse {
        /// Its letter, or else its name.
        volume: String,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
}

/// The system this runs on.
pub fn system() -> impl Disks {
    #[cfg(target_os = "linux")]
    let system = linux::Linux::default();
    #[cfg(target_os = "macos")]
    let system = macos::MacOs;
    #[cfg(windows)]
    let system = windows::Windows;
    system
}
