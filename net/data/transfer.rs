//! One piece of data on its way here, over one connection.

use bytes::Bytes;

use super::message::PeerMessage;
use super::peers::tell;
use crate::net::message::Run;
use crate::net::transport::Link;

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
    content: Vec<u8>,
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
}

/// What a piece has brought.
#[derive(Debug)]
pub(super) enum Brought {
    /// More is to come.
    Part,
    /// This was the last of it.
    Whole(Bytes),
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
            content: Vec::new(),
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
        let come = self.content.len() as u64;
        self.asked < self.total && self.asked - come < AHEAD * u64::from(PIECE)
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

    /// A piece has come: they come in the order in which they were asked for.
    pub(super) fn take(&mut self, total: u64, piece: Bytes) -> Brought {
        self.idle = 0;
        let come = self.content.len() as u64;
        if total != self.total || piece.len() as u64 != u64::from(self.piece_at(come)) {
            return Brought::Nonsense(format!(
                "it gave {} of {total} bytes where {} of {} were asked for",
                piece.len(),
                self.piece_at(come),
                self.total
            ));
        }
        if piece.len() as u64 == self.total {
            return Brought::Whole(piece);
        }
        if let Err(reason) = self.make_room(piece.len()) {
            return Brought::Nonsense(reason);
        }
        self.content.extend_from_slice(&piece);
        if self.content.len() as u64 == self.total {
            return Brought::Whole(std::mem::take(&mut self.content).into());
        }
        if self.is_behind() {
            self.ask();
        }
        Brought::Part
    }

    /// Room for the next piece, and beyond it for as much as has come, but never for more than is to come.
    fn make_room(&mut self, piece: usize) -> Result<(), String> {
        let come = self.content.len();
        if self.content.capacity() - come >= piece {
            return Ok(());
        }
        let lacking = usize::try_from(self.total).unwrap_or(usize::MAX) - come;
        let more = lacking.min(RESERVED.max(come));
        let made = self.content.try_reserve_exact(more);
        made.map_err(|_| format!("there is no memory for its {} bytes", self.total))
    }
}
