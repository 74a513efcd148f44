//! Settings of the letters that go with media.

use std::path::PathBuf;

use super::check::checked_if_given;
use super::merge::{from_spec_file, given, win};
use super::{Given, Settings};
use crate::args::letter::LetterArgs;
use crate::error::Error;
use crate::spec_file::{At, LetterTable, SpecFile};

/// The longest name of an organisation. With the others it keeps a letter on one page.
pub const LONGEST_ORGANISATION: usize = 64;
/// The most lines of whom to call.
pub const MOST_CONTACT_LINES: usize = 6;
/// The longest of them.
pub const LONGEST_CONTACT_LINE: usize = 64;
/// The longest words about how the password is delivered.
pub const LONGEST_DELIVERY: usize = 120;

/// What was given about letters.
#[derive(Default)]
pub(super) struct LetterSettings {
    organisation: Option<Given<String>>,
    contact: Option<Given<String>>,
    password_delivery: Option<Given<String>>,
    html: Option<Given<PathBuf>>,
    text: Option<Given<PathBuf>>,
}

/// What the letters of a batch are like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterChoice {
    /// Who sends them.
    pub organisation: Option<String>,
    /// Whom to call, line by line; nobody when not given.
    pub contact: Vec<String>,
    /// How the password reaches a worker: the end of a sentence without its full stop.
    pub password_delivery: String,
    /// The organisation's own template for the printed letter.
    pub html: Option<PathBuf>,
    /// The organisation's own template for plain text.
    pub text: Option<PathBuf>,
}

impl Default for LetterChoice {
    fn default() -> Self {
        Self {
            organisation: None,
            contact: Vec::new(),
            password_delivery: "separately".to_owned(),
            html: None,
            text: None,
        }
    }
}

/// Decides what letters are like, when nothing else is to be decided.
///
/// # Errors
/// [`Error::Setting`] for the first setting that is wrong.
pub fn letter_choice(args: LetterArgs, spec: Option<SpecFile>) -> Result<LetterChoice, Error> {
    let mut settings = spec.map_or_else(Settings::default, from_spec_file);
    settings.letter.overrule(args);
    settings.letter.decide().map_err(|error| match &settings.spec {
        Some(spec) => error.in_spec(spec),
        None => error,
    })
}

impl LetterSettings {
    /// The table of a spec file; `file` is how a path there is meant.
    pub(super) fn of(table: LetterTable, file: impl Fn(At<String>) -> Given<PathBuf>) -> Self {
        Self {
            organisation: table.organisation.map(given),
            contact: table.contact.map(given),
            password_delivery: table.password_delivery.map(given),
            html: table.letter_html.map(&file),
            text: table.letter_text.map(file),
        }
    }

    /// The command line wins.
    pub(super) fn overrule(&mut self, args: LetterArgs) {
        win(&mut self.organisation, args.organisation, "--organisation");
        win(&mut self.contact, args.contact, "--contact");
        win(&mut self.password_delivery, args.password_delivery, "--password-delivery");
        win(&mut self.html, args.letter_html, "--letter-html");
        win(&mut self.text, args.letter_text, "--letter-text");
    }

    pub(super) fn decide(&self) -> Result<LetterChoice, Error> {
        let usual = LetterChoice::default();
        let path = |given: &Option<Given<PathBuf>>| given.as_ref().map(|given| given.value.clone());
        let delivery = checked_if_given(self.password_delivery.as_ref(), |text| {
            // The template ends the sentence.
            one_line(text.trim().trim_end_matches('.'), LONGEST_DELIVERY)
        })?;
        Ok(LetterChoice {
            organisation: checked_if_given(self.organisation.as_ref(), |text| {
                one_line(text.trim(), LONGEST_ORGANISATION)
            })?,
            contact: checked_if_given(self.contact.as_ref(), |text| contact(text))?.unwrap_or(usual.contact),
            password_delivery: delivery.unwrap_or(usual.password_delivery),
            html: path(&self.html),
            text: path(&self.text),
        })
    }
}

fn one_line(text: &str, most: usize) -> Result<String, String> {
    let count = text.chars().count();
    if text.chars().any(char::is_control) {
        return Err("expected one line without control characters".to_owned());
    }
    match count {
        0 => Err("it is empty; leave it out for none".to_owned()),
        _ if count > most => Err(format!("it has {count} characters; a letter has room for {most}")),
        _ => Ok(text.to_owned()),
    }
}

fn contact(text: &str) -> Result<Vec<String>, String> {
    let lines: Vec<&str> = text.trim().lines().map(str::trim).collect();
    if lines.len() > MOST_CONTACT_LINES {
        return Err(format!("it has {} lines; a letter has room for {MOST_CONTACT_LINES}", lines.len()));
    }
    if lines.is_empty() {
        return Err("it is empty; leave it out for none".to_owned());
    }
    let line = |line: &str| match line {
        "" => Ok(String::new()),
        line => one_line(line, LONGEST_CONTACT_LINE).map_err(|error| format!("{line:?}: {error}")),
    };
    lines.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(organisation: &str, contact: &str, delivery: &str) -> Result<LetterChoice, String> {
        let some = |text: &str| Some(text.to_owned()).filter(|text| text != "none");
        let (organisation, contact, password_delivery) = (some(organisation), some(contact), some(delivery));
        let args = LetterArgs { organisation, contact, password_delivery, ..LetterArgs::default() };
        letter_choice(args, None).map_err(|error| error.to_string())
    }

    #[test]
    fn what_fits_on_a_letter() {
        assert_eq!(decide("none", "none", "none"), Ok(LetterChoice::default()));
        let choice = decide(" Contoso ", "\nDesk \n\n+1 555 0100\n", "by telephone.").expect("it fits");
        assert_eq!(choice.organisation.as_deref(), Some("Contoso"));
        assert_eq!(choice.contact, ["Desk", "", "+1 555 0100"]);
        assert_eq!(choice.password_delivery, "by telephone");
        let line = "ä".repeat(LONGEST_CONTACT_LINE);
        let (name, way) = ("ä".repeat(LONGEST_ORGANISATION), "ä".repeat(LONGEST_DELIVERY));
        assert!(decide(&name, &vec![line; MOST_CONTACT_LINES].join("\n"), &way).is_ok());
    }

    #[test]
    fn what_does_not_fit_on_a_letter() {
        let lines = "x\n".repeat(MOST_CONTACT_LINES + 1);
        let long = "x".repeat(LONGEST_DELIVERY + 1);
        for (organisation, contact, delivery, problem) in [
            ("", "none", "none", "it is empty; leave it out for none"),
            ("a\nb", "none", "none", "expected one line without control characters"),
            (&long, "none", "none", "it has 121 characters; a letter has room for 64"),
            ("none", " \n", "none", "it is empty; leave it out for none"),
            ("none", &lines, "none", "it has 7 lines; a letter has room for 6"),
            ("none", "a\tb", "none", "\"a\\tb\": expected one line without control characters"),
            ("none", "none", ".", "it is empty; leave it out for none"),
            ("none", "none", &long, "it has 121 characters; a letter has room for 120"),
        ] {
            let found = decide(organisation, contact, delivery);
            assert_eq!(found, Err(problem.to_owned()), "{organisation:?} {contact:?} {delivery:?}");
        }
    }
}
