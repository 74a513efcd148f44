//! What was measured: kept between runs, so that a subject can be measured again alone.

use std::fs;
use std::path::PathBuf;

use super::measure::Cost;
use crate::run::{Done, target};

/// What is said of one job in one table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) table: String,
    pub(super) job: String,
    /// The file its output has, by which equal work is known.
    pub(super) output_name: String,
    pub(super) is_ours: bool,
    /// Seconds by the clock, of each round.
    pub(super) walls: Vec<f64>,
    /// Medians of all rounds but for `wall`.
    pub(super) cost: Cost,
    /// Why it could not be measured here, when it could not.
    pub(super) missing: Option<String>,
}

/// Before the reason, in place of the times.
const MISSING: &str = "missing: ";

impl Row {
    pub(super) fn new(table: &str, job: &str, output_name: &str, is_ours: bool, costs: &[Cost]) -> Self {
        let of = |value: fn(&Cost) -> f64| median(&costs.iter().map(value).collect::<Vec<_>>());
        let walls: Vec<f64> = costs.iter().map(|cost| cost.wall).collect();
        let cost = Cost {
            wall: median(&walls),
            cpu: of(|cost| cost.cpu),
            peak_kib: of(|cost| cost.peak_kib as f64) as u64,
            written: of(|cost| cost.written as f64) as u64,
            output: of(|cost| cost.output as f64) as u64,
        };
        let (table, job, output_name) = (table.to_owned(), job.to_owned(), output_name.to_owned());
        Self { table, job, output_name, is_ours, walls, cost, missing: None }
    }

    /// A job that cannot be done here: the last line of the error says why.
    pub(super) fn missing(table: &str, job: &str, output_name: &str, error: &str) -> Self {
        let last = error.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("no reason given");
        // The command is shown before it, in quotes when it has one line.
        let reason = last.rsplit_once("': ").map_or(last, |(_, words)| words).replace(['\t', '|'], " ");
        Self { missing: Some(reason), ..Self::new(table, job, output_name, false, &[]) }
    }

    pub(super) fn least(&self) -> f64 {
        self.walls.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(super) fn most(&self) -> f64 {
        self.walls.iter().copied().fold(0.0, f64::max)
    }

    fn to_line(&self) -> String {
        let walls: Vec<String> = self.walls.iter().map(|wall| format!("{wall:.4}")).collect();
        let Cost { cpu, peak_kib, written, output, .. } = self.cost;
        let Self { table, job, output_name, is_ours, .. } = self;
        let walls = self.missing.as_ref().map_or(walls.join(","), |reason| format!("{MISSING}{reason}"));
        format!("{table}\t{job}\t{output_name}\t{is_ours}\t{walls}\t{cpu}\t{peak_kib}\t{written}\t{output}\n")
    }

    fn of_line(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [table, job, output_name, is_ours, walls, cpu, peak, written, output] = fields[..] else {
            return None;
        };
        if let Some(reason) = walls.strip_prefix(MISSING) {
            return Some(Self::missing(table, job, output_name, reason));
        }
        let walls: Vec<f64> = walls.split(',').map(|wall| wall.parse().ok()).collect::<Option<_>>()?;
        let cost = Cost {
            wall: median(&walls),
            cpu: cpu.parse().ok()?,
            peak_kib: peak.parse().ok()?,
            written: written.parse().ok()?,
            output: output.parse().ok()?,
        };
        let (table, job, output_name) = (table.to_owned(), job.to_owned(), output_name.to_owned());
        Some(Self { table, job, output_name, is_ours: is_ours == "true", walls, cost, missing: None })
    }
}

/// The middle of some numbers; of an even count the higher of the two.
pub(super) fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn file(subject: &str) -> PathBuf {
    target().join(format!("bench/{subject}.tsv"))
}

/// Keeps the rows of a subject in place of the last ones.
pub(super) fn keep(subject: &str, rows: &[Row]) -> Done {
    let path = file(subject);
    fs::write(&path, rows.iter().map(Row::to_line).collect::<String>())
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// The rows kept of a subject; none when it was never measured.
pub(super) fn kept(subject: &str) -> Vec<Row> {
    fs::read_to_string(file(subject))
        .map_or_else(|_| Vec::new(), |text| text.lines().filter_map(Row::of_line).collect())
}

/// As a table on the terminal: times, and how many times as long as the first row each takes.
pub(super) fn show(title: &str, rows: &[Row]) {
    println!("\n{title}");
    println!(
        "{:<62}{:>8}{:>8}{:>8}{:>8}{:>9}{:>9}{:>8}",
        "", "median", "least", "most", "CPU", "peak", "written", "to cp"
    );
    let first = rows.first().map_or(1.0, |row| row.cost.wall);
    for row in rows {
        if let Some(reason) = &row.missing {
            println!("{:<62} cannot be done here: {reason}", row.job);
            continue;
        }
        let Cost { wall, cpu, peak_kib, written, .. } = row.cost;
        println!(
            "{:<62}{wall:>7.3}s{:>7.3}s{:>7.3}s{cpu:>7.2}s{:>6} MiB{:>5} MiB{:>7.2}x",
            row.job,
            row.least(),
            row.most(),
            peak_kib >> 10,
            written >> 20,
            wall / first
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_were_kept() {
        let cost = |wall, written| Cost { wall, cpu: 0.25, peak_kib: 7, written, output: 9 };
        let row =
            Row::new("a table", "a job", "out.iso", true, &[cost(0.5, 3), cost(0.125, 2), cost(0.25, 1)]);
        assert_eq!((row.cost.wall, row.cost.written, row.least(), row.most()), (0.25, 2, 0.125, 0.5));
        assert_eq!(Row::of_line(row.to_line().trim_end()), Some(row));
        assert_eq!(Row::of_line("a table\ta job"), None);
        let missing =
            Row::missing("a table", "a job", "ISO", "sh -ec 'a\nb': first\nsh: not found:\ta | b\n\n");
        assert_eq!(missing.missing.as_deref(), Some("sh: not found: a   b"));
        let one_line = Row::missing("a table", "a job", "ISO", "a job: sh -ec 'a | b': error: no room");
        assert_eq!(one_line.missing.as_deref(), Some("error: no room"));
        assert_eq!(Row::of_line(missing.to_line().trim_end()), Some(missing));
    }
}
