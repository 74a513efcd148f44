//! A thousand single bytes of signed media, changed one at a time: each is found, or nobody needs it.

use std::collections::BTreeMap;
use std::sync::Arc;

use media_core::event::Unobserved;
use media_core::io::{MemorySink, Source};
use media_core::media::receipt::Receipt;
use media_core::media::signing::{SigningKey, VerifyingKey};
use media_core::{Form, Trust, seal, stage, verify, write};
use media_tests::medium;

use crate::damage::{Changed, DISC, MBR_STICK, STICK, small_boot_image};

/// A medium that is signed, and what was kept of it.
struct Signed {
    bytes: Arc<Vec<u8>>,
    receipt: Receipt,
    key: VerifyingKey,
}

impl Signed {
    fn new(form: Form) -> Self {
        let key = SigningKey::generate(2048, &medium::env()).expect("a key");
        let verifying = key.verifying_key();
        let mut spec = medium::spec(small_boot_image(), form).expect("the boot image can be opened");
        spec.signing_key = Some(key);
        let mut tree = stage(&spec, &medium::env(), &mut Unobserved).expect("it can be staged").tree;
        let sealed =
            seal(&mut tree, form, spec.signing_key.as_ref(), &mut Unobserved).expect("it can be sealed");
        let mut sink = MemorySink::default();
        write(&sealed.plan, &mut sink, &mut Unobserved).expect("memory can be written");
        let signed = Self { bytes: Arc::new(sink.bytes), receipt: sealed.receipt, key: verifying };
        assert!(!signed.is_found(0, 0), "nothing is wrong with it");
        signed
    }

    /// Whether a changed byte is an error, or at least noted.
    fn is_found(&self, place: u64, change: u8) -> bool {
        let len = self.bytes.len() as u64;
        let source: Arc<dyn Source> =
            Arc::new(Changed { bytes: self.bytes.clone(), flip: Some((place, change)), len });
        let report = verify(source, Trust { key: Some(&self.key) }, &mut Unobserved);
        report.is_err() || report.is_ok_and(|report| !report.findings.is_empty())
    }

    /// What the receipt says is at a place, and how far into it that is.
    fn at(&self, place: u64) -> Option<(&str, u64)> {
        let mut extents = self.receipt.extents.iter();
        let found = extents.find(|extent| (extent.offset..extent.offset + extent.size).contains(&place));
        found.map(|extent| (extent.label.as_str(), place - extent.offset))
    }

    /// The nth byte of all that were written.
    fn nth(&self, mut number: u64) -> u64 {
        for extent in &self.receipt.extents {
            if number < extent.size {
                return extent.offset + number;
            }
            number -= extent.size;
        }
        0
    }

    /// Why a change is nothing, if it is.
    fn irrelevant(&self, place: u64, change: u8) -> Option<&'static str> {
        let Some((label, at)) = self.at(place) else { return Some("nothing is there") };
        let is_free = || {
            let entry = (place - at % 4) as usize;
            self.bytes[entry..entry + 4] == [0; 4]
        };
        match label {
            "FSInfo" if (492..496).contains(&at) => Some("a hint where free clusters are"),
            "backup FSInfo" if (488..496).contains(&at) => Some("how many clusters are free, and where"),
            "FAT 1" | "FAT 2" if at % 4 == 3 && change & 0x0F == 0 && (at == 7 || is_free()) => {
                Some("bits of a FAT entry that are reserved")
            }
            _ => None,
        }
    }

    /// Changes bytes anywhere, and where something was written: small structures as often as large files.
    fn check(&self, count: u64) -> u64 {
        let written: u64 = self.receipt.extents.iter().map(|extent| extent.size).sum();
        let mut state = 7_u64;
        let mut chance = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 16) % below
        };
        let (mut silent, mut missed, mut found) = (BTreeMap::new(), Vec::new(), 0);
        for number in 0..count {
            let place = match number % 8 {
                0 => chance(self.bytes.len() as u64),
                1..=3 => self.nth(chance(written)),
                _ => {
                    let extents = &self.receipt.extents;
                    let extent = &extents[chance(extents.len() as u64) as usize];
                    extent.offset + chance(extent.size.max(1))
                }
            };
            let change = 1 + chance(255) as u8;
            match self.irrelevant(place, change) {
                // What nobody ever wrote to is not looked at: no finding would be wrong either.
                Some(reason) => *silent.entry(reason).or_insert(0) += 1,
                None if self.is_found(place, change) => found += 1,
                None => missed.push(format!("{change:#04x} at {place}: {:?}", self.at(place))),
            }
        }
        eprintln!("{found} of {count} changed bytes are found; the others are: {silent:#?}");
        assert!(missed.is_empty(), "not found: {missed:#?}");
        found
    }
}

#[test]
fn a_thousand_changed_bytes_are_found_or_nobody_needs_them() {
    let mut found = 0;
    for (form, count) in [(STICK, 400), (MBR_STICK, 200), (DISC, 400)] {
        found += Signed::new(form).check(count);
    }
    assert!(found > 800, "{found}");
}

/// What the list of irrelevant bytes says is so: the file system stays sound with them changed.
#[test]
fn bytes_that_nobody_needs_are_noted_at_most() {
    let signed = Signed::new(STICK);
    let places = ["FSInfo", "backup FSInfo"].map(|label| {
        let extent = signed.receipt.extents.iter().find(|extent| extent.label == label);
        extent.expect("it is planned").offset
    });
    for (place, change) in [(places[0] + 492, 1), (places[1] + 488, 0xFF), (places[1] + 492, 0xFF)] {
        assert!(signed.irrelevant(place, change).is_some());
        assert!(!signed.is_found(place, change));
    }
    // How many clusters are free is known: the FAT says it.
    assert!(signed.irrelevant(places[0] + 488, 1).is_none() && signed.is_found(places[0] + 488, 1));
}
