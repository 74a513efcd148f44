//! `cargo xtask bench batch`: what the second medium of a batch costs on a file system that shares blocks, in bytes that
//! reach its device and in time, beside `cp`.

use std::fs;
use std::path::Path;

use super::inputs::{Inputs, QUICK, USUAL};
use super::jobs::{Job, Kind};
use super::measure::{Cost, measure};
use super::results::{self, Row};
use super::volume::Volume;
use super::{quiet, shell};
use crate::run::{Done, target};

/// How many of the media are verified in full, spread over all.
const VERIFIED: usize = 5;

const IMPORTED: Job = Job {
    name: "one imported certificate",
    kind: Kind::Iso,
    is_ours: true,
    script: r#"@BATCH --certificate "$B/media.pfx" --allow-unsuitable-certificate
ln "$W/media/K-1.iso" "$W/out.iso""#,
};
const OWN: Job = Job {
    name: "keys of their own",
    script: r#"@BATCH
ln "$W/media/K-1.iso" "$W/out.iso""#,
    ..IMPORTED
};
const SHARED: Job = Job {
    name: "cp --reflink=always of a medium",
    is_ours: false,
    script: r#"cp --reflink=always "$B/first.iso" "$W/out.iso"; sync "$W/out.iso""#,
    ..IMPORTED
};
const COPIED: Job = Job {
    name: "cp --reflink=never of a medium",
    script: r#"cp --reflink=never "$B/first.iso" "$W/out.iso"; sync "$W/out.iso""#,
    ..SHARED
};

/// Makes one medium and then as many as asked for, with keys of their own and with an imported certificate.
pub(super) fn run(quick: bool) -> Done {
    let (recipe, media) = if quick { (QUICK, 20) } else { (USUAL, 200) };
    let inputs = Inputs::make(recipe)?;
    let volume = match Volume::mount(&target().join("bench")) {
        Ok(volume) => volume,
        Err(reason) => {
            println!("skipped: no file system that shares blocks can be mounted here: {reason}");
            return Ok(());
        }
    };
    let inside = inputs.copy_to(&volume.mounted)?;
    let work = volume.work();
    let cost = |job: &Job, media: usize| {
        workers(&inside.folder, media)?;
        volume.measure(job, &inside)
    };
    let mut rows = Vec::new();
    for job in [OWN, IMPORTED] {
        let one = cost(&job, 1)?;
        fs::copy(work.join("out.iso"), inside.folder.join("first.iso")).map_err(|error| error.to_string())?;
        let all = cost(&job, media)?;
        verify(&work, media, inputs.len()?)?;
        let each = |all: u64, one: u64| all.saturating_sub(one) / (media as u64 - 1);
        let after = Cost {
            wall: (all.wall - one.wall) / (media as f64 - 1.0),
            cpu: (all.cpu - one.cpu) / (media as f64 - 1.0),
            written: each(all.written, one.written),
            ..all
        };
        for (name, cost) in [("one medium", one), (&*format!("each of {} more", media - 1), after)] {
            rows.push(Row::new("batch", &format!("{name}, {}", job.name), "ISO", true, &[cost]));
        }
    }
    for job in [SHARED, COPIED] {
        rows.push(Row::new("batch", job.name, "ISO", false, &[cost(&job, 1)?]));
    }
    results::show(&format!("{media} media of a boot image of {} bytes, XFS in a file", inputs.len()?), &rows);
    if quick { Ok(()) } else { results::keep("batch", &rows) }
}

/// What a batch of so many costs where nothing is shared.
pub(super) fn of(inputs: &Inputs, media: usize, name: &str) -> Result<Row, String> {
    let work = target().join("bench/work");
    workers(&inputs.folder, media)?;
    let cost = measure(&IMPORTED, inputs, &work)?;
    verify(&work, media, inputs.len()?)?;
    let _ = fs::remove_dir_all(&work);
    Ok(Row::new("growth", name, IMPORTED.kind.output(), true, &[cost]))
}

/// The list of so many workers.
fn workers(folder: &Path, media: usize) -> Done {
    let line =
        |number: usize| format!("Worker {number},K-{number},gravel tangle mosaic hatchet provost {number}\n");
    let lines: String = (1..=media).map(line).collect();
    fs::write(folder.join("workers.csv"), format!("name,serial,password\n{lines}"))
        .map_err(|error| error.to_string())
}

/// Every medium is there, and some of them are intact.
fn verify(work: &Path, media: usize, least: u64) -> Done {
    for number in 1..=media {
        let medium = work.join(format!("media/K-{number}.iso"));
        if fs::metadata(&medium).map_or(0, |facts| facts.len()) < least {
            return Err(format!("{} is too short, or not there", medium.display()));
        }
        if number.is_multiple_of((media / VERIFIED).max(1)) {
            let tsmedia = target().join("release/tsmedia");
            quiet(&mut shell("\"$T\" verify --quiet \"$M\"", &[("T", &tsmedia), ("M", &medium)]))?;
        }
    }
    Ok(())
}
