//! Decrypts a variables file, and tells a wrong password from damage. The container has no check value, but of the text
//! much is known: it is XML, and noise is not.

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::VariablesError;
use super::xml::looks_like_variables;
use crate::sealed::{self, Algorithm, HEADER_LEN, SealedError};

/// The plain text.
pub(super) fn open(bytes: &[u8], password: &SecretString) -> Result<Zeroizing<Vec<u8>>, VariablesError> {
    match sealed::open(bytes, password) {
        Ok(plain) if looks_like_variables(&plain) => {
            let block_len = sealed::header(bytes)?.algorithm.block_len();
            match first_noise(&plain, block_len) {
                Some(at) => Err(VariablesError::Damaged { offset: (HEADER_LEN + at) as u64 }),
                None => Ok(plain),
            }
        }
        // A wrong password may leave padding that looks right.
        Ok(_) | Err(SealedError::WrongPasswordOrDamaged) => Err(reason(bytes, password)?),
        Err(error) => Err(error.into()),
    }
}

/// Why a file with a sound header does not open. Every block but the damaged one and the next decrypts as it should.
fn reason(bytes: &[u8], password: &SecretString) -> Result<VariablesError, VariablesError> {
    let header = sealed::header(bytes)?;
    let block_len = header.algorithm.block_len();
    let blocks = sealed::decrypt_blocks(bytes, password, header.algorithm)?;
    let damaged = |at: usize| VariablesError::Damaged { offset: (HEADER_LEN + at) as u64 };
    if looks_like_variables(&blocks) {
        let last = blocks.len().saturating_sub(block_len);
        return Ok(match (first_noise(&blocks[..last], block_len), padding(&blocks, block_len)) {
            (Some(at), _) => damaged(at),
            (None, Some(padding)) => {
                VariablesError::Length { stated: header.plain_len, found: header.cipher_len - padding }
            }
            (None, None) => damaged(last),
        });
    }
    if is_text(blocks.get(block_len..).unwrap_or_default()) {
        return Ok(damaged(0));
    }
    for other in Algorithm::ALL.into_iter().filter(|other| *other != header.algorithm) {
        let blocks = sealed::decrypt_blocks(bytes, password, other)?;
        if looks_like_variables(&blocks) && is_text(&blocks) {
            return Ok(VariablesError::Cipher { stated: header.algorithm, found: other });
        }
    }
    Ok(VariablesError::WrongPassword)
}

/// The length of padding that is what padding is.
fn padding(blocks: &[u8], block_len: usize) -> Option<u32> {
    let len = *blocks.last()?;
    let padding = blocks.get(blocks.len().checked_sub(usize::from(len))?..)?;
    let sound = (1..=block_len).contains(&usize::from(len)) && padding.iter().all(|byte| *byte == len);
    sound.then_some(u32::from(len))
}

/// Whether bytes are the text of variables, in UTF-16LE or UTF-8. Of noise one byte in 256 is zero, and one in three a
/// printable character of ASCII.
fn is_text(bytes: &[u8]) -> bool {
    let pairs = bytes.as_chunks::<2>().0;
    let ascii = pairs.iter().filter(|pair| pair[1] == 0 && pair[0].is_ascii()).count();
    let printable = bytes.iter().filter(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')).count();
    (pairs.len() >= 4 && ascii * 4 >= pairs.len()) || (bytes.len() >= 64 && printable * 8 >= bytes.len() * 7)
}

/// Where the first block is that is nothing people write.
fn first_noise(plain: &[u8], block_len: usize) -> Option<usize> {
    let is_utf16 = plain.get(1) == Some(&0) || plain.starts_with(b"\xFF\xFE");
    if !is_utf16 && std::str::from_utf8(plain).is_ok() {
        return None;
    }
    let noise = |block: &[u8]| if is_utf16 { is_noise_utf16(block) } else { is_noise_utf8(block) };
    plain.chunks_exact(block_len).position(noise).map(|index| index * block_len)
}

/// Text keeps to a few pages of Unicode; noise is all over it, also where nothing stands.
fn is_noise_utf16(block: &[u8]) -> bool {
    let units: Vec<u16> = block.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    let mut pages: Vec<u16> = units.iter().map(|unit| unit >> 8).collect();
    pages.sort_unstable();
    pages.dedup();
    let odd = |(at, unit): (usize, &u16)| match unit {
        1..=8 | 11 | 12 | 14..=31 | 0x3400..=0x4DBF | 0xA000..=0xABFF => true,
        0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xFFF0.. => true,
        // Half a pair; the other half may be in the next block, or the one before.
        0xD800..=0xDBFF => units.get(at + 1).is_some_and(|next| !(0xDC00..=0xDFFF).contains(next)),
        0xDC00..=0xDFFF => at > 0 && !(0xD800..=0xDBFF).contains(&units[at - 1]),
        _ => false,
    };
    pages.len() * 4 >= units.len() * 3 && units.iter().enumerate().any(odd)
}

fn is_noise_utf8(block: &[u8]) -> bool {
    let odd = |byte: &&u8| !matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    block.iter().filter(odd).count() * 3 >= block.len() && std::str::from_utf8(block).is_err()
}
