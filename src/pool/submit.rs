//! A task's way from a client into the graph and a queue.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::fence;
use std::time::Instant;

use super::asked::Refusal;
use super::events::Event;
use super::job::{self, Job, Kind};
use super::local::{Local, State};
use super::run::guarded;
use super::want::TaskRef;
use crate::error::ErrorKind;
use crate::graph::{Born, Entry, Key, Spec};

pub(crate) const KEY_CONFLICT: Refusal = (
    ErrorKind::KeyConflict,
    Cow::Borrowed(
        "the key belongs to a task of another function or with another type of result: choose another key",
    ),
);

/// What has become of a submit under a key.
pub(super) enum Keyed {
    /// A new task, and whether nothing but waking is to be done.
    New { index: u32, quiet: bool },
    /// There is a task of the same kind already: the job is not needed.
    Known(u32, Job),
    /// There is one of another kind.
    Conflict(Job, Key),
}

impl Local {
    /// Submits a task whose inputs the caller wants during the call.
    #[inline]
    pub(crate) fn submit(&self, spec: &Spec, inputs: &[u32], job: Job) -> TaskRef {
        if spec.extra | self.traced | u32::from(self.scoped.get()) != 0 {
            return self.submit_apart(spec, inputs, job);
        }
        let mut state = self.state();
        let State { cache, fx, .. } = &mut *state;
        let born = self.engine.graph.submit(cache, spec, inputs, job, fx);
        self.count_queued(spec.name);
        if let Born::Ready(index) = born {
            self.engine.queues.push(&mut state, index, spec.priority);
        }
        let quiet = state.fx.is_quiet();
        drop(state);
        self.submitted(born.index(), quiet);
        TaskRef::own(Arc::clone(&self.anchor), born.index())
    }

    /// A task with rare data, or where transitions are noted, or in a scope.
    #[inline(never)]
    fn submit_apart(&self, spec: &Spec, inputs: &[u32], job: Job) -> TaskRef {
        if self.scoped.get() && spec.extra == 0 {
            return self.submit_in_scope(spec, inputs, job);
        }
        let (index, quiet) = self.enter(spec, inputs, job);
        self.submitted(index, quiet);
        TaskRef::own(Arc::clone(&self.anchor), index)
    }

    /// The part of [`submit`](Self::submit) that runs no user code: the caller calls [`submitted`](Self::submitted) after
    /// it, and is told what that wants to know.
    #[inline]
    pub(super) fn enter(&self, spec: &Spec, inputs: &[u32], job: Job) -> (u32, bool) {
        let at = self.time_of_submit(!inputs.is_empty());
        let mut state = self.state();
        let State { cache, fx, .. } = &mut *state;
        let born = self.engine.graph.submit(cache, spec, inputs, job, fx);
        let quiet = self.queue_born(&mut state, spec, born, at);
        (born.index(), quiet)
    }

    /// As [`submit`](Self::submit), without inputs, and behind the work from outside: what a running task submits goes
    /// first otherwise, and a task that goes on in a new one would leave nobody else a turn.
    pub(crate) fn submit_last(&self, spec: &Spec, job: Job) -> TaskRef {
        let mut state = self.state();
        let State { cache, fx, .. } = &mut *state;
        let born = self.engine.graph.submit(cache, spec, &[], job, fx);
        let index = born.index();
        let noted = self.count_born(born, spec.name, None);
        self.engine
            .queues
            .push_last(&mut state, index, spec.priority);
        let quiet = state.fx.is_quiet() && !noted;
        drop(state);
        self.submitted(index, quiet);
        TaskRef::own(Arc::clone(&self.anchor), index)
    }

    #[cold]
    fn submit_in_scope(&self, spec: &Spec, inputs: &[u32], job: Job) -> TaskRef {
        match self.in_scope(spec) {
            Ok(spec) => self.submit(&spec, inputs, job),
            Err(why) => self.refuse(spec, None, inputs, job, why),
        }
    }

    /// As [`submit`](Self::submit), under a key of a task of this kind. If it names another kind of task,
    /// the new one has failed. Says whether the task is a new one that has these inputs.
    #[inline]
    pub(crate) fn submit_keyed(
        &self,
        spec: &Spec,
        key: Key,
        kind: Kind,
        inputs: &[u32],
        job: Job,
    ) -> (TaskRef, bool) {
        if self.scoped.get() && spec.extra == 0 {
            return match self.in_scope(spec) {
                Ok(spec) => self.submit_keyed(&spec, key, kind, inputs, job),
                Err(why) => (self.refuse(spec, Some(key), inputs, job, why), false),
            };
        }
        let (index, new) = match self.enter_keyed(spec, key, kind, inputs, job) {
            Keyed::New { index, quiet } => {
                self.submitted(index, quiet);
                (index, true)
            }
            Keyed::Known(index, job) => {
                self.drop_unneeded(spec, job);
                (index, false)
            }
            Keyed::Conflict(job, key) => {
                self.settle_up();
                return (self.refuse(spec, Some(key), &[], job, KEY_CONFLICT), false);
            }
        };
        (TaskRef::own(Arc::clone(&self.anchor), index), new)
    }

    /// The part of [`submit_keyed`](Self::submit_keyed) that runs no user code, as [`enter`](Self::enter).
    #[inline]
    pub(super) fn enter_keyed(
        &self,
        spec: &Spec,
        key: Key,
        kind: Kind,
        inputs: &[u32],
        job: Job,
    ) -> Keyed {
        let at = self.time_of_submit(true);
        let mut state = self.state();
        let State { cache, fx, .. } = &mut *state;
        let graph = &self.engine.graph;
        let kin = |index| kind.is_answered_by(job::kind(graph, index));
        match graph.entry(&key, kin, fx) {
            Entry::Vacant(vacant) => {
                let born = graph.submit_at((vacant, key), cache, spec, inputs, job, fx);
                let quiet = self.queue_born(&mut state, spec, born, at);
                let index = born.index();
                Keyed::New { index, quiet }
            }
            Entry::Same(index) => Keyed::Known(index, job),
            Entry::Conflict => Keyed::Conflict(job, key),
        }
    }

    /// The job of a task that there is already.
    fn drop_unneeded(&self, spec: &Spec, job: Job) {
        let extra = self.engine.extras.remove(spec.extra);
        let _ = guarded(|| job.drop_task());
        let _ = guarded(|| drop(extra));
        self.settle_up();
    }

    /// Queues a new task if it is ready. Says whether nothing else is to be done.
    #[inline]
    fn queue_born(&self, state: &mut State, spec: &Spec, born: Born, at: Option<Instant>) -> bool {
        let noted = self.count_born(born, spec.name, at);
        match born {
            Born::Ready(index) if spec.extra == 0 => {
                self.engine.queues.push(state, index, spec.priority);
            }
            // It may have to go elsewhere.
            Born::Ready(index) => {
                state.fx.ready.push(index);
                return false;
            }
            Born::Waiting(_) => {}
        }
        state.fx.is_quiet() && !noted
    }

    /// After a submit, with nothing borrowed: wakes a thread, fails the task if an input had failed, and cancels it if
    /// the client was closed meanwhile.
    #[inline]
    pub(super) fn submitted(&self, index: u32, quiet: bool) {
        self.engine.notify();
        if !quiet {
            self.tell();
            self.settle_up();
        }
        if self.engine.is_closed() {
            // The fence in `notify` pairs with the one in `close`: if we read `closed` too early, it saw our task.
            fence(SeqCst);
            self.engine.cancel(self, index);
        }
    }

    /// A task that something outside finishes. It counts as submitted, and as started.
    pub(crate) fn external(&self, spec: &Spec, job: Job) -> TaskRef {
        let graph = &self.engine.graph;
        let index = graph.external(&mut self.state().cache, spec, job);
        self.happens(index, Event::External);
        TaskRef::own(Arc::clone(&self.anchor), index)
    }

    /// A task that is settled from the start.
    pub(crate) fn settled(&self, spec: &Spec, job: Job, failed: bool) -> TaskRef {
        let graph = &self.engine.graph;
        let index = graph.settled(&mut self.state().cache, spec, job, failed);
        if !failed {
            self.count_bytes(index);
        }
        if self.traced != 0 {
            self.note(index, None, Some(graph.state(index)));
        }
        TaskRef::own(Arc::clone(&self.anchor), index)
    }
}
