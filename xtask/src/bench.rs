//! `cargo xtask bench`: what `tsmedia` costs, beside `cp` and beside the tools everybody has.
//!
//! Times are shown, never asserted. Every result is checked before its time counts.

mod batch;
mod chart;
mod compare;
mod document;
mod gates;
mod goals;
mod growth;
mod inputs;
mod jobs;
mod measure;
mod results;
mod sticks;
mod volume;

use std::path::Path;
use std::process::{Command, Stdio};

use crate::run::{Done, cargo, show_and_run};
use crate::setup;

/// One subject, with its name on the command line.
type Subject = (&'static str, fn(bool) -> Done);

const SUBJECTS: [Subject; 4] =
    [("media", compare::run), ("batch", batch::run), ("growth", growth::run), ("sticks", sticks::run)];

/// Runs one subject, or all; a full run writes `docs/performance.md` anew from the last results of each.
pub fn run(arguments: &[String]) -> Done {
    let known = || SUBJECTS.map(|(name, _)| name).join(", ");
    let (mut quick, mut asked) = (false, Vec::new());
    for argument in arguments {
        match SUBJECTS.iter().find(|(name, _)| name == argument) {
            Some(subject) => asked.push(*subject),
            None if argument == "--quick" => quick = true,
            None if argument == "--document" => return document::write(),
            None => return Err(format!("bench knows {}, --quick and --document, not {argument}", known())),
        }
    }
    let asked = if asked.is_empty() { SUBJECTS.to_vec() } else { asked };
    setup::peers()?;
    show_and_run(&mut cargo(&["build", "--release", "--package", "media-cli", "--package", "media-tests"]))?;
    asked.iter().try_for_each(|(_, run)| run(quick))?;
    if quick { Ok(()) } else { document::write() }
}

/// Runs a command whose words matter only when it fails.
fn quiet(command: &mut Command) -> Done {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let words = [output.stdout, output.stderr].map(|words| String::from_utf8_lossy(&words).into_owned());
    Err(format!("{}: {}{}", crate::run::shown(command), words[0], words[1]))
}

/// Runs lines for the shell, of which the first that fails ends them.
fn shell(script: &str, variables: &[(&str, &Path)]) -> Command {
    let mut command = crate::run::command("sh", &["-ec", script]);
    command.envs(variables.iter().map(|(name, path)| (name, path)));
    command
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
