//! Who wants a task: handles, entries of queues and variables, unfinished dependents, pins of those who only look.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use super::word::{
    self, CANCEL, CANCELLED, DETACHED, DONE, FAILED, OVERFLOW, REF, RUNNING, TAKEN, has,
};
use super::{Dropped, Effects, Graph, Id};

/// A reference taken by somebody who had only an id, to be given back with [`Graph::drop_want`].
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Pin(pub u32);

impl<P> Graph<P> {
    /// One more want of a node the caller already wants.
    #[inline]
    pub fn retain(&self, index: u32) {
        let old = self.node(index).word.fetch_add(REF, Relaxed);
        if word::refs(old) >= word::HALF {
            self.spread(index);
        }
    }

    /// One want less.
    ///
    /// Not settled, this is one compare-and-swap; the one that leaves the machine's reference alone also cancels the
    /// task in that swap: an unstarted one is won (`fx.unrun`), a running one gets its token (`fx.unwanted`).
    #[inline]
    pub fn drop_want(&self, index: u32, fx: &mut Effects) {
        match self.drop_settled(index) {
            Dropped::Last(_) => fx.free.push(index),
            Dropped::OneOfMany => {}
            Dropped::Not => self.drop_unsettled(index, fx),
        }
    }

    /// The common case of [`drop_want`](Self::drop_want), without effects: of a settled task whose count is all in its
    /// word. Other tasks keep the want.
    #[inline]
    pub fn drop_settled(&self, index: u32) -> Dropped<'_, P> {
        let node = self.node(index);
        let old = node.word.load(Acquire);
        if !has(old, DONE) || has(old, OVERFLOW) {
            return Dropped::Not;
        }
        let old = node.word.fetch_sub(REF, AcqRel);
        if word::refs(old) == 1 && !self.refilled(index, old) {
            return Dropped::Last(self.leaving_as(node, index, old - REF));
        }
        Dropped::OneOfMany
    }

    fn drop_unsettled(&self, index: u32, fx: &mut Effects) {
        let node = self.node(index);
        let mut old = node.word.load(Acquire);
        loop {
            if has(old, OVERFLOW) && word::refs(old) <= word::LOW {
                self.refill(index);
                old = node.word.load(Acquire);
                continue;
            }
            let last = word::refs(old) == 2 && !has(old, DETACHED | DONE);
            let flags = match (last, has(old, RUNNING | CANCELLED)) {
                (true, false) => CANCELLED | RUNNING,
                (true, true) => CANCEL,
                (false, _) => 0,
            };
            match node
                .word
                .compare_exchange_weak(old, (old - REF) | flags, AcqRel, Acquire)
            {
                Ok(_) if has(flags, CANCELLED) => fx.unrun.push(index),
                Ok(_) if has(flags, CANCEL) => fx.unwanted.push(index),
                Ok(_) if word::refs(old) == 1 => fx.free.push(index),
                Ok(_) => {}
                Err(now) => {
                    old = now;
                    continue;
                }
            }
            return;
        }
    }

    /// Gives a want up and lets the task run all the same.
    pub fn detach(&self, index: u32, fx: &mut Effects) {
        self.node(index).word.fetch_or(DETACHED, AcqRel);
        self.drop_want(index, fx);
    }

    /// A reference to the node of an id that the caller does not hold, while anybody holds it.
    pub fn pin(&self, id: Id, fx: &mut Effects) -> Option<Pin> {
        let pin = self.pin_any(id.index)?;
        // The generation is compared after the reference is taken: before, the slot could still change hands.
        if self.generation(id.index) == id.generation {
            return Some(pin);
        }
        self.unpin(pin, fx);
        None
    }

    /// A reference to whatever lives in the slot, while anybody holds it. The caller then checks what it is: for the
    /// input of a node, that the node still names it and is not settled.
    pub fn pin_any(&self, index: u32) -> Option<Pin> {
        if !self.nodes.exists(index) {
            return None;
        }
        self.raise(index, 0).then_some(Pin(index))
    }

    /// Gives a pin back.
    pub fn unpin(&self, pin: Pin, fx: &mut Effects) {
        self.drop_want(pin.0, fx);
    }

    /// A reference for who found the node in the key table, under its shard's lock; not if the task is cancelled or
    /// nobody wants it: a want that comes too late.
    pub(super) fn retain_if_wanted(&self, index: u32) -> bool {
        self.raise(index, CANCEL | CANCELLED)
    }

    /// One reference more if there is any and none of `unless` is set.
    fn raise(&self, index: u32, unless: u64) -> bool {
        let word = &self.node(index).word;
        let mut old = word.load(Acquire);
        while word::refs(old) > 0 && !has(old, unless) {
            if word::refs(old) >= word::HALF {
                self.spread(index);
                old = word.load(Acquire);
                continue;
            }
            match word.compare_exchange_weak(old, old + REF, AcqRel, Acquire) {
                Ok(_) => return true,
                Err(now) => old = now,
            }
        }
        false
    }

    /// Wins the value of a finished node whose only want is the caller's, to move it out of the payload.
    ///
    /// A keyed node is unpublished in the same step: under its shard's lock nobody can start to want it.
    pub fn try_take(&self, index: u32) -> bool {
        let node = self.node(index);
        let Some(cell) = node.cold.key() else {
            return self.win_taken(index);
        };
        let mut shard = self.keys.shard(cell.hash);
        let won = self.win_taken(index);
        if won {
            shard.remove(cell.hash, index);
        }
        won
    }

    fn win_taken(&self, index: u32) -> bool {
        let word = &self.node(index).word;
        let old = word.load(Acquire);
        let sole = word::refs(old) == 1
            && has(old, DONE)
            && !has(old, FAILED | CANCELLED | TAKEN | OVERFLOW);
        sole && word
            .compare_exchange(old, old | TAKEN, AcqRel, Relaxed)
            .is_ok()
    }

    /// Marks the payload of a settled node empty; only by its sole owner or by who just finished it cancelled.
    pub fn mark_taken(&self, index: u32) {
        self.node(index).word.fetch_or(TAKEN, AcqRel);
    }
}
