//! The middle and the end of a task: claimed, finished, settled unrun, forgotten.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use super::word::{
    self, CANCEL, CANCELLED, DONE, FAILED, LINKING, QUEUED, REF, RUNNING, SETTLED, TAKEN, UNRUN,
    has,
};
use super::{Cache, Effects, Graph};

/// How a task that ran ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The payload is its value.
    Value,
    /// The payload is its error.
    Error,
    /// The payload was disposed of: it had been cancelled.
    Nothing,
}

impl Outcome {
    fn flags(self) -> u64 {
        match self {
            Self::Value => DONE,
            Self::Error => DONE | FAILED,
            Self::Nothing => DONE | TAKEN,
        }
    }
}

impl<P> Graph<P> {
    /// Wins the exclusive right to run a queued task. No: somebody else has it, or it was cancelled; queue entries
    /// are hints.
    #[inline]
    pub fn claim(&self, index: u32) -> bool {
        let word = &self.node(index).word;
        let mut old = word.load(Relaxed);
        while has(old, QUEUED) && !has(old, RUNNING | SETTLED) {
            // Acquire: pairs with the publication by submit and with the inputs' finishes.
            match word.compare_exchange_weak(old, (old | RUNNING) & !QUEUED, Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => old = now,
            }
        }
        false
    }

    /// Settles a claimed or external task whose result is in the payload, and drops the machine's reference.
    ///
    /// The caller lets the inputs go right after, from the list it copied before. It says whether the last want was
    /// gone: then the slot is the caller's to free.
    #[inline]
    pub fn finish(
        &self,
        cache: &mut Cache,
        index: u32,
        outcome: Outcome,
        fx: &mut Effects,
    ) -> bool {
        // One operation sets DONE, drops the reference and yields the list. A swap would lose a concurrent clone.
        // Release: publishes the result. Acquire: sees the cells of the list.
        let add = outcome.flags().wrapping_sub(REF);
        let old = self.node(index).word.fetch_add(add, AcqRel);
        self.deliver(
            cache,
            index,
            word::head(old),
            outcome != Outcome::Value || has(old, CANCELLED),
            fx,
        );
        word::refs(old) == 1 && !self.refilled(index, old)
    }

    /// As [`finish`](Self::finish), for a pure result that the memory will want: the machine's reference is handed
    /// over to it.
    pub fn finish_remembered(&self, cache: &mut Cache, index: u32, bytes: usize, fx: &mut Effects) {
        let old = self.node(index).word.fetch_add(DONE, AcqRel);
        self.deliver(cache, index, word::head(old), has(old, CANCELLED), fx);
        // A body whose token was set may have stopped half-way: no later want is given its value.
        if has(old, CANCEL | CANCELLED) {
            self.drop_machine(index, fx);
        } else {
            self.remember(index, bytes, fx);
        }
    }

    /// Settles a task that was won before it ran: its payload is disposed of, or, when `failed`, holds the error.
    /// Its inputs are let go.
    pub fn finish_unrun(&self, cache: &mut Cache, index: u32, failed: bool, fx: &mut Effects) {
        let outcome = if failed {
            Outcome::Error
        } else {
            Outcome::Nothing
        };
        let inputs = self.inputs(index);
        let linking = self.node(index).join.fetch_or(UNRUN, AcqRel) & LINKING != 0;
        let old = self.node(index).word.fetch_add(outcome.flags(), AcqRel);
        self.deliver(cache, index, word::head(old), true, fx);
        if !linking {
            self.leave_inputs(cache, &inputs, fx);
        }
        // Of this and the last input's QUEUED, whoever comes second drops the reference.
        if has(old, QUEUED) {
            self.drop_machine(index, fx);
        }
    }

    /// Lowers the join counter of a node whose inputs are linked. Yes: it is ready.
    #[inline]
    pub(super) fn lower(&self, index: u32, fx: &mut Effects) -> bool {
        let join = self.node(index).join.fetch_sub(1, AcqRel);
        join & !UNRUN == 1 && self.joined(index, fx)
    }

    /// The last input settled: marks the task queued. Yes: it is ready. No: it was settled unrun, or is just being.
    #[inline]
    pub(super) fn joined(&self, index: u32, fx: &mut Effects) -> bool {
        let old = self.node(index).word.fetch_or(QUEUED, AcqRel);
        if has(old, DONE) {
            self.drop_machine(index, fx);
        }
        !has(old, RUNNING | SETTLED)
    }

    /// Wins a task that nobody has claimed, to settle it with an input's error.
    pub(super) fn win_unclaimed(&self, index: u32) -> bool {
        let word = &self.node(index).word;
        let mut old = word.load(Acquire);
        while !has(old, RUNNING | SETTLED) {
            match word.compare_exchange_weak(old, old | RUNNING, AcqRel, Acquire) {
                Ok(_) => return true,
                Err(now) => old = now,
            }
        }
        false
    }

    /// Drops the machine's reference of a settled task.
    pub(super) fn drop_machine(&self, index: u32, fx: &mut Effects) {
        let old = self.node(index).word.fetch_sub(REF, AcqRel);
        if word::refs(old) == 1 && !self.refilled(index, old) {
            fx.free.push(index);
        }
    }
}
