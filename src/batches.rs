//! All that has completed at once: how a consumer that is slower than its tasks keeps up.

use std::fmt;
use std::time::{Duration, Instant};

use crate::as_completed::AsCompleted;
use crate::error::WaitError;
use crate::future::TaskFuture;
use crate::pool::clock::deadline;

impl<T> AsCompleted<T> {
    /// Waits for a handle to complete, and gives it and every other that has. Empty: all have come.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let mut running = tenter::as_completed(client.map(0..100, |x| x));
    /// let mut seen = 0;
    /// while !running.is_empty() {
    ///     seen += running.next_batch()?.len();
    /// }
    /// assert_eq!(seen, 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Why the wait was refused: too many tasks were blocked.
    pub fn next_batch(&mut self) -> Result<Vec<TaskFuture<T>>, WaitError> {
        self.batch_until(None)
    }

    /// As [`next_batch`](Self::next_batch), for at most so long.
    ///
    /// # Errors
    /// As `next_batch`, and `TimedOut`.
    pub fn next_batch_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<Vec<TaskFuture<T>>, WaitError> {
        self.batch_until(Some(deadline(timeout)))
    }

    /// Every handle that has completed already.
    pub fn try_next_batch(&mut self) -> Vec<TaskFuture<T>> {
        std::iter::from_fn(|| self.try_next()).collect()
    }

    /// The batches one after the other, until all handles have come; if a wait is refused, its error is the last that
    /// comes. To push more between two of them, call [`next_batch`](Self::next_batch) instead.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let mut running = tenter::as_completed(client.map(0..100, |x| x));
    /// let mut seen = 0;
    /// for batch in running.batches() {
    ///     seen += batch?.len();
    /// }
    /// assert_eq!(seen, 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn batches(&mut self) -> Batches<'_, T> {
        Batches(Some(self))
    }

    fn batch_until(&mut self, deadline: Option<Instant>) -> Result<Vec<TaskFuture<T>>, WaitError> {
        let first = self.next_until(deadline)?;
        let rest = std::iter::from_fn(|| self.try_next());
        Ok(first.into_iter().chain(rest).collect())
    }
}

/// The iterator of [`AsCompleted::batches`]. Dropping it leaves the handles that have not come where they are.
#[must_use = "iterators are lazy"]
pub struct Batches<'a, T>(Option<&'a mut AsCompleted<T>>);

impl<T> Iterator for Batches<'_, T> {
    type Item = Result<Vec<TaskFuture<T>>, WaitError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.0.as_mut()?.next_batch();
        if batch.is_err() {
            self.0 = None;
        }
        let ended = batch.as_ref().is_ok_and(Vec::is_empty);
        (!ended).then_some(batch)
    }
}

impl<T> fmt::Debug for Batches<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Batches").field(&self.0).finish()
    }
}
