//! The writer against sinks that fail, crash and lie.

use std::io;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::event::Unobserved;
use crate::io::MemorySink;

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
    Plan { len, kind: "test".to_owned(), extents, files: Vec::new() }
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
        assert!(!finished || operations >= 9, "the partition table was there after {operations} operations");
        operations += 1;
    }
    assert_eq!(operations, 10, "one set_len, five writes of the body, a sync, two of the head, a sync");
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
