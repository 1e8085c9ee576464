//! The handle of a task.

use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::{ErrorKind, TakeError, TaskError, WaitError};
use crate::graph::{Key, State};
use crate::inputs::Linker;
use crate::launch::{at, launch};
use crate::pool::clock::deadline;
use crate::pool::job::{self, Job, Slot};
use crate::pool::local;
use crate::pool::want::TaskRef;
use crate::transition::TaskId;

/// Where a task is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// It lacks inputs.
    Waiting,
    /// It is ready and waits for a thread or for resources, or is a call in an actor's mailbox.
    Queued,
    /// Its body runs.
    Running,
    /// It has its result.
    Finished,
    /// It has an error, its own or an input's.
    Failed,
    /// It was cancelled; a body may still be returning.
    Cancelled,
    /// Its result was lost with a machine and is being computed again. Never in one process.
    Lost,
}

/// A task, and a claim on its result.
///
/// Cloning makes another handle of the same task. A result lives while a handle, a queue, a variable or an unfinished
/// dependent wants it. Dropping the last handle of a task that has not started cancels it; of a running one, sets its
/// cancel token. After the client is gone, results can still be read.
#[must_use = "dropping the last handle, with `let _ =` too, cancels the task: keep it, or `detach()` it"]
pub struct TaskFuture<T> {
    task: TaskRef,
    of: PhantomData<fn() -> T>,
}

impl<T: Send + Sync + 'static> TaskFuture<T> {
    /// Waits for the task and lends its result.
    ///
    /// Inside a task this first runs, on this thread, what the awaited task still needs; then the thread's place goes
    /// to another thread for as long as it waits.
    ///
    /// On a thread of an async runtime it blocks that thread, which is sound as long as what it waits for runs on this
    /// pool. If that awaits something that the runtime's blocked thread would bring about (its timers, its sockets,
    /// its tasks), it waits for ever: await the handle there, or tell the runtime (`tokio::task::block_in_place`).
    ///
    /// # Errors
    /// The task's error, or its input's; `Deadlock` if the task waits for this one; `TooManyBlocked`.
    #[inline]
    pub fn result(&self) -> Result<&T, TaskError> {
        if let Some(value) = self.value() {
            return Ok(value);
        }
        if !self.task.is_settled() {
            self.wait(None)?;
        }
        self.settled()
    }

    /// As [`result`](Self::result), for at most so long.
    ///
    /// # Errors
    /// As `result`, and `TimedOut`; the task goes on. Its [`status`](Self::status) tells that from a task whose own time
    /// was over, which is `Cancelled`.
    pub fn result_timeout(&self, timeout: Duration) -> Result<&T, TaskError> {
        if !self.task.is_settled() {
            self.wait(Some(deadline(timeout)))?;
        }
        self.settled()
    }

    /// The result, if the task is settled.
    pub fn try_result(&self) -> Option<Result<&T, TaskError>> {
        self.task.is_settled().then(|| self.settled())
    }

    /// The bytes of the result, if there is one: as declared with [`Builder::nbytes`](crate::Builder::nbytes), as known
    /// of texts and vectors of numbers, or else those of the value itself without what it points to.
    pub fn nbytes(&self) -> Option<usize> {
        let engine = self.task.engine();
        let finished = self.task.state() == State::Finished;
        finished.then(|| {
            engine
                .options
                .sizes
                .of(job::value::<T>(&engine.graph, self.task.index()))
        })
    }

    /// Waits for the task and moves its result out, if nobody else wants it: no other handle, no dependent that has
    /// not finished, not the memory of pure results.
    ///
    /// # Errors
    /// [`TakeError::Shared`] gives the handle back when others want the result too.
    pub fn take(self) -> Result<T, TakeError<T>> {
        self.result().map_err(TakeError::Failed)?;
        let taken = local::with(self.task.engine(), |local| local.take(self.task.index()));
        taken.ok_or(TakeError::Shared(self))
    }

    /// Runs a closure on this task's result, once it has finished.
    ///
    /// If this task fails or is cancelled, the closure does not run and the new task fails with the same error.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let length = client.submit(|| "frame".to_owned()).then(|text| text.len());
    /// assert_eq!(*length.result()?, 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn then<R, F>(self, f: F) -> TaskFuture<R>
    where
        F: for<'a> FnOnce(&'a T) -> R + Send + 'static,
        R: Send + Sync + 'static,
    {
        let mut linker = Linker::default();
        let anchor = Arc::clone(self.task.anchor());
        let slot = Slot::<T>::of(linker.give(self.task));
        let job = Job::new::<F, _, _>(move |context| Ok(f(context.get(&slot))));
        launch(&anchor.engine, &at(Location::caller()), linker, job)
    }

    #[cold]
    fn wait(&self, deadline: Option<Instant>) -> Result<(), TaskError> {
        let waited = local::with(self.task.engine(), |local| {
            local.wait_task(self.task.index(), deadline)
        });
        waited.map_err(|error| self.refused(error))
    }

    /// A wait for this task that ended badly: the waiting task is to blame, or outside of one this task is named.
    fn refused(&self, error: WaitError) -> TaskError {
        if crate::client::try_current().is_some() {
            return error.into();
        }
        let blame = self.task.engine().blame(self.task.index());
        TaskError::new(
            error.kind(),
            blame,
            error.to_string(),
            Some(Box::new(error)),
        )
    }

    #[inline]
    pub(crate) fn settled(&self) -> Result<&T, TaskError> {
        self.value().ok_or_else(|| self.task.error())
    }

    /// The value, if the task has finished.
    #[inline]
    fn value(&self) -> Option<&T> {
        job::finished_value(&self.task.engine().graph, self.task.index())
    }
}

impl<T> TaskFuture<T> {
    #[inline]
    pub(crate) fn own(task: TaskRef) -> Self {
        Self {
            task,
            of: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn task(&self) -> &TaskRef {
        &self.task
    }

    pub(crate) fn into_task(self) -> TaskRef {
        self.task
    }

    /// Where the task is in its life.
    ///
    /// Of a task on a cluster this is what the scheduler has said last. It says so of tasks that were asked about: the first
    /// time this waits for its answer.
    pub fn status(&self) -> Status {
        #[cfg(feature = "task")]
        self.task.engine().watch_elsewhere(self.task.index());
        self.known_status()
    }

    /// The status, as far as it is known here.
    fn known_status(&self) -> Status {
        match self.task.engine().state_seen(self.task.index()) {
            State::Running if self.task.engine().is_queued_call(self.task.index()) => {
                Status::Queued
            }
            #[cfg(feature = "task")]
            State::Running if self.task.engine().calls_leave() => self.status_elsewhere(),
            state => state.into(),
        }
    }

    /// The status of a running task that may run elsewhere.
    #[cfg(feature = "task")]
    #[cold]
    fn status_elsewhere(&self) -> Status {
        let engine = self.task.engine();
        let status = engine.with_remote(self.task.index(), |remote| remote.status());
        status.unwrap_or(Status::Running)
    }

    /// Whether the task is finished, failed or cancelled.
    pub fn is_done(&self) -> bool {
        self.task.engine().has_ended(self.task.index())
    }

    /// The task's key, if it was given one.
    pub fn key(&self) -> Option<Key> {
        self.task.engine().graph.key(self.task.index())
    }

    /// The task's label: its own, after those of the scopes that it was submitted in.
    pub fn label(&self) -> Option<String> {
        let extra = self.task.engine().extra(self.task.index())?;
        extra.label.as_deref().map(str::to_owned)
    }

    /// Which task it is, as dumps and transitions name it.
    pub fn id(&self) -> TaskId {
        self.task.engine().graph.id(self.task.index()).into()
    }

    /// The type of the result.
    pub fn type_name(&self) -> &'static str {
        std::any::type_name::<T>()
    }

    /// The task's name: as given, or the type of its closure.
    pub fn name(&self) -> String {
        self.task.engine().name(self.task.index())
    }

    /// Cancels the task for every holder of a handle; a settled task stays as it is.
    ///
    /// Not started, it never starts. Running, its cancel token is set, and its result is dropped when it returns. In
    /// both cases its status is `Cancelled` at once, unfinished dependents fail with an error that names it, and its
    /// key is free for a new task.
    pub fn cancel(&self) {
        let engine = self.task.engine();
        local::with(engine, |local| engine.cancel(local, self.task.index()));
    }

    /// Lets the task run for its effects, whether or not anybody wants its result, as long as the client lives: one
    /// that has not started when the client ends is cancelled.
    pub fn detach(self) {
        self.task.detach();
    }

    /// Why the task is not running, in a sentence.
    pub fn explain(&self) -> String {
        let engine = self.task.engine();
        #[cfg(feature = "task")]
        if let Some(text) = engine.explain_elsewhere(self.task.index()) {
            return text;
        }
        local::with(engine, |local| {
            let text = engine.explain(local, self.task.index());
            local.settle_up();
            text
        })
    }

    /// The kind of the task's error, without building it.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.task.state(), State::Failed | State::Cancelled)
    }
}

impl<T> Clone for TaskFuture<T> {
    #[inline]
    fn clone(&self) -> Self {
        Self::own(self.task.clone())
    }
}

impl<T> fmt::Debug for TaskFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut show = f.debug_struct("TaskFuture");
        show.field("name", &self.name());
        if let Some(key) = self.key() {
            show.field("key", &key);
        }
        show.field("status", &self.known_status())
            .field("type", &std::any::type_name::<T>())
            .finish()
    }
}

/// Two handles are equal if they are of the same task.
impl<T> PartialEq for TaskFuture<T> {
    fn eq(&self, other: &Self) -> bool {
        self.task.is_same(&other.task)
    }
}

impl<T> Eq for TaskFuture<T> {}

impl<T> std::hash::Hash for TaskFuture<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.task.index().hash(state);
    }
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<TaskFuture<u8>>();
    shared::<crate::Client>();
    shared::<crate::Queue<std::cell::Cell<u8>>>();
    shared::<crate::Variable<u8>>();
    shared::<TaskError>();
    shared::<ErrorKind>();
};
