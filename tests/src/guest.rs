//! A small Linux in QEMU that has the command and sees sticks as real machines do: on USB, with serial numbers and ports, slow
//! ones, broken ones, and ones that are pulled out. Emulation alone; KVM is not needed.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::qemu::Running;
use crate::referee;

/// A guest to be started.
pub struct Guest {
    /// What it runs, in the language of busybox's shell; `tsmedia` is the command. It turns itself off afterwards.
    pub script: String,
    /// QEMU's options for its drives.
    pub drives: Vec<String>,
    /// Files it has in `/tmp`.
    pub files: Vec<PathBuf>,
}

/// QEMU's options for a USB controller with room for twelve sticks.
pub const USB: [&str; 2] = ["-device", "qemu-xhci,id=xhci,p2=12,p3=12"];

/// QEMU's options for a stick whose serial number is its name, with what its `-drive` is.
pub fn usb_stick(name: &str, port: usize, drive: &str) -> [String; 4] {
    [
        "-drive".to_owned(),
        format!("if=none,id=drive-{name},werror=report,rerror=report,{drive}"),
        "-device".to_owned(),
        format!("usb-storage,bus=xhci.0,port={port},id={name},serial={name},drive=drive-{name},removable=on"),
    ]
}

/// The beginning of a script: waits until so many disks with serial numbers are there, and defines `stick SERIAL`, which gives
/// the path of one.
pub fn waits_for(sticks: usize) -> String {
    format!(
        "for i in $(seq 200); do [ $(tsmedia devices | grep -c ', serial ') -ge {sticks} ] && break; sleep 0.1; done\n\
         stick() {{ tsmedia devices | grep \", serial $1,\" | cut -d' ' -f1; }}\n"
    )
}

/// What is done while a guest runs.
pub struct Monitor(UnixStream);

/// Runs a guest until it turns itself off; returns everything it said. Each time it says something, `during` is told all of it
/// so far, and may plug in or pull out a device. `None` when something it needs is not there and that is allowed.
///
/// # Panics
/// When what it needs is missing with `CI=true`, or it does not end within `limit`.
pub fn run(
    guest: &Guest,
    command: &Path,
    limit: Duration,
    mut during: impl FnMut(&str, &mut Monitor),
) -> Option<String> {
    let program = referee::find("qemu-system-x86_64")?;
    let busybox = referee::find("busybox")?;
    let kernel = env::var_os("TSMEDIA_GUEST").map(PathBuf::from).unwrap_or_default();
    if !kernel.join("vmlinuz").is_file() {
        referee::missing("Debian's kernel is not there (`cargo xtask test` gets it and sets TSMEDIA_GUEST)");
        return None;
    }
    let folder = TempDir::new().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("initramfs"), archive(guest, command, &busybox, &kernel)).expect("there is room");
    let mut qemu = Command::new(program);
    qemu.args(["-machine", "q35,smm=off", "-accel", "tcg", "-cpu", "max", "-m", "1536", "-smp", "2"]);
    qemu.args("-display none -net none -no-reboot".split(' '));
    qemu.arg("-kernel").arg(kernel.join("vmlinuz")).arg("-initrd").arg(path("initramfs"));
    qemu.args(["-append", "console=ttyS0 quiet panic=-1 loglevel=3"]);
    qemu.arg("-serial").arg(format!("file:{}", path("serial").display()));
    qemu.arg("-qmp").arg(format!("unix:{},server=on,wait=off", path("monitor").display()));
    qemu.args(&guest.drives);
    qemu.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut running = Running(qemu.spawn().expect("it can be started"));
    let started = Instant::now();
    let mut monitor = Monitor::connect(&path("monitor"), started + limit);
    let mut told = 0;
    loop {
        let said = String::from_utf8_lossy(&fs::read(path("serial")).unwrap_or_default()).replace('\r', "");
        if said.len() > told {
            told = said.len();
            during(&said, &mut monitor);
        }
        match running.0.try_wait().expect("it can be waited for") {
            Some(status) if status.success() => return Some(said),
            Some(status) => panic!("{status}: {}\n{said}", running.complaint()),
            None => assert!(started.elapsed() < limit, "the guest does not end\n{said}"),
        }
        thread::sleep(Duration::from_millis(50));
    }
}

impl Monitor {
    fn connect(path: &Path, until: Instant) -> Self {
        loop {
            match UnixStream::connect(path) {
                Ok(stream) => {
                    let mut monitor = Self(stream);
                    monitor.say(r#"{"execute":"qmp_capabilities"}"#);
                    return monitor;
                }
                Err(_) if Instant::now() < until => thread::sleep(Duration::from_millis(20)),
                Err(error) => panic!("QEMU has no monitor: {error}"),
            }
        }
    }

    /// Pulls a device out.
    pub fn pull_out(&mut self, device: &str) {
        self.say(&format!(r#"{{"execute":"device_del","arguments":{{"id":"{device}"}}}}"#));
    }

    /// Plugs a stick in whose drive is there.
    pub fn plug_in(&mut self, device: &str, drive: &str) {
        self.say(&format!(
            r#"{{"execute":"device_add","arguments":{{"driver":"usb-storage","bus":"xhci.0","id":"{device}","serial":"{device}","drive":"{drive}","removable":true}}}}"#
        ));
    }

    fn say(&mut self, text: &str) {
        self.0.write_all(format!("{text}\n").as_bytes()).expect("QEMU listens");
        let mut reader = BufReader::new(self.0.try_clone().expect("a socket has a second handle"));
        let mut line = String::new();
        // Greetings and events come in between.
        while !line.contains("\"return\"") && !line.contains("\"error\"") {
            line.clear();
            assert!(reader.read_line(&mut line).expect("QEMU answers") > 0, "QEMU hung up");
        }
        assert!(line.contains("\"return\""), "{text}: {line}");
    }
}

/// The file system a guest starts with: an archive of the kind the kernel unpacks (`cpio`, "new" format).
fn archive(guest: &Guest, command: &Path, busybox: &Path, kernel: &Path) -> Vec<u8> {
    let mut archive = Archive::default();
    for folder in ["bin", "dev", "etc", "lib", "lib64", "mnt", "modules", "proc", "run", "sys", "tmp", "boot"]
    {
        archive.add(folder, 0o040_755, &[]);
    }
    let read = |path: &Path| fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    archive.add("bin/busybox", 0o100_755, &read(busybox));
    archive.add("bin/tsmedia", 0o100_755, &read(command));
    for library in libraries(command) {
        for folder in library.ancestors().skip(1).collect::<Vec<_>>().into_iter().rev() {
            archive.add(&inside(folder), 0o040_755, &[]);
        }
        archive.add(&inside(&library), 0o100_755, &read(&library));
    }
    let mut modules: Vec<PathBuf> = fs::read_dir(kernel.join("modules"))
        .expect("modules")
        .map(|entry| entry.expect("a file").path())
        .collect();
    modules.sort();
    for module in modules {
        let name = module.file_name().unwrap_or_default().to_string_lossy().into_owned();
        archive.add(&format!("modules/{name}"), 0o100_644, &read(&module));
    }
    for file in &guest.files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        archive.add(&format!("tmp/{name}"), 0o100_644, &read(file));
    }
    let script = format!(
        "#!/bin/busybox sh\n/bin/busybox --install -s /bin\nexport PATH=/bin\nmount -t proc proc /proc\n\
         mount -t sysfs sys /sys\nmount -t devtmpfs dev /dev\nfor module in /modules/*; do insmod $module; done\n\
         {}\nsync\npoweroff -f\n",
        guest.script
    );
    archive.add("init", 0o100_755, script.as_bytes());
    archive.end()
}

fn inside(path: &Path) -> String {
    path.strip_prefix("/").unwrap_or(path).display().to_string()
}

/// The libraries a program is linked with, as the system's own loader lists them.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let listed = Command::new("ldd").arg(program).output().expect("ldd comes with the C library");
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}

#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    names: Vec<String>,
}

impl Archive {
    fn add(&mut self, name: &str, mode: u32, bytes: &[u8]) {
        if name.is_empty() || self.names.iter().any(|known| known == name) {
            return;
        }
        self.names.push(name.to_owned());
        let number = self.names.len();
        let fields = [number, mode as usize, 0, 0, 1, 0, bytes.len(), 0, 0, 0, 0, name.len() + 1, 0];
        self.bytes.extend(b"070701");
        fields.iter().for_each(|field| self.bytes.extend(format!("{field:08X}").bytes()));
        self.bytes.extend(name.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(bytes);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn end(mut self) -> Vec<u8> {
        self.add("TRAILER!!!", 0, &[]);
        self.bytes
    }
}
