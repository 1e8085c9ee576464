//! The key of a pure call: a stable hash of its function's name and version and of its arguments.
//!
//! The arguments' `Serialize` is driven into XXH3 in 128 bits; their bytes are not kept. The hash is the same in every
//! process, on every platform and in every version of this crate with the same [`FORMAT`]. XXH3 is specified and takes a few
//! nanoseconds for two integers; it has no answer to somebody who wants two calls to collide, but such a pair would have to
//! be of one function, or it is a `KeyConflict`.
//!
//! What is fed are words of 8 bytes, little-endian; bytes fill their last word up with zeros. A short hash reads at once
//! what was just written, and a processor can hand a word on, but not one that two writes have made.
//!
//! The [seed](Head) is the function's: the lower half of the hash, with seed 0, of [`FORMAT`], the length of the name, the name, and
//! the version. Then one argument after the other is fed:
//! * of a task a word 14 and, if it has a key, `k` and the key (`m`, the length of the family, the family, the number; `t`, the
//!   length of the text, the text; or `c` and the two words of a content), else `i` and words of its slot and its generation in
//!   this process's graph. Of a client of a cluster an `e` and a number of its own stand before the `i`;
//! * of a list of tasks a word 15 with their number above it, and each as a task;
//! * of a value a word whose lowest byte says what it is, since types that choose what they serialize as (an `untagged`
//!   enum, the value of a JSON document) are arguments too; the bytes are in [`feed`](super::feed). Above it in the word stand
//!   * the bits of a number of up to 32 bits or of a `char`; a wider one has words of its own. `usize` is a `u64`. A float is its
//!     bits: so a NaN is equal to itself, and 0.0 is not -0.0;
//!   * the length of a text or of bytes, which follow;
//!   * the length of a sequence, tuple, array or tuple struct, whose elements follow. Of a sequence that does not know its
//!     length there is a word 1 before each element, and a word 0;
//!   * how many fields of a struct are serialized. Of each follow the length of its name, the name, and the value;
//!   * the length of the name of an enum's variant. The name follows, then what it holds: a unit, a value, a tuple or a struct;
//!   * the number of entries of a map. Two words follow, the sum, modulo 2^128, of the hash of each entry: their order
//!     does not count, since that of a `HashMap` says nothing. (That of a `HashSet` does: to serde it is a sequence.)
//!
//! After `Some` follows the value. A newtype is what is in it, without a word of its own.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;
use twox_hash::XxHash3_128;

use super::function::{Defined, Info};
use super::handles;
use crate::error::Failure;
use crate::pool::Engine;
use crate::pool::job::Job;
use crate::pool::want::TaskRef;

/// Raised when the same call begins to have another hash.
const FORMAT: u64 = 2;

/// The word before an argument that is a task; [`feed`](super::feed) has those before values.
const TASK: u64 = 14;

/// The word before an argument that is a list of tasks, with their number above it.
const TASKS: u64 = 15;

/// Words that are hashed at once: most calls have fewer, and need no state of a hash in progress.
const SHORT: usize = 16;

/// The hash that is the key of a pure call that is not in the graph yet.
pub(super) fn hash(
    function: &'static dyn Defined,
    job: &Job,
    engine: &Arc<Engine>,
    inputs: &[TaskRef],
) -> Result<u128, Failure> {
    let head = function.head();
    if let Some(hash) = head.whole {
        return Ok(hash);
    }
    let hash = hash_arguments(function, head.seed, job, engine, inputs)?;
    // A `Serialize` that counts its calls or reads a clock shows itself the second time.
    if cfg!(debug_assertions) && hash != hash_arguments(function, head.seed, job, engine, inputs)? {
        let name = function.info().name;
        return Err(format!("the arguments of the pure call of `{name}` do not serialize the same twice: make their `Serialize` deterministic, or leave `pure` out").into());
    }
    Ok(hash)
}

#[inline]
fn hash_arguments(
    function: &'static dyn Defined,
    seed: u64,
    job: &Job,
    engine: &Arc<Engine>,
    inputs: &[TaskRef],
) -> Result<u128, Failure> {
    let mut content = Content::new(seed);
    let mut hashing = Hashing {
        content: &mut content,
        function,
        inputs,
    };
    handles::hashing(engine, || function.hash(job, &mut hashing))?;
    Ok(content.finish())
}

/// What tells the calls of a function from those of others and of its other versions.
#[derive(Debug)]
pub(crate) struct Head {
    seed: u64,
    /// The hash of its calls, if it has no arguments.
    whole: Option<u128>,
}

impl Head {
    pub(super) fn new(function: &Info, no_arguments: bool) -> Self {
        let mut content = Content::new(0);
        content.word(FORMAT);
        content.text(function.name);
        content.word(function.version.into());
        let seed = content.finish() as u64;
        Self {
            seed,
            whole: no_arguments.then(|| Content::new(seed).finish()),
        }
    }
}

/// Arguments that are being hashed.
pub(crate) struct Hashing<'h> {
    content: &'h mut Content,
    function: &'static dyn Defined,
    inputs: &'h [TaskRef],
}

impl Hashing<'_> {
    #[inline]
    pub(super) fn value(&mut self, place: usize, value: &impl Serialize) -> Result<(), Failure> {
        let fed = value.serialize(&mut *self.content);
        fed.map_err(|error| refused(place + 1, self.function.info().name, &error))
    }

    pub(super) fn input(&mut self, input: usize) -> Result<(), Failure> {
        self.content.word(TASK);
        handles::feed(&self.inputs[input], |bytes| self.content.bytes(bytes));
        Ok(())
    }

    pub(super) fn inputs(&mut self, mut inputs: Range<usize>) -> Result<(), Failure> {
        self.content.word(TASKS | (inputs.len() as u64) << 8);
        inputs.try_for_each(|input| self.input(input))
    }
}

/// What is said of an argument that cannot be encoded, the first being 1.
#[cold]
pub(super) fn refused(place: usize, function: &str, error: &dyn fmt::Display) -> Failure {
    format!("argument {place} of `{function}` cannot be encoded: {error}").into()
}

/// A hash in progress.
pub(crate) struct Content {
    pub(super) seed: u64,
    short: [[u8; 8]; SHORT],
    len: usize,
    long: Option<Box<XxHash3_128>>,
}

impl Content {
    #[inline]
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            short: [[0; 8]; SHORT],
            len: 0,
            long: None,
        }
    }

    #[inline]
    pub(super) fn word(&mut self, word: u64) {
        match self.short.get_mut(self.len) {
            Some(room) => {
                *room = word.to_le_bytes();
                self.len += 1;
            }
            None => self.spill(&word.to_le_bytes()),
        }
    }

    #[inline]
    pub(super) fn two_words(&mut self, words: [u64; 2]) {
        match self.short.get_mut(self.len..self.len + 2) {
            Some(room) => {
                room.copy_from_slice(&words.map(u64::to_le_bytes));
                self.len += 2;
            }
            None => words.into_iter().for_each(|word| self.word(word)),
        }
    }

    /// Bytes of a length that is known from what was fed before.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        match self.short.get_mut(self.len..self.len + words.len()) {
            Some(room) => {
                room.copy_from_slice(words);
                self.len += words.len();
            }
            None => self.spill(words.as_flattened()),
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.word(u64::from_le_bytes(last));
        }
    }

    /// Hashes what has gathered, and these.
    #[cold]
    fn spill(&mut self, bytes: &[u8]) {
        let seed = self.seed;
        let long = self
            .long
            .get_or_insert_with(|| Box::new(XxHash3_128::with_seed(seed)));
        long.write(self.short[..self.len].as_flattened());
        long.write(bytes);
        self.len = 0;
    }

    pub(super) fn text(&mut self, text: &str) {
        self.word(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    /// Begins again, as if new.
    pub(super) fn restart(&mut self) {
        self.len = 0;
        self.long = None;
    }

    #[inline]
    pub(super) fn finish(&mut self) -> u128 {
        let short = self.short[..self.len].as_flattened();
        match &mut self.long {
            None => XxHash3_128::oneshot_with_seed(self.seed, short),
            Some(long) => {
                long.write(short);
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
    use super::*;

    const SEED: u64 = 0x0123_4567_89ab_cdef;

    fn hash_of(value: &impl Serialize) -> u128 {
        let mut content = Content::new(SEED);
        value.serialize(&mut content).unwrap();
        content.finish()
    }

    /// The hash of these words and bytes, which fill their last word up with zeros.
    fn fed(parts: &[&[u8]]) -> u128 {
        let padded = parts.iter().flat_map(|part| {
            let zeros = part.len().next_multiple_of(8) - part.len();
            part.iter().copied().chain(std::iter::repeat_n(0, zeros))
        });
        XxHash3_128::oneshot_with_seed(SEED, &padded.collect::<Vec<_>>())
    }

    fn words(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// What is fed is as the head of this file says.
    #[test]
    fn values_are_fed_as_written_down() {
        let of = |parts: &[u64]| fed(&[&words(parts)]);
        let text = |tag: u64, text: &str| {
            let padded = [text.as_bytes(), &[0; 8]].concat();
            let bytes = padded.first_chunk().expect("eight of them");
            [tag | (text.len() as u64) << 8, u64::from_le_bytes(*bytes)]
        };
        assert_eq!(hash_of(&7usize), of(&[0x48, 7]));
        assert_eq!(
            hash_of(&(7u64, true, 'a')),
            of(&[10 | 3 << 8, 0x48, 7, 4, 5 | 97 << 8])
        );
        assert_eq!(hash_of(&-0.0f64), of(&[0x68, (-0.0f64).to_bits()]));
        assert_eq!(
            hash_of(&1.5f32),
            of(&[0x64 | u64::from(1.5f32.to_bits()) << 8])
        );
        assert_eq!(hash_of(&-1i16), of(&[0x22 | 0xffff << 8]));
        assert_eq!(hash_of(&-2i128), of(&[0x30, u64::MAX - 1, u64::MAX]));
        assert_eq!(hash_of(&"abc"), of(&text(6, "abc")));
        assert_eq!(hash_of(&Some(1u8)), of(&[1, 0x41 | 1 << 8]));
        assert_eq!(hash_of(&None::<u8>), of(&[0]));
        assert_eq!(
            hash_of(&vec![1i8, 2]),
            of(&[8 | 2 << 8, 0x21 | 1 << 8, 0x21 | 2 << 8])
        );
        assert_eq!(
            hash_of(&Ok::<(), ()>(())),
            of(&[&text(13, "Ok")[..], &[2]].concat())
        );
        let name = |name: &str| [name.len() as u64, text(0, name)[1]];
        assert_eq!(
            hash_of(&std::time::Duration::new(7, 1)),
            of(&[
                &[11 | 2 << 8][..],
                &name("secs"),
                &[0x48, 7],
                &name("nanos"),
                &[0x44 | 1 << 8]
            ]
            .concat())
        );
        let entry = |key: u64, value: u64| of(&[0x41 | key << 8, 0x41 | value << 8]);
        let sum = entry(1, 2).wrapping_add(entry(3, 4));
        let map = std::collections::BTreeMap::from([(1u8, 2u8), (3, 4)]);
        assert_eq!(
            hash_of(&map),
            of(&[12 | 2 << 8, sum as u64, (sum >> 64) as u64])
        );
    }

    /// What is short is hashed at once, what is long bit by bit.
    #[test]
    fn long_values_hash_as_their_bytes_would_at_once() {
        for len in (0..300u64).step_by(7) {
            let value: Vec<u64> = (0..len).collect();
            let elements = value.iter().flat_map(|&element| [0x48, element]);
            let all: Vec<_> = std::iter::once(8 | len << 8).chain(elements).collect();
            assert_eq!(hash_of(&value), fed(&[&words(&all)]));
        }
        for len in (0..600).chain([5000]) {
            let text = "x".repeat(len);
            let tag = words(&[6 | (len as u64) << 8]);
            assert_eq!(hash_of(&text), fed(&[&tag, text.as_bytes()]));
            let pair = (7u64, &*text, 8u64);
            let (before, after) = (words(&[10 | 3 << 8, 0x48, 7]), words(&[0x48, 8]));
            assert_eq!(
                hash_of(&pair),
                fed(&[&before, &tag, text.as_bytes(), &after])
            );
        }
    }

    #[test]
    fn what_a_function_is_makes_its_seed() {
        let seed = |name, version| Head::new(&info(name, version), false).seed;
        assert_ne!(seed("a", 0), seed("b", 0));
        assert_ne!(seed("a", 0), seed("a", 1));
        let fed = [&words(&[FORMAT, 1])[..], b"a\0\0\0\0\0\0\0", &words(&[3])].concat();
        assert_eq!(seed("a", 3), XxHash3_128::oneshot(&fed) as u64);
    }

    fn info(name: &'static str, version: u32) -> Info {
        Info {
            name,
            version,
            pure: true,
            houses: false,
            signature: "",
            signature_hash: 0,
            file: "",
            line: 0,
            of: std::any::TypeId::of::<()>(),
            gathers: &[],
        }
    }
}
