//! The writer against sinks that fail at every step, and that copy as much of a file as they like.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use proptest::prelude::*;
use rustix::io::Errno;

use super::*;
use crate::event::Unobserved;
use crate::io::{FileSource, MemorySink};

/// Fails the operation with this number, and every one after it, as a disk that is full or gone does.
struct FailingSink {
    inner: MemorySink,
    operations_left: usize,
}

impl FailingSink {
    fn operation(&mut self) -> io::Result<()> {
        self.operations_left = self.operations_left.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
        Ok(())
    }
}

impl Sink for FailingSink {
    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.operation()?;
        self.inner.set_len(len)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.operation()?;
        self.inner.write_at(offset, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.operation()
    }
}

fn made(offset: u64, label: &str, bytes: Vec<u8>) -> Extent {
    Extent { offset, label: label.to_owned(), piece: Piece::Bytes(bytes.into()) }
}

fn plan_of(len: u64, extents: Vec<Extent>) -> Plan {
    Plan { len, kind: "test".to_owned(), extents, ..Plan::default() }
}

fn sample() -> Plan {
    let payload: Arc<dyn Source> = Arc::new((0..3_000_000u32).map(|index| index as u8).collect::<Vec<u8>>());
    plan_of(
        8 << 20,
        vec![
            made(0, "partition table", vec![0x55; 512]),
            made(512, "header", vec![0xAA; 512]),
            made(1 << 20, "FAT", vec![1; 4096]),
            Extent {
                offset: 2 << 20,
                label: "sources/boot.wim".to_owned(),
                piece: Piece::Slice { source: payload, offset: 208, len: 2_500_000 },
            },
            made((8 << 20) - 512, "backup", vec![2; 512]),
        ],
    )
}

#[test]
fn a_fault_at_any_operation_leaves_a_medium_that_does_not_boot() {
    let plan = sample();
    let mut operations = 0;
    loop {
        let mut sink = FailingSink { inner: MemorySink::default(), operations_left: operations };
        match write(&plan, &mut sink, &mut Unobserved) {
            Ok(receipt) => {
                assert_eq!(receipt.written, 512 + 512 + 4096 + 2_500_000 + 512);
                break;
            }
            Err(error) => {
                let full = matches!(&error, WriteError::Sink { error, .. } if error.kind() == io::ErrorKind::StorageFull);
                assert!(full, "a full disk was reported as {error}");
            }
        }
        // The partition table is the very last thing written, and only its sync comes after it.
        let table = sink.inner.bytes.get(..512);
        let finished = table.is_some_and(|table| table == [0x55; 512]);
        assert!(!finished || operations >= 8, "the partition table was there after {operations} operations");
        operations += 1;
    }
    assert_eq!(operations, 9, "one set_len, four writes of the body, a sync, two of the head, a sync");
}

#[test]
fn a_source_that_shrinks_is_named_with_its_offset() {
    let mut plan = sample();
    let short: Arc<dyn Source> = Arc::new(vec![0; 1000]);
    plan.extents[3].piece = Piece::Slice { source: short, offset: 208, len: 2_500_000 };
    let error = write(&plan, &mut MemorySink::default(), &mut Unobserved).expect_err("the source is short");
    let expected = "reading sources/boot.wim at byte 208 of its source: the data ends at byte 1000";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn cancelling_stops_before_the_head() {
    struct StopAfter(u64);
    impl Observer for StopAfter {
        fn event(&mut self, event: Event) {
            if let Event::Advance(bytes) = event {
                self.0 = self.0.saturating_sub(bytes);
            }
        }
        fn cancelled(&self) -> bool {
            self.0 == 0
        }
    }
    let mut sink = MemorySink::default();
    let error = write(&sample(), &mut sink, &mut StopAfter(1_000_000)).expect_err("asked to stop");
    assert!(matches!(error, WriteError::Cancelled));
    assert_eq!(sink.bytes[..1024], [0; 1024]);
}

/// What a sink answers when it is asked to copy.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// It copies at most this many bytes.
    Copies(u64),
    Fails(Errno),
}

/// Copies as its script says, and after its end as much as is asked for.
struct ScriptedSink {
    inner: MemorySink,
    script: VecDeque<Answer>,
    asked: Vec<(u64, u64)>,
}

impl Sink for ScriptedSink {
    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_at(offset, bytes)
    }

    fn copy_range(&mut self, offset: u64, from: &File, from_offset: u64, len: u64) -> io::Result<u64> {
        self.asked.push((offset, len));
        let len = match self.script.pop_front() {
            Some(Answer::Fails(errno)) => return Err(errno.into()),
            Some(Answer::Copies(most)) => len.min(most),
            None => len,
        };
        let mut bytes = vec![0; len as usize];
        from.read_exact_at(&mut bytes, from_offset)?;
        self.inner.write_at(offset, &bytes)?;
        Ok(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes bytes `from` to `from + len` of a file to `to`; what the sink was asked for and holds, and the outcome.
fn copied(from: u64, to: u64, len: u64, script: &[Answer]) -> (ScriptedSink, Result<Written, WriteError>) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    let bytes: Vec<u8> = (0..from + len + 5000).map(|at| (at % 251) as u8).collect();
    file.write_all(&bytes).expect("there is room");
    let source: Arc<dyn Source> = Arc::new(FileSource::open(file.path()).expect("it is there"));
    let piece = Piece::Slice { source, offset: from, len };
    let plan = plan_of(to + len + 100, vec![Extent { offset: to, label: "file".to_owned(), piece }]);
    let script = script.iter().copied().collect();
    let mut sink = ScriptedSink { inner: MemorySink::default(), script, asked: Vec::new() };
    let outcome = write(&plan, &mut sink, &mut Unobserved);
    if let Ok(receipt) = &outcome {
        assert_eq!(receipt.written + receipt.copied_by_system, len);
        let mut expected = vec![0; to as usize];
        expected.extend(&bytes[from as usize..(from + len) as usize]);
        expected.extend([0; 100]);
        assert!(sink.inner.bytes == expected, "{from} to {to}, {len} bytes, {:?}", sink.asked);
    }
    (sink, outcome)
}

#[test]
fn whatever_the_system_copies_the_bytes_are_right() {
    use Answer::{Copies, Fails};
    const TO: u64 = 1 << 20;
    // Bytes up to the first block boundary go by hand; `most` is what the system then copies.
    for (script, by_system) in [
        (&[][..], 2_000_000),
        (&[Copies(1), Copies(4095), Copies(100_000)], 2_000_000),
        (&[Copies(0)], 0),
        (&[Copies(70_000), Copies(0)], 70_000),
        (&[Fails(Errno::INTR), Copies(4096), Fails(Errno::INTR)], 2_000_000),
        (&[Fails(Errno::XDEV)], 0),
        (&[Fails(Errno::NOSYS)], 0),
        (&[Fails(Errno::OPNOTSUPP)], 0),
        (&[Copies(8192), Fails(Errno::INVAL)], 8192),
        (&[Copies(8192), Fails(Errno::IO)], 8192),
    ] {
        for (from, by_hand) in [(0, 0), (208, 3888), (4096, 0), (4095, 1)] {
            let (_, outcome) = copied(from, TO + from % 4096, by_hand + 2_000_000, script);
            let receipt = outcome.expect("what the system does not copy is written");
            assert_eq!(receipt.copied_by_system, by_system, "{script:?} from {from}");
        }
    }
}

#[test]
fn what_cannot_be_shared_is_not_asked_of_the_system() {
    // Addresses that never meet a block boundary together, and a slice that ends before the first.
    for (from, to, len) in [(208, 1 << 20, 50_000), (208, (1 << 20) + 208, 3888), (1, (1 << 20) + 1, 10)] {
        let (sink, outcome) = copied(from, to, len, &[]);
        assert_eq!((sink.asked, outcome.expect("by hand").written), (Vec::new(), len), "{from} to {to}");
    }
}

#[test]
fn a_full_disk_ends_a_copy() {
    for errno in [Errno::NOSPC, Errno::DQUOT] {
        let (_, outcome) = copied(0, 1 << 20, 50_000, &[Answer::Copies(4096), Answer::Fails(errno)]);
        let error = outcome.expect_err("there is no room");
        assert!(
            matches!(&error, WriteError::Sink { label, offset: 0x10_1000, .. } if label == "file"),
            "{error}"
        );
    }
}

proptest! {
    /// Random extents over dirty storage: every byte is the extent's, or zero.
    #[test]
    fn what_is_written_is_what_was_planned(
        gaps in prop::collection::vec((0u64..200_000, 1usize..150_000, any::<u8>(), any::<bool>()), 0..12),
    ) {
        let (mut offset, mut extents) = (0, Vec::new());
        let mut expected: Vec<u8> = Vec::new();
        for (gap, len, seed, sliced) in gaps {
            offset += gap;
            let bytes: Vec<u8> = (0..len).map(|index| (index as u8).wrapping_mul(31).wrapping_add(seed)).collect();
            expected.resize(offset as usize, 0);
            expected.extend(&bytes);
            let piece = if sliced {
                let mut around = vec![9; 77];
                around.extend(&bytes);
                around.extend([9; 5]);
                Piece::Slice { source: Arc::new(around), offset: 77, len: len as u64 }
            } else {
                Piece::Bytes(bytes.into())
            };
            extents.push(Extent { offset, label: format!("extent {offset}"), piece });
            offset += len as u64;
        }
        let mut sink = MemorySink { bytes: vec![0xEE; 1_000_000] };
        let receipt = write(&plan_of(offset, extents), &mut sink, &mut Unobserved).expect("memory does not fail");
        prop_assert_eq!(&sink.bytes, &expected);
        prop_assert_eq!(receipt.len, offset);
    }
}

#[test]
fn zeros_are_left_to_the_sink_that_has_them_already() {
    const UNIT: usize = super::GRAIN as usize;
    let mut bytes = vec![0; 40 * UNIT];
    // At both ends of a grain, in its middle, and in two that are neighbours.
    for at in [5 * UNIT, 7 * UNIT - 1, 20 * UNIT + 7, 21 * UNIT] {
        bytes[at] = 1;
    }
    for (offset, grains) in [(0, 4), (UNIT as u64, 4), (1000, 4)] {
        let plan = plan_of(offset + bytes.len() as u64, vec![made(offset, "boot.sdi", bytes.clone())]);
        let mut sink = MemorySink::default();
        let receipt = write(&plan, &mut sink, &mut Unobserved).expect("there is room");
        assert!(sink.bytes[offset as usize..] == bytes, "{offset}");
        // Where it does not begin at a boundary, its first and last grains are none.
        let ends = if offset % UNIT as u64 == 0 { 0 } else { UNIT as u64 };
        assert_eq!(receipt.written, grains * UNIT as u64 + ends, "{offset}");
    }
    let empty = plan_of(UNIT as u64, vec![made(0, "nothing", vec![0; UNIT])]);
    let receipt = write(&empty, &mut MemorySink::default(), &mut Unobserved).expect("there is room");
    assert_eq!(receipt.written, 0);
}

/// A sink that takes its time, and then refuses.
struct SlowRefusal;

impl Sink for SlowRefusal {
    fn set_len(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn write_at(&mut self, _: u64, _: &[u8]) -> io::Result<()> {
        // Who reads ahead has filled every buffer by then, and waits for one.
        std::thread::sleep(std::time::Duration::from_millis(300));
        Err(io::ErrorKind::StorageFull.into())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_refusal_ends_the_writing_while_somebody_reads_ahead() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let len = 10 * super::BUFFER;
    file.as_file().set_len(len).expect("there is room");
    let source: Arc<dyn Source> = Arc::new(FileSource::open(file.path()).expect("it is there"));
    let piece = Piece::Slice { source, offset: 0, len };
    let plan = plan_of(len + HEAD, vec![Extent { offset: HEAD, label: "file".to_owned(), piece }]);
    let (end, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || end.send(write(&plan, &mut SlowRefusal, &mut Unobserved)));
    let outcome = ended.recv_timeout(std::time::Duration::from_secs(30)).expect("it ends");
    assert!(matches!(outcome, Err(WriteError::Sink { .. })), "{outcome:?}");
}
