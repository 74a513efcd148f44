//! The command's process-level suite: what is typed, what is printed, what is left on disk.

mod bad_input;
mod boot_image;
mod description;
mod determinism;
mod fixtures;
mod identity;
mod password;
mod precedence;
mod preflight;
mod resources;
mod secrets;
mod site;
mod support;
mod template;
mod validity;
mod variables;
mod whole;
