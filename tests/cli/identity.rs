//! `tsmedia identity`: made once, kept for its owner alone, used for many media, and told to the site.

use serde_json::Value;

use crate::fixtures;
use crate::support::{Outcome, Sandbox, of_another_system, snapshot};

const PASSWORD: &str = "Zürich kennt 7 Wörter";
const CREATE: &str =
    "create --boot-image boot.wim --site-code PS1 --package-id PS100005 --password-file password.txt --json";
/// 2026-01-01T00:00:00Z
const NOW: (&str, &str) = ("SOURCE_DATE_EPOCH", "1767225600");
const OPEN: &str = "--identity-password-file identity-password.txt";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    sandbox
        .write("password.txt", fixtures::MEDIA_PASSWORD)
        .write("identity-password.txt", PASSWORD)
        .write("media.pfx", fixtures::media_certificate("of the certificate"))
        .write("pfx.txt", "of the certificate");
    sandbox.shell("chmod 600 *.txt *.pfx");
    sandbox
}

fn run(sandbox: &Sandbox, arguments: &str) -> Outcome {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let outcome = sandbox.run_with(&arguments, &[NOW], None);
    for text in [&outcome.stdout, &outcome.stderr] {
        assert!(!text.contains(PASSWORD), "the password was printed");
    }
    outcome
}

fn good(sandbox: &Sandbox, arguments: &str) -> String {
    let outcome = run(sandbox, arguments);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{arguments}");
    outcome.stdout
}

fn json(sandbox: &Sandbox, arguments: &str) -> Value {
    serde_json::from_str(&good(sandbox, arguments)).expect("it is JSON")
}

#[test]
fn an_identity_is_kept_for_its_owner_alone_and_never_lost_by_mistake() {
    let sandbox = sandbox();
    let new = format!("identity new --output a.p12 {OPEN} --seed 1");
    snapshot!("identity-new", good(&sandbox, &new));
    assert!(sandbox.is_private("a.p12"));
    let made = sandbox.read("a.p12");
    let again = run(&sandbox, &new);
    assert_eq!(again.code, 4, "{}", again.stderr);
    assert!(sandbox.read("a.p12") == made, "it stays");
    // Equal seeds are equal identities; and a file that others could read is one of its owner's from now on.
    sandbox.shell("chmod 644 a.p12");
    good(&sandbox, &format!("{new} --force"));
    assert!(sandbox.read("a.p12") == made && sandbox.is_private("a.p12"));
    let shown = good(&sandbox, &format!("identity show a.p12 {OPEN}"));
    assert_eq!(shown, good(&sandbox, &format!("{new} --force")));
    sandbox.shell("chmod 644 a.p12");
    let shown = good(&sandbox, &format!("identity show a.p12 {OPEN}"));
    let is_noted = shown.contains("note: other users of this computer can read the identity in a.p12");
    assert_eq!(is_noted, of_another_system().is_none(), "{shown}");
    sandbox.write("wrong.txt", "wrong").write("not.p12", sandbox.read("media.pfx"));
    let refused: Vec<String> = [
        "identity show a.p12",
        "identity show a.p12 --identity-password-file wrong.txt",
        "identity show not.p12 --identity-password-file pfx.txt",
        "identity show password.txt",
        "identity export a.p12 --certificate a.cer",
        "identity new --output b.p12 --certificate media.pfx --certificate-expiry 2027-01-01",
        "identity new --output b.p12 --certificate media.pfx --certificate-password-file - --identity-password-file -",
        "identity new --output password.txt --force --identity-password-file password.txt",
        "identity new --output b.p12 --media-guid 1",
        "identity register a.p12 --site-code PS10",
    ]
    .iter()
    .map(|arguments| {
        let outcome = run(&sandbox, arguments);
        assert!(outcome.stdout.is_empty());
        format!("$ {arguments}\n[{}]\n{}\n", outcome.code, outcome.stderr)
    })
    .collect();
    snapshot!("identity-refused", refused.concat());
    assert!(!sandbox.path("b.p12").exists() && !sandbox.path("a.cer").exists());
}

#[test]
fn media_of_one_identity_are_one_to_the_site() {
    let sandbox = sandbox();
    let new = format!("identity new --output a.p12 {OPEN} --json");
    let identity = json(&sandbox, &new);
    let create = format!("{CREATE} --management-point mp.contoso.com --identity a.p12 {OPEN}");
    let scripts = ["one.ps1", "two.json"];
    let made = ["one.iso", "two.img"].iter().zip(scripts).map(|(medium, script)| {
        json(&sandbox, &format!("{create} --output {medium} --registration {script}"))
    });
    let made: Vec<Value> = made.collect();
    for medium in &made {
        assert_eq!(medium["media_guid"], identity["media_guid"]);
        assert_eq!(medium["media_certificate"]["thumbprint"], identity["thumbprint"]);
        assert_eq!(medium["registration"], made[0]["registration"]);
        assert_eq!(medium["registration"]["issued_cert"], 1);
        assert_eq!(medium["management"]["management_points"][0], "http://mp.contoso.com");
    }
    // What create writes for the site is what identity register says.
    let register = format!("identity register a.p12 {OPEN} --site-code ps1");
    assert_eq!(json(&sandbox, &register), made[0]["registration"]);
    assert_eq!(sandbox.read("two.json"), good(&sandbox, &register).into_bytes());
    let label = "Configuration Manager";
    let arguments: Vec<&str> =
        format!("{register} --format powershell --label").leak().split(' ').chain([label]).collect();
    let script = sandbox.run(&arguments).stdout;
    assert_eq!(sandbox.read("one.ps1"), script.into_bytes());
    // And what is to be blocked is the same, whether the medium is at hand or the identity.
    good(&sandbox, "boot-image verify boot.wim --quiet");
    let of_media =
        json(&sandbox, "identity block --media one.iso --media two.img --password-file password.txt");
    let of_file = json(&sandbox, &format!("identity block --identity a.p12 {OPEN}"));
    for blocked in of_media.as_array().into_iter().chain(of_file.as_array()).flatten() {
        assert_eq!(blocked["smsid"], identity["media_guid"]);
        assert_eq!(blocked["thumbprint"], identity["thumbprint"]);
    }
    assert_eq!((of_media.as_array().map(Vec::len), of_file.as_array().map(Vec::len)), (Some(2), Some(1)));
    let block = format!("identity block --identity a.p12 {OPEN} --site-code PS1 --output block.ps1");
    assert_eq!(good(&sandbox, &block), "");
    let script = String::from_utf8(sandbox.read("block.ps1")).expect("ASCII");
    let line = format!("    @{{ SMSID = '{}'; ", identity["media_guid"].as_str().expect("a text"));
    assert!(script.contains(&line) && script.contains("$SiteCode = 'PS1'"), "{script}");
}

#[test]
fn an_imported_certificate_is_kept_as_such() {
    let sandbox = sandbox();
    let guid = "8AE6B618-77EC-46CB-B1B5-88F693E01234";
    let import = "--certificate media.pfx --certificate-password-file pfx.txt";
    let identity =
        json(&sandbox, &format!("identity new --output a.p12 --media-guid {guid} {import} --json"));
    assert_eq!((&identity["media_guid"], &identity["self_signed"]), (&guid.into(), &false.into()));
    let notes = identity["notes"].to_string();
    assert!(notes.contains("has no password"), "{notes}");
    let create = format!("{CREATE} --management-point mp.contoso.com --output a.iso");
    let kept = json(&sandbox, &format!("{create} --identity a.p12"));
    let given = json(&sandbox, &format!("{create} --force --media-guid {guid} {import}"));
    assert_eq!(kept["registration"], given["registration"]);
    assert_eq!(kept["registration"]["issued_cert"], 2);
    assert_eq!(kept["management"]["management_points"][0], "https://mp.contoso.com");
    // The identity of a spec file gives way to another on the command line, and is none beside others in the file.
    let spec = "[security]\nidentity = \"a.p12\"\nidentity-password-file = \"no.txt\"\n";
    sandbox.write("spec.toml", spec);
    let other = json(&sandbox, &format!("{create} --force --spec spec.toml --self-signed"));
    assert_ne!(other["media_guid"], guid);
    let notes = other["notes"].to_string();
    assert!(
        notes.contains("identity of the spec file is not used: --self-signed makes another one"),
        "{notes}"
    );
    sandbox.write("spec.toml", format!("{spec}key-bits = 2048\n"));
    let refused = run(&sandbox, &format!("{create} --force --spec spec.toml"));
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("the identity in a file is complete"), "{}", refused.stderr);
    for (arguments, words) in [
        ("--identity a.p12 --media-guid 8AE6B618-77EC-46CB-B1B5-88F693E01234", "--media-guid"),
        ("--identity a.p12 --certificate media.pfx", "cannot be used with"),
        ("--identity a.p12 --certificate-expiry 2027-01-01", "--certificate-expiry"),
        ("--identity-password-env X", "no such file"),
        ("--identity a.p12 --registration a.txt", "does not end in .ps1 or .json"),
    ] {
        let refused = run(&sandbox, &format!("{create} --force {arguments}"));
        assert_eq!(refused.code, 2, "{arguments}: {}", refused.stderr);
        assert!(refused.stderr.contains(words), "{arguments}: {}", refused.stderr);
    }
}

#[test]
fn parts_of_an_identity_are_exported() {
    let sandbox = sandbox();
    let identity = json(&sandbox, &format!("identity new --output a.p12 {OPEN} --json"));
    let guid = identity["media_guid"].as_str().expect("a text");
    good(&sandbox, &format!("identity export a.p12 {OPEN} --certificate a.cer --pfx a.pfx"));
    good(&sandbox, &format!("identity export a.p12 {OPEN} --certificate a.pem --pfx a.hex --hex"));
    for name in ["a.pfx", "a.hex"] {
        assert!(sandbox.is_private(name), "{name}");
    }
    let hex = String::from_utf8(sandbox.read("a.hex")).expect("ASCII");
    assert!(hex.starts_with("3082") && hex.bytes().all(|byte| b"0123456789ABCDEF".contains(&byte)));
    let script = format!(
        "for form in a.pfx a.from-hex; do\n\
         [ $form = a.pfx ] || python3 -c 'open(\"a.from-hex\", \"wb\").write(bytes.fromhex(open(\"a.hex\").read()))'\n\
         openssl pkcs12 -in $form -nokeys -passin 'pass:{}' | openssl x509 -outform DER | cmp - a.cer || exit 1\n\
         done; openssl x509 -in a.pem -outform DER | cmp - a.cer",
        &guid[..31]
    );
    let outcome = sandbox.shell(&script);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""), "{}", outcome.stderr);
}
