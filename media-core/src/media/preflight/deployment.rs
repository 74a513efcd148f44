//! A deployment of a task sequence, as the site exports it: `SMS_Advertisement` in JSON, from
//! `Get-CMTaskSequenceDeployment | ConvertTo-Json` or from the AdminService.

use serde_json::{Map, Value};

use super::text::{ExportError, number, objects, text};

/// The program name that a task sequence's deployment has.
const TASK_SEQUENCE: &str = "*";

// AdvertFlags and RemoteClientFlags: "SMS_Advertisement Server WMI Class".
const ENABLE_TS_FROM_CD_AND_PXE: u32 = 0x0004_0000;
const APTSINTRANETONLY: u32 = 0x0008_0000;
const TARGETTOWINPE: u32 = 0x1000_0000;
const HIDDENINWINPE: u32 = 0x2000_0000;
const RUN_FROM_LOCAL_DISPPOINT: u32 = 0x0000_0008;
const RUN_FROM_REMOTE_DISPPOINT: u32 = 0x0000_0080;
const DOWNLOAD_ON_DEMAND_FROM_LOCAL_DP: u32 = 0x0000_0100;
const DOWNLOAD_ON_DEMAND_FROM_REMOTE_DP: u32 = 0x0000_0200;

/// A deployment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deployment {
    /// Its id, `PS120012`.
    pub id: Option<String>,
    /// The package that is deployed.
    pub package_id: Option<String>,
    /// The program of it; `*` for a task sequence.
    pub program: Option<String>,
    /// `AdvertFlags`.
    pub flags: Option<u32>,
    /// `RemoteClientFlags`.
    pub client_flags: Option<u32>,
    /// `OfferType`: 0 required, 2 available.
    pub offer: Option<u32>,
}

/// How a task sequence gets its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentOption {
    /// `Download content locally when needed by the running task sequence`.
    WhenNeeded,
    /// `Download all content locally before starting task sequence`.
    AllBefore,
    /// `Access content directly from a distribution point`.
    Directly,
}

impl Deployment {
    /// Whether it is one of a task sequence, when it says so.
    pub fn is_of_task_sequence(&self) -> Option<bool> {
        self.program.as_ref().map(|program| program == TASK_SEQUENCE)
    }

    /// Whether clients on the internet may run it. `APTSINTRANETONLY` is documented by its name alone.
    pub fn allows_internet(&self) -> Option<bool> {
        self.flags.map(|flags| flags & APTSINTRANETONLY == 0)
    }

    /// Whether it is made available to media.
    pub fn is_for_media(&self) -> Option<bool> {
        self.flags.map(|flags| flags & (ENABLE_TS_FROM_CD_AND_PXE | TARGETTOWINPE | HIDDENINWINPE) != 0)
    }

    /// How content is got.
    pub fn content(&self) -> Option<ContentOption> {
        let flags = self.client_flags?;
        let has = |wanted: u32| flags & wanted != 0;
        Some(if has(RUN_FROM_LOCAL_DISPPOINT | RUN_FROM_REMOTE_DISPPOINT) {
            ContentOption::Directly
        } else if has(DOWNLOAD_ON_DEMAND_FROM_LOCAL_DP | DOWNLOAD_ON_DEMAND_FROM_REMOTE_DP) {
            ContentOption::WhenNeeded
        } else {
            ContentOption::AllBefore
        })
    }

    /// Whether its purpose is `Required`.
    pub fn is_required(&self) -> Option<bool> {
        match self.offer? {
            0 => Some(true),
            2 => Some(false),
            _ => None,
        }
    }
}

/// Reads an export. Where it holds several deployments, the one of `package_id` is meant.
///
/// # Errors
/// [`ExportError`].
pub fn read(bytes: &[u8], package_id: Option<&str>) -> Result<Deployment, ExportError> {
    let mut all = Vec::new();
    for object in objects(bytes)? {
        all.extend(one(&object)?);
    }
    let is_meant = |deployment: &Deployment| match (&deployment.package_id, package_id) {
        (Some(found), Some(wanted)) => found.eq_ignore_ascii_case(wanted),
        _ => true,
    };
    let meant = all.iter().filter(|deployment| is_meant(deployment)).count();
    if all.len() > 1 && meant > 0 {
        all.retain(is_meant);
    }
    match (all.pop(), all.len()) {
        (Some(deployment), 0) => Ok(deployment),
        (Some(_), others) => Err(ExportError::Several { what: "deployments", count: others + 1 }),
        (None, _) => Err(ExportError::Nothing {
            what: "deployment",
            looked_for: "AdvertFlags, or AdvertisementID (SMS_Advertisement)",
        }),
    }
}

fn one(object: &Map<String, Value>) -> Result<Option<Deployment>, ExportError> {
    let flags = number(object, "AdvertFlags")?;
    let id = text(object, "AdvertisementID");
    if flags.is_none() && id.is_none() {
        return Ok(None);
    }
    let offer = number(object, "OfferType")?;
    Ok(Some(Deployment {
        id,
        package_id: text(object, "PackageID"),
        program: text(object, "ProgramName"),
        flags,
        client_flags: number(object, "RemoteClientFlags")?,
        offer: if offer.is_some() { offer } else { number(object, "OfferTypeID")? },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_a_site_exports() {
        let object = r#"{"AdvertisementID":"PS120012","AdvertFlags":"34275328","PackageID":"PS100012","ProgramName":"*","OfferType":2}"#;
        let other = r#"{"AdvertisementID":"PS120013","AdvertFlags":0,"PackageID":"PS100099"}"#;
        let utf16: Vec<u8> =
            "\u{FEFF}".encode_utf16().chain(object.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for bytes in [
            object.as_bytes().to_vec(),
            utf16,
            format!("[{object},{other}]").into_bytes(),
            format!(r#"{{"@odata.context":"x","value":[{other},{object}]}}"#).into_bytes(),
        ] {
            let read = read(&bytes, Some("ps100012")).expect("it is one");
            assert_eq!(read.id.as_deref(), Some("PS120012"));
            assert_eq!((read.flags, read.is_required()), (Some(34_275_328), Some(false)));
        }
        let both = format!("[{object},{other}]");
        assert_eq!(read(both.as_bytes(), None), Err(ExportError::Several { what: "deployments", count: 2 }));
        // One alone is what was meant, also when it is of another task sequence: a rule says so.
        assert!(read(other.as_bytes(), Some("PS100012")).is_ok());
    }

    #[test]
    fn what_is_wrong_is_named_and_not_quoted() {
        let failed = |text: &str| read(text.as_bytes(), None).expect_err("it is none");
        assert_eq!(failed("{\n  \"a\": x"), ExportError::Json { line: 2, column: 8 });
        assert!(matches!(failed(r#"{"DeploymentID":"x"}"#), ExportError::Nothing { .. }));
        assert!(matches!(failed("[]"), ExportError::Nothing { .. }));
        let wrong = failed(r#"{"AdvertFlags":"secret"}"#);
        assert!(matches!(wrong, ExportError::Property { property: "AdvertFlags", .. }));
        assert!(!wrong.to_string().contains("secret"));
        assert_eq!(read(&[0xFF, 0xFE, 0x00], None), Err(ExportError::NotText));
    }

    #[test]
    fn flags_mean_what_the_class_says() {
        let with = |flags, client_flags| Deployment {
            flags: Some(flags),
            client_flags: Some(client_flags),
            ..Deployment::default()
        };
        for (flags, media) in
            [(0x0004_0000, true), (0x1000_0000, true), (0x3000_0000, true), (0x0208_0000, false)]
        {
            assert_eq!(with(flags, 0).is_for_media(), Some(media), "{flags:x}");
        }
        assert_eq!(with(0x0008_0000, 0).allows_internet(), Some(false));
        assert_eq!(with(0x0004_0000, 0).allows_internet(), Some(true));
        for (flags, content) in [
            (0x2100, ContentOption::WhenNeeded),
            (0x2200, ContentOption::WhenNeeded),
            (0x2050, ContentOption::AllBefore),
            (0x0088, ContentOption::Directly),
        ] {
            assert_eq!(with(0, flags).content(), Some(content), "{flags:x}");
        }
        assert_eq!(Deployment::default().content(), None);
    }
}
