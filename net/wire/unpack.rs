//! Bytes into frames, frames into messages; no I/O.
//!
//! Bytes are read into one buffer that is used again, but for payloads out of line: each is received into a buffer of its
//! own and of its size, so that it is not copied and keeps nothing else in memory; or, if it is alone in its frame and
//! somebody has a [`Place`] for it, right there. Only its first bytes, which were read together with the frame's messages, are
//! moved there.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::cursor::Cursor;
use super::error::WireError;
use super::frame::{HEADER, Header, Kind, Limits};
use super::place::{Place, Read, copy};

/// How much is read at once. A frame of messages that the other side closed as full fits.
const READ: usize = 96 * 1024;

/// A buffer that a large frame has made larger than this is given back.
const KEPT: usize = 4 * READ;

/// A whole frame.
#[derive(Debug)]
pub struct Frame {
    /// What is in it.
    pub kind: Kind,
    /// How many messages.
    pub count: u16,
    /// The messages, or a text.
    pub body: Bytes,
    /// The payloads out of line.
    pub tails: Vec<Bytes>,
}

impl Frame {
    /// Adds its messages to a batch, each read by `decode`.
    ///
    /// # Errors
    /// If one is wrong; those before it are in the batch.
    pub fn decode<M>(
        &self,
        batch: &mut Vec<M>,
        decode: impl Fn(&mut Cursor<'_>) -> Result<M, WireError>,
    ) -> Result<(), WireError> {
        let mut from = Cursor::with_tails(&self.body, &self.tails);
        for number in 1..=u32::from(self.count) {
            let message = decode(&mut from).map_err(|why| WireError::InMessage {
                number,
                count: self.count,
                why: Box::new(why),
            })?;
            batch.push(message);
        }
        from.finish("the messages of a frame")
    }
}

/// Cuts what is received into frames.
#[derive(Debug)]
pub struct Unpacker {
    limits: Limits,
    buffer: BytesMut,
    /// A frame whose payloads are still coming.
    coming: Option<Coming>,
}

#[derive(Debug)]
struct Coming {
    frame: Frame,
    /// The lengths of those payloads that have not begun.
    lengths: std::vec::IntoIter<u32>,
    current: Payload,
    /// How many bytes the current one lacks.
    lacking: usize,
}

/// A payload that is coming.
#[derive(Debug)]
enum Payload {
    None,
    Own(Vec<u8>),
    Placed(Box<dyn Place>),
}

impl Payload {
    fn place(&mut self) -> &mut dyn Place {
        match self {
            Self::None => unreachable!("it lacks nothing"),
            Self::Own(bytes) => bytes,
            Self::Placed(place) => &mut **place,
        }
    }
}

impl Unpacker {
    /// Takes frames within `limits`.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            buffer: BytesMut::new(),
            coming: None,
        }
    }

    /// From the next frame on, takes frames within `limits`.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Whether the bytes so far end between two frames.
    pub fn is_between_frames(&self) -> bool {
        self.buffer.is_empty() && self.coming.is_none()
    }

    /// Has `read` put bytes where they belong next, and gives what it gave, and whether it filled all the room it had.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn fill(
        &mut self,
        mut read: impl FnMut(&mut dyn BufMut) -> io::Result<usize>,
    ) -> io::Result<(usize, bool)> {
        if let Some(coming) = self.coming.as_mut().filter(|coming| coming.lacking > 0) {
            let (n, room) = coming.fill(&mut read)?;
            return Ok((n, n == room));
        }
        if self.buffer.is_empty() && self.buffer.capacity() > KEPT {
            self.buffer = BytesMut::new();
        }
        self.buffer.reserve(READ);
        let n = read(&mut (&mut self.buffer).limit(READ))?;
        Ok((n, n == READ))
    }

    /// Adds bytes that have been received elsewhere.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let copied = self.fill(|to| Ok(copy(bytes, to)));
            let (n, _) = copied.expect("copying has no errors");
            bytes.advance(n);
            if n == 0 {
                break;
            }
        }
    }

    /// The next frame, if all of it is there.
    ///
    /// # Errors
    /// If the bytes are not a frame; nothing after it can be read then.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, WireError> {
        self.next_frame_in(|_, _| None)
    }

    /// As [`next_frame`](Self::next_frame). Of a frame with one payload `place` says where that goes, being told its length
    /// and shown the frame without it.
    ///
    /// # Errors
    /// As `next_frame`.
    pub fn next_frame_in(
        &mut self,
        place: impl FnOnce(&Frame, usize) -> Option<Box<dyn Place>>,
    ) -> Result<Option<Frame>, WireError> {
        if self.coming.is_none() {
            if !self.begin()? {
                return Ok(None);
            }
            self.settle(place);
        }
        Ok(self.collect())
    }

    /// Asks where the only payload of a frame that begins goes.
    fn settle(&mut self, place: impl FnOnce(&Frame, usize) -> Option<Box<dyn Place>>) {
        if let Some(coming) = &mut self.coming
            && let [len] = *coming.lengths.as_slice()
            && let Some(place) = place(&coming.frame, len as usize)
        {
            coming.lengths = Vec::new().into_iter();
            coming.begin(Payload::Placed(place), len as usize, &mut self.buffer);
        }
    }

    /// Reads header, messages and table of the next frame, if they are there.
    fn begin(&mut self) -> Result<bool, WireError> {
        let Some(header) = self.buffer.first_chunk::<HEADER>() else {
            return Ok(false);
        };
        let header = Header::of(header, &self.limits)?;
        let (body, table) = (header.body as usize, header.table());
        if self.buffer.len() < HEADER + body + table {
            return Ok(false);
        }
        self.buffer.advance(HEADER);
        let body = self.buffer.split_to(body).freeze();
        let lengths = lengths(&self.buffer[..table]);
        self.buffer.advance(table);
        let total: u64 = lengths.iter().map(|len| u64::from(*len)).sum();
        if lengths.contains(&0)
            || total + u64::from(header.body) + table as u64 != u64::from(header.len)
        {
            return Err(WireError::Malformed {
                what: "a table of payloads that contradicts its frame",
            });
        }
        self.coming = Some(Coming {
            frame: Frame {
                kind: header.kind,
                count: header.count,
                body,
                tails: Vec::with_capacity(lengths.len()),
            },
            lengths: lengths.into_iter(),
            current: Payload::None,
            lacking: 0,
        });
        Ok(true)
    }

    /// Ends payloads that are complete and begins the next, until one lacks bytes.
    fn collect(&mut self) -> Option<Frame> {
        let coming = self.coming.as_mut()?;
        while coming.lacking == 0 {
            match std::mem::replace(&mut coming.current, Payload::None) {
                Payload::None => {}
                Payload::Own(whole) => coming.frame.tails.push(whole.into()),
                Payload::Placed(_) => coming.frame.tails.push(Bytes::new()),
            }
            let Some(len) = coming.lengths.next() else {
                return self.coming.take().map(|coming| coming.frame);
            };
            let own = Payload::Own(Vec::with_capacity(len as usize));
            coming.begin(own, len as usize, &mut self.buffer);
        }
        None
    }
}

impl Coming {
    /// Begins a payload with what of it was read together with what stood before it.
    fn begin(&mut self, payload: Payload, len: usize, buffer: &mut BytesMut) {
        self.current = payload;
        self.lacking = len;
        while self.lacking > 0 && !buffer.is_empty() {
            let copied = self.fill(&mut |to| Ok(copy(buffer, to)));
            let (n, _) = copied.expect("copying has no errors");
            buffer.advance(n);
            if n == 0 {
                break;
            }
        }
    }

    /// Has `read` put bytes where they belong next, and gives how many came and how many had room.
    fn fill(&mut self, read: Read<'_>) -> io::Result<(usize, usize)> {
        let (n, room) = self.current.place().fill(self.lacking, read)?;
        self.lacking -= n;
        Ok((n, room))
    }
}

fn lengths(table: &[u8]) -> Vec<u32> {
    let (numbers, _) = table.as_chunks();
    numbers
        .iter()
        .map(|bytes| u32::from_le_bytes(*bytes))
        .collect()
}
