//! Runs that are killed at any moment: what is left is nothing, the old medium, the new one, or one that is known to be
//! unfinished, and running again gives what was to be made.

use std::collections::BTreeMap;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use media_core::Trust;
use media_core::event::Unobserved;
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

use crate::fixtures;
use crate::support::{NOW, Sandbox};

/// How often each kind of run is killed: 200 in all.
const CREATIONS: usize = 70;
const CHANGES: usize = 70;
const BATCHES: usize = 60;
const CREATE: &str = "create --boot-image boot.wim --package-id PS100005 --site-code PS1 --management-point mp.contoso.com \
    --trusted-root root.pem --certificate-start 2026-01-01 --certificate-expiry 2120-01-01 --seed test";
const PERSONALISE: &str = "--password-file password.txt --new-password-file other.txt --label OTHER --serial-number KEY-2 \
    --identity other.p12 --var Unit=7 --seed other";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    fixtures::boot_image(&sandbox);
    sandbox
        .write("root.pem", fixtures::ROOT_CERTIFICATE)
        .write("password.txt", fixtures::MEDIA_PASSWORD)
        .write("other.txt", "gravel provost hatchet mosaic tangle");
    sandbox.good("identity new --output other.p12 --seed x --certificate-start 2026-01-01 --certificate-expiry 2120-01-01",
    );
    sandbox
}

/// Starts a run and kills it after a random part of the time that one takes.
fn kill(sandbox: &Sandbox, arguments: &str, takes: Duration, random: &mut TestRng) {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let mut child = sandbox.start_with(&arguments, &[NOW]);
    sleep(takes.mul_f64(f64::from(random.next_u32()) / f64::from(u32::MAX) * 1.1));
    child.kill().expect("it can be killed, or has ended");
    child.wait().expect("it has ended");
}

fn timed<T>(run: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

fn random() -> TestRng {
    TestRng::deterministic_rng(RngAlgorithm::ChaCha)
}

fn is_intact(bytes: Vec<u8>) -> bool {
    let report = media_core::verify(std::sync::Arc::new(bytes), Trust::default(), &mut Unobserved);
    report.is_ok_and(|report| report.findings.is_empty())
}

#[test]
fn creation() {
    let sandbox = sandbox();
    let create = format!("{CREATE} --password-file password.txt --output media.iso");
    let takes = timed(|| sandbox.good(&create));
    let expected = sandbox.read("media.iso");
    assert!(is_intact(expected.clone()));
    let old = b"what was there before".to_vec();
    let mut random = random();
    let mut seen = BTreeMap::new();
    for number in 0..CREATIONS {
        let _ = fs::remove_file(sandbox.path("media.iso"));
        let _ = fs::remove_file(sandbox.path("media.iso.receipt.json"));
        let replaces = number % 2 == 0;
        if replaces {
            sandbox.write("media.iso", &old);
        }
        kill(&sandbox, &format!("{create} --force"), takes, &mut random);
        let state = match fs::read(sandbox.path("media.iso")) {
            Err(_) if !replaces => "absent",
            Ok(bytes) if replaces && bytes == old => "old",
            Ok(bytes) if bytes == expected => "new",
            _ => "something else",
        };
        assert_ne!(state, "something else", "run {number}");
        *seen.entry(state).or_insert(0) += 1;
        sandbox.good(&format!("{create} --force"));
        assert!(sandbox.read("media.iso") == expected, "run again after {state}");
    }
    assert!(seen.values().sum::<usize>() == CREATIONS && seen.len() >= 2, "{seen:?}");
}

#[test]
fn a_change_in_place() {
    let sandbox = sandbox();
    for medium in ["media.iso", "media.img"] {
        sandbox.good(&format!("{CREATE} --password-file password.txt --output {medium} --no-receipt"));
        let old = sandbox.read(medium);
        let change = format!("personalise {medium} --in-place --no-receipt {PERSONALISE}");
        let takes = timed(|| sandbox.good(&change));
        let new = sandbox.read(medium);
        assert!(is_intact(new.clone()) && new != old);
        let mut random = random();
        for number in 0..CHANGES / 2 {
            sandbox.write(medium, &old);
            kill(&sandbox, &change, takes, &mut random);
            let left = sandbox.read(medium);
            if left != old && left != new {
                // What is noted beside a whole medium means nothing; one that is not whole does not start.
                let verified = sandbox.typed(&format!("verify {medium}"));
                let is_unfinished = verified.code == 5 && verified.stderr.contains("was cut short");
                assert!(
                    verified.code == 0 || is_unfinished,
                    "{number}: {}{}",
                    verified.stdout,
                    verified.stderr
                );
            }
            // The password is the new one where the change was made already.
            let again = sandbox.typed(&change);
            if again.code != 0 {
                let with_new = change.replace("--password-file password.txt", "--password-file other.txt");
                sandbox.good(&with_new);
            }
            assert!(sandbox.read(medium) == new, "{medium}, {number}: run again");
        }
    }
}

#[test]
fn a_batch() {
    let sandbox = sandbox();
    sandbox.write(
        "workers.csv",
        "name,serial,password,var:Unit\n\
         Anna,KEY-1,tangle mosaic hatchet provost one,1\n\
         Bernd,KEY-2,tangle mosaic hatchet provost two,2\n\
         Carla,KEY-3,tangle mosaic hatchet provost three,3\n",
    );
    let batch = format!("{CREATE} --workers workers.csv --output-dir out --format iso --key-bits 1024");
    let takes = timed(|| sandbox.good(&batch));
    let media = ["KEY-1", "KEY-2", "KEY-3"];
    let expected = media.map(|serial| sandbox.read(&format!("out/{serial}.iso")));
    let mut random = random();
    for _ in 0..BATCHES {
        fs::remove_dir_all(sandbox.path("out")).expect("it can be removed");
        // Once or twice: what a run that goes on finds is something that was cut short, too.
        for _ in 0..=random.next_u32() % 2 {
            kill(&sandbox, &batch, takes, &mut random);
            for (serial, expected) in media.iter().zip(&expected) {
                if let Ok(bytes) = fs::read(sandbox.path(&format!("out/{serial}.iso"))) {
                    assert!(bytes == *expected, "{serial} is whole or not there");
                }
            }
        }
        sandbox.good(&batch);
        for (serial, expected) in media.iter().zip(&expected) {
            assert!(sandbox.read(&format!("out/{serial}.iso")) == *expected, "{serial}, run again");
            for beside in ["iso.receipt.json", "register.ps1", "letter.html", "letter.txt"] {
                assert!(sandbox.path(&format!("out/{serial}.{beside}")).exists(), "{serial}.{beside}");
            }
        }
        let register = String::from_utf8(sandbox.read("out/register.json")).expect("it is JSON");
        assert_eq!(register.matches("\"state\": \"made\"").count(), 3, "{register}");
    }
}
