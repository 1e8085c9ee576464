//! A connection's way into its socket.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use crate::net::wire::{Packer, Piece};

/// How many pieces one call writes; systems take up to 1,024.
const SLICES: usize = 64;

/// Memory for messages that has grown past this is given back.
const KEPT: usize = 256 * 1024;

/// What is being written. Held by whoever writes.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    pieces: VecDeque<Piece>,
    /// How much of the first piece has been written.
    offset: usize,
    bytes: usize,
    spare: Vec<u8>,
    /// The socket took no more; the hub's thread waits until it does.
    pub(super) blocked: bool,
}

impl Pipe {
    /// Bytes not yet written.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Takes all that is queued.
    pub(super) fn refill(&mut self, queue: &mut Packer) {
        self.bytes += queue.take(&mut self.pieces, &mut self.spare);
    }

    /// Writes once, with `write`, and gives how much.
    pub(super) fn write(
        &mut self,
        write: impl FnOnce(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut skip = self.offset;
        let mut used = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(&piece.as_ref()[std::mem::take(&mut skip)..]);
            used += 1;
        }
        let n = write(&slices[..used])?;
        if n == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.advance(n);
        Ok(n)
    }

    fn advance(&mut self, n: usize) {
        self.bytes -= n;
        self.offset += n;
        while let Some(first) = self.pieces.front().map(|piece| piece.as_ref().len()) {
            if self.offset < first {
                return;
            }
            self.offset -= first;
            let written = self.pieces.pop_front();
            self.reuse(written);
        }
    }

    fn reuse(&mut self, written: Option<Piece>) {
        if let Some(Piece::Own(mut bytes)) = written
            && bytes.capacity() <= KEPT
        {
            bytes.clear();
            self.spare = bytes;
        }
    }
}
