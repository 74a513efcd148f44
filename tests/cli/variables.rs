//! `tsmedia variables`: what it shows, what it changes, and what it leaves alone.

use media_core::VariablesForm;
use media_core::media::variables::{self, Variables, XmlForm};
use media_core::sealed::Algorithm;
use secrecy::SecretString;
use serde_json::Value;

use crate::support::{Outcome, Sandbox, snapshot};

const PASSWORD: &str = "correct horse battery staple";
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
        .write("new.txt", "another one\n")
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
