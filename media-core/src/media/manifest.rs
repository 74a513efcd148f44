//! The manifest: one file in the root that names every other file with its size and SHA-256.
//!
//! Its layout is described in `docs/formats.md`, "Manifest". It is not signed yet.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::bytes::to_hex_lower;
use crate::event::{Event, Observer};
use crate::io::Source;
use crate::media::store::Store;
use crate::media::validity::{Kind, Validity};
use crate::time::Timestamp;
use crate::tree::Tree;

/// Its path on the medium.
pub const PATH: &str = "tsmedia-manifest.json";
/// The only version of the layout there is.
const VERSION: u64 = 1;
/// A manifest is refused above this size: it is 150 bytes for each file.
pub const LARGEST: u64 = 64 << 20;

/// One file as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestFile {
    /// Path from the root, `/` between names.
    pub path: String,
    /// Length in bytes.
    pub size: u64,
    /// Lower-case hexadecimal SHA-256.
    pub sha256: String,
}

/// Why a manifest could not be made or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// A file could not be read to its end.
    #[error("reading {path} for its SHA-256: {error}")]
    Read {
        /// Path on the medium.
        path: String,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
    /// The observer asked to stop.
    #[error("stopped while computing checksums")]
    Cancelled,
    /// The manifest is not one.
    #[error("{PATH} is not a manifest: {0}")]
    NotOne(String),
}

/// The manifest of a tree. Without an observer nothing is read: every SHA-256 is zero, and the length is the same.
///
/// # Errors
/// [`ManifestError`] when a file cannot be read or the observer asks to stop.
pub fn manifest(tree: &Tree, mut observer: Option<&mut dyn Observer>) -> Result<Vec<u8>, ManifestError> {
    // A manifest cannot name itself.
    let files = || tree.files.iter().filter(|file| file.path != PATH);
    if let Some(observer) = observer.as_deref_mut() {
        let bytes = files().map(|file| file.content.len()).sum();
        observer.event(Event::Begin { what: "computing checksums", bytes });
    }
    let mut listed = Vec::new();
    for file in files() {
        let sha256 = match observer.as_deref_mut() {
            Some(observer) => sha256(&file.content, &file.path, observer)?,
            None => [0; 32],
        };
        listed
            .push(json!({ "path": file.path, "size": file.content.len(), "sha256": to_hex_lower(&sha256) }));
    }
    if let Some(observer) = observer {
        observer.event(Event::End);
    }
    let value = json!({
        "manifest": VERSION,
        "tool": concat!("tsmedia ", env!("CARGO_PKG_VERSION")),
        "created": tree.time.to_string(),
        "label": tree.label.as_str(),
        "validity": validity(&tree.validity),
        "files": listed,
    });
    Ok(format!("{value:#}\n").into_bytes())
}

/// When the medium is valid, and which certificates were given to its boot image.
fn validity(validity: &Validity) -> Value {
    let trusted = validity.things().iter().filter_map(|thing| match &thing.kind {
        Kind::Trusted { store, thumbprint } => {
            Some(json!({ "store": store.registry_name(), "thumbprint": thumbprint }))
        }
        _ => None,
    });
    json!({
        "from": validity.from().map(|(start, _)| start.to_string()),
        "until": validity.until().map(|(end, _)| end.to_string()),
        "trusted": trusted.collect::<Vec<_>>(),
    })
}

/// What a manifest says of the medium's validity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestValidity {
    /// The last moment it is valid.
    pub until: Option<Timestamp>,
    /// Store and upper-case SHA-1 of each certificate that was given to the boot image.
    pub trusted: Vec<(Store, String)>,
}

/// Reads what a manifest says of the medium's validity, when it is a manifest and does.
pub fn read_validity(bytes: &[u8]) -> Option<ManifestValidity> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let validity = (value["manifest"].as_u64() == Some(VERSION)).then(|| &value["validity"])?;
    let one = |entry: &Value| {
        let store = Store::from_registry_name(entry["store"].as_str()?)?;
        Some((store, entry["thumbprint"].as_str()?.to_owned()))
    };
    Some(ManifestValidity {
        until: validity["until"].as_str().and_then(Timestamp::parse),
        trusted: validity["trusted"].as_array()?.iter().map(one).collect::<Option<_>>()?,
    })
}

/// Reads a manifest.
///
/// # Errors
/// [`ManifestError::NotOne`] with what is wrong.
pub fn read(bytes: &[u8]) -> Result<Vec<ManifestFile>, ManifestError> {
    let wrong = |what: &str| ManifestError::NotOne(what.to_owned());
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| ManifestError::NotOne(error.to_string()))?;
    match value["manifest"].as_u64() {
        Some(VERSION) => {}
        Some(other) => {
            return Err(ManifestError::NotOne(format!("it has version {other}, and this program knows 1")));
        }
        None => return Err(wrong("it has no version")),
    }
    let files = value["files"].as_array().ok_or_else(|| wrong("it lists no files"))?;
    let one = |file: &Value| {
        let sha256 = file["sha256"].as_str().filter(|text| text.len() == 64)?;
        let path = file["path"].as_str()?;
        Some(ManifestFile { path: path.to_owned(), size: file["size"].as_u64()?, sha256: sha256.to_owned() })
    };
    files
        .iter()
        .map(one)
        .collect::<Option<_>>()
        .ok_or_else(|| wrong("a file lacks its path, size or SHA-256"))
}

/// A manifest with another size and SHA-256 for some of its files: path, size, lower-case hexadecimal.
///
/// # Errors
/// [`ManifestError::NotOne`] with what is wrong.
pub fn with_files(bytes: &[u8], files: &[(String, u64, String)]) -> Result<Vec<u8>, ManifestError> {
    let mut value: Value =
        serde_json::from_slice(bytes).map_err(|error| ManifestError::NotOne(error.to_string()))?;
    let listed = value["files"].as_array_mut();
    for file in listed.into_iter().flatten() {
        let found = files.iter().find(|(path, ..)| file["path"].as_str() == Some(path));
        if let Some((_, size, sha256)) = found {
            file["size"] = json!(size);
            file["sha256"] = json!(sha256);
        }
    }
    Ok(format!("{value:#}\n").into_bytes())
}

/// The SHA-256 of a whole source, read once in large pieces.
///
/// # Errors
/// [`ManifestError`] when it cannot be read or the observer asks to stop.
pub fn sha256(
    source: &dyn Source,
    path: &str,
    observer: &mut dyn Observer,
) -> Result<[u8; 32], ManifestError> {
    let (mut digest, mut offset, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    while offset < source.len() {
        if observer.cancelled() {
            return Err(ManifestError::Cancelled);
        }
        let count = buffer.len().min(usize::try_from(source.len() - offset).unwrap_or(usize::MAX));
        let read = source.read_exact_at(offset, &mut buffer[..count]);
        read.map_err(|error| ManifestError::Read { path: path.to_owned(), error })?;
        digest.update(&buffer[..count]);
        offset += count as u64;
        observer.event(Event::Advance(count as u64));
    }
    Ok(digest.finalize().into())
}
