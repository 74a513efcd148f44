//! Disks as macOS describes them: `diskutil` (diskutil(8)) says what they are and what is mounted, `ioreg` (ioreg(8)) how
//! they are connected. Both answer in property lists, which are read here by pure functions of text.
//!
//! A disk is opened for writing as `/dev/rdisk4`, past the buffer cache, where its facts say `/dev/disk4`. What is mounted is
//! refused; `diskutil unmountDisk disk4` is what a user does about it.

mod diskutil;
mod plist;
mod programs;
mod registry;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::diskutil::Listing;
use crate::{DevicesError, Disk, Disks, Held};

/// A Mac.
#[derive(Debug, Clone, Copy, Default)]
pub struct MacOs;

impl Disks for MacOs {
    fn list(&self) -> Result<Vec<Disk>, DevicesError> {
        list(programs::run)
    }

    /// Nothing: what is mounted is refused, and macOS opens no disk for writing below a mounted volume (open(2), `EBUSY`).
    fn hold(&self, _: &Disk) -> Result<Held, DevicesError> {
        Ok(Held::default())
    }
}

/// What is asked of the system's programs: the name of one and its options, answered by what it prints.
type Question<'a> = (&'static str, &'a [&'a str]);

const DISKUTIL: &str = "/usr/sbin/diskutil";
const IOREG: &str = "/usr/sbin/ioreg";

/// The subtrees that have disks in them: `-a` as property lists, `-l` with all properties, `-r` from each object of a class.
/// First by USB device, then by whatever moves blocks, which a USB disk's interface is too.
const CLASSES: [&str; 2] = ["IOUSBHostDevice", "IOBlockStorageDevice"];

fn list(run: impl Fn(Question<'_>) -> Result<String, DevicesError>) -> Result<Vec<Disk>, DevicesError> {
    let ask = |question: Question<'_>| {
        let answer = run(question)?;
        plist::parse(&answer)
            .map_err(|error| DevicesError::Answer { command: command(question), error: Box::new(error) })
    };
    let listing = Listing::new(&ask((DISKUTIL, &["list", "-plist"]))?);
    let mut connections = BTreeMap::new();
    for class in CLASSES {
        registry::read(&ask((IOREG, &["-a", "-l", "-r", "-c", class]))?, &mut connections);
    }
    let mut disks = Vec::new();
    for name in listing.names() {
        match ask((DISKUTIL, &["info", "-plist", name])) {
            Ok(info) => disks.push(listing.disk(name, &info, connections.get(name))),
            // One that is gone since it was listed is no disk any more.
            Err(DevicesError::Failed { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(disks)
}

/// A command as it would be typed.
fn command((program, options): Question<'_>) -> String {
    std::iter::once(program).chain(options.iter().copied()).collect::<Vec<_>>().join(" ")
}
