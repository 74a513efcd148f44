//! Sticks: which disks the user means, and one medium onto all of them at the same time.

pub(crate) mod choose;
mod problem;
mod run;
mod watch;

pub(crate) use choose::{Choice, choose, is_device, problem};
pub(crate) use problem::Problem;
pub(crate) use run::{Done, How, Onto, Outcome, guarded, put, put_one};
pub(crate) use watch::{AWAY, Found, Watch, is_same};
