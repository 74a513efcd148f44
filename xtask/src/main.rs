//! Tasks of this repository. Rust alone builds this; each task installs or names whatever else it needs.

mod bench;
mod ci;
mod demo;
mod fixtures;
mod other_systems;
mod run;
mod setup;
mod test;
mod tidy;

use std::env;
use std::process::ExitCode;

const HELP: &str = "\
Tasks of the tsmedia repository.

cargo xtask demo [--boot-image FILE.wim] [--output-dir DIR]
    Installs what is missing, fabricates a boot image (or takes yours), and makes, verifies and shows a
    bootable ISO and stick image.
cargo xtask test [-- FILTER…]
    Installs the examiners the suites ask, and runs every test.
cargo xtask setup [--referees]
    Installs the Debian packages that building needs; with --referees those that testing needs too.
cargo xtask fixtures [--output-dir DIR]
    Fabricates boot images for trying things out: every architecture, two images in one file, and a large one.
cargo xtask bench [media] [batch] [growth] [sticks] [--quick]
    Measures what media cost beside cp and other tools, where blocks are shared too, what each medium of a batch costs,
    how the cost grows, and what many sticks take at once; checks every result, and writes docs/performance.md. With --quick it writes nothing, and
    takes a small boot image.
cargo xtask bench --document
    Writes docs/performance.md anew from what was measured last.
cargo xtask other-systems
    Builds the command for Windows and passes its tests under wine; compiles what finds disks for macOS.
cargo xtask tidy
    Checks the rules of ARCHITECTURE.md that can be checked.
cargo xtask ci
    What continuous integration runs: test, formatting, lints, tidy, and licences.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (task, rest) = match arguments.split_first() {
        Some((task, rest)) => (task.as_str(), rest),
        None => ("--help", [].as_slice()),
    };
    let done = match task {
        "demo" => demo::run(rest),
        "test" => test::run(rest),
        "setup" => setup::run(rest),
        "fixtures" => fixtures::run(rest),
        "bench" => bench::run(rest),
        "other-systems" => other_systems::run(rest),
        "tidy" => tidy::run(rest),
        "ci" => ci::run(rest),
        "--help" | "-h" | "help" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("there is no task `{other}`\n\n{HELP}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
