//! `cargo xtask ci`: what has to hold before a change is accepted.

use crate::run::{Done, cargo, is_installed, show_and_run};
use crate::{test, tidy};

pub fn run(arguments: &[String]) -> Done {
    if !arguments.is_empty() {
        return Err("ci takes no options".into());
    }
    // The quick checks first: they cost seconds and the tests minutes.
    show_and_run(&mut cargo(&["fmt", "--check"]))?;
    tidy::run(&[])?;
    test::run(&[])?;
    show_and_run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    licences()
}

fn licences() -> Done {
    if !is_installed("cargo-deny") {
        println!("cargo-deny is not installed: licences, bans and sources are not checked");
        return Ok(());
    }
    show_and_run(&mut cargo(&["deny", "check", "bans", "licenses", "sources"]))
}
