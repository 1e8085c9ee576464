//! Submitting futures: tasks that hold no thread while they wait.

use std::future::Future;
use std::panic::Location;

use crate::client::Client;
use crate::error::Failure;
use crate::future::TaskFuture;
use crate::inputs::{Held, Inputs, Linker};
use crate::launch::{at, launch, launch_alone};
use crate::pool::job::Job;
use crate::task::{Once, TakesClosures, Task};

impl<P> Client<P> {
    /// Runs a future as a task.
    ///
    /// The pool's threads poll it. While it is pending it holds no thread, and its status is
    /// [`Running`](crate::Status::Running). It may await anything that wakes it: handles of this crate, channels,
    /// timers and sockets of any runtime that works outside of its own threads. In it, [`current`](crate::current())
    /// is the client, on whatever thread it goes on; to block in it is allowed, and blocks as in any task. A panic is
    /// the task's error.
    ///
    /// A future that keeps a clone of the client keeps the client from closing by itself: use `current()` inside.
    ///
    /// # Cancellation
    /// Cancelling the task, dropping its last handle or closing the client drops the future where it stands pending,
    /// on one of the pool's threads, and soon; a poll that is under way comes to its end first.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let frame = client.submit(|| 20);
    /// let sum = client.spawn(async move { *frame.await.unwrap() + 1 });
    /// assert_eq!(*sum.result()?, 21);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn spawn<A>(&self, future: A) -> TaskFuture<A::Output>
    where
        P: TakesClosures,
        A: Future<Output: Send + Sync + 'static> + Send + 'static,
    {
        let job = Job::future(future, Ok);
        launch_alone(self.engine(), &at(Location::caller()), job, true)
    }

    /// Runs a future that may fail as a task; its error is the task's.
    ///
    /// The error may be any error type, a `String`, a `&str` or a boxed error. As [`spawn`](Self::spawn) otherwise.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let number = client.try_spawn(async { "17".parse::<u32>() });
    /// assert_eq!(*number.result()?, 17);
    /// let broken = client.try_spawn(async { "x".parse::<u32>() });
    /// assert!(broken.result().unwrap_err().downcast_ref::<std::num::ParseIntError>().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn try_spawn<A, R, E>(&self, future: A) -> TaskFuture<R>
    where
        P: TakesClosures,
        A: Future<Output = Result<R, E>> + Send + 'static,
        R: Send + Sync + 'static,
        E: Into<Failure> + 'static,
    {
        let job = Job::future(future, fallible);
        launch_alone(self.engine(), &at(Location::caller()), job, true)
    }

    /// Runs the future that a closure makes of the results of other tasks, once all of them have finished.
    ///
    /// `inputs` are as for [`submit_with`](Self::submit_with). Each handle, borrowed or moved in, gives a
    /// [`Value<T>`](crate::Value), which dereferences to `T` and keeps the result as long as the future keeps it; a list
    /// gives a `Vec` of them. If an input fails or is cancelled, the closure does not run and the task fails with the
    /// same error.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let (a, parts) = (client.submit(|| 1), client.map(0..4, |i| i));
    /// let sum = client.spawn_with((&a, &parts), |(a, parts)| async move {
    ///     *a + parts.iter().map(|part| **part).sum::<i32>()
    /// });
    /// assert_eq!(*sum.result()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn spawn_with<D, F, A>(&self, inputs: D, f: F) -> TaskFuture<A::Output>
    where
        P: TakesClosures,
        D: Inputs,
        F: FnOnce(<D::Held as Held>::Kept) -> A + Send + 'static,
        A: Future<Output: Send + Sync + 'static> + Send + 'static,
    {
        let mut linker = Linker::default();
        let job = Job::future_of(inputs.hold(&mut linker), f, Ok);
        launch(self.engine(), &at(Location::caller()), linker, job)
    }

    /// As [`spawn_with`](Self::spawn_with), with a future that may fail.
    #[track_caller]
    pub fn try_spawn_with<D, F, A, R, E>(&self, inputs: D, f: F) -> TaskFuture<R>
    where
        P: TakesClosures,
        D: Inputs,
        F: FnOnce(<D::Held as Held>::Kept) -> A + Send + 'static,
        A: Future<Output = Result<R, E>> + Send + 'static,
        R: Send + Sync + 'static,
        E: Into<Failure> + 'static,
    {
        let mut linker = Linker::default();
        let job = Job::future_of(inputs.hold(&mut linker), f, fallible);
        launch(self.engine(), &at(Location::caller()), linker, job)
    }
}

impl<P> Task<'_, Once, P> {
    /// As [`Client::spawn`]. Options hold until the future is done: it is polled in its pool, keeps its resources also
    /// while it is pending, and has its timeout from its start. A future has no retries.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let page = client.task("fetch").key(("page", 3)).spawn(async { "text" });
    /// assert_eq!((page.name().as_str(), *page.result()?), ("fetch", "text"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn spawn<A>(self, future: A) -> TaskFuture<A::Output>
    where
        P: TakesClosures,
        A: Future<Output: Send + Sync + 'static> + Send + 'static,
    {
        self.plan
            .launch_alone(Job::future(future, Ok), Location::caller())
    }

    /// As [`Client::try_spawn`].
    #[track_caller]
    pub fn try_spawn<A, R, E>(self, future: A) -> TaskFuture<R>
    where
        P: TakesClosures,
        A: Future<Output = Result<R, E>> + Send + 'static,
        R: Send + Sync + 'static,
        E: Into<Failure> + 'static,
    {
        self.plan
            .launch_alone(Job::future(future, fallible), Location::caller())
    }

    /// As [`Client::spawn_with`].
    #[track_caller]
    pub fn spawn_with<D, F, A>(self, inputs: D, f: F) -> TaskFuture<A::Output>
    where
        P: TakesClosures,
        D: Inputs,
        F: FnOnce(<D::Held as Held>::Kept) -> A + Send + 'static,
        A: Future<Output: Send + Sync + 'static> + Send + 'static,
    {
        let mut linker = Linker::default();
        let job = Job::future_of(inputs.hold(&mut linker), f, Ok);
        self.plan.launch(linker, job, Location::caller())
    }

    /// As [`Client::try_spawn_with`].
    #[track_caller]
    pub fn try_spawn_with<D, F, A, R, E>(self, inputs: D, f: F) -> TaskFuture<R>
    where
        P: TakesClosures,
        D: Inputs,
        F: FnOnce(<D::Held as Held>::Kept) -> A + Send + 'static,
        A: Future<Output = Result<R, E>> + Send + 'static,
        R: Send + Sync + 'static,
        E: Into<Failure> + 'static,
    {
        let mut linker = Linker::default();
        let job = Job::future_of(inputs.hold(&mut linker), f, fallible);
        self.plan.launch(linker, job, Location::caller())
    }
}

fn fallible<R, E: Into<Failure>>(output: Result<R, E>) -> Result<R, Failure> {
    output.map_err(Into::into)
}
