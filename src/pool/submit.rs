//! A task's way from a client into the graph and a queue.

use std::any::TypeId;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::fence;

use super::job::{self, Job};
use super::local::{Local, State};
use super::run::guarded;
use super::stripe::bump;
use super::want::TaskRef;
use crate::graph::{Born, Existing, Key, Spec};

impl Local {
    /// Submits a task whose inputs the caller wants during the call.
    #[inline]
    pub(crate) fn submit(&self, spec: &Spec, inputs: &[u32], job: Job) -> TaskRef {
        if self.scoped.get() && spec.extra == 0 {
            return self.submit_in_scope(spec, inputs, job);
        }
        let mut state = self.state();
        let State { cache, fx, .. } = &mut *state;
        let born = self.engine.graph.submit(cache, spec, inputs, job, fx);
        let quiet = self.queue_born(&mut state, spec, born);
        drop(state);
        self.submitted(born.index(), quiet);
        TaskRef::own(Arc::clone(&self.anchor), born.index())
    }

    #[cold]
    fn submit_in_scope(&self, spec: &Spec, inputs: &[u32], job: Job) -> TaskRef {
        match self.in_scope(spec) {
            Ok(spec) => self.submit(&spec, inputs, job),
            Err(why) => self.refuse(spec, None, inputs, job, why),
        }
    }

    /// As [`submit`](Self::submit), under a key of a task whose value has this type. Says whether the task is a new one.
    ///
    /// # Errors
    /// If the key names another kind of task; job and key come back.
    #[inline]
    pub(crate) fn submit_keyed(
        &self,
        spec: &Spec,
        key: Key,
        value: TypeId,
        inputs: &[u32],
        job: Job,
    ) -> Result<(TaskRef, bool), (Job, Key)> {
        if self.scoped.get() && spec.extra == 0 {
            return match self.in_scope(spec) {
                Ok(spec) => self.submit_keyed(&spec, key, value, inputs, job),
                Err(why) => Ok((self.refuse(spec, Some(key), inputs, job, why), true)),
            };
        }
        let mut state = self.state();
        let State { cache, fx, .. } = &mut *state;
        let graph = &self.engine.graph;
        let key = (key, |index| job::value_type(graph, index) == value);
        let (index, unused) = match graph.submit_keyed(cache, spec, key, inputs, job, fx) {
            Ok(born) => {
                let quiet = self.queue_born(&mut state, spec, born);
                drop(state);
                self.submitted(born.index(), quiet);
                (born.index(), None)
            }
            Err(Existing::Same(index, job)) => {
                drop(state);
                (index, Some(job))
            }
            Err(Existing::Conflict(job, key)) => {
                drop(state);
                self.settle_up();
                return Err((job, key));
            }
        };
        let new = unused.is_none();
        if let Some(job) = unused {
            let extra = self.engine.extras.remove(spec.extra);
            let _ = guarded(|| job.drop_task());
            let _ = guarded(|| drop(extra));
            self.settle_up();
        }
        Ok((TaskRef::own(Arc::clone(&self.anchor), index), new))
    }

    /// Queues a new task if it is ready. Says whether nothing else is to be done.
    #[inline]
    fn queue_born(&self, state: &mut State, spec: &Spec, born: Born) -> bool {
        bump(&self.stripe.submitted);
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
        state.fx.is_quiet()
    }

    /// After a submit, with nothing borrowed: wakes a thread, fails the task if an input had failed, and cancels it if
    /// the client was closed meanwhile.
    #[inline]
    fn submitted(&self, index: u32, quiet: bool) {
        self.engine.notify();
        if !quiet {
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
        let state = &mut *self.state();
        let index = self.engine.graph.external(&mut state.cache, spec, job);
        bump(&self.stripe.submitted);
        bump(&self.stripe.started);
        TaskRef::own(Arc::clone(&self.anchor), index)
    }

    /// A task that is settled from the start.
    pub(crate) fn settled(&self, spec: &Spec, job: Job, failed: bool) -> TaskRef {
        let state = &mut *self.state();
        let index = self
            .engine
            .graph
            .settled(&mut state.cache, spec, job, failed);
        TaskRef::own(Arc::clone(&self.anchor), index)
    }
}
