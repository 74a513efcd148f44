//! Media that the command for another system makes are byte for byte those that the one for this system makes.

use crate::fixtures;
use crate::support::{Sandbox, of_another_system};

const CREATE: &str = "create --boot-image boot.wim --package-id PS100005 --site-code PS1 --management-point mp.contoso.com \
    --trusted-root root.pem --certificate-start 2026-01-01 --certificate-expiry 2120-01-01 --seed test";

const MADE: [(&str, &str); 6] = [
    ("--password-file password.txt --output disc.iso", "disc.iso"),
    ("--password-file password.txt --output gpt.img", "gpt.img"),
    ("--password-file password.txt --output mbr.img --partition-scheme mbr", "mbr.img"),
    ("--size 2GiB --data-partition --output large.img", "large.img"),
    ("--workers workers.csv --output-dir media --format img", "media/KEY-1.img"),
    ("--workers workers.csv --output-dir media --format img", "media/KEY-2.img"),
];

const WORKERS: &str =
    "name;serial;password\nAnna Example;KEY-1;vQ8.tufmelG-2pzR1\nBernd Žák;KEY-2;wL3.ybrantK-7qxD2\n";

#[test]
fn media_are_the_same_whatever_system_made_them() {
    if of_another_system().is_none() {
        println!("TSMEDIA_PROGRAM names no command of another system: skipped");
        return;
    }
    let sandboxes = [Sandbox::here(), Sandbox::new()];
    for sandbox in &sandboxes {
        fixtures::boot_image(sandbox);
        sandbox.write("password.txt", fixtures::MEDIA_PASSWORD).write("root.pem", fixtures::ROOT_CERTIFICATE);
        sandbox.write("workers.csv", WORKERS);
    }
    for (options, output) in MADE {
        let [here, there] = sandboxes.each_ref().map(|sandbox| {
            sandbox.good(&format!("{CREATE} {options}"));
            sandbox.good(&format!("verify {output}"));
            sandbox.read(output)
        });
        assert!(here == there, "{output}");
    }
    let personal =
        "personalise gpt.img --password-file password.txt --label KEY-9 --seed another --output personal.img";
    let [here, there] = sandboxes.each_ref().map(|sandbox| {
        sandbox.good(personal);
        sandbox.read("personal.img")
    });
    assert!(here == there, "a personalised medium");
}
