//! What speaks against a certificate that the boot image is to trust.

use media_core::media::root_checks::{CertificateProblem, problems};
use media_core::media::store::{Store, TrustedCertificate};
use media_core::time::Timestamp;

/// What an administrator should know about a certificate before thousands of computers are given it. Nothing here stops
/// the medium from being made: private authorities are of every kind.
pub(crate) fn notes(trusted: &TrustedCertificate, now: Timestamp) -> Vec<String> {
    let kind = match trusted.store {
        Store::Root | Store::AuthRoot => "trusted root",
        Store::Ca | Store::Disallowed => "intermediate",
    };
    let name = &trusted.certificate.subject.text;
    let found = problems(&trusted.certificate, trusted.store, now);
    found.iter().map(|problem| format!("{kind} `{name}`: {}", phrase(problem))).collect()
}

/// What speaks against a certificate, and the option that helps.
pub(crate) fn phrase(problem: &CertificateProblem) -> String {
    match problem {
        CertificateProblem::RootAmongIntermediates => format!("{problem}: --trusted-root makes it so"),
        _ => problem.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use media_core::x509::{BasicConstraints, Certificate, Name};

    use super::*;

    const NOON: i64 = 1_798_761_600;

    /// A root without fault; the fixture is valid from 2026 to 2046.
    fn root() -> Certificate {
        let pem = include_bytes!("../../../tests/cli/fixtures/root.pem");
        let read = media_core::x509::read_file(pem).expect("it is a certificate");
        read.into_iter().next().expect("it is one")
    }

    fn said(store: Store, now: i64, change: impl FnOnce(&mut Certificate)) -> Vec<String> {
        let mut certificate = root();
        change(&mut certificate);
        let start = format!("`{}`: ", certificate.subject.text);
        let all = notes(&TrustedCertificate::new(store, certificate), Timestamp::from_unix(now));
        all.iter().map(|note| note.split_once(&start).expect("it says of which").1.to_owned()).collect()
    }

    #[test]
    fn a_good_root_is_taken_without_a_word() {
        for store in [Store::Root, Store::AuthRoot] {
            assert!(said(store, NOON, |_| ()).is_empty());
        }
    }

    #[test]
    fn what_speaks_against_a_certificate_is_said() {
        let leaf = |certificate: &mut Certificate| {
            certificate.basic_constraints = Some(BasicConstraints { ca: false, path_len: None });
        };
        let issued = |certificate: &mut Certificate| {
            certificate.self_issued = false;
            certificate.issuer = Name { text: "CN=Other".to_owned(), ..certificate.issuer.clone() };
        };
        let silent = |certificate: &mut Certificate| certificate.basic_constraints = None;
        let one = |store, now, change: &dyn Fn(&mut Certificate), words: &str| {
            let said = said(store, now, change);
            assert!(said.len() == 1 && said[0].contains(words), "{words}: {said:?}");
        };
        one(Store::Root, NOON, &leaf, "not say that it is a certification authority");
        one(Store::AuthRoot, NOON, &issued, "no root: CN=Other issued it");
        one(Store::AuthRoot, NOON, &silent, "not say whether it is a certification authority");
        for (matters, words) in [(true, "SHA-1 (x)"), (false, "SHA-1 (x), which is no obstacle")] {
            let problem = CertificateProblem::WeakHash { hash: "SHA-1", algorithm: "x".to_owned(), matters };
            assert!(phrase(&problem).contains(words), "{}", phrase(&problem));
        }
        one(Store::Root, 2_500_000_000, &|_| (), "it expired on 20");
        one(Store::Root, 1_600_000_000, &|_| (), "not valid before 20");
        one(Store::Ca, NOON, &|_| (), "it is a root");
        assert!(said(Store::Ca, NOON, issued).is_empty());
        assert!(said(Store::Disallowed, 2_500_000_000, leaf).is_empty());
    }
}
