//! Progress on a terminal, and the user's wish to stop.

use std::io::IsTerminal;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use media_core::event::{Event, Observer};

use crate::interrupt::Interruption;

const TICK: std::time::Duration = std::time::Duration::from_millis(120);

/// Shows what is being done, how much of it is done and how long it will take; silent where nobody looks.
pub struct Progress {
    bar: ProgressBar,
    interruption: Interruption,
}

impl Progress {
    /// Progress on standard error when it is a terminal and the user did not ask for quiet.
    pub fn new(quiet: bool, interruption: Interruption) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bar: ProgressBar::with_draw_target(None, target), interruption }
    }

    /// Takes the progress off the screen.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Observer for Progress {
    fn event(&mut self, event: Event) {
        match event {
            Event::Step(what) => {
                self.bar.reset();
                self.bar.unset_length();
                set_style(&self.bar, "{spinner} {msg} …");
                self.bar.set_message(what);
                self.bar.enable_steady_tick(TICK);
            }
            Event::Begin { what, bytes } => {
                measure(&self.bar, what, bytes);
                self.bar.enable_steady_tick(TICK);
            }
            Event::Advance(bytes) => self.bar.inc(bytes),
            Event::End => self.bar.disable_steady_tick(),
        }
    }

    fn cancelled(&self) -> bool {
        self.interruption.asked()
    }
}

/// Progress of several things at the same time, a line for each.
pub struct Many {
    bars: MultiProgress,
    shown: bool,
    quiet: bool,
}

impl Many {
    /// Progress on standard error when it is a terminal and the user did not ask for quiet.
    pub fn new(quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        Self { bars: MultiProgress::new(), shown, quiet }
    }

    /// The line of one of them.
    pub fn one(&self, name: &str, interruption: Interruption) -> One {
        let bar = if self.shown { self.bars.add(ProgressBar::new_spinner()) } else { ProgressBar::hidden() };
        set_style(&bar, "{prefix}{msg} …");
        bar.set_prefix(format!("{name} "));
        One { bar, interruption }
    }

    /// Says something above them, unless the user asked for quiet.
    pub fn say(&self, line: &str) {
        if self.shown {
            let _ = self.bars.println(line);
        } else if !self.quiet {
            crate::eprint(&format!("{line}\n"));
        }
    }

    /// Takes the progress off the screen.
    pub fn clear(&self) {
        let _ = self.bars.clear();
    }
}

/// One of many.
pub struct One {
    bar: ProgressBar,
    interruption: Interruption,
}

impl Observer for One {
    fn event(&mut self, event: Event) {
        match event {
            Event::Step(what) => self.bar.set_message(what),
            Event::Begin { what, bytes } => measure(&self.bar, what, bytes),
            Event::Advance(bytes) => self.bar.inc(bytes),
            Event::End => {}
        }
    }

    fn cancelled(&self) -> bool {
        self.interruption.asked()
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Shows how much of a known amount of work is done, behind what the bar is prefixed with.
fn measure(bar: &ProgressBar, what: &'static str, bytes: u64) {
    bar.reset();
    bar.set_length(bytes);
    set_style(
        bar,
        "{prefix}{msg} [{wide_bar:.}] {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left",
    );
    bar.set_message(what);
}

fn set_style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
}
