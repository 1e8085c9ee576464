//! Keys: a task's identity by name, and the sharded table that finds the task of a key.
//!
//! The table's entries are 16 bytes: hash, slot and generation; the key itself lives with the node. An entry does
//! not keep its task. Looking a key up pins the node first (a reference, only if there is one), then compares the
//! generation, then the key, all under the shard's lock. A keyed node whose count reaches 0 takes the same lock and
//! removes the entry only if it still names this node: meanwhile a new task of the same key may own the name.

use std::any::TypeId;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::primitive::{Mutex, MutexGuard};

/// Shards of the table: enough that two threads seldom meet in one.
const SHARDS: usize = if cfg!(tenter_loom) { 1 } else { 64 };

/// A task's identity: a number, a text, or a text and a number (`("frame", 17)`).
///
/// Submitting a key that is known gives a handle to the existing task.
///
/// ```
/// use tenter::Key;
/// assert_eq!(Key::from(("frame", 17)).to_string(), "frame-17");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Inner);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Inner {
    Number(u64),
    Text(Arc<str>),
    Member(&'static str, u64),
}

/// Equal keys have equal hashes; texts and members that read alike may too, which costs a comparison.
impl Hash for Inner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Number(number) => state.write_u64(*number),
            Self::Text(text) => state.write(text.as_bytes()),
            Self::Member(family, number) => {
                state.write(family.as_bytes());
                state.write_u64(*number);
            }
        }
    }
}

impl From<u64> for Key {
    fn from(number: u64) -> Self {
        Self(Inner::Number(number))
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
            Inner::Number(number) => number.fmt(f),
            Inner::Text(text) => text.fmt(f),
            Inner::Member(family, number) => write!(f, "{family}-{number}"),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// What two submits of one key must share, or the second is a `KeyConflict`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A closure: the type of its result.
    Type(TypeId),
    /// A named call: a hash of its function, version and type.
    Call(u128),
}

/// The key of a node, kept beside it until its slot is freed.
#[derive(Debug)]
pub(super) struct KeyCell {
    pub(super) key: Key,
    pub(super) identity: Identity,
    pub(super) hash: u64,
}

/// One entry of the table: which slot, in which of its lives, has a key of this hash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) hash: u64,
    pub(super) index: u32,
    pub(super) generation: u32,
}

/// The sharded table from key to node.
#[derive(Debug)]
pub(super) struct KeyTable {
    shards: Box<[Mutex<HashTable<Entry>>]>,
    hasher: DefaultHashBuilder,
}

impl KeyTable {
    pub(super) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::new(HashTable::new())).collect();
        Self {
            shards,
            hasher: DefaultHashBuilder::default(),
        }
    }

    pub(super) fn hash(&self, key: &Key) -> u64 {
        self.hasher.hash_one(key)
    }

    /// Locks the shard that a key of this hash lives in.
    pub(super) fn shard(&self, hash: u64) -> MutexGuard<'_, HashTable<Entry>> {
        // The table inside uses the top bits and the low ones; the middle picks the shard.
        self.shards[(hash >> 32) as usize % SHARDS].lock()
    }

    /// Removes the entry, only if it still names this life of this slot.
    pub(super) fn remove(&self, entry: Entry) {
        remove_from(&mut self.shard(entry.hash), entry);
    }

    /// How many entries there are, stale ones of tasks being freed included.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}

/// As [`KeyTable::remove`], with the shard already locked.
pub(super) fn remove_from(shard: &mut HashTable<Entry>, entry: Entry) {
    let same = |e: &Entry| e.index == entry.index && e.generation == entry.generation;
    if let Ok(found) = shard.find_entry(entry.hash, same) {
        found.remove();
    }
}
