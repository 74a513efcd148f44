//! Service: certificates in and out of a boot image's stores, what is in it, and what differs between two.
//!
//! Unlike staging it takes any WIM file that can be edited, also one that would not boot.

mod chain;
mod compare;
mod files;
mod info;

use thiserror::Error;

use crate::hive::Hive;
use crate::media::boot_image::Refusal;
use crate::media::chain::ChainError;
use crate::media::hives::Hives;
use crate::media::roots::{self, AddedCertificate, Listed, RemovedCertificate, RootsError};
use crate::media::store::{Store, TrustedCertificate};
use crate::reg_file::{self, RegFileError, RegistryKey};
use crate::time::Timestamp;
use crate::wim::{Compression, Edit, Edited, Wim, WimError};
use crate::x509::{self, Certificate, X509Error};

pub use chain::prove_chain;
pub use compare::{HiveDifference, ImageComparison, compare_images};
pub use files::{FileOutcome, FilesPlan, NewFile, plan_files};
pub use info::{ContentFacts, ImageFacts, WimFacts, wim_facts};

/// Which images of a WIM file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImageChoice {
    /// The one that boots; where none does, the only one there is.
    #[default]
    Boot,
    /// Every one.
    All,
    /// The one with this number, counted from 1.
    Number(u32),
}

/// Why a boot image could not be serviced.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The WIM file.
    #[error(transparent)]
    Wim(#[from] WimError),
    /// Its certificate stores.
    #[error("image {image}: {error}")]
    Roots {
        /// The image.
        image: u32,
        /// What is wrong.
        #[source]
        error: RootsError,
    },
    /// No image boots, and there are several.
    #[error("none of its {images} images is marked bootable, so it has to be said which one is meant")]
    NoBootImage {
        /// How many there are.
        images: u32,
    },
    /// There is no image with this number.
    #[error("image {index} was asked for, but it holds images 1 to {images}")]
    NoSuchImage {
        /// The number asked for.
        index: u32,
        /// How many there are.
        images: u32,
    },
    /// A certificate cannot be written as a registry file.
    #[error(transparent)]
    RegFile(#[from] RegFileError),
    /// A certificate cannot be written as text.
    #[error(transparent)]
    Certificate(#[from] X509Error),
    /// No chain leads from a server's certificate to a root that an image trusts.
    #[error("image {image}: {error}")]
    Chain {
        /// The image.
        image: u32,
        /// The missing link, or the check that failed.
        #[source]
        error: ChainError,
    },
    /// A file that was to be added.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// An image of it is marked bootable, and the boot manager would refuse it.
    #[error("the boot image would not boot: {0}")]
    WouldNotBoot(Refusal),
    /// It is marked read-only, and was to be changed in place.
    #[error("it is marked read-only")]
    ReadOnly,
}

/// A WIM file with changed certificate stores.
pub struct Serviced<T> {
    /// What became of the file.
    pub edited: Edited,
    /// What became of each image, in order.
    pub images: Vec<(u32, T)>,
}

/// The images a choice means, in order.
///
/// # Errors
/// [`ServiceError::NoBootImage`] and [`ServiceError::NoSuchImage`].
pub fn images(wim: &Wim, choice: ImageChoice) -> Result<Vec<u32>, ServiceError> {
    let (images, boot) = (wim.header().image_count, wim.header().boot_index);
    match choice {
        // A header can count four billion images; the first that has no metadata is told as soon as it is read.
        ImageChoice::All => Ok((1..=images.min(wim.described() + 1)).collect()),
        ImageChoice::Number(index) if (1..=images).contains(&index) => Ok(vec![index]),
        ImageChoice::Boot if (1..=images).contains(&boot) => Ok(vec![boot]),
        ImageChoice::Boot if images == 1 => Ok(vec![1]),
        ImageChoice::Boot => Err(ServiceError::NoBootImage { images }),
        ImageChoice::Number(index) => Err(ServiceError::NoSuchImage { index, images }),
    }
}

/// Adds certificates to the stores of images. What they hold already is left alone.
///
/// # Errors
/// [`ServiceError::WouldNotBoot`] for an LZMS file with an image marked bootable, and others when a store or the WIM file
/// cannot be read or edited.
pub fn add_roots(
    wim: &Wim,
    images: &[u32],
    trusted: &[TrustedCertificate],
    time: Timestamp,
) -> Result<Serviced<Vec<AddedCertificate>>, ServiceError> {
    change(wim, images, |hive| roots::add_to(hive, trusted, time))
}

/// Removes certificates, known by their SHA-1 in hexadecimal, from stores of images.
///
/// # Errors
/// As [`add_roots`].
pub fn remove_roots(
    wim: &Wim,
    images: &[u32],
    stores: &[Store],
    thumbprints: &[String],
    time: Timestamp,
) -> Result<Serviced<Vec<RemovedCertificate>>, ServiceError> {
    change(wim, images, |hive| roots::remove_from(hive, stores, thumbprints, time))
}

/// Lists the certificates in the stores of images.
///
/// # Errors
/// [`ServiceError`] when a store cannot be read.
pub fn list_roots(wim: &Wim, images: &[u32]) -> Result<Vec<(u32, Vec<Listed>)>, ServiceError> {
    let mut hives = Hives::new(wim);
    let mut one = |index: u32| {
        let hive = roots::software(&mut hives, &wim.image(index)?);
        let listed = hive.and_then(|hive| Ok(roots::list_in(&hive)?));
        Ok((index, listed.map_err(|error| ServiceError::Roots { image: index, error })?))
    };
    images.iter().map(|index| one(*index)).collect()
}

/// The certificates in stores of images as a file for the registry editor, with every property Windows keeps of them.
/// What several images have in common is in it once.
///
/// # Errors
/// [`ServiceError`] when a store cannot be read.
pub fn export_reg(wim: &Wim, images: &[u32], stores: &[Store]) -> Result<Vec<u8>, ServiceError> {
    let (mut keys, mut hives): (Vec<RegistryKey>, _) = (Vec::new(), Hives::new(wim));
    for index in images.iter().copied() {
        let failed = |error| ServiceError::Roots { image: index, error };
        let hive = roots::software(&mut hives, &wim.image(index)?).map_err(failed)?;
        let of_image = roots::registry_keys(&hive, stores).map_err(|error| failed(error.into()))?;
        keys.extend(of_image.into_iter().filter(|key| !keys.contains(key)).collect::<Vec<_>>());
    }
    Ok(reg_file::write(&keys)?)
}

/// The certificates in stores of images in Base64 between lines that say so (RFC 7468), each once. What is no certificate
/// is left out.
///
/// # Errors
/// [`ServiceError`] when a store cannot be read.
pub fn export_pem(wim: &Wim, images: &[u32], stores: &[Store]) -> Result<String, ServiceError> {
    let mut certificates: Vec<Certificate> = Vec::new();
    for (_, listed) in list_roots(wim, images)? {
        for entry in listed.into_iter().filter(|entry| stores.contains(&entry.store)) {
            certificates.extend(entry.certificate.ok().filter(|found| !certificates.contains(found)));
        }
    }
    Ok(x509::to_pem(&certificates)?)
}

/// Refuses a WIM file that asks not to be changed.
///
/// # Errors
/// [`ServiceError::ReadOnly`].
pub fn check_changeable(wim: &Wim) -> Result<(), ServiceError> {
    if wim.header().is_read_only() { Err(ServiceError::ReadOnly) } else { Ok(()) }
}

fn change<T>(
    wim: &Wim,
    images: &[u32],
    mut edit_hive: impl FnMut(&mut Hive) -> Result<T, RootsError>,
) -> Result<Serviced<T>, ServiceError> {
    // Its certificates would be of no use: what is marked to boot would not.
    if wim.header().boot_index != 0 && wim.header().compression == Compression::Lzms {
        return Err(ServiceError::WouldNotBoot(Refusal::Lzms));
    }
    let (mut edit, mut changed, mut hives) = (Edit::new(wim), Vec::new(), Hives::new(wim));
    for index in images.iter().copied() {
        let failed = |error| ServiceError::Roots { image: index, error };
        let result;
        (edit, result) =
            roots::change(edit, &mut hives, &wim.image(index)?, &mut edit_hive).map_err(failed)?;
        changed.push((index, result));
    }
    Ok(Serviced { edited: edit.edited()?, images: changed })
}
