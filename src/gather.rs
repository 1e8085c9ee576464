//! Many handles at once: in the order they complete, all together, or until some have.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use slab::Slab;

use crate::error::{TaskError, WaitError};
use crate::future::TaskFuture;
use crate::pool::clock::deadline;
use crate::pool::local::{self, Local};
use crate::pool::parker::Parker;
use crate::pool::waiters::{WaiterId, Wake};
use crate::pool::waits::On;

/// Which members of a set have completed and were not asked for yet.
#[derive(Debug, Default)]
pub(crate) struct Completions(Mutex<Progress>);

#[derive(Debug, Default)]
struct Progress {
    /// The nodes of the members that have not completed, by member.
    open: Slab<u32>,
    done: VecDeque<usize>,
    waiting: Option<Arc<Parker>>,
}

impl Completions {
    fn join(&self, node: u32) -> usize {
        self.0.lock().open.insert(node)
    }

    /// A member has completed.
    pub(crate) fn complete(&self, member: usize) {
        let waiting = {
            let progress = &mut *self.0.lock();
            progress.done.push_back(member);
            progress.waiting.take()
        };
        if let Some(parker) = waiting {
            parker.unpark();
        }
    }

    fn pop(&self) -> Option<usize> {
        let progress = &mut *self.0.lock();
        let member = progress.done.pop_front()?;
        progress.open.remove(member);
        Some(member)
    }

    fn has_done(&self) -> bool {
        !self.0.lock().done.is_empty()
    }

    fn wake(&self, parker: Option<Arc<Parker>>) {
        self.0.lock().waiting = parker;
    }

    /// The nodes of the members, for those who look for urgent work.
    pub(crate) fn members(&self) -> Vec<u32> {
        self.0.lock().open.iter().map(|(_, &node)| node).collect()
    }
}

/// Handles in the order in which their tasks complete; see [`as_completed`].
///
/// Failed and cancelled tasks come too, each handle as often as it was pushed. Dropping it drops the handles that have
/// not come.
#[must_use = "handles come out of `next`"]
pub struct AsCompleted<T> {
    set: Arc<Completions>,
    /// By member, as in the set.
    open: Slab<Member<T>>,
    refused: Option<WaitError>,
}

struct Member<T> {
    handle: TaskFuture<T>,
    waiter: Option<WaiterId>,
}

/// Gives handles back in the order in which their tasks complete; more can be pushed meanwhile.
///
/// ```
/// # let client = tenter::Client::new()?;
/// let mut running = tenter::as_completed((0..3).map(|i| client.submit(move || i)));
/// let mut sum = 0;
/// while let Some(done) = running.next() {
///     sum += *done.result()?;
///     if sum == 3 {
///         running.push(client.submit(|| 39));
///     }
/// }
/// assert_eq!(sum, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn as_completed<T>(handles: impl IntoIterator<Item = TaskFuture<T>>) -> AsCompleted<T> {
    let mut all = AsCompleted {
        set: Arc::default(),
        open: Slab::new(),
        refused: None,
    };
    handles.into_iter().for_each(|handle| all.push(handle));
    all
}

impl<T> AsCompleted<T> {
    /// Adds a handle.
    pub fn push(&mut self, handle: TaskFuture<T>) {
        let number = self.set.join(handle.task().index());
        let waiter = local::with(handle.task().engine(), |local| {
            let engine = &local.engine;
            let waiter = engine
                .waiters
                .arm(number, Wake::Set(Arc::clone(&self.set), number));
            let watching = engine.graph.watch(
                &mut local.state().cache,
                handle.task().index(),
                waiter.number,
            );
            if !watching {
                engine.waiters.disarm(waiter);
                self.set.complete(number);
            }
            watching.then_some(waiter)
        });
        let place = self.open.insert(Member { handle, waiter });
        debug_assert_eq!(place, number, "both slabs see the same inserts and removes");
    }

    /// Waits for the next handle to complete. `None`: all have come, or the wait was [`refused`](Self::refused).
    #[expect(
        clippy::should_implement_trait,
        reason = "as an iterator it would collide with its stream's `next`"
    )]
    pub fn next(&mut self) -> Option<TaskFuture<T>> {
        match self.next_until(None) {
            Ok(next) => next,
            Err(error) => {
                self.refused = Some(error);
                None
            }
        }
    }

    /// As [`next`](Self::next), for at most so long.
    ///
    /// # Errors
    /// `TimedOut`, or why the wait was refused.
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<TaskFuture<T>>, WaitError> {
        self.next_until(Some(deadline(timeout)))
    }

    /// A handle that has completed already.
    pub fn try_next(&mut self) -> Option<TaskFuture<T>> {
        let member = self.set.pop()?;
        Some(self.open.remove(member).handle)
    }

    /// Why the last [`next`](Self::next) gave nothing although handles are left: too many tasks were blocked.
    pub fn refused(&self) -> Option<&WaitError> {
        self.refused.as_ref()
    }

    /// How many handles have not come yet.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether all handles have come.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Cancels every task that has not come, and drops the handles.
    pub fn cancel(self) {
        self.open
            .iter()
            .for_each(|(_, member)| member.handle.cancel());
    }

    fn next_until(
        &mut self,
        deadline: Option<Instant>,
    ) -> Result<Option<TaskFuture<T>>, WaitError> {
        loop {
            if let Some(handle) = self.try_next() {
                return Ok(Some(handle));
            }
            let Some((_, member)) = self.open.iter().next() else {
                return Ok(None);
            };
            local::waiting(member.handle.task().engine(), |local| {
                self.set.wait(local, deadline)
            })?;
        }
    }
}

impl Completions {
    /// Waits until a member has completed.
    fn wait(self: &Arc<Self>, local: &Local, deadline: Option<Instant>) -> Result<(), WaitError> {
        local.settle_all();
        if local.spin(&|| self.has_done()) {
            return Ok(());
        }
        local.parker.reset();
        self.wake(Some(Arc::clone(&local.parker)));
        let waited = local.block(On::AnyOf(Arc::clone(self)), deadline, || self.has_done());
        self.wake(None);
        waited
    }
}

impl<T> Drop for AsCompleted<T> {
    fn drop(&mut self) {
        for (_, Member { handle, waiter }) in &self.open {
            if let Some(waiter) = *waiter {
                local::with(handle.task().engine(), |local| {
                    local.leave(handle.task().index(), waiter)
                });
            }
        }
    }
}

impl<T> fmt::Debug for AsCompleted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Waits for all handles and lends their results, in the order of the handles.
///
/// # Errors
/// The first error in the order of the handles; the other tasks go on.
pub fn gather<T: Send + Sync + 'static>(handles: &[TaskFuture<T>]) -> Result<Vec<&T>, TaskError> {
    handles.iter().map(TaskFuture::result).collect()
}

/// What [`wait`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitFor {
    /// Every task is settled.
    All,
    /// At least one is settled.
    FirstCompleted,
    /// One has failed or was cancelled, or every task is settled.
    FirstFailed,
}

/// Handles of settled tasks, and of the others.
pub type DoneAndNot<T> = (Vec<TaskFuture<T>>, Vec<TaskFuture<T>>);

/// Waits until so many of the tasks are settled, or so long: then gives the handles of those that are, and of those
/// that are not. A timeout is no error.
///
/// # Errors
/// If the wait is refused, as [`TaskFuture::result`].
pub fn wait<T>(
    handles: &[TaskFuture<T>],
    until: WaitFor,
    timeout: Option<Duration>,
) -> Result<DoneAndNot<T>, WaitError> {
    if until == WaitFor::All && timeout.is_none() {
        // Each must settle whatever happens, so the body may help, and a cycle can be told.
        for task in handles
            .iter()
            .map(TaskFuture::task)
            .filter(|task| !task.is_settled())
        {
            local::with(task.engine(), |local| local.wait_task(task.index(), None))?;
        }
        return Ok((handles.to_vec(), Vec::new()));
    }
    let deadline = timeout.map(deadline);
    let mut running = as_completed(handles.iter().cloned());
    loop {
        match running.next_until(deadline) {
            Ok(Some(done)) if until == WaitFor::FirstFailed && done.has_failed() => break,
            Ok(Some(_)) if until == WaitFor::FirstCompleted => break,
            Ok(Some(_)) => {}
            Ok(None) | Err(WaitError::TimedOut) => break,
            Err(error) => return Err(error),
        }
    }
    drop(running);
    Ok(handles.iter().cloned().partition(TaskFuture::is_done))
}
