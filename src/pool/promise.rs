//! A task that something other than a body finishes: a call of an actor, a timer, a future.

use std::marker::PhantomData;
use std::sync::Arc;

use super::Engine;
use super::job::{self, Claimed, Job};
use super::local::{self, Local};
use super::run::{failed, guarded, panicked};
use super::want::Anchor;
use crate::error::{ErrorKind, Failure, TaskError};
use crate::future::TaskFuture;
use crate::graph::{Outcome, Spec};

/// The right to finish a task, once. Dropped unused, it fails the task.
///
/// The task is running from the start, for as long as nobody settles it. Cancelling it, or dropping its last handle,
/// tells [`is_cancelled`](Self::is_cancelled), and what it is finished with then is dropped. The machine's reference
/// keeps its slot until it is finished.
#[derive(Debug)]
pub(crate) struct Promise<T: Send + Sync + 'static> {
    anchor: Arc<Anchor>,
    /// 0 once it has been used.
    index: u32,
    of: PhantomData<fn(T)>,
}

impl<T: Send + Sync + 'static> Promise<T> {
    /// A task to be finished, and the right to do it.
    pub(crate) fn new(engine: &Arc<Engine>, spec: &Spec) -> (Self, TaskFuture<T>) {
        let task = local::with(engine, |local| local.external(spec, Job::awaited::<T>()));
        let promise = Self {
            anchor: Arc::clone(task.anchor()),
            index: task.index(),
            of: PhantomData,
        };
        (promise, TaskFuture::own(task))
    }

    /// The task's node.
    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.anchor.engine
    }

    /// Whether nobody will see what the task is finished with.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.engine().graph.is_cancel_requested(self.index)
    }

    /// Finishes the task with its value or its error.
    pub(crate) fn settle(mut self, result: Result<T, TaskError>) {
        self.settle_once(result);
    }

    /// Runs user code as the task, and finishes it with what comes of that.
    ///
    /// # Errors
    /// If it panicked: what the task has failed with.
    pub(crate) fn run(
        self,
        local: &Local,
        body: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<(), TaskError> {
        let outer = local.task.replace(self.index);
        let ran = guarded(body);
        local.task.set(outer);
        let blame = || self.engine().blame(self.index);
        match ran {
            Ok(Ok(value)) => self.settle(Ok(value)),
            Ok(Err(failure)) => {
                let error = failed(failure, blame());
                self.settle(Err(error));
            }
            Err(panic) => {
                let error = panicked(&panic, blame());
                self.settle(Err(error.clone()));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Finishes the task as one that was cancelled before it began.
    pub(crate) fn cancel(mut self) {
        let claimed = Claimed::handed(std::mem::take(&mut self.index));
        local::with(self.engine(), |local| {
            local.engine.cancel(local, claimed.index());
            local.finish_outside(&claimed, Outcome::Nothing);
        });
    }

    fn settle_once(&mut self, result: Result<T, TaskError>) {
        let claimed = Claimed::handed(std::mem::take(&mut self.index));
        local::with(self.engine(), |local| {
            let outcome = match result {
                Ok(value) => {
                    job::write_value(&local.engine.graph, &claimed, value);
                    Outcome::Value
                }
                Err(error) => local.fail(&claimed, error),
            };
            local.finish_outside(&claimed, outcome);
        });
    }
}

impl<T: Send + Sync + 'static> Drop for Promise<T> {
    fn drop(&mut self) {
        if self.index != 0 {
            let blame = self.engine().blame(self.index);
            let text = "what was to finish it is gone: it was dropped, or its client closed";
            let error = TaskError::new(ErrorKind::Cancelled, blame, text, None);
            self.settle_once(Err(error));
        }
    }
}
