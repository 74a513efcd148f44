//! Reads a workers file: one line a worker, with the columns in the first line (`docs/formats.md`).

use std::collections::HashMap;
use std::path::Path;

use media_core::media::names::{ManagementPoint, MediaLabel};
use media_core::media::variables::Variables;
use secrecy::{ExposeSecret, SecretString};

use super::Worker;
use super::columns::{COMPUTER_NAME, Column, Meaning, columns};
use super::problem::{Problem, Wrong};
use super::table::{self, Row};
use crate::error::Error;
use crate::input;

/// Far more than a batch.
pub const MOST_WORKERS: usize = 10_000;
/// What a person's name has at most.
pub const LONGEST_NAME: usize = 64;
/// What a serial number has at most.
pub const LONGEST_SERIAL: usize = 64;
/// What an address has at most (RFC 5321).
pub const LONGEST_EMAIL: usize = 254;

/// 10,000 lines of 1.6 KB each.
const LARGEST: u64 = 16 << 20;
const WHAT: &str = "list of workers";

/// Reads a workers file; `-` is standard input.
///
/// # Errors
/// [`Error::Workers`] with line and column, and what reading a small file says.
pub fn read(path: &Path) -> Result<Vec<Worker>, Error> {
    let bytes = input::read_small_or_standard_input(path, WHAT, LARGEST)?;
    let text =
        table::text(&bytes).map_err(|line| Error::NotText { what: WHAT, path: path.to_owned(), line })?;
    workers(&text).map_err(|wrong| Error::Workers { path: path.to_owned(), wrong })
}

fn workers(text: &str) -> Result<Vec<Worker>, Wrong> {
    let mut header: Option<(usize, Vec<Column>)> = None;
    let mut workers = Vec::new();
    let mut serials = HashMap::new();
    table::rows(text, |row| {
        let Some((_, columns)) = &header else {
            header = Some((row.line, columns(row.line, &row.cells)?));
            return Ok(());
        };
        if workers.len() == MOST_WORKERS {
            return Err(Problem::TooManyWorkers { most: MOST_WORKERS }.at(row.line));
        }
        let worker = worker(columns, &row)?;
        if let Some(line) = serials.insert(worker.serial.to_ascii_lowercase(), row.line) {
            return Err(Problem::SerialTwice { line }.at(row.line));
        }
        workers.push(worker);
        Ok(())
    })?;
    match header {
        None => return Err(Problem::NoHeader.at(1)),
        Some((line, _)) if workers.is_empty() => return Err(Problem::NoWorkers.at(line)),
        Some(_) => {}
    }
    passwords_differ(&workers)?;
    Ok(workers)
}

fn worker(columns: &[Column], row: &Row<'_>) -> Result<Worker, Wrong> {
    let (line, cells) = (row.line, &row.cells);
    let mut worker = Worker {
        line,
        name: String::new(),
        serial: String::new(),
        email: None,
        computer_name: None,
        label: None,
        management_point: None,
        variables: Vec::new(),
        password: None,
        extra: Vec::new(),
    };
    // Before their number: a quotation mark that is not closed changes that too.
    for (index, cell) in cells.iter().enumerate() {
        let name = columns.get(index).map(|column| column.name.as_str());
        check_characters(cell).map_err(|problem| match name {
            Some(name) => problem.in_column(line, name),
            None => problem.at(line),
        })?;
    }
    if cells.len() != columns.len() {
        return Err(Problem::Cells { found: cells.len(), expected: columns.len() }.at(line));
    }
    for (index, (column, cell)) in columns.iter().zip(cells).enumerate() {
        if column.meaning == Meaning::Nothing && !cell.trim().is_empty() {
            return Err(Problem::NoName { column: index + 1 }.at(line));
        }
        take(&mut worker, column, cell).map_err(|problem| problem.in_column(line, &column.name))?;
    }
    let is_given = |column: &Column| matches!(&column.meaning, Meaning::Variable(name) if name.eq_ignore_ascii_case(COMPUTER_NAME));
    if let Some(name) = worker.computer_name.clone().filter(|_| !columns.iter().any(is_given)) {
        worker.variables.push((COMPUTER_NAME.to_owned(), SecretString::from(name)));
    }
    Ok(worker)
}

/// White space around a cell is nothing anybody sees; that of a password or a variable may belong to it.
fn take(worker: &mut Worker, column: &Column, cell: &str) -> Result<(), Problem> {
    let text = cell.trim();
    let some = || (!text.is_empty()).then(|| text.to_owned());
    match &column.meaning {
        Meaning::Name => worker.name = short(needed(text)?, LONGEST_NAME)?.to_owned(),
        Meaning::Serial => worker.serial = serial(needed(text)?)?.to_owned(),
        Meaning::Email => worker.email = some().map(email).transpose()?,
        Meaning::ComputerName => worker.computer_name = some().map(computer_name).transpose()?,
        Meaning::Label => {
            let label = some().map(|text| MediaLabel::new(&text)).transpose();
            label.map_err(|error| Problem::label(&error))?;
            worker.label = some();
        }
        Meaning::ManagementPoint => worker.management_point = some().map(management_point).transpose()?,
        Meaning::Password => worker.password = (!cell.is_empty()).then(|| SecretString::from(cell)),
        Meaning::Variable(name) if !cell.is_empty() => {
            let value = SecretString::from(cell);
            Variables::new().set(name, value.clone()).map_err(Problem::Variable)?;
            worker.variables.push((name.clone(), value));
        }
        Meaning::Extra => worker.extra.push((column.name.clone(), text.to_owned())),
        Meaning::Variable(_) | Meaning::Nothing => {}
    }
    Ok(())
}

fn check_characters(cell: &str) -> Result<(), Problem> {
    match cell.chars().find(|character| character.is_control()) {
        Some('\r' | '\n') => Err(Problem::LineEnd),
        Some(_) => Err(Problem::ControlCharacter),
        None => Ok(()),
    }
}

fn needed(text: &str) -> Result<&str, Problem> {
    if text.is_empty() { Err(Problem::Empty) } else { Ok(text) }
}

fn short(text: &str, most: usize) -> Result<&str, Problem> {
    let found = text.chars().count();
    if found > most { Err(Problem::TooLong { found, most }) } else { Ok(text) }
}

/// Files are named after it, on Linux and later on Windows, and typed in a shell.
fn serial(text: &str) -> Result<&str, Problem> {
    short(text, LONGEST_SERIAL)?;
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !text.bytes().all(is_good) {
        return Err(Problem::Serial { expected: "expected letters (A to Z), digits, - _ and ." });
    }
    if !text.starts_with(|first: char| first.is_ascii_alphanumeric()) || text.ends_with('.') {
        return Err(Problem::Serial { expected: "expected a letter or digit first, and no full stop last" });
    }
    let stem = text.split('.').next().unwrap_or(text).to_ascii_uppercase();
    let is_port = |name: &str| {
        let number = stem.strip_prefix(name).unwrap_or_default();
        number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    if ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str()) || is_port("COM") || is_port("LPT") {
        return Err(Problem::Serial { expected: "Windows has a device of this name" });
    }
    if ["REGISTER", "PASSWORDS"].contains(&stem.as_str()) {
        return Err(Problem::Serial { expected: "a file of the register has this name" });
    }
    Ok(text)
}

fn email(text: String) -> Result<String, Problem> {
    short(&text, LONGEST_EMAIL)?;
    let is_one = |(name, host): (&str, &str)| !name.is_empty() && !host.is_empty();
    let is_good = text.rsplit_once('@').is_some_and(is_one) && !text.contains(char::is_whitespace);
    if is_good { Ok(text) } else { Err(Problem::Email) }
}

fn computer_name(text: String) -> Result<String, Problem> {
    let is_good = text.len() <= 15
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.bytes().all(|byte| byte.is_ascii_digit());
    if is_good { Ok(text) } else { Err(Problem::ComputerName) }
}

/// Which of the two it is, and by which scheme it is reached, follows from the rest of the medium.
fn management_point(text: String) -> Result<String, Problem> {
    if ManagementPoint::cloud_management_gateway(&text).is_err() {
        let point = ManagementPoint::on_premises(&text, "https");
        point.map_err(|error| Problem::management_point(&error))?;
    }
    Ok(text)
}

/// Whoever has one medium and its password must not have another's.
fn passwords_differ(workers: &[Worker]) -> Result<(), Wrong> {
    let mut lines = HashMap::new();
    for worker in workers {
        let Some(password) = &worker.password else { continue };
        if let Some(line) = lines.insert(password.expose_secret(), worker.line) {
            return Err(Problem::PasswordTwice { line }.at(worker.line));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Worker>, Wrong> {
        workers(&table::text(text.as_bytes()).expect("it is text"))
    }

    fn one(text: &str) -> Worker {
        read(text).expect(text).pop().expect("there is one")
    }

    #[test]
    fn a_line_is_a_worker() {
        let text = "Name;Serial;E-Mail;Computer-Name;Label;Management-Point;var:A;var:B;password;x-room;#\n\
                    ;;;;;;;;;;\n \
                    Anna Žák ; K-1 ; anna@contoso.com ;PC-7;Rescue 1;mp.contoso.com; 1 ;; p ; 12 ;\n";
        let worker = one(text);
        assert_eq!((worker.line, worker.name.as_str(), worker.serial.as_str()), (3, "Anna Žák", "K-1"));
        assert_eq!(worker.email.as_deref(), Some("anna@contoso.com"));
        assert_eq!(worker.computer_name.as_deref(), Some("PC-7"));
        assert_eq!(worker.label.as_deref(), Some("Rescue 1"));
        assert_eq!(worker.management_point.as_deref(), Some("mp.contoso.com"));
        let variables = worker.variables.iter();
        let variables: Vec<_> =
            variables.map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
        assert_eq!(variables, [("A", " 1 "), ("OSDComputerName", "PC-7")]);
        assert_eq!(worker.password.as_ref().map(ExposeSecret::expose_secret), Some(" p "));
        let pair = |name: &str, cell: &str| (name.to_owned(), cell.to_owned());
        assert_eq!(worker.extra, [pair("x-room", "12"), pair("#", "")]);
    }

    #[test]
    fn what_is_left_empty_is_not_given() {
        let worker =
            one("name,serial,email,computer-name,label,management-point,password,var:A\nA,1,,,,,,\n");
        assert!(worker.email.is_none() && worker.computer_name.is_none() && worker.label.is_none());
        assert!(worker.management_point.is_none() && worker.password.is_none());
        assert!(worker.variables.is_empty());
    }

    #[test]
    fn a_column_of_its_own_decides_about_the_variable_that_names_the_computer() {
        let variables = |text: &str| -> Vec<(String, String)> {
            let named = |(name, value): (String, SecretString)| (name, value.expose_secret().to_owned());
            one(text).variables.into_iter().map(named).collect()
        };
        let pair = |value: &str| vec![("osdcomputername".to_owned(), value.to_owned())];
        assert_eq!(variables("name,serial,computer-name,var:osdcomputername\nA,1,PC,X\n"), pair("X"));
        assert_eq!(variables("name,serial,computer-name,var:osdcomputername\nA,1,PC,\n"), []);
    }

    #[test]
    fn cells_that_can_be() {
        for (column, cell) in [
            ("x-a", "=1+1"),
            ("email", "o'neil@a"),
            ("computer-name", "DESKTOP-1234567"),
            ("management-point", "https://mp.contoso.com"),
            ("management-point", "cmg.contoso.com/CCM_Proxy_MutualAuth/72057594037928100"),
            ("password", "\"\"\"quoted\"\", and more\""),
        ] {
            read(&format!("name,serial,{column}\nA,1,{cell}\n")).map(|_| ()).expect(cell);
        }
        for serial in ["1", "a.b_c-d", "CONTOSO", "COM10", "COM", "registers", &"9".repeat(64)] {
            read(&format!("name,serial\nA,{serial}\n")).map(|_| ()).expect(serial);
        }
    }

    #[test]
    fn cells_that_cannot_be() {
        let serial = |expected| Problem::Serial { expected };
        let (letters, first) = (
            serial("expected letters (A to Z), digits, - _ and ."),
            serial("expected a letter or digit first, and no full stop last"),
        );
        let device = || serial("Windows has a device of this name");
        let label = "expected 1 to 32 printable ASCII characters without \" * / : ; < > ? \\ |";
        let point =
            "expected a host name such as mp.contoso.com, with http:// or https:// before it if need be";
        for (column, cell, problem) in [
            ("name", "", Problem::Empty),
            ("name", "  ", Problem::Empty),
            ("name", &"ä".repeat(65), Problem::TooLong { found: 65, most: 64 }),
            ("name", "a\u{1B}[2J", Problem::ControlCharacter),
            ("name", "\"a\nb\"", Problem::LineEnd),
            ("name", "\"a", Problem::LineEnd),
            ("serial", "", Problem::Empty),
            ("serial", "a/b", letters),
            ("serial", "Ä", serial("expected letters (A to Z), digits, - _ and .")),
            ("serial", "..", first),
            ("serial", "-f", serial("expected a letter or digit first, and no full stop last")),
            ("serial", "a.", serial("expected a letter or digit first, and no full stop last")),
            ("serial", "con", device()),
            ("serial", "Nul.1", device()),
            ("serial", "LPT1", device()),
            ("serial", "Register", serial("a file of the register has this name")),
            ("serial", &"9".repeat(65), Problem::TooLong { found: 65, most: 64 }),
            ("email", "anna", Problem::Email),
            ("email", "@contoso.com", Problem::Email),
            ("email", "a b@contoso.com", Problem::Email),
            ("computer-name", "1234", Problem::ComputerName),
            ("computer-name", "PC_1", Problem::ComputerName),
            ("computer-name", "DESKTOP-12345678", Problem::ComputerName),
            ("label", "a:b", Problem::Label { expected: label }),
            ("management-point", "a b", Problem::ManagementPoint { expected: point }),
            ("password", "a\tb", Problem::ControlCharacter),
            ("var:A", "\u{7}", Problem::ControlCharacter),
        ] {
            let text = match column {
                "name" => format!("name;serial\n{cell};1\n"),
                "serial" => format!("name;serial\nA;{cell}\n"),
                _ => format!("name;serial;{column}\nA;1;{cell}\n"),
            };
            let wrong = read(&text).err().expect(cell);
            assert_eq!(wrong, problem.in_column(2, column), "{cell}");
        }
    }

    #[test]
    fn lines_that_cannot_be() {
        for (text, line, problem) in [
            ("", 1, Problem::NoHeader),
            ("\n;\n  \n", 1, Problem::NoHeader),
            ("\nname,serial\n\n", 2, Problem::NoWorkers),
            ("name,serial\nA\n", 2, Problem::Cells { found: 1, expected: 2 }),
            ("name,serial\n\nA,1,2\n", 3, Problem::Cells { found: 3, expected: 2 }),
            ("name,serial,\nA,1,2\n", 2, Problem::NoName { column: 3 }),
            ("name,serial\nA,x1\nB,x2\nC,X1\n", 4, Problem::SerialTwice { line: 2 }),
            (
                "name,serial,password\nA,1,p\nB,2,\nC,3,q\nD,4,\nE,5,p\n",
                6,
                Problem::PasswordTwice { line: 2 },
            ),
        ] {
            assert_eq!(read(text).err(), Some(problem.at(line)), "{text}");
        }
    }

    #[test]
    fn there_are_as_many_as_a_batch_has() {
        let text = |count: usize| {
            let lines: String = (0..count).map(|number| format!("A,{number}\n")).collect();
            format!("name,serial\n{lines}")
        };
        assert_eq!(read(&text(MOST_WORKERS)).map_or(0, |workers| workers.len()), MOST_WORKERS);
        let wrong = read(&text(MOST_WORKERS + 1)).err();
        assert_eq!(wrong, Some(Problem::TooManyWorkers { most: MOST_WORKERS }.at(MOST_WORKERS + 2)));
    }
}
