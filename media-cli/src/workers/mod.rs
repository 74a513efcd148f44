//! What surrounds a batch of media: the list of workers, the register of what was made, and the letter for each.
//!
//! A medium's making knows nothing of this: it is given a specification, as ever.

mod cells;
mod columns;
pub mod file;
pub mod letter;
mod pairs;
pub mod passwords;
pub mod problem;
pub mod register;
mod table;
mod wrap;

use secrecy::SecretString;

pub(crate) use columns::KNOWN as KNOWN_COLUMNS;
pub use file::read;

/// One line of the workers file: a person, and what is different on their medium. It has no `Debug`: there are secrets
/// in it.
pub struct Worker {
    /// The line of the file it stands in, counted from 1.
    pub line: usize,
    /// Who gets the medium.
    pub name: String,
    /// The medium's serial number, which is also the name of its files.
    pub serial: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// What their computer is called.
    pub computer_name: Option<String>,
    /// The medium's label.
    pub label: Option<String>,
    /// The management point, or a cloud management gateway as HOST/CCM_Proxy_MutualAuth/NUMBER.
    pub management_point: Option<String>,
    /// Media variables: names and values, in the order of the columns.
    pub variables: Vec<(String, SecretString)>,
    /// The media password.
    pub password: Option<SecretString>,
    /// What goes into the register alone: names of columns and cells.
    pub extra: Vec<(String, String)>,
}
