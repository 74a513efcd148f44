//! Reads a medium that a site's own console made, for its form and for what it knows of the site.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::bytes::from_hex;
use crate::io::Source;
use crate::media::boot_image::SOURCES_BOOT_WIM;
use crate::media::bootstrap_ini::{self, BootstrapError, BootstrapIni};
use crate::media::identity::{IdentityError, Kept};
use crate::media::manifest;
use crate::media::site_form::SiteForm;
use crate::media::site_variables::{IDENTITY, is_among};
use crate::media::variables::{self, Document, Variables, VariablesError};
use crate::medium::{self, Medium, MediumError, MediumFile};
use crate::sealed;
use crate::spec::VariablesForm;
use crate::wim::{StreamKind, Wim, WimError};

const LARGEST_VARIABLES: u64 = 64 << 20;

/// A medium of a site.
pub struct Donor {
    /// Its variables, in their order.
    pub variables: Variables,
    /// How the variables file is written.
    pub form: VariablesForm,
    /// Whether that form gives its text again. Where it does not, values and order are the same and white space or
    /// quoting is not.
    pub form_is_exact: bool,
    /// Whether it has no password.
    pub has_no_password: bool,
    /// `TsmBootstrap.ini`, where there is one, or why it could not be followed.
    pub bootstrap: Result<Option<BootstrapIni>, BootstrapError>,
    /// The files that are no variables and no boot image; none for what has no volume.
    pub boot_files: Vec<MediumFile>,
}

/// Why a medium could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DonorError {
    /// It could not be opened.
    #[error(transparent)]
    Medium(#[from] MediumError),
    /// Its boot image could not be read.
    #[error(transparent)]
    Wim(#[from] WimError),
    /// There are no media variables in it.
    #[error("{} is not in it", variables::PATH)]
    NoVariables,
    /// A file in it could not be read.
    #[error("reading {path}: {error}")]
    Read {
        /// Path on the medium.
        path: String,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
    /// The media variables have a password.
    #[error("the media variables have a password")]
    NeedsPassword,
    /// The media variables.
    #[error(transparent)]
    Variables(#[from] VariablesError),
    /// `TsmBootstrap.ini`.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// It lacks a part of its identity.
    #[error("the media variables have no {name}")]
    NoIdentity {
        /// The variable.
        name: &'static str,
    },
    /// The media certificate is not hexadecimal.
    #[error("the media certificate (_SMSTSMediaPFX) is not hexadecimal")]
    NotHexadecimal,
    /// The media certificate.
    #[error("the media certificate (_SMSTSMediaPFX): {0}")]
    Identity(#[from] IdentityError),
}

/// Reads an ISO, a disk image or stick, a boot image that media were copied into, or a bare variables file. Without a
/// password of its own, it is read without.
///
/// # Errors
/// [`DonorError`].
pub fn read(source: Arc<dyn Source>, password: Option<&SecretString>) -> Result<Donor, DonorError> {
    let opened = medium::open(source)?;
    let (sealed, ini, boot_files) = match &opened {
        Medium::Variables(bytes) => (bytes.clone(), None, Vec::new()),
        Medium::Wim(wim) => {
            let file = |path, limit| in_boot_image(wim, path, limit);
            let sealed = file(variables::PATH, LARGEST_VARIABLES)?.ok_or(DonorError::NoVariables)?;
            (sealed, file(bootstrap_ini::PATH, bootstrap_ini::LARGEST)?, Vec::new())
        }
        volume => {
            let listing = volume.listing()?;
            if let Some(damage) = listing.damage {
                return Err(damage.into());
            }
            let find = |path: &str| listing.files.iter().find(|file| file.path.eq_ignore_ascii_case(path));
            let sealed = find(variables::PATH).ok_or(DonorError::NoVariables)?;
            let sealed = contents(sealed, LARGEST_VARIABLES)?;
            let ini =
                find(bootstrap_ini::PATH).map(|file| contents(file, bootstrap_ini::LARGEST)).transpose()?;
            (sealed, ini, listing.files.into_iter().filter(is_boot_file).collect())
        }
    };
    let (document, has_no_password) = open_variables(&sealed, password)?;
    let (form, form_is_exact) = form(&sealed, &document, password.filter(|_| !has_no_password))?;
    let bootstrap = ini.map(|bytes| BootstrapIni::read(&bytes)).transpose();
    let variables = document.variables;
    Ok(Donor { variables, form, form_is_exact, has_no_password, bootstrap, boot_files })
}

fn is_boot_file(file: &MediumFile) -> bool {
    let others = [variables::PATH, bootstrap_ini::PATH, SOURCES_BOOT_WIM, manifest::PATH];
    !is_among(&file.path, &others)
}

fn contents(file: &MediumFile, limit: u64) -> Result<Vec<u8>, DonorError> {
    let read = file.content.to_vec(limit);
    read.map_err(|error| DonorError::Read { path: file.path.clone(), error })
}

fn in_boot_image(wim: &Wim, path: &str, limit: u64) -> Result<Option<Vec<u8>>, DonorError> {
    let index = wim.header().boot_index.max(1);
    let image = wim.image(index)?;
    let Some(entry) = image.find(path) else { return Ok(None) };
    let data = entry.streams.iter().find(|stream| stream.kind == StreamKind::Data);
    match data.and_then(|stream| stream.hash) {
        Some(hash) => Ok(Some(wim.read(&hash, limit)?)),
        None => Ok(Some(Vec::new())),
    }
}

fn open_variables(sealed: &[u8], password: Option<&SecretString>) -> Result<(Document, bool), DonorError> {
    let wrong = VariablesError::WrongPassword;
    match (variables::read_file(sealed, None), password) {
        (Err(error), Some(password)) if error == wrong => {
            Ok((variables::read_file(sealed, Some(password))?, false))
        }
        (Err(error), None) if error == wrong => Err(DonorError::NeedsPassword),
        (document, _) => Ok((document?, true)),
    }
}

/// The form of a variables file, and whether the file follows from it.
fn form(
    sealed: &[u8],
    document: &Document,
    password: Option<&SecretString>,
) -> Result<(VariablesForm, bool), DonorError> {
    let header = sealed::header(sealed).map_err(VariablesError::from)?;
    let trailer = u16::try_from(header.trailer_len).ok();
    let mut form = VariablesForm { algorithm: header.algorithm, xml: document.form.clone(), trailer: None };
    let writes = |form: &VariablesForm| variables::write_file(&document.variables, password, form);
    // What Windows programs leave behind the ciphertext follows from the length of the text.
    let usual = writes(&form).ok();
    if usual.as_ref().is_none_or(|usual| usual.len() != sealed.len()) {
        form.trailer = trailer;
    }
    let cipher = |bytes: &[u8]| bytes.get(..sealed.len() - header.trailer_len as usize).map(<[u8]>::to_vec);
    let is_exact = writes(&form).is_ok_and(|again| cipher(&again) == cipher(sealed));
    Ok((form, is_exact))
}

impl Donor {
    /// What its site's other media are like: everything but its identity and, unless they are wanted, secrets.
    pub fn site_form(&self, with_secrets: bool) -> SiteForm {
        let kept = |(name, value): (&str, &SecretString)| {
            let is_of_site = !is_among(name, &IDENTITY) && (with_secrets || variables::is_public(name));
            (name.to_owned(), is_of_site.then(|| value.clone()))
        };
        let bootstrap = self.bootstrap.clone().ok().flatten();
        SiteForm { variables: self.variables.iter().map(kept).collect(), bootstrap }
    }

    /// Who it is: its GUID, certificate and key.
    ///
    /// # Errors
    /// [`DonorError`] when a part is not there or cannot be read.
    pub fn identity(&self) -> Result<Kept, DonorError> {
        let value = |name: &'static str| self.variables.get(name).ok_or(DonorError::NoIdentity { name });
        let (guid, hex) = (value(IDENTITY[0])?.expose_secret(), value(IDENTITY[1])?.expose_secret());
        Ok(Kept::of_medium(guid, &from_hex(hex.trim().as_bytes()).ok_or(DonorError::NotHexadecimal)?)?)
    }
}
