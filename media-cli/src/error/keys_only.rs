//! What of a spec file may be shown when its values may be secret: the keys that a message is about, and nothing else.

use std::ops::Range;

/// The text with nothing left in it but the lines on which the entries at `spans` start, each without its value, under
/// their old numbers; and the spans moved onto the keys there.
///
/// Everything before the place of a parser's error is TOML, so that it is known which lines start an entry and which
/// are inside a value of several lines.
pub(super) fn keys_only(text: &str, spans: &[Range<usize>]) -> (String, Vec<Range<usize>>) {
    let entries: Vec<Entry> = spans.iter().map(|span| entry_at(text, span.start.min(text.len()))).collect();
    let mut shown = String::new();
    let mut starts = vec![0; spans.len()];
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let here = |entry: &Entry| entry.start == offset;
        for (start, _) in starts.iter_mut().zip(&entries).filter(|(_, entry)| here(entry)) {
            *start = shown.len();
        }
        if let Some(entry) = entries.iter().find(|entry| here(entry)) {
            shown.push_str(&entry.shown);
        }
        shown.push('\n');
        offset += line.len();
    }
    let spans = spans.iter().zip(&entries).zip(starts).map(|((span, entry), start)| {
        let pointed = entry.pointed(span);
        start + pointed.start..start + pointed.end
    });
    let spans = spans.collect();
    (shown, spans)
}

/// A key with its value, or the head of a table.
struct Entry {
    /// Where its first line starts in the text.
    start: usize,
    /// What of this line is shown.
    shown: String,
    /// What of it is the key.
    key: Range<usize>,
}

impl Entry {
    /// What to point at: as much of the key as is meant, or all of it.
    fn pointed(&self, span: &Range<usize>) -> Range<usize> {
        let start = span.start.saturating_sub(self.start).max(self.key.start);
        let end = span.end.saturating_sub(self.start).min(self.key.end);
        let is_key = start < end && self.shown.get(start..end).is_some_and(|part| !part.contains('…'));
        if is_key { start..end } else { self.key.clone() }
    }
}

fn entry_at(text: &str, offset: usize) -> Entry {
    let (start, equals) = find(text.as_bytes(), offset);
    let line = text[start..].lines().next().unwrap_or_default();
    if line.trim().is_empty() {
        return Entry { start, shown: String::new(), key: 0..0 };
    }
    let indent = line.len() - line.trim_start().len();
    let (key_end, rest) = match equals.and_then(|equals| line.get(..equals - start)) {
        Some(left) if left.trim().is_empty() => (indent, "= …"),
        Some(left) => (left.trim_end().len(), " = …"),
        None => match unvalued(&line[indent..]) {
            0 => (indent, "…"),
            len => (indent + len, if line.len() > indent + len { " …" } else { "" }),
        },
    };
    let shown = format!("{}{rest}", &line[..key_end]);
    let key = if key_end > indent { indent..key_end } else { indent..shown.len() };
    Entry { start, shown, key }
}

/// How much may be shown of a line that has no `=`: the head of a table, or a word before a colon.
fn unvalued(line: &str) -> usize {
    let is_bare = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
    let bytes = line.as_bytes();
    if bytes.starts_with(b"[") {
        return bytes.iter().take_while(|byte| is_bare(byte) || b"[].".contains(byte)).count();
    }
    let word = bytes.iter().take_while(|byte| is_bare(byte)).count();
    if line[word..].trim_start().starts_with(':') { word } else { 0 }
}

/// What the lexer is inside of.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Nothing,
    Comment,
    Text { quote: u8, lines: bool },
}

/// Where the entry that `offset` is in starts, and where its `=` is.
fn find(text: &[u8], offset: usize) -> (usize, Option<usize>) {
    let (mut start, mut equals, mut depth) = (0, None, 0_usize);
    let (mut inside, mut at) = (Inside::Nothing, 0);
    while let Some(&byte) = text.get(at) {
        let three = text.get(at..at + 3).is_some_and(|three| three.iter().all(|other| *other == byte));
        let mut step = 1;
        match (inside, byte) {
            (Inside::Text { quote: b'"', .. }, b'\\') => step = 2,
            (Inside::Text { quote, lines: true }, _) if byte == quote && three => {
                inside = Inside::Nothing;
                // Up to two quotes may stand before those that end it.
                step = text[at..].iter().take(5).take_while(|other| **other == quote).count();
            }
            (Inside::Text { quote, lines: false }, _) if byte == quote => inside = Inside::Nothing,
            (Inside::Text { lines: true, .. }, _) => {}
            (_, b'\n') => {
                inside = Inside::Nothing;
                if depth == 0 {
                    if at + 1 > offset || at + 1 == text.len() {
                        break;
                    }
                    (start, equals) = (at + 1, None);
                }
            }
            (Inside::Nothing, b'#') => inside = Inside::Comment,
            (Inside::Nothing, b'"' | b'\'') => {
                inside = Inside::Text { quote: byte, lines: three };
                step = if three { 3 } else { 1 };
            }
            (Inside::Nothing, b'=') if equals.is_none() && depth == 0 => equals = Some(at),
            (Inside::Nothing, b'[' | b'{') if equals.is_some() => depth += 1,
            (Inside::Nothing, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += step;
    }
    (start, equals)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The lines that are shown, with what is pointed at.
    fn shown(text: &str, at: &str) -> (String, String) {
        let start = text.find(at).expect("it is there");
        let (shown, span) = at_one(text, start..start + at.len());
        (shown.trim_matches('\n').to_owned(), shown[span].to_owned())
    }

    fn at_one(text: &str, span: Range<usize>) -> (String, Range<usize>) {
        let (shown, spans) = keys_only(text, std::slice::from_ref(&span));
        (shown, spans[0].clone())
    }

    #[test]
    fn keys_stay_and_values_go() {
        for (text, at, line, pointed) in [
            ("password = \"hidden\" # really\n", "password", "password = …", "password"),
            ("  \"OSD = Pwd\"=\"hidden\"\n", "\"hidden\"", "  \"OSD = Pwd\" = …", "\"OSD = Pwd\""),
            ("a.b = 1\nA = \"hidden\n", "hidden", "A = …", "A"),
            ("A = \"\"\"\nhidden\nB = hidden\n\"\"\"\"\"\nC = hidden", "C", "C = …", "C"),
            ("A = \"\"\"\nhidden\nB = hidden2\n", "hidden2", "A = …", "A"),
            ("A = '''\\'''\nB = 'hidden'", "'hidden'", "B = …", "B"),
            ("A = \"\\\"\"\nB = hidden", "hidden", "B = …", "B"),
            ("A = [\n  \"hidden\", # ]\n  \"more\"\n]", "\"more\"", "A = …", "A"),
            ("[variables] # hidden\nA = 1", "variables", "[variables] …", "variables"),
            ("[[variables\nA = 1", "variables", "[[variables", "variables"),
            ("password: hidden\n", "hidden", "password …", "password"),
            ("hidden\n", "hidden", "…", "…"),
            ("hidden two\n", "two", "…", "…"),
            ("# hidden\n", "hidden", "…", "…"),
            ("a = { b = \"hidden\" }", "b", "a = …", "a"),
            ("       = \"hidden\"", "\"hidden\"", "       = …", "= …"),
        ] {
            assert_eq!(shown(text, at), (line.to_owned(), pointed.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn lines_keep_their_numbers() {
        let (shown, spans) = keys_only("# one\nA = 1\n\nB = '''\n\n'''\nC = 3\n", &[6..7, 13..14]);
        assert_eq!(shown, "\nA = …\n\nB = …\n\n\n\n");
        assert_eq!((&shown[spans[0].clone()], &shown[spans[1].clone()]), ("A", "B"));
        assert_eq!(at_one("", 0..0), (String::new(), 0..0));
        assert_eq!(at_one("A = ", 4..4), ("A = …\n".to_owned(), 0..1));
    }

    proptest! {
        #[test]
        fn any_text_and_place_give_spans_of_what_is_shown(
            text in "[a\"'=\\[\\]{}#\\\\\n é]{0,60}", start in 0_usize..70, len in 0_usize..20,
        ) {
            let (shown, span) = at_one(&text, start..start + len);
            prop_assert!(shown.get(span.clone()).is_some(), "{:?} of {:?}", span, shown);
        }
    }
}
