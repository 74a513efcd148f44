//! Support for the suites: examiners we did not write, real-world corpora, fabricated boot images and firmware in QEMU.
//!
//! Nothing here is shared with the product's own format modules, so that what it makes can be set against them.
// A suite's helper reports a failure the way a suite does.
#![allow(clippy::panic)]

pub mod boot_image;
pub mod certificate;
pub mod corpora;
pub mod dirty_hive;
pub mod grub;
pub mod guest;
pub mod medium;
pub mod nbd;
pub mod qemu;
pub mod referee;
pub mod signing;
pub mod windows;
pub mod zip;
