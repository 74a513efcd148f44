//! Running the programs of the system.

use std::process::Command;

use super::{Question, command};
use crate::DevicesError;

/// What a program prints. Its messages are of the user's language, so only property lists are asked for.
pub(super) fn run(question: Question<'_>) -> Result<String, DevicesError> {
    let (program, options) = question;
    let output = Command::new(program)
        .args(options)
        .output()
        .map_err(|error| DevicesError::Read { path: program.into(), error })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(DevicesError::Failed {
            command: command(question),
            status: output.status.to_string(),
            said,
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
