//! Where data is put as it comes.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::content::Content;
use super::transfer::RESERVED;
use crate::driver::Room;
use crate::net::wire::{Place, Read, copy};

/// Where a piece of data is put as it comes. Shared with the connection while a piece is received right into it.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffer(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    form: Form,
    /// Bytes that have come.
    filled: usize,
}

#[derive(Debug, Default)]
enum Form {
    /// Nothing has come.
    #[default]
    Unknown,
    Bytes(Vec<u8>),
    /// An array of numbers, and what came of its head.
    Array(Room, Vec<u8>),
}

impl Buffer {
    /// How many bytes have come.
    pub(super) fn filled(&self) -> u64 {
        self.0.lock().filled as u64
    }

    /// Makes room for the next `len` bytes of data that has `total`, and is an array of the numbers with this code.
    ///
    /// # Errors
    /// If there is no memory.
    pub(super) fn make_room(&self, len: usize, total: u64, code: u8) -> Result<(), String> {
        let Inside { form, filled } = &mut *self.0.lock();
        if let Form::Unknown = form {
            *form = match Room::new(code, total, RESERVED) {
                Some(room) => Form::Array(room, Vec::new()),
                None => Form::Bytes(Vec::new()),
            };
        }
        let is_there = match form {
            Form::Unknown => unreachable!("it was set"),
            Form::Bytes(bytes) => reserve(bytes, len, total),
            Form::Array(room, _) => {
                let from = filled.saturating_sub(room.head().len());
                let end = (*filled + len).saturating_sub(room.head().len());
                room.after(from, end - from).is_some()
            }
        };
        is_there
            .then_some(())
            .ok_or_else(|| format!("there is no memory for its {total} bytes"))
    }

    /// Adds bytes for which there is room.
    pub(super) fn add(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let added = self.fill(bytes.len(), &mut |to| Ok(copy(bytes, to)));
            let (n, _) = added.expect("copying has no errors");
            bytes = &bytes[n..];
        }
    }

    /// All of it has come.
    ///
    /// # Errors
    /// If it is not what it was said to be.
    pub(super) fn take(&mut self) -> Result<Content, String> {
        match std::mem::take(&mut self.0.lock().form) {
            Form::Unknown => Ok(Content::Bytes(Vec::new().into())),
            Form::Bytes(bytes) => Ok(Content::Bytes(bytes.into())),
            Form::Array(room, head) if head == room.head() => Ok(Content::Array(room.into_array())),
            Form::Array(..) => Err("it gave an array of another length than it has".into()),
        }
    }
}

impl Place for Buffer {
    fn fill(&mut self, most: usize, read: Read<'_>) -> io::Result<(usize, usize)> {
        let Inside { form, filled } = &mut *self.0.lock();
        let (n, room) = match form {
            Form::Unknown => return Err(io::ErrorKind::OutOfMemory.into()),
            Form::Bytes(bytes) => bytes.fill(most, read)?,
            Form::Array(room, head) if head.len() < room.head().len() => {
                let lacking = room.head().len() - head.len();
                head.fill(most.min(lacking), read)?
            }
            Form::Array(room, head) => {
                let mut place = room.after(*filled - head.len(), most);
                let place = place.as_mut().ok_or(io::ErrorKind::OutOfMemory)?;
                (read(place)?, most)
            }
        };
        *filled += n;
        Ok((n, room))
    }
}

/// Room for the next piece, and beyond it for as much as has come, but never for more than is to come.
fn reserve(bytes: &mut Vec<u8>, piece: usize, total: u64) -> bool {
    let come = bytes.len();
    if bytes.capacity() - come >= piece {
        return true;
    }
    let lacking = usize::try_from(total).unwrap_or(usize::MAX) - come;
    let more = lacking.min(RESERVED.max(come));
    bytes.try_reserve_exact(more).is_ok()
}
