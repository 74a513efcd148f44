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

const ISO_OF_MANY: Job = Job {
    name: "ISO",
    script: r#"cd "$B"; ulimit -n "$(ulimit -H -n)"; @CREATE --spec many.toml $(cat many.options) --output "$W/out.iso""#,
    ..ISO
};
const STICK_OF_MANY: Job = Job {
    name: "stick image",
    script: r#"cd "$B"; ulimit -n "$(ulimit -H -n)"; @CREATE --spec many.toml $(cat many.options) --output "$W/out.img""#,
    ..STICK
};

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

/// What is more than the machine can do (each file is open until the medium is complete) has a row that says so.
fn measured(job: &Job, inputs: &Inputs, name: &str) -> Result<Row, String> {
    let work = target().join("bench/work");
    let mut costs = Vec::new();
    for _ in 0..ROUNDS {
        match measure(job, inputs, &work) {
            Ok(cost) => costs.push(cost),
            Err(error) => return Ok(Row::missing("growth", name, job.kind.output(), &error)),
        }
        gates::check(job, &work, false)?;
    }
    let _ = fs::remove_dir_all(&work);
    Ok(Row::new("growth", name, job.kind.output(), job.is_ours, &costs))
}

/// As many as fit into the MiB that a spec file may have.
const IN_SPEC: usize = 85_000;

/// Settings that put so many small files on the medium: in a spec file, and what is too much for it as options.
fn many(inputs: &Inputs, count: usize) -> Done {
    let put = |name: &str, text: String| {
        fs::write(inputs.folder.join(name), text).map_err(|error| format!("{name}: {error}"))
    };
    let in_spec: String =
        (0..count.min(IN_SPEC)).map(|file| format!("\"{}\"=\"s\"\n", place(file))).collect();
    let options: String = (IN_SPEC..count).map(|file| format!("--boot-file={}=s\n", place(file))).collect();
    put("s", "a small file\n".to_owned())?;
    put("many.toml", format!("[boot.boot-file]\n{in_spec}"))?;
    put("many.options", options)
}

/// A path as short as can be, in folders of 4096 files with a letter each.
fn place(file: usize) -> String {
    let folder = char::from(b'a' + (file / 4096) as u8);
    format!("{folder}/{:03x}", file % 4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spec_file_is_not_too_large_and_every_file_has_its_place() {
        let most = FILES[FILES.len() - 1];
        let mut places: Vec<String> = (0..most).map(place).collect();
        assert_eq!(places[most - 1], "y/69f");
        assert!(IN_SPEC * (places[0].len() + "\"\"=\"s\"\n".len()) < (1 << 20) - 100);
        places.sort();
        places.dedup();
        assert_eq!(places.len(), most);
    }
}
