//! Breaks long lines of a text at spaces.

/// What a mail program and a terminal show without breaking it themselves.
const WIDTH: usize = 72;

/// The text with no line longer than it need be. What follows a break stands below the beginning of the line's text: that
/// of a paragraph, of an item (`1. …`, `- …`), or of a value (`Name:  …`).
pub(super) fn wrapped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.lines() {
        wrap(line.trim_end(), &mut out);
        out.push('\n');
    }
    out
}

fn wrap(line: &str, out: &mut String) {
    if line.chars().count() <= WIDTH {
        out.push_str(line);
        return;
    }
    let (start, hang) = beginning(line);
    out.push_str(&line[..start]);
    let (mut column, mut is_first) = (line[..start].chars().count(), true);
    for word in line[start..].split(' ').filter(|word| !word.is_empty()) {
        let len = word.chars().count();
        if is_first {
            is_first = false;
        } else if column + 1 + len > WIDTH {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', hang));
            column = hang;
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += len;
    }
}

/// Where the text of a line begins, in bytes and as a column.
fn beginning(line: &str) -> (usize, usize) {
    let text = line.trim_start();
    let before = line.len() - text.len();
    let word = text.split(' ').next().unwrap_or_default();
    let is_number = word.strip_suffix('.').is_some_and(|digits| digits.parse::<u16>().is_ok());
    let named = text.find(":  ").map(|at| at + 1).filter(|at| *at < WIDTH / 2);
    let mark = if is_number || word == "-" { Some(word.len()) } else { named };
    let start = mark.map_or(before, |mark| {
        let rest = &text[mark..];
        before + mark + (rest.len() - rest.trim_start().len())
    });
    (start, line[..start].chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_where_their_text_begins() {
        let words = |count| vec!["ten-letter"; count].join(" ");
        let long = "x".repeat(80);
        for (text, expected) in [
            ("short  and  as it is".to_owned(), "short  and  as it is\n".to_owned()),
            (String::new(), String::new()),
            ("a  \n\n b\n".to_owned(), "a\n\n b\n".to_owned()),
            (words(8), format!("{}\n{}\n", words(6), words(2))),
            (format!("  {}", words(8)), format!("  {}\n  {}\n", words(6), words(2))),
            (format!("12. {}", words(7)), format!("12. {}\n    {}\n", words(6), words(1))),
            (format!("- {}", words(7)), format!("- {}\n  {}\n", words(6), words(1))),
            (format!(" Ä b:  {}", words(7)), format!(" Ä b:  {}\n       {}\n", words(6), words(1))),
            (format!("Note: {}", words(7)), format!("Note: {}\n{}\n", words(6), words(1))),
            (format!("a {long} b"), format!("a\n{long}\nb\n")),
        ] {
            assert_eq!(wrapped(&text), expected, "{text}");
        }
    }
}
