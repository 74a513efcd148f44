//! The sealed container that Windows' CryptoAPI programs write: a 24-byte header, then bytes encrypted with a key
//! that `CryptDeriveKey` made from the SHA-1 of a password, in CBC mode with a zero initialisation vector.
//!
//! Scope: AES-128, AES-256 and three-key Triple DES, whole in memory. Refused: every other algorithm, a header whose
//! lengths contradict each other. The format has no check value: a wrong password and damage look the same.

use aes::{Aes128, Aes256};
use cbc::cipher::block_padding::{NoPadding, Pkcs7};
use cbc::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use des::TdesEde3;
use secrecy::{ExposeSecret, SecretString};
use sha1::{Digest, Sha1};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::bytes::{Reader, Truncated};

/// Bytes before the ciphertext.
pub const HEADER_LEN: usize = 24;
const MAGIC: u32 = 0xECED_0000;
/// Size of the five numbers that follow the magic, which the header states about itself.
const STRUCT_LEN: u32 = 20;

/// How the bytes are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// AES with a key of 128 bits.
    Aes128,
    /// AES with a key of 256 bits.
    Aes256,
    /// Triple DES with three keys.
    TripleDes,
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Aes128 => "AES-128",
            Self::Aes256 => "AES-256",
            Self::TripleDes => "3DES",
        })
    }
}

impl Algorithm {
    /// The `ALG_ID` of wincrypt.h.
    pub fn id(self) -> u32 {
        match self {
            Self::Aes128 => 0x660E,
            Self::Aes256 => 0x6610,
            Self::TripleDes => 0x6603,
        }
    }

    /// All there are.
    pub const ALL: [Self; 3] = [Self::Aes128, Self::Aes256, Self::TripleDes];

    fn from_id(id: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.id() == id)
    }

    fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes256 => 32,
            Self::TripleDes => 24,
        }
    }

    /// Bytes in a block.
    pub fn block_len(self) -> usize {
        match self {
            Self::Aes128 | Self::Aes256 => 16,
            Self::TripleDes => 8,
        }
    }

    /// How many bytes ciphertext and trailer have beyond the plaintext in files written by Windows programs. The
    /// trailer is the rest of an over-allocated buffer: its bytes mean nothing, its length is kept.
    fn allocated_beyond_plain(self) -> usize {
        match self {
            Self::Aes128 | Self::Aes256 => 18,
            Self::TripleDes => 8,
        }
    }
}

/// Whether bytes start as a sealed container does.
pub fn is_sealed(start: &[u8]) -> bool {
    start.starts_with(&MAGIC.to_le_bytes())
}

/// What the header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// How the bytes are encrypted.
    pub algorithm: Algorithm,
    /// Bytes of plaintext.
    pub plain_len: u32,
    /// Bytes of ciphertext: the plaintext and its PKCS#7 padding.
    pub cipher_len: u32,
    /// Bytes after the ciphertext, which mean nothing.
    pub trailer_len: u64,
}

/// Why a container could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealedError {
    /// The file ends inside the header or the ciphertext.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// A header field does not have the value this format requires.
    #[error("sealed file header: {field} at offset {offset} is {found:#010x}, expected {expected:#010x}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// Its offset in bytes.
        offset: u64,
        /// What is there.
        found: u32,
        /// What must be there.
        expected: u32,
    },
    /// The algorithm is none of those this module reads.
    #[error(
        "sealed file header: algorithm {id:#010x} at offset 16 is not AES-128 (0x660e), AES-256 (0x6610) or Triple \
         DES (0x6603)"
    )]
    UnknownAlgorithm {
        /// The `ALG_ID` found.
        id: u32,
    },
    /// Plaintext and ciphertext lengths contradict each other.
    #[error(
        "sealed file header: {plain_len} bytes of plaintext padded to blocks of {block_len} cannot be {cipher_len} \
         bytes of ciphertext"
    )]
    Lengths {
        /// Bytes of plaintext, from offset 8.
        plain_len: u32,
        /// Bytes of ciphertext, from offset 12.
        cipher_len: u32,
        /// The algorithm's block length in bytes.
        block_len: usize,
    },
    /// The header is sound but the decrypted padding is not. What the plaintext should be tells which of the two it is.
    #[error("the password is wrong, or the encrypted bytes were changed")]
    WrongPasswordOrDamaged,
    /// The plaintext is too long for the header's 32-bit lengths.
    #[error("{len} bytes do not fit into a sealed file, whose lengths have 32 bits")]
    TooLong {
        /// Bytes of plaintext.
        len: usize,
    },
}

/// Reads and checks the header, and that the whole ciphertext is there.
///
/// # Errors
/// [`SealedError`] for anything but a whole container; never [`SealedError::WrongPasswordOrDamaged`].
pub fn header(bytes: &[u8]) -> Result<Header, SealedError> {
    let mut reader = Reader::new("sealed file header", bytes);
    expect(&mut reader, "magic", MAGIC)?;
    expect(&mut reader, "structure size", STRUCT_LEN)?;
    let (plain_len, cipher_len, id) = (reader.u32()?, reader.u32()?, reader.u32()?);
    let algorithm = Algorithm::from_id(id).ok_or(SealedError::UnknownAlgorithm { id })?;
    expect(&mut reader, "reserved field", 0)?;
    let block_len = algorithm.block_len();
    let padded = (u64::from(plain_len) / block_len as u64 + 1) * block_len as u64;
    if u64::from(cipher_len) != padded {
        return Err(SealedError::Lengths { plain_len, cipher_len, block_len });
    }
    let mut body = Reader::at("sealed file ciphertext", &bytes[HEADER_LEN..], HEADER_LEN as u64);
    body.take(cipher_len as usize)?;
    Ok(Header { algorithm, plain_len, cipher_len, trailer_len: body.left() as u64 })
}

fn expect(reader: &mut Reader<'_>, field: &'static str, expected: u32) -> Result<(), SealedError> {
    let offset = reader.offset();
    let found = reader.u32()?;
    if found == expected { Ok(()) } else { Err(SealedError::Field { field, offset, found, expected }) }
}

/// Decrypts a container with a password given as text.
///
/// About one wrong password in 256 leaves padding that looks right, so check that the plaintext is what it should be.
///
/// # Errors
/// What [`header`] gives, or [`SealedError::WrongPasswordOrDamaged`].
pub fn open(bytes: &[u8], password: &SecretString) -> Result<Zeroizing<Vec<u8>>, SealedError> {
    open_with_password_bytes(bytes, &password_bytes(password))
}

/// Decrypts a container with the bytes that are hashed for a password (UTF-16LE for text). Network boot draws ten
/// random bytes and widens each to 16 bits, which gives a password that is not always text.
///
/// # Errors
/// As [`open`].
pub fn open_with_password_bytes(
    bytes: &[u8],
    password_bytes: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealedError> {
    let Header { algorithm, plain_len, .. } = header(bytes)?;
    let mut buffer = blocks(bytes, password_bytes, algorithm)?;
    let padding = buffer.get(plain_len as usize..).unwrap_or_default();
    if padding.is_empty() || padding.iter().any(|byte| usize::from(*byte) != padding.len()) {
        return Err(SealedError::WrongPasswordOrDamaged);
    }
    buffer.truncate(plain_len as usize);
    Ok(buffer)
}

/// Decrypts every whole block, as the header says or as if it named another algorithm, and does not look at what comes
/// out: for telling a wrong password from damage by what the plaintext should be.
///
/// # Errors
/// What [`header`] gives.
pub fn decrypt_blocks(
    bytes: &[u8],
    password: &SecretString,
    algorithm: Algorithm,
) -> Result<Zeroizing<Vec<u8>>, SealedError> {
    header(bytes)?;
    blocks(bytes, &password_bytes(password), algorithm)
}

fn blocks(
    bytes: &[u8],
    password_bytes: &[u8],
    algorithm: Algorithm,
) -> Result<Zeroizing<Vec<u8>>, SealedError> {
    let cipher_len = header(bytes)?.cipher_len as usize;
    let key = derive_key(password_bytes);
    let key = &key[..algorithm.key_len()];
    let whole = cipher_len - cipher_len % algorithm.block_len();
    let mut buffer = Zeroizing::new(bytes[HEADER_LEN..][..whole].to_vec());
    let decrypted = match algorithm {
        Algorithm::Aes128 => decrypt::<Decryptor<Aes128>>(key, &[0; 16], &mut buffer),
        Algorithm::Aes256 => decrypt::<Decryptor<Aes256>>(key, &[0; 16], &mut buffer),
        Algorithm::TripleDes => decrypt::<Decryptor<TdesEde3>>(key, &[0; 8], &mut buffer),
    };
    if decrypted { Ok(buffer) } else { Err(SealedError::WrongPasswordOrDamaged) }
}

/// Encrypts `plain`. The file is 24 bytes of header, the ciphertext, and zero bytes up to the length Windows programs
/// give such files (plaintext + 42 bytes for AES, plaintext + 32 for Triple DES).
///
/// # Errors
/// [`SealedError::TooLong`] when 32 bits do not hold the length.
pub fn seal(plain: &[u8], password: &SecretString, algorithm: Algorithm) -> Result<Vec<u8>, SealedError> {
    let padding = algorithm.block_len() - plain.len() % algorithm.block_len();
    seal_with_trailer(plain, password, algorithm, algorithm.allocated_beyond_plain() - padding)
}

/// Encrypts `plain` as another container was: with its algorithm, and its trailer's length where that was not the one
/// Windows programs leave.
///
/// # Errors
/// As [`seal`].
pub fn seal_like(plain: &[u8], password: &SecretString, other: &Header) -> Result<Vec<u8>, SealedError> {
    let Header { algorithm, plain_len, cipher_len, trailer_len } = *other;
    let usual = u64::from(plain_len) + algorithm.allocated_beyond_plain() as u64;
    if u64::from(cipher_len) + trailer_len == usual {
        return seal(plain, password, algorithm);
    }
    let len = usize::try_from(trailer_len).map_err(|_| SealedError::TooLong { len: plain.len() })?;
    seal_with_trailer(plain, password, algorithm, len)
}

/// The same with a trailer of `trailer_len` zero bytes.
///
/// # Errors
/// As [`seal`].
pub fn seal_with_trailer(
    plain: &[u8],
    password: &SecretString,
    algorithm: Algorithm,
    trailer_len: usize,
) -> Result<Vec<u8>, SealedError> {
    let block_len = algorithm.block_len();
    let too_long = SealedError::TooLong { len: plain.len() };
    let cipher_len = (plain.len() / block_len + 1) * block_len;
    let (Ok(plain_field), Ok(cipher_field)) = (u32::try_from(plain.len()), u32::try_from(cipher_len)) else {
        return Err(too_long);
    };

    let mut out = Vec::with_capacity(HEADER_LEN + cipher_len + trailer_len);
    for field in [MAGIC, STRUCT_LEN, plain_field, cipher_field, algorithm.id(), 0] {
        out.extend_from_slice(&field.to_le_bytes());
    }
    out.extend_from_slice(plain);
    out.resize(HEADER_LEN + cipher_len + trailer_len, 0);

    let key = derive_key(&password_bytes(password));
    let key = &key[..algorithm.key_len()];
    let body = &mut out[HEADER_LEN..][..cipher_len];
    let encrypted = match algorithm {
        Algorithm::Aes128 => encrypt::<Encryptor<Aes128>>(key, &[0; 16], body, plain.len()),
        Algorithm::Aes256 => encrypt::<Encryptor<Aes256>>(key, &[0; 16], body, plain.len()),
        Algorithm::TripleDes => encrypt::<Encryptor<TdesEde3>>(key, &[0; 8], body, plain.len()),
    };
    if encrypted { Ok(out) } else { Err(too_long) }
}

/// UTF-16LE, without byte order mark or terminator.
fn password_bytes(password: &SecretString) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(password.expose_secret().len() * 2));
    out.extend(password.expose_secret().encode_utf16().flat_map(u16::to_le_bytes));
    out
}

/// `CryptDeriveKey` for a SHA-1 hash when the key is longer than the hash (wincrypt.h documentation, Remarks): the
/// hash is mixed into 64 bytes of 0x36 and of 0x5C, and the SHA-1 of both together is the key material.
fn derive_key(password_bytes: &[u8]) -> Zeroizing<[u8; 40]> {
    let hash = Zeroizing::new(<[u8; 20]>::from(Sha1::digest(password_bytes)));
    let mut key = Zeroizing::new([0; 40]);
    for (half, fill) in key.chunks_exact_mut(20).zip([0x36_u8, 0x5C]) {
        let mut mixed = Zeroizing::new([fill; 64]);
        for (byte, hashed) in mixed.iter_mut().zip(hash.iter()) {
            *byte ^= hashed;
        }
        half.copy_from_slice(&Sha1::digest(mixed.as_slice()));
    }
    key
}

fn decrypt<D: BlockDecryptMut + KeyIvInit>(key: &[u8], iv: &[u8], buffer: &mut [u8]) -> bool {
    D::new_from_slices(key, iv)
        .is_ok_and(|decryptor| decryptor.decrypt_padded_mut::<NoPadding>(buffer).is_ok())
}

fn encrypt<E: BlockEncryptMut + KeyIvInit>(key: &[u8], iv: &[u8], buffer: &mut [u8], len: usize) -> bool {
    E::new_from_slices(key, iv)
        .is_ok_and(|encryptor| encryptor.encrypt_padded_mut::<Pkcs7>(buffer, len).is_ok())
}

#[cfg(test)]
mod tests;
