//! What can be wrong with a workers file. Cells are not repeated: a password may stand in the wrong column.

use media_core::media::names::NameError;
use media_core::media::variables::VariablesError;
use thiserror::Error;

/// What is wrong with a workers file.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// Nothing but empty lines.
    #[error("there is no line with the names of the columns")]
    NoHeader,
    /// A header and nothing below it.
    #[error("there is no worker below the names of the columns")]
    NoWorkers,
    /// More than a batch has.
    #[error("there are more than {most} workers")]
    TooManyWorkers {
        /// How many there may be.
        most: usize,
    },
    /// More than a table has.
    #[error("there are more than {most} columns")]
    TooManyColumns {
        /// How many there may be.
        most: usize,
    },
    /// A column nobody knows: its cells would be lost without a word.
    #[error("there is no such column")]
    UnknownColumn,
    /// Two columns of one meaning.
    #[error("there are two such columns")]
    ColumnTwice,
    /// A column that has to be there.
    #[error("there is no such column, and every worker needs it")]
    NoColumn,
    /// A variable that is the medium's identity.
    #[error("this variable is part of the media's identity and cannot be given")]
    IdentityVariable,
    /// A media variable that cannot be.
    #[error("{0}")]
    Variable(VariablesError),
    /// A line of another width than the first.
    #[error("there {} {found} cell{} in this line, and {expected} columns", if *found == 1 { "is" } else { "are" }, if *found == 1 { "" } else { "s" })]
    Cells {
        /// How many cells there are.
        found: usize,
        /// How many columns there are.
        expected: usize,
    },
    /// A cell below no name.
    #[error("there is a cell in column {column}, which has no name")]
    NoName {
        /// Which column, counted from 1.
        column: usize,
    },
    /// A line end inside quotation marks, wanted or not.
    #[error("the cell holds a line end; is a quotation mark not closed?")]
    LineEnd,
    /// What nobody typed.
    #[error("the cell holds a control character")]
    ControlCharacter,
    /// Nothing where something has to be.
    #[error("the cell is empty, and every worker needs it")]
    Empty,
    /// Too long for where it is shown.
    #[error("the cell has {found} characters; expected at most {most}")]
    TooLong {
        /// How many characters it has.
        found: usize,
        /// How many it may have.
        most: usize,
    },
    /// A serial number that cannot be the name of a file.
    #[error("this cannot be a serial number, and with it the name of files; {expected}")]
    Serial {
        /// What is expected.
        expected: &'static str,
    },
    /// Two media of one serial number.
    #[error("the serial number is also that of line {line}")]
    SerialTwice {
        /// The line before.
        line: usize,
    },
    /// Two media under one password.
    #[error("the password is also that of line {line}")]
    PasswordTwice {
        /// The line before.
        line: usize,
    },
    /// No address.
    #[error("this is not an e-mail address; expected one such as anna@contoso.com")]
    Email,
    /// No name of a computer.
    #[error("this is not a computer name; expected 1 to 15 letters, digits and hyphens, not only digits")]
    ComputerName,
    /// No label.
    #[error("this is not a media label; {expected}")]
    Label {
        /// What is expected.
        expected: &'static str,
    },
    /// No management point.
    #[error("this is not a management point; {expected}")]
    ManagementPoint {
        /// What is expected.
        expected: &'static str,
    },
}

/// A problem and where it is.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, as the file calls it.
    pub column: Option<String>,
    /// What is wrong.
    pub problem: Problem,
}

impl Problem {
    /// In this line.
    pub(super) fn at(self, line: usize) -> Wrong {
        Wrong { line, column: None, problem: self }
    }

    /// In this line and column.
    pub(super) fn in_column(self, line: usize, column: &str) -> Wrong {
        Wrong { line, column: Some(column.to_owned()), problem: self }
    }

    pub(super) fn label(error: &NameError) -> Self {
        Self::Label { expected: error.expected }
    }

    pub(super) fn management_point(error: &NameError) -> Self {
        Self::ManagementPoint { expected: error.expected }
    }
}
