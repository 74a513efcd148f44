//! What preflight's rules look at, taken from a specification and from what staging it found.

use std::sync::Arc;

use secrecy::ExposeSecret;

use crate::io::Source as _;
use crate::media::boot_image::SOURCES_BOOT_WIM;
use crate::media::chain::ChainError;
use crate::media::components;
use crate::media::identity::IdentitySource;
use crate::media::names::host_of;
use crate::media::preflight::{BootImageFacts, Facts, IdentityFacts, MediumFacts, Overruled};
use crate::media::roots;
use crate::media::site_variables::is_among;
use crate::media::store::Store;
use crate::service::{self, ServiceError};
use crate::spec::{Management, MediaSpec};
use crate::stage::{StageReport, Staged};
use crate::time::Timestamp;
use crate::wim::{Hash, Wim};
use crate::x509::Certificate;

/// The largest program that is read for its version.
const LARGEST_PROGRAM: u64 = 16 << 20;

/// What a specification and its staging say, without another look into the boot image.
pub fn preflight_facts(spec: &MediaSpec, staged: &Staged, now: Timestamp) -> Facts {
    let report = &staged.report;
    let identity = Certificate::from_der(&report.media_certificate).ok();
    let boot_image = staged.tree.file(SOURCES_BOOT_WIM).map(|file| BootImageFacts {
        len: file.content.len(),
        architecture: report.architecture,
        boot_manager: report.boot_manager,
        programs: report.programs.clone(),
        components: None,
        roots: None,
    });
    Facts {
        medium: Some(medium_facts(spec, report)),
        trusted: Some(spec.trusted.clone()),
        identity: identity.map(|certificate| IdentityFacts {
            certificate,
            findings: report.media_certificate_findings.clone(),
        }),
        boot_image,
        validity: Some(report.validity.clone()),
        ..Facts::none(now)
    }
}

/// Looks into the boot image as it goes onto the medium: what is in it, whom it trusts, and whether that is the server
/// whose file of certificates is given.
///
/// # Errors
/// [`ServiceError`] when it cannot be read.
pub fn look_into_boot_image(
    facts: &mut Facts,
    staged: &Staged,
    server: Option<&[Certificate]>,
) -> Result<(), ServiceError> {
    let Some(file) = staged.tree.file(SOURCES_BOOT_WIM) else { return Ok(()) };
    let wim = Wim::open(Arc::new(file.content.clone()))?;
    let index = staged.report.boot_index;
    let image = wim.image(index)?;
    if let Some(boot_image) = &mut facts.boot_image {
        let mut read = |hash: &Hash| wim.read(hash, LARGEST_PROGRAM).ok();
        boot_image.components = Some(components::find(&image, Some(boot_image.architecture), &mut read));
        // A boot image without a hive trusts nobody; a hive that cannot be read says nothing.
        let listed = roots::list(&wim, &image).ok();
        boot_image.roots = listed.map(|listed| {
            let is_root = |store| matches!(store, Store::Root | Store::AuthRoot);
            listed.iter().filter(|entry| is_root(entry.store) && entry.certificate.is_ok()).count()
        });
    }
    if let Some(server) = server {
        let host = facts.medium.as_ref().and_then(host);
        facts.chain = Some(match service::prove_chain(&wim, &[index], server, host.as_deref(), facts.now) {
            Ok(mut chains) => match chains.pop() {
                Some((_, chain)) => Ok(chain),
                None => Err(ChainError::NoServerCertificate { count: 0 }),
            },
            Err(ServiceError::Chain { error, .. }) => Err(error),
            Err(error) => return Err(error),
        });
    }
    Ok(())
}

fn medium_facts(spec: &MediaSpec, report: &StageReport) -> MediumFacts {
    let variable = |name: &str| {
        // The last one wins.
        spec.variables
            .iter()
            .rev()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    let left_out = |name: &str| spec.without_variables.iter().any(|other| is_among(other, &[name]));
    let points = spec.site.management.points();
    let name = match spec.site.management {
        Management::SiteBased(_) => "SMSTSMP",
        Management::Dynamic(_) => "SMSTSLocationMPs",
    };
    let follows = points.iter().map(|point| point.url()).collect::<Vec<_>>().join("*");
    let management_point = match variable(name) {
        _ if left_out(name) => Overruled::LeftOut,
        Some(value) if !value.expose_secret().eq_ignore_ascii_case(&follows) => Overruled::Replaced,
        _ => Overruled::No,
    };
    let join_type = variable("OSDNetworkJoinType").filter(|_| !left_out("OSDNetworkJoinType"));
    MediumFacts {
        management: spec.site.management.clone(),
        http_port: spec.site.http_port,
        https_port: spec.site.https_port,
        has_password: spec.password.is_some(),
        is_imported: !report.media_certificate_is_self_signed,
        has_given_guid: spec.media_guid.is_some() || matches!(spec.identity, IdentitySource::Kept(_)),
        form: spec.form,
        management_point,
        has_root_variable: report.variables.iter().any(|name| is_among(name, &["_SMSTSRootCACerts"])),
        join_type: join_type.and_then(|value| match value.expose_secret().trim() {
            "0" => Some("0"),
            "1" => Some("1"),
            _ => None,
        }),
        has_client_properties: variable("SMSClientInstallProperties").is_some(),
        boot_files: spec.boot_image.boot_files.iter().map(|(path, _)| path.clone()).collect(),
    }
}

/// The host of the one server that the medium asks by https.
fn host(medium: &MediumFacts) -> Option<String> {
    let secured = medium.management.points().iter().map(|point| point.url());
    let mut hosts = secured.filter(|url| url.starts_with("https://")).map(|url| host_of(url).to_owned());
    let first = hosts.next()?;
    hosts.all(|other| other.eq_ignore_ascii_case(&first)).then_some(first)
}
