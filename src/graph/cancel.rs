//! Cancelling what is not settled.

use std::sync::atomic::Ordering::{AcqRel, Acquire};

use super::word::{self, CANCEL, CANCELLED, RUNNING, SETTLED, has};
use super::{Cache, Effects, Graph};

impl<P> Graph<P> {
    /// Cancels a task the caller wants. No: it was settled already, and stays as it is.
    ///
    /// Its status changes in one compare-and-swap, which also takes the list: waiters wake, dependents fail. One that
    /// had not started is in `fx.unrun`; a running one has its token set and keeps its inputs until its body returns.
    /// Its key leaves the table, so that submitting it again makes a new task.
    pub fn cancel(&self, cache: &mut Cache, index: u32, fx: &mut Effects) -> bool {
        let node = self.node(index);
        let mut old = node.word.load(Acquire);
        while !has(old, SETTLED) {
            let new = word::with_head(old, 0) | CANCELLED | CANCEL | RUNNING;
            match node.word.compare_exchange_weak(old, new, AcqRel, Acquire) {
                Ok(_) => {
                    self.unpublish(index);
                    if !has(old, RUNNING) {
                        fx.unrun.push(index);
                    }
                    self.deliver(cache, index, word::head(old), true, fx);
                    return true;
                }
                Err(now) => old = now,
            }
        }
        false
    }

    /// Sets the cancel token of a task the caller has pinned and changes nothing else.
    pub fn request_cancel(&self, index: u32) {
        self.node(index).word.fetch_or(CANCEL, AcqRel);
    }

    /// Takes the key of a pinned node out of the table: the next submit of it makes a new task.
    pub fn unpublish(&self, index: u32) {
        if let Some(cell) = self.node(index).cold.key() {
            self.keys.remove(cell.hash, index);
        }
    }
}
