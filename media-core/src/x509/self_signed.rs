//! A self-signed certificate and its key. Equal requests and random numbers give equal bytes.

use std::time::Duration;

use der::asn1::{GeneralizedTime, ObjectIdentifier, SetOfVec, UtcTime, Utf8StringRef};
use der::referenced::OwnedToRef;
use der::{Any, Encode};
use rand_chacha::ChaCha20Rng;
use rand_core::RngCore;
use rsa::RsaPrivateKey;
use rsa::pkcs1v15::{Signature, SigningKey};
use rsa::pkcs8::EncodePrivateKey;
use sha2::Sha256;
use spki::SubjectPublicKeyInfoOwned;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::builder::{Builder, CertificateBuilder, Profile};
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier};
use x509_cert::name::{RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::{Time, Validity};
use zeroize::Zeroizing;

use super::{Certificate, X509Error};
use crate::time::Timestamp;

const KEY_BITS: std::ops::RangeInclusive<usize> = 1024..=8192;
/// The last year `UTCTime` is used for (RFC 5280 section 4.1.2.5).
const LAST_UTC_TIME_YEAR: i32 = 2049;

/// What the certificate should say.
#[derive(Debug, Clone, Copy)]
pub struct SelfSignedRequest<'a> {
    /// The subject's and issuer's common name.
    pub common_name: &'a str,
    /// The first moment it is valid.
    pub not_before: Timestamp,
    /// The last moment it is valid.
    pub not_after: Timestamp,
    /// Length of the RSA key in bits, 1024 to 8192.
    pub key_bits: usize,
    /// Extended key usages, as dotted object identifiers.
    pub extended_key_usage: &'a [&'a str],
}

/// A certificate with its private key. The key is wiped from memory when dropped, and nothing shows it.
pub struct SelfSigned {
    /// The certificate.
    pub certificate: Certificate,
    /// Its RSA key as PKCS#8 DER.
    pub private_key: Zeroizing<Vec<u8>>,
}

/// Makes an RSA key and a certificate signed with it (SHA-256, PKCS#1 v1.5).
///
/// # Errors
/// [`X509Error::Request`] for what no certificate can have, [`X509Error::Signing`] when the cryptography fails.
pub fn self_signed(
    request: &SelfSignedRequest<'_>,
    random: &mut ChaCha20Rng,
) -> Result<SelfSigned, X509Error> {
    check(request)?;
    let signing = |error: &dyn std::fmt::Display| X509Error::Signing { reason: error.to_string() };
    let der = |error: der::Error| signing(&error);

    let serial = SerialNumber::new(&serial_bytes(random)).map_err(der)?;
    let validity = Validity { not_before: time(request.not_before)?, not_after: time(request.not_after)? };
    let usages: Vec<ObjectIdentifier> =
        request.extended_key_usage.iter().map(|oid| object_identifier(oid)).collect::<Result<_, _>>()?;

    let key = RsaPrivateKey::new(random, request.key_bits).map_err(|error| signing(&error))?;
    let private_key =
        Zeroizing::new(key.to_pkcs8_der().map_err(|error| signing(&error))?.as_bytes().to_vec());
    let public_key =
        SubjectPublicKeyInfoOwned::from_key(key.to_public_key()).map_err(|error| signing(&error))?;
    let identifier = SubjectKeyIdentifier::try_from(public_key.owned_to_ref()).map_err(der)?;

    let signer = SigningKey::<Sha256>::new(key);
    let subject = common_name(request.common_name).map_err(der)?;
    // `Manual`: the ready-made leaf profile adds non-repudiation, which a key for authentication should not have.
    let certificate = CertificateBuilder::new(
        Profile::Manual { issuer: None },
        serial,
        validity,
        subject,
        public_key,
        &signer,
    )
    .and_then(|mut builder| {
        builder.add_extension(&KeyUsage(KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment))?;
        if !usages.is_empty() {
            builder.add_extension(&ExtendedKeyUsage(usages))?;
        }
        builder.add_extension(&identifier)?;
        builder.build_with_rng::<Signature>(random)
    })
    .map_err(|error| signing(&error))?;
    let certificate = Certificate::from_der(&certificate.to_der().map_err(der)?)?;
    Ok(SelfSigned { certificate, private_key })
}

fn check(request: &SelfSignedRequest<'_>) -> Result<(), X509Error> {
    let refuse = |what, found: String, expected| Err(X509Error::Request { what, found, expected });
    // RFC 5280 appendix A.1: ub-common-name is 64.
    let name_len = request.common_name.chars().count();
    if !(1..=64).contains(&name_len) {
        return refuse("the common name's length", name_len.to_string(), "1 to 64 characters");
    }
    if !KEY_BITS.contains(&request.key_bits) || !request.key_bits.is_multiple_of(64) {
        return refuse(
            "the key's length",
            request.key_bits.to_string(),
            "1024 to 8192 bits, a multiple of 64",
        );
    }
    if request.not_before.unix() < 0 {
        return refuse("the start", request.not_before.to_string(), "1970 or later");
    }
    if request.not_after <= request.not_before {
        return refuse("the expiry", request.not_after.to_string(), "a moment after the start");
    }
    Ok(())
}

/// Sixteen random bytes that are a positive number of full length.
fn serial_bytes(random: &mut ChaCha20Rng) -> [u8; 16] {
    let mut serial = [0; 16];
    random.fill_bytes(&mut serial);
    serial[0] = serial[0] & 0x7F | 0x40;
    serial
}

fn time(moment: Timestamp) -> Result<Time, X509Error> {
    let since_1970 = Duration::from_secs(moment.unix().unsigned_abs());
    let time = if moment.calendar().year() <= LAST_UTC_TIME_YEAR {
        UtcTime::from_unix_duration(since_1970).map(Time::UtcTime)
    } else {
        GeneralizedTime::from_unix_duration(since_1970).map(Time::GeneralTime)
    };
    time.map_err(|error| X509Error::Signing { reason: error.to_string() })
}

fn object_identifier(text: &str) -> Result<ObjectIdentifier, X509Error> {
    ObjectIdentifier::new(text).map_err(|_| X509Error::Request {
        what: "an extended key usage",
        found: text.to_owned(),
        expected: "a dotted object identifier",
    })
}

fn common_name(text: &str) -> der::Result<x509_cert::name::Name> {
    let attribute = AttributeTypeAndValue {
        oid: const_oid::db::rfc4519::CN,
        value: Any::encode_from(&Utf8StringRef::new(text)?)?,
    };
    Ok(RdnSequence(vec![RelativeDistinguishedName(SetOfVec::try_from(vec![attribute])?)]))
}
