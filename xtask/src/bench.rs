//! `cargo xtask bench boot-image`: what a certificate in a boot image costs, beside the tools everybody has.
//! `cargo xtask bench batch` is in a file of its own.
//!
//! Times are shown, never asserted. Every result is checked before its time counts.

mod batch;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::run::{Done, cargo, command, show_and_run, target};
use crate::setup;

const ROUNDS: usize = 5;
const HIVE: &str = "/Windows/System32/config/SOFTWARE";

/// One way to do the work, which is timed.
type Job = fn(&Bench) -> Done;

pub fn run(arguments: &[String]) -> Done {
    let (subject, rest) = arguments.split_first().ok_or("bench needs to know what: boot-image or batch")?;
    let quick = match rest {
        [] => false,
        [quick] if quick == "--quick" => true,
        _ => return Err(format!("bench {subject} knows one option: --quick")),
    };
    if !["boot-image", "batch"].contains(&subject.as_str()) {
        return Err(format!("there is no bench of {subject}; there are those of boot-image and batch"));
    }
    let size = if quick { 60 } else { 680 };
    setup::referees()?;
    show_and_run(&mut cargo(&["build", "--release", "--package", "media-cli", "--package", "media-tests"]))?;
    let bench = Bench::prepare(size)?;
    if subject == "batch" {
        return batch::run(&bench, if quick { 20 } else { 200 });
    }
    let jobs: [(&str, Job); 4] = [
        ("cp of the boot image, with fsync", Bench::copy),
        ("wimlib-imagex extract, hivexregedit --merge, wimlib-imagex update", Bench::peers),
        ("tsmedia boot-image roots add, in place", Bench::in_place),
        ("tsmedia boot-image roots add, to a new file", Bench::new_file),
    ];
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); jobs.len()];
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        for ((name, job), times) in jobs.iter().zip(&mut times) {
            bench.reset()?;
            let start = Instant::now();
            job(&bench).map_err(|error| format!("{name}: {error}"))?;
            times.push(start.elapsed());
            if *name != jobs[0].0 {
                bench.check().map_err(|error| format!("{name}: {error}"))?;
            }
        }
    }
    report(&bench, &jobs.map(|(name, _)| name), &mut times);
    Ok(())
}

fn report(bench: &Bench, names: &[&str], times: &mut [Vec<Duration>]) {
    let sizes =
        [&bench.boot_image, &bench.hive].map(|path| fs::metadata(path).map_or(0, |facts| facts.len()));
    println!(
        "\nboot image {} bytes, SOFTWARE hive {} bytes; {ROUNDS} rounds in turn, warm",
        sizes[0], sizes[1]
    );
    println!("{:<66}{:>9}{:>9}{:>9}{:>8}{:>9}", "", "median", "least", "most", "to cp", "to peers");
    let medians: Vec<f64> = times
        .iter_mut()
        .map(|times| {
            times.sort();
            times[times.len() / 2].as_secs_f64()
        })
        .collect();
    for ((name, times), median) in names.iter().zip(times.iter()).zip(&medians) {
        let ends = [times.first(), times.last()].map(|time| time.map_or(0.0, Duration::as_secs_f64));
        println!(
            "{name:<66}{median:>8.3}s{:>8.3}s{:>8.3}s{:>7.2}x{:>8.2}x",
            ends[0],
            ends[1],
            median / medians[0],
            median / medians[1]
        );
    }
}

struct Bench {
    folder: PathBuf,
    boot_image: PathBuf,
    hive: PathBuf,
    certificate: PathBuf,
    registry_file: PathBuf,
    work: PathBuf,
}

impl Bench {
    /// Makes the boot image once, and what the peers need.
    fn prepare(size_mib: u32) -> Result<Self, String> {
        let folder = target().join("bench");
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let bench = Self {
            boot_image: folder.join(format!("boot-{size_mib}.wim")),
            hive: folder.join("SOFTWARE"),
            certificate: folder.join("root.cer"),
            registry_file: folder.join("root.reg"),
            work: folder.join("work.wim"),
            folder,
        };
        let fabricate = target().join("release/fabricate");
        if !bench.boot_image.exists() {
            let (output, size) = (text(&bench.boot_image), size_mib.to_string());
            let arguments = ["boot-image", "--size-mib", &size, "--files", "10000", "--classes", "60000"];
            show_and_run(&mut command(&fabricate, &[&arguments[..], &["--output", &output]].concat()))?;
        }
        show_and_run(&mut command(&fabricate, &["certificate", "--output", &text(&bench.certificate)]))?;
        // What the published procedure imports, made from our own result: the peers have no way to make it.
        bench.reset()?;
        bench.in_place()?;
        let mut export = bench.tsmedia(&["roots", "export", &text(&bench.work), "--as", "reg"]);
        let exported = export.stderr(Stdio::inherit()).output().map_err(|error| error.to_string())?;
        // hivexregedit reads UTF-8 with line ends of its own.
        let units: Vec<u16> =
            exported.stdout.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        let registry = String::from_utf16_lossy(&units).trim_start_matches('\u{FEFF}').replace("\r\n", "\n");
        fs::write(&bench.registry_file, registry).map_err(|error| error.to_string())?;
        bench.extract(&bench.boot_image)?;
        Ok(bench)
    }

    fn reset(&self) -> Done {
        let _ = fs::remove_file(self.folder.join("new.wim"));
        fs::copy(&self.boot_image, &self.work).map_err(|error| error.to_string())?;
        quiet(&mut command("sync", &["--file-system", &text(&self.work)]))
    }

    fn copy(&self) -> Done {
        let (from, to) = (text(&self.boot_image), text(&self.folder.join("copy.wim")));
        quiet(&mut command("cp", &["--reflink=never", &from, &to]))?;
        quiet(&mut command("sync", &[&to]))
    }

    fn peers(&self) -> Done {
        self.extract(&self.work)?;
        let merge = [
            "--merge",
            "--prefix",
            r"HKEY_LOCAL_MACHINE\SOFTWARE",
            &text(&self.hive),
            &text(&self.registry_file),
        ];
        quiet(&mut command("hivexregedit", &merge))?;
        let update = format!("add '{}' '{HIVE}'", text(&self.hive));
        quiet(&mut command("wimlib-imagex", &["update", &text(&self.work), "1", "--command", &update]))?;
        quiet(&mut command("sync", &[&text(&self.work)]))
    }

    fn in_place(&self) -> Done {
        quiet(&mut self.tsmedia(&["roots", "add", &text(&self.work), &text(&self.certificate)]))
    }

    fn new_file(&self) -> Done {
        let new = text(&self.folder.join("new.wim"));
        let (from, certificate) = (text(&self.boot_image), text(&self.certificate));
        quiet(&mut self.tsmedia(&["roots", "add", &from, &certificate, "--output", &new]))?;
        // What is checked is always the same name.
        fs::rename(new, &self.work).map_err(|error| error.to_string())
    }

    /// The certificate is in the hive that the boot image holds, as others read it.
    fn check(&self) -> Done {
        quiet(&mut command("wimlib-imagex", &["verify", &text(&self.work)]))?;
        self.extract(&self.work)?;
        let key = r"\Microsoft\SystemCertificates\AuthRoot\Certificates";
        let mut export = command("hivexregedit", &["--export", &text(&self.hive), key]);
        let output = export.output().map_err(|error| error.to_string())?;
        if String::from_utf8_lossy(&output.stdout).contains("\"Blob\"=") {
            Ok(())
        } else {
            Err("the certificate is not in the hive".into())
        }
    }

    fn extract(&self, from: &Path) -> Done {
        let to = format!("--dest-dir={}", text(&self.folder));
        quiet(&mut command("wimlib-imagex", &["extract", &text(from), "1", HIVE, &to, "--no-acls"]))
    }

    fn tsmedia(&self, arguments: &[&str]) -> Command {
        let program = target().join("release/tsmedia");
        command(program, &[&["boot-image"], arguments].concat())
    }
}

fn quiet(command: &mut Command) -> Done {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}: {}", crate::run::shown(command), String::from_utf8_lossy(&output.stderr)))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
