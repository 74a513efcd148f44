//! Who wins: the command line over the spec file, and what is said where something is not used.

use serde_json::Value;

use crate::fixtures;
use crate::support::{Sandbox, of_another_system};

const SPEC: &str = "[boot]\nboot-image = \"boot.wim\"\npackage-id = \"PS100005\"\nboot-manager = \"2011\"\n\
    [site]\nsite-code = \"PS1\"\n";
const POINT: &str = "management-point = [\"mp.contoso.com\"]\n";
const RUN: &str = "create --spec media.toml --json";
/// 2026-01-01T00:00:00Z
const NOW: (&str, &str) = ("SOURCE_DATE_EPOCH", "1767225600");

fn sandbox(spec: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    sandbox.write("media.toml", format!("{SPEC}{spec}")).write("password.txt", fixtures::MEDIA_PASSWORD);
    sandbox.shell("chmod 600 password.txt");
    sandbox
}

/// What a run prints. Words are separated by spaces.
fn run(sandbox: &Sandbox, arguments: &str) -> Value {
    run_with(sandbox, arguments, None)
}

fn run_with(sandbox: &Sandbox, arguments: &str, input: Option<&str>) -> Value {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let outcome = sandbox.run_with(&arguments, &[NOW], input);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{arguments:?}");
    serde_json::from_str(&outcome.stdout).expect("it is JSON")
}

fn notes(printed: &Value) -> Vec<&str> {
    printed["notes"].as_array().expect("a list").iter().map(|note| note.as_str().expect("a text")).collect()
}

/// The value of a variable on a medium without a password.
fn variable(sandbox: &Sandbox, medium: &str, name: &str) -> Option<String> {
    let seen = run(sandbox, &format!("inspect {medium} --json --reveal"));
    let variables = seen["variables"]["variables"].as_array().expect("a list").clone();
    let found = variables.into_iter().find(|variable| variable["name"] == name)?;
    Some(found["value"].as_str().expect("values are revealed").to_owned())
}

#[test]
fn a_variable_is_taken_from_the_nearest_place() {
    let spec = format!(
        "{POINT}[media]\nvars-file = \"spec.txt\"\n[variables]\nB = \"table\"\nC = \"table\"\nD = \"table\"\n"
    );
    let sandbox = sandbox(&spec);
    sandbox
        .write("spec.txt", "A=spec file\nB=spec file\n")
        .write("own.txt", "c=own file\nD=own file\nE=own file\n");
    run(&sandbox, &format!("{RUN} --output spec.iso"));
    run(&sandbox, &format!("{RUN} --output both.iso --vars-file own.txt --var D=option"));
    for (medium, name, value) in [
        ("spec.iso", "A", Some("spec file")),
        ("spec.iso", "B", Some("table")),
        ("spec.iso", "D", Some("table")),
        ("both.iso", "A", None),
        ("both.iso", "B", Some("table")),
        ("both.iso", "C", None),
        ("both.iso", "c", Some("own file")),
        ("both.iso", "D", Some("option")),
        ("both.iso", "E", Some("own file")),
    ] {
        assert_eq!(variable(&sandbox, medium, name).as_deref(), value, "{medium}, {name}");
    }
}

#[test]
fn what_an_option_excludes_is_not_used_and_noted() {
    let password = "password-file = \"password.txt\"\n";
    let disk =
        "[output]\npartition-scheme = \"mbr\"\nsize = \"300M\"\ncluster-size = \"512\"\nformat = \"img\"\n";
    let iso = "[output]\nformat = \"iso\"\nprompt = true\noutput = \"other.iso\"\n";
    let imported = "certificate = \"no.pfx\"\ncertificate-password-env = \"NO\"\n";
    let dates = "certificate-start = 2020-01-01\ncertificate-expiry = 2020-01-02\nkey-bits = 1024\n";
    let own = "--certificate media.pfx --certificate-password-file password.txt";
    let late = "--certificate-expiry 2120-01-01";
    for (security, output, arguments, kind, not_used) in [
        ("", "", format!("--output a.iso {late}"), "ISO 9660", vec![]),
        ("", disk, late.to_owned(), "MBR disk image, FAT32 with 512-byte", vec![]),
        ("", disk, format!("--output a.img {late}"), "MBR disk image, FAT32 with 512-byte", vec![]),
        ("", iso, format!("--output a.iso {late}"), "ISO 9660", vec![]),
        (
            "",
            disk,
            format!("--output a.ISO {late}"),
            "ISO 9660",
            vec![
                "format of the spec file is not used: --output makes an ISO",
                "partition-scheme of the spec file is not used: --output makes an ISO",
                "size of the spec file is not used: --output makes an ISO",
                "cluster-size of the spec file is not used: --output makes an ISO",
            ],
        ),
        (
            "",
            iso,
            format!("--output a.img {late}"),
            "GPT disk image",
            vec![
                "format of the spec file is not used: --output makes a disk image",
                "prompt of the spec file is not used: --output makes a disk image",
            ],
        ),
        ("", "[output]\nformat = \"iso\"\n", format!("--output a.bin {late}"), "ISO 9660", vec![]),
        (
            "",
            iso,
            format!("--format img {late}"),
            "GPT disk image",
            vec!["prompt of the spec file is not used: --format makes a disk image"],
        ),
        (
            dates,
            "",
            format!("--output a.iso {own}"),
            "ISO 9660",
            vec![
                "certificate-start of the spec file is not used: --certificate gives a certificate that has its own dates and key",
                "certificate-expiry of the spec file is not used: --certificate gives a certificate that has its own dates and key",
                "key-bits of the spec file is not used: --certificate gives a certificate that has its own dates and key",
            ],
        ),
        (
            imported,
            "",
            format!("--output a.iso {late}"),
            "ISO 9660",
            vec!["certificate of the spec file is not used: --certificate-expiry makes a self-signed one"],
        ),
        (
            &format!("{imported}certificate-expiry = 2120-01-01\n"),
            "",
            "--output a.iso --self-signed".to_owned(),
            "ISO 9660",
            vec!["certificate of the spec file is not used: --self-signed makes a self-signed one"],
        ),
    ] {
        let sandbox = sandbox(&format!("{POINT}[security]\n{password}{security}{output}"));
        sandbox.write("media.pfx", fixtures::media_certificate(fixtures::MEDIA_PASSWORD));
        sandbox.shell("chmod 600 media.pfx");
        let planned = run(&sandbox, &format!("{RUN} --dry-run {arguments}"));
        let is_kind = planned["kind"].as_str().is_some_and(|made| made.starts_with(kind));
        assert!(is_kind, "{security}{output}{arguments}: {}", planned["kind"]);
        let mut notes = notes(&planned);
        notes.retain(|note| note.contains("not used"));
        assert_eq!(notes, not_used, "{security}{output}{arguments}");
    }
}

#[test]
fn a_gateway_on_the_command_line_is_site_based() {
    let sandbox = sandbox(&format!("{POINT}media-mode = \"dynamic\"\n"));
    let gateway = "--cmg cmg.contoso.com/CCM_Proxy_MutualAuth/1 --password-file password.txt";
    let planned = run(&sandbox, &format!("{RUN} --dry-run --output a.img {gateway}"));
    assert!(
        notes(&planned).contains(&"media-mode of the spec file is not used: --cmg makes site-based media")
    );
}

#[test]
fn the_port_of_a_management_point_is_the_port() {
    let own = "[security]\ncertificate = \"media.pfx\"\ncertificate-password-file = \"password.txt\"\n";
    for (site, arguments, http, https, noted) in [
        (POINT, "", "80", "443", false),
        (POINT, "--https-port 444", "80", "444", false),
        (POINT, "--management-point https://mp:8443", "80", "8443", false),
        (POINT, "--management-point https://mp:8443 --https-port 8443", "80", "8443", false),
        ("https-port = 443\n", "--management-point mp:8443", "80", "8443", true),
        ("http-port = 8080\n", "--management-point mp:8443", "8080", "8443", false),
        ("", "--management-point http://mp:8080", "8080", "443", false),
    ] {
        let sandbox = sandbox(&format!("{site}{own}"));
        sandbox.write("media.pfx", fixtures::media_certificate(fixtures::MEDIA_PASSWORD));
        let made = run(&sandbox, format!("{RUN} --output a.iso {arguments}").trim_end());
        let port = |name| variable(&sandbox, "a.iso", name);
        let ports = (port("_SMSTSHTTPPort"), port("_SMSTSHTTPSPort"));
        assert_eq!(ports, (Some(http.to_owned()), Some(https.to_owned())), "{site}{arguments}");
        let note =
            "https-port of the spec file is not used: the management point on the command line has port 8443";
        assert_eq!(notes(&made).contains(&note), noted, "{site}{arguments}");
    }
}

#[test]
fn a_boot_file_replaces_that_of_the_same_place() {
    let sandbox = sandbox(&format!("{POINT}[boot.boot-file]\n\"\\\\boot\\\\boot.sdi\" = \"no.sdi\"\n"));
    sandbox.write("own.sdi", "its bytes");
    let planned = run(&sandbox, &format!("{RUN} --dry-run --output a.img --boot-file Boot/boot.sdi=own.sdi"));
    let files = planned["files"].as_array().expect("a list");
    let stores: Vec<_> = files
        .iter()
        .filter(|file| file["path"].as_str().is_some_and(|path| path.eq_ignore_ascii_case("boot/boot.sdi")))
        .collect();
    assert_eq!((stores.len(), &stores[0]["bytes"]), (1, &Value::from(9)));
}

#[test]
fn a_seed_from_every_place_is_one_identity() {
    let sandbox = sandbox(POINT);
    sandbox.write("seed.txt", "a seed\r\nmore\n");
    let base = format!("{RUN} --dry-run --output a.img");
    let from_file = run(&sandbox, &format!("{base} --seed-file seed.txt"));
    let from_input = run_with(&sandbox, &format!("{base} --seed-file -"), Some("a seed\n"));
    let arguments: Vec<&str> = base.split(' ').chain(["--seed", "a seed"]).collect();
    let outcome = sandbox.run_with(&arguments, &[NOW], None);
    let from_argument: Value = serde_json::from_str(&outcome.stdout).expect("it is JSON");
    for other in [&from_input, &from_argument] {
        assert_eq!(from_file["media_guid"], other["media_guid"]);
        assert_eq!(from_file["media_certificate"], other["media_certificate"]);
    }
    let said = "follow from the seed: media made with the same seed share their identity at the site";
    assert!(notes(&from_file).contains(&format!("the media GUID and the private key {said}").as_str()));
    let guid = "--media-guid d10d7f98-17dd-4588-b645-34964936023b";
    let with_guid = run(&sandbox, &format!("{base} --seed-file seed.txt {guid}"));
    assert!(notes(&with_guid).iter().any(|note| note.starts_with("the private key follows from the seed")));
    let is_noted = notes(&from_file).contains(&"other users of this computer can read the seed in seed.txt");
    assert_eq!(is_noted, of_another_system().is_none());
    let other = run(&sandbox, &base);
    assert!(!notes(&other).iter().any(|note| note.contains("from the seed")));
}

#[test]
fn files_that_others_can_read_are_noted() {
    let sandbox = sandbox(POINT);
    sandbox
        .write("media.pfx", fixtures::media_certificate(fixtures::MEDIA_PASSWORD))
        .write("vars.txt", "A=1\n");
    let arguments = format!(
        "{RUN} --dry-run --output a.img --vars-file vars.txt --certificate media.pfx --certificate-password-file password.txt"
    );
    let (media_variables, private_key) = (
        "other users of this computer can read the media variables in vars.txt",
        "other users of this computer can read the private key in media.pfx",
    );
    for (mode, noted) in [(644, of_another_system().is_none()), (600, false)] {
        sandbox.shell(&format!("chmod {mode} vars.txt media.pfx"));
        let planned = run(&sandbox, &arguments);
        let notes = notes(&planned);
        assert_eq!(
            (notes.contains(&media_variables), notes.contains(&private_key)),
            (noted, noted),
            "{mode}"
        );
    }
}

#[test]
fn the_package_id_is_said_with_its_place() {
    let sandbox = sandbox(POINT);
    std::fs::copy(sandbox.path("boot.wim"), sandbox.path("boot.ABC00012.wim")).expect("it can be copied");
    sandbox.write("media.toml", format!("{SPEC}{POINT}").replace("package-id = \"PS100005\"\n", ""));
    for (arguments, id, from) in [
        ("", None, None),
        ("--boot-image boot.ABC00012.wim", Some("ABC00012"), Some("file-name")),
        ("--boot-image boot.ABC00012.wim --package-id ABC00034", Some("ABC00034"), Some("given")),
    ] {
        let planned = run(&sandbox, format!("{RUN} --dry-run --output a.img {arguments}").trim_end());
        let image = &planned["boot_image"];
        assert_eq!((image["package_id"].as_str(), image["package_id_from"].as_str()), (id, from));
    }
}

#[test]
fn a_certificate_is_valid_on_the_day_it_expires() {
    let sandbox = sandbox(POINT);
    for (start, expiry, until) in [
        ("2026-01-01", "2120-12-31", "2120-12-31T23:59:59Z"),
        ("2120-12-31", "2120-12-31", "2120-12-31T23:59:59Z"),
        ("2026-01-01", "2120-12-31T00:00:00Z", "2120-12-31T00:00:00Z"),
        ("2026-01-01", "2120-12-31T12:00:00+01:00", "2120-12-31T11:00:00Z"),
    ] {
        let arguments = format!(
            "{RUN} --dry-run --output a.img --certificate-start {start} --certificate-expiry {expiry}"
        );
        let validity = &run(&sandbox, &arguments)["media_certificate"];
        assert_eq!(validity["valid_from"], format!("{start}T00:00:00Z"));
        assert_eq!(validity["valid_until"], until);
    }
}

#[test]
fn a_label_is_whole_on_an_iso_and_what_fits_on_a_stick() {
    let sandbox = sandbox(&format!("{POINT}[media]\nlabel = \"Contoso 1.0 [a+b]\"\n"));
    let note = "the label of the stick's volume is \"CONTOSO 1_0\": it cannot hold + , . = [ or ]";
    for (output, label, noted) in [("a.iso", "Contoso 1.0 [a+b]", false), ("a.img", "CONTOSO 1_0", true)] {
        let made = run(&sandbox, &format!("{RUN} --output {output} --verify"));
        assert_eq!(notes(&made).contains(&note), noted, "{output}");
        let seen = run(&sandbox, &format!("inspect {output} --json")).to_string();
        assert!(seen.contains(&format!("\"{label}\"")), "{output}: {seen}");
        let bytes = sandbox.read(output);
        let whole = b"label=Contoso 1.0 [a+b]\r\n";
        assert!(bytes.windows(whole.len()).any(|part| part == whole), "{output}: MediaLabel.txt");
    }
}

#[test]
fn the_terminal_is_asked_while_standard_input_is_a_file() {
    let sandbox = sandbox(POINT);
    sandbox.write("vars.txt", "FromInput=yes\n");
    let create = "\"$TSMEDIA\" create --spec media.toml --quiet --output a.iso --vars-file - --password-prompt < vars.txt";
    // Each is typed when it is asked for: what comes before is thrown away.
    let typed = format!(
        "mkfifo keys; script -qefc '{create}' screen.txt < keys > /dev/null & exec 3> keys; \
         for count in 1 2; do \
           until [ \"$(grep -ao 'password[a-z ]*:' screen.txt 2> /dev/null | wc -l)\" -ge $count ]; do sleep 0.05; done; \
           sleep 0.2; echo tangle mosaic hatchet provost gravel >&3; \
         done; exec 3>&-; wait $!"
    );
    sandbox.write("typed.sh", typed);
    let outcome = sandbox.shell("timeout 60 sh typed.sh");
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout, outcome.stderr);
    let seen = run(&sandbox, "inspect a.iso --json --password-file password.txt");
    assert!(seen.to_string().contains("FromInput"), "{seen}");
}
