//! Extensions read only where somebody asks: other names of the subject, and limits on names.

use const_oid::db::rfc5280;
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader, Tag, Tagged};
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::ext::pkix;

use super::{Certificate, X509Error};

/// A name of RFC 5280 section 4.2.1.6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GeneralName {
    /// A DNS name, as it stands there; in a certificate, `*.` may stand for one label.
    Dns(String),
    /// A distinguished name, DER.
    Directory(Vec<u8>),
    /// An address of 4 or 16 bytes; in a limit, followed by as many bytes of mask.
    Ip(Vec<u8>),
    /// Another form, by its number there: 0 other, 1 mail, 3 X.400, 5 EDI, 6 URI, 8 registered identifier.
    Other(u8),
}

/// The name constraints extension (RFC 5280 section 4.2.1.10).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameConstraints {
    /// Of the forms named here, only names below one of these.
    pub permitted: Vec<GeneralName>,
    /// No names below one of these.
    pub excluded: Vec<GeneralName>,
}

/// Reads the value of an extended key usage extension, as it also stands in certificate stores: the purposes, dotted.
///
/// # Errors
/// [`X509Error::Der`] when it is damaged.
pub fn read_extended_key_usage(value: &[u8]) -> Result<Vec<String>, X509Error> {
    let read = pkix::ExtendedKeyUsage::from_der(value);
    let purposes = read.map_err(|error| damaged(rfc5280::ID_CE_EXT_KEY_USAGE, error))?.0;
    Ok(purposes.iter().map(ToString::to_string).collect())
}

impl Certificate {
    /// The subject alternative names, in their order; empty without the extension.
    ///
    /// # Errors
    /// [`X509Error::Der`] when the extension is damaged.
    pub fn alternative_names(&self) -> Result<Vec<GeneralName>, X509Error> {
        const OID: ObjectIdentifier = rfc5280::ID_CE_SUBJECT_ALT_NAME;
        let Some(value) = self.extension_value(OID)? else { return Ok(Vec::new()) };
        let read = || {
            let mut all = Vec::new();
            let mut names = fields(&value)?;
            while !names.is_finished() {
                all.push(general_name(names.decode()?)?);
            }
            Ok(all)
        };
        read().map_err(|error| damaged(OID, error))
    }

    /// The name constraints, if there are any.
    ///
    /// # Errors
    /// [`X509Error::Der`] when the extension is damaged.
    pub fn name_constraints(&self) -> Result<Option<NameConstraints>, X509Error> {
        const OID: ObjectIdentifier = rfc5280::ID_CE_NAME_CONSTRAINTS;
        let Some(value) = self.extension_value(OID)? else { return Ok(None) };
        let read = || {
            let mut found = NameConstraints::default();
            let mut lists = fields(&value)?;
            while !lists.is_finished() {
                let list: AnyRef<'_> = lists.decode()?;
                let into = match list.tag().number().value() {
                    0 => &mut found.permitted,
                    _ => &mut found.excluded,
                };
                let mut subtrees = SliceReader::new(list.value())?;
                while !subtrees.is_finished() {
                    // Minimum and maximum, which may follow, are not used by anyone (RFC 5280).
                    into.push(general_name(fields(subtrees.tlv_bytes()?)?.decode()?)?);
                }
            }
            Ok(found)
        };
        read().map(Some).map_err(|error| damaged(OID, error))
    }

    /// The object identifiers of the extensions marked critical, dotted.
    pub fn critical_extensions(&self) -> Vec<String> {
        let extensions = self.parsed().ok().and_then(|parsed| parsed.tbs_certificate.extensions);
        let critical = extensions.unwrap_or_default().into_iter().filter(|extension| extension.critical);
        critical.map(|extension| extension.extn_id.to_string()).collect()
    }

    fn extension_value(&self, oid: ObjectIdentifier) -> Result<Option<Vec<u8>>, X509Error> {
        let extensions = self.parsed()?.tbs_certificate.extensions.unwrap_or_default();
        let found = extensions.into_iter().find(|extension| extension.extn_id == oid);
        Ok(found.map(|extension| extension.extn_value.as_bytes().to_vec()))
    }

    fn parsed(&self) -> Result<CertificateInner<Raw>, X509Error> {
        CertificateInner::from_der(&self.der).map_err(|error| X509Error::der("certificate", error))
    }
}

fn damaged(oid: ObjectIdentifier, error: der::Error) -> X509Error {
    X509Error::Der { what: "certificate extension", offset: None, reason: format!("{oid}: {}", error.kind()) }
}

/// What is inside a sequence.
fn fields(sequence: &[u8]) -> der::Result<SliceReader<'_>> {
    let sequence = AnyRef::from_der(sequence)?;
    sequence.tag().assert_eq(Tag::Sequence)?;
    SliceReader::new(sequence.value())
}

fn general_name(name: AnyRef<'_>) -> der::Result<GeneralName> {
    let Tag::ContextSpecific { number, .. } = name.tag() else { return Err(name.tag().value_error()) };
    Ok(match number.value() {
        2 => {
            // IA5, but other bytes have been seen.
            GeneralName::Dns(name.value().iter().map(|byte| char::from(*byte)).collect())
        }
        4 => GeneralName::Directory(name.value().to_vec()),
        7 => GeneralName::Ip(name.value().to_vec()),
        other => GeneralName::Other(other),
    })
}
