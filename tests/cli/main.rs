//! The command's process-level suite: what is typed, what is printed, what is left on disk.

mod bad_input;
mod batch;
mod boot_image;
mod description;
mod determinism;
mod fixtures;
mod identity;
mod killed;
mod letter;
mod other_system;
mod password;
mod precedence;
mod preflight;
mod proof;
mod resources;
mod secrets;
mod site;
mod sticks;
mod support;
mod template;
mod validity;
mod variables;
mod whole;
mod workers;
