//! The columns of a workers file. One nobody knows is an error: a misspelt column must not lose variables without a word.

use media_core::media::site_variables::{IDENTITY, is_among};
use media_core::media::variables::Variables;
use secrecy::SecretString;

use super::problem::{Problem, Wrong};

/// The columns with a name of their own, as errors and the documentation list them.
pub(crate) const KNOWN: &str = "name, serial, email, computer-name, label, management-point, password, var:NAME for a \
     media variable, and x-NAME for what goes into the register alone";

/// The media variable that names the computer.
pub(super) const COMPUTER_NAME: &str = "OSDComputerName";

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    Name,
    Serial,
    Email,
    ComputerName,
    Label,
    ManagementPoint,
    Password,
    /// A media variable.
    Variable(String),
    /// For the register alone.
    Extra,
    /// A column without a name, and so without cells.
    Nothing,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// What the file calls it.
    pub(super) name: String,
    /// What it holds.
    pub(super) meaning: Meaning,
}

/// Reads the names of the columns.
pub(super) fn columns(line: usize, cells: &[&str]) -> Result<Vec<Column>, Wrong> {
    let mut columns: Vec<Column> = Vec::new();
    for cell in cells {
        let name = cell.trim();
        if name.chars().any(char::is_control) {
            return Err(Problem::ControlCharacter.at(line));
        }
        let meaning = meaning(name).map_err(|problem| problem.in_column(line, name))?;
        let is_same = |known: &&Column| match (&known.meaning, &meaning) {
            (Meaning::Nothing, _) => false,
            (Meaning::Variable(known), Meaning::Variable(name)) => known.eq_ignore_ascii_case(name),
            (Meaning::Extra, Meaning::Extra) => known.name.eq_ignore_ascii_case(name),
            (known, meaning) => known == meaning,
        };
        if columns.iter().find(is_same).is_some() {
            return Err(Problem::ColumnTwice.in_column(line, name));
        }
        columns.push(Column { name: name.to_owned(), meaning });
    }
    for (meaning, name) in [(Meaning::Name, "name"), (Meaning::Serial, "serial")] {
        if !columns.iter().any(|column| column.meaning == meaning) {
            return Err(Problem::NoColumn.in_column(line, name));
        }
    }
    Ok(columns)
}

fn meaning(name: &str) -> Result<Meaning, Problem> {
    let plain = name.to_ascii_lowercase().replace([' ', '_'], "-");
    Ok(match plain.as_str() {
        "" => Meaning::Nothing,
        "name" => Meaning::Name,
        "serial" | "serial-number" => Meaning::Serial,
        "email" | "e-mail" | "email-address" | "e-mail-address" => Meaning::Email,
        "computer-name" | "computername" => Meaning::ComputerName,
        "label" | "media-label" => Meaning::Label,
        "management-point" => Meaning::ManagementPoint,
        "password" | "media-password" => Meaning::Password,
        _ if plain.starts_with("x-") || plain.starts_with('#') => Meaning::Extra,
        _ => Meaning::Variable(variable(name)?),
    })
}

fn variable(name: &str) -> Result<String, Problem> {
    let (prefix, variable) = name.split_once(':').ok_or(Problem::UnknownColumn)?;
    if !prefix.trim().eq_ignore_ascii_case("var") {
        return Err(Problem::UnknownColumn);
    }
    let variable = variable.trim();
    if is_among(variable, &IDENTITY) {
        return Err(Problem::IdentityVariable);
    }
    Variables::new().set(variable, SecretString::from("")).map_err(Problem::Variable)?;
    Ok(variable.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Vec<Meaning>, (Option<String>, Problem)> {
        let cells: Vec<&str> = line.split(',').collect();
        let read = columns(1, &cells).map_err(|wrong| (wrong.column, wrong.problem));
        read.map(|columns| columns.into_iter().map(|column| column.meaning).collect())
    }

    #[test]
    fn names_are_known_however_they_are_spelt() {
        use Meaning::{ComputerName, Email, Extra, Label, ManagementPoint, Name, Nothing, Password, Serial};
        let variable = |name: &str| Meaning::Variable(name.to_owned());
        for (line, expected) in [
            ("name,serial", vec![Name, Serial]),
            (" NAME ,Serial-Number,E-Mail", vec![Name, Serial, Email]),
            ("serial number,name,E-mail address,,", vec![Serial, Name, Email, Nothing, Nothing]),
            ("name,serial,Computer Name,media_password", vec![Name, Serial, ComputerName, Password]),
            ("name,serial,label,Management Point", vec![Name, Serial, Label, ManagementPoint]),
            ("name,serial,var:OSDComputerName", vec![Name, Serial, variable("OSDComputerName")]),
            ("name,serial,VAR: A ,var:SMSTSMP", vec![Name, Serial, variable("A"), variable("SMSTSMP")]),
            ("name,serial,x-Cost centre,#,#2", vec![Name, Serial, Extra, Extra, Extra]),
        ] {
            assert_eq!(read(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn a_column_that_is_wrong_is_named() {
        for (line, column, problem) in [
            ("name,serial,OSDComputerName", "OSDComputerName", Problem::UnknownColumn),
            ("name,serial,passwort", "passwort", Problem::UnknownColumn),
            ("name,serial,vars:A", "vars:A", Problem::UnknownColumn),
            ("name", "serial", Problem::NoColumn),
            ("serial,email", "name", Problem::NoColumn),
            ("name,serial,email,E-Mail", "E-Mail", Problem::ColumnTwice),
            ("name,serial,var:A,var:a", "var:a", Problem::ColumnTwice),
            ("name,serial,x-a,X-A", "X-A", Problem::ColumnTwice),
            ("name,serial,var:_SMSMediaGuid", "var:_SMSMediaGuid", Problem::IdentityVariable),
        ] {
            assert_eq!(read(line), Err((Some(column.to_owned()), problem)), "{line}");
        }
        assert!(matches!(read("name,serial,var:"), Err((_, Problem::Variable(_)))));
        assert!(matches!(read("name,serial,var:A B"), Err((_, Problem::Variable(_)))));
    }
}
