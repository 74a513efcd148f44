//! What describes the command: shell completions, the schema of spec files, manual pages.

use clap_complete::Shell;

use crate::args::Described;
use crate::error::{Error, Exit, Place};
use crate::output::preflight::Preflight;
use crate::spec_file::SpecTables;
use crate::{command, print, print_json};

/// Prints a completion script.
pub fn completions(shell: Shell) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "tsmedia", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// Prints the JSON schema of spec files, or of a result.
pub fn schema(what: Described) -> Result<Exit, Error> {
    print_json(&match what {
        Described::Spec => schemars::schema_for!(SpecTables),
        Described::Preflight => schemars::schema_for!(Preflight),
    })?;
    Ok(Exit::Done)
}

/// Prints the manual page of the whole command or of one of its commands.
pub fn page(name: Option<&str>) -> Result<Exit, Error> {
    // Building gives every command its whole name, `tsmedia create`.
    let mut all = command();
    all.build();
    let described = match name {
        None => all,
        Some(name) => all
            .find_subcommand(name)
            .cloned()
            .ok_or_else(|| Error::setting(format!("there is no command {name:?}"), Place::Nowhere))?,
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(described).render(&mut page).map_err(Error::StandardOutput)?;
    print(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Done)
}
