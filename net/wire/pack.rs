//! Messages into frames, frames into what a vectored write takes.

use std::collections::VecDeque;

use bytes::Bytes;

use super::codec::Message;
use super::error::WireError;
use super::frame::{HEADER, Header, Kind, Limits};
use super::writer::Writer;

/// A frame that has this many bytes of messages is closed: large enough to make its header cheap, small enough to be
/// decoded in well under a millisecond.
const FULL_BODY: usize = 64 * 1024;

/// A frame that has this many bytes of payloads is closed, so that heartbeats and small messages come between them. A message
/// with as many has a frame of its own: its receiver may have a place for them.
const FULL_TAILS: usize = 64 * 1024;

/// Bytes to be written, one after the other.
#[derive(Debug)]
pub enum Piece {
    /// Headers and messages. The memory can be used again.
    Own(Vec<u8>),
    /// A payload, where its owner has it.
    Shared(Bytes),
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

/// Collects messages until somebody takes them as frames.
#[derive(Debug, Default)]
pub struct Packer {
    limits: Limits,
    writer: Writer,
    /// The frame that messages go into; its header is a gap in the writer's bytes until it is closed.
    open: Option<Open>,
    done: VecDeque<Piece>,
    bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    start: usize,
    count: u16,
    tails: usize,
}

impl Open {
    fn is_full(&self, body: usize) -> bool {
        self.count == u16::MAX || body >= FULL_BODY || self.tails >= FULL_TAILS
    }
}

impl Packer {
    /// For a receiver that takes frames within `limits`.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// From now on the receiver takes frames within `limits`.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Bytes collected and not yet taken.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a message.
    ///
    /// # Errors
    /// `TooLong`, if it does not even fit into a frame of its own; then nothing is added.
    pub fn push(&mut self, message: &impl Message) -> Result<(), WireError> {
        let open = self.room();
        let (mark, tails_mark) = (self.writer.bytes.len(), self.writer.tails.len());
        message.encode(&mut self.writer);
        let body = self.writer.bytes.len() - mark;
        let tails: usize = self.writer.tails[tails_mark..].iter().map(Bytes::len).sum();
        let (number, start) = (self.writer.tails.len(), open.start + HEADER);
        let shares = open.count == 0 || tails < FULL_TAILS;
        if shares
            && self
                .fits(mark - start + body, number, open.tails + tails)
                .is_ok()
        {
            self.count(open, body, tails);
            return Ok(());
        }
        let alone = self.fits(body, number - tails_mark, tails);
        self.move_on(open, mark, tails_mark, alone.is_ok());
        alone?;
        let open = self.open.expect("it was moved to a frame that is open");
        self.count(open, body, tails);
        Ok(())
    }

    /// Counts a message that has been added to the open frame.
    fn count(&mut self, open: Open, body: usize, tails: usize) {
        self.bytes += body + tails;
        self.open = Some(Open {
            count: open.count + 1,
            tails: open.tails + tails,
            ..open
        });
    }

    /// Takes what was added last, from these marks on, out of a frame that it does not fit into, and puts it into the next
    /// if it is to be kept.
    fn move_on(&mut self, open: Open, mark: usize, tails_mark: usize, kept: bool) {
        let tails = self.writer.tails.split_off(tails_mark);
        let body = self.writer.bytes.split_off(mark);
        if open.count == 0 {
            self.discard(open);
        }
        if kept {
            self.close();
            self.room();
            self.writer.raw(&body);
            self.writer.tails.extend(tails);
        }
    }

    /// Adds a frame without messages.
    pub fn frame(&mut self, kind: Kind, body: &[u8]) {
        self.close();
        let len = u32::try_from(body.len()).expect("control frames are small");
        self.writer.raw(&Header::plain(kind, 0, len).to_bytes());
        self.writer.raw(body);
        self.bytes += HEADER + body.len();
    }

    /// Moves everything collected to the end of `pieces`, as whole frames, and gives how many bytes that is. `spare` is
    /// empty memory to go on with, and is left where it is if there is nothing to move.
    pub fn take(&mut self, pieces: &mut VecDeque<Piece>, spare: &mut Vec<u8>) -> usize {
        self.close();
        if !self.writer.bytes.is_empty() {
            let bytes = std::mem::replace(&mut self.writer.bytes, std::mem::take(spare));
            self.done.push_back(Piece::Own(bytes));
        }
        pieces.append(&mut self.done);
        std::mem::take(&mut self.bytes)
    }

    /// An open frame with room for a message.
    fn room(&mut self) -> Open {
        if let Some(open) = self.open {
            if !open.is_full(self.writer.bytes.len() - open.start - HEADER) {
                return open;
            }
            self.close();
        }
        let open = Open {
            start: self.writer.bytes.len(),
            count: 0,
            tails: 0,
        };
        self.writer.raw(&[0; HEADER]);
        self.bytes += HEADER;
        self.open = Some(open);
        open
    }

    fn discard(&mut self, open: Open) {
        self.writer.bytes.truncate(open.start);
        self.bytes -= HEADER;
        self.open = None;
    }

    /// Whether a frame may have a body of so many bytes, and so many payloads of so many bytes.
    fn fits(&self, body: usize, number: usize, tails: usize) -> Result<(), WireError> {
        let table = 4 * number;
        let checks = [
            (
                body,
                self.limits.body,
                "a message in bytes, large payloads aside,",
            ),
            (
                body + table + tails,
                self.limits.frame,
                "a message in bytes",
            ),
            (
                number,
                u32::from(u16::MAX),
                "the number of large payloads in a message",
            ),
        ];
        for (found, limit, what) in checks {
            if found > limit as usize {
                return Err(WireError::TooLong {
                    what,
                    found: found as u64,
                    limit: u64::from(limit),
                });
            }
        }
        Ok(())
    }

    /// Ends the open frame: its table follows its messages, and its header is filled in.
    fn close(&mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        let Writer { bytes, tails } = &mut self.writer;
        let body = bytes.len() - open.start - HEADER;
        for tail in tails.iter() {
            bytes.extend_from_slice(&(tail.len() as u32).to_le_bytes());
        }
        let header = Header {
            len: (body + 4 * tails.len() + open.tails) as u32,
            kind: Kind::Messages,
            count: open.count,
            body: body as u32,
            tails: tails.len() as u16,
        };
        bytes[open.start..open.start + HEADER].copy_from_slice(&header.to_bytes());
        self.bytes += 4 * tails.len();
        if !tails.is_empty() {
            self.done.push_back(Piece::Own(std::mem::take(bytes)));
            self.done.extend(tails.drain(..).map(Piece::Shared));
        }
    }
}
