//! Exported registry files.
