//! `tsmedia site import`, and media made after a donor: they differ from it only where they are to.

use std::path::Path;
use std::sync::Arc;

use media_core::content::Content;
use media_core::donor::{self, Donor};
use media_core::event::Unobserved;
use media_core::io::{AtomicFile, FileSource};
use media_core::media::identity::{IdentitySource, Kept};
use media_core::media::variables::{self, Variables, XmlForm};
use media_core::sealed::Algorithm;
use media_core::{Form, VariablesForm};
use media_tests::medium;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::fixtures;
use crate::support::{Sandbox, of_another_system, snapshot};

const PASSWORD: &str = "Zürich kennt 7 Wörter";
const SECRET: &str = "S3cret ]]> & \u{1F511}";
const INI: &str = "; by the console\r\n[MediaInfo]\r\nUnattended = true\r\nContoso=1\r\nMediaType=FullMedia\r\nPasswordRequired=false\r\n";
const CREATE: &str = "create --site site.toml --boot-image boot.wim --password-file new.txt --json";
/// 2026-11-01T00:00:00Z
const NOW: (&str, &str) = ("SOURCE_DATE_EPOCH", "1793491200");

/// How a console might write: unusual order, spelling, variables, cipher and text.
struct Console {
    form: VariablesForm,
    ini: Vec<u8>,
}

fn consoles() -> Vec<Console> {
    let utf16 = |text: &str| {
        [b"\xFF\xFE".to_vec(), text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat()
    };
    let xml = |declaration: &str, version: Option<&str>, nul_terminated| XmlForm {
        declaration: declaration.to_owned(),
        version: version.map(str::to_owned),
        nul_terminated,
    };
    let one = |algorithm, xml, trailer, ini| Console { form: VariablesForm { algorithm, xml, trailer }, ini };
    let odd = xml("<?xml version=\"1.0\" encoding='utf-16'?>\r\n", Some("5.00.9128.1000"), false);
    vec![
        one(Algorithm::Aes256, odd, None, utf16(INI)),
        one(Algorithm::TripleDes, xml("<?xml version=\"1.0\"?>", None, true), Some(3), INI.into()),
        one(Algorithm::Aes128, XmlForm::default(), Some(0), INI.replace("\r\n", "\n").into()),
    ]
}

fn kept() -> Kept {
    let env = medium::env();
    let source =
        IdentitySource::SelfSigned { start: env.now(), expiry: env.now().plus_days(30), key_bits: 1024 };
    Kept::new(&source, None, &env).expect("an identity")
}

fn console_variables(kept: &Kept) -> Vec<(&'static str, String)> {
    let pfx = kept.for_media(&medium::env()).expect("written").pfx_hex();
    vec![
        ("_SMSTSSiteCode", "P01".to_owned()),
        ("smstsmp", "HTTPS://MP.Contoso.com/Odd*https://second".to_owned()),
        ("_SMSTSHTTPPort", "8080".to_owned()),
        ("_SMSTSPublicRootKey", "0602000000A40000".to_owned()),
        ("_SMSMediaGuid", kept.guid.to_string()),
        ("ContosoJoin", SECRET.to_owned()),
        ("_SMSTSMediaPFX", pfx.expose_secret().to_owned()),
        ("_SMSTSBootMediaPackageID", "P0100005".to_owned()),
        ("_SMSTSRootCACerts", "3082\r\n\tAA".to_owned()),
        ("_SMSTSLaunchMode", "DVD".to_owned()),
        ("_SMSTSIISSSLState", "63".to_owned()),
        ("_SMSTSx64UnknownMachineGUID", "{D10D7F98-17DD-4588-B645-34964936023B}".to_owned()),
    ]
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    sandbox.write("donor.txt", PASSWORD).write("new.txt", fixtures::MEDIA_PASSWORD);
    sandbox.shell("chmod 600 *.txt");
    sandbox
}

/// Puts a medium of the console into the sandbox.
fn write_donor(sandbox: &Sandbox, console: &Console, kept: &Kept, name: &str, form: Form) {
    let mut list = Variables::new();
    for (name, value) in console_variables(kept) {
        list.set(name, SecretString::from(value)).expect("it can be one");
    }
    let sealed = variables::write_file(&list, Some(&PASSWORD.into()), &console.form).expect("written");
    sandbox.write("donor.dat", &sealed);
    let mut spec = medium::spec(&sandbox.path("boot.wim"), form).expect("there is a boot image");
    spec.trusted = Vec::new();
    let mut staged = media_core::stage(&spec, &medium::env(), &mut Unobserved).expect("staged");
    for file in &mut staged.tree.files {
        match file.path.as_str() {
            "SMS/data/variables.dat" => file.content = Content::bytes(sealed.clone()),
            "SMS/data/TsmBootstrap.ini" => file.content = Content::bytes(console.ini.clone()),
            _ => {}
        }
    }
    let plan = media_core::plan(&staged.tree, form).expect("planned");
    let mut file = AtomicFile::create(&sandbox.path(name)).expect("the folder is there");
    media_core::write(&plan, &mut file, &mut Unobserved).expect("written");
    file.keep(true).expect("named");
}

fn run(sandbox: &Sandbox, arguments: &str) -> String {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let outcome = sandbox.run_with(&arguments, &[NOW], None);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{arguments:?}");
    for text in [PASSWORD, "S3cret"] {
        assert!(!outcome.stdout.contains(text), "{text}: {}", outcome.stdout);
    }
    outcome.stdout
}

fn json(sandbox: &Sandbox, arguments: &str) -> Value {
    serde_json::from_str(&run(sandbox, arguments)).expect("it is JSON")
}

fn read(path: &Path, password: &str) -> Donor {
    let source = FileSource::open(path).expect("it was made");
    donor::read(Arc::new(source), Some(&password.into())).expect("it is a medium")
}

fn plain(variables: &Variables) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| (name.to_owned(), value.expose_secret().to_owned())).collect()
}

/// A file of an ISO, as 7-Zip reads it.
fn file_in(sandbox: &Sandbox, medium: &str, name: &str) -> Vec<u8> {
    let outcome = sandbox.shell(&format!("7z e -so {medium} {name} > extracted 2>/dev/null"));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    sandbox.read("extracted")
}

const ISO: Form = Form::Iso { prompt: true };

#[test]
fn a_medium_made_after_a_donor_differs_only_where_it_is_to() {
    for console in consoles() {
        let (sandbox, kept) = (sandbox(), kept());
        write_donor(&sandbox, &console, &kept, "donor.iso", ISO);
        let import = "site import donor.iso --password-file donor.txt --output site.toml --quiet";
        run(&sandbox, &format!("{import} --with-secrets --identity-output identity.p12"));
        for name in ["site.toml", "identity.p12"] {
            assert!(sandbox.is_private(name), "{name}");
        }
        let site = String::from_utf8(sandbox.read("site.toml")).expect("text");
        assert!(!site.contains(kept.guid.as_str()), "the identity is not of the site");
        let package = "--package-id P0100005";
        run(&sandbox, &format!("{CREATE} {package} --identity identity.p12 --output again.iso"));

        let (before, after) = (
            read(&sandbox.path("donor.iso"), PASSWORD),
            read(&sandbox.path("again.iso"), fixtures::MEDIA_PASSWORD),
        );
        let of_donor: Vec<(String, String)> = plain(&before.variables)
            .into_iter()
            .map(|(name, value)| match name.as_str() {
                "_SMSTSLaunchMode" => (name, "CD".to_owned()),
                "_SMSTSMediaPFX" => (name, String::new()),
                _ => (name, value),
            })
            .collect();
        let mut of_ours = plain(&after.variables);
        of_ours.iter_mut().filter(|(name, _)| name == "_SMSTSMediaPFX").for_each(|(_, value)| value.clear());
        assert_eq!(of_ours, of_donor);
        let certificate = after.identity().expect("it has one").certificate;
        assert!(certificate == kept.certificate);
        assert!(before.form_is_exact && after.form_is_exact);
        let form = |donor: &Donor| (donor.form.algorithm, donor.form.xml.clone(), donor.form.trailer);
        assert_eq!(form(&after), form(&before));
        assert_eq!(form(&after), (console.form.algorithm, console.form.xml.clone(), console.form.trailer));
        // Byte for byte, as another program reads it.
        let expected = |ini: Vec<u8>| {
            let text = String::from_utf8(ini).expect("text");
            let text = text.replace("Unattended = true", "Unattended = false");
            text.replace("FullMedia", "BootMedia").replace("PasswordRequired=false", "PasswordRequired=true")
        };
        let ini = file_in(&sandbox, "again.iso", "SMS/data/TsmBootstrap.ini");
        match console.ini.strip_prefix(b"\xFF\xFE") {
            None => assert_eq!(ini, expected(console.ini.clone()).into_bytes()),
            Some(_) => {
                let text = expected(INI.as_bytes().to_vec());
                let units = text.encode_utf16().flat_map(u16::to_le_bytes);
                assert_eq!(ini, [0xFF, 0xFE].into_iter().chain(units).collect::<Vec<u8>>());
            }
        }
        assert!(json(&sandbox, "verify again.iso --json --quiet")["intact"] == true);
    }
}

#[test]
fn secrets_and_the_identity_stay_behind() {
    let (sandbox, kept) = (sandbox(), kept());
    write_donor(&sandbox, &consoles()[0], &kept, "donor.iso", ISO);
    let import = "site import donor.iso --password-file donor.txt";
    snapshot!("site-import", run(&sandbox, &format!("{import} --output site.toml --boot-files files")));
    let site = String::from_utf8(sandbox.read("site.toml")).expect("text");
    for text in ["S3cret", kept.guid.as_str(), "308202"] {
        assert!(!site.contains(text), "{text}");
    }
    snapshot!("site-file", site.split("\n[[boot-file]]").next().expect("a start"));
    // What was copied is what the file names, and what is on the medium.
    let copied = sandbox.shell(
        "python3 - <<'END'\nimport hashlib, tomllib, pathlib\n\
         files = tomllib.load(open('site.toml', 'rb'))['boot-file']\n\
         assert len(files) > 5\n\
         for file in files:\n    data = pathlib.Path('files', file['path']).read_bytes()\n    \
         assert (len(data), hashlib.sha256(data).hexdigest()) == (file['bytes'], file['sha256']), file\n\
         assert sum(path.is_file() for path in pathlib.Path('files').rglob('*')) == len(files)\nEND",
    );
    assert_eq!(copied.code, 0, "{}", copied.stderr);

    let made = json(&sandbox, &format!("{CREATE} --output again.img"));
    let notes = made["notes"].to_string();
    assert!(notes.contains("ContosoJoin; its value was not imported"), "{notes}");
    assert_ne!(made["media_guid"], kept.guid.as_str());
    let names: Vec<&str> =
        made["variables"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let of_donor = console_variables(&kept);
    let expected: Vec<&str> = of_donor
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !["ContosoJoin", "_SMSTSBootMediaPackageID"].contains(name))
        .collect();
    assert_eq!(names, expected);
    let value = |medium: &str, name: &str| {
        let read = read(&sandbox.path(medium), fixtures::MEDIA_PASSWORD);
        read.variables.get(name).map(|value| value.expose_secret().to_owned())
    };
    assert_eq!(value("again.img", "_SMSTSLaunchMode").as_deref(), Some("UFD+FORMAT"));

    // The command line and the spec file win.
    sandbox.write("spec.toml", "[variables]\n_SMSTSIISSSLState = \"0\"\nContosoJoin = \"given\"\n");
    let options = "--management-point mp --http-port 80 --variables-encryption aes-128 --user-device-affinity auto-approval";
    run(&sandbox, &format!("{CREATE} --spec spec.toml {options} --output own.iso"));
    for (name, expected) in [
        ("SMSTSMP", Some("http://mp")),
        ("_SMSTSHTTPPort", Some("80")),
        ("_SMSTSHTTPSPort", None),
        ("_SMSTSMediaType", None),
        ("_SMSTSIISSSLState", Some("0")),
        ("ContosoJoin", Some("given")),
        ("SMSTSAssignUsersMode", Some("Auto")),
        ("_SMSTSPublicRootKey", Some("0602000000A40000")),
    ] {
        assert_eq!(value("own.iso", name).as_deref(), expected, "{name}");
    }
    assert_eq!(read(&sandbox.path("own.iso"), fixtures::MEDIA_PASSWORD).form.algorithm, Algorithm::Aes128);
    // The port of the user's own management point is no contradiction to that of the site.
    run(&sandbox, &format!("{CREATE} --management-point http://mp:8081 --output port.iso"));
    assert_eq!(value("port.iso", "_SMSTSHTTPPort").as_deref(), Some("8081"));
    run(&sandbox, &format!("{import} --output secret.toml --with-secrets --quiet"));
    sandbox.shell("chmod 644 secret.toml");
    let create = CREATE.replace("site.toml", "secret.toml");
    let readable = json(&sandbox, &format!("{create} --output other.iso --dry-run"))["notes"].to_string();
    let is_noted = readable.contains("can read the media variables in secret.toml");
    assert_eq!(is_noted, of_another_system().is_none(), "{readable}");
    let other = json(&sandbox, &format!("{CREATE} --site-code XYZ --output other.iso --dry-run"));
    assert!(other["notes"].to_string().contains("describes the media of P01"), "{}", other["notes"]);
}

#[test]
fn a_donor_may_be_a_stick_a_boot_image_or_the_variables_alone() {
    let (sandbox, kept) = (sandbox(), kept());
    let console = &consoles()[1];
    let stick = Form::DiskImage {
        scheme: media_core::disk::Scheme::Gpt,
        size: None,
        cluster_size: None,
        partition: media_core::MediumPartition::Whole,
    };
    write_donor(&sandbox, console, &kept, "donor.img", stick);
    sandbox.write("tree/sms/data/Variables.dat", sandbox.read("donor.dat"));
    sandbox.write("tree/sms/data/TsmBootstrap.ini", &console.ini);
    run(&sandbox, "boot-image add boot.wim --tree tree --output donor.wim --quiet");
    let mut texts = Vec::new();
    for donor in ["donor.img", "donor.wim", "donor.dat"] {
        run(&sandbox, &format!("site import {donor} --password-file donor.txt --output site.toml --force"));
        let text = String::from_utf8(sandbox.read("site.toml")).expect("text");
        texts.push(text.split("\n[[boot-file]]").next().expect("a start").to_owned());
    }
    assert_eq!(texts[0], texts[1]);
    let (start, rest) = texts[0].split_once("\n[bootstrap-ini]").expect("it has one");
    let (_, variables) = rest.split_once("\n# In the order").expect("it has them");
    assert_eq!(texts[2], format!("{start}\n# In the order{variables}"));
}

#[test]
fn what_is_no_donor_is_refused() {
    let (sandbox, kept) = (sandbox(), kept());
    write_donor(&sandbox, &consoles()[2], &kept, "donor.iso", ISO);
    run(&sandbox, "site import donor.iso --password-file donor.txt --output good.toml");
    let good = String::from_utf8(sandbox.read("good.toml")).expect("text");
    for (name, from, to) in [
        ("version.toml", "site-file = 1", "site-file = 2"),
        ("twice.toml", "name = \"smstsmp\"", "name = \"_smstsSITECODE\""),
        ("identity.toml", "name = \"smstsmp\"", "name = \"_smsMEDIAguid\""),
        ("section.toml", "[MediaInfo]", "[Info]"),
        ("encoding.toml", "\"utf-8\"", "\"utf-7\""),
        (
            "key.toml",
            "[[variable]]\nname = \"_SMSTSHTTPPort\"",
            "[[variable]]\nS3cret = 1\nname = \"_SMSTSHTTPPort\"",
        ),
        ("declaration.toml", "<?xml version", "<?xml S3cret version"),
    ] {
        assert!(good.contains(from), "{from}");
        sandbox.write(name, good.replacen(from, to, 1));
    }
    let create = "create --boot-image boot.wim --password-file new.txt --output a.iso --site";
    let console = Console { ini: b"MediaType=BootMedia\r\n".to_vec(), ..consoles().remove(2) };
    write_donor(&sandbox, &console, &kept, "no-section.iso", ISO);
    // What is to be blocked can be told all the same.
    let blocked = json(&sandbox, "identity block --media no-section.iso --password-file donor.txt");
    assert_eq!(blocked[0]["smsid"], kept.guid.as_str());
    let refused: Vec<String> = [
        "site import donor.iso --output site.toml".to_owned(),
        "site import donor.iso --password-file new.txt --output site.toml".to_owned(),
        "site import boot.wim --output site.toml".to_owned(),
        "site import no-section.iso --password-file donor.txt --output site.toml".to_owned(),
        "site import new.txt --output site.toml".to_owned(),
        "site import no.iso --output site.toml".to_owned(),
        "site import donor.iso --password-file donor.txt --output donor.iso --force".to_owned(),
        "site import donor.iso --password-file donor.txt --output good.toml".to_owned(),
        format!("{create} version.toml"),
        format!("{create} twice.toml"),
        format!("{create} identity.toml"),
        format!("{create} section.toml"),
        format!("{create} encoding.toml"),
        format!("{create} key.toml"),
        format!("{create} declaration.toml"),
        format!("{create} new.txt"),
        format!("{create} no.toml"),
    ]
    .iter()
    .map(|arguments| {
        let outcome = sandbox.run(&arguments.split(' ').collect::<Vec<_>>());
        assert!(outcome.stdout.is_empty() && !outcome.stderr.contains("S3cret"), "{}", outcome.stderr);
        format!("$ {arguments}\n[{}]\n{}\n", outcome.code, outcome.stderr)
    })
    .collect();
    snapshot!("site-refused", refused.concat());
    assert!(!sandbox.path("site.toml").exists() && !sandbox.path("a.iso").exists());
}
