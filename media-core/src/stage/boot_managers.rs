//! What the user may want to know about the boot managers: who signed them, and which firmware will not start them.

use crate::media::boot_image::{BootFiles, BootManagerSet, StartedProgram};
use crate::pe::{SignedDigest, Signer};
use crate::spec::{BootManagerChoice, Form, MediaSpec};
use crate::tree::TreeFile;

/// Notes about every program this form of medium starts. What they say of signers is read from the programs, never
/// concluded from where they lie.
pub(super) fn notes(boot: &BootFiles, spec: &MediaSpec) -> Vec<String> {
    let is_disc = matches!(spec.form, Form::Iso { .. });
    let started = boot.programs.iter().filter(|program| is_disc || !program.is_of_cd());
    let mut notes = Vec::new();
    for program in started {
        if is_disc && program.is_of_cd() && is_older(boot.set, &program.origin, "EFI_EX") {
            notes.push(format!(
                "{}, which a CD goes on with, comes from {}: the boot image has none in the 2023 set",
                program.path, program.origin
            ));
        }
        notes.extend(signature_notes(program, boot.set, spec.boot_image.boot_manager));
    }
    notes
}

fn signature_notes(program: &StartedProgram, set: BootManagerSet, choice: BootManagerChoice) -> Vec<String> {
    let name = format!("{} ({})", program.path, program.origin);
    let signers = match &program.signers {
        Ok(signers) if signers.is_empty() => {
            return vec![format!("{name} is not signed; firmware does not start it while Secure Boot is on")];
        }
        Ok(signers) => signers,
        Err(error) => {
            return vec![format!(
                "{name}: who signed it cannot be read ({error}); firmware may not start it while Secure Boot is on"
            )];
        }
    };
    let changed = signers.iter().filter(|signer| signer.digest == SignedDigest::Differs).map(|signer| {
        format!(
            "{name} was changed after it was signed under {}; firmware does not start it while Secure Boot is on",
            signer.issuer
        )
    });
    let mut notes: Vec<String> = changed.collect();
    let otherwise = if program.is_signed_under(set.authority()) {
        String::new()
    } else {
        format!(" and not under {}", set.authority())
    };
    if !otherwise.is_empty() || (choice == BootManagerChoice::Auto && !program.is_of_cd()) {
        let issuers: Vec<&str> = signers.iter().map(|signer| signer.issuer.as_str()).collect();
        notes.push(format!(
            "{name} is signed under {}{otherwise}{}",
            issuers.join(", "),
            consequence(signers)
        ));
    }
    notes
}

/// What follows from the authority for firmware of one age or the other.
fn consequence(signers: &[Signer]) -> &'static str {
    let is_under =
        |set: BootManagerSet| signers.iter().any(|signer| signer.issuer == BootManagerSet::authority(set));
    match (is_under(BootManagerSet::Pca2011), is_under(BootManagerSet::Ca2023)) {
        (true, false) => "; firmware that has revoked that authority does not start it",
        (false, true) => {
            "; firmware that does not know that authority yet needs the 2011 set while Secure Boot is on"
        }
        _ => "",
    }
}

/// Without `DVD_EX` the 2023 set lacks its El Torito images, and the program in an older one is what firmware starts.
pub(super) fn older_cd_image(files: &[TreeFile], uefi: Option<&str>, set: BootManagerSet) -> Option<String> {
    let file = files.iter().find(|file| Some(file.path.as_str()) == uefi)?;
    is_older(set, &file.origin, "DVD_EX").then(|| {
        format!(
            "{} comes from {} and not from the 2023 set, which the boot image does not hold whole; who signed the \
             program in it was not looked at, and firmware that has revoked {} may refuse this ISO (a stick does not \
             need that file)",
            file.path,
            file.origin,
            BootManagerSet::Pca2011.authority()
        )
    })
}

/// Whether a file of the 2023 set had to be taken from elsewhere in the boot image.
fn is_older(set: BootManagerSet, origin: &str, folder: &str) -> bool {
    set == BootManagerSet::Ca2023 && origin.starts_with('\\') && !origin.contains(folder)
}
