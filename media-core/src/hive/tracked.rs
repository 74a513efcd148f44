//! Bytes that know which of them were written to, page by page: a long hive of which little is changed need not be kept twice
//! to find what that was.

use std::ops::{Deref, Range};

/// Bytes of a page.
const PAGE: usize = 4096;

/// Bytes that are read as any others, and written through [`Tracked::change`] alone.
#[derive(Debug, Clone)]
pub(super) struct Tracked {
    bytes: Vec<u8>,
    /// Whether each page was written to.
    pages: Vec<bool>,
}

impl Tracked {
    /// None of them written to yet.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        let pages = vec![false; bytes.len().div_ceil(PAGE)];
        Self { bytes, pages }
    }

    /// A range, to write to.
    pub(super) fn change(&mut self, range: Range<usize>) -> &mut [u8] {
        self.mark(&range);
        &mut self.bytes[range]
    }

    /// Makes them more: the new ones are zeros, and written to.
    pub(super) fn grow(&mut self, len: usize) {
        let new = self.bytes.len()..len;
        // Not twice as many: to move a long hive is to have it twice for a moment already.
        if self.bytes.capacity() < len {
            self.bytes.reserve_exact(new.len().max(self.bytes.len() / 16));
        }
        self.bytes.resize(len, 0);
        self.pages.resize(len.div_ceil(PAGE), true);
        self.mark(&new);
    }

    fn mark(&mut self, range: &Range<usize>) {
        if !range.is_empty() {
            self.pages[range.start / PAGE..range.end.div_ceil(PAGE)].fill(true);
        }
    }

    /// The bytes, and the ranges of them that were written to, in order.
    pub(super) fn into_written(self) -> (Vec<u8>, Vec<Range<u64>>) {
        let mut written: Vec<Range<u64>> = Vec::new();
        for (page, _) in self.pages.iter().enumerate().filter(|(_, is_written)| **is_written) {
            let (start, end) = ((page * PAGE) as u64, ((page + 1) * PAGE) as u64);
            match written.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => written.push(start..end),
            }
        }
        (self.bytes, written)
    }
}

impl Deref for Tracked {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}
