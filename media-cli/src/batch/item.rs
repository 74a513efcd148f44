//! One medium of a batch: what is its own, and what is known of it when it was made.

use media_core::media::names::{ManagementPoint, MediaLabel, SerialNumber};
use media_core::media::password::strength;
use media_core::media::receipt::Receipt;
use media_core::{Management, MediaSpec, Personal, PersonalManagement};
use secrecy::SecretString;

use super::Batch;
use crate::error::{Error, Place};
use crate::workers::Worker;

/// A medium that is to be made, with everything that is its own checked.
pub(super) struct Item {
    pub(super) worker: Worker,
    pub(super) serial: SerialNumber,
    pub(super) label: MediaLabel,
    pub(super) management: PersonalManagement,
    /// None in a dry run.
    pub(super) password: Option<SecretString>,
    /// All variables that are not the medium's anyway.
    pub(super) variables: Vec<(String, SecretString)>,
}

/// A medium that was made.
pub(super) struct Made {
    pub(super) receipt: Receipt,
}

impl Batch {
    /// Checks what is a worker's own.
    ///
    /// # Errors
    /// [`Error::Worker`] at the line of the file.
    pub(super) fn item(&self, worker: Worker, password: Option<SecretString>) -> Result<Item, Error> {
        let wrong = |message: String| {
            Error::setting(format!("line {} of the workers file: {message}", worker.line), Place::Nowhere)
        };
        let serial = SerialNumber::new(&worker.serial).map_err(|error| wrong(error.to_string()))?;
        let label = match &worker.label {
            Some(label) => MediaLabel::new(label).map_err(|error| wrong(error.to_string()))?,
            None => self.spec.options.label.clone(),
        };
        let management = match &worker.management_point {
            Some(point) => self.management(point).map_err(wrong)?,
            None => PersonalManagement {
                management: self.spec.site.management.clone(),
                http_port: self.spec.site.http_port,
                https_port: self.spec.site.https_port,
            },
        };
        let mut variables = self.spec.variables.clone();
        for (name, value) in &worker.variables {
            variables.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            variables.push((name.clone(), value.clone()));
        }
        if let Some(password) = &password {
            let known = [worker.name.as_str(), worker.serial.as_str(), label.as_str()];
            let accepted = crate::password::accept(
                strength(password, &known),
                self.decided.allow_weak_password,
                &mut Vec::new(),
            );
            accepted.map_err(|error| wrong(error.to_string()))?;
        }
        Ok(Item { serial, label, management, password, variables, worker })
    }

    fn management(&self, text: &str) -> Result<PersonalManagement, String> {
        let scheme = if self.decided.certificate.is_issued() { "https" } else { "http" };
        let point = if text.to_ascii_lowercase().contains("/ccm_proxy") {
            ManagementPoint::cloud_management_gateway(text)
        } else {
            ManagementPoint::on_premises(text, scheme)
        };
        let point = point.map_err(|error| error.to_string())?;
        let site = &self.spec.site;
        let (mut http_port, mut https_port) = (site.http_port, site.https_port);
        match point.named_port() {
            Some(("http", port)) => http_port = port,
            Some((_, port)) => https_port = port,
            None => {}
        }
        let management = match &site.management {
            Management::Dynamic(_) => Management::Dynamic(vec![point]),
            Management::SiteBased(_) => Management::SiteBased(point),
        };
        Ok(PersonalManagement { management, http_port, https_port })
    }

    /// The specification of a medium.
    pub(super) fn spec_of(&self, item: &Item) -> MediaSpec {
        let mut spec = self.spec.copy();
        spec.serial_number = Some(item.serial.clone());
        spec.options.label = item.label.clone();
        spec.site.management = item.management.management.clone();
        (spec.site.http_port, spec.site.https_port) = (item.management.http_port, item.management.https_port);
        spec.password.clone_from(&item.password);
        spec.variables.clone_from(&item.variables);
        spec
    }

    /// What makes the medium of `first` one of `item`.
    pub(super) fn personal(&self, first: &Item, item: &Item) -> Personal {
        let others = first.variables.iter().map(|(name, _)| name);
        let gone = |name: &&String| !item.variables.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        Personal {
            password: Some(item.password.clone()),
            identity: Some(self.spec.identity.copy()),
            media_guid: None,
            label: Some(item.label.clone()),
            management: Some(item.management.clone()),
            serial_number: Some(item.serial.clone()),
            variables: item.variables.clone(),
            without_variables: others.filter(gone).cloned().collect(),
        }
    }
}
