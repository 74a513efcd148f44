//! What a file on the medium consists of: made bytes, and slices of files that are never loaded.

use std::io;
use std::sync::Arc;

use crate::io::Source;

/// File systems share slices of files in units of their own blocks: 4096 bytes everywhere we know.
pub const SHARED_BLOCK: u64 = 4096;

/// One run of bytes.
#[derive(Clone)]
pub enum Piece {
    /// Bytes we made.
    Bytes(Arc<Vec<u8>>),
    /// A slice of something that stays where it is.
    Slice {
        /// Where the bytes are.
        source: Arc<dyn Source>,
        /// The first byte in it.
        offset: u64,
        /// How many bytes.
        len: u64,
    },
}

impl Piece {
    /// How many bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Slice { len, .. } => *len,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn slice(&self, start: u64, count: u64) -> Self {
        match self {
            Self::Bytes(bytes) if count == bytes.len() as u64 => Self::Bytes(bytes.clone()),
            Self::Bytes(bytes) => {
                Self::Bytes(bytes[start as usize..(start + count) as usize].to_vec().into())
            }
            Self::Slice { source, offset, .. } => {
                Self::Slice { source: source.clone(), offset: offset + start, len: count }
            }
        }
    }
}

impl Source for Piece {
    fn len(&self) -> u64 {
        Self::len(self)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = Self::len(self).saturating_sub(offset);
        let count = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        match self {
            Self::Bytes(bytes) => bytes.read_at(offset, &mut buffer[..count]),
            Self::Slice { source, offset: start, .. } => source.read_at(start + offset, &mut buffer[..count]),
        }
    }
}

/// A file's bytes as a list of pieces. Cheap to clone; itself a [`Source`].
#[derive(Clone, Default)]
pub struct Content {
    pieces: Arc<[Piece]>,
    /// Where each piece ends, because a fragmented file has as many as a million.
    ends: Arc<[u64]>,
}

impl Content {
    /// Bytes we made.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::from_pieces(vec![Piece::Bytes(Arc::new(bytes.into()))])
    }

    /// All of a source.
    pub fn source(source: Arc<dyn Source>) -> Self {
        let len = source.len();
        Self::from_pieces(vec![Piece::Slice { source, offset: 0, len }])
    }

    /// These pieces, one after the other; empty ones are dropped.
    pub fn from_pieces(mut pieces: Vec<Piece>) -> Self {
        pieces.retain(|piece| !piece.is_empty());
        let mut end = 0_u64;
        let ends = pieces.iter().map(|piece| {
            end = end.saturating_add(piece.len());
            end
        });
        Self { ends: ends.collect(), pieces: pieces.into() }
    }

    /// The pieces, front to back, none of them empty.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The pieces that make up `len` bytes from `offset`; less at the end.
    #[must_use]
    pub fn slice(&self, offset: u64, len: u64) -> Self {
        let end = offset.saturating_add(len);
        let (first, mut position) = self.piece_at(offset);
        let mut pieces = Vec::new();
        for piece in &self.pieces[first..] {
            let (start, stop) = (offset.max(position), end.min(position.saturating_add(piece.len())));
            if start >= stop {
                break;
            }
            pieces.push(piece.slice(start - position, stop - start));
            position = stop;
        }
        Self::from_pieces(pieces)
    }

    /// All bytes, for files known to be small.
    ///
    /// # Errors
    /// Whatever a source says; [`io::ErrorKind::FileTooLarge`] above `limit` bytes.
    pub fn to_vec(&self, limit: u64) -> io::Result<Vec<u8>> {
        if self.len() > limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut out = vec![0; self.len() as usize];
        self.read_exact_at(0, &mut out)?;
        Ok(out)
    }

    /// The same, which are not copied when they are in memory already.
    ///
    /// # Errors
    /// As [`Content::to_vec`].
    pub fn to_bytes(&self, limit: u64) -> io::Result<Arc<Vec<u8>>> {
        match &*self.pieces {
            [Piece::Bytes(bytes)] if bytes.len() as u64 <= limit => Ok(bytes.clone()),
            _ => self.to_vec(limit).map(Arc::new),
        }
    }

    /// The piece that holds a byte, and where it starts; the number of pieces when there is no such byte.
    fn piece_at(&self, offset: u64) -> (usize, u64) {
        let index = self.ends.partition_point(|end| *end <= offset);
        (index, index.checked_sub(1).map_or(0, |before| self.ends[before]))
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::bytes(bytes)
    }
}

impl Source for Content {
    fn len(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let (index, start) = self.piece_at(offset);
        let Some(piece) = self.pieces.get(index) else { return Ok(0) };
        piece.read_at(offset - start, buffer)
    }
}

/// A change of a file in place: what is added at its end, and what then takes the place of its first bytes. Until that
/// last step the file is what it was, with something behind it.
#[derive(Clone)]
pub struct Amendment {
    /// Length of the file before, in bytes: where the tail goes.
    pub len: u64,
    /// What is added there.
    pub tail: Content,
    /// What is written from byte 0 on, in one piece, when the tail has reached the device.
    pub head: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_and_reads_across_pieces() {
        let disk: Arc<dyn Source> = Arc::new(b"0123456789".to_vec());
        let content = Content::from_pieces(vec![
            Piece::Bytes(b"abc".to_vec().into()),
            Piece::Bytes(Vec::new().into()),
            Piece::Slice { source: disk, offset: 4, len: 3 },
            Piece::Bytes(b"xyz".to_vec().into()),
        ]);
        assert_eq!(content.to_vec(100).expect("in memory"), b"abc456xyz");
        assert_eq!(content.slice(2, 5).to_vec(100).expect("in memory"), b"c456x");
        assert_eq!(content.slice(8, 50).to_vec(100).expect("in memory"), b"z");
        assert_eq!(content.pieces().len(), 3);
        assert!(content.to_vec(8).is_err());
        for (offset, byte) in b"abc456xyz".iter().enumerate() {
            let mut read = [0; 9];
            let count = content.read_at(offset as u64, &mut read).expect("in memory");
            assert_eq!((read[0], count), (*byte, 3 - offset % 3), "byte {offset}");
        }
        assert_eq!(content.read_at(9, &mut [0]).expect("in memory"), 0);
        assert_eq!(content.slice(9, 1).pieces().len(), 0);
    }

    /// A million reads of a million pieces: by looking at each piece every time, hours.
    #[test]
    fn a_file_in_many_pieces_is_read_in_no_time() {
        let disk: Arc<dyn Source> = Arc::new(vec![7; 1 << 20]);
        let piece = |number: u64| Piece::Slice { source: disk.clone(), offset: number ^ 1, len: 1 };
        let content = Content::from_pieces((0..1 << 20).map(piece).collect());
        assert_eq!(content.to_vec(1 << 20).expect("in memory"), vec![7; 1 << 20]);
    }
}
