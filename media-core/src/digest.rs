//! SHA-256 of many files at once: in chunks of a fixed length, so that every core takes part.

mod digester;

use std::io;
use std::thread;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::content::Content;
use crate::event::{Event, Observer};
use crate::io::Source;

pub use digester::{Digester, Ticket};

/// Bytes of a file that are hashed together. It is part of the layout of a manifest.
pub const CHUNK: u64 = 16 << 20;
/// What is read at once: little enough to be in the core's own cache when it is hashed.
const BUFFER: usize = 256 << 10;

/// The SHA-256 of each chunk of [`CHUNK`] bytes, the last one shorter; of an empty file one of nothing. None at all where
/// it was not computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest(pub Vec<[u8; 32]>);

impl Digest {
    /// How many chunks a file of this length has.
    pub fn chunks(len: u64) -> u64 {
        len.div_ceil(CHUNK).max(1)
    }

    /// What stands in its place before anything was read.
    pub fn zero(len: u64) -> Self {
        Self(vec![[0; 32]; usize::try_from(Self::chunks(len)).unwrap_or(0)])
    }

    /// What stands in its place where nobody computed it.
    pub fn unknown() -> Self {
        Self(Vec::new())
    }

    /// Whether somebody computed it.
    pub fn is_known(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether there is one SHA-256 for each chunk of so many bytes, or none at all where that may be.
    pub fn is_for(&self, len: u64, may_lack: bool) -> bool {
        self.0.len() as u64 == Self::chunks(len) || (may_lack && !self.is_known())
    }

    /// Of bytes in memory.
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self(vec![Sha256::digest(bytes).into()]);
        }
        Self(bytes.chunks(CHUNK as usize).map(|chunk| Sha256::digest(chunk).into()).collect())
    }

    /// The first chunk that is another, as bytes of the file; none is where one of them is not known.
    pub fn first_difference(&self, other: &Self, len: u64) -> Option<std::ops::Range<u64>> {
        let at = self.0.iter().zip(&other.0).position(|(one, two)| one != two)? as u64;
        Some(at * CHUNK..((at + 1) * CHUNK).min(len))
    }
}

/// Why there is no digest.
#[derive(Debug)]
pub enum DigestError {
    /// One of the contents, by its number, could not be read to its end.
    Read(usize, io::Error),
    /// The observer asked to stop.
    Cancelled,
}

/// Reads everything once, and the same bytes of the same source only once however often they are named; says how far it
/// is under `what`.
///
/// # Errors
/// [`DigestError`].
pub fn digests(
    contents: &[&Content],
    what: &'static str,
    observer: &mut dyn Observer,
) -> Result<Vec<Digest>, DigestError> {
    let chunks = contents.iter().map(|content| Digest::chunks(content.len()) as usize).sum::<usize>();
    // One of the threads is the caller's.
    let digester = Digester::start(chunks.min(cores()) - chunks.min(1));
    let wanted: Vec<_> = contents.iter().map(|content| digester.add(content)).collect();
    digester.finish(&wanted, what, observer)
}

/// How many threads make use of this machine.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The SHA-256 of all of a content, as other programs compute it.
///
/// # Errors
/// [`DigestError`].
pub fn sha256(content: &Content, observer: &mut dyn Observer) -> Result<[u8; 32], DigestError> {
    let (mut digest, mut at) = (Sha256::new(), 0);
    let mut buffer = Zeroizing::new(vec![0; BUFFER]);
    while at < content.len() {
        if observer.cancelled() {
            return Err(DigestError::Cancelled);
        }
        let count = buffer.len().min(usize::try_from(content.len() - at).unwrap_or(usize::MAX));
        content.read_exact_at(at, &mut buffer[..count]).map_err(|error| DigestError::Read(0, error))?;
        digest.update(&buffer[..count]);
        at += count as u64;
        observer.event(Event::Advance(count as u64));
    }
    Ok(digest.finalize().into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::content::Piece;
    use crate::event::Unobserved;

    #[test]
    fn chunks_are_hashed_by_themselves_and_files_of_none_have_one() {
        let long: Vec<u8> = (0..CHUNK + 5).map(|at| (at % 251) as u8).collect();
        let contents = [Content::default(), Content::bytes(*b"abc"), Content::bytes(long.clone())];
        let made = digests(&contents.each_ref(), "test", &mut Unobserved).expect("in memory");
        // FIPS 180-2 B.1, and the SHA-256 of nothing.
        assert_eq!(crate::bytes::to_hex_lower(&made[0].0[0])[..16], *"e3b0c44298fc1c14");
        assert_eq!(crate::bytes::to_hex_lower(&made[1].0[0])[..16], *"ba7816bf8f01cfea");
        let expected: [u8; 32] = Sha256::digest(&long[CHUNK as usize..]).into();
        assert_eq!((made[2].0.len(), made[2].0[1]), (2, expected));
        assert_eq!(made[2], Digest::of(&long));
        let mut other = long.clone();
        other[CHUNK as usize + 1] ^= 1;
        let range = made[2].first_difference(&Digest::of(&other), long.len() as u64);
        assert_eq!(range, Some(CHUNK..CHUNK + 5));
    }

    struct Counted(AtomicUsize, Vec<u8>);

    impl Source for Counted {
        fn len(&self) -> u64 {
            self.1.len() as u64
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.fetch_add(buffer.len(), Ordering::Relaxed);
            self.1.as_slice().read_at(offset, buffer)
        }
    }

    #[test]
    fn the_same_bytes_are_read_once() {
        let source = Arc::new(Counted(AtomicUsize::new(0), vec![7; CHUNK as usize + 100]));
        let whole = Content::source(source.clone());
        let changed = Content::from_pieces(vec![
            Piece::Bytes(vec![1; 10].into()),
            Piece::Slice { source: source.clone(), offset: 10, len: CHUNK + 90 },
        ]);
        let made = digests(&[&whole, &changed], "test", &mut Unobserved).expect("in memory");
        assert_ne!(made[0].0[0], made[1].0[0]);
        assert_eq!(made[0].0[1], made[1].0[1]);
        assert_eq!(source.0.load(Ordering::Relaxed), 2 * CHUNK as usize - 10 + 100);
    }

    struct Stops;

    impl Observer for Stops {
        fn event(&mut self, _: Event) {}

        fn cancelled(&self) -> bool {
            true
        }
    }

    #[test]
    fn what_cannot_be_read_and_who_stops() {
        let source: Arc<dyn Source> = Arc::new(vec![7; 10]);
        let short = Content::from_pieces(vec![Piece::Slice { source, offset: 0, len: 11 }]);
        let good = Content::bytes(*b"abc");
        let failed = digests(&[&good, &short], "test", &mut Unobserved);
        assert!(matches!(failed, Err(DigestError::Read(1, _))));
        assert!(matches!(digests(&[&good], "test", &mut Stops), Err(DigestError::Cancelled)));
    }

    #[test]
    fn what_is_added_while_others_are_hashed_is_hashed_once() {
        let source =
            Arc::new(Counted(AtomicUsize::new(0), (0..3 * CHUNK + 7).map(|at| (at % 253) as u8).collect()));
        let (whole, small) = (Content::source(source.clone()), Content::bytes(*b"abc"));
        for threads in [0, 1, 3] {
            source.0.store(0, Ordering::Relaxed);
            let digester = Digester::start(threads);
            let first = digester.add(&whole);
            // Sooner or later the threads have nothing to do, and hear of what comes.
            std::thread::sleep(std::time::Duration::from_millis(if threads == 3 { 200 } else { 0 }));
            let tickets = [digester.add(&small), digester.add(&whole), Ticket::default(), first];
            let made = digester.finish(&tickets, "test", &mut Unobserved).expect("in memory");
            assert_eq!(made[1], Digest::of(&source.1));
            assert_eq!((&made[0], &made[2], &made[3]), (&Digest::of(b"abc"), &Digest::unknown(), &made[1]));
            assert_eq!(source.0.load(Ordering::Relaxed), source.1.len(), "{threads} threads");
        }
    }

    #[test]
    fn one_that_is_dropped_stops() {
        /// More than anybody waits for.
        struct Endless(AtomicUsize);

        impl Source for Endless {
            fn len(&self) -> u64 {
                1 << 40
            }

            fn read_at(&self, _: u64, buffer: &mut [u8]) -> io::Result<usize> {
                self.0.fetch_add(buffer.len(), Ordering::Relaxed);
                Ok(buffer.len())
            }
        }

        let source = Arc::new(Endless(AtomicUsize::new(0)));
        let digester = Digester::start(2);
        digester.add(&Content::source(source.clone()));
        drop(digester);
        let read = source.0.load(Ordering::Relaxed);
        assert!((read as u64) < source.len(), "it read everything");
        assert_eq!(Arc::strong_count(&source), 1, "a thread is left that could go on");
    }
}
