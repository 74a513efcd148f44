//! Hostile boot images, hives and certificate files: a typed error or a correct result, in bounded memory and work.
#![allow(clippy::panic)]

mod bombs;
mod corpora;
mod flips;
mod flips_of_others;
mod measure;
mod wim;
