//! Which medium a stick gets.

use crate::sticks::Problem;
use crate::workers::register::{Entry, State};

/// The media that sticks are to get, in the order of the register.
pub(super) struct Queue<'a> {
    entries: &'a [Entry],
    left: Vec<usize>,
}

/// What is on a stick before it is written.
#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    /// SHA-256 of its manifest, in hexadecimal, when it is a medium.
    pub(super) manifest_sha256: Option<String>,
    /// The medium's serial number.
    pub(super) serial: Option<String>,
}

/// What is to be done with a stick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It gets this medium.
    Write(usize),
    /// It has this medium, and nobody noted that it was read back.
    Finish(usize),
}

impl Turn {
    /// The number of the medium.
    pub(super) fn number(self) -> usize {
        let (Self::Write(number) | Self::Finish(number)) = self;
        number
    }
}

impl<'a> Queue<'a> {
    /// Every medium that was made and is on no stick yet.
    pub(super) fn new(entries: &'a [Entry]) -> Self {
        let is_left = |entry: &Entry| entry.state == State::Made && entry.device_written.is_none();
        let left = (0..entries.len()).filter(|number| is_left(&entries[*number])).collect();
        Self { entries, left }
    }

    /// How many no stick has, and none is getting.
    pub(super) fn len(&self) -> usize {
        self.left.len()
    }

    /// What the next stick gets, unless it has another.
    pub(super) fn next(&self) -> Option<&'a Entry> {
        self.left.first().map(|number| &self.entries[*number])
    }

    /// Whether a stick belongs to a medium: it has it, or an earlier making of it.
    pub(super) fn knows(&self, content: &Content) -> bool {
        self.same(content).is_some() || self.earlier(content).is_some()
    }

    /// Decides what a stick gets. One with a medium of this batch keeps it, and one with an earlier making of a medium gets the
    /// new one; any other the next, when one is left.
    pub(super) fn turn(&mut self, content: &Content) -> Result<Option<Turn>, Problem> {
        if let Some(number) = self.same(content) {
            return match self.left.iter().position(|left| *left == number) {
                Some(at) => Ok(Some(Turn::Finish(self.left.remove(at)))),
                None => Err(Problem::Has { serial: self.entries[number].serial.clone() }),
            };
        }
        let at = self.earlier(content).unwrap_or(0);
        Ok((at < self.left.len()).then(|| Turn::Write(self.left.remove(at))))
    }

    /// A stick did not get it.
    pub(super) fn give_back(&mut self, number: usize) {
        self.left.push(number);
        self.left.sort_unstable();
    }

    fn same(&self, content: &Content) -> Option<usize> {
        let digest = content.manifest_sha256.as_ref()?;
        self.entries.iter().position(|entry| entry.manifest_sha256.as_ref() == Some(digest))
    }

    /// Where in `left` the medium with this serial number is.
    fn earlier(&self, content: &Content) -> Option<usize> {
        let serial = content.serial.as_ref()?;
        self.left.iter().position(|number| self.entries[*number].serial == *serial)
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, Queue, Turn};
    use crate::sticks::Problem;
    use crate::workers::register::{Entry, State};

    fn entries() -> Vec<Entry> {
        let entry = |number: usize| Entry {
            serial: format!("KEY-{number}"),
            state: State::Made,
            manifest_sha256: Some(format!("{number:064x}")),
            ..Entry::default()
        };
        let mut entries: Vec<Entry> = (0..5).map(entry).collect();
        entries[1].state = State::Failed;
        entries[2].device_written = Some("2026-05-01T00:00:00Z".to_owned());
        entries
    }

    fn content(serial: usize, making: usize) -> Content {
        Content { manifest_sha256: Some(format!("{making:064x}")), serial: Some(format!("KEY-{serial}")) }
    }

    #[test]
    fn a_stick_gets_the_next_medium_or_keeps_its_own() {
        let entries = entries();
        let mut queue = Queue::new(&entries);
        let blank = Content::default();
        assert_eq!((queue.len(), queue.next().map(|next| next.serial.as_str())), (3, Some("KEY-0")));
        assert!(queue.knows(&content(4, 4)) && queue.knows(&content(2, 2)) && queue.knows(&content(3, 99)));
        assert!(!queue.knows(&blank) && !queue.knows(&content(77, 99)));
        // It has one that nobody noted, and one that somebody did.
        assert!(matches!(queue.turn(&content(4, 4)), Ok(Some(Turn::Finish(4)))));
        assert!(matches!(queue.turn(&content(4, 4)), Err(Problem::Has { serial }) if serial == "KEY-4"));
        assert!(matches!(queue.turn(&content(2, 2)), Err(Problem::Has { serial }) if serial == "KEY-2"));
        // An earlier making, and nothing of this batch.
        assert!(matches!(queue.turn(&content(3, 99)), Ok(Some(Turn::Write(3)))));
        assert!(matches!(queue.turn(&blank), Ok(Some(Turn::Write(0)))));
        assert!(matches!(queue.turn(&blank), Ok(None)));
        // What a stick did not get comes in its old place.
        queue.give_back(3);
        queue.give_back(0);
        assert!(matches!(queue.turn(&content(77, 99)), Ok(Some(Turn::Write(0)))));
        assert!(
            matches!(queue.turn(&content(2, 99)), Ok(Some(Turn::Write(3)))),
            "its new making is on another"
        );
    }
}
