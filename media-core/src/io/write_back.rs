//! Sends a file to its device while more of it is being written, so that both go on at once.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// How much is written before the device is asked to take it.
const STRIDE: u64 = 32 << 20;

/// A thread that waits for the device in the writer's place.
#[derive(Debug)]
pub(super) struct WriteBack {
    /// Asks the thread for one more round; closed, it does the last one.
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
    /// Bytes written since it was last asked.
    waiting: u64,
}

impl WriteBack {
    /// Begins to look after a file.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn of(file: Arc<File>) -> io::Result<Self> {
        // One request may wait while another is carried out: it covers whatever was written before it was begun.
        let (ask, asked) = sync_channel(1);
        let name = "write back".to_owned();
        let thread = std::thread::Builder::new().name(name).spawn(move || rounds(&file, &asked))?;
        Ok(Self { ask: Some(ask), thread: Some(thread), waiting: 0 })
    }

    /// Counts what was written.
    ///
    /// # Errors
    /// What the device said to an earlier part of the file.
    pub(super) fn wrote(&mut self, bytes: u64) -> io::Result<()> {
        self.waiting += bytes;
        if self.waiting < STRIDE { Ok(()) } else { self.start() }
    }

    /// Asks the device to take what was written so far, and does not wait for it.
    ///
    /// # Errors
    /// As [`WriteBack::wrote`].
    pub(super) fn start(&mut self) -> io::Result<()> {
        self.waiting = 0;
        match self.ask.as_ref().map(|ask| ask.try_send(())) {
            None | Some(Ok(()) | Err(TrySendError::Full(()))) => Ok(()),
            // It ends early only when the device refused something.
            Some(Err(TrySendError::Disconnected(()))) => self.finish(),
        }
    }

    /// Returns when all of the file has reached the device.
    ///
    /// # Errors
    /// What the device said to any part of it.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.ask = None;
        let Some(thread) = self.thread.take() else { return Ok(()) };
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that writes to the device ended")))
    }
}

fn rounds(file: &File, asked: &Receiver<()>) -> io::Result<()> {
    while asked.recv().is_ok() {
        file.sync_data()?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// What cannot be brought to any device: the system says so (EINVAL) for each end of a pipe.
    fn pipe() -> (Arc<File>, io::PipeReader) {
        let (reader, writer) = io::pipe().expect("the system has pipes");
        (Arc::new(File::from(std::os::fd::OwnedFd::from(writer))), reader)
    }

    #[test]
    fn what_the_device_refuses_is_told_at_the_end() {
        let (file, _reader) = pipe();
        let mut write_back = WriteBack::of(file).expect("there are threads");
        write_back.start().expect("nobody waits for the answer");
        let error = write_back.finish().expect_err("a pipe has no device");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn what_the_device_refused_is_told_to_who_goes_on_writing() {
        let (file, _reader) = pipe();
        let mut write_back = WriteBack::of(file).expect("there are threads");
        let limit = Instant::now() + Duration::from_secs(60);
        let error = loop {
            if let Err(error) = write_back.wrote(STRIDE) {
                break error;
            }
            assert!(Instant::now() < limit, "the refusal never came");
            std::thread::sleep(Duration::from_millis(1));
        };
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_file_is_on_its_device_at_the_end() {
        let mut write_back = WriteBack::of(Arc::new(tempfile::tempfile().expect("a temporary file")));
        let write_back = write_back.as_mut().expect("there are threads");
        for _ in 0..100 {
            write_back.wrote(STRIDE / 3).expect("a file has a device");
        }
        write_back.finish().expect("a file has a device");
    }
}
