//! `tsmedia preflight`: the checklist, its exit codes, and what it does not print.

use std::collections::BTreeMap;

use media_tests::zip::{task_sequence_export, zip};
use serde_json::Value;

use crate::fixtures::{self, ROOT_CERTIFICATE};
use crate::support::{Outcome, Sandbox, snapshot};

/// 2027-01-01T00:00:00Z
const NOW: &str = "1798761600";
const SEQUENCE: &str = include_str!("fixtures/task-sequence.xml");
const DEPLOYMENT: &str = include_str!("fixtures/deployment.json");
const SETTINGS: &str = include_str!("fixtures/client-settings.json");
const SPEC: &str = r#"
[boot]
boot-image = "boot.wim"
package-id = "PS100005"
[site]
site-code = "PS1"
cmg = "cmg.contoso.com/CCM_Proxy_MutualAuth/72057594037928100"
[security]
password-file = "password.txt"
trusted-root = ["root.pem"]
"#;
const ALL: &str = "preflight --spec media.toml --format img --task-sequence ts.zip --deployment deployment.json \
                   --client-settings settings.json --site-version 2403";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    sandbox
        .write("password.txt", fixtures::MEDIA_PASSWORD)
        .write("media.toml", SPEC)
        .write("root.pem", ROOT_CERTIFICATE)
        .write("ts.zip", task_sequence_export("PS100012", SEQUENCE, ""))
        .write("ts.xml", SEQUENCE)
        .write("deployment.json", DEPLOYMENT)
        .write("settings.json", SETTINGS);
    sandbox
}

fn run(sandbox: &Sandbox, arguments: &str) -> Outcome {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let outcome = sandbox.run_with(&arguments, &[("SOURCE_DATE_EPOCH", NOW)], None);
    for text in [&outcome.stdout, &outcome.stderr] {
        assert!(!text.contains("planted"), "a secret of the task sequence was printed: {text}");
    }
    outcome
}

/// The answers by rule.
fn answers(sandbox: &Sandbox, arguments: &str) -> (i32, BTreeMap<String, String>) {
    let outcome = run(sandbox, &format!("{arguments} --json"));
    assert_eq!(outcome.stderr, "");
    let json: Value = serde_json::from_str(&outcome.stdout).expect("the result is JSON");
    let rules = json["rules"].as_array().expect("a list of rules");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    (outcome.code, rules.iter().map(|rule| (text(&rule["id"]), text(&rule["result"]))).collect())
}

#[test]
fn a_site_in_order_is_a_checklist_without_failures() {
    let sandbox = sandbox();
    let before = sandbox.listing();
    let outcome = run(&sandbox, ALL);
    assert_eq!(outcome.stderr, "");
    snapshot!("preflight-in-order", format!("exit code {}\n{}", outcome.code, outcome.stdout));
    assert!(before == sandbox.listing());
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let sandbox = sandbox();
    let wrong =
        SEQUENCE.replace(r#"property="NetworkJoinType">1<"#, r#"property="NetworkJoinType">0<"#).replace(
            "CCMHOSTNAME=cmg.contoso.com/CCM_Proxy_MutualAuth/72057594037928100",
            "/regtoken:planted-token",
        );
    sandbox
        .write("ts.zip", task_sequence_export("PS100012", &wrong, "Prepare"))
        .write("deployment.json", DEPLOYMENT.replace("36962304", "34078720").replace("8960", "8272").replace(r#""OfferType":  2"#, r#""OfferType":  0"#))
        .write("settings.json", r#"{"value":[{"AssignmentCount":0,"Type":1,"AgentConfigurations":[{"AllowCloudDP":false,"AllowCMG":false}]}]}"#)
        .write("media.toml", SPEC.replace("password-file = \"password.txt\"", "certificate-expiry = 2026-12-31\ncertificate-start = 2026-01-01"));
    let arguments =
        format!("{} --cmg-certificate root.pem --var SMSTSMP=https://planted", ALL.replace("2403", "2002"));
    let outcome = run(&sandbox, &arguments);
    assert_eq!(outcome.stderr, "");
    snapshot!("preflight-wrong", format!("exit code {}\n{}", outcome.code, outcome.stdout));
    snapshot!("preflight-wrong-json", run(&sandbox, &format!("{arguments} --json")).stdout);
}

#[test]
fn what_is_not_given_is_not_known_and_breaks_nothing_unless_it_is_to() {
    let sandbox = sandbox();
    let (code, bare) = answers(&sandbox, "preflight --spec media.toml");
    assert_eq!(code, 0, "{bare:?}");
    for id in [
        "deployment.allows-internet",
        "task-sequence.joins-workgroup",
        "client-settings.deployed",
        "trust.chain-of-gateway",
    ] {
        assert_eq!(bare[id], "cannot-be-known", "{id}");
    }
    assert_eq!(answers(&sandbox, &format!("{ALL} --strict")).0, 1);
    // It is not said what to make: that is no mistake here, and is said.
    let outcome = run(&sandbox, "preflight --spec media.toml");
    assert!(
        outcome
            .stdout
            .ends_with("note: it is not said what to make (--format, --output), so this is about a stick\n"),
        "{}",
        outcome.stdout
    );
    // The sequence's XML alone does not say whether a program is run first.
    let (_, xml) = answers(&sandbox, &ALL.replace("ts.zip", "ts.xml"));
    assert_eq!(xml["task-sequence.no-program-first"], "cannot-be-known");
    assert_eq!(xml["task-sequence.joins-workgroup"], "pass");
}

#[test]
fn the_certificate_of_the_gateway_is_proven_in_the_boot_image_as_it_will_be() {
    let sandbox = sandbox();
    let made = sandbox.shell(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out root.pem -days 3650 -subj /CN=cmg.contoso.com \
         -addext subjectAltName=DNS:cmg.contoso.com 2>&1",
    );
    assert_eq!(made.code, 0, "{}", made.stdout);
    let answer = |arguments: &str| {
        // By the clock: OpenSSL makes certificates that are valid from now on.
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let outcome = sandbox.run(&arguments);
        let json: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
        let rules = json["rules"].as_array().expect("a list of rules").clone();
        let rule = rules.into_iter().find(|rule| rule["id"] == "trust.chain-of-gateway").expect("the rule");
        (
            rule["result"].as_str().expect("text").to_owned(),
            rule["reason"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let arguments = "preflight --spec media.toml --json --cmg-certificate root.pem";
    assert_eq!(answer(arguments), ("pass".to_owned(), String::new()));
    // With everything given, strictness finds nothing that an input could still answer.
    sandbox.write("settings.json", SETTINGS.replace('{', "{\"AssignmentCount\": 1, \"Type\": 1,"));
    let all = format!("{ALL} --strict --cmg-certificate root.pem");
    let outcome = sandbox.run(&all.split_whitespace().collect::<Vec<_>>());
    assert_eq!(outcome.code, 0, "{}", outcome.stdout);
    let (result, reason) = answer(&format!("{arguments} --cmg other.contoso.com/CCM_Proxy_MutualAuth/1"));
    assert_eq!(result, "fail");
    assert!(reason.contains("other.contoso.com"), "{reason}");
}

#[test]
fn inputs_that_cannot_be_used_are_named() {
    let sandbox = sandbox();
    let object = "SMS_TaskSequencePackage/PS100012/object.xml";
    let two = format!(
        "[{DEPLOYMENT},{}]",
        DEPLOYMENT.replace("PS100012", "PS100013").replace("PS120012", "PS120013")
    );
    let same = format!("[{DEPLOYMENT},{}]", DEPLOYMENT.replace("PS120012", "PS120013"));
    sandbox
        .write("other.xml", "<planted/>")
        .write("broken.xml", "<sequence>\n<planted></sequence>")
        .write("other.zip", zip(&[("planted.txt", b"x")]))
        .write("broken.zip", zip(&[(object, b"<sequence>\n<planted></sequence>")]))
        .write("cut.zip", &task_sequence_export("PS100012", SEQUENCE, "")[..500])
        .write("two.json", two)
        .write("same.json", same)
        .write("other.json", "{\"planted\": 1}")
        .write("broken.json", "{\n planted }")
        .write("flags.json", "{\"AdvertFlags\": \"planted\"}")
        .write("summary.json", "{\"AllowCMG\": \"planted\"}");
    let mut said = String::new();
    for arguments in [
        "--task-sequence no.zip",
        "--task-sequence other.xml",
        "--task-sequence broken.xml",
        "--task-sequence other.zip",
        "--task-sequence broken.zip",
        "--task-sequence cut.zip",
        "--deployment two.json",
        "--task-sequence ts.zip --deployment same.json",
        "--deployment other.json",
        "--deployment broken.json",
        "--deployment flags.json",
        "--client-settings summary.json",
        "--client-settings deployment.json",
        "--cmg-certificate deployment.json",
        "--site-version 24.03",
        "--boot-image ts.xml",
        "--media-mode dynamic",
    ] {
        let outcome = run(&sandbox, &format!("preflight --spec media.toml {arguments}"));
        assert_eq!(outcome.stdout, "", "{arguments}");
        said += &format!("$ {arguments}\nexit code {}\n{}\n", outcome.code, outcome.stderr);
    }
    snapshot!("preflight-bad-inputs", said);
    // Of several deployments, the one of the task sequence is meant.
    assert_eq!(
        run(&sandbox, "preflight --spec media.toml --task-sequence ts.zip --deployment two.json").code,
        0
    );
}

#[test]
fn the_schema_describes_the_result() {
    let sandbox = sandbox();
    let schema: Value =
        serde_json::from_str(&run(&sandbox, "schema preflight").stdout).expect("the schema is JSON");
    let result: Value = serde_json::from_str(&run(&sandbox, &format!("{ALL} --json")).stdout).expect("JSON");
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    let mut described = keys(&schema["properties"]);
    described.sort();
    assert_eq!(keys(&result), described);
    for (name, value) in [("Answered", &result["rules"][0]), ("Counts", &result["counts"])] {
        assert_eq!(keys(value), keys(&schema["$defs"][name]["properties"]), "{name}");
    }
}

#[test]
fn making_a_medium_says_what_the_specification_alone_shows() {
    let sandbox = sandbox();
    sandbox.write("password.txt", "correct horse battery staple\n");
    let made =
        run(&sandbox, "create --spec media.toml --dry-run --format img --var SMSTSMP=https://planted --json");
    let made: Value = serde_json::from_str(&made.stdout).expect("JSON");
    let notes: Vec<&str> =
        made["notes"].as_array().expect("notes").iter().filter_map(Value::as_str).collect();
    let of = |id: &str| notes.iter().filter(|note| note.ends_with(&format!("[{id}]"))).count();
    assert_eq!((of("management-point.is-gateway"), of("trust.valid-at-firmware-date")), (1, 1), "{notes:#?}");
    // What it says in its own words is not said twice.
    assert_eq!(notes.iter().filter(|note| note.contains("[boot-image.")).count(), 0, "{notes:#?}");
}
