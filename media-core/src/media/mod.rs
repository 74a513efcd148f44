//! Configuration Manager policy: names and rules, no byte layouts.

pub mod boot_configuration;
pub mod boot_image;
pub mod bootstrap_file;
pub mod chain;
pub mod components;
pub mod identity;
pub mod manifest;
pub mod names;
pub mod root_checks;
pub mod roots;
pub mod site_variables;
pub mod store;
pub mod text_files;
pub mod trust;
pub mod variables;
