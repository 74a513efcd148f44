//! `cargo xtask bench media`: each job beside `cp` and its peers, round by round, and once more where blocks are shared.

use super::gates;
use super::inputs::{Inputs, LARGE_HIVE, QUICK, Recipe, USUAL};
use super::jobs::{
    ISO, ISO_UNCHECKED, Job, Kind, LIMIT, PEERS, PERSONALISE, PLAN, ROOTS, SHARED, STICK, STICK_UNCHECKED,
};
use super::measure::{Cost, measure};
use super::results::{self, Row};
use super::volume::Volume;
use crate::run::{Done, target};

/// Tables of the report.
pub(super) const TABLES: [(&str, Recipe); 2] = [("6 MB hive", USUAL), ("30 MB hive", LARGE_HIVE)];
/// Before the name of a table of what was done where blocks are shared.
pub(super) const ON_XFS: &str = "XFS, ";

const OURS: [Job; 7] = [ROOTS, ISO, STICK, ISO_UNCHECKED, STICK_UNCHECKED, PLAN, PERSONALISE];
const ON_SHARED: [Job; 6] = [SHARED, ISO, STICK, ISO_UNCHECKED, STICK_UNCHECKED, PERSONALISE];

pub(super) fn run(quick: bool) -> Done {
    let (tables, rounds) = if quick { (vec![("quick", QUICK)], 2) } else { (TABLES.to_vec(), 5) };
    let mut rows = Vec::new();
    for (name, recipe) in tables {
        let inputs = Inputs::make(recipe)?;
        inputs.for_peers()?;
        let jobs: Vec<Job> = [LIMIT].into_iter().chain(PEERS).chain(OURS).collect();
        let table = rows_of(name, &jobs, &interleaved(&jobs, &inputs, rounds)?);
        results::show(&format!("boot image of {} bytes, {name}, {rounds} rounds", inputs.len()?), &table);
        rows.extend(table);
        rows.extend(where_shared(name, &inputs, rounds)?);
    }
    if quick { Ok(()) } else { results::keep("media", &rows) }
}

/// What each round of a job cost, or why it cannot be done here.
type Costs = Result<Vec<Cost>, String>;

fn rows_of(table: &str, jobs: &[Job], costs: &[Costs]) -> Vec<Row> {
    let row = |(job, costs): (&Job, &Costs)| match costs {
        Ok(costs) => Row::new(table, job.name, kind_name(job.kind), job.is_ours, costs),
        Err(reason) => Row::missing(table, job.name, kind_name(job.kind), reason),
    };
    jobs.iter().zip(costs).map(row).collect()
}

/// By which equal work is known.
fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::BootImage => "boot image",
        Kind::Copy => "copy",
        Kind::Nothing => "plan",
        Kind::Iso => "ISO",
        Kind::BiosIso => "ISO for BIOS",
        Kind::Stick | Kind::LooseStick => "stick image",
    }
}

/// Each job once in every round. The boot image in an output of ours is always verified too, in a peer's in the first round.
fn interleaved(jobs: &[Job], inputs: &Inputs, rounds: usize) -> Result<Vec<Costs>, String> {
    let work = target().join("bench/work");
    let mut costs: Vec<Costs> = vec![Ok(Vec::new()); jobs.len()];
    for round in 0..rounds {
        println!("round {} of {rounds}", round + 1);
        for (job, costs) in jobs.iter().zip(&mut costs) {
            let Ok(costs_so_far) = costs else { continue };
            match measure(job, inputs, &work) {
                Ok(cost) => {
                    gates::check(job, &work, round == 0 || job.is_ours)?;
                    costs_so_far.push(cost);
                }
                Err(error) if PEERS.iter().any(|peer| peer.name == job.name) => {
                    eprintln!("left out: {error}");
                    *costs = Err(error);
                }
                Err(error) => return Err(error),
            }
        }
    }
    let _ = std::fs::remove_dir_all(&work);
    Ok(costs)
}

fn where_shared(name: &str, inputs: &Inputs, rounds: usize) -> Result<Vec<Row>, String> {
    let volume = match Volume::mount(&target().join("bench")) {
        Ok(volume) => volume,
        Err(reason) => {
            println!("skipped: no file system that shares blocks can be mounted here: {reason}");
            return Ok(Vec::new());
        }
    };
    let inside = inputs.copy_to(&volume.mounted)?;
    std::fs::copy(inputs.folder.join("first.iso"), volume.path("first.iso"))
        .map_err(|error| error.to_string())?;
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); ON_SHARED.len()];
    for _ in 0..rounds {
        for (job, costs) in ON_SHARED.iter().zip(&mut costs) {
            let cost = volume.measure(job, &inside)?;
            gates::check(job, &volume.work(), true)?;
            costs.push(cost);
        }
    }
    let costs: Vec<Costs> = costs.into_iter().map(Ok).collect();
    let table = rows_of(&format!("{ON_XFS}{name}"), &ON_SHARED, &costs);
    results::show(&format!("the same on XFS, {name}"), &table);
    Ok(table)
}
