//! Media that prove what they are: signed, compared with their receipt, and made somebody else's.

use media_core::media::manifest;
use media_tests::referee;

use crate::fixtures;
use crate::support::{Sandbox, snapshot};

const CREATE: &str = "create --boot-image boot.wim --package-id PS100005 --site-code PS1 --trusted-root root.pem \
    --certificate-start 2026-01-01 --certificate-expiry 2120-01-01";
const SIGNED: &str = "--signing-key key.pem --signing-key-password-file key.txt";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    sandbox
        .write("root.pem", fixtures::ROOT_CERTIFICATE)
        .write("password.txt", fixtures::MEDIA_PASSWORD)
        .write("other.txt", "gravel provost hatchet mosaic tangle")
        .write("key.txt", "a password for the key");
    sandbox.good(
        "key new --output key.pem --public key.pub --key-password-file key.txt --key-bits 2048 --seed k",
    );
    sandbox.good("key new --output other.pem --public other.pub --key-bits 2048 --seed o");
    sandbox
}

/// A file on a medium.
fn on_medium(sandbox: &Sandbox, medium: &str, path: &str) -> Option<Vec<u8>> {
    let medium = media_core::open(std::sync::Arc::new(sandbox.read(medium))).expect("a medium");
    let files = medium.listing().expect("it can be read").files;
    let file = files.into_iter().find(|file| file.path == path)?;
    Some(file.content.to_vec(1 << 20).expect("it is small"))
}

#[test]
fn keys() {
    let sandbox = sandbox();
    assert!(sandbox.is_private("key.pem"));
    let mut said = sandbox.good("key show key.pub") + &sandbox.good("key show other.pem");
    assert_eq!(
        sandbox.good("key public key.pem --key-password-file key.txt").into_bytes(),
        sandbox.read("key.pub")
    );
    for (arguments, code) in [
        ("key show key.pem", 3),
        ("key show key.pem --key-password-file other.txt", 3),
        ("key show root.pem", 0),
        ("key show password.txt", 3),
        ("key new --output key.pem", 4),
        ("key new --output new.pem --key-bits 1024", 2),
        ("key new --output new.pem --public new.pem", 2),
    ] {
        let outcome = sandbox.typed(arguments);
        assert_eq!(outcome.code, code, "{arguments}: {}", outcome.stderr);
        said += &format!("$ tsmedia {arguments}\n{}{}", outcome.stdout, outcome.stderr);
    }
    snapshot!("key", said);
}

#[test]
fn a_signed_medium_is_told_from_one_that_was_changed_with_its_manifest() {
    let sandbox = sandbox();
    let create =
        format!("{CREATE} --management-point mp.contoso.com --password-file password.txt --seed test");
    for medium in ["media.iso", "media.img"] {
        sandbox.good(&format!("{create} {SIGNED} --output {medium}"));
        let said = sandbox.good(&format!("verify {medium} --key key.pub"));
        assert!(said.contains("signed with the key given"), "{said}");
        sandbox.good(&format!("verify {medium}"));
        sandbox.good(&format!("verify {medium} --raw {medium}.receipt.json --key key.pub"));
        let other = sandbox.typed(&format!("verify {medium} --key other.pub"));
        assert!(other.code == 1 && other.stdout.contains("[signature.wrong]"), "{}", other.stdout);
        assert_eq!(sandbox.typed(&format!("verify {medium} --key key.pem")).code, 3, "a private key");
        // Somebody else's program checks it, too.
        for (path, name) in [(manifest::PATH, "manifest"), (manifest::SIGNATURE_PATH, "signature")] {
            sandbox.write(name, on_medium(&sandbox, medium, path).expect("it is there"));
        }
        let [key, signature, listed] =
            ["key.pub", "signature", "manifest"].map(|name| sandbox.path(name).display().to_string());
        let arguments = ["dgst", "-sha256", "-verify", &key, "-signature", &signature, &listed];
        if let Some(verdict) = referee::run("openssl", arguments) {
            let _ = verdict.success();
        }
        // Whoever changes variables and manifest has no key.
        let set = format!("variables set {medium} A=1 --password-file password.txt");
        let refused = sandbox.typed(&set);
        assert!(refused.code == 3 && refused.stderr.contains("--signing-key"), "{}", refused.stderr);
        sandbox.good(&format!("{set} {SIGNED}"));
        sandbox.good(&format!("verify {medium} --key key.pub"));
        let raw = sandbox.typed(&format!("verify {medium} --raw {medium}.receipt.json"));
        assert!(raw.code == 1 && raw.stdout.contains("SMS/data/variables.dat"), "{}", raw.stdout);
    }
    sandbox.good(&format!("{create} --output unsigned.iso"));
    let unsigned = sandbox.typed("verify unsigned.iso --key key.pub");
    assert!(unsigned.code == 1 && unsigned.stdout.contains("[signature.missing]"), "{}", unsigned.stdout);
    assert_eq!(sandbox.typed("verify unsigned.iso --raw media.iso.receipt.json").code, 1);
    assert_eq!(sandbox.typed("verify unsigned.iso --raw root.pem").code, 3);
    let mut cut = sandbox.read("unsigned.iso");
    cut.truncate(cut.len() - 4096);
    sandbox.write("cut.iso", cut);
    assert_ne!(sandbox.typed("verify cut.iso --raw unsigned.iso.receipt.json").code, 0);
}

#[test]
fn a_personalised_medium_is_the_one_that_create_makes() {
    let sandbox = sandbox();
    for format in ["iso", "img"] {
        sandbox.good(&format!(
            "{CREATE} --management-point mp.contoso.com --password-file password.txt --label FIRST --var A=1 \
                 --include-autorun {SIGNED} --seed first --output base.{format} --force"
        ));
        sandbox.good(&format!(
                "{CREATE} --management-point https://mp2.contoso.com:8443 --password-file other.txt --label SECOND --var B=2 \
                 --include-autorun {SIGNED} --seed second --serial-number KEY-2 --output expected.{format}"
            ),
        );
        let personalise = format!(
            "--password-file password.txt --new-password-file other.txt --new-identity --certificate-start 2026-01-01 \
             --certificate-expiry 2120-01-01 --label SECOND --serial-number KEY-2 --var B=2 --without-var A \
             --management-point https://mp2.contoso.com:8443 {SIGNED} --seed second"
        );
        let said = sandbox.good(&format!(
            "personalise base.{format} --output copy.{format} {personalise} --registration {format}.ps1"
        ));
        snapshot!(format!("personalise-{format}"), said);
        sandbox.good(&format!("personalise base.{format} --in-place {personalise}"));
        let expected = sandbox.read(&format!("expected.{format}"));
        for made in ["copy", "base"] {
            assert!(sandbox.read(&format!("{made}.{format}")) == expected, "{made}.{format}");
            let receipt = sandbox.read(&format!("{made}.{format}.receipt.json"));
            assert!(receipt == sandbox.read(&format!("expected.{format}.receipt.json")), "{made}.{format}");
        }
        assert!(!sandbox.read(&format!("{format}.ps1")).is_empty());
    }
}

#[test]
fn what_cannot_be_personalised_stays_as_it_is() {
    let sandbox = sandbox();
    let create =
        format!("{CREATE} --management-point mp.contoso.com --password-file password.txt --seed test");
    sandbox.good(&format!("{create} --output media.iso"));
    sandbox.good(&format!("{create} {SIGNED} --output signed.iso"));
    sandbox.write("large.txt", format!("A={}\n", "x".repeat(40_000)));
    let before = (sandbox.read("media.iso"), sandbox.read("signed.iso"));
    let mut said = String::new();
    for (arguments, code) in [
        ("media.iso --label X", 2),
        ("media.iso --in-place --var A=1", 3),
        ("media.iso --in-place --var A=1 --password-file other.txt", 3),
        ("media.iso --in-place --vars-file large.txt --password-file password.txt", 4),
        ("media.iso --in-place --label X --signing-key other.pem", 3),
        ("media.iso --in-place --var _SMSMediaGuid=1 --password-file password.txt", 2),
        ("media.iso --in-place --registration x.ps1 --label X", 2),
        ("signed.iso --in-place --label X", 3),
        ("signed.iso --in-place --label X --signing-key other.pem", 3),
        ("boot.wim --in-place --label X", 3),
        ("media.iso --output media.iso --label X", 2),
    ] {
        let outcome = sandbox.typed(&format!("personalise {arguments}"));
        said += &format!("$ tsmedia personalise {arguments}\n{}\n", outcome.stderr);
        assert_eq!(outcome.code, code, "{arguments}: {}", outcome.stderr);
    }
    snapshot!("personalise-refused", said);
    assert!(before == (sandbox.read("media.iso"), sandbox.read("signed.iso")));
}

/// What is left out is said, wherever somebody could take it for proved.
#[test]
fn a_medium_without_the_checksum_of_its_boot_image() {
    let sandbox = sandbox();
    let create = format!("{CREATE} --management-point mp.contoso.com --password-file password.txt --seed w");
    for medium in ["media.iso", "media.img"] {
        sandbox.good(&format!("{create} --output whole-{medium}"));
        sandbox.good(&format!("{create} --output {medium} --no-boot-image-checksum"));
        // All that differs is in the manifest, and what follows from its length.
        let [whole, without] = [format!("whole-{medium}"), medium.to_owned()]
            .map(|medium| on_medium(&sandbox, &medium, "SMS/data/variables.dat").expect("it is there"));
        assert!(whole == without);
        let json = on_medium(&sandbox, medium, manifest::PATH).expect("it is there");
        let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        let named = |list: &str, name: &str| {
            json[list].as_array().expect("a list").iter().filter(|entry| entry.get(name).is_some()).count()
        };
        let of = |list: &str| json[list].as_array().expect("a list").len();
        for list in ["files", "inputs"] {
            assert_eq!(named(list, "sha256") + named(list, "sha256_of_chunks"), of(list) - 1, "{list}");
        }
        assert_eq!(named("structures", "sha256"), of("structures"));
        // Nothing else may be without.
        for (list, number) in [("files", 0), ("inputs", 1), ("structures", 0)] {
            let mut less = json.clone();
            less[list][number].as_object_mut().expect("an entry").remove("sha256").expect("it is short");
            let read = manifest::Manifest::read(less.to_string().as_bytes());
            let said = read.expect_err("it proves less than it should").to_string();
            assert!(said.ends_with("bytes, and 0 SHA-256"), "{list}: {said}");
        }

        let notes = sandbox.typed(&format!("verify {medium}"));
        assert_eq!(notes.code, 6, "{}{}", notes.stdout, notes.stderr);
        assert!(notes.stdout.contains("[manifest.no-checksum]"), "{}", notes.stdout);
        let notes = sandbox.typed(&format!("verify {medium} --raw {medium}.receipt.json"));
        assert_eq!(notes.code, 6, "{}{}", notes.stdout, notes.stderr);
        assert!(notes.stdout.contains("[raw.no-checksum]"), "{}", notes.stdout);
        // The boot image has checksums of its own.
        let mut bytes = sandbox.read(medium);
        let place = bytes.windows(8).position(|window| window == b"MSWIM\0\0\0").expect("a boot image");
        bytes[place + 1000] ^= 1;
        sandbox.write("changed", &bytes);
        assert_eq!(sandbox.typed("verify changed").code, 1);
        // Whoever asks for a signature is told what it does not vouch for.
        let unproved = sandbox.typed(&format!("verify {medium} --key key.pub"));
        assert!(unproved.code == 1 && unproved.stdout.contains("does not vouch"), "{}", unproved.stdout);

        // It can be made somebody else's all the same.
        let new = "--password-file password.txt --new-password-file other.txt --serial-number K-7";
        sandbox.good(&format!("personalise {medium} {new} --output next-{medium}"));
        assert_eq!(sandbox.typed(&format!("verify next-{medium}")).code, 6);
    }
    for arguments in [
        format!("{create} {SIGNED} --output signed.iso --no-boot-image-checksum"),
        format!("{CREATE} --workers workers.csv --output-dir out --no-boot-image-checksum"),
    ] {
        let refused = sandbox.typed(&arguments);
        assert_eq!(refused.code, 2, "{}", refused.stderr);
    }
}
