//! Whether a server's certificate chains to a root that images trust.

use super::ServiceError;
use crate::bytes::to_hex_upper;
use crate::media::chain::{self, Chain, ChainRequest, KnownCertificate};
use crate::media::hives::Hives;
use crate::media::roots::{self, Listed};
use crate::media::store::Store;
use crate::reg_file::{REG_BINARY, RegistryKey};
use crate::time::Timestamp;
use crate::wim::{Image, Wim};
use crate::x509::Certificate;

/// Proves for each image that a server's certificate chains to a root in its stores. `server` is what is in the server's
/// file, intermediates included.
///
/// # Errors
/// [`ServiceError::Chain`] with the missing link or the check that failed, and [`ServiceError::Roots`].
pub fn prove_chain(
    wim: &Wim,
    images: &[u32],
    server: &[Certificate],
    host: Option<&str>,
    time: Timestamp,
) -> Result<Vec<(u32, Chain)>, ServiceError> {
    let mut hives = Hives::new(wim);
    let mut one = |image: u32| {
        let stores = known_certificates(&mut hives, &wim.image(image)?)?;
        let request = ChainRequest { server, stores: &stores, host, time };
        let proven = chain::prove(&request);
        Ok((image, proven.map_err(|error| ServiceError::Chain { image, error })?))
    };
    images.iter().map(|image| one(*image)).collect()
}

/// The certificates in an image's stores with what limits them there. What is no certificate helps no chain.
fn known_certificates(hives: &mut Hives<'_>, image: &Image) -> Result<Vec<KnownCertificate>, ServiceError> {
    let failed = |error| ServiceError::Roots { image: image.index(), error };
    let hive = roots::software(hives, image).map_err(failed)?;
    let listed = roots::list_in(&hive).map_err(|error| failed(error.into()))?;
    let mut known = Vec::new();
    for store in Store::ALL {
        let keys = roots::registry_keys(&hive, &[store]).map_err(|error| failed(error.into()))?;
        let of_store = listed.iter().filter(|entry| entry.store == store);
        known.extend(of_store.filter_map(|entry: &Listed| {
            let certificate = entry.certificate.as_ref().ok()?.clone();
            let name = to_hex_upper(&certificate.sha1());
            Some(KnownCertificate::new(store, certificate, blob(&keys, &name)))
        }));
    }
    Ok(known)
}

/// The value of the key named after a certificate.
fn blob<'a>(keys: &'a [RegistryKey], thumbprint: &str) -> Option<&'a [u8]> {
    let key = keys
        .iter()
        .find(|key| key.path.rsplit('\\').next().is_some_and(|name| name.eq_ignore_ascii_case(thumbprint)))?;
    let is_blob =
        |name: &Option<String>| name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case("Blob"));
    let value = key.values.iter().find(|value| is_blob(&value.name) && value.kind == REG_BINARY)?;
    Some(&value.data)
}
