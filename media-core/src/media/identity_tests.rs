use std::sync::OnceLock;

use super::*;
use crate::pfx;
use crate::referee::{Folder, installed};
use crate::x509;

fn env() -> Env {
    Env::new(Timestamp::parse("2027-01-31").expect("a date"), [9; 32])
}

fn self_signed_source() -> IdentitySource {
    let now = env().now();
    IdentitySource::SelfSigned { start: now, expiry: now.plus_days(365), key_bits: 1024 }
}

fn self_signed() -> &'static Identity {
    static MADE: OnceLock<Identity> = OnceLock::new();
    MADE.get_or_init(|| make(&self_signed_source(), None, &env()).expect("sound"))
}

fn ids(identity: &Identity) -> Vec<&'static str> {
    identity.findings.iter().map(|finding| finding.id).collect()
}

fn pfx_bytes(identity: &Identity) -> Vec<u8> {
    let hex = identity.pfx_hex();
    let hex = secrecy::ExposeSecret::expose_secret(&hex);
    assert!(hex.bytes().all(|digit| digit.is_ascii_digit() || (b'A'..=b'F').contains(&digit)), "upper-case");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

#[test]
fn a_random_guid_has_braces_and_upper_case_and_is_version_4() {
    let guid = MediaGuid::random(&env());
    assert_eq!(guid, MediaGuid::random(&env()), "equal seeds give equal GUIDs");
    assert_eq!(MediaGuid::parse(guid.as_str()).expect("a GUID"), guid);
    let text = guid.as_str();
    assert_eq!((text.len(), &text[..1], &text[15..16]), (38, "{", "4"));
    assert!("89AB".contains(&text[20..21]) && text == text.to_uppercase());
}

#[test]
fn guids_are_kept_as_given_and_the_password_is_their_first_31_characters() {
    use secrecy::ExposeSecret;
    for (guid, password) in [
        ("{09821541-3BE2-421C-AA13-D1E0AD012345}", "{09821541-3BE2-421C-AA13-D1E0AD"),
        ("8AE6B618-77EC-46CB-B1B5-88F693E01234", "8AE6B618-77EC-46CB-B1B5-88F693E"),
        ("affba0f7-65c6-4743-99b0-99af62d01234", "affba0f7-65c6-4743-99b0-99af62d"),
    ] {
        let parsed = MediaGuid::parse(guid).expect("a GUID");
        assert_eq!(parsed.to_string(), guid);
        assert_eq!(pfx_password(&parsed).expose_secret(), password);
    }
    for text in [
        "",
        "{8AE6B618-77EC-46CB-B1B5-88F693E01234",
        "8AE6B618-77EC-46CB-B1B5-88F693E01234}",
        "8AE6B618-77EC-46CB-B1B5-88F693E0123",
        "8AE6B61877EC46CBB1B588F693E01234",
        "GAE6B618-77EC-46CB-B1B5-88F693E01234",
        "8AE6B618-77EC-46CB-B1B5-88F693E0123ä",
    ] {
        assert!(matches!(MediaGuid::parse(text), Err(IdentityError::Guid { .. })), "{text}");
    }
}

#[test]
fn a_self_signed_identity_is_for_client_authentication_and_the_same_each_time() {
    let identity = self_signed();
    assert!(identity.is_self_signed && identity.certificate.self_issued);
    assert_eq!(identity.certificate.subject.common_name.as_deref(), Some(identity.guid.as_str()));
    assert_eq!(
        identity.certificate.extended_key_usage.as_deref(),
        Some(&[x509::CLIENT_AUTHENTICATION.to_owned()][..])
    );
    assert_eq!(
        (identity.certificate.not_before, identity.certificate.not_after),
        (env().now(), env().now().plus_days(365))
    );
    assert_eq!(ids(identity), ["identity.short-key"]);
    let again = make(&self_signed_source(), Some(&identity.guid), &env()).expect("sound");
    assert_eq!(pfx_bytes(&again), pfx_bytes(identity));
    let read = pfx::read(&pfx_bytes(identity), &pfx_password(&identity.guid)).expect("its own password");
    assert_eq!(read.certificate, identity.certificate.der());
    assert!(pfx_bytes(identity).ends_with(&[2, 2, 7, 0xD0]), "2000 iterations, as in real media");
}

#[test]
fn openssl_opens_the_identity_with_the_password_the_engine_uses() {
    if !installed("openssl") {
        return;
    }
    let folder = Folder::new();
    folder.write("media.pfx", &pfx_bytes(self_signed()));
    let password = self_signed().guid.as_str()[..31].to_owned();
    let said = folder.run("openssl", &format!("pkcs12 -in media.pfx -info -nodes -passin pass:{password}"));
    assert!(
        said.contains("MAC: sha1, Iteration 2000")
            && said.contains("Microsoft Enhanced RSA and AES Cryptographic Provider"),
        "{said}"
    );
    assert!(said.contains("-----BEGIN PRIVATE KEY-----"), "{said}");
}

/// Has OpenSSL issue a certificate for a new key, and takes it over at a time.
fn import(folder: &Folder, key: &str, extensions: &str, now: &str) -> Result<Identity, IdentityError> {
    folder.run(
        "openssl",
        &format!("req -x509 -nodes -newkey {key} -keyout k.pem -out c.pem -subj '/CN=Contoso Media' -days 30 {extensions}"),
    );
    folder.run("openssl", "pkcs12 -export -in c.pem -inkey k.pem -out c.pfx -passout pass:imported");
    let source = IdentitySource::Pfx {
        bytes: Zeroizing::new(folder.read("c.pfx")),
        password: SecretString::from("imported"),
    };
    let now = if now == "today" {
        let c = folder.run("openssl", "x509 -in c.pem -noout -startdate -dateopt iso_8601");
        let date = c.trim().trim_start_matches("notBefore=").replace(' ', "T");
        Timestamp::parse(&date).expect("a date").plus_days(1)
    } else {
        Timestamp::parse(now).expect("a date")
    };
    let guid = MediaGuid::parse("8AE6B618-77EC-46CB-B1B5-88F693E01234").expect("a GUID");
    make(&source, Some(&guid), &Env::new(now, [1; 32]))
}

#[test]
fn an_imported_certificate_is_checked_and_put_under_the_media_password() {
    if !installed("openssl") {
        return;
    }
    let folder = Folder::new();
    const CLIENT: &str = "-addext extendedKeyUsage=clientAuth";
    for (key, extensions, now, expected) in [
        ("rsa:2048", CLIENT, "today", &[][..]),
        ("rsa:2048", "-addext extendedKeyUsage=anyExtendedKeyUsage", "today", &[]),
        ("rsa:2048", "-addext extendedKeyUsage=serverAuth", "today", &["identity.no-client-authentication"]),
        ("rsa:2048", "", "today", &["identity.no-extended-key-usage"]),
        ("rsa:1024", CLIENT, "today", &["identity.short-key"]),
        ("rsa:3072", CLIENT, "today", &["identity.long-key"]),
        ("rsa:2048 -sha1", CLIENT, "today", &["identity.weak-signature"]),
        ("rsa:2048", CLIENT, "9000-01-01", &["identity.expired"]),
        ("rsa:2048", CLIENT, "2001-01-01", &["identity.not-yet-valid"]),
    ] {
        let identity = import(&folder, key, extensions, now).expect("sound");
        assert_eq!(ids(&identity), expected, "{key} {extensions} {now}");
        assert!(!identity.is_self_signed);
        let read =
            pfx::read(&pfx_bytes(&identity), &pfx_password(&identity.guid)).expect("the media password");
        folder.run("openssl", "pkcs8 -topk8 -nocrypt -in k.pem -outform DER -out k.der");
        assert!(*read.private_key == folder.read("k.der"), "the same key");
    }
    let refused = import(&folder, "ec -pkeyopt ec_paramgen_curve:P-256", CLIENT, "today").err();
    assert_eq!(refused, Some(IdentityError::NotRsa { subject: "CN=Contoso Media".into() }));
    let source = IdentitySource::Pfx {
        bytes: Zeroizing::new(folder.read("c.pfx")),
        password: SecretString::from("wrong"),
    };
    let refused = make(&source, Some(&self_signed().guid), &env()).err();
    assert_eq!(refused, Some(IdentityError::Pfx(PfxError::WrongPassword)));
}

#[test]
fn a_chain_that_ends_before_a_root_is_a_finding() {
    if !installed("openssl") {
        return;
    }
    let folder = Folder::new();
    let issue = "x509 -req -CAcreateserial -days 30 -extfile e.txt";
    folder.write("e.txt", b"basicConstraints=critical,CA:true\nextendedKeyUsage=clientAuth\n");
    folder.run("openssl", "req -x509 -nodes -newkey rsa:2048 -keyout r.key -out r.pem -subj '/CN=Root'");
    for (name, subject, above) in [("i", "Issuing", "r"), ("m", "Media", "i")] {
        folder.run(
            "openssl",
            &format!("req -nodes -newkey rsa:2048 -keyout {name}.key -out {name}.csr -subj '/CN={subject}'"),
        );
        folder.run(
            "openssl",
            &format!("{issue} -in {name}.csr -CA {above}.pem -CAkey {above}.key -out {name}.pem"),
        );
    }
    folder.write("all.pem", &[folder.read("r.pem"), folder.read("i.pem")].concat());
    for (certificates, missing) in [
        ("-certfile all.pem", None),
        ("-certfile i.pem", Some("`CN=Root`")),
        ("-certfile r.pem", Some("`CN=Issuing`")),
        ("", Some("`CN=Issuing`")),
    ] {
        folder.run(
            "openssl",
            &format!(
                "pkcs12 -export -in m.pem -inkey m.key {certificates} -out m.pfx -passout 'pass:Zürich €'"
            ),
        );
        let password = SecretString::from("Zürich €");
        let source = IdentitySource::Pfx { bytes: Zeroizing::new(folder.read("m.pfx")), password };
        let kept = Kept::new(&source, None, &env()).expect("sound");
        let now = kept.certificate.not_before;
        let found = kept.findings(now);
        let found = found.iter().find(|finding| finding.id == "identity.incomplete-chain");
        match (found, missing) {
            (None, None) => {}
            (Some(found), Some(name)) => assert!(found.message.contains(name), "{}", found.message),
            (found, _) => assert!(found.is_none() && missing.is_none(), "{certificates}: {found:?}"),
        }
    }
}

#[test]
fn an_identity_is_kept_in_a_file_that_openssl_reads() {
    let kept = Kept::new(&self_signed_source(), None, &env()).expect("sound");
    for password in ["", "Zürich €"] {
        let secret = SecretString::from(password);
        let file = kept.write(&secret, &env()).expect("written");
        assert_eq!(*file, *kept.write(&secret, &env()).expect("written"), "equal seeds, equal files");
        let read = Kept::read(&file, &secret).expect("its own password");
        assert_eq!((&read.guid, &read.certificate), (&kept.guid, &kept.certificate));
        assert!(read.is_self_signed && read.chain.is_empty());
        let of = |kept: &Kept| pfx_bytes(&kept.for_media(&env()).expect("written"));
        assert_eq!(of(&read), of(&kept), "the same on media");
        assert_eq!(
            Kept::read(&file, &SecretString::from("wrong")).err(),
            Some(IdentityError::Pfx(PfxError::WrongPassword))
        );
        if installed("openssl") {
            let folder = Folder::new();
            folder.write("identity.p12", &file);
            let said =
                folder.run("openssl", &format!("pkcs12 -in identity.p12 -nodes -passin 'pass:{password}'"));
            assert!(said.contains(&format!("friendlyName: {}", kept.guid)), "{said}");
            assert!(said.contains("-----BEGIN PRIVATE KEY-----"), "{said}");
        }
    }
    // What media carry is no file to keep: it does not say its GUID.
    let carried = pfx_bytes(&kept.for_media(&env()).expect("written"));
    let refused = Kept::read(&carried, &pfx_password(&kept.guid)).err();
    assert_eq!(refused, Some(IdentityError::NoGuid { found: Some("Task sequence media".to_owned()) }));
    let back = Kept::of_medium(kept.guid.as_str(), &carried).expect("as media carry it");
    assert!(back.is_self_signed && back.certificate == kept.certificate);
}
