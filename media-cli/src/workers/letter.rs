//! The letter that goes with a medium: a page that says which it is and what to do with it, as HTML and as plain text.
//!
//! The media password is not among what a letter knows, so that no template can print it.

use std::path::{Path, PathBuf};

use media_core::time::Timestamp;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior};
use serde::Serialize;
use thiserror::Error as ThisError;

use super::{Worker, wrap};
use crate::error::Error;
use crate::input;
use crate::settings::LetterChoice;

/// What a template can say, as `docs/formats.md` lists it.
pub const NAMES: [&str; 15] = [
    "organisation",
    "contact",
    "password_delivery",
    "has_password",
    "name",
    "email",
    "computer_name",
    "serial",
    "label",
    "kind",
    "site_code",
    "valid_from",
    "valid_from_words",
    "valid_until",
    "valid_until_words",
];

/// A page has 20 KB; pictures may be in it.
const LARGEST_TEMPLATE: u64 = 1 << 20;
/// What a letter may be when loops are carried out.
const LARGEST_LETTER: usize = 4 << 20;
/// Instructions; the usual letter takes a few hundred.
const FUEL: u64 = 1_000_000;
const WHAT: &str = "letter template";

const HTML: &str = include_str!("../../../templates/letter.html");
const TEXT: &str = include_str!("../../../templates/letter.txt");

/// What a medium is to whoever holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MediumKind {
    /// A USB stick.
    Stick,
    /// A CD or DVD.
    Disc,
}

/// What a letter has to know of the medium it goes with.
#[derive(Debug, Clone)]
pub struct MediumFacts {
    /// What it is.
    pub kind: MediumKind,
    /// Its label.
    pub label: Option<String>,
    /// The site's code.
    pub site_code: String,
    /// Whether a password protects it.
    pub has_password: bool,
    /// When all of it is valid.
    pub valid_from: Option<Timestamp>,
    /// The last moment it is.
    pub valid_until: Option<Timestamp>,
}

/// Everything a letter can say.
#[derive(Debug, Clone, Serialize)]
pub struct LetterFacts {
    /// Who sends it.
    pub organisation: Option<String>,
    /// Whom to call, line by line.
    pub contact: Vec<String>,
    /// How the password reaches the worker: the end of a sentence that begins with "it reaches you".
    pub password_delivery: String,
    /// Whether there is one.
    pub has_password: bool,
    /// Who gets it.
    pub name: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// What their computer is called.
    pub computer_name: Option<String>,
    /// The medium's serial number.
    pub serial: String,
    /// Its label.
    pub label: Option<String>,
    /// What it is.
    pub kind: MediumKind,
    /// The site's code.
    pub site_code: String,
    /// The first day it is valid: `2026-11-25`.
    pub valid_from: Option<String>,
    /// The same in words: `25 November 2026`.
    pub valid_from_words: Option<String>,
    /// The last day that it is valid to its end, in UTC.
    pub valid_until: Option<String>,
    /// The same in words.
    pub valid_until_words: Option<String>,
}

impl LetterFacts {
    /// What the letter to a worker says.
    pub fn new(choice: &LetterChoice, worker: &Worker, medium: MediumFacts) -> Self {
        let days = days(medium.valid_from, medium.valid_until);
        let (from, until) = (days.0.map(Day::of), days.1.map(Day::of));
        Self {
            organisation: choice.organisation.clone(),
            contact: choice.contact.clone(),
            password_delivery: choice.password_delivery.clone(),
            has_password: medium.has_password,
            name: worker.name.clone(),
            email: worker.email.clone(),
            computer_name: worker.computer_name.clone(),
            serial: worker.serial.clone(),
            label: medium.label,
            kind: medium.kind,
            site_code: medium.site_code,
            valid_from: from.as_ref().map(|day| day.iso.clone()),
            valid_from_words: from.map(|day| day.words),
            valid_until: until.as_ref().map(|day| day.iso.clone()),
            valid_until_words: until.map(|day| day.words),
        }
    }

    /// Facts as they might be, to try a template with.
    pub fn example(choice: &LetterChoice) -> Self {
        let worker = Worker {
            line: 1,
            name: "Anna Example".to_owned(),
            serial: "RS-0042".to_owned(),
            email: Some("anna.example@contoso.com".to_owned()),
            computer_name: Some("LAPTOP-0042".to_owned()),
            label: None,
            management_point: None,
            variables: Vec::new(),
            password: None,
            extra: Vec::new(),
        };
        let medium = MediumFacts {
            kind: MediumKind::Stick,
            label: Some("Rescue".to_owned()),
            site_code: "PS1".to_owned(),
            has_password: true,
            // 25 November 2026 to the end of 24 November 2027.
            valid_from: Some(Timestamp::from_unix(1_795_564_800)),
            valid_until: Some(Timestamp::from_unix(1_827_100_799)),
        };
        Self::new(choice, &worker, medium)
    }

    /// The other letters that a template makes: a mistake may be where the example does not come by.
    fn variants(self) -> [Self; 3] {
        let bare = Self {
            organisation: None,
            contact: Vec::new(),
            email: None,
            computer_name: None,
            label: None,
            valid_from: None,
            valid_from_words: None,
            valid_until: None,
            valid_until_words: None,
            has_password: false,
            kind: MediumKind::Disc,
            ..self.clone()
        };
        let disc = Self { kind: MediumKind::Disc, ..self.clone() };
        [self, disc, bare]
    }
}

/// A date, for a program and for a person.
struct Day {
    iso: String,
    words: String,
}

impl Day {
    fn of(time: Timestamp) -> Self {
        let (year, month, day) = time.calendar().date().to_calendar_date();
        let iso = format!("{year:04}-{:02}-{day:02}", u8::from(month));
        Self { iso, words: format!("{day} {month} {year}") }
    }
}

/// The first and the last day of a medium. A letter names days, so the last is one that it is valid through: nobody
/// should find on the evening of that day that it ended at noon.
fn days(from: Option<Timestamp>, until: Option<Timestamp>) -> (Option<Timestamp>, Option<Timestamp>) {
    const DAY: i64 = 86_400;
    let last = until.map(|until| Timestamp::from_unix((until.unix() + 1).div_euclid(DAY) * DAY - DAY));
    (from, last.map(|last| from.map_or(last, |from| from.max(last))))
}

/// Why a template makes no letter.
#[derive(Debug, PartialEq, Eq, ThisError)]
pub enum LetterProblem {
    /// It names what a letter does not know.
    #[error("nothing is known as {name:?}")]
    Unknown {
        /// What it names.
        name: String,
    },
    /// It is not a template, or what it does is not possible.
    #[error("{0}")]
    Template(String),
    /// It goes on without end.
    #[error("the template takes more than {FUEL} steps")]
    Endless,
    /// It becomes more than a letter.
    #[error("the letter is larger than {LARGEST_LETTER} bytes")]
    TooLarge,
    /// It becomes nothing.
    #[error("the letter is empty")]
    Empty,
}

/// The letters of a batch: two templates that are known to be good.
pub struct Letters {
    html: Template,
    text: Template,
}

impl Letters {
    /// Reads the organisation's own templates, where there are any, and tries them with facts as they might be, before
    /// anything is made.
    ///
    /// # Errors
    /// [`Error::Letter`], and what reading a small file says.
    pub fn read(choice: &LetterChoice) -> Result<Self, Error> {
        let letters = Self {
            html: Template::read(choice.html.as_deref(), "letter.html", HTML, AutoEscape::Html)?,
            text: Template::read(choice.text.as_deref(), "letter.txt", TEXT, AutoEscape::None)?,
        };
        for facts in LetterFacts::example(choice).variants() {
            letters.html(&facts)?;
            letters.text(&facts)?;
        }
        letters.html.check_names()?;
        letters.text.check_names()?;
        Ok(letters)
    }

    /// The letter as a page to print.
    ///
    /// # Errors
    /// [`Error::Letter`].
    pub fn html(&self, facts: &LetterFacts) -> Result<String, Error> {
        self.html.render(facts)
    }

    /// The letter as plain text of 72 columns.
    ///
    /// # Errors
    /// [`Error::Letter`].
    pub fn text(&self, facts: &LetterFacts) -> Result<String, Error> {
        Ok(wrap::wrapped(&self.text.render(facts)?))
    }
}

struct Template {
    path: PathBuf,
    source: String,
    escape: AutoEscape,
}

impl Template {
    fn read(own: Option<&Path>, name: &str, usual: &str, escape: AutoEscape) -> Result<Self, Error> {
        let Some(path) = own else {
            return Ok(Self { path: PathBuf::from(name), source: usual.to_owned(), escape });
        };
        let bytes = input::read_small(path, WHAT, LARGEST_TEMPLATE)?;
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        let source = std::str::from_utf8(bytes).map_err(|error| {
            let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            Error::NotText { what: WHAT, path: path.to_owned(), line }
        })?;
        Ok(Self { path: path.to_owned(), source: source.to_owned(), escape })
    }

    fn environment(&self) -> Environment<'_> {
        let mut environment = Environment::new();
        let escape = self.escape.clone();
        environment.set_auto_escape_callback(move |_| escape.clone());
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        // So that an error knows what it is about.
        environment.set_debug(true);
        environment
    }

    /// Finds names that are wrong also where no letter comes by.
    fn check_names(&self) -> Result<(), Error> {
        let environment = self.environment();
        let template = environment.template_from_named_str("letter", &self.source);
        let template = template.map_err(|error| self.wrong(&error))?;
        let known: Vec<&str> = environment.globals().map(|(name, _)| name).chain(NAMES).collect();
        let mut unknown: Vec<(usize, String)> = template
            .undeclared_variables(false)
            .into_iter()
            .filter(|name| !known.contains(&name.as_str()))
            .map(|name| (line_with(&self.source, &name), name))
            .collect();
        unknown.sort();
        match unknown.into_iter().next() {
            Some((line, name)) => Err(self.error(Some(line), LetterProblem::Unknown { name })),
            None => Ok(()),
        }
    }

    fn render(&self, facts: &LetterFacts) -> Result<String, Error> {
        let environment = self.environment();
        let template = environment.template_from_named_str("letter", &self.source);
        let template = template.map_err(|error| self.wrong(&error))?;
        let mut out = Limited(Vec::new());
        let rendered = template.render_captured_to(Serde(facts), &mut out);
        if let Err(error) = rendered {
            return Err(match error.kind() {
                ErrorKind::WriteFailure => self.error(None, LetterProblem::TooLarge),
                _ => self.wrong(&error),
            });
        }
        match String::from_utf8(out.0) {
            Ok(letter) if !letter.trim().is_empty() => Ok(letter),
            _ => Err(self.error(None, LetterProblem::Empty)),
        }
    }

    fn wrong(&self, error: &minijinja::Error) -> Error {
        let problem = match error.kind() {
            ErrorKind::OutOfFuel => LetterProblem::Endless,
            ErrorKind::UndefinedError => {
                let name = error.range().and_then(|range| self.source.get(range)).unwrap_or_default();
                LetterProblem::Unknown { name: name.to_owned() }
            }
            kind => LetterProblem::Template(match error.detail() {
                Some(detail) => format!("{kind}: {detail}"),
                None => kind.to_string(),
            }),
        };
        self.error(error.line(), problem)
    }

    fn error(&self, line: Option<usize>, problem: LetterProblem) -> Error {
        Error::Letter { path: self.path.clone(), line, problem }
    }
}

/// The first line in which `name` stands between braces.
fn line_with(source: &str, name: &str) -> usize {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    // A text or an attribute of that name is another thing.
    let is_other = |character: char| is_word(character) || matches!(character, '\'' | '"' | '.');
    let mut at = 0;
    while let Some(start) = source[at..].find("{{").into_iter().chain(source[at..].find("{%")).min() {
        let start = at + start;
        let end = source[start + 2..].find(['}']).map_or(source.len(), |end| start + 2 + end);
        let inside = &source[start..end];
        let found = inside.match_indices(name).find(|(index, _)| {
            !inside[..*index].ends_with(is_other) && !inside[index + name.len()..].starts_with(is_word)
        });
        if let Some((index, _)) = found {
            return source[..start + index].bytes().filter(|byte| *byte == b'\n').count() + 1;
        }
        at = end;
    }
    1
}

/// Takes as many bytes as a letter may have.
struct Limited(Vec<u8>);

impl std::io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > LARGEST_LETTER {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(html: &str) -> Result<String, String> {
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        std::fs::write(file.path(), html).expect("it is written");
        let choice = LetterChoice { html: Some(file.path().to_owned()), ..LetterChoice::default() };
        let letter = Letters::read(&choice).and_then(|letters| letters.html(&LetterFacts::example(&choice)));
        letter.map_err(|error| match error {
            Error::Letter { line, problem, .. } => {
                format!("{}: {problem}", line.map_or_else(|| "-".to_owned(), |line| line.to_string()))
            }
            other => other.to_string(),
        })
    }

    #[test]
    fn a_template_of_ones_own_says_what_is_known() {
        for (template, letter) in [
            ("{{ name }} {{ serial }} {{ kind }}", "Anna Example RS-0042 stick"),
            ("\u{FEFF}{{ valid_from }} {{ valid_until }}", "2026-11-25 2027-11-24"),
            ("{{ valid_from_words }}–{{ valid_until_words }}", "25 November 2026–24 November 2027"),
            ("{{ '<b>' }}{{ '<b>'|safe }}", "&lt;b&gt;<b>"),
            ("{% for line in contact %}{{ loop.index }}{% endfor %}x", "x"),
            ("{% set a = 1 %}{{ a }}{% if organisation %}{{ organisation }}{% endif %}", "1"),
        ] {
            assert_eq!(own(template).as_deref(), Ok(letter), "{template}");
        }
    }

    #[test]
    fn a_template_that_makes_no_letter_is_refused_at_its_line() {
        let much = format!("{{% for a in range(50000) %}}{}{{% endfor %}}", "x".repeat(100));
        for (template, problem) in [
            ("contat\n{{ contat }}", "2: nothing is known as \"contat\""),
            ("x\n\n{{ password }}", "3: nothing is known as \"password\""),
            ("x{% if kind == 'tape' %}\n{{ tape }}{% endif %}", "2: nothing is known as \"tape\""),
            ("x{% for a in contact %}\n{{ a }}{% endfor %}\n{{ a }}", "3: nothing is known as \"a\""),
            ("x\n{{ name.first }}", "2: nothing is known as \"name.first\""),
            ("x\n{% if %}", "2: syntax error: unexpected end of block"),
            ("x\n{{ name|nothing }}", "2: unknown filter: filter nothing is unknown"),
            ("x{% include 'a' %}", "1: syntax error: unknown statement include"),
            // Only the letter of a disc comes by.
            (
                "x{% if kind == 'disc' %}\n{{ 1 / 0 }}{% endif %}",
                "2: invalid operation: unable to calculate 1 / 0",
            ),
            // Only the letter without an organisation comes by.
            (
                "x{% if not has_password %}\n{{ 'a'|nothing }}{% endif %}",
                "2: unknown filter: filter nothing is unknown",
            ),
            (" \n{% if name == '' %}x{% endif %}\n", "-: the letter is empty"),
            (
                "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
                "1: the template takes more than 1000000 steps",
            ),
            (&much, "-: the letter is larger than 4194304 bytes"),
        ] {
            assert_eq!(own(template), Err(problem.to_owned()), "{template}");
        }
    }

    #[test]
    fn what_a_letter_knows_is_listed_and_no_password_is_among_it() {
        let facts = LetterFacts::example(&LetterChoice::default());
        let facts = serde_json::to_value(facts).expect("it is JSON");
        let known: Vec<&String> = facts.as_object().expect("it is an object").keys().collect();
        let mut listed = NAMES.to_vec();
        listed.sort_unstable();
        assert_eq!(known, listed);
    }

    #[test]
    fn the_last_day_is_one_that_a_medium_is_valid_through() {
        let time = |text: &str| Timestamp::parse(text).expect("it is a time");
        for (from, until, day) in [
            (None, "2027-11-25T23:59:59Z", "2027-11-25"),
            (None, "2027-11-25T23:59:58Z", "2027-11-24"),
            (None, "2027-11-26T00:00:00Z", "2027-11-25"),
            (None, "2027-11-25T12:00:00Z", "2027-11-24"),
            (Some("2027-11-25T08:00:00Z"), "2027-11-25T12:00:00Z", "2027-11-25"),
            (Some("2026-11-25T08:00:00Z"), "2027-11-25T08:00:00Z", "2027-11-24"),
        ] {
            let (_, last) = days(from.map(time), Some(time(until)));
            assert_eq!(last.map(|last| Day::of(last).iso).as_deref(), Some(day), "{until}");
        }
    }
}
