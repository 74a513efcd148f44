//! Changes a file in place: what is new goes behind it, and only then its first bytes change.

use super::{Buffer, Run, WriteError, Written};
use crate::content::Amendment;
use crate::event::{Event, Observer};
use crate::io::Sink;
use crate::plan::Extent;

const TAIL: &str = "the end of the file";
const HEAD: &str = "the start of the file";

/// Carries out a change of a file in place. A reader finds the old file until the last write, which is of the first bytes.
///
/// # Errors
/// [`WriteError`] from the sink, an input, or the observer, who is not asked any more once the first bytes are written.
pub fn amend(
    amendment: &Amendment,
    sink: &mut dyn Sink,
    observer: &mut dyn Observer,
) -> Result<Written, WriteError> {
    let Amendment { len, tail, head } = amendment;
    let added: u64 = tail.pieces().iter().map(|piece| piece.len()).sum();
    observer.event(Event::Begin { what: "changing the file", bytes: added + head.len() as u64 });
    let receipt = Written { len: len + added, ..Written::default() };
    let mut run = Run { sink, observer, receipt, buffer: Buffer::default(), is_zero: false };
    let mut offset = *len;
    for piece in tail.pieces() {
        run.extent(&Extent { offset, label: TAIL.to_owned(), piece: piece.clone() })?;
        offset += piece.len();
    }
    run.sync(TAIL, *len)?;
    let piece = crate::content::Piece::Bytes(head.to_vec().into());
    run.extent(&Extent { offset: 0, label: HEAD.to_owned(), piece })?;
    run.sync(HEAD, 0)?;
    run.observer.event(Event::End);
    Ok(run.receipt)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use super::*;
    use crate::content::{Content, Piece};
    use crate::event::Unobserved;
    use crate::io::Source;

    const OLD: &[u8] = b"HEADER of the old file, then its content";

    /// A file in memory that remembers every operation, and fails one of them and all after it.
    struct Recorder {
        bytes: Vec<u8>,
        done: Vec<&'static str>,
        left: usize,
    }

    impl Recorder {
        fn new(left: usize) -> Self {
            Self { bytes: OLD.to_vec(), done: Vec::new(), left }
        }

        fn operation(&mut self, name: &'static str) -> io::Result<()> {
            self.left = self.left.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
            self.done.push(name);
            Ok(())
        }
    }

    impl Sink for Recorder {
        fn set_len(&mut self, _: u64) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
            self.operation(if offset == 0 { "head" } else { "tail" })?;
            let offset = offset as usize;
            self.bytes.resize(self.bytes.len().max(offset + bytes.len()), 0);
            self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
            Ok(())
        }

        fn sync(&mut self) -> io::Result<()> {
            self.operation("sync")
        }
    }

    fn sample() -> Amendment {
        let around: Arc<dyn Source> = Arc::new(b"__some more__".to_vec());
        let tail = Content::from_pieces(vec![
            Piece::Bytes(b"; new: ".to_vec().into()),
            Piece::Slice { source: around, offset: 2, len: 9 },
        ]);
        Amendment { len: OLD.len() as u64, tail, head: b"HEADIR".to_vec() }
    }

    #[test]
    fn a_fault_at_any_operation_leaves_the_old_file_until_the_head_is_written() {
        let order = ["tail", "tail", "sync", "head", "sync"];
        for left in 0..order.len() {
            let mut file = Recorder::new(left);
            let error = amend(&sample(), &mut file, &mut Unobserved).expect_err("the disk is full");
            assert!(matches!(error, WriteError::Sink { .. }), "{error}");
            assert_eq!(file.done, order[..left]);
            let head_is_new = left > 3;
            let start: &[u8] = if head_is_new { b"HEADIR" } else { b"HEADER" };
            assert!(file.bytes.starts_with(start) && file.bytes[6..].starts_with(&OLD[6..]));
        }
        let mut file = Recorder::new(order.len());
        let receipt = amend(&sample(), &mut file, &mut Unobserved).expect("nothing fails");
        assert_eq!(file.done, order);
        assert_eq!(file.bytes, b"HEADIR of the old file, then its content; new: some more");
        assert_eq!((receipt.len, receipt.written), (file.bytes.len() as u64, 16 + 6));
    }

    #[test]
    fn who_stops_it_keeps_the_old_file() {
        struct Stop;
        impl Observer for Stop {
            fn event(&mut self, _: Event) {}
            fn cancelled(&self) -> bool {
                true
            }
        }
        let mut file = Recorder::new(100);
        let error = amend(&sample(), &mut file, &mut Stop).expect_err("it was stopped");
        assert!(matches!(error, WriteError::Cancelled));
        assert_eq!(file.bytes, OLD);
    }
}
