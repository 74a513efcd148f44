//! How long a medium is of use: from the latest start to the earliest end of everything on it that has one.
//!
//! Certificates and tokens are looked for in the value of every variable, whatever its name. Of the boot image's stores
//! count those that were added for the site; `docs/formats.md`, "Validity", says which these are.

use std::fmt;

use secrecy::ExposeSecret;

use super::embedded::{self, Budget};
use super::identity;
use super::site_variables::IDENTITY;
use super::store::{Store, TrustedCertificate};
use super::tokens;
use super::variables::Variables;
use crate::bytes::{from_hex, to_hex_upper};
use crate::pfx;
use crate::time::Timestamp;
use crate::x509::Certificate;

/// What on a medium has a beginning or an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The certificate with which the medium signs its requests.
    MediaCertificate,
    /// A certificate that the boot image trusts or knows.
    Trusted {
        /// The store it is in.
        store: Store,
        /// Upper-case SHA-1.
        thumbprint: String,
    },
    /// A certificate in a variable.
    Certificate {
        /// The variable.
        variable: String,
    },
    /// A JSON Web Token in a variable.
    Token {
        /// The variable.
        variable: String,
    },
}

/// One thing on a medium, and when it is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated {
    /// What it is, and where.
    pub kind: Kind,
    /// A certificate's subject.
    pub subject: Option<String>,
    /// The first moment it is valid.
    pub not_before: Option<Timestamp>,
    /// The last moment it is valid.
    pub not_after: Option<Timestamp>,
}

/// Something that may have an end, and could not be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// The media variables, and so the media certificate: there is no password, or another, or they are damaged.
    Variables,
    /// The media certificate's PKCS#12.
    MediaCertificate,
    /// More in the variables looks like a certificate or token than is tried.
    TooMuch,
    /// The certificates of the boot image.
    Trusted,
}

/// Everything on a medium that has a beginning or an end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validity {
    things: Vec<Dated>,
    unread: Vec<Unread>,
}

impl Validity {
    /// Adds one thing.
    pub fn add(&mut self, thing: Dated) {
        self.things.push(thing);
    }

    /// Adds that something could not be looked at.
    pub fn add_unread(&mut self, unread: Unread) {
        self.unread.push(unread);
    }

    /// Adds a certificate that the boot image is given. Those it is to distrust do not end anything.
    pub fn add_trusted(&mut self, trusted: &TrustedCertificate) {
        if trusted.store != Store::Disallowed {
            let thumbprint = to_hex_upper(&trusted.certificate.sha1());
            self.add(dated(Kind::Trusted { store: trusted.store, thumbprint }, &trusted.certificate));
        }
    }

    /// Adds the media certificate, with those above it in its file, and what is in the variables' values.
    pub fn add_variables(&mut self, variables: &Variables) {
        let [guid, media_pfx] = IDENTITY;
        let mut budget = Budget::new();
        for (name, value) in variables.iter() {
            if name.eq_ignore_ascii_case(media_pfx) {
                self.add_identity(
                    value.expose_secret(),
                    variables.get(guid).map(ExposeSecret::expose_secret),
                );
                continue;
            }
            let variable = || name.to_owned();
            let certificates = embedded::certificates(value.expose_secret(), &mut budget);
            self.things.extend(
                certificates.iter().map(|found| dated(Kind::Certificate { variable: variable() }, found)),
            );
            let tokens = tokens::find(value.expose_secret(), &mut budget).into_iter();
            let tokens = tokens.filter(|token| token.not_before.is_some() || token.not_after.is_some());
            self.things.extend(tokens.map(|token| Dated {
                kind: Kind::Token { variable: variable() },
                subject: None,
                not_before: token.not_before,
                not_after: token.not_after,
            }));
        }
        if budget.was_exceeded() {
            self.add_unread(Unread::TooMuch);
        }
    }

    fn add_identity(&mut self, value: &str, guid: Option<&str>) {
        let bundle = from_hex(value.trim().as_bytes())
            .and_then(|bytes| pfx::read(&bytes, &identity::pfx_password_of(guid.unwrap_or_default())).ok());
        let certificate = bundle.as_ref().and_then(|bundle| Certificate::from_der(&bundle.certificate).ok());
        match certificate {
            Some(certificate) => self.add(dated(Kind::MediaCertificate, &certificate)),
            None => self.add_unread(Unread::MediaCertificate),
        }
        let chain = bundle.iter().flat_map(|bundle| &bundle.chain);
        for certificate in chain.filter_map(|der| Certificate::from_der(der).ok()) {
            self.add(dated(Kind::Certificate { variable: IDENTITY[1].to_owned() }, &certificate));
        }
    }

    /// Everything that was found, in the order it was.
    pub fn things(&self) -> &[Dated] {
        &self.things
    }

    /// What could not be looked at.
    pub fn unread(&self) -> &[Unread] {
        &self.unread
    }

    /// When the medium starts to be valid, and what decides it: the latest start.
    pub fn from(&self) -> Option<(Timestamp, &Dated)> {
        // The first of several: `max_by_key` takes the last.
        let starts = self.things.iter().rev().filter_map(|thing| Some((thing.not_before?, thing)));
        starts.max_by_key(|(start, _)| *start)
    }

    /// The last moment the medium is valid, and what decides it: the earliest end.
    pub fn until(&self) -> Option<(Timestamp, &Dated)> {
        let ends = self.things.iter().filter_map(|thing| Some((thing.not_after?, thing)));
        ends.min_by_key(|(end, _)| *end)
    }

    /// Whether the medium will not be valid at `now` or any time after.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let starts = self.from().map_or(now, |(start, _)| start.max(now));
        self.until().is_some_and(|(end, _)| end < starts)
    }
}

fn dated(kind: Kind, certificate: &Certificate) -> Dated {
    Dated {
        kind,
        subject: Some(certificate.subject.text.clone()),
        not_before: Some(certificate.not_before),
        not_after: Some(certificate.not_after),
    }
}

/// Whether a certificate found in a boot image counts when nothing says what was added for the site. Windows PE brings
/// roots of Microsoft and others that expired long ago, and does not look at their dates for what it needs them for: those
/// had expired when the image was made.
pub fn counts_in_boot_image(issuer: &str, not_after: Timestamp, image_made: Option<Timestamp>) -> bool {
    !is_microsoft(issuer) && image_made.is_none_or(|made| not_after >= made)
}

fn is_microsoft(issuer: &str) -> bool {
    issuer.split([',', '+']).filter_map(|part| part.trim().split_once('=')).any(|(attribute, value)| {
        let value = value.trim().to_ascii_lowercase();
        match attribute.trim().to_ascii_uppercase().as_str() {
            "O" | "OU" => value == "microsoft corporation" || value == "microsoft",
            "DC" => value == "microsoft",
            _ => false,
        }
    })
}

impl fmt::Display for Dated {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.subject.as_deref().unwrap_or_default();
        match &self.kind {
            Kind::MediaCertificate => write!(out, "the media certificate"),
            Kind::Trusted { store: Store::Root | Store::AuthRoot, .. } => {
                write!(out, "the trusted root `{subject}`")
            }
            Kind::Trusted { .. } => write!(out, "the intermediate `{subject}`"),
            Kind::Certificate { variable } => write!(out, "the certificate `{subject}` in {variable}"),
            Kind::Token { variable } => write!(out, "the token in {variable}"),
        }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Variables => {
                "the media variables could not be read, and the media certificate is among them"
            }
            Self::MediaCertificate => "the media certificate could not be read",
            Self::TooMuch => {
                "the media variables hold more that looks like certificates or tokens than is looked at"
            }
            Self::Trusted => "the certificates of the boot image could not be read",
        })
    }
}

#[cfg(test)]
#[path = "validity_tests.rs"]
mod tests;
