//! `tsmedia variables show`.

use media_core::{InspectError, VariablesFacts};

use super::{MEDIUM, variables_error};
use crate::args::variables::ShowArgs;
use crate::error::{Error, Exit};
use crate::output::variables::Shown;
use crate::{input, show as print};

pub(super) fn show(args: &ShowArgs) -> Result<Exit, Error> {
    let path = &args.medium;
    let password = args.password.read()?;
    let source = input::open(path, MEDIUM)?.source();
    let failed = |error| match error {
        // A header that is damaged: what is wrong with an input, not that there was nothing to look at.
        InspectError::Variables(error) => Error::NotOpened { path: path.clone(), error: error.into() },
        error => Error::Inspect { path: path.clone(), error },
    };
    let facts = media_core::inspect_variables(source, password.as_ref()).map_err(failed)?;
    let facts = facts.ok_or_else(|| Error::NoVariables { path: path.clone() })?;
    let shown = Shown::new(path, &facts, password.is_some(), args.reveal);
    match facts {
        VariablesFacts { variables: Err(error), .. } => Err(variables_error(path, password.is_some(), error)),
        _ => print(&shown, args.json).map(|()| Exit::Done),
    }
}
