//! The management point of the medium, and whom the boot image trusts.

use super::super::facts::{Facts, MediumFacts, Overruled};
use super::super::{Answer, Group, Input, Outcome, Rule, Severity, does_not_apply, fail, not_given, unknown};
use super::{medium, over_gateway};
use crate::media::chain::ChainWarning;
use crate::media::root_checks::{FIRMWARE_DEFAULT_DATE, is_too_new_for_firmware, problems};
use crate::media::store::{Store, TrustedCertificate};
use crate::spec::Management;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "management-point.site-based",
        group: Group::ManagementPoint,
        severity: Severity::Error,
        text: "media for a cloud management gateway are site-based",
        source: "Deploy a task sequence over the internet, \"Create boot media to use a CMG\": on the page Media Management, \
                 select site-based media",
        place: "the specification: [site] media-mode",
        never: None,
        is_said_when_made: true,
        check: |facts| match over_gateway(facts)?.management {
            Management::SiteBased(_) => Ok(()),
            Management::Dynamic(_) => fail("they are dynamic media"),
        },
    },
    Rule {
        id: "management-point.is-gateway",
        group: Group::ManagementPoint,
        severity: Severity::Error,
        text: "the management point of the medium is the cloud management gateway",
        source: "Deploy a task sequence over the internet, \"Create boot media to use a CMG\": on the page Boot Image, add the \
                 cloud management gateway as the management point",
        place: "the specification: [site] cmg, and the variable SMSTSMP",
        never: None,
        is_said_when_made: false,
        check: |facts| match over_gateway(facts)?.management_point {
            Overruled::No => Ok(()),
            Overruled::Replaced => fail("a variable of yours, SMSTSMP, names another one"),
            Overruled::LeftOut => fail("the variable SMSTSMP is left out"),
        },
    },
    Rule {
        id: "management-point.reachable",
        group: Group::ManagementPoint,
        severity: Severity::Warning,
        text: "a medium without a gateway is used where the device reaches the management point on the intranet",
        source: "Deploy a task sequence over the internet, \"Bootable media support for cloud-based content\" (note): the \
                 device still needs an intranet connection to the management point",
        place: "the specification: [site] management-point, or cmg for devices on the internet",
        never: None,
        is_said_when_made: false,
        check: reachable,
    },
    Rule {
        id: "management-point.scheme",
        group: Group::ManagementPoint,
        severity: Severity::Warning,
        text: "the management point takes the kind of certificate that the medium has: http a self-signed one, https one of \
               a PKI",
        source: "Create bootable media, \"Security\" and \"Boot image\": with a self-signed certificate only management points \
                 for HTTP can be chosen, with a PKI certificate only those for HTTPS",
        place: "the specification: [site] management-point, [security] certificate",
        never: None,
        is_said_when_made: true,
        check: scheme,
    },
    Rule {
        id: "management-point.ports",
        group: Group::ManagementPoint,
        severity: Severity::Warning,
        text: "the ports of the medium are those of the site",
        source: "KB2952919: media made where the site's custom ports are not known ask port 80 and 443",
        place: "console: Administration > Site Configuration > Sites > Properties > Ports",
        never: None,
        is_said_when_made: false,
        check: ports,
    },
    Rule {
        id: "trust.chain-of-gateway",
        group: Group::ManagementPoint,
        severity: Severity::Error,
        text: "the boot image trusts the certificate of the gateway or of the https management point",
        source: "Deploy a task sequence over the internet, \"Add a trusted root certificate to a boot image\": without the root \
                 of a PKI-based certificate Windows PE does not trust the CMG (KB4551033: 0x80072f8f)",
        place: "the certificate that the server sends: openssl s_client -showcerts -connect HOST:443",
        never: None,
        is_said_when_made: false,
        check: chain,
    },
    Rule {
        id: "trust.some-root",
        group: Group::ManagementPoint,
        severity: Severity::Error,
        text: "for https the boot image has some root to trust",
        source: "KB4551033: media made without the site's root certificates fail on an https management point with \
                 INVALID_CA",
        place: "the specification: [security] trusted-root",
        never: None,
        is_said_when_made: false,
        check: some_root,
    },
    Rule {
        id: "trust.certificates-in-order",
        group: Group::ManagementPoint,
        severity: Severity::Warning,
        text: "nothing speaks against the certificates that the boot image shall trust",
        source: "RFC 5280, basic constraints and validity: what is no authority, or not valid, lets nothing be trusted",
        place: "the specification: [security] trusted-root, intermediate",
        never: None,
        is_said_when_made: true,
        check: in_order,
    },
    Rule {
        id: "trust.valid-at-firmware-date",
        group: Group::ManagementPoint,
        severity: Severity::Warning,
        text: "the trusted roots are valid already on a computer whose clock has stopped",
        source: "FriendsOfMDT/PSD#108: the first thing to look at when Windows PE trusts nobody is the date of the firmware",
        place: "the firmware of the device: date and time",
        never: None,
        is_said_when_made: false,
        check: valid_at_firmware_date,
    },
];

fn reachable(facts: &Facts) -> Answer {
    let medium = medium(facts)?;
    if medium.is_over_gateway() {
        return does_not_apply("the medium reaches its site through a cloud management gateway");
    }
    let deployment = facts.deployment.as_ref().ok_or_else(|| not_given(Input::Deployment))?;
    match deployment.allows_internet() {
        Some(true) => {
            let points: Vec<&str> = medium.management.points().iter().map(|point| point.url()).collect();
            fail(format!(
                "the deployment is meant for the internet too, and the medium asks {}",
                points.join(", ")
            ))
        }
        Some(false) => Ok(()),
        None => unknown("the export does not say whether the deployment is for the internet"),
    }
}

fn scheme(facts: &Facts) -> Answer {
    let medium = medium(facts)?;
    let (right, has) = match medium.is_imported {
        true => ("https://", "an imported certificate"),
        false => ("http://", "a self-signed certificate"),
    };
    let mut points =
        medium.management.points().iter().filter(|point| !point.is_cloud_management_gateway()).peekable();
    if points.peek().is_none() {
        return does_not_apply("a gateway takes either");
    }
    match points.find(|point| !point.url().starts_with(right)) {
        Some(point) => fail(format!("the medium has {has}, and the management point is {}", point.url())),
        None => Ok(()),
    }
}

fn ports(facts: &Facts) -> Answer {
    let medium = medium(facts)?;
    let expected = |scheme: &str| if scheme == "https" { medium.https_port } else { medium.http_port };
    for point in medium.management.points() {
        if let Some((scheme, port)) = point.named_port().filter(|(scheme, port)| *port != expected(scheme)) {
            let other = expected(scheme);
            return fail(format!("{} has port {port}, and {scheme} is said to be {other}", point.url()));
        }
    }
    if medium.is_over_gateway() {
        return Ok(());
    }
    match (medium.http_port, medium.https_port) {
        (80, 443) => unknown("they are 80 and 443, which is right unless the site has others"),
        _ => Ok(()),
    }
}

/// Media that ask a server by https.
fn by_https(facts: &Facts) -> Result<&MediumFacts, Outcome> {
    let medium = medium(facts)?;
    if medium.management.points().iter().any(|point| point.url().starts_with("https://")) {
        Ok(medium)
    } else {
        does_not_apply("the medium asks its site by http")
    }
}

fn chain(facts: &Facts) -> Answer {
    by_https(facts)?;
    match facts.chain.as_ref().ok_or_else(|| not_given(Input::GatewayCertificate))? {
        Ok(_) => Ok(()),
        Err(error) => fail(error.to_string()),
    }
}

fn some_root(facts: &Facts) -> Answer {
    let medium = by_https(facts)?;
    let is_root = |trusted: &&TrustedCertificate| matches!(trusted.store, Store::Root | Store::AuthRoot);
    if medium.has_root_variable || facts.trusted.iter().flatten().any(|trusted| is_root(&trusted)) {
        return Ok(());
    }
    let image = facts.boot_image.as_ref().and_then(|image| image.roots);
    match image.ok_or_else(|| not_given(Input::BootImage))? {
        0 => fail("no root is added, and the boot image holds none"),
        _ => Ok(()),
    }
}

fn given(facts: &Facts) -> Result<&[TrustedCertificate], Outcome> {
    match facts.trusted.as_deref() {
        None | Some([]) => Err(not_given(Input::TrustedRoots)),
        Some(given) => Ok(given),
    }
}

fn in_order(facts: &Facts) -> Answer {
    for trusted in given(facts)? {
        let found = problems(&trusted.certificate, trusted.store, facts.now);
        if let Some(problem) = found.first() {
            return fail(format!("`{}`: {problem}", trusted.certificate.subject.text));
        }
    }
    Ok(())
}

fn valid_at_firmware_date(facts: &Facts) -> Answer {
    let too_new = |subject: &str, from| {
        fail(format!(
            "the root `{subject}` is valid from {from}, and firmware may start at {FIRMWARE_DEFAULT_DATE}"
        ))
    };
    if let Some(Ok(chain)) = &facts.chain {
        return match chain.warnings.iter().find_map(|warning| match warning {
            ChainWarning::TooNewForFirmware { subject, not_before } => Some((subject, not_before)),
            ChainWarning::Certificate { .. } => None,
        }) {
            Some((subject, from)) => too_new(subject, from),
            None => Ok(()),
        };
    }
    let roots = given(facts)?.iter().filter(|trusted| matches!(trusted.store, Store::Root | Store::AuthRoot));
    match roots.map(|trusted| &trusted.certificate).find(|root| is_too_new_for_firmware(root)) {
        Some(root) => too_new(&root.subject.text, &root.not_before),
        None => Ok(()),
    }
}
