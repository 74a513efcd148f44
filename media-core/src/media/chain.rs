//! Proves that a server's certificate chains to a root that a boot image trusts.
//!
//! What is proven holds without a network: issuers come from the server's own file (which it sends) and from the image's
//! stores. Names are the same when their bytes are, and key identifiers must not contradict each other. Signatures,
//! validity, basic constraints, key usage, purposes, limits on names and the host name are checked; revocation is not.

mod checks;

use thiserror::Error;

pub use checks::Check;

use super::root_checks::{self, CertificateProblem};
use super::store::Store;
use crate::bytes::to_hex_upper;
use crate::certstore;
use crate::time::Timestamp;
use crate::x509::{Certificate, read_extended_key_usage};

/// The most certificates in a chain, the server's and the root included.
pub const DEEPEST: usize = 10;
/// The most issuers that are tried. A chain needs one for each link; only files made to cost time need more.
pub const MOST_TRIED: usize = 200;

/// What is to be proven.
#[derive(Debug, Clone, Copy)]
pub struct ChainRequest<'a> {
    /// The certificates of the server's file, in any order: its own, and intermediates.
    pub server: &'a [Certificate],
    /// The image's stores: roots, intermediates, and what is not trusted.
    pub stores: &'a [KnownCertificate],
    /// The host the server's certificate must be for.
    pub host: Option<&'a str>,
    /// When.
    pub time: Timestamp,
}

/// A certificate in one of the image's stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCertificate {
    /// The store.
    pub store: Store,
    /// The certificate.
    pub certificate: Certificate,
    /// The purposes the store limits it to, as dotted object identifiers; none when they cannot be read.
    pub purposes: Option<Vec<String>>,
}

impl KnownCertificate {
    /// A certificate of a store, with its registry value `Blob` where there is one: that may limit it.
    pub fn new(store: Store, certificate: Certificate, blob: Option<&[u8]>) -> Self {
        let properties = blob.and_then(|blob| certstore::parse(blob).ok()).map(|element| element.properties);
        let mut limits = properties.into_iter().flatten().filter(|(id, _)| *id == certstore::PURPOSES);
        let purposes = limits.next().map(|(_, value)| read_extended_key_usage(&value).unwrap_or_default());
        Self { store, certificate, purposes }
    }
}

/// A proven chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The server's certificate first, the root last.
    pub certificates: Vec<Certificate>,
    /// The store the root is trusted in.
    pub store: Store,
    /// What speaks against it all the same.
    pub warnings: Vec<ChainWarning>,
}

/// What speaks against a chain that is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainWarning {
    /// Something about a certificate of the chain.
    Certificate {
        /// Its subject.
        subject: String,
        /// What.
        problem: CertificateProblem,
    },
    /// The root is not valid yet on a computer that starts at [`root_checks::FIRMWARE_DEFAULT_DATE`].
    TooNewForFirmware {
        /// The root's subject.
        subject: String,
        /// Its first moment.
        not_before: Timestamp,
    },
}

/// Why no chain was proven: of all attempts, the one that came furthest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The file does not say which certificate is the server's.
    #[error("of {count} certificates in the file, none is alone in having issued no other")]
    NoServerCertificate {
        /// How many certificates there are.
        count: usize,
    },
    /// A link is missing.
    #[error("the issuer of `{subject}` was not found: `{issuer}`")]
    MissingIssuer {
        /// Whose issuer it is.
        subject: String,
        /// The issuer's name.
        issuer: String,
        /// The issuer's key identifier in upper-case hexadecimal, when the certificate gives it.
        key_identifier: Option<String>,
        /// Whether there was a certificate of that name with another key.
        other_key: bool,
    },
    /// The chain ends in a root that is in none of the root stores.
    #[error("the root `{subject}` is not trusted")]
    UntrustedRoot {
        /// The root's name.
        subject: String,
        /// Its upper-case SHA-1.
        thumbprint: String,
    },
    /// A certificate of the chain does not stand a check.
    #[error("certificate {position} of the chain, `{subject}`: {check}")]
    Refused {
        /// Its place: 0 is the server's.
        position: usize,
        /// Its subject.
        subject: String,
        /// Which check.
        check: Check,
    },
    /// The chain is longer than any.
    #[error("the chain has more than {DEEPEST} certificates")]
    TooDeep,
    /// The search was given up.
    #[error("no chain was found after trying {MOST_TRIED} issuers")]
    TooManyTried,
}

/// Proves the chain of a server's certificate.
///
/// # Errors
/// [`ChainError`]: the missing link, or the check that failed.
pub fn prove(request: &ChainRequest<'_>) -> Result<Chain, ChainError> {
    let server = server_certificate(request.server)?;
    let pool = pool(request, server);
    let own = pool.iter().find(|link| link.certificate == server && link.root.is_some());
    let first = own.copied().unwrap_or(Link { certificate: server, root: None, purposes: None });
    checks::server(request, first).map_err(|check| refused(0, server, check))?;

    let mut search = Search { request, pool, path: vec![first], tried: 0, furthest: None };
    if search.reaches_a_root() {
        return Ok(search.into_chain());
    }
    // Every way out that is not a root leaves a reason.
    Err(search.furthest.map_or(ChainError::TooManyTried, |(_, error)| error))
}

/// The certificate of a file that is the server's: it alone, or the one that is no authority, or the one that issued no
/// other.
///
/// # Errors
/// [`ChainError::NoServerCertificate`].
pub fn server_certificate(file: &[Certificate]) -> Result<&Certificate, ChainError> {
    let only = |wanted: &dyn Fn(&Certificate) -> bool| {
        let mut found = file.iter().filter(|certificate| wanted(certificate));
        let first = found.next()?;
        found.all(|other| other == first).then_some(first)
    };
    let issued_no_other = |certificate: &Certificate| {
        !file.iter().any(|other| {
            other != certificate && !other.self_issued && other.issuer_der() == certificate.subject_der()
        })
    };
    only(&|_| true)
        .or_else(|| only(&|certificate| !certificate.is_ca() && issued_no_other(certificate)))
        .or_else(|| only(&issued_no_other))
        .ok_or(ChainError::NoServerCertificate { count: file.len() })
}

/// A certificate that may be part of the chain.
#[derive(Debug, Clone, Copy)]
struct Link<'a> {
    certificate: &'a Certificate,
    /// The store it is a trusted root in.
    root: Option<Store>,
    /// The purposes its store limits it to.
    purposes: Option<&'a [String]>,
}

/// What a chain may be made of: roots first, so that the shortest chain is found.
fn pool<'a>(request: &ChainRequest<'a>, server: &Certificate) -> Vec<Link<'a>> {
    let from = |stores: &'static [Store]| {
        let known = request.stores.iter().filter(|known| stores.contains(&known.store));
        known.map(|known| Link {
            certificate: &known.certificate,
            // Windows ends no chain in a certificate that another issued, wherever it is.
            root: (known.store != Store::Ca && known.certificate.self_issued).then_some(known.store),
            purposes: known.purposes.as_deref(),
        })
    };
    let sent = request.server.iter().filter(|certificate| *certificate != server);
    let sent = sent.map(|certificate| Link { certificate, root: None, purposes: None });
    from(&[Store::Root, Store::AuthRoot]).chain(from(&[Store::Ca])).chain(sent).collect()
}

struct Search<'a, 'r> {
    request: &'r ChainRequest<'a>,
    pool: Vec<Link<'a>>,
    path: Vec<Link<'a>>,
    tried: usize,
    /// The best reason so far, with the length of the path it was found at.
    furthest: Option<(usize, ChainError)>,
}

impl<'a> Search<'a, '_> {
    /// Extends the path until it ends in a root. It is at most [`DEEPEST`] calls deep.
    fn reaches_a_root(&mut self) -> bool {
        let Some(last) = self.path.last().copied() else { return false };
        if last.root.is_some() {
            return true;
        }
        let issuers = self.issuers_of(last.certificate);
        if issuers.is_empty() {
            self.fail(self.no_issuer(last.certificate));
            return false;
        }
        if self.path.len() == DEEPEST {
            self.fail(ChainError::TooDeep);
            return false;
        }
        for issuer in issuers {
            if self.tried == MOST_TRIED {
                self.furthest = Some((DEEPEST, ChainError::TooManyTried));
                return false;
            }
            self.tried += 1;
            if let Err(check) = checks::issuer(self.request, &self.path, issuer) {
                self.fail(refused(self.path.len(), issuer.certificate, check));
                continue;
            }
            self.path.push(issuer);
            if self.reaches_a_root() {
                return true;
            }
            self.path.pop();
        }
        false
    }

    /// Certificates with the issuer's name and not another key identifier, each once, and none that is in the path:
    /// cross-certificates make circles.
    fn issuers_of(&self, child: &Certificate) -> Vec<Link<'a>> {
        let mut found: Vec<Link<'a>> = Vec::new();
        for link in &self.pool {
            let certificate = link.certificate;
            let in_path = || {
                self.path.iter().any(|part| {
                    part.certificate.subject_der() == certificate.subject_der()
                        && part.certificate.public_key_info() == certificate.public_key_info()
                })
            };
            if certificate.subject_der() == child.issuer_der()
                && !keys_differ(child, certificate)
                && !found.iter().any(|other| other.certificate == certificate)
                && !in_path()
            {
                found.push(*link);
            }
        }
        found
    }

    fn no_issuer(&self, child: &Certificate) -> ChainError {
        let subject = child.subject.text.clone();
        if child.self_issued && !keys_differ(child, child) {
            return ChainError::UntrustedRoot { subject, thumbprint: to_hex_upper(&child.sha1()) };
        }
        let mut named = self.pool.iter().filter(|link| link.certificate.subject_der() == child.issuer_der());
        ChainError::MissingIssuer {
            subject,
            issuer: child.issuer.text.clone(),
            key_identifier: child.authority_key_identifier.as_deref().map(to_hex_upper),
            other_key: named.any(|link| keys_differ(child, link.certificate)),
        }
    }

    /// Keeps the reason when no earlier one was found with a longer path.
    fn fail(&mut self, error: ChainError) {
        if self.furthest.as_ref().is_none_or(|(length, _)| *length < self.path.len()) {
            self.furthest = Some((self.path.len(), error));
        }
    }

    fn into_chain(self) -> Chain {
        let mut warnings = Vec::new();
        let mut store = Store::Root;
        for link in &self.path {
            let subject = || link.certificate.subject.text.clone();
            let Some(root) = link.root else {
                if let Some(hash) = link.certificate.weak_hash() {
                    let algorithm = link.certificate.signature_algorithm.clone();
                    let problem = CertificateProblem::WeakHash { hash, algorithm, matters: true };
                    warnings.push(ChainWarning::Certificate { subject: subject(), problem });
                }
                continue;
            };
            store = root;
            let problems = root_checks::problems(link.certificate, root, self.request.time).into_iter();
            warnings
                .extend(problems.map(|problem| ChainWarning::Certificate { subject: subject(), problem }));
            if root_checks::is_too_new_for_firmware(link.certificate) {
                let not_before = link.certificate.not_before;
                warnings.push(ChainWarning::TooNewForFirmware { subject: subject(), not_before });
            }
        }
        let certificates = self.path.iter().map(|link| link.certificate.clone()).collect();
        Chain { certificates, store, warnings }
    }
}

/// Whether the key identifiers say that the one did not issue the other.
fn keys_differ(child: &Certificate, issuer: &Certificate) -> bool {
    match (&child.authority_key_identifier, &issuer.subject_key_identifier) {
        (Some(wanted), Some(found)) => wanted != found,
        _ => false,
    }
}

fn refused(position: usize, certificate: &Certificate, check: Check) -> ChainError {
    ChainError::Refused { position, subject: certificate.subject.text.clone(), check }
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
