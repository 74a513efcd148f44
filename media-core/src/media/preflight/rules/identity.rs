//! The media certificate and the password.

use super::super::facts::{Facts, IdentityFacts};
use super::super::{Answer, Group, Input, Outcome, Rule, Severity, does_not_apply, fail, not_given, unknown};
use super::{medium, never_fails, only_unknown, over_gateway};
use crate::finding::Severity as Finds;
use crate::media::identity::EXPIRED;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "identity.valid",
        group: Group::Identity,
        severity: Severity::Error,
        text: "the media certificate is valid",
        source: "Create bootable media, \"Security\": start and expiry of the certificate; memdocs#4158: media that outlive what \
                 is on them start, and find no task sequence",
        place: "the specification: [security] certificate, certificate-start, certificate-expiry",
        never: None,
        is_said_when_made: true,
        check: valid,
    },
    Rule {
        id: "medium.is-of-use",
        group: Group::Identity,
        severity: Severity::Error,
        text: "every certificate and token on the medium is valid",
        source: "memdocs#4158: media for a gateway find nothing about six months after they were made, although their certificate is \
                 valid; PSD#108: a root that is not valid yet",
        place: "the result of create, and tsmedia inspect: valid until; inspect --fail-if-expires-within",
        never: None,
        is_said_when_made: true,
        check: is_of_use,
    },
    Rule {
        id: "identity.suitable",
        group: Group::Identity,
        severity: Severity::Error,
        text: "the media certificate is one that management points take",
        source: "PKI certificate requirements for Configuration Manager, \"Boot images for OS deployment\": client \
                 authentication, an exportable private key, up to 2048 bits",
        place: "the specification: [security] certificate",
        never: None,
        is_said_when_made: true,
        check: suitable,
    },
    Rule {
        id: "identity.sha256",
        group: Group::Identity,
        severity: Severity::Warning,
        text: "the media certificate is signed with SHA-256 (the key goes with the Microsoft Enhanced RSA and AES provider; a \
               v3 or CNG certificate is allowed)",
        source: "Deploy a task sequence over the internet, \"Prerequisites for boot media via CMG\": SHA256 with the Microsoft \
                 Enhanced RSA and AES provider is recommended and not required; the certificate can be v3 (CNG)",
        place: "the specification: [security] certificate",
        never: None,
        is_said_when_made: false,
        check: |facts| match identity(facts)?.certificate.weak_hash() {
            Some(hash) => fail(format!("it is signed with {hash}")),
            None => Ok(()),
        },
    },
    Rule {
        id: "identity.registered",
        group: Group::Identity,
        severity: Severity::Error,
        text: "the site has been told of the media certificate",
        source: "SubmitRegistrationRecord Method in Class SMS_Site: how the site is told of the certificates of boot media",
        place: "console: Administration > Security > Certificates",
        never: only_unknown("what the site knows is in no file that could be given"),
        is_said_when_made: true,
        check: |facts| {
            identity(facts).and_then(|_| unknown("the site answers only media that it has been told of"))
        },
    },
    Rule {
        id: "identity.blocks-one-medium",
        group: Group::Identity,
        severity: Severity::Warning,
        text: "the identity is this medium's own, so that a lost one is blocked alone",
        source: "KB4471061: media that are lost or out of date are blocked by their certificate",
        place: "console: Administration > Security > Certificates > Block; the specification: [media] media-guid",
        never: never_fails("that other media have the same identity is in no file that could be given"),
        is_said_when_made: false,
        check: blocks_one_medium,
    },
    Rule {
        id: "password.is-set",
        group: Group::Identity,
        severity: Severity::Error,
        text: "media for a cloud management gateway have a password",
        source: "Deploy a task sequence over the internet, \"Create boot media to use a CMG\": on the page Security, set a \
                 strong password",
        place: "the specification: [security] password-file, password-env or password-prompt",
        never: None,
        is_said_when_made: true,
        check: |facts| match over_gateway(facts)?.has_password {
            true => Ok(()),
            false => fail("there is none: whoever holds the medium reaches the site from anywhere"),
        },
    },
    Rule {
        id: "password.is-strong",
        group: Group::Identity,
        severity: Severity::Error,
        text: "the media password is a strong one",
        source: "Deploy a task sequence over the internet, \"Create boot media to use a CMG\": set a strong password; hashcat modules \
                 19850 and 19851: it can be tried without the medium",
        place: "tsmedia password check, and generate",
        never: None,
        is_said_when_made: true,
        check: is_strong,
    },
];

fn identity(facts: &Facts) -> Result<&IdentityFacts, Outcome> {
    facts.identity.as_ref().ok_or_else(|| not_given(Input::Medium))
}

fn valid(facts: &Facts) -> Answer {
    let certificate = &identity(facts)?.certificate;
    if certificate.not_after < facts.now {
        return fail(format!("it expired on {}", certificate.not_after));
    }
    if certificate.not_before > facts.now {
        return fail(format!("it is not valid before {}", certificate.not_before));
    }
    Ok(())
}

fn is_of_use(facts: &Facts) -> Answer {
    let validity = facts.validity.as_ref().ok_or_else(|| not_given(Input::Medium))?;
    match (validity.until(), validity.from()) {
        (Some((until, thing)), _) if validity.is_over(facts.now) => fail(format!("{thing} ended on {until}")),
        (_, Some((from, thing))) if from > facts.now => fail(format!("{thing} is not valid before {from}")),
        _ => Ok(()),
    }
}

fn is_strong(facts: &Facts) -> Answer {
    if !medium(facts)?.has_password {
        return does_not_apply("it has none");
    }
    match facts.password {
        None => unknown("it is asked for when the medium is made"),
        Some(strength) if strength.is_strong() => Ok(()),
        Some(strength) => fail(format!("it would hold for {}", strength.holds())),
    }
}

fn suitable(facts: &Facts) -> Answer {
    let wrong = |id, severity| severity >= Finds::Error && id != EXPIRED;
    match identity(facts)?.findings.iter().find(|finding| wrong(finding.id, finding.severity)) {
        Some(finding) => fail(finding.message.clone()),
        None => Ok(()),
    }
}

fn blocks_one_medium(facts: &Facts) -> Answer {
    match medium(facts)?.has_given_guid {
        false => Ok(()),
        true => unknown("its GUID is given, and other media may have the same"),
    }
}
