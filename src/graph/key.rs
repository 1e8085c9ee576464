//! Keys: a task's identity by name, and the sharded table that finds the task of a key.
//!
//! An entry of the table is a hash and a slot; the key itself lives with the node. It does not keep its task: looking
//! a key up pins the node first (a reference, only if there is one), then compares the key, all under the shard's lock.
//! A keyed node whose count reaches 0 takes the same lock and removes its entry before its slot is given back, so an
//! entry names the node that it was made for. By then a new task of the same key may have an entry of its own.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;

use super::table::Table;
use crate::primitive::{Mutex, MutexGuard};

/// Shards of the table: enough that two threads seldom meet in one.
const SHARDS: usize = if cfg!(tenter_loom) { 1 } else { 64 };

/// A task's identity: a number, a text, or a text and a number (`("frame", 17)`).
///
/// Submitting a key that is known gives a handle to the existing task. The type of a number does not matter; a number
/// and the text that it reads as are two keys.
///
/// ```
/// use tenter::Key;
/// assert_eq!(Key::from(17), Key::from(17u64));
/// assert_ne!(Key::from(17), Key::from("17"));
/// assert_eq!(Key::from(("frame", 17)).to_string(), "frame-17");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Inner);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Inner {
    /// A number alone is a member of the family without a name.
    Member(&'static str, u64),
    Text(Arc<str>),
    /// What a call consists of, in 128 bits, and its function's name.
    #[cfg(feature = "task")]
    Content(&'static &'static str, [u64; 2]),
}

/// Equal keys have equal hashes; texts and members that read alike may too, which costs a comparison.
impl Hash for Inner {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Member(family, number) => {
                state.write(family.as_bytes());
                state.write_u64(*number);
            }
            Self::Text(text) => state.write(text.as_bytes()),
            // Half of it is as good as any hash of it.
            #[cfg(feature = "task")]
            Self::Content(_, [half, _]) => state.write_u64(*half),
        }
    }
}

impl From<u64> for Key {
    fn from(number: u64) -> Self {
        Self::from(("", number))
    }
}

impl From<u32> for Key {
    fn from(number: u32) -> Self {
        Self::from(u64::from(number))
    }
}

impl From<usize> for Key {
    fn from(number: usize) -> Self {
        Self::from(number as u64)
    }
}

/// A number as any other; a negative one is the text it reads as.
impl From<i64> for Key {
    fn from(number: i64) -> Self {
        u64::try_from(number).map_or_else(|_| Self::from(number.to_string()), Self::from)
    }
}

/// As from `i64`; the type of a literal that says no other.
impl From<i32> for Key {
    fn from(number: i32) -> Self {
        Self::from(i64::from(number))
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self(Inner::Text(text.into()))
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self(Inner::Text(text.into()))
    }
}

/// A member of a family of keys; it allocates nothing.
impl From<(&'static str, u64)> for Key {
    fn from((family, number): (&'static str, u64)) -> Self {
        Self(Inner::Member(family, number))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Member("", number) => number.fmt(f),
            Inner::Member(family, number) => write!(f, "{family}-{number}"),
            Inner::Text(text) => text.fmt(f),
            #[cfg(feature = "task")]
            Inner::Content(name, [high, low]) => write!(f, "{name}-{high:016x}{low:016x}"),
        }
    }
}

impl Key {
    /// The key of a call of the function of this name, by the hash of its content.
    #[cfg(feature = "task")]
    pub(crate) fn content(name: &'static &'static str, hash: u128) -> Self {
        Self(Inner::Content(name, [(hash >> 64) as u64, hash as u64]))
    }

    /// The key as a text for other processes, which no other key has: one byte that no text begins with, and what it reads as.
    #[cfg(feature = "task")]
    pub(crate) fn to_travel(&self) -> String {
        match &self.0 {
            Inner::Text(text) if !text.starts_with(['\u{1}', '\u{2}', '\u{3}']) => text.to_string(),
            Inner::Text(text) => format!("\u{3}{text}"),
            Inner::Member(..) => format!("\u{1}{self}"),
            Inner::Content(..) => format!("\u{2}{self}"),
        }
    }

    /// Feeds the key to a stable hash: bytes that no other key has.
    #[cfg(feature = "task")]
    pub(crate) fn feed(&self, mut feed: impl FnMut(&[u8])) {
        match &self.0 {
            Inner::Member(family, number) => {
                feed(b"m");
                feed(&(family.len() as u64).to_le_bytes());
                feed(family.as_bytes());
                feed(&number.to_le_bytes());
            }
            Inner::Text(text) => {
                feed(b"t");
                feed(&(text.len() as u64).to_le_bytes());
                feed(text.as_bytes());
            }
            Inner::Content(_, [high, low]) => {
                feed(b"c");
                feed(&high.to_le_bytes());
                feed(&low.to_le_bytes());
            }
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// The key of a node, kept beside it until its slot is freed.
#[derive(Debug)]
pub(super) struct KeyCell {
    pub(super) key: Key,
    pub(super) hash: u32,
}

// As much as allocators give for 32 bytes too.
#[cfg(not(tenter_loom))]
const _: () = assert!(size_of::<KeyCell>() <= 40);

/// The sharded table from key to node.
#[derive(Debug)]
pub(super) struct KeyTable {
    shards: Box<[Mutex<Table>]>,
    hasher: DefaultHashBuilder,
}

impl KeyTable {
    pub(super) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::new(Table::default())).collect();
        Self {
            shards,
            hasher: DefaultHashBuilder::default(),
        }
    }

    #[inline]
    pub(super) fn hash(&self, key: &Key) -> u32 {
        (self.hasher.hash_one(key) >> 32) as u32
    }

    /// Locks the shard that a key of this hash lives in.
    #[inline]
    pub(super) fn shard(&self, hash: u32) -> MutexGuard<'_, Table> {
        // The low bits pick the chunk in the table.
        self.shards[(hash >> 26) as usize % SHARDS].lock()
    }

    /// Removes a node, if it is still in.
    #[inline]
    pub(super) fn remove(&self, hash: u32, index: u32) {
        self.shard(hash).remove(hash, index);
    }

    /// How many entries there are, those of tasks being freed included.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}
