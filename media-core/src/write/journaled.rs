//! Changes a medium in place, by way of its journal: killed at any moment, it is the old medium, or the new one, or one that
//! does not start and that [`finish`] makes the new one.

use super::{Buffer, Run, WriteError, Written};
use crate::content::Piece;
use crate::event::{Event, Observer};
use crate::io::Sink;
use crate::plan::Extent;
use crate::rework::Journal;
use crate::rework::journal::SECTOR;

const JOURNAL: &str = "the journal";
const BOOT: &str = "the start of the medium";
const FILES: &str = "the changed files";

/// Carries out a change; one of nothing clears what is left of an earlier journal. The observer is asked whether to stop until the journal is complete, and not any more afterwards.
///
/// # Errors
/// [`WriteError`] from the sink or the observer.
pub fn change(
    journal: &Journal,
    sink: &mut dyn Sink,
    observer: &mut dyn Observer,
) -> Result<Written, WriteError> {
    {
        let mut run =
            Run { sink, observer, receipt: Written::default(), buffer: Buffer::default(), is_zero: false };
        run.observer.event(Event::Step("noting what will change"));
        if journal.stale > 0 {
            erase(&mut run, journal.place, journal.stale as usize)?;
        }
        if journal.patches.is_empty() {
            return Ok(run.receipt);
        }
        // Its first sector tells that the place is a journal's: what of it reaches the device first is not taken for
        // somebody else's.
        let (head, body) = journal.bytes.split_at(SECTOR.min(journal.bytes.len()));
        run.bytes(journal.place, JOURNAL, head)?;
        run.sync(JOURNAL, journal.place)?;
        run.bytes(journal.place + head.len() as u64, JOURNAL, body)?;
        run.sync(JOURNAL, journal.place)?;
    }
    finish(journal, sink, observer)
}

/// Finishes a change from its journal. Done again, it changes nothing.
///
/// # Errors
/// [`WriteError`] from the sink.
pub fn finish(
    journal: &Journal,
    sink: &mut dyn Sink,
    observer: &mut dyn Observer,
) -> Result<Written, WriteError> {
    let mut observer = Resolute(observer);
    let bytes = journal.patches.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    observer.event(Event::Begin { what: "changing the medium", bytes });
    let mut run = Run {
        sink,
        observer: &mut observer,
        receipt: Written::default(),
        buffer: Buffer::default(),
        is_zero: false,
    };
    for (offset, bytes) in &journal.boot {
        run.bytes(*offset, BOOT, &vec![0; bytes.len()])?;
    }
    run.sync(BOOT, 0)?;
    for (offset, bytes) in &journal.patches {
        run.bytes(*offset, FILES, bytes)?;
    }
    run.sync(FILES, 0)?;
    for (offset, bytes) in &journal.boot {
        run.bytes(*offset, BOOT, bytes)?;
    }
    run.sync(BOOT, 0)?;
    erase(&mut run, journal.place, journal.bytes.len())?;
    run.observer.event(Event::End);
    Ok(run.receipt)
}

/// The first sector last: as long as it is there, the rest is known to be a journal's.
fn erase(run: &mut Run<'_>, place: u64, len: usize) -> Result<(), WriteError> {
    let head = SECTOR.min(len);
    run.bytes(place + head as u64, JOURNAL, &vec![0; len - head])?;
    run.sync(JOURNAL, place)?;
    run.bytes(place, JOURNAL, &vec![0; head])?;
    run.sync(JOURNAL, place)
}

impl Run<'_> {
    fn bytes(&mut self, offset: u64, label: &str, bytes: &[u8]) -> Result<(), WriteError> {
        let extent = Extent { offset, label: label.to_owned(), piece: Piece::Bytes(Vec::new().into()) };
        if bytes.is_empty() { Ok(()) } else { self.put(&extent, 0, bytes) }
    }
}

/// Passes everything on but the wish to stop: what is half done is of no use to anybody.
struct Resolute<'a>(&'a mut dyn Observer);

impl Observer for Resolute<'_> {
    fn event(&mut self, event: Event) {
        self.0.event(event);
    }
}

#[cfg(test)]
#[path = "journaled_tests.rs"]
mod tests;
