//! The rows: facts, and what a rule answers to them.

use super::super::client_settings::ClientSettings;
use super::super::deployment::Deployment;
use super::super::facts::*;
use super::super::task_sequence::{self, TaskSequence};
use super::Expected::{self, CannotKnow, DoesNotApply, Fail, Pass};
use crate::finding::Finding;
use crate::media::boot_image::{Architecture, BootManagerSet, StartedProgram};
use crate::media::chain::{Chain, ChainError, ChainWarning};
use crate::media::components::{Components, ConfigurationManager, REQUIRED};
use crate::media::names::ManagementPoint;
use crate::media::password::strength;
use crate::media::store::{Store, TrustedCertificate};
use crate::media::validity::{Dated, Kind, Validity};
use crate::pe::{SignedDigest, Signer};
use crate::spec::{Form, Management, MediumPartition};
use crate::time::Timestamp;
use crate::x509::Certificate;

/// When the fixture's certificate is valid, from 2026 to 2046.
pub const NOW: Timestamp = Timestamp::from_unix_const(1_798_761_600);
const CMG: &str = "cmg.contoso.com/CCM_Proxy_MutualAuth/72057594037928100";

pub struct Row {
    pub id: &'static str,
    pub expected: Expected,
    /// What is said with it.
    pub says: &'static str,
    pub facts: Facts,
}

fn row(id: &'static str, expected: Expected, says: &'static str, facts: Facts) -> Row {
    Row { id, expected, says, facts }
}

pub fn rows() -> Vec<Row> {
    [
        site(),
        deployment(),
        sequence(),
        settings(),
        management_point(),
        trust(),
        identity(),
        boot_image(),
        medium(),
        network(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn nothing() -> Facts {
    Facts::none(NOW)
}

/// A medium for a gateway, and what else is changed.
fn gateway(change: impl FnOnce(&mut Facts)) -> Facts {
    let point = ManagementPoint::cloud_management_gateway(CMG).expect("a gateway");
    let mut facts = Facts { medium: Some(of_medium(Management::SiteBased(point))), ..nothing() };
    change(&mut facts);
    facts
}

/// A medium for a management point, likewise.
fn intranet(point: &str, change: impl FnOnce(&mut Facts)) -> Facts {
    let point = ManagementPoint::on_premises(point, "http").expect("a management point");
    let mut facts = Facts { medium: Some(of_medium(Management::SiteBased(point))), ..nothing() };
    change(&mut facts);
    facts
}

fn of_medium(management: Management) -> MediumFacts {
    MediumFacts {
        management,
        http_port: 80,
        https_port: 443,
        has_password: true,
        is_imported: false,
        has_given_guid: false,
        form: Form::DiskImage {
            scheme: crate::disk::Scheme::Gpt,
            size: None,
            cluster_size: None,
            partition: MediumPartition::Whole,
        },
        management_point: Overruled::No,
        has_root_variable: false,
        join_type: None,
        has_client_properties: false,
        boot_files: Vec::new(),
    }
}

fn change_medium(facts: &mut Facts, change: impl FnOnce(&mut MediumFacts)) {
    change(facts.medium.as_mut().expect("there is one"));
}

fn version(text: &str) -> Option<SiteVersion> {
    Some(SiteVersion::parse(text).expect("a version"))
}

fn image() -> BootImageFacts {
    let signer = Signer {
        subject: "Microsoft Windows".to_owned(),
        issuer: BootManagerSet::Ca2023.authority().to_owned(),
        chain: Vec::new(),
        digest: SignedDigest::Matches,
    };
    let program = StartedProgram {
        path: "EFI/Boot/bootx64.efi".to_owned(),
        origin: r"\Windows\Boot\EFI_EX\bootmgfw_EX.efi".to_owned(),
        signers: Ok(vec![signer]),
    };
    let engine = ConfigurationManager { folder: r"\sms\bin\x64".to_owned(), version: None };
    BootImageFacts {
        len: 500 << 20,
        architecture: Architecture::X64,
        boot_manager: BootManagerSet::Ca2023,
        programs: vec![program],
        components: Some(Components {
            configuration_manager: Some(engine),
            optional: REQUIRED.map(str::to_owned).to_vec(),
        }),
        roots: Some(1),
    }
}

fn with_image(change: impl FnOnce(&mut BootImageFacts)) -> Facts {
    let mut image = image();
    change(&mut image);
    gateway(|facts| facts.boot_image = Some(image))
}

fn signers(facts: &mut BootImageFacts) -> &mut Vec<Signer> {
    facts.programs[0].signers.as_mut().expect("they can be read")
}

fn certificate() -> Certificate {
    let pem = include_bytes!("../../../../../tests/cli/fixtures/root.pem");
    crate::x509::read_file(pem).expect("a certificate").remove(0)
}

/// The same, if it is believed what it says of its signature: sha1WithRSAEncryption instead of sha256WithRSAEncryption.
fn signed_with_sha1() -> Certificate {
    let mut der = certificate().der().to_vec();
    const SHA256: [u8; 9] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B];
    for at in 0..der.len() - SHA256.len() {
        if der[at..].starts_with(&SHA256) {
            der[at + 8] = 0x05;
        }
    }
    Certificate::from_der(&der).expect("a certificate")
}

fn with_identity(change: impl FnOnce(&mut IdentityFacts)) -> Facts {
    let mut identity = IdentityFacts { certificate: certificate(), findings: Vec::new() };
    change(&mut identity);
    gateway(|facts| facts.identity = Some(identity))
}

/// A medium with a token that is valid from and to these moments.
fn valid(not_before: Option<Timestamp>, not_after: Option<Timestamp>) -> Facts {
    let mut validity = Validity::default();
    let kind = Kind::Token { variable: "ContosoToken".to_owned() };
    validity.add(Dated { kind, subject: None, not_before, not_after });
    gateway(|facts| facts.validity = Some(validity))
}

fn password(password: &str) -> Facts {
    let strength = strength(&password.into(), &[]);
    gateway(|facts| facts.password = Some(strength))
}

fn trusted(store: Store) -> Option<Vec<TrustedCertificate>> {
    Some(vec![TrustedCertificate::new(store, certificate())])
}

fn proven(warnings: Vec<ChainWarning>) -> Option<Result<Chain, ChainError>> {
    Some(Ok(Chain { certificates: Vec::new(), store: Store::AuthRoot, warnings }))
}

/// A task sequence of steps.
fn steps(inner: &str) -> TaskSequence {
    task_sequence::read(format!("<sequence>{inner}</sequence>").as_bytes()).expect("a task sequence")
}

const APPLY: &str = r#"<step type="SMS_TaskSequence_ApplyOperatingSystemAction" name="Apply"/>"#;
const CHILD: &str = r#"<subtasksequence><defaultVarList><variable property="TsPackageID">PS100099</variable></defaultVarList></subtasksequence>"#;

fn step(kind: &str, property: &str, value: &str) -> String {
    format!(
        r#"<step type="SMS_TaskSequence_{kind}Action" name="{kind}"><defaultVarList><variable property="{property}">{value}</variable></defaultVarList></step>"#
    )
}

fn under_condition(step: &str) -> String {
    format!(r#"<group name="g"><condition><expression/></condition>{step}</group>"#)
}

fn with_steps(inner: &str) -> Facts {
    let sequence = steps(inner);
    gateway(|facts| facts.task_sequence = Some(sequence))
}

fn deployed(flags: u32, client_flags: u32, offer: u32) -> Option<Deployment> {
    Some(Deployment {
        id: Some("PS120012".to_owned()),
        package_id: Some("PS100012".to_owned()),
        program: Some("*".to_owned()),
        flags: Some(flags),
        client_flags: Some(client_flags),
        offer: Some(offer),
    })
}

fn with_deployment(flags: u32, client_flags: u32, offer: u32) -> Facts {
    gateway(|facts| facts.deployment = deployed(flags, client_flags, offer))
}

/// The deployment's summary, which says nothing of flags.
fn summary() -> Facts {
    gateway(|facts| facts.deployment = Some(Deployment::default()))
}

fn site() -> Vec<Row> {
    let mut rows = Vec::new();
    for (id, least, before) in [
        ("site.bootable-media-over-gateway", "2010", "2006"),
        ("site.windows-pe-over-internet", "2006", "2002"),
        ("site.imaging-from-software-center", "2006", "2002"),
    ] {
        rows.extend([
            row(id, Pass, "", gateway(|facts| facts.site_version = version(least))),
            row(id, Fail, "the site has version", gateway(|facts| facts.site_version = version(before))),
            row(id, CannotKnow, "", gateway(|_| ())),
            row(id, DoesNotApply, "gateway", intranet("mp", |_| ())),
        ]);
    }
    let id = "site.management-point-for-intranet-too";
    rows.extend([
        row(id, Pass, "", gateway(|facts| facts.site_version = version("2107"))),
        row(id, CannotKnow, "2010", gateway(|facts| facts.site_version = version("2010"))),
        row(id, CannotKnow, "2103", gateway(|facts| facts.site_version = version("2103"))),
        row(id, DoesNotApply, "gateway", intranet("mp", |_| ())),
    ]);
    let arm = |text: Option<&str>| {
        let mut facts = with_image(|image| image.architecture = Architecture::Arm64);
        facts.site_version = text.and_then(version);
        facts
    };
    let id = "site.arm64-media";
    rows.extend([
        row(id, Pass, "", arm(Some("2403"))),
        row(id, Fail, "2309", arm(Some("2309"))),
        row(id, CannotKnow, "", arm(None)),
        row(id, DoesNotApply, "not for ARM64", with_image(|_| ())),
    ]);
    let id = "site.boundary-group-has-management-point";
    rows.extend([
        row(id, Pass, "", gateway(|facts| facts.site_version = version("2503"))),
        row(id, CannotKnow, "2509", gateway(|facts| facts.site_version = version("2509"))),
    ]);
    rows
}

fn deployment() -> Vec<Row> {
    let of = |package: Option<&str>, change: fn(&mut Deployment)| {
        let mut facts = with_deployment(0, 0, 2);
        let package_id = package.map(str::to_owned);
        facts.task_sequence = Some(TaskSequence { package_id, ..TaskSequence::default() });
        change(facts.deployment.as_mut().expect("there is one"));
        facts
    };
    let id = "deployment.of-task-sequence";
    let mut rows = vec![
        row(id, Pass, "", of(Some("PS100012"), |_| ())),
        row(id, Fail, "PS100013", of(Some("PS100013"), |_| ())),
        row(
            id,
            Fail,
            "of a program",
            of(Some("PS100012"), |deployment| deployment.program = Some("Install".to_owned())),
        ),
        row(id, CannotKnow, "", of(None, |_| ())),
        row(id, CannotKnow, "of what", of(Some("PS100012"), |deployment| deployment.package_id = None)),
    ];
    let id = "deployment.allows-internet";
    rows.extend([
        row(id, Pass, "", with_deployment(0x0004_0000, 0, 2)),
        row(id, Fail, "intranet only", with_deployment(0x000C_0000, 0, 2)),
        row(id, CannotKnow, "summary", summary()),
        row(id, CannotKnow, "", gateway(|_| ())),
        row(id, DoesNotApply, "gateway", intranet("mp", |_| ())),
    ]);
    let id = "deployment.available-to-media";
    rows.extend([
        row(id, Pass, "", with_deployment(0x0004_0000, 0, 2)),
        row(id, Pass, "", with_deployment(0x1000_0000, 0, 2)),
        row(id, Fail, "clients only", with_deployment(0x0032_0000, 0, 2)),
        row(id, CannotKnow, "summary", summary()),
    ]);
    let id = "deployment.downloads-when-needed";
    rows.extend([
        row(id, Pass, "", with_deployment(0, 0x0100, 2)),
        row(id, Fail, "all content", with_deployment(0, 0x0050, 2)),
        row(id, Fail, "directly", with_deployment(0, 0x0088, 2)),
        row(id, CannotKnow, "summary", summary()),
        row(id, DoesNotApply, "gateway", intranet("mp", |_| ())),
    ]);
    let upgrade = |client_flags: Option<u32>, inner: &str| {
        let mut facts = with_steps(inner);
        facts.deployment = client_flags.and_then(|flags| deployed(0, flags, 2));
        facts
    };
    let step = r#"<step type="SMS_TaskSequence_UpgradeOperatingSystemAction" name="Upgrade"/>"#;
    let id = "deployment.upgrade-content";
    rows.extend([
        row(id, Pass, "", upgrade(Some(0x0050), step)),
        row(id, Pass, "", upgrade(Some(0x0100), step)),
        row(id, Fail, "directly", upgrade(Some(0x0008), step)),
        row(id, CannotKnow, "", upgrade(None, step)),
        row(id, DoesNotApply, "upgrades no", upgrade(None, APPLY)),
    ]);
    let risk = |offer: u32, inner: Option<&str>| {
        let mut facts = with_deployment(0, 0, offer);
        facts.task_sequence = inner.map(steps);
        facts
    };
    let id = "deployment.not-high-risk";
    rows.extend([
        row(id, Pass, "", risk(2, None)),
        row(id, Fail, "it is required", risk(0, Some(APPLY))),
        row(id, CannotKnow, "", risk(0, None)),
        row(id, CannotKnow, "required or available", risk(7, Some(APPLY))),
        row(id, DoesNotApply, "no operating system", risk(0, Some(""))),
    ]);
    rows
}

fn sequence() -> Vec<Row> {
    let first = |program: Option<&str>| {
        let first_program = program.map(str::to_owned);
        gateway(|facts| facts.task_sequence = Some(TaskSequence { first_program, ..TaskSequence::default() }))
    };
    let id = "task-sequence.no-program-first";
    let mut rows = vec![
        row(id, Pass, "", first(Some(""))),
        row(id, Fail, "Prepare", first(Some("Prepare"))),
        row(id, CannotKnow, "", first(None)),
        row(id, DoesNotApply, "gateway", intranet("mp", |_| ())),
    ];
    let upgrade = |disable| {
        format!(
            r#"<step type="SMS_TaskSequence_UpgradeOperatingSystemAction" name="Upgrade" disable="{disable}"/>"#
        )
    };
    let id = "task-sequence.no-in-place-upgrade";
    rows.extend([
        row(id, Pass, "", with_steps(&upgrade(true))),
        row(id, Fail, "`Upgrade`", with_steps(&upgrade(false))),
        row(id, CannotKnow, "PS100099", with_steps(CHILD)),
    ]);
    let network = |kind: &str| step("ApplyNetworkSettings", "NetworkJoinType", kind);
    let by_variable = |value: Option<&'static str>, inner: &str| {
        let mut facts = with_steps(inner);
        change_medium(&mut facts, |medium| medium.join_type = value);
        facts
    };
    let set = |name: &str| step("SetVariable", "VariableName", name);
    let id = "task-sequence.joins-workgroup";
    rows.extend([
        row(id, Pass, "", with_steps(&network("1"))),
        row(id, Pass, "", by_variable(Some("1"), &network("0"))),
        row(id, Fail, "joins a domain", with_steps(&network("0"))),
        row(id, Fail, "OSDNetworkJoinType is 0", by_variable(Some("0"), &network("1"))),
        row(id, CannotKnow, "under a condition", with_steps(&under_condition(&network("0")))),
        row(id, CannotKnow, "plainly", with_steps(&network("%Join%"))),
        row(id, CannotKnow, "no enabled step", with_steps(APPLY)),
        row(
            id,
            CannotKnow,
            "sets the variable",
            with_steps(&format!("{}{}", network("1"), set("OSDNetworkJoinType"))),
        ),
        row(id, CannotKnow, "PS100099", with_steps(&format!("{}{CHILD}", network("1")))),
        row(id, DoesNotApply, "no operating system", with_steps("")),
        row(id, DoesNotApply, "gateway", intranet("mp", |_| ())),
    ]);
    let join = |kind: &str| step("JoinDomainWorkgroup", "Type", kind);
    let id = "task-sequence.joins-no-domain-later";
    rows.extend([
        row(id, Pass, "", with_steps(APPLY)),
        row(id, Pass, "", with_steps(&join("1"))),
        row(id, Fail, "joins a domain", with_steps(&join("0"))),
        row(id, CannotKnow, "under a condition", with_steps(&under_condition(&join("0")))),
        row(id, CannotKnow, "sets the variable", with_steps(&format!("{}{}", join("1"), set("OSDJoinType")))),
        row(id, CannotKnow, "PS100099", with_steps(CHILD)),
    ]);
    let client = |properties: &str| step("SetupWindowsAndSMS", "ClientInstallProperties", properties);
    let id = "task-sequence.client-host-name";
    rows.extend([
        row(id, Pass, "", with_steps(&client(&format!("SMSMP=x CCMHOSTNAME={CMG}").replace("cmg.", "CMG.")))),
        row(id, Fail, "no CCMHOSTNAME", with_steps(&client("SMSMP=x"))),
        row(id, Fail, "other.contoso.com", with_steps(&client("CCMHOSTNAME=other.contoso.com"))),
        row(id, Fail, "no enabled step", with_steps(APPLY)),
        row(id, CannotKnow, "by a variable", with_steps(&client("CCMHOSTNAME=%Gateway%"))),
        row(id, CannotKnow, "by a variable", with_steps(&client("%Properties%"))),
        row(
            id,
            CannotKnow,
            "sets SMSClientInstallProperties",
            with_steps(&format!("{}{}", set("SMSClientInstallProperties"), client(""))),
        ),
        row(
            id,
            CannotKnow,
            "media variable",
            gateway(|facts| {
                facts.task_sequence = Some(steps(""));
                change_medium(facts, |medium| medium.has_client_properties = true);
            }),
        ),
        row(id, CannotKnow, "PS100099", with_steps(CHILD)),
        row(id, DoesNotApply, "no operating system", with_steps("")),
    ]);
    let id = "task-sequence.entra-join-afterwards";
    rows.extend([
        row(id, CannotKnow, "", with_steps(APPLY)),
        row(id, DoesNotApply, "no operating system", with_steps("")),
    ]);
    rows
}

fn settings() -> Vec<Row> {
    let with = |distribution: Option<bool>, gateway_allowed: Option<bool>, deployed: Option<bool>| {
        gateway(|facts| {
            facts.client_settings = Some(ClientSettings {
                cloud_distribution_point: distribution,
                cloud_management_gateway: gateway_allowed,
                is_deployed: deployed,
            });
        })
    };
    let content = |inner: &str| with_steps(&format!("<referenceList>{inner}</referenceList>"));
    let one = r#"<reference package="PS100020"/>"#;
    vec![
        row("client-settings.cloud-distribution-point", Pass, "", with(Some(true), None, None)),
        row("client-settings.cloud-distribution-point", Fail, "off", with(Some(false), None, None)),
        row("client-settings.cloud-distribution-point", CannotKnow, "-Setting Cloud", with(None, None, None)),
        row("client-settings.cloud-distribution-point", CannotKnow, "", gateway(|_| ())),
        row("client-settings.cloud-management-gateway", Pass, "", with(None, Some(true), None)),
        row("client-settings.cloud-management-gateway", Fail, "off", with(None, Some(false), None)),
        row("client-settings.cloud-management-gateway", CannotKnow, "", with(None, None, None)),
        row("client-settings.cloud-management-gateway", DoesNotApply, "gateway", intranet("mp", |_| ())),
        row("client-settings.deployed", Pass, "", with(None, None, Some(true))),
        row("client-settings.deployed", Fail, "no collection", with(None, None, Some(false))),
        row("client-settings.deployed", CannotKnow, "does not say", with(None, None, None)),
        row("content.on-gateway", Pass, "", content("")),
        row("content.on-gateway", CannotKnow, "1 thing: PS100020", content(one)),
        row(
            "content.on-gateway",
            CannotKnow,
            "9 things",
            content(&(0..9).map(|id| format!(r#"<reference package="PS10002{id}"/>"#)).collect::<String>()),
        ),
        row("content.on-gateway", CannotKnow, "other task sequences", with_steps(CHILD)),
        row("content.boundary-group", CannotKnow, "from the cloud", intranet("mp", |_| ())),
        row("content.boundary-group", DoesNotApply, "gateway", gateway(|_| ())),
    ]
}

fn management_point() -> Vec<Row> {
    let dynamic = gateway(|facts| {
        change_medium(facts, |medium| {
            medium.management = Management::Dynamic(medium.management.points().to_vec());
        });
    });
    let overruled =
        |overruled| gateway(|facts| change_medium(facts, |medium| medium.management_point = overruled));
    let internet = |flags: Option<u32>| {
        intranet("mp", |facts| facts.deployment = flags.and_then(|flags| deployed(flags, 0, 2)))
    };
    let imported =
        |point: &str| intranet(point, |facts| change_medium(facts, |medium| medium.is_imported = true));
    let ports = |point: &str, http, https| {
        intranet(point, |facts| {
            change_medium(facts, |medium| (medium.http_port, medium.https_port) = (http, https))
        })
    };
    vec![
        row("management-point.site-based", Pass, "", gateway(|_| ())),
        row("management-point.site-based", Fail, "dynamic", dynamic),
        row("management-point.site-based", CannotKnow, "", nothing()),
        row("management-point.is-gateway", Pass, "", gateway(|_| ())),
        row("management-point.is-gateway", Fail, "names another", overruled(Overruled::Replaced)),
        row("management-point.is-gateway", Fail, "left out", overruled(Overruled::LeftOut)),
        row("management-point.is-gateway", CannotKnow, "", nothing()),
        row("management-point.reachable", Pass, "", internet(Some(0x000C_0000))),
        row("management-point.reachable", Fail, "http://mp", internet(Some(0x0004_0000))),
        row("management-point.reachable", CannotKnow, "", internet(None)),
        row("management-point.reachable", DoesNotApply, "gateway", gateway(|_| ())),
        row("management-point.scheme", Pass, "", intranet("http://mp", |_| ())),
        row("management-point.scheme", Pass, "", imported("https://mp")),
        row("management-point.scheme", Fail, "self-signed", intranet("https://mp", |_| ())),
        row("management-point.scheme", Fail, "imported", imported("http://mp")),
        row("management-point.scheme", CannotKnow, "", nothing()),
        row("management-point.scheme", DoesNotApply, "either", gateway(|_| ())),
        row("management-point.ports", Pass, "", gateway(|_| ())),
        row("management-point.ports", Pass, "", ports("http://mp:8080", 8080, 443)),
        row("management-point.ports", Fail, "http is said to be 80", ports("http://mp:8080", 80, 443)),
        row("management-point.ports", CannotKnow, "80 and 443", ports("mp", 80, 443)),
    ]
}

fn trust() -> Vec<Row> {
    let chain = |chain| gateway(|facts| facts.chain = chain);
    let unproven =
        ChainError::UntrustedRoot { subject: "CN=Contoso Root".to_owned(), thumbprint: "00".to_owned() };
    let with = |certificates: Option<Vec<TrustedCertificate>>| gateway(|facts| facts.trusted = certificates);
    let roots = |count| {
        let mut image = image();
        image.roots = count;
        gateway(|facts| facts.boot_image = Some(image))
    };
    let old = |seconds: i64| {
        let mut root = certificate();
        root.not_before = Timestamp::from_unix(seconds);
        with(Some(vec![TrustedCertificate::new(Store::Root, root)]))
    };
    let too_new = ChainWarning::TooNewForFirmware { subject: "CN=Contoso Root".to_owned(), not_before: NOW };
    vec![
        row("trust.chain-of-gateway", Pass, "", chain(proven(Vec::new()))),
        row("trust.chain-of-gateway", Fail, "CN=Contoso Root", chain(Some(Err(unproven)))),
        row("trust.chain-of-gateway", CannotKnow, "", gateway(|_| ())),
        row("trust.chain-of-gateway", CannotKnow, "", intranet("https://mp", |_| ())),
        row("trust.chain-of-gateway", DoesNotApply, "http", intranet("mp", |_| ())),
        row("trust.some-root", Pass, "", with(trusted(Store::AuthRoot))),
        row("trust.some-root", Pass, "", roots(Some(1))),
        row(
            "trust.some-root",
            Pass,
            "",
            gateway(|facts| change_medium(facts, |medium| medium.has_root_variable = true)),
        ),
        row("trust.some-root", Fail, "holds none", roots(Some(0))),
        row("trust.some-root", CannotKnow, "", with(trusted(Store::Ca))),
        row("trust.some-root", CannotKnow, "", roots(None)),
        row("trust.some-root", DoesNotApply, "http", intranet("mp", |_| ())),
        row("trust.certificates-in-order", Pass, "", with(trusted(Store::Root))),
        row("trust.certificates-in-order", Fail, "among intermediates", with(trusted(Store::Ca))),
        row("trust.certificates-in-order", CannotKnow, "", with(Some(Vec::new()))),
        row("trust.valid-at-firmware-date", Pass, "", old(1_500_000_000)),
        row("trust.valid-at-firmware-date", Pass, "", chain(proven(Vec::new()))),
        row("trust.valid-at-firmware-date", Fail, "is valid from", with(trusted(Store::Root))),
        row("trust.valid-at-firmware-date", Fail, "is valid from", chain(proven(vec![too_new]))),
        row("trust.valid-at-firmware-date", CannotKnow, "", gateway(|_| ())),
    ]
}

fn identity() -> Vec<Row> {
    let no_usage = Finding::error("identity.no-client-authentication", "", "its extended key usage is wrong");
    let given = gateway(|facts| change_medium(facts, |medium| medium.has_given_guid = true));
    let no_password = gateway(|facts| change_medium(facts, |medium| medium.has_password = false));
    vec![
        row("identity.valid", Pass, "", with_identity(|_| ())),
        row(
            "identity.valid",
            Fail,
            "expired",
            with_identity(|identity| identity.certificate.not_after = Timestamp::from_unix(0)),
        ),
        row(
            "identity.valid",
            Fail,
            "not valid before",
            with_identity(|identity| identity.certificate.not_before = NOW.plus_days(1)),
        ),
        row("identity.valid", CannotKnow, "", nothing()),
        row("medium.is-of-use", Pass, "", valid(Some(NOW), Some(NOW))),
        row("medium.is-of-use", Fail, "ended on", valid(None, Some(NOW.plus_days(-1)))),
        row("medium.is-of-use", Fail, "not valid before", valid(Some(NOW.plus_days(1)), None)),
        row("medium.is-of-use", CannotKnow, "", nothing()),
        row(
            "identity.suitable",
            Pass,
            "",
            with_identity(|identity| identity.findings.push(Finding::note("identity.long-key", "", ""))),
        ),
        row(
            "identity.suitable",
            Pass,
            "",
            with_identity(|identity| identity.findings.push(Finding::error("identity.expired", "", ""))),
        ),
        row(
            "identity.suitable",
            Fail,
            "extended key usage",
            with_identity(|identity| identity.findings.push(no_usage)),
        ),
        row("identity.suitable", CannotKnow, "", nothing()),
        row("identity.sha256", Pass, "", with_identity(|_| ())),
        row(
            "identity.sha256",
            Fail,
            "SHA-1",
            with_identity(|identity| identity.certificate = signed_with_sha1()),
        ),
        row("identity.sha256", CannotKnow, "", nothing()),
        row("identity.registered", CannotKnow, "told of", with_identity(|_| ())),
        row("identity.blocks-one-medium", Pass, "", gateway(|_| ())),
        row("identity.blocks-one-medium", CannotKnow, "given", given),
        row("password.is-set", Pass, "", gateway(|_| ())),
        row("password.is-set", Fail, "none", no_password),
        row("password.is-set", CannotKnow, "", nothing()),
        row("password.is-strong", Pass, "", password("Violet-Quagga.Umbrella-Sextant-42")),
        row("password.is-strong", Fail, "would hold for", password("Password1")),
        row("password.is-strong", CannotKnow, "asked for", gateway(|_| ())),
        row("password.is-strong", CannotKnow, "", nothing()),
        row(
            "password.is-strong",
            DoesNotApply,
            "none",
            gateway(|facts| change_medium(facts, |medium| medium.has_password = false)),
        ),
        row("password.is-set", DoesNotApply, "gateway", intranet("mp", |_| ())),
    ]
}

fn boot_image() -> Vec<Row> {
    let none = |id| row(id, CannotKnow, "", gateway(|_| ()));
    let (signed, of_2023) = ("boot-image.boot-managers-signed", "boot-image.boot-managers-of-2023");
    let components = |change: fn(&mut Components)| {
        with_image(|image| change(image.components.as_mut().expect("there are")))
    };
    let old = |image: &mut BootImageFacts| {
        signers(image)[0].issuer = BootManagerSet::Pca2011.authority().to_owned();
    };
    // Firmware starts a stick without what a CD goes on with.
    let of_cd = with_image(|image| {
        image.programs.push(StartedProgram {
            path: "bootmgr.efi".to_owned(),
            origin: String::new(),
            signers: Ok(Vec::new()),
        });
    });
    let on_disc = {
        let mut facts = of_cd.clone();
        change_medium(&mut facts, |medium| medium.form = Form::Iso { prompt: false });
        facts
    };
    vec![
        row(signed, Pass, "", with_image(|_| ())),
        row(signed, Pass, "", of_cd),
        row(signed, Fail, "bootmgr.efi is not signed", on_disc),
        row(signed, Fail, "not signed", with_image(|image| signers(image).clear())),
        row(
            signed,
            Fail,
            "was changed",
            with_image(|image| signers(image)[0].digest = SignedDigest::Differs),
        ),
        none(signed),
        row(of_2023, Pass, "", with_image(|_| ())),
        row(of_2023, Fail, "PCA 2011", with_image(old)),
        row(of_2023, Fail, "nobody known", with_image(|image| signers(image).clear())),
        none(of_2023),
        row("boot-image.task-sequence-engine", Pass, "", with_image(|_| ())),
        row(
            "boot-image.task-sequence-engine",
            Fail,
            "TsmBootstrap",
            components(|found| found.configuration_manager = None),
        ),
        row("boot-image.task-sequence-engine", CannotKnow, "", with_image(|image| image.components = None)),
        row("boot-image.components", Pass, "", with_image(|_| ())),
        row(
            "boot-image.components",
            Fail,
            "WinPE-Scripting",
            components(|found| _ = found.optional.remove(0)),
        ),
        row("boot-image.components", CannotKnow, "manifests", components(|found| found.optional.clear())),
        none("boot-image.components"),
    ]
}

fn medium() -> Vec<Row> {
    let sized = |size| {
        gateway(|facts| {
            change_medium(facts, |medium| {
                medium.form = Form::DiskImage {
                    scheme: crate::disk::Scheme::Gpt,
                    size,
                    cluster_size: None,
                    partition: MediumPartition::Whole,
                };
            });
        })
    };
    let iso = || gateway(|facts| change_medium(facts, |medium| medium.form = Form::Iso { prompt: false }));
    let own = |path: &str| {
        let path = path.to_owned();
        gateway(|facts| change_medium(facts, |medium| medium.boot_files.push(path)))
    };
    vec![
        row("medium.files-fit", Pass, "", with_image(|image| image.len = u64::from(u32::MAX))),
        row("medium.files-fit", Fail, "4294967296 bytes", with_image(|image| image.len = 4 << 30)),
        row("medium.files-fit", CannotKnow, "", gateway(|_| ())),
        row("medium.files-fit", DoesNotApply, "ISO", iso()),
        row("medium.volume-of-windows-size", Pass, "", sized(None)),
        row("medium.volume-of-windows-size", Pass, "", sized(Some(32 << 30))),
        row("medium.volume-of-windows-size", Fail, "bytes", sized(Some((32 << 30) + 512))),
        row("medium.volume-of-windows-size", CannotKnow, "", nothing()),
        row("medium.volume-of-windows-size", DoesNotApply, "ISO", iso()),
        row("medium.known-as-media", Pass, "", own("boot/boot.sdi")),
        row("medium.known-as-media", Fail, "sms/data/tsmbootstrap.ini", own("sms/data/tsmbootstrap.ini")),
        row("medium.known-as-media", CannotKnow, "", nothing()),
    ]
}

fn network() -> Vec<Row> {
    vec![
        row("network.wired", CannotKnow, "tell", nothing()),
        row("network.constant", CannotKnow, "tell", gateway(|_| ())),
        row("network.constant", DoesNotApply, "gateway", intranet("mp", |_| ())),
    ]
}
