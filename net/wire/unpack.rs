//! Bytes into frames, frames into messages; no I/O.
//!
//! Bytes are read into one buffer that is used again, but for payloads out of line: each is received into a buffer of its
//! own and of its size, so that it is not copied and keeps nothing else in memory. Only its first bytes, which were read
//! together with the frame's messages, are moved there.

use std::io;

use bytes::buf::Limit;
use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::cursor::Cursor;
use super::error::WireError;
use super::frame::{HEADER, Header, Kind, Limits};

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
    current: BytesMut,
    /// How many bytes the current one lacks.
    lacking: usize,
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
        read: impl FnOnce(&mut Limit<&mut BytesMut>) -> io::Result<usize>,
    ) -> io::Result<(usize, bool)> {
        if let Some(coming) = self.coming.as_mut().filter(|coming| coming.lacking > 0) {
            let room = coming.lacking;
            let n = read(&mut (&mut coming.current).limit(room))?;
            coming.lacking -= n;
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
            let copied = self.fill(|to| {
                let n = bytes.len().min(to.remaining_mut());
                to.put_slice(&bytes[..n]);
                Ok(n)
            });
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
        if self.coming.is_none() && !self.begin()? {
            return Ok(None);
        }
        Ok(self.collect())
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
            current: BytesMut::new(),
            lacking: 0,
        });
        Ok(true)
    }

    /// Ends payloads that are complete and begins the next, until one lacks bytes.
    fn collect(&mut self) -> Option<Frame> {
        let coming = self.coming.as_mut()?;
        while coming.lacking == 0 {
            if !coming.current.is_empty() {
                let whole = std::mem::take(&mut coming.current);
                coming.frame.tails.push(whole.freeze());
            }
            let Some(len) = coming.lengths.next() else {
                return self.coming.take().map(|coming| coming.frame);
            };
            let here = self.buffer.len().min(len as usize);
            coming.current = BytesMut::with_capacity(len as usize);
            coming.current.put_slice(&self.buffer[..here]);
            coming.lacking = len as usize - here;
            self.buffer.advance(here);
        }
        None
    }
}

fn lengths(table: &[u8]) -> Vec<u32> {
    let (numbers, _) = table.as_chunks();
    numbers
        .iter()
        .map(|bytes| u32::from_le_bytes(*bytes))
        .collect()
}
