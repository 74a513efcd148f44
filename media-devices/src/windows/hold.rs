//! Taking volumes off a disk (Microsoft, "FSCTL_LOCK_VOLUME control code" and "FSCTL_DISMOUNT_VOLUME control code").

use std::fs::{File, OpenOptions};
use std::io;
use std::thread;
use std::time::Duration;

use windows_sys::Win32::Foundation::ERROR_ACCESS_DENIED;
use windows_sys::Win32::System::Ioctl::{FSCTL_DISMOUNT_VOLUME, FSCTL_LOCK_VOLUME};

use super::calls::{control, is_error};
use super::facts::{Volume, label, number, on_disk};
use super::gather;
use crate::{DevicesError, Disk, Held};

/// Whatever looks at a new volume, a virus scanner or an indexer, is done in this time.
const TRIES: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(250);

/// Locks and dismounts every volume on a disk. What was taken so far comes back when one cannot be had.
pub(super) fn hold(disk: &Disk) -> Result<Held, DevicesError> {
    let Some(number) = number(disk) else { return Ok(Held::default()) };
    let volumes = gather::volumes()?;
    Ok(Held { volumes: on_disk(&volumes, number).map(take).collect::<Result<_, _>>()? })
}

/// A volume that nothing else has open stays locked while its handle is; dismounted, nothing of it is in memory.
fn take(volume: &Volume) -> Result<File, DevicesError> {
    let failed = |error| DevicesError::Volume { volume: label(volume), error };
    let file =
        OpenOptions::new().read(true).write(true).open(gather::opened_name(&volume.name)).map_err(failed)?;
    lock(&file).map_err(|error| match is_error(&error, ERROR_ACCESS_DENIED) {
        true => DevicesError::InUse { volume: label(volume), error },
        false => failed(error),
    })?;
    control(&file, FSCTL_DISMOUNT_VOLUME, &[], 0).map_err(failed)?;
    Ok(file)
}

fn lock(volume: &File) -> io::Result<()> {
    let mut tries = 1;
    loop {
        match control(volume, FSCTL_LOCK_VOLUME, &[], 0) {
            Ok(_) => return Ok(()),
            Err(error) if tries == TRIES || !is_error(&error, ERROR_ACCESS_DENIED) => return Err(error),
            Err(_) => thread::sleep(BETWEEN),
        }
        tries += 1;
    }
}
