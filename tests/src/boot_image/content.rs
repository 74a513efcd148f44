//! The bytes of fabricated files: given ones, and endless ones that follow from a number.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// The bytes of one file or stream; large ones are made while they are read.
#[derive(Debug, Clone)]
pub struct FileContent {
    head: Arc<[u8]>,
    filler: u64,
    seed: u64,
    texture: Texture,
}

/// How filler looks to a compressor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texture {
    /// As machine code and resources: compresses to a quarter or so.
    Code,
    /// As what is compressed already: not at all.
    Random,
    /// Blocks of either kind in one file.
    Mixed,
}

/// Filler is made in blocks of this many bytes, so that any part of it can be.
const BLOCK: usize = 32 * 1024;

impl FileContent {
    /// Exactly these bytes.
    pub fn bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { head: bytes.into(), filler: 0, seed: 0, texture: Texture::Random }
    }

    /// These bytes and then filler of a texture up to `len` bytes in all.
    pub fn filled(head: impl Into<Arc<[u8]>>, len: u64, seed: u64, texture: Texture) -> Self {
        let head = head.into();
        let filler = len.saturating_sub(head.len() as u64);
        Self { head, filler, seed, texture }
    }

    /// How many bytes.
    pub fn len(&self) -> u64 {
        self.head.len() as u64 + self.filler
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a compressor would only waste its time.
    pub(super) fn is_incompressible(&self) -> bool {
        self.filler > 0 && self.texture == Texture::Random
    }

    /// All bytes; for files known to be small.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(usize::try_from(self.len()).unwrap_or(0));
        self.blocks(&mut |block| {
            out.extend_from_slice(block);
            Ok(())
        })
        .unwrap_or_default();
        out
    }

    /// Gives all bytes, front to back, in pieces of no particular size.
    pub(super) fn blocks(&self, take: &mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<()> {
        if !self.head.is_empty() {
            take(&self.head)?;
        }
        let mut filler = Filler::new(self.seed, self.texture);
        let (mut left, mut block) = (self.filler, vec![0; BLOCK]);
        while left > 0 {
            let count = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
            filler.fill(&mut block[..count]);
            take(&block[..count])?;
            left -= count as u64;
        }
        Ok(())
    }
}

struct Filler {
    random: ChaCha8Rng,
    texture: Texture,
    phrases: Vec<u8>,
}

impl Filler {
    fn new(seed: u64, texture: Texture) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut phrases = vec![0; if texture == Texture::Random { 0 } else { 2048 }];
        random.fill_bytes(&mut phrases);
        Self { random, texture, phrases }
    }

    fn fill(&mut self, block: &mut [u8]) {
        let code = match self.texture {
            Texture::Code => true,
            Texture::Random => false,
            Texture::Mixed => self.random.next_u32().is_multiple_of(2),
        };
        if code { self.fill_as_code(block) } else { self.random.fill_bytes(block) }
    }

    /// Phrases of a small vocabulary with a few new bytes between, as instructions with their operands are.
    fn fill_as_code(&mut self, block: &mut [u8]) {
        let mut position = 0;
        while position < block.len() {
            let draw = self.random.next_u64().to_le_bytes();
            let phrase = usize::from(u16::from_le_bytes([draw[0], draw[1]])) % (self.phrases.len() - 64);
            let count = (8 + usize::from(draw[2] % 48)).min(block.len() - position);
            block[position..position + count].copy_from_slice(&self.phrases[phrase..phrase + count]);
            position += count;
            let fresh = usize::from(draw[3] % 4).min(block.len() - position);
            block[position..position + fresh].copy_from_slice(&draw[4..4 + fresh]);
            position += fresh;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_bytes_of_the_length_asked_for() {
        for texture in [Texture::Code, Texture::Random, Texture::Mixed] {
            let one = FileContent::filled(*b"MZ", 100_001, 7, texture);
            assert_eq!(one.to_vec().len(), 100_001);
            assert_eq!(one.to_vec(), FileContent::filled(*b"MZ", 100_001, 7, texture).to_vec());
            assert_ne!(one.to_vec(), FileContent::filled(*b"MZ", 100_001, 8, texture).to_vec());
        }
    }
}
