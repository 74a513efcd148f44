//! Reads a spec file: the settings of `tsmedia create` as TOML, with the place of each value for messages.
//!
//! Its tables are the headings of `tsmedia create --help`, its keys the names of the options there. The example is
//! `templates/example-media.toml`.

mod tables;

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::{Error, Place};
use crate::input;

pub use tables::{
    At, BootTable, MediaTable, OutputTable, SecretText, SecurityTable, SiteTable, SpecTables,
    UnknownComputerTable, VariablesXmlTable,
};

/// A spec file is text a person wrote.
const LARGEST: u64 = 1 << 20;

/// The text of a spec file, for pointing into it.
#[derive(Clone)]
pub struct SpecText {
    /// What the user calls the file.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl fmt::Debug for SpecText {
    /// The name alone: the text may hold secret values.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)
    }
}

/// A spec file as it was read.
pub struct SpecFile {
    /// Its settings.
    pub tables: SpecTables,
    /// Its text.
    pub text: SpecText,
    /// Its folder, which paths in it are relative to.
    pub folder: PathBuf,
}

/// Reads a spec file.
///
/// # Errors
/// [`Error::Unreadable`], and [`Error::Setting`] that points at the line.
pub fn read(path: &Path) -> Result<SpecFile, Error> {
    let name = path.display().to_string();
    let bytes = input::read_small(path, "spec file", LARGEST)?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|error| {
        let line =
            bytes[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        Error::NotText { what: "spec file", path: path.to_owned(), line }
    })?;
    let spec = SpecText { name, text };
    match toml::from_str(&spec.text) {
        Ok(tables) => {
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            Ok(SpecFile { tables, text: spec, folder })
        }
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            Err(Error::setting(plain_words(error.message()), Place::SpecFile(on_one_line(span, &spec.text)))
                .in_spec(&spec))
        }
    }
}

/// A span that goes over a whole table is shortened to its first line, which is where the reader has to look.
fn on_one_line(span: Range<usize>, text: &str) -> Range<usize> {
    let end =
        text.get(span.clone()).and_then(|part| part.find('\n')).map_or(span.end, |line| span.start + line);
    span.start..end
}

/// The parser's words in those of someone who does not write programs.
fn plain_words(message: &str) -> String {
    let replaced = [
        ("unknown field", "unknown key"),
        ("unknown variant", "unknown value"),
        ("missing field", "missing key"),
        ("duplicate field", "duplicate key"),
        ("a sequence", "an array such as [\"one\", \"two\"]"),
        ("invalid type: sequence", "invalid type: array"),
        ("invalid type: map", "invalid type: table"),
        ("a map", "a table"),
        ("expected u16", "expected a number from 0 to 65535"),
        ("expected u32", "expected a number from 0 to 4294967295"),
        ("a boolean", "true or false"),
        ("wanted string or table", "invalid type, expected a text in quotes"),
        ("expected a string", "expected a text in quotes"),
    ];
    let message = message.lines().next().unwrap_or_default().to_owned();
    replaced.iter().fold(message, |message, (from, to)| message.replace(from, to))
}
