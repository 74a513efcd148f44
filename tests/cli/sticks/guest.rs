//! Sticks on USB as QEMU makes them, seen by a Linux of their own: good ones, and one of each kind of bad one.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use media_tests::guest::{self, Guest, Monitor};
use media_tests::nbd;
use serde_json::Value;

use super::{assert_intact, assert_starts, sandbox};
use crate::support::Sandbox;

const LIMIT: Duration = Duration::from_secs(300);
const LEN: u64 = 400 << 20;
/// What a stick is that was not written.
const FILLING: u8 = 0xE5;

/// A stick that QEMU makes: its serial number is its name.
struct Stick {
    name: &'static str,
    /// Options of QEMU's `-drive`, but for what is the same for all.
    drive: String,
    /// Options of its disk, `,` before each.
    device: &'static str,
}

impl Stick {
    /// With a file behind it that is filled with something.
    fn filled(sandbox: &Sandbox, name: &'static str, options: &str) -> Self {
        let file = File::create(sandbox.path(name)).expect("there is room");
        file.set_len(LEN).expect("there is room");
        // The first and the last MiB: the rest would only take time.
        for at in [0, LEN - (1 << 20)] {
            file.write_all_at(&[FILLING; 1 << 20], at).expect("there is room");
        }
        Self {
            name,
            drive: format!("format=raw,file={},cache=writeback{options}", sandbox.path(name).display()),
            device: "",
        }
    }

    /// The same, of which one sector cannot be written.
    fn broken(sandbox: &Sandbox, name: &'static str, sector: u64) -> Self {
        Self {
            drive: format!(
                "driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename={},\
                 file.inject-error.0.event=none,file.inject-error.0.iotype=write,file.inject-error.0.sector={sector}",
                sandbox.path(name).display()
            ),
            ..Self::filled(sandbox, name, "")
        }
    }

    fn drive(&self, port: usize) -> Vec<String> {
        let Self { name, drive, device } = self;
        let mut words = guest::usb_stick(name, port, drive).to_vec();
        if !device.is_empty() {
            // `usb-storage` passes no sector sizes on.
            words[3] = format!("usb-bot,bus=xhci.0,port={port},id={name},serial={name}");
            let disk = format!("scsi-hd,bus={name}.0,lun=0,drive=drive-{name},removable=on{device}");
            words.extend(["-device".to_owned(), disk]);
        }
        words
    }
}

/// What is said between two words.
fn between<'a>(said: &'a str, from: &str, to: &str) -> &'a str {
    let rest = said.split_once(from).unwrap_or_else(|| panic!("no {from}\n{said}")).1;
    rest.split_once(to).unwrap_or_else(|| panic!("no {to}\n{said}")).0
}

fn run(
    sandbox: &Sandbox,
    sticks: &[Stick],
    more: &[&str],
    script: String,
    during: impl FnMut(&str, &mut Monitor),
) -> Option<String> {
    let mut drives = guest::USB.map(str::to_owned).to_vec();
    // The media are disks there, too: /dev/vda and /dev/vdb.
    for name in ["old.img", "new.img"] {
        let path = sandbox.path(name);
        drives.extend([
            "-drive".to_owned(),
            format!("if=virtio,format=raw,readonly=on,file={}", path.display()),
        ]);
    }
    drives.extend(sticks.iter().enumerate().flat_map(|(number, stick)| stick.drive(number + 1)));
    drives.extend(more.iter().map(|word| (*word).to_owned()));
    let script = guest::waits_for(sticks.len()) + &script;
    let guest = Guest { script, drives, files: Vec::new() };
    guest::run(&guest, Path::new(env!("CARGO_BIN_EXE_tsmedia")), LIMIT, during)
}

fn result<'a>(report: &'a Value, name: &str) -> &'a Value {
    let sticks = report["sticks"].as_array().expect("sticks");
    let found = sticks.iter().find(|stick| stick["disk"]["serial"] == *name);
    found.unwrap_or_else(|| panic!("{name} is not among {report:#}"))
}

fn is_filled(sandbox: &Sandbox, name: &str) -> bool {
    let mut bytes = vec![0; 1 << 20];
    File::open(sandbox.path(name))
        .and_then(|file| file.read_exact_at(&mut bytes, 0))
        .expect("it can be read");
    bytes.iter().all(|byte| *byte == FILLING)
}

/// Whether the stick starts with nothing: no firmware finds anything on it.
fn is_wiped(sandbox: &Sandbox, name: &str) -> bool {
    let mut bytes = vec![1; 64 << 10];
    File::open(sandbox.path(name))
        .and_then(|file| file.read_exact_at(&mut bytes, 0))
        .expect("it can be read");
    bytes.iter().all(|byte| *byte == 0)
}

#[test]
fn each_of_many_sticks_has_its_own_outcome_and_stops_no_other() {
    let sandbox = sandbox();
    // The volume of a medium, for the disk that is mounted as part of the system.
    let medium = sandbox.read("old.img");
    sandbox.write("system", &medium[1 << 20..]);
    let stick = |name, options| Stick::filled(&sandbox, name, options);
    let (bad_sector, socket) = ((5 << 20) / 512, sandbox.path("socket"));
    nbd::serve(&socket, 64 << 20, LEN).expect("a socket");
    let sticks = [
        stick("GOOD1", ""),
        stick("SLOW", ",throttling.bps-write=4000000"),
        Stick::broken(&sandbox, "BROKEN", bad_sector),
        stick("PULLED", ",throttling.bps-write=1000000"),
        Stick {
            name: "COUNTERFEIT",
            drive: format!(
                "driver=raw,file.driver=nbd,file.server.type=unix,file.server.path={}",
                socket.display()
            ),
            device: "",
        },
        Stick { device: ",logical_block_size=4096,physical_block_size=4096", ..stick("LARGE-SECTORS", "") },
        stick("MOUNTED", ""),
        stick("GOOD2", ""),
    ];
    // What it held before can be mounted.
    let mounted = File::options().write(true).open(sandbox.path("MOUNTED")).expect("it is there");
    mounted.write_all_at(&medium, 0).expect("there is room");
    let system = format!("if=virtio,format=raw,file={}", sandbox.path("system").display());
    let names: Vec<String> = sticks.iter().map(|stick| format!("$(stick {})", stick.name)).collect();
    let script = format!(
        "mount -t vfat -o ro /dev/vdc /boot || echo NOT MOUNTED\nmount -t vfat $(stick MOUNTED)1 /mnt || echo NOT MOUNTED\n\
         echo BEGIN-DEVICES; tsmedia devices --json; echo END-DEVICES\n\
         pulled=$(stick PULLED)\n\
         tsmedia write /dev/vdb {names} /dev/vdc --yes --check-capacity --quiet --json > /tmp/out &\n\
         until [ $(dd if=$pulled bs=512 count=1 2>/dev/null | tr -d '\\000' | wc -c) = 0 ]; do sleep 0.2; done; echo PULL; wait $!; echo \"EXIT $?.\"\n\
         echo BEGIN-SAID; cat /tmp/out; echo END-SAID\n\
         tsmedia verify --quiet $(stick GOOD2) | tail -n 1; tsmedia devices | grep -c PULLED\n",
        names = names.join(" ")
    );
    let mut is_pulled = false;
    let said = run(&sandbox, &sticks, &["-drive", &system], script, |said, monitor| {
        if !is_pulled && said.contains("PULL\n") {
            is_pulled = true;
            monitor.pull_out("PULLED");
        }
    });
    let Some(said) = said else { return };
    assert!(!said.contains("NOT MOUNTED"), "{said}");
    let devices: Value = serde_json::from_str(between(&said, "BEGIN-DEVICES", "END-DEVICES")).expect("JSON");
    let devices = devices["devices"].as_array().expect("devices");
    let good = devices.iter().find(|device| device["serial"] == "GOOD1").expect("it is there");
    assert_eq!(
        (&good["bus"], &good["size"], &good["verdict"]),
        (&"USB".into(), &LEN.into(), &"allowed".into())
    );
    assert!(good["speed"].as_u64().is_some_and(|speed| speed >= 480), "{good:#}");
    assert!(good["port"].as_str().is_some_and(|port| port.contains('-')), "{good:#}");

    let report: Value = serde_json::from_str(between(&said, "BEGIN-SAID", "END-SAID")).expect("JSON");
    for name in ["GOOD1", "GOOD2", "SLOW"] {
        let stick = result(&report, name);
        assert_eq!((&stick["state"], &stick["past_cache"]), (&"ready".into(), &true.into()), "{stick:#}");
        assert_intact(&sandbox, name);
    }
    for (name, message) in [
        ("BROKEN", "writing at byte 5242880 ("),
        ("PULLED", "it was removed: "),
        (
            "COUNTERFEIT",
            "it says that it holds 419430400 bytes, and does not keep what is written at byte 67108864",
        ),
        ("LARGE-SECTORS", "its sectors have 4096 bytes"),
        ("MOUNTED", "1 is mounted at /mnt"),
    ] {
        let stick = result(&report, name);
        let found = stick["message"].as_str().unwrap_or_default();
        assert!(stick["state"] == "failed" && found.contains(message), "{name}: {found}\n{said}");
        assert!(stick["disk"]["port"].is_string(), "{stick:#}");
    }
    let broken = result(&report, "BROKEN")["message"].as_str().unwrap_or_default();
    assert!(broken.starts_with("writing at byte ") && broken.contains("os error 5"), "{broken}");
    let system = report["sticks"].as_array().and_then(|sticks| sticks.last()).expect("nine were named");
    assert_eq!(system["message"], "refused: the running system is on it (/boot)");
    assert!(
        said.contains("EXIT 4.") && said.contains(": intact") && said.contains("as they were written\n0\n"),
        "{said}"
    );

    for name in ["GOOD1", "SLOW"] {
        assert_starts(&sandbox.path(name));
    }
    assert!(is_wiped(&sandbox, "BROKEN"), "it does not start");
    // It may have been pulled out while the capacity check wrote there.
    assert_ne!(sandbox.read("PULLED")[510..512], [0x55, 0xAA], "it does not start");
    assert!(is_filled(&sandbox, "LARGE-SECTORS"), "it was not touched");
    assert!(sandbox.read("MOUNTED")[..512] == medium[..512] && sandbox.read("system") == medium[1 << 20..]);
    // Whoever writes the same again on the sticks that are good finds them good.
    fs::remove_file(sandbox.path("socket")).expect("it is there");
}

#[test]
fn media_of_a_batch_come_on_sticks_as_they_are_plugged_in() {
    let sandbox = sandbox();
    let workers = "name;serial;password\nAnna;KEY-1;vQ8.tufmelG-2pzR1\nBernd;KEY-2;wL3.ybrantK-7qxD2\n";
    let create = super::CREATE.replace("--password-file password.txt ", "").replace(" --no-receipt", "");
    sandbox.write("workers.csv", workers);
    sandbox.good(&format!("{create} --workers workers.csv --output-dir media --format img --no-letters"));
    // The first one fails and gets the first medium; the next stick gets it instead.
    let names = ["BROKEN", "FIRST", "SECOND"];
    let mut drives = guest::USB.map(str::to_owned).to_vec();
    for name in names {
        let stick = match name {
            "BROKEN" => Stick::broken(&sandbox, name, 10240),
            _ => Stick::filled(&sandbox, name, ""),
        };
        drives.extend([
            "-drive".to_owned(),
            format!("if=none,id=drive-{name},werror=report,rerror=report,{}", stick.drive),
        ]);
    }
    for name in ["KEY-1.img", "KEY-2.img"] {
        let path = sandbox.path(&format!("media/{name}"));
        drives.extend([
            "-drive".to_owned(),
            format!("if=virtio,format=raw,readonly=on,file={}", path.display()),
        ]);
    }
    let files = vec![sandbox.path("media/register.json")];
    // The media are disks there: they would not fit into its memory.
    let script = "cd /tmp; mkdir media; mv register.json media\n\
         ln -s /dev/vda media/KEY-1.img; ln -s /dev/vdb media/KEY-2.img\n\
         { tsmedia write --batch media --yes; echo \"EXIT $?.\"; } 2>&1 > out | cat; cat out\n\
         echo BEGIN-REGISTER; cat media/register.json; echo END-REGISTER\n";
    let guest = Guest { script: script.to_owned(), drives, files };
    let asked = "plug in a stick: the next gets ";
    let mut plugged = 0;
    let said = guest::run(&guest, Path::new(env!("CARGO_BIN_EXE_tsmedia")), LIMIT, |said, monitor| {
        if plugged < names.len() && said.matches(asked).count() > plugged {
            monitor.plug_in(names[plugged], &format!("drive-{}", names[plugged]));
            plugged += 1;
        }
    });
    let Some(said) = said else { return };
    for wanted in [
        "plug in a stick: the next gets KEY-1 for Anna, 2 left\nFAILED ",
        "plug in a stick: the next gets KEY-1 for Anna, 2 left\nready ",
        "plug in a stick: the next gets KEY-2 for Bernd, 1 left\nready ",
        "KEY-1 for Anna; writing at byte 5242880 (",
        "2 of 2 media of media are on sticks",
        "EXIT 0.",
    ] {
        assert!(said.contains(wanted), "{wanted:?} is not in\n{said}");
    }
    let register: Value =
        serde_json::from_str(between(&said, "BEGIN-REGISTER", "END-REGISTER")).expect("JSON");
    let sticks: Vec<&str> = register["media"]
        .as_array()
        .expect("media")
        .iter()
        .filter_map(|entry| entry["device_serial"].as_str())
        .collect();
    assert_eq!(sticks, ["FIRST", "SECOND"]);
    assert!(is_wiped(&sandbox, "BROKEN"));
    for (stick, medium) in [("FIRST", "KEY-1"), ("SECOND", "KEY-2")] {
        assert_intact(&sandbox, stick);
        let found = memchr::memmem::find(&sandbox.read(stick), format!("\"{medium}\"").as_bytes());
        assert!(found.is_some(), "{stick} has not {medium}");
    }
}
