//! Disks as Windows describes them: devices that offer the disk interface, what their drivers answer (`DeviceIoControl`), and
//! the volumes on them.
//!
//! Everything is asked without access to the disks (`CreateFile` with an access of 0), which every user may do. A disk is
//! opened for writing as `\\.\PhysicalDrive2`. Windows mounts whatever is plugged in, so a stick with letters is not refused:
//! its volumes are locked and dismounted first ([`Disks::hold`](crate::Disks::hold)).

#[cfg(windows)]
mod calls;
mod facts;
#[cfg(windows)]
mod gather;
#[cfg(windows)]
mod hold;
mod layouts;

#[cfg(test)]
mod tests;

/// A Windows system.
#[cfg(windows)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Windows;

#[cfg(windows)]
impl crate::Disks for Windows {
    fn list(&self) -> Result<Vec<crate::Disk>, crate::DevicesError> {
        Ok(gather::facts()?.disks())
    }

    /// Locks and dismounts every volume on the disk. Windows keeps others from writing to a disk below a mounted volume, and
    /// does not mount a locked one again.
    fn hold(&self, disk: &crate::Disk) -> Result<crate::Held, crate::DevicesError> {
        hold::hold(disk)
    }
}
