//! What the command prints, and the file it makes.

pub mod boot_image;
pub mod created;
pub mod inspected;
pub mod planned;
pub mod sizes;
pub mod target;
pub mod verified;

use std::fmt;

/// Writes one line of a report: a name, padded, and what is to be said about it.
fn line(out: &mut fmt::Formatter<'_>, name: &str, value: impl fmt::Display) -> fmt::Result {
    writeln!(out, "{name:<20}{value}")
}

/// Notes at the end of a report.
fn notes(out: &mut fmt::Formatter<'_>, notes: &[String]) -> fmt::Result {
    notes.iter().try_for_each(|note| writeln!(out, "note: {note}"))
}
