//! Gates: where a ready task may run, and what must be free before it does.
//!
//! A task with a gate runs on the threads of its named pool, if it has one, and only while it holds the resources that
//! it asked for, all at once. The gate is asked after the claim, so that nobody can get past it, who helps included:
//!
//! 1. The task of another pool goes into that pool's line, from wherever it was made ready.
//! 2. A task whose resources are not free goes into their line; who gives some back hands them to the first that they
//!    are enough for, and makes it ready. What is handed over is held from then on.
//! 3. A task in a line is postponed (`graph/postpone.rs`): its status is queued, but its word is not, so it cannot be
//!    claimed. Cancelled, or wanted by nobody, it leaves the line while it is settled.
//! 4. What it holds goes back when its body has returned, or the future that it made is gone, however that ended; or when it is settled before it began.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};

use super::Engine;
use super::job::Claimed;
use super::local::{Local, State};
use crate::graph::State as TaskState;

/// What a task asked for at submit, and what it has got. The atomics change under the lock of the line they are about.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// The number of its pool; 0 is the client's own threads.
    pub(crate) pool: u32,
    /// Resources by number, in order, and how much of each; never 0.
    pub(crate) needs: Box<[(u32, u64)]>,
    /// It holds what it needs.
    pub(super) holds: AtomicBool,
    /// The number it came as to the line of its pool; 0 if it is not there.
    pub(super) pool_number: AtomicU64,
    /// The number it came as to the line for resources; 0 if it is not there.
    pub(super) stock_number: AtomicU64,
    /// Its body has run, and it only waits for another task's result now.
    passed: AtomicBool,
}

impl Gate {
    pub(crate) fn new(pool: u32, needs: impl Into<Box<[(u32, u64)]>>) -> Self {
        Self {
            pool,
            needs: needs.into(),
            ..Self::default()
        }
    }

    /// The same, with nothing got yet.
    pub(super) fn renewed(&self) -> Self {
        Self::new(self.pool, self.needs.clone())
    }
}

impl Engine {
    /// The gate of a pinned task that has not passed it for good.
    fn gate(&self, index: u32) -> Option<Arc<Gate>> {
        let extra = self.extra(index)?;
        let gate = extra.gate.as_ref()?;
        (!gate.passed.load(Relaxed)).then(|| Arc::clone(gate))
    }

    /// The state of a pinned task as its owners see it: ready, in whatever line, is queued.
    pub(crate) fn state_seen(&self, index: u32) -> TaskState {
        match self.graph.state(index) {
            TaskState::Waiting if self.graph.is_postponed(index) => TaskState::Queued,
            state => state,
        }
    }

    /// The number of the pool that a task must run in, if it is another than `here`.
    fn elsewhere(&self, gate: &Gate, here: u32) -> Option<u32> {
        // In turn, all bodies share one place.
        (gate.pool != 0 && gate.pool != here && self.queues.baton.is_none()).then_some(gate.pool)
    }
}

impl Local {
    /// Whether a claimed task that has rare data may run here and now. If not, it is in the line for that.
    #[cold]
    pub(super) fn is_admitted(&self, claimed: &Claimed) -> bool {
        let (engine, index) = (&self.engine, claimed.index());
        let Some(gate) = engine.gate(index) else {
            return true;
        };
        let mut state = self.state();
        let admitted = if let Some(pool) = engine.elsewhere(&gate, self.pool) {
            self.send_to(pool, &mut state, index, &gate);
            false
        } else {
            let fx = &mut state.fx;
            gate.needs.is_empty() || engine.resources.admit(&engine.graph, index, &gate, fx)
        };
        drop(state);
        self.settle_up();
        admitted
    }

    /// A task with rare data has become ready: if it is to run in a named pool, it goes there at once, since all the
    /// client's own threads may be busy. The index is a hint, as in any queue; the claim makes it a fact.
    #[cold]
    pub(super) fn is_sent_elsewhere(&self, state: &mut State, index: u32) -> bool {
        let engine = &self.engine;
        let is_for_elsewhere = |gate: &Gate| engine.elsewhere(gate, u32::MAX).is_some();
        if !engine
            .gate(index)
            .is_some_and(|gate| is_for_elsewhere(&gate))
        {
            return false;
        }
        if !engine.graph.claim(index) {
            return true;
        }
        match engine.gate(index) {
            Some(gate) if is_for_elsewhere(&gate) => self.send_to(gate.pool, state, index, &gate),
            // The slot was another task's meanwhile.
            _ => {
                if engine.graph.postpone(index, &mut state.fx)
                    && engine.graph.resume(index, &mut state.fx)
                {
                    engine
                        .queues
                        .push(state, index, engine.graph.priority(index));
                }
            }
        }
        true
    }

    /// Whether an entry that asks for a poll of a task with rare data has gone to that task's pool. The caller answers
    /// for the entry, so the task is there until it is polled.
    #[cold]
    pub(super) fn is_polled_elsewhere(&self, index: u32, entry: u32) -> bool {
        let engine = &self.engine;
        let gate = engine.gate(index);
        let Some(pool) = gate.and_then(|gate| engine.elsewhere(&gate, u32::MAX)) else {
            return false;
        };
        let priority = engine.graph.priority(index);
        engine.pools.push_poll(engine, pool, entry, priority);
        true
    }

    fn send_to(&self, pool: u32, state: &mut State, index: u32, gate: &Arc<Gate>) {
        let from_task = self.in_task() || state.place.is_some();
        self.engine
            .pools
            .push(&self.engine, pool, index, gate, from_task, &mut state.fx);
    }

    /// The body of a task with rare data has returned.
    pub(super) fn give_back(&self, index: u32) {
        if let Some(gate) = self.engine.gate(index) {
            let engine = &self.engine;
            engine
                .resources
                .release(&engine.graph, index, &gate, &mut self.state().fx);
        }
    }

    /// The body has run; what is left is to wait for another task's result.
    pub(super) fn pass_for_good(&self, index: u32) {
        if let Some(gate) = self.engine.gate(index) {
            gate.passed.store(true, Release);
        }
    }

    /// A task with rare data is being settled unrun: it leaves its line and gives back what it was handed.
    pub(super) fn leave_line(&self, index: u32) {
        let engine = &self.engine;
        let Some(gate) = engine.gate(index) else {
            return;
        };
        let fx = &mut self.state().fx;
        if gate.pool != 0 {
            engine.pools.withdraw(&engine.graph, &gate, fx);
        }
        if !gate.needs.is_empty() {
            engine.resources.withdraw(&engine.graph, index, &gate, fx);
        }
    }
}
