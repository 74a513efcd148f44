//! What the command prints, and the file it makes.

pub mod batch;
pub mod boot_image;
pub mod created;
pub mod devices;
pub mod identity;
pub mod imported;
pub mod inspected;
pub mod key;
pub mod leftover;
pub mod personalised;
pub mod planned;
pub mod preflight;
pub mod registration;
pub mod sizes;
pub mod small_file;
pub(crate) mod sticks;
pub mod target;
pub mod validity;
pub mod variables;
pub mod verified;

use std::fmt;

/// Writes one line of a report: a name, padded, and what is to be said about it.
fn line(out: &mut fmt::Formatter<'_>, name: &str, value: impl fmt::Display) -> fmt::Result {
    writeln!(out, "{name:<20}{}", Shown(value))
}

/// Text on one line of a terminal. Media are looked at before they are trusted, and names and values on them may hold
/// anything: line ends that forge another line of the report, sequences that command the terminal, characters that turn
/// the direction of writing.
pub(crate) struct Shown<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for Shown<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        write!(Escaping(out), "{}", self.0)
    }
}

struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| match is_harmless(character) {
            true => self.0.write_char(character),
            false => write!(self.0, "{}", character.escape_default()),
        })
    }
}

/// Whether a character does no more than stand there (Unicode, categories Cc, Zl, Zp and bidirectional formatting).
fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
        )
}

/// Notes at the end of a report.
fn notes(out: &mut fmt::Formatter<'_>, notes: &[String]) -> fmt::Result {
    notes.iter().try_for_each(|note| writeln!(out, "note: {}", Shown(note)))
}

#[cfg(test)]
mod tests {
    use super::Shown;

    #[test]
    fn text_from_a_medium_stays_on_its_line_and_commands_no_terminal() {
        for (text, shown) in [
            ("Grüße \\ \u{1F600} \"x\"", "Grüße \\ \u{1F600} \"x\""),
            ("a\nnote: intact\r\t", "a\\nnote: intact\\r\\t"),
            ("\u{1B}[2J\u{7F}\u{9B}2J", "\\u{1b}[2J\\u{7f}\\u{9b}2J"),
            ("a\u{202E}b\u{2028}c\u{2066}", "a\\u{202e}b\\u{2028}c\\u{2066}"),
        ] {
            assert_eq!(Shown(text).to_string(), shown);
        }
    }
}
