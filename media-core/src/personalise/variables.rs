//! The media variables with other values, in the form they had.

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{Personal, PersonalManagement, PersonaliseError};
use crate::bytes::from_hex;
use crate::env::Env;
use crate::media::identity::{self, Identity, IdentitySource, MediaGuid};
use crate::media::site_variables::{IDENTITY, is_among, management_variables};
use crate::media::variables::{self, Editable, Variables};
use crate::sealed;
use crate::spec::{Management, VariablesForm};

/// The variables file as it is to be.
pub(super) struct Made {
    pub(super) file: Vec<u8>,
    pub(super) variables: Variables,
    /// The identity, when it is another.
    pub(super) identity: Option<Identity>,
    pub(super) notes: Vec<String>,
}

/// Opens a variables file and makes it another's.
pub(super) fn personal(
    file: &[u8],
    password: Option<&SecretString>,
    personal: &Personal,
    env: &Env,
) -> Result<Made, PersonaliseError> {
    let given = personal.variables.iter().map(|(name, _)| name).chain(&personal.without_variables);
    if let Some(name) = given.into_iter().find(|name| is_among(name, &IDENTITY)) {
        return Err(PersonaliseError::IdentityVariable { name: name.clone() });
    }
    let mut target = Target::open(file, password)?;
    let mut notes = Vec::new();
    let identity = identity(target.variables(), personal, env)?;
    if let Some(identity) = &identity {
        target.set(IDENTITY[0], &SecretString::from(identity.guid.as_str()))?;
        target.set(IDENTITY[1], &identity.pfx_hex())?;
    }
    if let Some(PersonalManagement { management, http_port, https_port }) = &personal.management {
        let other = match management {
            Management::SiteBased(_) => "SMSTSLocationMPs",
            Management::Dynamic(_) => "SMSTSMP",
        };
        target.unset(other)?;
        for (name, value) in management_variables(management, *http_port, *https_port) {
            target.set(name, &SecretString::from(value))?;
        }
    }
    for (name, value) in &personal.variables {
        target.set(name, value)?;
    }
    for name in &personal.without_variables {
        if !target.unset(name)? {
            notes.push(format!("the variable {name} is to be left out, and the medium has it not"));
        }
    }
    let (file, variables) = target.finish(personal.password.as_ref())?;
    Ok(Made { file, variables, identity, notes })
}

fn identity(
    variables: &Variables,
    personal: &Personal,
    env: &Env,
) -> Result<Option<Identity>, PersonaliseError> {
    let guid = personal.media_guid.as_ref();
    match (&personal.identity, guid) {
        (None, None) => Ok(None),
        (Some(source), guid) => Ok(Some(identity::make(source, guid, env)?)),
        (None, Some(_)) => {
            let [found, pfx] = IDENTITY.map(|name| variables.get(name).map(ExposeSecret::expose_secret));
            let bytes = pfx.and_then(|hex| from_hex(hex.trim().as_bytes()));
            let found = found.and_then(|guid| MediaGuid::parse(guid).ok());
            let (Some(bytes), Some(found)) = (bytes, found) else { return Err(PersonaliseError::NoIdentity) };
            let bytes = Zeroizing::new(bytes.to_vec());
            let source = IdentitySource::Pfx { bytes, password: identity::pfx_password(&found) };
            Ok(Some(identity::make(&source, guid, env)?))
        }
    }
}

/// Where the changes are made.
enum Target {
    /// The list, when the file is what this program writes of it.
    Written(Box<Written>),
    /// The text, which has something that only it has.
    Kept(Box<Editable>),
}

struct Written {
    variables: Variables,
    form: VariablesForm,
    password: Option<SecretString>,
    is_sorted: bool,
}

impl Target {
    fn open(file: &[u8], password: Option<&SecretString>) -> Result<Self, PersonaliseError> {
        let editable = Editable::open(file, password)?;
        let password = password.filter(|_| editable.has_password());
        let document = variables::read_file(file, password)?;
        let header = sealed::header(file).map_err(variables::VariablesError::from)?;
        let trailers = [None, u16::try_from(header.trailer_len).ok()];
        for trailer in trailers {
            let form = VariablesForm { algorithm: header.algorithm, xml: document.form.clone(), trailer };
            if variables::write_file(&document.variables, password, &form)
                .is_ok_and(|written| written == file)
            {
                let (variables, password) = (document.variables, password.cloned());
                let is_sorted = variables.is_sorted();
                return Ok(Self::Written(Box::new(Written { variables, form, password, is_sorted })));
            }
        }
        Ok(Self::Kept(Box::new(editable)))
    }

    fn variables(&self) -> &Variables {
        match self {
            Self::Written(written) => &written.variables,
            Self::Kept(kept) => kept.variables(),
        }
    }

    fn set(&mut self, name: &str, value: &SecretString) -> Result<(), PersonaliseError> {
        match self {
            Self::Written(written) => written.variables.set(name, value.clone())?,
            Self::Kept(kept) => {
                kept.set(name, value)?;
            }
        }
        Ok(())
    }

    /// Leaves one out, and says whether it was there.
    fn unset(&mut self, name: &str) -> Result<bool, PersonaliseError> {
        Ok(match self {
            Self::Written(written) => written.variables.remove(name),
            Self::Kept(kept) => kept.unset(name)? == variables::Change::Removed,
        })
    }

    /// The file, and what is in it.
    fn finish(
        self,
        password: Option<&Option<SecretString>>,
    ) -> Result<(Vec<u8>, Variables), PersonaliseError> {
        match self {
            Self::Written(written) => {
                let Written { mut variables, form, password: before, is_sorted } = *written;
                if is_sorted {
                    variables.sort();
                }
                let password = password.map_or(before.as_ref(), Option::as_ref);
                Ok((variables::write_file(&variables, password, &form)?, variables))
            }
            Self::Kept(mut kept) => {
                if let Some(password) = password {
                    kept.set_password(password.as_ref());
                }
                let copy = kept.variables().copy();
                Ok((kept.finish()?, copy))
            }
        }
    }
}
