//! The names Configuration Manager gives to things, each checked once and valid ever after.

use thiserror::Error;

/// A name that is not what Configuration Manager would accept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind} {value:?}: {expected}")]
pub struct NameError {
    /// Which kind of name, for example `site code`.
    pub kind: &'static str,
    /// What was given.
    pub value: String,
    /// What is expected.
    pub expected: &'static str,
}

fn name_error(kind: &'static str, value: &str, expected: &'static str) -> NameError {
    NameError { kind, value: value.to_owned(), expected }
}

/// A three-character site code, upper-case, for example `PS1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteCode(String);

impl SiteCode {
    /// Checks a site code and makes it upper-case.
    ///
    /// # Errors
    /// [`NameError`] unless it is three letters or digits.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(Self(text.to_ascii_uppercase()));
        }
        Err(name_error("site code", text, "expected three letters or digits, for example PS1"))
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An eight-character package id, upper-case, for example `PS100005`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageId(String);

impl PackageId {
    /// Checks a package id and makes it upper-case.
    ///
    /// # Errors
    /// [`NameError`] unless it is a site code followed by five hexadecimal digits.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let bytes = text.as_bytes();
        let fits = bytes.len() == 8
            && bytes[..3].iter().all(u8::is_ascii_alphanumeric)
            && bytes[3..].iter().all(u8::is_ascii_hexdigit);
        if fits {
            return Ok(Self(text.to_ascii_uppercase()));
        }
        Err(name_error(
            "boot image package id",
            text,
            "expected a site code and five hexadecimal digits, for example PS100005",
        ))
    }

    /// Finds the package id in the name a site gives its boot images, `boot.PS100005.wim`. In any other name, what looks
    /// like an id may be something else: `adk26100.wim`.
    pub fn in_file_name(name: &str) -> Option<Self> {
        let mut parts = name.split('.');
        let (boot, id, wim) = (parts.next()?, parts.next()?, parts.next()?);
        let is_the_sites =
            boot.eq_ignore_ascii_case("boot") && wim.eq_ignore_ascii_case("wim") && parts.next().is_none();
        Self::new(id).ok().filter(|_| is_the_sites)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The media label: whole on an ISO and in `MediaLabel.txt`, its first 11 characters on FAT32.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaLabel(String);

impl MediaLabel {
    /// The most an ISO 9660 volume identifier holds (ECMA-119 8.4.7).
    pub const MAXIMUM: usize = 32;
    /// What a label may hold and that of a FAT32 volume may not.
    pub const NOT_ON_FAT: [char; 6] = ['+', ',', '.', '=', '[', ']'];

    /// Checks a media label.
    ///
    /// # Errors
    /// [`NameError`] when it is empty, longer than 32 characters, or holds a character a volume label cannot.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let expected = "expected 1 to 32 printable ASCII characters without \" * / : ; < > ? \\ |";
        let fits = (1..=Self::MAXIMUM).contains(&text.len())
            && text.trim() == text
            && text
                .bytes()
                .all(|byte| (byte == b' ' || byte.is_ascii_graphic()) && !br#""*/:;<>?\|"#.contains(&byte));
        if fits { Ok(Self(text.to_owned())) } else { Err(name_error("media label", text, expected)) }
    }

    /// The label as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 11 characters in upper case, as Windows writes them on a FAT32 volume. What an ISO takes and FAT32 does
    /// not is a `_`.
    pub fn fat(&self) -> String {
        let short: String = self.0.chars().take(11).collect();
        short.trim_end().to_ascii_uppercase().replace(Self::NOT_ON_FAT, "_")
    }
}

impl Default for MediaLabel {
    /// The wizard's own default.
    fn default() -> Self {
        Self("Configuration Manager".to_owned())
    }
}

/// The number under which an organisation keeps a medium: what is written on the stick, and in the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialNumber(String);

impl SerialNumber {
    /// The longest.
    pub const MAXIMUM: usize = 64;

    /// Checks a serial number. It can be part of a file's name on every system.
    ///
    /// # Errors
    /// [`NameError`] unless it is 1 to 64 letters, digits, `-`, `_` and `.`, and starts with a letter or digit.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let expected =
            "expected 1 to 64 letters, digits, hyphens, underscores and dots, the first a letter or digit";
        let fits = (1..=Self::MAXIMUM).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            && text.as_bytes()[0].is_ascii_alphanumeric()
            && !text.ends_with('.');
        if fits { Ok(Self(text.to_owned())) } else { Err(name_error("serial number", text, expected)) }
    }

    /// The number as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A management point as the media variables spell it: a URL with its scheme and no slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagementPoint {
    url: String,
    is_cloud_management_gateway: bool,
}

impl ManagementPoint {
    /// An on-premises management point. Without a scheme, `default_scheme` (`http` or `https`) is put before it.
    ///
    /// # Errors
    /// [`NameError`] unless it is a host name with an optional scheme and port and nothing else.
    pub fn on_premises(text: &str, default_scheme: &str) -> Result<Self, NameError> {
        let expected =
            "expected a host name such as mp.contoso.com, with http:// or https:// before it if need be";
        let (scheme, rest) = split_scheme(text).unwrap_or((default_scheme, text));
        let host = rest.trim_end_matches('/');
        if !is_host(host) {
            return Err(name_error("management point", text, expected));
        }
        Ok(Self { url: format!("{scheme}://{host}"), is_cloud_management_gateway: false })
    }

    /// A cloud management gateway: `HOST/CCM_Proxy_MutualAuth/NUMBER`, always HTTPS.
    ///
    /// # Errors
    /// [`NameError`] for plain HTTP, or when the path is not that of a gateway's management point.
    pub fn cloud_management_gateway(text: &str) -> Result<Self, NameError> {
        let expected = "expected HOST/CCM_Proxy_MutualAuth/NUMBER, for example \
                        cmg.contoso.com/CCM_Proxy_MutualAuth/72057594037928100 (vProxy_Roles.MutualAuthPath in the site database)";
        let (scheme, rest) = split_scheme(text).unwrap_or(("https", text));
        let mut parts = rest.trim_end_matches('/').split('/');
        let (host, endpoint, number) = (parts.next(), parts.next(), parts.next());
        if let (Some(host), Some(endpoint), Some(number), None, "https") =
            (host, endpoint, number, parts.next(), scheme)
        {
            let known = endpoint.eq_ignore_ascii_case("CCM_Proxy_MutualAuth");
            if known
                && is_host(host)
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
            {
                return Ok(Self {
                    url: format!("https://{host}/{endpoint}/{number}"),
                    is_cloud_management_gateway: true,
                });
            }
        }
        Err(name_error("cloud management gateway", text, expected))
    }

    /// What the media of a site call theirs, to the letter.
    pub fn of_medium(url: &str) -> Self {
        let is_gateway = url.to_ascii_lowercase().contains("/ccm_proxy_mutualauth/");
        Self { url: url.to_owned(), is_cloud_management_gateway: is_gateway }
    }

    /// The URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The scheme, `http` or `https`, and the port, where the URL names one.
    pub fn named_port(&self) -> Option<(&str, u16)> {
        let (scheme, rest) = self.url.split_once("://")?;
        let (_, port) = rest.split('/').next()?.split_once(':')?;
        Some((scheme, port.parse().ok()?))
    }

    /// Whether clients reach it over the internet through a gateway.
    pub fn is_cloud_management_gateway(&self) -> bool {
        self.is_cloud_management_gateway
    }
}

fn split_scheme(text: &str) -> Option<(&'static str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Some(("http", rest)),
        "https" => Some(("https", rest)),
        _ => None,
    }
}

/// A DNS name with an optional port.
fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').unwrap_or((text, "443"));
    let labels_fit = name.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    });
    // A sign is a number's to Rust.
    let port_fits =
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    name.len() <= 253 && labels_fit && port_fits
}

/// `https://HOST:PORT/…` without all that is not the host.
pub fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn site_codes_and_package_ids() {
        assert_eq!(SiteCode::new("ps1").map(|code| code.as_str().to_owned()), Ok("PS1".to_owned()));
        assert!(SiteCode::new("PS10").is_err());
        assert!(SiteCode::new("P 1").is_err());
        assert_eq!(
            PackageId::in_file_name("boot.PS100005.wim").map(|id| id.as_str().to_owned()),
            Some("PS100005".to_owned())
        );
        assert!(PackageId::in_file_name("BOOT.ps100005.WIM").is_some());
        for other in [
            "winpe.wim",
            "adk26100.wim",
            "boot.wim",
            "PS100005.wim",
            "boot.PS100005.x64.wim",
            "boot.PS100005",
        ] {
            assert_eq!(PackageId::in_file_name(other), None, "{other}");
        }
        assert!(PackageId::new("PS1000G5").is_err());
    }

    #[test]
    fn labels() {
        assert_eq!(MediaLabel::default().fat(), "CONFIGURATI");
        assert_eq!(MediaLabel::new("0123456789 x").expect("fits").fat(), "0123456789");
        assert_eq!(MediaLabel::new("Contoso 1.0").expect("fits").fat(), "CONTOSO 1_0");
        assert!(MediaLabel::new("a/b").is_err());
        assert!(MediaLabel::new(&"x".repeat(33)).is_err());
        assert!(MediaLabel::new(" padded").is_err());
    }

    #[test]
    fn management_points() {
        let url = |point: Result<ManagementPoint, _>| point.map(|point| point.url().to_owned()).ok();
        assert_eq!(
            url(ManagementPoint::on_premises("mp.contoso.com", "http")).as_deref(),
            Some("http://mp.contoso.com")
        );
        assert_eq!(
            url(ManagementPoint::on_premises("HTTPS://mp:8443/", "http")).as_deref(),
            Some("https://mp:8443")
        );
        for wrong in ["ftp://mp", "mp/path", "", "mp:0", "mp:+443", "mp:", "-mp", "m p"] {
            assert_eq!(url(ManagementPoint::on_premises(wrong, "http")), None, "{wrong}");
        }
        let port = |text| ManagementPoint::on_premises(text, "http").expect("it is one");
        assert_eq!(port("https://mp:8443").named_port(), Some(("https", 8443)));
        assert_eq!(port("mp:8080").named_port(), Some(("http", 8080)));
        assert_eq!(port("mp").named_port(), None);
        let cmg = "cmg.contoso.com/CCM_Proxy_MutualAuth/72057594037928100";
        assert_eq!(url(ManagementPoint::cloud_management_gateway(cmg)), Some(format!("https://{cmg}")));
        for wrong in [
            "cmg.contoso.com",
            "http://cmg.contoso.com/CCM_Proxy_MutualAuth/1",
            "cmg/CCM_Proxy_ServerAuth/1",
            "cmg/CCM_Proxy_MutualAuth/x",
            "cmg/CCM_Proxy_MutualAuth/1/2",
        ] {
            assert_eq!(url(ManagementPoint::cloud_management_gateway(wrong)), None, "{wrong}");
        }
    }
}
