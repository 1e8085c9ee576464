//! Handles in the order in which their tasks complete.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use slab::Slab;

use crate::completions::Completions;
use crate::error::WaitError;
use crate::future::TaskFuture;
use crate::pool::Engine;
use crate::pool::clock::deadline;
use crate::pool::local;
use crate::pool::waiters::{WaiterId, Wake};

/// Handles in the order in which their tasks complete; see [`as_completed`].
///
/// Failed and cancelled tasks come too, each handle as often as it was pushed. Dropping it drops the handles that have
/// not come.
#[must_use = "handles come out of `next`"]
pub struct AsCompleted<T> {
    pub(crate) set: Arc<Completions>,
    /// By member, as in the set.
    open: Slab<Member<T>>,
    /// Of the handle that was pushed when there was none: through it go the waits.
    engine: Option<Arc<Engine>>,
    refused: Option<WaitError>,
}

struct Member<T> {
    handle: TaskFuture<T>,
    waiter: WaiterId,
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
        engine: None,
        refused: None,
    };
    all.extend(handles);
    all
}

impl<T> AsCompleted<T> {
    /// Adds a handle.
    pub fn push(&mut self, handle: TaskFuture<T>) {
        let engine = handle.task().engine();
        if self.open.is_empty() {
            self.engine = Some(Arc::clone(engine));
        }
        let node = handle.task().index();
        let number = self.set.join(node);
        let waiter = local::with(engine, |local| {
            let waiters = &local.engine.waiters;
            let waiter = waiters.arm(number, Wake::Set(Arc::clone(&self.set), number));
            if !local.watch_end(node, waiter.number) {
                waiters.fire(waiter.number);
            }
            waiter
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
        let next = self.next_until(None);
        self.refused = next.as_ref().err().cloned();
        next.ok().flatten()
    }

    /// As [`next`](Self::next), for at most so long. `None`: all have come.
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

    /// Whether the next handle is there without waiting.
    pub fn has_ready(&self) -> bool {
        self.set.has_done()
    }

    /// Drops the handles that have not come, which cancels the tasks that nobody else wants.
    pub fn clear(&mut self) {
        *self = as_completed([]);
    }

    /// Cancels every task that has not come, and drops the handles.
    pub fn cancel(self) {
        self.open
            .iter()
            .for_each(|(_, member)| member.handle.cancel());
    }

    pub(crate) fn engine(&self) -> Option<&Arc<Engine>> {
        self.engine.as_ref()
    }

    pub(crate) fn next_until(
        &mut self,
        deadline: Option<Instant>,
    ) -> Result<Option<TaskFuture<T>>, WaitError> {
        let next = self.try_next();
        match &self.engine {
            Some(engine) if next.is_none() && !self.is_empty() => {
                local::waiting(engine, |local| self.set.wait(local, deadline))?;
                Ok(self.try_next())
            }
            _ => Ok(next),
        }
    }
}

impl<T> Extend<TaskFuture<T>> for AsCompleted<T> {
    fn extend<I: IntoIterator<Item = TaskFuture<T>>>(&mut self, handles: I) {
        handles.into_iter().for_each(|handle| self.push(handle));
    }
}

impl<T> Drop for AsCompleted<T> {
    fn drop(&mut self) {
        for (_, Member { handle, waiter }) in &self.open {
            let task = handle.task();
            local::with(task.engine(), |local| local.leave(task.index(), *waiter));
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
