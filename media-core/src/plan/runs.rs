//! The plan as a list of runs: what a dry run shows.

use super::Plan;

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
