//! Builds, inspects and verifies bootable task sequence media for Microsoft Configuration Manager.
//!
//! One sentence holds the whole crate: **what → which files → where → write.** A [`MediaSpec`] is staged
//! into a [`Tree`], the tree is planned onto addresses ([`Plan`]), the plan is written to a [`Sink`], and
//! anything written can be verified. See `ARCHITECTURE.md` for the invariants.
#![forbid(unsafe_op_in_unsafe_fn)]

// Ground: knows no format.
mod budget;
pub mod bytes;
pub mod content;
pub mod digest;
pub mod env;
pub mod event;
pub mod finding;
pub mod io;
pub mod layout;
pub mod time;

// Formats: bytes, and nothing of Configuration Manager or of each other.
pub mod certstore;
pub mod disk;
pub mod fat32;
pub mod hive;
pub mod iso;
pub mod pe;
pub mod pfx;
pub mod reg_file;
pub mod sealed;
pub mod wim;
pub mod x509;
pub mod zip_file;

// Configuration Manager policy: names and rules, no byte layouts.
pub mod media;

// Verbs.
pub mod donor;
mod inspect;
mod medium;
mod origin;
mod personalise;
mod plan;
mod preflight;
mod rework;
mod seal;
pub mod service;
mod spec;
mod stage;
mod transfer;
mod tree;
mod verify;
mod write;

// The public interface is:
pub use donor::{Donor, DonorError};
pub use inspect::{
    BootConfigurationError, BootImageFacts, BootManagerFacts, CertificateFacts, InspectError, Inspection,
    VariablesFacts, VolumeFacts, inspect, inspect_variables,
};
pub use medium::{Listing, Medium, MediumError, MediumFile, open};
pub use origin::OriginError;
pub use personalise::{
    Original, Personal, PersonalCertificate, PersonalManagement, PersonaliseError, Personalised,
};
pub use plan::{Extent, Plan, PlanError, PlannedFile, plan};
pub use preflight::{look_into_boot_image, preflight_facts};
pub use rework::journal::pending;
pub use rework::{Changes, Journal, Patch, Replacement, Rework, ReworkError, rework};
pub use seal::{Made, MakeError, SealError, Sealed, complete, draft, input_digests, make, read_ahead, seal};
pub use spec::{
    BootConfigurationChoice, BootImageSpec, BootManagerChoice, Form, Management, MediaOptions, MediaSpec,
    MediumPartition, Prestart, SiteSpec, UnknownComputers, UserDeviceAffinity, VariablesForm,
};
pub use stage::{BootConfigurationOrigin, StageError, StageReport, Staged, stage};
pub use transfer::{Transfer, TransferError, UpdateError, Whole};
pub use tree::{Tree, TreeFile, TreeInput, VolumeIds};
pub use verify::{Signature, Trust, VerifyError, VerifyReport, verify, verify_boot_image, verify_raw};
pub use write::{
    StickError, StickImage, WriteError, Written, amend, change, finish, read_back, withdraw, write,
    write_stick,
};

#[cfg(test)]
mod referee;
