//! What a site has to be told of a medium: that its certificate is to be answered, or no longer.
//!
//! The scripts are in `templates/`. What is filled in may be anybody's text, such as the subject of a certificate, so it goes
//! in as PowerShell literals of ASCII characters alone: Windows PowerShell reads files in the encoding of its computer,
//! and takes every typographic quote for a quote.

use super::names::SiteCode;
use crate::bytes::to_hex_upper;
use crate::spec::UserDeviceAffinity;

const REGISTER: &str = include_str!("../../../templates/register-media.ps1");
const BLOCK: &str = include_str!("../../../templates/block-media.ps1");
/// This computer, in PowerShell.
const HERE: &str = "$env:COMPUTERNAME";

/// Arguments of `SMS_Site.SubmitRegistrationRecord`, all of them public. `CertificatePFX` is optional there and holds the
/// private key: it stays on the medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The media and its certificate.
    pub medium: KnownMedium,
    /// The certificate (DER).
    pub certificate: Vec<u8>,
    /// Whether it was made here, and not issued elsewhere.
    pub is_self_signed: bool,
    /// What the medium was made with.
    pub user_device_affinity: UserDeviceAffinity,
}

/// By what a site knows a medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownMedium {
    /// The media GUID as it stands on the medium: `SMS_CertificateInfo.SMSID`.
    pub smsid: String,
    /// Upper-case SHA-1 of the certificate.
    pub thumbprint: String,
    /// What people call it.
    pub name: String,
}

/// The site a script is for; what is not given is asked when it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScriptSite {
    /// The site code.
    pub code: Option<SiteCode>,
    /// The computer with the SMS Provider.
    pub provider: Option<String>,
}

impl Registration {
    /// `Type`: boot media.
    pub const TYPE: u8 = 1;

    /// `UdaSetting`.
    pub fn uda_setting(&self) -> u8 {
        match self.user_device_affinity {
            UserDeviceAffinity::DoNotAllow => 0,
            UserDeviceAffinity::AdministratorApproval => 1,
            UserDeviceAffinity::AutoApproval => 2,
        }
    }

    /// `IssuedCert`.
    pub fn issued_cert(&self) -> u8 {
        if self.is_self_signed { 1 } else { 2 }
    }

    /// `Certificate`.
    pub fn certificate_hex(&self) -> String {
        to_hex_upper(&self.certificate)
    }

    /// A script that registers the medium.
    pub fn script(&self, site: &ScriptSite) -> String {
        let values = [
            ("site-code", code(site)),
            ("sms-provider", provider(site)),
            ("medium", literal(&self.medium.name)),
            ("thumbprint", literal(&self.medium.thumbprint)),
            ("smsid", literal(&self.medium.smsid)),
            ("certificate", literal(&self.certificate_hex())),
            ("type", Self::TYPE.to_string()),
            ("uda-setting", self.uda_setting().to_string()),
            ("issued-cert", self.issued_cert().to_string()),
        ];
        fill(REGISTER, &values)
    }
}

/// A script that blocks media.
pub fn block_script(media: &[KnownMedium], site: &ScriptSite) -> String {
    let one = |medium: &KnownMedium| {
        let [smsid, thumbprint, name] =
            [&medium.smsid, &medium.thumbprint, &medium.name].map(|text| literal(text));
        format!("    @{{ SMSID = {smsid}; Thumbprint = {thumbprint}; Name = {name} }}")
    };
    let list: Vec<String> = media.iter().map(one).collect();
    fill(BLOCK, &[("site-code", code(site)), ("sms-provider", provider(site)), ("media", list.join("\n"))])
}

fn code(site: &ScriptSite) -> String {
    literal(site.code.as_ref().map_or("", |code| code.as_str()))
}

fn provider(site: &ScriptSite) -> String {
    site.provider.as_deref().map_or(HERE.to_owned(), literal)
}

/// Puts values into a template in one pass: a value that looks like a place for another is a value all the same. Lines end
/// as on Windows.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let (mut out, mut rest) = (String::with_capacity(template.len()), template);
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let value = values
            .iter()
            .find_map(|(name, value)| Some((value, rest.strip_prefix(name)?.strip_prefix('}')?)));
        match value {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => out.push('{'),
        }
    }
    out.push_str(rest);
    out.replace("\r\n", "\n").replace('\n', "\r\n")
}

/// Text as a PowerShell expression, in ASCII characters that stand there for themselves.
fn literal(text: &str) -> String {
    let is_plain = |unit: u16| (0x20..0x7F).contains(&unit);
    let units: Vec<u16> = text.encode_utf16().collect();
    if units.iter().all(|unit| is_plain(*unit)) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let parts = units.chunk_by(|left, right| is_plain(*left) && is_plain(*right)).map(|part| match part {
        [unit] if !is_plain(*unit) => format!("[char] 0x{unit:04X}"),
        plain => format!("'{}'", String::from_utf16_lossy(plain).replace('\'', "''")),
    });
    // A text first, or the characters would be added as numbers.
    format!("('' + {})", parts.collect::<Vec<_>>().join(" + "))
}

#[cfg(test)]
#[path = "registration_tests.rs"]
mod tests;
