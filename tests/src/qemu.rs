//! Firmware in QEMU: starts a medium and hears what it says on the serial port. Emulation alone; KVM is not needed.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::referee;

/// How the machine sees the medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drive {
    /// A USB stick.
    Stick,
    /// A CD in a CD drive.
    Cd,
}

/// Which firmware starts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firmware {
    /// UEFI: OVMF without Secure Boot.
    Uefi,
    /// BIOS: SeaBIOS.
    Bios,
}

/// How a machine's run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It turned itself off.
    Off,
    /// It said what was waited for, and was stopped.
    Heard,
    /// Neither within the time.
    TimedOut,
}

/// What was heard.
#[derive(Debug, Clone)]
pub struct Run {
    /// Everything on COM1, without what is not text.
    pub serial: String,
    /// How it ended.
    pub end: End,
    /// How long it took.
    pub took: Duration,
}

const CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const VARIABLES: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/// Starts `medium` and listens until the machine turns itself off, says `until`, or `limit` has passed.
/// `None` when QEMU or its firmware is not installed and that is allowed. The medium is not written to.
///
/// # Errors
/// Whatever the system says about temporary files and the process.
///
/// # Panics
/// When QEMU or its firmware is missing with `CI=true`, or QEMU refuses to start.
pub fn boot(
    medium: &Path,
    drive: Drive,
    firmware: Firmware,
    until: &str,
    limit: Duration,
) -> io::Result<Option<Run>> {
    let Some(program) = referee::find("qemu-system-x86_64") else {
        return Ok(None);
    };
    if firmware == Firmware::Uefi
        && (referee::find_file(CODE).is_none() || referee::find_file(VARIABLES).is_none())
    {
        return Ok(None);
    }
    let folder = TempDir::new()?;
    let serial = folder.path().join("serial");
    let mut command = Command::new(program);
    command.args(machine(medium, drive, firmware, folder.path())?);
    command.arg("-serial").arg(format!("file:{}", serial.display()));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut running = Running(command.spawn()?);
    let end = loop {
        if let Some(status) = running.0.try_wait()? {
            if !status.success() {
                let complaint = running.complaint();
                panic!("qemu-system-x86_64 ended with {status}: {complaint}");
            }
            break End::Off;
        }
        if heard(&serial).contains(until) {
            break End::Heard;
        }
        if started.elapsed() > limit {
            break End::TimedOut;
        }
        thread::sleep(Duration::from_millis(100));
    };
    Ok(Some(Run { serial: heard(&serial), end, took: started.elapsed() }))
}

fn machine(medium: &Path, drive: Drive, firmware: Firmware, folder: &Path) -> io::Result<Vec<String>> {
    let mut arguments: Vec<String> =
        "-accel tcg -cpu max -m 512 -smp 1 -display none -monitor none -net none -no-reboot"
            .split(' ')
            .map(String::from)
            .collect();
    match firmware {
        Firmware::Uefi => {
            // The firmware writes its variables: to a copy.
            let variables = folder.join("variables.fd");
            fs::copy(VARIABLES, &variables)?;
            let flash = "if=pflash,format=raw";
            arguments.extend(["-machine".into(), "q35,smm=off".into()]);
            arguments.extend(["-drive".into(), format!("{flash},unit=0,readonly=on,file={CODE}")]);
            arguments.extend(["-drive".into(), format!("{flash},unit=1,file={}", escaped(&variables))]);
        }
        Firmware::Bios => arguments.extend(["-machine".into(), "pc".into()]),
    }
    let file = escaped(medium);
    match drive {
        Drive::Stick => {
            arguments.extend(["-drive".into(), format!("if=none,id=d0,format=raw,file={file},readonly=on")]);
            arguments.extend(["-device".into(), "qemu-xhci".into()]);
            arguments.extend(["-device".into(), "usb-storage,drive=d0,removable=on,bootindex=0".into()]);
        }
        Drive::Cd => {
            let drive = format!("if=none,id=d0,media=cdrom,format=raw,file={file},readonly=on");
            arguments.extend(["-drive".into(), drive]);
            arguments.extend(["-device".into(), "ide-cd,drive=d0,bootindex=0".into()]);
        }
    }
    Ok(arguments)
}

/// QEMU's options end at a comma; two stand for one.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

fn heard(serial: &Path) -> String {
    let bytes = fs::read(serial).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    without_control_sequences(&text)
}

/// Firmware and GRUB move the cursor about; only what they say is of interest.
fn without_control_sequences(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text.chars().peekable());
    while let Some(letter) = rest.next() {
        match letter {
            '\u{1B}' if rest.next_if_eq(&'[').is_some() => {
                while rest.next().is_some_and(|letter| !letter.is_ascii_alphabetic()) {}
            }
            '\n' | ' '..='~' => out.push(letter),
            _ => {}
        }
    }
    out
}

/// A process that does not outlive its handle.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn complaint(&mut self) -> String {
        let mut text = String::new();
        if let Some(mut stderr) = self.0.stderr.take() {
            let _ = io::Read::read_to_string(&mut stderr, &mut text);
        }
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_is_left() {
        assert_eq!(without_control_sequences("\u{1B}[2J\u{1B}[01;01Hfs=fat\r\n"), "fs=fat\n");
    }
}
