//! A medium that is made somebody else's is what it would be had it been made so, byte for byte.

use std::sync::{Arc, OnceLock};

use media_core::disk::Scheme;
use media_core::env::Env;
use media_core::event::Unobserved;
use media_core::io::{MemorySink, Source};
use media_core::media::identity::{IdentitySource, Kept, MediaGuid};
use media_core::media::names::{ManagementPoint, MediaLabel, SerialNumber};
use media_core::media::variables::XmlForm;
use media_core::sealed::Algorithm;
use media_core::{
    Form, Management, MediaSpec, MediumPartition, Original, Personal, PersonalManagement, Trust,
    VariablesForm, change, seal, stage, verify, write,
};
use media_tests::medium;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::damage::{DISC, STICK, small_boot_image};

const FORMS: [Form; 4] = [
    STICK,
    Form::DiskImage {
        scheme: Scheme::Mbr,
        size: Some(64 << 20),
        cluster_size: Some(512),
        partition: MediumPartition::Whole,
    },
    Form::DiskImage {
        scheme: Scheme::Gpt,
        size: Some(128 << 20),
        cluster_size: Some(512),
        partition: MediumPartition::Fits,
    },
    DISC,
];
const POINTS: [&str; 3] = ["mp.contoso.com", "https://mp2.contoso.com:8443", "http://mp3.contoso.com:8080"];

/// What a medium has that another of the same kind may have otherwise.
#[derive(Debug, Clone)]
struct Own {
    seed: u8,
    label: String,
    point: usize,
    is_dynamic: bool,
    password: Option<String>,
    identity: usize,
    guid: Option<u8>,
    serial: Option<String>,
    variables: Vec<(String, String)>,
}

/// What all media of a kind share.
#[derive(Debug, Clone, Copy)]
struct Kind {
    form: usize,
    autorun: bool,
    algorithm: usize,
    nul_terminated: bool,
    /// Not as many as Windows programs leave, or it could not be told whether it was given.
    trailer: Option<u16>,
}

fn own() -> impl Strategy<Value = Own> {
    let variable = ("[A-Z][A-Za-z0-9_-]{0,6}", "[ -~äß€]{0,200}");
    (
        any::<u8>(),
        "[A-Za-z0-9_-]{1,32}",
        0..POINTS.len(),
        any::<bool>(),
        proptest::option::of("[!-~]{12,40}"),
        0..3_usize,
        proptest::option::of(any::<u8>()),
        proptest::option::of("[A-Z0-9][A-Z0-9-]{0,20}[0-9]"),
        proptest::collection::vec(variable, 0..5),
    )
        .prop_map(|(seed, label, point, is_dynamic, password, identity, guid, serial, variables)| Own {
            seed,
            label,
            point,
            is_dynamic,
            password,
            identity,
            guid,
            serial,
            variables: unique(variables),
        })
}

fn kind() -> impl Strategy<Value = Kind> {
    (0..FORMS.len(), any::<bool>(), 0..3_usize, any::<bool>(), proptest::option::of(100..164_u16)).prop_map(
        |(form, autorun, algorithm, nul_terminated, trailer)| Kind {
            form,
            autorun,
            algorithm,
            nul_terminated,
            trailer,
        },
    )
}

fn unique(variables: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut unique: Vec<(String, String)> = Vec::new();
    for (name, value) in variables {
        if !unique.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
            unique.push((name, value));
        }
    }
    unique
}

/// Two identities that were made before, and one that is made from the seed.
fn identity(number: usize) -> IdentitySource {
    static MADE: OnceLock<[Kept; 2]> = OnceLock::new();
    let fresh = |days| {
        let start = medium::env().now();
        IdentitySource::SelfSigned { start, expiry: start.plus_days(days), key_bits: 2048 }
    };
    let made = MADE.get_or_init(|| {
        [1_u8, 2].map(|seed| {
            let env = Env::new(medium::env().now(), [seed; 32]);
            Kept::new(&fresh(400), None, &env).expect("it can be made")
        })
    });
    made.get(number).map_or_else(|| fresh(365), |kept| IdentitySource::Kept(Box::new(kept.copy())))
}

fn guid(byte: u8) -> MediaGuid {
    MediaGuid::parse(&format!("{{8B9E032D-A106-4E2E-A792-7A58332B96{byte:02X}}}")).expect("a GUID")
}

/// A kept identity has its own.
fn guid_of(own: &Own) -> Option<MediaGuid> {
    own.guid.filter(|_| own.identity >= 2).map(guid)
}

fn management(own: &Own) -> PersonalManagement {
    let point = ManagementPoint::on_premises(POINTS[own.point], "http").expect("a management point");
    let (http_port, https_port) = match point.named_port() {
        Some(("http", port)) => (port, 443),
        Some((_, port)) => (80, port),
        None => (80, 443),
    };
    let management = match own.is_dynamic {
        true => Management::Dynamic(vec![point.clone(), point]),
        false => Management::SiteBased(point),
    };
    PersonalManagement { management, http_port, https_port }
}

fn spec(kind: Kind, own: &Own) -> MediaSpec {
    let form = FORMS[kind.form];
    let mut spec = medium::spec(small_boot_image(), form).expect("the boot image can be opened");
    let site = management(own);
    spec.site.management = site.management;
    (spec.site.http_port, spec.site.https_port) = (site.http_port, site.https_port);
    spec.password = own.password.as_deref().map(Into::into);
    spec.identity = identity(own.identity);
    spec.media_guid = guid_of(own);
    spec.serial_number = own.serial.as_deref().map(|number| SerialNumber::new(number).expect("a number"));
    spec.options.label = MediaLabel::new(&own.label).expect("a label");
    spec.options.autorun = kind.autorun;
    spec.variables =
        own.variables.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    spec.variables_form = VariablesForm {
        algorithm: [Algorithm::Aes128, Algorithm::Aes256, Algorithm::TripleDes][kind.algorithm],
        xml: XmlForm { nul_terminated: kind.nul_terminated, ..XmlForm::default() },
        trailer: kind.trailer,
    };
    spec
}

fn env(own: &Own) -> Env {
    Env::new(medium::env().now(), [own.seed; 32])
}

fn create(spec: &MediaSpec, env: &Env) -> Vec<u8> {
    let mut staged = stage(spec, env, &mut Unobserved).expect("it can be staged");
    let sealed = seal(&mut staged.tree, spec.form, spec.signing_key.as_ref(), &mut Unobserved);
    let mut sink = MemorySink::default();
    write(&sealed.expect("it can be sealed").plan, &mut sink, &mut Unobserved)
        .expect("memory can be written");
    sink.bytes
}

/// What makes a medium of `from` one of `to`.
fn personal(from: &Own, to: &Own) -> Personal {
    let gone = |name: &&String| !to.variables.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    Personal {
        password: Some(to.password.as_deref().map(Into::into)),
        identity: Some(identity(to.identity)),
        media_guid: guid_of(to),
        label: MediaLabel::new(&to.label).ok(),
        management: Some(management(to)),
        serial_number: to.serial.as_deref().map(|number| SerialNumber::new(number).expect("a number")),
        variables: to.variables.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect(),
        without_variables: from.variables.iter().map(|(name, _)| name).filter(gone).cloned().collect(),
    }
}

fn assert_same(found: &[u8], expected: &[u8], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let differs = found.iter().zip(expected).position(|(found, expected)| found != expected);
    assert_eq!(differs, None, "{what}: the first byte that differs");
}

fn check(kind: Kind, from: &Own, to: &Own) {
    // A number cannot be taken away, and names differ in case only where a variable is a new one.
    let mut to = to.clone();
    to.serial = to.serial.or_else(|| from.serial.clone());
    for (name, _) in &mut to.variables {
        let known = from.variables.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        if let Some((known, _)) = known {
            name.clone_from(known);
        }
    }
    let before = create(&spec(kind, from), &env(from));
    let expected = create(&spec(kind, &to), &env(&to));
    let source: Arc<dyn Source> = Arc::new(before.clone());
    let password = from.password.as_deref().map(Into::into);
    let original = Original::open(&source, password.as_ref()).expect("it was made here");
    let made = original.personalise(&personal(from, &to), None, &env(&to)).expect("there is room");

    let mut copy = MemorySink::default();
    write(&made.rework.plan(&source), &mut copy, &mut Unobserved).expect("memory can be written");
    assert_same(&copy.bytes, &expected, "a copy");
    let changed: usize = made.rework.patches.iter().map(|patch| patch.bytes.len()).sum();
    assert!(changed < 200 << 10, "{changed} bytes are others");

    let journal = made.rework.journal(&*source).expect("there is room for it");
    let mut in_place = MemorySink { bytes: before };
    change(&journal, &mut in_place, &mut Unobserved).expect("memory can be written");
    assert_same(&in_place.bytes, &expected, "in place");

    let report =
        verify(Arc::new(copy.bytes), Trust::default(), &mut Unobserved).expect("it can be looked at");
    assert_eq!(report.findings, []);
    assert_eq!(made.rework.receipt.expect("it has a manifest").manifest.identity.label, to.label);
}

#[test]
fn a_personalised_medium_is_the_one_that_would_have_been_made() {
    let config = ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() };
    let strategy = (kind(), own(), own());
    TestRunner::new(config)
        .run(&strategy, |(kind, from, to)| {
            check(kind, &from, &to);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}
