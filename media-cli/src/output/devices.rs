//! What `tsmedia devices` prints.

use std::fmt;
use std::path::Path;

use media_devices::{Disk, Use, Verdict, judge};
use serde::Serialize;

use super::Shown;
use super::sizes::size;

/// The disks of a machine.
#[derive(Serialize)]
pub struct Devices {
    devices: Vec<Device>,
}

/// A disk, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct Device {
    /// Where it is opened.
    pub device: String,
    id: Option<String>,
    pub serial: Option<String>,
    vendor: Option<String>,
    model: Option<String>,
    pub size: u64,
    sector_size: u32,
    bus: String,
    /// In Mbit/s.
    speed: Option<u32>,
    pub port: Option<String>,
    removable: bool,
    read_only: bool,
    mounted: Vec<Mounted>,
    verdict: Word,
    reasons: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Mounted {
    device: String,
    at: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Allowed,
    NeedsSerial,
    Refused,
}

impl Devices {
    /// In the order the system names them.
    pub fn new(disks: &[Disk]) -> Self {
        Self { devices: disks.iter().map(Device::new).collect() }
    }
}

impl Device {
    /// A disk and whether it can be written.
    pub fn new(disk: &Disk) -> Self {
        let verdict = judge(disk);
        let (verdict, reasons) = match &verdict {
            Verdict::Allowed => (Word::Allowed, Vec::new()),
            Verdict::NeedsSerial => (Word::NeedsSerial, vec!["it is not removable".to_owned()]),
            Verdict::Refused(reasons) => (Word::Refused, reasons.iter().map(ToString::to_string).collect()),
        };
        let text = |path: &Path| path.display().to_string();
        let mounted = |found: &Use| match found {
            Use::Mount { device, at } | Use::Volume { device, at } | Use::System { device, at } => {
                Some(Mounted { device: device.clone(), at: text(at) })
            }
            _ => None,
        };
        Self {
            device: text(&disk.path),
            id: disk.id.as_deref().map(text),
            serial: disk.serial.clone(),
            vendor: disk.vendor.clone(),
            model: disk.model.clone(),
            size: disk.size,
            sector_size: disk.sector_size,
            bus: disk.bus.to_string(),
            speed: disk.speed,
            port: disk.port.clone(),
            removable: disk.removable,
            read_only: disk.read_only,
            mounted: disk.uses.iter().filter_map(mounted).collect(),
            verdict,
            reasons,
        }
    }

    /// What tells it from others that look the same: `SanDisk Ultra, serial 4C53…, port 2-1`.
    pub fn named(&self) -> String {
        let words: Vec<&str> =
            [&self.vendor, &self.model].into_iter().flatten().map(String::as_str).collect();
        let mut parts = vec![if words.is_empty() { "unnamed".to_owned() } else { words.join(" ") }];
        parts.extend(self.serial.iter().map(|serial| format!("serial {serial}")));
        parts.extend(self.port.iter().map(|port| format!("port {port}")));
        parts.join(", ")
    }

    fn connection(&self) -> String {
        match self.speed {
            Some(speed) if speed >= 1000 => format!("{} at {} Gbit/s", self.bus, f64::from(speed) / 1000.0),
            Some(speed) => format!("{} at {speed} Mbit/s", self.bus),
            None => self.bus.clone(),
        }
    }
}

impl fmt::Display for Devices {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.devices.is_empty() {
            return writeln!(out, "no disks");
        }
        for device in &self.devices {
            writeln!(out, "{}  {}", device.device, Shown(device.named()))?;
            write!(out, "    {}, {}", size(device.size), device.connection())?;
            if device.sector_size != 512 {
                write!(out, ", sectors of {} bytes", device.sector_size)?;
            }
            writeln!(out)?;
            if let Some(id) = &device.id {
                writeln!(out, "    {}", Shown(id))?;
            }
            match device.verdict {
                Word::Allowed => writeln!(out, "    can be written")?,
                Word::NeedsSerial => writeln!(
                    out,
                    "    not removable: can be written with --device-serial {}",
                    Shown(device.serial.as_deref().unwrap_or_default())
                )?,
                Word::Refused => writeln!(out, "    refused: {}", Shown(device.reasons.join("; ")))?,
            }
        }
        Ok(())
    }
}
