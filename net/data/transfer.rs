//! One piece of data on its way here, over one connection.

use bytes::Bytes;

use super::buffer::Buffer;
use super::content::Content;
use super::message::PeerMessage;
use super::peers::tell;
use crate::net::message::Run;
use crate::net::transport::Link;
use crate::net::wire::Place;

/// How much is asked for at once: large enough that a message costs nothing beside it, small enough that heartbeats and
/// other data come between.
pub const PIECE: u32 = 1 << 20;

/// How many pieces are asked for ahead. Eight keep a fast link busy for a millisecond, which is more than an answer takes.
const AHEAD: u64 = 8;

/// The most memory that is taken before anything has come. Beyond it, as much is taken as has come already.
pub const RESERVED: usize = 64 << 20;

/// Data on its way here.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) link: Link,
    pub(super) number: u64,
    pub(super) data: Run,
    pub(super) purpose: Purpose,
    total: u64,
    /// Pieces before this place have been asked for.
    asked: u64,
    /// Bytes of the pieces that have come whole.
    come: u64,
    buffer: Buffer,
    /// How often time went by since something came.
    pub(super) idle: u32,
}

/// Why data is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Somebody here wants it.
    Fetch,
    /// The other side offered it, under this number.
    Offer(u64),
    /// The other side has it as the result of our call of this number.
    Answer(u64),
}

/// What a piece has brought.
#[derive(Debug)]
pub(super) enum Brought {
    /// More is to come.
    Part,
    /// This was the last of it.
    Whole(Content),
    /// It is not what was asked for, or there is no memory for it: the line says which.
    Nonsense(String),
}

impl Transfer {
    /// Begins to ask for `total` bytes.
    pub(super) fn begin(link: Link, number: u64, data: Run, total: u64, purpose: Purpose) -> Self {
        let mut transfer = Self {
            link,
            number,
            data,
            purpose,
            total,
            asked: 0,
            come: 0,
            buffer: Buffer::default(),
            idle: 0,
        };
        // Of empty data too one piece is asked for: whether it is there at all.
        transfer.ask();
        while transfer.is_behind() {
            transfer.ask();
        }
        transfer
    }

    fn is_behind(&self) -> bool {
        self.asked < self.total && self.asked - self.come < AHEAD * u64::from(PIECE)
    }

    fn ask(&mut self) {
        let len = self.piece_at(self.asked);
        let get = PeerMessage::Get {
            request: self.number,
            data: self.data,
            from: self.asked,
            len,
        };
        self.asked += u64::from(len);
        tell(&self.link, &get);
    }

    /// How long the piece is that begins here.
    fn piece_at(&self, from: u64) -> u32 {
        (self.total - from).min(u64::from(PIECE)) as u32
    }

    /// Where the next piece goes, if it is what was asked for and is not all there is of some bytes: those stay where they are
    /// received.
    pub(super) fn place(&self, total: u64, array: u8, len: usize) -> Option<Box<dyn Place>> {
        let fits = total == self.total && len as u64 == u64::from(self.piece_at(self.come));
        if !fits || self.buffer.filled() != self.come || (array == 0 && len as u64 == total) {
            return None;
        }
        self.buffer.make_room(len, total, array).ok()?;
        Some(Box::new(self.buffer.clone()))
    }

    /// A piece has come: they come in the order in which they were asked for.
    pub(super) fn take(&mut self, total: u64, array: u8, piece: Bytes) -> Brought {
        self.idle = 0;
        let expected = u64::from(self.piece_at(self.come));
        let placed = self.buffer.filled() - self.come;
        if total != self.total || piece.len() as u64 + placed != expected {
            return Brought::Nonsense(format!(
                "it gave {} of {total} bytes where {expected} of {} were asked for",
                piece.len() as u64 + placed,
                self.total
            ));
        }
        if array == 0 && piece.len() as u64 == self.total {
            return Brought::Whole(piece.into());
        }
        if let Err(reason) = self.put(array, &piece) {
            return Brought::Nonsense(reason);
        }
        self.come += expected;
        if self.come < self.total {
            if self.is_behind() {
                self.ask();
            }
            return Brought::Part;
        }
        self.buffer
            .take()
            .map_or_else(Brought::Nonsense, Brought::Whole)
    }

    /// Puts a piece, unless it was received right there.
    fn put(&mut self, array: u8, piece: &[u8]) -> Result<(), String> {
        if !piece.is_empty() {
            self.buffer.make_room(piece.len(), self.total, array)?;
            self.buffer.add(piece);
        }
        Ok(())
    }
}
