//! The key of a pure call: a stable hash of its function's name and version and of its arguments.
//!
//! The arguments' `Serialize` is driven into XXH3 in 128 bits with seed 0; their bytes are not kept. The hash is the same in
//! every process, on every platform and in every version of this crate with the same [`FORMAT`]. XXH3 is specified and
//! takes about ten nanoseconds for two integers; it has no answer to somebody who wants two calls to collide, but such a
//! pair would have to be of one function, or it is a `KeyConflict`.
//!
//! What is fed, every number little-endian:
//! * [`FORMAT`] as a byte; the length of the name as a `u64`, and the name; the version as a `u32`;
//! * of each argument that is a value a byte 0 and the value; of each that is a task a byte 1 and the task:
//!   `k` and its key (`m`, the family with its length, the number; `t` and the text with its length; or `c` and the 16 bytes of
//!   a content), or `i` and its slot and generation in this process's graph, as two `u32`, if it has none.
//!
//! Of a value:
//! * a `bool`, an integer (`usize` is a `u64`), a `char` as `u32`, a float by its bits: so a NaN is equal to itself, and 0.0
//!   is not -0.0;
//! * a text or bytes: the length as `u64`, then they; an option: a byte 0, or a byte 1 and the value;
//! * a sequence: its length as `u64`, then its elements; if it does not know its length, `u64::MAX`, then a byte 1 before each
//!   element, and a byte 0;
//! * a tuple, array, tuple struct or newtype: its fields; a unit: nothing; a struct: how many fields are serialized as
//!   `u32`, these, and of each that is skipped its place as `u32` with the top bit set, after the others;
//! * a variant of an enum: its number as `u32`, then as above;
//! * a map: the number of its entries as `u64`, and the sum, modulo 2^128, of the hash of each: the order of the entries does
//!   not count, since that of a `HashMap` says nothing. (That of a `HashSet` does: to serde it is a sequence.)

use std::fmt;
use std::sync::Arc;
use twox_hash::XxHash3_128;

use super::function::Defined;
use super::handles;
use super::param::Item;
use crate::error::Failure;
use crate::graph::Key;
use crate::pool::Engine;
use crate::pool::job::Job;
use crate::pool::want::TaskRef;

/// Raised when the same call begins to have another hash.
const FORMAT: u8 = 1;

/// Bytes that are hashed at once: most calls have fewer, and need no state of a hash in progress.
const SHORT: usize = 192;

/// The key of a pure call that is not in the graph yet.
pub(super) fn key(
    function: &'static dyn Defined,
    job: &Job,
    engine: &Arc<Engine>,
    inputs: &[TaskRef],
) -> Result<Key, Failure> {
    let hash = hash(function, job, engine, inputs)?;
    // A `Serialize` that counts its calls or reads a clock shows itself the second time.
    if cfg!(debug_assertions) && hash != self::hash(function, job, engine, inputs)? {
        let name = function.info().name;
        return Err(format!("the arguments of the pure call of `{name}` do not serialize the same twice: make their `Serialize` deterministic, or leave `pure` out").into());
    }
    Ok(Key::content(&function.info().name, hash))
}

fn hash(
    function: &'static dyn Defined,
    job: &Job,
    engine: &Arc<Engine>,
    inputs: &[TaskRef],
) -> Result<u128, Failure> {
    let info = function.info();
    let mut content = Content::new();
    content.feed(&[FORMAT]);
    content.text(info.name);
    content.feed(&info.version.to_le_bytes());
    let mut place = 0;
    handles::hashing(engine, || {
        function.each_arg(job, &mut |item| {
            place += 1;
            match item {
                Item::Value(value) => {
                    content.feed(&[0]);
                    let fed = value.feed(&mut content);
                    fed.map_err(|error| refused(place, info.name, &error))
                }
                Item::Input(input) => {
                    content.feed(&[1]);
                    handles::feed(&inputs[input], |bytes| content.feed(bytes));
                    Ok(())
                }
            }
        })
    })?;
    Ok(content.finish())
}

/// What is said of an argument that cannot be encoded.
pub(super) fn refused(place: usize, function: &str, error: &dyn fmt::Display) -> Failure {
    format!("argument {place} of `{function}` cannot be encoded: {error}").into()
}

/// A hash in progress.
pub(crate) struct Content {
    short: [u8; SHORT],
    len: usize,
    long: Option<Box<XxHash3_128>>,
}

impl Content {
    pub(super) fn new() -> Self {
        Self {
            short: [0; SHORT],
            len: 0,
            long: None,
        }
    }

    #[inline]
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        match self.short.get_mut(self.len..self.len + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.spill(bytes),
        }
    }

    /// Hashes what has gathered, and keeps the rest if it is short again.
    #[cold]
    fn spill(&mut self, bytes: &[u8]) {
        let long = self
            .long
            .get_or_insert_with(|| Box::new(XxHash3_128::new()));
        long.write(&self.short[..self.len]);
        self.len = 0;
        if bytes.len() >= SHORT {
            long.write(bytes);
        } else {
            self.short[..bytes.len()].copy_from_slice(bytes);
            self.len = bytes.len();
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.feed(&(text.len() as u64).to_le_bytes());
        self.feed(text.as_bytes());
    }

    pub(super) fn finish(mut self) -> u128 {
        match &mut self.long {
            None => XxHash3_128::oneshot(&self.short[..self.len]),
            Some(long) => {
                long.write(&self.short[..self.len]);
                long.finish_128()
            }
        }
    }
}

/// Why an argument has no hash: what its `Serialize` said.
#[derive(Debug)]
pub(crate) struct ContentError(String);

impl fmt::Display for ContentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ContentError {}

impl serde::ser::Error for ContentError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    fn hash_of(value: &impl Serialize) -> u128 {
        let mut content = Content::new();
        value.serialize(&mut content).unwrap();
        content.finish()
    }

    fn bytes(parts: &[&[u8]]) -> u128 {
        XxHash3_128::oneshot(&parts.concat())
    }

    /// What is fed is as the head of this file says.
    #[test]
    fn values_are_fed_as_written_down() {
        let number = 7u64.to_le_bytes();
        assert_eq!(hash_of(&7usize), bytes(&[&number]));
        assert_eq!(
            hash_of(&(7u64, true, 'a')),
            bytes(&[&number, &[1], &97u32.to_le_bytes()])
        );
        assert_eq!(
            hash_of(&-0.0f64),
            bytes(&[&(-0.0f64).to_bits().to_le_bytes()])
        );
        assert_eq!(hash_of(&"abc"), bytes(&[&3u64.to_le_bytes(), b"abc"]));
        assert_eq!(hash_of(&Some(1u8)), bytes(&[&[1, 1]]));
        assert_eq!(hash_of(&None::<u8>), bytes(&[&[0]]));
        assert_eq!(
            hash_of(&vec![1u8, 2]),
            bytes(&[&2u64.to_le_bytes(), &[1, 2]])
        );
        let entry = |key: u8, value: u8| bytes(&[&[key, value]]);
        let sum = entry(1, 2).wrapping_add(entry(3, 4)).to_le_bytes();
        let map = std::collections::BTreeMap::from([(1u8, 2u8), (3, 4)]);
        assert_eq!(hash_of(&map), bytes(&[&2u64.to_le_bytes(), &sum]));
    }

    #[test]
    fn long_values_hash_as_their_bytes_would_at_once() {
        for len in (0..2000).step_by(7) {
            let value: Vec<u8> = (0..len).map(|k| k as u8).collect();
            assert_eq!(
                hash_of(&value),
                bytes(&[&(len as u64).to_le_bytes(), &value])
            );
        }
        let text = "x".repeat(5000);
        assert_eq!(
            hash_of(&text),
            bytes(&[&5000u64.to_le_bytes(), text.as_bytes()])
        );
    }
}
