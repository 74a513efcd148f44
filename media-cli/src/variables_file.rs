//! Reads a file of media variables: lines `NAME=VALUE`, or TOML. Values may be secret and are never shown.

use std::path::Path;

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::input;

/// A hundred times the largest set of media variables.
const LARGEST: u64 = 4 << 20;
const WHAT: &str = "file of variables";

/// Names and values, in the file's order.
pub type Variables = Vec<(String, SecretString)>;

/// Reads a file of variables; `-` is standard input, as lines. `refused` says why a name cannot be among them.
///
/// # Errors
/// [`Error::Variables`] with the line, and what [`input::read_small`] says.
pub fn read(path: &Path, refused: impl Fn(&str) -> Option<String>) -> Result<Variables, Error> {
    let bytes = input::read_small_or_standard_input(path, WHAT, LARGEST)?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| Error::NotText {
        what: WHAT,
        path: path.to_owned(),
        line: line_at(bytes, error.valid_up_to()),
    })?;
    let wrong = |(line, problem): (usize, String)| Error::Variables { path: path.to_owned(), line, problem };
    let is_toml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    let read = if is_toml { from_toml(text) } else { from_lines(text) }.map_err(wrong)?;
    let problem = read.iter().find_map(|variable| Some((variable.line, refused(&variable.name)?)));
    match problem {
        Some(problem) => Err(wrong(problem)),
        None => Ok(read.into_iter().map(|variable| (variable.name, variable.value)).collect()),
    }
}

/// A variable and the line it stands in.
struct Line {
    line: usize,
    name: String,
    value: SecretString,
}

fn line_at(bytes: &[u8], offset: usize) -> usize {
    bytes.iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

fn from_lines(text: &str) -> Result<Vec<Line>, (usize, String)> {
    let mut variables = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let pair = line.split_once('=').filter(|(name, _)| !name.trim().is_empty());
        let (name, value) = pair.ok_or_else(|| (number, "expected NAME=VALUE".to_owned()))?;
        add(&mut variables, number, name.trim(), value)?;
    }
    Ok(variables)
}

fn from_toml(text: &str) -> Result<Vec<Line>, (usize, String)> {
    // The parser's own rendering would show the line, and with it the value.
    let wrong = |error: toml::de::Error| {
        let line = line_at(text.as_bytes(), error.span().map_or(0, |span| span.start));
        (line, "it is not TOML with names and texts in quotes, such as NAME = \"VALUE\"".to_owned())
    };
    type Values = std::collections::BTreeMap<String, toml::Spanned<Value>>;
    let read: Values = toml::from_str(text).map_err(wrong)?;
    let mut in_order: Vec<_> = read.into_iter().collect();
    in_order.sort_by_key(|(_, value)| value.span().start);
    let mut variables = Vec::new();
    for (name, value) in in_order {
        let line = line_at(text.as_bytes(), value.span().start);
        add(&mut variables, line, &name, &value.get_ref().0)?;
    }
    Ok(variables)
}

fn add(variables: &mut Vec<Line>, line: usize, name: &str, value: &str) -> Result<(), (usize, String)> {
    if variables.iter().any(|known| known.name.eq_ignore_ascii_case(name)) {
        return Err((line, format!("{name} is given twice")));
    }
    let value = SecretString::from(value);
    let possible = media_core::media::variables::Variables::new().set(name, value.clone());
    possible.map_err(|error| (line, error.to_string()))?;
    variables.push(Line { line, name: name.to_owned(), value });
    Ok(())
}

/// A text that is wiped from memory.
struct Value(Zeroizing<String>);

impl<'de> serde::Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn plain(read: Result<Vec<Line>, (usize, String)>) -> Result<Vec<(String, String)>, usize> {
        let one = |variable: Line| (variable.name, variable.value.expose_secret().to_owned());
        read.map(|read| read.into_iter().map(one).collect()).map_err(|(line, _)| line)
    }

    #[test]
    fn lines() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let read = plain(from_lines("# comment\r\n\r\nA=1\r\n B =  x=y \n"));
        assert_eq!(read, Ok(vec![pair("A", "1"), pair("B", "  x=y ")]));
        assert_eq!(plain(from_lines("A=1\nB\n")), Err(2));
        assert_eq!(plain(from_lines("A=1\n=2\n")), Err(2));
        assert_eq!(plain(from_lines("A=1\n\na=2\n")), Err(3));
        assert_eq!(plain(from_lines("A=1\nA B=2\n")), Err(2));
        assert_eq!(plain(from_lines("A=1\nB=\u{1}\n")), Err(2));
    }

    #[test]
    fn toml() {
        let read = plain(from_toml("# c\nB = \"2\"\nA = '''x\ny'''\n"));
        assert_eq!(read, Ok(vec![("B".to_owned(), "2".to_owned()), ("A".to_owned(), "x\ny".to_owned())]));
        assert_eq!(plain(from_toml("B = \"1\"\nA = \"2\"\nb = \"3\"\n")), Err(3));
        assert_eq!(plain(from_toml("A = \"1\"\nB = 5\n")), Err(2));
        assert_eq!(plain(from_toml("A = \"1\"\n\nB = \"x\n")), Err(3));
    }
}
