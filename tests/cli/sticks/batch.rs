//! A batch onto sticks that are plugged in one after the other.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::device::Loop;
use super::{CREATE, assert_intact};
use crate::fixtures;
use crate::support::Sandbox;

const LIMIT: Duration = Duration::from_secs(120);
const WORKERS: &str = "name;serial;password\n\
    Anna Example;KEY-1;vQ8.tufmelG-2pzR1\n\
    Bernd Žák;KEY-2;wL3.ybrantK-7qxD2\n\
    Carla;KEY-3;kM5.opfuldZ-9tvB3\n";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    sandbox.write("workers.csv", WORKERS);
    sandbox
}

fn create() -> String {
    let create = CREATE.replace("--password-file password.txt ", "").replace(" --no-receipt", "");
    format!("{create} --workers workers.csv --output-dir media --format img")
}

/// The register's lines for each medium: its serial number, the stick's, and whether it was noted as written.
fn register(sandbox: &Sandbox) -> Vec<(String, Option<String>, bool)> {
    let register: Value = serde_json::from_slice(&sandbox.read("media/register.json")).expect("JSON");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let media = register["media"].as_array().expect("media").iter();
    media
        .map(|entry| {
            let serial = text(&entry["serial"]).expect("a serial number");
            (serial, text(&entry["device_serial"]), entry["device_written"].is_string())
        })
        .collect()
}

/// Which medium a stick has.
fn serial_on(stick: &Loop) -> &'static str {
    let bytes = fs::read(&stick.file).expect("it is there");
    let on_it = |serial: &&str| memchr::memmem::find(&bytes, format!("\"{serial}\"").as_bytes()).is_some();
    let found: Vec<&str> = ["KEY-1", "KEY-2", "KEY-3"].into_iter().filter(on_it).collect();
    let [serial] = found[..] else { panic!("{}: {found:?}", stick.file.display()) };
    serial
}

/// A run that waits for sticks.
struct Station {
    child: Child,
    said: Receiver<String>,
    all: String,
}

impl Station {
    fn start(sandbox: &Sandbox, typed: &str) -> Self {
        let mut child = sandbox.start(&typed.split_whitespace().collect::<Vec<_>>());
        let (say, said) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().expect("it is a pipe"));
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| say.send(line)));
        Self { child, said, all: String::new() }
    }

    /// Waits until it says something.
    fn expect(&mut self, wanted: &str) -> String {
        loop {
            let line = self.said.recv_timeout(LIMIT);
            let line = line.unwrap_or_else(|_| panic!("{wanted:?} was not said after\n{}", self.all));
            self.all += &format!("{line}\n");
            if line.contains(wanted) {
                return line;
            }
        }
    }

    fn interrupt(&self) {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-INT", &id]).status().expect("it can be started");
    }

    /// Its exit code and what it printed.
    fn end(self) -> (i32, String) {
        let ended = Sandbox::end(self.child);
        (ended.code, ended.stdout)
    }
}

#[test]
fn each_medium_comes_on_the_next_stick_and_none_is_written_over() {
    let sandbox = sandbox();
    sandbox.good(&create());
    let Some(first) = Loop::new(&sandbox, "stick-1", &[]) else { return };
    let before = Loop::new(&sandbox, "before", &[]).expect("one could be made");
    let folder = fs::canonicalize(sandbox.path(".")).expect("it is there");
    let serial = |name: &str| format!("--device-serial {}", folder.join(name).display());

    // Nothing happens without --yes, whether sticks are named or not.
    for named in ["", &first.device] {
        let asked = sandbox.typed(&format!("write --batch media {named} {}", serial("stick-1")));
        assert!(asked.code == 2 && asked.stderr.contains("give --yes"), "{}", asked.stderr);
    }
    // One that is named gets the first medium; who does not wait leaves the others.
    let said =
        sandbox.typed(&format!("write --batch media {} {} --yes --no-wait", first.device, serial("stick-1")));
    assert_eq!(said.code, 4, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("1 of 3 media of media are on sticks"), "{}", said.stdout);
    assert!(said.stdout.contains("MISSING KEY-2 for Bernd Žák: it is on no stick yet"), "{}", said.stdout);
    assert_eq!(serial_on(&first), "KEY-1");
    let first_file = first.file.clone();
    drop(first);

    let all = ["stick-1", "before", "stick-2", "stick-3"].map(serial).join(" ");
    let mut station = Station::start(&sandbox, &format!("write --batch media {all} --yes"));
    station.expect("plug in a stick: the next gets KEY-2 for Bernd Žák, 2 left");
    let other = sandbox.typed(&format!("write --batch media {all} --yes"));
    assert!(other.code == 4 && other.stderr.contains("by another run"), "{}", other.stderr);
    let again = sandbox.typed(&create());
    assert!(again.code == 4 && again.stderr.contains("by another run"), "{}", again.stderr);
    // One that was mailed back, or forgotten in the hub.
    let first = Loop::of(&first_file, &[]).expect("one could be made");
    let line = station.expect("it has the medium KEY-1 already");
    assert!(line.starts_with("left "), "{line}");
    let second = Loop::new(&sandbox, "stick-2", &[]).expect("one could be made");
    let line = station.expect("KEY-2 for Bernd Žák; ");
    assert!(line.starts_with("ready ") && line.contains("read back from the stick and compared"), "{line}");
    station.expect("the next gets KEY-3 for Carla, 1 left");
    station.interrupt();
    assert_eq!(station.end().0, 130);

    let mut station = Station::start(&sandbox, &format!("write --batch media {all} --yes --json"));
    station.expect("the next gets KEY-3 for Carla, 1 left");
    let third = Loop::new(&sandbox, "stick-3", &[]).expect("one could be made");
    let (code, said) = station.end();
    assert_eq!(code, 0, "{said}");
    let report: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&report["on_sticks"], &report["ready"]), (&3.into(), &1.into()), "{report:#}");
    assert_eq!(report["sticks"][0]["medium"], "KEY-3 for Carla");

    for (stick, serial) in [(&first, "KEY-1"), (&second, "KEY-2"), (&third, "KEY-3")] {
        assert_eq!(serial_on(stick), serial);
        assert_intact(&sandbox, &stick.device);
        let stick = Some(stick.file.display().to_string());
        assert!(register(&sandbox).contains(&(serial.to_owned(), stick, true)), "{serial}");
    }
    assert!(
        fs::read(&before.file).expect("it is there").iter().all(|byte| *byte == 0),
        "it was there before"
    );
    // To make the batch again changes no medium, and forgets no stick.
    let known = register(&sandbox);
    sandbox.good(&create());
    assert_eq!(register(&sandbox), known);
    let table = String::from_utf8(sandbox.read("media/register.csv")).expect("text");
    assert!(table.lines().all(|line| line.contains("device-written") || line.contains("stick-")), "{table}");
}

#[test]
fn what_was_written_and_not_noted_is_read_back_and_noted() {
    let sandbox = sandbox();
    sandbox.good(&create());
    let Some(stick) = Loop::new(&sandbox, "stick", &[]) else { return };
    // As after a run that was killed before it wrote the register.
    sandbox.good(&format!("write media/KEY-2.img {}", stick.typed()));
    let typed = format!("write --batch media {} --no-wait", stick.typed());
    let said = sandbox.typed(&typed);
    assert_eq!(said.code, 4, "{}", said.stderr);
    assert!(
        said.stdout.contains("KEY-2 for Bernd Žák; it has the medium already; nothing was written"),
        "{}",
        said.stdout
    );
    let noted: Vec<String> =
        register(&sandbox).into_iter().filter(|line| line.2).map(|(serial, ..)| serial).collect();
    assert_eq!(noted, ["KEY-2"]);
    let again = sandbox.typed(&typed);
    assert!(again.stdout.contains("it has the medium KEY-2 already"), "{}", again.stdout);

    // A medium that is made again belongs on the stick that has its earlier making.
    fs::remove_file(sandbox.path("media/KEY-2.img")).expect("it is there");
    let mut workers = WORKERS.lines().map(str::to_owned).collect::<Vec<_>>();
    for (line, unit) in workers.iter_mut().zip([";var:Unit", ";", ";2", ";"]) {
        line.push_str(unit);
    }
    sandbox.write("workers.csv", workers.join("\n")).good(&create());
    assert!(register(&sandbox).iter().all(|line| !line.2));
    let said = sandbox.typed(&typed);
    assert!(
        said.stdout.contains("KEY-2 for Bernd Žák; ") && said.stdout.contains("written"),
        "{}",
        said.stdout
    );
    assert_intact(&sandbox, &stick.device);
}

#[test]
fn sticks_get_media_in_the_order_they_are_named_and_keep_what_they_have() {
    let sandbox = sandbox();
    sandbox.good(&create());
    let Some(first) = Loop::new(&sandbox, "stick-1", &[]) else { return };
    let [second, third, fourth] = ["stick-2", "stick-3", "stick-4"]
        .map(|name| Loop::new(&sandbox, name, &[]).expect("one could be made"));
    // The last of them has the first medium, as after a run that was killed.
    sandbox.good(&format!("write media/KEY-1.img {}", first.typed()));
    let sticks = [&third, &second, &fourth, &first];
    let typed: Vec<String> = sticks.iter().map(|stick| stick.typed()).collect();
    let typed = typed.join(" ").replace(" --yes", "");
    let said = sandbox.typed(&format!("write --batch media --yes --no-wait {typed}"));
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    let left = format!("left    {} ", fourth.device);
    let line = said.stdout.lines().find(|line| line.starts_with(&left)).expect("it had no turn");
    assert!(line.ends_with("no medium was left for it"), "{line}");
    assert_eq!([&third, &second, &first].map(serial_on), ["KEY-2", "KEY-3", "KEY-1"]);
    assert!(said.stdout.contains("KEY-1 for Anna Example; it has the medium already"), "{}", said.stdout);
}

#[test]
fn a_register_that_cannot_be_written_ends_the_run_with_a_report() {
    let sandbox = sandbox();
    sandbox.good(&create());
    let folder = fs::canonicalize(sandbox.path(".")).expect("it is there");
    let serials =
        ["stick-1", "stick-2"].map(|name| format!("--device-serial {}", folder.join(name).display()));
    let typed = format!("write --batch media --yes {}", serials.join(" "));
    let mut station = Station::start(&sandbox, &typed);
    station.expect("the next gets KEY-1 for Anna Example, 3 left");
    // Nothing can come in the place of a folder.
    let register_file = sandbox.path("media/register.json");
    let known = sandbox.read("media/register.json");
    fs::remove_file(&register_file).and_then(|()| fs::create_dir(&register_file)).expect("it can be changed");
    let Some(first) = Loop::new(&sandbox, "stick-1", &[]) else {
        station.interrupt();
        station.end();
        return;
    };
    let (code, said) = station.end();
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("ready   ") && said.contains("this ended early: "), "{said}");
    assert_eq!(serial_on(&first), "KEY-1");
    // What was not noted is on the stick, and the next run says so.
    fs::remove_dir(&register_file).expect("it is empty");
    sandbox.write("media/register.json", known);
    let mut station = Station::start(&sandbox, &format!("{typed} {}", first.device));
    station.expect("KEY-1 for Anna Example; it has the medium already; nothing was written");
    station.interrupt();
    assert_eq!(station.end().0, 130);
    assert!(register(&sandbox)[0].2);
}

#[test]
fn a_medium_that_is_not_the_registers_comes_on_no_stick() {
    let sandbox = sandbox();
    sandbox.good(&create());
    let Some(stick) = Loop::new(&sandbox, "stick", &[]) else { return };
    sandbox.write("media/KEY-1.img", sandbox.read("media/KEY-3.img"));
    let text = String::from_utf8(sandbox.read("media/register.json")).expect("text");
    sandbox.write("media/register.json", text.replace("\"KEY-2.img\"", "\"../media/KEY-2.img\""));
    for serial in ["KEY-1", "KEY-2"] {
        let said = sandbox.typed(&format!("write --batch media {} --no-wait", stick.typed()));
        assert_eq!(said.code, 4, "{}", said.stderr);
        let wanted = format!(
            "it got nothing: media/{}{serial}.img is not",
            if serial == "KEY-2" { "../media/" } else { "" }
        );
        assert!(said.stdout.contains(&wanted), "{}", said.stdout);
        // The next run would try the same one: it is the first that is left.
        sandbox.write(
            "media/register.json",
            String::from_utf8(sandbox.read("media/register.json")).expect("text").replacen(
                "\"state\": \"made\"",
                "\"state\": \"failed\"",
                1,
            ),
        );
    }
    assert!(fs::read(&stick.file).expect("it is there").iter().all(|byte| *byte == 0));
}

#[test]
fn one_command_makes_a_batch_and_puts_it_on_sticks() {
    let sandbox = sandbox();
    sandbox.write("workers.csv", WORKERS.lines().take(2).collect::<Vec<_>>().join("\n"));
    let disc =
        sandbox.typed(&format!("{} --onto-sticks --yes", create().replace("--format img", "--format iso")));
    assert!(disc.code == 2 && disc.stderr.contains("an ISO starts from a CD drive"), "{}", disc.stderr);
    let asked = sandbox.typed(&format!("{} --onto-sticks", create()));
    assert!(asked.code == 2 && asked.stderr.contains("--yes"), "{}", asked.stderr);
    let without = sandbox.typed(&format!("{} --yes", create()));
    assert!(without.code == 2 && without.stderr.contains("without --onto-sticks"), "{}", without.stderr);
    assert!(!sandbox.path("media").exists(), "nothing was made before it was known to be meant");
    let folder = fs::canonicalize(sandbox.path(".")).expect("it is there");
    let serial = folder.join("stick");
    let typed = format!("{} --onto-sticks --yes --device-serial {}", create(), serial.display());
    let mut station = Station::start(&sandbox, &typed);
    station.expect("plug in a stick: the next gets KEY-1 for Anna Example, 1 left");
    let Some(stick) = Loop::new(&sandbox, "stick", &[]) else {
        station.interrupt();
        station.end();
        return;
    };
    let (code, said) = station.end();
    assert!(code == 0 && said.contains("1 of 1 media of media are on sticks"), "{said}");
    assert_eq!(serial_on(&stick), "KEY-1");
}
