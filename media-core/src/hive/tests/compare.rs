//! Comparing hives: what is found, and what is not taken for a difference.

use super::*;
use crate::hive::compare::{Aspect, KeyDifferenceKind, compare};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

fn sample() -> Hive {
    let mut hive =
        Hive::create(Version::V1_5, "ROOT", &ADMINISTRATORS_AND_SYSTEM, at(1)).expect("a new hive");
    for name in [r"Software\One", r"Software\Two\Below", r"Other"] {
        let key = hive.create_key(name, at(2)).expect("a key");
        hive.set_value(key, "Text", 1, b"a\0\0\0", at(2)).expect("a value");
        hive.set_value(key, "", 4, &[1, 0, 0, 0], at(2)).expect("a value");
    }
    Hive::open(hive.into_bytes()).expect("a good hive")
}

fn said(before: &Hive, after: &Hive) -> Vec<String> {
    let found = compare(before, after).expect("both are sound");
    assert_eq!(found.left_out, 0);
    let text = |difference: super::super::compare::KeyDifference| {
        let words = match difference.kind {
            KeyDifferenceKind::Added(values) => format!("added {values:?}"),
            KeyDifferenceKind::Removed(values) => format!("removed {values:?}"),
            KeyDifferenceKind::Changed(aspects) => {
                aspects.iter().map(Aspect::to_string).collect::<Vec<_>>().join(", ")
            }
        };
        format!("{}: {words}", difference.path)
    };
    found.differences.into_iter().map(text).collect()
}

#[test]
fn a_hive_does_not_differ_from_itself() {
    assert!(said(&sample(), &sample()).is_empty());
}

#[test]
fn every_kind_of_difference_is_found_and_nothing_else() {
    let (before, mut after) = (sample(), sample());
    let one = after.find(r"Software\One").expect("sound").expect("there");
    after.set_value(one, "Text", 1, b"b\0\0\0", at(2)).expect("a value");
    after.set_value(one, "New", 3, b"", at(2)).expect("a value");
    after.delete_value(one, "", at(2)).expect("a value");
    let two = after.find(r"Software\Two").expect("sound").expect("there");
    after.delete_key(two, at(3)).expect("a key");
    let new = after.create_key(r"software\Three", at(3)).expect("a key");
    after.set_value(new, "Blob", 3, &[7; 20_000], at(3)).expect("a value");
    assert_eq!(
        said(&before, &after),
        [
            "Software: time",
            r"Software\One: value `(default)` removed, value `Text` changed, value `New` added",
            r#"Software\Three: added ["Blob"]"#,
            r"Software\Two: removed []",
            r#"Software\Two\Below: removed ["", "Text"]"#,
        ]
    );
    // The other way round it is the same with added and removed changed over.
    assert_eq!(said(&after, &before)[2], r#"Software\Three: removed ["Blob"]"#);
}

#[test]
fn a_key_below_itself_ends_the_comparison() {
    let hive = sample();
    let software = hive.find("Software").expect("sound").expect("there");
    let (list, below) = {
        let key = record::key(&hive.cells, software.0).expect("a key").0;
        (key.subkey_list, hive.find(r"Software\Two").expect("sound").expect("there"))
    };
    let mut bytes = hive.into_bytes();
    // `Two` gets the list that it is in itself.
    let place = 4096 + below.0 as usize + 4 + record::key_field::SUBKEY_LIST;
    bytes[place..place + 4].copy_from_slice(&list.to_le_bytes());
    let looped = Hive::open(bytes).expect("nothing of it is read yet");
    let error = compare(&looped, &looped).expect_err("it has no end");
    assert!(matches!(error, HiveError::Shared { .. }), "{error}");
}
