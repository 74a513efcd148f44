//! A device that exists in memory alone and keeps only the sectors that are not zero.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::SECTOR_SIZE;

/// A device of any size.
#[derive(Debug)]
pub(super) struct SparseDevice {
    len: u64,
    position: u64,
    sectors: BTreeMap<u64, [u8; SECTOR_SIZE as usize]>,
}

impl SparseDevice {
    /// All zero.
    pub(super) fn new(len: u64) -> Self {
        Self { len, position: 0, sectors: BTreeMap::new() }
    }

    /// A copy of `count` sectors from `first`.
    pub(super) fn copy(&self, first: u64, count: u64) -> Vec<u8> {
        const ZERO: [u8; SECTOR_SIZE as usize] = [0; SECTOR_SIZE as usize];
        (first..first + count).flat_map(|index| *self.sectors.get(&index).unwrap_or(&ZERO)).collect()
    }

    /// The sector the position is in, the place in it, and how many of `wanted` bytes it has from there.
    fn here(&self, wanted: usize) -> (u64, usize, usize) {
        let within = (self.position % SECTOR_SIZE) as usize;
        let left = usize::try_from(self.len.saturating_sub(self.position)).unwrap_or(usize::MAX);
        (self.position / SECTOR_SIZE, within, wanted.min(left).min(SECTOR_SIZE as usize - within))
    }
}

impl Read for SparseDevice {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (sector, within, count) = self.here(buffer.len());
        match self.sectors.get(&sector) {
            Some(bytes) => buffer[..count].copy_from_slice(&bytes[within..within + count]),
            None => buffer[..count].fill(0),
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Write for SparseDevice {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (sector, within, count) = self.here(bytes.len());
        if self.sectors.contains_key(&sector) || bytes[..count].iter().any(|&byte| byte != 0) {
            let kept = self.sectors.entry(sector).or_insert([0; SECTOR_SIZE as usize]);
            kept[within..within + count].copy_from_slice(&bytes[..count]);
        }
        self.position += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for SparseDevice {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.len.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
