//! `cargo xtask bench growth`: how the cost grows with the boot image, with the files on the medium, and with the batch.

use std::fs;

use super::batch;
use super::gates;
use super::inputs::{Inputs, QUICK, Recipe};
use super::jobs::{ISO, Job, LIMIT, STICK};
use super::measure::measure;
use super::results::{self, Row};
use crate::run::{Done, target};

/// Sizes of boot images in MiB as they are stored; the last is the largest that FAT32 holds with room for the rest.
const SIZES: [u32; 4] = [100, 500, 2000, 3900];
const FILES: [usize; 5] = [10, 100, 1000, 10_000, 100_000];
const ROUNDS: usize = 3;

const ISO_OF_MANY: Job =
    Job { name: "ISO", script: r#"@CREATE --spec "$B/many.toml" --output "$W/out.iso""#, ..ISO };
const STICK_OF_MANY: Job =
    Job { name: "stick image", script: r#"@CREATE --spec "$B/many.toml" --output "$W/out.img""#, ..STICK };

pub(super) fn run(quick: bool) -> Done {
    let mut rows = Vec::new();
    // Kept as they come: it takes long.
    let mut add = |row: Row| {
        rows.push(row);
        if quick { Ok(()) } else { results::keep("growth", &rows) }
    };
    let small = Inputs::make(QUICK)?;
    for media in if quick { &[1, 10][..] } else { &[1, 10, 100][..] } {
        add(batch::of(&small, *media, &format!("batch of {media}"))?)?;
    }
    for size_mib in if quick { &SIZES[..1] } else { &SIZES[..] } {
        // Not compressed, so that its size is what is asked for; what is copied does not depend on it.
        let recipe = Recipe { size_mib: *size_mib, files: 10_000, classes: 12_000, compression: "none" };
        let inputs = Inputs::make(recipe)?;
        for job in [LIMIT, ISO, STICK] {
            add(measured(&job, &inputs, &format!("boot image of {size_mib} MiB: {}", job.name))?)?;
        }
        fs::remove_dir_all(&inputs.folder).map_err(|error| error.to_string())?;
    }
    for count in if quick { &FILES[..3] } else { &FILES[..] } {
        many(&small, *count)?;
        for job in [ISO_OF_MANY, STICK_OF_MANY] {
            add(measured(&job, &small, &format!("{count} files more on the medium: {}", job.name))?)?;
        }
    }
    results::show("the cost of growth", &rows);
    Ok(())
}

fn measured(job: &Job, inputs: &Inputs, name: &str) -> Result<Row, String> {
    let work = target().join("bench/work");
    let mut costs = Vec::new();
    for _ in 0..ROUNDS {
        costs.push(measure(job, inputs, &work)?);
        gates::check(job, &work, false)?;
    }
    let _ = fs::remove_dir_all(&work);
    Ok(Row::new("growth", name, job.kind.output(), job.is_ours, &costs))
}

/// A specification that puts so many small files on the medium, in folders of a thousand.
fn many(inputs: &Inputs, count: usize) -> Done {
    let file = inputs.folder.join("small.txt");
    fs::write(&file, "a small file\n").map_err(|error| error.to_string())?;
    let line =
        |number: usize| format!("\"files/{:03}/{:03}.txt\" = \"small.txt\"\n", number / 1000, number % 1000);
    let spec: String = (0..count).map(line).collect();
    fs::write(inputs.folder.join("many.toml"), format!("[boot.boot-file]\n{spec}"))
        .map_err(|error| error.to_string())
}
