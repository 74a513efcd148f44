//! What is on a stick, and putting a medium there.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use media_core::Transfer;
use media_core::bytes::to_hex_lower;
use media_core::digest::Digest;
use media_core::event::Observer;
use media_core::io::{FileSource, Source};
use media_core::media::manifest::Manifest;
use media_devices::Disk;

use super::queue::{Content, Turn};
use crate::batch::existing::manifest_of;
use crate::error::Error;
use crate::input::{self, Opened};
use crate::sticks::{Done, How, Onto, Problem, put_one};
use crate::workers::register::Entry;

/// The media of a batch.
pub(super) struct Media<'a> {
    pub(super) folder: &'a Path,
    pub(super) entries: &'a [Entry],
}

impl Media<'_> {
    /// What is on a stick.
    pub(super) fn look(disk: &Disk) -> Result<Content, Problem> {
        content(Arc::new(FileSource::open(&disk.path).map_err(Problem::Open)?))
    }

    /// Does what was decided for a stick.
    pub(super) fn put(
        &self,
        turn: Turn,
        disk: &Disk,
        how: &How,
        observer: &mut dyn Observer,
    ) -> Result<Done, Problem> {
        let medium = self.medium(turn.number());
        let (opened, transfer) = medium.map_err(|error| Problem::Medium(Box::new(error)))?;
        match turn {
            Turn::Finish(_) if transfer.whole.is_none() => {
                // What was not noted is known by nobody to be right, and a capacity check would write into what stays.
                let how = How { capacity: None, read_back: true, ..how.clone() };
                put_one(disk, &Onto::Update(Box::new(transfer)), &[opened], &how, observer)
            }
            // A medium whose manifest does not say where its files are comes in whole.
            Turn::Finish(_) | Turn::Write(_) => {
                put_one(disk, &Onto::Whole(transfer.image()), &[opened], how, observer)
            }
        }
    }

    /// Opens a medium, and sees that it is the one in the register.
    fn medium(&self, number: usize) -> Result<(Opened, Transfer), Error> {
        let entry = &self.entries[number];
        let name = entry.medium.as_deref().unwrap_or_default();
        let path = self.folder.join(name);
        let not_registered = || Error::NotRegistered { path: path.clone() };
        // The register is a file that anybody may have written: what it names is in its folder.
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return Err(not_registered());
        }
        let opened = input::open(&path, "medium")?;
        let source = opened.source();
        let transfer =
            Transfer::of(&source).map_err(|error| Error::Transfer { path: path.clone(), error })?;
        let found = manifest_of(&source).as_deref().map(digest);
        if found.is_none() || found != entry.manifest_sha256 {
            return Err(not_registered());
        }
        Ok((opened, transfer))
    }
}

/// What is on a stick. One that cannot be read may have a medium, and is worth none.
fn content(stick: Arc<dyn Source>) -> Result<Content, Problem> {
    let heard = Arc::new(Listening { inner: stick, failed: Mutex::default() });
    let source: Arc<dyn Source> = heard.clone();
    let bytes = manifest_of(&source);
    if let Some(error) = heard.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(Problem::Unreadable(error));
    }
    let Some(bytes) = bytes else { return Ok(Content::default()) };
    let serial = Manifest::read(&bytes).ok().and_then(|manifest| manifest.identity.serial_number);
    let serial = serial.map(|serial| serial.as_str().to_owned());
    Ok(Content { manifest_sha256: Some(digest(&bytes)), serial })
}

/// A source that keeps what its device said when it could not be read: to a format it is one of many things that are wrong.
struct Listening {
    inner: Arc<dyn Source>,
    failed: Mutex<Option<io::Error>>,
}

impl Source for Listening {
    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read_at(offset, buffer).map_err(|error| {
            let kind = error.kind();
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).replace(error);
            kind.into()
        })
    }
}

fn digest(manifest: &[u8]) -> String {
    to_hex_lower(&Digest::of(manifest).0[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk of which the first sector cannot be read to its end.
    struct Worn;

    impl Source for Worn {
        fn len(&self) -> u64 {
            1 << 20
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
            if (offset..offset + buffer.len() as u64).contains(&511) {
                return Err(io::Error::other("a bad sector"));
            }
            buffer.fill(0);
            Ok(buffer.len())
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_empty() {
        let worn = content(Arc::new(Worn));
        assert!(matches!(&worn, Err(Problem::Unreadable(error)) if error.to_string() == "a bad sector"));
        let empty = content(Arc::new(vec![0; 1 << 20])).expect("it can be read");
        assert!(empty.manifest_sha256.is_none() && empty.serial.is_none());
    }
}
