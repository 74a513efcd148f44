//! Writes tables that spreadsheets open: UTF-8 with a byte order mark, commas, CRLF (RFC 4180).

use zeroize::Zeroizing;

/// The byte order mark by which a spreadsheet tells UTF-8 from its own code page.
const MARK: &str = "\u{FEFF}";

/// A table as it grows. It may hold passwords, so it is as long from the start as it is in the end: a buffer that moves
/// leaves a copy behind.
pub(super) struct Table(Zeroizing<String>);

/// A cell.
#[derive(Clone, Copy)]
pub(super) enum Cell<'a> {
    /// What a spreadsheet must not take for a formula.
    Text(&'a str),
    /// What has to stay as it is, whatever a spreadsheet makes of it.
    Exact(&'a str),
}

impl Table {
    /// A table of these lines.
    pub(super) fn of(lines: &[Vec<Cell<'_>>]) -> Self {
        let most = |cell: &Cell<'_>| match cell {
            Cell::Text(text) | Cell::Exact(text) => 2 * text.len() + 4,
        };
        let len = lines.iter().flatten().map(most).sum::<usize>() + 2 * lines.len() + MARK.len();
        let mut table = Self(Zeroizing::new(String::with_capacity(len)));
        table.0.push_str(MARK);
        lines.iter().for_each(|line| table.line(line));
        table
    }

    /// The bytes of its file.
    pub(super) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.as_bytes().to_vec())
    }

    fn line(&mut self, cells: &[Cell<'_>]) {
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            self.cell(*cell);
        }
        self.0.push_str("\r\n");
    }

    fn cell(&mut self, cell: Cell<'_>) {
        let (before, text) = match cell {
            Cell::Text(text) if is_formula(text) => ("'", text),
            Cell::Text(text) | Cell::Exact(text) => ("", text),
        };
        let is_quoted = text.contains(['"', ',', ';', '\t', '\r', '\n']) || text.trim() != text;
        let mark = if is_quoted { "\"" } else { "" };
        self.0.push_str(mark);
        self.0.push_str(before);
        for character in text.chars() {
            if character == '"' {
                self.0.push('"');
            }
            self.0.push(character);
        }
        self.0.push_str(mark);
    }
}

/// Whether a spreadsheet may take a cell for a formula, and run it.
fn is_formula(text: &str) -> bool {
    text.starts_with(|first: char| matches!(first, '=' | '+' | '-' | '@') || first.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(cell: Cell<'_>) -> String {
        let bytes = Table::of(&[vec![cell, Cell::Text("end")]]).into_bytes();
        let text = std::str::from_utf8(&bytes).expect("it is UTF-8");
        let line = text.strip_prefix(MARK).and_then(|text| text.strip_suffix(",end\r\n"));
        line.expect("it is one line").to_owned()
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (text, cell) in [
            ("plain", "plain"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("+49 30", "'+49 30"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "\"'\t=1\""),
            ("\r\n=1", "\"'\r\n=1\""),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
            ("a=1", "a=1"),
            ("a \"b\", c", "\"a \"\"b\"\", c\""),
            (" a", "\" a\""),
            ("'a", "'a"),
        ] {
            assert_eq!(written(Cell::Text(text)), cell, "{text:?}");
        }
    }

    #[test]
    fn what_has_to_stay_as_it_is_does() {
        for (text, cell) in [("=p", "=p"), ("-a,b", "\"-a,b\""), ("a\"b", "\"a\"\"b\""), (" p ", "\" p \"")] {
            assert_eq!(written(Cell::Exact(text)), cell, "{text:?}");
        }
    }
}
