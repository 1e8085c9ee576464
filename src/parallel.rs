//! Submitting from rayon's parallel iterators.

use std::panic::Location;
use std::sync::Arc;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::client::Client;
use crate::future::TaskFuture;
use crate::launch::{at, launch_alone};
use crate::pool::job::Job;
use crate::pool::local::{self, Local};
use crate::task::TakesClosures;

impl<P> Client<P> {
    /// Submits one task for each item of a parallel iterator; the handles are in the order of the items.
    ///
    /// The iterator runs on rayon's threads, which submit as it goes: for items that take time to make, or that are
    /// millions. It has ended when this returns; the tasks need not have. A panic in the iterator goes on to the caller,
    /// and cancels what was submitted. Otherwise as [`map`](Self::map).
    ///
    /// ```
    /// use rayon::prelude::*;
    ///
    /// # let client = tenter::Client::new()?;
    /// let even = (0..100u64).into_par_iter().filter(|x| x % 2 == 0);
    /// let squares = client.par_map(even, |x| x * x);
    /// assert_eq!(**tenter::gather(&squares)?.last().unwrap(), 98 * 98);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "rayon")))]
    #[must_use = "dropping the handles cancels the tasks: keep them, or `detach()` each"]
    #[track_caller]
    pub fn par_map<I, R, F>(&self, items: I, f: F) -> Vec<TaskFuture<R>>
    where
        P: TakesClosures,
        I: IntoParallelIterator<Item: 'static>,
        F: Fn(I::Item) -> R + Send + Sync + 'static,
        R: Send + Sync + 'static,
    {
        let (f, spec) = (Arc::new(f), at(Location::caller()));
        // What holds for the caller does not hold on rayon's threads by itself: its scope, and that tasks never wait.
        let scope = local::with(self.engine(), Local::scope);
        let waits = local::current().is_none();
        let submit = |item| {
            let f = Arc::clone(&f);
            let job = Job::new::<F, _, _>(move |_| Ok(f(item)));
            local::with(self.engine(), |local| {
                let _scope = local.enter_scope(scope.clone());
                launch_alone(self.engine(), &spec, job, waits)
            })
        };
        items.into_par_iter().map(submit).collect()
    }
}
