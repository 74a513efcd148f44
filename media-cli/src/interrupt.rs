//! Ctrl-C: the first one asks the running work to stop and clean up, a second one ends at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Exit};

/// Whether the user, or the system, asked to stop.
#[derive(Clone, Default)]
pub struct Interruption {
    asked: Arc<AtomicBool>,
    temporary: Arc<Mutex<Vec<PathBuf>>>,
}

impl Interruption {
    /// Listens for Ctrl-C, a hang-up and a request to terminate.
    ///
    /// # Errors
    /// [`Error::NoInterruption`] when the system does not allow it.
    pub fn listen() -> Result<Self, Error> {
        let interruption = Self::default();
        let heard = interruption.clone();
        let handler = move || {
            if heard.asked.swap(true, Ordering::SeqCst) {
                heard.remove_temporary();
                std::process::exit(Exit::Interrupted as i32);
            }
        };
        match ctrlc::set_handler(handler) {
            Ok(()) => Ok(interruption),
            Err(error) => Err(Error::NoInterruption(error.to_string())),
        }
    }

    /// Whether to stop.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Names the temporary file of an output being made, for an end without clean-up.
    pub fn making(&self, temporary: &Path) {
        self.temporary.lock().unwrap_or_else(PoisonError::into_inner).push(temporary.to_owned());
    }

    fn remove_temporary(&self) {
        for path in self.temporary.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // Where it has its final name already, there is nothing under this one.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_without_clean_up_removes_the_temporary_file_and_no_other() {
        let folder = tempfile::TempDir::new().expect("a temporary folder can be made");
        let path = |name: &str| folder.path().join(name);
        for name in [".out.iso.7-0.partial", ".out.iso.7-1.partial", "out.iso"] {
            fs::write(path(name), name).expect("there is room");
        }
        let interruption = Interruption::default();
        interruption.remove_temporary();
        interruption.making(&path(".out.iso.7-1.partial"));
        interruption.remove_temporary();
        interruption.remove_temporary();
        let there = |name: &str| path(name).exists();
        assert!(there(".out.iso.7-0.partial") && there("out.iso") && !there(".out.iso.7-1.partial"));
    }
}
