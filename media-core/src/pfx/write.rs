//! Writes PKCS#12 as Windows does: the shrouded key in a plain safe, the certificates in an encrypted one.

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockEncryptMut, KeyIvInit};
use cms::cert::x509::attr::{Attribute, Attributes as BagAttributes};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::encrypted_data::EncryptedData;
use cms::enveloped_data::EncryptedContentInfo;
use const_oid::db::{rfc5911, rfc5912, rfc6268};
use der::asn1::{BmpString, ObjectIdentifier, OctetString, SetOfVec};
use der::{Any, Encode};
use des::TdesEde3;
use hmac::{Hmac, Mac};
use pkcs12::cert_type::CertBag;
use pkcs12::digest_info::DigestInfo;
use pkcs12::kdf::{Pkcs12KeyType, derive_key_utf8};
use pkcs12::mac_data::MacData;
use pkcs12::pbe_params::{EncryptedPrivateKeyInfo, Pkcs12PbeParams};
use pkcs12::pfx::{Pfx, Version};
use pkcs12::safe_bag::SafeBag;
use rand_chacha::ChaCha20Rng;
use rand_core::RngCore;
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use super::{Bundle, PfxError};

/// What Windows uses, for encryption and for the check value.
const ITERATIONS: i32 = 2000;
const ENCRYPTION_SALT_LEN: usize = 8;
const MAC_SALT_LEN: usize = 20;
/// Windows numbers its keys from 1, little-endian.
const LOCAL_KEY_ID: [u8; 4] = [1, 0, 0, 0];
const FRIENDLY_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.20");
const LOCAL_KEY_ID_ATTRIBUTE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.21");
/// `szOID_PKCS_12_KEY_PROVIDER_NAME_ATTR` of wincrypt.h.
const KEY_PROVIDER_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.17.1");

/// What is written beside key and certificates.
#[derive(Debug, Clone, Copy, Default)]
pub struct Attributes<'a> {
    /// The name shown for the key and its certificate.
    pub friendly_name: Option<&'a str>,
    /// The cryptographic service provider Windows imports the key into. Without one it takes a default that, on older
    /// Windows, cannot sign with SHA-256.
    pub key_provider: Option<&'a str>,
}

/// Writes a PKCS#12 file. Equal inputs and random numbers give equal bytes.
///
/// # Errors
/// [`PfxError::Text`] or [`PfxError::Write`].
pub fn write(
    bundle: &Bundle,
    password: &SecretString,
    attributes: Attributes<'_>,
    random: &mut ChaCha20Rng,
) -> Result<Zeroizing<Vec<u8>>, PfxError> {
    let (encryption_algorithm, encrypted) = encrypt(&bundle.private_key, password, random)?;
    let encrypted_key = EncryptedPrivateKeyInfo { encryption_algorithm, encrypted_data: octets(encrypted)? };
    let key_bag = SafeBag {
        bag_id: pkcs12::PKCS_12_PKCS8_KEY_BAG_OID,
        bag_value: encrypted_key.to_der().map_err(failed)?,
        bag_attributes: Some(bag_attributes(attributes)?),
    };
    let key_safe = plain_safe(&[key_bag])?;

    let own = Attributes { key_provider: None, ..attributes };
    let mut certificate_bags = vec![certificate_bag(&bundle.certificate, Some(bag_attributes(own)?))?];
    for certificate in &bundle.chain {
        certificate_bags.push(certificate_bag(certificate, None)?);
    }
    let certificate_safe = encrypted_safe(&certificate_bags, password, random)?;

    let safes = vec![key_safe, certificate_safe].to_der().map_err(failed)?;
    let mac_data = Some(check_value(&safes, password, random)?);
    let pfx = Pfx { version: Version::V3, auth_safe: data(safes)?, mac_data };
    Ok(Zeroizing::new(pfx.to_der().map_err(failed)?))
}

fn failed(error: der::Error) -> PfxError {
    PfxError::Write { reason: error.to_string() }
}

fn octets(bytes: Vec<u8>) -> Result<OctetString, PfxError> {
    OctetString::new(bytes).map_err(failed)
}

fn random_bytes<const N: usize>(random: &mut ChaCha20Rng) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill_bytes(&mut bytes);
    bytes
}

/// RFC 7292 appendices B and C: key and initialisation vector both follow from password and salt.
fn encrypt(
    plain: &[u8],
    password: &SecretString,
    random: &mut ChaCha20Rng,
) -> Result<(AlgorithmIdentifierOwned, Vec<u8>), PfxError> {
    let salt = random_bytes::<ENCRYPTION_SALT_LEN>(random);
    let key = derive(password, &salt, Pkcs12KeyType::EncryptionKey, 24)?;
    let iv = derive(password, &salt, Pkcs12KeyType::Iv, 8)?;
    let cipher = cbc::Encryptor::<TdesEde3>::new_from_slices(&key, &iv)
        .map_err(|error| PfxError::Write { reason: error.to_string() })?;
    let parameters = Pkcs12PbeParams { salt: octets(salt.to_vec())?, iterations: ITERATIONS };
    let algorithm = AlgorithmIdentifierOwned {
        oid: pkcs12::PKCS_12_PBE_WITH_SHAAND3_KEY_TRIPLE_DES_CBC,
        parameters: Some(Any::encode_from(&parameters).map_err(failed)?),
    };
    Ok((algorithm, cipher.encrypt_padded_vec_mut::<Pkcs7>(plain)))
}

fn derive(
    password: &SecretString,
    salt: &[u8],
    purpose: Pkcs12KeyType,
    len: usize,
) -> Result<Zeroizing<Vec<u8>>, PfxError> {
    derive_key_utf8::<Sha1>(password.expose_secret(), salt, purpose, ITERATIONS, len)
        .map(Zeroizing::new)
        .map_err(|_| PfxError::Text { what: "password" })
}

fn check_value(safes: &[u8], password: &SecretString, random: &mut ChaCha20Rng) -> Result<MacData, PfxError> {
    let salt = random_bytes::<MAC_SALT_LEN>(random);
    let key = derive(password, &salt, Pkcs12KeyType::Mac, 20)?;
    let mut mac =
        Hmac::<Sha1>::new_from_slice(&key).map_err(|error| PfxError::Write { reason: error.to_string() })?;
    mac.update(safes);
    Ok(MacData {
        mac: DigestInfo {
            // No parameters, not even NULL: as Windows writes it.
            algorithm: AlgorithmIdentifierOwned { oid: rfc5912::ID_SHA_1, parameters: None },
            digest: octets(mac.finalize().into_bytes().to_vec())?,
        },
        mac_salt: octets(salt.to_vec())?,
        iterations: ITERATIONS,
    })
}

fn certificate_bag(certificate: &[u8], attributes: Option<BagAttributes>) -> Result<SafeBag, PfxError> {
    let bag = CertBag { cert_id: pkcs12::PKCS_12_X509_CERT_OID, cert_value: octets(certificate.to_vec())? };
    Ok(SafeBag {
        bag_id: pkcs12::PKCS_12_CERT_BAG_OID,
        bag_value: bag.to_der().map_err(failed)?,
        bag_attributes: attributes,
    })
}

fn bag_attributes(attributes: Attributes<'_>) -> Result<BagAttributes, PfxError> {
    let text = |text: &str, what| {
        let text = BmpString::from_utf8(text).map_err(|_| PfxError::Text { what })?;
        Any::encode_from(&text).map_err(failed)
    };
    let local_key_id = Any::encode_from(&octets(LOCAL_KEY_ID.to_vec())?).map_err(failed)?;
    let mut values = vec![(LOCAL_KEY_ID_ATTRIBUTE, local_key_id)];
    if let Some(name) = attributes.friendly_name {
        values.push((FRIENDLY_NAME, text(name, "friendly name")?));
    }
    if let Some(provider) = attributes.key_provider {
        values.push((KEY_PROVIDER_NAME, text(provider, "key provider")?));
    }
    let mut set = BagAttributes::new();
    for (oid, value) in values {
        let values = SetOfVec::try_from(vec![value]).map_err(failed)?;
        set.insert(Attribute { oid, values }).map_err(failed)?;
    }
    Ok(set)
}

fn data(bytes: Vec<u8>) -> Result<ContentInfo, PfxError> {
    let content = Any::encode_from(&octets(bytes)?).map_err(failed)?;
    Ok(ContentInfo { content_type: rfc5911::ID_DATA, content })
}

fn plain_safe(bags: &[SafeBag]) -> Result<ContentInfo, PfxError> {
    data(bags.to_vec().to_der().map_err(failed)?)
}

fn encrypted_safe(
    bags: &[SafeBag],
    password: &SecretString,
    random: &mut ChaCha20Rng,
) -> Result<ContentInfo, PfxError> {
    let plain = Zeroizing::new(bags.to_vec().to_der().map_err(failed)?);
    let (content_enc_alg, encrypted) = encrypt(&plain, password, random)?;
    let encrypted = EncryptedData {
        version: CmsVersion::V0,
        enc_content_info: EncryptedContentInfo {
            content_type: rfc5911::ID_DATA,
            content_enc_alg,
            encrypted_content: Some(octets(encrypted)?),
        },
        unprotected_attrs: None,
    };
    let content = Any::encode_from(&encrypted).map_err(failed)?;
    Ok(ContentInfo { content_type: rfc6268::ID_ENCRYPTED_DATA, content })
}
