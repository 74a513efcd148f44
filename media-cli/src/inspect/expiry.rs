//! `tsmedia inspect --fail-if-expires-within`: whether a medium still is of use some time from now.

use std::path::Path;

use media_core::Inspection;
use media_core::time::Timestamp;

use crate::error::Error;
use crate::span::Span;

/// Fails when the medium ends too soon. When nothing that was looked at does, but something could not be looked at, it is
/// no answer that nothing was found.
pub(super) fn check(
    path: &Path,
    inspection: &Inspection,
    within: &Span,
    now: Timestamp,
) -> Result<(), Error> {
    let limit = Timestamp::from_unix(now.unix().saturating_add(within.seconds));
    let validity = inspection.validity();
    let ends = |end: Timestamp, what: String| {
        let (path, within) = (path.to_owned(), within.to_string());
        Err(Error::Ends { path, what, end, over: end < now, within })
    };
    if let Some((end, thing)) = validity.until().filter(|(end, _)| *end < limit) {
        return ends(end, thing.to_string());
    }
    let unread: Vec<String> = validity.unread().iter().map(ToString::to_string).collect();
    if unread.is_empty() && validity.until().is_some() {
        return Ok(());
    }
    // Whether a manifest is to be believed was not looked at: it can warn, and not reassure.
    let stated = inspection.manifest.iter().flatten().find_map(|manifest| manifest.validity.until);
    if let Some(end) = stated.filter(|end| *end < limit) {
        return ends(end, "what its manifest states".to_owned());
    }
    let reason = if unread.is_empty() {
        "nothing that was looked at has an end".to_owned()
    } else {
        unread.join("; ")
    };
    Err(Error::EndNotKnown { path: path.to_owned(), reason, needs_password: needs_password(inspection) })
}

fn needs_password(inspection: &Inspection) -> bool {
    inspection.variables.iter().flatten().any(|facts| facts.variables.is_err() && !facts.has_no_password)
}
