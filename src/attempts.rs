//! Tasks that may run again, and tasks that may run for so long only.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Failure;
use crate::future::TaskFuture;
use crate::inputs::{Held, Inputs, Lent, Linker};
use crate::pool::attempts::Recipe;
use crate::pool::job::Job;
use crate::pool::local;
use crate::task::{Again, IntoRetry, TakesClosures, Task};

/// Which attempt of its task is running on this thread, from 1; outside of a task, 0.
///
/// A body that is run again because it gave [`Reschedule`] is still the same attempt.
///
/// ```
/// # let client = tenter::Client::new()?;
/// let third = client.task("flaky").retries(5).try_submit(|| match tenter::attempt() {
///     3 => Ok("done"),
///     other => Err(format!("attempt {other} failed")),
/// });
/// assert_eq!(*third.result()?, "done");
/// assert_eq!(tenter::attempt(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn attempt() -> u32 {
    local::current().map_or(0, |local| local.attempt())
}

/// The error with which a task asks to be run again, later.
///
/// A task with [`retries`](Task::retries), of 0 too, that returns it goes back to the queue, behind what is queued; it
/// keeps its inputs and uses up no retry. A task that was cancelled meanwhile, or that nobody wants any more, is not run
/// again. Nothing counts how often a task does this: one that is alone in the queue is run again at once.
///
/// Of a task without `retries`, whose closure is called only once, it is an error like any other.
///
/// ```
/// # use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
/// # let client = tenter::Client::new()?;
/// static READY: AtomicBool = AtomicBool::new(false);
/// let patient = client.task("patient").retries(0).try_submit(|| {
///     if READY.load(SeqCst) { Ok(1) } else { Err(tenter::Reschedule) }
/// });
/// client.submit(|| READY.store(true, SeqCst)).result()?;
/// assert_eq!(*patient.result()?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reschedule;

impl fmt::Display for Reschedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "it asked to be run again: that takes `.retries(0)` or more at its submit, and an open client",
        )
    }
}

impl std::error::Error for Reschedule {}

impl<'c, M, P> Task<'c, M, P> {
    /// Runs the task again after an error or a panic, at most so often; the error of the last attempt is the task's.
    ///
    /// The closure is then `Fn` and `Sync`, and inputs are lent: a handle moved in is refused by the compiler. The next
    /// attempt follows at once and on the same thread; [`attempt`] tells it which it is. A task that was cancelled, that
    /// nobody wants any more, or whose client was closed is not tried again.
    ///
    /// The closure is kept until the task's last handle is dropped, and if the task fails, so are its inputs: it can be
    /// made anew with [`TaskFuture::retry`]. `retries(0)` does that alone.
    ///
    /// ```
    /// # let client = tenter::Client::new()?;
    /// let text = client.submit(|| "17".to_owned());
    /// let number = client.task("parse").retries(2).try_submit_with(&text, |text| text.parse::<u32>());
    /// assert_eq!(*number.result()?, 17);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// ```compile_fail,E0277
    /// # let client = tenter::Client::new().unwrap();
    /// let text = client.submit(|| "17".to_owned());
    /// // `text` is moved in, so there is one value for what may be two attempts: lend it with `&text`.
    /// client.task("parse").retries(2).try_submit_with(text, |text| text.parse::<u32>()).detach();
    /// ```
    pub fn retries(mut self, retries: u32) -> Task<'c, Again, P> {
        self.plan.rare().extra.attempts.retries = retries;
        Task::of(self.plan)
    }

    /// Lets each attempt run for so long, counted from the start of its body.
    ///
    /// An attempt that has not returned by then fails, and another follows when its body has returned, if there are
    /// [`retries`](Self::retries) left. The last attempt's failure is the task's at once: a cancel whose error is of kind
    /// `TimedOut`. The status is `Cancelled`, dependents fail, a key is free again.
    ///
    /// A body cannot be stopped from outside. Its [`is_cancelled`](crate::Client::is_cancelled) and
    /// [`checkpoint`](crate::Client::checkpoint) say that its time is over; one that does not look runs on, keeps its
    /// inputs, and what it gives is dropped. Another thread works in its place meanwhile, except in a named pool.
    ///
    /// A future that is a task has so long until it is done; then it is dropped where it stands pending, as by a cancel.
    ///
    /// With `Duration::ZERO` the task has timed out as soon as it would start, without running. A time too long for the
    /// clock, such as `Duration::MAX`, is no limit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tenter::{ErrorKind, current};
    ///
    /// # let client = tenter::Client::new()?;
    /// let endless = client.task("endless").timeout(Duration::from_millis(5)).try_submit(|| loop {
    ///     if let Err(stop) = current().checkpoint() { break Err::<(), _>(stop) }
    /// });
    /// let error = endless.result().unwrap_err();
    /// assert_eq!((error.kind(), error.message()), (ErrorKind::TimedOut, "it may run for 5ms"));
    /// # Ok::<(), tenter::StartError>(())
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.plan.rare().extra.attempts.timeout = Some(timeout);
        self
    }
}

impl<P> Task<'_, Again, P> {
    /// As [`Client::submit`](crate::Client::submit); the closure may be called more than once.
    #[track_caller]
    pub fn submit<K: IntoRetry<P>>(self, task: K) -> TaskFuture<K::Output> {
        task.launch_again(self.plan, Location::caller())
    }
}

impl<P> Task<'_, Again, P> {
    /// As [`Client::try_submit`](crate::Client::try_submit); the closure may be called more than once.
    #[track_caller]
    pub fn try_submit<R, E, F>(self, f: F) -> TaskFuture<R>
    where
        P: TakesClosures,
        F: Fn() -> Result<R, E> + Send + Sync + 'static,
        R: Send + Sync + 'static,
        E: Into<Failure>,
    {
        let f = Arc::new(f);
        let recipe = Recipe::new(move || {
            let f = Arc::clone(&f);
            Job::new::<F, _, _>(move |_| f().map_err(Into::into))
        });
        self.plan
            .launch_again(Linker::default(), recipe, Location::caller())
    }

    /// As [`Client::submit_with`](crate::Client::submit_with), with lent inputs; the closure may be called more than once.
    #[track_caller]
    pub fn submit_with<D, R, F>(self, inputs: D, f: F) -> TaskFuture<R>
    where
        P: TakesClosures,
        D: Inputs<Held: Lent>,
        F: for<'a> Fn(<D::Held as Held>::Values<'a>) -> R + Send + Sync + 'static,
        R: Send + Sync + 'static,
    {
        let mut linker = Linker::default();
        let (held, f) = (inputs.hold(&mut linker), Arc::new(f));
        let recipe = Recipe::new(move || {
            let (held, f) = (held.again(), Arc::clone(&f));
            Job::new::<F, _, _>(move |context| Ok(f(held.values(context))))
        });
        self.plan.launch_again(linker, recipe, Location::caller())
    }

    /// As [`Client::try_submit_with`](crate::Client::try_submit_with), with lent inputs; the closure may be called more
    /// than once.
    #[track_caller]
    pub fn try_submit_with<D, R, E, F>(self, inputs: D, f: F) -> TaskFuture<R>
    where
        P: TakesClosures,
        D: Inputs<Held: Lent>,
        F: for<'a> Fn(<D::Held as Held>::Values<'a>) -> Result<R, E> + Send + Sync + 'static,
        R: Send + Sync + 'static,
        E: Into<Failure>,
    {
        let mut linker = Linker::default();
        let (held, f) = (inputs.hold(&mut linker), Arc::new(f));
        let recipe = Recipe::new(move || {
            let (held, f) = (held.again(), Arc::clone(&f));
            Job::new::<F, _, _>(move |context| f(held.values(context)).map_err(Into::into))
        });
        self.plan.launch_again(linker, recipe, Location::caller())
    }
}
