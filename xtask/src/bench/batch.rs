//! `cargo xtask bench batch`: what the second medium of a batch costs on a file system that shares blocks, in bytes that
//! reach its device and in time, beside `cp`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Bench, quiet, text};
use crate::run::{Done, command, show_and_run, target};

/// What the file system is made in: a file that grows with what is on it.
const ROOM: u64 = 8 << 30;
/// How many of the media are verified in full, spread over all.
const VERIFIED: usize = 5;

/// Makes one medium and then as many as asked for, with keys of their own and with an imported certificate.
pub(super) fn run(bench: &Bench, media: usize) -> Done {
    let volume = match Volume::mount(&bench.folder) {
        Ok(volume) => volume,
        Err(reason) => {
            println!("skipped: no file system that shares blocks can be mounted here: {reason}");
            return Ok(());
        }
    };
    let image = volume.path("boot.PS100005.wim");
    fs::copy(&bench.boot_image, &image).map_err(|error| error.to_string())?;
    certificate(&volume)?;
    let mut rows = Vec::new();
    for (name, options) in [
        ("tsmedia create --workers, keys of their own", vec![]),
        ("tsmedia create --workers, one imported certificate", vec!["--certificate", "media.pfx"]),
    ] {
        let folder = format!("media-{}", rows.len());
        let batch = Batch { bench, volume: &volume, folder: &folder, options: &options };
        let (first, first_bytes) = volume.measured(|| batch.create(1))?;
        // From nothing once more: a run makes its first medium whole, whatever is there from another.
        fs::remove_dir_all(volume.path(&folder)).map_err(|error| error.to_string())?;
        let (all, all_bytes) = volume.measured(|| batch.create(media))?;
        batch.verify(media)?;
        let (rest, rest_bytes) = (all.saturating_sub(first), all_bytes.saturating_sub(first_bytes));
        println!("{name}: one alone took {:.3} s and {first_bytes} bytes", first.as_secs_f64());
        rows.push((name.to_owned(), rest / (media as u32 - 1), rest_bytes / (media as u64 - 1)));
        if rows.len() == 1 {
            let (from, to) = (volume.path("media-0/K-1.iso"), volume.path("copy.iso"));
            for (name, how) in
                [("cp --reflink=always", "--reflink=always"), ("cp --reflink=never", "--reflink=never")]
            {
                let copy =
                    || quiet(&mut command("cp", &[how, &text(&from), &text(&to)])).and_then(|()| sync(&to));
                let (time, bytes) = volume.measured(copy)?;
                fs::remove_file(&to).map_err(|error| error.to_string())?;
                rows.push((format!("{name} of a medium"), time, bytes));
            }
        }
        fs::remove_dir_all(volume.path(&folder)).map_err(|error| error.to_string())?;
    }
    println!(
        "\nboot image {} bytes, {media} media, XFS in a file; for each medium after the first:",
        len(&image)?
    );
    println!("{:<56}{:>10}{:>16}", "", "time", "bytes written");
    for (name, time, bytes) in rows {
        println!("{name:<56}{:>9.4}s{bytes:>16}", time.as_secs_f64());
    }
    Ok(())
}

fn len(path: &Path) -> Result<u64, String> {
    fs::metadata(path).map(|facts| facts.len()).map_err(|error| error.to_string())
}

fn sync(path: &Path) -> Done {
    quiet(&mut command("sync", &[&text(path)]))
}

/// An identity that is imported: making keys takes longer than all else.
fn certificate(volume: &Volume) -> Done {
    let [key, certificate, pfx] = ["key.pem", "media.pem", "media.pfx"].map(|name| text(&volume.path(name)));
    let usage = "extendedKeyUsage=clientAuth";
    let request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", &key, "-out", &certificate];
    quiet(&mut command(
        "openssl",
        &[&request[..], &["-days", "3650", "-subj", "/CN=Media", "-addext", usage]].concat(),
    ))?;
    let export =
        ["pkcs12", "-export", "-inkey", &key, "-in", &certificate, "-out", &pfx, "-passout", "pass:"];
    quiet(&mut command("openssl", &export))
}

struct Batch<'a> {
    bench: &'a Bench,
    volume: &'a Volume,
    folder: &'a str,
    options: &'a [&'a str],
}

impl Batch<'_> {
    /// Makes as many media.
    fn create(&self, media: usize) -> Done {
        let line = |number: usize| {
            format!("Worker {number},K-{number},gravel tangle mosaic hatchet provost {number}\n")
        };
        let workers: String = (1..=media).map(line).collect();
        fs::write(self.volume.path("workers.csv"), format!("name,serial,password\n{workers}"))
            .map_err(|error| error.to_string())?;
        let certificate = text(&self.bench.certificate);
        let mut create =
            command(target().join("release/tsmedia"), &["create", "--boot-image", "boot.PS100005.wim"]);
        create
            .args([
                "--site-code",
                "PS1",
                "--management-point",
                "https://mp.contoso.com",
                "--trusted-root",
                &certificate,
            ])
            .args(["--workers", "workers.csv", "--output-dir", self.folder, "--format", "iso", "--quiet"])
            .args(self.options)
            .args(["--allow-unsuitable-certificate", "--allow-weak-password", "--no-letters"])
            .current_dir(&self.volume.mounted);
        quiet(&mut create)
    }

    /// Some of the media are intact, and every one is there.
    fn verify(&self, media: usize) -> Done {
        for number in 1..=media {
            let medium = self.volume.path(&format!("{}/K-{number}.iso", self.folder));
            if len(&medium)? < len(&self.bench.boot_image)? {
                return Err(format!("{} is too short", medium.display()));
            }
            if number.is_multiple_of((media / VERIFIED).max(1)) {
                quiet(&mut command(
                    target().join("release/tsmedia"),
                    &["verify", "--quiet", &text(&medium)],
                ))?;
            }
        }
        Ok(())
    }
}

/// An XFS in a file, mounted until this is dropped.
struct Volume {
    mounted: PathBuf,
    file: PathBuf,
}

impl Volume {
    fn mount(folder: &Path) -> Result<Self, String> {
        let (file, mounted) = (folder.join("xfs.img"), folder.join("xfs"));
        let io = |error: std::io::Error| error.to_string();
        fs::create_dir_all(&mounted).map_err(io)?;
        fs::File::create(&file).and_then(|file| file.set_len(ROOM)).map_err(io)?;
        quiet(&mut command("mkfs.xfs", &["-q", "-f", "-m", "reflink=1", &text(&file)]))?;
        show_and_run(&mut command("mount", &["-o", "loop", &text(&file), &text(&mounted)]))?;
        Ok(Self { mounted, file })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.mounted.join(name)
    }

    /// Does something, and says how long it took until all of it was on the device, and how many bytes that wrote.
    fn measured(&self, work: impl FnOnce() -> Done) -> Result<(Duration, u64), String> {
        let all = || quiet(&mut command("sync", &["--file-system", &text(&self.mounted)]));
        all()?;
        let (before, start) = (self.written()?, Instant::now());
        work()?;
        let time = start.elapsed();
        all()?;
        Ok((time, self.written()? - before))
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
