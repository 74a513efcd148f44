//! The media variables that follow from a specification (`docs/formats.md`, "Media variables").

use secrecy::{ExposeSecret, SecretString};

use super::identity::Identity;
use super::variables::{Variables, VariablesError};
use crate::spec::{Form, Management, MediaSpec, Prestart, UserDeviceAffinity};

/// Every variable of the medium, and the names of those the user's own replaced.
pub struct SiteVariables {
    /// The variables, sorted as the task sequence engine logs them, or in the order of the site's own media.
    pub variables: Variables,
    /// Names that would have been written with another value.
    pub overridden: Vec<String>,
    /// Names to be left out that are none of the medium's.
    pub not_there: Vec<String>,
    /// Names of variables that the site's own media have, and this one has not.
    pub missing: Vec<String>,
}

/// The media GUID and the media certificate under its password: one is worth nothing without the other.
pub const IDENTITY: [&str; 2] = ["_SMSMediaGuid", "_SMSTSMediaPFX"];

/// The names of all variables that follow from a specification, in whatever combination.
pub const OWN: [&str; 14] = [
    IDENTITY[0],
    IDENTITY[1],
    "SMSTSMP",
    "SMSTSLocationMPs",
    "SMSTSAssignUsersMode",
    "_SMSTSSiteCode",
    "_SMSTSHTTPPort",
    "_SMSTSHTTPSPort",
    "_SMSTSMediaType",
    "_SMSTSLaunchMode",
    "_SMSTSBootMediaPackageID",
    "_SMSTSx64UnknownMachineGUID",
    "_SMSTSx86UnknownMachineGUID",
    "_SMSTSarm64UnknownMachineGUID",
];

/// Whether a variable's name is among some names, as the task sequence engine compares them.
pub fn is_among(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| other.eq_ignore_ascii_case(name))
}

/// Checks the name of the variable that carries the prestart command: no other variable of the medium may be lost to it.
///
/// # Errors
/// [`VariablesError::Name`] for a name that cannot be one, or is one that a medium has anyway.
pub fn check_prestart(prestart: &Prestart) -> Result<(), VariablesError> {
    Variables::default().set(&prestart.variable, SecretString::from(prestart.command.as_str()))?;
    if is_among(&prestart.variable, &OWN) {
        let reason = "the medium has it for something else than a prestart command";
        return Err(VariablesError::Name { name: prestart.variable.clone(), reason });
    }
    Ok(())
}

/// Builds the media variables; those of the `Customization` page come last and win.
///
/// # Errors
/// [`VariablesError`] for a name or value the variables file cannot hold.
pub fn site_variables(spec: &MediaSpec, identity: &Identity) -> Result<SiteVariables, VariablesError> {
    let mut variables = Variables::default();
    let mut plain = |name: &str, value: &str| variables.set(name, SecretString::from(value));
    let site = &spec.site;
    for (name, value) in management_variables(&site.management, site.http_port, site.https_port) {
        plain(name, &value)?;
    }
    plain("_SMSMediaGuid", identity.guid.as_str())?;
    plain("_SMSTSSiteCode", spec.site.code.as_str())?;
    plain("_SMSTSMediaType", "BootMedia")?;
    plain("_SMSTSLaunchMode", launch_mode(spec.form))?;
    if let Some(id) = &spec.boot_image.package_id {
        plain("_SMSTSBootMediaPackageID", id.as_str())?;
    }
    let unknown = &spec.site.unknown_computers;
    for (architecture, guid) in [("x64", &unknown.x64), ("x86", &unknown.x86), ("arm64", &unknown.arm64)] {
        if let Some(guid) = guid {
            plain(&format!("_SMSTS{architecture}UnknownMachineGUID"), guid)?;
        }
    }
    if let Some(mode) = assign_users_mode(spec.options.user_device_affinity) {
        plain("SMSTSAssignUsersMode", mode)?;
    }
    if let Some(prestart) = &spec.options.prestart {
        check_prestart(prestart)?;
        plain(&prestart.variable, &prestart.command)?;
    }
    variables.set("_SMSTSMediaPFX", identity.pfx_hex())?;
    let mut missing = Vec::new();
    if let Some(form) = &spec.site_form {
        let arranged = form.arrange(&variables)?;
        (variables, missing) = (arranged.variables, arranged.missing);
    }
    let overridden = apply(&mut variables, &spec.variables)?;
    let not_there = spec.without_variables.iter().filter(|name| !variables.remove(name)).cloned().collect();
    if spec.site_form.is_none() {
        variables.sort();
    }
    missing.retain(|name| variables.get(name).is_none());
    Ok(SiteVariables { variables, overridden, not_there, missing })
}

/// The variables that say how the site is found.
pub fn management_variables(
    management: &Management,
    http_port: u16,
    https_port: u16,
) -> [(&'static str, String); 3] {
    let points = management.points().iter().map(|point| point.url()).collect::<Vec<_>>().join("*");
    let name = match management {
        Management::SiteBased(_) => "SMSTSMP",
        Management::Dynamic(_) => "SMSTSLocationMPs",
    };
    [(name, points), ("_SMSTSHTTPPort", http_port.to_string()), ("_SMSTSHTTPSPort", https_port.to_string())]
}

/// How the medium was started, as the engine spells it.
fn launch_mode(form: Form) -> &'static str {
    match form {
        Form::DiskImage { .. } => "UFD+FORMAT",
        Form::Iso { .. } => "CD",
    }
}

/// The engine's word for the wizard's user device affinity; without one it assigns nobody.
fn assign_users_mode(affinity: UserDeviceAffinity) -> Option<&'static str> {
    match affinity {
        UserDeviceAffinity::DoNotAllow => None,
        UserDeviceAffinity::AdministratorApproval => Some("Pending"),
        UserDeviceAffinity::AutoApproval => Some("Auto"),
    }
}

/// The wizard's choice that a medium was made with.
pub fn user_device_affinity(variables: &Variables) -> UserDeviceAffinity {
    let mode = variables.get("SMSTSAssignUsersMode").map(ExposeSecret::expose_secret);
    let choices = [UserDeviceAffinity::AdministratorApproval, UserDeviceAffinity::AutoApproval];
    let found = choices.into_iter().find(|choice| {
        mode.zip(assign_users_mode(*choice)).is_some_and(|(mode, known)| known.eq_ignore_ascii_case(mode))
    });
    found.unwrap_or_default()
}

fn apply(variables: &mut Variables, given: &[(String, SecretString)]) -> Result<Vec<String>, VariablesError> {
    let mut overridden = Vec::new();
    for (name, value) in given {
        if variables.get(name).is_some_and(|before| before.expose_secret() != value.expose_secret()) {
            overridden.push(name.clone());
        }
        variables.set(name, value.clone())?;
    }
    Ok(overridden)
}
