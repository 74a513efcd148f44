//! Which sticks are plugged in while somebody waits for them.

use std::time::{Duration, Instant};

use media_devices::Disk;

/// A disk that was away for less was not taken out: a hub was reset, or the stick itself.
pub(crate) const AWAY: Duration = Duration::from_secs(3);

/// Tells sticks that were plugged in from those that were there before, and from those the system is still looking at.
pub(crate) struct Watch {
    known: Vec<Known>,
    /// Everything, as it was at the last look.
    last: Vec<Disk>,
}

/// A disk that was there before, or had its turn.
struct Known {
    disk: Disk,
    /// Whether it stays known when it comes back at once.
    stays: bool,
    /// When it was seen last.
    seen: Instant,
}

/// What a look found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// What was plugged in and had no turn yet.
    pub(crate) new: Vec<Disk>,
    /// What is known, was away for a moment and is back.
    pub(crate) back: Vec<Disk>,
}

impl Watch {
    /// From now on. What is there already has to be taken out and plugged in again, but for `wanted`.
    pub(crate) fn new<'a>(
        disks: Vec<Disk>,
        wanted: impl Iterator<Item = &'a Disk> + Clone,
        now: Instant,
    ) -> Self {
        let is_wanted = |disk: &&Disk| wanted.clone().any(|wanted| is_same(wanted, disk));
        let known = disks.iter().filter(|disk| !is_wanted(disk));
        let known = known.map(|disk| Known { disk: disk.clone(), stays: true, seen: now }).collect();
        Self { known, last: disks }
    }

    /// What came since the last look. A disk that is not what it was then is not new yet: names and mounts come a moment after
    /// the stick.
    pub(crate) fn look(&mut self, disks: Vec<Disk>, now: Instant) -> Found {
        let mut found = Found::default();
        for disk in &disks {
            if let Some(known) = self.known.iter_mut().find(|known| is_same(&known.disk, disk)) {
                known.seen = now;
                continue;
            }
            let there = |known: &Known| disks.iter().any(|disk| is_same(&known.disk, disk));
            let mut away = self.known.iter_mut().filter(|known| known.stays && !there(known));
            let back =
                away.find(|known| is_alike(&known.disk, disk) && now.duration_since(known.seen) < AWAY);
            match back {
                Some(known) => {
                    (known.disk, known.seen) = (disk.clone(), now);
                    found.back.push(disk.clone());
                }
                None if disk.size > 0 && self.last.contains(disk) => found.new.push(disk.clone()),
                None => {}
            }
        }
        self.known
            .retain(|known| known.seen == now || (known.stays && now.duration_since(known.seen) < AWAY));
        self.last = disks;
        found
    }

    /// A disk does not come up again before it was taken out for [`AWAY`].
    pub(crate) fn has_its_turn(&mut self, disk: &Disk, now: Instant) {
        self.known.push(Known { disk: disk.clone(), stays: true, seen: now });
    }

    /// The next stick may look like this one and come into its place at once.
    pub(crate) fn is_done(&mut self, disk: &Disk) {
        let known = self.known.iter_mut().filter(|known| is_same(&known.disk, disk));
        known.for_each(|known| known.stays = false);
    }
}

/// Whether two descriptions are of one medium that was not taken out in between.
pub(crate) fn is_same(one: &Disk, other: &Disk) -> bool {
    // Not every system counts what is plugged in.
    let facts = |disk: &Disk| (disk.path.clone(), disk.number, disk.sequence);
    facts(one) == facts(other) && is_alike(one, other)
}

/// Whether two descriptions are as those of one medium in one place, whatever the system calls it.
fn is_alike(one: &Disk, other: &Disk) -> bool {
    let facts = |disk: &Disk| (disk.size, disk.serial.clone(), disk.port.clone());
    facts(one) == facts(other) && (&one.vendor, &one.model) == (&other.vendor, &other.model)
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
