//! Which sticks are plugged in while somebody waits for them.

use media_devices::Disk;

/// Tells sticks that were plugged in from those that were there before, and from those the system is still looking at.
pub(crate) struct Watch {
    /// What was there before, or had its turn.
    done: Vec<Disk>,
    /// Everything, as it was at the last look.
    last: Vec<Disk>,
}

impl Watch {
    /// From now on. What is there already has to be taken out and plugged in again, but for `wanted`.
    pub(crate) fn new<'a>(disks: Vec<Disk>, wanted: impl Iterator<Item = &'a Disk> + Clone) -> Self {
        let is_wanted = |disk: &&Disk| wanted.clone().any(|wanted| is_same(wanted, disk));
        Self { done: disks.iter().filter(|disk| !is_wanted(disk)).cloned().collect(), last: disks }
    }

    /// What was plugged in and had no turn yet. A disk that is not what it was at the last look is not among them: names and
    /// mounts come a moment after the stick.
    pub(crate) fn look(&mut self, disks: Vec<Disk>) -> Vec<Disk> {
        self.done.retain(|done| disks.iter().any(|disk| is_same(disk, done)));
        let is_new = |disk: &&Disk| !self.done.iter().any(|done| is_same(disk, done));
        let found = disks.iter().filter(is_new).filter(|disk| disk.size > 0 && self.last.contains(disk));
        let found = found.cloned().collect();
        self.last = disks;
        found
    }

    /// A disk does not come up again before it was taken out.
    pub(crate) fn had_its_turn(&mut self, disk: &Disk) {
        self.done.push(disk.clone());
    }
}

/// Whether two descriptions are of one medium that was not taken out in between.
pub(crate) fn is_same(one: &Disk, other: &Disk) -> bool {
    (&one.path, one.number, one.sequence, one.size) == (&other.path, other.number, other.sequence, other.size)
}
