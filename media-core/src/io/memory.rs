//! A sink in memory, for tests and for callers that want the bytes.

use std::io;

use super::Sink;

/// Collects what is written.
#[derive(Debug, Default, Clone)]
pub struct MemorySink {
    /// Everything written so far.
    pub bytes: Vec<u8>,
}

impl Sink for MemorySink {
    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.bytes.clear();
        self.bytes.resize(usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?, 0);
        Ok(())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let place =
            usize::try_from(offset).ok().and_then(|start| self.bytes.get_mut(start..start + bytes.len()));
        place.ok_or(io::ErrorKind::WriteZero)?.copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
