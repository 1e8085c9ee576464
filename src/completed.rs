//! Handles in the order in which their tasks complete, for async code.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::as_completed::AsCompleted;
use crate::future::TaskFuture;
use crate::pool::async_wait::AsyncWait;
use crate::pool::waiters::Wake;

impl<T> AsCompleted<T> {
    /// The handles as a stream, in the order in which their tasks complete; it ends when all have come.
    ///
    /// Dropping it leaves the handles that have not come where they are. To push more between two of them, await
    /// [`next_async`](Self::next_async) instead.
    ///
    /// ```
    /// use futures::StreamExt;
    ///
    /// # let client = tenter::Client::new()?;
    /// let mut running = tenter::as_completed(client.map(0..10, |x| x));
    /// let results = running.stream().map(|done| *done.result().unwrap());
    /// let sum = futures::executor::block_on(results.fold(0, async |sum, x| sum + x));
    /// assert_eq!(sum, 45);
    /// # Ok::<(), tenter::StartError>(())
    /// ```
    pub fn stream(&mut self) -> Completed<'_, T> {
        Completed {
            of: self,
            wait: None,
        }
    }

    /// As [`next`](Self::next), in async code: no thread waits, so nothing is refused. `None`: all have come.
    ///
    /// Dropped before it is ready it takes no handle.
    pub async fn next_async(&mut self) -> Option<TaskFuture<T>> {
        let mut completed = self.stream();
        poll_fn(|context| Pin::new(&mut completed).poll_next(context)).await
    }
}

/// The stream of [`AsCompleted::stream`].
#[must_use = "streams do nothing unless polled"]
pub struct Completed<'a, T> {
    of: &'a mut AsCompleted<T>,
    wait: Option<AsyncWait>,
}

impl<T> Stream for Completed<'_, T> {
    type Item = TaskFuture<T>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<TaskFuture<T>>> {
        let Self { of, wait } = self.get_mut();
        loop {
            let next = of.try_next();
            if next.is_some() || of.is_empty() {
                *wait = None;
                return Poll::Ready(next);
            }
            if of.set.tell(Wake::Async(context.waker().clone())) {
                if wait.is_none() {
                    *wait = of.engine().map(AsyncWait::begin);
                }
                return Poll::Pending;
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.of.len(), Some(self.of.len()))
    }
}

impl<T> Drop for Completed<'_, T> {
    fn drop(&mut self) {
        self.of.set.tell_nobody();
    }
}

impl<T> fmt::Debug for Completed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Completed").field(self.of).finish()
    }
}
