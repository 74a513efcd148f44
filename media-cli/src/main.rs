//! The command `tsmedia`. Everything is in the library of this package, so that it can be tested and documented.

use std::process::ExitCode;

fn main() -> ExitCode {
    media_cli::run(std::env::args_os())
}
