//! Hashes on threads of its own while the caller does something else, and with the caller's help when that is done.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{BUFFER, CHUNK, Digest, DigestError};
use crate::content::{Content, Piece};
use crate::event::{Event, Observer};
use crate::io::Source;

/// How long nobody looks whether the observer asks to stop.
const LOOK: Duration = Duration::from_millis(50);

/// Computes SHA-256 of what it is given, front to back, from the moment it is given it. Dropped, it stops.
pub struct Digester {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What [`Digester::add`] was given: where the digest of each of its chunks will be. The one that was never given stands for
/// what is not to be hashed.
#[derive(Debug, Clone, Default)]
pub struct Ticket(Vec<usize>);

struct Shared {
    queue: Mutex<Queue>,
    /// Something was added, or finished, or all of it is to stop.
    changed: Condvar,
    stop: AtomicBool,
    /// Bytes hashed so far.
    done: AtomicU64,
}

/// The chunks in the order they came in.
#[derive(Default)]
struct Queue {
    chunks: Vec<Content>,
    made: Vec<Option<io::Result<[u8; 32]>>>,
    /// The first chunk nobody has taken.
    next: usize,
    /// How many are not done.
    left: usize,
    /// Which chunk has the same bytes of the same source. Its content is kept, so the address stays its own.
    known: HashMap<(usize, u64, u64), usize>,
    bytes: u64,
}

impl Digester {
    /// With as many threads of its own; with none, everything waits for [`Digester::finish`].
    pub fn start(threads: usize) -> Self {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            changed: Condvar::new(),
            stop: AtomicBool::new(false),
            done: AtomicU64::new(0),
        });
        let digester = Self { shared, threads: Mutex::default() };
        (0..threads).for_each(|_| digester.join_in());
        digester
    }

    /// Adds a thread: the caller is going to wait for something else than its core.
    pub fn join_in(&self) {
        let shared = self.shared.clone();
        let thread = thread::Builder::new().name("checksums".to_owned()).spawn(move || shared.work());
        // Where the system gives no thread, the caller does the work.
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).extend(thread.ok());
    }

    /// Puts a content at the end of the queue. The same bytes of the same source are hashed once, however often they are
    /// named.
    pub fn add(&self, content: &Content) -> Ticket {
        let mut queue = self.shared.queue();
        let chunk = |at| queue.place(content.slice(at * CHUNK, CHUNK));
        let ticket = Ticket((0..Digest::chunks(content.len())).map(chunk).collect());
        drop(queue);
        self.shared.changed.notify_all();
        ticket
    }

    /// Takes part until everything is hashed; says how far it is under `what`.
    ///
    /// # Errors
    /// [`DigestError`], which counts the tickets.
    pub fn finish(
        &self,
        tickets: &[Ticket],
        what: &'static str,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Digest>, DigestError> {
        let mut reported = self.shared.done.load(Ordering::Relaxed);
        observer.event(Event::Begin { what, bytes: self.shared.queue().bytes.saturating_sub(reported) });
        let mut look = |shared: &Shared| {
            let done = shared.done.load(Ordering::Relaxed);
            let more = done.saturating_sub(std::mem::replace(&mut reported, done));
            if shared.is_stopped() {
                return;
            }
            if more > 0 {
                observer.event(Event::Advance(more));
            }
            if observer.cancelled() {
                shared.stop();
            }
        };
        look(&self.shared);
        let mut buffer = Zeroizing::new(Vec::new());
        while let Some((at, content)) = self.shared.take() {
            let made = self.shared.hash(&content, &mut buffer, || look(&self.shared));
            self.shared.put(at, made);
        }
        while self.shared.wait_for_more() {
            look(&self.shared);
        }
        look(&self.shared);
        observer.event(Event::End);
        self.shared.queue().digests(tickets, self.shared.is_stopped())
    }
}

impl Drop for Digester {
    fn drop(&mut self) {
        self.shared.stop();
        for thread in self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // One that panicked has said so.
            let _ = thread.join();
        }
    }
}

impl Queue {
    /// Where the digest of a chunk is, or will be.
    fn place(&mut self, chunk: Content) -> usize {
        let next = self.chunks.len();
        let at = identity(&chunk).map_or(next, |identity| *self.known.entry(identity).or_insert(next));
        if at == next {
            self.bytes += chunk.len();
            self.chunks.push(chunk);
            self.made.push(None);
            self.left += 1;
        }
        at
    }

    fn take(&mut self) -> Option<(usize, Content)> {
        let at = self.next;
        let content = self.chunks.get(at)?.clone();
        self.next += 1;
        Some((at, content))
    }

    /// What became of the tickets: the first failure, if there is one.
    fn digests(&mut self, tickets: &[Ticket], is_stopped: bool) -> Result<Vec<Digest>, DigestError> {
        for (number, ticket) in tickets.iter().enumerate() {
            for at in &ticket.0 {
                if let Some(failed) = self.made[*at].take_if(|made| made.is_err()) {
                    let error = failed.err().unwrap_or_else(|| io::ErrorKind::Other.into());
                    return Err(DigestError::Read(number, error));
                }
            }
        }
        if is_stopped {
            return Err(DigestError::Cancelled);
        }
        let one = |at: &usize| self.made[*at].as_ref().and_then(|made| made.as_ref().ok().copied());
        let digest = |ticket: &Ticket| ticket.0.iter().map(one).collect::<Option<_>>().map(Digest);
        tickets.iter().map(digest).collect::<Option<_>>().ok_or(DigestError::Cancelled)
    }
}

/// What tells whether two chunks are the same bytes of one source.
fn identity(chunk: &Content) -> Option<(usize, u64, u64)> {
    match chunk.pieces() {
        [Piece::Slice { source, offset, len }] => {
            Some((Arc::as_ptr(source).cast::<()>() as usize, *offset, *len))
        }
        _ => None,
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next chunk that nobody has taken. The queue is free again when this returns.
    fn take(&self) -> Option<(usize, Content)> {
        self.queue().take()
    }

    /// Takes the next chunk that nobody has taken, until there will be no more.
    fn work(&self) {
        let mut buffer = Zeroizing::new(Vec::new());
        let mut queue = self.queue();
        while !self.is_stopped() {
            let Some((at, content)) = queue.take() else {
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(queue);
            let made = self.hash(&content, &mut buffer, || ());
            self.put(at, made);
            queue = self.queue();
        }
    }

    /// Hashes a chunk; ends early, with anything, when all is to stop.
    fn hash(
        &self,
        content: &Content,
        buffer: &mut Zeroizing<Vec<u8>>,
        mut between: impl FnMut(),
    ) -> io::Result<[u8; 32]> {
        // Most files are short.
        let most = BUFFER.min(usize::try_from(content.len()).unwrap_or(BUFFER));
        if buffer.len() < most {
            *buffer = Zeroizing::new(vec![0; most]);
        }
        let (mut digest, mut at) = (Sha256::new(), 0);
        while at < content.len() && !self.is_stopped() {
            let count = buffer.len().min(usize::try_from(content.len() - at).unwrap_or(usize::MAX));
            content.read_exact_at(at, &mut buffer[..count])?;
            digest.update(&buffer[..count]);
            at += count as u64;
            self.done.fetch_add(count as u64, Ordering::Relaxed);
            between();
        }
        Ok(digest.finalize().into())
    }

    /// Waits until a chunk is done, or for a moment; whether some are not.
    fn wait_for_more(&self) -> bool {
        let queue = self.queue();
        if self.is_stopped() || queue.left == 0 {
            return false;
        }
        let waited = self.changed.wait_timeout(queue, LOOK).unwrap_or_else(PoisonError::into_inner);
        waited.0.left != 0
    }

    fn put(&self, at: usize, made: io::Result<[u8; 32]>) {
        let failed = made.is_err();
        let mut queue = self.queue();
        queue.made[at] = Some(made);
        queue.left -= 1;
        drop(queue);
        if failed {
            self.stop();
        }
        self.changed.notify_all();
    }

    fn stop(&self) {
        // Under the lock, so that nobody begins to wait between looking and being told.
        let _queue = self.queue();
        self.stop.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
