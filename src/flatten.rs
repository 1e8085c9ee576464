//! Tasks whose result is another task's.

use std::panic::Location;

use crate::client::Client;
use crate::error::Failure;
use crate::future::TaskFuture;
use crate::graph::Spec;
use crate::inputs::{Held, Inputs, Linker};
use crate::launch::{at, launch};
use crate::pool::job::Job;
use crate::pool::run::Forward;
use crate::task::{Once, TakesClosures, Task};

impl<T: Send + Sync + 'static> TaskFuture<TaskFuture<T>> {
    /// The task that this one's result is a handle of: finishes when that one does, with its result; no thread waits.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let outer = client.submit(|| tenter::current().submit(|| 5));
    /// assert_eq!(*outer.flatten().result()?, 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn flatten(self) -> TaskFuture<T> {
        let mut linker = Linker::default();
        let held = (&self).hold(&mut linker);
        let job = Job::new::<Self, _, _>(move |context| forward(held.values(context)));
        let engine = std::sync::Arc::clone(self.task().engine());
        let name = engine.names.number_of("flatten");
        let spec = Spec {
            name,
            ..at(Location::caller())
        };
        launch(&engine, &spec, linker, job)
    }
}

impl<P> Client<P> {
    /// Runs a closure that goes on in another task: the handle is of the result of the task whose handle it returns. As
    /// [`submit`](Self::submit) and [`flatten`](TaskFuture::flatten) in one task; no thread waits. Without a name of its
    /// own it is called `submit_flat`.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let sum = client.submit_flat(|| {
    ///     let client = tenter::current();
    ///     let parts = client.map(0..4, |i| i);
    ///     client.submit_with(&parts, |parts| parts.into_iter().sum::<i32>())
    /// });
    /// assert_eq!(*sum.result()?, 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn submit_flat<T, F>(&self, f: F) -> TaskFuture<T>
    where
        P: TakesClosures,
        F: FnOnce() -> TaskFuture<T> + Send + 'static,
        T: Send + Sync + 'static,
    {
        self.task("submit_flat").submit_flat(f)
    }
}

impl<P> Task<'_, Once, P> {
    /// As [`Client::submit_flat`]. Resources, the pool and the timeout are for the closure, not for the task that it
    /// returns.
    #[track_caller]
    pub fn submit_flat<T, F>(self, f: F) -> TaskFuture<T>
    where
        P: TakesClosures,
        F: FnOnce() -> TaskFuture<T> + Send + 'static,
        T: Send + Sync + 'static,
    {
        let job = Job::new::<F, _, _>(move |_| forward(&f()));
        self.plan.launch_alone(job, Location::caller())
    }
}

/// What a body gives to be finished by another task's result.
fn forward<T: 'static>(inner: &TaskFuture<T>) -> Result<T, Failure> {
    Err(Box::new(Forward::to::<T>(inner.task().clone())))
}
