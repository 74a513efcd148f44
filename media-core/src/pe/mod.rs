//! Executables (PE): for which machine, and who signed them.
//!
//! Scope: names in Authenticode signatures and whether the signed digest is that of the file. **Not a decision about
//! trust:** neither the signatures nor the certificate chains are verified, so names can be forged by whoever can write
//! the file. Refused: anything but PE32 and PE32+, sections outside the file. Sections that overlap, certificate tables
//! that do not add up and damaged version resources are told beside what can be read.

mod certificates;
mod version;

use authenticode::{AttributeCertificateIterator, AuthenticodeSignature, authenticode_digest};
use const_oid::db::rfc5912;
use der::Encode;
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, PeFile, PeFile32, PeFile64};
use object::{FileKind, LittleEndian, pe};
use sha1::Sha1;
use sha2::digest::Update;
use sha2::{Digest, Sha256, Sha384, Sha512};
use thiserror::Error;

use crate::bytes::Truncated;

/// Boot managers have about 2 MB; digests are computed over the whole file in memory.
const LIMIT: usize = 256 << 20;

/// The whole file is hashed for each signature. Boot managers have one or two.
const MOST_SIGNATURES: usize = 16;

/// For which processor an executable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// AMD64.
    X64,
    /// Intel 386.
    X86,
    /// ARM, 64 bits.
    Arm64,
    /// Another `IMAGE_FILE_MACHINE` value of the PE format.
    Other(u16),
}

impl std::fmt::Display for Machine {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::X64 => out.write_str("x64"),
            Self::X86 => out.write_str("x86"),
            Self::Arm64 => out.write_str("ARM64"),
            Self::Other(number) => write!(out, "machine 0x{number:04x}"),
        }
    }
}

/// Whether the digest that was signed is that of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedDigest {
    /// It is.
    Matches,
    /// It is not: the file was changed after it was signed.
    Differs,
    /// The digest's algorithm is not SHA-1, SHA-256, SHA-384 or SHA-512.
    UnknownAlgorithm,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The signing certificate's common name.
    pub subject: String,
    /// Its issuer's common name, for example `Windows UEFI CA 2023`.
    pub issuer: String,
    /// Common names from the signing certificate upwards, as far as the file has the certificates, and the issuer of
    /// the last.
    pub chain: Vec<String>,
    /// Whether the signed digest is that of the file.
    pub digest: SignedDigest,
}

/// What an executable says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executable {
    /// For which processor it is.
    pub machine: Machine,
    /// Whether firmware can start it (subsystem 10, EFI application).
    pub is_efi_application: bool,
    /// Its signatures, in the order of the certificate table; empty when it is not signed. Firmware looks at them only
    /// with Secure Boot on.
    pub signers: Result<Vec<Signer>, PeError>,
    /// The file version resource, most significant first. Firmware never looks at it.
    pub file_version: Result<Option<[u16; 4]>, PeError>,
}

impl Executable {
    /// Whether one of the signing certificates was issued under this common name.
    pub fn is_signed_under(&self, issuer_common_name: &str) -> bool {
        self.signers.iter().flatten().any(|signer| signer.issuer == issuer_common_name)
    }
}

/// Why an executable could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PeError {
    /// The file is larger than any boot manager.
    #[error("executable: {len} bytes, more than the {limit} that are read")]
    TooLarge {
        /// The file's length in bytes.
        len: usize,
        /// The most that is read.
        limit: usize,
    },
    /// The file does not start as PE32 or PE32+ does.
    #[error("not an executable of Windows or of UEFI firmware: the first bytes are {start}")]
    NotPe {
        /// The first bytes, in hexadecimal.
        start: String,
    },
    /// A header contradicts itself or the file's length.
    #[error("executable: {reason}")]
    Header {
        /// What is wrong.
        reason: String,
    },
    /// A section lies beyond the end of the file.
    #[error("executable: section {index} has {size} bytes at offset {offset}, but the file has {len}")]
    SectionOutside {
        /// Which section, counted from 1.
        index: usize,
        /// Where it starts, in bytes.
        offset: u64,
        /// Its length in bytes.
        size: u64,
        /// The file's length in bytes.
        len: u64,
    },
    /// The sections together are longer than the file, so they overlap.
    #[error("executable: its sections have {sections} bytes together, but the file has {len}")]
    Sections {
        /// Bytes of all sections.
        sections: u64,
        /// The file's length in bytes.
        len: u64,
    },
    /// The certificate table lies outside the file or does not add up.
    #[error("executable: certificate table: {reason}")]
    CertificateTable {
        /// What is wrong.
        reason: String,
    },
    /// A signature is not one.
    #[error("executable: signature {index}: {reason}")]
    Signature {
        /// Which signature, counted from 1.
        index: usize,
        /// What is wrong.
        reason: String,
    },
    /// The version resource is cut short.
    #[error(transparent)]
    Truncated(#[from] Truncated),
}

/// Reads an executable.
///
/// # Errors
/// [`PeError`] for what firmware would not start: other files, and ones that are cut short.
pub fn read(bytes: &[u8]) -> Result<Executable, PeError> {
    if bytes.len() > LIMIT {
        return Err(PeError::TooLarge { len: bytes.len(), limit: LIMIT });
    }
    let header = |error: object::read::Error| PeError::Header { reason: error.to_string() };
    match FileKind::parse(bytes) {
        Ok(FileKind::Pe32) => read_image(&PeFile32::parse(bytes).map_err(header)?),
        Ok(FileKind::Pe64) => read_image(&PeFile64::parse(bytes).map_err(header)?),
        _ => Err(PeError::NotPe { start: crate::bytes::to_hex_lower(&bytes[..bytes.len().min(8)]) }),
    }
}

fn read_image<H: ImageNtHeaders>(image: &PeFile<'_, H>) -> Result<Executable, PeError> {
    let headers = image.nt_headers();
    let machine = match headers.file_header().machine.get(LittleEndian) {
        pe::IMAGE_FILE_MACHINE_AMD64 => Machine::X64,
        pe::IMAGE_FILE_MACHINE_I386 => Machine::X86,
        pe::IMAGE_FILE_MACHINE_ARM64 => Machine::Arm64,
        other => Machine::Other(other),
    };
    check_sections(image)?;
    Ok(Executable {
        machine,
        is_efi_application: headers.optional_header().subsystem() == pe::IMAGE_SUBSYSTEM_EFI_APPLICATION,
        signers: signers(image),
        file_version: version::file_version(image),
    })
}

fn check_sections<H: ImageNtHeaders>(image: &PeFile<'_, H>) -> Result<(), PeError> {
    let len = image.data().len() as u64;
    for (section, index) in image.section_table().iter().zip(1..) {
        let offset = u64::from(section.pointer_to_raw_data.get(LittleEndian));
        let size = u64::from(section.size_of_raw_data.get(LittleEndian));
        if size > 0 && offset + size > len {
            return Err(PeError::SectionOutside { index, offset, size, len });
        }
    }
    Ok(())
}

/// Each section is hashed, so a table of thousands that name the same bytes would take hours.
fn check_overlap<H: ImageNtHeaders>(image: &PeFile<'_, H>) -> Result<(), PeError> {
    let len = image.data().len() as u64;
    let sizes = image.section_table().iter().map(|section| section.size_of_raw_data.get(LittleEndian));
    let sections = sizes.map(u64::from).sum();
    if sections > len { Err(PeError::Sections { sections, len }) } else { Ok(()) }
}

fn signers<H: ImageNtHeaders>(image: &PeFile<'_, H>) -> Result<Vec<Signer>, PeError> {
    let table = |error: authenticode::AttributeCertificateError| PeError::CertificateTable {
        reason: error.to_string(),
    };
    let Some(entries) = AttributeCertificateIterator::new(image).map_err(table)? else {
        return Ok(Vec::new());
    };
    check_overlap(image)?;
    let mut signers = Vec::new();
    for (entry, index) in entries.zip(1..) {
        if index > MOST_SIGNATURES {
            let reason = format!("more than {MOST_SIGNATURES} signatures");
            return Err(PeError::CertificateTable { reason });
        }
        let wrong = |reason: String| PeError::Signature { index, reason };
        let entry = entry.map_err(table)?;
        let signature = entry.get_authenticode_signature().map_err(|error| wrong(error.to_string()))?;
        let identifier = signature.signer_info().sid.to_der().map_err(|error| wrong(error.to_string()))?;
        let chain =
            certificates::chain_of(entry.data, &identifier).map_err(|error| wrong(error.to_string()))?;
        let [subject, issuer, ..] = chain.as_slice() else {
            return Err(wrong("the signing certificate is not among its certificates".into()));
        };
        signers.push(Signer {
            subject: subject.clone(),
            issuer: issuer.clone(),
            digest: compare_digest(image, &signature),
            chain,
        });
    }
    Ok(signers)
}

fn compare_digest<H: ImageNtHeaders>(
    image: &PeFile<'_, H>,
    signature: &AuthenticodeSignature,
) -> SignedDigest {
    fn of<H: ImageNtHeaders, D: Digest + Update>(image: &PeFile<'_, H>) -> Option<Vec<u8>> {
        let mut hasher = D::new();
        authenticode_digest(image, &mut hasher).ok()?;
        Some(hasher.finalize().to_vec())
    }
    let computed = match signature.digest_algorithm().oid {
        rfc5912::ID_SHA_1 => of::<H, Sha1>(image),
        rfc5912::ID_SHA_256 => of::<H, Sha256>(image),
        rfc5912::ID_SHA_384 => of::<H, Sha384>(image),
        rfc5912::ID_SHA_512 => of::<H, Sha512>(image),
        _ => return SignedDigest::UnknownAlgorithm,
    };
    if computed.as_deref() == Some(signature.digest()) {
        SignedDigest::Matches
    } else {
        SignedDigest::Differs
    }
}

#[cfg(test)]
mod tests;
