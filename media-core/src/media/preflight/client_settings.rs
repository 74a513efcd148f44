//! Client settings as the site exports them: `Get-CMClientSetting -Name … -Setting Cloud | ConvertTo-Json`, or
//! `SMS_ClientSettings` from the AdminService.

use super::text::{ExportError, boolean, number, objects};

/// The client settings that media over the internet depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientSettings {
    /// `Allow access to cloud distribution point`.
    pub cloud_distribution_point: Option<bool>,
    /// `Enable clients to use a cloud management gateway`.
    pub cloud_management_gateway: Option<bool>,
    /// Whether they reach any computer: the default settings do, others when they are deployed.
    pub is_deployed: Option<bool>,
}

/// `SMS_ClientSettings.Type` of the default settings.
const DEFAULT: u32 = 0;

/// Reads an export.
///
/// # Errors
/// [`ExportError`]; among them [`ExportError::Several`] when it holds several settings that say different things.
pub fn read(bytes: &[u8]) -> Result<ClientSettings, ExportError> {
    let (mut distribution, mut gateway, mut deployed) = (Vec::new(), Vec::new(), Vec::new());
    for object in objects(bytes)? {
        distribution.extend(boolean(&object, "AllowCloudDP")?);
        gateway.extend(boolean(&object, "AllowCMG")?);
        if let Some(count) = number(&object, "AssignmentCount")? {
            let is_default = number(&object, "Type").ok().flatten() == Some(DEFAULT);
            deployed.push(is_default || count > 0);
        }
    }
    if distribution.is_empty() && gateway.is_empty() && deployed.is_empty() {
        return Err(ExportError::Nothing {
            what: "client settings",
            looked_for: "AllowCloudDP, AllowCMG or AssignmentCount",
        });
    }
    Ok(ClientSettings {
        cloud_distribution_point: agreed(&distribution)?,
        cloud_management_gateway: agreed(&gateway)?,
        is_deployed: agreed(&deployed)?,
    })
}

/// Several settings have priorities, which are not judged here.
fn agreed(found: &[bool]) -> Result<Option<bool>, ExportError> {
    let first = found.first().copied();
    match found.iter().any(|other| Some(*other) != first) {
        true => Err(ExportError::Several { what: "client settings", count: found.len() }),
        false => Ok(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_a_site_exports() {
        let of = |cloud_distribution_point, cloud_management_gateway, is_deployed| {
            Ok(ClientSettings { cloud_distribution_point, cloud_management_gateway, is_deployed })
        };
        for (text, expected) in [
            (
                r#"{"AllowCloudDP":"True","AutoAADJoin":"False","AllowCMG":"False"}"#,
                of(Some(true), Some(false), None),
            ),
            (
                r#"{"value":[{"AssignmentCount":0,"Type":1,"AgentConfigurations":[{"AgentID":22,"AllowCloudDP":true,"AllowCMG":1}]}]}"#,
                of(Some(true), Some(true), Some(false)),
            ),
            (r#"{"AssignmentCount":0,"Type":0}"#, of(None, None, Some(true))),
            (
                r#"[{"AllowCMG":true},{"AllowCMG":false}]"#,
                Err(ExportError::Several { what: "client settings", count: 2 }),
            ),
            (
                r#"{"AllowCMG":"perhaps"}"#,
                Err(ExportError::Property { property: "AllowCMG", expected: "true or false" }),
            ),
        ] {
            assert_eq!(read(text.as_bytes()), expected, "{text}");
        }
        assert!(matches!(read(b"{}"), Err(ExportError::Nothing { .. })));
    }
}
