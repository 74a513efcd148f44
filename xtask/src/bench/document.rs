//! `docs/performance.md` and its chart, made from what was measured last.

use std::fs;
use std::process::Command;

use super::chart;
use super::compare::{ON_XFS, TABLES};
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
    let (media, batch, growth) = (results::kept("media"), results::kept("batch"), results::kept("growth"));
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
    put("performance.md", composed(&machine(), &media, &batch, &growth))
}

fn table(rows: &[Row], name: &str) -> Vec<Row> {
    rows.iter().filter(|row| row.table == name).cloned().collect()
}

fn composed(machine: &str, media: &[Row], batch: &[Row], growth: &[Row]) -> String {
    let mut out = format!(
        "# Performance\n\nWritten by `cargo xtask bench`; each number is the median of its rounds, all jobs in turn, with every \
         output on the device and checked before its time counts. What is compared: {}\n\n![Times as long as cp]\
         (performance.svg)\n\n{machine}\n{}",
        "the same work, a root certificate in the boot image and a bootable medium around it.",
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
        out.push_str(&format!("\n### Goals, {name}\n\n{}", goals(&rows, &shared, name)));
    }
    for (title, rows) in [("Batches", batch), ("The cost of growth", growth)] {
        if !rows.is_empty() {
            out.push_str(&format!("\n## {title}\n\n{}", listed(rows)));
        }
    }
    out
}

/// With the ratios to `cp` and to the fastest peer that makes the same kind of output.
fn compared(rows: &[Row]) -> String {
    let mut out = "| job | median | least – most | CPU | peak | written / output | × cp | faster than the best peer |\n\
                   |---|--:|--:|--:|--:|--:|--:|--:|\n"
        .to_owned();
    let cp = rows.first().map_or(1.0, |row| row.cost.wall);
    for row in rows {
        let peer = best_peer(rows, &row.output_name).filter(|_| row.is_ours);
        let peer = peer.map_or_else(String::new, |peer| format!("{:.1} ×", peer.cost.wall / row.cost.wall));
        out.push_str(&format!(
            "| {} | {:.3} s | {:.3} – {:.3} s | {:.2} s | {} MiB | {} | {:.2} | {peer} |\n",
            row.job,
            row.cost.wall,
            row.least(),
            row.most(),
            row.cost.cpu,
            row.cost.peak_kib >> 10,
            share(row).map_or_else(String::new, |share| format!("{share:.2}")),
            row.cost.wall / cp,
        ));
    }
    out
}

fn share(row: &Row) -> Option<f64> {
    (row.output_name != "plan").then(|| row.cost.written as f64 / row.cost.output.max(1) as f64)
}

fn best_peer<'a>(rows: &'a [Row], output_name: &str) -> Option<&'a Row> {
    let peers = rows.iter().filter(|row| !row.is_ours && row.output_name == output_name);
    peers.min_by(|one, other| one.cost.wall.total_cmp(&other.cost.wall))
}

fn listed(rows: &[Row]) -> String {
    let mut out =
        "| job | median | least – most | CPU | peak | written | output |\n|---|--:|--:|--:|--:|--:|--:|\n"
            .to_owned();
    for row in rows {
        out.push_str(&format!(
            "| {} | {:.3} s | {:.3} – {:.3} s | {:.2} s | {} MiB | {:.2} MB | {:.1} MB |\n",
            row.job,
            row.cost.wall,
            row.least(),
            row.most(),
            row.cost.cpu,
            row.cost.peak_kib >> 10,
            row.cost.written as f64 / 1e6,
            row.cost.output as f64 / 1e6
        ));
    }
    out
}

/// Each goal with the worst figure there is of it.
fn goals(rows: &[Row], shared: &[Row], name: &str) -> String {
    let hive = if name.starts_with("30") { 30.0 } else { 6.0 };
    let cp = rows.first().map_or(1.0, |row| row.cost.wall);
    let is_medium = |row: &&Row| row.is_ours && matches!(&*row.output_name, "ISO" | "stick image");
    let is_new = |row: &&Row| is_medium(row) && row.job.contains("create");
    let unchecked = |row: &&Row| row.job.contains("--no-boot-image-checksum");
    let worst = |figures: Vec<f64>| figures.into_iter().fold(f64::NAN, f64::max);
    let checked: Vec<&Row> = rows.iter().filter(is_new).filter(|row| !unchecked(row)).collect();
    let faster: Vec<f64> = checked
        .iter()
        .filter_map(|row| Some(-best_peer(rows, &row.output_name)?.cost.wall / row.cost.wall))
        .collect();
    let of = |rows: &[Row], which: &dyn Fn(&&Row) -> bool, figure: &dyn Fn(&Row) -> f64| {
        worst(rows.iter().filter(which).map(figure).collect())
    };
    let personal = |row: &&Row| row.job.contains("personalise");
    let wall = |row: &Row| row.cost.wall * 1000.0;
    let goals = [
        ("medium with checksums, × cp", worst(checked.iter().map(|row| row.cost.wall / cp).collect()), 1.3),
        (
            "medium without checksums, × cp",
            of(rows, &|row| is_new(row) && unchecked(row), &|row| row.cost.wall / cp),
            1.1,
        ),
        ("medium where blocks are shared, ms", of(shared, &is_new, &wall), 150.0),
        (
            "medium where blocks are shared, without checksums, ms",
            of(shared, &|row| is_new(row) && unchecked(row), &wall),
            150.0,
        ),
        ("personalised where blocks are shared, ms", of(shared, &personal, &wall), 10.0),
        ("personalised, × cp", of(rows, &personal, &|row| row.cost.wall / cp), 1.05),
        ("planning (dry run), ms", of(rows, &|row| row.output_name == "plan", &wall), 60.0),
        (
            "peak memory, MiB",
            of(rows, &|row| row.is_ours, &|row| row.cost.peak_kib as f64 / 1024.0),
            64.0 + 2.0 * hive,
        ),
        ("written / output", of(rows, &is_medium, &|row| share(row).unwrap_or_default()), 1.02),
        (
            "written where blocks are shared, MB",
            of(shared, &is_medium, &|row| row.cost.written as f64 / 1e6),
            8.39,
        ),
    ];
    let mut out = "| goal | at most | measured | |\n|---|--:|--:|---|\n".to_owned();
    for (goal, limit, measured) in goals.map(|(goal, measured, limit)| (goal, limit, measured)) {
        if !measured.is_nan() {
            let word = if measured <= limit { "met" } else { "**missed**" };
            out.push_str(&format!("| {goal} | {limit:.2} | {measured:.2} | {word} |\n"));
        }
    }
    let least = -worst(faster);
    if !least.is_nan() {
        let word = if least >= 4.0 { "met" } else { "**missed**" };
        out.push_str(&format!(
            "| times as fast as the fastest peer, at least | 4.00 | {least:.2} | {word} |\n"
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
    fn goals_are_judged_by_the_worst_figure() {
        let row = |table: &str, job: &str, kind: &str, is_ours, wall, written| {
            let cost = Cost { wall, cpu: 1.0, peak_kib: 50 << 10, written, output: 100 };
            Row::new(table, job, kind, is_ours, &[cost])
        };
        let rows = [
            row("6 MB hive", "cp", "copy", false, 1.0, 100),
            row("6 MB hive", "genisoimage", "ISO", false, 4.5, 200),
            row("6 MB hive", "tsmedia create, ISO", "ISO", true, 1.1, 101),
            row("6 MB hive", "tsmedia create, stick image", "stick image", true, 1.4, 103),
        ];
        let text = composed("machine", &rows, &[], &[]);
        assert!(text.contains("| medium with checksums, × cp | 1.30 | 1.40 | **missed** |"), "{text}");
        assert!(
            text.contains("| times as fast as the fastest peer, at least | 4.00 | 4.09 | met |"),
            "{text}"
        );
        assert!(text.contains("| written / output | 1.02 | 1.03 | **missed** |"), "{text}");
        assert!(text.contains("| peak memory, MiB | 76.00 | 50.00 | met |"), "{text}");
        assert!(!text.contains("blocks are shared, ms"), "what was not measured has no row: {text}");
    }
}
