//! The boot image.

use super::super::facts::{BootImageFacts, Facts};
use super::super::{Answer, Group, Input, Outcome, Rule, Severity, fail, not_given, unknown};
use super::medium;
use crate::media::boot_image::{BootManagerSet, StartedProgram};
use crate::media::components::Components;
use crate::pe::SignedDigest;
use crate::spec::Form;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "boot-image.boot-managers-signed",
        group: Group::BootImage,
        severity: Severity::Warning,
        text: "the boot managers are signed, and as they were signed",
        source: "UEFI Specification 2.10, \"Secure Boot\": firmware starts only programs whose signature it can verify",
        place: "the boot image: \\Windows\\Boot\\EFI and EFI_EX",
        never: None,
        is_said_when_made: true,
        check: signed,
    },
    Rule {
        id: "boot-image.boot-managers-of-2023",
        group: Group::BootImage,
        severity: Severity::Warning,
        text: "the boot managers are signed under Windows UEFI CA 2023, so that they start where the authority of 2011 is \
               revoked",
        source: "KB5025885: after the revocation, media with boot managers signed under Microsoft Windows Production PCA 2011 do \
                 not start",
        place: "the boot image: update it with an ADK that has the 2023 boot managers, or the specification: [boot] \
                boot-manager",
        never: None,
        is_said_when_made: true,
        check: of_2023,
    },
    Rule {
        id: "boot-image.task-sequence-engine",
        group: Group::BootImage,
        severity: Severity::Error,
        text: "the boot image is the site's: it has the task sequence engine in it",
        source: "Manage boot images: the site puts its programs into a boot image when it is distributed (osdinjection.xml)",
        place: "\\\\SERVER\\SMS_CODE\\osd\\boot\\x64\\boot.ID.wim, not the ADK's winpe.wim",
        never: None,
        is_said_when_made: false,
        check: |facts| match components(facts)?.configuration_manager {
            Some(_) => Ok(()),
            None => fail("there is no \\sms\\bin\\…\\TsmBootstrap.exe in it"),
        },
    },
    Rule {
        id: "boot-image.components",
        group: Group::BootImage,
        severity: Severity::Error,
        text: "the boot image has the optional components that Configuration Manager requires",
        source: "Manage boot images, \"Optional components\": scripting, secure startup, WDS tools and WMI are always required",
        place: "console: Software Library > Operating Systems > Boot Images > Properties > Optional Components",
        never: None,
        is_said_when_made: false,
        check: required,
    },
];

fn image(facts: &Facts) -> Result<&BootImageFacts, Outcome> {
    facts.boot_image.as_ref().ok_or_else(|| not_given(Input::BootImage))
}

fn components(facts: &Facts) -> Result<&Components, Outcome> {
    image(facts)?.components.as_ref().ok_or_else(|| not_given(Input::BootImage))
}

/// The programs that firmware starts from this form of medium.
fn started(facts: &Facts) -> Result<Vec<&StartedProgram>, Outcome> {
    let image = image(facts)?;
    let is_disc = matches!(medium(facts)?.form, Form::Iso { .. });
    Ok(image.programs.iter().filter(|program| is_disc || !program.is_of_cd()).collect())
}

fn signed(facts: &Facts) -> Answer {
    for program in started(facts)? {
        match &program.signers {
            Err(error) => return fail(format!("{}: who signed it cannot be read ({error})", program.path)),
            Ok(signers) if signers.is_empty() => return fail(format!("{} is not signed", program.path)),
            Ok(signers) if signers.iter().any(|signer| signer.digest == SignedDigest::Differs) => {
                return fail(format!("{} was changed after it was signed", program.path));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

fn of_2023(facts: &Facts) -> Answer {
    let wanted = BootManagerSet::Ca2023.authority();
    match started(facts)?.into_iter().find(|program| !program.is_signed_under(wanted)) {
        None => Ok(()),
        Some(program) => {
            let signers: Vec<&str> =
                program.signers.iter().flatten().map(|signer| signer.issuer.as_str()).collect();
            let under = if signers.is_empty() { "nobody known".to_owned() } else { signers.join(", ") };
            fail(format!("{} is signed under {under}", program.path))
        }
    }
}

fn required(facts: &Facts) -> Answer {
    let components = components(facts)?;
    if components.optional.is_empty() {
        return unknown("servicing left no manifests in it to tell by");
    }
    match components.missing().as_slice() {
        [] => Ok(()),
        missing => fail(format!("it lacks {}", missing.join(", "))),
    }
}
