//! When a medium is valid, as `create` and `inspect` show it.

use std::fmt;

use media_core::media::store::Store;
use media_core::media::validity::{Dated, Kind};
use serde::Serialize;

use super::line;

/// When a medium is valid.
#[derive(Serialize)]
pub struct Validity {
    /// The latest start.
    valid_from: Option<String>,
    /// The earliest end.
    valid_until: Option<String>,
    /// What ends first.
    ends_with: Option<String>,
    /// Everything that has a start or an end.
    things: Vec<Thing>,
    /// What could not be looked at.
    not_looked_at: Vec<String>,
}

#[derive(Serialize)]
struct Thing {
    kind: &'static str,
    /// The variable it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
    /// A certificate's subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    valid_from: Option<String>,
    valid_until: Option<String>,
}

impl Validity {
    pub(super) fn new(validity: &media_core::media::validity::Validity) -> Self {
        Self {
            valid_from: validity.from().map(|(start, _)| start.to_string()),
            valid_until: validity.until().map(|(end, _)| end.to_string()),
            ends_with: validity.until().map(|(_, thing)| thing.to_string()),
            things: validity.things().iter().map(thing).collect(),
            not_looked_at: validity.unread().iter().map(ToString::to_string).collect(),
        }
    }

    /// Whether there is anything to say.
    pub(super) fn is_empty(&self) -> bool {
        self.things.is_empty() && self.not_looked_at.is_empty()
    }

    /// Shows it under a name.
    pub(super) fn show(&self, out: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        match (&self.valid_until, &self.ends_with) {
            (Some(until), Some(with)) => line(out, name, format_args!("{until}, with {with}"))?,
            _ => line(out, name, "not known: nothing that was looked at has an end")?,
        }
        self.not_looked_at.iter().try_for_each(|unread| line(out, "", format_args!("but {unread}")))
    }
}

fn thing(dated: &Dated) -> Thing {
    let (kind, variable) = match &dated.kind {
        Kind::MediaCertificate => ("media-certificate", None),
        Kind::Trusted { store: Store::Root | Store::AuthRoot, .. } => ("trusted-root", None),
        Kind::Trusted { .. } => ("intermediate", None),
        Kind::Certificate { variable } => ("certificate", Some(variable)),
        Kind::Token { variable } => ("token", Some(variable)),
    };
    Thing {
        kind,
        variable: variable.cloned(),
        subject: dated.subject.clone(),
        valid_from: dated.not_before.map(|start| start.to_string()),
        valid_until: dated.not_after.map(|end| end.to_string()),
    }
}
