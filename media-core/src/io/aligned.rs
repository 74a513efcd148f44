//! Memory at an address that suits the device.

use super::ALIGNMENT;

/// Memory that grows as it is asked for, and stays.
#[derive(Default)]
pub(crate) struct Buffer(Vec<u8>);

impl Buffer {
    /// As many bytes of it, which hold anything.
    pub(crate) fn of(&mut self, count: usize) -> &mut [u8] {
        if self.0.len() < count + ALIGNMENT {
            self.0 = vec![0; count + ALIGNMENT];
        }
        let start = self.start();
        &mut self.0[start..start + count]
    }

    /// The first bytes of what it holds.
    pub(crate) fn filled(&self, count: usize) -> &[u8] {
        let start = self.start();
        self.0.get(start..start + count).unwrap_or_default()
    }

    fn start(&self) -> usize {
        self.0.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT)
    }
}
