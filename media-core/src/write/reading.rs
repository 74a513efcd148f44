//! What goes through this process: read in pieces that suit the device they are written to.

use std::ops::Range;
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

use super::WriteError;
use crate::content::SHARED_BLOCK;
use crate::io::{Buffer, Source};
use crate::plan::Extent;

/// How much is read and written at once.
pub(super) const BUFFER: u64 = 4 << 20;
/// How many pieces are in memory: one is read, one waits, and one is written.
const BUFFERS: usize = 3;

/// A slice that an extent is made of.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) extent: &'a Extent,
    pub(super) source: &'a dyn Source,
    /// The first byte of the slice in its source.
    pub(super) from: u64,
}

impl Reading<'_> {
    /// The pieces of a range: up to the next block, then whole blocks, and what is left of the last.
    pub(super) fn steps(&self, range: Range<u64>) -> impl Iterator<Item = (u64, usize)> + use<> {
        let (offset, mut at) = (self.extent.offset, range.start);
        std::iter::from_fn(move || {
            let left = range.end.checked_sub(at).filter(|left| *left > 0)?;
            let count = match (offset + at) % SHARED_BLOCK {
                0 if left >= SHARED_BLOCK => (left - left % SHARED_BLOCK).min(BUFFER),
                0 => left,
                past => (SHARED_BLOCK - past).min(left),
            };
            at += count;
            Some((at - count, count as usize))
        })
    }

    /// Whether the bytes are nowhere but in this process's memory, and may be secret. What is in a file is no secret from
    /// who can read this memory, and to wipe it takes as long as to copy it.
    pub(super) fn is_secret(&self) -> bool {
        self.source.file().is_none()
    }

    /// Reads the bytes from `at` on.
    pub(super) fn fill(&self, at: u64, bytes: &mut [u8]) -> Result<(), WriteError> {
        self.source.read_exact_at(self.from + at, bytes).map_err(|error| WriteError::Source {
            label: self.extent.label.clone(),
            offset: self.from + at,
            error,
        })
    }

    /// Reads a range on a thread of its own, ahead of what is done with it.
    pub(super) fn ahead(
        self,
        range: Range<u64>,
        mut put: impl FnMut(u64, &[u8]) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let (give_back, free) = channel();
        (0..BUFFERS).for_each(|_| drop(give_back.send(Buffer::default())));
        let (pass, passed) = sync_channel(BUFFERS);
        thread::scope(|scope| {
            scope.spawn(move || {
                // Whoever does not listen any more has told why.
                for (at, count) in self.steps(range) {
                    let Ok(mut buffer) = free.recv() else { return };
                    let read = self.fill(at, buffer.of(count));
                    if pass.send((at, count, buffer, read)).is_err() {
                        return;
                    }
                }
            });
            // Dropped with this closure, however it ends: who reads would wait for a buffer for ever.
            let give_back = give_back;
            for (at, count, mut buffer, read) in passed {
                read?;
                put(at, buffer.of(count))?;
                let _ = give_back.send(buffer);
            }
            Ok(())
        })
    }
}
