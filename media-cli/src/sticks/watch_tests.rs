use std::slice;
use std::time::{Duration, Instant};

use media_devices::Disk;

use super::{AWAY, Found, Watch};

const LOOK: Duration = Duration::from_millis(500);

/// The `sequence`th disk that the system saw, in a port.
fn stick(path: &str, serial: &str, port: &str, sequence: u64) -> Disk {
    let mut disk = Disk::of(path);
    (disk.size, disk.sequence) = (8 << 30, Some(sequence));
    (disk.serial, disk.port) = (Some(serial.to_owned()), Some(port.to_owned()));
    disk
}

/// What each of several looks finds, half a second apart.
fn looks(watch: &mut Watch, start: Instant, disks: &[&[Disk]]) -> Vec<Found> {
    let mut now = start;
    let mut look = |disks: &&[Disk]| {
        now += LOOK;
        watch.look(disks.to_vec(), now)
    };
    disks.iter().map(&mut look).collect()
}

fn new(disks: &[Disk]) -> Found {
    Found { new: disks.to_vec(), ..Found::default() }
}

#[test]
fn a_stick_is_new_when_it_looks_the_same_twice() {
    let start = Instant::now();
    let mut watch = Watch::new(Vec::new(), [].iter(), start);
    let (named, mut unnamed) = ([stick("/dev/sdb", "A", "1-1", 5)], stick("/dev/sdb", "A", "1-1", 5));
    unnamed.partitions = vec!["sdb1".to_owned()];
    let found = looks(&mut watch, start, &[&[unnamed], &named, &named]);
    assert_eq!(found, [Found::default(), Found::default(), new(&named)]);
}

#[test]
fn what_was_there_before_is_not_new_when_its_hub_is_reset() {
    let start = Instant::now();
    let before = [stick("/dev/sdb", "A", "1-1", 5), stick("/dev/sdc", "B", "1-2", 6)];
    let after = [stick("/dev/sdc", "A", "1-1", 7), stick("/dev/sdb", "B", "1-2", 8)];
    let mut watch = Watch::new(before.to_vec(), [].iter(), start);
    let found = looks(&mut watch, start, &[&before, &[], &[], &after, &after, &after]);
    let back = Found { back: after.to_vec(), ..Found::default() };
    let none = Found::default;
    assert_eq!(found, [none(), none(), none(), back, none(), none()]);
}

#[test]
fn what_was_taken_out_for_some_seconds_is_new() {
    let start = Instant::now();
    let (before, after) = (stick("/dev/sdb", "A", "1-1", 5), stick("/dev/sdb", "A", "1-1", 6));
    let mut watch = Watch::new(vec![before], [].iter(), start);
    assert_eq!(watch.look(Vec::new(), start + LOOK), Found::default());
    assert_eq!(watch.look(vec![after.clone()], start + AWAY), Found::default());
    assert_eq!(watch.look(vec![after.clone()], start + AWAY + LOOK), new(&[after]));
}

#[test]
fn another_stick_in_the_same_port_is_new_at_once() {
    let start = Instant::now();
    let before = stick("/dev/sdb", "A", "1-1", 5);
    for other in [stick("/dev/sdb", "B", "1-1", 6), stick("/dev/sdb", "A", "1-2", 6)] {
        let mut watch = Watch::new(vec![before.clone()], [].iter(), start);
        let other = [other];
        let found = looks(&mut watch, start, &[&other, &other]);
        assert_eq!(found, [Found::default(), new(&other)]);
    }
}

#[test]
fn where_nothing_is_counted_another_stick_under_the_same_name_is_new_at_once() {
    let start = Instant::now();
    let uncounted = |serial: &str| {
        let mut disk = stick("/dev/sdb", serial, "1-1", 0);
        disk.sequence = None;
        disk
    };
    let (first, second) = (uncounted("A"), [uncounted("B")]);
    let mut watch = Watch::new(vec![first.clone()], [].iter(), start);
    assert_eq!(watch.look(vec![first], start + LOOK), Found::default());
    assert_eq!(looks(&mut watch, start + LOOK, &[&second, &second])[1], new(&second));
}

#[test]
fn a_stick_has_one_turn_and_another_of_its_kind_the_next() {
    let start = Instant::now();
    let (first, second) = (stick("/dev/sdb", "0", "1-1", 5), stick("/dev/sdb", "0", "1-1", 6));
    for is_ready in [true, false] {
        let mut watch = Watch::new(vec![first.clone()], [&first].into_iter(), start);
        assert_eq!(watch.look(vec![first.clone()], start), new(slice::from_ref(&first)), "it was named");
        watch.has_its_turn(&first, start);
        assert_eq!(watch.look(vec![first.clone()], start + LOOK), Found::default());
        if is_ready {
            watch.is_done(&first);
        }
        let second = [second.clone()];
        let found = looks(&mut watch, start + LOOK, &[&[], &second, &second]);
        let now = if is_ready { new(&second) } else { Found::default() };
        assert_eq!(found[2], now, "one that failed may have reset itself");
    }
}
