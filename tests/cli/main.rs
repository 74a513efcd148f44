//! The command's process-level suite: what is typed, what is printed, what is left on disk.

mod bad_input;
mod boot_image;
mod description;
mod determinism;
mod fixtures;
mod precedence;
mod resources;
mod support;
mod template;
mod variables;
mod whole;
