//! What `tsmedia variables` prints. Values that may be secret are masked, and of a change only names are said.

use std::fmt;
use std::path::Path;

use media_core::VariablesFacts;
use media_core::media::variables::Change;
use serde::Serialize;

use super::inspected::{VariablesFile, variables_file};

/// The variables of a medium or file.
#[derive(Serialize)]
pub struct Shown {
    path: String,
    #[serde(flatten)]
    file: VariablesFile,
}

impl Shown {
    pub(crate) fn new(path: &Path, facts: &VariablesFacts, password_given: bool, reveal: bool) -> Self {
        Self { path: path.display().to_string(), file: variables_file(facts, password_given, reveal) }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}: media variables", super::Shown(&self.path))?;
        self.file.fmt(out)
    }
}

/// What was changed.
#[derive(Serialize, Default)]
pub struct Changes {
    medium: String,
    output: String,
    changed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    variables: Vec<Variable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<Outcome>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Variable {
    name: String,
    result: Outcome,
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Added,
    Changed,
    Removed,
    WasSo,
    WasNotThere,
}

impl Changes {
    /// What setting a variable did.
    pub(crate) fn variable(&mut self, name: &str, change: Change) {
        let result = match change {
            Change::Added => Outcome::Added,
            Change::Replaced => Outcome::Changed,
            Change::Removed => Outcome::Removed,
            Change::None => Outcome::WasSo,
        };
        self.add(name, result);
    }

    /// What leaving a variable out did.
    pub(crate) fn absent(&mut self, name: &str, was_there: bool) {
        self.add(name, if was_there { Outcome::Removed } else { Outcome::WasNotThere });
    }

    /// What became of the password.
    pub(crate) fn password(&mut self, is_changed: bool, has_one: bool) {
        self.changed |= is_changed;
        self.password = Some(match (is_changed, has_one) {
            (false, _) => Outcome::WasSo,
            (true, true) => Outcome::Changed,
            (true, false) => Outcome::Removed,
        });
    }

    /// Says more.
    pub(crate) fn note(&mut self, note: &str) {
        self.notes.push(note.to_owned());
    }

    /// Whether anything changes.
    pub(crate) fn is_changed(&self) -> bool {
        self.changed
    }

    /// Says what was changed, and where the result is.
    pub(crate) fn name(&mut self, medium: &Path, output: Option<&Path>) {
        self.medium = medium.display().to_string();
        self.output = output.unwrap_or(medium).display().to_string();
    }

    fn add(&mut self, name: &str, result: Outcome) {
        self.changed |= !matches!(result, Outcome::WasSo | Outcome::WasNotThere);
        self.variables.push(Variable { name: name.to_owned(), result });
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for variable in &self.variables {
            let words = match variable.result {
                Outcome::Added => "added",
                Outcome::Changed => "changed",
                Outcome::Removed => "removed",
                Outcome::WasSo => "had this value already",
                Outcome::WasNotThere => "was not there",
            };
            writeln!(out, "{}: {words}", super::Shown(&variable.name))?;
        }
        match self.password {
            Some(Outcome::Removed) => writeln!(out, "password: removed; anyone can read the variables")?,
            Some(Outcome::Changed) => writeln!(out, "password: changed")?,
            Some(_) => writeln!(out, "password: was this already")?,
            None => {}
        }
        super::notes(out, &self.notes)?;
        let (medium, output) = (super::Shown(&self.medium), super::Shown(&self.output));
        match (self.changed, self.output == self.medium) {
            (true, true) => writeln!(out, "{medium}: changed in place"),
            (true, false) => writeln!(out, "{output}: written"),
            (false, true) => writeln!(out, "{medium}: nothing to change, and nothing was"),
            (false, false) => writeln!(out, "{output}: written; nothing in it differs"),
        }
    }
}
