//! The files certificates come in: DER, PEM with one or many, bare base64, PKCS#7. PEM is written.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader, Tag, TagNumber};

use super::{Certificate, X509Error};
use crate::bytes::utf16le;

/// Far more than any bundle of certificates (the whole Windows root program is about 700 KB).
const LIMIT: usize = 16 << 20;
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

/// Reads every certificate of a `.cer`, `.crt`, `.der`, `.pem` or `.p7b` file, in the file's order.
///
/// # Errors
/// [`X509Error`]; private keys and PKCS#12 files given by mistake have variants of their own.
pub fn read_file(bytes: &[u8]) -> Result<Vec<Certificate>, X509Error> {
    if bytes.len() > LIMIT {
        return Err(X509Error::TooLarge { len: bytes.len(), limit: LIMIT });
    }
    let certificates = match bytes {
        [0x30, ..] => read_der(bytes)?,
        [0xFF, 0xFE, text @ ..] => read_text(&utf16le(text), bytes)?,
        [0xEF, 0xBB, 0xBF, text @ ..] | text => {
            let text = std::str::from_utf8(text).map_err(|_| not_certificates(bytes))?;
            read_text(text, bytes)?
        }
    };
    if certificates.is_empty() { Err(X509Error::Empty) } else { Ok(certificates) }
}

/// Certificates as PEM in the strict form of RFC 7468 section 3: lines of 64 characters that end in a line feed, and
/// nothing between the blocks.
///
/// # Errors
/// [`X509Error::TooLarge`] for a certificate whose text would have no length.
pub fn to_pem<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> Result<String, X509Error> {
    let mut pem = String::new();
    for certificate in certificates {
        let der = certificate.der();
        let block = pem_rfc7468::encode_string("CERTIFICATE", pem_rfc7468::LineEnding::LF, der);
        pem += &block.map_err(|_| X509Error::TooLarge { len: der.len(), limit: LIMIT })?;
    }
    Ok(pem)
}

fn not_certificates(bytes: &[u8]) -> X509Error {
    X509Error::NotCertificates { len: bytes.len() }
}

/// Tells the DER structures apart by the first fields inside the outer sequence.
fn read_der(bytes: &[u8]) -> Result<Vec<Certificate>, X509Error> {
    let key = |form: &str| Err(X509Error::PrivateKey { form: form.into() });
    match first_fields(bytes) {
        Some((Tag::ObjectIdentifier, _)) => pkcs7(bytes),
        Some((Tag::Integer, [3])) => Err(X509Error::Pfx),
        Some((Tag::Integer, [0])) if second_tag(bytes) == Some(Tag::Sequence) => key("PKCS#8"),
        Some((Tag::Integer, [0])) => key("PKCS#1 RSA"),
        Some((Tag::Integer, [1])) => key("SEC 1 elliptic curve"),
        Some((Tag::Sequence, _)) if second_tag(bytes) == Some(Tag::OctetString) => key("encrypted PKCS#8"),
        _ => Ok(vec![Certificate::from_der(bytes)?]),
    }
}

/// Tag and content of the first field of the outer sequence, if both can be read.
fn first_fields(bytes: &[u8]) -> Option<(Tag, &[u8])> {
    let mut fields = SliceReader::new(AnyRef::from_der(bytes).ok()?.value()).ok()?;
    let first = fields.decode::<AnyRef<'_>>().ok()?;
    Some((der::Tagged::tag(&first), first.value()))
}

fn second_tag(bytes: &[u8]) -> Option<Tag> {
    let mut fields = SliceReader::new(AnyRef::from_der(bytes).ok()?.value()).ok()?;
    fields.tlv_bytes().ok()?;
    fields.peek_tag().ok()
}

/// The certificates of a PKCS#7 `SignedData` (RFC 5652 sections 3 and 5.1), each exactly as it stands there, because
/// its thumbprint is of those bytes.
fn pkcs7(bytes: &[u8]) -> Result<Vec<Certificate>, X509Error> {
    const WHAT: &str = "PKCS#7 file";
    let fail = |error| X509Error::der(WHAT, error);
    let mut outer = SliceReader::new(AnyRef::from_der(bytes).map_err(fail)?.value()).map_err(fail)?;
    let kind: ObjectIdentifier = outer.decode().map_err(fail)?;
    if kind != SIGNED_DATA {
        return Err(X509Error::Der {
            what: WHAT,
            offset: None,
            reason: format!("content type {kind}, expected signed data ({SIGNED_DATA})"),
        });
    }
    let explicit: AnyRef<'_> = outer.decode().map_err(fail)?;
    let signed = AnyRef::from_der(explicit.value()).map_err(fail)?;
    let mut fields = SliceReader::new(signed.value()).map_err(fail)?;
    for _version_digests_content in 0..3 {
        fields.tlv_bytes().map_err(fail)?;
    }
    let mut certificates = Vec::new();
    while !fields.is_finished() {
        let field: AnyRef<'_> = fields.decode().map_err(fail)?;
        if der::Tagged::tag(&field) != (Tag::ContextSpecific { constructed: true, number: TagNumber::N0 }) {
            continue; // revocation lists and signers
        }
        let mut set = SliceReader::new(field.value()).map_err(fail)?;
        while !set.is_finished() {
            certificates.push(Certificate::from_der(set.tlv_bytes().map_err(fail)?)?);
        }
    }
    Ok(certificates)
}

/// PEM blocks with anything between them, or base64 alone.
fn read_text(text: &str, bytes: &[u8]) -> Result<Vec<Certificate>, X509Error> {
    if !text.contains("-----BEGIN ") {
        let base64 = !text.trim().is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c) || c.is_ascii_whitespace());
        let decoded = if base64 { decode_base64(text) } else { None };
        return read_der(&decoded.ok_or_else(|| not_certificates(bytes))?);
    }
    let mut certificates = Vec::new();
    let mut lines = text.lines().zip(1..);
    while let Some((begin, line)) = lines.next() {
        let Some(label) = label(begin, "-----BEGIN ") else { continue };
        let mut body = String::new();
        let ended = lines.by_ref().any(|(inside, _)| {
            let end = self::label(inside, "-----END ") == Some(label);
            if !end {
                body.push_str(inside.trim());
            }
            end
        });
        let pem = |reason: &str| X509Error::Pem { line, reason: reason.into() };
        if label.ends_with("PRIVATE KEY") {
            return Err(X509Error::PrivateKey { form: format!("PEM `{label}` in line {line}") });
        }
        if !ended {
            return Err(pem("it has no end line"));
        }
        let decoded = || decode_base64(&body).ok_or_else(|| pem("its lines are not base64"));
        match label {
            "CERTIFICATE" | "X509 CERTIFICATE" => certificates.push(Certificate::from_der(&decoded()?)?),
            "PKCS7" | "CMS" => certificates.extend(pkcs7(&decoded()?)?),
            other => return Err(X509Error::OtherPem { line, label: other.chars().take(40).collect() }),
        }
    }
    Ok(certificates)
}

fn label<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.trim().strip_prefix(start)?.strip_suffix("-----")
}

/// Base64 in lines of any length. The PEM decoder wants lines of equal length, so it is given one of its own making.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let mut pem = b"-----BEGIN CERTIFICATE-----\n".to_vec();
    for line in digits.chunks(64) {
        pem.extend_from_slice(line);
        pem.push(b'\n');
    }
    pem.extend_from_slice(b"-----END CERTIFICATE-----\n");
    Some(pem_rfc7468::decode_vec(&pem).ok()?.1)
}
