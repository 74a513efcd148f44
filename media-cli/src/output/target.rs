//! Checks the place of the output before anything is read, so that nobody waits for an error.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use media_core::io::AtomicFile;

use crate::error::{Error, OutputProblem};
use crate::system;

/// An input of this run: what it is, and what the user calls it.
pub type Input<'a> = (&'static str, &'a Path);

/// Gives a complete file its name; `output` is what the user calls it. A file that appeared there meanwhile is replaced
/// only with `force`.
///
/// # Errors
/// [`Error::Output`] with the reason.
pub fn keep(file: AtomicFile, output: &Path, force: bool) -> Result<(), Error> {
    file.keep(force).map_err(|error| {
        let problem = match error.kind() {
            io::ErrorKind::AlreadyExists => OutputProblem::Exists,
            _ => OutputProblem::System(error),
        };
        Error::Output { path: output.to_owned(), problem }
    })
}

/// Checks that `output` can be made, and returns the path to make it under: where it is a symbolic link to a file, the
/// file, so that the link stays.
///
/// # Errors
/// [`Error::Output`] with the reason.
pub fn check(output: &Path, force: bool, inputs: &[Input<'_>]) -> Result<PathBuf, Error> {
    let wrong = |problem| Error::Output { path: output.to_owned(), problem };
    let ends_in_slash = output.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
    match fs::metadata(output) {
        Ok(facts) => {
            check_existing(output, &facts, force, inputs).map_err(wrong)?;
            let target = system::behind_links(output);
            target.map_err(|error| wrong(OutputProblem::System(error)))
        }
        Err(_) if output.file_name().is_none() || ends_in_slash => Err(wrong(OutputProblem::NoName)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            check_folder(output).map_err(wrong)?;
            // A link to nowhere: it exists, and what it names does not.
            if fs::symlink_metadata(output).is_ok() && !force {
                return Err(wrong(OutputProblem::Exists));
            }
            Ok(output.to_owned())
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(wrong(no_folder(output))),
        Err(error) => Err(wrong(OutputProblem::System(error))),
    }
}

/// Checks the length of the output against the limit on file sizes (`ulimit -f`): the system would end the process that
/// exceeds it, by SIGXFSZ, and its temporary file would stay.
///
/// # Errors
/// [`Error::Output`] as if writing had failed.
pub fn check_limit(output: Option<&Path>, len: u64) -> Result<(), Error> {
    match (output, system::limit_on_files()) {
        (Some(output), Some(limit)) if len > limit => {
            let problem = OutputProblem::System(io::ErrorKind::FileTooLarge.into());
            Err(Error::Output { path: output.to_owned(), problem })
        }
        _ => Ok(()),
    }
}

/// A medium's receipt, where nobody says otherwise.
pub fn receipt_of(medium: &Path) -> PathBuf {
    let mut name = medium.to_owned().into_os_string();
    name.push(".receipt.json");
    PathBuf::from(name)
}

/// Removes what runs that were killed have left in the folder of an output: each is as large as a medium.
pub fn clear_leftovers(target: &Path) {
    super::leftover::remove_leftovers(folder(target));
}

fn check_existing(
    output: &Path,
    facts: &Metadata,
    force: bool,
    inputs: &[Input<'_>],
) -> Result<(), OutputProblem> {
    if facts.is_dir() {
        return Err(OutputProblem::Folder);
    }
    // Before everything else: with --force it would be the input that is lost.
    for (what, path) in inputs {
        if system::is_same_file(path, output) {
            return Err(OutputProblem::IsInput { what, path: path.to_path_buf() });
        }
    }
    if !facts.is_file() {
        return Err(OutputProblem::NotAFile);
    }
    if force { Ok(()) } else { Err(OutputProblem::Exists) }
}

fn check_folder(output: &Path) -> Result<(), OutputProblem> {
    match fs::metadata(folder(output)) {
        Ok(facts) if facts.is_dir() => Ok(()),
        Ok(_) => Err(no_folder(output)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(no_folder(output)),
        Err(error) => Err(OutputProblem::System(error)),
    }
}

fn no_folder(output: &Path) -> OutputProblem {
    let blocking = output.ancestors().skip(1).find(|path| path.is_file());
    match blocking {
        Some(file) => OutputProblem::FolderIsAFile(file.to_owned()),
        None => OutputProblem::NoFolder(folder(output).to_owned()),
    }
}

fn folder(output: &Path) -> &Path {
    output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
