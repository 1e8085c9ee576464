//! Submitting only where there is room.

use std::panic::Location;

use crate::client::Client;
use crate::full::Full;
use crate::future::TaskFuture;
use crate::pool::local;
use crate::task::{Bare, IntoTask};

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
            return Err(Full::new(task));
        }
        let bare = Bare {
            engine,
            location: Location::caller(),
            waits: false,
        };
        Ok(task.launch(&bare))
    }
}
