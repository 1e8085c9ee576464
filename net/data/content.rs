//! Data, encoded, as it is held.

use bytes::Bytes;

use super::transfer::PIECE;
use crate::driver::Array;

/// Data, encoded. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Content {
    /// As bytes.
    Bytes(Bytes),
    /// As the array of numbers that it is: its encoding is its memory, after a few bytes.
    Array(Array),
}

impl Content {
    /// Bytes of the encoding.
    pub fn bytes(&self) -> u64 {
        let bytes = match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Array(array) => array.encoded_len(),
        };
        bytes as u64
    }

    /// Which numbers it is an array of; 0 is none, as far as is known.
    pub fn code(&self) -> u8 {
        match self {
            Self::Bytes(_) => 0,
            Self::Array(array) => array.code(),
        }
    }

    /// The encoding. Of an array it is a copy.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Array(array) => array.encoded().into(),
        }
    }

    /// The piece of the encoding that begins here, at most so long, and at most a [`PIECE`]. `None`, if it ends before.
    pub(super) fn piece(&self, from: u64, len: u32) -> Option<Bytes> {
        let from = usize::try_from(from).ok()?;
        let end = |total: usize| Some(from + total.checked_sub(from)?.min(len.min(PIECE) as usize));
        match self {
            Self::Bytes(bytes) => Some(bytes.slice(from..end(bytes.len())?)),
            Self::Array(array) => Some(piece_of(array, from, end(array.encoded_len())?)),
        }
    }
}

fn piece_of(array: &Array, from: usize, end: usize) -> Bytes {
    let head = array.head();
    if let Some(from) = from.checked_sub(head.len()) {
        return Bytes::from_owner(array.clone()).slice(from..end - head.len());
    }
    let numbers = end.saturating_sub(head.len());
    let mut piece = Vec::with_capacity(end - from);
    piece.extend_from_slice(&head[from..end.min(head.len())]);
    piece.extend_from_slice(&array.as_ref()[..numbers]);
    piece.into()
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}
