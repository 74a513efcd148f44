//! X.509 certificates: facts about one, the files they come in, whose key signed one, and making a self-signed one.
//!
//! Scope: DER certificates of any key and signature kind; files that hold them as DER, PEM, bare base64 or PKCS#7; PEM
//! is written; signatures of RSA (PKCS#1 v1.5 and PSS) and ECDSA (P-256, P-384, P-521) are checked.
//! Refused: trailing bytes, BER that is not DER (some roots of the 1990s), dates before 1970, and files that hold a private key. Facts only:
//! nothing here decides whether to trust a certificate, and no chain is built.

mod constraints;
mod extensions;
mod file;
mod name;
mod self_signed;
mod signature;

use std::ops::Range;

use const_oid::AssociatedOid;
use const_oid::db::{rfc5912, rfc8410};
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use thiserror::Error;
use x509_cert::certificate::{CertificateInner, Raw, TbsCertificateInner};
use x509_cert::ext::pkix;

pub use constraints::Allowed;
pub use extensions::{GeneralName, NameConstraints, read_extended_key_usage};
pub use file::{read_file, to_pem};
pub use name::Name;
pub use self_signed::{SelfSigned, SelfSignedRequest, self_signed};
pub use signature::SignatureError;

use crate::time::Timestamp;

/// Extended key usage: the certificate may identify a client (RFC 5280 section 4.2.1.12).
pub const CLIENT_AUTHENTICATION: &str = "1.3.6.1.5.5.7.3.2";
/// Extended key usage: the certificate may identify a server.
pub const SERVER_AUTHENTICATION: &str = "1.3.6.1.5.5.7.3.1";
/// Extended key usage: any purpose.
pub const ANY_EXTENDED_KEY_USAGE: &str = "2.5.29.37.0";

/// What kind of public key a certificate has, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicKey {
    /// RSA with a modulus of this many bits.
    Rsa {
        /// Length of the modulus.
        bits: u32,
    },
    /// An elliptic curve over a field of this many bits.
    Ec {
        /// Length of the field, 0 when the curve is not one of the NIST curves.
        bits: u32,
    },
    /// Something else.
    Other,
}

impl PublicKey {
    /// The key's length, where it is known.
    pub fn bits(self) -> Option<u32> {
        match self {
            Self::Rsa { bits } | Self::Ec { bits } if bits > 0 => Some(bits),
            _ => None,
        }
    }
}

/// The basic constraints extension (RFC 5280 section 4.2.1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasicConstraints {
    /// Whether the subject is a certification authority.
    pub ca: bool,
    /// How many intermediate certificates may follow.
    pub path_len: Option<u8>,
}

/// A certificate and the facts read from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    layout: Layout,
    key_bits: Vec<u8>,
    signature_hash: Option<SignatureHash>,
    /// Whom the certificate is about.
    pub subject: Name,
    /// Who signed it.
    pub issuer: Name,
    /// Whether subject and issuer are the same name, byte for byte.
    pub self_issued: bool,
    /// The serial number, big-endian without leading zero bytes.
    pub serial_number: Vec<u8>,
    /// The first moment it is valid.
    pub not_before: Timestamp,
    /// The last moment it is valid.
    pub not_after: Timestamp,
    /// The basic constraints extension.
    pub basic_constraints: Option<BasicConstraints>,
    /// The key usage extension's names as in RFC 5280 section 4.2.1.3, for example `digitalSignature`.
    pub key_usage: Option<Vec<&'static str>>,
    /// The extended key usage extension's object identifiers, dotted.
    pub extended_key_usage: Option<Vec<String>>,
    /// The subject key identifier extension.
    pub subject_key_identifier: Option<Vec<u8>>,
    /// The authority key identifier extension's key identifier.
    pub authority_key_identifier: Option<Vec<u8>>,
    /// The signature algorithm's name, for example `sha256WithRSAEncryption`, or its dotted object identifier.
    pub signature_algorithm: String,
    /// The public key's kind and length.
    pub public_key: PublicKey,
}

/// Why a certificate or a file of certificates could not be read or made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum X509Error {
    /// The bytes are not what they should be.
    #[error("{what}: {reason}{}", at(*.offset))]
    Der {
        /// What was being read, for example `certificate`.
        what: &'static str,
        /// Where, in bytes from the start of the structure, when it is known.
        offset: Option<u64>,
        /// What is wrong.
        reason: String,
    },
    /// The structure is sound but bytes follow it.
    #[error("{what}: ends at offset {end}, but {trailing} more bytes follow")]
    Trailing {
        /// What was being read.
        what: &'static str,
        /// Where it ends, in bytes.
        end: u64,
        /// Bytes after it.
        trailing: u64,
    },
    /// A PEM block has no end line, or its lines are not base64.
    #[error("PEM block that starts in line {line}: {reason}")]
    Pem {
        /// The line of `-----BEGIN`, counted from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A PEM block holds something that is not a certificate.
    #[error("PEM block that starts in line {line} holds `{label}`, not a certificate")]
    OtherPem {
        /// The line of `-----BEGIN`, counted from 1.
        line: usize,
        /// What the block says it holds.
        label: String,
    },
    /// The file holds a private key.
    #[error("the file holds a private key ({form}), where only certificates belong")]
    PrivateKey {
        /// The form it has, for example `PKCS#8`.
        form: String,
    },
    /// The file is a PKCS#12 (.pfx) file.
    #[error("the file is PKCS#12 (.pfx or .p12), where only certificates belong")]
    Pfx,
    /// The file is none of the forms certificates come in.
    /// Its bytes are not shown: files given by mistake may hold secrets.
    #[error("neither DER, PEM, base64 nor PKCS#7; it has {len} bytes")]
    NotCertificates {
        /// Its length in bytes.
        len: usize,
    },
    /// The file is sound but has no certificate in it.
    #[error("the file holds no certificate")]
    Empty,
    /// The file is larger than any file of certificates.
    #[error("the file has {len} bytes, more than the {limit} a file of certificates may have")]
    TooLarge {
        /// The file's length in bytes.
        len: usize,
        /// The most that is read.
        limit: usize,
    },
    /// A self-signed certificate cannot have this.
    #[error("self-signed certificate: {what} is {found}, expected {expected}")]
    Request {
        /// Which part of the request.
        what: &'static str,
        /// What was asked for.
        found: String,
        /// What is possible.
        expected: &'static str,
    },
    /// Making the key or the signature failed.
    #[error("self-signed certificate: {reason}")]
    Signing {
        /// What the cryptography said.
        reason: String,
    },
}

fn at(offset: Option<u64>) -> String {
    offset.map(|offset| format!(" at offset {offset}")).unwrap_or_default()
}

impl X509Error {
    fn der(what: &'static str, error: der::Error) -> Self {
        if let der::ErrorKind::TrailingData { decoded, remaining } = error.kind() {
            let (end, trailing) = (u32::from(decoded).into(), u32::from(remaining).into());
            return Self::Trailing { what, end, trailing };
        }
        let offset = error.position().map(|position| u32::from(position).into());
        Self::Der { what, offset, reason: error.kind().to_string() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SignatureHash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Certificate {
    /// Reads one DER certificate with nothing after it.
    ///
    /// # Errors
    /// [`X509Error::Trailing`] or [`X509Error::Der`].
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        const WHAT: &str = "certificate";
        let fail = |error| X509Error::der(WHAT, error);
        // Serial numbers longer than RFC 5280 allows are in use, and Windows takes them.
        let parsed = CertificateInner::<Raw>::from_der(der).map_err(fail)?;
        let layout = layout(der).map_err(fail)?;
        let tbs = &parsed.tbs_certificate;
        let moment = |time: x509_cert::time::Time| {
            Timestamp::from_unix(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
        };
        let basic_constraints = extension::<pkix::BasicConstraints>(tbs)?
            .map(|found| BasicConstraints { ca: found.ca, path_len: found.path_len_constraint });
        Ok(Self {
            subject: Name::read(&tbs.subject),
            issuer: Name::read(&tbs.issuer),
            self_issued: der[layout.subject.clone()] == der[layout.issuer.clone()],
            serial_number: tbs.serial_number.as_bytes().to_vec(),
            not_before: moment(tbs.validity.not_before),
            not_after: moment(tbs.validity.not_after),
            basic_constraints,
            key_usage: extension::<pkix::KeyUsage>(tbs)?.map(key_usage_names),
            extended_key_usage: extension::<pkix::ExtendedKeyUsage>(tbs)?
                .map(|found| found.0.iter().map(ToString::to_string).collect()),
            subject_key_identifier: extension::<pkix::SubjectKeyIdentifier>(tbs)?
                .map(|found| found.0.as_bytes().to_vec()),
            authority_key_identifier: extension::<pkix::AuthorityKeyIdentifier>(tbs)?
                .and_then(|found| Some(found.key_identifier?.as_bytes().to_vec())),
            signature_algorithm: algorithm_name(parsed.signature_algorithm.oid),
            signature_hash: signature_hash(&parsed.signature_algorithm),
            public_key: public_key(&tbs.subject_public_key_info),
            key_bits: tbs.subject_public_key_info.subject_public_key.raw_bytes().to_vec(),
            layout,
            der: der.to_vec(),
        })
    }

    /// The certificate's bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// MD5 of the certificate's bytes, which Windows keeps beside the thumbprint.
    pub fn md5(&self) -> [u8; 16] {
        Md5::digest(&self.der).into()
    }

    /// SHA-1 of the certificate's bytes: what Windows calls its thumbprint.
    pub fn sha1(&self) -> [u8; 20] {
        Sha1::digest(&self.der).into()
    }

    /// SHA-256 of the certificate's bytes.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// The subject's bytes. Names are the same when their bytes are, which is how Windows looks for issuers.
    pub fn subject_der(&self) -> &[u8] {
        &self.der[self.layout.subject.clone()]
    }

    /// The issuer's bytes.
    pub fn issuer_der(&self) -> &[u8] {
        &self.der[self.layout.issuer.clone()]
    }

    /// Whether the basic constraints say that this is a certification authority.
    pub fn is_ca(&self) -> bool {
        self.basic_constraints.is_some_and(|constraints| constraints.ca)
    }

    /// The `SubjectPublicKeyInfo` structure's bytes.
    pub fn public_key_info(&self) -> &[u8] {
        &self.der[self.layout.public_key_info.clone()]
    }

    /// The hash that was signed: the signature algorithm's hash of the `TBSCertificate` structure. Windows keeps it
    /// as `CERT_SIGNATURE_HASH_PROP_ID` (wincrypt.h; computed as `CryptHashToBeSigned` does). `None` for signature
    /// algorithms whose hash is not MD5, SHA-1, SHA-256, SHA-384 or SHA-512.
    pub fn signature_hash(&self) -> Option<Vec<u8>> {
        let signed = &self.der[self.layout.to_be_signed.clone()];
        Some(match self.signature_hash? {
            SignatureHash::Md5 => Md5::digest(signed).to_vec(),
            SignatureHash::Sha1 => Sha1::digest(signed).to_vec(),
            SignatureHash::Sha256 => Sha256::digest(signed).to_vec(),
            SignatureHash::Sha384 => Sha384::digest(signed).to_vec(),
            SignatureHash::Sha512 => Sha512::digest(signed).to_vec(),
        })
    }

    /// The name of the hash that was signed, when pairs of documents with one hash of this kind can be made.
    pub fn weak_hash(&self) -> Option<&'static str> {
        match self.signature_hash? {
            SignatureHash::Md5 => Some("MD5"),
            SignatureHash::Sha1 => Some("SHA-1"),
            SignatureHash::Sha256 | SignatureHash::Sha384 | SignatureHash::Sha512 => None,
        }
    }

    /// MD5 of the public key itself, the content of the `subjectPublicKey` bit string
    /// (`CERT_SUBJECT_PUBLIC_KEY_MD5_HASH_PROP_ID`).
    pub fn public_key_md5(&self) -> [u8; 16] {
        Md5::digest(&self.key_bits).into()
    }

    /// The subject key identifier, or where there is none the SHA-1 of the `SubjectPublicKeyInfo` structure
    /// (`CERT_KEY_IDENTIFIER_PROP_ID`, CertGetCertificateContextProperty documentation).
    pub fn key_identifier(&self) -> Vec<u8> {
        match &self.subject_key_identifier {
            Some(identifier) => identifier.clone(),
            None => Sha1::digest(self.public_key_info()).to_vec(),
        }
    }
}

/// Where the parts lie whose exact bytes matter.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Layout {
    to_be_signed: Range<usize>,
    /// The signature algorithm inside what is signed.
    signed_algorithm: Range<usize>,
    /// The one outside.
    algorithm: Range<usize>,
    /// The signature, without the count of unused bits.
    signature: Range<usize>,
    issuer: Range<usize>,
    subject: Range<usize>,
    public_key_info: Range<usize>,
}

/// Walks RFC 5280 section 4.1 far enough to know where the parts lie.
fn layout(der: &[u8]) -> der::Result<Layout> {
    let start_of = |part: &[u8]| part.as_ptr() as usize - der.as_ptr() as usize;
    let range = |part: &[u8]| start_of(part)..start_of(part) + part.len();

    let mut outer = SliceReader::new(AnyRef::from_der(der)?.value())?;
    let signed = outer.tlv_bytes()?;
    let mut fields = SliceReader::new(AnyRef::from_der(signed)?.value())?;
    if fields.peek_tag()?.is_context_specific() {
        fields.tlv_bytes()?; // version
    }
    fields.tlv_bytes()?; // serialNumber
    let signed_algorithm = fields.tlv_bytes()?;
    let issuer = fields.tlv_bytes()?;
    fields.tlv_bytes()?; // validity
    let subject = fields.tlv_bytes()?;
    let public_key_info = fields.tlv_bytes()?;
    let algorithm = outer.tlv_bytes()?;
    let signature = outer.decode::<der::asn1::BitStringRef<'_>>()?.raw_bytes();
    Ok(Layout {
        signed_algorithm: range(signed_algorithm),
        algorithm: range(algorithm),
        signature: range(signature),
        to_be_signed: range(signed),
        issuer: range(issuer),
        subject: range(subject),
        public_key_info: range(public_key_info),
    })
}

fn extension<'a, T: Decode<'a> + AssociatedOid>(
    tbs: &'a TbsCertificateInner<Raw>,
) -> Result<Option<T>, X509Error> {
    let found = tbs.get::<T>().map_err(|error| X509Error::Der {
        what: "certificate extension",
        offset: None,
        reason: format!("{}: {}", T::OID, error.kind()),
    })?;
    Ok(found.map(|(_critical, extension)| extension))
}

fn key_usage_names(usage: pkix::KeyUsage) -> Vec<&'static str> {
    use pkix::KeyUsages as Bit;
    [
        (Bit::DigitalSignature, "digitalSignature"),
        (Bit::NonRepudiation, "nonRepudiation"),
        (Bit::KeyEncipherment, "keyEncipherment"),
        (Bit::DataEncipherment, "dataEncipherment"),
        (Bit::KeyAgreement, "keyAgreement"),
        (Bit::KeyCertSign, "keyCertSign"),
        (Bit::CRLSign, "cRLSign"),
        (Bit::EncipherOnly, "encipherOnly"),
        (Bit::DecipherOnly, "decipherOnly"),
    ]
    .into_iter()
    .filter_map(|(bit, name)| usage.0.contains(bit).then_some(name))
    .collect()
}

fn algorithm_name(oid: ObjectIdentifier) -> String {
    const_oid::db::DB.by_oid(&oid).map_or_else(|| oid.to_string(), str::to_owned)
}

/// RFC 5758 section 3.1 (the identifier database lacks it).
const ECDSA_WITH_SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");

fn signature_hash(algorithm: &spki::AlgorithmIdentifierOwned) -> Option<SignatureHash> {
    match algorithm.oid {
        rfc5912::MD_5_WITH_RSA_ENCRYPTION => Some(SignatureHash::Md5),
        rfc5912::SHA_1_WITH_RSA_ENCRYPTION | ECDSA_WITH_SHA_1 => Some(SignatureHash::Sha1),
        rfc5912::SHA_256_WITH_RSA_ENCRYPTION | rfc5912::ECDSA_WITH_SHA_256 => Some(SignatureHash::Sha256),
        rfc5912::SHA_384_WITH_RSA_ENCRYPTION | rfc5912::ECDSA_WITH_SHA_384 => Some(SignatureHash::Sha384),
        rfc5912::SHA_512_WITH_RSA_ENCRYPTION | rfc5912::ECDSA_WITH_SHA_512 => Some(SignatureHash::Sha512),
        rfc5912::ID_RSASSA_PSS => pss_hash(algorithm),
        _ => None,
    }
}

/// RFC 4055 section 3.1: the hash is the first, optional field and SHA-1 when absent.
fn pss_hash(algorithm: &spki::AlgorithmIdentifierOwned) -> Option<SignatureHash> {
    let mut fields = SliceReader::new(algorithm.parameters.as_ref()?.value()).ok()?;
    let hash = fields
        .context_specific::<spki::AlgorithmIdentifierOwned>(der::TagNumber::N0, der::TagMode::Explicit)
        .ok()?;
    match hash.map(|hash| hash.oid) {
        None | Some(rfc5912::ID_SHA_1) => Some(SignatureHash::Sha1),
        Some(rfc5912::ID_SHA_256) => Some(SignatureHash::Sha256),
        Some(rfc5912::ID_SHA_384) => Some(SignatureHash::Sha384),
        Some(rfc5912::ID_SHA_512) => Some(SignatureHash::Sha512),
        Some(_) => None,
    }
}

fn public_key(info: &spki::SubjectPublicKeyInfoOwned) -> PublicKey {
    match info.algorithm.oid {
        rfc5912::RSA_ENCRYPTION => modulus_bits(info.subject_public_key.raw_bytes())
            .map_or(PublicKey::Other, |bits| PublicKey::Rsa { bits }),
        rfc5912::ID_EC_PUBLIC_KEY => {
            let curve = info.algorithm.parameters.as_ref().and_then(|any| any.decode_as().ok());
            PublicKey::Ec {
                bits: match curve {
                    Some(rfc5912::SECP_256_R_1) => 256,
                    Some(rfc5912::SECP_384_R_1) => 384,
                    Some(rfc5912::SECP_521_R_1) => 521,
                    _ => 0,
                },
            }
        }
        rfc8410::ID_ED_25519 => PublicKey::Ec { bits: 256 },
        _ => PublicKey::Other,
    }
}

/// `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }` (RFC 8017 appendix A.1.1).
fn modulus_bits(key: &[u8]) -> Option<u32> {
    let mut fields = SliceReader::new(AnyRef::from_der(key).ok()?.value()).ok()?;
    let modulus = fields.decode::<der::asn1::UintRef<'_>>().ok()?;
    let bytes = modulus.as_bytes();
    let leading_zeros = bytes.first().map_or(0, |byte| byte.leading_zeros());
    u32::try_from(bytes.len()).ok()?.checked_mul(8)?.checked_sub(leading_zeros)
}

#[cfg(test)]
mod tests;
