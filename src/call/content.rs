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
//!   a content), or `i` and its slot and generation in this process's graph, as two `u32`, if it has none. Of a client of a
//!   cluster an `e` and a number of its own, as a `u64`, stand before the `i`.
//!
//! Of a value a byte that says what it is, since types that choose what they serialize as (an `untagged` enum, the value of a
//! JSON document) are arguments too; the bytes are in [`feed`](super::feed). Then:
//! * of an integer (`usize` is a `u64`) its bytes, of a `char` a `u32`, of a float its bits: so a NaN is equal to itself, and
//!   0.0 is not -0.0; of a `bool`, a unit and `None` nothing, of `Some` the value;
//! * of a text or bytes the length as `u64`, then they;
//! * of a sequence, tuple, array or tuple struct the length as `u64`, then the elements; of a sequence that does not know its
//!   length a byte 1 before each element, and a byte 0;
//! * of a struct how many fields are serialized as `u64`, then of each the name, with its length, and the value;
//! * of a variant of an enum its name, with its length, then what it holds: a unit, a value, a tuple or a struct;
//! * of a map the number of its entries as `u64`, and the sum, modulo 2^128, of the hash of each: the order of the entries
//!   does not count, since that of a `HashMap` says nothing. (That of a `HashSet` does: to serde it is a sequence.)
//!
//! A newtype is what is in it, without a byte of its own.

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
                Item::Input(input, _) => {
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
        let len = |tag: u8, len: u64| [&[tag][..], &len.to_le_bytes()].concat();
        assert_eq!(hash_of(&7usize), bytes(&[&[0x48], &number]));
        assert_eq!(
            hash_of(&(7u64, true, 'a')),
            bytes(&[&len(10, 3), &[0x48], &number, &[4, 5], &97u32.to_le_bytes()])
        );
        assert_eq!(
            hash_of(&-0.0f64),
            bytes(&[&[0x68], &(-0.0f64).to_bits().to_le_bytes()])
        );
        assert_eq!(hash_of(&"abc"), bytes(&[&len(6, 3), b"abc"]));
        assert_eq!(hash_of(&Some(1u8)), bytes(&[&[1, 0x41, 1]]));
        assert_eq!(hash_of(&None::<u8>), bytes(&[&[0]]));
        assert_eq!(
            hash_of(&vec![1i8, 2]),
            bytes(&[&len(8, 2), &[0x21, 1, 0x21, 2]])
        );
        assert_eq!(
            hash_of(&Ok::<(), ()>(())),
            bytes(&[&len(13, 2), b"Ok", &[2]])
        );
        assert_eq!(
            hash_of(&std::time::Duration::new(7, 0)),
            bytes(&[
                &len(11, 2),
                &4u64.to_le_bytes(),
                b"secs",
                &[0x48],
                &number,
                &5u64.to_le_bytes(),
                b"nanos",
                &[0x44, 0, 0, 0, 0]
            ])
        );
        let entry = |key: u8, value: u8| bytes(&[&[0x41, key, 0x41, value]]);
        let sum = entry(1, 2).wrapping_add(entry(3, 4)).to_le_bytes();
        let map = std::collections::BTreeMap::from([(1u8, 2u8), (3, 4)]);
        assert_eq!(hash_of(&map), bytes(&[&len(12, 2), &sum]));
    }

    #[test]
    fn long_values_hash_as_their_bytes_would_at_once() {
        for len in (0..2000).step_by(7) {
            let value: Vec<u8> = (0..len).map(|k| k as u8).collect();
            let fed: Vec<u8> = value.iter().flat_map(|&byte| [0x41, byte]).collect();
            assert_eq!(
                hash_of(&value),
                bytes(&[&[8], &(len as u64).to_le_bytes(), &fed])
            );
        }
        let text = "x".repeat(5000);
        assert_eq!(
            hash_of(&text),
            bytes(&[&[6], &5000u64.to_le_bytes(), text.as_bytes()])
        );
    }
}
