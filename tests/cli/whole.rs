//! Whole runs: a medium is made, looked at and checked.

use serde_json::Value;

use crate::fixtures::{self, ROOT_CERTIFICATE};
use crate::support::{Outcome, Sandbox, snapshot};

const CREATE: &str = "create --boot-image boot.wim --package-id PS100005 --site-code ps1 \
    --cmg cmg.contoso.com/CCM_Proxy_MutualAuth/72057594037928100 --trusted-root root.pem \
    --password-file password.txt --vars-file vars.txt --var OSDComputerName=REMOTE --label CONTOSO --seed test \
    --certificate-start 2020-01-01 --certificate-expiry 2120-01-01";
const PASSWORD: &str = fixtures::MEDIA_PASSWORD;
const SECRET: &str = "a-secret-value";
/// 2027-01-01T00:00:00Z
const NOW: &str = "1798761600";
/// Valid by the clock of whoever runs this, so that nothing is noted.
const DATES: &str = "--certificate-start 2020-01-01 --certificate-expiry 2120-01-01";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    sandbox
        .write("root.pem", ROOT_CERTIFICATE)
        .write("password.txt", format!("{PASSWORD}\r\n"))
        .write("vars.txt", format!("# secret\nDomainJoinPassword={SECRET}\n"));
    sandbox.shell("chmod 600 password.txt vars.txt");
    sandbox
}

fn run(sandbox: &Sandbox, arguments: &str) -> Outcome {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let outcome = sandbox.run_with(&arguments, &[("SOURCE_DATE_EPOCH", NOW)], None);
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

#[test]
fn an_iso_is_made_shown_and_verified() {
    let sandbox = sandbox();
    snapshot!("create-iso", good(&sandbox, &format!("{CREATE} --output media.iso --verify")));
    snapshot!("inspect-iso", good(&sandbox, "inspect media.iso"));
    snapshot!("verify-iso", good(&sandbox, "verify media.iso"));
    let inspected = good(&sandbox, "inspect media.iso --password-file password.txt");
    assert!(
        inspected.contains("SMSTSMP = https://cmg.contoso.com/CCM_Proxy_MutualAuth/72057594037928100"),
        "{inspected}"
    );
    assert!(inspected.contains("DomainJoinPassword = (not shown"), "{inspected}");
    assert!(!inspected.contains(SECRET));
    let revealed = good(&sandbox, "inspect media.iso --password-file password.txt --reveal");
    assert!(revealed.contains(&format!("DomainJoinPassword = {SECRET}")), "{revealed}");
}

#[test]
fn a_disk_image_is_made_shown_and_verified() {
    let sandbox = sandbox();
    snapshot!("create-img", good(&sandbox, &format!("{CREATE} --output media.img --partition-scheme mbr")));
    snapshot!("inspect-img", good(&sandbox, "inspect media.img"));
    snapshot!("verify-img", good(&sandbox, "verify media.img"));
}

#[test]
fn a_dry_run_writes_nothing_and_asks_nothing() {
    let sandbox = sandbox();
    std::fs::remove_file(sandbox.path("password.txt")).expect("it is there");
    let before = sandbox.listing();
    snapshot!("dry-run-img", good(&sandbox, &format!("{CREATE} --output media.img --dry-run")));
    assert!(before == sandbox.listing());
    // What was planned is what is made.
    let planned: Value = json(&good(&sandbox, &format!("{CREATE} --output media.img --dry-run --json")));
    sandbox.write("password.txt", PASSWORD);
    let made: Value = json(&run(&sandbox, &format!("{CREATE} --output media.img --json")).stdout);
    assert_eq!(planned["bytes"], made["bytes"]);
    assert_eq!(sandbox.read("media.img").len() as u64, made["bytes"].as_u64().expect("a number"));
}

#[test]
fn a_dry_run_says_what_would_be_wrong_with_the_output() {
    let sandbox = sandbox();
    sandbox.write("media.img", "old");
    let notes = |more: &str| {
        let outcome = good(&sandbox, &format!("{CREATE} --dry-run --json --boot-manager 2011 {more}"));
        noted(&json(&outcome))
    };
    assert_eq!(notes("--output media.img"), ["without --dry-run: cannot write media.img: it exists already"]);
    assert_eq!(
        notes("--output no/media.img"),
        ["without --dry-run: cannot write no/media.img: there is no folder no"]
    );
    assert_eq!(
        notes("--output boot.wim --format img --force"),
        ["without --dry-run: cannot write boot.wim: it is the same file as the boot image boot.wim"]
    );
    assert!(notes("--output media.img --force").is_empty());
    let limited = sandbox.shell(&format!("ulimit -f 100; $TSMEDIA {CREATE} --dry-run --output new.img"));
    assert!(
        limited.stdout.contains("note: without --dry-run: cannot write new.img: file too large"),
        "{}",
        limited.stdout
    );
}

const NOTED: &str = "create --seed test --boot-image boot.wim --package-id PS100005 --site-code PS1 --format img --dry-run \
    --boot-manager 2011";

/// The notes of a dry run at some time.
fn notes(sandbox: &Sandbox, time: &str, arguments: &str) -> Vec<String> {
    let arguments = format!("{NOTED} --json {arguments}");
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let outcome = sandbox.run_with(&arguments, &[("SOURCE_DATE_EPOCH", time)], None);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{arguments:?}");
    noted(&json(&outcome.stdout))
}

/// All notes but those of every run here: that the stand-ins for boot managers are not signed, and what a seed means.
fn noted(result: &Value) -> Vec<String> {
    let notes = result["notes"].as_array().expect("a list").iter();
    let notes = notes.map(|note| note.as_str().expect("a text").to_owned());
    // What is true of every medium made here: of its boot manager, its seed, and its root, which is from 2026.
    let of_all = ["is not signed", "from the seed", "[trust.valid-at-firmware-date]"];
    notes.filter(|note| !of_all.iter().any(|known| note.contains(known))).collect()
}

#[test]
fn what_the_wizard_would_not_let_through_is_noted() {
    let sandbox = sandbox();
    sandbox.write("media.pfx", fixtures::media_certificate("right")).write("pfx.txt", "right");
    sandbox.shell("chmod 600 pfx.txt media.pfx");
    let no_password = "the medium has no password: whoever holds it can read and use the private key on it, \
        which is encrypted under a published text";
    let with = |arguments: &str| {
        let dates = if arguments.contains("--certificate") { "" } else { DATES };
        let mut notes = notes(&sandbox, NOW, &format!("{arguments} {dates}"));
        assert_eq!(notes.first().map(String::as_str), Some(no_password), "{arguments}: {notes:?}");
        notes.remove(0);
        notes
    };
    let pfx = "--certificate media.pfx --certificate-password-file pfx.txt";
    let none: [&str; 0] = [];
    assert_eq!(with("--management-point mp.contoso.com"), none);
    assert_eq!(with(&format!("--management-point mp.contoso.com {pfx}")), none);
    assert_eq!(with("--cmg cmg.contoso.com/CCM_Proxy_MutualAuth/1 --allow-no-password"), none);
    assert_eq!(
        with("--management-point https://mp.contoso.com"),
        [
            "https://mp.contoso.com may not answer the medium: https takes a PKI certificate (--certificate), and this one is self-signed"
        ]
    );
    assert_eq!(
        with(&format!(
            "--media-mode dynamic --management-point a.contoso.com --management-point http://b.contoso.com {pfx}"
        )),
        ["http://b.contoso.com may not answer the medium: an imported certificate is for https"]
    );
    assert_eq!(
        notes(
            &sandbox,
            NOW,
            &format!("--management-point mp.contoso.com --password-file password.txt {DATES}")
        ),
        none
    );
}

#[test]
fn a_certificate_that_makes_nothing_trusted_is_noted() {
    let sandbox = sandbox();
    let noted = |arguments: &str| {
        let arguments =
            format!("--management-point mp.contoso.com --password-file password.txt {DATES} {arguments}");
        notes(&sandbox, NOW, &arguments)
    };
    assert!(noted("--trusted-root root.pem").is_empty());
    let said = noted("--intermediate root.pem");
    assert!(
        said.len() == 1 && said[0].contains("it is a root, and not trusted among intermediates"),
        "{said:?}"
    );
}

#[test]
fn a_time_that_is_set_does_not_hide_that_the_certificate_has_expired() {
    let sandbox = sandbox();
    let base = "--management-point mp.contoso.com --password-file password.txt";
    assert_eq!(
        notes(&sandbox, "1600000000", base),
        [
            "the media certificate expired on 2021-09-13T12:26:40Z by this computer's clock: SOURCE_DATE_EPOCH sets the time to 2020-09-13T12:26:40Z"
        ]
    );
    let later = format!("{base} {DATES}");
    assert!(notes(&sandbox, "1600000000", &later).is_empty());
    assert_eq!(
        notes(&sandbox, "4102444800", base),
        [
            "the media certificate is not valid yet, but from 2100-01-01T00:00:00Z, by this computer's clock: SOURCE_DATE_EPOCH sets the time to 2100-01-01T00:00:00Z"
        ]
    );
}

#[test]
fn an_expired_certificate_is_taken_when_it_is_asked_for() {
    let sandbox = sandbox();
    sandbox.write("media.pfx", fixtures::media_certificate("right")).write("pfx.txt", "right");
    for (time, chosen) in [
        (NOW, "--certificate-start 2020-01-01 --certificate-expiry 2021-01-01"),
        ("2500000000", "--certificate media.pfx --certificate-password-file pfx.txt"),
    ] {
        let arguments = CREATE.replace(DATES, "");
        let arguments = format!("{arguments} --output media.img --allow-expired --json {chosen}");
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let outcome = sandbox.run_with(&arguments, &[("SOURCE_DATE_EPOCH", time)], None);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{chosen}");
        let notes = json(&outcome.stdout)["notes"].to_string();
        assert!(notes.contains("it expired on 20"), "{notes}");
        for made in ["media.img", "media.img.receipt.json"] {
            std::fs::remove_file(sandbox.path(made)).expect("it was made");
        }
    }
}

#[test]
fn results_as_json() {
    let sandbox = sandbox();
    let made = json(&good(&sandbox, &format!("{CREATE} --output media.iso --json")));
    assert_eq!(made["output"], "media.iso");
    assert_eq!(made["management"]["cloud_management_gateway"], true);
    let registration = &made["registration"];
    assert_eq!(registration["smsid"], made["media_guid"]);
    assert_eq!((&registration["type"], &registration["uda_setting"]), (&1.into(), &0.into()));
    assert_eq!(registration["issued_cert"], 1);
    let with = |affinity: &str| {
        let arguments = format!("{CREATE} --output uda.iso --force --json --user-device-affinity {affinity}");
        json(&good(&sandbox, &arguments))["registration"]["uda_setting"].clone()
    };
    assert_eq!((with("administrator-approval"), with("auto-approval")), (1.into(), 2.into()));
    assert_eq!(made["trusted_certificates"][0]["store"], "AuthRoot");
    assert_eq!(made["trusted_certificates"][0]["was_there"], false);
    let seen = json(&good(&sandbox, "inspect media.iso --json --password-file password.txt"));
    assert_eq!(seen["volume"]["type"], "iso");
    assert_eq!(seen["variables"]["password"], "given");
    let values = seen["variables"]["variables"].as_array().expect("a list");
    let secret =
        values.iter().find(|variable| variable["name"] == "DomainJoinPassword").expect("it was given");
    assert_eq!(secret["value"], Value::Null);
    assert_eq!(seen["boot_image"]["certificates"][0]["subject"], made["trusted_certificates"][0]["subject"]);
    let checked = json(&good(&sandbox, "verify media.iso --json"));
    assert_eq!(checked["intact"], true);
    assert!(checked["files_compared"].as_u64() > Some(10));
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("it is JSON")
}

#[test]
fn a_damaged_medium_is_found_out() {
    let sandbox = sandbox();
    good(&sandbox, &format!("{CREATE} --output media.img --quiet"));
    let mut image = sandbox.read("media.img");
    let mark = b"[MediaInfo]";
    let at =
        image.windows(mark.len()).position(|bytes| bytes == mark).expect("TsmBootstrap.ini is on the medium");
    image[at + 1] ^= 0x20;
    sandbox.write("media.img", image);
    let outcome = run(&sandbox, "verify media.img");
    assert_eq!(outcome.code, 1, "{}", outcome.stdout);
    let changed = "SMS/data/TsmBootstrap.ini: bytes 0 to 75 of its 75 are not those that were written";
    assert!(outcome.stdout.contains(changed), "{}", outcome.stdout);
    assert!(outcome.stdout.ends_with("media.img: NOT INTACT, 1 thing is wrong\n"), "{}", outcome.stdout);
}

#[test]
fn a_wrong_password_shows_what_needs_none() {
    let sandbox = sandbox();
    good(&sandbox, &format!("{CREATE} --output media.iso --quiet"));
    sandbox.write("wrong.txt", "wrong");
    for json in ["", "--json"] {
        let outcome = run(&sandbox, &format!("inspect media.iso --password-file wrong.txt {json}"));
        assert_eq!(
            (outcome.code, outcome.stderr.as_str()),
            (
                3,
                "error: the media variables of media.iso: the password is wrong\n\
                 hint: give the media password that the medium was made with\n"
            )
        );
        let seen = outcome.stdout;
        assert!(seen.contains("wrong") && seen.contains("bootmgr.efi"), "{seen}");
        // What the manifest states is no secret; what the variables say stays shut.
        assert!(!seen.contains("SMSTSMP") && !seen.contains("_SMSTSSiteCode"), "{seen}");
    }
    // A medium without a password is opened by any.
    let open = CREATE.replace("--password-file password.txt", "--allow-no-password");
    good(&sandbox, &format!("{open} --output open.iso --quiet"));
    assert!(
        good(&sandbox, "inspect open.iso --password-file wrong.txt").contains("Password          none\n")
    );
}

#[test]
fn a_dry_run_says_what_the_real_run_will_draw_anew() {
    let sandbox = sandbox();
    sandbox.write("media.pfx", fixtures::media_certificate("right")).write("pfx.txt", "right");
    sandbox.shell("chmod 600 pfx.txt");
    let pfx = "--certificate media.pfx --certificate-password-file pfx.txt";
    let guid = "--media-guid {8B9E032D-A106-4E2E-A792-7A58332B96E5}";
    for (arguments, expected) in [
        (String::new(), Some("the media GUID and the media certificate shown here")),
        (pfx.to_owned(), Some("the media GUID shown here")),
        (guid.to_owned(), Some("the media certificate shown here")),
        (format!("{guid} {pfx}"), None),
        ("--seed test".to_owned(), None),
    ] {
        let create = CREATE.replace("--seed test", "--dry-run --format img");
        // An imported certificate has its own dates.
        let create = if arguments.contains("--certificate") { create.replace(DATES, "") } else { create };
        let said = good(&sandbox, &format!("{create} {arguments}"));
        assert_eq!(said.contains(" shown here will be others"), expected.is_some(), "{arguments}: {said}");
        assert!(said.contains(expected.unwrap_or_default()), "{arguments}: {said}");
    }
}

#[test]
fn an_existing_output_is_replaced_whole_or_not_at_all() {
    let sandbox = sandbox();
    sandbox.write("media.iso", "old");
    let refused = run(&sandbox, &format!("{CREATE} --output media.iso"));
    assert_eq!((refused.code, sandbox.read("media.iso").as_slice()), (4, b"old".as_slice()));
    good(&sandbox, &format!("{CREATE} --output media.iso --force --quiet"));
    let first = sandbox.read("media.iso");
    assert!(first.len() > 1 << 20);
    // Equal settings, inputs, time and seed give equal bytes.
    good(&sandbox, &format!("{CREATE} --output again.iso --quiet"));
    assert!(first == sandbox.read("again.iso"), "two equal runs differ");
    let names: Vec<_> = sandbox.listing().into_keys().map(|path| path.display().to_string()).collect();
    let made = ["again.iso", "again.iso.receipt.json", "media.iso", "media.iso.receipt.json"];
    let mut expected = [&made[..], &["boot.wim", "password.txt", "root.pem", "vars.txt"]].concat();
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert!(sandbox.read(made[1]) == sandbox.read(made[3]), "two equal receipts differ");
}

#[test]
fn a_link_to_the_output_stays_a_link() {
    let sandbox = sandbox();
    sandbox.write("store/media.iso", "old");
    std::os::unix::fs::symlink("store/media.iso", sandbox.path("media.iso")).expect("a link");
    good(&sandbox, &format!("{CREATE} --output media.iso --force --quiet"));
    assert!(sandbox.path("media.iso").is_symlink());
    assert!(sandbox.read("store/media.iso").len() > 1 << 20);
}

#[test]
fn a_spec_file_says_the_same_as_options() {
    let sandbox = sandbox();
    let spec = "[boot]\nboot-image = \"../boot.wim\"\npackage-id = \"PS100005\"\n\
        [site]\nsite-code = \"XXX\"\ncmg = \"cmg.contoso.com/CCM_Proxy_MutualAuth/72057594037928100\"\n\
        [security]\ntrusted-root = [\"../root.pem\"]\npassword-env = \"NOT_USED\"\n\
        [media]\nvars-file = \"../vars.txt\"\n\
        [variables]\nOSDComputerName = \"OTHER\"\n";
    sandbox.write("specs/media.toml", spec);
    good(&sandbox, &format!("{CREATE} --output options.iso --quiet"));
    // Options win: the site code, the password and one variable.
    good(
        &sandbox,
        "create --spec specs/media.toml --site-code PS1 --password-file password.txt --var OSDComputerName=REMOTE \
         --label CONTOSO --seed test --certificate-start 2020-01-01 --certificate-expiry 2120-01-01 --output spec.iso --quiet",
    );
    assert!(sandbox.read("options.iso") == sandbox.read("spec.iso"), "the two differ");
}

#[test]
fn a_password_from_every_place() {
    let sandbox = sandbox();
    let base = CREATE.replace("--password-file password.txt", "");
    let arguments = |more: &str| format!("{base} --quiet {more}");
    let split = |text: String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let epoch = ("SOURCE_DATE_EPOCH", NOW);
    let from_env = split(arguments("--password-env MEDIA_PASSWORD --output env.iso"));
    let from_input = split(arguments("--password-file - --output input.iso"));
    let from_env: Vec<&str> = from_env.iter().map(String::as_str).collect();
    let from_input: Vec<&str> = from_input.iter().map(String::as_str).collect();
    assert_eq!(sandbox.run_with(&from_env, &[epoch, ("MEDIA_PASSWORD", PASSWORD)], None).code, 0);
    assert_eq!(sandbox.run_with(&from_input, &[epoch], Some(&format!("{PASSWORD}\nmore\n"))).code, 0);
    good(&sandbox, &arguments("--password-file password.txt --output file.iso"));
    assert!(sandbox.read("env.iso") == sandbox.read("file.iso"));
    assert!(sandbox.read("input.iso") == sandbox.read("file.iso"));
}

#[test]
fn an_imported_certificate() {
    let sandbox = sandbox();
    sandbox.write("media.pfx", fixtures::media_certificate("right")).write("pfx.txt", "right");
    let arguments = format!(
        "{} --certificate media.pfx --certificate-password-file pfx.txt --output media.iso --json",
        CREATE.replace(DATES, "")
    );
    let made = json(&good(&sandbox, &arguments));
    assert_eq!(made["media_certificate"]["valid_from"], "2020-01-01T00:00:00Z");
    assert_eq!(made["registration"]["issued_cert"], 2);
    let server = fixtures::media_certificate_for("right", "1.3.6.1.5.5.7.3.1");
    sandbox.write("media.pfx", server);
    let allowed = good(&sandbox, &format!("{arguments} --force --allow-unsuitable-certificate"));
    let notes = json(&allowed)["notes"].to_string();
    assert!(
        notes.contains(
            "media certificate, expected to be refused by management points: its extended key usage is"
        ),
        "{notes}"
    );
}

#[test]
fn variables_can_be_left_out_and_the_trailer_be_set() {
    let sandbox = sandbox();
    let made = |arguments: &str| {
        json(&good(&sandbox, &format!("{CREATE} --output media.iso --force --json {arguments}")))
    };
    let length = || {
        let seen = json(&good(&sandbox, "inspect media.iso --json"));
        let files = seen["files"].as_array().expect("a list").clone();
        let file = files.into_iter().find(|file| file["path"] == "SMS/data/variables.dat");
        file.expect("it is there")["bytes"].as_u64().expect("a number")
    };
    let without = made(
        "--without-var _smstshttpport --without-var DomainJoinPassword --without-var Nothing --variables-trailer 0",
    );
    let names = without["variables"].to_string();
    assert!(names.contains("_SMSTSHTTPSPort"), "{names}");
    assert!(!names.contains("_SMSTSHTTPPort") && !names.contains("DomainJoinPassword"), "{names}");
    let note = "the variable Nothing is to be left out, and the medium would not have had it";
    assert!(without["notes"].to_string().contains(note), "{}", without["notes"]);
    assert_eq!(length() % 16, 8, "a header of 24 bytes, and whole blocks");
    let shorter = length();
    made("--without-var _SMSTSHTTPPort --without-var DomainJoinPassword --variables-trailer 5000");
    assert_eq!(length(), shorter + 5000);
}

#[test]
fn variables_that_open_and_make_no_sense_have_no_wrong_password() {
    use media_core::{media::variables::PASSWORD_WHEN_NONE, sealed};
    let sandbox = sandbox();
    let plain: Vec<u8> = "<MediaVarList".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let file = sealed::seal(&plain, &PASSWORD_WHEN_NONE.into(), sealed::Algorithm::Aes128).expect("short");
    sandbox.write("variables.dat", file);
    let seen = good(&sandbox, "inspect variables.dat");
    let expected = "none; media variables: the XML is not well-formed in line 1, column 1";
    assert!(seen.contains(expected), "{seen}");
    let outcome = run(&sandbox, "inspect variables.dat --password-file password.txt");
    assert!(outcome.code == 3 && outcome.stderr.ends_with("column 1\n"), "{}", outcome.stderr);
}

#[test]
fn names_on_a_medium_forge_nothing() {
    let sandbox = sandbox();
    good(&sandbox, &format!("{CREATE} --output media.img --quiet"));
    let mut image = sandbox.read("media.img");
    // In XML an escape character cannot be; U+009B does the same.
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let name = wide("Microsoft Windows PE (amd64)");
    let forged = wide("x\n\u{9B}2J\nmedia.img: intact     ");
    let places: Vec<usize> = (0..image.len() - name.len())
        .filter(|at| image[*at] == b'M' && image[*at..].starts_with(&name))
        .collect();
    assert!(!places.is_empty(), "the boot image is named");
    for at in places {
        image[at..at + name.len()].copy_from_slice(&forged);
    }
    sandbox.write("media.img", image);
    let seen = run(&sandbox, "inspect media.img").stdout;
    assert!(seen.contains(r"  Image 1           x\n\u{9b}2J\nmedia.img: intact"), "{seen:?}");
}

#[test]
fn more_files_go_onto_a_medium_than_can_be_open_at_once() {
    let sandbox = sandbox();
    sandbox.write("s", "a small file\n");
    let files: String = (0..300).map(|file| format!("\"folder/{file}\" = \"s\"\n")).collect();
    sandbox.write("many.toml", format!("[boot.boot-file]\n{files}"));
    for output in ["many.img", "many.iso"] {
        let made = sandbox
            .shell(&format!("ulimit -n 64; $TSMEDIA {CREATE} --spec many.toml --output {output} --verify"));
        assert_eq!(made.code, 0, "{}", made.stderr);
        assert_eq!(memchr::memmem::find_iter(&sandbox.read(output), b"a small file\n").count(), 300);
    }
}
