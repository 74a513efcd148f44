//! Why a stick was not written, or is not ready.

use std::io;

use media_core::{StickError, UpdateError};
use media_devices::{DevicesError, Verdict};
use thiserror::Error as ThisError;

use crate::error::Error;

/// What is wrong with one stick. Others are written all the same.
#[derive(Debug, ThisError)]
pub(crate) enum Problem {
    /// There is no such disk.
    #[error("there is no such disk")]
    NotThere,
    /// It is a part of one.
    #[error("it is a partition of {disk}: name the disk, all of it is written")]
    Partition {
        /// The disk.
        disk: String,
    },
    /// It is something else.
    #[error("it is not a disk")]
    NotADisk,
    /// It is named more than once.
    #[error("it is named twice")]
    Twice,
    /// It is not to be written.
    #[error("{0}")]
    Refused(Verdict),
    /// It is not removable, and its serial number was not given.
    #[error("refused: it is not removable; with --device-serial {serial} it is written all the same")]
    NeedsSerial {
        /// Its serial number.
        serial: String,
    },
    /// Its sectors are not those the medium is laid out for.
    #[error(
        "its sectors have {size} bytes, and media are laid out for sectors of 512 bytes: firmware would not find the medium"
    )]
    SectorSize {
        /// Bytes in a sector.
        size: u32,
    },
    /// It became another between the moment it was named and the moment it is written.
    #[error("it is not the disk it was: its {what} changed")]
    Another {
        /// What is another.
        what: &'static str,
    },
    /// The system does not say any more what it is.
    #[error(transparent)]
    Unknown(#[from] DevicesError),
    /// It has a medium of the batch that is being handed out.
    #[error("it has the medium {serial} already")]
    Has {
        /// The medium's serial number.
        serial: String,
    },
    /// The same, and the register says that another stick has it.
    #[error("it has the medium {serial}, which another stick is for: do not use this one")]
    Double {
        /// The medium's serial number.
        serial: String,
    },
    /// There is no medium for it.
    #[error("no medium was left for it")]
    NoneLeft,
    /// The run ended before.
    #[error("the run ended before its turn")]
    NotNow,
    /// The medium changed before all of it was on the stick.
    #[error("it was taken back, and does not start: {0}")]
    Changed(#[source] Box<Error>),
    /// The same, and the stick cannot be made unable to start.
    #[error("it may start, and is not to be used: {error}; it could not be taken back: {failed}")]
    NotTakenBack {
        /// What happened to the medium.
        #[source]
        error: Box<Error>,
        /// What the stick says.
        failed: io::Error,
    },
    /// This program has a defect.
    #[error("this program failed in a way that it should not, and has said why: do not use the stick")]
    Internal,
    /// The medium that it was to get cannot be used.
    #[error("it got nothing: {0}")]
    Medium(#[source] Box<Error>),
    /// It could not be opened.
    #[error("it cannot be opened: {0}")]
    Open(#[source] io::Error),
    /// What is on it could not be read.
    #[error("what is on it cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    /// It was taken out.
    #[error("it was removed: {0}")]
    Removed(#[source] StickError),
    /// It could not be written, or is not what was written.
    #[error(transparent)]
    Stick(#[from] StickError),
    /// It could not be brought up to date.
    #[error(transparent)]
    Update(#[from] UpdateError),
}

impl Problem {
    /// Whether the stick is as it was, and nothing is wrong with it.
    pub(crate) fn is_left(&self) -> bool {
        matches!(self, Self::Has { .. } | Self::NoneLeft | Self::NotNow | Self::Medium(_))
    }

    /// Whether it is the medium that cannot be used, and not the stick.
    pub(crate) fn is_of_medium(&self) -> bool {
        matches!(
            self,
            Self::Medium(_)
                | Self::Changed(_)
                | Self::NotTakenBack { .. }
                | Self::Stick(StickError::Source(_))
        )
    }
}
