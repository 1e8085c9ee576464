//! The bounded memory of pure results: between two wants of one call every handle may be gone, and without a memory
//! the call would run again.
//!
//! The memory is one more want of each result it holds, oldest out first.

use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use smallvec::SmallVec;

use super::{Effects, Graph};
use crate::primitive::{Mutex, MutexGuard};

/// Results kept however large they are.
const LEAST: usize = 1024;
/// Bytes past which results beyond the least are let go.
const BYTES: usize = 256 << 20;

#[derive(Debug)]
pub(super) struct Memory {
    limit: AtomicUsize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    order: VecDeque<(u32, usize)>,
    bytes: usize,
}

impl Held {
    /// Takes out the oldest, as many as are too many.
    fn over(&mut self, limit: usize) -> SmallVec<[u32; 2]> {
        let mut over = SmallVec::new();
        let mut count = self.order.len();
        while count > limit || (self.bytes > BYTES && count > LEAST) {
            over.extend(self.pop());
            count -= 1;
        }
        over
    }

    fn pop(&mut self) -> Option<u32> {
        let (index, bytes) = self.order.pop_front()?;
        self.bytes -= bytes;
        Some(index)
    }
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            limit: AtomicUsize::new(0),
            held: Mutex::new(Held::default()),
        }
    }
}

impl<P> Graph<P> {
    /// How many pure results to remember at most; fewer past 256 MiB, but never fewer than 1,024 for that reason.
    pub fn set_remember(&self, limit: usize, fx: &mut Effects) {
        self.memory.limit.store(limit, Relaxed);
        self.trim(self.memory.held.lock(), fx);
    }

    /// Lets every remembered result go.
    pub fn forget_remembered(&self, fx: &mut Effects) {
        let held = std::mem::take(&mut *self.memory.held.lock());
        for (index, _) in held.order {
            self.drop_want(index, fx);
        }
    }

    /// How many results are remembered.
    pub fn remembered(&self) -> usize {
        self.memory.held.lock().order.len()
    }

    /// Whether any result is remembered at all.
    #[inline]
    pub fn remembers(&self) -> bool {
        self.memory.limit.load(Relaxed) != 0
    }

    /// Takes over the caller's want of a finished node.
    pub(super) fn remember(&self, index: u32, bytes: usize, fx: &mut Effects) {
        let mut held = self.memory.held.lock();
        held.order.push_back((index, bytes));
        held.bytes += bytes;
        self.trim(held, fx);
    }

    fn trim(&self, mut held: MutexGuard<'_, Held>, fx: &mut Effects) {
        let over = held.over(self.memory.limit.load(Relaxed));
        drop(held);
        for index in over {
            self.drop_want(index, fx);
        }
    }
}
