//! `docs/performance.md` and its chart, made from what was measured last.

use std::fs;
use std::process::Command;

use super::chart;
use super::compare::{ON_XFS, TABLES};
use super::goals::{self, best_peer, share};
use super::results::{self, Row};
use crate::run::{Done, root};

const TOOLS: [&str; 9] = [
    "wimtools",
    "libwin-hivex-perl",
    "genisoimage",
    "xorriso",
    "gdisk",
    "dosfstools",
    "mtools",
    "genimage",
    "coreutils",
];

pub(super) fn write() -> Done {
    let [media, batch, growth, sticks] = ["media", "batch", "growth", "sticks"].map(results::kept);
    if media.is_empty() {
        return Err("nothing was measured yet: run cargo xtask bench".to_owned());
    }
    let path = |name: &str| root().join("docs").join(name);
    let put = |name: &str, text: String| {
        fs::write(path(name), text).map_err(|error| format!("{}: {error}", path(name).display()))
    };
    put(
        "performance.svg",
        chart::bars("Times as long as cp of the boot image", &table(&media, TABLES[0].0)),
    )?;
    put("performance.md", composed(&machine(), &media, [&batch, &growth, &sticks]))
}

fn table(rows: &[Row], name: &str) -> Vec<Row> {
    rows.iter().filter(|row| row.table == name).cloned().collect()
}

fn composed(machine: &str, media: &[Row], [batch, growth, sticks]: [&[Row]; 3]) -> String {
    let mut out = format!(
        "# Performance\n\nWritten by `cargo xtask bench`: the same work, a root certificate in the boot image and a bootable \
         medium around it, with every output on its device and checked before its time counts.\n\n![Times as long as cp]\
         (performance.svg)\n\n{machine}{}",
        include_str!("explained.md")
    );
    for (name, _) in TABLES {
        let rows = table(media, name);
        if let Some(cp) = rows.first() {
            let size = cp.cost.output / 1_000_000;
            out.push_str(&format!("\n## Boot image of {size} MB, {name}\n\n{}", compared(&rows)));
        }
        let shared = table(media, &format!("{ON_XFS}{name}"));
        if !shared.is_empty() {
            out.push_str(&format!("\n### Where blocks are shared (XFS in a file)\n\n{}", listed(&shared)));
        }
        if !rows.is_empty() {
            out.push_str(&format!("\n### Goals, {name}\n\n{}", goals::judged(&rows, &shared, batch, name)));
        }
    }
    for (title, rows) in [("Batches", batch), ("The cost of growth", growth)] {
        if !rows.is_empty() {
            out.push_str(&format!("\n## {title}\n\n{}", listed(rows)));
        }
    }
    if !sticks.is_empty() {
        out.push_str(&format!("\n## Many sticks at once\n\n{}", super::sticks::table(sticks)));
    }
    out
}

/// With the ratios to `cp` and to the fastest peer that makes the same kind of output.
fn compared(rows: &[Row]) -> String {
    let cp = rows.first().map_or(1.0, |row| row.cost.wall);
    of_rows(rows, &["written / output", "× cp", "faster than the best peer"], |row| {
        let peer = best_peer(rows, &row.output_name).filter(|_| row.is_ours);
        [
            share(row).map_or_else(String::new, |share| format!("{share:.2}")),
            format!("{:.2}", row.cost.wall / cp),
            peer.map_or_else(String::new, |peer| format!("{:.1} ×", peer.cost.wall / row.cost.wall)),
        ]
    })
}

fn listed(rows: &[Row]) -> String {
    let megabytes = |bytes: u64| format!("{:.2} MB", bytes as f64 / 1e6);
    of_rows(rows, &["written", "output"], |row| [row.cost.written, row.cost.output].map(megabytes))
}

/// A table of what every row has, and of more.
fn of_rows<const N: usize>(rows: &[Row], more: &[&str; N], cells: impl Fn(&Row) -> [String; N]) -> String {
    let heads = [&["job", "median", "least – most", "CPU", "peak"][..], more].concat();
    let mut out = format!("| {} |\n|---{}|\n", heads.join(" | "), "|--:".repeat(heads.len() - 1));
    for row in rows {
        if let Some(reason) = &row.missing {
            let empty = "|".repeat(heads.len() - 1);
            out.push_str(&format!("| {} | cannot be done here: {reason} {empty}\n", row.job));
            continue;
        }
        out.push_str(&format!(
            "| {} | {:.3} s | {:.3} – {:.3} s | {:.2} s | {} MiB | {} |\n",
            row.job,
            row.cost.wall,
            row.least(),
            row.most(),
            row.cost.cpu,
            row.cost.peak_kib >> 10,
            cells(row).join(" | ")
        ));
    }
    out
}

/// The machine and the versions of everything that took part.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split(':').nth(1).unwrap_or_default().trim().to_owned()
    };
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.map_or_else(
            |_| String::new(),
            |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        )
    };
    let processor = field(&read("/proc/cpuinfo"), "model name");
    let instructions = if read("/proc/cpuinfo").contains("sha_ni") { "with" } else { "without" };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory =
        field(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0_u64) >> 20;
    let kernel = said("uname", &["-r"]);
    let file_system = said("stat", &["-f", "-c", "%T", &root().display().to_string()]);
    let format = "--showformat=${Package} ${Version}; ";
    let versions = said("dpkg-query", &[&["-W", format][..], &TOOLS].concat());
    format!(
        "Machine: {processor}, {cores} cores, {instructions} SHA instructions, {memory} GiB of memory, Linux {kernel}, {file_system} \
         on a virtual disk.\nVersions: tsmedia {}; {versions} pycdlib 1.14.0.\n\n",
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    use super::super::measure::Cost;
    use super::*;

    #[test]
    fn every_row_is_in_the_document_with_its_ratios() {
        let row = |table: &str, job: &str, kind: &str, is_ours, wall| {
            let cost = Cost { wall, cpu: 1.0, peak_kib: 50 << 10, written: 150, output: 100 };
            Row::new(table, job, kind, is_ours, &[cost])
        };
        let media = [
            row(TABLES[0].0, "cp", "copy", false, 0.5),
            row(TABLES[0].0, "genisoimage", "ISO", false, 2.0),
            row(TABLES[0].0, "tsmedia create, ISO", "ISO", true, 0.25),
            Row::missing(TABLES[0].0, "xorriso", "ISO", "not found"),
            row("XFS, 6 MB hive", "on XFS", "ISO", true, 0.125),
        ];
        let text = composed(
            "a machine",
            &media,
            [&[row("batch", "of ten", "ISO", true, 3.0)], &[], &[row("sticks", "8 sticks", "", true, 2.0)]],
        );
        for expected in [
            "a machine",
            "| cp | 0.500 s | 0.500 – 0.500 s | 1.00 s | 50 MiB | 1.50 | 1.00 |  |",
            "| tsmedia create, ISO | 0.250 s | 0.250 – 0.250 s | 1.00 s | 50 MiB | 1.50 | 0.50 | 8.0 × |",
            "| xorriso | cannot be done here: not found |",
            "| on XFS | 0.125 s |",
            "| of ten | 3.000 s |",
            "| 8 sticks | 2.00 s |",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert!(!text.contains(TABLES[1].0), "what was not measured has no table: {text}");
    }
}
