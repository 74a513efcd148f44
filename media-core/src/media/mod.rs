//! Configuration Manager policy: names and rules, no byte layouts.

pub mod boot_configuration;
pub mod boot_image;
pub mod bootstrap_ini;
pub mod chain;
pub mod components;
mod embedded;
pub mod hives;
pub mod identity;
pub mod manifest;
pub mod names;
pub mod password;
pub mod preflight;
pub mod receipt;
pub mod registration;
pub mod root_checks;
pub mod roots;
pub mod signing;
pub mod site_form;
pub mod site_variables;
pub mod store;
pub mod text_files;
pub mod tokens;
pub mod trust;
pub mod validity;
pub mod variables;
