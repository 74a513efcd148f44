//! The manifest: one file in the root that says what a medium is and what every byte of it should be.
//!
//! Its layout is described in `docs/formats.md`, "Manifest".

mod form;
mod wire;

use std::io;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::digest::{CHUNK, Digest};
use crate::media::boot_image::SOURCES_BOOT_WIM;
use crate::media::names::{ManagementPoint, SerialNumber};
use crate::media::store::Store;
use crate::media::validity::{Dated, Kind, Validity};
use crate::spec::{Management, SiteSpec};
use crate::time::Timestamp;

pub use form::VolumeForm;

/// Its path on the medium.
pub const PATH: &str = "tsmedia-manifest.json";
/// Path of its signature, on media that have one.
pub const SIGNATURE_PATH: &str = "tsmedia-manifest.sig";
/// What the boot image is among the inputs.
pub const BOOT_IMAGE: &str = "boot image";
/// The only version of the layout that is read.
const VERSION: u64 = 2;
/// A manifest is refused above this size: it has 150 bytes for each file, and 70 more for each 16 MiB.
pub const LARGEST: u64 = 64 << 20;

/// What a medium is, and what every byte of it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the layout.
    manifest: u64,
    /// What made it: `tsmedia 0.1.0`.
    pub tool: String,
    /// The time stamped on everything.
    pub created: Timestamp,
    /// Who the medium is.
    #[serde(flatten)]
    pub identity: MediumIdentity,
    /// When the medium is valid.
    pub validity: ManifestValidity,
    /// What it was made from, as far as that is no secret.
    pub inputs: Vec<InputEntry>,
    /// The volume, with all that decides its structures.
    pub volume: VolumeForm,
    /// How many bytes of a file or input are hashed together.
    chunk_size: u64,
    /// The tables and folders around the files.
    pub structures: Vec<StructureEntry>,
    /// Every file but this one and its signature, in the order they are laid out.
    pub files: Vec<FileEntry>,
}

/// Who a medium is: what tells it from others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediumIdentity {
    /// The media GUID as the media variables have it.
    pub media_guid: String,
    /// Upper-case SHA-1 of the media certificate.
    pub certificate_thumbprint: String,
    /// The number under which the organisation keeps this medium.
    pub serial_number: Option<SerialNumber>,
    /// The media label.
    pub label: String,
    /// The site and how it is found.
    pub site: ManifestSite,
}

/// The site of a medium.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestSite {
    /// The site code.
    pub code: String,
    /// `site-based` or `dynamic`.
    pub mode: String,
    /// The management points as the media variables have them.
    pub management_points: Vec<String>,
}

impl ManifestSite {
    /// Of a specification.
    pub fn new(site: &SiteSpec) -> Self {
        Self::of(site.code.as_str(), &site.management)
    }

    /// Of a site with these management points.
    pub fn of(code: &str, management: &Management) -> Self {
        let mode = match management {
            Management::SiteBased(_) => "site-based",
            Management::Dynamic(_) => "dynamic",
        };
        let point = |point: &ManagementPoint| point.url().to_owned();
        Self {
            code: code.to_owned(),
            mode: mode.to_owned(),
            management_points: management.points().iter().map(point).collect(),
        }
    }
}

/// What a manifest says of the medium's validity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestValidity {
    /// The first moment it is valid.
    pub from: Option<Timestamp>,
    /// The last moment it is valid.
    pub until: Option<Timestamp>,
    /// The certificates that were given to the boot image.
    pub trusted: Vec<TrustedEntry>,
}

/// A certificate that was given to the boot image, whether it was there before or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedEntry {
    /// Its store.
    pub store: Store,
    /// Upper-case SHA-1.
    pub thumbprint: String,
    /// Its subject.
    pub subject: Option<String>,
    /// The first moment it is valid.
    pub from: Option<Timestamp>,
    /// The last moment it is valid.
    pub until: Option<Timestamp>,
}

impl ManifestValidity {
    /// Of everything on a medium.
    pub fn new(validity: &Validity) -> Self {
        let trusted = validity.things().iter().filter_map(|thing| match &thing.kind {
            Kind::Trusted { store, thumbprint } => Some(TrustedEntry {
                store: *store,
                thumbprint: thumbprint.clone(),
                subject: thing.subject.clone(),
                from: thing.not_before,
                until: thing.not_after,
            }),
            _ => None,
        });
        Self {
            from: validity.from().map(|(start, _)| start),
            until: validity.until().map(|(end, _)| end),
            trusted: trusted.collect(),
        }
    }

    /// Adds what was given to the boot image to what is known of a medium.
    pub fn add_trusted(&self, validity: &mut Validity) {
        for entry in &self.trusted {
            validity.add(Dated {
                kind: Kind::Trusted { store: entry.store, thumbprint: entry.thumbprint.clone() },
                subject: entry.subject.clone(),
                not_before: entry.from,
                not_after: entry.until,
            });
        }
    }
}

/// Something a medium was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputEntry {
    /// What it is: `boot image`, `boot file`, `certificate`.
    pub what: String,
    /// The last part of its file's name, the path on the medium it was given for, or the certificate's subject.
    pub name: String,
    /// Length in bytes.
    pub size: u64,
    /// Its SHA-256.
    #[serde(flatten)]
    pub digest: Digest,
}

/// A table or folder of the volume, or of the disk around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StructureEntry {
    /// Its name in its specification.
    pub label: String,
    /// Bytes from the start of the medium.
    pub offset: u64,
    /// Length in bytes.
    pub size: u64,
    /// Its SHA-256.
    #[serde(flatten)]
    pub digest: Digest,
}

/// One file as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path from the root, `/` between names.
    pub path: String,
    /// Length in bytes.
    pub size: u64,
    /// Its SHA-256.
    #[serde(flatten)]
    pub digest: Digest,
}

/// Why a manifest could not be made or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// A file could not be read to its end.
    #[error("reading {path} for its SHA-256: {error}")]
    Read {
        /// Path on the medium, or name of the input.
        path: String,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The observer asked to stop.
    #[error("stopped while computing checksums")]
    Cancelled,
    /// The manifest is not one.
    #[error("{PATH} is not a manifest: {0}")]
    NotOne(String),
    /// The receipt is not one.
    #[error("not a receipt: {0}")]
    NotAReceipt(String),
}

/// Whether a file may be without a SHA-256: only the boot image, which has checksums of its own.
pub(super) fn may_lack(path: &str) -> bool {
    path == SOURCES_BOOT_WIM
}

impl Manifest {
    /// A manifest that lists nothing yet.
    pub fn new(
        created: Timestamp,
        identity: MediumIdentity,
        validity: &Validity,
        volume: VolumeForm,
    ) -> Self {
        Self {
            manifest: VERSION,
            tool: concat!("tsmedia ", env!("CARGO_PKG_VERSION")).to_owned(),
            created,
            identity,
            validity: ManifestValidity::new(validity),
            inputs: Vec::new(),
            volume,
            chunk_size: CHUNK,
            structures: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`ManifestError::NotOne`] with what is wrong.
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Version {
            manifest: Option<u64>,
        }
        let not_one = |error: serde_json::Error| ManifestError::NotOne(error.to_string());
        let wrong = |what: String| Err(ManifestError::NotOne(what));
        match serde_json::from_slice::<Version>(bytes).map_err(not_one)?.manifest {
            Some(VERSION) => {}
            Some(other) => return wrong(format!("it has version {other}, and this program knows {VERSION}")),
            None => return wrong("it has no version".to_owned()),
        }
        let read: Self = serde_json::from_slice(bytes).map_err(not_one)?;
        if read.chunk_size != CHUNK {
            return wrong(format!("its chunks have {} bytes, expected {CHUNK}", read.chunk_size));
        }
        let files = read.files.iter().map(|file| (&file.path, file.size, &file.digest, may_lack(&file.path)));
        let inputs = read
            .inputs
            .iter()
            .map(|input| (&input.name, input.size, &input.digest, input.what == BOOT_IMAGE));
        let structures = read
            .structures
            .iter()
            .map(|structure| (&structure.label, structure.size, &structure.digest, false));
        for (name, size, digest, may_lack) in files.chain(inputs).chain(structures) {
            if !digest.is_for(size, may_lack) {
                return wrong(format!("{name} has {size} bytes, and {} SHA-256", digest.0.len()));
            }
        }
        Ok(read)
    }

    /// As it is on the medium.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Writing to memory what has text for its only keys cannot fail.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// The entry of a file, ignoring case as Windows does.
    pub fn file(&self, path: &str) -> Option<&FileEntry> {
        self.files.iter().find(|file| file.path.eq_ignore_ascii_case(path))
    }
}
