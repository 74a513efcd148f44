//! Configuration Manager policy.

pub mod identity;
pub mod trust;
pub mod variables;
