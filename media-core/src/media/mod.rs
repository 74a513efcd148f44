//! Configuration Manager policy.
