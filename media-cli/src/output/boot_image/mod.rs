//! What `tsmedia boot-image` prints.

pub mod compared;
pub mod files;
pub mod info;
pub mod roots;
