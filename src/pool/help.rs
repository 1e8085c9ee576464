//! Helping: what a blocked body may run on its own stack.
//!
//! A body that waits for F may run X inline only if X is in F's dependency closure: F itself, its unsettled inputs,
//! the calls before F when F is in an actor's mailbox, or what a running member is parked on for as long as it takes. As long as F still needs X, the wait-for graph gains no
//! edge that it did not have, and every deadlock is one that a thread per task would have too; helping with anything
//! else is the root of the known deadlocks of work-stealing pools (rayon #592). Waits for any of a set, timed waits,
//! queues and variables end the walk. The idea is ForkJoinPool's `helpJoin` and leapfrogging (Wagner and Calder, 1993).
//!
//! One case is left: F may settle early, by a cancel or by the failure of another input, while X runs inline. The
//! waiting body then goes on only when X has returned; if X waits for something that this very body would bring about
//! afterwards (a queue, a variable), it waits for ever, which the stall line then says.

use super::crew::SOFT_CAP;
use super::job::Claimed;
use super::local::Local;
use super::stack::has_stack;
use super::waits::{Frame, On};
use crate::graph::{Pin, State as TaskState};

/// Nodes one search looks at, unless too many are blocked.
const BUDGET: usize = 64;

impl Local {
    /// Runs members of the closure of `target`, which the caller wants, until it is settled, none can be claimed, or
    /// the stack is half used.
    pub(super) fn help(&self, target: u32) {
        let engine = &self.engine;
        let may = || {
            engine
                .queues
                .baton
                .as_ref()
                .is_none_or(|baton| baton.helps())
        };
        while !engine.graph.is_settled(target) && has_stack() && may() {
            let claimed = self.claim_in_closure(target);
            self.frames.borrow_mut().push(Frame {
                task: self.task.get(),
                on: On::Task(target),
            });
            let goes_on = match claimed {
                Some(claimed) => self.help_by(&claimed),
                None => self.run_call_ahead(target),
            };
            self.frames.borrow_mut().pop();
            if !goes_on {
                return;
            }
        }
    }

    /// Runs a member. Says whether to look for another.
    fn help_by(&self, claimed: &Claimed) -> bool {
        // Not its successors: they need not be in the closure.
        self.run_claimed(claimed, false);
        // What a rescheduled task is to be run after may have nobody else to run it.
        !self.has_been_rescheduled(claimed.index())
    }

    fn claim_in_closure(&self, target: u32) -> Option<Claimed> {
        let graph = &self.engine.graph;
        if let Some(claimed) = Claimed::claim(graph, target) {
            return Some(claimed);
        }
        if graph.state(target) == TaskState::Running && self.engine.waits.blocked() == 0 {
            return None; // Another thread runs it and waits for nothing: the common end of the search.
        }
        let mut claimed = None;
        self.walk_closure(target, |index| {
            claimed = Claimed::claim(graph, index);
            claimed.is_some()
        });
        claimed
    }

    /// Visits queued members of the closure of `target`, until `visit` says that it is done.
    pub(super) fn walk_closure(&self, target: u32, mut visit: impl FnMut(u32) -> bool) {
        let engine = &self.engine;
        let limit = if engine.waits.blocked() >= SOFT_CAP {
            usize::MAX
        } else {
            BUDGET
        };
        let mut pinned = vec![Pin(target)];
        let mut seen = std::collections::HashSet::new();
        let mut next = 0;
        engine.pins.raise();
        while next < pinned.len() && next < limit {
            let index = pinned[next].0;
            next += 1;
            match engine.graph.state(index) {
                TaskState::Queued if visit(index) => break,
                TaskState::Waiting => self.pin_inputs(index, &mut pinned, &mut seen),
                TaskState::Running => self.pin_awaited(index, &mut pinned, &mut seen),
                _ => {}
            }
        }
        // The first is the caller's own want.
        self.unpin_all(pinned.into_iter().skip(1));
        engine.pins.lower();
    }

    /// Pins the inputs of a pinned node. While it still waits, whatever it names as an input is one: it wants it.
    fn pin_inputs(
        &self,
        index: u32,
        pinned: &mut Vec<Pin>,
        seen: &mut std::collections::HashSet<u32>,
    ) {
        let graph = &self.engine.graph;
        for input in graph.inputs(index) {
            if !seen.insert(input) {
                continue;
            }
            let Some(pin) = graph.pin_any(input) else {
                continue;
            };
            let still = !graph.is_settled(index) && graph.inputs(index).contains(&input);
            if still {
                pinned.push(pin);
            } else {
                self.unpin_all([pin]);
            }
        }
    }

    /// Pins what a running node is parked on, if it is parked for as long as it takes. Its body wants it meanwhile.
    fn pin_awaited(
        &self,
        index: u32,
        pinned: &mut Vec<Pin>,
        seen: &mut std::collections::HashSet<u32>,
    ) {
        let engine = &self.engine;
        let Some(on) = engine.waits.task_awaited_by(index) else {
            return;
        };
        if !seen.insert(on) {
            return;
        }
        let Some(pin) = engine.graph.pin_any(on) else {
            return;
        };
        if engine.waits.task_awaited_by(index) == Some(on) {
            pinned.push(pin);
        } else {
            self.unpin_all([pin]);
        }
    }

    /// Calls `f` while the node is pinned, if anybody refers to it.
    pub(super) fn pinned<R>(&self, index: u32, f: impl FnOnce() -> R) -> Option<R> {
        self.engine.pins.raise();
        let result = self.engine.graph.pin_any(index).map(|pin| {
            let result = f();
            self.unpin_all([pin]);
            result
        });
        self.engine.pins.lower();
        result
    }

    fn unpin_all(&self, pins: impl IntoIterator<Item = Pin>) {
        let state = &mut *self.state();
        for pin in pins {
            self.engine.graph.unpin(pin, &mut state.fx);
        }
    }
}
