//! A file system that shares blocks, in a file.

use std::fs;
use std::path::{Path, PathBuf};

use super::inputs::Inputs;
use super::jobs::Job;
use super::measure::{Cost, measure};
use super::{quiet, text};
use crate::run::{command, show_and_run};

/// What it is made in: a file that grows with what is on it.
const ROOM: u64 = 24 << 30;

/// An XFS in a file, mounted until this is dropped.
pub(super) struct Volume {
    pub(super) mounted: PathBuf,
    file: PathBuf,
}

impl Volume {
    pub(super) fn mount(folder: &Path) -> Result<Self, String> {
        let (file, mounted) = (folder.join("xfs.img"), folder.join("xfs"));
        let io = |error: std::io::Error| error.to_string();
        fs::create_dir_all(&mounted).map_err(io)?;
        fs::File::create(&file).and_then(|file| file.set_len(ROOM)).map_err(io)?;
        quiet(&mut command("mkfs.xfs", &["-q", "-f", "-m", "reflink=1", &text(&file)]))?;
        show_and_run(&mut command("mount", &["-o", "loop", &text(&file), &text(&mounted)]))?;
        Ok(Self { mounted, file })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.mounted.join(name)
    }

    /// Where jobs work that are measured here.
    pub(super) fn work(&self) -> PathBuf {
        self.path("work")
    }

    /// Measures a job; what was written is what reached the device.
    pub(super) fn measure(&self, job: &Job, inputs: &Inputs) -> Result<Cost, String> {
        let all = || quiet(&mut command("sync", &["--file-system", &text(&self.mounted)]));
        all()?;
        let before = self.written()?;
        let cost = measure(job, inputs, &self.work())?;
        all()?;
        Ok(Cost { written: self.written()? - before, ..cost })
    }

    /// Bytes written to the loop device so far (`Documentation/block/stat.rst`: the seventh number, sectors of 512 bytes).
    fn written(&self) -> Result<u64, String> {
        let mounts = fs::read_to_string("/proc/mounts").map_err(|error| error.to_string())?;
        let mounted = text(&self.mounted);
        let line = mounts.lines().find(|line| line.split(' ').nth(1) == Some(&mounted));
        let device =
            line.and_then(|line| line.split(' ').next()?.rsplit('/').next()).ok_or("it is not mounted")?;
        let stat =
            fs::read_to_string(format!("/sys/block/{device}/stat")).map_err(|error| error.to_string())?;
        let sectors = stat.split_whitespace().nth(6).and_then(|sectors| sectors.parse::<u64>().ok());
        sectors.map(|sectors| sectors * 512).ok_or_else(|| format!("{device} does not say what was written"))
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // What stays mounted is seen by whoever looks.
        let _ = quiet(&mut command("umount", &[&text(&self.mounted)]));
        let _ = fs::remove_file(&self.file);
    }
}
