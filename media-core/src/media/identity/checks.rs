//! What speaks against a certificate as that of media.

use super::{DEFAULT_KEY_BITS, EXPIRED};
use crate::finding::Finding;
use crate::time::Timestamp;
use crate::x509::{self, Certificate, PublicKey};

/// What Microsoft's requirements for media certificates say ("PKI certificate requirements", boot images), and the time.
pub(super) fn check(certificate: &Certificate, chain: &[Certificate], now: Timestamp) -> Vec<Finding> {
    let place = format!("media certificate `{}`", certificate.subject.text);
    let mut findings = Vec::new();
    if certificate.not_after < now {
        let message = format!("it expired on {}; it is {now}", certificate.not_after);
        findings.push(Finding::error(EXPIRED, &place, message));
    }
    if certificate.not_before > now {
        let message = format!("it is valid from {}; it is {now}", certificate.not_before);
        findings.push(Finding::note("identity.not-yet-valid", &place, message));
    }
    // No extension at all means any purpose (RFC 5280 section 4.2.1.12).
    let usages = certificate.extended_key_usage.as_deref();
    let may_authenticate = usages.is_none_or(|usages| {
        usages.iter().any(|oid| oid == x509::CLIENT_AUTHENTICATION || oid == x509::ANY_EXTENDED_KEY_USAGE)
    });
    if !may_authenticate {
        let message = format!(
            "its extended key usage is {}, expected client authentication ({})",
            usages.unwrap_or_default().join(", "),
            x509::CLIENT_AUTHENTICATION
        );
        findings.push(Finding::error("identity.no-client-authentication", &place, message));
    } else if usages.is_none() {
        let message = "it has no extended key usage, expected client authentication";
        findings.push(Finding::note("identity.no-extended-key-usage", &place, message));
    }
    match certificate.public_key {
        PublicKey::Rsa { bits } if bits as usize > DEFAULT_KEY_BITS => {
            let message = format!("its key has {bits} bits; up to {DEFAULT_KEY_BITS} are supported");
            findings.push(Finding::note("identity.long-key", &place, message));
        }
        PublicKey::Rsa { bits } if (bits as usize) < DEFAULT_KEY_BITS => {
            let message = format!("its key has {bits} bits; {DEFAULT_KEY_BITS} are recommended");
            findings.push(Finding::note("identity.short-key", &place, message));
        }
        _ => {}
    }
    if let Some(hash) = certificate.weak_hash() {
        let algorithm = &certificate.signature_algorithm;
        let message = format!("it is signed with {hash} ({algorithm}), expected SHA-256");
        findings.push(Finding::note("identity.weak-signature", &place, message));
    }
    if let Some(issuer) = missing_issuer(certificate, chain) {
        let message = format!("the certificate of `{issuer}`, which the chain needs, is not in the file");
        findings.push(Finding::note("identity.incomplete-chain", &place, message));
    }
    findings
}

/// The issuer at which the chain in the file ends, when it is no root.
fn missing_issuer<'a>(certificate: &'a Certificate, chain: &'a [Certificate]) -> Option<&'a str> {
    let mut last = certificate;
    // A chain has no more links than there are certificates, whatever they say of each other.
    for _ in 0..=chain.len() {
        if last.self_issued {
            return None;
        }
        let issued = |other: &&Certificate| {
            other.subject_der() == last.issuer_der() && last.check_signature(other).is_ok()
        };
        match chain.iter().find(issued) {
            Some(issuer) => last = issuer,
            None => return Some(&last.issuer.text),
        }
    }
    None
}
