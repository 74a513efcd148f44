//! Hives that were not closed, completed from their transaction logs.
#![allow(clippy::panic)]

use std::sync::OnceLock;

use media_core::hive::{ADMINISTRATORS_AND_SYSTEM, Hive, HiveError, Version, check};
use media_core::time::Timestamp;
use media_tests::corpora;
use media_tests::dirty_hive::{
    Entry, dirty_vector_log, incremental_log, log_of, not_closed, not_closed_before_8_1, seal,
    spoil_base_block,
};
use proptest::prelude::*;

const BINS: usize = 4096;

fn time(number: i64) -> Timestamp {
    Timestamp::from_unix(1_700_000_000 + number)
}

/// States of one hive, each with a key and a value more than the one before; the third is larger.
fn states() -> &'static [Vec<u8>; 4] {
    static STATES: OnceLock<[Vec<u8>; 4]> = OnceLock::new();
    STATES.get_or_init(|| {
        let mut hive =
            Hive::create(Version::V1_5, "ROOT", &ADMINISTRATORS_AND_SYSTEM, time(0)).expect("a hive");
        let mut next = |number: i64| {
            let key = hive.create_key(&format!("Key {number}"), time(number)).expect("a key");
            let data = vec![number as u8; if number == 2 { 7_000 } else { 40 }];
            hive.set_value(key, "value", 3, &data, time(number)).expect("a value");
            hive = Hive::open(hive.clone().into_bytes()).expect("it is a hive");
            hive.clone().into_bytes()
        };
        [next(0), next(1), next(2), next(3)]
    })
}

fn views(states: &[Vec<u8>]) -> Vec<&[u8]> {
    states.iter().map(Vec::as_slice).collect()
}

/// A hive of the first state with the logs that bring it to the last: numbers 7 and 8 in one, 9 in the other.
fn split() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let states = views(states());
    (not_closed(states[0], 7), incremental_log(&states[..3], 7), incremental_log(&states[2..], 9))
}

/// Which of the states a completed hive is in.
#[track_caller]
fn state_of(hive: &Hive) -> usize {
    assert!(hive.was_recovered() && hive.is_changed());
    let bytes = hive.clone().into_bytes();
    assert_eq!(check(&bytes), [], "a sound hive");
    assert!(!Hive::is_dirty(&bytes));
    states().iter().position(|state| state[BINS..] == bytes[BINS..]).expect("one of the states")
}

fn open(hive: &[u8], logs: &[&[u8]]) -> Result<Hive, HiveError> {
    Hive::open_with_logs(hive.to_vec(), logs)
}

/// Why which log was refused.
#[track_caller]
fn refusal(hive: &[u8], logs: &[&[u8]]) -> (usize, HiveError) {
    match open(hive, logs).map(|hive| state_of(&hive)) {
        Err(HiveError::Log { log, problem }) => (log, *problem),
        other => panic!("{other:?}"),
    }
}

fn sequence(file: &[u8]) -> (u32, u32) {
    let number = |at: usize| u32::from_le_bytes([file[at], file[at + 1], file[at + 2], file[at + 3]]);
    (number(4), number(8))
}

#[test]
fn entries_of_one_or_two_logs_complete_a_hive() {
    let all = views(states());
    let (hive, first, second) = split();
    assert!(Hive::is_dirty(&hive));
    assert_eq!(Hive::open(hive.clone()).err(), Some(HiveError::Dirty { primary: 8, secondary: 7 }));
    assert_eq!(open(&hive, &[]).err(), Some(HiveError::Dirty { primary: 8, secondary: 7 }));
    assert_eq!(open(&hive, &[&[], &[]]).err(), Some(HiveError::Dirty { primary: 8, secondary: 7 }));

    let one = incremental_log(&all, 7);
    let old = incremental_log(&all[..3], 5);
    for (logs, state, number) in [
        (&[&first[..], &second[..]][..], 3, 9),
        (&[&second, &first], 3, 9),
        (&[&first, &[]], 2, 8),
        (&[&[], &one], 3, 9),
        (&[&old, &one], 3, 9),
        (&[&one, &old], 3, 9),
        (&[&one, b"no log at all"], 3, 9),
    ] {
        let completed = open(&hive, logs).expect("it is complete");
        assert_eq!(state_of(&completed), state);
        let bytes = completed.into_bytes();
        assert_eq!(sequence(&bytes), (number + 1, number + 1), "behind every entry that was replayed");
        assert_eq!(bytes[12..20], hive[12..20], "the time stays");
        // Closed: the same logs mean nothing now.
        let again = open(&bytes, logs).expect("it is closed");
        assert!(!again.was_recovered() && !again.is_changed());
        assert_eq!(again.into_bytes(), bytes);
    }
}

#[test]
fn an_edit_of_a_completed_hive_is_written() {
    let (hive, first, second) = split();
    let mut completed = open(&hive, &[&first, &second]).expect("it is complete");
    let key = completed.find("Key 3").expect("it is sound").expect("the last state has it");
    completed.set_value(key, "more", 4, &[1, 0, 0, 0], time(99)).expect("a value");
    let bytes = completed.into_bytes();
    assert_eq!(check(&bytes), []);
    assert_eq!(bytes[12..20], time(99).filetime().to_le_bytes());
    assert_eq!(sequence(&bytes), (10, 10));
}

#[test]
fn sequence_numbers_go_round() {
    let all = views(states());
    let start = u32::MAX - 1;
    let (first, second) = (incremental_log(&all[..3], start), incremental_log(&all[2..], 0));
    let hive = not_closed(all[0], start);
    let completed = open(&hive, &[&second, &first]).expect("it is complete");
    assert_eq!(state_of(&completed), 3);
    assert_eq!(sequence(&completed.into_bytes()), (1, 1));
}

#[test]
fn a_log_that_is_missing_is_noticed() {
    let all = views(states());
    let (hive, first, second) = split();
    let number = |found| HiveError::Field {
        what: "sequence number of the log",
        offset: 4,
        expected: "that of the hive",
        found,
    };
    // Only the later log, or only ones the hive has left behind.
    assert_eq!(refusal(&hive, &[&second]), (1, number(9)));
    assert_eq!(refusal(&hive, &[&incremental_log(&all, 3), &second]), (2, number(9)));
    let later = not_closed(all[3], 12);
    assert_eq!(refusal(&later, &[&first, &second]), (2, number(9)));
    // Windows may have brought the bins further than the base block says, but then both logs go on from there.
    let behind = not_closed(all[1], 2);
    assert_eq!(open(&behind, &[&second, &first]).map(|hive| state_of(&hive)), Ok(3));
    assert_eq!(refusal(&behind, &[&first]), (1, number(7)));
    // The second log was being started: its base block is there, and the first log is whole.
    assert_eq!(open(&behind, &[&first, &second[..512]]).map(|hive| state_of(&hive)), Ok(2));
    let mut broken = first.clone();
    broken.truncate(first.len() - 512);
    assert_eq!(refusal(&behind, &[&broken, &second]), (1, number(7)));
}

#[test]
fn the_base_block_comes_from_the_log_when_it_is_damaged() {
    let all = views(states());
    let (mut hive, first, second) = split();
    spoil_base_block(&mut hive);
    assert!(Hive::is_dirty(&hive));
    assert!(matches!(open(&hive, &[&[]]), Err(HiveError::Checksum { .. })));
    assert_eq!(open(&hive, &[&second, &first]).map(|hive| state_of(&hive)), Ok(3));
    // An older log that does not lead to the latest is left out.
    let mut hive = not_closed(all[2], 9);
    hive[12..44].fill(0xEE);
    assert_eq!(open(&hive, &[&second, &incremental_log(&all[..3], 3)]).map(|hive| state_of(&hive)), Ok(3));

    let mut hive = not_closed_before_8_1(all[1], all[3], 5);
    spoil_base_block(&mut hive);
    let log = dirty_vector_log(all[1], all[3], 5);
    assert_eq!(open(&hive, &[&log]).map(|hive| state_of(&hive)), Ok(3));
    // The first bin was written later than the log.
    hive[BINS + 20..BINS + 28].copy_from_slice(&time(50).filetime().to_le_bytes());
    let (_, problem) = refusal(&hive, &[&log]);
    assert!(matches!(problem, HiveError::Field { what: "time of the log", offset: 12, .. }), "{problem:?}");
}

#[test]
fn a_dirty_vector_completes_a_hive() {
    let all = views(states());
    let hive = not_closed_before_8_1(all[1], all[3], 5);
    let log = dirty_vector_log(all[1], all[3], 5);
    let stale = dirty_vector_log(all[0], all[1], 4);
    for logs in [&[&log[..]][..], &[&log, &[]], &[&[], &log], &[&stale, &log], &[&log, &stale]] {
        let completed = open(&hive, logs).expect("it is complete");
        assert_eq!(state_of(&completed), 3);
        let bytes = completed.into_bytes();
        assert_eq!((sequence(&bytes), bytes.len()), ((6, 6), all[3].len()));
        assert!(bytes[12..508] == all[3][12..508], "what the last state says of itself");
    }
    let (log, problem) = refusal(&hive, &[&stale]);
    assert_eq!(log, 1);
    assert!(matches!(problem, HiveError::Field { what: "time of the log", offset: 12, .. }), "{problem:?}");
    assert!(problem.to_string().contains("offset 12"), "{problem}");
}

/// Entries with right hashes that say what cannot be.
#[test]
fn lying_entries_are_refused() {
    let all = views(states());
    let hive = not_closed(all[0], 7);
    let size = u32::from_le_bytes([all[0][40], all[0][41], all[0][42], all[0][43]]);
    let page = all[0][BINS..BINS + 4096].to_vec();
    let good = Entry { sequence: 7, size, pages: vec![(0, page.clone())], ..Entry::default() };
    let with = |change: &dyn Fn(&mut Entry)| {
        let mut entry = good.clone();
        change(&mut entry);
        refusal(&hive, &[&log_of(all[0], 7, vec![entry])]).1
    };
    assert_eq!(open(&hive, &[&log_of(all[0], 7, vec![good.clone()])]).map(|hive| state_of(&hive)), Ok(0));
    let field = |problem: HiveError| match problem {
        HiveError::Field { what, offset, found, .. } => (what, offset, found),
        other => panic!("{other:?}"),
    };
    assert_eq!(field(with(&|entry| entry.size = 1 << 28)), ("size of the hive bins", 528, 1 << 28));
    assert!(matches!(with(&|entry| entry.size = 0xF000_0000), HiveError::TooLarge { .. }));
    assert_eq!(field(with(&|entry| entry.size = 4097)), ("log entry", 528, 4097));
    assert_eq!(field(with(&|entry| entry.size = 0)), ("log entry", 528, 0));
    assert_eq!(field(with(&|entry| entry.sequence = 9)), ("log entry", 524, 9));
    assert_eq!(field(with(&|entry| entry.len = Some(8))), ("log entry", 516, 8));
    assert_eq!(field(with(&|entry| entry.len = Some(513))), ("log entry", 516, 513));
    assert!(matches!(with(&|entry| entry.len = Some(1 << 30)), HiveError::Truncated(_)));
    assert!(matches!(with(&|entry| entry.count = Some(u32::MAX)), HiveError::Truncated(_)));
    let outside = i64::from(size);
    assert_eq!(field(with(&|entry| entry.pages[0].0 = size)), ("page of a log entry", 552, outside));
    assert_eq!(field(with(&|entry| entry.page_len = Some(u32::MAX))), ("page of a log entry", 552, 0));
    // A second entry that does not check ends the replay before it.
    let second = Entry { sequence: 9, ..good.clone() };
    assert_eq!(
        open(&hive, &[&log_of(all[0], 7, vec![good.clone(), second])]).map(|hive| state_of(&hive)),
        Ok(0)
    );

    // Replayed, and then not a hive: a bin without its mark, a root key that is none, a key that leads nowhere.
    let ends = |place: usize, byte: u8| {
        let mut page = page.clone();
        page[place] ^= byte;
        let entry = Entry { pages: vec![(0, page)], ..good.clone() };
        open(&hive, &[&log_of(all[0], 7, vec![entry])]).map(|_| ()).expect_err("it does not hold together")
    };
    assert!(matches!(ends(0, 1), HiveError::Signature { what: "hive bin", .. }));
    assert!(matches!(ends(36, 1), HiveError::Record { what: "key", .. }));
    assert!(matches!(ends(36 + 31, 0x40), HiveError::NotACell { .. }));
    // A hive shorter than it says, and a log that does not fill the hole.
    let short = &not_closed(all[3], 7)[..BINS + 4096];
    let size = u32::from_le_bytes([all[3][40], all[3][41], all[3][42], all[3][43]]);
    let entry = Entry { size, ..good.clone() };
    let (_, problem) = refusal(short, &[&log_of(all[3], 7, vec![entry])]);
    assert_eq!(field(problem), ("size of the hive bins", 528, i64::from(size)));
    for len in [0, 100, 4095] {
        assert!(matches!(
            open(&hive[..len], &[&log_of(all[0], 7, vec![good.clone()])]),
            Err(HiveError::Truncated(_))
        ));
    }
}

/// The states an incremental log passes through.
const EARLIER: [Option<usize>; 4] = [None, Some(1), Some(2), Some(3)];

#[test]
fn every_truncation_gives_an_earlier_state() {
    let all = views(states());
    let (hive, first, second) = split();
    let mut seen = Vec::new();
    let mut note = |result: Result<Hive, HiveError>, len: usize| {
        let state = result.map(|hive| state_of(&hive)).ok();
        assert!(EARLIER.contains(&state), "{len} bytes: {state:?}");
        seen.push(state);
    };
    let one = incremental_log(&all, 7);
    (0..=one.len()).for_each(|len| note(open(&hive, &[&one[..len]]), len));
    (0..=first.len()).for_each(|len| note(open(&hive, &[&first[..len], &second]), len));
    (0..=second.len()).for_each(|len| note(open(&hive, &[&first, &second[..len]]), len));
    assert!(EARLIER.iter().all(|state| seen.contains(state)));

    let hive = not_closed_before_8_1(all[1], all[3], 5);
    let log = dirty_vector_log(all[1], all[3], 5);
    for len in 0..log.len() {
        assert!(open(&hive, &[&log[..len]]).is_err(), "{len} bytes of a log that counts as a whole");
    }
}

#[test]
fn ten_thousand_flipped_bits_give_an_earlier_state() {
    let all = views(states());
    let (hive, first, second) = split();
    // Spread over all of the logs: the step has no factor in common with the number of bits.
    let bits = (first.len() + second.len()) * 8;
    let mut seen = Vec::new();
    for flip in (0..10_000).map(|index| index * 7919 % bits) {
        let mut logs = [first.clone(), second.clone()];
        let at = flip / 8;
        let (log, at) = if at < first.len() { (0, at) } else { (1, at - first.len()) };
        logs[log][at] ^= 1 << (flip % 8);
        let state = open(&hive, &[&logs[0], &logs[1]]).map(|hive| state_of(&hive)).ok();
        assert!(EARLIER.contains(&state) && (state != Some(3)), "bit {flip}: {state:?}");
        seen.push(state);
    }
    assert!([None, Some(1), Some(2)].iter().all(|state| seen.contains(state)));

    // The older format has a checksum over its base block only, and one value for a byte of its vector.
    let hive = not_closed_before_8_1(all[1], all[3], 5);
    let log = dirty_vector_log(all[1], all[3], 5);
    let vector = 512 + 4 + (all[3].len() - BINS) / 4096;
    for flip in (0..10_000).map(|index| index * 7919 % (log.len() * 8)) {
        let mut log = log.clone();
        log[flip / 8] ^= 1 << (flip % 8);
        match open(&hive, &[&log]) {
            Ok(completed) => {
                assert!(flip / 8 >= vector, "bit {flip}");
                let bytes = completed.into_bytes();
                let differing = (BINS..bytes.len()).filter(|at| bytes[*at] != all[3][*at]).count();
                assert!(differing <= 1, "bit {flip}: only where the page was changed");
            }
            Err(HiveError::Log { problem, .. }) => assert!(flip / 8 < vector, "bit {flip}: {problem}"),
            Err(error) => assert!(flip / 8 >= vector, "bit {flip}: {error}"),
        }
    }
    // And of the dirty hive's own base block.
    let (hive, first, second) = split();
    for bit in 0..512 * 8 {
        let mut hive = hive.clone();
        hive[bit / 8] ^= 1 << (bit % 8);
        let state = open(&hive, &[&first, &second]).map(|hive| state_of(&hive)).ok();
        assert!(state == Some(3) || bit < 32, "bit {bit}: the log's copy is taken: {state:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever of the logged writes had reached the hive, all of them are there afterwards.
    #[test]
    fn any_mixture_of_earlier_blocks_is_completed(mixture in prop::collection::vec(0usize..4, 8), swapped: bool, spoilt: bool) {
        let all = views(states());
        let (mut hive, first, second) = split();
        hive.resize(all[3].len(), 0);
        for (block, state) in mixture.iter().enumerate() {
            let range = BINS + block * 4096..BINS + block * 4096 + 4096;
            if let Some(bytes) = all[*state].get(range.clone()) && let Some(target) = hive.get_mut(range) {
                target.copy_from_slice(bytes);
            }
        }
        if spoilt {
            spoil_base_block(&mut hive);
        }
        let logs: [&[u8]; 2] = if swapped { [&second, &first] } else { [&first, &second] };
        prop_assert_eq!(open(&hive, &logs).map(|hive| state_of(&hive)), Ok(3));
    }

    /// Bytes that only look like a log never do harm, with right checksums or not.
    #[test]
    fn bytes_written_anywhere_are_survived(
        changes in prop::collection::vec((0usize..40_000, any::<u8>()), 1..20),
        in_hive: bool,
        sealed: bool,
        old: bool,
    ) {
        let all = views(states());
        let (mut hive, mut log) = if old {
            (not_closed_before_8_1(all[1], all[3], 5), dirty_vector_log(all[1], all[3], 5))
        } else {
            (not_closed(all[0], 7), incremental_log(&all, 7))
        };
        let target = if in_hive { &mut hive } else { &mut log };
        for (at, byte) in changes {
            let len = target.len();
            target[at % len] = byte;
        }
        if sealed {
            seal(target);
        }
        if let Ok(completed) = open(&hive, &[&log]) {
            check(&completed.into_bytes());
        }
    }
}

/// What becomes of a real hive.
enum Known {
    /// It is the same, byte for byte, as Windows made of it.
    Windows(&'static str),
    /// It is completed and sound, and the next number is this.
    Completed(u32),
    Refused(&'static str),
}

use Known::{Completed, Refused, Windows};

#[test]
fn real_hives_are_completed_as_windows_completes_them() {
    const NEW: &str = "yarp/NewDirtyHive1/RecoveredHive_Windows10";
    for (hive, logs, known) in [
        ("yarp/NewDirtyHive1/NewDirtyHive", [".LOG1", ".LOG2"], Windows(NEW)),
        ("yarp/NewDirtyHive1/NewDirtyHive", [".LOG2", ".LOG1"], Windows(NEW)),
        ("yarp/NewDirtyHive1/NewDirtyHive", [".LOG1", ""], Completed(3)),
        (
            "yarp/NewDirtyHive1/NewDirtyHive",
            [".LOG2", ""],
            Refused("sequence number of the log at offset 4 is 3"),
        ),
        ("yarp/NewDirtyHive2/NewDirtyHive", [".LOG1", ".LOG2"], Windows(NEW)),
        ("yarp/OldDirtyHive/OldDirtyHive", [".LOG1", ".LOG2"], Completed(6)),
        ("yarp/BadBaseBlockHive/BadBaseBlockHive", [".LOG1", ".LOG2"], Completed(6)),
        (
            "yarp/BadLogHive1/BadLogHive",
            [".LOG1", ".LOG2"],
            Refused("log file 1 does not complete it: the base block"),
        ),
        (
            "yarp/BadLogHive2/BadLogHive",
            [".LOG1", ".LOG2"],
            Refused("dirty vector at offset 512: expected the signature"),
        ),
        (
            "yarp/BadLogHive3/BadLogHive",
            [".LOG1", ".LOG2"],
            Refused("log file 1 does not complete it: the base block"),
        ),
        ("yarp/TruncatedDirtyHive", ["", ""], Refused("its sequence numbers are 5 and 4")),
        ("yarp/GarbageHive", ["", ""], Refused("the base block's checksum is")),
        ("regipy/SYSTEM_B", [".LOG1", ".LOG2"], Completed(2131)),
        ("regipy/SYSTEM_B", [".LOG2", ""], Refused("sequence number of the log at offset 4 is 2111")),
        ("regipy/UsrClass.dat", [".LOG1", ".LOG2"], Completed(301)),
        ("regipy/transactions_NTUSER.DAT", [".log1", ".log2"], Completed(589)),
    ] {
        let Some(bytes) = corpora::read(&format!("hives/{hive}")) else { return };
        let name = if hive.ends_with("DAT") { "regipy/transactions_ntuser.dat" } else { hive };
        let logs = logs.map(|log| match log {
            "" => Vec::new(),
            log => corpora::read(&format!("hives/{name}{log}")).unwrap_or_default(),
        });
        let completed = open(&bytes, &[&logs[0], &logs[1]]);
        let next = match (completed, known) {
            (Err(error), Refused(expected)) => {
                assert!(error.to_string().contains(expected), "{hive}: {error}");
                continue;
            }
            (Ok(completed), Windows(reference)) => {
                let reference = corpora::read(&format!("hives/{reference}")).unwrap_or_default();
                assert!(completed.into_bytes() == reference, "{hive}: not as Windows made it");
                continue;
            }
            (Ok(completed), Completed(number)) => {
                let bytes = completed.into_bytes();
                // An allocated cell nobody uses is no harm; Windows leaves some.
                let findings: Vec<_> =
                    check(&bytes).into_iter().filter(|finding| finding.id != "hive.unused").collect();
                assert_eq!(findings, [], "{hive}");
                assert_eq!(sequence(&bytes), (number, number), "{hive}");
                bytes
            }
            (other, _) => panic!("{hive}: {:?}", other.map(|_| ())),
        };
        if hive.contains("Old") || hive.contains("BadBase") {
            // Windows 7 wrote the time of that day, and in one key.
            let reference =
                corpora::read("hives/yarp/OldDirtyHive/RecoveredHive_Windows7").unwrap_or_default();
            let differing: Vec<_> = (BINS..next.len()).filter(|at| next[*at] != reference[*at]).collect();
            assert_eq!(differing, [4116, 4117, 4118, 4119, 4120, 441_800], "{hive}");
        }
    }
}
