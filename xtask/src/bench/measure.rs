//! One run of a job: its time, and what the system says it took.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

use super::inputs::Inputs;
use super::jobs::Job;
use super::{quiet, shell, text};
use crate::run::{command, root, target};

/// What a run took. Bytes written are those the process gave the file system, each time it did.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Cost {
    /// Seconds by the clock.
    pub(super) wall: f64,
    /// Seconds of all cores.
    pub(super) cpu: f64,
    /// The most memory one process had, in KiB.
    pub(super) peak_kib: u64,
    pub(super) written: u64,
    /// Length of the output, without holes in it.
    pub(super) output: u64,
}

/// Reads everything a job may read, and leaves nothing of other jobs to be written.
const WARM: &str = r#"find "$B" -type f -exec cat {} + > /dev/null; sync --file-system "$W""#;

/// Runs a job in an empty folder. What was written before is on the device when it begins, and all input in memory.
pub(super) fn measure(job: &Job, inputs: &Inputs, work: &Path) -> Result<Cost, String> {
    let told = |error: String| format!("{}: {error}", job.name);
    let io = |error: std::io::Error| told(error.to_string());
    let _ = fs::remove_dir_all(work);
    fs::create_dir_all(work).map_err(io)?;
    let (tsmedia, python) = (target().join("release/tsmedia"), target().join("venv/bin/python"));
    let tools = root().join("xtask/src/bench");
    let variables: [(&str, &Path); 5] =
        [("B", &inputs.folder), ("W", work), ("T", &tsmedia), ("P", &python), ("X", &tools)];
    quiet(&mut shell(WARM, &variables)).map_err(told)?;
    let facts = work.with_extension("time");
    let mut timed = command("/usr/bin/time", &["-f", "%U %S %M %O", "-o", &text(&facts)]);
    timed.args(["sh", "-ec", &job.lines()]).envs(variables);
    let start = Instant::now();
    let done = quiet(&mut timed);
    let wall = start.elapsed().as_secs_f64();
    done.map_err(told)?;
    let said = fs::read_to_string(&facts).map_err(io)?;
    let numbers: Vec<f64> = said
        .lines()
        .next_back()
        .unwrap_or_default()
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    let [user, system, peak, blocks] = numbers[..] else { return Err(told(said)) };
    let facts = fs::metadata(work.join(job.kind.output())).map_err(io)?;
    let output = facts.len().min(facts.blocks() * 512);
    Ok(Cost {
        wall,
        cpu: user + system,
        peak_kib: peak as u64,
        // getrusage(2) counts in units of 512 bytes.
        written: blocks as u64 * 512,
        output,
    })
}
