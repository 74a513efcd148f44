//! Which names a certificate is for, and which names limits allow.

use der::Decode;
use der::asn1::AnyRef;

use super::{GeneralName, NameConstraints};

/// What name constraints say about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// It is permitted, or nothing is said about names of its form.
    Yes,
    /// It is excluded, or not among what is permitted.
    No,
    /// There are limits for names of its form, which are not understood here.
    Unknown,
}

impl GeneralName {
    /// Whether this is the host's name, or a wildcard for it: `*` as the whole left-most label stands for one label,
    /// with at least two after it (RFC 6125 section 6.4.3).
    pub fn matches_host(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        match self {
            Self::Dns(pattern) => match pattern.strip_prefix("*.") {
                Some(domain) => host.split_once('.').is_some_and(|(label, rest)| {
                    !label.is_empty() && domain.contains('.') && rest.eq_ignore_ascii_case(domain)
                }),
                None => !host.is_empty() && pattern.eq_ignore_ascii_case(host),
            },
            Self::Ip(address) => match host.parse() {
                Ok(std::net::IpAddr::V4(host)) => host.octets()[..] == address[..],
                Ok(std::net::IpAddr::V6(host)) => host.octets()[..] == address[..],
                Err(_) => false,
            },
            Self::Directory(_) | Self::Other(_) => false,
        }
    }

    fn same_form(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Other(one), Self::Other(two)) => one == two,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl NameConstraints {
    /// Whether a name may be in a certificate below the one with these constraints.
    pub fn allow(&self, name: &GeneralName) -> Allowed {
        let mut permitted = self.permitted.iter().filter(|limit| limit.same_form(name)).peekable();
        let mut excluded = self.excluded.iter().filter(|limit| limit.same_form(name)).peekable();
        let limited = permitted.peek().is_some();
        if matches!(name, GeneralName::Other(_)) && (limited || excluded.peek().is_some()) {
            return Allowed::Unknown;
        }
        let is_out = excluded.any(|limit| is_below(name, limit) || covers(name, limit));
        if is_out || (limited && !permitted.any(|limit| is_below(name, limit))) {
            return Allowed::No;
        }
        Allowed::Yes
    }
}

/// RFC 5280 section 4.2.1.10.
fn is_below(name: &GeneralName, limit: &GeneralName) -> bool {
    match (name, limit) {
        (GeneralName::Dns(name), GeneralName::Dns(limit)) => domain_is_below(name, limit),
        (GeneralName::Directory(name), GeneralName::Directory(limit)) => {
            // The parts of a name stand from the general to the special, each with its length.
            let parts = |name| AnyRef::from_der(name).map(|name| name.value()).ok();
            parts(name).zip(parts(limit)).is_some_and(|(name, limit): (&[u8], &[u8])| name.starts_with(limit))
        }
        (GeneralName::Ip(address), GeneralName::Ip(limit)) => {
            let (network, mask) = limit.split_at(limit.len() / 2);
            network.len() == address.len()
                && mask.len() == address.len()
                && (0..mask.len()).all(|at| address[at] & mask[at] == network[at] & mask[at])
        }
        _ => false,
    }
}

/// A wildcard may stand for an excluded name.
fn covers(name: &GeneralName, limit: &GeneralName) -> bool {
    match (name, limit) {
        (GeneralName::Dns(name), GeneralName::Dns(limit)) => {
            name.strip_prefix("*.").is_some_and(|domain| domain_is_below(limit, domain))
        }
        _ => false,
    }
}

/// `contoso.com` has itself and all below it; `.contoso.com`, which the standard does not know, only what is below.
fn domain_is_below(name: &str, limit: &str) -> bool {
    let (name, limit) = (name.to_ascii_lowercase(), limit.to_ascii_lowercase());
    match name.strip_suffix(&limit) {
        Some(before) => {
            before.is_empty() || before.ends_with('.') || limit.is_empty() || limit.starts_with('.')
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns(name: &str) -> GeneralName {
        GeneralName::Dns(name.to_owned())
    }

    #[test]
    fn hosts_match_names_and_wildcards_for_one_label() {
        for (pattern, host, expected) in [
            ("cmg.contoso.com", "CMG.Contoso.com", true),
            ("cmg.contoso.com", "cmg.contoso.com.", true),
            ("cmg.contoso.com", "x.cmg.contoso.com", false),
            ("*.contoso.com", "cmg.contoso.com", true),
            ("*.contoso.com", "a.b.contoso.com", false),
            ("*.contoso.com", "contoso.com", false),
            ("*.contoso.com", ".contoso.com", false),
            ("*.com", "contoso.com", false),
            ("c*.contoso.com", "cmg.contoso.com", false),
            ("cmg.*.com", "cmg.contoso.com", false),
            ("*", "contoso", false),
            ("", "", false),
        ] {
            assert_eq!(dns(pattern).matches_host(host), expected, "{pattern} {host}");
        }
        assert!(GeneralName::Ip(vec![10, 0, 0, 1]).matches_host("10.0.0.1"));
        assert!(!GeneralName::Ip(vec![10, 0, 0, 1]).matches_host("10.0.0.2"));
        assert!(!dns("10.0.0.1").matches_host("10.0.0.2"));
    }

    #[test]
    fn limits_are_those_of_the_standard() {
        let limits = NameConstraints {
            permitted: vec![dns("contoso.com"), GeneralName::Ip(vec![10, 0, 0, 0, 255, 0, 0, 0])],
            excluded: vec![dns("secret.contoso.com"), GeneralName::Other(6)],
        };
        for (name, expected) in [
            (dns("contoso.com"), Allowed::Yes),
            (dns("A.CONTOSO.com"), Allowed::Yes),
            (dns("xcontoso.com"), Allowed::No),
            (dns("fabrikam.com"), Allowed::No),
            (dns("secret.contoso.com"), Allowed::No),
            (dns("a.secret.contoso.com"), Allowed::No),
            (dns("*.contoso.com"), Allowed::No),
            (dns("*.a.contoso.com"), Allowed::Yes),
            (GeneralName::Ip(vec![10, 1, 2, 3]), Allowed::Yes),
            (GeneralName::Ip(vec![11, 1, 2, 3]), Allowed::No),
            (GeneralName::Ip(vec![0; 16]), Allowed::No),
            (GeneralName::Other(6), Allowed::Unknown),
            (GeneralName::Other(1), Allowed::Yes),
        ] {
            assert_eq!(limits.allow(&name), expected, "{name:?}");
        }
        let dotted = NameConstraints { permitted: vec![dns(".contoso.com")], excluded: vec![] };
        assert_eq!(dotted.allow(&dns("contoso.com")), Allowed::No);
        assert_eq!(dotted.allow(&dns("a.contoso.com")), Allowed::Yes);
        let odd = NameConstraints { permitted: vec![GeneralName::Ip(vec![1, 2, 3])], excluded: vec![] };
        assert_eq!(odd.allow(&GeneralName::Ip(vec![1])), Allowed::No);
    }
}
