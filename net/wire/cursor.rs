//! Reads values from bytes that nobody vouches for.
//!
//! Every read is checked and gives an error, never a panic. A list says how many elements it has before they come, so a
//! few bytes could ask for a lot of memory: the cursor therefore has a *budget*, a fixed multiple of the bytes it was
//! given, and every list pays from it before it is allocated. What is left of a list's claim must also be there to be read.

use bytes::Bytes;

use super::error::WireError;

/// How many bytes of memory one byte of input may turn into. Lists of our messages need up to 25; a list of the worst shape
/// is refused above it.
const MEMORY_PER_BYTE: usize = 32;

/// What a short input may allocate whatever its length.
const SMALL: usize = 4096;

/// A place in bytes from the other side.
#[derive(Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    tails: std::slice::Iter<'a, Bytes>,
    budget: usize,
}

impl<'a> Cursor<'a> {
    /// At the beginning of `bytes`, none of whose payloads are out of line.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::with_tails(bytes, &[])
    }

    /// At the beginning of `bytes`, whose large payloads are `tails`, in order.
    pub fn with_tails(bytes: &'a [u8], tails: &'a [Bytes]) -> Self {
        Self {
            bytes,
            tails: tails.iter(),
            budget: bytes
                .len()
                .saturating_mul(MEMORY_PER_BYTE)
                .saturating_add(SMALL),
        }
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len()
    }

    /// The next `n` bytes.
    ///
    /// # Errors
    /// `Truncated`, if there are fewer.
    pub fn take(&mut self, n: usize, what: &'static str) -> Result<&'a [u8], WireError> {
        let Some((taken, rest)) = self.bytes.split_at_checked(n) else {
            return Err(WireError::Truncated { what });
        };
        self.bytes = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// `Truncated`, if there are fewer.
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], WireError> {
        let Some((taken, rest)) = self.bytes.split_first_chunk() else {
            return Err(WireError::Truncated { what });
        };
        self.bytes = rest;
        Ok(*taken)
    }

    /// One byte.
    ///
    /// # Errors
    /// `Truncated`, if there is none.
    #[inline]
    pub fn u8(&mut self, what: &'static str) -> Result<u8, WireError> {
        let [byte] = self.array(what)?;
        Ok(byte)
    }

    /// A number in as few bytes as it needs, seven bits each, the lowest first.
    ///
    /// # Errors
    /// If the bytes end within it, or it is not written as shortly as it could be.
    #[inline(always)]
    pub fn varint(&mut self, what: &'static str) -> Result<u64, WireError> {
        let first = self.u8(what)?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        self.rest_of_varint(first, what)
    }

    fn rest_of_varint(&mut self, first: u8, what: &'static str) -> Result<u64, WireError> {
        let mut value = u64::from(first & 0x7f);
        let mut shift = 0;
        while shift < 63 {
            shift += 7;
            let byte = self.u8(what)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte == 0 {
                break;
            }
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(WireError::Malformed {
            what: "a number in more bytes than it needs or than 64 bits have",
        })
    }

    /// A number of 32 bits, written as [`varint`](Self::varint).
    ///
    /// # Errors
    /// As `varint`, and if it is larger.
    pub fn varint_u32(&mut self, what: &'static str) -> Result<u32, WireError> {
        let found = self.varint(what)?;
        u32::try_from(found).map_err(|_| WireError::TooLong {
            what,
            found,
            limit: u64::from(u32::MAX),
        })
    }

    /// How many elements a list has, each at least a byte here and `size` bytes in memory.
    ///
    /// # Errors
    /// If there cannot be as many in what is left, or they would take more memory than the input warrants.
    pub fn count(&mut self, size: usize, what: &'static str) -> Result<usize, WireError> {
        let found = self.varint(what)?;
        let count = usize::try_from(found).unwrap_or(usize::MAX);
        if count > self.remaining() {
            return Err(WireError::Truncated { what });
        }
        let Some(left) = self.budget.checked_sub(count.saturating_mul(size)) else {
            return Err(WireError::TooLong {
                what,
                found,
                limit: self.budget.checked_div(size).unwrap_or(0) as u64,
            });
        };
        self.budget = left;
        Ok(count)
    }

    /// A text.
    ///
    /// # Errors
    /// If it is cut off or not UTF-8.
    pub fn text(&mut self, what: &'static str) -> Result<&'a str, WireError> {
        let len = usize::try_from(self.varint(what)?).unwrap_or(usize::MAX);
        let bytes = self.take(len, what)?;
        std::str::from_utf8(bytes).map_err(|_| WireError::Malformed {
            what: "a text that is not UTF-8",
        })
    }

    /// A payload: a copy of its own when it stands here, so that it does not keep a whole frame in memory, or the next of
    /// those out of line, as it was received.
    ///
    /// # Errors
    /// If it is cut off, or out of line and not there.
    pub fn payload(&mut self) -> Result<Bytes, WireError> {
        let what = "a payload";
        let tag = self.varint(what)?;
        if tag == 0 {
            let tail = self.tails.next().cloned();
            return tail.ok_or(WireError::Truncated {
                what: "the payloads out of line",
            });
        }
        let len = usize::try_from(tag - 1).unwrap_or(usize::MAX);
        Ok(owned(self.take(len, what)?))
    }

    /// Ends the reading of `what`.
    ///
    /// # Errors
    /// `Trailing`, if anything is left.
    pub fn finish(self, what: &'static str) -> Result<(), WireError> {
        if !self.bytes.is_empty() {
            return Err(WireError::Trailing {
                what,
                bytes: self.bytes.len() as u64,
            });
        }
        if self.tails.len() > 0 {
            return Err(WireError::Malformed {
                what: "a payload out of line that no message asks for",
            });
        }
        Ok(())
    }
}

/// Up to so many bytes stand beside their count of references, in one piece of memory; others get one for that when they are
/// first shared.
const SHORT: usize = 23;

struct Short {
    len: u8,
    bytes: [u8; SHORT],
}

impl AsRef<[u8]> for Short {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// A copy of its own.
fn owned(payload: &[u8]) -> Bytes {
    if payload.is_empty() || payload.len() > SHORT {
        return Bytes::copy_from_slice(payload);
    }
    let mut bytes = [0; SHORT];
    bytes[..payload.len()].copy_from_slice(payload);
    let len = payload.len() as u8;
    Bytes::from_owner(Short { len, bytes })
}
