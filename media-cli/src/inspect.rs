//! `tsmedia inspect`: shows what is on a medium.

mod expiry;

use std::sync::Arc;

use media_core::VariablesFacts;
use media_core::io::FileSource;

use crate::args::InspectArgs;
use crate::create::now;
use crate::error::{Error, Exit};
use crate::output::inspected::Inspected;
use crate::show;

/// Shows what is on a medium.
pub fn inspect(args: &InspectArgs) -> Result<Exit, Error> {
    let path = &args.medium;
    let source = FileSource::open(path).map_err(|error| Error::CannotOpen { path: path.clone(), error })?;
    let password = args.password.read()?;
    let inspection = media_core::inspect(Arc::new(source), password.as_ref())
        .map_err(|error| Error::Inspect { path: path.clone(), error })?;
    let inspected = Inspected::new(path, &inspection, password.is_some(), args.reveal);
    show(&inspected, args.json)?;
    match &inspection.variables {
        Some(Ok(VariablesFacts { variables: Err(error), .. })) if password.is_some() => {
            return Err(Error::NotOpened { path: path.clone(), error: error.clone() });
        }
        _ => {}
    }
    if let Some(within) = &args.fail_if_expires_within {
        expiry::check(path, &inspection, within, now()?)?;
    }
    Ok(Exit::Done)
}
