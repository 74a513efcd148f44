//! Writes a medium onto one throttled stick, and onto many at once, in a guest that QEMU makes. Prints the seconds each took.
#![allow(clippy::print_stdout)]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use media_tests::guest::{self, Guest};

const HELP: &str = "\
throughput TSMEDIA IMAGE FOLDER STICKS ROUNDS BYTES-PER-SECOND

Makes files for STICKS sticks in FOLDER, and writes IMAGE with TSMEDIA onto one of them and onto all of them, ROUNDS times. Each
stick takes BYTES-PER-SECOND. Prints `one SECONDS` and `all SECONDS`. TSMEDIA_GUEST names the folder of the guest's kernel.
";
const LIMIT: Duration = Duration::from_secs(900);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("throughput: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), String> {
    let [command, image, folder, sticks, rounds, rate] = arguments else { return Err(HELP.to_owned()) };
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` is no number"));
    let (sticks, rounds, rate) = (number(sticks)?, number(rounds)?, number(rate)?);
    let len = std::fs::metadata(image).map_err(|error| format!("{image}: {error}"))?.len();
    let mut drives = guest::USB.map(str::to_owned).to_vec();
    drives.extend(["-drive".to_owned(), format!("if=virtio,format=raw,readonly=on,file={image}")]);
    for (port, file) in (1..).zip(files(folder, sticks)) {
        File::create(&file)
            .and_then(|made| made.set_len(len))
            .map_err(|error| format!("{}: {error}", file.display()))?;
        let drive = format!("format=raw,file={},cache=writeback,throttling.bps-write={rate}", file.display());
        drives.extend(guest::usb_stick(&format!("STICK{port}"), port, &drive));
    }
    let all: Vec<String> = (1..=sticks).map(|number| format!("$(stick STICK{number})")).collect();
    let write = "tsmedia write /dev/vda $2 --yes --quiet --no-read-back";
    let script = format!(
        "{}now() {{ cut -d' ' -f1 /proc/uptime; }}\n\
         timed() {{ from=$(now); {write} > /tmp/out || {{ cat /tmp/out; echo FAILED; }}; echo \"TIME $1 $from $(now)\"; }}\n\
         one=$(stick STICK1); all=\"{}\"\n\
         for round in $(seq {rounds}); do timed one $one; timed all \"$all\"; done\n",
        guest::waits_for(sticks as usize),
        all.join(" "),
    );
    let guest = Guest { script, drives, files: Vec::new() };
    let said = guest::run(&guest, Path::new(command), LIMIT, |_, _| {});
    let said = said.ok_or("QEMU, busybox or the guest's kernel is not there")?;
    if said.contains("FAILED") || said.matches("TIME ").count() as u64 != 2 * rounds {
        return Err(said);
    }
    for line in said.lines().filter_map(|line| line.strip_prefix("TIME ")) {
        let words: Vec<&str> = line.split(' ').collect();
        let [what, from, to] = words[..] else { return Err(said) };
        let seconds = |text: &str| text.parse::<f64>().map_err(|_| said.clone());
        println!("{what} {:.2}", seconds(to)? - seconds(from)?);
    }
    Ok(())
}

/// The files behind the sticks.
fn files(folder: &str, sticks: u64) -> impl Iterator<Item = PathBuf> {
    (1..=sticks).map(move |number| Path::new(folder).join(format!("stick-{number}.img")))
}
