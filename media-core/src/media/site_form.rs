//! The form of a site's own media, as a medium its console made shows it.

use secrecy::{ExposeSecret, SecretString};

use super::bootstrap_ini::BootstrapIni;
use super::site_variables::is_among;
use super::variables::{Variables, VariablesError};

/// What media of a site look like, without what belongs to one medium alone.
#[derive(Clone, Default)]
pub struct SiteForm {
    /// Every variable in its order; without a value those of the medium it was read from, and secret ones.
    pub variables: Vec<(String, Option<SecretString>)>,
    /// `TsmBootstrap.ini`.
    pub bootstrap: Option<BootstrapIni>,
}

/// The variables of a medium in a site's form.
pub struct Arranged {
    /// The variables.
    pub variables: Variables,
    /// Names of variables that the site's media have and this one has not: their values were secret.
    pub missing: Vec<String>,
}

/// Where media find management points: the engine goes by which of the two there is.
const MANAGEMENT: [&str; 2] = ["SMSTSMP", "SMSTSLocationMPs"];
const ASSIGN_USERS: &str = "SMSTSAssignUsersMode";
/// What a site's own media may well do without; written for them only when it says more than it would by itself.
const ASSUMED: [(&str, Option<&str>); 4] = [
    ("_SMSTSMediaType", None),
    ("_SMSTSLaunchMode", None),
    ("_SMSTSHTTPPort", Some("80")),
    ("_SMSTSHTTPSPort", Some("443")),
];

impl SiteForm {
    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.variables.iter().find(|(other, _)| other.eq_ignore_ascii_case(name))?.1.as_ref()
    }

    /// Puts a medium's own variables among those of the site, in the site's order and spelling.
    ///
    /// # Errors
    /// [`VariablesError`] for a variable of the site that cannot be written.
    pub fn arrange(&self, ours: &Variables) -> Result<Arranged, VariablesError> {
        let (mut variables, mut missing) = (Variables::new(), Vec::new());
        for (name, value) in &self.variables {
            match (ours.get(name), value) {
                (Some(own), _) => variables.set(name, own.clone())?,
                (None, Some(value)) if self.goes(name, value, ours) => variables.set(name, value.clone())?,
                (None, Some(_)) => {}
                (None, None) => missing.push(name.clone()),
            }
        }
        for (name, value) in ours.iter().filter(|(name, _)| !self.has(name)) {
            let assumed = ASSUMED.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
            let says_nothing =
                |usual: &Option<&str>| usual.is_none_or(|usual| usual == value.expose_secret());
            if !assumed.is_some_and(|(_, usual)| says_nothing(usual)) {
                variables.set(name, value.clone())?;
            }
        }
        if self.is_sorted() {
            variables.sort();
        }
        Ok(Arranged { variables, missing })
    }

    /// Whether a variable of the site goes onto a medium that has none of that name.
    fn goes(&self, name: &str, value: &SecretString, ours: &Variables) -> bool {
        if is_among(name, &MANAGEMENT) {
            // With its own management points a medium has no others beside them.
            return MANAGEMENT.iter().any(|chosen| match (ours.get(chosen), self.get(chosen)) {
                (Some(own), Some(site)) => own.expose_secret() == site.expose_secret(),
                _ => false,
            });
        }
        if name.eq_ignore_ascii_case(ASSIGN_USERS) {
            return !["Pending", "Auto"].iter().any(|mode| mode.eq_ignore_ascii_case(value.expose_secret()));
        }
        // The boot image of this medium may be another.
        !name.eq_ignore_ascii_case("_SMSTSBootMediaPackageID")
    }

    fn has(&self, name: &str) -> bool {
        self.variables.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
    }

    fn is_sorted(&self) -> bool {
        self.variables.is_sorted_by(|(left, _), (right, _)| left.encode_utf16().le(right.encode_utf16()))
    }
}

#[cfg(test)]
#[path = "site_form_tests.rs"]
mod tests;
