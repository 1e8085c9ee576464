//! A task's way from a client into the graph and a queue.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::fence;

use super::job::Job;
use super::local::{Local, State};
use super::stripe::bump;
use super::want::TaskRef;
use crate::graph::{Born, Existing, Spec};

impl Local {
    /// Submits a task whose inputs the caller wants during the call.
    ///
    /// # Errors
    /// If its key names another kind of task; everything comes back.
    #[inline]
    pub(crate) fn submit(&self, spec: Spec, inputs: &[u32], job: Job) -> Result<TaskRef, (Spec, Job)> {
        if spec.key.is_some() {
            return self.submit_keyed(spec, inputs, job);
        }
        let state = &mut *self.state();
        let State { cache, fx, .. } = state;
        let Ok(born) = self.engine.graph.submit(cache, spec, inputs, job, fx) else {
            unreachable!("without a key there is nothing to find");
        };
        Ok(self.born(state, born))
    }

    #[inline]
    fn born(&self, state: &mut State, born: Born) -> TaskRef {
        bump(&self.stripe.submitted);
        let task = TaskRef::own(Arc::clone(&self.anchor), born.index());
        if let Born::Ready(index) = born {
            self.queue(state, index);
        }
        task
    }

    #[cold]
    fn submit_keyed(&self, spec: Spec, inputs: &[u32], job: Job) -> Result<TaskRef, (Spec, Job)> {
        let again = Spec { key: spec.key.clone(), ..spec };
        let mut state = self.state();
        let State { cache, fx, .. } = &mut *state;
        match self.engine.graph.submit(cache, spec, inputs, job, fx) {
            Ok(born) => Ok(self.born(&mut state, born)),
            Err(Existing::Same(index, job)) => {
                let task = TaskRef::own(Arc::clone(&self.anchor), index);
                drop(state);
                let _ = super::run::guarded(|| job.drop_task());
                Ok(task)
            }
            Err(Existing::Conflict(job)) => Err((again, job)),
        }
    }

    /// After a submit, with nothing borrowed: wakes a thread, fails the task if an input had failed, and cancels it if
    /// the client was closed meanwhile.
    #[inline]
    pub(crate) fn submitted(&self, task: &TaskRef) {
        self.engine.notify();
        self.settle_up();
        if self.engine.is_closed() {
            // The fence in `notify` pairs with the one in `close`: if we read `closed` too early, it saw our task.
            fence(SeqCst);
            self.engine.cancel(self, task.index());
        }
    }

    /// A task that is settled from the start.
    pub(crate) fn settled(&self, spec: &Spec, job: Job, failed: bool) -> TaskRef {
        let state = &mut *self.state();
        let index = self.engine.graph.settled(&mut state.cache, spec, job, failed);
        TaskRef::own(Arc::clone(&self.anchor), index)
    }
}
