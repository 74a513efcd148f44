//! A device that fails at every operation, and one that loses power at every moment and forgets what was not synced.

use std::io;

use super::*;
use crate::event::Unobserved;
use crate::rework::{Patch, journal};

const LEN: usize = 1 << 19;
const PLACE: usize = 34 * 512;
const ROOM: usize = 64 << 10;
const BOOT: [(u64, u64); 3] = [(0, 512), (512, 512), (200_000, 512)];

#[derive(Clone)]
enum Operation {
    Write(u64, Vec<u8>),
    Sync,
}

/// Remembers every operation, and fails the one with this number and all after it.
struct Device {
    bytes: Vec<u8>,
    operations: Vec<Operation>,
    left: usize,
}

impl Device {
    fn new(bytes: &[u8], left: usize) -> Self {
        Self { bytes: bytes.to_vec(), operations: Vec::new(), left }
    }

    fn operation(&mut self, operation: Operation) -> io::Result<()> {
        self.left = self.left.checked_sub(1).ok_or(io::ErrorKind::Other)?;
        if let Operation::Write(offset, bytes) = &operation {
            put(&mut self.bytes, *offset, bytes);
        }
        self.operations.push(operation);
        Ok(())
    }
}

impl Sink for Device {
    fn set_len(&mut self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.operation(Operation::Write(offset, bytes.to_vec()))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.operation(Operation::Sync)
    }
}

fn put(to: &mut [u8], offset: u64, bytes: &[u8]) {
    to[offset as usize..offset as usize + bytes.len()].copy_from_slice(bytes);
}

/// A medium with nothing in the place of the journal, and how it is to be.
fn sample() -> (Vec<u8>, Vec<u8>) {
    let mut old: Vec<u8> = (0..LEN).map(|at| (at % 251) as u8 | 1).collect();
    old[PLACE..PLACE + ROOM].fill(0);
    let mut new = old.clone();
    for (at, len) in [(100_000, 3000), (120_000, 1), (150_004, 28), (LEN - 5000, 5000)] {
        new[at..at + len].iter_mut().for_each(|byte| *byte ^= 0xFF);
    }
    (old, new)
}

fn noted(now: &[u8], wanted: &[u8]) -> Journal {
    let mut patches: Vec<Patch> = Vec::new();
    for at in (0..LEN).filter(|at| now[*at] != wanted[*at] && !(PLACE..PLACE + ROOM).contains(at)) {
        match patches.last_mut() {
            Some(last) if last.offset as usize + last.bytes.len() == at => last.bytes.push(wanted[at]),
            _ => patches.push(Patch { offset: at as u64, label: String::new(), bytes: vec![wanted[at]] }),
        }
    }
    Journal::new(&now.to_vec(), &patches, &BOOT, &[(PLACE as u64, ROOM as u64)]).expect("there is room")
}

/// Runs the change as the command does, on whatever is there.
fn run(bytes: &[u8], wanted: &[u8], left: usize) -> (Device, Result<(), WriteError>) {
    let mut device = Device::new(bytes, left);
    let done = match journal::pending(&bytes.to_vec()).expect("in memory") {
        Some(pending) => finish(&pending, &mut device, &mut Unobserved),
        None => change(&noted(bytes, wanted), &mut device, &mut Unobserved),
    };
    (device, done.map(drop))
}

/// What is there after a failure is old, new or known to be unfinished and found by nobody; and the next run ends it.
fn check(bytes: &[u8], old: &[u8], new: &[u8], what: &str) {
    let outside = |bytes: &[u8]| [&bytes[..PLACE], &bytes[PLACE + ROOM..]].concat();
    if journal::pending(&bytes.to_vec()).expect("in memory").is_none() {
        let whole = outside(bytes) == outside(old) || outside(bytes) == outside(new);
        assert!(whole, "{what}: neither old nor new, and not known to be unfinished");
    }
    let (device, done) = run(bytes, new, usize::MAX);
    assert_eq!(done.err().map(|error| error.to_string()), None, "{what}");
    assert!(device.bytes == new, "{what}: the next run did not end it");
}

#[test]
fn a_fault_at_any_operation_leaves_old_new_or_unfinished() {
    let (old, new) = sample();
    let (device, done) = run(&old, &new, usize::MAX);
    done.expect("nothing fails");
    assert!(device.bytes == new, "and nothing is left of the journal");
    let count = device.operations.len();
    assert!(count > 15, "{count}");
    let mut unfinished = 0;
    for left in 0..count {
        let (device, done) = run(&old, &new, left);
        done.expect_err("the device failed");
        unfinished += usize::from(journal::pending(&device.bytes).expect("in memory").is_some());
        check(&device.bytes, &old, &new, &format!("after {left} operations"));
        // The run that finishes it fails too, at any of its operations.
        for again in [0, 1, 2, 4, 6, 9, 12] {
            let (device, _) = run(&device.bytes, &new, again);
            check(&device.bytes, &old, &new, &format!("after {left} and {again} operations"));
        }
    }
    assert!(unfinished > 5, "{unfinished}");
}

#[test]
fn power_lost_at_any_moment_leaves_old_new_or_unfinished() {
    let (old, new) = sample();
    let operations = run(&old, &new, usize::MAX).0.operations;
    let (mut synced, mut waiting) = (old.clone(), Vec::<(u64, Vec<u8>)>::new());
    for (index, operation) in operations.into_iter().enumerate() {
        match operation {
            Operation::Sync => waiting.drain(..).for_each(|(offset, bytes)| put(&mut synced, offset, &bytes)),
            Operation::Write(offset, bytes) => waiting.push((offset, bytes)),
        }
        // Any of what was not synced may have reached the device, and of the last write only some sectors.
        for some in 0..1_u32 << waiting.len() {
            let mut bytes = synced.clone();
            for (_, (offset, written)) in (0..).zip(&waiting).filter(|(bit, _)| some >> bit & 1 == 1) {
                put(&mut bytes, *offset, written);
            }
            check(&bytes, &old, &new, &format!("operation {index}, writes {some:b}"));
        }
        if let Some((offset, written)) = waiting.last() {
            for (first, count) in [(0, 1), (1, 1), (0, 3), (2, 100)] {
                let part = written.get(first * 512..).unwrap_or_default();
                let part = &part[..part.len().min(count * 512)];
                let mut bytes = synced.clone();
                put(&mut bytes, offset + first as u64 * 512, part);
                if !part.is_empty() {
                    check(&bytes, &old, &new, &format!("operation {index}, sectors {first} and on"));
                }
            }
        }
    }
    assert!(synced == new && waiting.is_empty(), "the last operation is a sync");
}

#[test]
fn who_stops_it_before_it_begins_keeps_the_old_medium() {
    struct Stop;
    impl Observer for Stop {
        fn event(&mut self, _: Event) {}
        fn cancelled(&self) -> bool {
            true
        }
    }
    let (old, new) = sample();
    let mut device = Device::new(&old, usize::MAX);
    let error = change(&noted(&old, &new), &mut device, &mut Stop).expect_err("it was stopped");
    assert!(matches!(error, WriteError::Cancelled));
    assert!(device.bytes == old);
    // What was begun is finished, whatever somebody wishes.
    let journal = noted(&old, &new);
    finish(&journal, &mut device, &mut Stop).expect("it goes on");
    assert!(device.bytes == new);
}

#[test]
fn the_place_of_a_journal_is_nobody_elses() {
    let (old, new) = sample();
    let patches = [Patch { offset: 100_000, label: String::new(), bytes: vec![1; 9000] }];
    let places = [(PLACE as u64, ROOM as u64)];
    let mut used = old.clone();
    used[PLACE + ROOM - 1] = 1;
    let error = Journal::new(&used, &patches, &BOOT, &places).expect_err("something is there");
    assert!(error.to_string().contains("no unused"), "{error}");
    let error = Journal::new(&old, &patches, &BOOT, &[(PLACE as u64, 4096)]).expect_err("too small");
    assert!(error.to_string().contains("no unused"), "{error}");
    // A journal with a byte changed, moved, or of another medium is none.
    let journal = noted(&old, &new);
    let mut begun = old.clone();
    put(&mut begun, journal.place, &journal.bytes);
    begun[..512].fill(0);
    assert!(journal::pending(&begun).expect("in memory").is_some());
    for at in (0..journal.bytes.len()).step_by(97) {
        let mut changed = begun.clone();
        changed[PLACE + at] ^= 1;
        assert!(journal::pending(&changed).expect("in memory").is_none(), "byte {at}");
    }
    begun.push(0);
    assert!(journal::pending(&begun).expect("in memory").is_none(), "a longer medium");
}
