//! `tsmedia devices`: lists the disks of this machine.

use media_devices::Disks;

use crate::args::sticks::DevicesArgs;
use crate::error::{Error, Exit};
use crate::output::devices::Devices;
use crate::show;

/// Lists the disks.
pub fn devices(args: &DevicesArgs) -> Result<Exit, Error> {
    let disks = media_devices::system().list()?;
    show(&Devices::new(&disks), args.json).map(|()| Exit::Done)
}
