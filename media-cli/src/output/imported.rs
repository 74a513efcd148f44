//! What `tsmedia site import` prints.

use std::fmt;
use std::path::Path;

use media_core::donor::Donor;
use media_core::media::site_variables::{IDENTITY, is_among};
use media_core::media::variables;
use media_core::sealed::Algorithm;
use serde::Serialize;

use super::{line, notes};
use crate::site_file::NamedFile;

/// What was read of a site, by name alone.
#[derive(Serialize)]
pub struct Imported {
    output: String,
    password: bool,
    encryption: &'static str,
    variables: Vec<String>,
    /// Names of those that were left behind because they may be secret.
    left_behind: Vec<String>,
    bootstrap_keys: Vec<String>,
    boot_files: usize,
    notes: Vec<String>,
}

impl Imported {
    pub(crate) fn new(output: &Path, donor: &Donor, with_secrets: bool, boot_files: &[NamedFile]) -> Self {
        let names = || donor.variables.iter().map(|(name, _)| name).filter(|name| !is_among(name, &IDENTITY));
        let goes = |name: &&str| with_secrets || variables::is_public(name);
        let mut notes = Vec::new();
        if !donor.form_is_exact {
            notes.push(
                "the text of its variables has white space or quoting that media made here do not follow; names, \
                 values and order they do"
                    .to_owned(),
            );
        }
        if matches!(donor.bootstrap, Ok(None)) {
            notes.push("there is no TsmBootstrap.ini in it, so media get that of this program".to_owned());
        }
        let left_behind: Vec<String> = names().filter(|name| !goes(name)).map(str::to_owned).collect();
        if !left_behind.is_empty() {
            notes.push("what was left behind may be secret; --with-secrets takes it along".to_owned());
        }
        Self {
            output: output.display().to_string(),
            password: !donor.has_no_password,
            encryption: match donor.form.algorithm {
                Algorithm::Aes128 => "AES-128",
                Algorithm::Aes256 => "AES-256",
                Algorithm::TripleDes => "3DES",
            },
            variables: names().filter(goes).map(str::to_owned).collect(),
            left_behind,
            bootstrap_keys: donor
                .bootstrap
                .iter()
                .flatten()
                .flat_map(|ini| ini.keys())
                .map(|(key, _)| key.to_owned())
                .collect(),
            boot_files: boot_files.len(),
            notes,
        }
    }

    /// Says that nothing protects the identity.
    pub(crate) fn note_no_identity_password(&mut self, output: &Path) {
        self.notes.push(format!(
            "the identity file has no password: whoever gets hold of {} has the private key in it",
            output.display()
        ));
    }
}

impl fmt::Display for Imported {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(out, "site file", &self.output)?;
        let password = if self.password { "with a password" } else { "without a password" };
        line(out, "media variables", format_args!("{}, {password}", self.encryption))?;
        line(out, "imported", self.variables.join(" "))?;
        if !self.left_behind.is_empty() {
            line(out, "left behind", self.left_behind.join(" "))?;
        }
        if !self.bootstrap_keys.is_empty() {
            line(out, "TsmBootstrap.ini", self.bootstrap_keys.join(" "))?;
        }
        line(out, "boot files", self.boot_files)?;
        notes(out, &self.notes)
    }
}
