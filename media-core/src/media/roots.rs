//! Trusted certificates in the SOFTWARE hive of a boot image: adding them, and listing what is there.

use thiserror::Error;

use super::boot_image::BootImage;
use super::store::{Store, TrustedCertificate};
use super::trust::{self, TrustError};
use crate::bytes::to_hex_upper;
use crate::certstore::CertstoreError;
use crate::content::Content;
use crate::hive::{Changed, Hive, HiveError};
use crate::reg_file::REG_BINARY;
use crate::time::Timestamp;
use crate::wim::{Edit, Image, Wim, WimError};
use crate::x509::Certificate;

/// The hive Windows PE reads its certificate stores from.
pub const SOFTWARE_HIVE: &str = r"\Windows\System32\config\SOFTWARE";
/// The largest SOFTWARE hive that is edited; those of full Windows are about 100 MB.
const LARGEST_HIVE: u64 = 512 << 20;
/// The largest log file of it that is read.
const LARGEST_LOG: u64 = 64 << 20;

/// Why certificates could not be added or listed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RootsError {
    /// The boot image has no SOFTWARE hive.
    #[error("{SOFTWARE_HIVE} is not in the boot image")]
    NoHive,
    /// The hive.
    #[error("{SOFTWARE_HIVE}: {0}")]
    Hive(#[from] HiveError),
    /// The WIM file.
    #[error(transparent)]
    Wim(#[from] WimError),
    /// A certificate is too long for the registry.
    #[error(transparent)]
    Blob(#[from] CertstoreError),
}

/// A boot image with certificates added.
pub struct Added {
    /// The boot image's new content: its own bytes as a slice, and what changed.
    pub content: Content,
    /// One line for each certificate, in the order given.
    pub certificates: Vec<AddedCertificate>,
    /// Whether the hive had not been closed and was completed from the log files beside it.
    pub recovered: bool,
}

/// What became of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedCertificate {
    /// The store it is in.
    pub store: Store,
    /// Upper-case SHA-1 of the certificate.
    pub thumbprint: String,
    /// Its subject.
    pub subject: String,
    /// Whether the very same value was there before.
    pub was_there: bool,
}

/// Adds certificates to the image that will boot, and makes that image the file's boot index. Adding what is there
/// changes no byte, unless the hive was not closed: then it is written as its log files complete it.
///
/// # Errors
/// [`RootsError`] when the hive or the WIM file cannot be edited.
pub fn add(image: &BootImage, trusted: &[TrustedCertificate], time: Timestamp) -> Result<Added, RootsError> {
    let mut edit = Edit::new(&image.wim);
    let (mut certificates, mut recovered) = (Vec::new(), false);
    if !trusted.is_empty() {
        let mut hive = read_hive(&image.wim, &image.image)?;
        recovered = hive.was_recovered();
        for entry in trusted {
            certificates.push(add_one(&mut hive, entry, time)?);
        }
        if hive.is_changed() {
            edit = edit.replace(image.index, SOFTWARE_HIVE, hive.into_bytes());
        }
    }
    if image.changes_boot_index {
        edit = edit.boot_index(image.index);
    }
    Ok(Added { content: edit.finish()?, certificates, recovered })
}

fn add_one(
    hive: &mut Hive,
    trusted: &TrustedCertificate,
    time: Timestamp,
) -> Result<AddedCertificate, RootsError> {
    let thumbprint = to_hex_upper(&trusted.certificate.sha1());
    let key = hive.create_key(&key_path(trusted.store, &thumbprint), time)?;
    let blob = trust::store_blob(&trusted.certificate)?;
    let changed = hive.set_value(key, "Blob", REG_BINARY, &blob, time)?;
    let subject = trusted.certificate.subject.text.clone();
    Ok(AddedCertificate { store: trusted.store, thumbprint, subject, was_there: changed == Changed::No })
}

fn key_path(store: Store, thumbprint: &str) -> String {
    format!(r"{}\{thumbprint}", store_path(store))
}

fn store_path(store: Store) -> String {
    format!(r"Microsoft\SystemCertificates\{}\Certificates", store.registry_name())
}

/// One certificate found in a store.
pub struct Listed {
    /// The store it is in.
    pub store: Store,
    /// The key's name: the certificate's SHA-1.
    pub thumbprint: String,
    /// The certificate, or why its value is not one.
    pub certificate: Result<Certificate, TrustError>,
}

/// Lists the certificates in every store of an image.
///
/// # Errors
/// [`RootsError`] when there is no hive or it cannot be read.
pub fn list(wim: &Wim, image: &Image) -> Result<Vec<Listed>, RootsError> {
    Ok(list_in(&read_hive(wim, image)?)?)
}

/// Lists the certificates in every store of a SOFTWARE hive.
///
/// # Errors
/// [`HiveError`] when it cannot be read.
pub fn list_in(hive: &Hive) -> Result<Vec<Listed>, HiveError> {
    let mut listed = Vec::new();
    for store in Store::ALL {
        let Some(key) = hive.find(&store_path(store))? else { continue };
        for (thumbprint, id) in hive.subkeys(key)? {
            let path = key_path(store, &thumbprint);
            let certificate = match hive.value(id, "Blob")? {
                Some(value) => trust::certificate_from_blob(&path, &thumbprint, &value.data),
                None => Err(TrustError::NoBlob { path }),
            };
            listed.push(Listed { store, thumbprint, certificate });
        }
    }
    Ok(listed)
}

/// The hive, completed from the log files beside it if it was not closed.
///
/// The logs stay in the image. Windows does not replay them again: the hive is written with equal sequence numbers and
/// a right checksum, and Windows ignores the logs of such a hive, even entries that would follow (M. Suhanov's "Windows
/// registry file format specification", "Dirty state of a hive"). The number of the next write is higher than that of
/// every entry replayed, so an entry left behind in a log does not continue it either.
fn read_hive(wim: &Wim, image: &Image) -> Result<Hive, RootsError> {
    let bytes = read_file(wim, image, SOFTWARE_HIVE, LARGEST_HIVE)?.ok_or(RootsError::NoHive)?;
    if !Hive::is_dirty(&bytes) {
        return Ok(Hive::open(bytes)?);
    }
    let log = |suffix| read_file(wim, image, &format!("{SOFTWARE_HIVE}{suffix}"), LARGEST_LOG);
    let (first, second) = (log(".LOG1")?, log(".LOG2")?);
    // The only log before Windows Vista. Where there are two it is a dummy.
    let only = if first.is_none() && second.is_none() { log(".LOG")? } else { None };
    let logs = [&first, &second, &only].map(|log| log.as_deref().unwrap_or_default());
    Ok(Hive::open_with_logs(bytes, &logs)?)
}

/// A file of the image; `None` when there is none, or it is empty.
fn read_file(wim: &Wim, image: &Image, path: &str, limit: u64) -> Result<Option<Vec<u8>>, RootsError> {
    let entry = image.find(path).filter(|entry| !entry.is_directory());
    let Some(hash) = entry.and_then(|entry| entry.hash()) else { return Ok(None) };
    Ok(Some(wim.read(&hash, limit)?))
}
