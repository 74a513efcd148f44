//! The names in a signature's certificates. The signature library ends the program on certificate sets that are empty
//! or of other kinds, so they are walked here.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader, Tag, TagNumber, Tagged};

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// No chain is longer; a circle ends here too.
const LONGEST_CHAIN: usize = 16;

/// The parts of a certificate that matter here (RFC 5280 section 4.1), each with tag and length.
struct Certificate<'a> {
    serial_number: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
}

/// Common names from the signing certificate upwards, ending with the issuer of the last certificate found; empty when
/// the signing certificate is missing. `identifier` is `IssuerAndSerialNumber` (RFC 5652 section 10.2.4).
pub(super) fn chain_of(signature: &[u8], identifier: &[u8]) -> der::Result<Vec<String>> {
    let certificates = certificates(signature)?;
    let wanted = AnyRef::from_der(identifier)?.value();
    let signing = certificates
        .iter()
        .find(|certificate| wanted.strip_prefix(certificate.issuer) == Some(certificate.serial_number));
    let Some(mut current) = signing else { return Ok(Vec::new()) };
    let mut chain = vec![name(current.subject)?];
    while chain.len() < LONGEST_CHAIN && current.subject != current.issuer {
        chain.push(name(current.issuer)?);
        match certificates.iter().find(|candidate| candidate.subject == current.issuer) {
            Some(issuer) => current = issuer,
            None => break,
        }
    }
    if chain.len() == 1 {
        chain.push(name(current.issuer)?);
    }
    Ok(chain)
}

/// `ContentInfo { type, [0] SignedData { version, digests, content, [0] certificates, .. } }` (RFC 5652 sections 3 and
/// 5.1). Bytes after it are padding of the table entry.
fn certificates(signature: &[u8]) -> der::Result<Vec<Certificate<'_>>> {
    let content_info = AnyRef::decode(&mut SliceReader::new(signature)?)?;
    let mut outer = SliceReader::new(content_info.value())?;
    outer.tlv_bytes()?;
    let explicit: AnyRef<'_> = outer.decode()?;
    let mut fields = SliceReader::new(AnyRef::from_der(explicit.value())?.value())?;
    for _version_digests_content in 0..3 {
        fields.tlv_bytes()?;
    }
    let set: AnyRef<'_> = fields.decode()?;
    let mut found = Vec::new();
    if set.tag() == (Tag::ContextSpecific { constructed: true, number: TagNumber::N0 }) {
        let mut set = SliceReader::new(set.value())?;
        while !set.is_finished() {
            let choice: AnyRef<'_> = set.decode()?;
            if choice.tag() == Tag::Sequence {
                found.push(certificate(choice.value())?);
            }
        }
    }
    Ok(found)
}

fn certificate(content: &[u8]) -> der::Result<Certificate<'_>> {
    let signed: AnyRef<'_> = SliceReader::new(content)?.decode()?;
    let mut fields = SliceReader::new(signed.value())?;
    if fields.peek_tag()?.is_context_specific() {
        fields.tlv_bytes()?; // version
    }
    let serial_number = fields.tlv_bytes()?;
    fields.tlv_bytes()?; // signature
    let issuer = fields.tlv_bytes()?;
    fields.tlv_bytes()?; // validity
    let subject = fields.tlv_bytes()?;
    Ok(Certificate { serial_number, issuer, subject })
}

/// The common name of a `Name`, or where it has none its last part's value.
fn name(name: &[u8]) -> der::Result<String> {
    let mut last = String::new();
    let mut parts = SliceReader::new(AnyRef::from_der(name)?.value())?;
    while !parts.is_finished() {
        let part: AnyRef<'_> = parts.decode()?;
        let mut attributes = SliceReader::new(part.value())?;
        while !attributes.is_finished() {
            let attribute: AnyRef<'_> = attributes.decode()?;
            let mut fields = SliceReader::new(attribute.value())?;
            let kind: ObjectIdentifier = fields.decode()?;
            last = text(fields.decode()?);
            if kind == COMMON_NAME {
                return Ok(last);
            }
        }
    }
    Ok(last)
}

fn text(value: AnyRef<'_>) -> String {
    let decoded: String = match value.tag() {
        Tag::BmpString => {
            let units = value.value().as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair));
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => String::from_utf8_lossy(value.value()).into_owned(),
    };
    decoded.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
