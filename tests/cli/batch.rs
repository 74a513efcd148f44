//! Batches: a medium for each worker.

use serde_json::Value;

use crate::fixtures;
use crate::support::{Sandbox, snapshot};

const CREATE: &str = "create --boot-image boot.wim --package-id PS100005 --site-code PS1 --management-point mp.contoso.com \
    --trusted-root root.pem --certificate-start 2026-01-01 --certificate-expiry 2120-01-01 --seed test";
const WORKERS: &str = "name;serial;e-mail;computer-name;label;management-point;var:Unit;x-room\n\
    Anna Example;KEY-1;anna@contoso.com;PC-1;;;1;A.1\n\
    Bernd Žák;KEY-2;;;BERND;https://mp2.contoso.com:8443;;=2\n\
    Carla;KEY-3;carla@contoso.com;PC-3;;;3;\n";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    sandbox.write("root.pem", fixtures::ROOT_CERTIFICATE).write("workers.csv", WORKERS);
    sandbox
}

fn passwords(sandbox: &Sandbox, folder: &str) -> Vec<String> {
    let text = String::from_utf8(sandbox.read(&format!("{folder}/passwords.csv"))).expect("text");
    text.lines().skip(1).map(|line| line.rsplit(',').next().expect("a column").to_owned()).collect()
}

#[test]
fn each_worker_gets_the_medium_that_would_have_been_made_alone() {
    let sandbox = sandbox();
    for format in ["iso", "img"] {
        let folder = format!("out-{format}");
        let said = sandbox.good(&format!(
                "{CREATE} --workers workers.csv --output-dir {folder} --format {format} --write-passwords --verify"
            ),
        );
        assert!(said.contains("3 of 3"), "{said}");
        let passwords = passwords(&sandbox, &folder);
        let own = [
            "--var Unit=1 --var OSDComputerName=PC-1 --label RESCUE",
            "--label BERND --management-point https://mp2.contoso.com:8443",
            "--var Unit=3 --var OSDComputerName=PC-3",
        ];
        for (number, own) in own.into_iter().enumerate() {
            let serial = format!("KEY-{}", number + 1);
            sandbox.write("password.txt", &passwords[number]);
            let own = own.replace(" --label RESCUE", "");
            let create = CREATE.replace("--seed test", &format!("--seed test/{serial}"));
            let create = match own.contains("--management-point") {
                true => create.replace("--management-point mp.contoso.com", ""),
                false => create,
            };
            sandbox.good(&format!(
                    "{create} {own} --serial-number {serial} --password-file password.txt --output alone.{format} --force"
                ),
            );
            let (alone, batch) = (
                sandbox.read(&format!("alone.{format}")),
                sandbox.read(&format!("{folder}/{serial}.{format}")),
            );
            assert!(alone == batch, "{format}, {serial}");
            let receipt = sandbox.read(&format!("{folder}/{serial}.{format}.receipt.json"));
            assert!(
                receipt == sandbox.read(&format!("alone.{format}.receipt.json")),
                "{serial}: its receipt"
            );
            sandbox.good(&format!("verify {folder}/{serial}.{format}"));
            sandbox.good(&format!(
                "verify {folder}/{serial}.{format} --raw {folder}/{serial}.{format}.receipt.json"
            ));
        }
        assert!(sandbox.is_private(&format!("{folder}/passwords.csv")));
    }
    let text = |name: &str| String::from_utf8(sandbox.read(name)).expect("it is text");
    // What follows from the passwords, which are drawn anew each time, is not the same twice.
    let digest = |cell: &str| cell.len() == 64 && cell.bytes().all(|byte| byte.is_ascii_hexdigit());
    let register = text("out-iso/register.csv");
    let lines = register.lines().map(|line| {
        let cells: Vec<&str> =
            line.split(',').map(|cell| if digest(cell) { "<SHA-256>" } else { cell }).collect();
        cells.join(",")
    });
    snapshot!("batch-register", lines.collect::<Vec<_>>().join("\n"));
    snapshot!("batch-letter", text("out-iso/KEY-2.letter.txt"));
    for (password, serial) in passwords(&sandbox, "out-iso").iter().zip(["KEY-1", "KEY-2", "KEY-3"]) {
        for name in ["letter.txt", "letter.html", "register.ps1", "iso.receipt.json"] {
            assert!(!text(&format!("out-iso/{serial}.{name}")).contains(password), "{serial}.{name}");
        }
        assert!(!text("out-iso/register.csv").contains(password));
        assert!(!text("out-iso/register.json").contains(password));
    }
    let register: Value = serde_json::from_slice(&sandbox.read("out-iso/register.json")).expect("it is JSON");
    let guids: std::collections::BTreeSet<&str> = register["media"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|entry| entry["media_guid"].as_str())
        .collect();
    assert_eq!(guids.len(), 3, "identities are unique");
}

#[test]
fn running_it_again_makes_what_is_missing_and_nothing_else() {
    let sandbox = sandbox();
    let batch = format!("{CREATE} --workers workers.csv --output-dir out --format iso --write-passwords");
    let first = "name,serial\nAnna Example,KEY-1\n";
    sandbox.write("workers.csv", first);
    sandbox.good(&batch);
    let before = (sandbox.read("out/KEY-1.iso"), passwords(&sandbox, "out"));
    // Somebody joins; what is there is as it was, its password too.
    sandbox.write("workers.csv", format!("{first}Bernd,KEY-2\n"));
    sandbox.good(&batch);
    let after = passwords(&sandbox, "out");
    assert!(sandbox.read("out/KEY-1.iso") == before.0 && after[0] == before.1[0] && after.len() == 2);
    assert!(sandbox.path("out/KEY-2.iso").exists());
    // Made from something else: it is not taken for the same.
    let other = sandbox.typed(&format!("{batch} --label OTHER"));
    assert_eq!(other.code, 1);
    assert_eq!(other.stdout.matches("exists already and is not made from").count(), 2, "{}", other.stdout);
    assert!(sandbox.read("out/KEY-1.iso") == before.0);
    sandbox.good(&format!("{batch} --label OTHER --force"));
    assert!(sandbox.read("out/KEY-1.iso") != before.0);
    // Somebody else's file is nobody's to replace.
    sandbox.write("out/KEY-2.iso", "precious");
    let other = sandbox.typed(&format!("{batch} --label OTHER"));
    assert_eq!((other.code, sandbox.read("out/KEY-2.iso")), (1, b"precious".to_vec()), "{}", other.stdout);
}

#[test]
fn one_that_cannot_be_made_does_not_stop_the_others() {
    let sandbox = sandbox();
    let large = "x".repeat(40_000);
    sandbox.write(
        "workers.csv",
        format!("name,serial,var:A\nAnna,KEY-1,1\nBernd,KEY-2,2\nCarla,KEY-3,{large}\nDora,KEY-4,4\n"),
    );
    std::fs::create_dir_all(sandbox.path("out/KEY-2.iso")).expect("a folder in its place");
    let batch = format!("{CREATE} --workers workers.csv --output-dir out --format iso --write-passwords");
    let outcome = sandbox.typed(&batch);
    assert_eq!(outcome.code, 1, "{}{}", outcome.stdout, outcome.stderr);
    assert!(outcome.stdout.contains("KEY-2 for Bernd"), "{}", outcome.stdout);
    // One that has no room in the place of the first is made whole.
    for serial in ["KEY-1", "KEY-3", "KEY-4"] {
        sandbox.good(&format!("verify out/{serial}.iso"));
    }
    std::fs::remove_dir(sandbox.path("out/KEY-2.iso")).expect("it is empty");
    sandbox.good(&batch);
    sandbox.good("verify out/KEY-2.iso");
}

#[test]
fn what_cannot_be_is_said_before_anything_is_made() {
    let sandbox = sandbox();
    sandbox.write("password.txt", fixtures::MEDIA_PASSWORD);
    let mut said = String::new();
    let same = format!("name,serial,password\nA,K-1,{0}\nB,K-2,{0}\n", fixtures::MEDIA_PASSWORD);
    for (workers, options) in [
        (WORKERS, "--format iso"),
        (WORKERS, "--format iso --write-passwords --password-file password.txt"),
        (WORKERS, "--write-passwords"),
        (WORKERS, "--format iso --write-passwords --serial-number K-1"),
        (&*same, "--format iso"),
        ("name,serial,password\nA,K-1,secret\n", "--format iso"),
        ("name,serial,label\nA,K-1,a/b\n", "--format iso --write-passwords"),
    ] {
        sandbox.write("workers.csv", workers);
        let outcome = sandbox.typed(&format!("{CREATE} --workers workers.csv --output-dir out {options}"));
        assert!(outcome.code == 2 || outcome.code == 3, "{options}: {}", outcome.stdout);
        assert!(!outcome.stderr.contains(fixtures::MEDIA_PASSWORD));
        said += &format!("{options}\n{}\n", outcome.stderr);
    }
    snapshot!("batch-refused", said);
    let made = std::fs::read_dir(sandbox.path("out")).map_or(0, Iterator::count);
    assert_eq!(made, 0);
    sandbox.write("workers.csv", WORKERS);
    let batch = format!("{CREATE} --workers workers.csv --output-dir out --format img --write-passwords");
    snapshot!("batch-dry-run", sandbox.good(&format!("{batch} --dry-run")));
    assert!(!sandbox.path("out/KEY-1.img").exists());
}
