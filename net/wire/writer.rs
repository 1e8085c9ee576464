//! Writes values as the [`Cursor`](super::Cursor) reads them.

use bytes::Bytes;

/// From this size on a payload stands out of line: it is then written from where it is, without a copy. Below, a copy is
/// cheaper than one more entry of a vectored write.
pub const OUT_OF_LINE: usize = 4096;

/// These bytes as a payload. Few of them are given memory of their size, which then needs none for a capacity beside it.
pub(in crate::net) fn payload_of(bytes: Vec<u8>) -> Bytes {
    if bytes.len() < OUT_OF_LINE {
        bytes.into_boxed_slice().into()
    } else {
        bytes.into()
    }
}

/// Bytes being written, and the payloads that stand out of line.
#[derive(Debug, Default)]
pub struct Writer {
    pub(super) bytes: Vec<u8>,
    pub(super) tails: Vec<Bytes>,
}

impl Writer {
    /// What has been written in line.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What has been written, if nothing of it stands out of line.
    pub(in crate::net) fn into_bytes(self) -> Bytes {
        debug_assert!(self.tails.is_empty(), "no field was a payload");
        self.bytes.into()
    }

    /// The payloads out of line, in order.
    pub fn tails(&self) -> &[Bytes] {
        &self.tails
    }

    /// These bytes, as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// A number in as few bytes as it needs.
    pub fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.varint(text.len() as u64);
        self.raw(text.as_bytes());
    }

    /// A payload, in line when it is small.
    pub fn payload(&mut self, payload: &Bytes) {
        if payload.len() >= OUT_OF_LINE {
            self.u8(0);
            self.tails.push(payload.clone());
        } else {
            self.varint(payload.len() as u64 + 1);
            self.raw(payload);
        }
    }
}
