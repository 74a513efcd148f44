//! Loop devices: disks of this machine that are files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use media_tests::referee;

use crate::support::Sandbox;

pub const LEN: u64 = 400 << 20;

/// A file that looks like a disk for as long as this lives.
pub struct Loop {
    pub device: String,
    pub file: PathBuf,
}

impl Loop {
    /// `None` where there are no loop devices and that is allowed: only root makes them.
    pub fn new(sandbox: &Sandbox, name: &str, options: &[&str]) -> Option<Self> {
        let file = sandbox.path(name);
        File::create(&file).and_then(|file| file.set_len(LEN)).expect("there is room");
        Self::of(&file, options)
    }

    /// Plugs in what is there.
    pub fn of(file: &Path, options: &[&str]) -> Option<Self> {
        let file = fs::canonicalize(file).expect("it is there");
        let path = file.display().to_string();
        let made = referee::run("losetup", [options, &["--find", "--show", &path]].concat())?;
        if made.code != Some(0) {
            referee::missing(&format!("a loop device cannot be made: {}", made.complaint()));
            return None;
        }
        Some(Self { device: made.text().trim().to_owned(), file })
    }

    /// What is typed to write it: it is not removable, and its file is its serial number.
    pub fn typed(&self) -> String {
        format!("{} --device-serial {} --yes", self.device, self.file.display())
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = referee::run("losetup", ["--detach", &self.device]);
    }
}
