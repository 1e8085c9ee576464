//! The bounded memory of pure results: between two wants of one call every handle may be gone, and without a memory
//! the call would run again.
//!
//! The memory is one more want of each result it holds, oldest out first.

use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use super::{Effects, Graph};
use crate::primitive::Mutex;

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
        self.trim(fx);
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

    /// Takes over the caller's want of a finished node.
    pub(super) fn remember(&self, index: u32, bytes: usize, fx: &mut Effects) {
        let mut held = self.memory.held.lock();
        held.order.push_back((index, bytes));
        held.bytes += bytes;
        drop(held);
        self.trim(fx);
    }

    fn trim(&self, fx: &mut Effects) {
        let limit = self.memory.limit.load(Relaxed);
        loop {
            let mut held = self.memory.held.lock();
            let count = held.order.len();
            if count <= limit && (held.bytes <= BYTES || count <= LEAST) {
                return;
            }
            let oldest = held.pop().expect("more than the limit");
            drop(held);
            self.drop_want(oldest, fx);
        }
    }
}
