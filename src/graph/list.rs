//! The list of those who wait for a node: dependents and the driver's waiters, pushed with one compare-and-swap and
//! taken whole by whoever settles the node.
//!
//! Nobody can leave a push-only list. Who leaves (a waiter that timed out, a dependent settled unrun) leaves its cell
//! behind and counts it in `dead`; who counts the 64th, and more than were alive at the last look, compacts:
//! 1. It sets COMPACTING (others skip) and detaches the list in the same compare-and-swap. Adders go on with an empty
//!    list.
//! 2. It sorts the cells it holds into dead and live; dead ones are buried.
//! 3. One compare-and-swap splices the live ones in front of what was added meanwhile and clears COMPACTING. If the
//!    node was settled meanwhile, the settler saw only the new cells, and the compactor delivers the old ones.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use super::node::WAITER;
use super::word::{self, CANCELLED, COMPACTING, FAILED, SETTLED, has};
use super::{Cache, Effects, GIVEN, Graph};

/// Fewer dead cells than this are not worth a walk.
const LEAST_DEAD: u32 = if cfg!(tenter_loom) { 1 } else { 64 };

impl<P> Graph<P> {
    /// Adds the driver's waiter to the list of a node it has pinned. No: the node is settled.
    pub fn watch(&self, cache: &mut Cache, index: u32, waiter: u32) -> bool {
        debug_assert!(waiter < WAITER, "a waiter's number has 31 bits");
        let node = self.node(index);
        let mut old = node.word.load(Acquire);
        if has(old, SETTLED) {
            return false;
        }
        let cell = self.edges.take(&mut cache.edges);
        self.edges.get(cell).target.store(waiter | WAITER, Relaxed);
        loop {
            self.edges.get(cell).next.store(word::head(old), Relaxed);
            // Release: pairs with the settler that takes the list.
            match node
                .word
                .compare_exchange_weak(old, word::with_head(old, cell), AcqRel, Acquire)
            {
                Ok(_) => return true,
                Err(now) if has(now, SETTLED) => break,
                Err(now) => old = now,
            }
        }
        self.edges.give(&mut cache.edges, cell);
        false
    }

    /// The owner of a cell in the list of a node it has pinned has left. `is_dead` says which of the driver's waiters
    /// have left; those whose cells are buried come back in `fx.wake`.
    pub fn leave(
        &self,
        cache: &mut Cache,
        index: u32,
        is_dead: impl Fn(u32) -> bool,
        fx: &mut Effects,
    ) {
        let cold = &self.node(index).cold;
        let dead = cold.dead.fetch_add(1, Relaxed) + 1;
        if dead >= cold.dead_limit.load(Relaxed).max(LEAST_DEAD) {
            self.compact(cache, index, is_dead, fx);
        }
    }

    /// A dependent settled unrun leaves its inputs and stops wanting them.
    pub(super) fn leave_inputs(&self, cache: &mut Cache, inputs: &[u32], fx: &mut Effects) {
        for input in inputs.iter().map(|input| input & !GIVEN) {
            if !self.is_settled(input) {
                // Waiters cannot be judged from here; they stay.
                self.leave(cache, input, |_| false, fx);
            }
            self.drop_want(input, fx);
        }
    }

    /// Hands out the cells of a list that was taken.
    #[inline]
    pub(super) fn deliver(
        &self,
        cache: &mut Cache,
        input: u32,
        mut cell: u32,
        failed: bool,
        fx: &mut Effects,
    ) {
        while cell != 0 {
            let edge = self.edges.get(cell);
            let (target, next) = (edge.target.load(Relaxed), edge.next.load(Relaxed));
            self.edges.give(&mut cache.edges, cell);
            if target & WAITER != 0 {
                fx.wake.push(target & !WAITER);
            } else {
                self.arrive(target, input, failed, fx);
            }
            cell = next;
        }
    }

    /// One input of `dependent` has settled. The cell pinned the dependent until the join counter is lowered.
    #[inline]
    fn arrive(&self, dependent: u32, input: u32, failed: bool, fx: &mut Effects) {
        if failed && self.win_unclaimed(dependent) {
            fx.inherit.push((dependent, input));
        }
        // Once it is ready, others may run and free it.
        let id = fx.ready_ids.is_some().then(|| self.id(dependent));
        if self.lower(dependent, fx) {
            fx.ready.push(dependent);
            if let Some(ids) = &mut fx.ready_ids {
                ids.extend(id);
            }
        }
    }

    #[cold]
    fn compact(
        &self,
        cache: &mut Cache,
        index: u32,
        is_dead: impl Fn(u32) -> bool,
        fx: &mut Effects,
    ) {
        let Some(taken) = self.detach_list(index) else {
            return;
        };
        let (live, tail, count) = self.bury(cache, taken, is_dead, fx);
        let cold = &self.node(index).cold;
        cold.dead.store(0, Relaxed);
        cold.dead_limit.store(count.max(LEAST_DEAD), Relaxed);
        if let Some(settled) = self.splice(index, live, tail) {
            self.deliver(cache, index, live, has(settled, FAILED | CANCELLED), fx);
        }
    }

    fn detach_list(&self, index: u32) -> Option<u32> {
        let word = &self.node(index).word;
        let mut old = word.load(Acquire);
        while !has(old, COMPACTING | SETTLED) {
            let new = word::with_head(old, 0) | COMPACTING;
            match word.compare_exchange_weak(old, new, AcqRel, Acquire) {
                Ok(_) => return Some(word::head(old)),
                Err(now) => old = now,
            }
        }
        None
    }

    /// Takes the dead cells out of a detached list; gives the first and last of the live ones and their number.
    fn bury(
        &self,
        cache: &mut Cache,
        mut cell: u32,
        is_dead: impl Fn(u32) -> bool,
        fx: &mut Effects,
    ) -> (u32, u32, u32) {
        let (mut first, mut last, mut count) = (0, 0, 0);
        while cell != 0 {
            let edge = self.edges.get(cell);
            let (target, next) = (edge.target.load(Relaxed), edge.next.load(Relaxed));
            if target & WAITER != 0 && is_dead(target & !WAITER) {
                fx.wake.push(target & !WAITER);
                self.edges.give(&mut cache.edges, cell);
            } else if target & WAITER == 0 && self.is_settled(target) {
                self.edges.give(&mut cache.edges, cell);
                let ready = self.lower(target, fx);
                debug_assert!(!ready, "a settled task is never ready");
            } else {
                edge.next.store(first, Relaxed);
                first = cell;
                last = if last == 0 { cell } else { last };
                count += 1;
            }
            cell = next;
        }
        (first, last, count)
    }

    /// Puts the live cells back. If the node was settled meanwhile: its word, and the cells are still the caller's.
    fn splice(&self, index: u32, first: u32, last: u32) -> Option<u64> {
        let word = &self.node(index).word;
        let mut old = word.load(Acquire);
        loop {
            let new = if first == 0 || has(old, SETTLED) {
                old & !COMPACTING
            } else {
                self.edges.get(last).next.store(word::head(old), Relaxed);
                word::with_head(old, first) & !COMPACTING
            };
            match word.compare_exchange_weak(old, new, AcqRel, Acquire) {
                Ok(_) => return has(old, SETTLED).then_some(old),
                Err(now) => old = now,
            }
        }
    }
}
