//! Media that end too early, wherever: none of them is intact.

use std::sync::Arc;

use media_core::event::Unobserved;
use media_core::finding::Severity;
use media_core::io::Source;
use media_core::{Form, Trust, verify};

use crate::damage::{Changed, DISC, MBR_STICK, STICK, Sound};

/// Whether verification tells that bytes are missing. One that could not look says nothing about intact either.
fn is_told(sound: &Sound, len: u64) -> bool {
    let source: Arc<dyn Source> = Arc::new(Changed { bytes: sound.bytes.clone(), flip: None, len });
    match verify(source, Trust::default(), &mut Unobserved) {
        Err(_) => true,
        Ok(report) => {
            !report.is_intact() && report.findings.iter().any(|found| found.severity == Severity::Error)
        }
    }
}

/// The sector boundaries around the start and the end of everything that was written.
fn boundaries(sound: &Sound) -> Vec<u64> {
    let ends = sound.plan.runs().into_iter().flat_map(|(offset, len, _)| [offset, offset + len]);
    let near = ends.flat_map(|end| {
        let sector = end / 512 * 512;
        [sector.saturating_sub(512), sector, sector + 512, end.saturating_sub(1), end + 1]
    });
    let mut near: Vec<u64> = near.filter(|len| *len < sound.len()).collect();
    near.sort_unstable();
    near.dedup();
    near
}

fn check(form: Form, anywhere: u64) {
    let sound = Sound::new(form);
    let mut state = 11_u64;
    let places = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 16) % sound.len()
    });
    let places: Vec<u64> = boundaries(sound).into_iter().chain(places.take(anywhere as usize)).collect();
    assert!(places.len() > 100);
    let missed: Vec<u64> = places.into_iter().filter(|len| !is_told(sound, *len)).collect();
    assert!(missed.is_empty(), "{form:?}, {} bytes: intact when cut to {missed:?}", sound.len());
}

#[test]
fn a_stick_that_was_cut_is_not_intact() {
    check(STICK, 200);
}

#[test]
fn a_stick_with_an_mbr_that_was_cut_is_not_intact() {
    check(MBR_STICK, 100);
}

#[test]
fn a_disc_that_was_cut_is_not_intact() {
    check(DISC, 200);
}
