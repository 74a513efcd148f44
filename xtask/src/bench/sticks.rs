//! `cargo xtask bench sticks`: one stick and eight at once, each of them throttled, in a guest that QEMU makes.

use std::fs;
use std::path::Path;

use super::inputs::{Inputs, QUICK};
use super::measure::Cost;
use super::results::{self, Row};
use super::{quiet, shell, text};
use crate::run::{Done, command, target};
use crate::setup;

const STICKS: u64 = 8;
const ROUNDS: u64 = 3;
/// Bytes in a second that a stick takes. Slow sticks take three times as much; the guest is emulated.
const RATE: u64 = 3_000_000;

pub(super) fn run(quick: bool) -> Done {
    setup::referees()?;
    let inputs = Inputs::make(QUICK)?;
    let work = target().join("bench/work");
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&work).map_err(|error| error.to_string())?;
    let image = work.join("out.img");
    let create = format!("cd \"$B\"; {} --output \"$W/out.img\"", super::jobs::CREATE);
    let tsmedia = target().join("release/tsmedia");
    let variables: [(&str, &Path); 3] = [("B", &inputs.folder), ("W", &work), ("T", &tsmedia)];
    quiet(&mut shell(&create, &variables))?;
    let rounds = if quick { 1 } else { ROUNDS };
    let numbers = [STICKS, rounds, RATE].map(|number| number.to_string());
    let mut throughput = command(target().join("release/throughput"), &[]);
    throughput.args([&text(&tsmedia), &text(&image), &text(&work)]).args(numbers);
    let output = throughput.env("TSMEDIA_GUEST", target().join("guest")).output();
    let output = output.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    for number in 1..=STICKS {
        let stick = work.join(format!("stick-{number}.img"));
        quiet(&mut shell("\"$T\" verify --quiet \"$M\"", &[("T", &tsmedia), ("M", &stick)]))?;
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let bytes = written(&image)?;
    let rows = [("one", 1), ("all", STICKS)].map(|(word, sticks)| row(&said, word, sticks, bytes));
    let _ = fs::remove_dir_all(&work);
    println!("\nsticks of {RATE} bytes/s, {bytes} bytes each\n{}", table(&rows));
    if quick { Ok(()) } else { results::keep("sticks", &rows) }
}

/// How many bytes of a medium are written onto a stick: those that are not holes.
fn written(image: &Path) -> Result<u64, String> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(image).map(|facts| facts.blocks() * 512).map_err(|error| error.to_string())
}

fn row(said: &str, word: &str, sticks: u64, bytes: u64) -> Row {
    let seconds = |line: &str| line.strip_prefix(word)?.trim().parse::<f64>().ok();
    let cost = |wall| Cost { wall, written: bytes * sticks, output: sticks, ..Cost::default() };
    let costs: Vec<Cost> = said.lines().filter_map(seconds).map(cost).collect();
    let job = if sticks == 1 { "one stick".to_owned() } else { format!("{sticks} sticks at once") };
    Row::new("sticks", &job, "sticks", true, &costs)
}

/// How much all sticks took together, and how many times one stick's rate that is.
pub(super) fn table(rows: &[Row]) -> String {
    let mut out =
        "| | median | least – most | bytes/s of all | × one stick |\n|---|--:|--:|--:|--:|\n".to_owned();
    let rate = |row: &Row| row.cost.written as f64 / row.cost.wall;
    let first = rows.first().map_or(1.0, rate);
    for row in rows {
        out.push_str(&format!(
            "| {} | {:.2} s | {:.2} – {:.2} s | {:.1} MB/s | {:.2} |\n",
            row.job,
            row.cost.wall,
            row.least(),
            row.most(),
            rate(row) / 1e6,
            rate(row) / first
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_all_is_compared_with_that_of_one() {
        let said = "one 10.00\nall 12.50\none 10.00\nall 12.50\n";
        let rows = [row(said, "one", 1, 30_000_000), row(said, "all", 8, 30_000_000)];
        let text = table(&rows);
        assert!(
            text.contains("| 8 sticks at once | 12.50 s | 12.50 – 12.50 s | 19.2 MB/s | 6.40 |"),
            "{text}"
        );
    }
}
