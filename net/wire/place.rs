//! Where a payload goes that is not received into memory of its own.

use std::fmt;
use std::io;

use bytes::BufMut;

/// Puts bytes into what it is given, and gives how many.
pub type Read<'r> = &'r mut dyn FnMut(&mut dyn BufMut) -> io::Result<usize>;

/// Where a payload goes that is not received into memory of its own. The message that it is a part of is then read as if it
/// were empty.
pub trait Place: Send + Sync + fmt::Debug {
    /// Has `read` put the next bytes, at most `most`, where they belong, and gives how many came and how many had room.
    ///
    /// # Errors
    /// Those of `read`.
    fn fill(&mut self, most: usize, read: Read<'_>) -> io::Result<(usize, usize)>;
}

/// Copies as many bytes as there is room for, and gives how many.
pub(in crate::net) fn copy(bytes: &[u8], to: &mut dyn BufMut) -> usize {
    let n = bytes.len().min(to.remaining_mut());
    to.put_slice(&bytes[..n]);
    n
}

/// Memory of its own.
impl Place for Vec<u8> {
    fn fill(&mut self, most: usize, read: Read<'_>) -> io::Result<(usize, usize)> {
        let n = read(&mut self.limit(most))?;
        Ok((n, most))
    }
}
