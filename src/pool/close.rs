//! The end of an engine.
//!
//! 1. `closed` is set: submits are refused from here on. A submit that has looked before sets its task down first and
//!    looks again after a fence; one of the two sees the other.
//! 2. What has not begun is cancelled first, the calls in mailboxes too: a body that ends because it was told to must
//!    not make room for one that has yet to be told. Then every pending future is cancelled, and running bodies get
//!    their cancel token.
//! 3. Everything shared by name is closed: who waits there goes on with `Closed`, what they hold is dropped. So are the
//!    published handles.
//! 4. The memory of pure results is emptied.
//! 5. The threads are told to stop; each ends at its next task boundary, and drops pending futures before it does. The
//!    caller may wait for that.

use std::sync::Arc;
#[cfg(feature = "rayon")]
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
#[cfg(feature = "rayon")]
use std::sync::atomic::Ordering::{AcqRel, Acquire};
use std::sync::atomic::fence;
use std::time::Instant;

use super::Engine;
use super::local::{self, Local};
#[cfg(feature = "rayon")]
use super::wait::{MOMENT, yield_once};
use crate::graph::State as TaskState;

impl Engine {
    /// Ends everything that can be ended without waiting. A second call finds nothing to do.
    pub(crate) fn close(self: &Arc<Self>) {
        self.door.fetch_or(super::CLOSED, SeqCst);
        fence(SeqCst);
        #[cfg(feature = "task")]
        if let Some(afar) = self.afar.get() {
            afar.end(&crate::error::WaitError::Closed);
        }
        #[cfg(feature = "task")]
        if let Some(backend) = self.backend() {
            backend.close();
        }
        local::with(self, |local| {
            self.actors.close();
            self.cancel_all(local);
            self.named.close();
            self.published.close();
            self.coordination.close();
            // No limit left: what finishes from now on is not remembered either.
            self.graph.set_remember(0, &mut local.state().fx);
            local.settle_all();
        });
        self.crew.stop();
        self.pools.stop();
        self.monitor.stop();
    }

    /// Waits for running bodies, at most until `deadline`; gives the names of those that are still running.
    pub(crate) fn wait_stopped(self: &Arc<Self>, deadline: Option<Instant>) -> Vec<String> {
        // A copy made by `fork` has no threads to wait for.
        let empty = |until| self.crew.wait_empty(until) && self.pools.wait_empty(until);
        let stopped = self.forked() || wait_lending(deadline, empty);
        if stopped {
            Vec::new()
        } else {
            local::with(self, |local| self.running(local))
        }
    }

    /// Empties the memory of pure results.
    pub(crate) fn forget_remembered(&self, local: &Local) {
        let mut state = local.state();
        self.graph.forget_remembered(&mut state.fx);
        drop(state);
        local.settle_up();
    }

    fn cancel_all(&self, local: &Local) {
        let live: Vec<u32> = self.graph.live().collect();
        let each = |end: &dyn Fn(u32, TaskState)| {
            for &index in &live {
                local.pinned(index, || end(index, self.graph.state(index)));
                local.settle_up();
            }
        };
        each(&|index, state| {
            if has_not_begun(state) {
                self.cancel(local, index);
            }
        });
        each(&|index, state| match state {
            TaskState::Running => self.request_cancel(local, index),
            state if has_not_begun(state) => self.cancel(local, index),
            _ => {}
        });
    }

    /// Cancels a task the caller wants.
    pub(crate) fn cancel(&self, local: &Local, index: u32) {
        if local.cancel_node(index) {
            local.wake_cancelled(index);
        }
        local.tell();
        local.settle_up();
    }

    /// Sets the token of a running task the caller has pinned. A pending future, which cannot look, is cancelled; one
    /// that is being polled has seen its wake-up when the poll ends.
    fn request_cancel(&self, local: &Local, index: u32) {
        self.graph.request_cancel(index);
        local.wake_cancelled(index);
        if self.async_tasks.is_pending(index).is_some() {
            self.cancel(local, index);
        }
    }

    fn running(&self, local: &Local) -> Vec<String> {
        let running: Vec<u32> = self.graph.bodies().collect();
        let names = running
            .into_iter()
            .filter_map(|index| local.pinned(index, || self.name(index)))
            .collect();
        local.settle_up();
        names
    }
}

pub(super) fn has_not_begun(state: TaskState) -> bool {
    matches!(state, TaskState::Waiting | TaskState::Queued)
}

/// Waits, at most until `deadline`, by calls of `wait`, which waits until a time and says whether that is over.
///
/// A body may be waiting for its `par_iter`. So when all of rayon's threads have come to wait here, they run rayon's
/// work meanwhile. Else they do not: who drops a client may hold a lock that the work wants.
fn wait_lending(deadline: Option<Instant>, wait: impl Fn(Option<Instant>) -> bool) -> bool {
    #[cfg(feature = "rayon")]
    if local::current().is_none() && rayon::current_thread_index().is_some() {
        static WAITING: AtomicUsize = AtomicUsize::new(0);
        WAITING.fetch_add(1, AcqRel);
        let all_wait = || WAITING.load(Acquire) >= rayon::current_num_threads();
        let is_over = || deadline.is_some_and(|deadline| deadline <= Instant::now());
        let look = || {
            let moment = Instant::now() + MOMENT;
            wait(Some(deadline.map_or(moment, |at| at.min(moment))))
        };
        let stopped = loop {
            match look() {
                false if is_over() => break false,
                false if all_wait() => {
                    yield_once();
                }
                false => {}
                true => break true,
            }
        };
        WAITING.fetch_sub(1, AcqRel);
        return stopped;
    }
    wait(deadline)
}
