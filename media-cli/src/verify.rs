//! `tsmedia verify`: checks a medium and says what is wrong with it.

use std::path::Path;
use std::sync::Arc;

use media_core::event::Observer;
use media_core::finding::Severity;
use media_core::io::{FileSource, Source};
use media_core::media::receipt::{self, Receipt};
use media_core::{Trust, VerifyError, VerifyReport};

use crate::args::VerifyArgs;
use crate::error::{Error, Exit};
use crate::interrupt::Interruption;
use crate::output::verified::Verified;
use crate::progress::Progress;
use crate::{input, key, show};

/// Checks a medium.
pub fn verify(args: &VerifyArgs) -> Result<Exit, Error> {
    let path = &args.medium;
    let key = args.key.as_deref().map(key::read_public).transpose()?;
    let receipt = args.raw.as_deref().map(receipt).transpose()?;
    let source = FileSource::open(path).map_err(|error| Error::CannotOpen { path: path.clone(), error })?;
    let mut progress = Progress::new(args.quiet, Interruption::listen()?);
    let trust = Trust { key: key.as_ref() };
    let report = match &receipt {
        None => look(path, source, trust, &mut progress)?,
        Some(receipt) => {
            let source: Arc<dyn Source> = Arc::new(source);
            let report = media_core::verify_raw(&source, receipt, trust, &mut progress);
            report.map_err(|error| could_not(path, error))?
        }
    };
    progress.clear();
    show(&Verified::new(path, &report, receipt.is_some()), args.json)?;
    Ok(exit(&report))
}

/// How a check ends.
pub(crate) fn exit(report: &VerifyReport) -> Exit {
    match (report.is_intact(), report.has_notes()) {
        (false, _) => Exit::Found,
        (true, true) => Exit::Notes,
        (true, false) => Exit::Done,
    }
}

fn receipt(path: &Path) -> Result<Receipt, Error> {
    let bytes = input::read_small(path, "receipt", receipt::LARGEST)?;
    Receipt::read(&bytes).map_err(|error| Error::NotAReceipt { path: path.to_owned(), error })
}

/// Checks a medium that was just written and has no name yet.
pub(crate) fn verify_written(
    path: &Path,
    source: FileSource,
    progress: &mut dyn Observer,
) -> Result<(), Error> {
    let report = look(path, source, Trust::default(), progress)?;
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

fn look(
    path: &Path,
    source: FileSource,
    trust: Trust<'_>,
    progress: &mut dyn Observer,
) -> Result<VerifyReport, Error> {
    let source: Arc<dyn Source> = Arc::new(source);
    media_core::verify(source, trust, progress).map_err(|error| could_not(path, error))
}
