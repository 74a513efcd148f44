//! What the command says about itself.

use std::collections::BTreeSet;

use clap::CommandFactory;
use media_cli::args::Cli;

use crate::support::{Sandbox, snapshot};

#[test]
fn help_is_as_it_was_read_last() {
    let sandbox = Sandbox::new();
    for (name, arguments) in [
        ("help", vec!["--help"]),
        ("help-create", vec!["create", "--help"]),
        ("help-create-short", vec!["create", "-h"]),
        ("help-preflight", vec!["preflight", "--help"]),
        ("help-inspect", vec!["inspect", "--help"]),
        ("help-verify", vec!["verify", "--help"]),
        ("help-identity", vec!["identity", "--help"]),
        ("help-identity-new", vec!["identity", "new", "--help"]),
        ("help-identity-block", vec!["identity", "block", "--help"]),
        ("help-site-import", vec!["site", "import", "--help"]),
        ("help-variables", vec!["variables", "--help"]),
        ("help-variables-set", vec!["variables", "set", "--help"]),
        ("help-variables-change-password", vec!["variables", "change-password", "--help"]),
        ("help-letter", vec!["letter", "--help"]),
        ("help-devices", vec!["devices", "--help"]),
        ("help-write", vec!["write", "--help"]),
        ("help-completions", vec!["completions", "--help"]),
    ] {
        let outcome = sandbox.run(&arguments);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{name}");
        snapshot!(name, outcome.stdout);
    }
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_option_of_create_has_its_key_and_every_key_its_option() {
    let command = Cli::command();
    let create = command.find_subcommand("create").expect("there is such a command");
    let running = [
        "spec",
        "dry-run",
        "force",
        "verify",
        "no-boot-image-checksum",
        "yes",
        "device-serial",
        "check-capacity",
        "no-read-back",
        "seed",
        "seed-file",
        "json",
        "quiet",
        "help",
    ];
    // Which media are made in one go is about a run, too.
    let batch =
        ["workers", "output-dir", "write-passwords", "allow-shared-password", "no-letters", "onto-sticks"];
    // `--var` is the table [variables]; a file that wants a self-signed certificate names no other.
    let options: BTreeSet<String> = create
        .get_arguments()
        .filter_map(|option| option.get_long())
        .filter(|name| {
            !running.contains(name) && !batch.contains(name) && !["var", "self-signed"].contains(name)
        })
        .map(str::to_owned)
        .collect();
    let schema = Sandbox::new().run(&["schema"]);
    let schema: serde_json::Value = serde_json::from_str(&schema.stdout).expect("the schema is JSON");
    let mut keys = BTreeSet::new();
    for table in ["boot", "site", "security", "media", "output", "letter"] {
        let table = resolve(&schema, &schema["properties"][table]);
        for (name, key) in table["properties"].as_object().expect("a table has keys") {
            let key = resolve(&schema, key);
            match (name.as_str(), key["properties"].as_object()) {
                ("variables-xml", Some(inner)) => {
                    keys.extend(inner.keys().map(|key| format!("{name}-{key}")))
                }
                _ => _ = keys.insert(name.clone()),
            }
        }
    }
    assert_eq!(options, keys);
}

#[test]
fn the_readme_names_every_option() {
    let readme = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md"));
    let (mut options, cli) = (0, Cli::command());
    let mut waiting: Vec<&clap::Command> = cli.get_subcommands().collect();
    while let Some(command) = waiting.pop() {
        waiting.extend(command.get_subcommands());
        for name in command.get_arguments().filter_map(|option| option.get_long()) {
            assert!(readme.contains(&format!("`--{name}`")), "{} --{name}", command.get_name());
            options += 1;
        }
    }
    assert!(options > 50, "{options}");
}

fn resolve<'a>(schema: &'a serde_json::Value, part: &'a serde_json::Value) -> &'a serde_json::Value {
    let reference = part["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/"));
    reference.map_or(part, |name| &schema["$defs"][name])
}

#[test]
fn completions_and_manual_pages_can_be_made() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let outcome = sandbox.run(&["completions", shell]);
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        assert!(outcome.stdout.contains("trusted-root"), "{shell}");
    }
    let page = sandbox.run(&["manual", "create"]).stdout;
    assert!(page.contains(".TH tsmedia-create 1") && page.contains("trusted\\-root"), "{page}");
    assert!(sandbox.run(&["manual"]).stdout.contains(".TH tsmedia 1"));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let outcome = Sandbox::new().shell("$TSMEDIA create --help | head -n 1; $TSMEDIA schema | head -n 1");
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
}
