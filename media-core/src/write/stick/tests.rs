//! The stick writer against sticks that fail at every step, lie about their size, and take nothing but whole sectors.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;
use crate::content::Piece;
use crate::event::Unobserved;
use crate::plan::Extent;

const UNIT: usize = 512;
const OLD: u8 = 0xEE;

/// A stick in memory. Like a device that is opened past the page cache it takes whole sectors from memory at a suitable
/// address, and nothing else.
struct FakeStick {
    /// What it really holds.
    bytes: Vec<u8>,
    says: u64,
    /// After this many operations none works any more.
    left: usize,
    syncs: AtomicUsize,
    /// The order in which places were written.
    places: Vec<u64>,
    lost: bool,
}

impl FakeStick {
    fn new(len: usize) -> Self {
        let bytes = vec![OLD; len];
        Self {
            bytes,
            says: len as u64,
            left: usize::MAX,
            syncs: AtomicUsize::new(0),
            places: Vec::new(),
            lost: false,
        }
    }

    fn operation(&mut self) -> io::Result<()> {
        self.left = self.left.checked_sub(1).ok_or_else(|| io::Error::from_raw_os_error(5))?;
        Ok(())
    }

    /// What is behind the true end is lost, or lands at the start.
    fn place(&self, offset: u64) -> Option<usize> {
        let len = self.bytes.len() as u64;
        if offset < len { Some(offset as usize) } else { (!self.lost).then_some((offset % len) as usize) }
    }
}

fn check_aligned(offset: u64, bytes: &[u8]) {
    assert_eq!((offset % UNIT as u64, bytes.len() % UNIT), (0, 0), "whole sectors");
    assert_eq!(bytes.as_ptr().addr() % UNIT, 0, "an address that suits the device");
}

impl Sink for FakeStick {
    fn set_len(&mut self, _: u64) -> io::Result<()> {
        unreachable!("a stick has a length")
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        check_aligned(offset, bytes);
        assert!(offset + bytes.len() as u64 <= self.says, "behind the end");
        self.operation()?;
        self.places.push(offset);
        if let Some(place) = self.place(offset) {
            let count = bytes.len().min(self.bytes.len() - place);
            self.bytes[place..place + count].copy_from_slice(&bytes[..count]);
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.operation()?;
        self.syncs.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

impl Source for FakeStick {
    fn len(&self) -> u64 {
        self.says
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        check_aligned(offset, buffer);
        match self.place(offset) {
            Some(place) => {
                let count = buffer.len().min(self.bytes.len() - place);
                buffer[..count].copy_from_slice(&self.bytes[place..place + count]);
                buffer[count..].fill(0);
            }
            None => buffer.fill(0),
        }
        Ok(buffer.len())
    }
}

fn made(offset: u64, label: &str, bytes: Vec<u8>) -> Extent {
    Extent { offset, label: label.to_owned(), piece: Piece::Bytes(bytes.into()) }
}

/// A medium of 12 MiB with a table at both ends, a file of 3 MiB that ends within a unit, and free space.
fn plan() -> Plan {
    let payload: Vec<u8> = (0..3_000_001_u32).map(|index| (index % 251) as u8).collect();
    let payload: Arc<dyn Source> = Arc::new(payload);
    let file = Piece::Slice { source: payload, offset: 0, len: 3_000_001 };
    let extents = vec![
        made(0, "MBR", vec![0x11; 512]),
        made(512, "GPT", vec![0x22; 17 * 512]),
        made(1 << 20, "FAT", vec![0x33; 4096]),
        Extent { offset: (2 << 20) + 4096, label: "boot.wim".to_owned(), piece: file },
        made((12 << 20) - 17 * 512, "backup GPT", vec![0x44; 17 * 512]),
    ];
    Plan { len: 12 << 20, extents, ..Plan::default() }
}

fn as_planned() -> Vec<u8> {
    let mut bytes = vec![0; 12 << 20];
    plan().read_exact_at(0, &mut bytes).expect("it can be read");
    bytes
}

#[test]
fn everything_is_written_once_and_in_order_and_free_space_is_left_alone() {
    let (image, mut stick) = (StickImage::new(plan()), FakeStick::new(20 << 20));
    let written = write_stick(&image, &mut stick, None, &mut Unobserved).expect("it can be written");
    read_back(&image, &stick, &mut Unobserved).expect("it is what was written");
    let planned = as_planned();
    let end = ((2 << 20) + 4096 + 3_000_001_usize).next_multiple_of(4096);
    let whole = stick.bytes[..end].iter().zip(&planned).all(|(found, planned)| found == planned);
    assert!(whole, "up to the end of the file, gaps of less than a MiB with it");
    assert!(stick.bytes[end..(12 << 20) - 12288].iter().all(|byte| *byte == OLD), "free space");
    assert_eq!(stick.bytes[(12 << 20) - 8704..12 << 20], planned[(12 << 20) - 8704..]);
    assert!(
        stick.bytes[(20 << 20) - HEAD as usize..].iter().all(|byte| *byte == 0),
        "no backup of an old table"
    );
    assert_eq!(stick.places.first(), Some(&0));
    assert_eq!(stick.places.last(), Some(&0), "what makes it boot comes last");
    assert!(stick.places[2..stick.places.len() - 1].is_sorted(), "{:?}", stick.places);
    assert_eq!(stick.syncs.load(Ordering::SeqCst), 3);
    assert!(written > 4 << 20 && written < 6 << 20, "{written}");
}

#[test]
fn whatever_fails_the_stick_is_the_old_one_a_complete_one_or_none() {
    let image = StickImage::new(plan());
    let (mut stick, planned) = (FakeStick::new(12 << 20), as_planned());
    write_stick(&image, &mut stick, None, &mut Unobserved).expect("it can be written");
    let operations = usize::MAX - stick.left;
    for left in 0..operations {
        let mut stick = FakeStick::new(12 << 20);
        stick.left = left;
        let error = write_stick(&image, &mut stick, None, &mut Unobserved).expect_err("it fails");
        assert!(matches!(error, StickError::Stick { doing: "writing", .. }), "{error}");
        let head = &stick.bytes[..HEAD as usize];
        if left == 0 {
            assert!(stick.bytes.iter().all(|byte| *byte == OLD));
        } else if left + 1 < operations {
            assert!(head.iter().all(|byte| *byte == 0), "after {left} operations");
        } else {
            // Written, and whether it reached the stick is not known: all else did.
            assert_eq!(head, &planned[..HEAD as usize]);
            read_back(&image, &stick, &mut Unobserved).expect("it is complete");
        }
    }
}

#[test]
fn a_stick_that_is_too_small_is_not_touched() {
    let (image, mut stick) = (StickImage::new(plan()), FakeStick::new((12 << 20) - 512));
    let error = write_stick(&image, &mut stick, Some([1; 16]), &mut Unobserved).expect_err("it is too small");
    assert!(
        matches!(error, StickError::TooSmall { needed, len } if needed == 12 << 20 && len == needed - 512)
    );
    assert!(stick.places.is_empty());
}

#[test]
fn one_bit_that_is_another_is_found_where_it_is() {
    let (image, mut stick) = (StickImage::new(plan()), FakeStick::new(12 << 20));
    write_stick(&image, &mut stick, None, &mut Unobserved).expect("it can be written");
    for (at, label) in
        [(0, "MBR"), (600, "GPT"), ((2 << 20) + 4096 + 2_999_999, "boot.wim"), ((12 << 20) - 1, "backup GPT")]
    {
        stick.bytes[at] ^= 0x10;
        let error = read_back(&image, &stick, &mut Unobserved).expect_err("it is another");
        assert!(
            matches!(&error, StickError::Differs { label: found, offset } if (&**found, *offset) == (label, at as u64)),
            "{error}"
        );
        stick.bytes[at] ^= 0x10;
    }
    stick.bytes[8 << 20] ^= 1;
    read_back(&image, &stick, &mut Unobserved).expect("free space is not the medium's");
    // Nothing starts one that is not what was written.
    withdraw(&mut stick).expect("it can be written");
    let (head, rest) = stick.bytes.split_at(64 << 10);
    assert!(head.iter().all(|byte| *byte == 0) && rest.iter().any(|byte| *byte != 0));
}

#[test]
fn sticks_that_hold_less_than_they_say_are_found() {
    let image = StickImage::new(plan());
    for (holds, says, lost) in [
        (16 << 20, 32 << 20, false),
        (16 << 20, 64 << 20, false),
        (16 << 20, 64 << 20, true),
        (23 << 20, 64 << 20, true),
        (13 << 20, 14 << 20, true),
    ] {
        let mut stick = FakeStick::new(holds);
        (stick.says, stick.lost) = (says, lost);
        let error = write_stick(&image, &mut stick, Some([7; 16]), &mut Unobserved).expect_err("it lies");
        assert!(
            matches!(error, StickError::FalseCapacity { len, offset } if len == says && offset + (1 << 20) > holds as u64),
            "{error}"
        );
        assert!(stick.bytes[..512].iter().all(|byte| *byte == 0), "it does not boot");
    }
    let mut stick = FakeStick::new((64 << 20) + 512);
    write_stick(&image, &mut stick, Some([7; 16]), &mut Unobserved).expect("it holds what it says");
    read_back(&image, &stick, &mut Unobserved).expect("nothing of the check is in the medium");
}

#[test]
fn an_update_writes_what_is_another_and_nothing_when_nothing_is() {
    let file = (2 << 20) + 4096..(2 << 20) + 4096 + 3_000_001;
    let mut stick = FakeStick::new(12 << 20);
    write_stick(&StickImage::new(plan()), &mut stick, None, &mut Unobserved).expect("it can be written");
    let before = stick.bytes.clone();
    let fresh = |places: &[usize]| {
        let mut stick = FakeStick::new(12 << 20);
        stick.bytes.clone_from(&before);
        places.iter().for_each(|at| stick.bytes[*at] ^= 1);
        stick
    };
    for places in [&[(1 << 20) + 3][..], &[600], &[3 << 20, (12 << 20) - 1], &[(1 << 20) + 60_000]] {
        let mut stick = fresh(places);
        let update = StickImage::update(plan(), &[], &stick).expect("it can be read");
        write_stick(&update, &mut stick, None, &mut Unobserved).expect("it can be written");
        assert!(stick.bytes == before, "{places:?}");
        // The head goes first and comes last; between them is what changed, and nothing else.
        let body = &stick.places[1..stick.places.len() - 1];
        let changed = |place: &u64| places.iter().any(|at| *at as u64 / BLOCK == place / BLOCK);
        assert!(body.iter().all(changed), "{places:?}: {body:?}");
        read_back(&update, &stick, &mut Unobserved).expect("it is what it is to be");
    }
    // What is known is not read, until it is read back.
    let mut stick = fresh(&[3 << 20, 600]);
    let update = StickImage::update(plan(), std::slice::from_ref(&file), &stick).expect("it can be read");
    write_stick(&update, &mut stick, None, &mut Unobserved).expect("it can be written");
    let error = read_back(&update, &stick, &mut Unobserved).expect_err("it was not what it was said to be");
    assert!(matches!(error, StickError::Differs { offset, .. } if offset == 3 << 20));

    let mut same = fresh(&[]);
    let nothing = StickImage::update(plan(), &[file], &same).expect("it can be read");
    assert_eq!(write_stick(&nothing, &mut same, None, &mut Unobserved).expect("nothing is to be done"), 0);
    assert!(same.places.is_empty());
}

#[test]
fn zeros_that_say_something_are_written_however_many_they_are() {
    let extents = vec![made(0, "MBR", vec![0x11; 512]), made(8 << 20, "FAT 2", vec![0x33; 4096])];
    let plan =
        Plan { len: 16 << 20, extents, zeros: vec![1 << 20..7 << 20, 8 << 20..11 << 20], ..Plan::default() };
    let mut stick = FakeStick::new(16 << 20);
    let image = StickImage::new(plan);
    write_stick(&image, &mut stick, None, &mut Unobserved).expect("it can be written");
    let is = |range: Range<usize>, wanted: u8| stick.bytes[range].iter().all(|byte| *byte == wanted);
    assert!(
        is(1 << 20..7 << 20, 0)
            && is((8 << 20) + 4096..11 << 20, 0)
            && is(11 << 20..(16 << 20) - HEAD as usize, OLD)
    );
    stick.bytes[10 << 20] = 1;
    let error = read_back(&image, &stick, &mut Unobserved).expect_err("it is not zero");
    assert!(matches!(error, StickError::Differs { label, offset } if label == "FAT 2" && offset == 10 << 20));
}

#[test]
fn eight_sticks_are_written_from_one_reading_and_one_that_fails_stops_no_other() {
    let image = StickImage::new(plan());
    let mut sticks: Vec<FakeStick> = (0..8).map(|_| FakeStick::new(13 << 20)).collect();
    sticks[3].left = 4;
    let results: Vec<bool> = std::thread::scope(|scope| {
        let running: Vec<_> = sticks
            .iter_mut()
            .map(|stick| {
                scope.spawn(|| {
                    let written = write_stick(&image, stick, None, &mut Unobserved);
                    written.is_ok() && read_back(&image, stick, &mut Unobserved).is_ok()
                })
            })
            .collect();
        running.into_iter().map(|one| one.join().expect("no panic")).collect()
    });
    assert_eq!(results, [true, true, true, false, true, true, true, true]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a plan consists of, a stick has it afterwards, and nothing else was written but what lies close to it.
    #[test]
    fn any_plan_is_on_the_stick_afterwards(
        runs in prop::collection::vec((0_u64..3_000_000, 1_usize..200_000), 0..8),
        odd in 0_u64..8,
    ) {
        let mut extents: Vec<Extent> = Vec::new();
        let mut end = 0;
        for (number, (gap, len)) in runs.into_iter().enumerate() {
            let offset = end + gap;
            end = offset + len as u64;
            extents.push(made(offset, &number.to_string(), vec![number as u8 + 1; len]));
        }
        let len = end.next_multiple_of(512) + odd * 512;
        let expected = {
            let plan = Plan { len, extents: extents.clone(), ..Plan::default() };
            let mut bytes = vec![0; len as usize];
            plan.read_exact_at(0, &mut bytes).expect("it can be read");
            bytes
        };
        let covered: Vec<Range<u64>> = extents.iter().map(range).collect();
        let image = StickImage::new(Plan { len, extents, ..Plan::default() });
        let mut stick = FakeStick::new((len + HEAD + 8192) as usize);
        write_stick(&image, &mut stick, None, &mut Unobserved).expect("it can be written");
        read_back(&image, &stick, &mut Unobserved).expect("it is what was written");
        for extent in &covered {
            let range = extent.start as usize..extent.end as usize;
            prop_assert_eq!(&stick.bytes[range.clone()], &expected[range]);
        }
        for (at, byte) in stick.bytes[..len as usize].iter().enumerate().skip(HEAD as usize) {
            if *byte != OLD && *byte != expected[at] {
                prop_assert!(false, "byte {} is neither what it was nor what was planned", at);
            }
        }
    }
}
