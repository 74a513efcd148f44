//! Registry hives.
