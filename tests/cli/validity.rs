//! How long a medium is of use: shown, refused when it is over, and watched.

use serde_json::Value;

use crate::fixtures::{self, ROOT_CERTIFICATE};
use crate::support::{Outcome, Sandbox};

/// 2027-01-01T00:00:00Z
const NOW: &str = "1798761600";
/// `{"alg":"none"}` and `{"exp":1800000000}`: 2027-01-15T08:00:00Z.
const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJleHAiOjE4MDAwMDAwMDB9.";
/// `{"nbf":1900000000}`: 2030-03-17T17:46:40Z.
const LATER: &str = "eyJhbGciOiJub25lIn0.eyJuYmYiOjE5MDAwMDAwMDB9.";
const CREATE: &str = "create --boot-image boot.wim --package-id PS100005 --site-code PS1 --management-point mp.contoso.com \
    --trusted-root root.pem --password-file password.txt --label CONTOSO --seed test \
    --certificate-start 2020-01-01 --certificate-expiry 2120-01-01";
const DATE: &str = "2120-01-01";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    sandbox.write("root.pem", ROOT_CERTIFICATE).write("password.txt", fixtures::MEDIA_PASSWORD);
    sandbox.shell("chmod 600 password.txt");
    sandbox
}

fn run_at(sandbox: &Sandbox, time: &str, arguments: &str) -> Outcome {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    sandbox.run_with(&arguments, &[("SOURCE_DATE_EPOCH", time)], None)
}

fn json(outcome: &Outcome) -> Value {
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    serde_json::from_str(&outcome.stdout).expect("it is JSON")
}

#[test]
fn what_ends_first_is_shown_everywhere() {
    let sandbox = sandbox();
    let ends_with_expiry = |expiry: &str, arguments: &str| {
        let create = CREATE.replace(DATE, expiry);
        let arguments = format!("{create} {arguments} --output media.iso --force --json");
        let (made, planned) = (
            json(&run_at(&sandbox, NOW, &format!("{arguments} --dry-run"))),
            json(&run_at(&sandbox, NOW, &arguments)),
        );
        let seen = json(&run_at(&sandbox, NOW, "inspect media.iso --json --password-file password.txt"));
        assert_eq!(made["validity"], planned["validity"], "{arguments}");
        for key in ["valid_from", "valid_until", "ends_with"] {
            assert_eq!(made["validity"][key], seen["validity"][key], "{arguments}");
        }
        let text = |key: &str| made["validity"][key].as_str().unwrap_or("none").to_owned();
        (text("valid_from"), text("valid_until"), text("ends_with"))
    };
    let ends = |arguments: &str| ends_with_expiry(DATE, arguments);
    let said = |from: &str, until: &str, with: &str| (from.to_owned(), until.to_owned(), with.to_owned());
    let (root_starts, root_ends, root) = ends("");
    assert!(root.starts_with("the trusted root `CN="), "{root}");
    assert_eq!(
        ends(&format!("--var T=x={TOKEN}")),
        said(&root_starts, "2027-01-15T08:00:00Z", "the token in T")
    );
    assert_eq!(ends(&format!("--var T={LATER}")), said("2030-03-17T17:46:40Z", &root_ends, &root));
    assert_eq!(
        ends_with_expiry("2027-03-01", ""),
        said(&root_starts, "2027-03-01T23:59:59Z", "the media certificate")
    );
    // The manifest says so too, and which certificates were added.
    let manifest = String::from_utf8_lossy(&sandbox.read("media.iso")).into_owned();
    assert!(
        manifest.contains(r#""until": "2027-03-01T23:59:59Z""#)
            && manifest.contains(r#""store": "AuthRoot""#)
    );
}

#[test]
fn a_medium_that_is_over_is_made_when_it_is_asked_for() {
    let sandbox = sandbox();
    let late = "1800000001";
    let create = format!("{CREATE} --var T={TOKEN} --output media.img");
    let refused = run_at(&sandbox, late, &create);
    assert_eq!(
        (refused.code, refused.stderr.as_str()),
        (
            3,
            "error: the medium would be of no use: the token in T expired on 2027-01-15T08:00:00Z\n\
             hint: renew it, or leave it out; --allow-expired makes the medium all the same\n"
        )
    );
    let made = json(&run_at(&sandbox, late, &format!("{create} --allow-expired --json")));
    let note = "the medium is of no use after 2027-01-15T08:00:00Z: the token in T ends then";
    assert!(made["notes"].to_string().contains(note), "{}", made["notes"]);
    // To its last second it is made without a word.
    let made = json(&run_at(&sandbox, "1800000000", &format!("{create} --force --json")));
    assert!(!made["notes"].to_string().contains("no use"), "{}", made["notes"]);
}

#[test]
fn a_medium_that_is_not_valid_yet_is_noted() {
    let sandbox = sandbox();
    let made =
        json(&run_at(&sandbox, NOW, &format!("{CREATE} --var T={LATER} --output a.img --dry-run --json")));
    let note = "the medium is valid from 2030-03-17T17:46:40Z, when the token in T starts to be";
    assert!(made["notes"].to_string().contains(note), "{}", made["notes"]);
}

#[test]
fn a_medium_that_ends_soon_is_found_out() {
    let sandbox = sandbox();
    assert_eq!(run_at(&sandbox, NOW, &format!("{CREATE} --var T={TOKEN} --output media.iso")).code, 0);
    let said = |time: &str, arguments: &str| {
        let outcome = run_at(&sandbox, time, &format!("inspect {arguments}"));
        assert!(
            outcome.stdout.contains("Valid until"),
            "everything is shown all the same: {}",
            outcome.stdout
        );
        (outcome.code, outcome.stderr)
    };
    let password = "--password-file password.txt";
    let renew = "hint: make a new medium, with what ends first renewed\n";
    // 14 days and 8 hours are left.
    assert_eq!(said(NOW, &format!("media.iso {password} --fail-if-expires-within 2w")), (0, String::new()));
    assert_eq!(said(NOW, &format!("media.iso {password} --fail-if-expires-within 344h")), (0, String::new()));
    for (within, shown) in [("15d", "15d"), ("15", "15d"), ("345h", "345h")] {
        let message = format!(
            "error: media.iso ends on 2027-01-15T08:00:00Z (the token in T), sooner than {shown} from now\n{renew}"
        );
        assert_eq!(
            said(NOW, &format!("media.iso {password} --fail-if-expires-within {within}")),
            (1, message)
        );
    }
    assert_eq!(
        said("1800000001", &format!("media.iso {password} --fail-if-expires-within 0")),
        (1, format!("error: media.iso ended on 2027-01-15T08:00:00Z (the token in T)\n{renew}"))
    );
    // Without the password the manifest can warn, and not reassure.
    assert_eq!(
        said(NOW, "media.iso --fail-if-expires-within 30d"),
        (
            1,
            format!(
                "error: media.iso ends on 2027-01-15T08:00:00Z (what its manifest states), sooner than 30d from now\n{renew}"
            )
        )
    );
    assert_eq!(
        said(NOW, "media.iso --fail-if-expires-within 1d"),
        (
            5,
            "error: it is not known how long media.iso lasts: the media variables could not be read, and the media \
             certificate is among them\nhint: what could be looked at lasts that long; give the media password to look \
             at the rest\n"
                .to_owned()
        )
    );
    // Not being asked, nothing is judged.
    assert_eq!(said("1900000000", "media.iso"), (0, String::new()));
}

#[test]
fn a_boot_image_alone_lasts_as_long_as_what_was_added() {
    let sandbox = sandbox();
    let watch = |time: &str| {
        let outcome = run_at(&sandbox, time, "inspect boot.wim --fail-if-expires-within 30d");
        (outcome.code, outcome.stderr)
    };
    let nothing = "error: it is not known how long boot.wim lasts: nothing that was looked at has an end\n";
    assert_eq!(watch(NOW), (5, nothing.to_owned()));
    assert_eq!(run_at(&sandbox, NOW, "boot-image roots add boot.wim root.pem").code, 0);
    assert_eq!(watch(NOW), (0, String::new()));
    assert_eq!(watch("2500000000").0, 1);
}
