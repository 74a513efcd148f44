//! The example spec file: it is read, and shows every key there is.

use std::path::Path;

use crate::support::Sandbox;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../templates/example-media.toml");

fn example() -> String {
    std::fs::read_to_string(EXAMPLE).expect("the example is in the repository")
}

#[test]
fn the_example_is_accepted_up_to_the_files_it_names() {
    let sandbox = Sandbox::new();
    sandbox.write("media.toml", example());
    let outcome = sandbox.run(&["create", "--spec", "media.toml", "--output", "media.iso"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("cannot read the boot image boot.PS100005.wim"), "{}", outcome.stderr);
}

#[test]
fn the_example_shows_every_key() {
    let schema: serde_json::Value =
        serde_json::from_str(&Sandbox::new().run(&["schema"]).stdout).expect("the schema is JSON");
    let text = example();
    let mut keys = 0;
    for definition in schema["$defs"].as_object().expect("tables are definitions").values() {
        for key in definition["properties"].as_object().into_iter().flat_map(|keys| keys.keys()) {
            let shown = text.lines().any(|line| {
                let line = line.trim_start_matches(['#', ' ']);
                line.starts_with(&format!("{key} ="))
                    || (line.starts_with('[') && line.contains(&format!("{key}]")))
            });
            assert!(shown, "{key} is not in {}", Path::new(EXAMPLE).display());
            keys += 1;
        }
    }
    assert!(keys > 35, "{keys}");
}
