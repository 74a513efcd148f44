//! What each certificate of a chain must be (RFC 5280 section 6, as far as servers need it).

use thiserror::Error;

use super::{ChainRequest, Link};
use crate::media::store::Store;
use crate::time::Timestamp;
use crate::x509::{
    ANY_EXTENDED_KEY_USAGE, Allowed, Certificate, GeneralName, SERVER_AUTHENTICATION, SignatureError,
    X509Error,
};

/// Extensions that are looked at here, or only concern revocation and policies, which are not.
const UNDERSTOOD: [&str; 12] = [
    "2.5.29.14", // subject key identifier
    "2.5.29.15", // key usage
    "2.5.29.17", // subject alternative name
    "2.5.29.19", // basic constraints
    "2.5.29.30", // name constraints
    "2.5.29.31", // where revocation lists are
    "2.5.29.32", // certificate policies
    "2.5.29.33", // policy mappings
    "2.5.29.35", // authority key identifier
    "2.5.29.36", // policy constraints
    "2.5.29.37", // extended key usage
    "2.5.29.54", // inhibit any policy
];

/// A check that a certificate did not stand.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Check {
    /// It is in the store `Disallowed`.
    #[error("it is in the store Disallowed")]
    Disallowed,
    /// The certificate before it was not signed with its key, or that could not be checked.
    #[error("it did not sign `{child}`: {source}")]
    Signature {
        /// The subject of the certificate it should have signed.
        child: String,
        /// What is wrong.
        source: SignatureError,
    },
    /// It is not valid yet.
    #[error("it is not valid before {not_before}")]
    NotYetValid {
        /// Its first moment.
        not_before: Timestamp,
    },
    /// It is no longer valid.
    #[error("it expired on {not_after}")]
    Expired {
        /// Its last moment.
        not_after: Timestamp,
    },
    /// It is no certification authority.
    #[error("it is no certification authority")]
    NotAnAuthority,
    /// There are more authorities below it than it allows.
    #[error("it allows {limit} authorities below it, and there are {below}")]
    PathLength {
        /// How many it allows.
        limit: u8,
        /// How many there are.
        below: usize,
    },
    /// Its key may not be used for this.
    #[error("its key usage ({}) does not allow it to {needed}", found.join(", "))]
    KeyUsage {
        /// The usages it has.
        found: Vec<&'static str>,
        /// What it would have to do.
        needed: &'static str,
    },
    /// It is for other purposes.
    #[error("it is not for servers, but for {}", found.join(", "))]
    Purposes {
        /// The purposes it has, as dotted object identifiers.
        found: Vec<String>,
    },
    /// The store it is in trusts it for other purposes.
    #[error("its store does not trust it for servers, but for {}", found.join(", "))]
    StorePurposes {
        /// The purposes it is trusted for, as dotted object identifiers; none when they cannot be read.
        found: Vec<String>,
    },
    /// It has an extension that must be understood, and is not.
    #[error("its critical extension {oid} is not understood")]
    CriticalExtension {
        /// The extension's dotted object identifier.
        oid: String,
    },
    /// It may not issue certificates with this name.
    #[error("its name constraints do not allow `{name}`")]
    NameConstraints {
        /// The name, or the form of a name whose limits are not understood.
        name: String,
    },
    /// It is for other hosts.
    #[error("it is not for the host {host}, but for {}", found.join(", "))]
    Host {
        /// The host asked for.
        host: String,
        /// The DNS names it has.
        found: Vec<String>,
        /// Whether its common name is the host's, which current programs do not look at.
        only_common_name: bool,
    },
    /// One of its extensions is damaged.
    #[error(transparent)]
    Unreadable(#[from] X509Error),
}

/// What the server's own certificate must be.
pub(super) fn server(request: &ChainRequest<'_>, link: Link<'_>) -> Result<(), Check> {
    let certificate = link.certificate;
    common(request, link)?;
    if let Some(found) = &certificate.key_usage {
        let usable = ["digitalSignature", "keyEncipherment", "keyAgreement"];
        if !found.iter().any(|usage| usable.contains(usage)) {
            return Err(Check::KeyUsage { found: found.clone(), needed: "identify a server" });
        }
    }
    let names = certificate.alternative_names()?;
    let Some(host) = request.host else { return Ok(()) };
    if names.iter().any(|name| name.matches_host(host)) {
        return Ok(());
    }
    let common_name = certificate.subject.common_name.clone().map(GeneralName::Dns);
    let found: Vec<String> = names.iter().filter_map(dns).collect();
    Err(Check::Host {
        host: host.to_owned(),
        only_common_name: found.is_empty() && common_name.is_some_and(|name| name.matches_host(host)),
        found,
    })
}

/// What a certificate must be to have issued the last of `path`.
pub(super) fn issuer(request: &ChainRequest<'_>, path: &[Link<'_>], link: Link<'_>) -> Result<(), Check> {
    let certificate = link.certificate;
    if let Some(child) = path.last() {
        let child = child.certificate;
        child
            .check_signature(certificate)
            .map_err(|source| Check::Signature { child: child.subject.text.clone(), source })?;
    }
    common(request, link)?;
    match certificate.basic_constraints {
        // Those of X.509 version 1 have none; being a trusted root says as much.
        None if link.root.is_some() => {}
        Some(constraints) if constraints.ca => {
            let authorities = path.iter().skip(1).filter(|part| !part.certificate.self_issued);
            let below = authorities.count();
            if let Some(limit) = constraints.path_len.filter(|limit| below > usize::from(*limit)) {
                return Err(Check::PathLength { limit, below });
            }
        }
        _ => return Err(Check::NotAnAuthority),
    }
    if let Some(found) = certificate.key_usage.as_ref().filter(|found| !found.contains(&"keyCertSign")) {
        return Err(Check::KeyUsage { found: found.clone(), needed: "sign certificates" });
    }
    name_constraints(path, certificate)
}

fn common(request: &ChainRequest<'_>, link: Link<'_>) -> Result<(), Check> {
    let certificate = link.certificate;
    let mut disallowed = request.stores.iter().filter(|known| known.store == Store::Disallowed);
    if disallowed.any(|known| known.certificate.der() == certificate.der()) {
        return Err(Check::Disallowed);
    }
    if certificate.not_before > request.time {
        return Err(Check::NotYetValid { not_before: certificate.not_before });
    }
    if certificate.not_after < request.time {
        return Err(Check::Expired { not_after: certificate.not_after });
    }
    if let Some(found) = certificate.extended_key_usage.as_ref().filter(|found| !for_servers(found)) {
        return Err(Check::Purposes { found: found.clone() });
    }
    if let Some(found) = link.purposes.filter(|found| !for_servers(found)) {
        return Err(Check::StorePurposes { found: found.to_vec() });
    }
    let critical = certificate.critical_extensions();
    match critical.into_iter().find(|oid| !UNDERSTOOD.contains(&oid.as_str())) {
        Some(oid) => Err(Check::CriticalExtension { oid }),
        None => Ok(()),
    }
}

fn for_servers(purposes: &[String]) -> bool {
    purposes.iter().any(|purpose| [SERVER_AUTHENTICATION, ANY_EXTENDED_KEY_USAGE].contains(&purpose.as_str()))
}

/// Limits hold for every name of every certificate below, except authorities that renewed themselves.
fn name_constraints(path: &[Link<'_>], certificate: &Certificate) -> Result<(), Check> {
    let Some(limits) = certificate.name_constraints()? else { return Ok(()) };
    for (position, part) in path.iter().enumerate() {
        let part = part.certificate;
        if position > 0 && part.self_issued {
            continue;
        }
        let subject = GeneralName::Directory(part.subject_der().to_vec());
        let has_subject = !part.subject.text.is_empty();
        for name in has_subject.then_some(subject).into_iter().chain(part.alternative_names()?) {
            let shown = || match &name {
                GeneralName::Dns(name) => name.clone(),
                GeneralName::Directory(_) => part.subject.text.clone(),
                GeneralName::Ip(address) => format!("address {address:?}"),
                GeneralName::Other(form) => format!("name of the form {form}"),
            };
            if limits.allow(&name) != Allowed::Yes {
                return Err(Check::NameConstraints { name: shown() });
            }
        }
    }
    Ok(())
}

fn dns(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::Dns(name) => Some(name.clone()),
        _ => None,
    }
}
