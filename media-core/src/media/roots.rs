//! Trusted certificates in the SOFTWARE hive of a boot image: adding them, and listing what is there.

use thiserror::Error;

use super::boot_image::BootImage;
use super::hives::{Hives, HivesError};
use super::store::{Store, TrustedCertificate};
use super::trust::{self, TrustError};
use crate::bytes::to_hex_upper;
use crate::certstore::{self, CertstoreError};
use crate::content::Content;
use crate::hive::{Hive, HiveError, Value};
use crate::reg_file::{REG_BINARY, RegistryKey, RegistryValue};
use crate::time::Timestamp;
use crate::wim::{Edit, Image, Wim, WimError};
use crate::x509::Certificate;

/// The hive Windows PE reads its certificate stores from.
pub const SOFTWARE_HIVE: &str = r"\Windows\System32\config\SOFTWARE";
/// Where a running Windows has that hive.
const EXPORTED_ROOT: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE";
/// The value of a certificate's key.
const BLOB: &str = "Blob";
/// The most certificates that are listed. The stores of full Windows have about 1 MB.
const MOST_BYTES: usize = 4 << 20;

/// Why certificates could not be added or listed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RootsError {
    /// The boot image has no SOFTWARE hive.
    #[error("{SOFTWARE_HIVE} is not in the boot image")]
    NoHive,
    /// Its SOFTWARE hive has no bytes.
    #[error("{SOFTWARE_HIVE} is empty")]
    EmptyHive,
    /// Its SOFTWARE hive is encrypted, or a folder or a link.
    #[error("{SOFTWARE_HIVE} is {kind}, not a file that can be read")]
    NotPlain {
        /// `encrypted (EFS)`, `a folder` or `a reparse point`.
        kind: &'static str,
    },
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

impl From<HivesError> for RootsError {
    fn from(error: HivesError) -> Self {
        match error {
            HivesError::NotThere => Self::NoHive,
            HivesError::Empty => Self::EmptyHive,
            HivesError::NotPlain { kind } => Self::NotPlain { kind },
            HivesError::Hive(error) => Self::Hive(error),
            HivesError::Wim(error) => Self::Wim(error),
        }
    }
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
    /// Whether the store held it before; then its value was left alone, whatever properties it has.
    pub was_there: bool,
}

/// Adds certificates to the image that will boot, makes that image the file's boot index, and has the header lead to it.
/// Adding what is there changes no byte of a WIM file that boots, unless the hive was not closed: then it is written as
/// its log files complete it. Without a hive nothing is added.
///
/// # Errors
/// [`RootsError`] when the hive or the WIM file cannot be edited.
pub fn add(
    image: &BootImage,
    hive: Option<Hive>,
    trusted: &[TrustedCertificate],
    time: Timestamp,
) -> Result<Added, RootsError> {
    let mut edit = Edit::new(&image.wim);
    let (mut certificates, mut recovered) = (Vec::new(), false);
    if let Some(hive) = hive {
        (edit, (recovered, certificates)) = change_opened(edit, hive, &image.image, |hive| {
            Ok((hive.was_recovered(), add_to(hive, trusted, time)?))
        })?;
    }
    let content = edit.boot_index(image.index).finish()?;
    Ok(Added { content, certificates, recovered })
}

/// Adds certificates to a SOFTWARE hive. One that its store holds already is left as it is: Windows keeps there what else
/// it knows of it, such as the purposes it is restricted to. Otherwise it goes in with the value it came in, if it did.
///
/// # Errors
/// [`RootsError`] when the hive cannot be read or edited.
pub fn add_to(
    hive: &mut Hive,
    trusted: &[TrustedCertificate],
    time: Timestamp,
) -> Result<Vec<AddedCertificate>, RootsError> {
    let add = |entry: &TrustedCertificate| {
        // Given both alone and in a value, it is the value that says more.
        let same = |other: &&TrustedCertificate| {
            other.store == entry.store && other.certificate == entry.certificate
        };
        let blob = trusted.iter().filter(same).find_map(|other| other.blob.as_deref());
        add_one(hive, entry, blob, time)
    };
    trusted.iter().map(add).collect()
}

fn add_one(
    hive: &mut Hive,
    trusted: &TrustedCertificate,
    blob: Option<&[u8]>,
    time: Timestamp,
) -> Result<AddedCertificate, RootsError> {
    let thumbprint = to_hex_upper(&trusted.certificate.sha1());
    let path = key_path(trusted.store, &thumbprint);
    let was_there = holds(hive, &path, &trusted.certificate)?;
    if !was_there {
        let key = hive.create_key(&path, time)?;
        let blob = match blob {
            Some(blob) => blob.to_vec(),
            None => trust::store_blob(&trusted.certificate, &[])?,
        };
        hive.set_value(key, BLOB, REG_BINARY, &blob, time)?;
    }
    let subject = trusted.certificate.subject.text.clone();
    Ok(AddedCertificate { store: trusted.store, thumbprint, subject, was_there })
}

/// Whether a key has a readable value with this certificate, in any order of properties.
fn holds(hive: &Hive, path: &str, certificate: &Certificate) -> Result<bool, HiveError> {
    let Some(key) = hive.find(path)? else { return Ok(false) };
    let Some(value) = hive.value(key, BLOB)? else { return Ok(false) };
    let element = certstore::parse(&value.data);
    Ok(value.kind == REG_BINARY && element.is_ok_and(|element| element.der == certificate.der()))
}

/// What became of one certificate that was to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedCertificate {
    /// The store it was in.
    pub store: Store,
    /// The key's name: the certificate's SHA-1.
    pub thumbprint: String,
}

/// Removes certificates from the stores of a SOFTWARE hive, known by their SHA-1 in hexadecimal; says which were there.
/// Whatever the key holds goes, readable or not.
///
/// # Errors
/// [`RootsError`] when the hive cannot be read or edited.
pub fn remove_from(
    hive: &mut Hive,
    stores: &[Store],
    thumbprints: &[String],
    time: Timestamp,
) -> Result<Vec<RemovedCertificate>, RootsError> {
    let mut removed = Vec::new();
    for (store, thumbprint) in
        stores.iter().flat_map(|store| thumbprints.iter().map(move |name| (*store, name)))
    {
        if let Some(key) = hive.find(&key_path(store, thumbprint))? {
            hive.delete_key(key, time)?;
            removed.push(RemovedCertificate { store, thumbprint: thumbprint.to_uppercase() });
        }
    }
    Ok(removed)
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
    Ok(list_in(&hive(wim, image)?)?)
}

/// Lists the certificates in every store of a SOFTWARE hive.
///
/// # Errors
/// [`HiveError`] when it cannot be read.
pub fn list_in(hive: &Hive) -> Result<Vec<Listed>, HiveError> {
    let mut listed = Vec::new();
    let mut left = MOST_BYTES;
    for store in Store::ALL {
        let Some(key) = hive.find(&store_path(store))? else { continue };
        for (thumbprint, id) in hive.subkeys(key)? {
            let path = key_path(store, &thumbprint);
            let certificate = match hive.value(id, BLOB)? {
                Some(value) => {
                    spend(&mut left, value.data.len())?;
                    trust::certificate_from_blob(&path, &thumbprint, &value.data)
                }
                None => Err(TrustError::NoBlob { path }),
            };
            listed.push(Listed { store, thumbprint, certificate });
        }
    }
    Ok(listed)
}

/// Takes a value's bytes off what may be listed: a hive can name one value in thousands of keys.
fn spend(left: &mut usize, len: usize) -> Result<(), HiveError> {
    *left = left.checked_sub(len).ok_or(HiveError::TooLarge {
        what: "a list of all certificates",
        size: (MOST_BYTES - *left + len) as u64,
        limit: MOST_BYTES as u64,
    })?;
    Ok(())
}

/// The keys of certificates in stores of a SOFTWARE hive with all their values, as the registry editor shows them while
/// that Windows runs.
///
/// # Errors
/// [`HiveError`] when a key or value cannot be read.
pub fn registry_keys(hive: &Hive, stores: &[Store]) -> Result<Vec<RegistryKey>, HiveError> {
    let mut keys = Vec::new();
    let mut left = MOST_BYTES;
    for store in stores {
        let Some(key) = hive.find(&store_path(*store))? else { continue };
        for (thumbprint, id) in hive.subkeys(key)? {
            let mut values = Vec::new();
            for info in hive.values(id)? {
                let Some(Value { kind, data }) = hive.value(id, &info.name)? else { continue };
                spend(&mut left, data.len())?;
                let name = Some(info.name).filter(|name| !name.is_empty());
                values.push(RegistryValue { name, kind, data, delete: false });
            }
            let path = format!(r"{EXPORTED_ROOT}\{}", key_path(*store, &thumbprint));
            keys.push(RegistryKey { path, delete: false, values });
        }
    }
    Ok(keys)
}

/// The SOFTWARE hive of an image, completed from the log files beside it if it was not closed.
///
/// # Errors
/// [`RootsError`] when there is none or it cannot be read.
pub fn hive(wim: &Wim, image: &Image) -> Result<Hive, RootsError> {
    software(&mut Hives::new(wim), image)
}

/// The same of one image after the other, so that all of them together are no larger than one may be.
///
/// # Errors
/// As [`hive`].
pub fn software(hives: &mut Hives<'_>, image: &Image) -> Result<Hive, RootsError> {
    Ok(hives.read(image, SOFTWARE_HIVE)?)
}

/// Adds to an edit what becomes of the SOFTWARE hive of an image, where anything does.
///
/// # Errors
/// As [`hive`], and whatever `change` says.
pub fn change<'a, T>(
    edit: Edit<'a>,
    hives: &mut Hives<'_>,
    image: &Image,
    change: impl FnOnce(&mut Hive) -> Result<T, RootsError>,
) -> Result<(Edit<'a>, T), RootsError> {
    change_opened(edit, software(hives, image)?, image, change)
}

fn change_opened<'a, T>(
    edit: Edit<'a>,
    mut hive: Hive,
    image: &Image,
    change: impl FnOnce(&mut Hive) -> Result<T, RootsError>,
) -> Result<(Edit<'a>, T), RootsError> {
    let result = change(&mut hive)?;
    if !hive.is_changed() {
        return Ok((edit, result));
    }
    let edit = match hive.into_written() {
        // Of the old one only the chunks that were written to are decoded again.
        (bytes, Some(written)) => edit.replace_written(image.index(), SOFTWARE_HIVE, bytes, written),
        (bytes, None) => edit.replace(image.index(), SOFTWARE_HIVE, bytes),
    };
    Ok((edit.knowing_image(image.clone()), result))
}

#[cfg(test)]
#[path = "roots_tests.rs"]
mod tests;
