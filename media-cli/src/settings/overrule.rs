//! What an option on the command line rules out in the spec file. Two settings that exclude each other are a mistake
//! where they stand in one place; between the two the command line wins, and a note says what is not used.

use super::{Given, Settings, check};
use crate::error::Place;
use crate::values::{Format, MediaMode};

/// Takes away what does not go with the command line.
pub(super) fn overrule(settings: &mut Settings, self_signed: bool) {
    let mut notes = Vec::new();
    identity(settings, self_signed, &mut notes);
    certificate(settings, self_signed, &mut notes);
    form(settings, &mut notes);
    receipt(settings, &mut notes);
    if option(settings.cmg.as_ref()).is_some()
        && settings.media_mode.as_ref().is_some_and(|mode| mode.value == MediaMode::Dynamic)
    {
        give_way(&mut settings.media_mode, "media-mode", "--cmg makes site-based media", &mut notes);
    }
    settings.notes = notes;
}

/// The option that a setting was given by.
fn option<T>(setting: Option<&Given<T>>) -> Option<&'static str> {
    match setting?.place {
        Place::Option(name) => Some(name),
        _ => None,
    }
}

fn give_way<T>(setting: &mut Option<Given<T>>, key: &str, why: &str, notes: &mut Vec<String>) {
    if setting.take_if(|given| given.is_in_spec_file()).is_some() {
        notes.push(not_used(key, why));
    }
}

pub(super) fn not_used(key: &str, why: &str) -> String {
    format!("{key} of the spec file is not used: {why}")
}

/// An identity is GUID and certificate in one.
fn identity(settings: &mut Settings, self_signed: bool, notes: &mut Vec<String>) {
    if option(settings.identity.as_ref()).is_some() {
        let why = "--identity gives a whole identity";
        give_way(&mut settings.media_guid, "media-guid", why, notes);
        give_way(&mut settings.certificate, "certificate", why, notes);
        settings.certificate_password.retain(|given| !given.is_in_spec_file());
        give_way(&mut settings.certificate_start, "certificate-start", why, notes);
        give_way(&mut settings.certificate_expiry, "certificate-expiry", why, notes);
        give_way(&mut settings.key_bits, "key-bits", why, notes);
        return;
    }
    let by_option = if self_signed { Some("--self-signed") } else { None }
        .or(option(settings.certificate.as_ref()))
        .or(option(settings.media_guid.as_ref()))
        .or(option(settings.certificate_start.as_ref()))
        .or(option(settings.certificate_expiry.as_ref()))
        .or(option(settings.key_bits.as_ref()));
    if let Some(name) = by_option {
        give_way(&mut settings.identity, "identity", &format!("{name} makes another one"), notes);
        if settings.identity.is_none() {
            settings.identity_password.retain(|given| !given.is_in_spec_file());
        }
    }
}

fn certificate(settings: &mut Settings, self_signed: bool, notes: &mut Vec<String>) {
    if option(settings.certificate.as_ref()).is_some() {
        let why = "--certificate gives a certificate that has its own dates and key";
        give_way(&mut settings.certificate_start, "certificate-start", why, notes);
        give_way(&mut settings.certificate_expiry, "certificate-expiry", why, notes);
        give_way(&mut settings.key_bits, "key-bits", why, notes);
        return;
    }
    let by_option = if self_signed { Some("--self-signed") } else { None }
        .or(option(settings.certificate_start.as_ref()))
        .or(option(settings.certificate_expiry.as_ref()))
        .or(option(settings.key_bits.as_ref()));
    if let Some(name) = by_option {
        let why = format!("{name} makes a self-signed one");
        give_way(&mut settings.certificate, "certificate", &why, notes);
        settings.certificate_password.retain(|given| !given.is_in_spec_file());
    }
}

fn receipt(settings: &mut Settings, notes: &mut Vec<String>) {
    if settings.no_receipt.as_ref().is_some_and(|given| given.value && !given.is_in_spec_file()) {
        give_way(&mut settings.receipt, "receipt", "--no-receipt wants none", notes);
    } else if option(settings.receipt.as_ref()).is_some() {
        give_way(&mut settings.no_receipt, "no-receipt", "--receipt names one", notes);
    }
}

fn form(settings: &mut Settings, notes: &mut Vec<String>) {
    let by_format = settings.format.as_ref().filter(|format| !format.is_in_spec_file());
    let by_output = settings.output.as_ref().filter(|output| !output.is_in_spec_file());
    let (name, format) = match (by_format, by_output.and_then(|output| check::format_by_name(&output.value)))
    {
        (Some(format), _) => ("--format", format.value),
        (None, Some(format)) => ("--output", format),
        (None, None) => return,
    };
    let made = match format {
        Format::Iso => "an ISO",
        Format::Img => "a disk image",
    };
    let why = format!("{name} makes {made}");
    if settings.format.as_ref().is_some_and(|given| given.value != format) {
        give_way(&mut settings.format, "format", &why, notes);
    }
    match format {
        Format::Iso => {
            give_way(&mut settings.partition_scheme, "partition-scheme", &why, notes);
            give_way(&mut settings.size, "size", &why, notes);
            give_way(&mut settings.cluster_size, "cluster-size", &why, notes);
            give_way(&mut settings.data_partition, "data-partition", &why, notes);
            give_way(&mut settings.partition_size, "partition-size", &why, notes);
        }
        Format::Img => give_way(&mut settings.prompt, "prompt", &why, notes),
    }
}
