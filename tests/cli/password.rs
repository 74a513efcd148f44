//! Media passwords: made, checked, and refused when they are weak.

use crate::fixtures::{self, MEDIA_PASSWORD};
use crate::support::{Outcome, Sandbox};

const CREATE: &str = "create --boot-image boot.wim --package-id PS100005 --site-code PS1 \
    --cmg cmg.fabrikam.com/CCM_Proxy_MutualAuth/1 --format img --output a.img --seed test --password-file password.txt \
    --label Xanthippolis --certificate-start 2020-01-01 --certificate-expiry 2120-01-01";

fn run(sandbox: &Sandbox, arguments: &str) -> Outcome {
    sandbox.run_with(
        &arguments.split_whitespace().collect::<Vec<_>>(),
        &[("SOURCE_DATE_EPOCH", "1798761600")],
        None,
    )
}

fn sandbox(password: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("password.txt", password);
    sandbox.shell("chmod 600 password.txt");
    sandbox
}

const HINT: &str = "hint: `tsmedia password generate` makes a strong one; --allow-weak-password makes the medium all the same\n";

#[test]
fn a_weak_password_is_refused_with_how_long_it_would_hold() {
    for (password, message) in [
        ("x", "it has 1 character and would hold for less than a second"),
        ("Password1", "it has 9 characters and would hold for less than a second"),
        ("Sommer2026!Sommer", "it has 17 characters and would hold for less than a second"),
        ("correct horse battery staple", "it has 28 characters and would hold for about"),
        ("xK7$mQ2!vZ9", "it has 11 characters and would hold for about"),
        // The label, and the host.
        ("Xanthippolis-Fabrikam-Quoxy", "it has 27 characters and would hold for"),
    ] {
        let sandbox = sandbox(password);
        fixtures::boot_image(&sandbox);
        let refused = run(&sandbox, CREATE);
        assert_eq!(refused.code, 3, "{password}: {}", refused.stderr);
        let said = &refused.stderr;
        assert!(said.starts_with(&format!("error: the media password is weak: {message}")), "{said}");
        let needed =
            " against whoever finds the medium; at least 12 characters that hold for a year are needed\n";
        assert!(said.ends_with(&format!("{needed}{HINT}")), "{said}");
        assert!(!said.contains(password) || password == "x", "{said}");
        assert!(!sandbox.path("a.img").exists());
        // The same verdict.
        let checked =
            run(&sandbox, "password check --password-file password.txt --known Xanthippolis,Fabrikam");
        assert!(checked.code == 1 && checked.stdout.starts_with("WEAK: "), "{}", checked.stdout);
    }
}

#[test]
fn a_weak_password_is_taken_when_it_is_asked_for() {
    let sandbox = sandbox("Pässword1");
    fixtures::boot_image(&sandbox);
    let made = run(&sandbox, &format!("{CREATE} --allow-weak-password"));
    assert_eq!(made.code, 0, "{}", made.stderr);
    for note in [
        "note: the media password is weak: it would hold for less than a second against whoever finds the medium\n",
        "note: the media password has characters that are not on a US keyboard, the default of Windows PE\n",
    ] {
        assert!(made.stdout.contains(note), "{}", made.stdout);
    }
    // The spec file says so too, and the command line wins.
    sandbox.write("media.toml", "[security]\nallow-weak-password = true\n");
    let spec = format!("{CREATE} --force --spec media.toml");
    assert_eq!(run(&sandbox, &spec).code, 0);
    assert_eq!(run(&sandbox, &format!("{spec} --allow-weak-password=false")).code, 3);
    // A dry run asks for no password.
    assert_eq!(run(&sandbox, &format!("{CREATE} --force --dry-run")).code, 0);
}

#[test]
fn a_strong_password_is_taken_without_a_word() {
    let sandbox = sandbox(MEDIA_PASSWORD);
    fixtures::boot_image(&sandbox);
    let made = run(&sandbox, CREATE);
    assert!(made.code == 0 && !made.stdout.contains("password is"), "{}{}", made.stdout, made.stderr);
    let checked = run(&sandbox, "password check --password-file password.txt");
    assert_eq!(checked.code, 0);
    assert!(checked.stdout.starts_with("strong: 36 characters, would hold for about "), "{}", checked.stdout);
    let checked = run(&sandbox, "password check --json --password-file password.txt");
    let result: serde_json::Value = serde_json::from_str(&checked.stdout).expect("it is JSON");
    assert_eq!(
        (&result["strong"], &result["characters"], &result["ascii"]),
        (&true.into(), &36.into(), &true.into())
    );
    assert!(!checked.stdout.contains("mosaic"));
}

#[test]
fn a_generated_password_is_strong_and_its_owner_s_alone() {
    let sandbox = Sandbox::new();
    let made = run(&sandbox, "password generate");
    assert_eq!(
        (made.code, made.stdout.len(), made.stderr.as_str()),
        (0, 24, "92 bits; would hold for more than a million years\n")
    );
    assert_ne!(made.stdout, run(&sandbox, "password generate").stdout);
    let said = run(&sandbox, "password generate --output new.txt");
    let summary = "Password in new.txt: 92 bits; would hold for more than a million years\n";
    assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (0, summary, ""));
    assert!(sandbox.is_private("new.txt"));
    let first = sandbox.read("new.txt");
    assert_eq!(first.len(), 24);
    // Never without being told to.
    let refused = run(&sandbox, "password generate --output new.txt");
    assert_eq!(
        (refused.code, refused.stderr.as_str()),
        (
            4,
            "error: cannot write new.txt: it exists already\nhint: --force replaces it once the new one is complete\n"
        )
    );
    assert_eq!(sandbox.read("new.txt"), first);
    sandbox.shell("chmod 644 new.txt");
    assert_eq!(run(&sandbox, "password generate --output new.txt --force").code, 0);
    assert!(sandbox.read("new.txt") != first && sandbox.is_private("new.txt"));
    let names: Vec<_> = sandbox.listing().into_keys().collect();
    assert_eq!(names, [std::path::PathBuf::from("new.txt")]);
    assert_eq!(run(&sandbox, "password check --password-file new.txt").code, 0);
    for (place, code) in [("no/new.txt", 4), (".", 4), ("/", 4)] {
        assert_eq!(run(&sandbox, &format!("password generate --output {place}")).code, code, "{place}");
    }
    assert_eq!(run(&sandbox, "password check").code, 2);
    assert_eq!(run(&sandbox, "password check --password-file no.txt").code, 3);
}
