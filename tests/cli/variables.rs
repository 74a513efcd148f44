//! `tsmedia variables`: what it shows, what it changes, and what it leaves alone.

use media_core::VariablesForm;
use std::io;
use std::sync::Arc;

use media_core::event::Unobserved;
use media_core::io::{Sink, Source};
use media_core::media::variables::{self, Variables, XmlForm};
use media_core::sealed::Algorithm;
use secrecy::SecretString;
use serde_json::Value;

use crate::fixtures;
use crate::support::{Outcome, Sandbox, snapshot};

const PASSWORD: &str = fixtures::MEDIA_PASSWORD;
const SECRET: &str = "a-secret-value";

/// A sandbox with a bare file under a password.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut list = Variables::new();
    for (name, value) in [
        ("_SMSTSSiteCode", "PS1"),
        ("ContosoToken", SECRET),
        ("SMSTSMP", "https://cmg.contoso.com/CCM_Proxy_MutualAuth/7"),
    ] {
        list.set(name, SecretString::from(value)).expect("sound");
    }
    let form = VariablesForm { algorithm: Algorithm::Aes256, xml: XmlForm::default(), trailer: None };
    let bytes = variables::write_file(&list, Some(&SecretString::from(PASSWORD)), &form).expect("short");
    sandbox
        .write("variables.dat", bytes)
        .write("password.txt", format!("{PASSWORD}\n"))
        .write("new.txt", "another tangle mosaic hatchet provost\n")
        .write("wrong.txt", "not this one\n")
        .write("vars.txt", "ContosoSecret=from-a-file\n");
    sandbox
}

fn run(sandbox: &Sandbox, arguments: &str) -> Outcome {
    let outcome =
        sandbox.run(&[&["variables"], &arguments.split_whitespace().collect::<Vec<_>>()[..]].concat());
    for text in [&outcome.stdout, &outcome.stderr] {
        assert!(!text.contains(PASSWORD) && !text.contains("from-a-file"), "a secret was printed: {text}");
    }
    outcome
}

fn good(sandbox: &Sandbox, arguments: &str) -> String {
    let outcome = run(sandbox, arguments);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{arguments}");
    outcome.stdout
}

/// Names and values as they are now.
fn values(sandbox: &Sandbox, medium: &str) -> Vec<(String, String)> {
    let json = good(sandbox, &format!("show {medium} --password-file password.txt --json"));
    let json: Value = serde_json::from_str(&json).expect("it is JSON");
    let text = |value: &Value| value.as_str().unwrap_or("(masked)").to_owned();
    let all = json["variables"].as_array().expect("a list");
    all.iter().map(|one| (text(&one["name"]), text(&one["value"]))).collect()
}

#[test]
fn a_bare_file_is_shown_and_changed() {
    let sandbox = sandbox();
    let mut said = String::new();
    for arguments in [
        "show variables.dat --password-file password.txt",
        "set variables.dat _smstssitecode=PS2 New=1 ContosoToken=a-secret-value --password-file password.txt",
        "set variables.dat New=1 --password-file password.txt",
        "set variables.dat --vars-file vars.txt --password-file password.txt --output other.dat",
        "set variables.dat New=1 --password-file password.txt --output same.dat --json",
        "unset variables.dat contosotoken NotThere --password-file password.txt",
        "show variables.dat --password-file password.txt --reveal",
        "change-password variables.dat --password-file password.txt --new-password-file password.txt",
        "change-password variables.dat --password-file password.txt --new-password-file new.txt",
        "change-password variables.dat --password-file new.txt --no-new-password --allow-no-password",
        "show variables.dat",
        "change-password variables.dat --new-password-file password.txt",
    ] {
        said.push_str(&format!("$ tsmedia variables {arguments}\n{}\n", good(&sandbox, arguments)));
    }
    snapshot!("variables-bare", said);
    let other =
        sandbox.run(&["variables", "show", "other.dat", "--password-file", "password.txt", "--reveal"]);
    assert!(other.stdout.contains("ContosoSecret = from-a-file\n"), "{}", other.stdout);
    let names: Vec<String> = values(&sandbox, "variables.dat").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["_SMSTSSiteCode", "SMSTSMP", "New"], "the order is kept");
    assert!(sandbox.listing().keys().all(|name| !name.to_string_lossy().contains("partial")));
}

#[test]
fn what_is_so_already_leaves_the_file_itself_alone() {
    let sandbox = sandbox();
    let before = sandbox.listing();
    for arguments in [
        "set variables.dat _SMSTSSiteCode=PS1 --password-file password.txt",
        "unset variables.dat NotThere --password-file password.txt",
        "change-password variables.dat --password-file password.txt --new-password-file password.txt",
    ] {
        let said = good(&sandbox, arguments);
        assert!(said.ends_with("nothing to change, and nothing was\n"), "{said}");
        assert!(sandbox.listing() == before, "{arguments}");
    }
}

#[test]
fn what_cannot_be_done_says_why_and_changes_nothing() {
    let sandbox = sandbox();
    let good = sandbox.read("variables.dat");
    let damaged = |name: &str, at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        sandbox.write(name, bytes);
    };
    damaged("first-block.dat", 24);
    damaged("last-block.dat", good.len() - 24);
    damaged("cipher.dat", 17);
    damaged("cipher-length.dat", 12);
    sandbox.write("truncated.dat", &good[..good.len() / 2]).write("text.txt", "no medium at all\n");
    let before = sandbox.listing();
    let mut said = String::new();
    for arguments in [
        "show variables.dat",
        "show variables.dat --password-file wrong.txt",
        "show first-block.dat --password-file password.txt",
        "show last-block.dat --password-file password.txt",
        "show cipher.dat --password-file password.txt",
        "show cipher-length.dat --password-file password.txt",
        "show truncated.dat --password-file password.txt",
        "show first-block.dat --password-file wrong.txt",
        "set variables.dat A=1",
        "set variables.dat A=1 --password-file wrong.txt",
        "set last-block.dat A=1 --password-file password.txt",
        "set variables.dat from-a-file --password-file password.txt",
        "set variables.dat 1A=from-a-file --password-file password.txt",
        "set variables.dat A=1 a=2 --password-file password.txt",
        "set variables.dat _SMSMediaGuid={8B9E032D-A106-4E2E-A792-7A58332B96E5} --password-file password.txt",
        "unset variables.dat _smstsmediapfx --password-file password.txt",
        "change-password variables.dat --password-file password.txt --no-new-password",
        "change-password variables.dat --password-file password.txt",
        "set variables.dat A=1 --password-file password.txt --output vars.txt",
        "set variables.dat A=1 --password-file password.txt --output variables.dat --force",
        "set text.txt A=1",
        "set missing.dat A=1",
    ] {
        let outcome = run(&sandbox, arguments);
        let command = format!("$ tsmedia variables {arguments}").replace("from-a-file", "…");
        said.push_str(&format!(
            "{command}\n{}{}exit code {}\n\n",
            outcome.stdout, outcome.stderr, outcome.code
        ));
    }
    snapshot!("variables-refused", said);
    assert!(sandbox.listing() == before);
}

/// Media of both forms under the password, with the usual boot image.
fn media() -> Sandbox {
    let sandbox = sandbox();
    fixtures::boot_image(&sandbox);
    for output in ["media.iso", "media.img"] {
        let arguments = format!(
            "create --boot-image boot.wim --package-id PS100005 --site-code ps1 --management-point mp.contoso.com \
             --password-file password.txt --label CONTOSO --seed test --certificate-start 2020-01-01 \
             --certificate-expiry 2120-01-01 --output {output} --var ContosoToken={SECRET}"
        );
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let outcome = sandbox.run_with(&arguments, &[("SOURCE_DATE_EPOCH", "1798761600")], None);
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    }
    sandbox.shell("rm boot.wim");
    sandbox
}

#[test]
fn whole_media_are_changed_where_they_are() {
    let sandbox = media();
    let mut said = String::new();
    for medium in ["media.iso", "media.img"] {
        let original = sandbox.read(medium);
        for arguments in [
            "set MEDIUM OSDComputerName=REMOTE-7 contosotoken=another --password-file password.txt",
            "set MEDIUM OSDComputerName=REMOTE-7 --password-file password.txt",
            "unset MEDIUM OSDComputerName --password-file password.txt --output copy",
            "change-password MEDIUM --password-file password.txt --no-new-password",
            "change-password MEDIUM --new-password-file new.txt",
        ] {
            let arguments = arguments.replace("MEDIUM", medium).replace("copy", &format!("copy-of-{medium}"));
            said.push_str(&format!("$ tsmedia variables {arguments}\n{}\n", good(&sandbox, &arguments)));
            let verified = sandbox.run(&["verify", medium]);
            assert_eq!(verified.code, 0, "{arguments}\n{}", verified.stdout);
        }
        let copy = format!("copy-of-{medium}");
        assert_eq!(sandbox.run(&["verify", &copy]).code, 0);
        assert!(!values(&sandbox, &copy).iter().any(|(name, _)| name == "OSDComputerName"));
        // Back to what it was: the same bytes as before everything.
        for arguments in [
            "unset MEDIUM OSDComputerName --password-file new.txt",
            "set MEDIUM ContosoToken=a-secret-value --password-file new.txt",
            "change-password MEDIUM --password-file new.txt --new-password-file password.txt",
        ] {
            good(&sandbox, &arguments.replace("MEDIUM", medium));
        }
        assert!(sandbox.read(medium) == original, "{medium} is not what it was");
    }
    snapshot!("variables-media", said);
}

/// A device that fails after some operations.
struct Failing<'a> {
    bytes: &'a mut Vec<u8>,
    left: usize,
}

impl Failing<'_> {
    fn operation(&mut self) -> io::Result<()> {
        self.left = self.left.checked_sub(1).ok_or(io::ErrorKind::Other)?;
        Ok(())
    }
}

impl Sink for Failing<'_> {
    fn set_len(&mut self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.operation()?;
        self.bytes[offset as usize..offset as usize + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.operation()
    }
}

#[test]
fn a_change_that_was_cut_short_is_recognised_and_finished() {
    let sandbox = media();
    for medium in ["media.iso", "media.img"] {
        let old = sandbox.read(medium);
        good(&sandbox, &format!("set {medium} A=1 --password-file password.txt --output new-{medium}"));
        let new = sandbox.read(&format!("new-{medium}"));
        let variables = |bytes: &[u8]| {
            let medium = media_core::open(Arc::new(bytes.to_vec())).expect("a medium");
            let files = medium.listing().expect("it can be read").files;
            let file = files.into_iter().find(|file| file.path == variables::PATH).expect("it has variables");
            file.content.to_vec(1 << 20).expect("they are small")
        };
        let source: Arc<dyn Source> = Arc::new(old.clone());
        let rework = media_core::rework(
            &source,
            &media_core::Changes { files: vec![(variables::PATH, variables(&new))], ..Default::default() },
        )
        .expect("it fits");
        let journal = rework.journal(&*source).expect("there is room for it");
        let mut seen = Vec::new();
        // A stick's quarter of a gigabyte is not written and read for every single one of them.
        let step = if medium == "media.img" { 4 } else { 1 };
        for left in (0..).step_by(step) {
            let mut bytes = old.clone();
            let done =
                media_core::change(&journal, &mut Failing { bytes: &mut bytes, left }, &mut Unobserved);
            let is_done = done.is_ok();
            sandbox.write("cut.img", bytes);
            let inspected = sandbox.run(&["inspect", "cut.img"]);
            if inspected.code != 0 {
                let verified = sandbox.run(&["verify", "cut.img"]);
                assert_eq!((inspected.code, verified.code), (5, 5));
                snapshot!("variables-unfinished", format!("{}{}", inspected.stderr, verified.stderr));
                let copied = run(&sandbox, "set cut.img A=1 --password-file password.txt --output x.img");
                assert_eq!(copied.code, 5, "{}", copied.stderr);
            }
            let said = good(&sandbox, "set cut.img A=1 --password-file password.txt");
            assert_eq!(said.contains("finished first"), inspected.code != 0, "{left}: {said}");
            assert!(sandbox.read("cut.img") == new, "{medium}: after {left} operations");
            seen.push(inspected.code);
            if is_done {
                break;
            }
        }
        assert!(seen.contains(&5) && seen.starts_with(&[0]) && seen.ends_with(&[0]), "{seen:?}");
    }
}

#[test]
fn media_that_cannot_be_changed_stay_as_they_are() {
    let sandbox = media();
    let large = format!("Large={}\n", "x".repeat(40_000));
    sandbox.write("large.txt", &large);
    // A byte of the variables changed, and something where the journal would be.
    let mut damaged = sandbox.read("media.img");
    let at = damaged.windows(4).position(|four| four == b"\0\0\xED\xEC").expect("it has variables");
    damaged[at + 30] ^= 1;
    sandbox.write("damaged.img", damaged);
    // What nothing reads, but the manifest knows.
    let mut slack = sandbox.read("media.img");
    let cipher_len =
        u32::from_le_bytes([slack[at + 12], slack[at + 13], slack[at + 14], slack[at + 15]]) as usize;
    slack[at + 24 + cipher_len] ^= 1;
    sandbox.write("slack.img", slack);
    let mut used = sandbox.read("media.img");
    used[40_000] = 1;
    sandbox.write("used.img", used);
    let mut used = sandbox.read("media.iso");
    used[100_000] = 1;
    used[0] = 1;
    sandbox.write("used.iso", used);
    // A volume without a partition table.
    let image = sandbox.read("media.img");
    sandbox.write("volume.img", &image[1 << 20..image.len() - (33 * 512)]);
    let before = sandbox.listing();
    let mut said = String::new();
    for arguments in [
        "set media.iso --vars-file large.txt --password-file password.txt",
        "set media.img --vars-file large.txt --password-file password.txt",
        "set media.img A=1",
        "set media.img A=1 --password-file wrong.txt",
        "set damaged.img A=1 --password-file password.txt",
        "set slack.img A=1 --password-file password.txt",
        "set used.img A=1 --password-file password.txt",
        "set used.iso A=1 --password-file password.txt",
        "set volume.img A=1 --password-file password.txt",
        "set media.img A=1 --password-file password.txt --output media.iso",
        "set media.img A=1 --password-file password.txt --output media.img --force",
    ] {
        let outcome = run(&sandbox, arguments);
        said.push_str(&format!(
            "$ tsmedia variables {arguments}\n{}{}exit code {}\n\n",
            outcome.stdout, outcome.stderr, outcome.code
        ));
    }
    snapshot!("variables-media-refused", said);
    assert!(sandbox.listing() == before);
    // Without a manifest nothing says how the volume was planned: there is room wherever clusters are free.
    let removed = sandbox.shell("mdel -i media.img@@1M ::tsmedia-manifest.json && $TSMEDIA verify media.img");
    assert!(removed.code == 1 && removed.stdout.contains("manifest.missing"), "{}", removed.stdout);
    good(&sandbox, "set media.img --vars-file large.txt --password-file password.txt");
    let verified = sandbox.run(&["verify", "media.img", "--json"]).stdout;
    let verified: Value = serde_json::from_str(&verified).expect("it is JSON");
    assert_eq!(verified["findings"].as_array().map(Vec::len), Some(1), "{verified}");
    sandbox.shell("mdel -i volume.img ::tsmedia-manifest.json");
    let refused = run(&sandbox, "set volume.img A=1 --password-file password.txt");
    assert_eq!(refused.code, 4);
    assert!(refused.stderr.contains("to keep a journal in"), "{}", refused.stderr);
    good(&sandbox, "set volume.img A=1 --password-file password.txt --output copy.img");
    assert!(values(&sandbox, "copy.img").contains(&("A".to_owned(), "(masked)".to_owned())));
    let refused = run(&sandbox, "set media.img A=1 --password-file password.txt --quiet");
    assert_eq!((refused.code, refused.stdout.as_str()), (0, ""), "{}", refused.stderr);
}
