//! `tsmedia verify`: checks a medium and says what is wrong with it.

use std::path::Path;
use std::sync::Arc;

use media_core::finding::Severity;
use media_core::io::{FileSource, Source};
use media_core::{VerifyError, VerifyReport};

use crate::args::VerifyArgs;
use crate::error::{Error, Exit};
use crate::interrupt::Interruption;
use crate::output::verified::Verified;
use crate::progress::Progress;
use crate::{print, print_json};

/// Checks a medium.
pub fn verify(args: &VerifyArgs) -> Result<Exit, Error> {
    let path = &args.medium;
    let source = FileSource::open(path).map_err(|error| Error::CannotOpen { path: path.clone(), error })?;
    let mut progress = Progress::new(args.quiet, Interruption::listen()?);
    let report = look(path, source, &mut progress)?;
    progress.clear();
    let verified = Verified::new(path, &report);
    if args.json {
        print_json(&verified)?
    } else {
        print(&verified.to_string())?
    };
    Ok(if report.is_intact() { Exit::Done } else { Exit::Found })
}

/// Checks a medium that was just written and has no name yet.
pub(crate) fn verify_written(path: &Path, source: FileSource, progress: &mut Progress) -> Result<(), Error> {
    let report = look(path, source, progress)?;
    let mut errors = report.findings.iter().filter(|finding| finding.severity >= Severity::Error);
    match errors.next() {
        None => Ok(()),
        Some(first) => {
            let first = format!("{}: {}", first.place, first.message);
            Err(Error::NotIntact { count: errors.count() + 1, first })
        }
    }
}

/// Why nothing can be said of what was to be checked.
pub(crate) fn could_not(path: &Path, error: VerifyError) -> Error {
    match error {
        VerifyError::Cancelled => Error::Interrupted,
        error => Error::Verify { path: path.to_owned(), error },
    }
}

fn look(path: &Path, source: FileSource, progress: &mut Progress) -> Result<VerifyReport, Error> {
    let source: Arc<dyn Source> = Arc::new(source);
    media_core::verify(source, progress).map_err(|error| could_not(path, error))
}
