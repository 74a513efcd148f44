//! Sticks that say they hold more than they do. Their controllers count addresses modulo a power of two, or keep nothing of
//! what lies beyond; both are seen when a block at each power of two is written and read again.

use super::StickError;
use crate::io::{ALIGNMENT, Buffer, Sink, Source};

/// As much at each place as no controller keeps in its own memory for long.
const PROBE: u64 = 1 << 20;

/// Writes and reads at the start, at each power of two and at the end. What was there is lost.
pub(super) fn check<S: Sink + Source>(stick: &mut S, nonce: [u8; 16]) -> Result<(), StickError> {
    let len = Source::len(stick);
    let places = places(len);
    let mut buffer = Buffer::default();
    let label = || "the capacity check".to_owned();
    // From the end to the start: an address that means a lower one is written over by that one.
    for place in places.iter().rev() {
        let bytes = buffer.of(PROBE as usize);
        fill(bytes, nonce, *place);
        let written = stick.write_at(*place, bytes);
        written.map_err(|error| StickError::Stick {
            doing: "writing",
            label: label(),
            offset: *place,
            error,
        })?;
    }
    let synced = stick.sync();
    synced.map_err(|error| StickError::Stick { doing: "writing", label: label(), offset: 0, error })?;
    let mut expected = vec![0; PROBE as usize];
    for place in places {
        let bytes = buffer.of(PROBE as usize);
        fill(&mut expected, nonce, place);
        let read = stick.read_exact_at(place, bytes);
        read.map_err(|error| StickError::Stick {
            doing: "reading back",
            label: label(),
            offset: place,
            error,
        })?;
        if bytes != expected {
            return Err(StickError::FalseCapacity { len, offset: place });
        }
    }
    Ok(())
}

/// Where is looked, ascending; no two places overlap.
fn places(len: u64) -> Vec<u64> {
    let last = len.saturating_sub(PROBE) / ALIGNMENT as u64 * ALIGNMENT as u64;
    let powers =
        (0..u64::BITS).map(|bit| 1_u64 << bit).filter(|place| *place >= PROBE && place + PROBE <= last);
    let mut places = vec![0];
    places.extend(powers);
    if last >= PROBE {
        places.push(last);
    }
    if len < PROBE { Vec::new() } else { places }
}

/// Bytes that say where they belong, others each time.
fn fill(bytes: &mut [u8], nonce: [u8; 16], place: u64) {
    for (number, piece) in bytes.chunks_mut(32).enumerate() {
        let mut text = [0; 32];
        text[..16].copy_from_slice(&nonce);
        text[16..24].copy_from_slice(&place.to_le_bytes());
        text[24..].copy_from_slice(&(number as u64).to_le_bytes());
        piece.copy_from_slice(&text[..piece.len()]);
    }
}
