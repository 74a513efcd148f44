//! The plan as text: what `--dry-run` prints and what tests compare.

use std::fmt;

use super::Plan;

impl fmt::Display for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}, {} bytes", self.kind, self.len)?;
        writeln!(out, "{:>14} {:>14}  structure or file", "offset", "bytes")?;
        for run in self.runs() {
            writeln!(out, "{:>14} {:>14}  {}", run.0, run.1, run.2)?;
        }
        Ok(())
    }
}

impl Plan {
    /// Offset, length and label of every run, adjoining extents of one label joined.
    pub fn runs(&self) -> Vec<(u64, u64, &str)> {
        let mut runs: Vec<(u64, u64, &str)> = Vec::new();
        for extent in &self.extents {
            match runs.last_mut() {
                Some(run) if run.2 == extent.label && run.0 + run.1 == extent.offset => {
                    run.1 += extent.piece.len()
                }
                _ => runs.push((extent.offset, extent.piece.len(), &extent.label)),
            }
        }
        runs
    }
}
