//! Doing what the graph's events ask for: wake, fail dependents, dispose, free.
//!
//! The effects are a worklist, so a chain of a million tasks is cancelled, failed and freed with constant stack. User
//! destructors run here with nothing borrowed, each under its own `catch_unwind`; what they release in turn lands in
//! the same worklist, and the call that is already emptying it goes on. Only a thread that is about to wait empties
//! it from inside: what it waits for may be in there.

use super::events::Event;
use super::job::{self, Claimed, Job, Left};
use super::local::Local;
use super::run::guarded;
use crate::graph::{Effects, Leaving, Outcome};

/// One duty, taken out of the effects.
enum Duty {
    Wake(u32),
    Inherit(u32, u32),
    Unrun(u32),
    Unwanted(u32),
    Free(u32),
}

impl Local {
    /// Does everything that the events so far ask for. Inside of itself (a destructor has come back here) it queues and
    /// wakes, which runs no destructors, and leaves the rest to the call further down the stack.
    #[inline]
    pub(crate) fn settle_up(&self) {
        self.queue_ready();
        if self.state().fx.is_quiet() {
            return;
        }
        if self.settling.replace(true) {
            return self.wake_all();
        }
        while let Some(duty) = self.next_duty(true) {
            self.perform(duty);
        }
        self.settling.set(false);
    }

    /// As [`settle_up`](Self::settle_up), for a thread that is about to wait: also inside of itself it settles what it
    /// may be about to wait for. Only freeing is left to the call further down.
    pub(crate) fn settle_all(&self) {
        if !self.settling.get() {
            return self.settle_up();
        }
        self.queue_ready();
        while let Some(duty) = self.next_duty(false) {
            self.perform(duty);
        }
    }

    fn perform(&self, duty: Duty) {
        match duty {
            Duty::Wake(waiter) => self.engine.waiters.fire(waiter),
            Duty::Inherit(task, input) => self.inherit(task, input),
            Duty::Unrun(task) => self.settle_unrun(task),
            Duty::Unwanted(task) => self.wake_cancelled(task),
            Duty::Free(task) => self.free(task),
        }
        self.queue_ready();
    }

    fn wake_all(&self) {
        let wake = std::mem::take(&mut self.state().fx.wake);
        wake.into_iter()
            .for_each(|waiter| self.engine.waiters.fire(waiter));
    }

    fn next_duty(&self, free_too: bool) -> Option<Duty> {
        let mut state = self.state();
        if free_too {
            self.free_plain(&mut state);
        }
        let Effects {
            wake,
            inherit,
            unrun,
            unwanted,
            free,
            ..
        } = &mut state.fx;
        wake.pop()
            .map(Duty::Wake)
            .or_else(|| {
                inherit
                    .pop()
                    .map(|(task, input)| Duty::Inherit(task, input))
            })
            .or_else(|| unrun.pop().map(Duty::Unrun))
            // Their tokens are set, which is all that a running body can be told; a pending future is dropped.
            .or_else(|| unwanted.pop().map(Duty::Unwanted))
            .or_else(|| free_too.then(|| free.pop().map(Duty::Free)).flatten())
    }

    /// Frees a slot: at once, if that runs no user code.
    #[inline]
    pub(super) fn free_now(&self, leaving: Leaving<'_, Job>) {
        let mut state = self.state();
        if !self.frees_user_code(&leaving) {
            return leaving.forget(&mut state.cache);
        }
        state.fx.free.push(leaving.index());
        drop(state);
        self.settle_up();
    }

    /// Whether freeing the slot runs destructors of the user's, or may, or the observer.
    #[inline]
    fn frees_user_code(&self, leaving: &Leaving<'_, Job>) -> bool {
        leaving.extra() | self.traced != 0 || job::leaves_user_code(leaving)
    }

    /// Frees those at the end of the list that need no user code.
    #[inline]
    fn free_plain(&self, state: &mut super::local::State) {
        let graph = &self.engine.graph;
        while let Some(&index) = state.fx.free.last() {
            let leaving = graph.leaving(index);
            if self.frees_user_code(&leaving) {
                return;
            }
            state.fx.free.pop();
            leaving.forget(&mut state.cache);
        }
    }

    /// Settles a task with the error of its input, which it still wants.
    fn inherit(&self, task: u32, input: u32) {
        self.take_over_error(&Claimed::handed(task), input);
        self.happens(task, Event::FailedUnrun);
        let state = &mut *self.state();
        self.engine
            .graph
            .finish_unrun(&mut state.cache, task, true, &mut state.fx);
    }

    /// Replaces the closure of a task that is not to run by the error of its input. If the input can be made anew, the
    /// closure is kept, to be run then.
    pub(super) fn take_over_error(&self, claimed: &Claimed, input: u32) {
        if !self.keep_unrun(claimed, input) {
            self.dispose(claimed, Left::Task);
        }
        let error = self.engine.error_of(input).inherited();
        job::write_error(&self.engine.graph, claimed, error);
    }

    fn settle_unrun(&self, task: u32) {
        if self.engine.graph.extra(task) != 0 {
            self.leave_line(task);
        }
        self.dispose(&Claimed::handed(task), Left::Task);
        self.happens(task, Event::CancelledUnrun);
        let state = &mut *self.state();
        self.engine
            .graph
            .finish_unrun(&mut state.cache, task, false, &mut state.fx);
    }

    fn free(&self, task: u32) {
        if self.traced != 0 {
            self.note(task, Some(self.engine.graph.state(task)), None);
        }
        let left = self.engine.graph.leaving(task).remains();
        if left == Outcome::Value {
            self.uncount_bytes(task);
        }
        self.dispose(&Claimed::handed(task), Left::Result(left));
        let extra = self.engine.extras.remove(self.engine.graph.extra(task));
        #[cfg(feature = "task")]
        if let Some(extra) = &extra
            && let Some(remote) = &extra.remote
            && let Some(backend) = self.engine.backend()
        {
            remote.freed(&**backend);
            // The backend may keep the rest for a while.
            let kept = std::mem::take(&mut extra.attempts.now.lock().kept);
            let _ = guarded(|| drop((kept, remote.let_go())));
        }
        let _ = guarded(|| drop(extra));
        let state = &mut *self.state();
        self.engine.graph.leaving(task).forget(&mut state.cache);
    }

    /// Runs the destructor of what is left in a payload.
    pub(super) fn dispose(&self, claimed: &Claimed, left: Left) {
        let graph = &self.engine.graph;
        if job::needs_drop(graph, claimed, left) {
            let _ = guarded(|| job::dispose(graph, claimed, left));
        }
    }

    /// Drops the result of a task that was cancelled while its body ran; nobody will read it.
    pub(super) fn discard(&self, claimed: &Claimed, outcome: Outcome) -> Outcome {
        self.dispose(claimed, Left::Result(outcome));
        Outcome::Nothing
    }
}
