//! Counts beyond the word's 20 bits: `mem::forget(handle.clone())` in a loop reaches any number from safe code.
//!
//! 1. At half range a count moves `SHARE` of itself to a side table and says so with OVERFLOW. That far below the
//!    end, every thread of the machine may be one increment late and the field still does not run over.
//! 2. With OVERFLOW set, a decrement looks at the count first: at `LOW` or below it refills a share from the table.
//!    No decrement can reach 0 by mistake: as many threads would have to be between their look and their decrement
//!    as `LOW` counts.
//! 3. Table and flag change together: the move is a compare-and-swap under the table's lock, and the flag is cleared
//!    by the swap that brings the last share back.

use std::collections::HashMap;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

use super::Graph;
use super::word::{self, HALF, LOW, OVERFLOW, REF, SHARE, has};
use crate::primitive::Mutex;

/// How many shares of each overflowing count are here, by slot.
#[derive(Debug)]
pub(super) struct Shares(Mutex<HashMap<u32, u64>>);

impl Shares {
    pub(super) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// How many counts have a part here.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0.lock().len()
    }
}

impl<P> Graph<P> {
    /// Moves a share of a high count to the side table.
    #[cold]
    pub(super) fn spread(&self, index: u32) {
        let word = &self.node(index).word;
        let mut shares = self.shares.0.lock();
        let mut old = word.load(Acquire);
        while word::refs(old) >= HALF {
            match word.compare_exchange_weak(old, (old - SHARE * REF) | OVERFLOW, AcqRel, Acquire) {
                Ok(_) => {
                    *shares.entry(index).or_insert(0) += 1;
                    return;
                }
                Err(now) => old = now,
            }
        }
    }

    /// Brings a share back to a low count.
    #[cold]
    pub(super) fn refill(&self, index: u32) {
        let word = &self.node(index).word;
        let mut shares = self.shares.0.lock();
        let mut old = word.load(Acquire);
        while has(old, OVERFLOW) && word::refs(old) <= LOW {
            let left = shares
                .get(&index)
                .copied()
                .expect("OVERFLOW says that a share is here")
                - 1;
            let flag = if left == 0 { OVERFLOW } else { 0 };
            match word.compare_exchange_weak(old, (old + SHARE * REF) & !flag, AcqRel, Acquire) {
                Ok(_) if left == 0 => {
                    shares.remove(&index);
                    return;
                }
                Ok(_) => {
                    shares.insert(index, left);
                    return;
                }
                Err(now) => old = now,
            }
        }
    }

    /// After a decrement that found `old` at one reference: whether others are in the side table, so that the node
    /// stays. Brings them back.
    #[inline]
    pub(super) fn refilled(&self, index: u32, old: u64) -> bool {
        let spread = has(old, OVERFLOW);
        if spread {
            self.refill(index);
        }
        spread
    }

    /// All references of a node, those in the side table included.
    pub(super) fn total_refs(&self, index: u32) -> u64 {
        let shares = self.shares.0.lock();
        let here = word::refs(self.node(index).word.load(Acquire));
        here + shares.get(&index).copied().unwrap_or(0) * SHARE
    }
}
