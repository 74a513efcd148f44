//! Media written onto loop devices.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::process::Command;
use std::thread::sleep;
use std::time::{Instant, SystemTime};

use media_tests::referee;
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::device::{LEN, Loop};
use super::{CREATE, assert_intact, assert_starts, sandbox};
use crate::support::Sandbox;

const KILLED: usize = 100;
const TRIES: usize = 20;

#[test]
fn a_stick_is_written_brought_up_to_date_and_read_back() {
    let sandbox = sandbox();
    let Some(stick) = Loop::new(&sandbox, "stick", &[]) else { return };
    let (device, typed) = (&stick.device, stick.typed());
    // Without --yes nothing happens, and without its serial number neither.
    let asked = sandbox.typed(&format!("write old.img {device} --device-serial {}", stick.file.display()));
    assert_eq!(asked.code, 2, "{}", asked.stderr);
    assert!(
        asked.stdout.contains("would be written") && asked.stderr.contains("--yes"),
        "{}{}",
        asked.stdout,
        asked.stderr
    );
    let refused = sandbox.typed(&format!("write old.img {device} --yes"));
    assert_eq!(refused.code, 4);
    assert!(
        refused.stdout.contains("refused: it is not removable; with --device-serial"),
        "{}",
        refused.stdout
    );
    assert!(fs::read(&stick.file).expect("it is there").iter().all(|byte| *byte == 0));

    let said = sandbox.good(&format!("write old.img {typed} --check-capacity"));
    assert!(
        said.contains("read back from the stick and compared") && said.contains("1 of 1 sticks"),
        "{said}"
    );
    assert_intact(&sandbox, device);
    let again = sandbox.good(&format!("write --update old.img {typed}"));
    assert!(again.contains("nothing was written"), "{again}");

    let updated = sandbox.good(&format!("write --update new.img {typed}"));
    assert!(!updated.contains("nothing was written"), "{updated}");
    // The manifest of the new medium names it.
    let found = fs::read(&stick.file).expect("it is there");
    assert!(memchr::memmem::find(&found, b"KEY-2").is_some());
    assert_intact(&sandbox, device);

    // A stick with no medium on it cannot be brought up to date, and is left as it is.
    let Some(empty) = Loop::new(&sandbox, "empty", &[]) else { return };
    let refused = sandbox.typed(&format!("write --update old.img {}", empty.typed()));
    assert_eq!(refused.code, 4);
    assert!(refused.stdout.contains("cannot be brought up to date"), "{}", refused.stdout);
    assert!(fs::read(&empty.file).expect("it is there").iter().all(|byte| *byte == 0));
}

#[test]
fn a_medium_is_made_for_the_stick_it_is_for() {
    let sandbox = sandbox();
    let Some(stick) = Loop::new(&sandbox, "stick", &[]) else { return };
    // What was there before fills what has to be zero now: the ends of the FATs, of folders and of files.
    let mut before = vec![0xE5; LEN as usize];
    before[510..512].copy_from_slice(&[0x55, 0xAA]);
    fs::write(&stick.file, before).expect("there is room");
    sandbox.good(&format!("{CREATE} --output {}", stick.typed()));
    let verified = sandbox.typed(&format!("verify {}", stick.device));
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
    if let Some(verdict) = referee::run("sgdisk", ["-v", &stick.device]) {
        let _ = verdict.success().says("No problems found");
    }
    let volume = fs::read(&stick.file).expect("it is there")[1 << 20..].to_vec();
    sandbox.write("volume", volume);
    if let Some(verdict) = referee::run("fsck.fat", ["-n".as_ref(), sandbox.path("volume").as_os_str()]) {
        let _ = verdict.success();
    }
    let large = sandbox.typed(&format!("{CREATE} --output {} --format iso", stick.typed()));
    assert_eq!(large.code, 2, "{}", large.stderr);
    let file = sandbox.typed(&format!("{CREATE} --output other.img --yes"));
    assert!(file.code == 2 && file.stderr.contains("--yes"), "{}", file.stderr);
}

#[test]
fn what_is_in_the_partition_for_data_stays_when_the_medium_is_brought_up_to_date() {
    let sandbox = sandbox();
    let Some(stick) = Loop::new(&sandbox, "stick", &[]) else { return };
    // Another system's files, where the partition will be.
    fs::write(&stick.file, vec![0xE5; LEN as usize]).expect("there is room");
    let typed = stick.typed();
    sandbox.good(&format!("{CREATE} --output {typed} --data-partition --partition-size 300M"));
    let data = 301 << 20;
    let head = |count: usize| fs::read(&stick.file).expect("it is there")[data..data + count].to_vec();
    assert!(
        head(1 << 20).iter().all(|byte| *byte == 0),
        "Windows finds nothing there, and offers to format it"
    );
    if let Some(verdict) = referee::run("sgdisk", ["-v", &stick.device]) {
        let _ = verdict.success().says("No problems found");
    }
    let mine = b"\xEB\x52\x90NTFS    files of the user";
    let mut file = File::options().write(true).open(&stick.file).expect("it is there");
    file.seek(SeekFrom::Start(data as u64)).and_then(|_| file.write_all(mine)).expect("it can be written");
    let last = LEN as usize - (1 << 20) - 512;
    file.seek(SeekFrom::Start(last as u64)).and_then(|_| file.write_all(mine)).expect("it can be written");
    let verified = sandbox.typed(&format!("verify {}", stick.device));
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);

    let newer =
        "--size 400M --data-partition --partition-size 300M --serial-number KEY-2 --trusted-root root.pem";
    sandbox.good(&format!("{CREATE} --output newer.img {newer}"));
    sandbox.good(&format!("write --update newer.img {typed}"));
    assert_eq!(head(mine.len()), mine);
    assert_eq!(
        fs::read(&stick.file).expect("it is there")[last..last + mine.len()],
        *mine,
        "its last sector"
    );
    assert_intact(&sandbox, &stick.device);
    let other = sandbox.typed(&format!("write --update new.img {typed}"));
    assert!(other.code == 4 && other.stdout.contains("has a partition for data"), "{}", other.stdout);
    assert_eq!(head(mine.len()), mine);
    sandbox.good(&format!("write newer.img {typed}"));
    assert!(head(1 << 20).iter().all(|byte| *byte == 0), "it is written anew");

    for (options, wanted) in [
        ("--output a.img --data-partition", "a partition for data takes what is left of the disk"),
        ("--output a.img --partition-size 1G", "takes all of the disk"),
        ("--output a.iso --data-partition", "a partition for data is for a disk image"),
        ("--output a.img --size 400M --data-partition --partition-size 1M", "the medium's partition needs"),
        (
            "--output a.img --size 100M --data-partition --partition-size 300M",
            "the medium needs 317718528 bytes",
        ),
    ] {
        let refused = sandbox.typed(&format!("{CREATE} {options}"));
        assert!(refused.code != 0 && refused.stderr.contains(wanted), "{options}: {}", refused.stderr);
    }
}

#[test]
fn sectors_of_4096_bytes_are_refused_and_not_written() {
    let sandbox = sandbox();
    let Some(stick) = Loop::new(&sandbox, "stick", &["--sector-size", "4096"]) else { return };
    let refused = sandbox.typed(&format!("write old.img {}", stick.typed()));
    assert_eq!(refused.code, 4);
    assert!(refused.stdout.contains("its sectors have 4096 bytes"), "{}", refused.stdout);
    assert!(fs::read(&stick.file).expect("it is there").iter().all(|byte| *byte == 0));
}

#[test]
fn a_run_that_is_killed_leaves_nothing_that_starts() {
    let sandbox = sandbox();
    let Some(stick) = Loop::new(&sandbox, "stick", &[]) else { return };
    let [old, new] = ["old.img", "new.img"].map(|name| sandbox.read(name));
    let start = Instant::now();
    sandbox.good(&format!("write new.img {} --no-read-back", stick.typed()));
    let takes = start.elapsed();
    let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut seen = [0; 3];
    for number in 0..KILLED {
        let update = if number % 2 == 0 { "" } else { "--update" };
        fs::write(&stick.file, &old).expect("there is room");
        File::options()
            .write(true)
            .open(&stick.file)
            .and_then(|file| file.set_len(LEN))
            .expect("there is room");
        let typed = format!("write new.img {} --no-read-back {update}", stick.typed());
        let mut child = sandbox.start(&typed.split_whitespace().collect::<Vec<_>>());
        sleep(takes.mul_f64(f64::from(random.next_u32()) / f64::from(u32::MAX) * 1.1));
        child.kill().expect("it can be killed, or has ended");
        child.wait().expect("it has ended");
        let head = &fs::read(&stick.file).expect("it is there")[..64 << 10];
        let state = match head {
            head if head.iter().all(|byte| *byte == 0) => 0,
            head if *head == old[..64 << 10] => 1,
            head if *head == new[..64 << 10] => 2,
            _ => panic!("run {number}: the start of the stick is neither"),
        };
        seen[state] += 1;
        if state > 0 {
            assert_intact(&sandbox, &stick.device);
        }
    }
    assert!(seen[0] > 0 && seen[1] + seen[2] > 0, "{seen:?}");
}

#[test]
fn a_medium_that_changes_while_it_is_written_is_taken_back() {
    let sandbox = sandbox();
    let Some(stick) = Loop::new(&sandbox, "stick", &[]) else { return };
    let image = File::options().append(true).open(sandbox.path("new.img")).expect("it is there");
    let typed = format!("write new.img {}", stick.typed());
    let old = sandbox.read("old.img");
    for _ in 0..TRIES {
        let mut file = File::options().write(true).open(&stick.file).expect("it is there");
        file.write_all(&old).expect("there is room");
        let mut child = sandbox.start(&typed.split_whitespace().collect::<Vec<_>>());
        // The start of the stick is written last.
        while !starts_empty(&stick) && child.try_wait().is_ok_and(|end| end.is_none()) {}
        signal(child.id(), "STOP");
        let is_early = starts_empty(&stick);
        image.set_modified(SystemTime::now()).expect("it can be set");
        signal(child.id(), "CONT");
        let ended = Sandbox::end(child);
        if !is_early {
            continue;
        }
        assert_eq!(ended.code, 4, "{}{}", ended.stdout, ended.stderr);
        let wanted =
            ["FAILED ", "it was taken back, and does not start: ", "new.img", "0 of 1 sticks are ready"];
        assert!(wanted.iter().all(|wanted| ended.stdout.contains(wanted)), "{}", ended.stdout);
        assert!(starts_empty(&stick));
        return;
    }
    panic!("{TRIES} runs were faster than a signal");
}

fn signal(process: u32, name: &str) {
    Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .status()
        .expect("it can be started");
}

/// Whether nothing is where firmware looks first.
fn starts_empty(stick: &Loop) -> bool {
    let mut head = [0; 64 << 10];
    File::open(&stick.file).and_then(|mut file| file.read_exact(&mut head)).expect("it is there");
    head.iter().all(|byte| *byte == 0)
}

#[test]
fn firmware_starts_a_stick_that_was_written() {
    let sandbox = sandbox();
    let Some(stick) = Loop::new(&sandbox, "stick", &[]) else { return };
    sandbox.good(&format!("{CREATE} --output {} --data-partition", stick.typed()));
    assert_starts(&stick.file);
}
