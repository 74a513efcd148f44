//! A table of cells as spreadsheets write it: comma, semicolon or tab, quotation marks where need be (RFC 4180).
//!
//! Cells may be passwords, so there is one copy of them here, and it is wiped.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use zeroize::Zeroizing;

use super::problem::{Problem, Wrong};

/// More columns than anybody reads.
pub(super) const MOST_COLUMNS: usize = 200;

/// A line of the table.
pub(super) struct Row<'a> {
    /// The line of the file it begins in, counted from 1.
    pub(super) line: usize,
    /// Its cells.
    pub(super) cells: Vec<&'a str>,
}

/// The text of a file: UTF-8, with a byte order mark or without, or UTF-16 as spreadsheets write "Unicode text". It ends
/// with a line end.
///
/// # Errors
/// The line, counted from 1, that holds what is not text.
pub(super) fn text(bytes: &[u8]) -> Result<Zeroizing<String>, usize> {
    let (bytes, is_utf16) = match bytes {
        [0xFF, 0xFE, units @ ..] => (units, true),
        [0xEF, 0xBB, 0xBF, text @ ..] => (text, false),
        text => (text, false),
    };
    // UTF-8 takes up to three bytes where UTF-16 takes two; a text that grows would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() / 2 * 3 + 2));
    if is_utf16 {
        let units = bytes.chunks(2).map(|unit| match unit {
            [low, high] => u16::from_le_bytes([*low, *high]),
            // Half a character, which no text ends with.
            _ => 0xD800,
        });
        for unit in char::decode_utf16(units) {
            let character = unit.map_err(|_| line_ends(&text) + 1)?;
            text.push(character);
        }
    } else {
        let read = std::str::from_utf8(bytes);
        let whole = read.map_err(|error| {
            let good = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
            line_ends(good) + 1
        })?;
        text.push_str(whole);
    }
    // An open quotation mark in the last line is then seen like any other.
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// Calls `with` for every line that is not empty. What separates cells is found in the first.
pub(super) fn rows(text: &str, mut with: impl FnMut(Row<'_>) -> Result<(), Wrong>) -> Result<(), Wrong> {
    let mut reader = ReaderBuilder::new().delimiter(separator(text)).build();
    let mut place = Place { text, at: 0, line: 1 };
    let mut cells = Zeroizing::new(vec![0; text.len()]);
    let mut ends = [0; MOST_COLUMNS];
    loop {
        place.pass(text[place.at..].bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).count());
        if place.at == text.len() {
            return Ok(());
        }
        let line = place.line;
        let count =
            record(&mut reader, &mut place, &mut cells, &mut ends).map_err(|problem| problem.at(line))?;
        let starts = std::iter::once(0).chain(ends[..count].iter().copied());
        let cell =
            |(start, end): (usize, &usize)| std::str::from_utf8(&cells[start..*end]).unwrap_or_default();
        let row = Row { line, cells: starts.zip(&ends[..count]).map(cell).collect() };
        // Spreadsheets write lines of separators alone.
        if row.cells.iter().any(|cell| !cell.trim().is_empty()) {
            with(row)?;
        }
    }
}

/// Reads one line of the table, and says how many cells there are.
fn record(
    reader: &mut Reader,
    place: &mut Place<'_>,
    cells: &mut [u8],
    ends: &mut [usize],
) -> Result<usize, Problem> {
    let (mut written, mut count) = (0, 0);
    loop {
        let rest = &place.text.as_bytes()[place.at..];
        let (result, read, wrote, ended) =
            reader.read_record(rest, &mut cells[written..], &mut ends[count..]);
        place.pass(read);
        (written, count) = (written + wrote, count + ended);
        match result {
            ReadRecordResult::Record | ReadRecordResult::End => return Ok(count),
            // Cells are no longer than the text they are read from.
            ReadRecordResult::OutputEndsFull | ReadRecordResult::OutputFull => {
                return Err(Problem::TooManyColumns { most: MOST_COLUMNS });
            }
            ReadRecordResult::InputEmpty => {}
        }
    }
}

/// How far a text was read.
struct Place<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Place<'_> {
    fn pass(&mut self, count: usize) {
        let bytes = self.text.as_bytes();
        let is_end = |at: &usize| match bytes[*at] {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        self.line += (self.at..self.at + count).filter(is_end).count();
        self.at += count;
    }
}

fn line_ends(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// Of comma, semicolon and tab the one that is most often in the first line that is not empty; quoted text aside.
fn separator(text: &str) -> u8 {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in line.bytes() {
        quoted ^= byte == b'"';
        counts.iter_mut().filter(|(known, _)| !quoted && *known == byte).for_each(|(_, count)| *count += 1);
    }
    // The first of equals.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(byte, _)| *byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(bytes: &[u8]) -> Vec<(usize, Vec<String>)> {
        let mut found = Vec::new();
        let text = text(bytes).expect("it is text");
        rows(&text, |row| {
            found.push((row.line, row.cells.iter().map(|&cell| cell.to_owned()).collect()));
            Ok(())
        })
        .expect("it is a table");
        found
    }

    fn utf16(text: &str) -> Vec<u8> {
        [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn every_form_a_spreadsheet_writes_is_one_table() {
        let cells = |line: usize, cells: [&str; 2]| (line, cells.map(str::to_owned).to_vec());
        let expected = vec![cells(1, ["a", "b"]), cells(3, ["Ä", "x y"])];
        for bytes in [
            b"a,b\n\n\xC3\x84,x y\n".to_vec(),
            b"\xEF\xBB\xBFa;b\r\n\r\n\xC3\x84;x y".to_vec(),
            utf16("a\tb\r\n\r\nÄ\tx y\r\n"),
            b"\"a\",\"b\"\r\n,\r\n\"\xC3\x84\",x y\r\n".to_vec(),
            b"a;b\r;\r\xC3\x84;\"x y\"\r".to_vec(),
        ] {
            assert_eq!(table(&bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn quotation_marks_keep_separators_and_line_ends() {
        let found = table(b"a,b\n\"x,\"\"y\"\"\",\"1\n2\"\n\n3,4\n");
        let cells = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        assert_eq!(found, [(1, cells(["a", "b"])), (2, cells(["x,\"y\"", "1\n2"])), (5, cells(["3", "4"]))]);
    }

    #[test]
    fn a_quotation_mark_that_is_not_closed_takes_the_rest_with_its_line_ends() {
        for text in ["a,b\nx,\"y\n1,2\n", "a,b\nx,\"y"] {
            assert!(table(text.as_bytes())[1].1[1].ends_with('\n'), "{text}");
        }
    }

    #[test]
    fn what_separates_is_what_is_there_most() {
        for (line, expected) in
            [("a,b", b','), ("a;b,c;d", b';'), ("\"a,b,c\";d", b';'), ("\n \na\tb", b'\t'), ("a", b',')]
        {
            assert_eq!(separator(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_no_text_is_told_by_its_line() {
        for (bytes, line) in [
            (b"a,b\nM\xFCller,x\n".as_slice(), 2),
            (b"\xFF\xFEa\0\n\0\n\0\0\xD8b\0", 3),
            (b"\xFF\xFEa\0b", 1),
        ] {
            assert_eq!(text(bytes).err(), Some(line), "{bytes:?}");
        }
    }

    #[test]
    fn more_columns_than_there_can_be_are_refused() {
        for (columns, fits) in [(MOST_COLUMNS, true), (MOST_COLUMNS + 1, false)] {
            let text = format!("{}\n", vec!["x"; columns].join(","));
            let read = rows(&text, |row| {
                assert_eq!(row.cells.len(), columns);
                Ok(())
            });
            assert_eq!(read.is_ok(), fits, "{columns}");
        }
    }
}
