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
    output: Arc<Mutex<Option<PathBuf>>>,
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
                heard.remove_partial_output();
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

    /// Names the output being made, for an end without clean-up.
    pub fn making(&self, output: &Path) {
        *self.output.lock().unwrap_or_else(PoisonError::into_inner) = Some(output.to_owned());
    }

    /// Removes what [`media_core::io::AtomicFile`] of this process left beside the output: `.NAME.PROCESS-N.partial`.
    fn remove_partial_output(&self) {
        let output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((folder, name)) =
            output.as_deref().and_then(|path| Some((path.parent()?, path.file_name()?)))
        else {
            return;
        };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let start = format!(".{}.{}-", name.to_string_lossy(), std::process::id());
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let found = entry.file_name();
            let found = found.to_string_lossy();
            if found.starts_with(&start) && found.ends_with(".partial") {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}
