//! What a site has to be told of media, as JSON.

use media_core::media::names::SiteCode;
use media_core::media::registration::{KnownMedium, Registration, ScriptSite};
use serde::Serialize;

use crate::error::Error;
use crate::values::ScriptForm;

/// Arguments of `SMS_Site.SubmitRegistrationRecord`, and by what the certificate is found at the site.
#[derive(Serialize)]
pub struct Record {
    smsid: String,
    /// DER in upper-case hexadecimal.
    certificate: String,
    thumbprint: String,
    /// What the certificate is for: 1 is boot media.
    pub(super) r#type: u8,
    /// User device affinity: 0 disabled, 1 pending approval, 2 automatic.
    pub(super) uda_setting: u8,
    /// 1 for a self-signed certificate, 2 for one that was issued.
    pub(super) issued_cert: u8,
}

impl Record {
    pub(crate) fn new(registration: &Registration) -> Self {
        Self {
            smsid: registration.medium.smsid.clone(),
            certificate: registration.certificate_hex(),
            thumbprint: registration.medium.thumbprint.clone(),
            r#type: Registration::TYPE,
            uda_setting: registration.uda_setting(),
            issued_cert: registration.issued_cert(),
        }
    }
}

/// The record as JSON, or as the script that tells a site of it.
///
/// # Errors
/// [`Error::StandardOutput`], which no record gives.
pub(crate) fn text(
    registration: &Registration,
    form: ScriptForm,
    code: Option<SiteCode>,
) -> Result<String, Error> {
    match form {
        ScriptForm::Json => crate::json_text(&Record::new(registration)),
        ScriptForm::Powershell => Ok(registration.script(&ScriptSite { code, provider: None })),
    }
}

/// A certificate to block: arguments of `SMS_CertificateInfo.BlockCertificate`.
#[derive(Serialize)]
pub struct Blocked {
    medium: String,
    smsid: String,
    thumbprint: String,
}

impl Blocked {
    pub(crate) fn new(medium: &KnownMedium) -> Self {
        Self {
            medium: medium.name.clone(),
            smsid: medium.smsid.clone(),
            thumbprint: medium.thumbprint.clone(),
        }
    }
}
