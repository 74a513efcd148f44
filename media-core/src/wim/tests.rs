//! Tests of the WIM module.
