//! Certificates as files and as registry values.
