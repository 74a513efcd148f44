//! What is asked of us, and whether it holds.

use super::results::Row;

/// One goal: what is measured, the most it may be, and what it was; not a number where nobody measured it.
type Goal = (&'static str, f64, f64);

/// Each goal with the worst figure there is of it.
pub(super) fn judged(rows: &[Row], shared: &[Row], batch: &[Row], name: &str) -> String {
    let mut out = "| goal | limit | measured | |\n|---|--:|--:|---|\n".to_owned();
    for (goal, most, measured) in at_most(rows, shared, batch, name) {
        out.push_str(&line(goal, most, measured, measured <= most));
    }
    let is_checked = |row: &&Row| is_new(row) && !is_unchecked(row);
    let faster = |row: &Row| Some(best_peer(rows, &row.output_name)?.cost.wall / row.cost.wall);
    let least = rows.iter().filter(is_checked).filter_map(faster).fold(f64::NAN, f64::min);
    out + &line("times as fast as the fastest peer of equal work, at least", 4.0, least, least >= 4.0)
}

fn line(goal: &str, limit: f64, measured: f64, is_met: bool) -> String {
    if measured.is_nan() {
        return String::new();
    }
    let word = if is_met { "met" } else { "**missed**" };
    format!("| {goal} | {limit:.2} | {measured:.2} | {word} |\n")
}

fn at_most(rows: &[Row], shared: &[Row], batch: &[Row], name: &str) -> Vec<Goal> {
    let hive = if name.starts_with("30") { 30.0 } else { 6.0 };
    let cp = rows.first().map_or(1.0, |row| row.cost.wall);
    let times = |row: &Row| row.cost.wall / cp;
    let milliseconds = |row: &Row| row.cost.wall * 1000.0;
    let is_checked = |row: &Row| is_new(row) && !is_unchecked(row);
    let is_fast = |row: &Row| is_new(row) && is_unchecked(row);
    let is_personal = |row: &Row| row.job.contains("personalise");
    let is_more = |row: &Row| row.job.starts_with("each of") && row.job.contains("imported");
    let peak = |row: &Row| row.cost.peak_kib as f64 / 1024.0;
    let megabytes = |row: &Row| row.cost.written as f64 / 1e6;
    vec![
        ("medium with checksums, × cp", 1.3, worst(rows, is_checked, times)),
        ("medium without that of the boot image, × cp", 1.1, worst(rows, is_fast, times)),
        ("the same where blocks are shared, ms", 150.0, worst(shared, is_fast, milliseconds)),
        ("with checksums where blocks are shared, ms", 150.0, worst(shared, is_checked, milliseconds)),
        ("personalised alone, × cp", 1.05, worst(rows, is_personal, times)),
        ("personalised in a batch where blocks are shared, ms", 10.0, worst(batch, is_more, milliseconds)),
        ("personalised alone where blocks are shared, ms", 10.0, worst(shared, is_personal, milliseconds)),
        (
            "dry run: the hive and planning, ms",
            60.0,
            worst(rows, |row| row.output_name == "plan", milliseconds),
        ),
        ("peak memory, MiB", 64.0 + 2.0 * hive, worst(rows, |row| row.is_ours, peak)),
        ("written / output", 1.02, worst(rows, is_medium, |row| share(row).unwrap_or_default())),
        ("written where blocks are shared, MB", 8.39, worst(shared, is_medium, megabytes)),
    ]
}

fn worst(rows: &[Row], which: impl Fn(&Row) -> bool, figure: impl Fn(&Row) -> f64) -> f64 {
    rows.iter().filter(|row| which(row)).map(figure).fold(f64::NAN, f64::max)
}

fn is_medium(row: &Row) -> bool {
    row.is_ours && matches!(&*row.output_name, "ISO" | "stick image")
}

fn is_new(row: &Row) -> bool {
    is_medium(row) && row.job.contains("create")
}

fn is_unchecked(row: &Row) -> bool {
    row.job.contains("--no-boot-image-checksum")
}

/// How many times its own length an output was written.
pub(super) fn share(row: &Row) -> Option<f64> {
    (row.output_name != "plan").then(|| row.cost.written as f64 / row.cost.output.max(1) as f64)
}

/// The fastest of others that makes the same kind of output.
pub(super) fn best_peer<'a>(rows: &'a [Row], output_name: &str) -> Option<&'a Row> {
    let peers =
        rows.iter().filter(|row| !row.is_ours && row.missing.is_none() && row.output_name == output_name);
    peers.min_by(|one, other| one.cost.wall.total_cmp(&other.cost.wall))
}

#[cfg(test)]
mod tests {
    use super::super::measure::Cost;
    use super::*;

    #[test]
    fn goals_are_judged_by_the_worst_figure() {
        let row = |job: &str, kind: &str, is_ours, wall, written| {
            let cost = Cost { wall, cpu: 1.0, peak_kib: 50 << 10, written, output: 100 };
            Row::new("6 MB hive", job, kind, is_ours, &[cost])
        };
        let rows = [
            row("cp", "copy", false, 1.0, 100),
            row("genisoimage", "ISO", false, 4.5, 200),
            row("xorriso", "ISO", false, 9.0, 200),
            row("tsmedia create, ISO", "ISO", true, 1.1, 101),
            row("tsmedia create, stick image", "stick image", true, 1.4, 103),
        ];
        let text = judged(&rows, &[], &[], "6 MB hive");
        for expected in [
            "| medium with checksums, × cp | 1.30 | 1.40 | **missed** |",
            "| times as fast as the fastest peer of equal work, at least | 4.00 | 4.09 | met |",
            "| written / output | 1.02 | 1.03 | **missed** |",
            "| peak memory, MiB | 76.00 | 50.00 | met |",
        ] {
            assert!(text.contains(expected), "{text}");
        }
        assert!(!text.contains("blocks are shared"), "what was not measured has no row: {text}");
    }
}
