//! What a long operation tells whoever watches it.

/// One thing that happened. The set is closed: a watcher can match all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A step began that the user would recognise, for example `reading the boot image`.
    Step(&'static str),
    /// A step with a known amount of work began.
    Begin {
        /// What is being done.
        what: &'static str,
        /// How many bytes it will take.
        bytes: u64,
    },
    /// This many more bytes of it are done.
    Advance(u64),
    /// It is done.
    End,
}

/// Watches a long operation, and may stop it.
pub trait Observer {
    /// Something happened.
    fn event(&mut self, event: Event);

    /// Whether the operation should stop as soon as it can and undo what it did.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Watches nothing and stops nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn event(&mut self, _: Event) {}
}
