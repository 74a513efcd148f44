//! A boot image that is on no medium.

use std::sync::Arc;

use super::{VerifyError, VerifyReport, at, wim_report};
use crate::event::Observer;
use crate::finding::Finding;
use crate::hive;
use crate::io::Source;
use crate::media::boot_image::BootImage;
use crate::media::hives::Hives;
use crate::media::roots::{self, RootsError};
use crate::media::trust::TrustError;
use crate::medium::{self, Medium, MediumError};
use crate::spec::BootImageSpec;
use crate::wim::{Image, Wim, WimError};

/// Checks a boot image by itself: everything the WIM file says about itself, whether Windows Boot Manager would start it,
/// and the SOFTWARE hive of every image with its certificate stores.
///
/// # Errors
/// As [`verify`]; [`MediumError::Unknown`] for what is no WIM file.
pub fn verify_boot_image(
    source: Arc<dyn Source>,
    observer: &mut dyn Observer,
) -> Result<VerifyReport, VerifyError> {
    let wim = match medium::open(source.clone())? {
        Medium::Wim(wim) => wim,
        _ => return Err(MediumError::Unknown { len: source.len() }.into()),
    };
    let mut report = wim_report(&wim, observer)?;
    if let Err(error) = BootImage::open(&BootImageSpec::of_medium(source)) {
        let finding = Finding::note("boot-image.would-not-boot", "boot image", error.to_string());
        report.findings.push(finding);
    }
    let (mut hives, mut index) = (Hives::new(&wim), 1);
    // What is wrong with a tree was found already; a header can count four billion images that are not there.
    while let Some(image) = next_image(&wim, index) {
        if let Ok(image) = image {
            check_stores(&mut hives, &image, &mut report);
        }
        index += 1;
    }
    Ok(report)
}

/// An image; `None` behind the last.
fn next_image(wim: &Wim, index: u32) -> Option<Result<Image, WimError>> {
    match wim.image(index) {
        Err(WimError::NoImage { .. }) => None,
        image => Some(image),
    }
}

/// An image without a SOFTWARE hive is no Windows, which is not wrong in itself.
fn check_stores(hives: &mut Hives<'_>, image: &Image, report: &mut VerifyReport) {
    let place = format!("image {}: {}", image.index(), roots::SOFTWARE_HIVE);
    let listed = match roots::software(hives, image) {
        Err(RootsError::NoHive) => return,
        Err(error) => Err(error.to_string()),
        Ok(hive) => {
            let listed = roots::list_in(&hive).map_err(|error| error.to_string());
            let findings = hive::check(&hive.into_bytes());
            report.findings.extend(findings.into_iter().map(|finding| at(&place, finding)));
            listed
        }
    };
    match listed {
        Err(error) => report.findings.push(Finding::error("boot-image.stores", place, error)),
        Ok(listed) => {
            let bad = listed.into_iter().filter_map(|entry| entry.certificate.err());
            let finding = |error: TrustError| {
                Finding::error("boot-image.certificate", place.as_str(), error.to_string())
            };
            report.findings.extend(bad.map(finding));
        }
    }
}
