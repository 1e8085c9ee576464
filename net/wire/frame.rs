//! The header of a frame.

use super::cursor::Cursor;
use super::error::WireError;

/// How long a header is.
pub const HEADER: usize = 16;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Who the sender is; the first frame in either direction.
    Hello = 1,
    /// More of the functions that the sender has.
    Functions = 2,
    /// Why the other side is not let in; then the connection ends.
    Refuse = 3,
    /// Messages.
    Messages = 4,
    /// Nothing: the sender is alive.
    Heartbeat = 5,
    /// Why the sender ends the connection.
    Close = 6,
}

impl Kind {
    fn of(number: u8) -> Option<Self> {
        [
            Self::Hello,
            Self::Functions,
            Self::Refuse,
            Self::Messages,
            Self::Heartbeat,
            Self::Close,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == number)
    }
}

/// How much of what a frame may hold, checked before anything is allocated for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes after the header.
    pub frame: u32,
    /// Bytes of messages, without the payloads out of line.
    pub body: u32,
}

impl Limits {
    /// Until the handshake is over.
    pub const HANDSHAKE: Self = Self {
        frame: 64 * 1024,
        body: 64 * 1024,
    };

    /// For frames of at most `frame` bytes. A quarter of them may be messages: those cost memory when they are decoded,
    /// payloads do not.
    pub fn of_frame(frame: u32) -> Self {
        let frame = frame.max(Self::HANDSHAKE.frame);
        Self {
            frame,
            body: (frame / 4).max(Self::HANDSHAKE.body),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::of_frame(64 * 1024 * 1024)
    }
}

/// What stands before every frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes after the header: the body, the table of payload lengths, the payloads.
    pub len: u32,
    /// What the frame holds.
    pub kind: Kind,
    /// How many messages are in the body.
    pub count: u16,
    /// Bytes of the body.
    pub body: u32,
    /// How many payloads are out of line.
    pub tails: u16,
}

impl Header {
    /// Of a frame that is nothing but a body.
    pub fn plain(kind: Kind, count: u16, body: u32) -> Self {
        Self {
            len: body,
            kind,
            count,
            body,
            tails: 0,
        }
    }

    /// As it stands on the wire.
    pub fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..4].copy_from_slice(&self.len.to_le_bytes());
        bytes[4] = self.kind as u8;
        bytes[6..8].copy_from_slice(&self.count.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.body.to_le_bytes());
        bytes[12..14].copy_from_slice(&self.tails.to_le_bytes());
        bytes
    }

    /// Reads one, and checks all that it says against `limits`.
    ///
    /// # Errors
    /// If it breaks a limit, contradicts itself, or asks for what this version does not know.
    pub fn of(bytes: &[u8; HEADER], limits: &Limits) -> Result<Self, WireError> {
        let mut from = Cursor::new(bytes);
        let what = "a frame's header";
        let len = u32::from_le_bytes(from.array(what)?);
        let [kind, flags] = from.array(what)?;
        let count = u16::from_le_bytes(from.array(what)?);
        let body = u32::from_le_bytes(from.array(what)?);
        let tails = u16::from_le_bytes(from.array(what)?);
        let reserved = u16::from_le_bytes(from.array(what)?);
        let kind = Kind::of(kind).ok_or(WireError::Unknown {
            what: "kind of frame",
            found: u64::from(kind),
        })?;
        if flags != 0 || reserved != 0 {
            return Err(WireError::Malformed {
                what: "a frame with flags that this version does not know",
            });
        }
        let header = Self {
            len,
            kind,
            count,
            body,
            tails,
        };
        header.check(limits)?;
        Ok(header)
    }

    /// Bytes of the table of payload lengths.
    pub fn table(&self) -> usize {
        usize::from(self.tails) * 4
    }

    fn check(&self, limits: &Limits) -> Result<(), WireError> {
        within(self.len, limits.frame, "a frame in bytes")?;
        within(self.body, limits.body, "a frame's messages in bytes")?;
        let rest = self
            .len
            .checked_sub(self.body)
            .ok_or(WireError::Malformed {
                what: "a frame shorter than its messages",
            })?;
        if self.table() > rest as usize {
            return Err(WireError::Malformed {
                what: "a frame shorter than its table of payloads",
            });
        }
        if u32::from(self.count) > self.body {
            return Err(WireError::Malformed {
                what: "a frame with more messages than bytes for them",
            });
        }
        let messages = self.kind == Kind::Messages;
        if !messages && (self.count != 0 || self.body != self.len) {
            return Err(WireError::Malformed {
                what: "messages in a frame of another kind",
            });
        }
        if self.kind == Kind::Heartbeat && self.len != 0 {
            return Err(WireError::Malformed {
                what: "a heartbeat that is not empty",
            });
        }
        Ok(())
    }
}

fn within(found: u32, limit: u32, what: &'static str) -> Result<(), WireError> {
    if found <= limit {
        return Ok(());
    }
    Err(WireError::TooLong {
        what,
        found: u64::from(found),
        limit: u64::from(limit),
    })
}
