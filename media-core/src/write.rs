//! Write: carries a plan out on a sink. Knows no format, and is the only code that can destroy data.

mod amend;
mod journaled;
mod reading;
mod stick;

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use thiserror::Error;
use zeroize::Zeroize as _;

use crate::content::{Piece, SHARED_BLOCK};
use crate::event::{Event, Observer};
use crate::io::{Buffer, Sink, Source};
use crate::plan::{Extent, Plan};

use reading::{BUFFER, Reading};

pub use amend::amend;
pub use journaled::{change, finish};
pub use stick::{StickError, StickImage, read_back, withdraw, write_stick};

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Length of the medium in bytes.
    pub len: u64,
    /// Bytes that passed through this process; long runs of zeros do not.
    pub written: u64,
    /// Bytes the system copied or shared on its own.
    pub copied_by_system: u64,
}

/// Why a medium was not written. What is on the sink then does not boot.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The sink refused.
    #[error("writing {label} at byte {offset}: {error}")]
    Sink {
        /// What was being written.
        label: String,
        /// Where on the medium.
        offset: u64,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// An input could not be read any more.
    #[error("reading {label} at byte {offset} of its source: {error}")]
    Source {
        /// What was being read.
        label: String,
        /// Where in its source.
        offset: u64,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The observer asked to stop.
    #[error("stopped before the medium was complete")]
    Cancelled,
}

/// Everything below this address is written last: it holds what makes a medium bootable (the partition table, or
/// the volume descriptors of an ISO), so a medium that was not finished does not boot.
const HEAD: u64 = 64 << 10;
const WHOLE: &str = "the medium";
/// How much is moved between two looks at the observer.
const STRIDE: u64 = 8 << 20;
/// Zeros are left out in units of this, so that no file comes to lie in many small pieces.
const GRAIN: u64 = 64 << 10;

/// Writes every extent once, the head of the medium last.
///
/// # Errors
/// [`WriteError`] from the sink, an input, or the observer.
pub fn write(plan: &Plan, sink: &mut dyn Sink, observer: &mut dyn Observer) -> Result<Written, WriteError> {
    write_with(plan, sink, observer, |_| Ok::<_, WriteError>((Vec::new(), ()))).map(|(written, ())| written)
}

/// The same of a plan that lacks some extents: they are asked for when all others but the head are written, and what comes
/// with them is passed on.
///
/// # Errors
/// As [`write`], and whatever `late` says.
pub(crate) fn write_with<T, E: From<WriteError>>(
    plan: &Plan,
    sink: &mut dyn Sink,
    observer: &mut dyn Observer,
    late: impl FnOnce(&mut dyn Observer) -> Result<(Vec<Extent>, T), E>,
) -> Result<(Written, T), E> {
    let bytes = plan.extents.iter().map(|extent| extent.piece.len()).sum();
    observer.event(Event::Begin { what: "writing the medium", bytes });
    let mut run = Run {
        sink,
        observer,
        receipt: Written { len: plan.len, ..Written::default() },
        buffer: Buffer::default(),
        is_zero: true,
    };
    let set = run.sink.set_len(plan.len);
    set.map_err(|error| WriteError::Sink { label: WHOLE.to_owned(), offset: 0, error })?;
    let (head, body): (Vec<&Extent>, Vec<&Extent>) =
        plan.extents.iter().partition(|extent| extent.offset < HEAD);
    for extent in body {
        run.extent(extent)?;
    }
    run.observer.event(Event::End);
    let (late, with) = late(run.observer)?;
    for extent in late {
        run.extent(&extent)?;
    }
    run.sync(WHOLE, 0)?;
    for extent in head.into_iter().rev() {
        run.extent(extent)?;
    }
    run.sync(WHOLE, 0)?;
    Ok((run.receipt, with))
}

struct Run<'a> {
    sink: &'a mut dyn Sink,
    observer: &'a mut dyn Observer,
    receipt: Written,
    buffer: Buffer,
    /// Whether the sink is zero where nothing was written.
    is_zero: bool,
}

impl Run<'_> {
    fn extent(&mut self, extent: &Extent) -> Result<(), WriteError> {
        match &extent.piece {
            Piece::Bytes(bytes) if self.is_zero => self.without_zeros(extent, bytes),
            Piece::Bytes(bytes) => self.put(extent, 0, bytes),
            Piece::Slice { source, offset, len } => self.slice(extent, source, *offset, *len),
        }
    }

    /// Writes bytes, but for long runs of zeros: the sink is zero where nothing was written, and a template of a RAM disk for
    /// example is hardly anything else.
    fn without_zeros(&mut self, extent: &Extent, bytes: &[u8]) -> Result<(), WriteError> {
        let mut done = 0;
        for data in data(extent.offset, bytes) {
            self.observer.event(Event::Advance((data.start - done) as u64));
            done = data.end;
            self.put(extent, data.start as u64, &bytes[data])?;
        }
        self.observer.event(Event::Advance((bytes.len() - done) as u64));
        Ok(())
    }

    /// Moves a slice: up to a block boundary by hand, from there by the system, and by hand what the system leaves.
    /// Where the two addresses never meet a boundary together no block can be shared, and all of it goes by hand.
    fn slice(
        &mut self,
        extent: &Extent,
        source: &Arc<dyn Source>,
        from: u64,
        len: u64,
    ) -> Result<(), WriteError> {
        let mut done = 0;
        if let Some(file) = source.file().filter(|_| from % SHARED_BLOCK == extent.offset % SHARED_BLOCK) {
            done = (from.next_multiple_of(SHARED_BLOCK) - from).min(len);
            self.by_hand(extent, source, from, 0..done)?;
            done += self.by_system(extent, file, from, done, len)?;
        }
        self.by_hand(extent, source, from, done..len)
    }

    /// Lets the system move bytes `done..len` of a slice; returns how many it moved before it would no more.
    fn by_system(
        &mut self,
        extent: &Extent,
        file: &File,
        from: u64,
        done: u64,
        len: u64,
    ) -> Result<u64, WriteError> {
        let mut moved = 0;
        while done + moved < len {
            self.stop_if_asked()?;
            let at = done + moved;
            let count = (len - at).min(STRIDE);
            match self.sink.copy_range(extent.offset + at, file, from + at, count) {
                Ok(0) => break,
                Ok(count) => {
                    moved += count;
                    self.receipt.copied_by_system += count;
                    self.observer.event(Event::Advance(count));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A full disk is one; everything else means that the system does not do this here.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) =>
                {
                    return Err(WriteError::Sink {
                        label: extent.label.clone(),
                        offset: extent.offset + at,
                        error,
                    });
                }
                Err(_) => break,
            }
        }
        Ok(moved)
    }

    /// Reads and writes bytes `range` of a slice: of a long one the next piece is read while the last is being written.
    fn by_hand(
        &mut self,
        extent: &Extent,
        source: &Arc<dyn Source>,
        from: u64,
        range: Range<u64>,
    ) -> Result<(), WriteError> {
        let reading = Reading { extent, source: source.as_ref(), from };
        if range.end.saturating_sub(range.start) > 2 * BUFFER && !reading.is_secret() {
            return reading.ahead(range, |at, bytes| self.put(extent, at, bytes));
        }
        let (mut buffer, mut done) = (std::mem::take(&mut self.buffer), Ok(()));
        for (at, count) in reading.steps(range) {
            let bytes = buffer.of(count);
            done = reading.fill(at, bytes).and_then(|()| self.put(extent, at, bytes));
            if reading.is_secret() {
                bytes.zeroize();
            }
            if done.is_err() {
                break;
            }
        }
        self.buffer = buffer;
        done
    }

    fn put(&mut self, extent: &Extent, at: u64, bytes: &[u8]) -> Result<(), WriteError> {
        self.stop_if_asked()?;
        let offset = extent.offset + at;
        let failed = |error| WriteError::Sink { label: extent.label.clone(), offset, error };
        self.sink.write_at(offset, bytes).map_err(failed)?;
        self.receipt.written += bytes.len() as u64;
        self.observer.event(Event::Advance(bytes.len() as u64));
        Ok(())
    }

    fn sync(&mut self, label: &str, offset: u64) -> Result<(), WriteError> {
        self.sink.sync().map_err(|error| WriteError::Sink { label: label.to_owned(), offset, error })
    }

    fn stop_if_asked(&self) -> Result<(), WriteError> {
        if self.observer.cancelled() { Err(WriteError::Cancelled) } else { Ok(()) }
    }
}

/// The parts of bytes at an address that have to be written: what is no grain of zeros, whole and aligned.
fn data(offset: u64, bytes: &[u8]) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let to_boundary = GRAIN - offset.wrapping_add(start as u64) % GRAIN;
        let end = bytes.len().min(start + to_boundary as usize);
        if (end - start) as u64 != GRAIN || !is_zero(&bytes[start..end]) {
            match parts.last_mut().filter(|last| last.end == start) {
                Some(last) => last.end = end,
                None => parts.push(start..end),
            }
        }
        start = end;
    }
    parts
}

/// Piece by piece, so that most of what is not zero is known by its first bytes.
fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(1024).all(|piece| piece.iter().fold(0, |all, byte| all | byte) == 0)
}

#[cfg(test)]
mod tests;
