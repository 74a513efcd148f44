//! A stick: puts a plan onto a device that holds something else. From the first write to the last the device has nothing
//! that firmware or a system would start; then what was written is read back from it.

mod capacity;

use std::io;
use std::ops::Range;
use std::sync::Arc;

use thiserror::Error;

use super::HEAD;
use crate::event::{Event, Observer};
use crate::io::{ALIGNMENT, BLOCK, Buffer, SharedBlocks, Sink, Source};
use crate::plan::Plan;

/// Up to this many bytes between two things that are written are written too, as zeros: to leave them out saves no time,
/// and what was on the stick before does not stay in the last cluster of a file.
const GAP: u64 = 1 << 20;

/// A medium to be put on sticks: read once, however many there are. Everything is written in whole units of 4096 bytes.
pub struct StickImage {
    plan: Arc<Plan>,
    /// What the medium consists of: runs within one block each, ascending; the first is the head.
    all: Vec<Range<u64>>,
    /// Those of them that are written.
    written: Vec<Range<u64>>,
    is_update: bool,
    for_writing: SharedBlocks,
    for_comparing: SharedBlocks,
}

/// Why a stick was not written, or is not what was written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StickError {
    /// The medium is larger.
    #[error("it has {len} bytes, and the medium needs {needed}")]
    TooSmall {
        /// What the medium needs, in bytes.
        needed: u64,
        /// What there is.
        len: u64,
    },
    /// What is to be written cannot be read. The system's words name it.
    #[error("what is to be written cannot be read: {0}")]
    Source(#[source] io::Error),
    /// The stick refused.
    #[error("{doing} at byte {offset} ({label}): {error}")]
    Stick {
        /// `writing`, `reading back`.
        doing: &'static str,
        /// What it was.
        label: String,
        /// Where, in bytes from the start of the stick.
        offset: u64,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// What is read is not what was written.
    #[error("what is read at byte {offset} ({label}) is not what was written")]
    Differs {
        /// What it should be.
        label: String,
        /// Where, in bytes from the start of the stick.
        offset: u64,
    },
    /// It holds less than it says.
    #[error("it says that it holds {len} bytes, and does not keep what is written at byte {offset}")]
    FalseCapacity {
        /// What it says.
        len: u64,
        /// Where nothing is kept.
        offset: u64,
    },
    /// The observer asked to stop.
    #[error("stopped before the stick was complete")]
    Cancelled,
}

impl StickImage {
    /// All of a plan.
    pub fn new(plan: Plan) -> Self {
        let all = runs(&plan);
        Self::of(plan, all.clone(), all, false)
    }

    /// What of a plan is not on a stick yet. Of the bytes `known` nothing is read: the stick has them, as they are said to
    /// be; all others are compared.
    ///
    /// # Errors
    /// Whatever the plan's sources or the stick say.
    pub(crate) fn update(plan: Plan, known: &[Range<u64>], stick: &dyn Source) -> io::Result<Self> {
        let all = runs(&plan);
        let (mut one, mut other) = (Buffer::default(), Buffer::default());
        let mut is_there = |part: &Range<u64>| {
            if known.iter().any(|known| known.start <= part.start && part.end <= known.end) {
                return Ok(true);
            }
            let count = (part.end - part.start) as usize;
            let (planned, found) = (one.of(count), other.of(count));
            plan.read_exact_at(part.start, planned)?;
            stick.read_exact_at(part.start, found)?;
            Ok::<_, io::Error>(planned == found)
        };
        let mut written = Vec::new();
        for part in &all {
            if !is_there(part)? {
                written.push(part.clone());
            }
        }
        // While anything else changes, what makes the stick boot is not there, and comes back last.
        if let Some(head) = all.first().filter(|head| !written.is_empty() && written.first() != Some(head)) {
            written.insert(0, head.clone());
        }
        Ok(Self::of(plan, all, written, true))
    }

    fn of(plan: Plan, all: Vec<Range<u64>>, written: Vec<Range<u64>>, is_update: bool) -> Self {
        let plan = Arc::new(plan);
        let [for_writing, for_comparing] = [plan.clone(), plan.clone()].map(|plan| SharedBlocks::new(plan));
        Self { plan, all, written, is_update, for_writing, for_comparing }
    }

    /// What a stick has to hold, in bytes.
    pub fn needed(&self) -> u64 {
        self.plan.len
    }

    /// How many bytes are written.
    pub fn written(&self) -> u64 {
        len(&self.written)
    }
}

/// Writes a medium onto a stick: first what was there is made unrecognisable, then everything is written, and what firmware
/// and systems look for comes last. `capacity` is what the writing of the capacity check is made of, where it is asked for: it
/// has to be another each time. Returns how many bytes were written.
///
/// # Errors
/// [`StickError`]. The stick does not boot then.
pub fn write_stick<S: Sink + Source>(
    image: &StickImage,
    stick: &mut S,
    capacity: Option<[u8; 16]>,
    observer: &mut dyn Observer,
) -> Result<u64, StickError> {
    let (needed, len) = (image.needed(), stick.len());
    if len < needed {
        return Err(StickError::TooSmall { needed, len });
    }
    let Some((head, body)) = image.written.split_first() else { return Ok(0) };
    let mut run = Run { image, stick, observer };
    run.wipe()?;
    if let Some(nonce) = capacity {
        run.observer.event(Event::Step("checking the capacity"));
        let checked = capacity::check(run.stick, nonce);
        // What the check wrote goes as well, and what is wrong with a stick is said before what else fails on it.
        let wiped = run.wipe();
        checked.and(wiped)?;
    }
    run.observer.event(Event::Begin { what: "writing", bytes: image.written() });
    for part in body {
        run.write(part)?;
    }
    run.sync()?;
    run.write(head)?;
    run.sync()?;
    run.observer.event(Event::End);
    Ok(image.written())
}

/// Reads back everything the medium consists of, and compares it with what it should be. Returns how many bytes were read.
///
/// # Errors
/// [`StickError`], with the first byte that is another.
pub fn read_back(
    image: &StickImage,
    stick: &dyn Source,
    observer: &mut dyn Observer,
) -> Result<u64, StickError> {
    let bytes = len(&image.all);
    observer.event(Event::Begin { what: "reading back", bytes });
    let mut buffer = Buffer::default();
    for part in &image.all {
        if observer.cancelled() {
            return Err(StickError::Cancelled);
        }
        let block = image.for_comparing.block(part.start / BLOCK).map_err(StickError::Source)?;
        let expected = &block.bytes()[within(part)];
        let found = buffer.of(expected.len());
        let label = |offset| image.plan.label_at(offset).to_owned();
        stick.read_exact_at(part.start, found).map_err(|error| StickError::Stick {
            doing: "reading back",
            label: label(part.start),
            offset: part.start,
            error,
        })?;
        // Whole blocks are compared at once; where they differ is looked for only then.
        if found != expected {
            let at = found.iter().zip(expected).position(|(found, expected)| found != expected);
            let offset = part.start + at.unwrap_or(0) as u64;
            return Err(StickError::Differs { label: label(offset), offset });
        }
        observer.event(Event::Advance(expected.len() as u64));
    }
    observer.event(Event::End);
    Ok(bytes)
}

/// Takes from a stick what makes it start, after it turned out not to hold what was written.
///
/// # Errors
/// What the stick says; most that are not what was written still take this.
pub fn withdraw<S: Sink + Source>(stick: &mut S) -> io::Result<()> {
    let mut memory = Buffer::default();
    let zeros = memory.of(HEAD as usize);
    zeros.fill(0);
    stick.write_at(0, &zeros[..HEAD.min(Source::len(stick)) as usize])?;
    stick.sync()
}

struct Run<'a, S> {
    image: &'a StickImage,
    stick: &'a mut S,
    observer: &'a mut dyn Observer,
}

impl<S: Sink + Source> Run<'_, S> {
    /// Takes away what firmware and systems know a disk by: the partition table or volume at its start, and the backup of a
    /// partition table at its end, where it is not to stay.
    fn wipe(&mut self) -> Result<(), StickError> {
        let mut memory = Buffer::default();
        let zeros = memory.of(HEAD as usize + ALIGNMENT);
        zeros.fill(0);
        let len = Source::len(self.stick);
        self.put(0, &zeros[..HEAD.min(len) as usize], "the start of the stick")?;
        self.sync()?;
        if !self.image.is_update && len > HEAD {
            let end = (len - HEAD) / ALIGNMENT as u64 * ALIGNMENT as u64;
            self.put(end, &zeros[..(len - end) as usize], "the end of the stick")?;
        }
        Ok(())
    }

    fn write(&mut self, part: &Range<u64>) -> Result<(), StickError> {
        let block = self.image.for_writing.block(part.start / BLOCK).map_err(StickError::Source)?;
        let bytes = &block.bytes()[within(part)];
        self.put(part.start, bytes, self.image.plan.label_at(part.start))?;
        self.observer.event(Event::Advance(bytes.len() as u64));
        Ok(())
    }

    fn put(&mut self, offset: u64, bytes: &[u8], label: &str) -> Result<(), StickError> {
        if self.observer.cancelled() {
            return Err(StickError::Cancelled);
        }
        let doing = "writing";
        let failed = |error| StickError::Stick { doing, label: label.to_owned(), offset, error };
        self.stick.write_at(offset, bytes).map_err(failed)
    }

    fn sync(&mut self) -> Result<(), StickError> {
        self.stick.sync().map_err(|error| StickError::Stick {
            doing: "writing",
            label: "what the stick holds back".to_owned(),
            offset: 0,
            error,
        })
    }
}

/// What a plan covers, and where its zeros count, as runs in whole units, cut where a block ends and where the head does.
/// The head is the first of them.
fn runs(plan: &Plan) -> Vec<Range<u64>> {
    let unit = ALIGNMENT as u64;
    let head = 0..HEAD.min(plan.len);
    let mut covered: Vec<Range<u64>> =
        plan.extents.iter().map(range).chain(plan.zeros.iter().chain(&plan.emptied).cloned()).collect();
    covered.sort_unstable_by_key(|run| run.start);
    let mut joined = Vec::new();
    joined.push(head);
    for run in covered {
        let start = run.start / unit * unit;
        let end = run.end.next_multiple_of(unit).min(plan.len);
        match joined.last_mut() {
            Some(last) if start <= last.end + GAP => last.end = last.end.max(end),
            _ => joined.push(start..end),
        }
    }
    let mut cut = Vec::new();
    for run in joined {
        let mut start = run.start;
        while start < run.end {
            let block = (start / BLOCK + 1) * BLOCK;
            let end = if start < HEAD { HEAD.min(run.end) } else { block.min(run.end) };
            cut.push(start..end);
            start = end;
        }
    }
    cut
}

fn range(extent: &crate::plan::Extent) -> Range<u64> {
    extent.offset..extent.offset + extent.piece.len()
}

/// A run's place in its block.
fn within(part: &Range<u64>) -> Range<usize> {
    let start = part.start % BLOCK;
    start as usize..(start + part.end - part.start) as usize
}

fn len(parts: &[Range<u64>]) -> u64 {
    parts.iter().map(|part| part.end - part.start).sum()
}

#[cfg(test)]
mod tests;
