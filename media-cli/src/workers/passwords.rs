//! The passwords that an earlier run of a batch wrote down.

use std::path::Path;

use secrecy::SecretString;

use super::{register, table};
use crate::error::{Error, OutputProblem};
use crate::input;

/// Some hundred bytes for each of the most workers there can be.
const LARGEST: u64 = 64 << 20;

/// Reads `passwords.csv` in a folder of media: serial numbers and passwords; none when there is no such file.
///
/// # Errors
/// [`Error::Output`] for one that this program did not write: it would be replaced.
pub fn read(folder: &Path) -> Result<Vec<(String, SecretString)>, Error> {
    let path = folder.join(register::PASSWORDS);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let not_ours = || Error::Output {
        path: path.clone(),
        problem: OutputProblem::Other("a list of passwords that this program wrote"),
    };
    let bytes = input::read_small(&path, "file of passwords", LARGEST)?;
    let text = table::text(&bytes).map_err(|_| not_ours())?;
    let (mut known, mut is_ours) = (Vec::new(), None);
    let read = table::rows(&text, |row| {
        match (is_ours, row.cells.as_slice()) {
            (None, header) => is_ours = Some(header == ["serial", "name", "email", "password"]),
            (Some(_), [serial, _, _, password]) => {
                known.push(((*serial).to_owned(), SecretString::from(*password)));
            }
            (Some(_), _) => is_ours = Some(false),
        }
        Ok(())
    });
    if read.is_ok() && is_ours == Some(true) { Ok(known) } else { Err(not_ours()) }
}
