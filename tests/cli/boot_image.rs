//! `tsmedia boot-image`: what it says, what it changes, and what it leaves alone.

use std::fs;

use media_tests::referee;
use serde_json::Value;

use crate::fixtures::{self, ROOT_CERTIFICATE};
use crate::support::{Outcome, Sandbox, snapshot};

const HEADER: usize = 208;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    sandbox.write("root.pem", ROOT_CERTIFICATE);
    sandbox
}

fn run(sandbox: &Sandbox, arguments: &str) -> Outcome {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    sandbox.run_with(
        &[&["boot-image"], &arguments[..]].concat(),
        &[("SOURCE_DATE_EPOCH", "1798761600")],
        None,
    )
}

fn good(sandbox: &Sandbox, arguments: &str) -> String {
    let outcome = run(sandbox, arguments);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{arguments}");
    outcome.stdout
}

fn json(sandbox: &Sandbox, arguments: &str) -> Value {
    serde_json::from_str(&good(sandbox, &format!("{arguments} --json"))).expect("it is JSON")
}

/// The thumbprint as the listing gives it.
fn thumbprint(sandbox: &Sandbox) -> String {
    let listed = json(sandbox, "roots list boot.wim");
    listed["images"][0]["certificates"][0]["thumbprint"].as_str().expect("it is listed").to_owned()
}

#[test]
fn what_is_in_a_boot_image() {
    let sandbox = sandbox();
    good(&sandbox, "roots add boot.wim root.pem");
    snapshot!("boot-image-info", good(&sandbox, "info boot.wim"));
    snapshot!("boot-image-info-json", good(&sandbox, "info boot.wim --json"));
}

#[test]
fn a_component_that_is_needed_and_missing_is_named() {
    let sandbox = Sandbox::new();
    fixtures::boot_image_like(&sandbox, "no WMI", |recipe| {
        recipe.without = vec![
            "Windows/servicing/Packages/WinPE-WMI-Package~31bf3856ad364e35~amd64~~10.0.26100.1.mum",
            "Windows/servicing/Packages/WinPE-WMI-Package~31bf3856ad364e35~amd64~en-US~10.0.26100.1.mum",
            "sms/bin/x64/TsmBootstrap.exe",
        ];
    });
    let content = &json(&sandbox, "info boot.wim")["images"][0]["content"];
    assert_eq!(content["missing_components"], serde_json::json!(["WinPE-WMI"]));
    assert_eq!(content["configuration_manager"], Value::Null);
}

#[test]
fn certificates_go_in_and_out_in_place() {
    let sandbox = sandbox();
    let before = sandbox.read("boot.wim");
    snapshot!("boot-image-roots-add", good(&sandbox, "roots add boot.wim root.pem"));
    let after = sandbox.read("boot.wim");
    // Nothing that was there moved: only the header is new, and what is behind it was added.
    assert!(after.len() > before.len());
    assert!(before[HEADER..] == after[HEADER..before.len()]);
    snapshot!("boot-image-roots-list", good(&sandbox, "roots list boot.wim"));
    assert_eq!(good(&sandbox, "verify boot.wim"), "boot.wim: intact\n");

    // A second time nothing changes, not even a time.
    let again = good(&sandbox, "roots add boot.wim root.pem");
    assert!(again.contains("was in AuthRoot already") && again.contains("nothing to change"), "{again}");
    assert!(sandbox.read("boot.wim") == after);

    let name = thumbprint(&sandbox);
    let spaced: String =
        name.to_lowercase().as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair) + ":").collect();
    let spaced = spaced.trim_end_matches(':');
    let removed = good(&sandbox, &format!("roots remove boot.wim {spaced}"));
    assert!(removed.contains(&format!("removed from AuthRoot: {name}")), "{removed}");
    assert!(
        json(&sandbox, "roots list boot.wim")["images"][0]["certificates"]
            .as_array()
            .is_some_and(Vec::is_empty)
    );
    let gone = good(&sandbox, "roots remove boot.wim root.pem --store root");
    assert!(gone.contains("was in no store") && gone.contains("nothing to change"), "{gone}");
}

#[test]
fn a_new_file_leaves_the_old_one_alone() {
    let sandbox = sandbox();
    let before = sandbox.read("boot.wim");
    let added = good(&sandbox, "roots add boot.wim root.pem --store root --output new.wim");
    assert!(added.contains("added in ROOT") && added.ends_with("new.wim: written\n"), "{added}");
    assert!(sandbox.read("boot.wim") == before);
    let kept = run(&sandbox, "roots add boot.wim root.pem --output new.wim");
    assert_eq!(kept.code, 4, "{}", kept.stderr);
    assert!(kept.stderr.contains("exists already"), "{}", kept.stderr);
    let same = run(&sandbox, "roots add boot.wim root.pem --output boot.wim --force");
    assert_eq!(same.code, 2, "{}", same.stderr);
    assert!(sandbox.read("boot.wim") == before);
    // In place and into a new file give the same bytes.
    good(&sandbox, "roots add boot.wim root.pem --store root");
    assert!(sandbox.read("boot.wim") == sandbox.read("new.wim"));
}

#[test]
fn what_differs_is_the_one_key() {
    let sandbox = sandbox();
    good(&sandbox, "roots add boot.wim root.pem --output new.wim");
    let differs = run(&sandbox, "diff boot.wim new.wim");
    assert_eq!(differs.code, 1);
    snapshot!("boot-image-diff", differs.stdout);
    let same = good(&sandbox, "diff new.wim new.wim");
    assert_eq!(same, "new.wim and new.wim: nothing differs\n");
}

#[test]
fn an_export_can_be_imported_again() {
    let sandbox = sandbox();
    good(&sandbox, "roots add boot.wim root.pem --output first.wim");
    for form in ["reg", "pem"] {
        good(&sandbox, &format!("roots export first.wim --as {form} --output trust.{form}"));
        let outcome = run(&sandbox, &format!("roots add boot.wim trust.{form} --output {form}.wim"));
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        assert!(sandbox.read("first.wim") == sandbox.read(&format!("{form}.wim")), "{form}");
    }
    let text = String::from_utf8(sandbox.read("trust.pem")).expect("text");
    assert!(text.starts_with("-----BEGIN CERTIFICATE-----"), "{text}");
    let printed = good(&sandbox, "roots export first.wim --as pem");
    assert_eq!(printed, text);
    assert!(sandbox.read("trust.reg").starts_with(&[0xFF, 0xFE]));
}

#[test]
fn every_image_of_a_file() {
    let sandbox = Sandbox::new();
    fixtures::boot_image_like(&sandbox, "two images, none boots", |recipe| {
        (recipe.images, recipe.boot_index) = (2, 0);
    });
    sandbox.write("root.pem", ROOT_CERTIFICATE);
    let unclear = run(&sandbox, "roots add boot.wim root.pem");
    assert_eq!(unclear.code, 2);
    snapshot!("boot-image-which-image", unclear.stderr);
    let missing = run(&sandbox, "roots list boot.wim --image 3");
    assert_eq!(missing.code, 2);
    snapshot!("boot-image-no-such-image", missing.stderr);
    let all = json(&sandbox, "roots add boot.wim root.pem --image all");
    assert_eq!(all["certificates"].as_array().map(Vec::len), Some(2));
    let listed = json(&sandbox, "roots list boot.wim --image all");
    for image in 0..2 {
        assert_eq!(listed["images"][image]["certificates"].as_array().map(Vec::len), Some(1));
    }
    // Both images share the new hive.
    let Some(verdict) = referee::run_in(&sandbox.path("."), "wimlib-imagex", ["verify", "boot.wim"]) else {
        return;
    };
    let _ = verdict.success();
    // That no image is bootable is no damage, and worth a note.
    let verified = run(&sandbox, "verify boot.wim");
    assert_eq!((verified.code, verified.stdout.lines().last()), (6, Some("boot.wim: intact")));
}

#[test]
fn a_file_nobody_may_write_to() {
    let sandbox = sandbox();
    good(&sandbox, "roots add boot.wim root.pem --output marked.wim");
    // The header's flag READ_ONLY.
    let mut bytes = sandbox.read("boot.wim");
    bytes[16] |= 4;
    sandbox.write("boot.wim", &bytes);
    let refused = run(&sandbox, "roots add boot.wim root.pem");
    assert_eq!(refused.code, 4);
    snapshot!("boot-image-read-only", refused.stderr);
    assert!(sandbox.read("boot.wim") == bytes);
    good(&sandbox, "roots add boot.wim root.pem --force");
    assert!(sandbox.read("boot.wim").len() > bytes.len());
}

#[test]
fn what_is_no_boot_image_is_refused_and_stays() {
    let sandbox = sandbox();
    let whole = sandbox.read("boot.wim");
    let mut pipable = whole.clone();
    pipable[..8].copy_from_slice(b"WLPWM\0\0\0");
    let mut split = whole.clone();
    split[42] = 2;
    let cases: [(&str, Vec<u8>); 6] = [
        ("empty.wim", Vec::new()),
        ("short.wim", whole[..150].to_vec()),
        ("cut.wim", whole[..whole.len() / 2].to_vec()),
        ("pipable.wim", pipable),
        ("split.wim", split),
        ("no.wim", ROOT_CERTIFICATE.into()),
    ];
    let mut said = String::new();
    for (name, bytes) in cases {
        sandbox.write(name, &bytes);
        let before = sandbox.listing();
        for arguments in
            [format!("roots add {name} root.pem"), format!("roots add {name} root.pem --output new.wim")]
        {
            let outcome = run(&sandbox, &arguments);
            assert_eq!((outcome.code, outcome.stdout.as_str()), (3, ""), "{arguments}: {}", outcome.stderr);
            assert!(sandbox.listing() == before, "{arguments} left something behind");
            if !arguments.contains("--output") {
                said.push_str(&format!("{arguments}\n{}\n", outcome.stderr));
            }
        }
    }
    snapshot!("boot-image-refused", said);
}

#[test]
fn what_the_boot_manager_cannot_decompress_is_refused_unless_it_does_not_boot() {
    let sandbox = sandbox();
    let export = |name: &str, boot: &[&str]| {
        let arguments = [&["export", "boot.wim", "1", name, "--compress=LZMS"], boot].concat();
        referee::run_in(&sandbox.path("."), "wimlib-imagex", arguments).map(|verdict| verdict.success())
    };
    if export("boots.wim", &["--boot"]).is_none() || export("data.wim", &[]).is_none() {
        return;
    }
    let before = sandbox.listing();
    let refused = run(&sandbox, "roots add boots.wim root.pem");
    assert_eq!((refused.code, refused.stdout.as_str()), (3, ""));
    assert!(
        refused.stderr.contains("LZMS") && refused.stderr.contains("--compress=LZX"),
        "{}",
        refused.stderr
    );
    assert!(sandbox.listing() == before);
    let added = run(&sandbox, "roots add data.wim root.pem");
    assert_eq!(added.code, 0, "{}", added.stderr);
    let _ = referee::run_in(&sandbox.path("."), "wimlib-imagex", ["verify", "data.wim"])
        .map(|verdict| verdict.success());
}

#[test]
fn files_go_in_and_everything_else_stays() {
    let sandbox = sandbox();
    sandbox
        .write("branding/Windows/System32/winpe.jpg", b"another picture")
        .write("branding/SMS/branding/logo.bmp", vec![7; 100_000])
        .write("branding/Windows/System32/startnet.cmd", b"wpeinit\r\n")
        .write("prestart.cmd", b"echo prestart\r\n");
    fs::create_dir(sandbox.path("branding/empty")).expect("a folder can be made");
    let details = |name: &str| {
        let verdict = referee::run_in(&sandbox.path("."), "wimlib-imagex", ["dir", name, "1", "--detailed"])?;
        let said = verdict.success().text();
        let entries =
            said.split("----------------------------------------------------------------------------");
        Some(entries.map(str::to_owned).collect::<Vec<_>>())
    };
    let before = details("boot.wim");
    snapshot!("boot-image-add-tree", good(&sandbox, "add boot.wim --tree branding --output new.wim"));
    assert_eq!(good(&sandbox, "verify new.wim").lines().last(), Some("new.wim: intact"));
    let said = good(&sandbox, r"add new.wim prestart.cmd --to \sms\BIN\x64");
    assert!(said.contains(r"image 1: sms\bin\x64\prestart.cmd: added"), "{said}");
    let bytes = sandbox.read("new.wim");
    let again = good(&sandbox, r"add new.wim prestart.cmd --to \sms\bin\x64");
    assert!(again.contains("was there already") && again.contains("nothing to change"), "{again}");
    assert!(sandbox.read("new.wim") == bytes);
    assert!(json(&sandbox, "info new.wim")["images"][0]["boots"].as_bool().is_some_and(|boots| boots));

    let (Some(before), Some(after)) = (before, details("new.wim")) else { return };
    for entry in &before {
        let Some(path) = path_of(entry) else { continue };
        let there = after.iter().find(|other| path_of(other) == Some(path.clone()));
        assert!(there.is_some(), "{path} is gone");
        let there = there.map_or("", String::as_str);
        // The replaced file has other content, and folders that got files another time.
        let facts = |entry: &str| {
            let kept = |line: &&str| {
                let line = line.trim_start();
                ![
                    "Hash",
                    "Uncompressed size",
                    "Compressed size",
                    "Offset in WIM",
                    "Raw",
                    "Flags",
                    "Last Write",
                    "Hard Link Group",
                    "Reference Count",
                ]
                .iter()
                .any(|name| line.starts_with(name))
            };
            entry.lines().filter(kept).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(facts(entry), facts(there), "{path}");
    }
}

fn path_of(entry: &str) -> Option<String> {
    let line = entry.lines().find_map(|line| line.strip_prefix("Full Path"))?;
    Some(line.trim_start_matches([' ', '=']).trim_matches('"').to_owned())
}

#[test]
fn files_that_cannot_go_in_change_nothing() {
    let sandbox = sandbox();
    sandbox.write("winpe.jpg", b"a picture").write("Windows", b"a file");
    let before = sandbox.listing();
    let mut said = String::new();
    for arguments in [
        r"add boot.wim nothing.txt --to \sms",
        r"add boot.wim Windows --to \",
        r"add boot.wim winpe.jpg --to \sms\..\Windows",
        r"add boot.wim winpe.jpg --to \Windows\System32\winpe.jpg",
        "add boot.wim --tree nowhere",
        "add nothing.wim --tree .",
    ] {
        let outcome = run(&sandbox, arguments);
        assert!(matches!(outcome.code, 2 | 3), "{arguments}: {}", outcome.stdout);
        said.push_str(&format!("{arguments}\nexit code {}\n{}\n", outcome.code, outcome.stderr));
        assert!(sandbox.listing() == before, "{arguments} left something behind");
    }
    snapshot!("boot-image-add-refused", said);
}

/// Makes a root, an intermediate and a server's certificate with openssl; `None` where it is missing.
fn chain(sandbox: &Sandbox) -> Option<()> {
    referee::find("openssl")?;
    let script = r#"set -e
        new() { openssl req -newkey rsa:2048 -nodes -sha256 -keyout $1.key -subj "/CN=$2" "${@:3}" 2>/dev/null; }
        sign() { openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -days 3650 -set_serial $3 -extfile $1.ext -out $1.pem 2>/dev/null; }
        new r "Test Root" -x509 -days 7300 -out r.pem
        echo "basicConstraints=critical,CA:true" > i.ext; new i "Test Issuing" -out i.csr; sign i r 2
        printf 'subjectAltName=DNS:cmg.contoso.com\nextendedKeyUsage=serverAuth\n' > s.ext; new s "cmg.contoso.com" -out s.csr; sign s i 3
        cat s.pem i.pem > chain.pem; rm -f *.csr *.ext *.key"#;
    let made =
        std::process::Command::new("bash").args(["-c", script]).current_dir(sandbox.path(".")).status();
    assert!(made.expect("bash is there").success());
    Some(())
}

#[test]
fn the_gateway_has_to_chain_to_a_root_that_is_there_afterwards() {
    let sandbox = sandbox();
    if chain(&sandbox).is_none() {
        return;
    }
    let now = |arguments: &str| {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        sandbox.run(&[&["boot-image"], &arguments[..]].concat())
    };
    let before = sandbox.listing();
    let missing = now("roots add boot.wim root.pem --cmg-certificate chain.pem");
    assert_eq!(missing.code, 3, "{}", missing.stdout);
    snapshot!("boot-image-missing-link", missing.stderr);
    let link = now("roots add boot.wim r.pem --cmg-certificate s.pem");
    assert!(link.code == 3 && link.stderr.contains("CN=Test Issuing"), "{}", link.stderr);
    let host = now("roots add boot.wim r.pem --cmg-certificate chain.pem --cmg-host other.contoso.com");
    assert!(host.code == 3 && host.stderr.contains("other.contoso.com"), "{}", host.stderr);
    assert!(sandbox.listing() == before, "something was changed");
    let proven = now("roots add boot.wim r.pem --cmg-certificate chain.pem --cmg-host cmg.contoso.com");
    assert_eq!((proven.code, proven.stderr.as_str()), (0, ""));
    let way =
        "image 1: proven, to a root in AuthRoot: CN=cmg.contoso.com <- CN=Test Issuing <- CN=Test Root\n";
    assert!(proven.stdout.contains(way), "{}", proven.stdout);
}
