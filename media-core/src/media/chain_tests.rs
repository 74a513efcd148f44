use super::*;
use crate::certstore;
use crate::referee::{Folder, installed};
use crate::x509::{read_file, to_pem};

const CA: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign";
const LEAF: &str = "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\n\
    extendedKeyUsage=serverAuth\nsubjectAltName=DNS:*.contoso.com";
const HOST: &str = "cmg.contoso.com";

/// One certificate that openssl shall make, with key identifiers. Other extensions are lines of its configuration file; none make version 1.
#[derive(Clone, Copy)]
struct Make {
    name: &'static str,
    issuer: &'static str,
    extensions: &'static str,
    days: i64,
    options: &'static str,
}

/// The names from the server to the root, which is what a case changes.
const SOUND: [Make; 4] = [
    Make { name: "leaf", issuer: "issuing", extensions: LEAF, days: 300, options: "" },
    Make { name: "issuing", issuer: "policy", extensions: CA, days: 600, options: "" },
    Make { name: "policy", issuer: "root", extensions: CA, days: 900, options: "" },
    Make { name: "root", issuer: "root", extensions: CA, days: 3000, options: "" },
];

const EC: &str = "ec -pkeyopt ec_paramgen_curve:P-256";
const RSA: &str = "rsa:1024";

fn make(folder: &Folder, all: &[Make], key: &str) {
    for Make { name, issuer, extensions, days, options } in all.iter().rev() {
        let section = if extensions.is_empty() { String::new() } else { format!("[v3]\n{extensions}\n") };
        let config =
            format!("[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nO=Contoso\nCN={name}\n{section}");
        folder.write(&format!("{name}.cnf"), config.as_bytes());
        let v3 = if extensions.is_empty() { "" } else { "-extensions v3" };
        let signer = match name == issuer {
            true => String::new(),
            false => format!("-CA {issuer}.pem -CAkey {issuer}.key"),
        };
        folder.run(
            "openssl",
            &format!(
                "req -x509 -nodes -config {name}.cnf {v3} -keyout {name}.key -out {name}.pem -days {days} \
                 -newkey {key} {signer} {options}"
            ),
        );
    }
}

fn read(folder: &Folder, name: &str) -> Certificate {
    read_file(&folder.read(&format!("{name}.pem"))).expect(name).remove(0)
}

fn read_all(folder: &Folder, names: &str) -> Vec<Certificate> {
    names.split_whitespace().map(|name| read(folder, name)).collect()
}

fn in_store(store: Store, certificates: &[Certificate]) -> Vec<KnownCertificate> {
    certificates.iter().map(|certificate| KnownCertificate::new(store, certificate.clone(), None)).collect()
}

/// A case: what is other than in [`SOUND`], the server's file, the image's CA and ROOT stores, how many days from now,
/// and what is said; `None` when it is proven.
struct Case {
    what: &'static str,
    change: fn(&mut [Make; 4]),
    sent: &'static str,
    known: &'static str,
    roots: &'static str,
    after: i64,
    said: Option<&'static str>,
}

const CASE: Case = Case {
    what: "",
    change: |_| (),
    sent: "leaf issuing policy",
    known: "",
    roots: "root",
    after: 1,
    said: None,
};

/// Verdicts in which openssl has to agree.
const CASES: [Case; 24] = [
    Case { what: "sound", ..CASE },
    Case { what: "in any order, with the root", sent: "root policy leaf issuing", ..CASE },
    Case { what: "intermediates of the image", sent: "leaf", known: "policy issuing", ..CASE },
    Case { what: "half and half", sent: "leaf issuing", known: "policy", ..CASE },
    Case {
        what: "no first link",
        sent: "leaf",
        said: Some("issuer of `CN=leaf, O=Contoso` was not found: `CN=issuing"),
        ..CASE
    },
    Case {
        what: "no second link",
        sent: "leaf issuing",
        said: Some("issuer of `CN=issuing, O=Contoso` was not found: `CN=policy"),
        ..CASE
    },
    Case {
        what: "no root",
        roots: "other",
        said: Some("issuer of `CN=policy, O=Contoso` was not found: `CN=root"),
        ..CASE
    },
    Case {
        what: "root not trusted",
        sent: "leaf issuing policy root",
        roots: "other",
        said: Some("the root `CN=root, O=Contoso` is not trusted"),
        ..CASE
    },
    Case {
        what: "an intermediate among the roots",
        sent: "leaf issuing",
        roots: "policy",
        said: Some("issuer of `CN=policy, O=Contoso` was not found"),
        ..CASE
    },
    Case {
        what: "root of another key",
        change: |all| all[2].extensions = "basicConstraints=CA:TRUE\nauthorityKeyIdentifier=none",
        roots: "again",
        said: Some(
            "certificate 3 of the chain, `CN=root, O=Contoso`: it did not sign `CN=policy, O=Contoso`: the signature was not",
        ),
        ..CASE
    },
    Case {
        what: "leaf expired",
        after: 400,
        said: Some("certificate 0 of the chain, `CN=leaf, O=Contoso`: it expired on"),
        ..CASE
    },
    Case {
        what: "issuing expired",
        change: |all| all[1].days = 100,
        after: 200,
        said: Some("certificate 1 of the chain, `CN=issuing, O=Contoso`: it expired on"),
        ..CASE
    },
    Case {
        what: "root expired",
        change: |all| all[3].days = 100,
        after: 200,
        said: Some("certificate 3 of the chain, `CN=root, O=Contoso`: it expired on"),
        ..CASE
    },
    Case {
        what: "not valid yet",
        after: -2,
        said: Some("certificate 0 of the chain, `CN=leaf, O=Contoso`: it is not valid before"),
        ..CASE
    },
    Case {
        what: "no authority",
        change: |all| all[1].extensions = "basicConstraints=CA:FALSE",
        said: Some("certificate 1 of the chain, `CN=issuing, O=Contoso`: it is no certification authority"),
        ..CASE
    },
    Case {
        what: "an intermediate that does not say so",
        change: |all| all[1].extensions = "keyUsage=digitalSignature",
        said: Some("`CN=issuing, O=Contoso`: it is no certification authority"),
        ..CASE
    },
    Case {
        what: "path length",
        change: |all| all[2].extensions = "basicConstraints=CA:TRUE,pathlen:0",
        said: Some(
            "certificate 2 of the chain, `CN=policy, O=Contoso`: it allows 0 authorities below it, and there are 1",
        ),
        ..CASE
    },
    Case {
        what: "path length of a root",
        change: |all| all[3].extensions = "basicConstraints=CA:TRUE,pathlen:1",
        said: Some("`CN=root, O=Contoso`: it allows 1 authorities below it, and there are 2"),
        ..CASE
    },
    Case {
        what: "key usage",
        change: |all| all[1].extensions = "basicConstraints=CA:TRUE\nkeyUsage=cRLSign",
        said: Some("`CN=issuing, O=Contoso`: its key usage (cRLSign) does not allow it to sign certificates"),
        ..CASE
    },
    Case {
        what: "purpose of the leaf",
        change: |all| all[0].extensions = "extendedKeyUsage=clientAuth\nsubjectAltName=DNS:*.contoso.com",
        said: Some("`CN=leaf, O=Contoso`: it is not for servers, but for 1.3.6.1.5.5.7.3.2"),
        ..CASE
    },
    Case {
        what: "purpose of an authority",
        change: |all| all[1].extensions = "basicConstraints=CA:TRUE\nextendedKeyUsage=codeSigning",
        said: Some("`CN=issuing, O=Contoso`: it is not for servers, but for 1.3.6.1.5.5.7.3.3"),
        ..CASE
    },
    Case {
        what: "host",
        change: |all| all[0].extensions = "subjectAltName=DNS:*.fabrikam.com,DNS:contoso.com",
        said: Some("it is not for the host cmg.contoso.com, but for *.fabrikam.com, contoso.com"),
        ..CASE
    },
    Case {
        what: "name constraints",
        change: |all| {
            all[2].extensions =
                "basicConstraints=CA:TRUE\nnameConstraints=critical,permitted;DNS:fabrikam.com"
        },
        said: Some("`CN=policy, O=Contoso`: its name constraints do not allow `*.contoso.com`"),
        ..CASE
    },
    Case {
        what: "a critical extension",
        change: |all| all[0].extensions = "1.2.3.4=critical,DER:0500\nsubjectAltName=DNS:*.contoso.com",
        said: Some("`CN=leaf, O=Contoso`: its critical extension 1.2.3.4 is not understood"),
        ..CASE
    },
];

#[test]
fn verdicts_are_those_of_openssl() {
    if !installed("openssl") {
        return;
    }
    let folder = Folder::new();
    let other = Make { name: "other", issuer: "other", extensions: CA, days: 3000, options: "" };
    make(&folder, &[other], EC);
    // The same name with another key.
    make(&folder, &SOUND[3..], EC);
    folder.run("openssl", "x509 -in root.pem -out again.pem");
    for (index, case) in CASES.iter().enumerate() {
        let mut all = SOUND;
        (case.change)(&mut all);
        make(&folder, &all, if index % 2 == 0 { RSA } else { EC });
        check(&folder, case);
    }
}

fn check(folder: &Folder, case: &Case) {
    let (what, sent) = (case.what, read_all(folder, case.sent));
    let (known, roots) = (read_all(folder, case.known), read_all(folder, case.roots));
    let stores = [in_store(Store::Ca, &known), in_store(Store::Root, &roots)].concat();
    let time = read(folder, "leaf").not_before.plus_days(case.after);
    let proven = prove(&ChainRequest { server: &sent, stores: &stores, host: Some(HOST), time });
    match (&proven, case.said) {
        (Ok(chain), None) => {
            let expected = read_all(folder, "leaf issuing policy root");
            assert_eq!(chain.certificates, expected, "{what}");
        }
        (Err(error), Some(said)) => assert!(error.to_string().contains(said), "{what}: {error}"),
        (other, _) => unreachable!("{what}: {other:?}"),
    }
    folder.write("roots", to_pem(&roots).expect("short").as_bytes());
    folder.write("untrusted", to_pem(sent.iter().chain(&known)).expect("short").as_bytes());
    let (agreed, said) = folder.try_run(
        "openssl",
        &format!(
            "verify -attime {} -purpose sslserver -verify_hostname {HOST} -CAfile roots -untrusted untrusted leaf.pem",
            time.unix()
        ),
    );
    assert_eq!(agreed, proven.is_ok(), "{what}: {said}");
}

/// A sound chain, its file and the root's store entry.
fn sound(change: fn(&mut [Make; 4])) -> (Folder, Vec<Certificate>, KnownCertificate) {
    let folder = Folder::new();
    let mut all = SOUND;
    change(&mut all);
    make(&folder, &all, RSA);
    let sent = read_all(&folder, "leaf issuing policy");
    let root = KnownCertificate::new(Store::AuthRoot, read(&folder, "root"), None);
    (folder, sent, root)
}

fn prove_with(sent: &[Certificate], stores: &[KnownCertificate]) -> Result<Chain, ChainError> {
    let time = sent[0].not_before.plus_days(1);
    prove(&ChainRequest { server: sent, stores, host: Some(HOST), time })
}

fn check_of(result: Result<Chain, ChainError>) -> Check {
    match result {
        Err(ChainError::Refused { check, .. }) => check,
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn what_the_image_forbids_or_limits_is_not_proven() {
    if !installed("openssl") {
        return;
    }
    let (_folder, sent, root) = sound(|_| ());
    assert_eq!(prove_with(&sent, std::slice::from_ref(&root)).expect("sound").store, Store::AuthRoot);
    for forbidden in sent.iter().chain([&root.certificate]) {
        let stores = [root.clone(), KnownCertificate::new(Store::Disallowed, forbidden.clone(), None)];
        assert_eq!(check_of(prove_with(&sent, &stores)), Check::Disallowed, "{}", forbidden.subject.text);
    }
    // SEQUENCE OF: code signing; server authentication; no DER at all.
    for (value, expected) in [
        (
            &b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x03"[..],
            Some(vec!["1.3.6.1.5.5.7.3.3".to_owned()]),
        ),
        (b"\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01", None),
        (b"x", Some(vec![])),
    ] {
        let properties = [(certstore::PURPOSES, value.to_vec())];
        let blob = certstore::serialize(&properties, root.certificate.der()).expect("short");
        let limited = KnownCertificate::new(root.store, root.certificate.clone(), Some(&blob));
        match (prove_with(&sent, &[limited]), expected) {
            (Ok(_), None) => {}
            (result, Some(found)) => assert_eq!(check_of(result), Check::StorePurposes { found }),
            (other, None) => unreachable!("{other:?}"),
        }
    }
}

#[test]
fn a_missing_link_is_named_with_its_key() {
    if !installed("openssl") {
        return;
    }
    let (folder, sent, root) = sound(|_| ());
    let key_identifier = root.certificate.subject_key_identifier.as_deref().map(to_hex_upper);
    assert!(key_identifier.is_some());
    make(&folder, &SOUND[3..], RSA);
    let renewed = KnownCertificate::new(Store::Root, read(&folder, "root"), None);
    for (stores, other_key) in [(vec![], false), (vec![renewed], true)] {
        let expected = ChainError::MissingIssuer {
            subject: "CN=policy, O=Contoso".to_owned(),
            issuer: "CN=root, O=Contoso".to_owned(),
            key_identifier: key_identifier.clone(),
            other_key,
        };
        assert_eq!(prove_with(&sent, &stores), Err(expected));
    }
}

#[test]
fn roots_are_warned_of() {
    if !installed("openssl") {
        return;
    }
    let (_folder, sent, root) = sound(|all| {
        all[1].options = "-sha1";
        // Version 1, as roots of the 1990s are.
        all[3] = Make { extensions: "", options: "-sha1", ..all[3] };
    });
    let chain = prove_with(&sent, std::slice::from_ref(&root)).expect("sound");
    let weak = |matters| CertificateProblem::WeakHash {
        hash: "SHA-1",
        algorithm: "sha1WithRSAEncryption".to_owned(),
        matters,
    };
    let of = |subject: &str, problem| ChainWarning::Certificate { subject: subject.to_owned(), problem };
    let expected = [
        of("CN=issuing, O=Contoso", weak(true)),
        of("CN=root, O=Contoso", CertificateProblem::NoBasicConstraints),
        of("CN=root, O=Contoso", weak(false)),
        ChainWarning::TooNewForFirmware {
            subject: "CN=root, O=Contoso".to_owned(),
            not_before: root.certificate.not_before,
        },
    ];
    assert_eq!(chain.warnings, expected);
    let mut older = root;
    older.certificate.not_before = root_checks::FIRMWARE_DEFAULT_DATE;
    assert_eq!(prove_with(&sent, &[older]).expect("sound").warnings, expected[..3]);
}

#[test]
fn the_common_name_is_noted_and_not_taken() {
    if !installed("openssl") {
        return;
    }
    let folder = Folder::new();
    let leaf =
        Make { name: "cmg.contoso.com", issuer: "root", extensions: "keyUsage=digitalSignature", ..SOUND[0] };
    make(&folder, &[leaf, SOUND[3]], EC);
    let sent = read_all(&folder, "cmg.contoso.com");
    let stores = in_store(Store::Root, &read_all(&folder, "root"));
    let expected = Check::Host { host: HOST.to_owned(), found: vec![], only_common_name: true };
    assert_eq!(check_of(prove_with(&sent, &stores)), expected);
    let time = sent[0].not_before;
    let any = prove(&ChainRequest { server: &sent, stores: &stores, host: None, time });
    assert_eq!(any.expect("sound").certificates.len(), 2);
}

#[test]
fn a_server_may_be_its_own_root() {
    if !installed("openssl") {
        return;
    }
    let folder = Folder::new();
    make(&folder, &[Make { issuer: "leaf", ..SOUND[0] }], EC);
    let sent = read_all(&folder, "leaf");
    assert!(matches!(prove_with(&sent, &[]), Err(ChainError::UntrustedRoot { .. })));
    assert_eq!(prove_with(&sent, &in_store(Store::Root, &sent)).expect("trusted").certificates, sent);
}

#[test]
fn the_servers_certificate_is_found_in_its_file() {
    if !installed("openssl") {
        return;
    }
    let (folder, sent, _) = sound(|_| ());
    assert_eq!(server_certificate(&[sent[1].clone(), sent[0].clone()]), Ok(&sent[0]));
    assert_eq!(server_certificate(&sent[1..]), Ok(&sent[1]), "authorities alone: the lowest");
    make(&folder, &[Make { name: "second", ..SOUND[0] }], RSA);
    let two = [sent[0].clone(), read(&folder, "second")];
    for file in [&two[..], &[]] {
        let error = ChainError::NoServerCertificate { count: file.len() };
        assert_eq!(server_certificate(file), Err(error));
    }
}

/// Two authorities that certified each other, many times over, and a chain that is too long.
#[test]
fn circles_and_long_chains_end() {
    if !installed("openssl") {
        return;
    }
    let folder = Folder::new();
    make(
        &folder,
        &[SOUND[0], Make { issuer: "issuing", ..SOUND[1] }, Make { issuer: "policy", ..SOUND[2] }],
        EC,
    );
    let leaf = read(&folder, "leaf");
    let mut sent = vec![leaf];
    for (subject, issuer) in [("issuing", "policy"), ("policy", "issuing")].repeat(20) {
        // Each has another serial number.
        folder.run(
            "openssl",
            &format!(
                "req -x509 -config {subject}.cnf -extensions v3 -key {subject}.key -out cross.pem -days 600 \
                 -CA {issuer}.pem -CAkey {issuer}.key"
            ),
        );
        sent.push(read(&folder, "cross"));
    }
    let root = in_store(Store::Root, &[]);
    assert_eq!(prove_with(&sent, &root), Err(ChainError::TooManyTried));

    const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let mut long = vec![Make { issuer: NAMES[0], ..SOUND[0] }];
    for (at, name) in NAMES.into_iter().enumerate() {
        let issuer = NAMES.get(at + 1).copied().unwrap_or(name);
        long.push(Make { name, issuer, ..SOUND[3] });
    }
    make(&folder, &long, EC);
    let stores = in_store(Store::Root, &[read(&folder, "l")]);
    let sent: Vec<Certificate> = read_all(&folder, "leaf a b c d e f g h i j k");
    assert_eq!(prove_with(&sent, &stores), Err(ChainError::TooDeep));
    make(&folder, &[Make { issuer: "d", ..SOUND[0] }], EC);
    let sent = read_all(&folder, "leaf d e f g h i j k");
    assert_eq!(prove_with(&sent, &stores).expect("ten are not too many").certificates.len(), DEEPEST);
}
