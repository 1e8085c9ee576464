//! What the graph's waiter numbers stand for: threads, wakers of async code, the sets of `as_completed`, callbacks.
//!
//! A waiter is in a list it cannot leave. Its owner marks it dead instead; whoever takes its cell out of the list
//! (the settler, or a compaction) then frees the entry. The stamp tells the owner whether the entry is still its own.

use std::sync::Arc;
use std::task::Waker;

use parking_lot::Mutex;
use slab::Slab;

use super::parker::Parker;
use crate::completions::Completions;
use crate::on_done::Callback;

/// Shards, so that many waiting threads seldom meet.
const SHARDS: usize = 8;

/// Whom to wake.
#[derive(Debug)]
pub(crate) enum Wake {
    Thread(Arc<Parker>),
    Async(Waker),
    /// Tells the set that its member of this number is settled.
    Set(Arc<Completions>, usize),
    Call(Callback),
}

impl Wake {
    /// With nothing locked or borrowed: a waker is user code.
    pub(crate) fn wake(self) {
        match self {
            Self::Thread(parker) => parker.unpark(),
            Self::Async(waker) => drop(super::run::guarded(|| waker.wake())),
            Self::Set(set, member) => set.complete(member),
            Self::Call(callback) => callback.start(),
        }
    }
}

/// A waiter in the table, and in which of the entry's lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaiterId {
    pub(crate) number: u32,
    stamp: u64,
}

#[derive(Debug)]
struct Entry {
    stamp: u64,
    /// `None`: the owner has left.
    wake: Option<Wake>,
}

#[derive(Debug, Default)]
struct Shard {
    entries: Slab<Entry>,
    stamp: u64,
}

/// The table of waiters.
#[derive(Debug, Default)]
pub(crate) struct Waiters([Mutex<Shard>; SHARDS]);

impl Waiters {
    /// Enters a waiter. `hint` spreads threads over the shards.
    pub(crate) fn arm(&self, hint: usize, wake: Wake) -> WaiterId {
        let shard_number = hint % SHARDS;
        let shard = &mut *self.0[shard_number].lock();
        shard.stamp += 1;
        let stamp = shard.stamp;
        let place = shard.entries.insert(Entry {
            stamp,
            wake: Some(wake),
        });
        WaiterId {
            number: (place * SHARDS + shard_number) as u32,
            stamp,
        }
    }

    /// Wakes the waiter, or frees the entry of one that has left. Its cell is gone, or never got into a list.
    pub(crate) fn fire(&self, number: u32) {
        let (shard, place) = self.find(number);
        let entry = shard.lock().entries.try_remove(place);
        if let Some(wake) = entry.and_then(|entry| entry.wake) {
            wake.wake();
        }
    }

    /// The owner leaves. Yes: the entry was still armed, so a dead cell is in the list now.
    pub(crate) fn leave(&self, id: WaiterId) -> bool {
        let (shard, place) = self.find(id.number);
        let wake = match shard.lock().entries.get_mut(place) {
            Some(entry) if entry.stamp == id.stamp => entry.wake.take(),
            _ => None,
        };
        wake.is_some()
    }

    /// Frees an entry whose cell never got into a list.
    pub(crate) fn disarm(&self, id: WaiterId) {
        let (shard, place) = self.find(id.number);
        let entry = shard.lock().entries.try_remove(place);
        drop(entry); // A waker's destructor is user code: not under the lock.
    }

    /// Renews whom to wake. No: it has been woken already.
    pub(crate) fn renew(&self, id: WaiterId, wake: Wake) -> bool {
        let (shard, place) = self.find(id.number);
        let old = match shard.lock().entries.get_mut(place) {
            Some(entry) if entry.stamp == id.stamp => entry.wake.replace(wake),
            _ => None,
        };
        old.is_some()
    }

    /// Whether the waiter's owner has left.
    pub(crate) fn is_dead(&self, number: u32) -> bool {
        let (shard, place) = self.find(number);
        shard
            .lock()
            .entries
            .get(place)
            .is_some_and(|entry| entry.wake.is_none())
    }

    fn find(&self, number: u32) -> (&Mutex<Shard>, usize) {
        (&self.0[number as usize % SHARDS], number as usize / SHARDS)
    }
}
