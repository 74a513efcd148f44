//! Decides what the settings of the site mean.

use media_core::media::names::{ManagementPoint, SiteCode};
use media_core::{Management, PersonalManagement, SiteSpec, UnknownComputers};

use super::check::{self, checked, checked_if_given, missing, not_both};
use super::overrule::not_used;
use super::resolve::value;
use super::{Given, Settings};
use crate::error::{Error, Place};
use crate::values;

pub(super) fn site(
    settings: &Settings,
    imported_certificate: bool,
    notes: &mut Vec<String>,
) -> Result<SiteSpec, Error> {
    let code = settings.site_code.as_ref().ok_or_else(|| {
        missing("no site code was given", "give --site-code, or site-code under [site] in a spec file")
    })?;
    let mut unknown_computers = UnknownComputers::default();
    for (architecture, guid) in &settings.unknown_computers {
        let place = match architecture.as_str() {
            "x64" => &mut unknown_computers.x64,
            "x86" => &mut unknown_computers.x86,
            "arm64" => &mut unknown_computers.arm64,
            other => {
                let message = format!("{other:?} is not an architecture; expected x64, x86 or arm64");
                return Err(Error::setting(message, guid.place.clone()));
            }
        };
        if place.is_some() {
            return Err(Error::setting(format!("{architecture} is given twice"), guid.place.clone()));
        }
        *place = Some(checked(guid, check::unknown_computer)?);
    }
    let code = checked(code, |code| SiteCode::new(code))?;
    let default_scheme = if imported_certificate { "https" } else { "http" };
    let PersonalManagement { management, http_port, https_port } = points(settings, default_scheme, notes)?;
    Ok(SiteSpec { code, management, http_port, https_port, unknown_computers })
}

/// The management points, and the ports that they or other settings name.
pub(super) fn points(
    settings: &Settings,
    default_scheme: &str,
    notes: &mut Vec<String>,
) -> Result<PersonalManagement, Error> {
    let management = management(settings, default_scheme)?;
    let (http, https) = (settings.http_port.as_ref(), settings.https_port.as_ref());
    let http_port = port(("http", http), &named_ports(settings, &management, "http"), notes)?.unwrap_or(80);
    let https_port =
        port(("https", https), &named_ports(settings, &management, "https"), notes)?.unwrap_or(443);
    Ok(PersonalManagement { management, http_port, https_port })
}

/// The ports that management points name for a scheme, in order.
fn named_ports(settings: &Settings, management: &Management, scheme: &str) -> Vec<Given<u16>> {
    let given = settings.cmg.iter().chain(&settings.management_points);
    let named = management.points().iter().zip(given).filter_map(|(point, given)| {
        let (_, port) = point.named_port().filter(|(named, _)| *named == scheme)?;
        Some(Given { value: port, place: given.place.clone() })
    });
    named.collect()
}

/// The port of a scheme: a site has one, whether it is given alone or in its management points' addresses.
fn port(
    (scheme, given): (&str, Option<&Given<u16>>),
    named: &[Given<u16>],
    notes: &mut Vec<String>,
) -> Result<Option<u16>, Error> {
    let alone = checked_if_given(given, check::port)?;
    let Some(first) = named.first() else { return Ok(alone) };
    if let Some(other) = named.iter().find(|other| other.value != first.value) {
        let message = format!(
            "management points of one site have one port for {scheme}, and these have {} and {}",
            first.value, other.value
        );
        return Err(Error::conflict(&message, other.place.clone(), first.place.clone()));
    }
    match given {
        Some(given) if given.value != first.value => {
            // That of a site file gives way without a word.
            if matches!(given.place, Place::Nowhere) {
                return Ok(Some(first.value));
            }
            if given.is_in_spec_file() && !first.is_in_spec_file() {
                let why = format!("the management point on the command line has port {}", first.value);
                notes.push(not_used(&format!("{scheme}-port"), &why));
                return Ok(Some(first.value));
            }
            let message = format!(
                "the port for {scheme} is given as {}, and the management point has {}",
                given.value, first.value
            );
            Err(Error::conflict(&message, given.place.clone(), first.place.clone()))
        }
        _ => Ok(Some(first.value)),
    }
}

fn management(settings: &Settings, default_scheme: &str) -> Result<Management, Error> {
    let dynamic = settings.media_mode.as_ref().filter(|mode| mode.value == values::MediaMode::Dynamic);
    not_both(
        dynamic,
        settings.cmg.as_ref(),
        "a cloud management gateway is possible with site-based media only; dynamic media contact management points of the site",
    )?;
    not_both(
        settings.management_points.first(),
        settings.cmg.as_ref(),
        "a cloud management gateway takes the place of the management point; give one of them",
    )?;
    if let Some(cmg) = &settings.cmg {
        return Ok(Management::SiteBased(checked(cmg, |text| {
            ManagementPoint::cloud_management_gateway(text)
        })?));
    }
    if let Some(management) = &settings.site_management {
        return Ok(management.clone());
    }
    let point = |given| checked(given, |text: &String| ManagementPoint::on_premises(text, default_scheme));
    let points = settings.management_points.iter().map(point).collect::<Result<Vec<_>, _>>()?;
    match (dynamic, points.len()) {
        (_, 0) => Err(missing(
            "no management point was given",
            "give --management-point or --cmg, or one of these keys under [site] in a spec file",
        )),
        (Some(_), _) => Ok(Management::Dynamic(points)),
        (None, 1) => Ok(Management::SiteBased(points.into_iter().next().ok_or_else(|| missing("", ""))?)),
        (None, count) => {
            let message = format!("site-based media have one management point, and {count} are given");
            Err(Error::setting(message, settings.management_points[1].place.clone())
                .with_hint("for several, make dynamic media: --media-mode dynamic"))
        }
    }
}

/// Microsoft asks for a strong password on media that reach the site over the internet.
pub(super) fn check_gateway(
    settings: &Settings,
    management: &Management,
    has_password: bool,
) -> Result<(), Error> {
    let allowed = value(settings.allow_no_password.as_ref(), false);
    let gateway = management.points().iter().any(ManagementPoint::is_cloud_management_gateway);
    if gateway && !has_password && !allowed {
        let place = settings.cmg.as_ref().map_or(Place::Nowhere, |given| given.place.clone());
        let message = "media for a cloud management gateway need a password: whoever holds them reaches the site from anywhere";
        return Err(Error::setting(message, place).with_hint(
            "give --password-file, --password-env or --password-prompt; --allow-no-password makes them without",
        ));
    }
    Ok(())
}
