//! Sticks that Windows saw: verified, and changed, as if it had not.

use std::sync::Arc;

use media_core::event::Unobserved;
use media_core::finding::{Finding, Severity};
use media_core::io::{MemorySink, Source};
use media_core::media::names::{MediaLabel, SerialNumber};
use media_core::media::variables;
use media_core::{Changes, Form, Original, Personal, Rework, Trust, VerifyReport, change, rework, verify};
use media_tests::medium;
use media_tests::windows::{self, Windows};

use crate::damage::{MBR_STICK, STICK, Sound};

/// Sectors in front of the file system of a stick, as bytes.
const START: usize = 1 << 20;
const FOREIGN: [&str; 3] = [
    "System Volume Information/WPSettings.dat",
    "System Volume Information/IndexerVolumeGuid",
    "$RECYCLE.BIN/desktop.ini",
];
/// What Windows writes to each stick, whatever it is to do there, is no finding.
const SEEN: Windows = Windows {
    volume_information: false,
    recycle_bin: false,
    access_dates: false,
    attributes: false,
    dirty: false,
    label: None,
};

/// A stick with the volume changed.
fn stick(form: Form, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = Sound::new(form).bytes.to_vec();
    change(volume(&mut bytes));
    bytes
}

fn volume(stick: &mut [u8]) -> &mut [u8] {
    &mut stick[START..]
}

fn touched(form: Form, windows: Windows) -> Vec<u8> {
    stick(form, |volume| windows.touch(volume).expect("it has room"))
}

fn look(stick: Vec<u8>) -> VerifyReport {
    verify(Arc::new(stick), Trust::default(), &mut Unobserved).expect("it can be looked at")
}

/// The findings' ids, each once.
fn ids(findings: &[Finding]) -> Vec<&'static str> {
    let mut ids: Vec<_> = findings.iter().map(|found| found.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn assert_notes(stick: Vec<u8>, expected: &[&str], what: &str) {
    let report = look(stick);
    assert!(report.is_intact(), "{what}: {:#?}", report.findings);
    assert!(report.findings.iter().all(|found| found.severity == Severity::Note), "{what}");
    assert_eq!(ids(&report.findings), expected, "{what}: {:#?}", report.findings);
}

#[test]
fn what_windows_does_is_noted_and_no_more() {
    let rows: [(&str, Windows, &[&str]); 7] = [
        ("it was plugged in", SEEN, &[]),
        ("it was indexed", Windows { volume_information: true, ..SEEN }, &["manifest.extra-file"]),
        ("a recycle bin", Windows { recycle_bin: true, ..SEEN }, &["manifest.extra-file"]),
        ("a PC started from it", Windows { access_dates: true, ..SEEN }, &["fat32.changed-dates"]),
        ("a hidden file", Windows { attributes: true, ..SEEN }, &["fat32.changed-attributes"]),
        ("it was pulled out", Windows { dirty: true, ..SEEN }, &["fat32.dirty"]),
        (
            "another name",
            Windows { label: Some(b"MY STICK   "), ..SEEN },
            &["fat32.changed-label", "fat32.label-differs"],
        ),
    ];
    let all: &[&str] = &[
        "fat32.changed-attributes",
        "fat32.changed-dates",
        "fat32.dirty",
        "fat32.stale-free-count",
        "manifest.extra-file",
    ];
    for form in [STICK, MBR_STICK] {
        for (what, windows, expected) in rows {
            assert_notes(touched(form, windows), expected, what);
        }
        assert_notes(touched(form, Windows::ALL), all, "everything at once");
    }
}

#[test]
fn what_is_noted_names_what_it_is_about() {
    let report = look(touched(STICK, Windows::ALL));
    let places = |id: &str| -> Vec<String> {
        report.findings.iter().filter(|found| found.id == id).map(|found| found.place.clone()).collect()
    };
    let mut extra = places("manifest.extra-file");
    extra.sort_unstable();
    let mut foreign = FOREIGN.map(str::to_owned);
    foreign.sort_unstable();
    assert_eq!(extra, foreign);
    assert_eq!(places("fat32.changed-attributes"), ["bootmgr"]);
    assert_eq!(places("fat32.dirty"), ["boot sector, byte 65"]);
    let dates = report.findings.iter().find(|found| found.id == "fat32.changed-dates").expect("noted");
    assert!(dates.message.starts_with("6 entries have other dates"), "{}", dates.message);
}

/// A change, and the first finding that is to tell of it.
type Harm = (&'static str, &'static str, fn(&mut [u8]));

#[test]
fn what_windows_does_not_do_is_an_error_all_the_same() {
    let harms: [Harm; 7] = [
        ("a file among those that boot", "manifest.extra-boot-file", |volume| {
            windows::put(volume, "EFI/Boot/bootia32.efi", b"MZ").expect("there is room");
        }),
        ("a boot manager for BIOS firmware", "manifest.extra-boot-file", |volume| {
            windows::put(volume, "bootmgr.old", b"MZ").expect("there is room");
        }),
        ("other bytes, of the same length", "manifest.sha256", |volume| {
            windows::put(volume, "boot/boot.sdi", b"other").expect("it is there");
        }),
        ("a longer file", "manifest.size", |volume| {
            let mut bytes = windows::get(volume, "boot/BCD").expect("it is there");
            bytes.push(0);
            windows::put(volume, "boot/BCD", &bytes).expect("there is room");
        }),
        ("a file that is gone", "manifest.missing-file", |volume| {
            windows::remove(volume, "boot/boot.sdi").expect("it is there");
        }),
        ("its entry", "fat32.changed-entry", |volume| {
            windows::remove(volume, "boot/boot.sdi").expect("it is there");
        }),
        ("another volume's number", "fat32.changed", |volume| {
            volume[67] ^= 1;
            volume[6 * 512 + 67] ^= 1;
        }),
    ];
    for form in [STICK, MBR_STICK] {
        for (what, id, harm) in harms {
            let report = look(stick(form, |volume| {
                Windows::ALL.touch(volume).expect("it has room");
                harm(volume);
            }));
            let found = report.findings.iter().find(|found| found.id == id);
            let found = found.unwrap_or_else(|| panic!("{what}: {:#?}", report.findings));
            assert_eq!(found.severity, Severity::Error, "{what}");
            assert!(!report.is_intact(), "{what}");
        }
    }
}

/// The stick as it is once it was changed in place.
fn changed(stick: &[u8], reworked: &Rework) -> Vec<u8> {
    let source: Arc<dyn Source> = Arc::new(stick.to_vec());
    let journal = reworked.journal(&*source).expect("there is room for it");
    let mut sink = MemorySink { bytes: stick.to_vec() };
    change(&journal, &mut sink, &mut Unobserved).expect("memory can be written");
    sink.bytes
}

/// Nothing of what Windows left is another, and verification says the same as before.
fn assert_untroubled(before: &[u8], after: Vec<u8>, what: &str) {
    let [old, new] = [before, &after].map(|stick| {
        FOREIGN
            .map(|path| windows::get(&stick[START..], path).unwrap_or_else(|error| panic!("{path}: {error}")))
    });
    assert_eq!(old, new, "{what}");
    let expected = ids(&look(before.to_vec()).findings);
    assert_notes(after, &expected, what);
}

#[test]
fn variables_of_a_stick_that_windows_saw_can_be_changed() {
    for form in [STICK, MBR_STICK] {
        let before = touched(form, Windows::ALL);
        let source: Arc<dyn Source> = Arc::new(before.clone());
        let mut bytes = windows::get(&before[START..], variables::PATH).expect("it is there");
        for more in [0, 700, 3000] {
            bytes.resize(bytes.len() + more, 0xA5);
            let changes = Changes { files: vec![(variables::PATH, bytes.clone())], ..Changes::default() };
            let reworked = rework(&source, &changes).unwrap_or_else(|error| panic!("{form:?}: {error}"));
            let after = changed(&before, &reworked);
            let found = windows::get(&after[START..], variables::PATH).expect("it is there");
            assert!(found == bytes, "{more} bytes more");
            assert_untroubled(&before, after, "other variables");
        }
    }
}

#[test]
fn a_stick_that_windows_saw_can_be_personalised() {
    for form in [STICK, MBR_STICK] {
        let before = touched(form, Windows::ALL);
        let source: Arc<dyn Source> = Arc::new(before.clone());
        let original = Original::open(&source, Some(&medium::PASSWORD.into())).expect("it was made here");
        let personal = Personal {
            password: Some(Some("another long password 7".into())),
            label: MediaLabel::new("Somebody else").ok(),
            serial_number: SerialNumber::new("KEY-0002").ok(),
            variables: vec![("Note".to_owned(), "x".repeat(2000).into())],
            ..Personal::default()
        };
        let made = original.personalise(&personal, None, &medium::env()).expect("there is room");
        let after = changed(&before, &made.rework);
        assert_ne!(after, before);
        assert_untroubled(&before, after, "in place");
    }
}
