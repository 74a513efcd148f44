//! What speaks against a certificate that a boot image trusts, or is to trust.

use super::store::Store;
use crate::time::Timestamp;
use crate::x509::Certificate;

/// 2020-01-01T00:00:00Z. A computer whose clock has lost its time starts at the date its firmware was built with, and
/// Windows PE takes that. The dates differ by vendor and are not published; this one is about as old as computers that
/// current Windows supports, so a certificate valid then is valid at most of them.
pub const FIRMWARE_DEFAULT_DATE: Timestamp = Timestamp::from_unix_const(1_577_836_800);

/// One thing that speaks against a certificate in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateProblem {
    /// It says that it is no certification authority, or is an intermediate that does not say that it is one: nothing
    /// is trusted because of it.
    NotAnAuthority,
    /// It is a root without basic constraints, as all of X.509 version 1 are. Windows takes such a root as an authority.
    NoBasicConstraints,
    /// It is among the roots, but another certificate issued it.
    NotARoot {
        /// The issuer's name.
        issuer: String,
    },
    /// It is a root, but among the intermediates, where it is not trusted.
    RootAmongIntermediates,
    /// It is no longer valid.
    Expired {
        /// Its last moment.
        not_after: Timestamp,
    },
    /// It is not valid yet.
    NotYetValid {
        /// Its first moment.
        not_before: Timestamp,
    },
    /// Its signature is over a hash that is no longer safe.
    WeakHash {
        /// The hash's name, for example `SHA-1`.
        hash: &'static str,
        /// The signature algorithm's name.
        algorithm: String,
        /// Whether anyone looks at that signature: a trusted root's own is not checked.
        matters: bool,
    },
}

impl std::fmt::Display for CertificateProblem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotAnAuthority => out.write_str(
                "it does not say that it is a certification authority, so nothing is trusted because of it",
            ),
            Self::NoBasicConstraints => out.write_str(
                "it does not say whether it is a certification authority, which only roots of X.509 version 1 may \
                 leave out",
            ),
            Self::NotARoot { issuer } => {
                write!(out, "it is no root: {issuer} issued it, and has to be trusted itself")
            }
            Self::RootAmongIntermediates => out.write_str("it is a root, and not trusted among intermediates"),
            Self::Expired { not_after } => write!(out, "it expired on {not_after}"),
            Self::NotYetValid { not_before } => write!(out, "it is not valid before {not_before}"),
            Self::WeakHash { hash, algorithm, matters: true } => {
                write!(out, "it is signed with {hash} ({algorithm})")
            }
            Self::WeakHash { hash, algorithm, matters: false } => write!(
                out,
                "it is signed with {hash} ({algorithm}), which is no obstacle: a trusted root's own signature is not \
                 checked"
            ),
        }
    }
}

/// What speaks against a certificate in its store. A certificate is put into `Disallowed` because something is wrong
/// with it, so nothing is said about those.
pub fn problems(certificate: &Certificate, store: Store, now: Timestamp) -> Vec<CertificateProblem> {
    let is_root = match store {
        Store::Root | Store::AuthRoot => true,
        Store::Ca => false,
        Store::Disallowed => return Vec::new(),
    };
    let mut found = Vec::new();
    match certificate.basic_constraints {
        None if is_root => found.push(CertificateProblem::NoBasicConstraints),
        Some(constraints) if constraints.ca => {}
        _ => found.push(CertificateProblem::NotAnAuthority),
    }
    match (is_root, certificate.self_issued) {
        (true, false) => {
            found.push(CertificateProblem::NotARoot { issuer: certificate.issuer.text.clone() });
        }
        (false, true) => found.push(CertificateProblem::RootAmongIntermediates),
        _ => {}
    }
    if certificate.not_after < now {
        found.push(CertificateProblem::Expired { not_after: certificate.not_after });
    }
    if certificate.not_before > now {
        found.push(CertificateProblem::NotYetValid { not_before: certificate.not_before });
    }
    if let Some(hash) = certificate.weak_hash() {
        found.push(CertificateProblem::WeakHash {
            hash,
            algorithm: certificate.signature_algorithm.clone(),
            matters: !(is_root && certificate.self_issued),
        });
    }
    found
}

/// Whether a computer that starts at its firmware's default date would find the certificate not valid yet.
pub fn is_too_new_for_firmware(certificate: &Certificate) -> bool {
    certificate.not_before > FIRMWARE_DEFAULT_DATE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::{BasicConstraints, Name};

    const NOON: i64 = 1_798_761_600;

    /// What is found about a root without fault, valid from 2026 to 2046, once it is changed.
    fn found(store: Store, now: i64, change: impl FnOnce(&mut Certificate)) -> Vec<CertificateProblem> {
        let pem = include_bytes!("../../../tests/cli/fixtures/root.pem");
        let mut certificate = crate::x509::read_file(pem).expect("a certificate").remove(0);
        change(&mut certificate);
        problems(&certificate, store, Timestamp::from_unix(now))
    }

    #[test]
    fn each_fault_is_found_and_no_other() {
        use CertificateProblem as Problem;
        let leaf = |certificate: &mut Certificate| {
            certificate.basic_constraints = Some(BasicConstraints { ca: false, path_len: None });
        };
        let silent = |certificate: &mut Certificate| certificate.basic_constraints = None;
        let issued = |certificate: &mut Certificate| {
            certificate.self_issued = false;
            certificate.issuer = Name { text: "CN=Other".to_owned(), ..certificate.issuer.clone() };
        };
        let silent_and_issued = |certificate: &mut Certificate| {
            silent(certificate);
            issued(certificate);
        };
        for store in [Store::Root, Store::AuthRoot] {
            assert_eq!(found(store, NOON, |_| ()), []);
            assert_eq!(found(store, NOON, leaf), [Problem::NotAnAuthority]);
            assert_eq!(found(store, NOON, silent), [Problem::NoBasicConstraints]);
            assert_eq!(found(store, NOON, issued), [Problem::NotARoot { issuer: "CN=Other".to_owned() }]);
        }
        assert!(matches!(found(Store::Root, 2_500_000_000, |_| ())[..], [Problem::Expired { .. }]));
        assert!(matches!(found(Store::Root, 1_600_000_000, |_| ())[..], [Problem::NotYetValid { .. }]));
        assert_eq!(found(Store::Ca, NOON, |_| ()), [Problem::RootAmongIntermediates]);
        assert_eq!(found(Store::Ca, NOON, issued), []);
        assert_eq!(found(Store::Ca, NOON, silent_and_issued), [Problem::NotAnAuthority]);
        assert_eq!(found(Store::Disallowed, 2_500_000_000, leaf), []);
    }

    #[test]
    fn the_firmware_date_is_the_first_of_2020() {
        assert_eq!(FIRMWARE_DEFAULT_DATE.to_string(), "2020-01-01T00:00:00Z");
    }
}
