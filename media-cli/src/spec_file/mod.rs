//! Reads a spec file: the settings of `tsmedia create` as TOML, with the place of each value for messages.
//!
//! Its tables are the headings of `tsmedia create --help`, its keys the names of the options there. The example is
//! `templates/example-media.toml`.

mod tables;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::error::{Error, Place};
use crate::input;

pub use tables::{
    At, BootTable, LetterTable, MediaTable, OutputTable, SecretText, SecurityTable, SiteTable, SpecTables,
    UnknownComputerTable, VariablesXmlTable,
};

/// A spec file is text a person wrote.
const LARGEST: u64 = 1 << 20;

/// The text of a spec file, for pointing into it.
#[derive(Clone)]
pub struct SpecText {
    /// What the user calls the file.
    pub name: String,
    /// What is in it: one copy, which is wiped from memory.
    pub text: Arc<Zeroizing<String>>,
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
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        Error::NotText { what: "spec file", path: path.to_owned(), line }
    })?;
    let spec = SpecText { name, text: Arc::new(Zeroizing::new(text.to_owned())) };
    match toml::from_str(&spec.text) {
        Ok(tables) => {
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            Ok(SpecFile { tables, text: spec, folder })
        }
        Err(error) => {
            let place = Place::SpecFile(error.span().unwrap_or(0..0));
            let wrong = Error::setting(plain_words(error.message()), place).hiding_values().in_spec(&spec);
            Err(match written_password(error.message()) {
                Some(hint) => wrong.with_hint(hint),
                None => wrong,
            })
        }
    }
}

/// What to write instead of a password, for whoever wrote one.
fn written_password(message: &str) -> Option<&'static str> {
    let (key, _) = message.strip_prefix("unknown field `")?.split_once('`')?;
    match key.to_ascii_lowercase().replace('_', "-").as_str() {
        "password" | "media-password" => Some(
            "passwords are not written into spec files: use password-file, password-env or password-prompt under [security]",
        ),
        "certificate-password" | "pfx-password" => Some(
            "passwords are not written into spec files: use certificate-password-file or certificate-password-env under [security]",
        ),
        "identity-password" => Some(
            "passwords are not written into spec files: use identity-password-file, identity-password-env or identity-password-prompt under [security]",
        ),
        _ => None,
    }
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
        ("struct BootTable", "a table: [boot]"),
        ("struct SiteTable", "a table: [site]"),
        ("struct SecurityTable", "a table: [security]"),
        ("struct MediaTable", "a table: [media]"),
        ("struct OutputTable", "a table: [output]"),
        ("struct LetterTable", "a table: [letter]"),
        ("struct UnknownComputerTable", "a table: [site.unknown-computer]"),
        ("struct VariablesXmlTable", "a table: [security.variables-xml]"),
        ("expected u16", "expected a number from 0 to 65535"),
        ("expected u32", "expected a number from 0 to 4294967295"),
        ("a boolean", "true or false"),
        ("wanted string or table", "invalid type, expected a text in quotes"),
        ("expected a string", "expected a text in quotes"),
    ];
    let message = without_value(message.lines().next().unwrap_or_default());
    replaced.iter().fold(message, |message, (from, to)| message.replace(from, to))
}

/// The parser's message without the value it found, which may be secret: only of what type it is.
fn without_value(message: &str) -> String {
    let (found, expected) = match message.rfind(", expected ") {
        Some(at) => message.split_at(at),
        None => (message, ""),
    };
    let found = if let Some(kind) = found.strip_prefix("invalid type: ") {
        let kind = kind.split(['`', '"']).next().unwrap_or_default();
        format!("invalid type: {}", kind.trim_end())
    } else {
        let whole = ["invalid value", "invalid length", "unknown variant"];
        whole.into_iter().find(|start| found.starts_with(start)).unwrap_or(found).to_owned()
    };
    found + expected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_the_type_and_not_the_value() {
        for (message, plain) in [
            ("invalid type: integer `481516`, expected a text", "invalid type: integer, expected a text"),
            ("invalid type: string \"a, expected b\", expected u16", "invalid type: string, expected u16"),
            ("invalid type: sequence, expected a text", "invalid type: sequence, expected a text"),
            ("invalid type: floating point `1.5`, expected x", "invalid type: floating point, expected x"),
            ("invalid value: string \"4X\", expected a size", "invalid value, expected a size"),
            ("unknown variant `secret`, expected `a` or `b`", "unknown variant, expected `a` or `b`"),
            ("unknown field `pass`, expected one of `a`", "unknown field `pass`, expected one of `a`"),
        ] {
            assert_eq!(without_value(message), plain);
        }
    }
}
