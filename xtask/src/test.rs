//! `cargo xtask test`: every test of the workspace, with every examiner at hand.

use std::env;
use std::process::Command;

use crate::run::{Done, cargo, show_and_run, target};
use crate::setup;

pub fn run(arguments: &[String]) -> Done {
    let filter: Vec<&str> = match arguments.split_first() {
        None => Vec::new(),
        Some((dashes, rest)) if dashes == "--" => rest.iter().map(String::as_str).collect(),
        Some(_) => return Err("test takes a filter after `--`".into()),
    };
    setup::referees()?;

    let product = product(&filter);
    let tasks = show_and_run(with_filter(&mut cargo(&["test", "--package", "xtask"]), &filter));

    println!("\n== Summary");
    for (name, result) in [("the product", &product), ("the tasks", &tasks)] {
        println!("{name}: {}", result.as_ref().err().map_or("passed", |_| "FAILED"));
    }
    product.and(tasks)
}

fn product(filter: &[&str]) -> Done {
    let mut command = cargo(&["test", "--workspace", "--exclude", "xtask", "--no-fail-fast"]);
    with_filter(&mut command, filter);
    // Snapshots are compared and never written here.
    command.env("INSTA_UPDATE", "no").env("INSTA_FORCE_PASS", "0");
    command.env("TSMEDIA_VENV", target().join("venv"));
    command.env("TSMEDIA_GUEST", target().join("guest"));
    match (env::var_os("TSMEDIA_CORPORA"), setup::corpora()) {
        (Some(_), _) => {}
        (None, Some(path)) => {
            println!("TSMEDIA_CORPORA={}", path.display());
            command.env("TSMEDIA_CORPORA", path);
        }
        (None, None) => println!("TSMEDIA_CORPORA is not set: tests on files that Windows wrote are skipped"),
    }
    show_and_run(&mut command)
}

fn with_filter<'a>(command: &'a mut Command, filter: &[&str]) -> &'a mut Command {
    if filter.is_empty() { command } else { command.arg("--").args(filter) }
}
