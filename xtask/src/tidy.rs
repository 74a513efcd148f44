//! `cargo xtask tidy`: the rules of ARCHITECTURE.md that a program can check. Each finding names a place and its rule.

mod rules;
mod source;

use std::fs;

use crate::run::{Done, command, root};
use source::Source;

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// From 1; 0 when the whole file is meant.
    line: usize,
    rule: String,
}

pub fn run(arguments: &[String]) -> Done {
    if !arguments.is_empty() {
        return Err("tidy takes no options".into());
    }
    let paths = paths()?;
    let mut sources = Vec::new();
    for path in paths.iter().filter(|path| path.ends_with(".rs")) {
        let text = fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))?;
        sources.push(Source::new(path, &text));
    }
    source::mark_test_modules(&mut sources);
    let findings: Vec<Finding> = [
        rules::top_level(&paths),
        rules::length(&sources),
        rules::median_length(&sources),
        rules::formats_stand_alone(&sources),
        rules::formats_know_no_product(&sources),
        rules::library_is_pure(&sources),
        rules::crates_have_one_home(&sources),
        rules::unsafe_has_one_home(&sources),
        rules::sinks_are_called_by_write(&sources),
        rules::templates_are_used(&paths, &sources),
    ]
    .into_iter()
    .flatten()
    .collect();
    for finding in &findings {
        eprintln!("{}:{}: {}", finding.path, finding.line, finding.rule);
    }
    match findings.len() {
        0 => {
            println!("tidy: {} files in order", paths.len());
            Ok(())
        }
        count => Err(format!("tidy: {count} places break a rule")),
    }
}

/// Every file of the repository that is or would be committed, by path from its root.
fn paths() -> Result<Vec<String>, String> {
    let listed = command("git", &["ls-files", "--cached", "--others", "--exclude-standard"]).output();
    let listed = match listed {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        _ => return Err("tidy asks git for the files of the repository, and git does not answer".into()),
    };
    let mut paths: Vec<String> =
        listed.lines().filter(|path| root().join(path).is_file()).map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

#[cfg(test)]
mod tests;
