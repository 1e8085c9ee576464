//! Submitting only where there is room.

use std::fmt;
use std::panic::Location;

use crate::client::Client;
use crate::future::TaskFuture;
use crate::launch::{at, launch_now};
use crate::pool::local;
use crate::task::IntoTask;

/// Nothing was submitted: as many tasks are pending as may be. Gives back what was to be.
pub struct Full<F>(F);

impl<F> Full<F> {
    /// What was to be submitted.
    pub fn into_inner(self) -> F {
        self.0
    }
}

impl<P> Client<P> {
    /// As [`submit`](Self::submit), but where `submit` would wait, because as many tasks are pending as
    /// [`max_pending`](crate::Builder::max_pending) allows, it gives the closure back at once. In tasks too, which
    /// `submit` never lets wait. Without a limit it is `submit`.
    ///
    /// # Errors
    /// [`Full`], with the closure.
    ///
    /// ```
    /// let client = tenter::Client::builder().max_pending(1000).build()?;
    /// match client.try_submit_now(|| 10 + 1) {
    ///     Ok(answer) => assert_eq!(*answer.result()?, 11),
    ///     Err(full) => assert_eq!(full.into_inner()(), 11),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn try_submit_now<K: IntoTask<P>>(
        &self,
        task: K,
    ) -> Result<TaskFuture<K::Output>, Full<K>> {
        let engine = self.engine();
        if !engine.is_wide_open() && !local::with(engine, |local| engine.take_room(local)) {
            return Err(Full(task));
        }
        Ok(launch_now(engine, &at(Location::caller()), task.into_job()))
    }
}

impl<F> fmt::Debug for Full<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Full")
    }
}

impl<F> fmt::Display for Full<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("as many tasks are pending as may be: submit it later, or do it here")
    }
}

impl<F> std::error::Error for Full<F> {}
