//! One source, read by several at about the same time: whoever first needs a block reads it, and the others find it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Source;
use super::aligned::Buffer;

/// Bytes in a block.
pub(crate) const BLOCK: u64 = 1 << 20;
/// How many blocks are kept. Who falls further behind reads for itself, and holds up nobody.
const KEPT: usize = 48;

/// Blocks of a source, each read once for all who ask for it while it is kept.
pub(crate) struct SharedBlocks {
    source: Arc<dyn Source>,
    kept: Mutex<BTreeMap<u64, Slot>>,
    is_read: Condvar,
}

/// A block, and how many of its bytes there are.
#[derive(Clone)]
pub(crate) struct Block {
    memory: Arc<Buffer>,
    len: usize,
}

enum Slot {
    /// Somebody reads it.
    Awaited,
    Read(Result<Block, (io::ErrorKind, String)>),
}

impl SharedBlocks {
    pub(crate) fn new(source: Arc<dyn Source>) -> Self {
        Self { source, kept: Mutex::default(), is_read: Condvar::new() }
    }

    /// The block that starts at `number * BLOCK`; shorter at the end.
    ///
    /// # Errors
    /// Whatever the source says.
    pub(crate) fn block(&self, number: u64) -> io::Result<Block> {
        let mut kept = self.lock();
        loop {
            match kept.get(&number) {
                Some(Slot::Read(Ok(block))) => return Ok(block.clone()),
                Some(Slot::Read(Err((kind, message)))) => return Err(io::Error::new(*kind, message.clone())),
                Some(Slot::Awaited) => {
                    kept = self.is_read.wait(kept).unwrap_or_else(PoisonError::into_inner);
                }
                None if kept.first_key_value().is_some_and(|(first, _)| number < *first) => {
                    drop(kept);
                    return self.read(number);
                }
                None => break,
            }
        }
        // The one that is furthest behind goes, unless somebody still reads it.
        if kept.len() >= KEPT
            && let Some(oldest) = kept.first_entry().filter(|oldest| matches!(oldest.get(), Slot::Read(_)))
        {
            oldest.remove();
        }
        kept.insert(number, Slot::Awaited);
        drop(kept);
        let _awaited = Awaited { blocks: self, number };
        let read = self.read(number);
        let slot = match &read {
            Ok(block) => Ok(block.clone()),
            Err(error) => Err((error.kind(), error.to_string())),
        };
        self.lock().insert(number, Slot::Read(slot));
        self.is_read.notify_all();
        read
    }

    fn read(&self, number: u64) -> io::Result<Block> {
        let offset = number * BLOCK;
        let len = self.source.len().saturating_sub(offset).min(BLOCK) as usize;
        let mut memory = Buffer::default();
        self.source.read_exact_at(offset, memory.of(len))?;
        Ok(Block { memory: Arc::new(memory), len })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Slot>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers those who wait for a block, also when reading it ends in a way that it should not.
struct Awaited<'a> {
    blocks: &'a SharedBlocks,
    number: u64,
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        let mut kept = self.blocks.lock();
        if let Some(slot @ Slot::Awaited) = kept.get_mut(&self.number) {
            *slot = Slot::Read(Err((io::ErrorKind::Other, "who was to read it failed".to_owned())));
            self.blocks.is_read.notify_all();
        }
    }
}

impl Block {
    /// Its bytes, at an address that suits a device.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.memory.filled(self.len)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Counts how often it is asked, and fails at one block.
    struct Counting {
        asked: AtomicU64,
        len: u64,
        fails_at: u64,
    }

    impl Source for Counting {
        fn len(&self) -> u64 {
            self.len
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if offset / BLOCK == self.fails_at {
                return Err(io::Error::other("a bad sector"));
            }
            thread::sleep(Duration::from_micros(200));
            buffer.fill((offset / BLOCK) as u8);
            Ok(buffer.len())
        }
    }

    #[test]
    fn what_several_need_is_read_once() {
        let source = Arc::new(Counting { asked: AtomicU64::new(0), len: 40 * BLOCK + 512, fails_at: 99 });
        let blocks = SharedBlocks::new(source.clone());
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for number in 0..=40 {
                        let block = blocks.block(number).expect("it can be read");
                        let len = if number == 40 { 512 } else { BLOCK as usize };
                        assert!(
                            block.bytes().len() == len
                                && block.bytes().iter().all(|byte| *byte == number as u8)
                        );
                        assert_eq!(block.bytes().as_ptr().addr() % super::super::ALIGNMENT, 0);
                    }
                });
            }
        });
        assert_eq!(source.asked.load(Ordering::SeqCst), 41);
    }

    #[test]
    fn who_falls_behind_reads_for_itself_and_no_more_is_kept_than_was_said() {
        let source = Arc::new(Counting { asked: AtomicU64::new(0), len: 100 * BLOCK, fails_at: 99 });
        let blocks = SharedBlocks::new(source.clone());
        (0..99).for_each(|number| drop(blocks.block(number)));
        assert_eq!(blocks.lock().len(), KEPT);
        assert_eq!(blocks.block(3).expect("it can be read").bytes()[0], 3);
        assert_eq!(source.asked.load(Ordering::SeqCst), 100);
        assert_eq!(blocks.lock().len(), KEPT, "what is behind is not kept");
        for _ in 0..2 {
            let error = blocks.block(99).err().expect("it cannot be read");
            assert_eq!(error.to_string(), "a bad sector");
        }
    }

    /// Fails in a way that a source should not.
    struct Broken;

    impl Source for Broken {
        fn len(&self) -> u64 {
            BLOCK
        }

        fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<usize> {
            thread::sleep(Duration::from_millis(20));
            Ok("".parse::<usize>().expect("a number"))
        }
    }

    #[test]
    fn a_reader_that_fails_keeps_nobody_waiting() {
        let blocks = SharedBlocks::new(Arc::new(Broken));
        let ended: Vec<bool> = thread::scope(|scope| {
            let readers: Vec<_> = (0..4).map(|_| scope.spawn(|| blocks.block(0).is_err())).collect();
            readers.into_iter().map(|reader| reader.join().unwrap_or(false)).collect()
        });
        assert_eq!(ended.iter().filter(|is_told| **is_told).count(), 3, "{ended:?}");
    }
}
