use secrecy::SecretString;

use super::*;
use crate::bytes::{to_hex_lower, to_hex_upper};
use crate::env::Env;
use crate::media::identity::{IdentitySource, MediaGuid, make};
use crate::x509::{self, SelfSignedRequest, to_pem};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a date")
}

/// A certificate that is valid between two days.
fn certificate(name: &str, start: &str, end: &str) -> Certificate {
    let env = Env::new(at(start), [3; 32]);
    let request = SelfSignedRequest {
        common_name: name,
        not_before: at(start),
        not_after: at(end),
        key_bits: 1024,
        extended_key_usage: &[],
    };
    x509::self_signed(&request, &mut env.random("key")).expect("a certificate").certificate
}

/// Base64 by the reader's sister crate, without the lines around it.
fn base64(certificate: &Certificate) -> String {
    let pem = to_pem([certificate]).expect("it is short");
    pem.lines().filter(|line| !line.starts_with('-')).collect::<Vec<_>>().join("\n")
}

/// RFC 4648 section 5, without padding.
fn base64url(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for group in text.as_bytes().chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for digit in 0..=group.len() {
            out.push(char::from(ALPHABET[(bits >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    out
}

fn token(claims: &str) -> String {
    format!("{}.{}.c2lnbmF0dXJl", base64url(r#"{"typ":"JWT","alg":"RS256"}"#), base64url(claims))
}

fn of(list: &[(&str, &str)]) -> Validity {
    let mut variables = Variables::new();
    for (name, value) in list {
        variables.set(name, SecretString::from(*value)).expect("it can be set");
    }
    let mut validity = Validity::default();
    validity.add_variables(&variables);
    validity
}

fn said(validity: &Validity) -> Vec<String> {
    validity.things().iter().map(ToString::to_string).collect()
}

#[test]
fn certificates_are_found_in_every_form() {
    let [first, second] =
        [certificate("first", "2020-01-01", "2030-01-01"), certificate("second", "2020-01-01", "2029-01-01")];
    let (upper, lower) = (to_hex_upper(first.der()), to_hex_lower(second.der()));
    let pem = to_pem([&first, &second]).expect("they are short");
    let (one, other) = (base64(&first), base64(&second));
    let both = ["the certificate `CN=first` in Roots", "the certificate `CN=second` in Roots"];
    for (form, value) in [
        ("hexadecimal", format!("{upper};{lower}")),
        ("hexadecimal without anything between", format!("{upper}{lower}")),
        ("hexadecimal at an odd place", format!("1{upper}, 0{lower}f")),
        ("PEM", pem.clone()),
        ("PEM on one line", pem.replace('\n', " ")),
        ("Base64", format!("{one}*{other}")),
        ("Base64 with white space between", format!("{one}\n\n{other}")),
        ("Base64 without anything between", format!("{}{}", one.replace('\n', ""), other.replace('\n', ""))),
        ("words around them", format!("<Cert>{one}</Cert> and MIIB, 3082, {lower}")),
    ] {
        let validity = of(&[("Roots", &value)]);
        let mut found = said(&validity);
        found.sort();
        assert_eq!(found, both, "{form}");
        assert_eq!(validity.until().map(|(end, _)| end), Some(at("2029-01-01")), "{form}");
    }
}

#[test]
fn tokens_are_found_anywhere() {
    let (exp, nbf) = (at("2027-06-01"), at("2027-01-01"));
    let full = token(&format!(r#"{{"iss":"x","nbf":{},"exp":{}.5}}"#, nbf.unix(), exp.unix()));
    for value in [
        full.clone(),
        format!("Bearer {full}"),
        format!("ccmtoken_{full}"),
        format!("https://x/?a=b.c.d&t={full}&u=1"),
        format!("a.b.{full}.c.d"),
        format!("CCMTOKEN={full};{{\"a\":\"{}\"}}", token(r#"{"nbf":null}"#)),
        full.replace(".c2lnbmF0dXJl", "."),
    ] {
        let validity = of(&[("Token", &value)]);
        assert_eq!(said(&validity), ["the token in Token"], "{value}");
        assert_eq!(validity.until().map(|(end, _)| end), Some(exp), "{value}");
        assert_eq!(validity.from().map(|(start, _)| start), Some(nbf), "{value}");
    }
    let no_algorithm = format!("{}.{}.x", base64url(r#"{"typ":"JWT"}"#), base64url(r#"{"exp":1}"#));
    let pair = full.trim_end_matches(".c2lnbmF0dXJl");
    for other in [no_algorithm.as_str(), pair, "www.contoso.com", "eyJ.eyJ.eyJ", &token(r#"{"exp":"soon"}"#)]
    {
        assert_eq!(said(&of(&[("Token", other)])).len(), 0, "{other}");
    }
    // Times no calendar has are the nearest it has.
    let validity = of(&[("Token", &token(r#"{"exp":1e300,"nbf":-1e300}"#))]);
    assert_eq!(validity.until().map(|(end, _)| end), Some(Timestamp::from_unix(i64::MAX)));
}

#[test]
fn the_media_certificate_is_opened_with_the_medium_s_own_guid() {
    let env = Env::new(at("2027-01-01"), [1; 32]);
    let source =
        IdentitySource::SelfSigned { start: at("2027-01-01"), expiry: at("2028-01-01"), key_bits: 1024 };
    let guid = "{8B9E032D-A106-4E2E-A792-7A58332B96E5}";
    let identity = make(&source, MediaGuid::parse(guid).ok().as_ref(), &env).expect("an identity");
    let pfx = identity.pfx_hex();
    let validity = of(&[("_SMSTSMediaPFX", pfx.expose_secret()), ("_SMSMediaGuid", guid)]);
    assert_eq!(said(&validity), ["the media certificate"]);
    assert_eq!(validity.until().map(|(end, _)| end), Some(at("2028-01-01")));
    assert!(validity.unread().is_empty());
    // Under another GUID it is not opened, and that is said.
    for other in [vec![], vec![("_SMSMediaGuid", "{00000000-A106-4E2E-A792-7A58332B96E5}")]] {
        let mut list = vec![("_SMSTSMediaPFX", pfx.expose_secret())];
        list.extend(other);
        let validity = of(&list);
        assert_eq!((validity.things().len(), validity.unread()), (0, &[Unread::MediaCertificate][..]));
    }
}

#[test]
fn the_latest_start_and_the_earliest_end_decide() {
    let mut validity = Validity::default();
    assert!(validity.until().is_none() && validity.from().is_none() && !validity.is_over(at("2500-01-01")));
    let day = |name: &str, start: &str, end: &str| {
        let variable = name.to_owned();
        let moment = |text: &str| Timestamp::parse(text);
        Dated {
            kind: Kind::Token { variable },
            subject: None,
            not_before: moment(start),
            not_after: moment(end),
        }
    };
    validity.add(day("a", "2026-01-01", "2028-01-01"));
    validity.add(day("b", "2026-06-01", ""));
    validity.add(day("c", "2026-06-01", "2027-01-01"));
    validity.add(day("d", "", "2027-01-01"));
    let name = |found: Option<(Timestamp, &Dated)>| found.map(|(time, thing)| (time, thing.to_string()));
    assert_eq!(name(validity.from()), Some((at("2026-06-01"), "the token in b".to_owned())));
    assert_eq!(name(validity.until()), Some((at("2027-01-01"), "the token in c".to_owned())));
    assert!(!validity.is_over(at("2027-01-01")) && validity.is_over(at("2027-01-01T00:00:01Z")));
    // What starts after another thing's end is never valid.
    validity.add(day("e", "2027-02-01", ""));
    assert!(validity.is_over(at("2026-01-01")));
}

#[test]
fn a_distrusted_certificate_ends_nothing() {
    let mut validity = Validity::default();
    for store in Store::ALL {
        validity.add_trusted(&TrustedCertificate::new(store, certificate("x", "2020-01-01", "2021-01-01")));
    }
    assert_eq!(
        said(&validity),
        ["the trusted root `CN=x`", "the trusted root `CN=x`", "the intermediate `CN=x`"]
    );
}

#[test]
fn what_windows_pe_brings_along_does_not_count() {
    let made = Some(at("2024-04-01"));
    for (issuer, end, counts) in [
        (
            "CN=Microsoft Root Authority, OU=Microsoft Corporation, OU=Copyright (c) 1997 Microsoft Corp.",
            "2030-01-01",
            false,
        ),
        ("CN=Microsoft Root Certificate Authority, DC=microsoft, DC=com", "2030-01-01", false),
        (
            "CN=Microsoft Root Certificate Authority 2011, O=Microsoft Corporation, L=Redmond",
            "2036-03-22",
            false,
        ),
        ("CN=Thawte Timestamping CA, OU=Thawte Certification, O=Thawte", "2020-12-31", false),
        ("CN=Contoso Root", "2025-01-01", true),
        ("CN=Contoso Microsoft AD CS Root, DC=contoso", "2025-01-01", true),
    ] {
        assert_eq!(counts_in_boot_image(issuer, at(end), made), counts, "{issuer}");
    }
    assert!(counts_in_boot_image("CN=Contoso Root", at("1999-01-01"), None));
}

#[test]
fn hostile_values_are_looked_at_for_a_while_only() {
    let many = [
        "3082".repeat(100_000),
        "3082FFFF".repeat(50_000),
        "MIIB".repeat(100_000),
        "MII".to_owned(),
        "3082".to_owned(),
        "ey".repeat(200_000) + ".x.y",
        "eyJ.".repeat(100_000),
        "é3082é".repeat(1000),
        ".".repeat(400_000),
    ];
    for value in &many {
        assert!(said(&of(&[("A", value)])).is_empty());
    }
    let validity = of(&[("A", &many[0])]);
    assert_eq!(validity.unread(), [Unread::TooMuch]);
    // What stands beside the times is passed over without recursion.
    let deep = token(&format!("{{\"exp\":1,\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)));
    assert_eq!(said(&of(&[("A", &deep)])).len(), 1);
    for value in ["", "3", "zz", "30", "3082"] {
        assert_eq!(of(&[("_SMSTSMediaPFX", value)]).unread(), [Unread::MediaCertificate], "{value}");
    }
}

proptest::proptest! {
    #[test]
    fn no_value_is_a_panic(value in "[A-Za-z0-9+/=._ -]{0,300}", head in "(3082|MII|eyJ|)") {
        let value = format!("{head}{value}");
        of(&[("A", &value), ("_SMSTSMediaPFX", &value)]);
    }
}
